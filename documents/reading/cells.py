"""One cell of somebody's file, and what it may mean. A cell that does not fit is noted, never raised for.

Text is made one thing before it is judged: NFC, any white space one space, invisible characters gone, and the letters
that only look like Đ (Icelandic Ð, African Ɖ, both left by old Vietnamese keyboards) made Đ.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TypeVar

from documents.class_book import Check, Level, Sex
from documents.errors import BadData, Misfit
from documents.reading.limits import LIMITS

BLANK = "(trống / blank)"
SHOWN_CHARS = 60

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Broken:
    """A cell without a usable value: a formula error, a time of day, or a formula that was never computed."""

    text: str
    pending: bool = False  # a formula that the program which saved the file did not compute


Value = str | Decimal | bool | date | Broken | None


@dataclass(frozen=True, slots=True)
class Cell:
    """A value and where it stands, as a person would look for it."""

    where: str
    value: Value

    @property
    def blank(self) -> bool:
        """Nothing there, or nothing that can be seen."""
        return self.value is None or (isinstance(self.value, str) and not clean(self.value))


@dataclass(slots=True)
class Misfits:
    """Collects what does not fit; `stop` raises it all at once."""

    filename: str
    found: list[Misfit] = field(default_factory=list)

    def add(self, cell: Cell, vi: str, en: str) -> None:
        """This cell does not fit; vi and en complete "expected ..."."""
        self.at(cell.where, shown(cell.value), vi, en)

    def at(self, where: str, found: str, vi: str, en: str) -> None:
        """This place does not fit. Raises at once when there are too many to be worth going on."""
        self.found.append(Misfit(where=where, found=found, expected_vi=vi, expected_en=en))
        if len(self.found) >= LIMITS.misfits:
            self.found.append(
                Misfit(
                    where=self.filename,
                    found=f"≥ {LIMITS.misfits}",
                    expected_vi="ít chỗ sai hơn; tệp này không được đọc tiếp",
                    expected_en="fewer misfits; this file was not read further",
                )
            )
            self.stop()

    def stop(self) -> None:
        """Raise BadData if anything did not fit."""
        if self.found:
            raise BadData(tuple(self.found))


def shown(value: Value) -> str:
    """What a person sees in the cell, on one line and not too long; invisible characters by their code."""
    match value:
        case None:
            return BLANK
        case Broken():
            return value.text
        case bool():
            return "TRUE" if value else "FALSE"
        case date():
            return value.strftime("%d/%m/%Y")
        case Decimal():
            text = str(value)
        case str():
            start = value[: SHOWN_CHARS + 1]
            text = "".join(c if c == " " or unicodedata.category(c)[0] not in "CZ" else f"U+{ord(c):04X}" for c in start)
    text = text if text.strip() else BLANK
    return text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + "…"


# Text

MOST_RAW_CHARS = 1000  # five times what is taken, so that a name in NFD among odd spaces still is
TOO_LONG = "\0"  # in no text that we take: what was cut off makes the rest unusable too
LETTERS_WITH_HORN = frozenset(map(ord, "ƠơƯư"))

INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))  # soft hyphen, zero-width space, word joiner, BOM
LOOKALIKES = str.maketrans({"Ð": "Đ", "Ɖ": "Đ", "ð": "đ", "ɖ": "đ", "’": "'", "ʼ": "'", "‘": "'"})


def clean(text: str) -> str:
    """NFC, single spaces, no invisible characters, one Đ."""
    if len(text) > MOST_RAW_CHARS:  # sorting a long run of combining marks takes quadratic time
        return text[:MOST_RAW_CHARS] + TOO_LONG
    composed = unicodedata.normalize("NFC", text).translate(INVISIBLE).translate(LOOKALIKES)
    return " ".join(composed.split())


def folded(text: str) -> str:
    """For comparing headers and labels: without case, trailing colon and the two spellings of kì."""
    return clean(text).casefold().rstrip(": ").replace("kỳ", "kì").replace("mỹ", "mĩ").replace("lý", "lí")


def text_of(cell: Cell, misfits: Misfits, vi: str, en: str) -> str | None:
    """Required text."""
    if isinstance(cell.value, str) and (text := _visible(cell)):
        return text
    misfits.add(cell, vi, en)
    return None


def _visible(cell: Cell) -> str:
    """The cleaned text, or "" where it is too long or holds a character that our fonts could not print."""
    text = clean(str(cell.value))
    return text if len(text) <= LIMITS.text_chars and all(map(_printable, text)) else ""


def _printable(character: str) -> bool:
    """Latin with every Vietnamese letter, and common punctuation: what the page's fonts have (a test compares)."""
    code = ord(character)
    return (
        0x20 <= code < 0x7F  # noqa: PLR2004 - blocks of Unicode
        or 0xA1 <= code < 0x180  # noqa: PLR2004
        or code in LETTERS_WITH_HORN
        or 0x1EA0 <= code <= 0x1EF9  # noqa: PLR2004
        or character in "–—“”„•…₫"
    )


def note_of(cell: Cell | None, misfits: Misfits) -> str:
    """An optional remark. One that starts like a formula is refused: it would run where a list is opened again."""
    if cell is None or cell.blank:
        return ""
    text = _visible(cell) if isinstance(cell.value, str) else ""
    if not text or text[0] in "=+-@":
        misfits.add(
            cell,
            f"ghi chú là chữ, tối đa {LIMITS.text_chars} ký tự, không bắt đầu bằng = + - @",
            f"a remark: text of at most {LIMITS.text_chars} characters that does not start with = + - @",
        )
        return ""
    return text


# Names and codes

NAME_CHARS = 80


def name_of(cell: Cell, misfits: Misfits, whose_vi: str = "họ và tên", whose_en: str = "a full name") -> str | None:
    """A person's name: Latin letters with their marks, spaces, - ' . ; at least two letters."""
    text = _visible(cell) if isinstance(cell.value, str) else ""
    letters = sum(c.isalpha() for c in text)
    if letters >= 2 and len(text) <= NAME_CHARS and text[0].isalpha() and all(map(_of_a_name, text)):  # noqa: PLR2004
        return text
    misfits.add(cell, f"{whose_vi}: chữ cái La-tinh, dấu cách, - ' .", f"{whose_en}: Latin letters, spaces, - ' .")
    return None


def _of_a_name(character: str) -> bool:
    # Letters of other scripts that look like ours (Cyrillic а, Greek ο) would make two people of one.
    return character in " -'." or (character.isalpha() and unicodedata.name(character, "").startswith("LATIN"))


PUPIL_ID = re.compile(r"[0-9]{10}|[0-9]{12}")
PERSON_ID = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?")
SUBJECT_KEY = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+){0,7}")
KEY_CHARS = 32


def pupil_id_of(cell: Cell, misfits: Misfits) -> str | None:
    """Mã học sinh, as text: a number would have lost its leading zeros already."""
    if isinstance(cell.value, str) and PUPIL_ID.fullmatch(clean(cell.value)):
        return clean(cell.value)
    vi, en = "mã học sinh 10 hoặc 12 chữ số", "a pupil id of 10 or 12 digits"
    if isinstance(cell.value, Decimal):
        vi, en = f"{vi}, dạng chữ (Text) để không mất số 0 ở đầu", f"{en}, as text so that no leading zero is lost"
    misfits.add(cell, vi, en)
    return None


def person_id_of(cell: Cell, misfits: Misfits) -> str | None:
    """A teacher's id as the directory has it."""
    if isinstance(cell.value, str) and PERSON_ID.fullmatch(clean(cell.value)):
        return clean(cell.value)
    misfits.add(cell, "mã giáo viên: a-z, 0-9, dấu chấm, gạch nối", "a teacher's id: a-z, 0-9, dots and hyphens")
    return None


def subject_key_of(cell: Cell, misfits: Misfits) -> str | None:
    """A subject's key, which becomes part of file and field names."""
    text = clean(cell.value) if isinstance(cell.value, str) else ""
    if SUBJECT_KEY.fullmatch(text) and len(text) <= KEY_CHARS:
        return text
    misfits.add(
        cell, "mã môn: a-z, 0-9, gạch nối, tối đa 32 ký tự", "a subject's key: a-z, 0-9, hyphens, at most 32 characters"
    )
    return None


# Marks

MARK = re.compile(r"(10(?:[.,]0)?|[0-9](?:[.,][0-9])?)")
MARK_VI, MARK_EN = "điểm từ 0 đến 10, tối đa một chữ số thập phân", "a mark from 0 to 10 with at most one decimal"
CHECKS = {"Đ": Check.PASSED, "CĐ": Check.FAILED, "ĐẠT": Check.PASSED, "CHƯA ĐẠT": Check.FAILED}


def mark_of(cell: Cell, misfits: Misfits) -> Decimal | None:
    """A mark: a number, or a text that is one, with point or comma. Kept without a trailing zero."""
    text = clean(cell.value) if isinstance(cell.value, str) else ""
    if isinstance(cell.value, Decimal) and 0 <= cell.value <= 10:  # noqa: PLR2004 - also bounds the digits written out
        text = f"{cell.value.normalize():f}"  # 8.50 is 8.5
    if MARK.fullmatch(text):
        return plain(Decimal(text.replace(",", ".")))
    misfits.add(cell, MARK_VI, MARK_EN)
    return None


def plain(mark: Decimal) -> Decimal:
    """8.0 -> 8, 7.5 -> 7.5, 10.0 -> 10: one spelling for one mark."""
    return mark.to_integral_value() if mark == mark.to_integral_value() else mark


def check_of(cell: Cell, misfits: Misfits) -> Check | None:
    """Đ or CĐ."""
    text = clean(cell.value).upper() if isinstance(cell.value, str) else ""
    if text in CHECKS:
        return CHECKS[text]
    misfits.add(cell, "Đ hoặc CĐ (môn đánh giá bằng nhận xét)", "Đ or CĐ (the subject is assessed by comment)")
    return None


def count_of(cell: Cell, misfits: Misfits, most: int, vi: str, en: str, least: int = 0) -> int | None:
    """A whole number within bounds; a text of digits is taken too."""
    value = cell.value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}", clean(value)):
        value = Decimal(clean(value))
    if isinstance(value, Decimal) and least <= value <= most and value == value.to_integral_value():
        return int(value)
    misfits.add(cell, f"{vi}: số nguyên từ {least} đến {most}", f"{en}: a whole number from {least} to {most}")
    return None


# Closed sets and dates

LEVELS: dict[str, Level] = {folded(level): level for level in Level}
SEXES: dict[str, Sex] = {folded(sex): sex for sex in Sex}


def one_of(cell: Cell, choices: dict[str, T], misfits: Misfits, vi: str, en: str) -> T | None:
    """One of a closed set, found by its folded text."""
    value = cell.value
    text = str(value) if isinstance(value, Decimal) else value if isinstance(value, str) else ""
    choice = choices.get(folded(text))
    if choice is None:
        misfits.add(cell, vi, en)
    return choice


DAY = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]((?:19|20)[0-9]{2})")
ISO_DAY = re.compile(r"((?:19|20)[0-9]{2})-([0-9]{2})-([0-9]{2})")


def day_of(cell: Cell, misfits: Misfits, sensible: Callable[[date], bool]) -> date | None:
    """A day: a date cell, or text as dd/mm/yyyy (the Vietnamese order) or yyyy-mm-dd."""
    day = cell.value if isinstance(cell.value, date) else _day(clean(cell.value)) if isinstance(cell.value, str) else None
    if day is not None and sensible(day):
        return day
    misfits.add(cell, "ngày sinh dd/mm/yyyy hợp với tuổi học sinh", "a date of birth dd/mm/yyyy that fits a pupil's age")
    return None


def _day(text: str) -> date | None:
    if match := ISO_DAY.fullmatch(text):
        year, month, day = match.groups()
    elif match := DAY.fullmatch(text):
        day, month, year = match.groups()
    else:
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
