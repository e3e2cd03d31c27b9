"""The words of the report: a sentence per finding, and the words that a page shows, in Vietnamese and English."""

from types import MappingProxyType

from signing.report import Changes, Finding, Verdict

# code -> (Vietnamese, English). {detail} is put in where it stands.
SENTENCES: dict[str, tuple[str, str]] = {
    # The file.
    "NOT_A_PDF": (
        "Tệp không phải là PDF; cũng kiểm tra được XML, gói ASiC và chữ ký CMS (.p7s, .p7m)",
        "The file is not a PDF; XML, ASiC packages and CMS signatures (.p7s, .p7m) can be checked too",
    ),
    "EMPTY_FILE": ("Tệp rỗng, không có byte nào", "The file is empty"),
    "UNREADABLE": ("Không đọc được tệp: {detail}", "The file cannot be read: {detail}"),
    "TOO_LARGE": ("Tệp quá lớn để kiểm tra: {detail}", "The file is too large to be checked: {detail}"),
    "ENCRYPTED": (
        "Tệp được mã hóa: cần mật khẩu để kiểm tra chữ ký",
        "The file is encrypted: its signatures can be checked only with its password",
    ),
    "WRONG_PASSWORD": (
        "Mật khẩu không đúng: tệp được mã hóa nên chưa kiểm tra được chữ ký",
        "The password is wrong: the file is encrypted and its signatures were not checked",
    ),
    "UNKNOWN_ENCRYPTION": (
        "Tệp được mã hóa theo cách không được hỗ trợ nên không kiểm tra được chữ ký ({detail})",
        "The file is encrypted in a way that is not supported: its signatures were not checked ({detail})",
    ),
    "RESOURCE_LIMIT": (
        "Đã dừng kiểm tra vì tệp đòi hỏi quá nhiều thời gian hoặc bộ nhớ ({detail})",
        "The check was stopped: the file asks for too much time or memory ({detail})",
    ),
    "NO_SIGNATURE": ("Tệp không có chữ ký số", "The file carries no digital signature"),
    "ORPHAN_SIGNATURE_DATA": (
        "Tệp có dữ liệu chữ ký nhưng không thuộc ô ký nào",
        "The file holds signature data that belong to no signature field",
    ),
    "DATA_BEFORE_HEADER": (
        "Có dữ liệu lạ đứng trước phần đầu PDF ({detail} byte): các phần mềm có thể đọc tệp khác nhau",
        "{detail} bytes stand before the PDF header: programs may read the file differently",
    ),
    "TRAILING_DATA": (
        "Có {detail} byte sau phần kết thúc của PDF không thuộc phiên bản nào",
        "{detail} bytes after the end of the PDF belong to no revision",
    ),
    "HYBRID_XREF": (
        "Tệp có hai bảng tham chiếu (kiểu lai), các phần mềm có thể đọc khác nhau",
        "The file has two cross-reference tables (hybrid): programs may read it differently",
    ),
    "NOT_STRICT": (
        "Cấu trúc PDF không đúng chuẩn, các phần mềm có thể đọc khác nhau: {detail}",
        "The PDF's structure is not as the standard demands, programs may read it differently: {detail}",
    ),
    "USAGE_RIGHTS": (
        "Tệp có chữ ký quyền sử dụng của Adobe (UR3); đó không phải chữ ký của người nào",
        "The file has a usage-rights signature (UR3); that is nobody's signature",
    ),
    "ACTIVE_CONTENT": ("Tài liệu có nội dung hoạt động: {detail}", "The document holds active content: {detail}"),
    "ATTACHMENTS": ("Tài liệu có tệp đính kèm: {detail}", "The document has files attached: {detail}"),
    "ATTACHMENT_NOT_PASSED": (
        "Tệp đính kèm không đạt kiểm tra: {detail}",
        "An attached file did not pass: {detail}",
    ),
    "ATTACHMENTS_CUT": (
        "Có {detail} tệp đính kèm không được kiểm tra",
        "{detail} attached files were not checked",
    ),
    "CHECK_FAILED": (
        "Không kiểm tra được chữ ký này: {detail}",
        "This signature could not be checked: {detail}",
    ),
    # The signature dictionary.
    "BYTE_RANGE": ("Phạm vi ký (ByteRange) không hợp lệ: {detail}", "The signed byte range is not valid: {detail}"),
    "EMPTY_CONTENTS": (
        "Chỗ dành cho chữ ký còn trống (chưa ký xong)",
        "The place of the signature is still empty: it was prepared and never signed",
    ),
    "BAD_CONTAINER": ("Dữ liệu chữ ký không đọc được: {detail}", "The signature's data cannot be read: {detail}"),
    "UNKNOWN_SUBFILTER": ("Kiểu chữ ký không được hỗ trợ: {detail}", "This kind of signature is not supported: {detail}"),
    "CONTENTS_PADDING": (
        "Có dữ liệu ẩn trong phần đệm của chữ ký ({detail} byte)",
        "Data are hidden in the padding of the signature ({detail} bytes)",
    ),
    "SHARED_SIGNATURE": (
        "Một chữ ký được gắn vào nhiều ô ký: {detail}",
        "One signature is shown in several fields: {detail}",
    ),
    "TYPE_NOT_TIMESTAMP": (
        "Dấu thời gian được ghi sai kiểu (/Sig)",
        "A document timestamp is stored with the wrong type (/Sig)",
    ),
    "DICTIONARY_REPLACED": (
        "Thông tin chữ ký đã bị thay sau khi ký",
        "The signature's dictionary was replaced after signing",
    ),
    # Cryptography.
    "DIGEST_MISMATCH": ("Nội dung đã bị sửa sau khi ký", "The signed content was changed after signing"),
    "SIGNATURE_VALUE": (
        "Giá trị chữ ký không khớp với chứng thư của người ký",
        "The signature value does not fit the signer's certificate",
    ),
    "NO_SIGNER_CERTIFICATE": (
        "Chữ ký không kèm chứng thư của người ký",
        "The signer's certificate is not in the signature",
    ),
    "SIGNER_CERTIFICATE_MISMATCH": (
        "Chứng thư kèm theo không phải chứng thư mà người ký đã dùng",
        "The certificate in the signature is not the one that the signer bound",
    ),
    "SIGNER_NAMED_OTHERWISE": (
        "Số hoặc tổ chức cấp ghi trong thuộc tính ký không phải của chứng thư người ký",
        "The issuer or number in the signed attributes is not that of the signer's certificate, though its digest is",
    ),
    "ATTRIBUTES_NOT_DER": (
        "Thuộc tính được ký không xếp theo thứ tự DER",
        "The signed attributes are not in DER's order; the value was checked over the ordered form",
    ),
    "WEAK_ALGORITHM": (
        "Thuật toán không được chấp nhận, hoặc không còn đủ an toàn: {detail}",
        "An algorithm is not accepted, or no longer strong enough: {detail}",
    ),
    "UNKNOWN_ALGORITHM": ("Thuật toán không được hỗ trợ: {detail}", "This algorithm is not supported: {detail}"),
    "UNKNOWN_KEY": ("Không dùng được khóa trong chứng thư: {detail}", "The certificate's key cannot be used: {detail}"),
    # The certificate.
    "NO_TRUSTED_CHAIN": (
        "Chứng thư không dẫn tới tổ chức chứng thực được tin cậy ({detail})",
        "The certificate does not lead to a trusted authority ({detail})",
    ),
    "WRONG_KEY_USAGE": ("Chứng thư không được cấp để ký ({detail})", "The certificate was not issued for signing ({detail})"),
    "WRONG_EXTENDED_KEY_USAGE": (
        "Chứng thư được cấp cho mục đích khác ({detail})",
        "The certificate was issued for another purpose ({detail})",
    ),
    "TSA_WITHOUT_PURPOSE": (
        "Chứng thư cấp dấu thời gian không đúng mục đích ({detail})",
        "The timestamp's certificate is not one of a timestamping authority ({detail})",
    ),
    "TSA_USAGE_NOT_CRITICAL": (
        "Chứng thư cấp dấu thời gian không đánh dấu mục đích là bắt buộc, trái RFC 3161 ({detail})",
        "The timestamp authority's purpose is not marked critical, as RFC 3161 demands ({detail})",
    ),
    "CHAIN_NOT_ALLOWED": ("Đường dẫn chứng thư không hợp lệ: {detail}", "The certificate chain is not allowed: {detail}"),
    "CERTIFICATE_NOT_YET_VALID": (
        "Chứng thư chưa có hiệu lực khi ký ({detail})",
        "The certificate was not valid yet ({detail})",
    ),
    "ISSUER_NOT_VALID_THEN": (
        "Chứng thư của tổ chức chứng thực không có hiệu lực vào lúc đó ({detail})",
        "The certificate of the issuing authority was not valid then ({detail})",
    ),
    "ROOT_NOT_BELIEVED_THEN": (
        "Tổ chức chứng thực gốc không được tin cậy vào lúc đó ({detail})",
        "The root authority is not believed for that time ({detail})",
    ),
    "CERTIFICATE_EXPIRED": (
        "Chứng thư đã hết hạn và không có bằng chứng chữ ký có trước đó ({detail})",
        "The certificate has expired and nothing proves that the signature is older ({detail})",
    ),
    "CERTIFICATE_REVOKED": ("Chứng thư đã bị thu hồi ({detail})", "The certificate was revoked ({detail})"),
    "CERTIFICATE_ON_HOLD": (
        "Chứng thư đang bị tạm dừng, hãy kiểm tra lại sau ({detail})",
        "The certificate is on hold: check again later ({detail})",
    ),
    "WORD_OF_REVOKED_ISSUER": (
        "Thông tin thu hồi do tổ chức đã bị thu hồi chứng thư đưa ra, không có bằng chứng nó có trước đó ({detail})",
        "The word on revocation is of an authority that was revoked, and nothing proves that it is older ({detail})",
    ),
    "REVOCATION_MISSING": (
        "Chính sách yêu cầu thông tin thu hồi mà hiện chưa có, hãy kiểm tra lại sau: {detail}",
        "The policy requires word on revocation and there is none now, check again later: {detail}",
    ),
    "REVOCATION_UNKNOWN": (
        "Không có thông tin về tình trạng thu hồi của: {detail}",
        "Nothing is known about the revocation of: {detail}",
    ),
    "REVOCATION_UNKNOWN_EXPIRED": (
        "Chứng thư đã hết hạn, không còn thông tin thu hồi ({detail})",
        "The certificate has expired and nothing is known about its revocation ({detail})",
    ),
    # Time.
    "NO_TIMESTAMP": (
        "Không có dấu thời gian: thời điểm ký chỉ do máy của người ký báo",
        "There is no timestamp: the time of signing is only what the signer's computer said",
    ),
    "TIMESTAMP_BROKEN": ("Dấu thời gian không hợp lệ: {detail}", "The timestamp is not valid: {detail}"),
    "TIMESTAMP_NOT_TRUSTED": ("Dấu thời gian không được tin cậy: {detail}", "The timestamp is not trusted: {detail}"),
    "TIME_FAR_FROM_CLAIM": (
        "Thời gian do người ký báo lệch xa dấu thời gian ({detail})",
        "The claimed time is far from the timestamp ({detail})",
    ),
    "CLAIM_IN_FUTURE": (
        "Thời gian do người ký báo ở tương lai ({detail})",
        "The time that the signer claims lies in the future ({detail})",
    ),
    "CLAIM_OUTSIDE_CERTIFICATE": (
        "Thời gian do người ký báo nằm ngoài thời hạn của chứng thư ({detail})",
        "The time that the signer claims lies outside the certificate's validity ({detail})",
    ),
    "LEVEL_NOT_MET": ("Chưa đạt mức {detail}", "The next level is not met: {detail}"),
    "EVIDENCE_OLDER_THAN_TIMESTAMP": (
        "Thông tin thu hồi có trước dấu thời gian ({detail})",
        "The revocation data are older than the timestamp ({detail})",
    ),
    # Changes.
    "CHANGED_AFTER": ("Tài liệu đã bị sửa sau chữ ký này: {detail}", "The document was changed after this signature: {detail}"),
    "CHANGE_NOT_UNDERSTOOD": (
        "Có thay đổi sau chữ ký chưa xác định được: {detail}",
        "A change after this signature is not understood: {detail}",
    ),
    "PERMITTED_CHANGE": ("Có thay đổi được phép sau chữ ký: {detail}", "A permitted change after this signature: {detail}"),
    "FIELD_CHANGED": (
        "Ô “{detail}” đã được điền lại sau khi ký",
        "The form field “{detail}” was filled in after signing",
    ),
    "FIELD_SHOWS_OTHER": (
        "Hình của ô “{detail}” không cho thấy đúng giá trị đã điền, hoặc không đọc được hình",
        "The picture of the form field “{detail}” does not show the value that was filled in, or it cannot be read",
    ),
    "FIELD_PICTURE_UNCHECKED": (
        "Hình của ô “{detail}” theo phông chữ hoặc chương trình kèm trong tệp: chưa chắc người xem thấy đúng giá trị",
        "The picture of the form field “{detail}” goes by a font or program in the file: whether it shows the value is unsure",
    ),
    "ANNOTATION_ADDED": (
        "Có ghi chú được thêm sau khi ký (người ký cho phép): {detail}",
        "An annotation was added after signing (the signer allowed it): {detail}",
    ),
    "VISIBLE_FIELD_ADDED": (
        "Có ô ký nhìn thấy được thêm sau chữ ký này: {detail}",
        "A visible signature field was added after this signature: {detail}",
    ),
    "FIELD_MAY_COVER": (
        "Có ô được thêm, điền hoặc ký sau chữ ký này, có thể che nội dung: {detail}",
        "A field was added, filled in or signed after this signature; it may cover what was signed: {detail}",
    ),
    "ANNOTATION_MAY_COVER": (
        "Có ghi chú được thêm, sửa hoặc xóa sau khi ký, có thể che hoặc đổi nội dung nhìn thấy: {detail}",
        "An annotation was added, changed or removed after signing; it may cover or alter what is seen: {detail}",
    ),
    "HIDDEN_OBJECTS": (
        "Tệp có đối tượng không nằm trong bảng tham chiếu, hoặc bảng dẫn tới chỗ không có đối tượng ({detail})",
        "The file holds objects that no table names, or rows that lead to no object ({detail})",
    ),
}

VERDICTS: MappingProxyType[Verdict, tuple[str, str]] = MappingProxyType(
    {
        Verdict.TOTAL_PASSED: ("Chữ ký số hợp lệ", "The digital signature is valid"),
        Verdict.TOTAL_FAILED: ("Chữ ký số không hợp lệ", "The digital signature is not valid"),
        Verdict.INDETERMINATE: ("Chưa đủ thông tin để kết luận", "There is not enough information to conclude"),
        Verdict.NO_SIGNATURE: ("Tệp không có chữ ký số", "The file carries no digital signature"),
        Verdict.UNREADABLE: ("Không đọc được tệp", "The file cannot be read"),
    }
)

CHANGES: MappingProxyType[Changes, tuple[str, str]] = MappingProxyType(
    {
        Changes.NONE: ("Không có thay đổi sau khi ký", "Nothing was changed after signing"),
        Changes.PERMITTED: ("Chỉ có thay đổi được phép", "Only permitted changes"),
        Changes.FORBIDDEN: ("Có thay đổi không được phép", "Changes that are not allowed"),
        Changes.NOT_UNDERSTOOD: ("Có thay đổi chưa xác định được", "Changes that are not understood"),
    }
)

# The rows of the page that TT 15/2025/TT-BKHCN and ND 68/2024 articles 31 and 32 ask for.
LABELS: MappingProxyType[str, tuple[str, str]] = MappingProxyType(
    {
        "signer": ("Người ký", "Signer"),
        "organisation": ("Cơ quan", "Organisation"),
        "title": ("Chức danh tại thời điểm ký", "Title at the time of signing"),
        "time": ("Thời gian ký", "Time of signing"),
        "time_from_timestamp": ("theo dấu thời gian", "from a timestamp"),
        "time_from_signer": ("theo máy của người ký", "from the signer's computer"),
        "integrity": ("Tính toàn vẹn", "Integrity"),
        "intact": ("Nội dung nguyên vẹn", "The content is as it was signed"),
        "not_intact": ("Nội dung đã bị thay đổi", "The content was changed"),
        "certificate": ("Chứng thư (số, hạn, tổ chức cấp)", "Certificate (number, term, authority)"),
        "revocation": ("Trạng thái thu hồi", "Revocation"),
        "revocation_good": ("Không bị thu hồi", "Not revoked"),
        "revocation_revoked": ("Đã bị thu hồi", "Revoked"),
        "revocation_unknown": ("Không có thông tin", "Not known"),
        "algorithm": ("Thuật toán", "Algorithm"),
        "level": ("Mức của chữ ký", "Level of the signature"),
        "renewal": ("Cần gia hạn dấu thời gian trước", "Timestamp to be renewed before"),
        "signature": ("Chữ ký", "Signature"),
        "seal": ("Con dấu", "Seal"),
        "doc_timestamp": ("Dấu thời gian của tài liệu", "Document timestamp"),
    }
)


def finding(code: str, detail: object = "") -> Finding:
    """The finding with this code, in both languages."""
    vi, en = SENTENCES[code]
    shown = str(detail)[:400]
    return Finding(code=code, message=f"{vi} / {en}".replace("{detail}", shown))
