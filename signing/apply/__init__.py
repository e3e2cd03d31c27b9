"""Putting signatures, seals and timestamps on PDF, one revision after the other."""

from signing.apply.appearances import Appearance, Image, Page, Text
from signing.apply.extending import Renewed, extend, renew
from signing.apply.many import Failed, Signed, sign_many
from signing.apply.one import finish, prepare, sign
from signing.apply.prepared import Prepared
from signing.apply.request import SignRequest

__all__ = [
    "Appearance",
    "Failed",
    "Image",
    "Page",
    "Prepared",
    "Renewed",
    "SignRequest",
    "Signed",
    "Text",
    "extend",
    "finish",
    "prepare",
    "renew",
    "sign",
    "sign_many",
]
