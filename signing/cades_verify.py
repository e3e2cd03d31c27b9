"""CAdES signatures judged (EN 319 122-1; EN 319 102-1, 5.2): detached ones beside their file, and files that are a signature.

report = verify_cades(data, signature, trust)
report = verify_cms(content, trust)              # a .p7m with its content inside, or a .p7s that came alone
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from signing.beside import Given, Proof, Stamp, ocsps_in, weigh
from signing.beside_report import broken_report, signature_report, worst
from signing.cades_archive import (
    check_shared,
    is_countersigned,
    kept_values,
    older_kinds,
    one_by_one,
    open_container,
    read_archives,
)
from signing.findings import finding
from signing.report import Changes, Finding, Report, SignatureReport, SubIndication, Verdict
from signing.signed_content import Data, SignedContent
from signing.trust import Trust
from signing.verification.der import SEQUENCE, read
from signing.verification.faults import BadSignedData, Fault
from signing.verification.signature_check import check_digest
from signing.verification.signed_data import (
    SIGNING_CERTIFICATE,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
    SignedData,
    UnknownAlgorithm,
    digest_of,
    read_signed_data,
)

MAX_SIGNATURE_BYTES = 16 * 1024 * 1024  # a B-LT signature with a large authority's revocation list
MAX_ATTACHED_BYTES = 256 * 1024 * 1024  # with the signed file inside, which in PEM takes a third more

_BEFORE_TEXT = frozenset({b"-", b"M", b" ", b"\t", b"\r", b"\n", b"\xef"})  # DER begins with none of them
_SIGNATURE_POLICY = "1.2.840.113549.1.9.16.2.15"
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")  # the object identifier of SignedData


def verify_cades(data: Data, signature: bytes, trust: Trust, *, at: datetime | None = None, name: str = "") -> Report:
    """Judge a detached signature of `data`. Never raises for what the two hold. The report's digest is that of `data`."""
    now = at or datetime.now(UTC)
    content = SignedContent(data)
    reports = judge_all_cades(content, signature, trust, now=now, field="signature")
    doubtful = any(each.code == "DATA_AFTER_SIGNATURE" for report in reports for each in report.findings)
    return Report(
        file=name,
        sha256=content.digest("sha256").hex(),
        verdict=worst(reports, doubtful=doubtful),
        signatures=reports,
        checked_at=now,
        policy=trust.version,
    )


def verify_cms(content: bytes, trust: Trust, *, at: datetime | None = None, name: str = "") -> Report:
    """Judge a signature file that came alone: over the content that it brings, or none. Never raises for what it holds."""
    now = at or datetime.now(UTC)
    try:
        data = content_inside(content) if len(content) <= MAX_ATTACHED_BYTES else None
    except Fault:
        data = b""
    if data is not None:
        report = verify_cades(data, content, trust, at=now, name=name)
        return replace(report, sha256=hashlib.sha256(content).hexdigest())
    if len(content) > MAX_ATTACHED_BYTES:
        return Report(
            file=name,
            sha256=hashlib.sha256(content).hexdigest(),
            verdict=Verdict.UNREADABLE,
            findings=(finding("TOO_LARGE", f"{len(content)} > {MAX_ATTACHED_BYTES}"),),
            checked_at=now,
            policy=trust.version,
        )
    alone = broken_report(
        "signature",
        code="CONTENT_NOT_HERE",
        verdict=Verdict.INDETERMINATE,
        sub_indication=SubIndication.SIGNED_DATA_NOT_FOUND,
    )
    return Report(
        file=name,
        sha256=hashlib.sha256(content).hexdigest(),
        verdict=Verdict.INDETERMINATE,
        signatures=(alone,),
        checked_at=now,
        policy=trust.version,
    )


def content_inside(content: bytes) -> bytes | None:
    """What an attached signature brings along; None where it is detached. Raises Fault."""
    encoded = unarmoured(content)
    check_shared(encoded)
    return read_signed_data(one_by_one(encoded)[0]).encapsulated


def is_cms(content: bytes) -> bool:
    """Whether it begins as a CMS SignedData does, in DER or PEM."""
    if content.startswith((b"-----BEGIN CMS-----", b"-----BEGIN PKCS7-----")):
        return True
    return content[:1] == b"\x30" and _SIGNED_DATA in content[:24]


def judge_all_cades(
    content: SignedContent,
    signature: bytes,
    trust: Trust,
    *,
    now: datetime,
    field: str,
    digests: tuple[str, ...] = (),
    proofs: tuple[Proof, ...] = (),
    findings: Sequence[Finding] = (),
    whole: bool = True,
) -> tuple[SignatureReport, ...]:
    """Every signer of a container, who sign the same file side by side; the second one's field is `signature[2]`."""
    try:
        encoded = unarmoured(signature if len(signature) <= _most(content) else b"")
        signers = one_by_one(encoded) if encoded else (signature,)
        behind = len(encoded) - read(encoded).end if len(signers) > 1 else 0
    except Fault:
        signers, behind = (signature,), 0
    told = (*findings, finding("DATA_AFTER_SIGNATURE", behind)) if behind else tuple(findings)
    return tuple(
        judge_cades(
            content,
            each,
            trust,
            now=now,
            field=field if number == 1 else f"{field}[{number}]",
            digests=digests,
            proofs=proofs,
            findings=told,
            whole=whole,
        )
        for number, each in enumerate(signers, 1)
    )


def judge_cades(
    content: SignedContent,
    signature: bytes,
    trust: Trust,
    *,
    now: datetime,
    field: str,
    digests: tuple[str, ...] = (),
    proofs: tuple[Proof, ...] = (),
    findings: Sequence[Finding] = (),
    whole: bool = True,
) -> SignatureReport:
    """One detached signature.

    `digests`: further algorithms between what is signed and the content (a manifest's); `proofs`: of the whole container.
    """
    try:
        return _judge(content, signature, trust, now, field, digests, proofs, findings, whole=whole)
    except UnknownAlgorithm as fault:
        return broken_report(
            field,
            code="UNKNOWN_ALGORITHM",
            detail=str(fault),
            verdict=Verdict.INDETERMINATE,
            sub_indication=SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
            findings=findings,
        )
    except Fault as fault:
        return broken_report(field, code="NOT_CMS", detail=str(fault), findings=findings)
    except Exception as surprise:  # noqa: BLE001 -- hostile bytes reach deep into libraries: never let one out
        return broken_report(
            field,
            code="CHECK_FAILED",
            detail=type(surprise).__name__,
            verdict=Verdict.INDETERMINATE,
            sub_indication=SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE,
            findings=findings,
        )


def _judge(
    content: SignedContent,
    signature: bytes,
    trust: Trust,
    now: datetime,
    field: str,
    digests: tuple[str, ...],
    proofs: tuple[Proof, ...],
    findings: Sequence[Finding],
    *,
    whole: bool,
) -> SignatureReport:
    if len(signature) > _most(content):
        return broken_report(
            field,
            code="TOO_LARGE",
            detail=f"{len(signature)} > {_most(content)}",
            verdict=Verdict.INDETERMINATE,
            sub_indication=SubIndication.NO_POE,
            findings=findings,
        )
    # (1) format, EN 319 102-1 5.2.2
    encoded = unarmoured(signature)
    check_shared(encoded)
    signed = read_signed_data(encoded)
    told = list(findings)
    if signed.encapsulated is not None:
        if not content.is_same(signed.encapsulated):
            return broken_report(field, code="CONTENT_INSIDE", findings=findings)
        told.append(finding("CONTENT_ATTACHED"))
    if signed.signed_attributes is None:
        # Anybody can cut the attributes out of a signature and show them as the file that was signed (EN 319 122-1, 5.1).
        return broken_report(
            field,
            code="NO_SIGNED_ATTRIBUTES",
            verdict=Verdict.INDETERMINATE,
            sub_indication=SubIndication.SIG_CONSTRAINTS_FAILURE,
            findings=findings,
        )
    if signed.size != len(encoded):
        told.append(finding("DATA_AFTER_SIGNATURE", len(encoded) - signed.size))
    # (2) signing certificate and (3) cryptography, 5.2.3 and 5.2.7
    checked = check_digest(signed, content.digest(signed.digest))
    claimed = signed.signing_time if SIGNING_TIME in signed.attributes else None
    if not checked.sound or checked.certificate is None:
        changed = checked.sub_indication is SubIndication.HASH_FAILURE
        return broken_report(
            field,
            code=checked.code or "SIGNATURE_VALUE",
            detail=checked.reason,
            sub_indication=checked.sub_indication or SubIndication.SIG_CRYPTO_FAILURE,
            verdict=checked.verdict,
            certificate=checked.certificate,
            scheme=signed.scheme,
            changes=Changes.FORBIDDEN if changed else Changes.NOT_UNDERSTOOD,
            claimed=claimed,
            findings=told,
        )
    told += [finding(note) for note in checked.notes]
    opened = open_container(encoded)
    told += [finding("ARCHIVE_KIND_NOT_READ", kind) for kind in older_kinds(opened)]
    told += _policy_told(signed)
    told += [finding("COUNTERSIGNATURE_NOT_READ")] if is_countersigned(opened) else []
    certificates, ocsps, lists = kept_values(opened)
    given = Given(
        certificate=checked.certificate,
        scheme=signed.scheme,
        digests=(signed.digest, *digests),
        stamps=tuple(
            Stamp(token=token, expected=lambda name: digest_of(name, signed.signature)) for token in signed.timestamps
        ),
        archives=read_archives(opened, content),
        proofs=proofs,
        certificates=(*signed.certificates, *certificates),
        ocsps=(*signed.ocsps, *ocsps_in(encoded), *ocsps),
        lists=(*signed.revocation_lists, *lists),
        claimed=claimed,
        not_baseline=_not_baseline(signed),
    )
    worth = weigh(given, trust, now=now)
    changes = Changes.NONE if whole else Changes.PERMITTED
    report = signature_report(field, given, worth, covers_whole_file=whole, changes=changes, findings=told)
    return replace(report, signed_bytes=content.size)


def _most(content: SignedContent) -> int:
    """How large a signature of these data may be, which it may bring along, in pieces or as PEM."""
    return min(MAX_SIGNATURE_BYTES + 2 * content.size, MAX_ATTACHED_BYTES)


def _not_baseline(signed: SignedData) -> str:
    """EN 319 122-1 6.3, the rows of B-B that a verifier can see."""
    attributes = signed.attributes
    rules = (
        (signed.signed_attributes is not None, "no signed attributes"),
        (SIGNING_CERTIFICATE_V2 in attributes or SIGNING_CERTIFICATE in attributes, "the signing certificate is not bound"),
        (SIGNING_TIME in attributes, "no signing-time"),
    )
    return next((reason for met, reason in rules if not met), "")


def _policy_told(signed: SignedData) -> list[Finding]:
    """The signature policy that the signer names (5.2.9.1): told, never judged."""
    values = signed.attributes.get(_SIGNATURE_POLICY, ())
    return [finding("SIGNATURE_POLICY", each.children()[0].oid()) for each in values[:1] if each.tag == SEQUENCE]


def unarmoured(signature: bytes) -> bytes:
    """DER as it is; from PEM what stands between its two lines; base64 alone, as some programs write it, decoded."""
    text = signature.removeprefix(b"\xef\xbb\xbf").strip() if signature[:1] in _BEFORE_TEXT else signature
    if text.startswith(b"-----BEGIN "):
        lines = text.splitlines()[1:-1]
    elif text.startswith(b"MI"):  # a SEQUENCE of 128 bytes and more
        lines = text.split()
    else:
        return signature
    try:
        return base64.b64decode(b"".join(lines), validate=True)
    except (binascii.Error, ValueError) as fault:
        raise BadSignedData("the base64 of the signature is broken") from fault
