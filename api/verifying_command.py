"""`soky verify`: from the options to answers, the lines that are printed, and an exit code.

The answer about a file is printed before anything else is done with it: what cannot be written beside it takes none away.
"""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from getpass import getpass
from pathlib import Path

from api.check_outputs import Outputs
from api.checking import WORDS, CheckedFile, Checks, How, check_found, found_in
from api.endings import NOT_PASSED, PASSED, fail, sentence
from api.looking_twice import LookingTwice, late_text
from api.settings import DEFAULT_FOLDER, OFFICE_VARIABLE, BadSettings, Settings, read_settings
from api.walking import signature_beside, signed_by
from api.wiring import second_looks
from signing import SigningError, Trust
from signing.second_opinion import Sampling
from signing.visible import visible, visible_json

LONGEST_PASSWORD = 1024  # characters; PDF 2.0 takes 127 bytes
_LINE_EVERY_SECONDS = 5.0  # of progress, where it is no terminal that shows it


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was typed."""

    paths: Sequence[Path]
    trust: Sequence[Path]
    at: datetime | None
    fetch: bool
    detached: Path | None
    password_file: Path | None
    as_json: bool
    report_xml: Path | None
    slip: Path | None
    force: bool
    second_opinion: bool
    sample: int | None
    office: Path | None


def verify(asked: Asked, say: Callable[[str], None]) -> int:
    """The worst exit code. BadSettings, SigningError, OSError: nothing was looked at."""
    outputs = Outputs.wanted(asked.paths, report_xml=asked.report_xml, slip=asked.slip, office=asked.office)
    if (taken := outputs.no_place(_read(asked), force=asked.force)) is not None:
        return fail(taken)
    twice = looking_twice(asked.sample, asked.office)
    how = How(
        at=asked.at,
        second_opinion=asked.second_opinion,
        twice=twice,
        fetch=asked.fetch,
        detached=asked.detached,
        password=_password(asked.password_file),
    )
    believed = Trust.load(list(asked.trust) or default_trust(asked.office))
    if asked.fetch and not believed.hosts:
        sys.stderr.write(f"{_NO_HOSTS}\n")
    checks = found_in(asked.paths, asked.detached)
    worst = PASSED
    verdicts: Counter[str] = Counter()
    progress = _Progress(len(checks.files), shown=checks.walked)
    for number, each in enumerate(checks.files, start=1):
        progress.at(number, each.path)
        checked = check_found(each, believed, how)
        progress.clear()
        verdicts[str(checked.json["verdict"])] += 1
        say(visible_json(json.dumps(checked.json, ensure_ascii=False)) if asked.as_json else checked.text)
        worst = max(worst, checked.exit_code, _written(outputs, checked))
    if checks.walked and not asked.as_json:
        say(_table(verdicts, checks))
    elif checks.walked:
        sys.stderr.write(_table(verdicts, checks) + "\n")
    # The answers stand above; what the slow judges hold against them comes after, and on the other stream.
    for name, look in twice.late():
        if look.differences:
            worst = max(worst, NOT_PASSED)
            sys.stderr.write(late_text(name, look) + "\n")
    return worst if checks.files else max(worst, fail(_NOTHING))


def _read(asked: Asked) -> list[Path]:
    """Every file that is looked into: none of them is written over."""
    pairs = [each for path in asked.paths for each in (signature_beside(path), signed_by(path))]
    named = [*asked.paths, asked.detached, asked.password_file, *asked.trust, *pairs]
    return [each for each in named if each is not None]


_NO_HOSTS = (
    'NO_HOSTS: gốc tin cậy không nêu máy chủ nào ("hosts" trong bundle.json), --fetch không hỏi ai'
    ' / what is trusted names no hosts ("hosts" in bundle.json): --fetch asks nobody'
)
_NOTHING = "NOTHING_TO_CHECK: không thấy tệp nào có thể có chữ ký / no file was found that may be signed"


def _written(outputs: Outputs, checked: CheckedFile) -> int:
    """Report and slip; what keeps one of them from being written is said, and the other is written all the same."""
    code = PASSED
    for target, write in outputs.of(checked):
        try:
            write()
        except (OSError, SigningError, BadSettings) as problem:
            code = fail(sentence(problem))
            continue
        shown = visible(str(target))
        sys.stderr.write(f"đã ghi vào «{shown}» / written to “{shown}”\n")
    return code


def _table(verdicts: Counter[str], checks: Checks) -> str:
    """What all came to, the best first."""
    rows = [(WORDS[verdict], verdicts[str(verdict)]) for verdict in WORDS if verdicts[str(verdict)]]
    lines = ["", f"{sum(verdicts.values())} tệp đã kiểm tra / files checked"]
    lines += [f"  {count:>6}  {word}" for word, count in rows]
    if checks.others:
        lines.append(f"  {checks.others:>6}  tệp loại khác, không kiểm tra / of other kinds, not checked")
    return "\n".join(lines)


class _Progress:
    """Where the work is: one line that is written over at a terminal, else a line now and then."""

    def __init__(self, total: int, *, shown: bool) -> None:
        self._total, self._shown = total, shown
        self._alone = sys.stderr.isatty()
        self._last = time.monotonic()

    def at(self, number: int, path: Path) -> None:
        """Before a file is looked at."""
        if not self._shown:
            return
        line = f"[{number}/{self._total}] {visible(path.name)}"
        if self._alone:
            sys.stderr.write(f"\r\x1b[K{line[:100]}")
        elif number in (1, self._total) or time.monotonic() - self._last >= _LINE_EVERY_SECONDS:
            self._last = time.monotonic()
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def clear(self) -> None:
        """Before its answer is printed."""
        if self._shown and self._alone:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _password(file: Path | None) -> Callable[[str], str | None]:
    """From the file that is named, else from the person at the terminal, else none. Never from the command line itself."""
    if file is not None:
        with file.open(encoding="utf-8", errors="replace") as opened:
            first = opened.readline(LONGEST_PASSWORD).rstrip("\r\n")
        return lambda _: first
    if not sys.stdin.isatty():
        return lambda _: None
    return lambda name: getpass(f"{visible(name)}: mật khẩu / password: ") or None


def looking_twice(sample: int | None, office: Path | None) -> LookingTwice:
    """By the office's settings and into its rows where there is one; by default one file of 64, and nothing is kept."""
    settings = _settings(office)
    if settings is None:
        return LookingTwice(Sampling() if sample is None else Sampling(one_of=sample))
    looks = second_looks(settings)
    sampling = looks.sampling if sample is None else replace(looks.sampling, one_of=sample)
    return LookingTwice(sampling, write_down=lambda look: looks.add(look, source="command"))


def default_trust(office: Path | None) -> list[Path]:
    """The office's anchors, where there is an office; otherwise none, and every chain ends unknown."""
    settings = _settings(office)
    return [settings.trust_folder] if settings is not None and settings.trust_folder.is_dir() else []


def _settings(office: Path | None) -> Settings | None:
    """None where no office was named and none is here. BadSettings for one that was named and is none, or cannot be read."""
    named = office is not None and str(office) != os.environ.get(OFFICE_VARIABLE)
    try:
        return read_settings(office)
    except BadSettings:
        folder = office or Path(os.environ.get(OFFICE_VARIABLE) or DEFAULT_FOLDER)
        if named or os.path.lexists(folder / "soky.toml"):
            raise
        return None
