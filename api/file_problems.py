"""What the operating system refuses, in words that name the file and what to look at."""

import os

from signing.system_reasons import system_reason
from signing.visible import visible


def file_problem(problem: OSError) -> str:
    """One sentence, Vietnamese / English."""
    named = visible(os.fsdecode(problem.filename)) if isinstance(problem.filename, str | bytes | os.PathLike) else ""
    vi, en = system_reason(problem)
    if not named:
        return f"Không đọc hoặc ghi được: {vi} / It cannot be read or written: {en}"
    return (
        f"Không đọc hoặc ghi được «{named}», kiểm tra đường dẫn và quyền truy cập: {vi}"
        f" / “{named}” cannot be read or written, check the path and the rights: {en}"
    )
