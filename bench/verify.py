"""Verifying against pyHanko: the same files, both sides in turns, CPU time, and both answers checked before a time counts.

    python -m bench.verify [--quick]

Every file is B-LT: chain, revocation of signer and timestamp authority, difference analysis, all from the file itself. Plain is
`validate_pdf_signature` with the context of the file's own security store and revocation required, as pyHanko's guide has it.
Each time that counts is of a file that this process has not met before; it may have met the signers' certificates in other
files, as a worker that judges a school's papers has. Beside it stands the time with every cache of ours emptied as well.
"""

import argparse
import io
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import _lru_cache_wrapper
from pathlib import Path

from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore

from bench import inputs
from bench.table import Row, Table, median
from signing import DemoAuthority, Level, Trust, verify
from signing.batch import FastPath, NewField, Order
from signing.keys import Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One authority, one signer, one bundle."""

    authority: DemoAuthority
    signer: Signer
    trust: Trust
    root: asn1_x509.Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A row: files, each another one, and how many times the quicker side must be quicker."""

    name: str
    files: Sequence[bytes]
    signatures: int
    goal: float
    plain: int  # of the files are given to the slow side as well


def run(*, quick: bool = False) -> Table:
    """The rows of performance 9 for verification."""
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="bench-verify-") as folder:
        authority = DemoAuthority(Path(folder))
        person = authority.issue("Nguyễn Thị Ánh Tuyết", "CCCD:031084000001", unit="Trường THCS Nguyễn Du")
        root = asn1_x509.Certificate.load(authority.root)
        world = World(authority=authority, signer=person.signer(), trust=Trust.load(authority.trust_pem()), root=root)
        rows = [row for case in _cases(world, quick=quick) for row in _measure(world, case)]
        rows += _scaling(world, quick=quick)
    return Table("Verification (CPU time, medians of alternating rounds)", tuple(rows))


def _cases(world: World, *, quick: bool) -> list[Case]:
    count = 4 if quick else 16
    transcripts = [inputs.transcript(seed) for seed in range(count)]
    books = [inputs.gradebook(seed) for seed in range(1, 2 + count // 2)]
    return [
        Case(
            name="1 signature, transcript", files=[_signed(world, each, 1) for each in transcripts], signatures=1, goal=10,
            plain=count,
        ),
        Case(
            name="10 signatures, transcript", files=[_signed(world, each, 10) for each in transcripts], signatures=10, goal=40,
            plain=min(count, 4),
        ),
        Case(
            name="1 signature, tagged class book", files=[_signed(world, each, 1) for each in books], signatures=1, goal=10,
            plain=2,
        ),
        Case(
            name="10 signatures, tagged class book", files=[_signed(world, each, 10) for each in books], signatures=10,
            goal=500, plain=1,
        ),
    ]  # fmt: skip


def _signed(world: World, content: bytes, signatures: int) -> bytes:
    """The document with signatures in new invisible fields, then the evidence for all of them."""
    path = FastPath(world.signer, timestamper=world.authority, evidence=world.authority)
    for number in range(signatures):
        level = Level.B_LT if number == signatures - 1 else Level.B_T
        place = NewField(page=0, box=(0.0, 0.0, 0.0, 0.0))
        content = path.sign(content, Order(field=f"signer_{number}", at=datetime.now(UTC), level=level, new_field=place))
    return content


def _plain(world: World, content: bytes) -> int:
    """How many signatures pyHanko calls valid, trusted and untouched."""
    reader = PdfFileReader(io.BytesIO(content))
    store = DocumentSecurityStore.read_dss(reader)
    passed = 0
    for embedded in reader.embedded_signatures:
        context = store.as_validation_context(
            {"trust_roots": [world.root], "allow_fetching": False, "revocation_mode": "hard-fail"}
        )
        passed += validate_pdf_signature(embedded, context, context).bottom_line
    return passed


def _ours(world: World, content: bytes) -> int:
    """How many signatures we call passed at the level that they have."""
    report = verify(content, world.trust)
    return sum(each.verdict == "TOTAL_PASSED" and each.level == "B-LT" for each in report.signatures)


def _timed(work: Callable[[], int], expected: int) -> float:
    begun = time.process_time()
    found = work()
    spent = time.process_time() - begun
    assert found == expected, f"{found} of {expected} signatures passed"
    return spent * 1000


def _measure(world: World, case: Case) -> list[Row]:
    """Both sides in turns; ours on every file of the case, once each."""
    plain: list[float] = []
    ours: list[float] = []
    cold: list[float] = []
    for index, content in enumerate(case.files):
        if index < case.plain:
            plain.append(_timed(lambda content=content: _plain(world, content), case.signatures))  # type: ignore[misc]
        if index % 2:  # of the two, a file is met once
            ours.append(_timed(lambda content=content: _ours(world, content), case.signatures))  # type: ignore[misc]
        else:
            cold.append(_cold(world, content, case.signatures))
    note = f"pyHanko {median(plain):.1f} ms, ours {median(ours):.2f} ms"
    return [
        Row.least(case.name, goal=case.goal, measured=median(plain) / median(ours), note=note),
        Row.told(
            f"{case.name}, every cache emptied", measured=median(plain) / median(cold), unit="x", note=f"{median(cold):.2f} ms"
        ),
    ]


def _cold(world: World, content: bytes, signatures: int) -> float:
    """Our time for a file, as if it were the first of the process."""
    modules = [module for name, module in sys.modules.items() if name.startswith("signing.")]
    for value in {id(value): value for module in modules for value in vars(module).values()}.values():
        if isinstance(value, _lru_cache_wrapper):
            value.cache_clear()
    return _timed(lambda: _ours(world, content), signatures)


def _scaling(world: World, *, quick: bool) -> list[Row]:
    """Time per signature must not grow with their number, nor with the structure tree."""
    counts = (5, 20) if quick else (5, 40)
    seeds = range(100, 103 if quick else 107)

    def spent(documents: Iterable[bytes], count: int) -> float:
        return median(_cold(world, _signed(world, document, count), count) for document in documents)

    transcripts = [inputs.transcript(seed) for seed in seeds]
    few, many = (spent(transcripts, count) for count in counts)
    deep = spent((inputs.gradebook(seed) for seed in seeds), counts[0])
    growth = (many / counts[1]) / (few / counts[0])
    return [
        Row.most(
            f"time per signature, {counts[1]} against {counts[0]}", goal=1.5, measured=growth, note=f"{many:.1f} ms for all"
        ),
        Row.told("tagged class book against transcript, same signatures", measured=deep / few, unit="x", note=f"{deep:.1f} ms"),
    ]


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true")
    print(run(quick=arguments.parse_args().quick))
