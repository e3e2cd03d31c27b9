"""Laying the empty signature with pyHanko, for documents that the quick way leaves to it.

Dictionary, appearance, permissions, and a hole for the CMS, in a new revision.
"""

import io
import logging
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils import generic, layout
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign import fields as pdf_fields
from pyhanko.sign.general import SigningError as PyHankoRefusal
from pyhanko.sign.signers import ExternalSigner, PdfSignatureMetadata, PdfSigner
from pyhanko.stamp import BaseStamp, BaseStampStyle

from signing.apply.appearances import Appearance
from signing.apply.drawing import drawn
from signing.apply.fields import check_field, field_names, lay_tagged_field, new_field
from signing.apply.geometry import widget_geometry
from signing.apply.guard import SAVE_AGAIN_EN, SAVE_AGAIN_VI, only_our_errors
from signing.apply.opening import AppendingWriter, opened
from signing.apply.permissions import check_permissions
from signing.apply.prepared import Placed
from signing.apply.request import SignRequest
from signing.errors import BadRequest, NotASignablePdf

# pyHanko warns on every signature into a field whose lock is stricter than the default: that is what a lock is for.
logging.getLogger("pyhanko.sign.signers.pdf_signer").setLevel(logging.ERROR)


def placed(pdf: bytes, request: SignRequest, certificate: bytes, *, digest: str, room: int, at: datetime) -> Placed:
    """A new revision of `pdf` with the signature dictionary that `request` describes; `room` bytes for the CMS."""
    writer = opened(pdf)
    check_field(writer, request.field, may_be_new=not request.existing_only)
    is_new = request.field not in field_names(writer)
    check_permissions(
        writer, request.field, certifies=request.certify is not None, is_new=is_new, new_visible=request.box is not None
    )
    spec = new_field(writer, request.field, request.page, request.box) if is_new else None
    with only_our_errors("đặt chữ ký / laying the signature"):
        try:
            if spec is not None and spec.box is not None:
                lay_tagged_field(writer, spec)
                spec = None
            return _placed(writer, request, certificate, spec, digest=digest, room=room, at=at)
        except PyHankoRefusal as error:
            raise BadRequest(
                f"Tài liệu không cho ký như vậy: {error}", f"The document refuses this signature: {error}"
            ) from error


def _placed(
    writer: AppendingWriter,
    request: SignRequest,
    certificate: bytes,
    spec: pdf_fields.SigFieldSpec | None,
    *,
    digest: str,
    room: int,
    at: datetime,
) -> Placed:
    metadata = PdfSignatureMetadata(
        field_name=request.field,
        md_algorithm=digest,
        subfilter=pdf_fields.SigSeedSubFilter.PADES,
        reason=request.reason or None,
        location=request.location or None,
        name=request.name or None,
        contact_info=request.contact or None,
        certify=request.certify is not None,
        docmdp_permissions=pdf_fields.MDPPerm(request.certify or pdf_fields.MDPPerm.FILL_FORMS),
    )
    # pyHanko only wants to know whose signature it will be; the key is asked later, by us.
    whose = ExternalSigner(signing_cert=asn1_x509.Certificate.load(certificate), cert_registry=None, signature_value=0)
    style = Drawn(appearance=request.appearance)
    session = PdfSigner(metadata, whose, stamp_style=style, new_field_spec=spec).init_signing_session(
        writer, existing_fields_only=spec is None
    )
    session.system_time = at
    session.timestamper = None  # a seed value may name a server: no address from the file is ever asked
    document = session.prepare_tbs_document(validation_info=None, bytes_reserved=2 * room)
    prepared, _ = document.digest_tbs_document(output=(output := io.BytesIO()))
    return Placed(
        document=output.getvalue(),
        hole=(prepared.reserved_region_start, prepared.reserved_region_end),
        digest=prepared.document_digest,
    )


@dataclass(frozen=True)
class Drawn(BaseStampStyle):
    """Our appearances, handed to pyHanko as a stamp style."""

    appearance: Appearance | None = None

    def create_stamp(
        self,
        writer: BasePdfFileWriter,
        box: layout.BoxConstraints,
        text_params: dict[str, str],  # noqa: ARG002 - the interface is pyHanko's
    ) -> "Stamp | None":
        """The stamp, or None: then the field looks as the template drew it."""
        return None if self.appearance is None else Stamp(self.appearance, writer, self, box)


class Stamp(BaseStamp):
    """An appearance on its way onto a widget."""

    def __init__(
        self, appearance: Appearance, writer: BasePdfFileWriter, style: BaseStampStyle, box: layout.BoxConstraints
    ) -> None:
        super().__init__(writer, style, box)
        self._appearance = appearance
        self._target = writer

    def apply_appearance(self, widget: generic.DictionaryObject) -> None:
        """Set the widget's normal appearance, as large as the widget and upright on its page. NotASignablePdf."""
        if isinstance(self._target, AppendingWriter) and self._target.draws_values:
            raise NotASignablePdf(
                "Biểu mẫu này để trình đọc tự vẽ các ô (/NeedAppearances), nhiều trình đọc sẽ không vẽ hình chữ ký; "
                f"hãy ký không hình, hoặc {SAVE_AGAIN_VI}",
                "Viewers draw the fields of this form themselves (/NeedAppearances), and many leave out a signature's picture; "
                f"sign without one, or {SAVE_AGAIN_EN}",
            )
        width, height, rotation = widget_geometry(self._target, widget)
        stream = drawn(self._appearance, self._target, width, height, rotation)
        looks = generic.DictionaryObject({pdf_name("/N"): stream})  # type: ignore[no-untyped-call]
        widget[pdf_name("/AP")] = looks
