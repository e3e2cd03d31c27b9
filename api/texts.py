"""What the pages say, in Vietnamese and in English; Vietnamese first.

>>> text(Language.VI, "inbox.title")
'Việc chờ ký'
>>> text(Language.EN, "inbox.chosen", count=3)
'3 chosen'

The words stand in `texts.toml`, a pair under each key. A missing key is a mistake of ours and raises: a page never shows a key.
"""

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


class Language(StrEnum):
    """What a page can be read in. The first is what everybody gets who chose nothing."""

    VI = "vi"
    EN = "en"


def text(language: Language, key: str, **values: object) -> str:
    """The words for `key`, its {places} filled with `values`. KeyError if there are none."""
    vi, en = catalogue()[key]
    words = vi if language is Language.VI else en
    return words.format(**values) if values else words


def has_text(key: str) -> bool:
    """Whether there are words for `key`: codes that come from other folders may be newer than the catalogue."""
    return key in catalogue()


@cache
def catalogue() -> Mapping[str, tuple[str, str]]:
    """Key -> (Vietnamese, English). Keys are "section.name"."""
    read: dict[str, Any] = tomllib.loads(Path(__file__).with_name("texts.toml").read_text(encoding="utf-8"))
    return {f"{section}.{name}": (pair[0], pair[1]) for section, names in read.items() for name, pair in names.items()}


def one_side(message: str, language: Language) -> str:
    """Our own errors say "Vietnamese / English" in one string: the side that this reader asked for.

    >>> one_side("Sai mã PIN. / The PIN is wrong.", Language.EN)
    'The PIN is wrong.'

    With no or with several slashes nobody can tell where the languages meet: then all of it is shown.
    """
    parts = message.split(" / ")
    if len(parts) % 2:
        return message
    middle = len(parts) // 2
    half = parts[:middle] if language is Language.VI else parts[middle:]
    return " / ".join(half)


def moment(at: datetime) -> str:
    """A point in time as it is written in Vietnam: 22/11/2026 16:05."""
    return _here(at).strftime("%d/%m/%Y %H:%M")


def moment_exact(at: datetime) -> str:
    """The same to the second and with its offset, for signatures (domain: 31/05/2026 16:05:09 +07:00)."""
    here = _here(at)
    return here.strftime(f"%d/%m/%Y %H:%M:%S {here.isoformat()[-6:]}")


def size(count: int) -> str:
    """How large a file is, with a comma as in Vietnam: 1,4 MB, 63 KB.

    >>> size(1_369_812)
    '1,4 MB'
    """
    return f"{count / 1e6:.1f} MB".replace(".", ",") if count >= 1e6 else f"{max(1, round(count / 1000))} KB"  # noqa: PLR2004


def day(at: date | datetime) -> str:
    """22/11/2026."""
    return (_here(at) if isinstance(at, datetime) else at).strftime("%d/%m/%Y")


def _here(at: datetime) -> datetime:
    """As the clock shows it in Vietnam; a time at the edge of the calendar, which it does not reach, as it stands."""
    try:
        return at.astimezone(VIETNAM)
    except (OverflowError, ValueError):
        return at.replace(tzinfo=at.tzinfo or VIETNAM)
