"""Signing against pyHanko and against what the processor allows.

    python -m bench.sign [--quick] [PART ...]

All sides sign the same documents in one process, in turns; the figure is CPU time (this process and its children), the
median over the rounds of the ratio within a round. Plain is `SimpleSigner` with `PdfSigner.sign_pdf`; tuned keeps the key
object and gives `bytes_reserved`. Both get timestamps from the same in-process authority and evidence that was asked for
beforehand (ours asks during its batch, and that counts). Every output of ours and one of each other side per round is
validated before the round's time counts.
"""

import argparse
import gc
import io
import logging
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp

from bench import inputs, side_by_side
from bench.sides import NOW, Side, World, context, fast_path, limit, ours, peer_ms, pyhanko
from bench.table import Row, Table, median
from signing.batch import Order
from signing.batch.laid import Place, fill_file, lay
from signing.demo import DemoAuthority
from signing.levels import Level


def run(*, quick: bool = False, only: Sequence[str] = ()) -> list[Table]:
    """All parts, or only these."""
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="bench-sign-") as folder:
        world = _world(Path(folder), quick=quick)
        for part in only or PARTS:
            PARTS[part](world)
    return [Table("Signing (CPU time, median of rounds)", tuple(world.rows))]


def _world(folder: Path, *, quick: bool) -> World:
    authority = DemoAuthority(folder / "authority", tsa_key="rsa2048")  # a quick one: its work counts on all sides
    people = {
        key: authority.issue("Nguyễn Thị Ánh Tuyết", f"CCCD:{key}", unit="Trường THCS Nguyễn Du", key=key)
        for key in ("rsa2048", "p256")
    }
    rounds, per_round = (3, 6) if quick else (7, 12)
    documents = [inputs.transcript(seed) for seed in range(per_round * (2 if quick else 7))]
    return World(folder=folder, authority=authority, people=people, documents=documents, rounds=rounds, per_round=per_round)


# The rows.


def _invisible(world: World) -> None:
    for key, plain_goal, tuned_goal in (("rsa2048", 50, 8), ("p256", 20, 12)):
        name = {"rsa2048": "RSA-2048", "p256": "P-256"}[key]
        sides = {
            "plain": pyhanko(world, key, Level.B_B, tuned=False),
            "tuned": pyhanko(world, key, Level.B_B, tuned=True),
            "ours": ours(world, key, Level.B_B),
            "limit": limit(world, key),
        }
        ratios, own = _alternate(world, sides)
        world.rows += [
            Row.least(f"B-B {name}, file to file, against plain pyHanko", goal=plain_goal, measured=ratios["plain"]),
            Row.least(f"B-B {name}, file to file, against tuned pyHanko", goal=tuned_goal, measured=ratios["tuned"]),
            Row.most(f"B-B {name}, file to file, of the physical limit", goal=1.5, measured=1 / ratios["limit"])
            if key == "rsa2048"
            else Row.told(f"B-B {name}, file to file, of the physical limit", measured=1 / ratios["limit"], unit="x"),
            Row.told(f"B-B {name}, per document", measured=own * 1000),
        ]


def _peer(world: World) -> None:
    """Only where it was installed (bench/peer/package.json): certificates of its outputs are not looked at."""
    for key, name, goal in (("rsa2048", "RSA-2048", 2.5), ("p256", "P-256", 2)):
        side = ours(world, key, Level.B_B)
        ratios = []
        for _ in range(world.rounds):
            sources = world.written(world.documents[: 3 * world.per_round])
            found = peer_ms(world, key, sources)
            if found is None:
                return
            times: list[float] = []
            with _timed(times):
                results = side(sources)
            ratios.append(found[0] / (times[0] / len(sources) * 1000))
            _validate(world, results[0].read_bytes(), Level.B_B)
            _forget([*sources, *found[1], *results])
        row = f"B-B {name}, file to file, against @documenso/pdf-sign with @signpdf"
        world.rows.append(Row.least(row, goal=goal, measured=median(ratios)))


def _other_inputs(world: World) -> None:
    for name, document, goal, limit_goal in (
        ("gradebook", inputs.gradebook(), 40, None),
        ("scan 5.7 MB", inputs.scan(), 6, 1.3),
    ):
        sides = {
            "plain": pyhanko(world, "rsa2048", Level.B_B, tuned=False),
            "ours": ours(world, "rsa2048", Level.B_B),
            "limit": limit(world, "rsa2048"),
        }
        ratios, _ = _alternate(world, sides, documents=[document] * max(2, world.per_round // 6))
        world.rows.append(Row.least(f"B-B RSA-2048, {name}, against plain pyHanko", goal=goal, measured=ratios["plain"]))
        limit_row = f"B-B RSA-2048, {name}, of the physical limit"
        world.rows.append(
            Row.most(limit_row, goal=limit_goal, measured=1 / ratios["limit"])
            if limit_goal
            else Row.told(limit_row, measured=1 / ratios["limit"], unit="x")
        )


def _levels(world: World) -> None:
    for level, plain_goal, tuned_goal in ((Level.B_T, None, None), (Level.B_LT, 40, 10), (Level.B_LTA, 30, 8)):
        sides = {
            "plain": pyhanko(world, "rsa2048", level, tuned=False),
            "tuned": pyhanko(world, "rsa2048", level, tuned=True),
            "ours": ours(world, "rsa2048", level),
        }
        # Evidence is asked for once per batch and counted on our side: a batch of a size that is usual.
        documents = world.documents[: min(len(world.documents), 60)] if level >= Level.B_LT else None
        ratios, own = _alternate(world, sides, documents=documents)
        for side, goal in (("plain", plain_goal), ("tuned", tuned_goal)):
            name = f"{level} RSA-2048, batch, against {side} pyHanko"
            measured = ratios[side]
            world.rows.append(
                Row.told(name, measured=measured, unit="x") if goal is None else Row.least(name, goal=goal, measured=measured)
            )
        world.rows.append(
            Row.told(f"{level} RSA-2048, per document", measured=own * 1000, note="with the authority's own work")
        )


def _stamped(world: World) -> None:
    sides = {
        "plain": pyhanko(world, "rsa2048", Level.B_B, tuned=False, visible=True),
        "ours": ours(world, "rsa2048", Level.B_B, visible=True),
    }
    ratios, own = _alternate(world, sides)
    world.rows += [
        Row.least("B-B RSA-2048, visible Vietnamese stamp, against plain pyHanko", goal=60, measured=ratios["plain"]),
        Row.told("B-B RSA-2048, visible Vietnamese stamp, per document", measured=own * 1000),
    ]


def _laid_beforehand(world: World) -> None:
    path = fast_path(world, "rsa2048")
    times: dict[str, list[float]] = {"small": [], "large": [], "plain": []}
    plain = pyhanko(world, "rsa2048", Level.B_B, tuned=False)
    order = Order(field="teacher_signs", at=NOW, level=Level.B_B)
    count = world.per_round
    for _ in range(world.rounds):
        for name, documents in (("small", world.documents[:count]), ("large", [inputs.scan()] * count)):
            laid = [lay(document, order, path) for document in documents]
            files = world.written([document for document, _ in laid])
            places = [Place.from_json(place.to_json()) for _, place in laid]
            with _timed(times[name]):
                for file, place in zip(files, places, strict=True):
                    fill_file(file, place, path)
            for file in files if name == "small" else files[:1]:
                _validate(world, file.read_bytes(), Level.B_B)
            _forget(files)
        sources = world.written(world.documents[: max(2, count // 6)])
        with _timed(times["plain"]):
            results = plain(sources)
        times["plain"][-1] *= count / len(sources)
        _forget([*sources, *results])
    small, large = median(times["small"]), median(times["large"])
    world.rows += [
        Row.most("prepared document, 5.7 MB against 77 KB", goal=1.2, measured=_ratio(times["large"], times["small"])),
        Row.least("prepared document, against plain pyHanko", goal=100, measured=_ratio(times["plain"], times["small"])),
        Row.told(
            "prepared document, per document", measured=small / count * 1000, note=f"5.7 MB: {large / count * 1000:.2f} ms"
        ),
    ]


def _processes(world: World) -> None:
    count = 200 if world.rounds < 5 else 700  # noqa: PLR2004 - a quick run
    person = world.people["rsa2048"]
    ratios, cpu, speeds = [], [], []
    for _ in range(2 if world.rounds < 5 else 5):  # noqa: PLR2004 - the same
        measured = {}
        for processes in (1, 2):
            shares = [_share(world, count) for _ in range(processes)]
            measured[processes] = side_by_side.run(person.uri, person.pin, shares)
            for share in shares:
                _validate(world, share[-1][1].read_bytes(), Level.B_B)
                _forget([path for pair in share for path in pair])
        one, two = measured[1], measured[2]
        speeds.append((one.documents / one.wall, two.documents / two.wall))
        ratios.append(speeds[-1][1] / speeds[-1][0])
        cpu.append(2 * (one.cpu / one.documents) / (two.cpu / two.documents))
    told = f"{median([one for one, _ in speeds]):.0f} -> {median([two for _, two in speeds]):.0f} documents/s"
    note = f"{told}; others load the machine" if os.getloadavg()[0] > 2.5 else told  # noqa: PLR2004 - two are ours
    world.rows += [
        Row.least("two processes against one, wall", goal=1.6, measured=median(ratios), note=note),
        # What each document costs more in CPU time when a neighbour works (caches, memory): what two free cores would give.
        Row.told("two processes against one, by CPU time", measured=median(cpu), unit="x"),
        Row.most("memory of a signing process", goal=100, measured=_memory(world), unit="MB"),
    ]


def _share(world: World, count: int) -> list[tuple[Path, Path]]:
    """Files of its own for one process, with their targets."""
    total = count + side_by_side.WARM_UP
    return [
        (source, world.fresh()) for source in world.written([world.documents[n % len(world.documents)] for n in range(total)])
    ]


def _memory(world: World) -> float:
    """The most that a fresh process takes while it signs 200 files with a stamp, MB."""
    sources = world.written([world.documents[index % len(world.documents)] for index in range(200)])
    person = world.people["rsa2048"]
    command = [sys.executable, "-m", "bench.one_process", person.uri, person.pin, *map(str, sources)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=inputs.FONTS.parent.parent)
    _forget([*sources, *(source.with_suffix(".signed") for source in sources)])
    return float(told.stdout)


PARTS = {
    "invisible": _invisible,
    "peer": _peer,
    "inputs": _other_inputs,
    "levels": _levels,
    "stamp": _stamped,
    "laid": _laid_beforehand,
    "processes": _processes,
}


# Measuring.


@contextmanager
def _timed(times: list[float]) -> Iterator[None]:
    # What the other sides and the validation have left in memory is not to be walked on this side's time.
    gc.collect()
    gc.freeze()
    began = _cpu()
    yield
    times.append(_cpu() - began)
    gc.unfreeze()


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _alternate(
    world: World, sides: dict[str, Side], *, documents: Sequence[bytes] | None = None
) -> tuple[dict[str, float], float]:
    """How many times longer each side takes than ours, and our seconds per document."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    per_round = len(documents) if documents else world.per_round
    for number in range(world.rounds + 1):
        chosen = documents or [
            world.documents[(number * per_round + index) % len(world.documents)] for index in range(per_round)
        ]
        for name, side in sides.items():
            # The slow sides sign a part of the documents; their time is scaled up.
            part = chosen if name in {"ours", "limit"} else chosen[: max(1, min(per_round // 6, 4))]
            sources = world.written(part)
            with _timed(times[name]):
                results = side(sources)
            times[name][-1] *= per_round / len(part)
            if name != "limit":
                for result in results if name == "ours" else results[:1]:
                    _validate(world, result.read_bytes(), _level_of(result))
            _forget([*sources, *results])
    for taken in times.values():
        del taken[0]  # the first round warms up
    return {name: _ratio(times[name], times["ours"]) for name in sides}, median(times["ours"]) / per_round


def _ratio(these: Sequence[float], those: Sequence[float]) -> float:
    return median([this / that for this, that in zip(these, those, strict=True)])


def _forget(paths: Sequence[Path]) -> None:
    """Give back the room. The names go at the very end: for minutes ext4 passes over each inode that was just deleted when it
    looks for a free one, which costs every new file of every side 0.2 to 0.6 ms.
    """
    for path in paths:
        if path.exists():
            os.truncate(path, 0)


def _level_of(result: Path) -> Level:
    return Level.B_LTA if b"/DocTimeStamp" in result.read_bytes() else Level.B_B


def _validate(world: World, pdf: bytes, level: Level) -> None:
    """PyHanko in strict mode, with the chain; poppler for a part."""
    reader = PdfFileReader(io.BytesIO(pdf), strict=True)
    for signature in reader.embedded_regular_signatures:
        status = validate_pdf_signature(signature, context(world, None), ts_validation_context=context(world, None))
        if not status.bottom_line:
            raise AssertionError(f"a signature that does not hold: {status.summary()}")
    if level is Level.B_LTA:
        for stamp in reader.embedded_timestamp_signatures:
            if not validate_pdf_timestamp(stamp, context(world, None)).trusted:
                raise AssertionError("a document timestamp that does not hold")
    if len(reader.embedded_regular_signatures) != 1:
        raise AssertionError("not one signature")


if __name__ == "__main__":
    asked = argparse.ArgumentParser(prog="python -m bench.sign")
    asked.add_argument("only", nargs="*", choices=[*PARTS, []], help="which parts; all of them when left out")
    asked.add_argument("--quick", action="store_true")
    wishes = asked.parse_args()
    for table_ in run(quick=wishes.quick, only=wishes.only):
        print(table_)
