"""Many signatures of one person: one result per item, in order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from signing.apply.one import sign
from signing.apply.request import SignRequest
from signing.errors import FieldTaken, LevelNotReached, SigningError, WrongSecret
from signing.evidence import Evidence
from signing.keys.signer import Signer
from signing.timestamps import Timestamper
from signing.trust import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """An item that is signed."""

    id: str
    document: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """An item that is not signed (or not fully: `document` then holds the lower level), and why."""

    id: str
    error: SigningError
    document: bytes | None = None


def sign_many(
    items: Iterable[tuple[str, bytes, SignRequest]],
    signer: Signer,
    *,
    timestamper: Timestamper | None = None,
    evidence: Evidence | None = None,
    trust: Trust | None = None,
) -> Iterator[Signed | Failed]:
    """One result per item, as soon as it is there; the caller stores each and may stop and go on later with the rest.

    A wrong PIN ends the batch: that item fails with WrongSecret and nothing more is tried (tokens lock after a few). The same
    field of the same document is never signed twice in one batch: the second comes back as FieldTaken.
    """
    done: set[tuple[str, str]] = set()
    for identity, pdf, request in items:
        if (identity, request.field) in done:
            error = FieldTaken(
                f"«{request.field}» của {identity} đã có trong lô này",
                f"“{request.field}” of {identity} is already in this batch",
            )
            yield Failed(id=identity, error=error)
            continue
        try:
            document = sign(pdf, request, signer, timestamper=timestamper, evidence=evidence, trust=trust)
        except LevelNotReached as short:
            done.add((identity, request.field))
            yield Failed(id=identity, error=short, document=short.signed)
        except WrongSecret as wrong:
            yield Failed(id=identity, error=wrong)
            return
        except SigningError as refused:
            yield Failed(id=identity, error=refused)
        else:
            done.add((identity, request.field))
            yield Signed(id=identity, document=document)
