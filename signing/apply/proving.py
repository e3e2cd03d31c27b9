"""Writing validation data and archive timestamps with pyHanko, for documents that the quick way leaves to it."""

import io
import itertools
from collections.abc import Iterable, Sequence
from datetime import datetime

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from pyhanko.sign.fields import InvisSigSettings, SigFieldSpec
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import DocumentTimestamp
from pyhanko.sign.validation.dss import DocumentSecurityStore

from signing.apply.fields import field_names
from signing.apply.guard import only_our_errors
from signing.apply.opening import AppendingWriter, opened
from signing.errors import NoRoom
from signing.evidence import Revocation
from signing.timestamps import Timestamper, check_token, token_room


def proven(
    pdf: bytes, certificates: Sequence[bytes], revocation: Revocation, timestamper: Timestamper | None, field: str
) -> tuple[bytes, datetime | None]:
    """One revision with the store of validation data and, where asked, an archive timestamp and its time."""
    writer = opened(pdf)
    with only_our_errors("ghi dữ liệu kiểm chứng / writing the validation data"):
        _add_to_dss(writer, certificates, revocation)
        if timestamper is not None:
            return _timestamped(writer, field, timestamper)
        output = io.BytesIO()
        writer.write(output)  # type: ignore[no-untyped-call]
        return output.getvalue(), None


def _add_to_dss(writer: AppendingWriter, certificates: Iterable[bytes], revocation: Revocation) -> None:
    DocumentSecurityStore.supply_dss_in_writer(
        writer,
        None,
        certs=[asn1_x509.Certificate.load(each) for each in certificates],
        ocsps=[asn1_ocsp.OCSPResponse.load(each) for each in revocation.ocsps],
        crls=[asn1_crl.CertificateList.load(each) for each in revocation.crls],
    )


def _timestamped(writer: AppendingWriter, field: str, timestamper: Timestamper) -> tuple[bytes, datetime]:
    """The pending revision, closed by a document timestamp (EN 319 142-1, 5.4.3), and its time."""
    known = field_names(writer)
    name = field if known.get(field) is False else _free_name(field, known)
    room = token_room(timestamper)
    spec = SigFieldSpec(name, invis_sig_settings=InvisSigSettings(), readable_field_name="Dấu thời gian lưu trữ")
    steps = PdfCMSEmbedder(new_field_spec=spec).write_cms(field_name=name, writer=writer, existing_fields_only=name in known)
    next(steps)
    stamp = DocumentTimestamp(bytes_reserved=2 * room)  # type: ignore[no-untyped-call]
    steps.send(SigObjSetup(sig_placeholder=stamp))
    prepared, output = steps.send(SigIOSetup(md_algorithm="sha256", output=io.BytesIO()))
    token = timestamper.timestamp(prepared.document_digest)
    stamped = check_token(token, prepared.document_digest).time
    if len(token) > room:
        raise NoRoom(
            f"Dấu thời gian {len(token)} byte, chỉ có chỗ cho {room}",
            f"The timestamp has {len(token)} bytes, room was for {room}",
        )
    steps.send(token)
    return bytes(output.getvalue()), stamped


def _free_name(field: str, known: dict[str, bool]) -> str:
    """`archive_timestamp_2`, `_3`, ...: renewals are numbered, so that a reader sees their order."""
    return next(name for number in itertools.count(2) if (name := f"{field}_{number}") not in known)
