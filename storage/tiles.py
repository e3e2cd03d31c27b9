"""The log as plain files that any web server can offer and any C2SP reader understands (c2sp.org/tlog-tiles).

    publish(log, Path("/srv/www/log"))

    checkpoint                     the signed head, replaced last
    tile/<level>/<number>[.p/<w>]  256 hashes each; level 0 are the leaves', level 1 the roots of full tiles, ...
    tile/entries/<number>[.p/<w>]  the leaves themselves, each after its length in two bytes

All but the checkpoint never change. What was published before is compared: if it does not lead to what we have now, nothing
is written, so a restored backup or a changed database does not overwrite the public memory.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from storage.blobs import sync_folder, write_durably
from storage.errors import LogForked
from storage.log import Log
from storage.merkle import Span
from storage.notes import Checkpoint, Verifier, open_note
from workflow.errors import both

WIDTH: Final = 256
_LOG_WIDTH: Final = 8


def publish(log: Log, folder: Path, verifier: Verifier) -> Checkpoint:
    """Bring the files up to the newest checkpoint. LogForked if the published log is not a beginning of ours; BadNote."""
    note = log.checkpoint()
    now = Checkpoint.parse(open_note(note, [verifier]))
    before = _published(log, folder, verifier, now)
    aside = folder / "incoming"
    aside.mkdir(parents=True, exist_ok=True)
    for path, content in _files(log, before, now.size):
        _keep(folder / path, content, aside)
    # A crash before this line leaves files that the old checkpoint does not need.
    write_durably(folder / "checkpoint", note.encode(), aside=aside, mode=0o644)
    _drop_partial(folder, now.size)
    return now


def tile_path(number: int) -> str:
    """1234067 is `x001/x234/067`: at most a thousand names in a folder, and no name is both file and folder."""
    parts = [f"{number % 1000:03d}"]
    while number := number // 1000:
        parts.append(f"x{number % 1000:03d}")
    return "/".join(reversed(parts))


def _published(log: Log, folder: Path, verifier: Verifier, now: Checkpoint) -> int:
    """The size that was published before; 0 if nothing was."""
    try:
        before = Checkpoint.parse(open_note((folder / "checkpoint").read_bytes(), [verifier]))
    except FileNotFoundError:
        return 0
    if before.size > now.size or log.root(before.size) != before.root:
        raise LogForked(
            both(
                f"Nhật ký đã công bố ({before.size} mục) không phải phần đầu của nhật ký hiện nay ({now.size} mục)",
                f"The published log ({before.size} entries) is not a beginning of the one we have ({now.size} entries)",
            )
        )
    return before.size


def _files(log: Log, before: int, size: int) -> Iterator[tuple[str, bytes]]:
    level = 0
    while size >> (_LOG_WIDTH * level):
        for number, width in _tiles(before >> (_LOG_WIDTH * level), size >> (_LOG_WIDTH * level)):
            height = _LOG_WIDTH * level
            places = range(number * WIDTH, number * WIDTH + width)
            hashes = log.hashes(Span(place << height, (place + 1) << height) for place in places)
            yield f"tile/{level}/{tile_path(number)}{_partial(width)}", b"".join(hashes)
            if level == 0:
                leaves = log.leaves(places.start, places.stop)
                bundle = b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)
                yield f"tile/entries/{tile_path(number)}{_partial(width)}", bundle
        level += 1


def _tiles(before: int, now: int) -> Iterator[tuple[int, int]]:
    """Number and width of each tile of a row that was not full yet."""
    for number in range(before // WIDTH, now // WIDTH):
        yield number, WIDTH
    if now % WIDTH:
        yield now // WIDTH, now % WIDTH


def _partial(width: int) -> str:
    return "" if width == WIDTH else f".p/{width}"


def _keep(path: Path, content: bytes, aside: Path) -> None:
    try:
        there = path.read_bytes()
    except FileNotFoundError:
        _make_folder(path.parent)
        write_durably(path, content, aside=aside)
        return
    if there != content:
        raise LogForked(both(f"Tệp đã công bố {path} khác nhật ký", f"The published file {path} is not what the log says"))


def _make_folder(folder: Path) -> None:
    if folder.exists():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def _drop_partial(folder: Path, size: int) -> None:
    """A partial tile may go once the full one is there; only the newest rows can have one."""
    level = 0
    while (row := size >> (_LOG_WIDTH * level)) >= WIDTH:
        for number in range(max(0, row // WIDTH - 2), row // WIDTH):
            shutil.rmtree(folder / f"tile/{level}/{tile_path(number)}.p", ignore_errors=True)
            if level == 0:
                shutil.rmtree(folder / f"tile/entries/{tile_path(number)}.p", ignore_errors=True)
        level += 1
