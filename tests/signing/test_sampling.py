"""Some of what we pass is judged once more by pyHanko, openssl and endesive; where they differ, it is never kept quiet."""

import hashlib
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing import DemoAuthority, Issued, Level, SignRequest, Trust, Verdict, extend, sign, verify
from signing.report import Report, SignatureKind, SignatureReport
from signing.second_opinion import Sampling, Says, State, ask_pyhanko, second_look, with_second_look
from signing.second_opinion.named_differences import NAMED
from signing.second_opinion.pyhanko_judge import ALL_NAMED, question
from signing.second_opinion.pyhanko_worker import judge
from tests.signing.attacks import STRUCTURAL, Scene
from tests.signing.conftest import MakePdf
from tests.signing.scenes import build_scene
from tests.signing.updates import Style, Update, put_signature

# Each file passes here by a rule of ours that pyHanko has not, and the name under which the judge sets that aside.
NAMES = {
    "note after P=3": "annotations",
    "unused objects freed": "freed",
    "tagged field": "tags",
    "widget split off": "widget",
}


@pytest.fixture(scope="module")
def trust(roots: Path) -> Trust:
    return Trust.load(roots)


@pytest.fixture(scope="module")
def scene(authority: DemoAuthority, people: Mapping[str, Issued], make_pdf: MakePdf, book_pdf: bytes) -> Scene:
    return build_scene(authority, people, make_pdf, book_pdf)


@pytest.fixture(scope="module")
def signed(book_pdf: bytes, people: Mapping[str, Issued], authority: DemoAuthority) -> bytes:
    """A P-256 signature with a timestamp, an RSA signature with everything, and an archive timestamp."""
    first = sign(
        book_pdf, SignRequest(field="homeroom_teacher_signs", level=Level.B_T), people["curve"].signer(), timestamper=authority
    )
    return sign(
        first,
        SignRequest(field="principal_signs", level=Level.B_LTA),
        people["principal"].signer(),
        timestamper=authority,
        evidence=authority,
    )


def codes(report: Report) -> set[str]:
    return {each.code for signature in report.signatures for each in signature.findings}


def test_pyhanko_judges_every_signature_of_ours(signed: bytes, trust: Trust) -> None:
    """Two signatures and the archive timestamp, with digest, coverage, later changes and the path to our root."""
    report = verify(signed, trust)
    look = second_look(signed, trust, report)

    assert [(each.field, each.says) for each in look.judged] == [(each.field, Says.VALID) for each in report.signatures]
    assert look.state is State.AGREES
    assert look.named == ()
    assert with_second_look(report, look).verdict is Verdict.TOTAL_PASSED


def test_evidence_that_was_gathered_later_is_no_disagreement(book_pdf: bytes, tmp_path: Path) -> None:
    """Issuers are asked after the signature, often long after: their word counts back to the moment of the signature."""
    begun = datetime.now(UTC) - timedelta(hours=3)
    authority = DemoAuthority(tmp_path, clock=lambda: begun)
    person = authority.issue("Hồ Thị Lâu", "T:1")
    paper = sign(
        book_pdf,
        SignRequest(field="principal_signs", level=Level.B_T),
        person.signer(),
        timestamper=authority,
        evidence=authority,
    )
    authority.clock = lambda: begun + timedelta(hours=2)
    trust = Trust.load(authority.trust_pem())
    archived = extend(paper, Level.B_LTA, timestamper=authority, evidence=authority, trust=trust)

    assert second_look(archived, trust, verify(archived, trust)).state is State.AGREES


def test_pyhanko_believes_whom_our_bundle_names(signed: bytes, trust: Trust, tmp_path: Path) -> None:
    """Shown a bundle with another root, it does not trust the same signatures: our bundle, not the system's, is asked."""
    report = verify(signed, trust)
    elsewhere = Trust.of_certificates([DemoAuthority(tmp_path).root])

    assert {(each.says, each.about) for each in ask_pyhanko(signed, elsewhere, report)} == {(Says.INVALID, "trust")}


@pytest.mark.parametrize("name", NAMES)
def test_a_difference_with_a_name_is_no_alarm(name: str, scene: Scene, trust: Trust) -> None:
    """What pyHanko has no rule for and we have is set aside under its name, and said."""
    content = STRUCTURAL[name].make(scene)
    report = verify(content, trust)
    look = second_look(content, trust, report)

    assert report.verdict is Verdict.TOTAL_PASSED
    assert (look.state, look.named) == (State.AGREES, (NAMES[name],))


@pytest.mark.parametrize("name", NAMES)
def test_without_its_name_the_same_file_is_an_alarm(name: str, scene: Scene, trust: Trust) -> None:
    """A real disagreement: we pass, pyHanko as it comes does not. The pass is taken away, and the finding says who differs."""
    content = STRUCTURAL[name].make(scene)
    report = verify(content, trust)
    look = second_look(content, trust, report, named=[each for each in ALL_NAMED if each != NAMES[name]])
    told = with_second_look(report, look)

    assert look.state is State.DIFFERS
    assert {(each.by, each.about) for each in look.differences} == {("pyhanko", "changes")}
    assert told.verdict is Verdict.INDETERMINATE
    assert "SECOND_OPINION_DISAGREES" in codes(told)


@pytest.mark.parametrize("name", sorted(set(STRUCTURAL) - set(NAMES)))
def test_no_name_covers_an_attack(name: str, scene: Scene, trust: Trust) -> None:
    """Over the whole table: what pyHanko refuses as it comes, it refuses with the four differences set aside as well."""
    content = STRUCTURAL[name].make(scene)
    strict, forgiving = (_told(content, trust, named) for named in ((), ALL_NAMED))

    assert forgiving == strict


def _told(content: bytes, trust: Trust, named: Sequence[str]) -> list[tuple[str, str, str]]:
    """What the judge's process would tell, in this one: a hundred files, and its imports cost a second each."""
    asked = json.loads(json.dumps(question(trust, verify(content, trust), named)))
    logging.disable(logging.CRITICAL)
    try:
        return [(each["field"], each["says"], each["about"]) for each in judge(asked, content)]
    except Exception as fault:  # noqa: BLE001 -- as in its process: a file that pyHanko cannot read at all
        return [("", "cannot_judge", type(fault).__name__)]
    finally:
        logging.disable(logging.NOTSET)


def test_disagreement_never_lifts_a_verdict(scene: Scene, trust: Trust) -> None:
    """PyHanko passes a file in which a revision holds an object that no table names; we do not, and stay with that."""
    content = STRUCTURAL["object that no table names"].make(scene)
    report = verify(content, trust)
    told = with_second_look(report, second_look(content, trust, report))

    assert report.verdict is Verdict.INDETERMINATE
    assert told.verdict is Verdict.INDETERMINATE


def test_a_failed_signature_is_not_lifted_either(signed: bytes, trust: Trust) -> None:
    """We say failed, pyHanko says valid: it is told as a disagreement, and nothing is passed."""
    report = verify(signed, trust)
    failed = replace(
        report,
        verdict=Verdict.TOTAL_FAILED,
        signatures=tuple(replace(each, verdict=Verdict.TOTAL_FAILED) for each in report.signatures),
    )
    told = with_second_look(failed, second_look(signed, trust, failed))

    assert {told.verdict, *(each.verdict for each in told.signatures)} == {Verdict.TOTAL_FAILED}
    assert "SECOND_OPINION_DISAGREES" in codes(told)


def test_a_field_with_a_name_of_megabytes_is_judged_too(scene: Scene, trust: Trust) -> None:
    """What a program may print is bounded: a name must not use it up, and so keep an alarm from being told."""
    name = "x" * 2_000_000
    update = Update(scene.empty)
    update.change(update.field("principal_signs"), T=name.encode())
    content = put_signature(update.bytes(), name, scene.signer, Style(timestamp=scene.timestamp))
    report = verify(content, trust)
    judged = ask_pyhanko(content, trust, report)

    assert [(each.field == name, each.says) for each in judged] == [(True, Says.VALID)]


def test_a_judge_that_takes_too_long_is_ended_and_says_nothing(signed: bytes, trust: Trust) -> None:
    """Its limit is kept; nobody is told that it agreed."""
    begin = time.perf_counter()
    report = verify(signed, trust)
    judged = ask_pyhanko(signed, trust, report, seconds=0.05)

    assert {(each.says, each.detail) for each in judged} == {(Says.CANNOT_JUDGE, "longer than 0.05 s")}
    assert time.perf_counter() - begin < 8


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7\n", b"%PDF-1.7\n" + b"<<" * 100_000, b"\x00" * 1000])
def test_what_pyhanko_cannot_read_it_does_not_judge(content: bytes, signed: bytes, trust: Trust) -> None:
    """Whatever it raises, the answer is that it cannot judge: neither a pass nor an alarm."""
    report = verify(signed, trust)
    look = second_look(content, trust, report)

    assert {each.says for each in look.judged} == {Says.CANNOT_JUDGE}
    assert look.state is State.NOT_JUDGED
    assert "SECOND_OPINION_NONE" in codes(with_second_look(report, look))


def test_the_names_are_written_once_with_their_reason() -> None:
    """The judge's own process knows exactly the names that may be asked for."""
    assert set(NAMED) == set(ALL_NAMED) == set(NAMES.values())


@given(content=st.binary(), one_of=st.integers(min_value=2, max_value=1000))
def test_the_same_file_is_taken_every_time(content: bytes, one_of: int) -> None:
    """By its digest, not by chance: 0 takes none, 1 takes all, and a rarer sample is part of a denser one."""
    report = _report(hashlib.sha256(content).hexdigest())
    taken = [Sampling(one_of=n, secret=b"s").takes(report) for n in (0, 1, one_of, one_of, one_of - 1)]

    assert taken[:2] == [False, True]
    assert taken[2] == taken[3]
    assert not taken[3] or taken[4]


def test_one_of_so_many_is_taken_and_nobody_outside_can_tell_which() -> None:
    """About one in 64 of ten thousand; with another office's secret it is others."""
    digests = [hashlib.sha256(b"%d" % n).hexdigest() for n in range(10_000)]
    here, there = ({each for each in digests if Sampling(secret=s).takes(_report(each))} for s in (b"here", b"there"))

    assert 100 < len(here) < 220
    assert len(here & there) < 30


def test_only_what_passed_is_looked_at_twice() -> None:
    """A failed signature and an unsigned file are shown to nobody; XML, packages and CAdES, which have no byte range, are."""
    every = Sampling(one_of=1)

    assert every.takes(_report("00" * 32))
    assert not every.takes(_report("00" * 32, verdict=Verdict.TOTAL_FAILED))
    assert every.takes(_report("00" * 32, end=None))
    assert not every.takes(replace(_report("00" * 32), signatures=()))


def _report(digest: str, *, verdict: Verdict = Verdict.TOTAL_PASSED, end: int | None = 1000) -> Report:
    one = SignatureReport(field="f", kind=SignatureKind.SIGNATURE, signer="A", verdict=verdict, signed_bytes=end)
    return Report(file="", sha256=digest, verdict=verdict, signatures=(one,))
