"""xmlsec1 (where it is there) and signxml about each signature of an XML document: every reference and the signature value.

Both are given the certificate that our report names, and look at nothing else of the signer. xmlsec1 is a whole implementation
of XML-DSig on libxml2; signxml is asked for agreement alone (`xml_worker` says why).
"""

import json
import shutil
import sys
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from signing.report import SignatureReport
from signing.second_opinion.limited import Said, plain_environment, run
from signing.second_opinion.opinion import Opinion, Says, nobody

BLIND_SPOTS = (
    "trust",
    "revocation",
    "timestamps",
    "the bound signing certificate",
    "weak algorithms",
    "what else the document holds",
)
_MOST_NAMES = 64
_WRONG = {"data and digest do not match": "digest", "data do not match": "signature value"}
_SIGNATURES = "(//*[local-name()='Signature' and namespace-uri()='http://www.w3.org/2000/09/xmldsig#'])"


def of_xml(xml: bytes, reports: Sequence[SignatureReport], folder: Path) -> tuple[Opinion, ...]:
    """What both say of each signature of the report. Where libxml2 sees other signatures than we do, nobody judges."""
    fields = [each.field for each in reports]
    told = _worker(xml, reports, folder)
    if not told or told[0].get("signatures") != len(reports):
        return nobody("signxml", fields, "no answer", BLIND_SPOTS)
    judged = {each.get("number"): each for each in told[1:]}
    opinions = [_of_signxml(each.field, judged.get(number)) for number, each in enumerate(reports)]
    names = [pair for pair in told[0].get("names", []) if len(pair) == 2][:_MOST_NAMES]  # noqa: PLR2004
    return (*_xmlsec1(xml, reports, names, folder), *opinions)


def _worker(xml: bytes, reports: Sequence[SignatureReport], folder: Path) -> list[dict[str, Any]]:
    asked = {"certificates": [b64encode(each.certificate or b"").decode() for each in reports]}
    said = run(
        [sys.executable, "-P", "-m", "signing.second_opinion.xml_worker"],
        folder=folder,
        content=json.dumps(asked).encode() + b"\n" + xml,
        environment=plain_environment(PYTHONPATH=str(Path(__file__).resolve().parents[2])),
    )
    found = []
    for line in said.out.splitlines() if said is not None else ():
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict):
            found.append(told)
    return found


def _of_signxml(field: str, told: dict[str, Any] | None) -> Opinion:
    agrees = told is not None and told.get("says") == Says.VALID
    detail = "" if agrees else str((told or {}).get("detail", "no answer"))[:120]
    says = Says.VALID if agrees else Says.CANNOT_JUDGE
    return Opinion(by="signxml", says=says, field=field, detail=detail, blind_spots=BLIND_SPOTS)


def _xmlsec1(
    xml: bytes, reports: Sequence[SignatureReport], names: Sequence[Sequence[object]], folder: Path
) -> tuple[Opinion, ...]:
    program = shutil.which("xmlsec1")
    if program is None:
        return ()
    (folder / "signed.xml").write_bytes(xml)
    told_of = [word for name, element in names for word in (f"--id-attr:{name}", str(element))]
    found: list[Opinion] = []
    for number, report in enumerate(reports, start=1):
        if report.certificate is None:
            found += nobody("xmlsec1", [report.field], "no certificate", BLIND_SPOTS)
            continue
        (folder / "signer.der").write_bytes(report.certificate)
        # Only what lies in the document, only this key: nothing is fetched, no certificate of the document is taken.
        given = ["--enabled-reference-uris", "empty,same-doc", "--enabled-key-data", "raw-x509-cert"]
        place = ["--pubkey-cert-der", "signer.der", *told_of, "--node-xpath", f"{_SIGNATURES}[{number}]", "signed.xml"]
        says, detail = _read(run([program, "--verify", *given, *place], folder=folder, environment=plain_environment()))
        found.append(Opinion(by="xmlsec1", says=says, field=report.field, detail=detail, blind_spots=BLIND_SPOTS))
    return tuple(found)


def _read(said: Said | None) -> tuple[Says, str]:
    """An objection counts only where it is about these bytes: an algorithm that is not known there is none."""
    if said is None or not said.in_time:
        return Says.CANNOT_JUDGE, "no answer"
    lines = (said.err + said.out).splitlines()
    if said.code == 0 and "OK" in lines:
        return Says.VALID, ""
    wrong = next((about for words, about in _WRONG.items() if any(words in line for line in lines)), None)
    if wrong is not None and "FAIL" in lines:
        return Says.INVALID, wrong
    return Says.CANNOT_JUDGE, next((line[-120:] for line in lines if line.strip()), f"exit {said.code}")
