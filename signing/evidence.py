"""What the issuers say about revocation: who is asked, what counts as an answer, and what is put beside a signature."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """OCSP responses (BasicOCSPResponse in an OCSPResponse, RFC 6960) and CRLs (RFC 5280), DER."""

    ocsps: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()

    def __add__(self, other: "Revocation") -> "Revocation":
        """Both, each answer once."""
        return Revocation(
            ocsps=tuple(dict.fromkeys(self.ocsps + other.ocsps)), crls=tuple(dict.fromkeys(self.crls + other.crls))
        )


class Evidence(Protocol):
    """Somebody who can say whether the certificates of a chain were revoked."""

    def for_chain(self, chain: Sequence[bytes]) -> Revocation:
        """Answers for every certificate of `chain` (DER, the signer's first, then its issuers) but the root.

        Raises EvidenceMissing where an issuer gives no answer.
        """
        ...
