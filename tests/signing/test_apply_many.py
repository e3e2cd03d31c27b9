"""Many signatures at once: one result per item, and when a batch ends early."""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import pytest

from signing import DemoAuthority, Failed, Issued, Level, Revocation, Signed, SignRequest, sign_many
from signing.errors import (
    AuthorisationRefused,
    EvidenceMissing,
    FieldTaken,
    KeyUnavailable,
    NoSuchField,
    NotAPdf,
    SigningError,
    TimestampRefused,
    WrongSecret,
)
from signing.keys.file import FileSigner

REQUEST = SignRequest(field="principal_signs", level=Level.B_B)


class Key:
    """A key that counts its uses and fails when told to."""

    def __init__(self, signer: FileSigner, failures: Mapping[int, SigningError] | None = None) -> None:
        self.certificate, self.chain, self.scheme = signer.certificate, signer.chain, signer.scheme
        self.uses = 0
        self._signer, self._failures = signer, failures or {}

    def sign(self, data: bytes, digest: str) -> bytes:
        """Sign, or fail."""
        self.uses += 1
        if self.uses in self._failures:
            raise self._failures[self.uses]
        return self._signer.sign(data, digest)


class RemoteKey(Key):
    """A key whose owner authorises many signatures at once."""

    def __init__(self, signer: FileSigner, failures: Mapping[int, SigningError] | None = None) -> None:
        super().__init__(signer, failures)
        self.authorisations = 0

    def sign_all(self, data: Iterable[bytes], digest: str) -> Iterator[bytes]:
        """One authorisation for all."""
        self.authorisations += 1
        for each in data:
            yield self.sign(each, digest)


def test_one_result_per_item_in_order(people: Mapping[str, Issued], book_pdf: bytes) -> None:
    """Bad items fail alone, and say why."""
    wrong_field = dataclasses.replace(REQUEST, field="nobody_signs")
    items = [("a", book_pdf, REQUEST), ("b", b"no pdf", REQUEST), ("c", book_pdf, wrong_field), ("d", book_pdf, REQUEST)]
    results = list(sign_many(items, people["curve"].signer()))

    assert [result.id for result in results] == ["a", "b", "c", "d"]
    assert [type(result) for result in results] == [Signed, Failed, Failed, Signed]
    assert isinstance(failure(results[1]), NotAPdf)
    assert isinstance(failure(results[2]), NoSuchField)


def test_one_field_is_not_signed_twice_in_a_batch(people: Mapping[str, Issued], book_pdf: bytes) -> None:
    """A double click or a list with a double."""
    key = Key(people["curve"].signer())
    results = list(sign_many([("a", book_pdf, REQUEST), ("a", book_pdf, REQUEST)], key))

    assert isinstance(failure(results[1]), FieldTaken)
    assert key.uses == 1


@pytest.mark.parametrize("kind", [Key, RemoteKey])
@pytest.mark.parametrize("final", [WrongSecret("sai", "wrong"), AuthorisationRefused("không", "no")])
def test_a_wrong_pin_or_a_refusal_ends_the_batch(
    kind: type[Key], final: SigningError, people: Mapping[str, Issued], book_pdf: bytes
) -> None:
    """What was signed before is handed out; nothing after it is tried."""
    key = kind(people["curve"].signer(), {3: final})
    results = list(sign_many([(str(number), book_pdf, REQUEST) for number in range(10)], key))

    assert [type(result) for result in results] == [Signed, Signed, Failed]
    assert failure(results[2]) is final
    assert key.uses == 3


@pytest.mark.parametrize("kind", [Key, RemoteKey])
def test_a_device_that_stumbles_costs_one_item(kind: type[Key], people: Mapping[str, Issued], book_pdf: bytes) -> None:
    """Other failures of the key concern their item alone."""
    key = kind(people["curve"].signer(), {2: KeyUnavailable("bận", "busy")})
    results = list(sign_many([(str(number), book_pdf, REQUEST) for number in range(4)], key))

    assert [type(result) for result in results] == [Signed, Failed, Signed, Signed]


def test_a_batch_goes_on_where_it_stopped(people: Mapping[str, Issued], book_pdf: bytes) -> None:
    """Resumed with the items that have no result, nothing is signed twice."""
    items = [(str(number), book_pdf, REQUEST) for number in range(7)]
    key = Key(people["curve"].signer())
    first = sign_many(items, key, chunk=2)
    done = {result.id for result in (next(first), next(first))}
    first.close()  # type: ignore[attr-defined]
    rest = list(sign_many([item for item in items if item[0] not in done], key, chunk=2))

    assert done | {result.id for result in rest} == {item[0] for item in items}
    assert key.uses == 7


def test_a_remote_owner_is_asked_once_per_chunk(people: Mapping[str, Issued], book_pdf: bytes) -> None:
    """Twenty documents, ten at a time: two authorisations."""
    key = RemoteKey(people["curve"].signer())
    results = list(sign_many([(str(number), book_pdf, REQUEST) for number in range(20)], key, chunk=10))

    assert all(isinstance(result, Signed) for result in results)
    assert key.authorisations == 2


def test_a_remote_service_that_leaves_some_out_ends_the_batch(people: Mapping[str, Issued], book_pdf: bytes) -> None:
    """Two values for five hashes, without a word: two documents, one refusal, and the owner is not asked again."""

    class Lazy(RemoteKey):
        def sign_all(self, data: Iterable[bytes], digest: str) -> Iterator[bytes]:
            yield from itertools.islice(super().sign_all(data, digest), 2)

    key = Lazy(people["curve"].signer())
    results = list(sign_many([(str(number), book_pdf, REQUEST) for number in range(5)], key))

    assert [type(result) for result in results] == [Signed, Signed, Failed]
    assert isinstance(failure(results[2]), KeyUnavailable)
    assert key.authorisations == 1


def test_a_key_that_fails_three_times_in_a_row_has_gone(people: Mapping[str, Issued], book_pdf: bytes) -> None:
    """Failures with successes between them are each one item's; three in a row are the end."""
    busy = KeyUnavailable("bận", "busy")
    key = Key(people["curve"].signer(), {2: busy, 3: busy, 5: busy, 6: busy, 7: busy})
    results = list(sign_many([(str(number), book_pdf, REQUEST) for number in range(20)], key))

    assert [type(result) for result in results] == [Signed, Failed, Failed, Signed, Failed, Failed, Failed]


def test_results_come_one_by_one(people: Mapping[str, Issued], book_pdf: bytes) -> None:
    """Whoever stores the first before taking the second loses at most one signature when the power fails."""
    key = Key(people["curve"].signer())
    results = sign_many([(str(number), book_pdf, REQUEST) for number in range(10)], key)
    for uses in (1, 2, 3):
        assert isinstance(next(results), Signed)
        assert key.uses == uses


def test_large_documents_do_not_all_wait_in_memory(people: Mapping[str, Issued]) -> None:
    """Items are taken as the work goes on, by number and by size."""
    taken: list[int] = []

    def items() -> Iterator[tuple[str, bytes, SignRequest]]:
        for number in range(40):
            taken.append(number)
            yield str(number), b"%PDF-1.7\n" + bytes(5 << 20), REQUEST

    results = sign_many(items(), people["curve"].signer())
    assert isinstance(next(results), Failed)
    assert len(taken) == 7


class Counting:
    """Evidence that counts the questions."""

    def __init__(self, authority: DemoAuthority) -> None:
        self.questions = 0
        self._authority = authority

    def for_chain(self, chain: Sequence[bytes]) -> Revocation:
        """The authority's answer."""
        self.questions += 1
        return self._authority.for_chain(chain)


@pytest.mark.parametrize("level", [Level.B_B, Level.B_T])
def test_the_issuers_are_asked_once_per_batch(
    level: Level, people: Mapping[str, Issued], authority: DemoAuthority, book_pdf: bytes
) -> None:
    """Before the first signature, about the signer; their word serves all chunks."""
    evidence = Counting(authority)
    request = dataclasses.replace(REQUEST, level=level)
    items = [(str(number), book_pdf, request) for number in range(9)]
    results = list(sign_many(items, people["principal"].signer(), timestamper=authority, evidence=evidence, chunk=3))

    assert all(isinstance(result, Signed) for result in results)
    assert evidence.questions == 1


@pytest.mark.parametrize("level", [Level.B_LT, Level.B_LTA])
def test_the_issuers_are_asked_once_per_chunk(
    level: Level, people: Mapping[str, Issued], authority: DemoAuthority, book_pdf: bytes
) -> None:
    """Before signing about the signer; after the last timestamp about signer and TSA: three questions for six documents."""
    evidence = Counting(authority)
    request = dataclasses.replace(REQUEST, level=level, at=datetime.now(UTC))
    items = [(str(number), book_pdf, request) for number in range(6)]
    results = list(sign_many(items, people["principal"].signer(), timestamper=authority, evidence=evidence))

    assert all(isinstance(result, Signed) and b"/DSS" in result.document for result in results)
    assert evidence.questions == 3


def test_what_is_signed_is_kept_when_the_proof_is_missing(
    people: Mapping[str, Issued], authority: DemoAuthority, book_pdf: bytes
) -> None:
    """The issuers fall silent after the check: the documents come back at B-T."""

    class Silent(Counting):
        def for_chain(self, chain: Sequence[bytes]) -> Revocation:
            if self.questions:
                raise EvidenceMissing("im lặng", "silent")
            return super().for_chain(chain)

    request = dataclasses.replace(REQUEST, level=Level.B_LT)
    (result,) = sign_many(
        [("a", book_pdf, request)], people["principal"].signer(), timestamper=authority, evidence=Silent(authority)
    )

    assert isinstance(result, Failed)
    assert result.error.code == "LEVEL_NOT_REACHED"
    assert result.document is not None
    assert result.document.startswith(book_pdf)


def test_a_silent_timestamp_authority_fails_each_item(people: Mapping[str, Issued], book_pdf: bytes) -> None:
    """No B-T without a timestamp; the batch goes on, for the next item may fare better."""

    class Silent:
        def timestamp(self, _: bytes) -> bytes:
            """Nothing."""
            raise TimestampRefused("im lặng", "silent")

    request = dataclasses.replace(REQUEST, level=Level.B_T)
    items = [("a", book_pdf, request), ("b", book_pdf, request)]
    results = list(sign_many(items, people["curve"].signer(), timestamper=Silent()))

    assert [type(failure(result)) for result in results] == [TimestampRefused, TimestampRefused]


def failure(result: Signed | Failed) -> SigningError:
    """Why an item failed."""
    assert isinstance(result, Failed)
    return result.error
