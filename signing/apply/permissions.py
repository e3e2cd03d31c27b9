"""What earlier signatures allow: asked before a key is used, so that nobody signs a document to death.

pyHanko signs after a final lock and adds visible fields after a certification without a word; the earlier signature is
then broken (ISO 32000-2, 12.8.2.2 and 12.8.2.4; table 258).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pyhanko.pdf_utils.rw_common import PdfHandler

from signing.apply.fields import field_names, signature_dictionaries
from signing.apply.guard import only_our_errors
from signing.errors import BadRequest, WouldBreakSignatures

NO_CHANGES = 1
FILLING = 2


def check_permissions(document: PdfHandler, field: str, *, certifies: bool, new_visible: bool, is_new: bool) -> None:
    """Raise WouldBreakSignatures if a signature in `field` would break an earlier one."""
    if certifies and any(field_names(document).values()):
        raise BadRequest(
            "Chỉ chữ ký đầu tiên mới được chứng nhận tài liệu (certify); tài liệu đã có chữ ký",
            "Only the first signature can certify; the document is already signed",
        )
    with only_our_errors("đọc các chữ ký trước / reading the earlier signatures"):
        for earlier, transform, parameters in _transforms(document):
            _check_one(field, earlier, transform, parameters, new_visible=new_visible, is_new=is_new)


def _check_one(
    field: str, earlier: str, transform: str, parameters: Mapping[str, Any], *, new_visible: bool, is_new: bool
) -> None:
    level = int(parameters.get("/P", FILLING if transform == "/DocMDP" else 0))
    if level == NO_CHANGES:
        _refuse(earlier, "không cho thay đổi gì nữa", "allows no further change")
    if transform == "/FieldMDP" and _covers(parameters, field):
        _refuse(earlier, f"đã khóa trường «{field}»", f"locks the field “{field}”")
    if transform == "/DocMDP" and level <= FILLING and is_new and new_visible:
        _refuse(earlier, "không cho thêm trường nhìn thấy được", "allows no new visible field")


def _refuse(earlier: str, vi: str, en: str) -> None:
    raise WouldBreakSignatures(f"Chữ ký «{earlier}» {vi}", f"The signature “{earlier}” {en}")


def _covers(parameters: Mapping[str, Any], field: str) -> bool:
    """Whether a FieldMDP transform locks this field; an action nobody knows locks all."""
    named = {str(name) for name in parameters.get("/Fields", ())}
    matches = any(field == name or field.startswith(f"{name}.") for name in named)
    return {"/Include": matches, "/Exclude": not matches}.get(str(parameters.get("/Action")), True)


def _transforms(document: PdfHandler) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """The field, the method and the parameters of every transform that a signature of the document names."""
    for name, dictionary in signature_dictionaries(document):
        for reference in dictionary.get("/Reference", ()):
            reference_object = reference.get_object()
            parameters = reference_object.get("/TransformParams", {})
            yield name, str(reference_object.get("/TransformMethod")), parameters
