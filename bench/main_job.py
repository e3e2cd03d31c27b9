"""The main job, stage by stage, cold and warm; and the volume verified by pyHanko's default policy beside ours.

Cold: the first office of this process, which also imports, opens fonts and compiles templates. Warm: the second.
"""

import io
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko_certvalidator import ValidationContext

import signing
from api.demo.story import Story, volume_of
from api.settings import Settings
from api.wiring import open_office
from bench.table import Row, Table

# performance.md gives whole-job bounds for the demo command; set-up is not in them here.
WARM_SECONDS = 20.0
COLD_SECONDS = 120.0


def run(quick: bool = False) -> list[Table]:
    """Two whole jobs, then alternating verifications of the second one's volume."""
    cold, _, _ = _job()
    warm, volume, trust_pem = _job()
    rows = [
        Row.told(f"{title.partition(' / ')[2]}, cold / warm", measured=second, unit="s", note=f"cold {first:.2f} s")
        for (title, first), (_, second) in zip(cold, warm, strict=True)
    ]
    rows.append(Row.most("whole job, cold, wall", goal=COLD_SECONDS, measured=sum(s for _, s in cold), unit="s"))
    rows.append(Row.most("whole job, warm, wall", goal=WARM_SECONDS, measured=sum(s for _, s in warm), unit="s"))
    return [Table("Main job, class book 9A", tuple(rows)), _verification(volume, trust_pem, rounds=2 if quick else 5)]


def _job() -> tuple[list[tuple[str, float]], bytes, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(folder=Path(folder), demo=True)
        settings.write()
        with open_office(settings) as wired:
            story = Story(wired=wired, say=lambda _: None)
            case = story.tell()
            volume = wired.store.get(volume_of(wired, case).revision)
        anchors = b"".join(path.read_bytes() for path in settings.trust_folder.glob("*.pem"))
    return [(stage.title, stage.seconds) for stage in story.stages], volume, anchors


def _verification(volume: bytes, anchors: bytes, *, rounds: int) -> Table:
    with tempfile.NamedTemporaryFile(suffix=".pem") as pem:
        pem.write(anchors)
        pem.flush()
        trust = signing.Trust.load([pem.name])
    roots = [root.certificate.der for root in trust.roots]
    times: dict[str, list[float]] = {"pyHanko": [], "ours": []}
    for _ in range(rounds):
        times["pyHanko"].append(_cpu(lambda: _by_pyhanko(volume, roots)))
        times["ours"].append(_cpu(lambda: _by_us(volume, trust)))
    theirs, ours = (statistics.median(times[side]) * 1000 for side in ("pyHanko", "ours"))
    return Table(
        "Verification of the volume (3 signatures and archive timestamp; ours also the 13 attached sheets), CPU ms",
        (
            Row.told("pyHanko, default policy, the volume alone", measured=theirs),
            Row.told("ours, the volume and its 13 sheets", measured=ours),
            Row.least("pyHanko's time over ours", goal=10, measured=theirs / ours, note="binding.md 5 reached x8-10 alone"),
        ),
    )


def _by_pyhanko(volume: bytes, roots: list[bytes]) -> None:
    from asn1crypto import x509

    reader = PdfFileReader(io.BytesIO(volume))
    for embedded in reader.embedded_signatures:
        context = ValidationContext(trust_roots=[x509.Certificate.load(der) for der in roots], allow_fetching=False)
        if embedded.sig_object["/Type"] == "/DocTimeStamp":
            status = validate_pdf_timestamp(embedded, context)
            assert status.intact
            assert status.valid
        else:
            assert validate_pdf_signature(embedded, context).bottom_line


def _by_us(volume: bytes, trust: signing.Trust) -> None:
    assert signing.verify(volume, trust).passed


def _cpu(job: Callable[[], None]) -> float:
    begun = time.process_time()
    job()
    return time.process_time() - begun


if __name__ == "__main__":
    for table in run():
        print(table, end="\n\n")
