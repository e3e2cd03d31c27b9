"""The outcome of the validation processes for one signature, with everything that its report and level need."""

from dataclasses import dataclass, replace
from datetime import datetime

from signing.report import SubIndication, Verdict
from signing.verification.certificates import Certificate
from signing.verification.facts import FoundSignature
from signing.verification.paths import ChainVerdict
from signing.verification.signature_check import Checked
from signing.verification.signed_data import SignedData
from signing.verification.timestamps import JudgedTimestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Everything in the file up to this revision is proved to exist at this time."""

    revision: int
    time: datetime
    timestamp: JudgedTimestamp
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One signature with everything that its report and level need."""

    found: FoundSignature
    verdict: Verdict
    sub_indication: SubIndication | None = None
    code: str | None = None
    detail: str = ""
    signed: SignedData | None = None
    checked: Checked | None = None
    chain: ChainVerdict | None = None
    timestamps: tuple[JudgedTimestamp, ...] = ()  # in the signature, or itself when it is a document timestamp
    proofs: tuple[Proof, ...] = ()  # the document timestamps that cover it
    best_time: datetime
    time_is_proved: bool = False

    @property
    def certificate(self) -> Certificate | None:
        """The signer's."""
        return self.checked.certificate if self.checked else None

    def but(self, verdict: Verdict, sub: SubIndication | None, code: str | None, detail: str) -> "Judged":
        """The same signature with another verdict."""
        return replace(self, verdict=verdict, sub_indication=sub, code=code, detail=detail)
