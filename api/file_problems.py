"""What the operating system refuses, in words that name the file and what to look at."""

from signing.visible import visible


def file_problem(problem: OSError) -> str:
    """One sentence, Vietnamese / English. The system's own reason follows: it knows no Vietnamese."""
    named = visible(str(problem.filename)) if problem.filename is not None else "-"
    reason = problem.strerror or type(problem).__name__
    return (
        f"Không đọc hoặc ghi được «{named}»; kiểm tra đường dẫn và quyền truy cập"
        f" / “{named}” cannot be read or written, check the path and the rights ({reason})"
    )
