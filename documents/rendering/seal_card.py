"""What is seen of a unit's seal. A drawing, no proof: only the signature under it is one."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from documents.rendering.checking import check_text
from documents.rendering.typesetting import Typesetter

WIDTH_MM, HEIGHT_MM = 36, 44
LONGEST_UNIT = 80


def seal_card(unit: str, at: datetime, *, demo: bool) -> bytes:
    """A PDF page of 36 x 44 mm: the round red seal with the unit's name, below it name and time (ISO 8601).

    `at` is shown in its own zone, which must be known. Transparent; fonts embedded; untagged, because it becomes the
    appearance of a field that is tagged. In a demo it says MẪU THỬ.
    """
    if at.tzinfo is None:
        raise ValueError("the time on a seal has a zone")
    check_text("unit", unit, longest=LONGEST_UNIT)
    layout = _card().set(
        {
            "unit": unit,
            "at": at.isoformat(timespec="seconds"),
            "utc": at.astimezone(UTC).isoformat(timespec="seconds"),
            "demo": "true" if demo else "false",
        }
    )
    return layout.pdf


@cache
def _card() -> Typesetter:
    return Typesetter(root=Path(__file__).resolve().parent, template="seal_card.typ", standards=("a-3b",), tagged=False)
