"""The document security store (ISO 32000-2 12.8.4.3): evidence, with the revision in which each value stood there first.

Programs that extend signatures often write the whole store anew, with the same values in other objects. What a document
timestamp covered was there in its revision: so the store is read as it was under each of them, too.
"""

from collections.abc import Iterable
from typing import Any

from signing.verification.facts import Kept, Store
from signing.verification.faults import Fault
from signing.verification.pdf import Pdf, View
from signing.verification.syntax import Ref

MAX_STORED = 2_048  # values of one kind in the store; a book with 16 signatures holds about 40
MAX_STATES = 32  # earlier states that are read; a document that is renewed every five years has a handful in a century


def read_store(pdf: Pdf, stamped: Iterable[int] = ()) -> Store:
    """The store as it is, and as it was in the revisions of document timestamps. What cannot be read is no evidence."""
    earlier = sorted({revision for revision in stamped if revision < pdf.last})[:MAX_STATES]
    states = [_state(pdf, pdf.at(revision)) for revision in (pdf.last, *earlier)]
    return Store(
        certificates=_first_places(each.certificates for each in states),
        ocsps=_first_places(each.ocsps for each in states),
        lists=_first_places(each.lists for each in states),
    )


def _first_places(states: Iterable[tuple[Kept, ...]]) -> tuple[Kept, ...]:
    """Each value once, in the order in which it is found, at the earliest place where it stands."""
    found: dict[bytes, Kept] = {}
    for kept in (each for state in states for each in state):
        known = found.get(kept.der)
        if known is None or kept.revision < known.revision:
            found[kept.der] = kept
    return tuple(found.values())


def _state(pdf: Pdf, view: View) -> Store:
    try:
        store = view.get(view.catalog, "/DSS")
        if not isinstance(store, dict):
            return Store()
        holders = [store, *(view.resolve(each) for each in (view.get(store, "/VRI") or {}).values())]
        return Store(
            certificates=_kept(pdf, view, holders, ("/Certs", "/Cert")),
            ocsps=_kept(pdf, view, holders, ("/OCSPs", "/OCSP")),
            lists=_kept(pdf, view, holders, ("/CRLs", "/CRL")),
        )
    except (Fault, AttributeError, TypeError):
        return Store()  # without usable evidence the signatures are judged as if there were none


def _kept(pdf: Pdf, view: View, holders: Iterable[Any], keys: tuple[str, ...]) -> tuple[Kept, ...]:
    found: dict[int, Kept] = {}
    for holder in holders:
        if not isinstance(holder, dict):
            continue
        for key in keys:
            for item in view.items(holder.get(key))[:MAX_STORED]:
                if isinstance(item, Ref) and item.number not in found:
                    data = _stored(view, item)
                    revision = pdf.last_change(item.number, view.revision)
                    if data is not None and revision is not None:
                        found[item.number] = Kept(der=data, revision=revision)
    return tuple(found.values())


def _stored(view: View, item: Ref) -> bytes | None:
    try:
        return view.unpacked(item)
    except Fault:
        return None
