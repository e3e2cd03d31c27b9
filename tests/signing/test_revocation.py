"""What the issuers say: every kind of OCSP answer and revocation list, believed or not, and what follows for the signature."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pytest
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from signing.der import oid
from signing.report import SubIndication
from signing.trust import Revocation, Trust, Use
from signing.verification.der import BIT_STRING, INTEGER
from signing.verification.paths import ChainVerdict, Pool, judge_chain
from signing.verification.revocation import Value
from tests.signing.pki import (
    AUTHORITY_OF_TIME,
    CRITICAL_STRANGER,
    DAY,
    NOW,
    RESPONDER,
    Party,
    Plan,
    Said,
    answer,
    authority,
    crl,
    entry,
    issuing_point,
    make,
    name,
    point,
    uri,
)

GOOD, REVOKED, UNKNOWN = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN
HOLD = x509.ReasonFlags.certificate_hold
NO_CHECK = (x509.OCSPNoCheck(), False)
SHARD = "http://ca.vn/1.crl"


@dataclass(frozen=True, kw_only=True)
class Family:
    """Root, authority, person and responder; the root's own word on the authority is always at hand."""

    root: Party
    issuing: Party
    person: Party
    responder: Party

    def judge(
        self,
        *,
        ocsps: Sequence[bytes] = (),
        lists: Sequence[bytes] = (),
        at: datetime = NOW,
        now: datetime = NOW,
        proven: datetime | None = None,
        required: bool = True,
        others: Sequence[Party] = (),
        use: Use = Use.SIGNING,
        made: datetime | None = None,
        above: Sequence[bytes] | None = None,
    ) -> ChainVerdict:
        """The chain at a moment; `proven` is since when the answers are proved to exist (default: now)."""
        since = proven or now
        upper = [crl(self.root, issued=at - DAY / 24, until=now + 30 * DAY)] if above is None else above
        pool = Pool(
            certificates=(self.issuing.loaded, *(each.loaded for each in others)),
            ocsps=tuple(Value(der=der, proven=since) for der in ocsps),
            lists=tuple(Value(der=der, proven=since) for der in (*lists, *upper)),
        )
        trust = Trust.of_certificates([self.root.der])
        trust = replace(trust, revocation=Revocation.REQUIRED if required else Revocation.IF_AVAILABLE)
        return judge_chain(self.person.loaded, pool, trust, at=at, now=now, use=use, proven=at < now, made=made)


def family(
    *, person: Plan | None = None, issuing: Plan | None = None, responder: Plan | None = None, root: Plan | None = None
) -> Family:
    """A family; each plan may be another."""
    top = make(root or authority("Root"))
    middle = make(issuing or authority("Issuing"), top)
    return Family(
        root=top,
        issuing=middle,
        person=make(person or Plan(common="Person"), middle),
        responder=make(responder or RESPONDER.but(more=[NO_CHECK]), middle),
    )


def told(judged: ChainVerdict) -> str | None:
    return None if judged.passed else str(judged.sub_indication)


# OCSP answers: None stands for a pass with the word required, TRY_LATER for an answer that counts for nothing.
def _ocsp(made: Family, said: Said, by: Party | None = None) -> dict[str, Sequence[bytes]]:
    return {"ocsps": [answer(made.person, made.issuing, by or made.responder, said)]}


def _stranger() -> Party:
    return make(RESPONDER.but(key_name="stranger", more=[NO_CHECK]), make(authority("Issuing", key_name="stranger CA")))


def _responder(**more: object) -> Family:
    return family(responder=RESPONDER.but(**{"more": [NO_CHECK], **more}))


def _revoked_responder(since: datetime) -> tuple[Family, dict[str, Sequence[bytes]]]:
    made = family(responder=RESPONDER)
    says = _ocsp(made, Said())
    return made, {**says, "lists": [crl(made.issuing, entry(made.responder, since=since), more=USERS_OF_NOBODY)]}


USERS_OF_NOBODY = [(issuing_point(full_name=[uri("http://elsewhere/")]), True)]  # complete for no certificate here

OCSP: dict[str, tuple[Callable[[], tuple[Family, dict[str, Sequence[bytes]]]], str | None]] = {
    "good": (lambda: ((f := family()), _ocsp(f, Said())), None),
    "good, SHA-256 names the issuer": (lambda: ((f := family()), _ocsp(f, Said(digest="sha256"))), None),
    "good, responder by name": (lambda: ((f := family()), _ocsp(f, Said(by_name=True))), None),
    "good, by the issuer itself": (lambda: ((f := family()), _ocsp(f, Said(), f.issuing)), None),
    "good, with a nonce nobody asked for": (lambda: ((f := family()), _ocsp(f, Said(nonce=b"x" * 16))), None),
    "good, fresh without an end": (lambda: ((f := family()), _ocsp(f, Said(issued=NOW, until=None))), None),
    "revoked": (lambda: ((f := family()), _ocsp(f, Said(status=REVOKED))), "REVOKED_NO_POE"),
    "revoked without a reason": (lambda: ((f := family()), _ocsp(f, Said(status=REVOKED, reason=None))), "REVOKED_NO_POE"),
    "on hold": (lambda: ((f := family()), _ocsp(f, Said(status=REVOKED, reason=HOLD))), "TRY_LATER"),
    "revoked tomorrow": (lambda: ((f := family()), _ocsp(f, Said(status=REVOKED, since=NOW + DAY))), None),
    "unknown": (lambda: ((f := family()), _ocsp(f, Said(status=UNKNOWN))), "TRY_LATER"),
    "no longer fresh": (lambda: ((f := family()), _ocsp(f, Said(issued=NOW - 9 * DAY, until=NOW - 8 * DAY))), "TRY_LATER"),
    "old without an end": (lambda: ((f := family()), _ocsp(f, Said(issued=NOW - DAY, until=None))), "TRY_LATER"),
    "from the future": (lambda: ((f := family()), _ocsp(f, Said(issued=NOW + DAY, until=NOW + 2 * DAY))), "TRY_LATER"),
    "of a stranger": (lambda: ((f := family()), _ocsp(f, Said(), _stranger())), "TRY_LATER"),
    "of the person": (lambda: ((f := family()), _ocsp(f, Said(), f.person)), "TRY_LATER"),
    "by the root": (lambda: ((f := family()), _ocsp(f, Said(), f.root)), "TRY_LATER"),
    "names another responder": (lambda: ((f := family()), _names_another(f)), "TRY_LATER"),
    "responder without the purpose": (lambda: ((f := _responder(extended=())), _ocsp(f, Said())), "TRY_LATER"),
    "responder for time": (
        lambda: ((f := _responder(extended=[ExtendedKeyUsageOID.TIME_STAMPING])), _ocsp(f, Said())), "TRY_LATER"
    ),
    "responder that may not sign": (lambda: ((f := _responder(usages=("key_agreement",))), _ocsp(f, Said())), "TRY_LATER"),
    "responder with a strange critical extension": (
        lambda: ((f := _responder(more=[NO_CHECK, (CRITICAL_STRANGER, True)])), _ocsp(f, Said())), "TRY_LATER"
    ),
    "responder over": (
        lambda: ((f := _responder(ends=NOW - DAY)), _ocsp(f, Said())), "REVOCATION_OUT_OF_BOUNDS_NO_POE"
    ),
    "responder not begun": (
        lambda: ((f := _responder(begins=NOW + DAY)), _ocsp(f, Said())), "REVOCATION_OUT_OF_BOUNDS_NO_POE"
    ),
    "responder of whom nobody speaks": (lambda: ((f := family(responder=RESPONDER)), _ocsp(f, Said())), None),
    "responder revoked": (lambda: _revoked_responder(NOW - DAY), "TRY_LATER"),
    "responder revoked later": (lambda: _revoked_responder(NOW + DAY), None),
    "certificate of the responder missing": (
        lambda: ((f := family()), _ocsp(f, Said(certificates=False))), "TRY_LATER"
    ),
}  # fmt: skip


@pytest.mark.parametrize("which", OCSP)
def test_an_ocsp_answer(which: str) -> None:
    """Who may say what, when: RFC 6960 and 102-1 5.2.5."""
    build, expected = OCSP[which]
    made, given = build()

    assert told(made.judge(**given)) == expected  # type: ignore[arg-type]


def test_an_answer_of_several() -> None:
    """One answer about two certificates: each gets its own word."""
    made = family()
    other = make(Plan(common="Other"), made.issuing)
    more = asn1_ocsp.OCSPResponse.load(answer(made.person, made.issuing, made.issuing, Said(status=REVOKED)))

    def join(data: asn1_ocsp.ResponseData) -> None:
        data["responses"] = [*data["responses"], *more["response_bytes"]["response"].parsed["tbs_response_data"]["responses"]]

    both = resigned(answer(other, made.issuing, made.issuing), made.issuing, join)

    assert told(made.judge(ocsps=[both])) == "REVOKED_NO_POE"
    assert told(replace(made, person=other).judge(ocsps=[both])) is None


def resigned(der: bytes, signer: Party, change: Callable[[asn1_ocsp.ResponseData], None]) -> bytes:
    """An OCSP answer with something changed that the library would not write, signed again."""
    response = asn1_ocsp.OCSPResponse.load(der)
    basic = response["response_bytes"]["response"].parsed
    change(basic["tbs_response_data"])
    assert isinstance(signer.key, ec.EllipticCurvePrivateKey)
    basic["signature"] = signer.key.sign(basic["tbs_response_data"].dump(force=True), ec.ECDSA(hashes.SHA256()))
    response["response_bytes"]["response"] = asn1_ocsp.BasicOCSPResponse.load(basic.dump(force=True))
    return bytes(response.dump(force=True))


def _names_another(made: Family) -> dict[str, Sequence[bytes]]:
    stranger = asn1_x509.Certificate.load(made.person.der).subject

    def rename(data: asn1_ocsp.ResponseData) -> None:
        data["responder_id"] = asn1_ocsp.ResponderId({"by_name": stranger})

    return {"ocsps": [resigned(answer(made.person, made.issuing, made.responder), made.responder, rename)]}


# Lists.
def _listed(
    *entries: Callable[[Family], x509.RevokedCertificate], plan: Plan | None = None, **more: object
) -> Callable[[], tuple[Family, dict[str, Sequence[bytes]]]]:
    def build() -> tuple[Family, dict[str, Sequence[bytes]]]:
        made = family(person=plan)
        return made, {"lists": [crl(made.issuing, *(each(made) for each in entries), **more)]}  # type: ignore[arg-type]

    return build


def _person(**more: object) -> Callable[[Family], x509.RevokedCertificate]:
    return lambda made: entry(made.person, **more)  # type: ignore[arg-type]


def _of_another_key(*, certified: bool) -> Callable[[], tuple[Family, dict[str, Sequence[bytes]]]]:
    """The authority signs its lists with another key of its name, which the root certified, or nobody did."""

    def build() -> tuple[Family, dict[str, Sequence[bytes]]]:
        made = family()
        plan = authority("Issuing", key_name="lists", usages=("crl_sign",))
        signer = make(plan, made.root if certified else make(authority("Root", key_name="fake")))
        return made, {"lists": [crl(signer)], "others": [signer]}  # type: ignore[list-item]

    return build


def _no_signer() -> tuple[Family, dict[str, Sequence[bytes]]]:
    made = family(issuing=authority("Issuing", usages=("key_cert_sign",)))
    return made, {"lists": [crl(made.issuing)]}


def _indirect(issuer: str) -> Callable[[], tuple[Family, dict[str, Sequence[bytes]]]]:
    """An indirect list that names the person's serial number under somebody's name."""

    def build() -> tuple[Family, dict[str, Sequence[bytes]]]:
        made = family()
        of = (x509.CertificateIssuer([x509.DirectoryName(name(issuer))]), True)
        return made, {
            "lists": [crl(made.issuing, entry(made.person, more=[of]), more=[(issuing_point(indirect_crl=True), True)])]
        }

    return build


def _flipped() -> tuple[Family, dict[str, Sequence[bytes]]]:
    made = family()
    der = bytearray(crl(made.issuing))
    der[-3] ^= 1
    return made, {"lists": [bytes(der)]}


SOME = frozenset({x509.ReasonFlags.key_compromise})
LISTS: dict[str, tuple[Callable[[], tuple[Family, dict[str, Sequence[bytes]]]], str | None]] = {
    "empty": (_listed(), None),
    "revoked": (_listed(_person()), "REVOKED_NO_POE"),
    "revoked without a reason": (_listed(_person(reason=None)), "REVOKED_NO_POE"),
    "on hold": (_listed(_person(reason=HOLD)), "TRY_LATER"),
    "removed": (_listed(_person(reason=x509.ReasonFlags.remove_from_crl)), None),
    "revoked tomorrow": (_listed(_person(since=NOW + DAY)), None),
    "revoked tomorrow, key lost yesterday": (
        _listed(_person(since=NOW + DAY, more=[(x509.InvalidityDate(NOW - DAY), False)])), "REVOKED_NO_POE"
    ),
    "strange critical extension of the entry": (_listed(_person(more=[(CRITICAL_STRANGER, True)])), "REVOKED_NO_POE"),
    "strange critical extension": (_listed(more=[(CRITICAL_STRANGER, True)]), "TRY_LATER"),
    "strange extension": (_listed(more=[(CRITICAL_STRANGER, False)]), None),
    "no longer fresh": (_listed(issued=NOW - 9 * DAY, until=NOW - 8 * DAY), "TRY_LATER"),
    "from the future": (_listed(issued=NOW + DAY, until=NOW + 8 * DAY), "TRY_LATER"),
    "signature broken": (_flipped, "TRY_LATER"),
    "another issuer's name": (_listed(issuer_name=name("Somebody")), "TRY_LATER"),
    "issuer's name in capitals": (_listed(issuer_name=name("ISSUING")), None),
    "authority that may not sign lists": (_no_signer, "TRY_LATER"),
    "another key of the authority": (_of_another_key(certified=True), None),
    "another key that nobody certified": (_of_another_key(certified=False), "TRY_LATER"),
    "users only": (_listed(more=[(issuing_point(only_contains_user_certs=True), True)]), None),
    "authorities only": (_listed(more=[(issuing_point(only_contains_ca_certs=True), True)]), "TRY_LATER"),
    "attribute certificates only": (_listed(more=[(issuing_point(only_contains_attribute_certs=True), True)]), "TRY_LATER"),
    "some reasons": (_listed(more=[(issuing_point(only_some_reasons=SOME), True)]), "TRY_LATER"),
    "some reasons, revoked": (_listed(_person(), more=[(issuing_point(only_some_reasons=SOME), True)]), "REVOKED_NO_POE"),
    "changes alone": (_listed(more=[(x509.DeltaCRLIndicator(6), True)]), "TRY_LATER"),
    "changes alone, revoked": (_listed(_person(), more=[(x509.DeltaCRLIndicator(6), True)]), "REVOKED_NO_POE"),
    "its distribution point": (
        _listed(plan=Plan(common="Person", more=[(point(SHARD), False)]), more=[(issuing_point(full_name=[uri(SHARD)]), True)]),
        None,
    ),
    "another distribution point": (
        _listed(plan=Plan(common="Person", more=[(point("http://ca.vn/2.crl"), False)]),
                more=[(issuing_point(full_name=[uri(SHARD)]), True)]), "TRY_LATER",
    ),
    "a distribution point of nobody": (_listed(more=[(issuing_point(full_name=[uri(SHARD)]), True)]), "TRY_LATER"),
    "indirect, ours": (_indirect("Issuing"), "REVOKED_NO_POE"),
    "indirect, another's": (_indirect("Other"), None),
}  # fmt: skip


@pytest.mark.parametrize("which", LISTS)
def test_a_revocation_list(which: str) -> None:
    """Complete for whom, signed by whom, when: RFC 5280 5 and 6.3.3."""
    build, expected = LISTS[which]
    made, given = build()

    assert told(made.judge(**given)) == expected  # type: ignore[arg-type]


# Policy, time, and proofs of existence.


def test_the_policy_says_whether_word_is_required() -> None:
    """The bundle's choice: nobody's word is a pass with a finding, or TRY_LATER."""
    made = family()

    assert told(made.judge(required=False)) is None
    assert [each.common_name for each in made.judge(required=False).unknown] == ["Person"]
    assert told(made.judge(required=True)) == "TRY_LATER"
    assert made.judge(required=True).code == "REVOCATION_MISSING"


def test_word_on_the_authority_is_required_too() -> None:
    """Everybody between the signer and the root."""
    made = family()
    word = [answer(made.person, made.issuing, made.responder)]

    assert told(made.judge(ocsps=word, above=[])) == "TRY_LATER"
    assert "Issuing" in made.judge(ocsps=word, above=[]).detail


@pytest.mark.parametrize("oid", ["2.5.29.56", "0.4.0.194121.2.1"])
def test_short_lived_certificates_need_no_word(oid: str) -> None:
    """NoRevAvail (RFC 9608) and validity-assured (EN 319 412-1): nobody will ever say anything."""
    more = [(x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), b"\x05\x00"), False)]

    assert told(family(person=Plan(common="Person", more=more)).judge()) is None


def test_no_check_is_for_responders() -> None:
    """On a signer's certificate ocsp-nocheck says nothing."""
    assert told(family(person=Plan(common="Person", more=[NO_CHECK])).judge()) == "TRY_LATER"


def test_revoked_before_and_after_a_proved_time() -> None:
    """With a proved time before the revocation the certificate stands; after it, or without any, it does not."""
    made = family()
    revoked = [crl(made.issuing, entry(made.person, since=NOW - 10 * DAY), issued=NOW)]

    assert told(made.judge(lists=revoked, at=NOW - 20 * DAY)) is None
    assert told(made.judge(lists=revoked, at=NOW - 5 * DAY)) == "REVOKED_NO_POE"
    assert told(made.judge(lists=revoked)) == "REVOKED_NO_POE"


def test_a_hold_that_was_taken_back() -> None:
    """Newer word that the certificate is good ends a hold; it does not end a revocation."""
    made = family()
    newer = [crl(made.issuing)]
    held, ended = (
        crl(made.issuing, entry(made.person, reason=why), issued=NOW - 3 * DAY, until=NOW - 2 * DAY)
        for why in (HOLD, x509.ReasonFlags.key_compromise)
    )

    assert told(made.judge(lists=[held, *newer])) is None
    assert told(made.judge(lists=[ended, *newer])) == "REVOKED_NO_POE"


def test_signed_before_the_hold() -> None:
    """A proved time before the hold is enough (102-1 5.5.4 step 7)."""
    made = family()
    held = [crl(made.issuing, entry(made.person, reason=HOLD), issued=NOW)]

    assert told(made.judge(lists=held, at=NOW - 20 * DAY)) is None
    assert told(made.judge(lists=held, at=NOW - 5 * DAY)) == "TRY_LATER"


def test_a_revoked_authority() -> None:
    """Its certificates are worth what is proved to be older than its revocation, its word on revocation included."""
    made = family()
    above = [crl(made.root, entry(made.issuing, since=NOW - 10 * DAY), issued=NOW)]
    word = [answer(made.person, made.issuing, made.responder, Said(issued=NOW - 20 * DAY, until=NOW + DAY))]

    assert told(made.judge(ocsps=word, above=above)) == "REVOKED_CA_NO_POE"
    early = {"ocsps": word, "above": above, "at": NOW - 20 * DAY}
    assert told(made.judge(**early, proven=NOW - 15 * DAY)) is None  # type: ignore[arg-type]
    late = made.judge(**early, proven=NOW - 5 * DAY)  # type: ignore[arg-type]
    assert (told(late), late.code) == ("REVOKED_CA_NO_POE", "WORD_OF_REVOKED_ISSUER")


def test_an_ended_certificate_that_is_known_not_to_be_revoked() -> None:
    """OUT_OF_BOUNDS_NOT_REVOKED: over, good to its end by an issuer who keeps ended certificates on record."""
    made = family(person=Plan(common="Person", ends=NOW - DAY))
    since = (NOW - 50 * DAY).strftime("%Y%m%d%H%M%SZ").encode()
    keeps = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.60"), b"\x18\x0f" + since)

    assert told(made.judge(lists=[crl(made.issuing)])) == "OUT_OF_BOUNDS_NO_POE"
    assert told(made.judge(lists=[crl(made.issuing, more=[(keeps, False)])])) == "OUT_OF_BOUNDS_NOT_REVOKED"
    assert told(made.judge()) == "OUT_OF_BOUNDS_NO_POE"
    assert told(made.judge(lists=[crl(made.issuing, entry(made.person))])) == "REVOKED_NO_POE"


def test_signed_in_time_judged_after_the_end() -> None:
    """A proved time within the certificate's life needs an answer from its life; one from later is silent about it."""
    made = family(person=Plan(common="Person", ends=NOW - 5 * DAY))
    alive = [crl(made.issuing, issued=NOW - 8 * DAY, until=NOW - 7 * DAY)]

    assert told(made.judge(lists=alive, at=NOW - 9 * DAY, required=False)) is None
    assert told(made.judge(lists=[crl(made.issuing)], at=NOW - 9 * DAY, required=False)) == "OUT_OF_BOUNDS_NO_POE"


def test_a_timestamp_authority_that_was_revoked() -> None:
    """RFC 3161 4: retired, its earlier tokens stay good; its key compromised, or no reason told, none does."""
    made = family(person=AUTHORITY_OF_TIME)

    def judged(reason: x509.ReasonFlags | None, *, made_at: datetime) -> str | None:
        word = [crl(made.issuing, entry(made.person, since=NOW - 10 * DAY, reason=reason))]
        return told(made.judge(lists=word, use=Use.TIMESTAMPING, made=made_at))

    for reason in (x509.ReasonFlags.superseded, x509.ReasonFlags.cessation_of_operation, x509.ReasonFlags.unspecified):
        assert judged(reason, made_at=NOW - 20 * DAY) is None
        assert judged(reason, made_at=NOW - 5 * DAY) == "REVOKED_NO_POE"
    for other in (x509.ReasonFlags.key_compromise, x509.ReasonFlags.ca_compromise, None):
        assert judged(other, made_at=NOW - 20 * DAY) == "REVOKED_NO_POE"


def test_several_ways_one_of_them_revoked() -> None:
    """A way to a root that is revoked does not spoil another."""
    one, two = make(authority("Root 1")), make(authority("Root 2"))
    plan = authority("Issuing")
    first, second = make(plan, one), make(plan, two)
    person = make(Plan(common="Person"), first)
    lists = [crl(one, entry(first)), crl(two), crl(first)]
    pool = Pool(certificates=(first.loaded, second.loaded), lists=tuple(Value(der=der, proven=NOW) for der in lists))

    def judged(*roots: Party) -> str | None:
        trust = replace(Trust.of_certificates([each.der for each in roots]), revocation=Revocation.REQUIRED)
        return told(judge_chain(person.loaded, pool, trust, at=NOW, now=NOW, use=Use.SIGNING, proven=False))

    assert judged(one) == "REVOKED_CA_NO_POE"
    assert judged(two) is None
    assert judged(one, two) is None


def test_what_is_no_answer_is_silent() -> None:
    """Bytes from outside raise nothing and say nothing."""
    made = family()
    good = answer(made.person, made.issuing, made.responder)
    broken = [b"", b"\x30\x80", b"\x30\x03\x0a\x01\x03", bytes(100), *(good[:cut] for cut in range(1, len(good), 37))]
    lists = [b"", b"\x30\x80", made.person.der, crl(made.issuing)[:-5]]

    assert told(made.judge(ocsps=broken, lists=lists)) == "TRY_LATER"


def test_every_sub_indication_is_one_of_the_standard() -> None:
    """The names that this file expects are those of 102-1 4.2.2."""
    expected = {want for table in (OCSP, LISTS) for _, want in table.values() if want}

    assert expected <= {str(each) for each in SubIndication}


def test_an_answer_with_fractions_of_a_second() -> None:
    """Responders exist that write them; RFC 5280 4.1.2.5.2 forbids them, reading them harms nobody."""
    made = family()

    def precise(data: asn1_ocsp.ResponseData) -> None:
        data["produced_at"] = NOW.replace(microsecond=123456)

    assert told(made.judge(ocsps=[resigned(answer(made.person, made.issuing, made.issuing), made.issuing, precise)])) is None


def test_the_test_authority_makes_what_openssl_reads() -> None:
    """The lists of this file are lists: another library reads them back."""
    made = family()
    read = x509.load_der_x509_crl(crl(made.issuing, entry(made.person)))

    assert read.get_revoked_certificate_by_serial_number(made.person.certificate.serial_number) is not None
    assert x509.load_der_x509_certificate(made.person.der).public_bytes(Encoding.DER) == made.person.der


@given(flips=st.lists(st.tuples(st.integers(0, 2_000), st.integers(1, 255)), min_size=1, max_size=4), cut=st.integers(0, 400))
@settings(max_examples=150, deadline=None)
def test_no_mutation_of_an_answer_raises_or_frees_the_revoked(flips: list[tuple[int, int]], cut: int) -> None:
    """Whatever bytes stand in the store: no exception; and beside the true word that it is revoked nothing changes."""
    made = MUTATED
    word = crl(made.issuing, entry(made.person))
    mutants = []
    good = answer(made.person, made.issuing, made.responder)
    for der in (good, word):
        changed = bytearray(der)
        for place, value in flips:
            changed[place % len(changed)] ^= value
        mutants.append(bytes(changed[: len(changed) - cut % len(changed)] if cut else changed))

    assume(mutants[0] != good)  # changes that undo each other
    assert told(made.judge(ocsps=mutants[:1], lists=mutants[1:])) in {"TRY_LATER", "REVOKED_NO_POE"}
    assert told(made.judge(ocsps=mutants[:1], lists=[*mutants[1:], word])) == "REVOKED_NO_POE"


def test_an_answer_is_believed_as_it_was_made_and_no_other_way() -> None:
    """Bytes around what the responder signed cannot be changed unseen: a status of another kind, odd bits behind a value."""
    made = family()
    good = answer(made.person, made.issuing, made.responder)
    ends = [place for place in range(len(good) - 3) if good[place] == BIT_STRING and good[place + 2 : place + 4] == b"\0\x30"]

    def with_byte(place: int, value: int) -> bytes:
        return good[:place] + bytes([value]) + good[place + 1 :]

    assert told(made.judge(ocsps=[good])) is None
    assert len(ends) == 2  # the answer's own value, and the one in the responder's certificate
    for changed in (with_byte(4, INTEGER), *(with_byte(place + 2, 1) for place in ends)):
        assert told(made.judge(ocsps=[changed])) == "TRY_LATER"


def test_a_list_with_an_extension_twice_is_silent() -> None:
    """What a library raises for it is its own affair: one broken list in the store spoils no signature."""
    made = family()
    broken = crl(made.issuing, more=[(CRITICAL_STRANGER, False), (OTHER_STRANGER, False)])
    twice = broken.replace(OTHER_NUMBER, STRANGE_NUMBER)

    assert twice != broken
    assert told(made.judge(lists=[twice, crl(made.issuing)])) is None
    assert told(made.judge(lists=[twice])) == "TRY_LATER"


OTHER_STRANGER = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.32473.2"), b"\x05\x00")
OTHER_NUMBER, STRANGE_NUMBER = (oid(f"1.3.6.1.4.1.32473.{last}") for last in (2, 1))
MUTATED = family()
