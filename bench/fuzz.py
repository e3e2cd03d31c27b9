"""Broken files by the hundred thousand: the verification must answer each one, in time, and never pass what was touched.

    python -m bench.fuzz [--inputs 100000] [--seed 1] [--seconds 0]

Mutations know the structure: numbers, names, keywords, cross-reference rows, objects, streams, byte ranges, the DER inside
/Contents, whole updates put behind a file. For every input: no exception, no longer than a second of CPU, a verdict of ours;
and a signature that passes must have all its bytes as they were, and nothing behind it that the thorough comparison does not
permit as well.
"""

import argparse
import logging
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench import inputs
from bench.table import Row, Table
from signing import DemoAuthority, Level, Report, Trust, Verdict, verify
from signing.batch import FastPath, Order

SLOW_SECONDS = 2.0  # of CPU; a sound file of this size takes milliseconds

_NUMBER = re.compile(rb"(?<![\w.])\d{1,9}(?![\w.])")
_NAME = re.compile(rb"/[A-Za-z]{2,16}")
_ROW = re.compile(rb"\d{10} \d{5} [nf]")
_OBJECT = re.compile(rb"(?<!\d)\d{1,7} 0 obj.{0,2000}?endobj", re.DOTALL)
_CONTENTS = re.compile(rb"<[0-9A-Fa-f]{400,}>")
_WORDS = (
    b"obj", b"endobj", b"stream", b"endstream", b"xref", b"trailer", b"startxref", b"%%EOF", b"null", b"true", b"<<", b">>",
    b"[", b"]",
    b"(", b")", b"<", b">", b"R", b"/Prev", b"/Kids", b"/Parent", b"/ByteRange", b"/Contents", b"/V", b"/Type /Sig", b"%",
)  # fmt: skip
_VALUES = (0, 1, 2, 3, -1, 7, 255, 256, 65535, 2**31 - 1, 2**31, 2**32, 2**63, 10**12)


@dataclass
class Found:
    """What a run found."""

    inputs: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    faults: list[str] = field(default_factory=list)


def run(*, quick: bool = False) -> Table:
    """The bench's row."""
    found = fuzz(2_000 if quick else 100_000, seed=1)
    rows = (
        Row.most("inputs that raised, hung, or passed wrongly", goal=0.5, measured=len(found.faults), unit=""),
        Row.told("inputs", measured=found.inputs, unit="", note=", ".join(f"{k} {v}" for k, v in found.verdicts.items())),
        Row.told("slowest", measured=found.slowest * 1000, unit="ms"),
    )
    return Table("Fuzzing the verification", rows)


def fuzz(count: int, *, seed: int, seconds: float = 0.0, bases: Sequence[bytes] = (), trust: Trust | None = None) -> Found:
    """Verify `count` broken files (fewer when `seconds` run out); the same seed gives the same files."""
    logging.disable(logging.CRITICAL)
    if not bases or trust is None:
        bases, trust = good_files()
    chance = random.Random(seed)  # noqa: S311 -- reproducible test data
    found = Found()
    begun = time.monotonic()
    now = datetime.now(UTC)
    for turn in range(count):
        if seconds and time.monotonic() - begun > seconds:
            break
        base = bases[turn % len(bases)]
        mutated = mutate(base, chance)
        _try(found, base, mutated, trust, now, f"seed {seed} turn {turn}")
    return found


def _try(found: Found, base: bytes, mutated: bytes, trust: Trust, now: datetime, where: str) -> None:
    begun = time.process_time()
    found.inputs += 1
    try:
        report = verify(mutated, trust, at=now)
        report.to_json()
    except Exception as fault:  # noqa: BLE001 -- exactly what must not happen
        found.faults.append(f"{where}: {type(fault).__name__}: {fault}")
        return
    spent = time.process_time() - begun
    found.slowest = max(found.slowest, spent)
    found.verdicts[report.verdict] += 1
    if spent > SLOW_SECONDS:
        found.faults.append(f"{where}: {spent:.1f} s")
    wrong = passed_wrongly(report, base, mutated)
    if wrong:
        found.faults.append(f"{where}: {wrong}")


def passed_wrongly(report: Report, base: bytes, mutated: bytes) -> str:
    """Why a passed report cannot be right, or nothing."""
    for signature in report.signatures:
        if signature.verdict is Verdict.TOTAL_PASSED and signature.signed_bytes is not None:
            end = signature.signed_bytes
            if _without_holes(mutated[:end]) != _without_holes(base[:end]):
                return f"{signature.field} passed over other bytes"
    return ""


def _without_holes(content: bytes) -> bytes:
    return _CONTENTS.sub(b"<>", content)


# Mutations.


def mutate(content: bytes, chance: random.Random) -> bytes:
    """One to four things broken."""
    data = content
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        data = chance.choice(MUTATIONS)(data, chance)
        if not data:
            return b"%PDF-1.7\n"
    return data


def _likely(chance: random.Random, share: float) -> bool:
    return chance.random() < share


def _place(data: bytes, pattern: re.Pattern[bytes], chance: random.Random) -> re.Match[bytes] | None:
    """A match after a random place, most often near the end, where updates stand."""
    start = chance.randrange(len(data)) if _likely(chance, 0.5) else max(0, len(data) - chance.randrange(1, 30_000))
    return pattern.search(data, min(start, len(data)))


def flip(data: bytes, chance: random.Random) -> bytes:
    """Some bits."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 3, 20))):
        out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    return bytes(out)


def cut(data: bytes, chance: random.Random) -> bytes:
    """A piece taken out, or the end cut off."""
    start = chance.randrange(len(data))
    stop = len(data) if _likely(chance, 0.3) else start + chance.choice((1, 7, 100, 5000))
    return data[:start] + data[stop:]


def repeat(data: bytes, chance: random.Random) -> bytes:
    """A piece twice."""
    start = chance.randrange(len(data))
    stop = start + chance.choice((1, 20, 500, 20_000))
    return data[:stop] + data[start:stop] + data[stop:]


def number(data: bytes, chance: random.Random) -> bytes:
    """Another number."""
    match = _place(data, _NUMBER, chance)
    if match is None:
        return data
    value = chance.choice((*_VALUES, int(match.group()) + chance.choice((-1, 1, 10, -10)), chance.randrange(2000)))
    new = str(value).encode()
    if _likely(chance, 0.6):
        new = new[: len(match.group())].rjust(len(match.group()), b"0" if _likely(chance, 0.5) else b" ")
    return data[: match.start()] + new + data[match.end() :]


def name(data: bytes, chance: random.Random) -> bytes:
    """Another name, taken from elsewhere in the file."""
    match, other = _place(data, _NAME, chance), _place(data, _NAME, chance)
    if match is None or other is None:
        return data
    return data[: match.start()] + other.group() + data[match.end() :]


def word(data: bytes, chance: random.Random) -> bytes:
    """A keyword put in, or over something."""
    start, new = chance.randrange(len(data)), chance.choice(_WORDS)
    return data[:start] + new + data[start + (len(new) if _likely(chance, 0.5) else 0) :]


def row(data: bytes, chance: random.Random) -> bytes:
    """A cross-reference row that points elsewhere."""
    match = _place(data, _ROW, chance)
    if match is None:
        return data
    new = b"%010d 00000 %s" % (chance.randrange(len(data)), chance.choice((b"n", b"n", b"f")))
    return data[: match.start()] + new + data[match.end() :]


def swap(data: bytes, chance: random.Random) -> bytes:
    """An object over another one."""
    match, other = _place(data, _OBJECT, chance), _place(data, _OBJECT, chance)
    if match is None or other is None:
        return data
    body = other.group().partition(b"obj")[2]
    return data[: match.start()] + match.group().partition(b"obj")[0] + b"obj" + body + data[match.end() :]


def container(data: bytes, chance: random.Random) -> bytes:
    """The DER of a signature changed in place."""
    match = _place(data, _CONTENTS, chance)
    if match is None or len(match.group()) % 2:
        return data
    der = bytearray.fromhex(match.group()[1:-1].decode())
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(min(len(der), 9000))
        der[at] = chance.choice((0, 1, 0x30, 0x31, 0x80, 0x84, 0xA0, 0xFF, der[at] ^ (1 << chance.randrange(8))))
    return data[: match.start()] + b"<" + der.hex().encode() + b">" + data[match.end() :]


def update(data: bytes, chance: random.Random) -> bytes:
    """A later revision that replaces objects by mutated copies, with a sound table."""
    objects = _OBJECT.findall(data)
    addresses = re.findall(rb"startxref\s+(\d+)", data)
    trailers = re.findall(rb"/Root (\d+ 0 R)", data)
    if not objects or not addresses or not trailers:
        return data
    out = bytearray(data + b"\n")
    rows: dict[int, int] = {}
    for _ in range(chance.choice((1, 1, 2, 5))):
        chosen = chance.choice(objects)
        own = int(chosen.split(b" ", 1)[0])
        body = chance.choice((_keep, number, name, word))(chosen.partition(b"obj")[2], chance)
        rows[own] = len(out)
        out += b"%d 0 obj" % own + body + b"\n"
    start = len(out)
    out += b"xref\n" + b"".join(b"%d 1\n%010d 00000 n \n" % (n, at) for n, at in sorted(rows.items()))
    out += b"trailer\n<< /Size 20000 /Root %s /Prev %s >>\nstartxref\n%d\n%%%%EOF\n" % (trailers[-1], addresses[-1], start)
    return bytes(out)


def _keep(data: bytes, chance: random.Random) -> bytes:
    del chance
    return data


def deep(data: bytes, chance: random.Random) -> bytes:
    """Many brackets."""
    match = _place(data, _OBJECT, chance)
    if match is None:
        return data
    head = match.group().partition(b"obj")[0]
    sign = chance.choice((b"[", b"<<", b"<</A", b"("))
    return data[: match.start()] + head + b"obj " + sign * chance.choice((50, 20_000)) + b" endobj" + data[match.end() :]


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    flip, cut, repeat, number, number, name, word, row, swap, container, container, update, update, update, deep,
)  # fmt: skip


def good_files() -> tuple[list[bytes], Trust]:
    """Small sound files of each kind to break."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        authority = DemoAuthority(Path(folder), key="rsa2048")
        person = authority.issue("Nguyễn Thị Ánh Tuyết", "CCCD:031084000001", unit="Trường THCS Nguyễn Du")
        trust = Trust.load(authority.trust_pem())
        path = FastPath(person.signer(), timestamper=authority, evidence=authority)
        plain = inputs.transcript(1)
        now = datetime.now(UTC)

        def signed(content: bytes, level: Level, certify: int | None = None) -> bytes:
            return path.sign(content, Order(field="teacher_signs", at=now, level=level, certify=certify))

        two = path.sign(
            signed(plain, Level.B_T, 2),
            Order(field="principal_signs", at=now, level=Level.B_T),
        )
        return [plain, signed(plain, Level.B_T), signed(plain, Level.B_LTA), two], trust


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--inputs", type=int, default=100_000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--seconds", type=float, default=0.0)
    wishes = arguments.parse_args()
    result = fuzz(wishes.inputs, seed=wishes.seed, seconds=wishes.seconds)
    print(f"{result.inputs} inputs, slowest {result.slowest * 1000:.0f} ms CPU, {dict(result.verdicts)}")
    print("\n".join(result.faults[:50]) or "no fault")
    sys.exit(bool(result.faults))
