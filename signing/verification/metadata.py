"""Whether a document's metadata are XMP: whoever renews them may not put something else in their place."""

from typing import Any

from signing.verification.faults import Fault
from signing.verification.pdf import View

MAX_METADATA = 4 * 1024 * 1024  # bytes of XML; real ones have 1 to 50 KB
_ROOT = "{adobe:ns:meta/}xmpmeta"


def is_xmp(view: View, value: Any) -> bool:
    """Whether a value of /Metadata is a stream of well-formed XMP without entities (14.3.2).

    Metadata that were taken away are none, nor is a stream that can be drawn as well.
    """
    if view.get(value, "/Subtype") != "/XML" or view.get(value, "/Type") not in (None, "/Metadata"):
        return False
    from lxml import etree  # only where metadata were renewed

    try:
        data = view.unpacked(value)
        if data is None or len(data) > MAX_METADATA:
            return False
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
        root = etree.fromstring(data, parser)
    except (Fault, etree.XMLSyntaxError, ValueError):
        return False
    return root.tag == _ROOT and next(root.iter(etree.Entity), None) is None
