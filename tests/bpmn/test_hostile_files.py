"""Files made to hurt: refused plainly and quickly."""

import time
from collections.abc import Callable

import pytest

from tests.bpmn.conftest import ROUTE, faults

TEXT = ROUTE.read_text(encoding="utf-8")


def bomb() -> bytes:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    return f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "ha">{entities}]><x>&e11;</x>'.encode()


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "NOT_XML"),
    "zeros": (lambda: b"\0" * 1000, "NOT_XML"),
    "noise": (lambda: bytes(range(256)) * 100, "NOT_UTF8"),
    "a billion laughs": (bomb, "DOCTYPE"),
    "an external entity": (
        lambda: b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
        "DOCTYPE",
    ),
    "a document type in UTF-16": (lambda: '<?xml version="1.0"?><!DOCTYPE x><x/>'.encode("utf-16"), "NOT_UTF8"),
    "a document type in UTF-7": (lambda: b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE x+AD4-<x/>', "NOT_UTF8"),
    "two megabytes": (lambda: TEXT.encode() + b" " * 2_000_000, "TOO_LARGE"),
    "a hundred thousand levels": (lambda: b"<a>" * 100_000 + b"</a>" * 100_000, "NOT_XML"),
    "sixty levels": (
        lambda: TEXT.replace(
            "<bpmn:laneSet", "<bpmn:documentation>" * 60 + "</bpmn:documentation>" * 60 + "<bpmn:laneSet", 1
        ).encode(),
        "TOO_LARGE",
    ),
    "twenty thousand elements": (
        lambda: TEXT.replace("<bpmn:laneSet", "<bpmn:documentation/>" * 20_000 + "<bpmn:laneSet", 1).encode(),
        "TOO_LARGE",
    ),
    "four hundred steps": (
        lambda: TEXT.replace(
            "<bpmn:laneSet", "".join(f'<bpmn:userTask id="t{n}"/>' for n in range(400)) + "<bpmn:laneSet", 1
        ).encode(),
        "TOO_LARGE",
    ),
    "a name of a thousand letters": (lambda: TEXT.replace("Đóng dấu nhà trường", "Đ" * 1000).encode(), "TOO_LONG"),
    "a condition of a thousand letters": (
        lambda: TEXT.replace("outcome == 'stop'", "outcome == 'stop'" + " " * 1000 + "x").encode(),
        "BAD_CONDITION",
    ),
    "a huge document of attributes": (
        lambda: TEXT.replace("<bpmn:laneSet ", "<bpmn:laneSet " + " ".join(f'a{n}="1"' for n in range(5000)) + " ", 1).encode(),
        "NOT_VALID",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_quickly(name: str) -> None:
    """Bombs, floods and noise give a plain refusal within two seconds."""
    make, code = HOSTILE[name]
    content = make()
    began = time.process_time()
    found = faults(content)

    assert code in {each for each, _ in found}
    assert time.process_time() - began < 2
