"""The second look while somebody waits at the command line: in time it is a finding, later a line of its own.

twice = LookingTwice(sampling, rows=looks)
report = twice.looked(content, trust, report)     # with what is known within `PATIENCE_SECONDS`
for name, look in twice.late(): ...               # what was not: waits for the judges
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import signing
from signing.second_opinion import Sampling, SecondLook, second_look, with_second_look
from signing.visible import visible

PATIENCE_SECONDS = 3.0  # a letter of one page takes the judges one to two; a class book fifteen to twenty
LONGEST_LINE = 2000  # letters of what a file and the judges say
MOST_PENDING = 4  # files in memory


def late_text(name: str, look: SecondLook) -> str:
    """A line for people: the answer above was a pass, and another program holds something against it."""
    told = "; ".join(f"{each.field}: {each.word.both}" for each in look.differences)
    words = "chương trình độc lập cho kết quả khác / an independent program disagrees"
    return f"{visible(name)}: SECOND_OPINION_DISAGREES  {words}: {visible(told[:LONGEST_LINE])}"


class LookingTwice:
    """For one run over some files."""

    def __init__(self, sampling: Sampling, *, write_down: Callable[[SecondLook], None] = lambda _: None) -> None:
        """`write_down` is given each look as it is there: the rows of an office, where there is one."""
        self._sampling = sampling
        self._write_down = write_down
        self._judges = ThreadPoolExecutor(max_workers=1, thread_name_prefix="second-look")
        self._pending: list[tuple[str, Future[SecondLook]]] = []
        self._over: list[tuple[str, SecondLook]] = []

    def looked(
        self, content: bytes, trust: signing.Trust, report: signing.Report, *, signature: bytes | None = None
    ) -> signing.Report:
        """The report, with the others' word if it is drawn and they are quick."""
        if not self._sampling.takes(report):
            return report
        while len(self._pending) >= MOST_PENDING:
            self._over.append(self._waited_for())
        asked = self._judges.submit(self._ask, content, trust, report, signature)
        try:
            return with_second_look(report, asked.result(PATIENCE_SECONDS))
        except TimeoutError:
            self._pending.append((report.file, asked))
            return report

    def late(self) -> Iterator[tuple[str, SecondLook]]:
        """File and look for each that was not known in time. Waits for them."""
        yield from self._over
        self._over.clear()
        while self._pending:
            yield self._waited_for()
        self._judges.shutdown()

    def _waited_for(self) -> tuple[str, SecondLook]:
        name, asked = self._pending.pop(0)
        return name, asked.result()

    def _ask(self, content: bytes, trust: signing.Trust, report: signing.Report, signature: bytes | None) -> SecondLook:
        look = second_look(content, trust, report, signature=signature)
        self._write_down(look)
        return look
