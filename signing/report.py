"""What the verification found, as values, and as the JSON that `soky verify` prints.

report.verdict, report.signatures[0].level, report.to_json()
"""

import dataclasses
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from signing.levels import Level


class Verdict(StrEnum):
    """EN 319 102-1 clause 4.2.2, and two words for files in which there is nothing to judge."""

    TOTAL_PASSED = "TOTAL_PASSED"
    INDETERMINATE = "INDETERMINATE"
    TOTAL_FAILED = "TOTAL_FAILED"
    NO_SIGNATURE = "NO_SIGNATURE"
    UNREADABLE = "UNREADABLE"


class SubIndication(StrEnum):
    """Why a verdict is not TOTAL_PASSED, by the names of EN 319 102-1, clause 5.1.3 and tables 5 and 6."""

    FORMAT_FAILURE = "FORMAT_FAILURE"
    HASH_FAILURE = "HASH_FAILURE"
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    CERTIFICATE_CHAIN_GENERAL_FAILURE = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE_NO_POE = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    TIMESTAMP_ORDER_FAILURE = "TIMESTAMP_ORDER_FAILURE"
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND_NO_POE = "NO_CERTIFICATE_CHAIN_FOUND_NO_POE"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    REVOKED_CA_NO_POE = "REVOKED_CA_NO_POE"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    OUT_OF_BOUNDS_NOT_REVOKED = "OUT_OF_BOUNDS_NOT_REVOKED"
    REVOCATION_OUT_OF_BOUNDS_NO_POE = "REVOCATION_OUT_OF_BOUNDS_NO_POE"
    NO_POE = "NO_POE"
    TRY_LATER = "TRY_LATER"
    SIGNED_DATA_NOT_FOUND = "SIGNED_DATA_NOT_FOUND"


class SignatureKind(StrEnum):
    """Whose will a signature shows: a person's, an organisation's (its seal), or nobody's (it proves a time)."""

    SIGNATURE = "signature"
    SEAL = "seal"
    DOC_TIMESTAMP = "doc_timestamp"


class Changes(StrEnum):
    """What happened to the document after a signature."""

    NONE = "none"
    PERMITTED = "permitted"
    FORBIDDEN = "forbidden"
    NOT_UNDERSTOOD = "not_understood"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something a reader of the report should know: a stable code and a sentence, Vietnamese / English."""

    code: str
    message: str

    def to_json(self) -> dict[str, str]:
        """As the contract has it."""
        return {"code": self.code, "message": self.message}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Finding":
        """The finding that `to_json` told."""
        return cls(code=str(told["code"]), message=str(told["message"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedField:
    """A form field whose value is another one than when the document was signed."""

    name: str
    old: str | None
    new: str | None

    def to_json(self) -> dict[str, str | None]:
        """The name with both values."""
        return {"name": self.name, "old": self.old, "new": self.new}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "ChangedField":
        """The field that `to_json` told."""
        return cls(name=str(told["name"]), old=told["old"], new=told["new"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainLink:
    """A certificate on the way from the signer to the root."""

    subject: str
    issuer: str
    serial: str  # hexadecimal
    not_before: datetime
    not_after: datetime
    sha256: str

    def to_json(self) -> dict[str, str]:
        """Plain text values."""
        return {
            "subject": self.subject,
            "issuer": self.issuer,
            "serial": self.serial,
            "not_before": self.not_before.isoformat(),
            "not_after": self.not_after.isoformat(),
            "sha256": self.sha256,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "ChainLink":
        """The certificate that `to_json` told."""
        begins, ends = (datetime.fromisoformat(told[key]) for key in ("not_before", "not_after"))
        words = {key: str(told[key]) for key in ("subject", "issuer", "serial", "sha256")}
        return cls(not_before=begins, not_after=ends, **words)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureReport:
    """One signature, seal or document timestamp."""

    field: str
    kind: SignatureKind
    signer: str | None
    verdict: Verdict
    sub_indication: SubIndication | None = None
    level: Level | None = None
    claimed_time: datetime | None = None
    best_time: datetime | None = None
    covers_whole_file: bool = False
    changes_after: Changes = Changes.NOT_UNDERSTOOD
    changed_fields: tuple[ChangedField, ...] = ()
    findings: tuple[Finding, ...] = ()
    intact: bool = False  # digest and signature value fit the signed bytes
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)  # of the signer's certificate: CN, O, UID, ...
    certificate: bytes | None = None
    chain: tuple[ChainLink, ...] = ()
    algorithm: str | None = None
    revocation: Mapping[str, str | None] = dataclasses.field(default_factory=dict)
    timestamp: Mapping[str, str | None] = dataclasses.field(default_factory=dict)
    renewal_date: datetime | None = None
    signed_revision: int | None = None  # counted from 0
    signed_bytes: int | None = None  # length of the file as it was when this signature was made
    certifies: int | None = None  # 1, 2 or 3: what a certification or lock still allows

    def to_json(self) -> dict[str, Any]:
        """The contract's keys first, then what we add."""
        return {
            "field": self.field,
            "kind": str(self.kind),
            "signer": self.signer,
            "verdict": str(self.verdict),
            "sub_indication": _text(self.sub_indication),
            "level": _text(self.level),
            "claimed_time": _time(self.claimed_time),
            "best_time": _time(self.best_time),
            "covers_whole_file": self.covers_whole_file,
            "changes_after": str(self.changes_after),
            "changed_fields": [each.to_json() for each in self.changed_fields],
            "findings": [finding.to_json() for finding in self.findings],
            "intact": self.intact,
            "signer_names": dict(self.names),
            "chain": [link.to_json() for link in self.chain],
            "algorithm": self.algorithm,
            "revocation": dict(self.revocation),
            "timestamp": dict(self.timestamp),
            "renewal_date": _time(self.renewal_date),
            "signed_revision": self.signed_revision,
            "signed_bytes": self.signed_bytes,
            "certifies": self.certifies,
            "certificate": b64encode(self.certificate).decode() if self.certificate is not None else None,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "SignatureReport":
        """The signature that `to_json` told. Raises KeyError, ValueError, TypeError for anything else."""
        return cls(
            field=str(told["field"]),
            kind=SignatureKind(told["kind"]),
            signer=told["signer"],
            verdict=Verdict(told["verdict"]),
            sub_indication=SubIndication(told["sub_indication"]) if told["sub_indication"] else None,
            level=Level(told["level"]) if told["level"] else None,
            claimed_time=_moment(told["claimed_time"]),
            best_time=_moment(told["best_time"]),
            covers_whole_file=bool(told["covers_whole_file"]),
            changes_after=Changes(told["changes_after"]),
            changed_fields=tuple(ChangedField.from_json(each) for each in told["changed_fields"]),
            findings=tuple(Finding.from_json(each) for each in told["findings"]),
            intact=bool(told["intact"]),
            names=dict(told["signer_names"]),
            certificate=b64decode(told["certificate"]) if told["certificate"] else None,
            chain=tuple(ChainLink.from_json(each) for each in told["chain"]),
            algorithm=told["algorithm"],
            revocation=dict(told["revocation"]),
            timestamp=dict(told["timestamp"]),
            renewal_date=_moment(told["renewal_date"]),
            signed_revision=told["signed_revision"],
            signed_bytes=told["signed_bytes"],
            certifies=told["certifies"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentReport:
    """A file inside the document; when it is a PDF, with its own report."""

    name: str
    sha256: str
    size: int
    report: "Report | None" = None

    def to_json(self) -> dict[str, Any]:
        """Name and digest, and the report where there is one."""
        told: dict[str, Any] = {"name": self.name, "sha256": self.sha256, "size": self.size}
        if self.report is not None:
            told["report"] = self.report.to_json()
        return told

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "AttachmentReport":
        """The attachment that `to_json` told."""
        report = Report.from_json(told["report"]) if "report" in told else None
        return cls(name=str(told["name"]), sha256=str(told["sha256"]), size=int(told["size"]), report=report)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One file."""

    file: str
    sha256: str
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    signatures: tuple[SignatureReport, ...] = ()
    attachments: tuple[AttachmentReport, ...] = ()
    checked_at: datetime | None = None
    policy: str = ""  # version of the trust bundle

    @property
    def passed(self) -> bool:
        """Whether everything that can be judged passed."""
        return self.verdict is Verdict.TOTAL_PASSED

    def signature(self, field: str) -> SignatureReport:
        """The signature in a field. Raises KeyError."""
        for each in self.signatures:
            if each.field == field:
                return each
        raise KeyError(field)

    def to_json(self) -> dict[str, Any]:
        """One object of `soky verify --json`."""
        return {
            "file": self.file,
            "sha256": self.sha256,
            "verdict": str(self.verdict),
            "findings": [finding.to_json() for finding in self.findings],
            "signatures": [signature.to_json() for signature in self.signatures],
            "attachments": [attachment.to_json() for attachment in self.attachments],
            "checked_at": _time(self.checked_at),
            "policy": self.policy,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Report":
        """The report that `to_json` told: so it travels between processes. Raises KeyError, ValueError, TypeError."""
        return cls(
            file=str(told["file"]),
            sha256=str(told["sha256"]),
            verdict=Verdict(told["verdict"]),
            findings=tuple(Finding.from_json(each) for each in told["findings"]),
            signatures=tuple(SignatureReport.from_json(each) for each in told["signatures"]),
            attachments=tuple(AttachmentReport.from_json(each) for each in told["attachments"]),
            checked_at=_moment(told["checked_at"]),
            policy=str(told["policy"]),
        )


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _text(value: StrEnum | None) -> str | None:
    return str(value) if value else None
