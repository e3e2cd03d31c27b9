"""Signatures in XML documents: XAdES is made, XML-DSig and XAdES are verified.

signed = sign_xml(xml, reference_id="data", place="PHAT_HANH_HOC_BA/CBQL", signer=signer)
signed = sign_transcript(xml, Role.HEAD, signer, timestamper=tsa, level=Level.B_T)
report = verify_xml(signed, trust)
signed = extend_xml(signed, timestamper=tsa, evidence=evidence, trust=trust)      # to B-LTA, and to renew
"""

from signing.xml.covering import coverage
from signing.xml.extend import extend_xml
from signing.xml.references import Covered
from signing.xml.sign import PreparedXml, finish_xml, prepare_xml, sign_xml
from signing.xml.transcript import Role, prepare_transcript, sign_transcript
from signing.xml.verify import verify_xml

__all__ = [
    "Covered",
    "PreparedXml",
    "Role",
    "coverage",
    "extend_xml",
    "finish_xml",
    "prepare_transcript",
    "prepare_xml",
    "sign_transcript",
    "sign_xml",
    "verify_xml",
]
