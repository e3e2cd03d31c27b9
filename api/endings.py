"""How a command ends: with a sentence, Vietnamese first, and an exit code. Never with a traceback for what somebody typed.

0: all passed; 1: a signature, or what was looked over, did not pass; 2: unreadable, wrong use, or stopped before the end.
"""

import errno
import io
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import typer

from api.file_problems import file_problem
from api.settings import BadSettings
from signing.visible import visible

PASSED, NOT_PASSED, UNREADABLE = 0, 1, 2
# Of click, which typer brings along and shows only by its descendants.
_USAGE: type[Exception] = typer.BadParameter.__mro__[2]


def ended(app: Callable[..., object]) -> int:
    """Run the command line, and say what came of it."""
    _write_anything()
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except BaseException as problem:  # noqa: BLE001 -- the last place where anything can still be said
        return _told(problem)
    if code == _INTERRUPTED:
        return fail(_STOPPED)
    return code if isinstance(code, int) else PASSED


def _told(problem: BaseException) -> int:
    """The exit code for what ended the command, and the sentence."""
    if isinstance(problem, SystemExit) and type(sys.stdout).__name__ != "PacifyFlushWrapper":
        return problem.code if isinstance(problem.code, int) else UNREADABLE
    if isinstance(problem, BrokenPipeError):
        _to_nowhere()
    if isinstance(problem, OSError):
        _drop_output(problem)
    return fail(_sentence_for(problem))


def _sentence_for(problem: BaseException) -> str:
    match problem:
        case KeyboardInterrupt():
            return _STOPPED
        case typer.Abort():
            return "STOPPED: không có câu trả lời, đã dừng / nobody answered, stopped"
        case SystemExit() | BrokenPipeError():  # the library leaves by the first when nobody reads any more
            return _UNREAD
        case Exception() if isinstance(problem, _USAGE):
            return _usage(problem)
        case Exception() if _is_ours(problem):
            return sentence(problem)
    return _fault(problem)


def fail(message: str) -> int:
    """The sentence, on the stream for problems."""
    try:
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()
    except OSError:
        pass  # nobody reads this either: the exit code says it
    return UNREADABLE


def sentence(problem: Exception) -> str:
    """What a refusal of ours, or of the operating system, is called."""
    said = file_problem(problem) if isinstance(problem, OSError) else str(problem)
    return f"{getattr(problem, 'code', None) or _NAMES.get(type(problem).__name__, 'FILE_PROBLEM')}: {said}"


_STOPPED = "STOPPED: đã dừng theo yêu cầu, phần còn lại chưa làm / stopped as asked, the rest was not done"
# Whoever read our lines has enough, as in `| head -1`.
_UNREAD = "OUTPUT_CLOSED: nơi nhận đã đóng, phần còn lại không in ra / the reader has gone, the rest is not printed"
_NAMES = {"BadSettings": "BAD_SETTINGS"}
_INTERRUPTED = 130  # as typer tells it


def _is_ours(problem: Exception) -> bool:
    from directory import DirectoryError
    from documents import DocumentsError
    from signing import SigningError
    from storage.errors import StorageError
    from workflow.errors import WorkflowError

    known = (BadSettings, DirectoryError, DocumentsError, SigningError, StorageError, WorkflowError, OSError)
    return isinstance(problem, known)


def _write_anything() -> None:
    """A terminal without Vietnamese shows numbers for the letters that it lacks; a name that is no text stops nobody."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _fault(problem: BaseException) -> str:
    """A mistake of ours: where it is, for whoever mends it; all of it where `SOKY_TRACE` is set."""
    if os.environ.get("SOKY_TRACE"):
        traceback.print_exception(problem)
    place = traceback.extract_tb(problem.__traceback__)[-1:]
    where = f"{Path(place[0].filename).name}:{place[0].lineno}" if place else "?"
    return (
        f"FAULT: lỗi của chương trình, không phải của tệp hay câu lệnh ({type(problem).__name__}, {where});"
        f" SOKY_TRACE=1 cho biết thêm"
        f" / a fault of this program, not of the file or the command; SOKY_TRACE=1 tells more"
    )


def _drop_output(problem: Exception) -> None:
    """Where the output itself cannot be written, what still waits in it would be tried once more when Python ends."""
    if isinstance(problem, OSError) and problem.errno in {errno.ENOSPC, errno.EFBIG, errno.EIO} and problem.filename is None:
        _to_nowhere()


def _to_nowhere() -> None:
    """What still waits in the buffer goes where nothing fails."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _usage(problem: Exception) -> str:
    """A wrong command line. Our own sentences are in two languages already; the library's are in English."""
    kind, said = type(problem).__name__, str(getattr(problem, "message", "") or problem)
    if kind == "NoArgsIsHelpError":
        return said  # the help itself
    name = _named(problem)
    command = getattr(getattr(problem, "ctx", None), "command_path", "soky")
    if kind == "NoSuchOption":
        said = f"không có tùy chọn {name} / there is no option {name}{_instead(problem)}"
    elif kind == "MissingParameter":
        said = f"thiếu {name} / {name} is missing"
    elif kind == "BadParameter":
        ours = said if name == "?" else f"{name}: {said}"
        said = ours if " / " in said else f"giá trị của {name} không đúng / {name} has a wrong value: {said}"
    elif kind == "BadOptionUsage":
        said = f"tùy chọn {name} cần một giá trị / option {name} needs a value"
    else:
        said = f"câu lệnh không đúng / the command line is not right: {said}"
    return f"USAGE: {visible(said)}\nxem / see: {command} --help"


def _named(problem: Exception) -> str:
    """The option or argument that it is about."""
    for told in (getattr(problem, "param_hint", None), getattr(problem, "option_name", None)):
        if told:
            return str(told if isinstance(told, str) else " / ".join(told)).strip("'")
    param = getattr(problem, "param", None)
    options = [each for each in getattr(param, "opts", ()) if each.startswith("-")]
    return options[0] if options else str(getattr(param, "metavar", None) or getattr(param, "human_readable_name", "?"))


def _instead(problem: Exception) -> str:
    near = getattr(problem, "possibilities", None)
    return f" ({', '.join(sorted(near))}?)" if near else ""
