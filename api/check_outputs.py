"""What `soky verify` writes beside its lines: the XML report of ETSI TS 119 102-2, the sealed slip."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from api.checking import CheckedFile
from api.settings import BadSettings, read_settings
from api.slip import NoSeal, Sealer, office_sealer
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
        if len(paths) != 1 and (report_xml or slip):
            raise BadSettings("--report-xml, --slip: chỉ cho một tệp / for one file at a time")
        return cls(report_xml=report_xml, slip=slip, sealer=office_sealer(read_settings(office)) if slip else None)

    def write(self, checked: CheckedFile) -> None:
        """Nothing is written for a file that could not be read from the disk."""
        if checked.report is None:
            return
        if self.report_xml is not None:
            self.report_xml.write_bytes(etsi_report(checked.content, checked.report))
        if self.slip is not None and self.sealer is not None:
            name = str(checked.json["file"])
            self.slip.write_bytes(self.sealer.sealed(checked.report, file_name=name, size=len(checked.content)))
