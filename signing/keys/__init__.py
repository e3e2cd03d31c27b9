"""Keys that sign: in a file, on a device, at a remote service. Whoever holds them, a `Signer` is what we see.

with open_signer("file:/keys/an.p12", ask=lambda prompt: getpass(prompt)) as signer:
signed = sign(pdf, request, signer)
"""

import importlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import cast
from urllib.parse import urlsplit

from signing.errors import NoSuchKey
from signing.keys.algorithms import PREFER_PSS, Scheme, digest_for, is_made_by, scheme_of
from signing.keys.signer import Ask, ManySigner, Signer

__all__ = ["SIGNERS", "Ask", "ManySigner", "Scheme", "Signer", "digest_for", "is_made_by", "open_signer", "scheme_of"]

# Where a key may be, by the scheme of its URI: the class whose `open(uri, ask)` finds it. Loaded when first wanted: a
# process that signs with files needs neither a device's library nor an HTTP client.
SIGNERS: Mapping[str, str] = {
    "file": "signing.keys.file.FileSigner",
    "pkcs11": "signing.keys.pkcs11.Pkcs11Signer",
    "csc": "signing.keys.csc.CscSigner",
    "smartca": "signing.keys.smartca.SmartCaSigner",
    "mysign": "signing.keys.mysign.MySignSigner",
}


def open_signer(uri: str, ask: Ask, *, prefer_pss: bool = False) -> AbstractContextManager[Signer]:
    """Open the key behind `uri`; `ask(prompt)` is called for its PIN or passphrase, at most once per secret.

    - `file:PATH[?padding=pss|pkcs1]` (PKCS#12 or PEM), `pkcs11:token=..;object=..?module-path=..` (RFC 7512),
      `csc:https://HOST/csc/v2?credential=ID`, and the unverified `smartca:` and `mysign:`
    - `prefer_pss`: an RSA key that can signs with RSASSA-PSS, unless its address says `padding=pkcs1`; one that cannot (a token
      without the mechanism) with PKCS#1 v1.5. `padding=pss` in the address is for this key alone, and fails where it cannot
    - raises WrongSecret at the first wrong PIN, NoSuchKey, KeyUnavailable
    """
    scheme = uri.partition(":")[0]
    if scheme not in SIGNERS:
        raise NoSuchKey(
            f"Không biết loại khóa «{scheme}»; chỉ có: {', '.join(SIGNERS)}",
            f"Unknown kind of key “{scheme}”; known are: {', '.join(SIGNERS)}",
        )
    try:
        urlsplit(uri.partition(":")[2])
    except ValueError as error:
        raise NoSuchKey(f"Địa chỉ khóa không đọc được: {error}", f"The key's address cannot be read: {error}") from error
    if prefer_pss and "padding=" not in uri:
        uri += f"{'&' if '?' in uri else '?'}{PREFER_PSS}"
    module, _, name = SIGNERS[scheme].rpartition(".")
    signer = getattr(importlib.import_module(module), name).open(uri, ask)
    return cast("AbstractContextManager[Signer]", signer)
