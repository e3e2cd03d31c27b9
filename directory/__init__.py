"""Who is who: units, people, appointments, delegations and certificates; who may sign what, as whom, on which day."""

from directory.book import DirectoryBook
from directory.encoding import decode, encode
from directory.errors import BadDirectory, DirectoryError, NobodyHere
from directory.values import (
    Appointment,
    Capacity,
    Credential,
    Delegation,
    Person,
    PersonId,
    Role,
    Unit,
    UnitId,
)

__all__ = [
    "Appointment",
    "BadDirectory",
    "Capacity",
    "Credential",
    "Delegation",
    "DirectoryBook",
    "DirectoryError",
    "NobodyHere",
    "Person",
    "PersonId",
    "Role",
    "Unit",
    "UnitId",
    "decode",
    "encode",
]
