"""openssl about a CMS signature or a timestamp token: digest and signature value, in a process of its own."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from signing.cades_archive import one_by_one
from signing.cades_verify import unarmoured
from signing.second_opinion.limited import Said, plain_environment, run
from signing.second_opinion.opinion import MAX_SIGNATURES, NOT_LOOKED_AT, Opinion, Says, nobody
from signing.trust import Trust
from signing.verification.faults import Fault

BLIND_SPOTS = (*NOT_LOOKED_AT, "the bound signing certificate", "weak algorithms")
# Beside its file nothing can change after signing, and nothing is attached.
DETACHED_BLIND_SPOTS = tuple(
    each for each in BLIND_SPOTS if each not in {"changes after signing", "permissions", "attachments"}
)


def ask_openssl(
    contents: bytes, signed: bytes | None, trust: Trust, folder: Path, *, is_timestamp: bool
) -> tuple[Says, str] | None:
    """What it says, and why; None where it is not there. `signed`: None where the CMS brings its content."""
    program = shutil.which("openssl")
    if program is None:
        return None
    (folder / "contents").write_bytes(contents)
    if signed is not None:
        (folder / "signed").write_bytes(signed)
    if is_timestamp:
        roots = b"".join(root.certificate.parsed.public_bytes(Encoding.PEM) for root in trust.roots)
        (folder / "roots.pem").write_bytes(roots)
        given = ["-data", "signed", "-in", "contents", "-token_in", "-CAfile", "roots.pem"]
        said = run([program, "ts", "-verify", *given], folder=folder, environment=plain_environment())
    else:
        # -noverify: the signer's chain is not its question; what of it openssl would judge by today's clock says nothing.
        given = ["-binary", "-inform", "DER", "-in", "contents", *(["-content", "signed"] if signed is not None else [])]
        command = [program, "cms", "-verify", "-noverify", *given, "-out", "/dev/null"]
        said = run(command, folder=folder, environment=plain_environment())
    return _read(said, is_timestamp=is_timestamp)


def _read(said: Said | None, *, is_timestamp: bool) -> tuple[Says, str]:
    if said is None or not said.in_time:
        return Says.CANNOT_JUDGE, "no answer"
    if said.code == 0:
        return Says.VALID, ""
    # Its words since 1.1; anything else (an unknown algorithm, a chain that it refuses) is no judgement of these bytes.
    of_content = ("verification failure", "content verify error", "signature failure")
    wrong = ("message imprint mismatch",) if is_timestamp else of_content
    found = next((each for each in wrong if each in said.err), None)
    if found is not None:
        return Says.INVALID, found
    lines = [line for line in said.err.splitlines() if line.strip()]
    return Says.CANNOT_JUDGE, lines[-1].rsplit(":", maxsplit=5)[0][-120:] if lines else f"exit {said.code}"


def of_container(
    data: bytes | None, container: bytes, fields: Sequence[str], trust: Trust, folder: Path
) -> tuple[Opinion, ...]:
    """A detached signature with all its signers, each on its own; `data`: None where the container brings its content."""
    try:
        each_alone = one_by_one(unarmoured(container))
    except Fault as fault:
        return nobody("openssl", fields, str(fault), DETACHED_BLIND_SPOTS)
    if len(each_alone) != len(fields) or len(fields) > MAX_SIGNATURES:
        return nobody("openssl", fields, f"{len(each_alone)} SignerInfos", DETACHED_BLIND_SPOTS)
    found = []
    for field, one in zip(fields, each_alone, strict=True):
        answer = ask_openssl(one, data, trust, folder, is_timestamp=False)
        if answer is None:
            return ()
        found.append(Opinion(by="openssl", says=answer[0], field=field, detail=answer[1], blind_spots=DETACHED_BLIND_SPOTS))
    return tuple(found)
