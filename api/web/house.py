"""What the pages need of the rest of the house. Built once (`api/serving.py`), then handed down."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime

import signing
from api.second_looks import SecondLooks
from api.slip import NoSeal, Sealer
from api.web.held_results import CheckResults
from api.web.limits import Pace, Seats
from api.web.pictures import Pictures
from api.web.renderings import Renderings
from api.web.sessions import Sessions
from directory import DirectoryBook, UnitId
from storage.leaves import case_stream
from storage.log import Log
from storage.proofs import check_proof
from workflow.events import CaseId
from workflow.office import Office
from workflow.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Everything behind the pages. Safe to share between threads."""

    office: Office
    log: Log
    sessions: Sessions
    # Opens a key by its URI in the directory; asks for the PIN with the word "pin".
    open_key: Callable[[str, Callable[[str], str]], AbstractContextManager[signing.Signer]]
    looks: SecondLooks  # what is judged once more, after the answer was given
    demo: bool  # people are chosen from a list, and every page says that nothing has legal value
    demo_pin: str = ""  # of the demo's keys, shown beside the field; empty outside a demo
    https: bool = False  # cookies are bound to HTTPS, and browsers are told to stay there
    pictures: Pictures = field(default_factory=Pictures)
    fetch: bool = False  # checks of uploads ask the hosts that the trust bundle names about revocation
    sealer: Sealer | NoSeal | None = None  # seals the slips of checks; None: this office gives none out
    results: CheckResults = field(default_factory=CheckResults)
    renderings: Renderings = field(default_factory=Renderings)
    # Verifying costs up to ten seconds of a core: two at once on this machine, ten in a row a visitor, then one in six seconds.
    verify_pace: Pace = field(default_factory=lambda: Pace(burst=10, seconds_each=6))
    verify_seats: Seats = field(default_factory=lambda: Seats(2, patience_seconds=1))
    # Of its own: a second opinion takes up to a minute, and nobody who wants a first one waits for it.
    opinion_seats: Seats = field(default_factory=lambda: Seats(1, patience_seconds=1))
    # A public code has 128 random bits: the pace only keeps the noise down.
    lookup_pace: Pace = field(default_factory=lambda: Pace(burst=30, seconds_each=2))

    @property
    def seals(self) -> bool:
        """Whether the slips of checks carry a seal."""
        return isinstance(self.sealer, Sealer)

    @property
    def store(self) -> Store:
        """For what anybody may ask: published codes, and whether a digest is known."""
        return self.office.desk.store

    @property
    def trust(self) -> signing.Trust:
        """The anchors that signatures are judged by."""
        return self.office.desk.trust

    def clock(self) -> datetime:
        """Now, aware."""
        return self.office.desk.clock()

    def book(self, unit: UnitId) -> DirectoryBook:
        """The people of a unit."""
        return self.office.unit_book(unit)

    def proof(self, case: CaseId, seq: int) -> str:
        """That the newest signed head includes this step. Checked before it is given out. NotInLog: not yet."""
        text = self.log.proof(case_stream(case), seq)
        if self.log.key is not None:
            check_proof(text, (self.log.key.verifier,))
        return text
