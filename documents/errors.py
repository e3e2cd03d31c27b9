"""Everything that can be said no to in this folder. A message is Vietnamese, then English after " / "."""

from dataclasses import dataclass

SHOWN = 10  # misfits spelled out in a message; `BadData.misfits` holds all of them


class DocumentsError(Exception):
    """Không dựng hoặc đọc được tài liệu. / The document could not be made or read."""

    code = "DOCUMENT_FAILED"

    def __init__(self, vi: str = "", en: str = "") -> None:
        super().__init__(f"{vi} / {en}" if vi else self.__doc__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """One place in somebody's file that does not fit: where, what stands there, what should."""

    where: str  # "Toán!F17", "toan.csv:12:ĐĐGgk", "book.json:/marks/toan", or the file's name
    found: str  # as a person sees it; cut to a readable length
    expected_vi: str
    expected_en: str


class BadData(DocumentsError):
    """Tệp có chỗ sai; chưa có gì được lưu. / The file has misfits; nothing was stored."""

    code = "BAD_DATA"

    def __init__(self, misfits: tuple[Misfit, ...]) -> None:
        if not misfits:
            raise ValueError("BadData without a misfit would say no without a reason")
        self.misfits = misfits
        shown, more = misfits[:SHOWN], len(misfits) - SHOWN
        vi = "; ".join(f"{m.where}: thấy “{m.found}”, cần {m.expected_vi}" for m in shown)
        en = "; ".join(f'{m.where}: found "{m.found}", expected {m.expected_en}' for m in shown)
        if more > 0:
            vi, en = f"{vi}; và {more} chỗ nữa", f"{en}; and {more} more"
        super().__init__(
            f"Có {len(misfits)} chỗ sai, chưa có gì được lưu: {vi}",
            f"{len(misfits)} misfit{'s' if len(misfits) > 1 else ''}, nothing was stored: {en}",
        )


class NoRegulation(DocumentsError):
    """Không có quy định đánh giá cho năm học và khối lớp này. / No assessment regulation covers this school year and grade."""

    code = "NO_REGULATION"
