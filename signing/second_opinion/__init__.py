"""What programs that share no code with us say of a PDF: openssl, endesive, pyHanko, each in a limited process.

    report = with_second_opinion(verify(pdf, trust), pdf, trust)     # openssl, endesive: digest and signature value
    look = second_look(pdf, trust, report)                           # and pyHanko: coverage, changes, trust as well
    report = with_second_look(report, look)

Each is asked only for what it does honestly. Disagreement takes a pass away and never gives one.
"""

from signing.second_opinion.opinions import Opinion, Says, second_opinion, with_second_opinion
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
    "second_look",
    "second_opinion",
    "with_differences",
    "with_second_look",
    "with_second_opinion",
]
