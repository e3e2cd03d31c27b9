"""What else a document carries: programs it would run, and files inside it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from signing.report import Finding
from signing.verification.faults import Fault
from signing.verification.fields import form_fields
from signing.verification.mentions import mentions
from signing.verification.pages import Page, pages_of
from signing.verification.pdf import Pdf, View
from signing.verification.syntax import Ref, Stream, text_of
from signing.verification.words import finding

MAX_FILES = 256  # listed
MAX_FILE_BYTES = 64 * 1024 * 1024  # of one attached file that is looked at
MAX_ACTIONS = 64
_FEW_PAGES = 200  # are read without a look at the text before
_ACTIVE = {
    "/JavaScript": "JavaScript",
    "/Launch": "Launch",
    "/SubmitForm": "SubmitForm",
    "/ImportData": "ImportData",
    "/GoToE": "GoToE",
    "/GoToR": "GoToR",
    "/Rendition": "Rendition",
    "/Movie": "Movie",
    "/Sound": "Sound",
    "/RichMediaExecute": "RichMedia",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A file inside the document."""

    name: str
    content: bytes
    stop: int  # where its bytes end in the file: what covers them proves its age


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Active content as findings, attached files, and where their bytes stand in the file."""

    findings: tuple[Finding, ...] = ()
    attached: tuple[Attached, ...] = ()
    hidden: tuple[tuple[int, int], ...] = ()
    cut: int = 0  # files that were not looked at


def look_inside(pdf: Pdf) -> Contents:
    """The newest state's active content and attachments. What cannot be read is left out and said."""
    view = pdf.at(pdf.last)
    try:
        active = list(dict.fromkeys(_active(view)))[:MAX_ACTIONS]
    except Fault as fault:
        active = [str(fault)]
    findings = [finding("ACTIVE_CONTENT", ", ".join(active))] if active else []
    attached: list[Attached] = []
    hidden: list[tuple[int, int]] = []
    cut = 0
    try:
        for name, stream in embedded_files(view):
            if len(attached) >= MAX_FILES:
                cut += 1
                continue
            hidden.append((stream.start, stream.stop))
            content = _content(view, stream)
            if content is None:
                cut += 1
            else:
                attached.append(Attached(name=name, content=content, stop=stream.stop))
    except Fault:
        cut += 1
    if attached:
        findings.append(finding("ATTACHMENTS", ", ".join(each.name for each in attached)))
    return Contents(findings=tuple(findings), attached=tuple(attached), hidden=tuple(hidden), cut=cut)


def _content(view: View, stream: Stream) -> bytes | None:
    try:
        content = view.unpacked(stream)
    except Fault:
        return None
    return content if content is not None and len(content) <= MAX_FILE_BYTES else None


def _active(view: View) -> Iterator[str]:
    catalog = view.catalog
    yield from _action(view, catalog.get("/OpenAction"), "OpenAction")
    yield from _actions(view, catalog.get("/AA"), "document")
    for name, value in _name_tree(view, view.get(catalog, "/Names", "/JavaScript")):
        yield f"JavaScript {name}"
        yield from _action(view, value, "")
    if view.get(catalog, "/AcroForm", "/XFA") is not None:
        yield "XFA"
    for field in form_fields(view).values():
        yield from _actions(view, field.entries.get("/AA"), f"field {field.name}")
        for widget in field.widgets:
            yield from _action(view, widget.entries.get("/A"), f"field {field.name}")
    for index, page in enumerate(_pages_naming(view, frozenset(_ACTIVE))):
        where = f"page {index + 1}"
        yield from _actions(view, page.entries.get("/AA"), where)
        for item in view.items(page.entries.get("/Annots")):
            annotation = view.entries(item)
            if isinstance(annotation, dict) and ("/A" in annotation or "/AA" in annotation):
                yield from _action(view, annotation.get("/A"), where)
                yield from _actions(view, annotation.get("/AA"), where)


def _pages_naming(view: View, names: frozenset[str]) -> tuple[Page, ...]:
    """The pages; none of a long document whose file does not even hold one of the names."""
    count = view.get(view.catalog, "/Pages", "/Count")
    if isinstance(count, int) and count > _FEW_PAGES:
        known = view.pdf.kept_mentions
        if names not in known:
            known[names] = mentions(view.pdf, names)
        if not known[names]:
            return ()
    return pages_of(view)


def _actions(view: View, holder: Any, where: str) -> Iterator[str]:
    entries = view.resolve(holder)
    if isinstance(entries, dict):
        for value in entries.values():
            yield from _action(view, value, where)


def _action(view: View, value: Any, where: str) -> Iterator[str]:
    """An action and those that follow it."""
    queue = [value]
    for _ in range(MAX_ACTIONS):
        if not queue:
            return
        entries = view.resolve(queue.pop())
        if isinstance(entries, list):
            queue += entries
        elif isinstance(entries, dict):
            kind = str(view.get(entries, "/S") or "")
            if kind in _ACTIVE:
                yield f"{_ACTIVE[kind]} ({where})" if where else _ACTIVE[kind]
            if entries.get("/Next") is not None:
                queue.append(entries["/Next"])


def embedded_files(view: View) -> Iterator[tuple[str, Stream]]:
    """Embedded files: by name, associated with the document, and in annotations; each once."""
    seen: set[int] = set()
    holders = [value for _, value in _name_tree(view, view.get(view.catalog, "/Names", "/EmbeddedFiles"))]
    holders += view.items(view.catalog.get("/AF"))
    for page in _pages_naming(view, frozenset({"/FileAttachment"})):
        for item in view.items(page.entries.get("/Annots")):
            if view.get(item, "/Subtype") == "/FileAttachment":
                holders.append(view.get(item, "/FS"))
    for holder in holders:
        entries = view.resolve(holder)
        if not isinstance(entries, dict):
            continue
        embedded = view.resolve(entries.get("/EF"))
        for key in ("/UF", "/F") if isinstance(embedded, dict) else ():
            item = embedded.get(key)
            stream = view.resolve(item)
            number = item.number if isinstance(item, Ref) else id(item)
            if isinstance(stream, Stream) and number not in seen:
                seen.add(number)
                yield text_of(view.resolve(entries.get("/UF") or entries.get("/F"))), stream


def _name_tree(view: View, root: Any) -> Iterator[tuple[str, Any]]:
    """The leaves of a name tree (7.9.6)."""
    stack, visited = [root], 0
    while stack and visited < MAX_FILES * 4:
        visited += 1
        node = view.resolve(stack.pop())
        if not isinstance(node, dict):
            continue
        names = view.items(node.get("/Names"))
        for key, value in zip(names[::2], names[1::2], strict=False):
            yield text_of(view.resolve(key)), value
        stack += reversed(view.items(node.get("/Kids")))
