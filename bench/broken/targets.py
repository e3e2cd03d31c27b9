"""What is handed broken files, and what must be true of each answer.

A target makes an input from a chance and looks at what the code under test makes of it; it tells what is wrong, or nothing.
"""

import contextlib
import io
import json
import random
import re
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from lxml import etree

from bench.broken.asn1 import Node
from bench.broken.asn1 import broken as break_tree
from bench.broken.containers import container_broken, store_broken
from bench.broken.objects import appended, rewritten
from bench.broken.sound import Sound
from bench.broken.text import HOLE, likely, mutate
from signing import (
    Level,
    Report,
    SigningError,
    SignRequest,
    Trust,
    Verdict,
    sign,
    sign_xml,
    verify_any,
    verify_cades,
    waiting_fields,
)
from signing.errors import BadTrust
from signing.etsi_report import etsi_report

# What is wrong with an answer, or "".
Check = Callable[[], str]
Maker = Callable[[Sound, random.Random], tuple[bytes, Check]]


# The end of a finding's sentence where a guard caught what nobody foresaw: the name of an exception of Python's.
_SURPRISE = re.compile(r"\b(\w*(?:Error|Exception|Warning|StopIteration|KeyboardInterrupt))\)?$")


def told(report: Report, tally: list[str]) -> str:
    """Any report: it must travel, and it counts, with what surprised the code under test."""
    tally.append(str(report.verdict))
    findings = (*report.findings, *(each for signature in report.signatures for each in signature.findings))
    surprises = ((_SURPRISE.search(each.message), each.code) for each in findings)
    tally.extend(f"surprise {match.group(1)} in {code}" for match, code in surprises if match is not None)
    if Report.from_json(json.loads(json.dumps(report.to_json()))) != report:
        return "the report is another one after its journey"
    return ""


class Targets:
    """Every target with its share of the inputs."""

    def __init__(self, sound: Sound) -> None:
        self.sound = sound
        self.tally: list[str] = []  # the verdicts since it was last emptied
        self._makers: Mapping[str, tuple[int, Maker]] = {
            "text": (24, self._text),
            "objects": (20, self._objects),
            "update": (16, self._update),
            "container": (16, self._container),
            "store": (8, self._store),
            "sign": (4, self._sign),
            "xml": (5, self._xml),
            "cades": (3, self._cades),
            "asic": (3, self._asic),
            "trust": (1, self._trust),
        }
        self._names = tuple(name for name, (share, _) in self._makers.items() for _ in range(share))

    def require_sound(self) -> None:
        """Raises ValueError where the files that are broken did not pass before: nothing would be reached."""
        sound = self.sound
        reports = [verify_any(each, sound.trust, at=sound.at) for each in (*sound.signed, sound.xml, sound.package)]
        reports.append(verify_cades(sound.data, sound.detached, sound.trust, at=sound.at))
        bad = [
            f"{place}: {report.verdict}" for place, report in enumerate(reports) if report.verdict is not Verdict.TOTAL_PASSED
        ]
        if bad:
            raise ValueError(f"sound files that do not pass: {bad}")

    def made(self, chance: random.Random) -> tuple[str, bytes, Check]:
        """The next input: the target's name, the bytes, and the check to run on them."""
        name = chance.choice(self._names)
        content, check = self._makers[name][1](self.sound, chance)
        return name, content, check

    # PDFs.

    def _text(self, sound: Sound, chance: random.Random) -> tuple[bytes, Check]:
        base = chance.choice(sound.pdfs)
        return self._judged(base, mutate(base, chance), chance)

    def _objects(self, sound: Sound, chance: random.Random) -> tuple[bytes, Check]:
        base = chance.choice(sound.pdfs)
        return self._judged(base, rewritten(base, chance), chance)

    def _update(self, sound: Sound, chance: random.Random) -> tuple[bytes, Check]:
        base = chance.choice(sound.signed)
        changed = appended(base, chance)
        if likely(chance, 0.2):
            changed = appended(changed, chance)
        return self._judged(base, changed, chance)

    def _container(self, sound: Sound, chance: random.Random) -> tuple[bytes, Check]:
        base = chance.choice(sound.signed)
        return self._judged(base, container_broken(base, sound.keys, chance), chance)

    def _store(self, sound: Sound, chance: random.Random) -> tuple[bytes, Check]:
        base = chance.choice(sound.signed[:2])
        return self._judged(base, store_broken(base, sound.ocsp, sound.crl, sound.keys, chance), chance)

    def _judged(self, base: bytes, broken: bytes, chance: random.Random) -> tuple[bytes, Check]:
        written = likely(chance, 0.03)

        def check() -> str:
            report = verify_any(broken, self.sound.trust, at=self.sound.at)
            if written:
                etree.fromstring(etsi_report(broken, report))
                _asked_for_fields(broken)
            return told(report, self.tally) or passed_wrongly(report, base, broken)

        return broken, check

    def _sign(self, sound: Sound, chance: random.Random) -> tuple[bytes, Check]:
        base = chance.choice((sound.pdfs[0], chance.choice(sound.pdfs)))
        broken = chance.choice((mutate, rewritten, appended))(base, chance)
        request = SignRequest(
            field=chance.choice(("principal_signs", "teacher_signs", "mark", "new")), level=Level.B_B, at=sound.at
        )

        def check() -> str:
            try:
                signed = sign(broken, request, sound.keys.person)
            except SigningError as refused:
                self.tally.append(type(refused).__name__)
                return ""
            report = verify_any(signed, sound.trust, at=sound.at)
            own = next((each for each in report.signatures if each.field == request.field), None)
            if not signed.startswith(broken) or own is None or not own.intact or not own.covers_whole_file:
                return "what was signed is not what was given, or the signature is not intact"
            self.tally.append("signed")
            return ""

        return broken, check

    # Other formats.

    def _xml(self, sound: Sound, chance: random.Random) -> tuple[bytes, Check]:
        broken = _as_text(sound.xml, chance)
        signed_too = likely(chance, 0.1)

        def check() -> str:
            report = verify_any(broken, sound.trust, at=sound.at)
            wrong = told(report, self.tally)
            if report.verdict is Verdict.TOTAL_PASSED and _data(broken) != _data(sound.xml):
                return "XML passed over other data"
            if signed_too:
                try:
                    sign_xml(broken, reference_id="data", place="signs", signer=sound.keys.person)
                except SigningError as refused:
                    self.tally.append(type(refused).__name__)
            return wrong

        return broken, check

    def _cades(self, sound: Sound, chance: random.Random) -> tuple[bytes, Check]:
        tree = Node.read(sound.detached)
        break_tree(tree, chance)
        try:
            signature = tree.write()
        except RecursionError:
            signature = sound.detached[: chance.randrange(len(sound.detached))]
        data = mutate(sound.data, chance) if likely(chance, 0.2) else sound.data

        def check() -> str:
            report = verify_cades(data, signature, sound.trust, at=sound.at)
            if report.verdict is Verdict.TOTAL_PASSED and data != sound.data:
                return "CAdES passed over other data"
            return told(report, self.tally)

        return signature, check

    def _asic(self, sound: Sound, chance: random.Random) -> tuple[bytes, Check]:
        broken = mutate(sound.package, chance) if likely(chance, 0.4) else _repacked(sound.package, chance)

        def check() -> str:
            report = verify_any(broken, sound.trust, at=sound.at)
            if report.verdict is Verdict.TOTAL_PASSED and _unpacked(broken) != _unpacked(sound.package):
                return "a package passed over other files"
            return told(report, self.tally)

        return broken, check

    def _trust(self, sound: Sound, chance: random.Random) -> tuple[bytes, Check]:
        anchors = mutate(sound.anchors, chance) if likely(chance, 0.6) else sound.anchors
        bundle = {
            "version": "x",
            "roots": [{"file": "root.pem", "authority": "demo", "from": "2020-01-01T00:00:00Z", "use": "any"}],
        }
        text = mutate(json.dumps(bundle).encode(), chance)

        def check() -> str:
            with tempfile.TemporaryDirectory(prefix="trust-") as name:
                folder = Path(name)
                (folder / "root.pem").write_bytes(anchors)
                if anchors == sound.anchors:
                    (folder / "bundle.json").write_bytes(text)
                try:
                    Trust.load(folder)
                    self.tally.append("trusted")
                except BadTrust:
                    self.tally.append("BadTrust")
            return ""

        return anchors + text, check


def _asked_for_fields(content: bytes) -> None:
    """Which fields wait for a signature: an answer, or a refusal of ours."""
    with contextlib.suppress(SigningError):
        waiting_fields(content)


def passed_wrongly(report: Report, base: bytes, mutated: bytes) -> str:
    """Why a passed report cannot be right, or nothing."""
    for signature in report.signatures:
        if signature.verdict is Verdict.TOTAL_PASSED and signature.signed_bytes is not None:
            end = signature.signed_bytes
            if HOLE.sub(b"<>", mutated[:end]) != HOLE.sub(b"<>", base[:end]):
                return f"{signature.field} passed over other bytes"
    return ""


def _as_text(content: bytes, chance: random.Random) -> bytes:
    """XML broken: bits and pieces, or elements doubled, moved, renamed."""
    if likely(chance, 0.4):
        return mutate(content, chance)
    try:
        root = etree.fromstring(content)
    except etree.XMLSyntaxError:
        return content
    elements = [each for each in root.iter() if isinstance(each.tag, str) and each.getparent() is not None]
    for _ in range(chance.choice((1, 1, 2))):
        one, other = chance.choice(elements), chance.choice(elements)
        kind = chance.randrange(5)
        if kind == 0:
            one.text = chance.choice(("", "x", " ", "A" * 5000, "AAAA"))
        elif kind == 1 and one not in other.iterancestors() and one is not other:
            other.append(one)
        elif kind == 2 and (parent := one.getparent()) is not None:  # noqa: PLR2004 -- one number per way of breaking
            parent.remove(one)
        elif kind == 3:  # noqa: PLR2004
            one.set(
                chance.choice(("Id", "Algorithm", "URI", "Target", "Type", "xml")),
                chance.choice(("data", "#data", "", "x", "urn:y")),
            )
        else:
            one.tag = other.tag
    return etree.tostring(root)


def _data(content: bytes) -> bytes:
    """The canonical form of what the base signs. libxml2 also refuses namespaces that are no address: here it reads on."""
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    found = etree.fromstring(content, parser).findall(".//data")
    return etree.tostring(found[0], method="c14n", with_tail=False) if len(found) == 1 else b""


def _repacked(content: bytes, chance: random.Random) -> bytes:
    """A ZIP with an entry broken, renamed, doubled, added or left out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(out, "w") as after:
        entries = [(entry.filename, before.read(entry)) for entry in before.infolist()]
        at, kind = chance.randrange(len(entries)), chance.randrange(6)
        name, data = entries[at]
        if kind == 0:
            entries[at] = (name, mutate(data, chance))
        elif kind == 1:
            entries[at] = (chance.choice(("../x", "/etc/x", name.upper(), "META-INF/signature9.p7s", "a\0b", "")), data)
        elif kind == 2 and name:  # noqa: PLR2004 -- one number per way of breaking
            entries.append(("other.txt", b"nobody signed this"))
        elif kind == 3:  # noqa: PLR2004
            del entries[at]
        elif kind == 4:  # noqa: PLR2004
            entries.append(("zeros.bin", b"\0" * 3_000_000))
        else:
            chance.shuffle(entries)
        for each, held in entries:
            after.writestr(each or "empty", held, chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
    return out.getvalue()


def _unpacked(content: bytes) -> dict[str, bytes]:
    """The files outside META-INF."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return {
            name: package.read(name) for name in package.namelist() if not name.startswith("META-INF/") and name != "mimetype"
        }
