"""What we sign is accepted by programs that share no code with us: openssl, poppler's pdfsig, and pdfsigner (Rust)."""

import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pdfsigner
import pytest

from signing import DemoAuthority, Issued, Level, SignRequest, extend, sign
from signing.batch import Order, Unusual
from signing.batch.document import Document
from signing.batch.placing import hasher, lay_signature
from signing.keys.file import FileSigner

ALGORITHMS = {
    "RSA-2048 PKCS#1": ("rsa2048", ""),
    "RSA-2048 PSS": ("rsa2048", "?padding=pss"),
    "RSA-3072 PSS": ("rsa3072", "?padding=pss"),
    "P-256": ("p256", ""),
    "P-384": ("p384", ""),
    # The same, in a document that the quick way leaves to pyHanko.
    "RSA-2048 PSS by pyHanko": ("rsa2048", "?padding=pss"),
    "P-256 by pyHanko": ("p256", ""),
}


@pytest.fixture(scope="module")
def signers(authority: DemoAuthority) -> Mapping[str, FileSigner]:
    """One key of each kind."""
    return {
        name: FileSigner.open(authority.issue(f"Người ký {name}", f"T:{name}", key=key).uri + query, lambda _: "123456")
        for name, (key, query) in ALGORITHMS.items()
    }


@pytest.fixture(scope="module")
def documents(
    authority: DemoAuthority, signers: Mapping[str, FileSigner], book_pdf: bytes
) -> Mapping[tuple[str, Level], bytes]:
    """Every algorithm at every level."""
    return {
        (name, level): sign(
            unusual(book_pdf) if "pyHanko" in name else book_pdf,
            SignRequest(field="principal_signs", level=level, reason="Ký duyệt"),
            signer,
            timestamper=authority,
            evidence=authority,
        )
        for name, signer in signers.items()
        for level in Level
    }


every = pytest.mark.parametrize("level", list(Level))
each = pytest.mark.parametrize("algorithm", list(ALGORITHMS))


@every
@each
def test_openssl_accepts_every_signature(
    algorithm: str, level: Level, documents: Mapping[tuple[str, Level], bytes], roots: Path, tmp_path: Path
) -> None:
    """`openssl cms -verify -cades` over the cut-out parts: digest, value, signing certificate and chain."""
    parts = cut_out(documents[algorithm, level])
    said = [openssl_says(*part, roots, tmp_path) for part in parts]

    assert len(said) == (2 if level is Level.B_LTA else 1)
    assert set(said) <= {"CAdES Verification successful", "Verification: OK"}


@every
@each
def test_openssl_accepts_the_timestamp_inside(
    algorithm: str, level: Level, documents: Mapping[tuple[str, Level], bytes], roots: Path, tmp_path: Path
) -> None:
    """From B-T on, the token in the signature stamps the signature value."""
    _, contents, _ = cut_out(documents[algorithm, level])[0]
    token, value = token_of(contents)

    assert (token is None) == (level is Level.B_B)
    if token is not None:
        (tmp_path / "value").write_bytes(value)
        (tmp_path / "token").write_bytes(token)
        command = ["openssl", "ts", "-verify", "-data", "value", "-in", "token", "-token_in", "-CAfile", str(roots)]
        assert subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout == "Verification: OK\n"


@every
@each
def test_pdfsig_accepts_every_signature(
    algorithm: str, level: Level, documents: Mapping[tuple[str, Level], bytes], tmp_path: Path
) -> None:
    """Poppler sees a PAdES signature over what it should cover. (Its 22.12 does not judge document timestamps.)"""
    said = pdfsig_says(documents[algorithm, level], tmp_path)

    assert said.count("Signature is Valid.") == 1
    assert "ETSI.CAdES.detached" in said
    assert ("Total document signed" in said) == (level is not Level.B_LT)


@every
@pytest.mark.parametrize("algorithm", ["RSA-2048 PKCS#1", "P-256", "P-384", "P-256 by pyHanko"])  # it knows no PSS
def test_pdfsigner_accepts_signature_and_timestamps(
    algorithm: str, level: Level, documents: Mapping[tuple[str, Level], bytes], roots: Path, tmp_path: Path
) -> None:
    """Integrity, chain to our root, and the times of the timestamps."""
    path = tmp_path / "signed.pdf"
    path.write_bytes(documents[algorithm, level])
    report = pdfsigner.verify_pdf_report(str(path), roots=str(roots))

    assert (report["all_valid"], report["all_trusted"], report["document_intact"]) == (True, True, True)
    assert len(report["signatures"]) == (2 if level is Level.B_LTA else 1)


def test_a_whole_class_book_is_accepted(
    authority: DemoAuthority, people: Mapping[str, Issued], book_pdf: bytes, roots: Path, tmp_path: Path
) -> None:
    """Three signatures, archive timestamp, and its renewal."""
    document = sign(
        book_pdf, SignRequest(field="homeroom_teacher_signs", certify=2), people["homeroom"].signer(), timestamper=authority
    )
    document = sign(document, SignRequest(field="principal_signs"), people["curve"].signer(), timestamper=authority)
    document = sign(
        document,
        SignRequest(field="clerk_seals", kind="seal", level=Level.B_LTA),
        people["seal"].signer(),
        timestamper=authority,
        evidence=authority,
    )
    document = extend(document, Level.B_LTA, timestamper=authority, evidence=authority)
    said = [openssl_says(*part, roots, tmp_path) for part in cut_out(document)]

    assert said == ["CAdES Verification successful"] * 3 + ["Verification: OK"] * 2
    assert pdfsig_says(document, tmp_path).count("Signature is Valid.") == 3


def test_a_flipped_bit_is_not_accepted(documents: Mapping[tuple[str, Level], bytes], roots: Path, tmp_path: Path) -> None:
    """The other programs do look."""
    document = bytearray(documents["P-256", Level.B_T])
    document[100] ^= 1

    assert openssl_says(*cut_out(bytes(document))[0], roots, tmp_path) != "CAdES Verification successful"
    assert "Signature is Valid." not in pdfsig_says(bytes(document), tmp_path)


def test_the_unusual_document_is_one(book_pdf: bytes) -> None:
    """The quick way declines it, as this file's tests of the other way rely on."""
    with pytest.raises(Unusual):
        lay_signature(Document(unusual(book_pdf)), Order(field="principal_signs", at=NOW), room=9, so_far=hasher("sha256"))


def unusual(pdf: bytes) -> bytes:
    """The same document with a comment in its catalog: lawful, and seen from hand-written software only."""
    changed = pdf.replace(b"/Lang (vi-VN)", b"/Lang %\n(vi) ")
    assert len(changed) == len(pdf)
    assert changed != pdf
    return changed


NOW = datetime(2026, 6, 1, tzinfo=UTC)

# The other programs


def cut_out(pdf: bytes) -> list[tuple[bytes, bytes, bool]]:
    """For each signature in the file's order: the signed bytes, the DER in /Contents, and whether it is a timestamp."""
    parts = []
    for found in re.finditer(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]", pdf):
        start, first, second, last = (int(number) for number in found.groups())
        contents = bytes.fromhex(pdf[first + 1 : second - 1].decode("ascii"))
        size = 4 + int.from_bytes(contents[2:4], "big")  # a SEQUENCE with a length of two bytes
        around = pdf[first - 400 : first] + pdf[second : second + 400]
        parts.append((pdf[start:first] + pdf[second : second + last], contents[:size], b"ETSI.RFC3161" in around))
    return parts


def openssl_says(data: bytes, contents: bytes, is_timestamp: bool, roots: Path, folder: Path) -> str:
    """The last line openssl writes."""
    (folder / "data").write_bytes(data)
    (folder / "contents").write_bytes(contents)
    command = ["openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "contents", "-content", "data"]
    command += ["-CAfile", str(roots), "-purpose", "any", "-out", "/dev/null"]
    if is_timestamp:
        command = ["openssl", "ts", "-verify", "-data", "data", "-in", "contents", "-token_in", "-CAfile", str(roots)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return (done.stdout if is_timestamp else done.stderr).strip().rpartition("\n")[2]


def pdfsig_says(pdf: bytes, folder: Path) -> str:
    """All that pdfsig prints."""
    (folder / "signed.pdf").write_bytes(pdf)
    done = subprocess.run(["pdfsig", "-nocert", "signed.pdf"], cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout


def token_of(contents: bytes) -> tuple[bytes | None, bytes]:
    """The signature's timestamp token, if any, and its value, found by openssl's own parser."""
    listing = subprocess.run(
        ["openssl", "asn1parse", "-inform", "DER"], input=contents, capture_output=True, check=True
    ).stdout.decode()
    lines = [re.match(r"\s*(\d+):d=(\d+)\s+hl=(\d+)\s+l=\s*(\d+)\s+(\w+):\s*(.*)", line) for line in listing.splitlines()]
    rows = [(int(m[1]), int(m[2]), int(m[3]), int(m[4]), m[6].strip()) for m in lines if m]
    values = [row for row in rows if row[1] == 5 and row[4].startswith("OCTET STRING")]
    offset, _, header, length, _ = values[-1]
    value = contents[offset + header : offset + header + length]
    for index, row in enumerate(rows):
        if "id-smime-aa-timeStampToken" in row[4]:
            start, _, header, length, _ = rows[index + 2]
            return contents[start : start + header + length], value
    return None, value
