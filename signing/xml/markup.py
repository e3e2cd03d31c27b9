"""The Signature element as text: XML-DSig with the signed and unsigned properties of XAdES (EN 319 132-1, clause 5).

No white space between elements: nobody signs a line break, and no editor is invited to change one.
"""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from xml.sax.saxutils import quoteattr

from signing.der import der, integer, sequence
from signing.keys.algorithms import Scheme, read_certificate
from signing.proof import Beside
from signing.xml.algorithms import DIGEST_URIS, DS, ENVELOPED, SIGNED_PROPERTIES, XADES, XADES_141, signature_uri
from signing.xml.canonical import C14N_11


def signature_markup(
    signature_id: str,
    *,
    reference_id: str,
    data_digest: bytes,
    digest: str,
    scheme: Scheme,
    certificates: Sequence[bytes],
    properties: str,
) -> str:
    """A whole Signature; the digest of SignedProperties and the signature value are left empty."""
    enveloped = "" if reference_id else f'<ds:Transform Algorithm="{ENVELOPED}"/>'
    uri = quoteattr(f"#{reference_id}") if reference_id else '""'
    keys = "".join(f"<ds:X509Certificate>{_b64(each)}</ds:X509Certificate>" for each in certificates)
    return (
        f'<ds:Signature xmlns:ds="{DS}" Id="{signature_id}"><ds:SignedInfo>'
        f'<ds:CanonicalizationMethod Algorithm="{C14N_11.uri}"/>'
        f'<ds:SignatureMethod Algorithm="{signature_uri(scheme, digest)}"/>'
        f'<ds:Reference Id="{signature_id}-data" URI={uri}>'
        f"{_transforms(enveloped)}{_digest(digest, data_digest)}</ds:Reference>"
        f'<ds:Reference Type="{SIGNED_PROPERTIES}" URI="#{signature_id}-properties">'
        f"{_transforms('')}{_digest(digest, b'')}</ds:Reference></ds:SignedInfo>"
        f'<ds:SignatureValue Id="{signature_id}-value"></ds:SignatureValue>'
        f"<ds:KeyInfo><ds:X509Data>{keys}</ds:X509Data></ds:KeyInfo>"
        f'<ds:Object><xades:QualifyingProperties xmlns:xades="{XADES}" Target="#{signature_id}">{properties}'
        f"</xades:QualifyingProperties></ds:Object></ds:Signature>"
    )


def properties_markup(signature_id: str, certificate: bytes, moment: datetime) -> str:
    """SignedProperties of B-B: SigningTime, SigningCertificateV2, DataObjectFormat (6.3)."""
    holder = read_certificate(certificate)
    issuer_serial = sequence(sequence(der(0xA4, holder.issuer.public_bytes())), integer(holder.serial_number))
    return (
        f'<xades:SignedProperties Id="{signature_id}-properties"><xades:SignedSignatureProperties>'
        f"<xades:SigningTime>{moment.isoformat(timespec='seconds')}</xades:SigningTime>"
        f"<xades:SigningCertificateV2><xades:Cert><xades:CertDigest>"
        f"{_digest('sha256', hashlib.sha256(certificate).digest())}</xades:CertDigest>"
        f"<xades:IssuerSerialV2>{_b64(issuer_serial)}</xades:IssuerSerialV2></xades:Cert></xades:SigningCertificateV2>"
        f"</xades:SignedSignatureProperties><xades:SignedDataObjectProperties>"
        f'<xades:DataObjectFormat ObjectReference="#{signature_id}-data"><xades:MimeType>text/xml</xades:MimeType>'
        f"</xades:DataObjectFormat></xades:SignedDataObjectProperties></xades:SignedProperties>"
    )


# Unsigned properties. Each declares its prefixes itself: it may go into a signature that another program made.

_PREFIXES = f'xmlns:xades="{XADES}" xmlns:ds="{DS}"'


def stamp_markup(token: bytes) -> bytes:
    """SignatureTimeStamp (5.3)."""
    return f"<xades:SignatureTimeStamp {_PREFIXES}>{_stamp(token)}</xades:SignatureTimeStamp>".encode()


def archive_markup(token: bytes) -> bytes:
    """ArchiveTimeStamp of XAdES 1.4.1 (5.5.2)."""
    name = "xadesv141:ArchiveTimeStamp"
    return f'<{name} xmlns:xadesv141="{XADES_141}" {_PREFIXES}>{_stamp(token)}</{name}>'.encode()


def values_markup(beside: Beside) -> bytes:
    """CertificateValues and RevocationValues (5.4), the signature's own."""
    return _values(beside, f" {_PREFIXES}").encode()


def validation_data_markup(beside: Beside) -> bytes:
    """TimeStampValidationData (5.5.1): the same for the timestamp before it."""
    name = "xadesv141:TimeStampValidationData"
    return f'<{name} xmlns:xadesv141="{XADES_141}" {_PREFIXES}>{_values(beside, "")}</{name}>'.encode()


def unsigned_markup(properties: bytes) -> bytes:
    """UnsignedProperties around them."""
    inner = b"<xades:UnsignedSignatureProperties>" + properties + b"</xades:UnsignedSignatureProperties>"
    return f'<xades:UnsignedProperties xmlns:xades="{XADES}">'.encode() + inner + b"</xades:UnsignedProperties>"


def _stamp(token: bytes) -> str:
    method = f'<ds:CanonicalizationMethod Algorithm="{C14N_11.uri}"/>'
    return f"{method}<xades:EncapsulatedTimeStamp>{_b64(token)}</xades:EncapsulatedTimeStamp>"


def _values(beside: Beside, declared: str) -> str:
    lists, ocsps = beside.revocation.crls, beside.revocation.ocsps
    certificates = _each("EncapsulatedX509Certificate", beside.certificates)
    text = f"<xades:CertificateValues{declared}>{certificates}</xades:CertificateValues><xades:RevocationValues{declared}>"
    text += f"<xades:CRLValues>{_each('EncapsulatedCRLValue', lists)}</xades:CRLValues>" if lists else ""
    text += f"<xades:OCSPValues>{_each('EncapsulatedOCSPValue', ocsps)}</xades:OCSPValues>" if ocsps else ""
    return text + "</xades:RevocationValues>"


def _transforms(first: str) -> str:
    return f'<ds:Transforms>{first}<ds:Transform Algorithm="{C14N_11.uri}"/></ds:Transforms>'


def _digest(name: str, value: bytes) -> str:
    return f'<ds:DigestMethod Algorithm="{DIGEST_URIS[name]}"/><ds:DigestValue>{_b64(value)}</ds:DigestValue>'


def _each(name: str, values: Sequence[bytes]) -> str:
    return "".join(f"<xades:{name}>{_b64(value)}</xades:{name}>" for value in values)


def _b64(data: bytes) -> str:
    return b64encode(data).decode()
