"""The command line. Each command reads its arguments, calls one function, prints what came of it, and sets the exit code."""

import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from api.endings import NOT_PASSED, PASSED, ended, fail
from api.settings import DEFAULT_FOLDER, Settings, read_settings
from signing.visible import visible

app = typer.Typer(
    help="Soky (sổ ký): hồ sơ nhà trường được ký số qua từng bước. / Signed school records, step by step.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
log_app = typer.Typer(help="Nhật ký. / The log.", no_args_is_help=True)
kind_app = typer.Typer(help="Loại hồ sơ. / Document kinds.", no_args_is_help=True)
app.add_typer(log_app, name="log")
app.add_typer(kind_app, name="kind")

# Whether a file can be read is found out where it is read, and told there: one bad file of many is a result, no wrong use.
Folder = Annotated[
    Path | None,
    typer.Option("--office", readable=False, help="Thư mục văn phòng. / The office's folder.", envvar="SOKY_OFFICE"),
]

LONGEST_CHECKPOINT = 1024 * 1024  # bytes; one has some hundred
_ASKS_ALL = (
    "hỏi chương trình độc lập (openssl, endesive, pyHanko, xmlsec1, signxml) về mọi tệp, kể cả khi --sample 0 / "
    "ask independent programs about every file, also with --sample 0"
)


def main() -> None:
    """The console script. Whatever was typed ends with one sentence and an exit code, never with a traceback."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    sys.exit(ended(app))


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", readable=False, help="Nơi để kết quả. / Where the results go.")] = Path(
        "demo-out"
    ),
    database: Annotated[str, typer.Option("--database", help="sqlite, or a PostgreSQL URL")] = "sqlite",
) -> None:
    """Chạy việc chính từ bảng điểm đến tập sổ đóng dấu. / The main job, from marks to a sealed volume."""
    from api.demo.results import run_demo

    raise typer.Exit(run_demo(out, typer.echo, database=database))


@app.command()
def serve(
    office: Folder = None,
    demo: Annotated[bool, typer.Option("--demo", help="Mở văn phòng thử (tạo nếu chưa có). / Open the demo office.")] = False,
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="Số tiến trình xử lý. / Worker processes.")] = 1,
) -> None:
    """Mở văn phòng trong trình duyệt. / The office in the browser."""
    from api.serving import serve as run
    from api.serving import try_port

    if demo:  # the office takes a while to make: nobody waits for one that cannot be opened
        try_port(host, port)
    run(_demo_office(office) if demo else read_settings(office), host=host, port=port, workers=workers)


def _demo_office(office: Path | None) -> Settings:
    from api.demo.results import ensure_demo_office

    return ensure_demo_office(office or DEFAULT_FOLDER, typer.echo)


@app.command()
def worker(office: Folder = None) -> None:
    """Chạy một tiến trình xử lý. / Run one worker process."""
    from api.wiring import open_office
    from api.worker import Worker

    with open_office(read_settings(office)) as wired:
        Worker(wired).run()


@app.command()
def verify(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", readable=False, help="tệp hoặc thư mục / files or folders")],
    trust: Annotated[
        list[Path] | None, typer.Option("--trust", readable=False, help="PEM file or folder; several may be given")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", help="ISO 8601; judge as of this time")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="ask nobody (the default asks nobody either)")] = False,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="hỏi thu hồi ở các máy chủ mà bundle.json nêu / ask the bundle's hosts, no others")
    ] = False,
    detached: Annotated[
        Path | None,
        typer.Option("--detached", readable=False, help="chữ ký .p7s của PATH / for one PATH; else PATH.p7s where it is there"),
    ] = None,
    password_file: Annotated[
        Path | None,
        typer.Option(
            "--password-file", readable=False, help="mật khẩu của PDF mã hóa, dòng đầu / first line: the PDF's password"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object per line")] = False,
    report_xml: Annotated[
        Path | None, typer.Option("--report-xml", readable=False, help="ETSI TS 119 102-2, for one PATH")
    ] = None,
    slip: Annotated[
        Path | None, typer.Option("--slip", readable=False, help="phiếu kiểm tra (PDF) có con dấu của --office, for one PATH")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="ghi đè tệp của --report-xml, --slip nếu đã có / overwrite these two files")
    ] = False,
    second_opinion: Annotated[
        bool,
        typer.Option(
            "--second-opinion",
            help=_ASKS_ALL,
        ),
    ] = False,
    sample: Annotated[
        int | None,
        typer.Option(
            "--sample", min=0, help="hỏi thêm về một trong N tệp đã đạt / ask them about one passed file of N; 0: none"
        ),
    ] = None,
    office: Folder = None,
) -> None:
    """Kiểm tra chữ ký của tệp và thư mục. 0: đạt; 1: có mục không đạt; 2: không đọc được. / Check signatures."""
    from api.verifying_command import Asked
    from api.verifying_command import verify as run

    if offline and fetch:
        raise typer.BadParameter("--offline, --fetch: chỉ một trong hai / one of the two")
    if detached is not None and (len(paths) != 1 or paths[0].is_dir()):
        raise typer.BadParameter("--detached: chỉ cho một tệp / for one file at a time")
    asked = Asked(
        paths=paths,
        trust=trust or [],
        at=_moment(at),
        fetch=fetch,
        detached=detached,
        password_file=password_file,
        as_json=as_json,
        report_xml=report_xml,
        slip=slip,
        force=force,
        second_opinion=second_opinion,
        sample=sample,
        office=office,
    )
    raise typer.Exit(run(asked, typer.echo))


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text}: không phải ISO 8601 / is not ISO 8601, as in 2031-05-31T16:05:09+07:00") from None
    if moment.tzinfo is None:
        raise typer.BadParameter(f"{text}: thiếu múi giờ / has no time zone: write 2031-05-31T16:05:09+07:00")
    return moment


@app.command()
def sign(
    source: Annotated[Path, typer.Argument(metavar="IN", readable=False)],
    target: Annotated[Path, typer.Argument(metavar="OUT", readable=False)],
    key: Annotated[str, typer.Option("--key", help="file:key.p12, pkcs11:..., csc:...")],
    field: Annotated[str, typer.Option("--field", help="tên ô ký / the field's name")],
    level: Annotated[str, typer.Option("--level", help="B-B, B-T, B-LT, B-LTA")] = "B-B",
    tsa: Annotated[list[str] | None, typer.Option("--tsa", help="address of a time-stamping authority")] = None,
    image: Annotated[
        Path | None,
        typer.Option("--image", readable=False, help="ảnh PNG trong ô ký; không có ô thì góc dưới trang cuối / PNG"),
    ] = None,
    reason: Annotated[str, typer.Option("--reason")] = "",
    seal: Annotated[bool, typer.Option("--seal", help="con dấu của cơ quan / the seal of an organisation")] = False,
    pin_fd: Annotated[
        int | None, typer.Option("--pin-fd", help="đọc mã PIN từ số này / read the PIN from this file descriptor")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="ghi đè OUT nếu đã có / overwrite OUT")] = False,
) -> None:
    """Ký một tệp PDF, ghi vào tệp mới. / Sign a PDF into a new file."""
    from api.signing_command import sign_file

    raise typer.Exit(
        sign_file(
            source,
            target,
            key=key,
            field=field,
            level=level,
            tsa=tsa or [],
            image=image,
            reason=reason,
            pin_fd=pin_fd,
            seal=seal,
            force=force,
            say=typer.echo,
        )
    )


@app.command()
def renew(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", readable=False, help="tệp hoặc thư mục / files or folders: PDF, XML, ASiC, .p7s"),
    ],
    tsa: Annotated[list[str] | None, typer.Option("--tsa", help="address of a time-stamping authority; in order")] = None,
    host: Annotated[list[str] | None, typer.Option("--host", help="may be asked about revocation; several")] = None,
    demo_office: Annotated[
        Path | None, typer.Option("--demo-office", readable=False, help="a demo office: its own test authority")
    ] = None,
    trust: Annotated[
        list[Path] | None, typer.Option("--trust", readable=False, help="PEM file or folder; several may be given")
    ] = None,
    before: Annotated[str | None, typer.Option("--before", help="ISO 8601; only what loses its force before this")] = None,
    journal: Annotated[
        Path | None, typer.Option("--journal", readable=False, help="a JSON line per file; run again to go on")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object per line")] = False,
) -> None:
    """Gia hạn dấu thời gian lưu trữ của nhiều tệp. / Renew archive timestamps: PDF, XML, ASiC, detached signatures."""
    from api.renewing_command import renew as run

    raise typer.Exit(
        run(
            paths,
            tsa=tsa or [],
            hosts=host or [],
            demo_office=demo_office,
            trust=trust or [],
            before=_moment(before),
            journal=journal,
            as_json=as_json,
            say=typer.echo,
        )
    )


@log_app.command("verify")
def log_verify(
    office: Folder = None,
    seen: Annotated[
        list[Path] | None, typer.Option("--seen", readable=False, help="a checkpoint that was kept elsewhere")
    ] = None,
) -> None:
    """Tìm mọi dòng bị sửa, xóa, đảo trong nhật ký. / Find every changed, removed or reordered row."""
    from api.wiring import open_office

    kept = [_checkpoint(path) for path in seen or ()]
    with open_office(read_settings(office)) as wired:
        raise typer.Exit(_report(wired.verify_log(kept), "Nhật ký nguyên vẹn. / The log is intact."))


def _checkpoint(path: Path) -> str:
    """What was kept elsewhere; a device has an end here. BadCheckpoint, with the file's name, for what is no checkpoint."""
    from storage.errors import BadCheckpoint, BadNote
    from storage.notes import claimed_checkpoint

    with path.open("rb") as kept:
        content = kept.read(LONGEST_CHECKPOINT)
    try:
        claimed_checkpoint(content)
    except BadNote as problem:
        name = visible(str(path))
        raise BadCheckpoint(
            f"«{name}» không phải mốc nhật ký (checkpoint.txt) / “{name}” is no checkpoint of a log"
        ) from problem
    return content.decode()


@app.command()
def check(office: Folder = None) -> None:
    """Khám sức khỏe văn phòng. / Look the office over: log, guards, blobs, stuck work, certificates, kinds."""
    from api.inspection import inspect
    from api.wiring import open_office

    with open_office(read_settings(office)) as wired:
        raise typer.Exit(_report(inspect(wired), "Không thấy vấn đề. / Nothing found."))


@app.command()
def settle(
    digest: Annotated[str, typer.Argument(metavar="SHA256", help="như `soky check` ghi / as `soky check` prints it")],
    note: Annotated[str, typer.Option("--note", help="đã xem và thấy gì / what was found")],
    office: Folder = None,
) -> None:
    """Khép một cảnh báo của ý kiến thứ hai. / Settle an alarm of the second opinion."""
    from api.wiring import second_looks

    if not second_looks(read_settings(office)).settle(digest, note=note, at=datetime.now(UTC)):
        named = visible(digest)
        raise typer.Exit(fail(f"NO_SUCH_ALARM: không có cảnh báo nào về «{named}» / there is no alarm about “{named}”"))


@kind_app.command("check")
def kind_check() -> None:
    """Kiểm tra mọi loại hồ sơ và quy trình. / Check every kind and process."""
    from api.inspection import inspect_kinds

    raise typer.Exit(_report(inspect_kinds(), "Mọi loại hồ sơ dùng được. / Every kind is usable."))


def _report(found: list[str], fine: str) -> int:
    for line in found:
        typer.echo(line)
    if not found:
        typer.echo(fine)
    return NOT_PASSED if found else PASSED


if __name__ == "__main__":
    main()
