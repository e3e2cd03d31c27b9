"""The sentences for what is found outside PDFs, beside those of `signing.verification.words`: one lookup for both."""

from collections.abc import Iterable

from signing.report import Finding
from signing.verification.words import SENTENCES as OF_PDF

# code -> (Vietnamese, English). {detail} is put in where it stands.
SENTENCES: dict[str, tuple[str, str]] = {
    # XML documents.
    "NOT_XML": ("Tệp không phải là XML đúng quy cách: {detail}", "The file is not well-formed XML: {detail}"),
    "DOCTYPE_REFUSED": (
        "Tệp XML có khai báo DOCTYPE nên không được đọc",
        "The XML declares a DOCTYPE and is not read: entities could make it mean different things",
    ),
    "COVERS": ("Chữ ký này ký: {detail}", "This signature covers: {detail}"),
    "COVERS_NO_DATA": (
        "Chữ ký không ký nội dung nào của tài liệu",
        "The signature covers no content of the document",
    ),
    "UNSIGNED_PARTS": (
        "Phần không được chữ ký nào bảo vệ: {detail}",
        "Parts that no signature protects: {detail}",
    ),
    "DUPLICATE_ID": (
        "Nhiều phần tử cùng mang Id được ký: {detail}",
        "Several elements carry the Id that is signed: {detail}",
    ),
    "REFERENCE_NOT_FOUND": ("Không tìm thấy phần được ký: {detail}", "What is signed cannot be found: {detail}"),
    "REFERENCE_REFUSED": (
        "Tham chiếu ký không được phép: {detail}",
        "A reference of the signature is not allowed: {detail}",
    ),
    "TRANSFORM_REFUSED": (
        "Phép biến đổi trong chữ ký không được phép: {detail}",
        "A transform in the signature is not allowed: {detail}",
    ),
    "SIGNATURE_INSIDE_REFERENCE": (
        "Chữ ký nằm bên trong phần mà nó ký ({detail})",
        "The signature lies inside what it signs ({detail})",
    ),
    "ENVELOPED": (
        "Chữ ký nằm trong phần được ký (enveloped): hệ thống kiểm tra quốc gia có thể không chấp nhận",
        "The signature is enveloped by what it signs: the national verifier may not accept it",
    ),
    "HMAC_REFUSED": (
        "Mã xác thực bằng khóa chung (HMAC) không phải chữ ký số: {detail}",
        "A code made with a shared key (HMAC) is no signature: {detail}",
    ),
    "BAD_SIGNATURE_ELEMENT": (
        "Phần tử Signature sai cấu trúc: {detail}",
        "The Signature element is not as its schema demands: {detail}",
    ),
    "MANIFEST_NOT_FOLLOWED": (
        "Nội dung nêu trong Manifest của chữ ký không kiểm tra được: {detail}",
        "What a manifest of the signature names cannot be checked: {detail}",
    ),
    "MANIFEST_MISMATCH": (
        "Nội dung nêu trong Manifest của chữ ký đã bị thay đổi: {detail}",
        "What a manifest of the signature names was changed: {detail}",
    ),
    "KEY_WITHOUT_CERTIFICATE": (
        "Nội dung không bị thay đổi, nhưng chữ ký chỉ kèm khóa, không có chứng thư: không biết ai ký",
        "Nothing was changed, but the signature brings a bare key and no certificate: nobody knows whose it is",
    ),
    "LOOKALIKE_UNSIGNED": (
        "Có phần tử cùng tên với phần đã ký nhưng không ai ký: {detail}",
        "Elements of the same name as what is signed, which nobody signed: {detail}",
    ),
    "TEXT_CUT": (
        "Chữ trong phần đã ký bị cắt bởi chú thích hoặc CDATA không được chữ ký bảo vệ: {detail}",
        "Signed text is cut in two by a comment or CDATA section, which the signature does not protect: {detail}",
    ),
    "NAME_UNSIGNED": (
        "Chỉ nội dung (base64) được ký, tên và thuộc tính của phần tử thì không: {detail}",
        "The text alone (base64) is signed, not the element's name and attributes: {detail}",
    ),
    "OLD_XADES": (
        "Thuộc tính XAdES phiên bản cũ không được đọc: {detail}",
        "Properties of an old version of XAdES are not read: {detail}",
    ),
    "COUNTERSIGNATURE": (
        "Đây là chữ ký xác nhận trên chữ ký khác ({detail})",
        "This is a countersignature on another signature ({detail})",
    ),
    "TRANSCRIPT_UNKNOWN_PLACE": (
        "Chữ ký không nằm ở vị trí ký nào của học bạ: {detail}",
        "A signature stands in no place that the transcript has for one: {detail}",
    ),
    "TOO_MANY_SIGNATURES": ("Quá nhiều chữ ký trong tệp: {detail}", "Too many signatures in the file: {detail}"),
    # The transcript of the ministry.
    "TRANSCRIPT_WRONG_REFERENCE": (
        "Chữ ký ở vị trí này phải ký phần khác: {detail}",
        "A signature in this place must cover another part: {detail}",
    ),
    "TRANSCRIPT_WRONG_SIGNER": (
        "Chứng thư ký ở vị trí này không đúng loại (cá nhân hay cơ quan): {detail}",
        "The certificate in this place is of the wrong kind (a person's, or an organisation's): {detail}",
    ),
    "TRANSCRIPT_INCOMPLETE": (
        "Học bạ chưa đủ chữ ký: {detail}",
        "The transcript still lacks signatures: {detail}",
    ),
    "SIGNATURE_POLICY": (
        "Người ký nêu chính sách chữ ký {detail}; chính sách này không được kiểm tra",
        "The signer names the signature policy {detail}, which is not checked",
    ),
    "ARCHIVE_KIND_NOT_READ": (
        "Dấu thời gian lưu trữ kiểu cũ không được kiểm tra: {detail}",
        "An archive timestamp of an older kind is not checked: {detail}",
    ),
    "COUNTERSIGNATURE_NOT_READ": (
        "Có chữ ký xác nhận trên chữ ký này; chữ ký xác nhận đó không được kiểm tra",
        "Somebody countersigned this signature; that countersignature is not checked",
    ),
    # CAdES.
    "NOT_CMS": ("Tệp chữ ký không phải là CMS: {detail}", "The signature file is not a CMS: {detail}"),
    "CONTENT_INSIDE": (
        "Chữ ký mang theo nội dung riêng thay vì ký tệp đã cho",
        "The signature brings its own content instead of signing the file",
    ),
    "CONTENT_ATTACHED": (
        "Chữ ký mang theo nội dung được ký; nội dung đó đúng là tệp này",
        "The signature carries what it signs along; that is this very file",
    ),
    "CONTENT_NOT_HERE": (
        "Tệp chỉ có chữ ký; cần thêm tệp đã ký để kiểm tra",
        "The file is a signature alone; the file that was signed is needed to check it",
    ),
    "DATA_AFTER_SIGNATURE": (
        "Có {detail} byte sau phần kết thúc của chữ ký",
        "{detail} bytes stand after the end of the signature",
    ),
    # ASiC.
    "NOT_A_PACKAGE": ("Gói ASiC không đọc được: {detail}", "The ASiC package cannot be read: {detail}"),
    "PACKAGE_REFUSED": ("Gói ASiC không được nhận: {detail}", "The ASiC package is refused: {detail}"),
    "MIMETYPE_NOT_FIRST": (
        "Mục mimetype không đứng đầu gói hoặc không đúng quy cách ({detail})",
        "The entry mimetype is not the package's first, or not as EN 319 162-1 wants it ({detail})",
    ),
    "UNCOVERED_FILES": ("Tệp trong gói không được ký: {detail}", "Files of the package that are not signed: {detail}"),
    "EXTRA_METADATA": (
        "Tệp trong META-INF không thuộc chữ ký nào: {detail}",
        "Files below META-INF that belong to no signature: {detail}",
    ),
    "NO_SIGNED_ATTRIBUTES": (
        "Chữ ký không có thuộc tính được ký: không biết đã ký tệp này hay ký thuộc tính của chữ ký khác",
        "The signature has no signed attributes: what was signed may be the attributes of another signature",
    ),
    "MISSING_FILES": ("Tệp được ký không có trong gói: {detail}", "Signed files that are not in the package: {detail}"),
    "ORPHAN_MANIFEST": (
        "Bảng kê hoặc chữ ký không đi với nhau: {detail}",
        "A manifest and a signature do not belong together: {detail}",
    ),
    "BAD_MANIFEST": ("Bảng kê của gói sai cấu trúc: {detail}", "The package's manifest is not as it must be: {detail}"),
    # A second opinion.
    "SECOND_OPINION_AGREES": (
        "Chương trình độc lập cho cùng kết quả: {detail}",
        "An independent program says the same: {detail}",
    ),
    "SECOND_OPINION_DISAGREES": (
        "Chương trình độc lập cho kết quả khác: {detail}",
        "An independent program disagrees: {detail}",
    ),
    "SECOND_OPINION_NONE": (
        "Không có ý kiến độc lập: {detail}",
        "There is no second opinion: {detail}",
    ),
}

MAX_DETAIL = 400  # characters of what a file says about itself


def sides(findings: Iterable[Finding]) -> tuple[str, str]:
    """All their sentences: the Vietnamese ones, and the English ones. For a refusal that is itself in two languages."""
    vi: list[str] = []
    en: list[str] = []
    for message in dict.fromkeys(each.message for each in findings):
        parts = message.split(" / ")
        middle = len(parts) // 2
        # A detail of both languages stands in both halves; with an odd number nobody can tell where they meet.
        vi.append(message if len(parts) % 2 else " / ".join(parts[:middle]))
        en.append(message if len(parts) % 2 else " / ".join(parts[middle:]))
    return "; ".join(vi), "; ".join(en)


def finding(code: str, detail: object = "") -> Finding:
    """The finding with this code, in both languages."""
    vi, en = SENTENCES.get(code) or OF_PDF[code]
    return Finding(code=code, message=f"{vi} / {en}".replace("{detail}", str(detail)[:MAX_DETAIL]))
