"""`soky serve`: the pages and the worker processes, started together and ended together."""

import errno
import os
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn

from api.demo.people import DEMO_PIN
from api.settings import OFFICE_VARIABLE, BadSettings, Settings
from api.slip import sealer_of
from api.web.app import create_app
from api.web.house import House
from api.web.sessions import Sessions
from api.wiring import Wired, open_office
from signing import open_signer

# How long a worker may take to finish the item it is at when the office closes.
CLOSING_SECONDS = 20
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
# How soon a worker that ended is started again: long enough not to spin when it cannot start at all.
RESTART_SECONDS = 3


def serve(settings: Settings, *, host: str, port: int, workers: int) -> None:
    """Until Ctrl-C. BadSettings for an address that others can reach without TLS: PINs would cross the network in the open."""
    if host not in LOOPBACK and not settings.https:
        raise BadSettings(
            f"{host}: cần [web] https = true trong soky.toml và một máy chủ TLS phía trước / "
            f"needs [web] https = true in soky.toml and a TLS server in front"
        )
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash leaves no copy of a PIN on the disk
    with _bound(host, port) as listening, open_office(settings) as wired, _worker_processes(settings, workers):
        house = house_of(wired)
        sys.stderr.write(f"Soky: http://{host}:{listening.getsockname()[1]}  (Ctrl-C để dừng / to stop)\n")
        server = uvicorn.Server(uvicorn.Config(create_app(house), log_level="warning", server_header=False))
        try:
            with suppress(KeyboardInterrupt):  # as the line above says
                server.run(sockets=[listening])
        finally:
            house.sessions.close()


class PortTaken(BadSettings):
    """Somebody else stands in the door."""

    code = "PORT_TAKEN"


def try_port(host: str, port: int) -> None:
    """PortTaken, or OSError that names the address, before anything is made that would be opened there."""
    _bound(host, port).close()


def _bound(host: str, port: int) -> socket.socket:
    """The door, before anything else is started. PortTaken where somebody else stands in it; OSError names the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"{host}:{port}: cổng đang được chương trình khác dùng, hãy thử --port với số khác"
                f" / {host}:{port}: another program uses this port, try another --port"
            ) from problem
        raise type(problem)(problem.errno, problem.strerror or str(problem), f"{host}:{port}") from problem


def house_of(wired: Wired) -> House:
    """What the pages need, from an open office."""
    return House(
        office=wired.office,
        log=wired.store.log,
        sessions=Sessions(wired.settings.folder / "sessions.db", wired.office.desk.clock),
        open_key=lambda uri, ask: open_signer(wired.key_uri(uri), ask, prefer_pss=wired.settings.prefer_pss),
        looks=wired.looks,
        fetch=wired.settings.fetch,
        demo=wired.settings.demo,
        demo_pin=DEMO_PIN if wired.settings.demo else "",
        sealer=sealer_of(wired),
        https=wired.settings.https,
    )


@contextmanager
def _worker_processes(settings: Settings, count: int) -> Iterator[None]:
    """Processes of their own: rendering and verifying never make a page wait. One that ends is started again."""
    command = [sys.executable, "-P", "-m", "api.cli", "worker"]
    environment = {**os.environ, OFFICE_VARIABLE: str(settings.folder.resolve())}
    closing = threading.Event()
    running = [subprocess.Popen(command, env=environment) for _ in range(count)]

    def watch() -> None:
        while not closing.wait(RESTART_SECONDS):
            for place, process in enumerate(running):
                if process.poll() is not None:
                    running[place] = subprocess.Popen(command, env=environment)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        closing.set()
        watcher.join()
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(CLOSING_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()  # its lease ends, and another worker does the item again
