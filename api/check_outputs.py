"""What `soky verify` writes beside its lines: the XML report of ETSI TS 119 102-2, the sealed slip."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from api.checking import CheckedFile
from api.free_places import no_place
from api.settings import BadSettings, read_settings
from api.slip import NoSeal, Sealer, office_sealer
from api.whole_files import write_whole
from signing.etsi_report import etsi_report


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Where what goes; None: not wanted."""

    report_xml: Path | None
    slip: Path | None
    sealer: Sealer | NoSeal | None

    @classmethod
    def wanted(cls, paths: Sequence[Path], *, report_xml: Path | None, slip: Path | None, office: Path | None) -> "Outputs":
        """BadSettings before anything is checked: one file at a time, and a slip is an office's."""
        if (report_xml or slip) and (len(paths) != 1 or paths[0].is_dir()):
            raise BadSettings("--report-xml, --slip: chỉ cho một tệp / for one file at a time")
        if report_xml and slip and os.path.realpath(report_xml) == os.path.realpath(slip):
            raise BadSettings("--report-xml, --slip: cần hai tệp khác nhau / two different files are needed")
        return cls(report_xml=report_xml, slip=slip, sealer=office_sealer(read_settings(office)) if slip else None)

    def no_place(self, read: Iterable[Path], *, force: bool) -> str | None:
        """Why one of them cannot go where it should, as `CODE: sentence`: `read` is never written over."""
        sources = list(read)
        wanted = [each for each in (self.report_xml, self.slip) if each is not None]
        return next((why for each in wanted if (why := no_place(each, sources, force=force)) is not None), None)

    def of(self, checked: CheckedFile) -> Iterator[tuple[Path, Callable[[], None]]]:
        """What is to be written where, each on its own. Nothing for a file that could not be read from the disk.

        Each raises OSError; the slip also SigningError where its seal cannot be put.
        """
        report = checked.report
        if report is None:
            return
        if (target := self.report_xml) is not None:
            yield target, lambda: write_whole(target, etsi_report(checked.content, report))
        if (slip := self.slip) is not None and (sealer := self.sealer) is not None:
            name = str(checked.json["file"])
            yield slip, lambda: write_whole(slip, sealer.sealed(report, file_name=name, size=len(checked.content)))
