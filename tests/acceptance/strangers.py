"""Verifiers that are not pyHanko, for the files of the main job: openssl on the cut-out parts, pdfsig, pdfsignerpy, qpdf."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pdfsigner

BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")


@dataclass(frozen=True)
class Part:
    """One signature cut out of a file by its bytes alone."""

    signed: bytes
    cms: bytes
    timestamp: bool


def parts_of(pdf: bytes) -> list[Part]:
    """Every signature of a file in the order of the bytes it covers."""
    found = []
    for match in BYTE_RANGE.finditer(pdf):
        _, first, second, rest = (int(number) for number in match.groups())
        if pdf[first : first + 1] != b"<" or pdf[second - 1 : second] != b">":
            continue  # of an attached sheet: its numbers count from its own beginning
        hexadecimal = pdf[first + 1 : second - 1]
        der = bytes.fromhex(hexadecimal.decode())
        # DER says its own length; the rest is the placeholder's padding.
        size = 4 + int.from_bytes(der[2:4], "big")
        around = pdf[max(0, match.start() - 400) : match.end() + 400]
        found.append(
            Part(signed=pdf[:first] + pdf[second : second + rest], cms=der[:size], timestamp=b"ETSI.RFC3161" in around)
        )
    return sorted(found, key=lambda part: len(part.signed))


def openssl_accepts(part: Part, roots: Path, folder: Path) -> str:
    """What openssl says of one signature or document timestamp. Raises CalledProcessError with its words when it refuses."""
    content, cms = folder / "signed.bin", folder / "signature.p7"
    content.write_bytes(part.signed)
    cms.write_bytes(part.cms)
    if part.timestamp:
        command: list[str | Path] = ["openssl", "ts", "-verify", "-data", content, "-in", cms, "-token_in", "-CAfile", roots]
    else:
        command = ["openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", cms, "-content", content]
        command += ["-CAfile", roots, "-purpose", "any", "-out", "/dev/null"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return str(done.stdout + done.stderr)


def pdfsig_says(path: Path) -> list[str]:
    """The "Signature Validation" lines of poppler's pdfsig."""
    done = subprocess.run(["pdfsig", "-nocert", path], capture_output=True, text=True, check=True, timeout=60)
    return [line.partition(":")[2].strip() for line in done.stdout.splitlines() if "Signature Validation" in line]


def pdfsigner_says(path: Path, roots: Path) -> str:
    """The report of pdfsignerpy, which is written in Rust and shares no code with pyHanko."""
    return str(pdfsigner.verify_pdf_report(str(path), roots=str(roots)))


def qpdf_is_content(path: Path) -> None:
    """The structure is sound."""
    subprocess.run(["qpdf", "--check", path], capture_output=True, check=True, timeout=60)
