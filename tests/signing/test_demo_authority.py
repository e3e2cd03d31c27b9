"""The test authority: visibly a test, complete enough for every level, and accepted by openssl."""

import base64
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from signing import DemoAuthority, Issued, open_signer
from signing.demo import TEST_MARK
from signing.errors import NoSuchKey, WrongSecret
from signing.evidence import Good, Revoked, status_of


def test_every_certificate_says_that_it_is_a_test(authority: DemoAuthority, people: Mapping[str, Issued]) -> None:
    """Root, issuing CA, TSA and people alike."""
    ders = [*authority.chain, authority.tsa, *(issued.certificate for issued in people.values())]

    assert all(TEST_MARK in x509.load_der_x509_certificate(der).subject.rfc4514_string() for der in ders)


def test_a_person_is_named_as_vietnamese_cas_name_them(people: Mapping[str, Issued]) -> None:
    """CN, UID with the number of the identity card, O; at most five years (ND 68/2024)."""
    certificate = x509.load_der_x509_certificate(people["teacher"].certificate)
    names = {each.oid: each.value for each in certificate.subject}

    assert names[NameOID.COMMON_NAME] == "Nguyễn Thị Ánh Tuyết"
    assert names[NameOID.USER_ID] == "CCCD:031084000001"
    assert names[NameOID.ORGANIZATION_NAME] == "Trường THCS Nguyễn Du"
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc <= timedelta(days=5 * 366)


def test_openssl_builds_and_checks_the_chain_with_the_crls(
    authority: DemoAuthority, people: Mapping[str, Issued], roots: Path, tmp_path: Path
) -> None:
    """Certificates and CRLs are what other software takes for such."""
    pem(tmp_path / "issuing.pem", authority.chain[0])
    pem(tmp_path / "person.pem", people["curve"].certificate)
    lists = b"".join(as_pem("X509 CRL", authority.crl(name)) for name in ("root", "issuing"))
    (tmp_path / "crls.pem").write_bytes(lists)
    command = ["openssl", "verify", "-crl_check_all", "-CRLfile", "crls.pem", "-CAfile", str(roots)]
    command += ["-untrusted", "issuing.pem", "-purpose", "smimesign", "person.pem"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.stdout.strip() == "person.pem: OK", done.stderr


def test_openssl_accepts_the_ocsp_answer(
    authority: DemoAuthority, people: Mapping[str, Issued], roots: Path, tmp_path: Path
) -> None:
    """Signed by a delegated responder."""
    pem(tmp_path / "issuing.pem", authority.chain[0])
    pem(tmp_path / "person.pem", people["teacher"].certificate)
    serial = x509.load_der_x509_certificate(people["teacher"].certificate).serial_number
    (tmp_path / "answer.der").write_bytes(authority.ocsp(serial))
    command = ["openssl", "ocsp", "-respin", "answer.der", "-issuer", "issuing.pem", "-cert", "person.pem"]
    command += ["-CAfile", str(roots), "-no_nonce"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert "person.pem: good" in done.stdout
    assert "Response verify OK" in done.stderr


def test_it_answers_for_what_it_revoked_and_remembers_it(tmp_path: Path) -> None:
    """Also when the folder is opened again."""
    first = DemoAuthority(tmp_path, key="rsa2048", tsa_key="rsa2048")
    person = first.issue("Trịnh Bị Thu Hồi", "T:1")
    before = status_of(person.certificate, person.chain[0], first.for_chain((person.certificate,)))
    at = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
    first.revoke(person, at=at, reason="affiliation_changed")
    again = DemoAuthority(tmp_path)
    after = status_of(person.certificate, person.chain[0], again.for_chain((person.certificate,)))

    assert isinstance(before, Good)
    assert after == Revoked(at=at, reason="affiliationChanged", as_of=after.as_of) if after else False
    assert again.root == first.root


def test_the_clock_decides_the_times_of_tokens_and_answers(tmp_path: Path) -> None:
    """A fixed clock, replaced in between."""
    moment = datetime(2026, 6, 1, 7, 30, tzinfo=UTC)
    authority = DemoAuthority(tmp_path, key="rsa2048", tsa_key="rsa2048", clock=lambda: moment)
    person = authority.issue("Phùng Đúng Giờ", "T:1")
    authority.clock = lambda: moment + timedelta(hours=1)
    answer = status_of(person.certificate, person.chain[0], authority.for_chain((person.certificate,)))

    assert isinstance(answer, Good)
    assert answer.as_of == moment + timedelta(hours=1)
    assert b"20260601083000Z" in authority.timestamp(b"\0" * 32)


def test_private_keys_are_readable_by_their_owner_only(authority: DemoAuthority, people: Mapping[str, Issued]) -> None:
    """Files of mode 600 in a folder of mode 700."""
    secret = [*(authority.folder / "authority").glob("*.key"), *(issued.path for issued in people.values())]

    assert len(secret) >= 8
    assert {path.stat().st_mode & 0o777 for path in secret} == {0o600}
    assert (authority.folder / "authority").stat().st_mode & 0o777 == 0o700


def test_a_wrong_passphrase_and_a_missing_or_strange_file_are_told_apart(people: Mapping[str, Issued], tmp_path: Path) -> None:
    """Each with its own name; the passphrase is asked for once."""
    prompts: list[str] = []

    def wrong(prompt: str) -> str:
        prompts.append(prompt)
        return "sai"

    strange = tmp_path / "strange.p12"
    strange.write_bytes(b"0\x82 not a key")
    with pytest.raises(WrongSecret):
        open_signer(people["teacher"].uri, wrong)
    for address in (f"file:{strange}", f"file:{tmp_path / 'missing.p12'}", "ftp:key"):
        with pytest.raises(NoSuchKey):
            open_signer(address, wrong)

    assert len(prompts) == 1


def test_a_look_alike_authority_is_another_one(authority: DemoAuthority, tmp_path: Path) -> None:
    """The same names, other keys."""
    alike = DemoAuthority(tmp_path, key="rsa2048", tsa_key="rsa2048")
    names = [x509.load_der_x509_certificate(each.root).subject for each in (authority, alike)]

    assert names[0] == names[1]
    assert authority.root != alike.root


def as_pem(label: str, der: bytes) -> bytes:
    """Text form."""
    body = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\n{body}-----END {label}-----\n".encode()


def pem(path: Path, der: bytes) -> None:
    """Write a certificate."""
    path.write_bytes(as_pem("CERTIFICATE", der))
