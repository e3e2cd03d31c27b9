"""The process in which endesive runs: a PDF on standard input, one JSON line per signature that it finds on standard output.

    {"end": 12345, "says": "valid" | "invalid" | "cannot_judge", "detail": "..."}

Asked for hash and signature value of RSA signatures only. It judges EC keys by its own wrong habits, compares no timestamp's
imprint, and takes certificates with equal serial numbers for one: all that is left out here, and named as a blind spot.
"""

import json
import logging
import sys
from typing import Any

from signing.second_opinion.endesive_guard import endesive_importable

MAX_SIGNATURES = 64


def main() -> None:
    """Judge what comes in."""
    logging.disable(logging.CRITICAL)  # endesive logs a trace for each value that does not fit
    with endesive_importable():
        from endesive.pdf.verify import PDFVerifier
    verifier = PDFVerifier(sys.stdin.buffer.read(), [])
    for number, span in enumerate(verifier.byte_ranges[:MAX_SIGNATURES]):
        says, detail = _judged(verifier, number)
        sys.stdout.write(json.dumps({"end": span[2] + span[3], "says": says, "detail": detail}) + "\n")


def _judged(verifier: Any, number: int) -> tuple[str, str]:
    try:
        start, first, second, length = verifier.byte_ranges[number]
        contents = bytes.fromhex(verifier.pdf_data[start + first + 1 : second - 1].decode("ascii"))
        data = verifier.pdf_data[start : start + first] + verifier.pdf_data[second : second + length]
        result = verifier.decompose_signed_data(contents, data)
        if result.signed_data["encap_content_info"]["content_type"].native != "data":
            return "cannot_judge", "a timestamp: its imprint would not be compared"
        if result.cert.public_key.algorithm != "rsa":
            return "cannot_judge", "not an RSA key"
    except Exception as fault:  # noqa: BLE001 -- the library raises whatever the bytes make it raise
        return "cannot_judge", type(fault).__name__
    if result.hashok and result.signatureok:
        return "valid", ""
    return "invalid", "signature value" if result.hashok else "digest"


if __name__ == "__main__":
    main()
