"""The subjects of the 2018 programme for lower secondary schools: how each is assessed is law, not the school's choice.

A school may teach others too (a second foreign language, a minority language): those are taken as its book says.
"""

from dataclasses import dataclass

from documents.class_book import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammeSubject:
    """A subject that the programme names (TT 32/2018; form: TT 22/2021, art. 5)."""

    key: str
    title: str
    short: str
    form: Form
    part_of: str = ""  # contents of one subject are judged as one: Nghệ thuật = Âm nhạc + Mĩ thuật


def _subject(key: str, title: str, short: str, form: Form, part_of: str = "") -> ProgrammeSubject:
    return ProgrammeSubject(key=key, title=title, short=short, form=form, part_of=part_of)


PROGRAMME: tuple[ProgrammeSubject, ...] = (
    _subject("ngu-van", "Ngữ văn", "Văn", Form.SCORED),
    _subject("toan", "Toán", "Toán", Form.SCORED),
    _subject("tieng-anh", "Ngoại ngữ 1 (Tiếng Anh)", "T.Anh", Form.SCORED),
    _subject("gdcd", "Giáo dục công dân", "GDCD", Form.SCORED),
    _subject("lich-su-dia-li", "Lịch sử và Địa lí", "LS&ĐL", Form.SCORED),
    _subject("khtn", "Khoa học tự nhiên", "KHTN", Form.SCORED),
    _subject("cong-nghe", "Công nghệ", "C.nghệ", Form.SCORED),
    _subject("tin-hoc", "Tin học", "Tin", Form.SCORED),
    _subject("gdtc", "Giáo dục thể chất", "GDTC", Form.COMMENT),
    _subject("am-nhac", "Nghệ thuật (Âm nhạc)", "Â.nhạc", Form.COMMENT, "nghe-thuat"),
    _subject("mi-thuat", "Nghệ thuật (Mĩ thuật)", "M.thuật", Form.COMMENT, "nghe-thuat"),
    _subject("gddp", "Nội dung giáo dục của địa phương", "GDĐP", Form.COMMENT),
    _subject("hdtn-hn", "Hoạt động trải nghiệm, hướng nghiệp", "HĐTN", Form.COMMENT),
)

_BY_KEY = {subject.key: subject for subject in PROGRAMME}


def known_subject(key: str) -> ProgrammeSubject | None:
    """The programme's entry for this key, if it has one."""
    return _BY_KEY.get(key)
