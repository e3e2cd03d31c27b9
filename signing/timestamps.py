"""Timestamps (RFC 3161): who gives them, and what counts as one."""

from typing import Protocol


class Timestamper(Protocol):
    """A timestamp authority, or several behind one door."""

    def timestamp(self, digest: bytes) -> bytes:
        """A TimeStampToken (CMS, DER) over a SHA-256 digest. Raises TimestampRefused."""
        ...
