"""Whose signature it is: a person's, or an organisation's seal.

The certificate decides: an organisation's names no person (no given name or surname, no personal id) and its CN is the
organisation (ND 68/2024 article 7; ND 30/2020). Only where it says nothing either way, the field's name does ("seal", "dau").
"""

import re

from signing.report import SignatureKind
from signing.verification.certificates import Certificate

_PERSONAL_ID = re.compile(r"(CCCD|CMND|HC|PID|PAS|IDC|PNO)[:A-Z-]", re.IGNORECASE)
_ORGANISATION_ID = re.compile(r"(MST|MNS|MĐV|MDV|VAT|NTR)[:A-Z-]", re.IGNORECASE)
_SEAL_FIELD = re.compile(r"(^|[_.\W])(seals?|con_?dau|dau)([_.\W]|$)", re.IGNORECASE)


def kind_of(certificate: Certificate | None, field: str) -> SignatureKind:
    """Signature or seal."""
    if certificate is not None:
        names = certificate.names
        ids = " ".join(names.get(key, "") for key in ("UID", "SERIALNUMBER"))
        if "GN" in names or "SN" in names or _PERSONAL_ID.search(ids):
            return SignatureKind.SIGNATURE
        if "ORGANIZATIONIDENTIFIER" in names or _ORGANISATION_ID.search(ids):
            return SignatureKind.SEAL
        if names.get("O") and names.get("CN"):
            return SignatureKind.SEAL if names["O"] == names["CN"] else SignatureKind.SIGNATURE
    return SignatureKind.SEAL if _SEAL_FIELD.search(field) else SignatureKind.SIGNATURE
