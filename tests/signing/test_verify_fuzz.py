"""A short, seeded run of the fuzzer; the long one is a bench."""

import json
import random
from pathlib import Path

from bench.broken.asn1 import Node
from bench.broken.objects import rewritten
from bench.broken.sound import Sound, minimal
from bench.fuzz import PORTION, fuzz, long_run
from signing import Trust, Verdict, verify


def test_broken_files_never_raise_hang_or_pass_wrongly() -> None:
    """Hundreds of broken files of every kind: an answer for each, and no pass for what was touched."""
    found = fuzz(500, seed=20261122)

    assert found.inputs == 500
    assert found.faults == []
    assert set(found.verdicts) >= {"TOTAL_PASSED", "TOTAL_FAILED", "INDETERMINATE", "UNREADABLE"}
    assert set(found.targets) == {"text", "objects", "update", "container", "store", "sign", "xml", "cades", "asic", "trust"}


def test_a_long_run_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    """What is done is not done again, and nothing of it is lost."""
    state = tmp_path / "state.json"
    long_run(30, seed=7, processes=1, seconds=0, state=state, keep=None)
    before = json.loads(state.read_text(encoding="utf-8"))["found"]
    found = long_run(PORTION + 20, seed=7, processes=2, seconds=0, state=state, keep=None)

    assert before["inputs"] == 30
    assert found.inputs == 30 + 20
    assert found.faults == []


def test_the_files_that_are_broken_were_sound(tmp_path: Path) -> None:
    """What the fuzzer starts from passes: else nothing behind the first check would ever be reached."""
    sound = Sound.made(tmp_path)

    assert [verify(each, sound.trust, at=sound.at).verdict for each in sound.signed] == [Verdict.TOTAL_PASSED] * 4
    assert {verify(each, sound.trust).verdict for each in sound.pdfs if each not in sound.signed} == {Verdict.NO_SIGNATURE}


def test_a_file_that_is_written_anew_is_read_to_its_objects() -> None:
    """Broken object by object, most files still open: their tables are true."""
    nobody, chance = Trust.of_certificates([]), random.Random
    opened = [verify(rewritten(minimal(), chance(seed)), nobody).verdict for seed in range(60)]

    assert sum(verdict is not Verdict.UNREADABLE for verdict in opened) > 30


def test_a_tree_of_der_is_written_as_it_was_read(tmp_path: Path) -> None:
    """What nobody broke comes out byte for byte."""
    sound = Sound.made(tmp_path)

    for each in (sound.detached, sound.crl, sound.ocsp):
        assert Node.read(each).write() == each
