"""The level that was asked for is there, by those who are trusted; else it is refused, and the lower document is kept."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from signing import DemoAuthority, Issued, Level, SignRequest, Trust, extend, finish, prepare, renew, sign, sign_many, verify
from signing.apply import Failed
from signing.errors import BadRequest, LevelNotReached, WrongKind
from signing.report import SignatureKind

REQUEST = SignRequest(field="principal_signs")


@pytest.fixture(scope="module")
def trust(authority: DemoAuthority) -> Trust:
    """Our test root alone."""
    return Trust.load(authority.trust_pem())


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> DemoAuthority:
    """A timestamp authority that our bundle does not name."""
    return DemoAuthority(tmp_path_factory.mktemp("stranger"), name="Xa lạ")


class BothEvidence:
    """Each authority about its own certificates."""

    def __init__(self, *authorities: DemoAuthority) -> None:
        self._authorities = authorities

    def for_chain(self, chain: tuple[bytes, ...]) -> object:
        """The answer of the authority that issued the first certificate."""
        of = next(each for each in self._authorities if each.root in chain or chain[-1] == each.root or chain[0] == each.tsa)
        return of.for_chain(chain)


def level_of(pdf: bytes, trust: Trust, field: str = "principal_signs") -> str | None:
    """The level of a signature that passes."""
    (found,) = [each for each in verify(pdf, trust).signatures if each.field == field]
    assert found.verdict == "TOTAL_PASSED", found
    return found.level


@pytest.mark.parametrize("level", [Level.B_T, Level.B_LT, Level.B_LTA])
def test_a_timestamp_of_a_stranger_reaches_no_level(
    level: Level,
    authority: DemoAuthority,
    stranger: DemoAuthority,
    people: Mapping[str, Issued],
    book_pdf: bytes,
    trust: Trust,
) -> None:
    """Refused by its name; the signature itself is good and comes with the refusal, at B-B."""
    request = SignRequest(field="principal_signs", level=level)
    with pytest.raises(LevelNotReached, match="principal_signs: B-B") as short:
        sign(book_pdf, request, people["principal"].signer(), timestamper=stranger, evidence=authority, trust=trust)

    assert short.value.reached == Level.B_B
    assert short.value.signed.startswith(book_pdf)
    assert level_of(short.value.signed, trust) == "B-B"


def test_in_a_batch_the_lower_document_comes_with_its_item(
    stranger: DemoAuthority, people: Mapping[str, Issued], book_pdf: bytes, trust: Trust
) -> None:
    """One result per item, as always."""
    results = list(sign_many([("a", book_pdf, REQUEST)], people["principal"].signer(), timestamper=stranger, trust=trust))

    assert [type(result) for result in results] == [Failed]
    assert isinstance(results[0].error, LevelNotReached)  # type: ignore[union-attr]
    assert results[0].document is not None
    assert level_of(results[0].document, trust) == "B-B"


def test_an_archive_timestamp_of_a_stranger_archives_nothing(
    authority: DemoAuthority, stranger: DemoAuthority, people: Mapping[str, Issued], book_pdf: bytes, trust: Trust
) -> None:
    """Extended to B-LTA it is B-LT by those who are trusted: refused, and the longer document is kept; so when renewed."""
    signed = sign(book_pdf, REQUEST, people["principal"].signer(), timestamper=authority, trust=trust)
    evidence = BothEvidence(authority, stranger)
    with pytest.raises(LevelNotReached, match="principal_signs: B-LT") as short:
        extend(signed, Level.B_LTA, timestamper=stranger, evidence=evidence, trust=trust)  # type: ignore[arg-type]
    (renewed,) = renew([("a", signed)], timestamper=stranger, evidence=evidence, trust=trust)  # type: ignore[arg-type]

    assert level_of(short.value.signed, trust) == "B-LT"
    assert renewed.document is not None
    assert isinstance(renewed.error, LevelNotReached)


def test_without_a_timestamp_there_is_no_long_term(
    authority: DemoAuthority, people: Mapping[str, Issued], book_pdf: bytes, trust: Trust
) -> None:
    """A B-B signature does not become B-LT by revocation data alone; an archive timestamp makes it B-LTA."""
    signed = sign(book_pdf, SignRequest(field="principal_signs", level=Level.B_B), people["principal"].signer())
    with pytest.raises(LevelNotReached, match="B-B"):
        extend(signed, Level.B_LT, evidence=authority, trust=trust)

    archived = extend(signed, Level.B_LTA, timestamper=authority, evidence=authority, trust=trust)
    assert level_of(archived, trust) == "B-LTA"


@pytest.mark.parametrize("prepared_for", [Level.B_B, Level.B_T, Level.B_LTA])
@pytest.mark.parametrize("level", list(Level))
def test_what_was_prepared_goes_to_any_level(
    prepared_for: Level,
    level: Level,
    authority: DemoAuthority,
    people: Mapping[str, Issued],
    book_pdf: bytes,
    trust: Trust,
) -> None:
    """Room is kept for a timestamp, and the signature does not depend on the level: it is decided when it is finished."""
    issued = people["curve"]
    request = SignRequest(field="principal_signs", level=prepared_for)
    prepared = prepare(book_pdf, request, issued.certificate, issued.chain)
    value = issued.signer().sign(prepared.to_sign, prepared.digest)
    signed = finish(prepared, value, level=level, timestamper=authority, evidence=authority, trust=trust)

    assert level_of(signed, trust) == level


def test_a_seal_does_not_sign_for_a_person(people: Mapping[str, Issued], book_pdf: bytes) -> None:
    """Nor the other way round: said before the key is used, with what was found and what was expected."""
    signature = SignRequest(field="principal_signs", level=Level.B_B)
    seal = SignRequest(field="clerk_seals", level=Level.B_B, kind="seal")

    with pytest.raises(WrongKind, match=r"con dấu.*cần cá nhân.*an organisation's.*a person's is expected"):
        sign(book_pdf, signature, people["seal"].signer())
    with pytest.raises(WrongKind, match="is a person's, an organisation's"):
        sign(book_pdf, seal, people["principal"].signer())
    assert sign(book_pdf, seal, people["seal"].signer())
    with pytest.raises(BadRequest):
        SignRequest(field="x", kind=SignatureKind.DOC_TIMESTAMP)


def test_a_certificate_that_says_neither_may_do_both(tmp_path: Path, book_pdf: bytes) -> None:
    """Many test and foreign certificates hold a name alone: the request decides."""
    plain = DemoAuthority(tmp_path).issue("Chỉ Có Tên", "")
    for kind in (SignatureKind.SIGNATURE, SignatureKind.SEAL):
        assert sign(book_pdf, SignRequest(field="principal_signs", level=Level.B_B, kind=kind), plain.signer())
