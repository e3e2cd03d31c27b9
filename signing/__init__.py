"""Signatures, seals and timestamps on PDF and XML: put them, and say truthfully what is there.

    with open_signer("file:keys/an.p12", ask=getpass) as signer:
        signed = sign(pdf, SignRequest(field="principal_signs"), signer, timestamper=tsa)
    report = verify(signed, Trust.load(["trust/"]))

The public names are loaded when they are first used: a process that only signs never loads the verifying half.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from signing.apply import (
        Appearance,
        Failed,
        Image,
        Page,
        Prepared,
        Renewed,
        Signed,
        SignRequest,
        Text,
        extend,
        finish,
        prepare,
        renew,
        sign,
        sign_many,
    )
    from signing.apply.waiting_fields import waiting_fields
    from signing.demo import DemoAuthority, Issued
    from signing.errors import SigningError, WrongSecret
    from signing.evidence import Evidence, HttpEvidence, Revocation, issuers_hosts
    from signing.keys import Scheme, Signer, open_signer
    from signing.levels import Level
    from signing.report import AttachmentReport, Changes, Finding, Report, SignatureReport, SubIndication, Verdict
    from signing.timestamps import HttpTimestamper, Timestamper
    from signing.trust import Trust
    from signing.lifetime import validity
    from signing.sandbox import verify_file, verify_untrusted
    from signing.verification.verify import verify

_HOMES = {
    "signing.apply": (
        "Appearance", "Failed", "Image", "Page", "Prepared", "Renewed", "SignRequest", "Signed", "Text",
        "extend", "finish", "prepare", "renew", "sign", "sign_many",
    ),
    "signing.apply.waiting_fields": ("waiting_fields",),
    "signing.demo": ("DemoAuthority", "Issued"),
    "signing.errors": ("SigningError", "WrongSecret"),
    "signing.evidence": ("Evidence", "HttpEvidence", "Revocation", "issuers_hosts"),
    "signing.keys": ("Scheme", "Signer", "open_signer"),
    "signing.levels": ("Level",),
    "signing.report": ("AttachmentReport", "Changes", "Finding", "Report", "SignatureReport", "SubIndication", "Verdict"),
    "signing.trust": ("Trust",),
    "signing.lifetime": ("validity",),
    "signing.sandbox": ("verify_file", "verify_untrusted"),
    "signing.verification.verify": ("verify",),
    "signing.timestamps": ("HttpTimestamper", "Timestamper"),
}  # fmt: skip
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Appearance",
    "AttachmentReport",
    "Changes",
    "DemoAuthority",
    "Evidence",
    "Failed",
    "Finding",
    "HttpEvidence",
    "HttpTimestamper",
    "Image",
    "Issued",
    "Level",
    "Page",
    "Prepared",
    "Renewed",
    "Report",
    "Revocation",
    "Scheme",
    "SignRequest",
    "SignatureReport",
    "Signed",
    "Signer",
    "SigningError",
    "SubIndication",
    "Text",
    "Timestamper",
    "Trust",
    "Verdict",
    "WrongSecret",
    "extend",
    "finish",
    "issuers_hosts",
    "open_signer",
    "prepare",
    "renew",
    "sign",
    "sign_many",
    "validity",
    "verify",
    "verify_file",
    "verify_untrusted",
    "waiting_fields",
]


def __getattr__(name: str) -> Any:
    """The public name, from the module that is its home."""
    if name in _HOME_OF:
        return getattr(importlib.import_module(_HOME_OF[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
