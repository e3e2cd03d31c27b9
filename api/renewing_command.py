"""`soky renew`: from the options to a plan, and the results to lines and an exit code."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import signing
from api.renewing import Outcome, Plan, Renewal, renew_files
from api.settings import BadSettings, read_settings
from signing.visible import visible, visible_json

DONE, SOME_REFUSED = 0, 1


def renew(
    paths: Sequence[Path],
    *,
    tsa: Sequence[str],
    hosts: Sequence[str],
    demo_office: Path | None,
    trust: Sequence[Path],
    before: datetime | None,
    journal: Path | None,
    as_json: bool,
    say: Callable[[str], None],
) -> int:
    """Exit code 0: every file holds long enough now; 1: at least one was refused. BadSettings, SigningError: not begun."""
    plan = _plan(tsa, hosts, demo_office, trust, before, journal)
    results: list[Renewal] = []
    for result in renew_files(paths, plan):
        results.append(result)
        say(visible_json(json.dumps(result.to_json(), ensure_ascii=False)) if as_json else result.text)
    if not as_json:
        say(_summary(results))
    return SOME_REFUSED if any(each.outcome is Outcome.REFUSED for each in results) else DONE


def _summary(results: Sequence[Renewal]) -> str:
    """How many came to what, and the day before which somebody has to come back."""
    counts = Counter(each.outcome for each in results)
    told = [outcome for outcome in Outcome if outcome is not Outcome.NOT_SIGNED or counts[outcome]]
    line = f"{len(results)} tệp / files – {', '.join(f'{outcome}: {counts[outcome]}' for outcome in told)}"
    dated = [(each.holds_until, each.path) for each in results if each.holds_until is not None]
    if not dated:
        return line
    day, path = min(dated)
    return f"{line}\nlần tới trước ngày / next time before {day:%d/%m/%Y}: {visible(str(path))}"


def _plan(
    tsa: Sequence[str],
    hosts: Sequence[str],
    demo_office: Path | None,
    trust: Sequence[Path],
    before: datetime | None,
    journal: Path | None,
) -> Plan:
    if bool(tsa) == (demo_office is not None):
        raise BadSettings("cần --tsa hoặc --demo-office, chỉ một trong hai / either --tsa or --demo-office is needed")
    if demo_office is not None:
        settings = read_settings(demo_office)
        if not settings.demo:
            raise BadSettings(f"{demo_office} không phải văn phòng thử / is no demo office")
        authority = signing.DemoAuthority(settings.folder)
        anchors = signing.Trust.load(list(trust) or [settings.trust_folder])
        return Plan(timestamper=authority, evidence=authority, trust=anchors, before=before, journal=journal)
    if not trust:
        raise BadSettings("cần --trust khi dùng --tsa / --trust is needed with --tsa: what is renewed is checked first")
    anchors = signing.Trust.load(list(trust))
    evidence = signing.HttpEvidence(hosts=hosts, known=[root.certificate.der for root in anchors.roots])
    return Plan(
        timestamper=signing.HttpTimestamper(list(tsa)), evidence=evidence, trust=anchors, before=before, journal=journal
    )
