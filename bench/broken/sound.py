"""Sound files of each kind, to be broken: made by a demo authority, all of them pass.

sound = Sound.made(folder)
sound.signed[0]
"""

import io
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pikepdf

from bench.broken.containers import Keys
from signing import DemoAuthority, Level, Trust, make_package, sign_cades, sign_xml
from signing.batch import FastPath, Order

_MINIMAL = (
    b"<</Type/Catalog/Pages 2 0 R/AcroForm 5 0 R/Names<</EmbeddedFiles<</Names[(a.txt)9 0 R]>>>>/OpenAction 8 0 R>>",
    b"<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 300 200]>>",
    b"<</Type/Page/Parent 2 0 R/Resources<<>>/Contents 4 0 R/Annots[6 0 R 7 0 R 11 0 R 12 0 R]>>",
    b"<</Length 21>>stream\n0 0 m 100 100 l S q Q\nendstream",
    b"<</Fields[6 0 R 7 0 R 11 0 R 12 0 R]/SigFlags 3>>",
    b"<</FT/Sig/T(teacher_signs)/Type/Annot/Subtype/Widget/F 132/Rect[0 0 0 0]/P 3 0 R>>",
    b"<</FT/Sig/T(principal_signs)/Type/Annot/Subtype/Widget/F 132/Rect[9 9 90 50]/P 3 0 R/Lock 13 0 R>>",
    b"<</S/JavaScript/JS(app.alert\\(1\\))>>",
    b"<</Type/Filespec/F(a.txt)/UF(a.txt)/EF<</F 10 0 R>>>>",
    b"<</Type/EmbeddedFile/Length 2>>stream\nhi\nendstream",
    b"<</FT/Tx/T(mark)/V(8,5)/DA(/F 9 Tf)/Type/Annot/Subtype/Widget/F 4/Rect[100 10 150 30]/P 3 0 R>>",
    b"<</FT/Sig/T(archive_timestamp)/Type/Annot/Subtype/Widget/F 132/Rect[0 0 0 0]/P 3 0 R>>",
    b"<</Type/SigFieldLock/Action/Include/Fields[(mark)]>>",
)
_XML = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<hoc-ba xmlns:p="urn:p"><data Id="data"><p:mark v="8,5">Toán</p:mark>'
    "<note>Giỏi &amp; chăm</note>"
    "<!-- a --><?b c?></data><signs/></hoc-ba>"
).encode()


def minimal() -> bytes:
    """A page with four fields, a script and an attachment, in a plain table."""
    out, rows = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), [b"0000000000 65535 f \n"]
    for number, body in enumerate(_MINIMAL, start=1):
        rows.append(b"%010d 00000 n \n" % len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n%strailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
        len(rows),
        b"".join(rows),
        len(rows),
        start,
    )
    return bytes(out)


def encrypted(content: bytes, revision: Literal[3, 4, 6]) -> bytes:
    """The same behind an empty password, by the security handler of this revision."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(content)) as pdf:
        modern = revision >= 4  # noqa: PLR2004 -- where AES begins
        locked = pikepdf.Encryption(owner="owner", user="", R=revision, aes=modern, metadata=modern)
        pdf.save(out, encryption=locked, object_stream_mode=pikepdf.ObjectStreamMode.disable, static_id=True)
    return out.getvalue()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """Sound files of each kind to break, and what is needed to judge and to sign."""

    pdfs: tuple[bytes, ...]
    signed: tuple[bytes, ...]  # those of them that are signed
    xml: bytes
    data: bytes
    detached: bytes  # CAdES of `data`
    package: bytes
    ocsp: bytes
    crl: bytes
    trust: Trust
    anchors: bytes  # PEM
    keys: Keys
    at: datetime
    authority: DemoAuthority

    @classmethod
    def made(cls, folder: Path) -> "Sound":
        """Everything made with a demo authority in this folder; a second call finds the same keys there."""
        authority = DemoAuthority(folder, key="rsa2048", tsa_key="rsa2048")
        person = authority.issue("Nguyễn Thị Ánh Tuyết", "CCCD:031084000001", unit="Trường THCS Nguyễn Du")
        signer, now = person.signer(), datetime.now(UTC)
        path = FastPath(signer, timestamper=authority, evidence=authority)

        def put(content: bytes, level: Level, field: str = "teacher_signs", certify: int | None = None) -> bytes:
            return path.sign(content, Order(field=field, at=now, level=level, certify=certify))

        plain = minimal()
        signed = (
            put(plain, Level.B_T),
            put(plain, Level.B_LT),
            put(plain, Level.B_LTA),
            put(put(plain, Level.B_T, certify=2), Level.B_T, "principal_signs"),
        )
        data = "Học bạ số".encode() * 50
        return cls(
            pdfs=(plain, *signed, encrypted(plain, 3), encrypted(plain, 4), encrypted(plain, 6)),
            signed=signed,
            xml=sign_xml(_XML, reference_id="data", place="signs", signer=signer, timestamper=authority, level=Level.B_T),
            data=data,
            detached=sign_cades(data, signer, level=Level.B_T, timestamper=authority),
            package=make_package({"a.txt": data, "b/c.xml": _XML}, signer, level=Level.B_T, timestamper=authority),
            ocsp=authority.for_chain((person.certificate, *person.chain)).ocsps[0],
            crl=authority.crl("issuing"),
            trust=Trust.load(authority.trust_pem()),
            anchors=authority.trust_pem()[0].read_bytes(),
            keys=Keys.of(folder, signer),
            at=now,
            authority=authority,
        )
