"""The people of a school and what they may sign for. Values only; whoever keeps them is elsewhere.

A certificate need not carry a job title (ND 68/2024): title and authority are proven by appointments and delegations.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NewType

PersonId = NewType("PersonId", str)
UnitId = NewType("UnitId", str)


class Role(StrEnum):
    """What a lane of a diagram is called, and what an appointment gives (domain terms in Vietnamese schools)."""

    SUBJECT_TEACHER = "GVBM"  # giáo viên bộ môn; scope: class/subject
    HOMEROOM_TEACHER = "GVCN"  # giáo viên chủ nhiệm; scope: class
    VICE_PRINCIPAL = "PHT"  # phó hiệu trưởng
    PRINCIPAL = "HT"  # hiệu trưởng
    CLERK = "VT"  # văn thư: operates the unit's seal
    ADMINISTRATOR = "QTHT"  # quản trị hệ thống: signs nothing
    AUDITOR = "TTRA"  # thanh tra, kiểm tra: reads and verifies


class Capacity(StrEnum):
    """On whose behalf somebody signs (ND 30/2020, art. 13)."""

    OWN = ""  # in one's own office
    KT = "KT."  # ký thay: the deputy for the head
    TM = "TM."  # thay mặt: for a collective
    TL = "TL."  # thừa lệnh
    TUQ = "TUQ."  # thừa ủy quyền


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A school or an authority."""

    id: UnitId
    name: str  # as on the seal: "Trường THCS Nguyễn Du"
    parent: str  # the line above it: "UBND phường Lê Chân"
    place: str  # "Hải Phòng", for "Hải Phòng, ngày ..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who acts. Names are NFC, family name first."""

    id: PersonId
    name: str
    picture: str = ""  # sha256 of the kept PNG of their hand signature, blue on transparent; empty: none yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """A role held in a unit over a span of days, both ends included; `scope` narrows it to a class or class/subject."""

    person: PersonId
    unit: UnitId
    role: Role
    scope: str = ""
    since: date
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """The head lets somebody sign for them, for some kinds, for some days, by a numbered document."""

    giver: PersonId
    receiver: PersonId
    unit: UnitId
    role: Role  # the giver's role that is lent
    capacity: Capacity
    kinds: tuple[str, ...]  # names of document kinds
    since: date
    until: date
    document: str  # "12/GUQ-THCS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A certificate that a person, or a unit's seal, signs with. Known by the SHA-256 of its DER."""

    holder: PersonId | UnitId
    certificate: str  # sha256, hex
    key: str  # where the key is, a signer URI ("file:keys/an.p12"); never a secret
    not_before: datetime
    not_after: datetime
