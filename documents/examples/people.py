"""Invented people for the example class: common Vietnamese names put together by chance, nobody in particular."""

import unicodedata
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import TypeVar

from documents.class_book import Pupil, PupilId, Sex, Teacher, TeacherId

T = TypeVar("T")

FAMILIES = (
    *("Nguyễn",) * 12, *("Trần",) * 5, *("Lê",) * 4, *("Phạm",) * 4, "Hoàng", "Hoàng", "Huỳnh", "Phan", "Phan",
    "Vũ", "Vũ", "Võ", "Đặng", "Đặng", "Bùi", "Bùi", "Đỗ", "Đỗ", "Hồ", "Ngô", "Dương", "Lý", "Đào", "Đoàn", "Trịnh",
    "Mai", "Lưu", "Tạ", "Quách", "Tôn Thất",
)  # fmt: skip
GIRLS = (
    "Thị Ánh", "Ngọc Anh", "Phương Anh", "Quỳnh Anh", "Minh Châu", "Bảo Châu", "Linh Chi", "Thùy Dung", "Kỳ Duyên",
    "Hương Giang", "Thu Hà", "Ngọc Hân", "Thúy Hằng", "Diệu Hiền", "Khánh Huyền", "Thu Hường", "Thanh Lam", "Khánh Linh",
    "Diệu Linh", "Thùy Linh", "Phương Ly", "Ngọc Mai", "Trà My", "Thảo Nguyên", "Hồng Ngọc", "Yến Nhi", "Tuệ Nhi",
    "Hồng Nhung", "Kiều Oanh", "Mai Phương", "Như Quỳnh", "Thanh Tâm", "Phương Thảo", "Thị Thơ", "Anh Thư", "Cẩm Tiên",
    "Bảo Trân", "Huyền Trang", "Thùy Trang", "Cẩm Tú", "Ánh Tuyết", "Tường Vi", "Thảo Vy", "Như Ý", "Hải Yến",
)  # fmt: skip
BOYS = (
    "Gia An", "Tuấn Anh", "Đức Anh", "Thái Bảo", "Gia Bảo", "Thanh Bình", "Văn Chiến", "Mạnh Cường", "Tiến Dũng",
    "Khánh Duy", "Hải Đăng", "Thành Đạt", "Minh Đức", "Trường Giang", "Việt Hà", "Trung Hiếu", "Huy Hoàng", "Việt Hùng",
    "Gia Huy", "Quang Huy", "Phúc Hưng", "Duy Khang", "Gia Khánh", "Đăng Khoa", "Trung Kiên", "Hoàng Lâm", "Bảo Long",
    "Đức Mạnh", "Nhật Minh", "Hoài Nam", "Trọng Nghĩa", "Khôi Nguyên", "Thiện Nhân", "Tấn Phát", "Hồng Phong",
    "Gia Phúc", "Minh Quân", "Đăng Quang", "Thái Sơn", "Đức Tài", "Quốc Thắng", "Phúc Thịnh", "Minh Tiến", "Đức Trí",
    "Anh Tuấn", "Thanh Tùng", "Quốc Việt", "Quang Vinh",
)  # fmt: skip

HOMEROOM_NAME = "Nguyễn Thị Mai"
TEACHERS = {  # subject key -> name; the homeroom teacher has the class in literature too
    "ngu-van": HOMEROOM_NAME,
    "toan": "Trần Văn Hùng",
    "tieng-anh": "Lê Thị Hồng Vân",
    "gdcd": "Phạm Thu Hằng",
    "lich-su-dia-li": "Đỗ Đức Thuận",
    "khtn": "Vũ Minh Khuê",
    "cong-nghe": "Bùi Xuân Trường",
    "tin-hoc": "Hoàng Quốc Bảo",
    "gdtc": "Ngô Tiến Lực",
    "am-nhac": "Đặng Ngọc Ánh",
    "mi-thuat": "Phan Thế Mỹ",
    "gddp": "Lưu Thị Kim Dung",
    "hdtn-hn": "Đoàn Hữu Nghị",
}


def teacher(name: str) -> Teacher:
    """The id follows from the name: "Trần Văn Hùng" -> gv-tran-van-hung."""
    bare = unicodedata.normalize("NFD", name.replace("Đ", "D").replace("đ", "d"))
    letters = "".join(c for c in bare if not unicodedata.combining(c))
    return Teacher(id=TeacherId("gv-" + letters.lower().replace(" ", "-")), name=name)


def pupils(chance: Callable[[], float], count: int) -> list[Pupil]:
    """So many pupils of grade 9, no two with one name, sorted by given name as a class list is."""
    people: dict[str, Sex] = {}
    while len(people) < count:
        sex, given = (Sex.FEMALE, GIRLS) if chance() < 0.49 else (Sex.MALE, BOYS)  # noqa: PLR2004 - as in a real class
        name = f"{pick(chance, FAMILIES)} {pick(chance, given)}"
        if all(name.split()[-2:] != other.split()[-2:] for other in people):  # two of one given name are enough
            people[name] = sex
    ids = sorted({3_100_000_000 + int(chance() * 900_000) + 50_000 for _ in range(count * 2)})
    return [
        Pupil(
            id=PupilId(str(ids[place * 2])),
            name=name,
            birth_date=date(2012, 1, 1) + timedelta(days=int(chance() * 366)),
            sex=people[name],
        )
        for place, name in enumerate(sorted(people, key=name_order))
    ]


def pick(chance: Callable[[], float], choices: Sequence[T]) -> T:
    """One of them. Only `chance` is asked, whose sequence Python keeps the same from version to version."""
    return choices[int(chance() * len(choices))]


LETTERS = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
TONES = {"": 0, "\u0300": 1, "\u0309": 2, "\u0303": 3, "\u0301": 4, "\u0323": 5}  # ngang, huyền, hỏi, ngã, sắc, nặng


def name_order(name: str) -> tuple[object, ...]:
    """Given name (the last word) first, then the others from the left; Vietnamese letters before tones."""
    words = name.lower().split()
    return tuple(_word_order(word) for word in (words[-1], *words[:-1]))


def _word_order(word: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    letters, tones = [], []
    for character in word:
        parts = unicodedata.normalize("NFD", character)
        tone = next((mark for mark in parts[1:] if mark in TONES), "")
        letters.append(LETTERS.index(unicodedata.normalize("NFC", parts.replace(tone, "")) if tone else character))
        tones.append(TONES[tone])
    return tuple(letters), tuple(tones)
