"""Signed papers with a password: with it judged like any other, without it nobody says that they carry no signature."""

import io
import json
import logging
import pickle
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator import ValidationContext

from signing import DemoAuthority, Trust, verify, verify_untrusted
from signing.demo import Issued
from signing.sandbox import Sandbox
from signing.verification.decryption import open_encrypted
from signing.verification.faults import UnknownEncryption, WrongPassword
from signing.verification.pdf import Pdf
from signing.verification.syntax import Name
from signing.verification.waiting import run

USER, OWNER = "mat-khau-1", "chu-so-huu-2"
RC4: Mapping[str, Any] = {"aes": False, "metadata": False}
AES: Mapping[str, Any] = {"aes": True}
ALGORITHMS: Mapping[str, Mapping[str, Any]] = {
    "RC4 40": {"R": 2, **RC4},
    "RC4 128": {"R": 3, **RC4},
    "RC4 128 by filter": {"R": 4, **RC4},
    "AES 128": {"R": 4, **AES},
    "AES 128, metadata readable": {"R": 4, "metadata": False, **AES},
    "AES 256 of Adobe": {"R": 5, **AES},
    "AES 256": {"R": 6, **AES},
    "AES 256, metadata readable": {"R": 6, "metadata": False, **AES},
}

CLOSED_TO_PYHANKO = {"RC4 128 by filter", "AES 256 of Adobe"}


@pytest.fixture(scope="module")
def trust(roots: Path) -> Trust:
    return Trust.load(roots)


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """PyHanko tells of everything that it finds odd."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def encrypted(
    content: bytes,
    algorithm: str = "AES 256",
    *,
    user: str = USER,
    owner: str = OWNER,
    packed: bool = False,
    bare: bool = False,
) -> bytes:
    """The paper with a password on it, as qpdf puts it."""
    saved = io.BytesIO()
    mode = pikepdf.ObjectStreamMode.generate if packed else pikepdf.ObjectStreamMode.disable
    with pikepdf.open(io.BytesIO(content)) as pdf, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pikepdf warns of the old ones
        if bare:
            del pdf.Root.Metadata
        pdf.save(saved, encryption=pikepdf.Encryption(user=user, owner=owner, **ALGORITHMS[algorithm]), object_stream_mode=mode)
    return saved.getvalue()


class Stamper(TimeStamper):
    """The test authority's timestamps for pyHanko."""

    def __init__(self, authority: DemoAuthority) -> None:
        make: Any = super().__init__
        make()
        self.authority = authority

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        """A token over the digest."""
        assert md_algorithm == "sha256"
        return cms.ContentInfo.load(self.authority.timestamp(message_digest))


class Bench:
    """A signer who opens the paper with its password and signs with pyHanko."""

    def __init__(self, authority: DemoAuthority, issued: Issued) -> None:
        self.authority = authority
        others = [asn1_x509.Certificate.load(each) for each in issued.chain]
        load: Any = signers.SimpleSigner.load_pkcs12
        signer = load(str(issued.path), passphrase=issued.pin.encode(), other_certs=others)
        self.signer: signers.Signer = signer
        self.context: dict[str, Any] = {
            "trust_roots": [asn1_x509.Certificate.load(authority.root)],
            "other_certs": others,
            "crls": [authority.crl("root"), authority.crl("issuing")],
            "allow_fetching": False,
            "revocation_mode": "soft-fail",
        }

    def writer(self, content: bytes, password: str = USER) -> Any:
        """An update of the paper in the making."""
        writer: Any = IncrementalPdfFileWriter(io.BytesIO(content))
        writer.encrypt(password)
        return writer

    def sign(
        self, content: bytes, field: str = "principal_signs", level: str = "B-T", *, password: str = USER, **more: Any
    ) -> bytes:
        """Signed to a level."""
        long_term = level in {"B-LT", "B-LTA"}
        told = signers.PdfSignatureMetadata(
            field_name=field,
            md_algorithm="sha256",
            subfilter=SigSeedSubFilter.PADES,
            embed_validation_info=long_term,
            use_pades_lta=level == "B-LTA",
            validation_context=ValidationContext(**self.context) if long_term else None,
            **more,
        )
        stamper = None if level == "B-B" else Stamper(self.authority)
        work = signers.PdfSigner(told, self.signer, timestamper=stamper).async_sign_pdf(self.writer(content, password))
        return bytes(run(work).getvalue())


def written(writer: Any) -> bytes:
    """The paper with the update."""
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.fixture(scope="module")
def bench(authority: DemoAuthority, people: Mapping[str, Issued]) -> Bench:
    return Bench(authority, people["principal"])


@pytest.fixture(scope="module")
def signed(bench: Bench, book_pdf: bytes) -> bytes:
    """AES-256, signed once."""
    return bench.sign(encrypted(book_pdf))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_algorithm_opens_with_either_password(
    algorithm: str, packed: bool, bench: Bench, book_pdf: bytes, trust: Trust
) -> None:
    """RC4 and AES of all revisions, objects alone and in object streams: the user's and the owner's password both open it."""
    content = encrypted(book_pdf, algorithm, packed=packed)
    # PyHanko finds the metadata encrypted where they are not, so it signs papers without them; two kinds it cannot open.
    signed = (
        bench.sign(encrypted(book_pdf, algorithm, packed=packed, bare=True)) if algorithm not in CLOSED_TO_PYHANKO else None
    )
    for password in (USER, OWNER):
        pdf = Pdf(content, password=password)
        view = pdf.at(pdf.last)

        assert pdf.encrypted
        assert view.get(view.catalog, "/Lang") == b"vi-VN"
        assert b"<x:xmpmeta" in (view.unpacked(view.catalog["/Metadata"]) or b"")
        assert verify(content, trust, password=password).verdict == "NO_SIGNATURE"
        if signed is not None:
            report = verify(signed, trust, password=password)
            assert report.verdict == "TOTAL_PASSED", report.to_json()
            assert report.signatures[0].signer == "Vũ Ngọc Quỳnh"
            assert report.signatures[0].covers_whole_file


@pytest.mark.parametrize("level", ["B-B", "B-T", "B-LT", "B-LTA"])
def test_each_level_is_reached(level: str, bench: Bench, book_pdf: bytes, trust: Trust) -> None:
    """The security store and the archive timestamp of an encrypted paper are read with its key."""
    report = verify(bench.sign(encrypted(book_pdf), level=level), trust, password=USER)

    assert report.verdict == "TOTAL_PASSED", report.to_json()
    assert report.signature("principal_signs").level == level


def test_two_sign_one_after_the_other(bench: Bench, signed: bytes, trust: Trust) -> None:
    """A second signature is no change to what the first one signed."""
    report = verify(bench.sign(signed, "homeroom_teacher_signs", password=OWNER), trust, password=USER)

    assert report.verdict == "TOTAL_PASSED", report.to_json()
    assert report.signature("principal_signs").changes_after == "permitted"


@pytest.mark.parametrize("algorithm", ["RC4 128", "AES 128", "AES 256"])
def test_a_later_change_is_found(algorithm: str, bench: Bench, book_pdf: bytes, trust: Trust) -> None:
    """Other content on the page, another language: what is forbidden is so with a password as well."""
    content = bench.sign(encrypted(book_pdf, algorithm))

    writer = bench.writer(content)
    page, _ = writer.find_page_for_modification(0)[:2]
    page.get_object()["/Contents"] = writer.add_object(generic.StreamObject(stream_data=b"BT (10) Tj ET"))
    writer.update_container(page.get_object())
    redrawn = verify(written(writer), trust, password=USER)

    writer = bench.writer(content)
    writer.root["/Lang"] = generic.pdf_string("en")
    writer.update_root()
    renamed = verify(written(writer), trust, password=USER)

    assert redrawn.verdict == "TOTAL_FAILED", redrawn.to_json()
    assert redrawn.signatures[0].intact
    assert renamed.verdict in {"TOTAL_FAILED", "INDETERMINATE"}, renamed.to_json()


def test_a_certified_paper_takes_its_next_signature(bench: Bench, book_pdf: bytes, trust: Trust) -> None:
    """What the certification permits is permitted in an encrypted paper as well."""
    content = bench.sign(encrypted(book_pdf), "homeroom_teacher_signs", certify=True)
    report = verify(bench.sign(content), trust, password=USER)

    assert report.verdict == "TOTAL_PASSED", report.to_json()
    assert report.signature("homeroom_teacher_signs").certifies == 2
    assert report.signature("homeroom_teacher_signs").changes_after == "permitted"


def test_a_bit_of_the_encrypted_text_breaks_it(signed: bytes, trust: Trust) -> None:
    """The digest is over the bytes of the file, encrypted as they are."""
    pdf = Pdf(signed, password=USER)
    view = pdf.at(pdf.last)
    page = view.items(view.get(view.catalog, "/Pages", "/Kids"))[0]
    start = view.resolve(view.entries(page)["/Contents"]).start
    broken = signed[: start + 3] + bytes((signed[start + 3] ^ 1,)) + signed[start + 4 :]

    assert verify(broken, trust, password=USER).signatures[0].sub_indication == "HASH_FAILURE"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_without_the_right_password_nobody_says_that_it_is_unsigned(algorithm: str, book_pdf: bytes, trust: Trust) -> None:
    """Closed, and why: no password, or a wrong one. Never "no signature"."""
    content = encrypted(book_pdf, algorithm)
    for password, code in (
        (None, "ENCRYPTED"),
        ("", "WRONG_PASSWORD"),
        ("sai", "WRONG_PASSWORD"),
        ("sai " * 999, "WRONG_PASSWORD"),
    ):
        report = verify(content, trust, password=password)

        assert report.verdict == "UNREADABLE"
        assert [each.code for each in report.findings] == [code]
        assert report.signatures == ()


@pytest.mark.parametrize("algorithm", ["RC4 128", "AES 128", "AES 256"])
def test_letters_that_are_not_english(algorithm: str, bench: Bench, book_pdf: bytes, trust: Trust) -> None:
    """A Vietnamese password opens AES-256; one that an old algorithm cannot write down is wrong there, not an error."""
    password = "Mật khẩu số 1"
    if algorithm == "AES 256":
        content = bench.sign(encrypted(book_pdf, algorithm, user=password), password=OWNER)

        assert verify(content, trust, password=password).verdict == "TOTAL_PASSED"
    else:
        report = verify(encrypted(book_pdf, algorithm), trust, password=password)

        assert [each.code for each in report.findings] == ["WRONG_PASSWORD"]


def test_a_file_that_only_forbids_printing_needs_no_password(bench: Bench, book_pdf: bytes, trust: Trust) -> None:
    """With an empty user password every reader opens it, and so do we."""
    content = bench.sign(encrypted(book_pdf, user=""), password="")

    assert verify(content, trust).verdict == "TOTAL_PASSED"
    assert verify(content, trust, password=OWNER).verdict == "TOTAL_PASSED"


def test_encryption_that_changes_between_revisions_is_refused(
    bench: Bench, signed: bytes, book_pdf: bytes, trust: Trust
) -> None:
    """Readers take the encryption from one trailer or another: a file whose trailers differ is not judged."""
    start = signed.rindex(b"startxref")
    cut = signed.rindex(b"/Encrypt", 0, start)
    for broken in (
        signed[:cut] + b"/Encrypx" + signed[cut + 8 :],
        bench.sign(encrypted(book_pdf, "AES 128")).replace(b"/V 4", b"/V 7"),
        signed.replace(b"/Filter /Standard", b"/Filter /Stendard"),
    ):
        report = verify(broken, trust, password=USER)

        assert report.verdict == "UNREADABLE"
        assert report.findings


def test_the_password_stays_nowhere(signed: bytes, trust: Trust, caplog: pytest.LogCaptureFixture) -> None:
    """Not in the report, not in the log, not in what the worker keeps; a report with a password is made each time."""
    with Sandbox(trust) as sandbox:
        opened = sandbox.verify(signed, password=USER)
        closed = sandbox.verify(signed)
        kept = pickle.dumps(sandbox._reports)

    assert opened.verdict == "TOTAL_PASSED"
    assert closed.verdict == "UNREADABLE"
    assert USER.encode() not in kept
    assert USER not in json.dumps(opened.to_json()) + caplog.text
    assert len(sandbox._reports) == 1


def test_the_worker_opens_it(signed: bytes, trust: Trust) -> None:
    """The door for files from outside takes the password as well."""
    assert verify_untrusted(signed, trust, password=OWNER).verdict == "TOTAL_PASSED"
    assert verify_untrusted(signed, trust, password="x").verdict == "UNREADABLE"


def test_a_strange_encryption_dictionary_is_only_refused() -> None:
    """Another handler, a revision that nobody has, entries of other kinds: never an error."""
    for entries in (
        {}, {"/Filter": Name("/Adobe.PubSec"), "/V": 4, "/R": 4}, {"/Filter": Name("/Standard"), "/V": 6, "/R": 7},
        {"/Filter": Name("/Standard"), "/V": 4, "/R": 4}, {"/Filter": Name("/Standard"), "/V": [4], "/R": b"4"},
        {"/Filter": Name("/Standard"), "/V": 5, "/R": 6, "/O": b"", "/U": 5, "/CF": {"/A": []}},
        {"/Filter": Name("/Standard"), "/V": 5, "/R": 5, "/O": b"x" * 48, "/U": b"x" * 48, "/OE": 1},
    ):  # fmt: skip
        with pytest.raises((UnknownEncryption, WrongPassword)):
            open_encrypted(entries, b"id", "x")
