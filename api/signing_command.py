"""`soky sign`: one PDF, one field, one key. The PIN is asked for once, never stored, never tried twice."""

import getpass
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import signing
from api.file_problems import file_problem

# A PIN is short; whatever is longer is not one.
LONGEST_SECRET = 256


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
) -> int:
    """Write the signed file beside nothing else: complete, or not at all. Returns the exit code.

    `seal`: an organisation's certificate; it does not sign for a person, nor a person's for it.
    """
    try:
        request = signing.SignRequest(
            field=field,
            kind="seal" if seal else "signature",
            level=signing.Level(level),
            appearance=signing.Image(png=image.read_bytes()) if image else None,
            reason=reason,
        )
        pdf = source.read_bytes()
    except ValueError:
        return _refuse(f"{level}: mức không có / is no level: B-B, B-T, B-LT or B-LTA")
    except OSError as problem:
        return _refuse(f"FILE_PROBLEM: {file_problem(problem)}")
    if request.level is not signing.Level.B_B and not tsa:
        return _refuse(f"{level}: cần --tsa / needs --tsa URL, a time-stamping authority")
    try:
        timestamper = signing.HttpTimestamper(tsa) if tsa else None
        with signing.open_signer(key, lambda word: _ask(word, pin_fd)) as signer:
            evidence = _evidence(request.level, signer, tsa)
            request = _in_a_new_place(pdf, request)
            signed = signing.sign(pdf, request, signer, timestamper=timestamper, evidence=evidence)
    except signing.SigningError as refusal:
        return _refuse(f"{refusal.code}: {refusal}")
    _write_whole(target, signed)
    return 0


def _in_a_new_place(pdf: bytes, request: signing.SignRequest) -> signing.SignRequest:
    """A document whose laid fields are all signed, or that has none, gets a new invisible field.

    Where empty fields wait, a name that is not among them is a slip of the pen, and is refused by `sign`.
    """
    if signing.waiting_fields(pdf):
        return request
    return replace(request, existing_only=False)


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
        said = sys.stdin.readline(LONGEST_SECRET) if pin_fd is None else os.read(pin_fd, LONGEST_SECRET).decode()
    except (OSError, UnicodeDecodeError) as problem:
        where = f"--pin-fd {pin_fd}" if pin_fd is not None else "stdin"
        raise NoSecretGiven(f"không đọc được mã từ {where}", f"the secret cannot be read from {where}") from problem
    if not said:
        raise NoSecretGiven("không có mã nào được đưa vào", "no secret was given: the input ended")
    return said.rstrip("\r\n")


def _write_whole(target: Path, content: bytes) -> None:
    """Temp file, fsync, rename: after a power failure the old file or the new one is there, never half of one."""
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as half:
        half.write(content)
        half.flush()
        os.fsync(half.fileno())
    mask = os.umask(0)
    os.umask(mask)
    Path(half.name).chmod(0o666 & ~mask)  # as an ordinary new file of this user
    Path(half.name).replace(target)


def _refuse(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return 2
