"""The values of the chain validation: what it is given, and what it says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from signing.report import SubIndication, Verdict
from signing.trust import Root, Trust
from signing.verification.certificates import Certificate
from signing.verification.revocation import Answer, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Everything at hand for building chains and asking about revocation."""

    certificates: tuple[Certificate, ...]
    proven: Mapping[Certificate, datetime] = field(default_factory=dict)  # since when each is; the others: when it is asked
    ocsps: tuple[Value, ...] = ()
    lists: tuple[Value, ...] = ()
    # What was said of a certificate by its issuer, for the bundle that was asked with: ten signatures ask the same.
    told: dict[tuple[Certificate, Certificate], tuple[Trust, tuple[Answer, ...]]] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainVerdict:
    """What a chain is worth at a moment."""

    verdict: Verdict
    sub_indication: SubIndication | None = None
    code: str | None = None  # of the finding
    detail: str = ""
    chain: tuple[Certificate, ...] = ()  # the leaf first, the root last
    root: Root | None = None
    answers: dict[Certificate, Answer] = field(default_factory=dict)  # the best answer per certificate but the root
    unknown: tuple[Certificate, ...] = ()  # nobody says whether these were revoked
    doubted: tuple[Certificate, ...] = ()  # of the unknown: only an authority speaks that was revoked before its word is proved
    revoked_at: datetime | None = None

    @property
    def passed(self) -> bool:
        """Whether the chain may be relied on."""
        return self.verdict is Verdict.TOTAL_PASSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a chain is not believed, before it is known which chain it was."""

    verdict: Verdict = Verdict.INDETERMINATE
    sub_indication: SubIndication
    code: str
    detail: str

    def under(self, chain: tuple[Certificate, ...], root: Root) -> ChainVerdict:
        """The verdict on this chain."""
        return ChainVerdict(
            verdict=self.verdict,
            sub_indication=self.sub_indication,
            code=self.code,
            detail=self.detail,
            chain=chain,
            root=root,
        )
