"""The states of a file that somebody signed: a PDF only grows, so each is its first so many bytes."""

import hashlib
from dataclasses import dataclass

from signing.report import Report

MOST_REVISIONS = 64  # of one file; a volume with every signature of a school has some twenty


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRevision:
    """The file as it was when one or more signatures were made over all of it."""

    number: int  # from 1, oldest first
    fields: tuple[str, ...]  # the signatures made over exactly these bytes
    length: int  # bytes
    sha256: str
    newest: bool  # the whole file: nothing came after

    def content(self, pdf: bytes) -> bytes:
        """The bytes, out of the file that they are the beginning of."""
        return pdf[: self.length]


def signed_revisions(pdf: bytes, report: Report) -> tuple[SignedRevision, ...]:
    """Each revision that a signature of the report covers, oldest first. Signatures over unclear bytes have none."""
    fields: dict[int, list[str]] = {}
    for signature in report.signatures:
        length = signature.signed_bytes
        if length is not None and 0 < length <= len(pdf):
            fields.setdefault(length, []).append(signature.field)
    lengths = sorted(fields)[:MOST_REVISIONS]
    digests = _digests(pdf, lengths)
    return tuple(
        SignedRevision(
            number=number, fields=tuple(fields[length]), length=length, sha256=digests[length], newest=length == len(pdf)
        )
        for number, length in enumerate(lengths, start=1)
    )


def _digests(pdf: bytes, lengths: list[int]) -> dict[int, str]:
    """SHA-256 of each beginning, in one run over the file."""
    digest, done, found = hashlib.sha256(), 0, {}
    view = memoryview(pdf)
    for length in lengths:
        digest.update(view[done:length])
        found[length] = digest.hexdigest()
        done = length
    return found
