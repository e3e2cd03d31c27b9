"""A PIN or passphrase on its way from its owner to the key: no message, log or traceback shows it."""

import unicodedata
from typing import NoReturn


class Secret:
    """What the owner said, in composed letters. Its text is only where it is asked for by name."""

    __slots__ = ("_said",)

    def __init__(self, said: str) -> None:
        self._said = unicodedata.normalize("NFC", said)

    @property
    def text(self) -> str:
        """The secret. To be used where it stands, not to be kept under a name."""
        return self._said

    @property
    def encoded(self) -> bytes:
        """The secret in UTF-8, as PKCS#11 and PKCS#12 take it."""
        return self._said.encode()

    def __bool__(self) -> bool:
        return bool(self._said)

    def __repr__(self) -> str:
        return "•••"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        """It goes to no other process and into no file."""
        raise TypeError("a secret is not stored")
