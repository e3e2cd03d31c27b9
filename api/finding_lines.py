"""Findings as lines for people: `! CODE: câu / sentence`, long lists of names cut."""

from collections.abc import Mapping, Sequence

from signing.visible import visible

MOST_NAMES = 5
_LISTS = frozenset(["ATTACHMENTS", "ATTACHMENT_NOT_PASSED", "ATTACHMENTS_CUT"])
_TRUST_HINT = " (dùng --trust PEM hoặc --office để nêu gốc tin cậy / use --trust PEM or --office to name whom you trust)"


def file_findings(findings: Sequence[Mapping[str, str]]) -> list[str]:
    """What was found about the whole file, each of it."""
    return [f"  ! {each['code']}: {visible(_short(each['code'], each['message']))}" for each in findings]


def signature_findings(findings: Sequence[Mapping[str, str]], *, nobody_trusted: bool) -> list[str]:
    """One line a code, in the order found; how many other sentences it has stands at its end.

    `nobody_trusted`: no anchor was named at all, and it is said how to name one.
    """
    said: dict[str, list[str]] = {}
    for each in findings:
        sentences = said.setdefault(each["code"], [])
        if each["message"] not in sentences:
            sentences.append(each["message"])
    return [
        f"    ! {code}: {visible(_short(code, sentences[0]))}{_more(len(sentences) - 1)}"
        f"{_TRUST_HINT if nobody_trusted and code == 'NO_TRUSTED_CHAIN' else ''}"
        for code, sentences in said.items()
    ]


def _more(count: int) -> str:
    return f" (+{count})" if count else ""


def _short(code: str, message: str) -> str:
    """Names after the fifth are left out, in both halves; JSON and the report keep them."""
    if code not in _LISTS:
        return message
    parts = message.split(" / ")
    if len(parts) % 2:
        return message  # a name holds our own sign between the languages: nobody can tell where the halves meet
    middle = len(parts) // 2
    return " / ".join(_cut(" / ".join(half)) for half in (parts[:middle], parts[middle:]))


def _cut(half: str) -> str:
    names = half.split(", ")
    return f"{', '.join(names[:MOST_NAMES])}, …" if len(names) > MOST_NAMES else half
