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
    from signing.apply.waiting_fields import usual_place, waiting_fields
    from signing.asic import add_signature, archive_package, make_package, verify_package
    from signing.cades import extend_cades, finish_cades, prepare_cades, sign_cades, verify_cades
    from signing.demo import DemoAuthority, Issued
    from signing.errors import SigningError, WrongSecret
    from signing.evidence import Evidence, HttpEvidence, Revocation, issuers_hosts
    from signing.formats import verify_any
    from signing.keys import Scheme, Signer, open_signer
    from signing.levels import Level
    from signing.lifetime import validity
    from signing.report import (
        AttachmentReport,
        Changes,
        Finding,
        Report,
        SignatureKind,
        SignatureReport,
        SubIndication,
        Verdict,
    )
    from signing.sandbox import verify_file, verify_untrusted
    from signing.second_opinion import second_opinion, with_second_opinion
    from signing.timestamps import HttpTimestamper, Timestamper
    from signing.trust import Trust
    from signing.verification.verify import verify
    from signing.xml import PreparedXml, Role, extend_xml, finish_xml, prepare_xml, sign_transcript, sign_xml, verify_xml

_HOMES = {
    "signing.apply": (
        "Appearance", "Failed", "Image", "Page", "Prepared", "Renewed", "SignRequest", "Signed", "Text",
        "extend", "finish", "prepare", "renew", "sign", "sign_many",
    ),
    "signing.apply.waiting_fields": ("usual_place", "waiting_fields"),
    "signing.asic": ("add_signature", "archive_package", "make_package", "verify_package"),
    "signing.cades": ("extend_cades", "finish_cades", "prepare_cades", "sign_cades", "verify_cades"),
    "signing.demo": ("DemoAuthority", "Issued"),
    "signing.errors": ("SigningError", "WrongSecret"),
    "signing.evidence": ("Evidence", "HttpEvidence", "Revocation", "issuers_hosts"),
    "signing.formats": ("verify_any",),
    "signing.keys": ("Scheme", "Signer", "open_signer"),
    "signing.levels": ("Level",),
    "signing.report": (
        "AttachmentReport", "Changes", "Finding", "Report", "SignatureKind", "SignatureReport",
        "SubIndication", "Verdict",
    ),
    "signing.trust": ("Trust",),
    "signing.lifetime": ("validity",),
    "signing.sandbox": ("verify_file", "verify_untrusted"),
    "signing.verification.verify": ("verify",),
    "signing.second_opinion": ("second_opinion", "with_second_opinion"),
    "signing.xml": (
        "PreparedXml", "Role", "extend_xml", "finish_xml", "prepare_xml", "sign_transcript", "sign_xml", "verify_xml",
    ),
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
    "PreparedXml",
    "Renewed",
    "Report",
    "Revocation",
    "Role",
    "Scheme",
    "SignRequest",
    "SignatureKind",
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
    "add_signature",
    "archive_package",
    "extend",
    "extend_cades",
    "extend_xml",
    "finish",
    "finish_cades",
    "finish_xml",
    "issuers_hosts",
    "make_package",
    "open_signer",
    "prepare",
    "prepare_cades",
    "prepare_xml",
    "renew",
    "second_opinion",
    "sign",
    "sign_cades",
    "sign_many",
    "sign_transcript",
    "sign_xml",
    "usual_place",
    "validity",
    "verify",
    "verify_any",
    "verify_cades",
    "verify_file",
    "verify_package",
    "verify_untrusted",
    "verify_xml",
    "waiting_fields",
    "with_second_opinion",
]


def __getattr__(name: str) -> Any:
    """The public name, from the module that is its home."""
    if name in _HOME_OF:
        return getattr(importlib.import_module(_HOME_OF[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
