"""What other programs say, in Vietnamese and English: findings for people, with no name of ours or theirs in between.

told("SECOND_OPINION_AGREES", [Word("openssl: hợp lệ", "openssl: valid")])
"""

from collections.abc import Iterable
from dataclasses import dataclass

from signing.findings import MAX_DETAIL, SENTENCES
from signing.report import Finding

_WORDS = {
    # What they say.
    "valid": "hợp lệ",
    "invalid": "không hợp lệ",
    "cannot judge": "không kết luận được",
    # What of it.
    "digest": "mã băm",
    "value": "giá trị chữ ký",
    "signature value": "giá trị chữ ký",
    "coverage": "phạm vi được ký",
    "changes": "thay đổi sau khi ký",
    "trust": "độ tin cậy",
    "digest and signature value": "mã băm và giá trị chữ ký",
    # What they do not look at.
    "revocation": "thu hồi",
    "revocation beyond what the file holds": "thu hồi ngoài dữ liệu có trong tệp",
    "changes after signing": "thay đổi sau khi ký",
    "permissions": "quyền thay đổi",
    "attachments": "tệp đính kèm",
    "the bound signing certificate": "chứng thư gắn trong chữ ký",
    "weak algorithms": "thuật toán yếu",
    "elliptic curves": "đường cong elliptic",
    "timestamps": "dấu thời gian",
    "active content": "nội dung động",
    "level": "mức chữ ký",
    "what else the document holds": "phần còn lại của tài liệu",
    # Why they do not judge.
    "no answer": "không trả lời",
    "too large": "tệp quá lớn",
    "no certificate": "không có chứng thư",
    "not an RSA key": "không phải khóa RSA",
    "a timestamp: its imprint would not be compared": "dấu thời gian: chương trình này không so mã băm của nó",
    "of a kind that no other program here judges": "loại này không có chương trình nào ở đây kiểm tra",
    "not the first signature at its place": "không phải chữ ký đầu tiên ở vị trí đó",
    "verification failure": "kiểm tra không đạt",
    "content verify error": "nội dung không khớp",
    "signature failure": "giá trị chữ ký không khớp",
    "message imprint mismatch": "mã băm của dấu thời gian không khớp",
    "the digest does not fit": "mã băm không khớp",
    "the signature value does not fit": "giá trị chữ ký không khớp",
    "no path to a root": "không có đường dẫn tới gốc tin cậy",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """The same in both languages."""

    vi: str
    en: str

    @property
    def both(self) -> str:
        """On one line."""
        return f"{self.vi} / {self.en}"


def word(english: str) -> Word:
    """A word of theirs; what is not known here stays as the program said it."""
    return Word(vi=_WORDS.get(english, english), en=english)


def phrase(by: str, *, says: str = "", about: str = "", detail: str = "", without: Iterable[str] = ()) -> Word:
    """One program's word: "openssl: valid (digest and signature value; not looked at: trust, revocation)"."""
    left_out = list(without)
    parts = [word(each) for each in (about, detail) if each]
    more = [Word(vi=", ".join(word(each).vi for each in left_out), en=", ".join(left_out))] if left_out else []
    brackets = Word(
        vi="; ".join([*(each.vi for each in parts), *(f"không xét: {each.vi}" for each in more)]),
        en="; ".join([*(each.en for each in parts), *(f"not looked at: {each.en}" for each in more)]),
    )
    said = word(says.replace("_", " "))
    return Word(
        vi=f"{by}: {said.vi}" + (f" ({brackets.vi})" if brackets.vi else ""),
        en=f"{by}: {said.en}" + (f" ({brackets.en})" if brackets.en else ""),
    )


def reason(*parts: str) -> Word:
    """Why, without who and what: "changes; ..."."""
    kept = [word(each) for each in parts if each]
    return Word(vi="; ".join(each.vi for each in kept), en="; ".join(each.en for each in kept))


def told(code: str, words: Iterable[Word]) -> Finding:
    """The finding with this code."""
    vi, en = SENTENCES[code]
    given = list(words)
    details = ("; ".join(each.vi for each in given) or "-", "; ".join(each.en for each in given) or "-")
    said = [each.replace("{detail}", detail[:MAX_DETAIL]) for each, detail in zip((vi, en), details, strict=True)]
    return Finding(code=code, message=" / ".join(said))
