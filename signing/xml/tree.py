"""An XML document as its bytes say it: names as written, namespaces as declared, every element with its place in the bytes.

    document = read_document(content)
    document.root.children, document.find_ids("data"), content[element.start:element.end]

Expat reads, nothing else does: no DOCTYPE, no entities, no addresses followed. A signature is judged over exactly this tree,
and a new one is put in by inserting bytes, so that nothing that is signed is ever written again.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from xml.parsers import expat

from signing.verification.faults import Fault
from signing.xml.algorithms import DS

MAX_BYTES = 32 * 1024 * 1024  # a transcript has 50 KB, a packed class 5 MB
MAX_ELEMENTS = 200_000  # a packed class of 50 transcripts has about 100 000
MAX_DEPTH = 100  # a transcript has 8, a XAdES signature in it 14
MAX_ATTRIBUTES = 256  # of one element
MAX_ALL_ATTRIBUTES = 600_000  # of all elements together; a packed class has about as many as elements
MAX_NAMESPACES = 256  # in force at one element: a XAdES signature in a transcript has four, the worst of the web about 40
MAX_SIGNATURES = 4096  # of which 256 are judged: how much a signature leaves out depends on all of them

XML = "http://www.w3.org/XML/1998/namespace"
XMLNS = "http://www.w3.org/2000/xmlns/"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"  # Id of WS-Security
_ENCODINGS = frozenset({"utf-8", "us-ascii", "ascii", "utf-16", "utf-16le", "utf-16be", "iso-8859-1"})
_ID_NAMES = frozenset({"Id", "ID", "id"})  # what schemas of signatures, and of our ministry, call identifiers
_QUALIFIED_IDS = frozenset({(XML, "id"), (WSU, "Id")})
_URI = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*"
_ABSOLUTE = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]*:{_URI}(?:#{_URI})?")
_SPACE = " \t\r\n"
_DOCTYPE = re.compile(rb"<!DOCTYPE", re.IGNORECASE)


class BadXml(Fault):
    """The document is not XML that may be read."""


class HasDoctype(BadXml):
    """The document declares a DOCTYPE."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute that is no namespace declaration."""

    qname: str
    namespace: str
    local: str
    value: str


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment's text."""

    text: str


@dataclass(frozen=True, slots=True)
class Instruction:
    """A processing instruction."""

    target: str
    data: str


@dataclass(slots=True, eq=False)
class Element:
    """An element. It is itself only: two that read the same are still two."""

    qname: str
    prefix: str
    local: str
    namespace: str
    attributes: tuple[Attribute, ...]
    declared: dict[str, str]  # prefix ("" for the default) to namespace
    parent: "Element | None"
    start: int  # in bytes: of "<"
    number: int  # of elements before it
    last: int = 0  # the number of the last element inside it, or its own
    end: int = 0  # after ">"
    content_end: int = 0  # of "</", or -1 for an empty-element tag
    nth: int = 1  # among the siblings of its name
    named: dict[str, int] | None = None  # how many children there are of each name
    signatures: int = 0  # how many of the children are Signature elements of XML-DSig, and
    nth_signature: int = 0  # which of them it is itself, whatever its prefix
    children: list["Element | str | Comment | Instruction"] = field(default_factory=list)

    def elements(self, local: str = "", namespace: str | None = None) -> Iterator["Element"]:
        """The element children, of this name where one is given."""
        for child in self.children:
            if isinstance(child, Element) and local in {"", child.local} and namespace in {None, child.namespace}:
                yield child

    def attribute(self, local: str) -> str | None:
        """The value of an attribute without a namespace."""
        return next((each.value for each in self.attributes if each.local == local and not each.namespace), None)

    @property
    def text(self) -> str:
        """The character data directly inside. Comments do not end it: they are no part of what is said."""
        return "".join(child for child in self.children if isinstance(child, str))

    @property
    def ancestors(self) -> Iterator["Element"]:
        """The parent, its parent, up to the root."""
        above = self.parent
        while above is not None:
            yield above
            above = above.parent

    def is_inside(self, other: "Element") -> bool:
        """Whether this element is the other or stands in it."""
        return other.number <= self.number <= other.last

    @property
    def size(self) -> int:
        """How many elements it is, itself counted."""
        return self.last - self.number + 1

    def walk(self) -> Iterator["Element"]:
        """This element and all under it, in document order."""
        stack = [self]
        while stack:
            element = stack.pop()
            yield element
            stack.extend(child for child in reversed(element.children) if isinstance(child, Element))

    @property
    def scope(self) -> dict[str, str]:
        """The namespaces in force here, by prefix."""
        found: dict[str, str] = {}
        for each in (*reversed(list(self.ancestors)), self):
            found.update(each.declared)
        return {prefix: uri for prefix, uri in found.items() if uri}

    @property
    def path(self) -> str:
        """Where it stands: names from the root, with a number where siblings share a name."""
        steps = [_step(element) for element in (*reversed(list(self.ancestors)), self)]
        return "/" + "/".join(steps)


def _step(element: Element) -> str:
    """Counted while it was read: a hostile document asks for the path of one of 200,000 siblings a thousand times."""
    parent = element.parent
    if parent is None or parent.named is None or parent.named[element.qname] == 1:
        return element.qname
    return f"{element.qname}[{element.nth}]"


@dataclass(frozen=True, slots=True)
class Document:
    """The root with what stands beside it."""

    root: Element
    before: tuple[Comment | Instruction, ...]
    after: tuple[Comment | Instruction, ...]
    ids: dict[str, tuple[Element, ...]]
    encoding: str
    signatures: tuple[Element, ...] = ()  # every Signature of XML-DSig, wherever it stands
    relative_namespace: str = ""  # one that is declared and no absolute address (RFC 3986, 4.3)
    cut: tuple[Element, ...] = ()  # whose text is cut in two by a comment or the edge of a CDATA section

    def find_ids(self, value: str) -> tuple[Element, ...]:
        """Every element that carries this identifier; more than one is an attack or a mistake, never a choice."""
        return self.ids.get(value.strip(_SPACE), ())


def read_document(content: bytes) -> Document:
    """The document in these bytes. Raises BadXml, HasDoctype."""
    if len(content) > MAX_BYTES:
        raise BadXml(f"{len(content)} bytes; at most {MAX_BYTES} are read")
    # Asked before the parser sees it: expat would expand what a DOCTYPE declares before we could stop it. In a text the
    # characters would be written &lt;!DOCTYPE; in a comment or CDATA section they are refused too.
    if _DOCTYPE.search(content) or _DOCTYPE.search(content.replace(b"\0", b"")):
        raise HasDoctype("the document has a DOCTYPE")
    builder = _Builder(content)
    try:
        builder.parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError, RecursionError) as fault:
        raise BadXml(f"{fault}") from fault
    return builder.document()


class _Builder:
    """Takes expat's events."""

    def __init__(self, content: bytes) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.ordered_attributes = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.CommentHandler = self._comment
        self.parser.ProcessingInstructionHandler = self._instruction
        self.parser.StartCdataSectionHandler = self._edge
        self.parser.EndCdataSectionHandler = self._edge
        self.parser.XmlDeclHandler = self._declaration
        self.parser.StartDoctypeDeclHandler = self._doctype
        self._content = content
        self._open: list[Element] = []
        self._scopes: list[dict[str, str]] = [{"xml": XML}]
        self._root: Element | None = None
        self._before: list[Comment | Instruction] = []
        self._after: list[Comment | Instruction] = []
        self._ids: dict[str, tuple[Element, ...]] = {}
        self._texts: list[_Text] = []
        self._cut: list[Element] = []
        self._signatures: list[Element] = []
        self._relative = ""
        self._count = self._attributes = 0
        self._elements = 0
        self._encoding = "utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8"

    def document(self) -> Document:
        if self._root is None:
            raise BadXml("there is no element")
        return Document(
            root=self._root,
            before=tuple(self._before),
            after=tuple(self._after),
            ids=self._ids,
            encoding=self._encoding,
            signatures=tuple(self._signatures),
            cut=tuple(self._cut),
            relative_namespace=self._relative,
        )

    def _declaration(self, version: str, encoding: str | None, _standalone: int) -> None:
        if version != "1.0":
            raise BadXml(f"XML version {version}; 1.0 is expected")
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise BadXml(f"encoding {encoding[:40]}; UTF-8 is expected")
        if encoding is not None:
            self._encoding = encoding.lower()

    def _doctype(self, *_: object) -> None:
        raise HasDoctype("the document has a DOCTYPE")

    def _start(self, qname: str, listed: list[str]) -> None:
        self._count += 1
        self._attributes += len(listed) // 2
        if self._attributes > MAX_ALL_ATTRIBUTES:
            raise BadXml(f"more than {MAX_ALL_ATTRIBUTES} attributes")
        if self._count > MAX_ELEMENTS or len(self._open) >= MAX_DEPTH or len(listed) > 2 * MAX_ATTRIBUTES:
            raise BadXml(f"more than {MAX_ELEMENTS} elements, {MAX_DEPTH} levels or {MAX_ATTRIBUTES} attributes")
        plain, declared = _sorted_out(listed) if listed else ((), _NOTHING)
        scope = {**self._scopes[-1], **declared} if declared else self._scopes[-1]
        if declared:
            self._note_namespaces(declared, scope)
        prefix, local = _split(qname) if ":" in qname else ("", qname)
        parent = self._open[-1] if self._open else None
        element = Element(
            qname,
            prefix,
            local,
            _lookup(scope, prefix, qname),
            _attributes(plain, scope) if plain else (),
            declared,
            parent,
            self.parser.CurrentByteIndex,
            self._elements,
        )
        self._elements += 1
        if local == "Signature" and element.namespace == DS:
            self._note_signature(element)
        for each in element.attributes:
            if (not each.namespace and each.local in _ID_NAMES) or (each.namespace, each.local) in _QUALIFIED_IDS:
                self._remember(each.value, element)
        if parent is not None:
            if parent.named is None:
                parent.named = {}
            element.nth = parent.named[qname] = parent.named.get(qname, 0) + 1
            parent.children.append(element)
        else:
            self._root = element
        self._open.append(element)
        self._scopes.append(scope)
        self._texts.append(_Text())

    def _note_namespaces(self, declared: dict[str, str], scope: dict[str, str]) -> None:
        if len(scope) > MAX_NAMESPACES:
            raise BadXml(f"more than {MAX_NAMESPACES} namespaces in force")
        if not self._relative:
            self._relative = next((uri for uri in declared.values() if uri and not _ABSOLUTE.fullmatch(uri)), "")

    def _note_signature(self, element: Element) -> None:
        self._signatures.append(element)
        if len(self._signatures) > MAX_SIGNATURES:
            raise BadXml(f"more than {MAX_SIGNATURES} signatures")
        if element.parent is not None:
            element.parent.signatures += 1
            element.nth_signature = element.parent.signatures

    def _remember(self, value: str, element: Element) -> None:
        # White space around it counts for none of the programs that look for xml:id, and for some that look for Id.
        value = value.strip(_SPACE)
        known = self._ids.get(value, ())
        if element not in known and len(known) < 3:  # noqa: PLR2004 -- two are too many already
            self._ids[value] = (*known, element)

    def _end(self, _qname: str) -> None:
        element = self._open.pop()
        element.last = self._elements - 1
        self._scopes.pop()
        self._texts.pop()
        here = self.parser.CurrentByteIndex
        # Expat stands on "</", or behind an empty-element tag: then nothing is inside and "/>" stands before.
        if not element.children and self._content[here - 2 : here] == b"/>":
            element.content_end, element.end = -1, here
        else:
            element.content_end, element.end = here, self._content.find(b">", here) + 1

    def _text(self, text: str) -> None:
        self._open[-1].children.append(text)
        told = self._texts[-1]
        if told.is_cut_by(text) and not told.known:
            told.known = True
            self._cut.append(self._open[-1])

    def _edge(self) -> None:
        self._texts[-1].edge = True

    def _comment(self, text: str) -> None:
        if self._texts:
            self._texts[-1].comment = True
        self._beside(Comment(text))

    def _instruction(self, target: str, data: str) -> None:
        self._beside(Instruction(target, data))

    def _beside(self, node: Comment | Instruction) -> None:
        self._count += 1
        if self._count > MAX_ELEMENTS:
            raise BadXml(f"more than {MAX_ELEMENTS} nodes")
        if self._open:
            self._open[-1].children.append(node)
        elif self._root is None:
            self._before.append(node)
        else:
            self._after.append(node)


class _Text:
    """What was seen of one element's own text: does somebody who takes the first piece of it read all of it?

    Most canonical forms leave comments out, and all forget where a CDATA section began: neither is protected by a signature.
    """

    __slots__ = ("comment", "edge", "known", "spoken")

    def __init__(self) -> None:
        self.comment = self.edge = self.known = self.spoken = False

    def is_cut_by(self, text: str) -> bool:
        if not text.strip():
            return False
        cut = self.comment or (self.spoken and self.edge)
        self.spoken, self.edge = True, False
        return cut


_NOTHING: dict[str, str] = {}  # shared by the many elements that declare no namespace; nobody writes into it


def _sorted_out(listed: list[str]) -> tuple[Sequence[tuple[str, str]], dict[str, str]]:
    """Attributes, and declarations of namespaces."""
    plain: list[tuple[str, str]] = []
    declared: dict[str, str] = {}
    for index in range(0, len(listed), 2):
        name, value = listed[index], listed[index + 1]
        if name == "xmlns":
            declared[""] = value
        elif name.startswith("xmlns:"):
            declared[_declarable(name[6:], value)] = value
        else:
            plain.append((name, value))
    return plain, declared or _NOTHING


def _attributes(plain: Sequence[tuple[str, str]], scope: dict[str, str]) -> tuple[Attribute, ...]:
    found: list[Attribute] = []
    for qname, value in plain:
        prefix, local = _split(qname)
        found.append(Attribute(qname, _lookup(scope, prefix, qname) if prefix else "", local, value))
    if len(found) > 1 and len({(each.namespace, each.local) for each in found}) != len(found):
        raise BadXml("an attribute stands twice under two prefixes")
    return tuple(found)


def _declarable(prefix: str, uri: str) -> str:
    """A prefix that may be declared so (Namespaces in XML 1.0, 2.2 and 3)."""
    legal = uri and prefix and ":" not in prefix and prefix != "xmlns" and uri != XMLNS and (prefix == "xml") == (uri == XML)
    if not legal:
        raise BadXml(f"the prefix {prefix[:40]} cannot be declared so")
    return prefix


def _split(qname: str) -> tuple[str, str]:
    prefix, colon, local = qname.partition(":")
    if not colon:
        return "", qname
    if not prefix or not local or ":" in local:
        raise BadXml(f"{qname[:40]} is no qualified name")
    return prefix, local


def _lookup(scope: dict[str, str], prefix: str, qname: str) -> str:
    uri = scope.get(prefix)
    if uri is None and prefix:
        raise BadXml(f"the prefix of {qname[:40]} is not declared")
    return uri or ""
