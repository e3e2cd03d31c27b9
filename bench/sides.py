"""Who signs in the bench: pyHanko as its manual shows, pyHanko with care, ours, and the processor alone."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from asn1crypto import cms as asn1_cms
from asn1crypto import crl as asn1_crl
from asn1crypto import keys as asn1_keys
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import tsp as asn1_tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from pyhanko.pdf_utils.font.opentype import GlyphAccumulatorFactory
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.text import TextBoxStyle
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers.pdf_cms import SimpleSigner
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.stamp import TextStampStyle
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from bench import inputs
from bench.table import Row
from signing.batch import FastPath, Order
from signing.batch.files import Job, NotDone, sign_files
from signing.batch.lettering import Lettering, Lines
from signing.demo import DemoAuthority, Issued
from signing.levels import Level

FONT = inputs.FONTS / "Tinos_400Regular.ttf"
NOW = datetime.now(UTC).astimezone()


@dataclass(slots=True)
class World:
    """A test authority, a person with a key of each kind, and a folder."""

    folder: Path
    authority: DemoAuthority
    people: dict[str, Issued]
    documents: list[bytes]  # transcripts, all different
    rounds: int
    per_round: int
    counter: int = 0
    rows: list[Row] = field(default_factory=list)

    def fresh(self) -> Path:
        """A name that was not used."""
        self.counter += 1
        return self.folder / f"{self.counter}.pdf"

    def written(self, documents: Sequence[bytes]) -> list[Path]:
        """The documents as files."""
        paths = []
        for document in documents:
            path = self.fresh()
            path.write_bytes(document)
            paths.append(path)
        return paths


Side = Callable[[Sequence[Path]], list[Path]]  # signs these files, returns the results


def fast_path(world: World, key: str) -> FastPath:
    """Ours, with the world's authority."""
    return FastPath(world.people[key].signer(), timestamper=world.authority, evidence=world.authority)


def jobs_for(world: World, sources: Sequence[Path], order: Order) -> list[Job]:
    """One job per file."""
    return [Job(id=source.name, source=source, target=world.fresh(), order=order) for source in sources]


def ours(world: World, key: str, level: Level, *, visible: bool = False) -> Side:
    """The fast path, from file to file."""
    path = fast_path(world, key)
    letters = Lettering(FONT)

    def side(sources: Sequence[Path]) -> list[Path]:
        jobs = []
        for index, source in enumerate(sources):
            drawing = Lines(inputs.seal_lines(world.counter + index), letters) if visible else None
            field_ = "principal_signs" if visible else "teacher_signs"
            order = Order(field=field_, at=NOW, level=level, drawing=drawing)
            jobs.append(Job(id=source.name, source=source, target=world.fresh(), order=order))
        for result in sign_files(jobs, path):
            if isinstance(result, NotDone):
                raise result.error
        return [job.target for job in jobs]

    return side


def limit(world: World, key: str) -> Side:
    """Read, hash, one raw signature, write."""
    private = _private(world.people[key])

    def side(sources: Sequence[Path]) -> list[Path]:
        targets = []
        for source in sources:
            data = source.read_bytes()
            digest = hashlib.sha256(data).digest()
            if isinstance(private, rsa.RSAPrivateKey):
                value = private.sign(digest, padding.PKCS1v15(), hashes.SHA256())
            else:
                value = private.sign(digest, ec.ECDSA(hashes.SHA256()))
            target = world.fresh()
            target.write_bytes(data + value)
            targets.append(target)
        return targets

    return side


class _Kept(SimpleSigner):
    """pyHanko's signer with the key object kept: the documented way to extend it."""

    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        if digest_algorithm != "sha256":
            raise ValueError(digest_algorithm)
        if dry_run:
            return bytes(256)
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self.private.sign(data, ec.ECDSA(hashes.SHA256()))


class _Stamps(TimeStamper):
    """The same in-process authority for pyHanko."""

    def __init__(self, authority: DemoAuthority) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # pyHanko's
        self._authority = authority

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> asn1_cms.ContentInfo:
        if md_algorithm != "sha256":
            raise ValueError(md_algorithm)
        return asn1_cms.ContentInfo.load(self._authority.timestamp(message_digest))

    async def async_request_tsa_response(self, req: asn1_tsp.TimeStampReq) -> asn1_tsp.TimeStampResp:
        return asn1_tsp.TimeStampResp.load(self._authority.timestamp_response(req.dump()))


def pyhanko(world: World, key: str, level: Level, *, tuned: bool, visible: bool = False) -> Side:
    """PyHanko as its manual shows (plain), or with the key object kept and the size given (tuned)."""
    person = world.people[key]
    certificate = asn1_x509.Certificate.load(person.certificate)
    chain = [asn1_x509.Certificate.load(each) for each in person.chain]
    private = _private(person)
    raw = private.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    kind = _Kept if tuned else SimpleSigner
    signer = kind(
        signing_cert=certificate,
        signing_key=asn1_keys.PrivateKeyInfo.load(raw),
        cert_registry=SimpleCertificateStore.from_certs(chain),  # type: ignore[no-untyped-call]  # pyHanko's
    )
    if isinstance(signer, _Kept):
        signer.private = private
    stamps = _Stamps(world.authority) if level >= Level.B_T else None
    style = _style() if visible else None

    answers = _answers(world, person) if level >= Level.B_LT else None  # asked for once, and not counted

    def side(sources: Sequence[Path]) -> list[Path]:
        targets = []
        for index, source in enumerate(sources):
            meta = PdfSignatureMetadata(
                field_name="principal_signs" if visible else "teacher_signs",
                md_algorithm="sha256",
                subfilter=SigSeedSubFilter.PADES,
                embed_validation_info=level >= Level.B_LT,
                use_pades_lta=level >= Level.B_LTA,
                validation_context=context(world, answers) if answers else None,
                timestamp_field_name="archive_timestamp",
            )
            target = world.fresh()
            with source.open("rb") as read, target.open("wb+") as written:
                parameters = {"lines": "\n".join(inputs.seal_lines(world.counter + index))} if visible else None
                PdfSigner(meta, signer, timestamper=stamps, stamp_style=style).sign_pdf(
                    IncrementalPdfFileWriter(read),
                    output=written,
                    existing_fields_only=level < Level.B_LTA,
                    bytes_reserved=32768 if tuned else None,
                    appearance_text_params=parameters,
                )
            targets.append(target)
        return targets

    return side


def _style() -> TextStampStyle:
    font = GlyphAccumulatorFactory(str(FONT), font_size=10)
    return TextStampStyle(
        stamp_text="%(lines)s", border_width=0, background=None, text_box_style=TextBoxStyle(font=font, font_size=10)
    )


def _private(person: Issued) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    key, _, _ = pkcs12.load_key_and_certificates(person.path.read_bytes(), person.pin.encode())
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise TypeError("a key of another kind")
    return key


@dataclass(frozen=True, slots=True)
class _Answers:
    ocsps: list[asn1_ocsp.OCSPResponse]
    crls: list[asn1_crl.CertificateList]


def _answers(world: World, person: Issued) -> _Answers:
    """The authority's answers about the person and the timestamp authority."""
    tsa = (world.authority.tsa, *world.authority.chain[-1:])
    said = world.authority.for_chain((person.certificate, *person.chain)) + world.authority.for_chain(tsa)
    return _Answers(
        [asn1_ocsp.OCSPResponse.load(each) for each in said.ocsps], [asn1_crl.CertificateList.load(each) for each in said.crls]
    )


def context(world: World, answers: _Answers | None) -> ValidationContext:
    """Trust in the world's root, with these answers about revocation."""
    return ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(world.authority.root)],
        other_certs=[asn1_x509.Certificate.load(each) for each in world.authority.chain],
        ocsps=answers.ocsps if answers else [],
        crls=answers.crls if answers else [],
        allow_fetching=False,
    )


PEER = Path(__file__).resolve().parent / "peer"


def peer_ms(world: World, key: str, sources: Sequence[Path]) -> tuple[float, list[Path]] | None:
    """CPU milliseconds per document of the best peer (its own account, without its start); None when it is not installed."""
    node = shutil.which("node")
    if node is None or not (PEER / "node_modules").is_dir():
        return None
    certificate, private = world.fresh().with_suffix(".cert"), world.fresh().with_suffix(".key")
    certificate.write_bytes(
        x509.load_der_x509_certificate(world.people[key].certificate).public_bytes(serialization.Encoding.PEM)
    )
    private.write_bytes(
        _private(world.people[key]).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    targets = [world.fresh() for _ in sources]
    lines = "\n".join(f"{source}\t{target}" for source, target in zip(sources, targets, strict=True))
    told = subprocess.run(
        [node, PEER / "sign.mjs", certificate, private], input=lines, capture_output=True, text=True, check=True, timeout=300
    )
    return float(told.stdout), targets
