r"""A stranger's words, shown to people: what cannot be seen, or moves what is seen, is made visible.

    visible("Nguyễn\x1b[2J An")        # "Nguyễn\u{1b}[2J An"

Names in a file may hold line breaks that look like lines of ours, escape sequences that overwrite a terminal, marks that
turn the direction of writing ("fdp.exe"), and letters without a width. JSON and the report's own values keep them.
"""

import json
import re

# C0 and C1 controls, soft hyphen, zero width, line and paragraph separators, everything bidirectional (UAX 9), byte order
# marks, interlinear anchors, unpaired surrogates, tags, variation selectors beyond the sixteen of emoji.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)


def visible(text: str) -> str:
    r"""The text on one line; each hidden character as \u{..}."""
    return _HIDDEN.sub(lambda found: f"\\u{{{ord(found.group()):x}}}", text)


def visible_json(text: str) -> str:
    """The same JSON value without a hidden character in its text: for a terminal. Only for JSON on one line."""
    return _HIDDEN.sub(lambda found: json.dumps(found.group())[1:-1], text)
