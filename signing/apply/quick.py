"""The quick way for plain documents, by the sections that `signing.batch` writes. `Unusual`: pyHanko is to be asked."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from signing.apply.appearances import Appearance, Image, Page
from signing.apply.guard import only_our_errors
from signing.apply.prepared import Placed
from signing.apply.request import SignRequest
from signing.batch.document import Document
from signing.batch.drawings import Card, Picture
from signing.batch.lettering import Lines, lettering
from signing.batch.order import Drawing, NewField, Order
from signing.batch.placing import hasher, lay_signature, lay_timestamp
from signing.batch.store import PreparedStore
from signing.batch.unusual import Unusual
from signing.errors import BadAppearance, SigningError
from signing.evidence import Revocation
from signing.timestamps import Timestamper, check_token, token_room


def quickly_placed(pdf: bytes, request: SignRequest, *, digest: str, room: int, at: datetime) -> Placed:
    """A new revision of `pdf` with the signature dictionary that `request` describes; `room` bytes for the CMS."""
    if request.box is not None:
        raise Unusual("a new visible field, which pyHanko places on turned and cropped pages")
    order = Order(
        field=request.field,
        at=at,
        level=request.level,
        certify=request.certify,
        drawing=None if request.appearance is None else drawing(request.appearance),
        reason=request.reason or None,
        location=request.location or None,
        name=request.name or None,
        contact=request.contact or None,
        new_field=None if request.existing_only else NewField(page=0, box=(0, 0, 0, 0)),
    )
    so_far = hasher(digest)
    so_far.update(pdf)
    with only_our_errors("đặt chữ ký / laying the signature", but=Unusual):
        document = Document(pdf)
        first = document.next_number
        laid = lay_signature(document, order, room=room, so_far=so_far)
        _require_unspoken(pdf, range(first, document.next_number))
    start = len(pdf) + laid.at - 1
    return Placed(document=pdf + bytes(laid.section), hole=(start, start + 2 * room + 2), digest=laid.digest)


def _require_unspoken(pdf: bytes, numbers: range) -> None:
    """Unusual where the file speaks of a number that it does not have: what dangled would lead to what is added now."""
    for number in numbers:
        name = b"%d 0 R" % number
        at = pdf.find(name)
        while at >= 0:
            if not pdf[at - 1 : at].isdigit():
                raise Unusual(f"the file refers to object {number}, which it does not have")
            at = pdf.find(name, at + 1)


def quickly_proven(
    pdf: bytes, certificates: Sequence[bytes], revocation: Revocation, timestamper: Timestamper | None, field: str
) -> tuple[bytes, datetime | None]:
    """One revision with the store of validation data and, where asked, an archive timestamp and its time."""
    with only_our_errors("ghi dữ liệu kiểm chứng / writing the validation data", but=Unusual):
        document = Document(pdf)
        first = document.next_number
        put = PreparedStore(certificates=certificates, ocsps=revocation.ocsps, crls=revocation.crls).put_into(document)
        if timestamper is None:
            section = document.revise() if put else b""
            _require_unspoken(pdf, range(first, document.next_number))
            return pdf + section, None
        so_far = hasher("sha256")
        so_far.update(pdf)
        laid = lay_timestamp(document, field, room=token_room(timestamper), so_far=so_far)
        _require_unspoken(pdf, range(first, document.next_number))
        token = timestamper.timestamp(laid.digest)
        stamped = check_token(token, laid.digest).time
        return pdf + laid.fill(token), stamped


def drawing(appearance: Appearance) -> Drawing:
    """What is seen, prepared for the quick way. Raises BadAppearance, Unusual."""
    try:
        return _prepared(appearance)
    except (SigningError, Unusual):
        raise
    except Exception as error:  # pictures, PDFs and fonts are outside bytes: whatever a library raises, it cannot be shown
        raise BadAppearance(
            f"Không vẽ được hình ảnh của chữ ký ({type(appearance).__name__})",
            f"The appearance ({type(appearance).__name__}) cannot be drawn: {type(error).__name__}",
        ) from error


@lru_cache(maxsize=64)
def _prepared(appearance: Appearance) -> Drawing:
    """Once: a school's people sign thousands of times with the same few pictures."""
    if isinstance(appearance, Image):
        return Picture(appearance.png)
    if isinstance(appearance, Page):
        return Card(appearance.pdf)
    under = None if appearance.image is None else Picture(appearance.image)
    return Lines(appearance.lines, lettering(appearance.font), size=appearance.size, under=under)
