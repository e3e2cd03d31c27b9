"""What rendering refuses, and why. Each docstring is the sentence a clerk reads."""

from documents.errors import DocumentsError


class UnknownKind(DocumentsError):
    """Không có loại tài liệu này. / There is no such kind of document."""

    code = "UNKNOWN_KIND"

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        shown, names = repr(name[:60]), ", ".join(known)
        super().__init__(
            f"Không có loại tài liệu {shown}; các loại đang có: {names}",
            f"there is no kind of document {shown}; the kinds are: {names}",
        )


class LetterNotInFont(DocumentsError):
    """Có ký tự mà phông chữ không in được. / The data holds a character that the font cannot print."""

    code = "LETTER_NOT_IN_FONT"

    def __init__(self, letters: tuple[tuple[str, str], ...]) -> None:
        """`letters`: pairs of the character's description and the place in the data where it first stands."""
        self.letters = letters
        shown = "; ".join(f"{letter} ({where})" for letter, where in letters[:10])
        more = f" … +{len(letters) - 10}" if len(letters) > 10 else ""  # noqa: PLR2004 - as many as the slice above
        super().__init__(
            f"Phông chữ không in được {len(letters)} ký tự sau, hãy sửa trong dữ liệu: {shown}{more}",
            f"the font cannot print {len(letters)} character(s), correct them in the data: {shown}{more}",
        )


class FontsMissing(DocumentsError):
    """Thiếu phông chữ của Soky trên máy này. / Soky's fonts are not on this machine."""

    code = "FONTS_MISSING"

    def __init__(self, names: tuple[str, ...]) -> None:
        shown = ", ".join(names)
        super().__init__(
            f"Thiếu tệp phông chữ {shown} trong documents/fonts; hãy chạy `make setup`",
            f"the font files {shown} are not in documents/fonts; run `make setup`",
        )


class BadTemplate(DocumentsError):
    """Mẫu tài liệu không dựng được. / The template could not be laid out."""

    code = "BAD_TEMPLATE"

    def __init__(self, template: str, reason: str) -> None:
        super().__init__(
            f"Mẫu {template} không dựng được: {reason}",
            f"the template {template} could not be laid out: {reason}",
        )


class WrongAttachments(DocumentsError):
    """Các tệp đính kèm không khớp danh sách trong dữ liệu. / The attached files are not those that the data lists."""

    code = "WRONG_ATTACHMENTS"


class UnreadableFile(DocumentsError):
    """Không đọc được tệp PDF này. / This PDF file cannot be read."""

    code = "UNREADABLE_FILE"
