"""A signature's place in a document: the field that carries it, the signature dictionary, and the room for its value.

    laid = lay_signature(document, order, room=6000, hasher=sha256_of_all_bytes_so_far)
    laid.digest                       # what the CMS's message-digest attribute says
    laid.fill(cms)                    # the section to append

Every number is known before a byte is hashed, so the section is built once and hashed once.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from signing.batch.document import Document
from signing.batch.form import Field, Form, certified_level, read_form, require_permission
from signing.batch.order import NewField, Order
from signing.batch.syntax import (
    Values,
    dictionary_of,
    number,
    read_array,
    reference,
    text,
    whole_number,
    write_dictionary,
    write_text,
)
from signing.batch.unusual import Unusual
from signing.errors import NoRoom

_BYTE_RANGE_ROOM = 46  # "[0 N N N]" with three numbers of ten digits, and to spare
_DEEPEST_PAGE = 64
_HASHERS = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}
_ESIC = b"<< /ESIC << /Type /DeveloperExtensions /BaseVersion /1.7 /ExtensionLevel 1 >> >>"


class Hasher(Protocol):
    """A running hash of hashlib."""

    def update(self, data: memoryview | bytes, /) -> None:
        """Take in more bytes."""

    def copy(self) -> "Hasher":
        """The same state once more."""
        ...

    def digest(self) -> bytes:
        """The hash of all bytes so far."""
        ...


def hasher(digest: str) -> Hasher:
    """A fresh running hash."""
    return _HASHERS[digest]()


@dataclass(slots=True, kw_only=True)
class Laid:
    """A section with an empty place for the signature's value."""

    section: bytearray
    at: int  # where in the section the hexadecimal digits begin
    room: int  # how many bytes of CMS fit
    digest: bytes  # over the document and the section, without the place

    def fill(self, cms: bytes) -> bytes:
        """The section with the signature in its place."""
        if len(cms) > self.room:
            raise NoRoom(
                f"Chữ ký cần {len(cms)} byte, chỉ còn chỗ cho {self.room}",
                f"The signature takes {len(cms)} bytes, room was kept for {self.room}",
            )
        self.section[self.at : self.at + 2 * len(cms)] = cms.hex().encode("ascii")
        return bytes(self.section)


def lay_signature(document: Document, order: Order, *, room: int, so_far: Hasher) -> Laid:
    """The revision that signs: field, signature dictionary, and what form and catalog must say. Unusual: ask pyHanko."""
    form = read_form(document)
    field = form.empty_field(order.field)
    if field is None and order.new_field is None:
        raise Unusual(f"no field {order.field}")
    _require_first(document, form, order)
    require_permission(document, form, order.field, adds_field=field is None, is_timestamp=False)
    signature = document.reserve()
    target = field or _new_field(document, order.field, order.new_field or NewField(page=0, box=(0, 0, 0, 0)))
    values = {**target.values, b"/V": b"%d 0 R" % signature}
    if order.drawing and (size := _size(document, target.values)):
        if form.values.get(b"/NeedAppearances", b"false") != b"false" and not form.only_signatures:
            raise Unusual("a picture in a form that viewers draw themselves")
        values[b"/AP"] = b"<< /N %d 0 R >>" % order.drawing.draw(document, *size)
    document.replace(target.number, values)
    _enter(document, form, None if field else target.number, certified_by=signature if order.certify else None)
    return _lay(document, signature, _signature_values(document, order, target), room=room, so_far=so_far)


def lay_timestamp(document: Document, name: str, *, room: int, so_far: Hasher) -> Laid:
    """The revision that archives: a document timestamp in the field laid for it, or in a new one that nobody sees."""
    form = read_form(document)
    taken = {field.name for field in form.fields if field.is_filled}
    name = next(each for each in (name, *(f"{name}_{n}" for n in range(2, len(taken) + 3))) if each not in taken)
    field = form.empty_field(name)
    require_permission(document, form, name, adds_field=field is None, is_timestamp=True)
    signature = document.reserve()
    target = field or _new_field(document, name, NewField(page=0, box=(0, 0, 0, 0)))
    document.replace(target.number, {**target.values, b"/V": b"%d 0 R" % signature})
    _enter(document, form, None if field else target.number, certified_by=None)
    values = {b"/Type": b"/DocTimeStamp", b"/Filter": b"/Adobe.PPKLite", b"/SubFilter": b"/ETSI.RFC3161"}
    return _lay(document, signature, values, room=room, so_far=so_far)


def _lay(document: Document, signature: int, values: Values, *, room: int, so_far: Hasher) -> Laid:
    head = write_dictionary(values)[: -len(b"\n>>")] + b"\n/ByteRange "
    body = head + b" " * _BYTE_RANGE_ROOM + b"\n/Contents <" + b"0" * (2 * room) + b">\n>>"
    document.put(signature, body)
    start = document.length
    object_at = len(document.gap()) + len(b"%d 0 obj\n" % signature)
    section = bytearray(document.revise(first=signature))
    document.note(signature, values)
    range_at = object_at + len(head)
    opens = range_at + _BYTE_RANGE_ROOM + len(b"\n/Contents ")
    closes = opens + 2 * room + 2
    byte_range = b"[0 %d %d %d]" % (start + opens, start + closes, len(section) - closes)
    section[range_at : range_at + len(byte_range)] = byte_range
    hashing = so_far.copy()
    view = memoryview(section)
    hashing.update(view[:opens])
    hashing.update(view[closes:])
    view.release()
    return Laid(section=section, at=opens + 1, room=room, digest=hashing.digest())


def _signature_values(document: Document, order: Order, field: Field) -> Values:
    values = {
        b"/Type": b"/Sig",
        b"/Filter": b"/Adobe.PPKLite",
        b"/SubFilter": b"/ETSI.CAdES.detached",
        b"/M": b"(%b)" % _date(order.at),
    }
    for key, said in (
        (b"/Name", order.name),
        (b"/Location", order.location),
        (b"/Reason", order.reason),
        (b"/ContactInfo", order.contact),
    ):
        if said is not None:
            values[key] = write_text(said)
    if references := _reference_entries(document, order, field):
        values[b"/Reference"] = b"[%b]" % b" ".join(references)
    return values


def _reference_entries(document: Document, order: Order, field: Field) -> list[bytes]:
    """What this signature forbids: the certification's level and the field's lock, the stricter level in both."""
    lock = document.resolved_dictionary(field.values[b"/Lock"]) if b"/Lock" in field.values else None
    levels = [order.certify or 2] if order.certify or (lock and b"/P" in lock) else []
    if lock and b"/P" in lock:
        levels.append(whole_number(document.resolve(lock[b"/P"])))
    if levels and not 1 <= min(levels) <= 3:  # noqa: PLR2004 - ISO 32000-2, table 257
        raise Unusual("a lock with an unknown level")
    references = []
    if order.certify:
        references.append(
            b"<< /Type /SigRef /TransformMethod /DocMDP /TransformParams "
            b"<< /Type /TransformParams /V /1.2 /P %d >> >>" % min(levels)
        )
    if lock is not None:
        parameters = {b"/Type": b"/TransformParams", b"/V": b"/1.2", b"/Action": _action(lock)}
        if lock[b"/Action"] != b"/All":
            names = document.resolved_array(lock.get(b"/Fields", b""))
            parameters[b"/Fields"] = b"[%b]" % b" ".join(write_text(text(document.resolve(name))) for name in names)
        if levels:
            parameters[b"/P"] = b"%d" % min(levels)
        references.append(
            b"<< /Type /SigRef /TransformMethod /FieldMDP /Data %d 0 R /TransformParams %b >>"
            % (document.root, write_dictionary(parameters))
        )
    return references


def _action(lock: Values) -> bytes:
    action = lock.get(b"/Action", b"")
    if action not in (b"/All", b"/Include", b"/Exclude"):
        raise Unusual("a lock of an unknown kind")
    return action


def _require_first(document: Document, form: Form, order: Order) -> None:
    if order.certify and (form.signed or certified_level(document) is not None):
        raise Unusual("a certification that is not the first signature")


def _enter(document: Document, form: Form, new_field: int | None, *, certified_by: int | None) -> None:
    """What form and catalog must say of the signature; neither is rewritten when it says so already."""
    values = dict(form.values)
    if new_field is not None:
        fields = values.get(b"/Fields", b"[]")
        if (target := reference(fields)) is not None:
            document.put(target, _appended(document.value(target), new_field))
        else:
            values[b"/Fields"] = _appended(fields, new_field)
    values[b"/SigFlags"] = b"3"
    if form.only_signatures:
        values.pop(b"/NeedAppearances", None)  # else viewers would show other fields without their values, or with old ones
    catalog = document.dictionary(document.root)
    changed = dict(catalog)
    if values != form.values:
        if form.number is not None:
            document.replace(form.number, values)
        elif form.values:
            changed[b"/AcroForm"] = write_dictionary(values)
        else:
            changed[b"/AcroForm"] = b"%d 0 R" % document.add(write_dictionary(values))
    if certified_by is not None:
        changed[b"/Perms"] = b"<< /DocMDP %d 0 R >>" % certified_by
    _declare(document, changed)
    if changed != catalog:
        document.replace(document.root, changed)


def _declare(document: Document, catalog: Values) -> None:
    """The catalog says that PAdES structures are inside: version 1.7 at least, with ETSI's extension before 2.0."""
    said = catalog.get(b"/Version", b"/0.0")
    version = max(document.version, (int(said[1:2]), int(said[3:4])) if said[1:2].isdigit() and said[3:].isdigit() else (0, 0))
    if version < (1, 7):
        catalog[b"/Version"] = b"/1.7"
    if version >= (2, 0):
        return
    extensions = catalog.get(b"/Extensions")
    if extensions is None:
        catalog[b"/Extensions"] = _ESIC
    elif extensions.startswith(b"<<") and b"/ESIC" not in (known := dictionary_of(extensions)):
        catalog[b"/Extensions"] = write_dictionary({**known, **dictionary_of(_ESIC)})


def _appended(array: bytes, number_: int) -> bytes:
    read_array(array)  # refuses what is no array
    return array.rstrip()[:-1] + b" %d 0 R]" % number_


def _size(document: Document, values: Values) -> tuple[float, float] | None:
    """The widget's width and height in points; None when it is invisible."""
    left, bottom, right, top = (number(raw) for raw in document.resolved_array(values.get(b"/Rect", b"[0 0 0 0]")))
    width, height = abs(right - left), abs(top - bottom)
    if not width or not height:
        return None
    page = reference(values.get(b"/P", b""))
    if page is None or b"/R" in document.resolved_dictionary(values.get(b"/MK", b"<<>>")):
        raise Unusual("a widget that is turned, or whose page is not named")
    for _ in range(_DEEPEST_PAGE):
        node = document.dictionary(page)
        if b"/Rotate" in node:
            if number(document.resolve(node[b"/Rotate"])) % 360:
                raise Unusual("a page that is turned")
            break
        page = reference(node.get(b"/Parent", b""))
        if page is None:
            break
    return width, height


def _new_field(document: Document, name: str, new: NewField) -> Field:
    """A merged field and widget, entered in its page's annotations."""
    if "." in name:
        raise Unusual("a new field below another one")
    page = page_number(document, new.page)
    left, bottom, right, top = new.box
    if left != right and bottom != top and b"/StructTreeRoot" in document.dictionary(document.root):
        raise Unusual("a new visible field in a tagged document, whose structure tree must name it")
    own = document.reserve()
    values = {
        b"/Type": b"/Annot",
        b"/Subtype": b"/Widget",
        b"/FT": b"/Sig",
        b"/T": write_text(name),
        b"/F": b"132",  # print, locked
        b"/Rect": b"[%.4f %.4f %.4f %.4f]" % (left, bottom, right, top),
        b"/P": b"%d 0 R" % page,
    }
    page_values = document.dictionary(page)
    annotations = page_values.get(b"/Annots", b"[]")
    if (target := reference(annotations)) is not None:
        document.put(target, _appended(document.value(target), own))
    else:
        document.replace(page, {**page_values, b"/Annots": _appended(annotations, own)})
    return Field(name=name, number=own, values=values)


def page_number(document: Document, index: int) -> int:
    """The object number of a page, counted from 0."""
    node = reference(document.dictionary(document.root).get(b"/Pages", b""))
    for depth in range(_DEEPEST_PAGE):
        if node is None:
            break
        values = document.dictionary(node)
        if depth and values.get(b"/Type") == b"/Page":
            if index:
                break
            return node
        if values.get(b"/Type") != b"/Pages" or index >= whole_number(document.resolve(values.get(b"/Count", b""))):
            break
        node = None
        for kid in document.resolved_array(values.get(b"/Kids", b"[]")):
            child = reference(kid)
            if child is None:
                break
            kid_values = document.dictionary(child)
            pages = 1 if kid_values.get(b"/Type") == b"/Page" else whole_number(kid_values.get(b"/Count"))
            if index < pages:
                node = child
                break
            index -= pages
    raise Unusual("no such page, or an unusual tree of pages")


def _date(moment: datetime) -> bytes:
    """D:YYYYMMDDHHmmSS+HH'mm' (7.9.4)."""
    offset = moment.utcoffset()
    if offset is None:
        raise ValueError("a signing time without its zone")
    minutes = round(offset.total_seconds() / 60)
    zone = b"%c%02d'%02d'" % (b"-+"[minutes >= 0], *divmod(abs(minutes), 60))
    clock = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    return b"D:%04d%02d%02d%02d%02d%02d%b" % (*clock, zone)
