"""The one map from a step of the process to the name of its signature field."""

import re

PART = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*")  # never "__", which joins the two parts, never a dot


def field_name(step: str, key: str | None = None) -> str:
    """`subject_teacher_signs`, `toan` -> `subject_teacher_signs__toan`.

    A dot in /T would make two levels of fields (ISO 32000-1, 12.7.3.2), so the parts are joined by two underscores.
    """
    parts = [step] if key is None else [step, key]
    for part in parts:
        if not PART.fullmatch(part):
            raise ValueError(f"a step or key is made of a-z, 0-9 and single - or _ between them, not {part!r}")
    return "__".join(parts)
