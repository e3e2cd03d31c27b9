"""`soky sign`: one PDF, one field, one key. The PIN is asked for once, never stored, never tried twice."""

import getpass
import os
import resource
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import signing
from api.endings import fail, sentence
from api.free_places import no_place
from api.whole_files import write_whole
from signing.errors import BadRequest, LevelNotReached
from signing.verification.certificates import readable_certificate
from signing.visible import visible

# A PIN is short, an access token of a signing service may have some thousand characters.
LONGEST_SECRET = 16 << 10


def sign_file(
    source: Path,
    target: Path,
    *,
    key: str,
    field: str,
    level: str,
    tsa: list[str],
    image: Path | None,
    reason: str,
    pin_fd: int | None,
    seal: bool = False,
    force: bool = False,
    say: Callable[[str], None] = print,
) -> int:
    """Write the signed file beside nothing else: complete, or not at all. Returns the exit code.

    `seal`: an organisation's certificate; it does not sign for a person, nor a person's for it. `force`: a file that stands
    at `target` is replaced; without it that is refused before the key is asked for anything.
    """
    if (taken := no_place(target, [source], force=force, over_sources=True)) is not None:
        return fail(taken)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash leaves no copy of the secret on the disk
    try:
        request = signing.SignRequest(
            field=field,
            kind="seal" if seal else "signature",
            level=_level(level, tsa),
            appearance=signing.Image(png=image.read_bytes()) if image else None,
            reason=reason,
        )
        pdf = source.read_bytes()
        if image is not None:
            _need_room(pdf, field)
        timestamper = signing.HttpTimestamper(tsa) if tsa else None
        with signing.open_signer(key, lambda word: _ask(word, pin_fd)) as signer:
            evidence = _evidence(request.level, signer, tsa)
            request = _in_a_new_place(pdf, request)
            signed = signing.sign(pdf, request, signer, timestamper=timestamper, evidence=evidence)
            certificate = signer.certificate
        write_whole(target, signed)
    except LevelNotReached as short:
        # Valid, but below what was asked for: not written, so that nobody takes it for the other.
        return fail(f"{short.code}: {short.vi}; không ghi gì / {short.en}; nothing was written")
    except (signing.SigningError, OSError) as problem:
        return fail(sentence(problem))
    say(_done(certificate, request, signed, target))
    return 0


def _level(name: str, tsa: list[str]) -> signing.Level:
    """BadRequest for one that does not exist, and for one above B-B without a time-stamping authority."""
    try:
        level = signing.Level(name)
    except ValueError:
        raise BadRequest(f"không có mức {name}, chỉ có B-B, B-T, B-LT, B-LTA", f"there is no level {name}") from None
    if level is not signing.Level.B_B and not tsa:
        raise BadRequest(
            f"mức {level} cần --tsa URL của dịch vụ cấp dấu thời gian", f"{level} needs --tsa URL, a time-stamping authority"
        )
    return level


def _done(certificate: bytes, request: signing.SignRequest, signed: bytes, target: Path) -> str:
    """Who signed what, at which level, when and to where: one line, Vietnamese and then English."""
    read = readable_certificate(certificate)
    name = visible((read.common_name if read is not None else None) or "?")
    what_vi, what_en = ("Con dấu", "sealed") if request.kind == "seal" else ("Chữ ký", "signed")
    at = datetime.now(UTC).astimezone().strftime("%d/%m/%Y %H:%M:%S UTC%z")
    place, shown, level = visible(request.field), visible(str(target)), request.level
    return (
        f"{what_vi} của {name} vào ô «{place}», mức {level}, lúc {at}, ghi vào {shown} ({len(signed)} byte)"
        f" / {what_en} by {name} in field “{place}” at level {level}, {at}, written to {shown}"
    )


def _in_a_new_place(pdf: bytes, request: signing.SignRequest) -> signing.SignRequest:
    """A document whose laid fields are all signed, or that has none, gets a new field: with a picture one that is seen.

    Where empty fields wait, a name that is not among them is a slip of the pen, and is refused by `sign`.
    """
    if signing.waiting_fields(pdf):
        return request
    if request.appearance is None:
        return replace(request, existing_only=False)
    page, box = signing.usual_place(pdf)
    return replace(request, existing_only=False, page=page, box=box)


class ImageNeedsField(signing.SigningError):
    """The field has no room on a page: the picture would be left out in silence."""

    code = "IMAGE_NEEDS_FIELD"


def _need_room(pdf: bytes, field: str) -> None:
    """ImageNeedsField where the field is laid and no picture could be seen in it."""
    waiting, shown = signing.waiting_fields(pdf), signing.waiting_fields(pdf, seen=True)
    if field in shown or field not in waiting:
        return
    there = visible(", ".join(shown)) or "–"
    name = visible(field)
    raise ImageNeedsField(
        f"ảnh cần một ô ký còn trống, có chỗ trên trang; «{name}» không có chỗ; có: {there}",
        f"a picture needs an empty field that is seen on a page; “{name}” has no room there; there are: {there}",
    )


def _evidence(level: signing.Level, signer: signing.Signer, tsa: list[str]) -> signing.Evidence | None:
    """The issuers of the signer's own certificate and of the named authorities are asked, and nobody else."""
    if level not in {signing.Level.B_LT, signing.Level.B_LTA}:
        return None
    named = {urlsplit(url).hostname or "" for url in tsa}
    return signing.HttpEvidence(signing.issuers_hosts((signer.certificate, *signer.chain)) | named, known=signer.chain)


class NoSecretGiven(signing.SigningError):
    """Nobody answered the question for the secret: an empty one is not tried in its place, a token would count it."""

    code = "NO_SECRET_GIVEN"


def _ask(word: str, pin_fd: int | None) -> str:
    if pin_fd is None and sys.stdin.isatty():
        return getpass.getpass(f"{word}: ")
    try:
        said = sys.stdin.readline(LONGEST_SECRET) if pin_fd is None else _line_of(pin_fd).decode()
    except (OSError, UnicodeDecodeError) as problem:
        where = f"--pin-fd {pin_fd}" if pin_fd is not None else "stdin"
        raise NoSecretGiven(f"không đọc được mã từ {where}", f"the secret cannot be read from {where}") from problem
    if not said:
        raise NoSecretGiven("không có mã nào được đưa vào", "no secret was given: the input ended")
    if len(said) >= LONGEST_SECRET:  # a part of it would be a wrong one
        raise NoSecretGiven(f"mã dài quá {LONGEST_SECRET} ký tự", f"the secret is longer than {LONGEST_SECRET} characters")
    return said.rstrip("\r\n")


def _line_of(descriptor: int) -> bytes:
    """One line and no more: the next secret that the key asks for is the next line."""
    line = bytearray()
    while len(line) < LONGEST_SECRET and (byte := os.read(descriptor, 1)):
        line += byte
        if byte == b"\n":
            break
    return bytes(line)
