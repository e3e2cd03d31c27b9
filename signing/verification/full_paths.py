"""The full RFC 5280 path procedure (name constraints, policy limits) by pyhanko-certvalidator, for the rare chain."""

from collections.abc import Sequence
from datetime import datetime

from asn1crypto import x509 as asn1_x509
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.authority import CertTrustAnchor
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import NO_REVOCATION, AcceptAllAlgorithms, CertRevTrustPolicy
from pyhanko_certvalidator.validate import async_validate_path

from signing.verification.certificates import Certificate
from signing.verification.waiting import run


def passes_full_procedure(chain: Sequence[Certificate], at: datetime) -> bool:
    """Whether the chain (the leaf first) passes at the moment, revocation and algorithms left to the caller."""
    try:
        loaded = [asn1_x509.Certificate.load(each.der) for each in chain]
        context = ValidationContext(
            trust_roots=[loaded[-1]],
            other_certs=loaded[:-1],
            moment=at,
            allow_fetching=False,
            revinfo_policy=CertRevTrustPolicy(revocation_checking_policy=NO_REVOCATION),
            algorithm_usage_policy=AcceptAllAlgorithms(),
        )
        # RFC 5937: a root's own constraints hold as well.
        path = ValidationPath(
            CertTrustAnchor(loaded[-1], derive_default_quals_from_cert=True), list(reversed(loaded[1:-1])), loaded[0]
        )
        run(async_validate_path(context, path))
    except Exception:  # noqa: BLE001 -- whatever the library objects to, the path is not proved
        return False
    return True
