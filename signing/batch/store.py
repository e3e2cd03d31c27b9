"""The document security store: certificates and answers about revocation, kept beside the signatures (EN 319 142-1, 5.4.2).

    prepared = PreparedStore(certificates=chain, ocsps=..., crls=...)     # packed once
    prepared.put_into(document)                                           # entered in every document of a batch

No /VRI: every reader takes what it needs from the whole store (and the standard no longer asks for it).
"""

import zlib
from collections.abc import Iterable

from signing.batch.document import Document
from signing.batch.syntax import Values, dictionary_of, reference, write_dictionary
from signing.batch.unusual import Unusual

_KINDS = (b"/Certs", b"/OCSPs", b"/CRLs")

# What a store may hold before pyHanko is asked instead: each one is unpacked to be compared.
MOST_ENTRIES = 1000


class PreparedStore:
    """What is to stand in the store, packed as PDF streams."""

    def __init__(self, *, certificates: Iterable[bytes], ocsps: Iterable[bytes], crls: Iterable[bytes]) -> None:
        self._entries = {
            kind: {der: _packed(der) for der in dict.fromkeys(values)}
            for kind, values in zip(_KINDS, (certificates, ocsps, crls), strict=True)
        }

    def put_into(self, document: Document) -> bool:
        """Enter what is not there yet into the document's next revision; False when nothing was missing."""
        catalog = document.dictionary(document.root)
        target = reference(catalog.get(b"/DSS", b""))
        store: Values = {b"/Type": b"/DSS"}
        if b"/DSS" in catalog:
            store = document.dictionary(target) if target is not None else dictionary_of(catalog[b"/DSS"])
        before = dict(store)
        for kind, entries in self._entries.items():
            present = document.resolved_array(store.get(kind, b"[]"))
            missing = _missing(document, entries, present)
            if missing:
                added = [b"%d 0 R" % document.add(packed) for packed in missing]
                store[kind] = b"[%b]" % b" ".join([*present, *added])
        if store == before and b"/DSS" in catalog:
            return False
        if target is not None:
            document.replace(target, store)
        else:
            number = document.add(write_dictionary(store))
            document.replace(document.root, {**catalog, b"/DSS": b"%d 0 R" % number})
        return True


def _missing(document: Document, entries: dict[bytes, bytes], present: list[bytes]) -> list[bytes]:
    if len(present) > MOST_ENTRIES:
        raise Unusual("a very large security store")
    if not present:
        return list(entries.values())
    known = set()
    for raw in present:
        number = reference(raw)
        if number is None:
            raise Unusual("a security store with direct entries")
        known.add(document.stream(number).unpacked())
    return [packed for der, packed in entries.items() if der not in known]


def _packed(der: bytes) -> bytes:
    deflated = zlib.compress(der, 9)
    if len(deflated) < len(der):
        return b"<< /Filter /FlateDecode /Length %d >>\nstream\n%b\nendstream" % (len(deflated), deflated)
    return b"<< /Length %d >>\nstream\n%b\nendstream" % (len(der), der)
