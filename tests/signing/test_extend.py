"""More proof later: B-LT, B-LTA, and renewed archive timestamps."""

import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pikepdf
import pytest

from signing import DemoAuthority, Issued, Level, SignRequest, Trust, extend, renew, sign, verify
from signing.errors import BadRequest, NothingToExtend, SigningError


@pytest.fixture(scope="module")
def trust(authority: DemoAuthority) -> Trust:
    """Our test root."""
    return Trust.load(authority.trust_pem())


@pytest.fixture(scope="module")
def timestamped(authority: DemoAuthority, people: Mapping[str, Issued], book_pdf: bytes) -> bytes:
    """A book with two signatures at B-T."""
    first = sign(
        book_pdf, SignRequest(field="homeroom_teacher_signs", certify=2), people["homeroom"].signer(), timestamper=authority
    )
    return sign(first, SignRequest(field="principal_signs"), people["curve"].signer(), timestamper=authority)


def levels(pdf: bytes, trust: Trust) -> list[str | None]:
    """The level of each person's signature."""
    report = verify(pdf, trust)
    assert {each.verdict for each in report.signatures} == {"TOTAL_PASSED"}, report.to_json()
    return [each.level for each in report.signatures if each.kind != "doc_timestamp"]


def test_signatures_rise_from_level_to_level(timestamped: bytes, authority: DemoAuthority, trust: Trust) -> None:
    """B-T, then B-LT, then B-LTA; each step only adds, every signature passes."""
    long_term = extend(timestamped, Level.B_LT, evidence=authority, trust=trust)
    archived = extend(long_term, Level.B_LTA, timestamper=authority, evidence=authority, trust=trust)

    assert archived.startswith(long_term)
    assert long_term.startswith(timestamped)
    assert levels(timestamped, trust) == ["B-T", "B-T"]
    assert levels(long_term, trust) == ["B-LT", "B-LT"]
    assert levels(archived, trust) == ["B-LTA", "B-LTA"]


def test_the_archive_timestamp_fills_the_field_that_was_laid_for_it(timestamped: bytes, authority: DemoAuthority) -> None:
    """No page and no list of fields is touched."""
    archived = extend(timestamped, Level.B_LTA, timestamper=authority, evidence=authority)

    assert fields(archived) == fields(timestamped)


def test_renewals_are_new_numbered_fields(timestamped: bytes, authority: DemoAuthority, trust: Trust) -> None:
    """Under the certification P=2 and the earlier timestamps; all pass."""
    document = extend(timestamped, Level.B_LTA, timestamper=authority, evidence=authority)
    for _ in range(3):
        document = extend(document, Level.B_LTA, timestamper=authority, evidence=authority)

    assert fields(document)[-3:] == ["archive_timestamp_2", "archive_timestamp_3", "archive_timestamp_4"]
    assert levels(document, trust) == ["B-LTA", "B-LTA"]


def test_a_sealed_book_is_renewed_under_its_lock(
    timestamped: bytes, authority: DemoAuthority, people: Mapping[str, Issued], trust: Trust
) -> None:
    """The seal's lock excludes the archive timestamp, and tolerates its renewals."""
    sealed = sign(
        timestamped,
        SignRequest(field="clerk_seals", kind="seal", level=Level.B_LTA),
        people["seal"].signer(),
        timestamper=authority,
        evidence=authority,
        trust=trust,
    )
    renewed = extend(sealed, Level.B_LTA, timestamper=authority, evidence=authority, trust=trust)

    assert levels(renewed, trust) == ["B-LTA"] * 3


def test_a_document_stays_valid_when_the_signers_certificates_are_over(tmp_path: Path, book_pdf: bytes) -> None:
    """Signed and archived; judged four years later, when the person's certificate and the padding of the signature are over."""
    authority = DemoAuthority(tmp_path)
    person = authority.issue("Hồ Thị Lâu", "T:1", not_after=datetime.now(UTC) + timedelta(days=400))
    archived = sign(
        book_pdf,
        SignRequest(field="principal_signs", level=Level.B_LTA),
        person.signer(),
        timestamper=authority,
        evidence=authority,
    )
    report = verify(archived, Trust.load(authority.trust_pem()), at=datetime.now(UTC) + timedelta(days=365 * 4))

    assert {each.verdict for each in report.signatures} == {"TOTAL_PASSED"}, report.to_json()


def test_many_files_are_renewed_with_a_report(timestamped: bytes, authority: DemoAuthority, book_pdf: bytes) -> None:
    """One result per file; what cannot be renewed says why and stops nothing."""
    files = [("good", timestamped), ("unsigned", book_pdf), ("broken", timestamped[:999]), ("also good", timestamped)]
    results = list(renew(files, timestamper=authority, evidence=authority))

    assert [result.id for result in results] == ["good", "unsigned", "broken", "also good"]
    assert [result.document is not None for result in results] == [True, False, False, True]
    assert isinstance(results[1].error, NothingToExtend)
    assert isinstance(results[2].error, SigningError)


@pytest.mark.parametrize("level", [Level.B_B, Level.B_T])
def test_nothing_is_extended_downwards(level: Level, timestamped: bytes, authority: DemoAuthority) -> None:
    """B-B and B-T are not reached by extending."""
    with pytest.raises(BadRequest):
        extend(timestamped, level, evidence=authority)


def test_an_archive_timestamp_needs_an_authority(timestamped: bytes, authority: DemoAuthority) -> None:
    """B-LTA without a timestamper is a mistake of the caller."""
    with pytest.raises(BadRequest):
        extend(timestamped, Level.B_LTA, evidence=authority)


def fields(pdf: bytes) -> list[str]:
    """The names of all fields, in order."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        return [str(field.T) for field in opened.Root.AcroForm.Fields]
