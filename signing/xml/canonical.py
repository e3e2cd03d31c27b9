"""Canonical XML, the bytes of a tree that are hashed: C14N 1.0 (W3C 2001), 1.1 (2008) and Exclusive (2002).

    data = canonical(element, METHODS["http://www.w3.org/2006/12/xml-c14n11"], without=frozenset({the_signature.number}))

A node-set is here always a whole element, or the whole document, perhaps without the enveloped signature:
XPath never chooses. So the general algorithm comes down to one walk that keeps what namespaces were already written.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from signing.verification.faults import Fault
from signing.xml.tree import XML, Attribute, Comment, Document, Element, Instruction

# Written per document, all references of all signatures together: what a hostile one may cost, about 5 s of each.
MAX_BYTES = 256 * 1024 * 1024
MAX_ELEMENTS = 500_000  # a transcript with 16 signatures writes about 10 000


class CannotCanonicalise(Fault):
    """The canonical form of this element is not something that two programs would agree on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One of the six."""

    uri: str
    exclusive: bool = False
    newer: bool = False  # 1.1: xml:id is not inherited, xml:base would be joined
    comments: bool = False


_KINDS = (
    Method(uri="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
    Method(uri="http://www.w3.org/2006/12/xml-c14n11", newer=True),
    Method(uri="http://www.w3.org/2001/10/xml-exc-c14n#", exclusive=True),
)
METHODS: Mapping[str, Method] = {
    method.uri: method
    for kind in _KINDS
    for method in (
        kind,
        Method(
            uri=kind.uri + ("WithComments" if kind.exclusive else "#WithComments"),
            exclusive=kind.exclusive,
            newer=kind.newer,
            comments=True,
        ),
    )
}
DEFAULT = METHODS["http://www.w3.org/TR/2001/REC-xml-c14n-20010315"]  # where XML-DSig names none (4.4.3.2)
C14N_11 = METHODS["http://www.w3.org/2006/12/xml-c14n11"]


def canonical(
    what: Element | Document,
    method: Method,
    *,
    without: frozenset[int] = frozenset(),
    prefixes: frozenset[str] = frozenset(),
    comments: bool | None = None,
) -> bytes:
    """The canonical octets. `without`: elements, by their number, that are left out with all in them. `prefixes` are those of
    InclusiveNamespaces (exclusive form; "" stands for #default).

    `comments=False` leaves them out whatever the method: a same-document reference by Id has none (XML-DSig 4.4.3.3).
    """
    writer = _Writer(method, without, prefixes, comments=method.comments if comments is None else comments)
    if isinstance(what, Document):
        for each in what.before:
            writer.beside(each, "", "\n")
        writer.element(what.root)
        for each in what.after:
            writer.beside(each, "\n", "")
    else:
        writer.element(what)
    return "".join(writer.parts).encode()


def check_namespaces(document: Document) -> None:
    """C14N 1.0, 1.3: a document with a relative namespace has no canonical form; some programs say so, some overlook it.

    Raises CannotCanonicalise.
    """
    if document.relative_namespace:
        raise CannotCanonicalise(f"the relative namespace {document.relative_namespace[:80]}")


_Item = tuple[Element, dict[str, str], dict[str, str]] | str  # to be opened, or written as it is


class _Writer:
    def __init__(self, method: Method, without: frozenset[int], prefixes: frozenset[str], *, comments: bool) -> None:
        self.method, self.without, self.prefixes, self.comments = method, without, prefixes, comments
        self.parts: list[str] = []

    def beside(self, node: Comment | Instruction, before: str, after: str) -> None:
        """A comment or instruction; outside the root it stands on a line of its own."""
        if isinstance(node, Instruction):
            data = f" {node.data}" if node.data else ""
            self.parts.append(f"{before}<?{node.target}{data}?>{after}")
        elif self.comments:
            self.parts.append(f"{before}<!--{node.text}-->{after}")

    def element(self, apex: Element) -> None:
        """An element with all under it. A stack of our own: depth is bounded by the reader, not by Python."""
        above = {} if apex.parent is None else apex.parent.scope
        stack: list[_Item] = [(apex, above, {})]
        parts = self.parts
        while stack:
            item = stack.pop()
            if isinstance(item, str):
                parts.append(item)
                continue
            element, scope, written = item
            if element.declared:
                scope = {**scope, **element.declared}
            written = self._open_tag(element, scope, written, apex)
            self._inside(element, scope, written, stack)

    def _inside(self, element: Element, scope: dict[str, str], written: dict[str, str], stack: list[_Item]) -> None:
        """What stands between the tags. Text alone, as most hold, is written at once; the rest waits on the stack."""
        children = element.children
        if not children:
            self.parts.append(f"</{element.qname}>")
        elif len(children) == 1 and isinstance(children[0], str):
            self.parts.append(f"{_text(children[0])}</{element.qname}>")
        else:
            stack.append(f"</{element.qname}>")
            for child in reversed(children):
                if isinstance(child, str):
                    stack.append(_text(child))
                elif isinstance(child, Element):
                    if child.number not in self.without:
                        stack.append((child, scope, written))
                elif isinstance(child, Instruction):
                    stack.append(f"<?{child.target}{f' {child.data}' if child.data else ''}?>")
                elif self.comments:
                    stack.append(f"<!--{child.text}-->")

    def _open_tag(self, element: Element, scope: dict[str, str], written: dict[str, str], apex: Element) -> dict[str, str]:
        """Write it; the namespaces that are written from here on."""
        exclusive = self.method.exclusive
        attributes = element.attributes
        if exclusive:
            wanted = self._visible(element, scope)
        elif element is apex:
            wanted = scope
            attributes = (*attributes, *self._inherited(element))
        else:
            wanted = element.declared
        if not wanted and not attributes:
            self.parts.append(f"<{element.qname}>")
            return written
        news = {prefix: uri for prefix, uri in wanted.items() if prefix != "xml" and written.get(prefix, "") != uri}
        tag = [f"<{element.qname}"]
        tag += [f' xmlns{":" if prefix else ""}{prefix}="{_value(news[prefix])}"' for prefix in sorted(news)]
        ordered = sorted(attributes, key=_order) if len(attributes) > 1 else attributes
        tag += [f' {each.qname}="{_value(each.value)}"' for each in ordered]
        tag.append(">")
        self.parts.append("".join(tag))
        return {**written, **news} if news else written

    def _visible(self, element: Element, scope: dict[str, str]) -> dict[str, str]:
        """Exclusive: what the element's own names use, and the prefixes that are to be treated inclusively."""
        used = {element.prefix: scope.get(element.prefix, "")}
        for each in element.attributes:
            if each.namespace:
                prefix = each.qname.partition(":")[0]
                used[prefix] = scope.get(prefix, "")
        for prefix in self.prefixes:
            if prefix in scope:
                used[prefix] = scope[prefix]
        return used

    def _inherited(self, apex: Element) -> list[Attribute]:
        """The xml: attributes of ancestors outside the node-set (C14N 1.0, 2.4; C14N 1.1, 2.4)."""
        own = {each.local for each in apex.attributes if each.namespace == XML}
        found: dict[str, Attribute] = {}
        for ancestor in apex.ancestors:
            for each in ancestor.attributes:
                if each.namespace != XML:
                    continue
                if self.method.newer and each.local == "base":
                    raise CannotCanonicalise("xml:base above a signed element (C14N 1.1 would rewrite it)")
                if self.method.newer and each.local not in {"lang", "space"}:
                    continue
                if each.local not in own and each.local not in found:
                    found[each.local] = each
        return list(found.values())


def _order(attribute: Attribute) -> tuple[str, str]:
    return attribute.namespace, attribute.local


def _text(text: str) -> str:
    if text.isalnum():
        return text
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")


def _value(value: str) -> str:
    if value.isalnum():
        return value
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return value.replace("\t", "&#x9;").replace("\n", "&#xA;").replace("\r", "&#xD;")
