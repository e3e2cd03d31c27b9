"""What earlier signatures allow: asked before a key is used, so that nobody signs a document to death.

pyHanko signs after a final lock and adds visible fields after a certification without a word; the earlier signature is
then broken (ISO 32000-2, 12.8.2.2 and 12.8.2.4; table 258).
"""

from collections.abc import Iterator

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.rw_common import PdfHandler

from signing.apply.fields import field_names, signed_fields
from signing.apply.guard import only_our_errors
from signing.apply.reading import dictionary_at, elements_at, value_at
from signing.errors import BadRequest, WouldBreakSignatures

NO_CHANGES = 1
FILLING = 2
ANNOTATING = 3
DOC_MDP = "/DocMDP"
FIELD_MDP = "/FieldMDP"


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
    field: str, earlier: str, transform: str, parameters: generic.DictionaryObject, *, new_visible: bool, is_new: bool
) -> None:
    level = _level(parameters, FILLING if transform == DOC_MDP else ANNOTATING)
    if level == NO_CHANGES:
        _refuse(earlier, "không cho thay đổi gì nữa", "allows no further change")
    if transform == FIELD_MDP and _covers(parameters, field):
        _refuse(earlier, f"đã khóa ô «{field}»", f"locks the field “{field}”")
    if transform == DOC_MDP and level <= FILLING and is_new and new_visible:
        _refuse(earlier, "không cho thêm trường nhìn thấy được", "allows no new visible field")


def _level(parameters: generic.DictionaryObject, otherwise: int) -> int:
    """/P; what is none of the three levels allows nothing (so the verification reads it, too)."""
    level = value_at(parameters, "/P")
    if level is None:
        return otherwise
    return int(level) if isinstance(level, int) and NO_CHANGES <= level <= ANNOTATING else NO_CHANGES


def _refuse(earlier: str, vi: str, en: str) -> None:
    raise WouldBreakSignatures(f"Chữ ký «{earlier}» {vi}", f"The signature “{earlier}” {en}")


def _covers(parameters: generic.DictionaryObject, field: str) -> bool:
    """Whether a FieldMDP transform locks this field; an action nobody knows locks all."""
    named = {str(name) for name in elements_at(parameters, "/Fields")}
    matches = any(field == name or field.startswith(f"{name}.") for name in named)
    return {"/Include": matches, "/Exclude": not matches}.get(str(value_at(parameters, "/Action")), True)


def _transforms(document: PdfHandler) -> Iterator[tuple[str, str, generic.DictionaryObject]]:
    """The field, the method and the parameters of every transform that a signature of the document names.

    A lock that its field brought binds also where the signature does not repeat it (12.7.5.5: it is to be copied).
    """
    for name, field, signature in signed_fields(document):
        methods = set()
        for reference in elements_at(signature, "/Reference"):
            if isinstance(reference, generic.DictionaryObject):
                methods.add(method := str(value_at(reference, "/TransformMethod")))
                yield name, method, dictionary_at(reference, "/TransformParams")
        if FIELD_MDP not in methods and value_at(field, "/Lock") is not None:
            yield name, FIELD_MDP, dictionary_at(field, "/Lock")
