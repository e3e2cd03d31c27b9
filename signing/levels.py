"""The four baseline levels of a PAdES signature (ETSI EN 319 142-1, clause 6)."""

from enum import StrEnum


class Level(StrEnum):
    """How much proof stands beside a signature; each level holds all of the one before."""

    B_B = "B-B"  # signature and certificate
    B_T = "B-T"  # + a timestamp: it existed at that time
    B_LT = "B-LT"  # + the issuers' word on revocation: it can be judged without them
    B_LTA = "B-LTA"  # + a timestamp over all that: it can be judged when the algorithms have aged

    def __ge__(self, other: str) -> bool:
        """Whether this level holds all that `other` holds."""
        return _RANK[self] >= _RANK[Level(other)]

    def __gt__(self, other: str) -> bool:
        return _RANK[self] > _RANK[Level(other)]

    def __le__(self, other: str) -> bool:
        return _RANK[self] <= _RANK[Level(other)]

    def __lt__(self, other: str) -> bool:
        return _RANK[self] < _RANK[Level(other)]

    def rank(self) -> int:
        """Its place, from 0: what `min` and `sorted` go by, since the letters would put B-LT before B-T."""
        return _RANK[self]


_RANK = {Level.B_B: 0, Level.B_T: 1, Level.B_LT: 2, Level.B_LTA: 3}
