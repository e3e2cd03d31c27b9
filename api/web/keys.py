"""A person's certificates as the pages show them, and the key opened with what was typed."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

import signing
from api.web.visits import Member
from directory import Credential
from signing.errors import KeyUnavailable, NoSuchKey
from workflow.store import TaskRecord

# Renewing a certificate takes a school about three weeks: whoever signs is told a month before.
WARN_BEFORE = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView:
    """A certificate that may be used for a task."""

    credential: Credential
    holder: str
    standing: str  # "valid", "expiring", "expired", "early": a word of the catalogue
    days_left: int


def keys_for(member: Member, action: str) -> tuple[KeyView, ...]:
    """The certificates of this person, or the unit's seal where something is sealed; the one that lasts longest first."""
    book = member.visit.book
    if book is None:
        return ()
    holder = book.unit.id if action == "seal" else member.id
    now = member.visit.house.clock()
    found = [
        KeyView(
            credential=credential,
            holder=member.visit.name_of(holder),
            standing=_standing(credential, now),
            days_left=max(0, (credential.not_after - now).days),
        )
        for credential in book.credentials_of(holder)
    ]
    return tuple(sorted(found, key=lambda key: (key.standing in {"valid", "expiring"}, key.credential.not_after), reverse=True))


def opened(member: Member, task: TaskRecord | None, certificate: str, pin: str) -> AbstractContextManager[signing.Signer]:
    """The chosen key, or the first. Raises a SigningError: WrongSecret, NoSuchKey."""
    keys = keys_for(member, task.action if task else "sign")
    chosen = next((key for key in keys if key.credential.certificate == certificate), keys[0] if keys else None)
    if chosen is None:
        raise NoSuchKey(
            "Chưa có chứng thư nào đăng ký cho quý vị. Nhờ quản trị hệ thống đăng ký.",
            "No certificate is registered for you. Ask the administrator to register one.",
        )
    return member.visit.house.open_key(chosen.credential.key, _once(pin))


def _once(pin: str) -> Callable[[str], str]:
    """The PIN answers one question and no other: a service that also asks for a token or a code does not get it again."""
    left = [pin]

    def answer(question: str) -> str:
        if not left:
            raise KeyUnavailable(
                f"Khóa này còn hỏi «{question}»; trang này chỉ gửi mã PIN một lần.",
                f"This key also asks “{question}”; this page gives the PIN once only.",
            )
        return left.pop()

    return answer


def _standing(credential: Credential, now: datetime) -> str:
    if now < credential.not_before:
        return "early"
    if now > credential.not_after:
        return "expired"
    return "expiring" if credential.not_after - now < WARN_BEFORE else "valid"
