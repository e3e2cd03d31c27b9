"""Servers that misbehave below HTTP: each connection is given to a function with the bare socket."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Behaviour = Callable[[socket.socket], None]


@contextmanager
def wire(behaviour: Behaviour) -> Iterator[str]:
    """The address, 127.0.0.1:PORT, at which each connection is given to `behaviour`; it is closed when that returns."""
    listener = socket.create_server(("127.0.0.1", 0))
    running = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            behaviour(connection)

    def accept() -> None:
        with suppress(OSError):
            while not running.is_set():
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        running.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def request_of(connection: socket.socket) -> bytes:
    """The body of one HTTP request; b"" when there comes none any more."""
    received = bytearray()
    while b"\r\n\r\n" not in received:
        if not (piece := connection.recv(65536)):
            return b""
        received += piece
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0]) and (piece := connection.recv(65536)):
        body += piece
    return body


def dripped(content: bytes, *, pause: float = 0.05) -> Behaviour:
    """The bytes one by one, for ever as far as a caller is concerned."""

    def behaviour(connection: socket.socket) -> None:
        request_of(connection)
        for each in content:
            connection.sendall(bytes([each]))
            time.sleep(pause)

    return behaviour


def told(head: str, body: bytes = b"") -> Behaviour:
    """One answer, as it is."""

    def behaviour(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)

    return behaviour


def silent(connection: socket.socket) -> None:
    """Takes the connection and says nothing."""
    connection.recv(1)
    time.sleep(30)


def endless(connection: socket.socket) -> None:
    """Bytes without end, as fast as they are taken."""
    request_of(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + bytes(0x10000) + b"\r\n")
