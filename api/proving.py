"""What a volume says about itself, found out in a process of its own with a limit on time and memory.

Whether its attached data render to exactly its pages, and whether the sheets it lists are the sheets it holds. A stranger's
file may hold anything: only numbers, digests and short words come back.

    python -m api.proving < volume.pdf          # the child's side: one JSON object
"""

import hashlib
import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

SECONDS = 10
MEMORY_BYTES = 1 << 30
LONGEST_ANSWER = 1 << 20


def prove(content: bytes, *, seconds: float = SECONDS) -> dict[str, Any]:
    """{"render": {"answer", "code", "message"}, "sheets": {"listed", "attached", "matching"}}. Never raises for the content."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "api.proving"], input=content, capture_output=True, timeout=seconds, check=False
        )
        told: dict[str, Any] = json.loads(done.stdout[:LONGEST_ANSWER])
    except subprocess.TimeoutExpired:
        return _unknown("TIME_LIMIT", f"quá {seconds:g} giây / longer than {seconds:g} s")
    except ValueError:
        return _unknown("RESOURCE_LIMIT", "không dựng lại được trong giới hạn / it could not be rendered within the limits")
    return told


def _unknown(code: str, message: str) -> dict[str, Any]:
    return {"render": {"answer": "not_known", "code": code, "message": message}, "sheets": None}


def main() -> None:
    """The child: limits first, then the file."""
    content = sys.stdin.buffer.read()
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import documents  # the libraries map more than they use: the limit on memory comes after they are there

    used = _mapped_bytes()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_BYTES, used + MEMORY_BYTES))
    proof = documents.proves(content)
    answer = {
        "render": {"answer": str(proof.answer), "code": proof.code, "message": str(proof)},
        "sheets": _sheets(documents.attached(content)) if proof.answer is not documents.Proof.NOT_OURS else None,
    }
    sys.stdout.write(json.dumps(answer))


def _sheets(files: Any) -> dict[str, int] | None:
    """How many sheets the data list, how many are attached, and for how many name and digest are the same."""
    held = {file.name: hashlib.sha256(file.content).hexdigest() for file in files}
    data: dict[str, Any] = next((json.loads(file.content) for file in files if file.name == "data.json"), {})
    listed = data.get("sheets")
    if listed is None:
        return None
    attached = [name for name in held if name != "data.json"]
    matching = sum(held.get(str(sheet.get("file_name"))) == sheet.get("sha256") for sheet in listed)
    return {"listed": len(listed), "attached": len(attached), "matching": matching}


def _mapped_bytes() -> int:
    sizes = Path("/proc/self/statm").read_text(encoding="ascii")
    return int(sizes.split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    main()
