"""Keys that sign: in a file, on a device, at a remote service. Whoever holds them, a `Signer` is what we see.

with open_signer("file:/keys/an.p12", ask=lambda prompt: getpass(prompt)) as signer:
    signed = sign(pdf, request, signer)
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from signing.errors import NoSuchKey
from signing.keys.algorithms import Scheme, digest_for, is_made_by, scheme_of
from signing.keys.file import FileSigner
from signing.keys.pkcs11 import Pkcs11Signer
from signing.keys.signer import Ask, ManySigner, Signer

__all__ = ["SIGNERS", "Ask", "ManySigner", "Scheme", "Signer", "digest_for", "is_made_by", "open_signer", "scheme_of"]

# Where a key may be, by the scheme of its URI. Each class opens with (uri, ask) and is its own context manager.
SIGNERS: Mapping[str, Callable[[str, Ask], AbstractContextManager[Signer]]] = {
    "file": FileSigner.open,
    "pkcs11": Pkcs11Signer.open,
}


def open_signer(uri: str, ask: Ask) -> AbstractContextManager[Signer]:
    """Open the key behind `uri`; `ask(prompt)` is called for its PIN or passphrase, at most once per secret.

    - `file:PATH[?padding=pss]` (PKCS#12 or PEM), `pkcs11:token=..;object=..?module-path=..` (RFC 7512),
      `csc:https://HOST/csc/v2?credential=ID`
    - raises WrongSecret at the first wrong PIN, NoSuchKey, KeyUnavailable
    """
    scheme = uri.partition(":")[0]
    try:
        opens = SIGNERS[scheme]
    except KeyError:
        raise NoSuchKey(
            f"Không biết loại khóa «{scheme}»; chỉ có: {', '.join(SIGNERS)}",
            f"Unknown kind of key “{scheme}”; known are: {', '.join(SIGNERS)}",
        ) from None
    return opens(uri, ask)
