"""What programs that share no code with us say of a signature, each in a limited process.

    report = with_second_opinion(verify(pdf, trust), pdf, trust)     # openssl, endesive: digest and signature value
    look = second_look(pdf, trust, report)                           # and pyHanko: coverage, changes, trust as well
    report = with_second_look(report, look)

XML is shown to xmlsec1 (where it is there) and signxml, detached signatures and packages to openssl: digests and value alone.

Each is asked only for what it does honestly. Disagreement takes a pass away and never gives one.
"""

from signing.second_opinion.opinion import Opinion, Says
from signing.second_opinion.opinions import in_pdf, second_opinion, with_second_opinion
from signing.second_opinion.pyhanko_judge import Judged, ask_pyhanko
from signing.second_opinion.sampling import (
    Difference,
    Sampling,
    SecondLook,
    State,
    second_look,
    with_differences,
    with_second_look,
)

__all__ = [
    "Difference",
    "Judged",
    "Opinion",
    "Sampling",
    "Says",
    "SecondLook",
    "State",
    "ask_pyhanko",
    "in_pdf",
    "second_look",
    "second_opinion",
    "with_differences",
    "with_second_look",
    "with_second_opinion",
]
