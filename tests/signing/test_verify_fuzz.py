"""A short, seeded run of the fuzzer; the long one is a bench."""

from bench.fuzz import fuzz


def test_broken_files_never_raise_hang_or_pass_wrongly() -> None:
    """Hundreds of broken files: an answer for each, and no pass for what was touched."""
    found = fuzz(400, seed=20261122)

    assert found.inputs == 400
    assert found.faults == []
    assert set(found.verdicts) >= {"TOTAL_FAILED", "UNREADABLE"}
