"""The process in which pyHanko judges: a question and a PDF on standard input, one JSON line per signature on standard output.

    in:  {"trust": {...}, "moments": {"Sig1": "2031-05-31T16:05:09+07:00"}, "named": ["freed"]}, end of line, the file's bytes
    out: {"field": "Sig1", "end": 12345, "says": "valid", "about": "", "detail": "", "named": []}

Each signature is judged for itself, and told as soon as it is judged: a process that is ended has still said what it knew.
Nothing is fetched. What pyHanko raises about a signature is that it cannot judge it.
"""

import io
import json
import logging
import sys
from base64 import b64decode
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from asn1crypto import crl, ocsp, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation import async_validate_pdf_signature, async_validate_pdf_timestamp
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import ModificationInfo, SignatureCoverageLevel, SignatureStatus
from pyhanko_certvalidator import ValidationContext

from signing.second_opinion.limited import short_name
from signing.second_opinion.named_differences import Forgiving
from signing.verification.waiting import run

MAX_SIGNATURES = 64
MAX_QUESTION = 64 * 1024 * 1024  # the line before the file; a bundle with large revocation lists has some megabytes


def main() -> None:
    """Judge what comes in."""
    logging.disable(logging.CRITICAL)  # the library logs each objection with its trace
    asked = json.loads(sys.stdin.buffer.readline(MAX_QUESTION))
    for told in judge(asked, sys.stdin.buffer.read()):
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


def judge(asked: Mapping[str, Any], content: bytes) -> Iterator[dict[str, Any]]:
    """One answer per filled signature field. Raises what the library raises for a file that it cannot read at all."""
    reader = PdfFileReader(io.BytesIO(content))
    known = _Known(asked["trust"], reader)
    filled = enumerate_sig_fields(reader, filled_status=True)
    for field, _, reference in islice(filled, MAX_SIGNATURES):
        told: dict[str, Any] = {
            "field": short_name(field),
            "end": 0,
            "says": "cannot_judge",
            "about": "",
            "detail": "",
            "named": [],
        }
        try:
            embedded = EmbeddedPdfSignature(reader, reference.get_object(), field)
            told["end"] = int(embedded.byte_range[2]) + int(embedded.byte_range[3])
            moment = asked["moments"].get(short_name(field))
            policy = Forgiving(asked["named"])
            told |= _judged(embedded, known, datetime.fromisoformat(moment) if moment else None, policy)
            told["named"] = sorted(policy.used)
        except Exception as fault:  # noqa: BLE001 -- the library raises whatever the bytes make it raise
            told["detail"] = f"{type(fault).__name__}: {fault}"[:200]
        yield told


class _Known:
    """The roots of our bundle, and what the file's own store brings for the paths to them."""

    def __init__(self, trust: Mapping[str, Any], reader: PdfFileReader) -> None:
        self.roots = [(x509.Certificate.load(b64decode(der)), since, until, use) for der, since, until, use in trust["roots"]]
        self.certificates = [x509.Certificate.load(b64decode(each)) for each in trust["intermediates"]]
        self.lists: list[crl.CertificateList] = [crl.CertificateList.load(b64decode(each)) for each in trust["lists"]]
        self.answers: list[ocsp.OCSPResponse] = []
        try:
            store = DocumentSecurityStore.read_dss(reader)
        except Exception:  # noqa: BLE001 -- no store, or one that pyHanko cannot read: it judges without
            return
        self.certificates += store.load_certs()
        self.lists += [crl.CertificateList.load(each.get_object().data) for each in store.crls]
        self.answers += [ocsp.OCSPResponse.load(each.get_object().data) for each in store.ocsps]

    def context(self, moment: datetime | None, use: str) -> ValidationContext:
        """As our bundle has it at that moment: the roots that count then for this use. Nobody is asked."""
        roots = [
            root
            for root, since, until, held in self.roots
            if held in ("any", use)
            and (moment is None or datetime.fromisoformat(since) <= moment <= datetime.fromisoformat(until))
        ]
        return ValidationContext(
            trust_roots=roots,
            other_certs=self.certificates,
            moment=moment,
            best_signature_time=moment,
            allow_fetching=False,
            crls=self.lists,
            ocsps=self.answers,
            revocation_mode="soft-fail",
            # Evidence for a long term is gathered after the signature (102-1, 5.2.5): its word counts back to our moment.
            retroactive_revinfo=True,
        )


def _judged(embedded: EmbeddedPdfSignature, known: _Known, moment: datetime | None, policy: Forgiving) -> dict[str, str]:
    """The first of digest, value, coverage, changes and trust that does not hold."""
    stamping = known.context(moment, "timestamping")
    status: Any
    if embedded.sig_object.get("/SubFilter") == "/ETSI.RFC3161":
        status = run(async_validate_pdf_timestamp(embedded, stamping, diff_policy=policy))
    else:
        # The key usages that we take for a signature: either of the two (EN 319 412-2, 4.3.2).
        usage = KeyUsageConstraints(key_usage={"non_repudiation", "digital_signature"}, match_all_key_usages=False)
        signing = known.context(moment, "signing")
        status = run(async_validate_pdf_signature(embedded, signing, stamping, diff_policy=policy, key_usage_settings=usage))
    about, detail = _objection(status)
    return {"says": "invalid" if about else "valid", "about": about, "detail": detail}


def _objection(status: Any) -> tuple[str, str]:
    assert isinstance(status, SignatureStatus)  # noqa: S101 -- both kinds that are asked for are
    assert isinstance(status, ModificationInfo)  # noqa: S101
    if not status.intact:
        return "digest", "the digest does not fit"
    if not status.valid:
        return "value", "the signature value does not fit"
    if status.coverage is None or status.coverage < SignatureCoverageLevel.ENTIRE_REVISION:
        return "coverage", str(status.coverage)
    if status.docmdp_ok is False or isinstance(status.diff_result, Exception):
        return "changes", str(status.diff_result)[:200]
    if not status.trusted:
        return "trust", str(status.trust_problem_indic or "no path to a root")[:200]
    return "", ""


if __name__ == "__main__":
    main()
