"""From when until when a certificate says it is valid (RFC 5280, 4.1.2.5)."""

from datetime import datetime

from cryptography import x509


def validity(certificate: bytes) -> tuple[datetime, datetime]:
    """The first and the last moment, aware (UTC). `certificate` is DER; ValueError if it is not one."""
    read = x509.load_der_x509_certificate(certificate)
    return read.not_valid_before_utc, read.not_valid_after_utc
