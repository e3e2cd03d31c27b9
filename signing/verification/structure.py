"""Reading a signed PDF: its signature fields one by one, what each covers, and the document security store.

One broken field never hides another: whatever is wrong with one becomes that signature's own fault.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from signing.report import Finding
from signing.verification.bare_signature import SUBFILTER as BARE
from signing.verification.changes import FieldLock, History, Permission
from signing.verification.der import read
from signing.verification.facts import Coverage, FoundSignature, Later, SignedDocument
from signing.verification.faults import BadDer, BadStructure, Fault
from signing.verification.fields import Field, form_fields
from signing.verification.pdf import Pdf, View
from signing.verification.plain_changes import PlainHistory
from signing.verification.repairing import hidden_objects, unusual_tables
from signing.verification.security_store import read_store
from signing.verification.signed_data import MAX_CERTIFICATES, digest_of
from signing.verification.syntax import Ref, text_of
from signing.verification.words import finding

MAX_SIGNATURES = 1024  # fields that are judged; a class book has four, the largest known file about 300
MAX_CONTENTS = 4 * 1024 * 1024  # a signature with revocation lists inside has up to one

_SUBFILTERS = frozenset({"/ETSI.CAdES.detached", "/adbe.pkcs7.detached", "/adbe.pkcs7.sha1", "/ETSI.RFC3161", BARE})
_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:(Z)|([+-])(\d\d)'?(?:(\d\d)'?)?)?")
_WHITE = b"\0\t\n\f\r "


def read_document(pdf: Pdf, size: int) -> SignedDocument:
    """The signatures of a file whose structure was read; `size` counts what stands after its end as well. Raises Fault."""
    view = pdf.at(pdf.last)
    fields = form_fields(view)
    shared: dict[int, str] = {}
    signatures: list[FoundSignature] = []
    findings: list[Finding] = []
    for field in _owners_first(pdf, fields):
        if field.kind != "/Sig" or field.value is None or view_is_null(view, field.value):
            continue
        key = field.value.number if isinstance(field.value, Ref) else id(field.value)
        if key in shared:
            findings.append(finding("SHARED_SIGNATURE", f"{shared[key]}, {field.name}"))
            continue
        shared[key] = field.name
        if len(signatures) >= MAX_SIGNATURES:
            raise BadStructure(f"more than {MAX_SIGNATURES} signatures")
        signatures.append(_read_signature(pdf, view, field, size))
    signatures.sort(key=lambda found: (found.end, found.field))
    base = min((found.revision for found in signatures if found.fault is None), default=pdf.last)
    unusual = unusual_tables(pdf, base)
    if unusual is not None:
        findings.append(finding("NOT_STRICT", unusual))
    hidden = hidden_objects(pdf, base) if signatures else []
    if hidden:
        findings.append(finding("HIDDEN_OBJECTS", ", ".join(hidden[:8])))
    if view.get(view.catalog, "/Perms", "/UR3") is not None or view.get(view.catalog, "/Perms", "/UR") is not None:
        findings.append(finding("USAGE_RIGHTS"))
    genuine = frozenset(found.field for found in signatures if found.fault is None and found.coverage > Coverage.UNCLEAR)
    history = History(pdf, genuine, lambda: _quick(pdf, signatures, genuine))
    digests = Digests(pdf.content, signatures)
    return SignedDocument(
        size=size,
        signatures=tuple(signatures),
        store=read_store(pdf, (found.revision for found in signatures if found.is_timestamp and found.fault is None)),
        findings=tuple(findings),
        rights=_not_of_fields(pdf),
        digest=digests.of,
        later=lambda found: _later(history, view, fields, found),
    )


def _not_of_fields(pdf: Pdf) -> tuple[tuple[int, int], ...]:
    """Where byte ranges stand that are nobody's signature: usage rights (12.8.6), and the code in a trailer (ISO/TS 32004).

    Usage rights count as such where the revision that wrote them names them so: not a signature that was made one later.
    """
    found: set[tuple[int, int]] = set()
    for revision in range(pdf.last + 1):
        view, section = pdf.at(revision), pdf.sections[revision]
        if isinstance(section.trailer.get("/AuthCode"), dict):
            found.add((section.start, section.end))
        try:
            root, holder = view.trailer.get("/Root"), view.catalog.get("/Perms")
            for named in (
                view.get(holder, "/UR3") and view.entries(holder)["/UR3"],
                view.get(holder, "/UR") and view.entries(holder)["/UR"],
            ):
                # A dictionary that stands in /Perms itself, or in the catalog, is part of that object.
                where = next((each for each in (named, holder, root) if isinstance(each, Ref)), None) if named else None
                if where is not None and pdf.last_change(where.number, revision) == revision:
                    extent = pdf.extent(where.number, revision)
                    found |= {extent} if extent is not None else set()
        except Fault:
            continue
    return tuple(found)


def _quick(pdf: Pdf, signatures: Iterable[FoundSignature], genuine: frozenset[str]) -> PlainHistory | None:
    """The quick comparison from the first signed revision on; None where something about the file is not plain."""
    base = min((found.revision for found in signatures if found.fault is None), default=pdf.last)
    if base >= pdf.last:
        return None
    try:
        return PlainHistory(pdf, base, genuine)
    except Exception:  # noqa: BLE001 -- NotPlain, or hostile structure: the thorough comparison says what it is
        return None


def _owners_first(pdf: Pdf, fields: Mapping[str, Field]) -> list[Field]:
    """Of two fields that show one signature the one counts that showed it when it was made."""
    numbers = [field.value.number for field in fields.values() if isinstance(field.value, Ref) and field.kind == "/Sig"]
    if len(set(numbers)) == len(numbers):
        return list(fields.values())

    def is_late(field: Field) -> bool:
        if not isinstance(field.value, Ref) or field.kind != "/Sig":
            return False
        made = pdf.last_change(field.value.number, pdf.last)
        then = form_fields(pdf.at(made)).get(field.name) if made is not None else None
        return then is None or then.value != field.value

    return sorted(fields.values(), key=is_late)


def view_is_null(view: View, value: Any) -> bool:
    """Whether a value is null in the end; one that cannot be read is not: it must not look like an empty field."""
    try:
        return view.resolve(value) is None
    except Fault:
        return False


def _later(history: History, view: View, fields: dict[str, Field], found: FoundSignature) -> Later:
    permission = Permission(certifies=found.certifies, locks=_lock(view.pdf.at(found.revision), fields[found.field]))
    return history.after(found.revision, permission)


def _read_signature(pdf: Pdf, view: View, field: Field, size: int) -> FoundSignature:
    """The signature in a field; a fault makes it a signature that failed, not one that is not there."""
    try:
        return _signature(pdf, view, field, size)
    except Fault as fault:
        return _unusable(field, finding("BAD_CONTAINER", fault))
    except Exception as surprise:  # noqa: BLE001 -- hostile structure: this field fails, the others are still judged
        return _unusable(field, finding("BAD_CONTAINER", type(surprise).__name__))


def _unusable(field: Field, fault: Finding, **known: Any) -> FoundSignature:
    values: dict[str, Any] = {
        "object_id": 0,
        "subfilter": "",
        "filter": "",
        "is_timestamp": False,
        "byte_range": (),
        "contents": b"",
        "claimed": None,
        "revision": 0,
        "coverage": Coverage.UNCLEAR,
        "certifies": None,
        **known,
    }
    return FoundSignature(field=field.name, fault=fault, **values)


def _signature(pdf: Pdf, view: View, field: Field, size: int) -> FoundSignature:
    entries = view.resolve(field.value)
    if not isinstance(entries, dict):
        raise BadStructure(f"the value of the field is a {type(entries).__name__}, not a signature dictionary")
    subfilter = str(view.get(entries, "/SubFilter") or "")
    stamp = subfilter == "/ETSI.RFC3161"
    known: dict[str, Any] = {
        "object_id": field.value.number if isinstance(field.value, Ref) else 0,
        "subfilter": subfilter,
        "filter": str(view.get(entries, "/Filter") or ""),
        "is_timestamp": stamp,
        "claimed": pdf_date(view.get(entries, "/M")),
        "has_cert_entry": entries.get("/Cert") is not None,
        "certificates": _own_certificates(view, entries) if subfilter == BARE else (),
        "has_reason": entries.get("/Reason") is not None,
    }
    contents = view.get(entries, "/Contents")
    known["contents"] = contents if isinstance(contents, bytes) else b""
    revision = _revision(pdf, field)
    known["revision"] = revision
    if isinstance(entries.get("/ByteRange"), Ref):
        return _unusable(field, finding("BYTE_RANGE", "not in the signature's dictionary"), **known)
    numbers = view.items(entries.get("/ByteRange"))
    known["byte_range"] = tuple(number for number in numbers if isinstance(number, int))
    fault = _dictionary_fault(subfilter, contents) or _range_fault(pdf, field, numbers, size, contents)
    if fault is not None:
        replaced = fault.code == "BYTE_RANGE" and _was_other(pdf, field, revision)
        return _unusable(field, finding("DICTIONARY_REPLACED") if replaced else fault, **known)
    notes = _notes(entries, contents, stamp=stamp)
    known["certifies"] = _certifies(pdf.at(revision), field, entries)
    coverage = _coverage(pdf, known["byte_range"], revision, size)
    if coverage is Coverage.UNCLEAR:
        replaced = _was_other(pdf, field, revision)
        fault = finding("DICTIONARY_REPLACED") if replaced else finding("BYTE_RANGE", "not a whole revision")
        return _unusable(field, fault, **{**known, "notes": notes})
    return FoundSignature(field=field.name, coverage=coverage, notes=notes, **known)


def _own_certificates(view: View, entries: dict[str, Any]) -> tuple[bytes, ...]:
    """The strings of /Cert: one, or several with the signer's first (12.8.1)."""
    held = view.resolve(entries.get("/Cert"))
    listed = [view.resolve(each) for each in held[:MAX_CERTIFICATES]] if isinstance(held, list) else [held]
    return tuple(each for each in listed if isinstance(each, bytes))


def _dictionary_fault(subfilter: str, contents: Any) -> Finding | None:
    if not isinstance(contents, bytes):
        return finding("BAD_CONTAINER", "no /Contents")
    if not contents.strip(b"\0"):
        return finding("EMPTY_CONTENTS")
    if len(contents) > MAX_CONTENTS:
        return finding("BAD_CONTAINER", f"{len(contents)} bytes")
    if subfilter not in _SUBFILTERS:
        return finding("UNKNOWN_SUBFILTER", subfilter or "none")
    return None


def _range_fault(  # noqa: PLR0911 -- one per fault
    pdf: Pdf, field: Field, numbers: list[Any], size: int, contents: bytes
) -> Finding | None:
    """ISO 32000-2 12.8.1: from the first byte on, with one gap, and the gap is this dictionary's /Contents to the byte."""
    if len(numbers) != 4 or not all(isinstance(n, int) and not isinstance(n, bool) for n in numbers):  # noqa: PLR2004
        return finding("BYTE_RANGE", repr(numbers)[:80])
    start, first, second, rest = numbers
    if start != 0 or first <= 0 or second <= first or rest < 0 or second + rest > size:
        return finding("BYTE_RANGE", f"{numbers} of {size} bytes")
    gap = pdf.content[first:second]
    if gap[:1] != b"<" or gap[-1:] != b">":
        return finding("BYTE_RANGE", "the gap is not /Contents")
    try:
        held = bytes.fromhex(gap[1:-1].decode("ascii"))
    except ValueError:
        return finding("BYTE_RANGE", "the gap holds other things than /Contents")
    if held != contents:
        return finding("BYTE_RANGE", "the gap is another /Contents")
    extent = _extent(pdf, field)
    if extent is None or not extent[0] < first:
        return finding("BYTE_RANGE", "the gap is not in the signature's dictionary")
    if second > extent[1]:
        return finding("BYTE_RANGE", "the gap belongs to another object")
    return None


def _extent(pdf: Pdf, field: Field) -> tuple[int, int] | None:
    """Where the object that holds the signature dictionary begins and ends."""
    number = field.value.number if isinstance(field.value, Ref) else field.number
    return pdf.extent(number, pdf.last) if number is not None else None


def _revision(pdf: Pdf, field: Field) -> int:
    """The revision that wrote the dictionary last: if it was replaced later, it no longer covers itself."""
    number = field.value.number if isinstance(field.value, Ref) else field.number
    revision = pdf.last_change(number, pdf.last) if number is not None else None
    if revision is None:
        raise BadStructure("the signature dictionary is in no revision")
    return revision


def _was_other(pdf: Pdf, field: Field, revision: int) -> bool:
    number = field.value.number if isinstance(field.value, Ref) else field.number
    return number is not None and revision > 0 and pdf.last_change(number, revision - 1) is not None


def _notes(entries: dict[str, Any], contents: bytes, *, stamp: bool) -> tuple[Finding, ...]:
    notes: list[Finding] = []
    try:
        hidden = contents[read(contents).end :].strip(b"\0")
    except BadDer:
        hidden = b""
    if hidden:
        notes.append(finding("CONTENTS_PADDING", len(hidden)))
    if stamp and entries.get("/Type") not in {None, "/DocTimeStamp"}:
        notes.append(finding("TYPE_NOT_TIMESTAMP"))
    return tuple(notes)


def _coverage(pdf: Pdf, byte_range: tuple[int, ...], revision: int, size: int) -> Coverage:
    """Whether the covered bytes end exactly where a revision ends, the one that made the signature."""
    end = byte_range[2] + byte_range[3]
    if any(each.end > end for each in pdf.sections[: revision + 1]):
        return Coverage.UNCLEAR
    if revision == pdf.last and not pdf.content[end:size].strip(_WHITE):
        return Coverage.WHOLE_FILE
    close = pdf.closed_at(revision)
    if close < 0 or close > end or pdf.content[close:end].strip(_WHITE):
        return Coverage.UNCLEAR
    return Coverage.REVISION


def _certifies(view: View, field: Field, entries: dict[str, Any]) -> int | None:
    """The DocMDP level: of the certification itself, or of the lock that the field brought; the stricter of both."""
    levels: list[int] = []
    for reference in view.items(entries.get("/Reference")):
        if view.get(reference, "/TransformMethod") == "/DocMDP":
            level = view.get(reference, "/TransformParams", "/P")
            levels.append(2 if level is None else level if isinstance(level, int) and 1 <= level <= 3 else 1)  # noqa: PLR2004
    locked = view.get(field.entries.get("/Lock"), "/P")
    if isinstance(locked, int):
        levels.append(min(max(locked, 1), 3))
    return min(levels, default=None)


def _lock(view: View, field: Field) -> FieldLock | None:
    """FieldMDP of the signature, else the lock of its field."""
    entries = view.resolve(field.value)
    sources = [
        view.get(reference, "/TransformParams")
        for reference in view.items(view.get(entries, "/Reference"))
        if view.get(reference, "/TransformMethod") == "/FieldMDP"
    ]
    if not sources and field.entries.get("/Lock") is not None:
        sources = [view.resolve(field.entries.get("/Lock"))]
    for source in sources:
        action = str(view.get(source, "/Action") or "/All")
        names = tuple(text_of(view.resolve(each)) for each in view.items(view.get(source, "/Fields")))
        return FieldLock(action=action, fields=names)
    return None


class Digests:
    """The digests of every covered range: one pass over the file, however many signatures it holds."""

    def __init__(self, content: bytes, signatures: Iterable[FoundSignature]) -> None:
        self._content = memoryview(content)
        self._ranges = sorted(
            {found.byte_range for found in signatures if found.fault is None},
            key=lambda each: each[1],
        )
        self._done: dict[str, dict[tuple[int, ...], bytes]] = {}

    def of(self, found: FoundSignature, name: str) -> bytes:
        """The digest, by the names of `signed_data.DIGESTS`."""
        if name not in self._done:
            self._done[name] = self._pass(name)
        return self._done[name][found.byte_range]

    def _pass(self, name: str) -> dict[tuple[int, ...], bytes]:
        digest_of(name, b"")  # a digest that this machine does not have is a BadDer
        running = hashlib.new(name, usedforsecurity=False)
        position = 0
        done: dict[tuple[int, ...], bytes] = {}
        for byte_range in self._ranges:
            _, first, second, rest = byte_range
            running.update(self._content[position:first])
            position = first
            here = running.copy()
            here.update(self._content[second : second + rest])
            done[byte_range] = here.digest()
        return done


def pdf_date(value: Any) -> datetime | None:
    """A PDF date (7.9.4); without a zone it is taken as UTC. None where it is none."""
    match = _DATE.match(text_of(value)) if isinstance(value, bytes) else None
    if match is None:
        return None
    year, month, day, hour, minute, second, zulu, sign, zone_hour, zone_minute = match.groups()
    try:
        offset = timedelta(hours=int(zone_hour or 0), minutes=int(zone_minute or 0))
        zone = UTC if zulu or not sign else timezone(-offset if sign == "-" else offset)
        return datetime(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=zone
        )
    except ValueError:
        return None
