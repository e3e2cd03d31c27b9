"""The data of a verification slip (kind `verification_slip`): what a check of signatures found, fit for one page.

    slip_data(Slip(...), at=now, demo=False)

Names in a checked file are a stranger's: they are shortened, letters that cannot be printed become "?", and what is too
much for a page is counted instead. What was found is told by whoever checked; nothing is judged here.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Literal

from documents.data import canonical
from documents.rendering.fonts import printable

SLIP = "verification_slip"
SHOWN_SIGNATURES = 5  # on the page; a class book has three and a timestamp
SHOWN_NOTES = 3

LOCAL = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")

SlipVerdict = Literal["valid", "invalid", "unclear", "none", "unreadable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipService:
    """Who checked."""

    code: str
    name: str
    place: str
    parent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipCertificate:
    """The signer's certificate."""

    serial: str  # hexadecimal
    issuer: str
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipSignature:
    """One signature, seal or document timestamp, in the rows that the law asks for."""

    kind: Literal["signature", "seal", "doc_timestamp"]
    verdict: SlipVerdict
    signer: str
    organisation: str = ""
    office: str = ""  # the title in the certificate
    time: datetime | None = None
    time_source: Literal["timestamp", "signer", "none"] = "none"
    integrity: Literal["intact", "part", "permitted", "changed", "not_understood", "not_checked"] = "not_checked"
    certificate: SlipCertificate | None = None
    revocation: Literal["good", "revoked", "unknown"] = "unknown"
    algorithm: str = ""
    level: Literal["", "B-B", "B-T", "B-LT", "B-LTA"] = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """One checked file."""

    service: SlipService
    file_name: str
    sha256: str
    size: int
    verdict: SlipVerdict
    policy: str
    signatures: Sequence[SlipSignature] = ()
    signed_attachments: int = 0
    valid_attachments: int = 0
    notes: Sequence[str] = ()


def slip_data(slip: Slip, *, at: datetime, demo: bool, sealed: bool = True) -> bytes:
    """The data that `render("verification_slip", ...)` takes. `at`: when it was checked, with its zone.

    Without `sealed` there is no place for a seal, and the page says that it proves nothing.
    """
    if at.utcoffset() is None:
        raise ValueError("the date of a document is an aware datetime")
    # The failures come first, so that none of them is among those that are only counted.
    ordered = sorted(enumerate(slip.signatures, start=1), key=lambda each: each[1].verdict == "valid")
    shown, rest = sorted(ordered[:SHOWN_SIGNATURES], key=lambda each: each[0]), ordered[SHOWN_SIGNATURES:]
    return canonical(
        {
            "kind": SLIP,
            "version": 1,
            "demo": demo,
            **({} if sealed else {"sealed": False}),
            "at": _moment(at),
            "title": legible(f"Phiếu kiểm tra chữ ký số – {slip.file_name}", 200),
            "service": {
                "code": slip.service.code,
                "name": legible(slip.service.name, 80),
                "parent": legible(slip.service.parent, 80),
                "place": legible(slip.service.place, 40),
            },
            "file": {"name": legible(slip.file_name, 120) or "?", "sha256": slip.sha256, "size": slip.size},
            "verdict": slip.verdict,
            "policy": legible(slip.policy, 40) or "?",
            "signatures": [_signature(number, signature) for number, signature in shown],
            "more": {"count": len(rest), "valid": sum(signature.verdict == "valid" for _, signature in rest)},
            "attachments": {"signed": slip.signed_attachments, "valid": slip.valid_attachments},
            "notes": [note for note in (legible(each, 160) for each in slip.notes[:SHOWN_NOTES]) if note],
            "fields": {"service_seals": "service_seals", "archive_timestamp": "archive_timestamp"},
        }
    )


def legible(text: str, longest: int) -> str:
    """A stranger's text as it can be printed: composed letters, "?" for what no font shows, cut with an ellipsis."""
    plain = " ".join(unicodedata.normalize("NFC", text[: 4 * longest]).split())
    known = printable()
    shown = "".join(letter if letter in known else "?" for letter in plain)
    return shown if len(shown) <= longest else shown[: longest - 1].rstrip() + "…"


def _signature(number: int, signature: SlipSignature) -> dict[str, object]:
    held = signature.certificate
    return {
        "no": number,
        "kind": signature.kind,
        "signer": legible(signature.signer, 80) or "?",
        "organisation": legible(signature.organisation, 80),
        "office": legible(signature.office, 60),
        "time": _moment(signature.time) if signature.time is not None else None,
        "time_source": signature.time_source if signature.time is not None else "none",
        "integrity": signature.integrity,
        "certificate": None
        if held is None
        else {
            "serial": _hexadecimal(held.serial),
            "issuer": legible(held.issuer, 80) or "?",
            "from": _moment(held.not_before),
            "until": _moment(held.not_after),
        },
        "revocation": signature.revocation,
        "algorithm": legible(signature.algorithm, 40),
        "level": signature.level,
        "verdict": signature.verdict,
        "reason": legible(signature.reason, 120),
    }


def _hexadecimal(serial: str) -> str:
    """At most 20 octets (RFC 5280, 4.1.2.2); a stranger's may be longer, negative or nothing."""
    return "".join(digit for digit in serial.lower() if digit in "0123456789abcdef")[:48] or "0"


def _moment(moment: datetime) -> str:
    """In Vietnam's time, which has had this offset since 1975."""
    try:
        return moment.astimezone(LOCAL).isoformat(timespec="seconds")
    except OverflowError:  # a claimed time at the edge of the calendar
        return moment.replace(tzinfo=LOCAL).isoformat(timespec="seconds")
