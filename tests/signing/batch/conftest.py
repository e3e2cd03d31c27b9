"""The judges of what the fast path makes: pyHanko (strict, with path and revocation), openssl, pdfsig and qpdf."""

import asyncio
import io
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from asn1crypto import pem as asn1_pem
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature, async_validate_pdf_timestamp
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext

from signing.demo import DemoAuthority


@dataclass(frozen=True, slots=True)
class Judges:
    """Each raises AssertionError with what it saw."""

    roots: tuple[asn1_x509.Certificate, ...]
    root_file: Path
    folder: Path

    def all(self, pdf: bytes, *, signatures: int, timestamps: int = 0) -> None:
        """Every judge accepts every signature, and sees this many."""
        self.pyhanko(pdf, signatures=signatures, timestamps=timestamps)
        self.openssl(pdf)
        path = self.folder / "judged.pdf"
        path.write_bytes(pdf)
        self.qpdf(path)
        self.pdfsig(path, signatures)

    def pyhanko(self, pdf: bytes, *, signatures: int, timestamps: int = 0) -> None:
        """Strict reading; integrity, trust, difference analysis."""
        asyncio.run(self._pyhanko(pdf, signatures, timestamps))

    async def _pyhanko(self, pdf: bytes, signatures: int, timestamps: int) -> None:
        reader = PdfFileReader(io.BytesIO(pdf), strict=True)
        people = reader.embedded_regular_signatures
        stamps = reader.embedded_timestamp_signatures
        assert (len(people), len(stamps)) == (signatures, timestamps)
        usage = KeyUsageConstraints(key_usage={"non_repudiation"})
        for each in people:
            status = await async_validate_pdf_signature(
                each, self._context(), ts_validation_context=self._context(), key_usage_settings=usage
            )
            assert status.bottom_line, f"{each.field_name}: {status.summary()}"
        for each in stamps:
            stamp = await async_validate_pdf_timestamp(each, self._context())
            assert stamp.intact, each.field_name
            assert stamp.valid, each.field_name
            assert stamp.trusted, f"{each.field_name}: {stamp.summary()}"
        last = reader.embedded_signatures[-1]
        last.compute_integrity_info()
        assert last.coverage.name in {"ENTIRE_FILE", "ENTIRE_REVISION"}

    def _context(self) -> ValidationContext:
        return ValidationContext(trust_roots=list(self.roots), allow_fetching=False)

    def openssl(self, pdf: bytes) -> None:
        """Each CMS as CAdES, each document timestamp by its imprint."""
        for index, (signed, cms, is_timestamp) in enumerate(cut_out(pdf)):
            data, sig = self.folder / f"{index}.tbs", self.folder / f"{index}.p7"
            data.write_bytes(signed)
            sig.write_bytes(cms)
            if is_timestamp:
                told = _run("openssl", "ts", "-verify", "-data", data, "-in", sig, "-token_in", "-CAfile", self.root_file)
                assert "Verification: OK" in told
            else:
                told = _run(
                    "openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", sig,
                    "-content", data, "-CAfile", self.root_file, "-purpose", "any", "-out", "/dev/null",
                )  # fmt: skip
                assert "CAdES Verification successful" in told

    def qpdf(self, path: Path) -> None:
        """No errors, no warnings."""
        told = _run("qpdf", "--check", path)
        assert "No syntax or stream encoding errors" in told

    def pdfsig(self, path: Path, signatures: int) -> None:
        """Poppler finds the signatures valid; it cannot judge document timestamps."""
        told = _run("pdfsig", "-nocert", path)
        assert told.count("Signature is Valid") >= signatures, told


def cut_out(pdf: bytes) -> list[tuple[bytes, bytes, bool]]:
    """For each signature what it covers, its CMS, and whether it is a document timestamp."""
    found = []
    for match in re.finditer(rb"/ByteRange ?\[ ?(\d+) (\d+) (\d+) (\d+)", pdf):
        start, length, after, rest = (int(each) for each in match.groups())
        der = bytes.fromhex(pdf[length + 1 : after - 1].decode("ascii"))
        size = 4 + int.from_bytes(der[2:4], "big")
        assert not der[size:].strip(b"\0")
        head = pdf[pdf.rindex(b" obj", 0, match.start()) : match.start()]
        found.append((pdf[start:length] + pdf[after : after + rest], der[:size], b"ETSI.RFC3161" in head))
    return found


def _run(*command: str | Path) -> str:
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True, timeout=60, check=False)
    told = done.stdout + done.stderr
    assert done.returncode == 0, f"{command[0]}: {told}"
    return told


@pytest.fixture
def judges(authority: DemoAuthority, tmp_path: Path) -> Judges:
    root_file = authority.trust_pem()[0]
    _, _, der = asn1_pem.unarmor(root_file.read_bytes())
    return Judges((asn1_x509.Certificate.load(der),), root_file, tmp_path)


@pytest.fixture
def cut() -> Callable[[bytes], list[tuple[bytes, bytes, bool]]]:
    """What each signature covers, its CMS, and whether it is a document timestamp."""
    return cut_out
