"""Chains of certificates, as PKITS sweeps them: our judgement beside those of openssl and pyhanko-certvalidator."""

import asyncio
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from pyhanko_certvalidator import CertificateValidator, ValidationContext

from signing.trust import Trust, Use
from signing.verification.paths import ChainVerdict, Pool, judge_chain
from tests.signing.pki import CRITICAL_STRANGER, DAY, NOW, Party, Plan, authority, make, name

POLICY, OTHER_POLICY = (x509.ObjectIdentifier(f"1.3.6.1.4.1.32473.20.{number}") for number in (1, 2))
ROOT = authority("Root")
ISSUING = authority("Issuing")
PERSON = Plan(common="Person")
PASSED, GENERAL, CHAIN = "PASSED", "CERTIFICATE_CHAIN_GENERAL_FAILURE", "CHAIN_CONSTRAINTS_FAILURE"
NONE = "NO_CERTIFICATE_CHAIN_FOUND"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A leaf, what is at hand, the anchors, what we must say, and where a judge says otherwise, why."""

    leaf: Party
    others: Sequence[Party] = ()
    anchors: Sequence[Party]
    ours: str = PASSED
    openssl: str = ""  # why openssl differs from us
    certvalidator: str = ""  # why pyhanko-certvalidator does


def line(*plans: Plan, root: Plan = ROOT) -> Case:
    """A chain from the root down; the last plan is the leaf's."""
    parties = [make(root)]
    for plan in plans:
        parties.append(make(plan, parties[-1]))
    return Case(leaf=parties[-1], others=parties[1:-1], anchors=parties[:1])


def says(case: Case, ours: str = PASSED, *, openssl: str = "", certvalidator: str = "") -> Case:
    """The same case with its verdict."""
    return Case(
        leaf=case.leaf, others=case.others, anchors=case.anchors, ours=ours, openssl=openssl, certvalidator=certvalidator
    )


def policies(*oids: x509.ObjectIdentifier) -> tuple[x509.ExtensionType, bool]:
    return x509.CertificatePolicies([x509.PolicyInformation(oid, None) for oid in oids]), False


def explicit(skip: int = 0) -> tuple[x509.ExtensionType, bool]:
    return x509.PolicyConstraints(require_explicit_policy=skip, inhibit_policy_mapping=None), True


def permitted(*names: x509.GeneralName) -> tuple[x509.ExtensionType, bool]:
    return x509.NameConstraints(list(names), None), True


def excluded(*names: x509.GeneralName) -> tuple[x509.ExtensionType, bool]:
    return x509.NameConstraints(None, list(names)), True


def mail(text: str) -> tuple[x509.ExtensionType, bool]:
    return x509.SubjectAlternativeName([x509.RFC822Name(text)]), False


def dn(common: str) -> x509.DirectoryName:
    return x509.DirectoryName(name(common))


def signature_broken(case: Case, which: int) -> Case:
    """The signature of one certificate (0: the leaf, 1: its issuer) is another one's."""

    def broken(party: Party) -> Party:
        der = bytearray(party.der)
        der[-3] ^= 1
        return Party(key=party.key, certificate=x509.load_der_x509_certificate(bytes(der)))

    if which == 0:
        return Case(leaf=broken(case.leaf), others=case.others, anchors=case.anchors)
    return Case(leaf=case.leaf, others=[broken(each) for each in case.others], anchors=case.anchors)


def named(issuer: x509.Name, subject: x509.Name) -> Case:
    """A person whose certificate writes the issuer's name as `issuer`, under a CA that writes itself as `subject`."""
    root = make(ROOT)
    middle = make(ISSUING.but(subject=subject), root)
    return Case(leaf=make(PERSON.but(issuer_name=issuer), middle), others=[middle], anchors=[root])


def version_1(plan: Plan) -> Plan:
    """Without any extension, which makes the library write version 3 all the same; what counts is that nothing says CA."""
    return plan.but(ca=None, usages=None, key_ids=False)


def two_keys() -> Case:
    """Two authorities of one name; the key identifier tells which one issued."""
    root = make(ROOT)
    first, second = (make(ISSUING.but(key_name=which), root) for which in ("first", "second"))
    return Case(leaf=make(PERSON, second), others=[first, second], anchors=[root])


def wrong_key_id() -> Case:
    root = make(ROOT)
    middle = make(ISSUING, root)
    return Case(leaf=make(PERSON.but(issuer_key_id=bytes(20)), middle), others=[middle], anchors=[root])


def crossed(*, first_ends: int = 1000, both: bool = True) -> Case:
    """One authority certified by two roots; its certificate from the first may be over."""
    one, two = make(authority("Root 1")), make(authority("Root 2"))
    first = make(ISSUING.but(ends=NOW + first_ends * DAY), one)
    second = make(ISSUING, two)
    return Case(leaf=make(PERSON, first), others=[first, second], anchors=[one, two] if both else [two])


def rollover() -> Case:
    """The root changed its key and certified the new one with the old (RFC 4210 4.4): self-issued, below path length 0."""
    old = make(ROOT.but(key_name="old", path_length=1))
    new = make(ROOT.but(key_name="new"), old)
    middle = make(ISSUING.but(path_length=0), new)
    return Case(leaf=make(PERSON, middle), others=[new, middle], anchors=[old])


def anchored_in_the_middle() -> Case:
    root = make(ROOT)
    middle = make(ISSUING, root)
    return Case(leaf=make(PERSON, middle), anchors=[middle])


def circle() -> Case:
    """Two authorities that certify each other, and no root."""
    one, two = make(authority("A")), make(authority("B"))
    ones, twos = make(authority("A"), two), make(authority("B"), one)
    return Case(leaf=make(PERSON, ones), others=[ones, twos], anchors=[make(ROOT)])


def flooded() -> Case:
    """Three hundred certificates with the authority's name and key that no authority issued."""
    root = make(ROOT)
    upper = make(authority("Upper"), root)
    middle = make(ISSUING, upper)
    stranger = make(authority("Stranger"))
    fakes = [make(ISSUING, stranger) for _ in range(150)] + [make(authority("Upper"), stranger) for _ in range(150)]
    return Case(leaf=make(PERSON, middle), others=[*fakes, middle, upper], anchors=[root])


def of_kind(kind: str, **more: object) -> Case:
    return line(authority("Issuing " + kind, kind=kind), PERSON.but(kind=kind, key_name="Person " + kind, **more))


def accents() -> Case:
    """Vietnamese names, once composed and once decomposed."""
    return named(name("Cục Chứng thực"), name("Cu\u0323c Chu\u031b\u0301ng thu\u031b\u0323c"))


ANCHOR = "RFC 5280 6.1 reads no constraints of an anchor; we and openssl do"
ONE_WAY = "it follows the first issuer that fits and tries no second one"
PEDANTIC = "only RFC 5280 7.1 in full (here by NFKC): it compares the bytes of other string types"
CASES: dict[str, Callable[[], Case]] = {
    # Signatures and time (PKITS 4.1, 4.2).
    "two levels": lambda: line(PERSON),
    "five levels": lambda: line(authority("A"), authority("B"), authority("C"), PERSON),
    "leaf signature broken": lambda: says(signature_broken(line(ISSUING, PERSON), 0), NONE),
    "issuer signature broken": lambda: says(signature_broken(line(ISSUING, PERSON), 1), NONE),
    "leaf not begun": lambda: says(line(ISSUING, PERSON.but(begins=NOW + DAY)), "NOT_YET_VALID"),
    "leaf over": lambda: says(line(ISSUING, PERSON.but(ends=NOW - DAY)), "OUT_OF_BOUNDS_NO_POE"),
    "issuer not begun": lambda: says(line(ISSUING.but(begins=NOW + DAY), PERSON), GENERAL),
    "issuer over": lambda: says(line(ISSUING.but(ends=NOW - DAY), PERSON), GENERAL),
    "root over": lambda: says(
        line(ISSUING, PERSON, root=ROOT.but(ends=NOW - DAY)), NONE + "_NO_POE",
        certvalidator="RFC 5280 6.1 judges no anchor's time; our bundle does",
    ),
    "leaf to the second": lambda: says(
        line(ISSUING, PERSON.but(begins=NOW, ends=NOW)), openssl="it takes the last second for over; RFC 5280 4.1.2.5 does not"
    ),
    # Names (4.3).
    "another issuer's name": lambda: says(named(name("Somebody"), name("Issuing")), NONE),
    "capitals": lambda: named(name("ISSUING"), name("Issuing")),
    "white space": lambda: named(name("Issuing  Authority "), name("Issuing Authority")),
    "string types": lambda: named(name("Issuing", kind=_ASN1Type.PrintableString), name("Issuing", kind=_ASN1Type.UTF8String)),
    "accents": lambda: says(accents(), openssl=PEDANTIC),
    "order of the name": lambda: says(
        named(x509.Name(list(reversed(list(name("Issuing"))))), name("Issuing")), NONE
    ),
    # Keys.
    "one name, two keys": two_keys,
    "key identifier of another": lambda: says(
        wrong_key_id(), NONE
    ),
    "root's new key by the old": rollover,
    # Constraints (4.5 to 4.7, 4.16).
    "no basic constraints": lambda: says(line(ISSUING.but(ca=None), PERSON), CHAIN),
    "not a CA": lambda: says(line(ISSUING.but(ca=False), PERSON), CHAIN),
    "constraints not critical": lambda: line(ISSUING.but(critical_ca=False), PERSON),
    "version 1 in the middle": lambda: says(line(version_1(ISSUING), PERSON), CHAIN),
    "root that does not say CA": lambda: says(
        line(ISSUING, PERSON, root=version_1(ROOT)), CHAIN, certvalidator=ANCHOR
    ),
    "person pinned, issues": lambda: says(line(PERSON, root=Plan(common="Pinned", ca=False)), CHAIN, certvalidator=ANCHOR),
    "person pinned": lambda: Case(leaf=(pinned := make(Plan(common="Pinned", ca=False))), anchors=[pinned]),
    "root that may not sign certificates": lambda: says(
        line(ISSUING, PERSON, root=ROOT.but(usages=("crl_sign",))), CHAIN, certvalidator=ANCHOR
    ),
    "root's name constraints": lambda: says(
        line(ISSUING, PERSON, root=ROOT.but(more=[permitted(dn("Other"))])), CHAIN, certvalidator=ANCHOR
    ),
    "root's name constraints held": lambda: line(
        ISSUING, PERSON, root=ROOT.but(more=[permitted(dn("Issuing"), dn("Person"))])
    ),
    "no key usage": lambda: line(ISSUING.but(usages=None), PERSON),
    "may not sign certificates": lambda: says(line(ISSUING.but(usages=("crl_sign",)), PERSON), CHAIN),
    "path length held": lambda: line(ISSUING.but(path_length=0), PERSON),
    "path length exceeded": lambda: says(line(authority("Upper", path_length=0), ISSUING, PERSON), CHAIN),
    "root's path length held": lambda: line(ISSUING, PERSON, root=ROOT.but(path_length=1)),
    "root's path length exceeded": lambda: says(
        line(ISSUING, authority("Lower"), PERSON, root=ROOT.but(path_length=1)), CHAIN,
        certvalidator=ANCHOR,
    ),
    "strange critical extension": lambda: says(line(ISSUING, PERSON.but(more=[(CRITICAL_STRANGER, True)])), CHAIN),
    "strange critical extension above": lambda: says(line(ISSUING.but(more=[(CRITICAL_STRANGER, True)]), PERSON), CHAIN),
    "strange extension": lambda: line(ISSUING, PERSON.but(more=[(CRITICAL_STRANGER, False)])),
    # Name constraints (4.13).
    "permitted name": lambda: line(ISSUING.but(more=[permitted(dn("Person"))]), PERSON),
    "name not permitted": lambda: says(line(ISSUING.but(more=[permitted(dn("Other"))]), PERSON), CHAIN),
    "excluded name": lambda: says(line(ISSUING.but(more=[excluded(dn("Person"))]), PERSON), CHAIN),
    "permitted mail": lambda: line(
        ISSUING.but(more=[permitted(x509.RFC822Name("truong.vn"))]), PERSON.but(more=[mail("an@truong.vn")])
    ),
    "mail not permitted": lambda: says(
        line(ISSUING.but(more=[permitted(x509.RFC822Name("truong.vn"))]), PERSON.but(more=[mail("an@khac.vn")])), CHAIN
    ),
    "two levels of names": lambda: says(
        line(authority("Upper", more=[permitted(dn("Issuing"), dn("Person"))]),
             ISSUING.but(more=[permitted(dn("Other"))]), PERSON), CHAIN,
    ),
    # Policies (4.8 to 4.12).
    "explicit policy held": lambda: line(ISSUING.but(more=[explicit(), policies(POLICY)]), PERSON.but(more=[policies(POLICY)])),
    "explicit policy missing": lambda: says(line(ISSUING.but(more=[explicit(), policies(POLICY)]), PERSON), CHAIN),
    "explicit policy, another": lambda: says(
        line(ISSUING.but(more=[explicit(), policies(POLICY)]), PERSON.but(more=[policies(OTHER_POLICY)])), CHAIN
    ),
    "any policy inhibited": lambda: says(
        line(ISSUING.but(more=[(x509.InhibitAnyPolicy(0), True), explicit(), policies(POLICY)]),
             PERSON.but(more=[policies(x509.ObjectIdentifier("2.5.29.32.0"))])), CHAIN,
    ),
    "policies without a demand": lambda: line(ISSUING.but(more=[policies(POLICY)]), PERSON.but(more=[policies(OTHER_POLICY)])),
    # Building.
    "two roots": crossed,
    "two roots, one trusted": lambda: says(crossed(both=False), openssl=ONE_WAY),
    "two roots, one way over": lambda: crossed(first_ends=-1),
    "anchored in the middle": anchored_in_the_middle,
    "circle": lambda: says(circle(), NONE),
    "flooded with look-alikes": lambda: says(flooded(), openssl=ONE_WAY),
    "nobody's": lambda: says(Case(leaf=make(PERSON), anchors=[make(ROOT)]), NONE),
    "look-alike root": lambda: says(
        Case(leaf=make(PERSON, make(ROOT.but(key_name="fake"))), anchors=[make(ROOT)]), NONE
    ),
    # Algorithms.
    "RSA": lambda: of_kind("rsa2048"),
    "RSASSA-PSS": lambda: of_kind("rsa2048", pss=True),
    "P-384": lambda: of_kind("p384"),
    "P-521": lambda: of_kind("p521"),
    "brainpool": lambda: of_kind("brainpool"),
    "P-224": lambda: says(
        of_kind("p224"), "CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
        openssl="it judges no dates", certvalidator="its weak list holds RSA and DSA alone",
    ),
    "Ed25519": lambda: says(
        of_kind("ed25519"), "CRYPTO_CONSTRAINTS_FAILURE",
        openssl="it judges no lists of algorithms", certvalidator="the same",
    ),
    "DSA": lambda: says(of_kind("dsa"), certvalidator="it wants DSA of 3192 bits; TS 119 312 lets 2048 end with 2028"),
}  # fmt: skip


def ours(case: Case) -> ChainVerdict:
    trust = Trust.of_certificates([each.der for each in case.anchors])
    pool = Pool(certificates=tuple(each.loaded for each in case.others))
    return judge_chain(case.leaf.loaded, pool, trust, at=NOW, now=NOW, use=Use.SIGNING, proven=False)


def openssl(case: Case, folder: Path) -> bool:
    """Whether `openssl verify` accepts; strict about form, an anchor may be any certificate."""
    for stem, parties in (("anchors", case.anchors), ("others", case.others), ("leaf", [case.leaf])):
        (folder / f"{stem}.pem").write_bytes(b"".join(each.certificate.public_bytes(Encoding.PEM) for each in parties))
    command = [
        "openssl",
        "verify",
        "-attime",
        str(int(NOW.timestamp())),
        "-partial_chain",
        "-policy_check",
        "-policy",
        "2.5.29.32.0",
    ]
    command += ["-no-CApath", "-no-CAstore", "-CAfile", "anchors.pem"]
    command += ["-untrusted", "others.pem"] if case.others else []
    done = subprocess.run([*command, "leaf.pem"], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode == 0


def certvalidator(case: Case) -> bool:
    loaded = [asn1_x509.Certificate.load(each.der) for each in (case.leaf, *case.others)]
    context = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(each.der) for each in case.anchors],
        moment=NOW, allow_fetching=False, revocation_mode="soft-fail", weak_hash_algos=set(),
    )  # fmt: skip
    validator = CertificateValidator(loaded[0], intermediate_certs=loaded[1:], validation_context=context)
    try:
        asyncio.run(validator.async_validate_path())
    except Exception:  # noqa: BLE001 -- the judge's own word is whether it accepts
        return False
    return True


def verdict(judged: ChainVerdict) -> str:
    return PASSED if judged.passed else str(judged.sub_indication)


@pytest.mark.parametrize("which", CASES)
def test_a_chain_gets_its_verdict(which: str) -> None:
    """By the name that EN 319 102-1 5.2.6 gives it."""
    case = CASES[which]()

    assert verdict(ours(case)) == case.ours, ours(case).detail


@pytest.mark.parametrize("which", CASES)
def test_openssl_says_the_same(which: str, tmp_path: Path) -> None:
    """Accepted or not; where it differs the case says why."""
    case = CASES[which]()

    assert (openssl(case, tmp_path) == (case.ours == PASSED)) is not bool(case.openssl)


@pytest.mark.parametrize("which", CASES)
def test_certvalidator_says_the_same(which: str) -> None:
    """Accepted or not; where it differs the case says why."""
    case = CASES[which]()

    assert (certvalidator(case) == (case.ours == PASSED)) is not bool(case.certvalidator)
