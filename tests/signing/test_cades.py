"""Detached CAdES signatures: made, judged, and judged by openssl as well."""

import hashlib
import subprocess
import tracemalloc
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signing import DemoAuthority, Issued, Level, Trust, Verdict
from signing.cades import extend_cades, finish_cades, prepare_cades, sign_cades, verify_cades
from signing.cades_archive import open_container, with_timestamp, written
from signing.der import der, sequence
from signing.errors import BadRequest, BadSignatureValue, CertificateExpired, LevelNotReached
from signing.evidence import Revocation
from signing.formats import verify_any
from signing.report import Changes, Report, SubIndication
from signing.signed_content import opened
from signing.verification.signed_data import read_signed_data
from tests.signing.xml_documents import key_of

DATA = "Kế hoạch giáo dục năm học 2026–2027".encode() * 50
KEYS = ("rsa2048", "rsa3072", "p256", "p384")


@pytest.fixture(scope="module")
def trust(roots: Path) -> Trust:
    return Trust.load(roots)


@pytest.fixture(scope="module")
def signatures(authority: DemoAuthority) -> Mapping[tuple[str, Level], bytes]:
    """Every kind of key at every level."""
    people = {key: authority.issue(f"Người ký {key}", f"T:{key}", key=key).signer() for key in KEYS}
    return {
        (key, level): sign_cades(DATA, signer, level=level, timestamper=authority, evidence=authority)
        for key, signer in people.items()
        for level in (Level.B_B, Level.B_T, Level.B_LT, Level.B_LTA)
    }


@pytest.fixture(scope="module")
def long_term(signatures: Mapping[tuple[str, Level], bytes]) -> bytes:
    return signatures["p256", Level.B_LT]


def openssl_says(data: bytes, signature: bytes, roots: Path, folder: Path) -> str:
    (folder / "data").write_bytes(data)
    (folder / "p7s").write_bytes(signature)
    command = ["openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "p7s", "-content", "data"]
    command += ["-CAfile", str(roots), "-purpose", "any", "-out", "/dev/null"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stderr.strip().splitlines()[-1]


def codes(report: Report) -> set[str]:
    return {each.code for each in (*report.findings, *(f for s in report.signatures for f in s.findings))}


@pytest.mark.parametrize("level", [Level.B_B, Level.B_T, Level.B_LT, Level.B_LTA])
@pytest.mark.parametrize("key", KEYS)
def test_ours_is_accepted_here_and_by_openssl(
    key: str, level: Level, signatures: Mapping[tuple[str, Level], bytes], trust: Trust, roots: Path, tmp_path: Path
) -> None:
    """With the level that was asked for; the time is proved from B-T on."""
    signature = signatures[key, level]
    report = verify_cades(DATA, signature, trust)

    assert (report.verdict, report.signatures[0].level) == (Verdict.TOTAL_PASSED, level)
    assert (report.signatures[0].best_time is not None) == (level is not Level.B_B)
    assert report.signatures[0].claimed_time is not None
    assert openssl_says(DATA, signature, roots, tmp_path) == "CAdES Verification successful"


def test_another_file_is_not_what_was_signed(long_term: bytes, trust: Trust) -> None:
    """One byte more, one less, another file."""
    for data in (DATA + b" ", DATA[:-1], b""):
        report = verify_cades(data, long_term, trust)

        assert report.verdict is Verdict.TOTAL_FAILED
        assert (report.signatures[0].sub_indication, report.signatures[0].changes_after) == (
            SubIndication.HASH_FAILURE,
            Changes.FORBIDDEN,
        )


def test_a_long_term_signature_stays_one(long_term: bytes, trust: Trust) -> None:
    """A year later nobody has to be asked anything, and its level is what it was.

    After the timestamp authority has ended, and without a newer timestamp, nothing is proved any more.
    """
    years = [verify_cades(DATA, long_term, trust, at=datetime.now(UTC) + timedelta(days=365 * each)) for each in (1, 12)]

    assert (years[0].verdict, years[0].signatures[0].level) == (Verdict.TOTAL_PASSED, Level.B_LT)
    assert years[1].signatures[0].sub_indication in {
        SubIndication.OUT_OF_BOUNDS_NO_POE,
        SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
    }


def test_a_signature_that_brings_content(people: Mapping[str, Issued], trust: Trust, tmp_path: Path) -> None:
    """An attached CMS signs the content inside it: that is the file beside it, or the signature says nothing about the file."""
    (tmp_path / "data").write_bytes(DATA)
    write_identity(people["teacher"], tmp_path)
    attached, detached = (sign_with_openssl(tmp_path, *more) for more in (("-nodetach",), ()))

    assert codes(verify_cades(DATA, attached, trust)) >= {"CONTENT_ATTACHED"}
    assert verify_cades(DATA, attached, trust).signatures[0].intact
    assert codes(verify_cades(DATA + b"x", attached, trust)) == {"CONTENT_INSIDE"}
    assert verify_cades(DATA + b"x", attached, trust).verdict is Verdict.TOTAL_FAILED
    assert verify_cades(DATA, detached, trust).signatures[0].intact


def test_two_people_in_one_container(people: Mapping[str, Issued], authority: DemoAuthority) -> None:
    """Side by side over the same file: each has a verdict, and one that is broken does not hide behind the other."""
    trust = Trust.of_certificates([authority.root])
    first, second = (open_container(sign_cades(DATA, people[who].signer())) for who in ("curve", "principal"))
    spoilt = (*second.signer[:-1], second.signer[-1][:-1] + b"\0")
    for signer, verdict in ((second.signer, Verdict.TOTAL_PASSED), (spoilt, Verdict.TOTAL_FAILED)):
        both = der(0x31, *(sequence(*each) for each in (first.signer, signer)))
        kind, version, digests, content = first.after
        held = der(0xA0, *sorted({*first.certificates, *second.certificates}))
        container = sequence(kind, der(0xA0, sequence(version, digests, content, held, both)))
        report = verify_cades(DATA, container, trust)

        assert report.verdict is verdict
        assert [(each.field, each.signer) for each in report.signatures] == [
            ("signature", "Đỗ Thùy Dương"),
            ("signature[2]", "Vũ Ngọc Quỳnh"),
        ]
        assert report.signatures[0].verdict is Verdict.TOTAL_PASSED
        with pytest.raises(BadRequest):
            extend_cades(DATA, container, timestamper=authority, evidence=authority, trust=trust)


def test_a_signature_file_that_came_alone(people: Mapping[str, Issued], authority: DemoAuthority, tmp_path: Path) -> None:
    """With its content inside it is judged over that; without, the signed file is asked for. As DER and as PEM."""
    trust = Trust.of_certificates([authority.root, *authority.chain])
    (tmp_path / "data").write_bytes(DATA)
    write_identity(people["teacher"], tmp_path)
    for more in ((), ("-outform", "PEM")):
        inside = verify_any(sign_with_openssl(tmp_path, "-nodetach", *more), trust)
        alone = verify_any(sign_with_openssl(tmp_path, *more), trust)

        assert inside.verdict is Verdict.TOTAL_PASSED
        assert (alone.verdict, alone.signatures[0].sub_indication) == (
            Verdict.INDETERMINATE,
            SubIndication.SIGNED_DATA_NOT_FOUND,
        )


def test_a_large_file_inside_its_signature(people: Mapping[str, Issued], authority: DemoAuthority, tmp_path: Path) -> None:
    """Twenty megabytes, in one piece and in many: larger than a signature may be, and not than a file may be."""
    trust = Trust.of_certificates([authority.root, *authority.chain])
    data = bytes(range(256)) * 80_000
    (tmp_path / "data").write_bytes(data)
    write_identity(people["teacher"], tmp_path)
    for more in ((), ("-stream",)):
        inside = sign_with_openssl(tmp_path, "-nodetach", *more)

        assert verify_any(inside, trust).verdict is Verdict.TOTAL_PASSED
        assert verify_cades(data, inside, trust).verdict is Verdict.TOTAL_PASSED
        assert verify_cades(data[:-1], inside, trust).verdict is Verdict.TOTAL_FAILED
    # Beside another file it is too large for a signature: nothing is concluded.
    assert verify_cades(b"", inside, trust).signatures[0].sub_indication is SubIndication.NO_POE


@pytest.mark.parametrize("size", [0, 1, 96 * 1024 * 1024])
def test_a_file_is_signed_where_it_lies(
    size: int, people: Mapping[str, Issued], authority: DemoAuthority, trust: Trust, tmp_path: Path
) -> None:
    """However large: signed up to B-LTA, judged and renewed without being read into memory; an empty file as well."""
    path = tmp_path / "phim-tu-lieu.mp4"
    with path.open("wb") as file:
        file.truncate(size)
    tracemalloc.start()
    try:
        with opened(path) as data:
            signature = sign_cades(
                data, people["teacher"].signer(), level=Level.B_LTA, timestamper=authority, evidence=authority
            )
            report = verify_cades(data, signature, trust)
            renewed = extend_cades(data, signature, timestamper=authority, evidence=authority, trust=trust)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert (report.verdict, report.signatures[0].level) == (Verdict.TOTAL_PASSED, Level.B_LTA)
    assert peak < 16 * 1024 * 1024
    assert report.sha256 == verify_cades(path.read_bytes(), signature, trust).sha256
    assert verify_cades(path.read_bytes() + b"x", renewed, trust).verdict is Verdict.TOTAL_FAILED


def test_what_openssl_signs_is_valid_here(people: Mapping[str, Issued], authority: DemoAuthority, tmp_path: Path) -> None:
    """CAdES of openssl: RSA with PSS padding, in DER and in PEM."""
    trust = Trust.of_certificates([authority.root, *authority.chain])
    (tmp_path / "data").write_bytes(DATA)
    write_identity(people["teacher"], tmp_path)
    for more in (("-keyopt", "rsa_padding_mode:pss"), ("-outform", "PEM")):
        report = verify_cades(DATA, sign_with_openssl(tmp_path, *more), trust)

        assert (report.verdict, report.signatures[0].level) == (Verdict.TOTAL_PASSED, Level.B_B)


def test_a_signature_as_text(people: Mapping[str, Issued], authority: DemoAuthority, tmp_path: Path) -> None:
    """PEM with other line ends or an empty line before it, and base64 without anything around it."""
    trust = Trust.of_certificates([authority.root, *authority.chain])
    (tmp_path / "data").write_bytes(DATA)
    write_identity(people["teacher"], tmp_path)
    pem = sign_with_openssl(tmp_path, "-outform", "PEM")
    bare = b"".join(pem.splitlines()[1:-1])
    for each in (
        pem.replace(b"\n", b"\r\n"),
        b"\n" + pem,
        b"\xef\xbb\xbf" + pem,
        bare,
        bare[:76] + b"\r\n" + bare[76:] + b"\n",
    ):
        assert verify_cades(DATA, each, trust).verdict is Verdict.TOTAL_PASSED
        assert verify_cades(DATA + b"x", each, trust).verdict is Verdict.TOTAL_FAILED
    assert verify_cades(DATA, bare[:-1] + b"!", trust).verdict is Verdict.TOTAL_FAILED


def test_a_weak_digest_at_a_proved_time(people: Mapping[str, Issued], authority: DemoAuthority, tmp_path: Path) -> None:
    """SHA-1 was weak then already; proof of a time at which it was not would help, so it is lacking (102-1, 5.5.4)."""
    trust = Trust.of_certificates([authority.root, *authority.chain])
    (tmp_path / "data").write_bytes(DATA)
    write_identity(people["teacher"], tmp_path)
    signature = sign_with_openssl(tmp_path, "-md", "sha1")
    token = authority.timestamp(hashlib.sha256(read_signed_data(signature).signature).digest())
    (told,) = verify_cades(DATA, with_timestamp(signature, token), trust).signatures

    assert told.best_time is not None
    assert told.sub_indication is SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE


def test_signed_attributes_are_not_sold_as_the_file(people: Mapping[str, Issued], trust: Trust) -> None:
    """Cut out of a genuine signature and shown as the file beside what is left of it: she never signed that file."""
    prepared = prepare_cades(DATA, people["curve"].certificate, people["curve"].chain)
    genuine = sign_cades(DATA, people["curve"].signer(), at=prepared.claimed_time)
    opened = open_container(genuine)
    version, sid, digest, attributes, *rest = opened.signer
    stripped = written(replace(opened, signer=(version, sid, digest, *rest)))
    report = verify_cades(b"\x31" + attributes[1:], stripped, trust)

    assert (report.verdict, codes(report)) == (Verdict.INDETERMINATE, {"NO_SIGNED_ATTRIBUTES"})
    assert not report.signatures[0].intact


def test_hidden_data_after_the_signature_are_told(long_term: bytes, trust: Trust) -> None:
    """The signature holds, but the file carries something that it does not need."""
    report = verify_cades(DATA, long_term + b"hidden", trust)

    assert (report.verdict, "DATA_AFTER_SIGNATURE" in codes(report)) == (Verdict.INDETERMINATE, True)


def test_the_key_in_its_owner_s_hands(people: Mapping[str, Issued], trust: Trust) -> None:
    """Prepared here, signed elsewhere; another person's value is refused."""
    person = people["principal"]
    prepared = prepare_cades(DATA, person.certificate, person.chain)
    value = person.signer().sign(prepared.to_sign, prepared.digest)

    assert verify_cades(DATA, finish_cades(prepared, value), trust).verdict is Verdict.TOTAL_PASSED
    with pytest.raises(BadSignatureValue):
        finish_cades(prepared, people["teacher"].signer().sign(prepared.to_sign, prepared.digest))


def test_what_cannot_be_is_refused_before_the_key_is_used(authority: DemoAuthority, people: Mapping[str, Issued]) -> None:
    """A level without its means, an archive level without revocation data, an expired certificate."""
    begin = datetime(2019, 1, 1, tzinfo=UTC)
    expired = authority.issue("Hết Hạn", "T:expired", key="p256", not_before=begin, not_after=begin + timedelta(days=365))

    with pytest.raises(BadRequest):
        sign_cades(DATA, people["teacher"].signer(), level=Level.B_T)
    with pytest.raises(BadRequest):
        sign_cades(DATA, people["teacher"].signer(), level=Level.B_LTA, timestamper=authority)
    with pytest.raises(CertificateExpired):
        sign_cades(DATA, expired.signer())


class Silent:
    """An issuer who answers before signing, and never again."""

    def __init__(self, authority: DemoAuthority) -> None:
        self.authority, self.asked = authority, 0

    def for_chain(self, chain: Sequence[bytes]) -> Revocation:
        """See Evidence."""
        self.asked += 1
        return self.authority.for_chain(chain) if self.asked == 1 else Revocation()


def test_what_was_reached_is_not_lost(authority: DemoAuthority, people: Mapping[str, Issued], trust: Trust) -> None:
    """When the issuers stop answering, the error carries the valid B-T signature."""
    with pytest.raises(LevelNotReached) as caught:
        sign_cades(
            DATA,
            people["curve"].signer(),
            level=Level.B_LT,
            timestamper=authority,
            evidence=Silent(authority),
        )

    assert verify_cades(DATA, caught.value.signed, trust).signatures[0].level is Level.B_T


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_the_signature_holds_there_is_a_report(data: st.DataObject, long_term: bytes, trust: Trust) -> None:
    """Spoilt, cut and doubled bytes: a report, never an exception; a spoilt signed attribute never passes."""
    content = bytearray(long_term)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=8))
    report = verify_cades(DATA, bytes(content), trust)

    assert report.verdict in {Verdict.TOTAL_PASSED, Verdict.TOTAL_FAILED, Verdict.INDETERMINATE}
    assert verify_cades(DATA + b"x", bytes(content), trust).verdict is not Verdict.TOTAL_PASSED


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300))
def test_no_bytes_are_a_signature_by_chance(content: bytes, trust: Trust) -> None:
    """Anything that is no CMS fails."""
    assert verify_cades(DATA, content, trust).verdict is Verdict.TOTAL_FAILED


def write_identity(person: Issued, folder: Path) -> None:
    """Key and certificates as openssl reads them."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    (folder / "key").write_bytes(key_of(person).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "certificate").write_bytes(person.certificate)


def sign_with_openssl(folder: Path, *more: str) -> bytes:
    """`openssl cms -sign -cades` over the file `data`."""
    command = ["openssl", "cms", "-sign", "-cades", "-binary", "-md", "sha256", "-in", "data", "-signer", "certificate.pem"]
    subprocess.run(
        ["openssl", "x509", "-inform", "DER", "-in", "certificate", "-out", "certificate.pem"], cwd=folder, check=True
    )
    form = () if "-outform" in more else ("-outform", "DER")
    done = subprocess.run([*command, "-inkey", "key", *form, *more], cwd=folder, capture_output=True, check=True)
    return done.stdout
