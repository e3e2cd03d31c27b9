"""Every bound on a file that somebody gives us, in one place, each with a word on why that number."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """A class book of 45 pupils is 60 KB; these leave room for anything a school could honestly send."""

    file_bytes: int = 10_000_000  # a workbook with the school's logo on each sheet stays below 2 MB
    json_bytes: int = 1_000_000  # the shipped book is 42 KB; 100 pupils in 40 subjects stay below 400 KB
    csv_bytes: int = 200_000  # one subject of one class is 5 KB; 100 pupils with long notes in UTF-16 are 60 KB
    csv_rows: int = 2_000  # lines read before giving up; blank ones at the end are common
    csv_columns: int = 64  # fields in a line
    pupils: int = 100  # classes hold 45 by the school regulations; merged special classes stay below 100
    subjects: int = 40  # the programme has 13
    misfits: int = 1000  # nobody mends more in one go; an emptied column of the whole book is 585
    text_chars: int = 200  # of one cell: names, titles, notes
    worker_seconds: float = 10.0  # wall time of the limited process; the shipped book takes well below one


LIMITS = Limits()
