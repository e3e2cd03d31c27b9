"""The validation report of ETSI TS 119 102-2 (V1.2.1) for a whole file: every signature, seal and document timestamp.

    etsi_report(pdf, verify(pdf, trust))     # XML bytes

`identity.py` reads from the file what the report must name a signature by; `xml.py` writes. Nothing is judged here: the
indications are those of our own report. The document is not signed itself; the slip (Phiếu kiểm tra) carries the seal.
"""

from signing.etsi_report.xml import NAMESPACE, etsi_report

__all__ = ["NAMESPACE", "etsi_report"]
