"""Revocation data from the network, when the caller asks for it: only from hosts on the trust bundle's list.

Addresses stand in certificates, and certificates in uploaded files: following them freely would let a file make our
machine ask any address (SSRF). So a host counts only when the trust bundle names it, redirects are not followed, and
answers are bounded.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

import httpx
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from signing.trust import Trust
from signing.verification.certificates import Certificate, load_certificate
from signing.verification.faults import Fault
from signing.verification.pdf import Pdf
from signing.verification.signed_data import read_signed_data
from signing.verification.structure import read_document

SECONDS = 5.0  # per request
MAX_REQUESTS = 8  # per file
MAX_ANSWER = 16 * 1024 * 1024  # a large authority's list has about 5 MB


def with_fetched(content: bytes, trust: Trust, now: datetime) -> Trust:
    """The bundle with the revocation lists that the allowed hosts give for the file's certificates."""
    del now
    lists: list[bytes] = []
    for address in list(dict.fromkeys(_addresses(content, trust)))[:MAX_REQUESTS]:
        answer = _get(address)
        if answer is not None:
            lists.append(answer)
    return replace(trust, revocation_lists=(*trust.revocation_lists, *lists)) if lists else trust


def allowed(address: str, trust: Trust) -> bool:
    """Whether an address is plain HTTP(S) on its usual port, at a host that the bundle names."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    host = (parts.hostname or "").lower()
    named = f"{host}:{port}" in trust.hosts if port not in {None, 80, 443} else host in trust.hosts
    return parts.scheme in {"http", "https"} and named and parts.username is None


def _addresses(content: bytes, trust: Trust) -> Iterable[str]:
    for certificate in _certificates(content, trust):
        try:
            points = certificate.parsed.extensions.get_extension_for_oid(ExtensionOID.CRL_DISTRIBUTION_POINTS).value
        except (x509.ExtensionNotFound, ValueError):
            continue
        for point in points if isinstance(points, x509.CRLDistributionPoints) else ():
            for name in point.full_name or ():
                if isinstance(name, x509.UniformResourceIdentifier) and allowed(name.value, trust):
                    yield name.value


def _certificates(content: bytes, trust: Trust) -> Iterable[Certificate]:
    yield from trust.helpers
    try:
        document = read_document(Pdf(content), len(content))
    except Fault:
        return
    for found in document.signatures:
        try:
            for der in read_signed_data(found.contents).certificates:
                yield load_certificate(der)
        except Fault:
            continue


def _get(address: str) -> bytes | None:
    try:
        with httpx.stream("GET", address, timeout=SECONDS, follow_redirects=False) as response:
            if response.status_code != httpx.codes.OK:
                return None
            data = b""
            for piece in response.iter_bytes():
                data += piece
                if len(data) > MAX_ANSWER:
                    return None
        x509.load_der_x509_crl(data)
    except (httpx.HTTPError, ValueError):
        return None
    return data
