"""Where the bundled script and sheet are. Built at set-up by `api/assets/build.mjs`; the pages stay readable without."""

import json
from collections.abc import Mapping
from pathlib import Path

STATIC = Path(__file__).resolve().parent.parent / "static"
DIST = STATIC / "dist"


def read_manifest(dist: Path = DIST) -> Mapping[str, str]:
    """Plain name -> address. Empty if nothing was built."""
    try:
        names: dict[str, str] = json.loads((dist / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {plain: f"/static/{hashed}" for plain, hashed in names.items()}
