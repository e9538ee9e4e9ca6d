"""Hosts that do what no archive should: raw sockets, one act for every connection."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Act = Callable[["Line"], None]
BIT = 0.05  # seconds between the bits of what drips


@dataclass
class Host:
    """``asked``: what came, a request each; ``sent``: bytes that went out in all."""

    url: str = ""
    asked: list[bytes] = field(default_factory=list)
    sent: int = 0
    over: threading.Event = field(default_factory=threading.Event)


class Line:
    """One connection to a client."""

    def __init__(self, host: Host, sock: socket.socket) -> None:
        self.host, self.sock = host, sock

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)
        self.host.sent += len(data)

    def ever(self, data: bytes, *, drip: bool = False) -> None:
        """Again and again, until the client has gone or the test is over."""
        while not self.host.over.is_set():
            self.send(data)
            if drip:
                self.host.over.wait(BIT)

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def head(status: str = "200 OK", *lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *lines, "")).encode()


def whole(body: bytes, *lines: str, status: str = "200 OK") -> Act:
    return lambda line: line.send(
        head(status, f"Content-Length: {len(body)}", "Connection: close", *lines) + body
    )


@contextmanager
def hosting(act: Act) -> Iterator[Host]:
    """A host on loopback that does ``act`` with every connection."""
    host = Host()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        host.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        threading.Thread(target=_accepted, args=(host, listening, act), daemon=True).start()
        try:
            yield host
        finally:
            host.over.set()
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)


def _accepted(host: Host, listening: socket.socket, act: Act) -> None:
    with suppress(OSError):
        while True:
            sock, _ = listening.accept()
            threading.Thread(target=_answered, args=(host, sock, act), daemon=True).start()


def _answered(host: Host, sock: socket.socket, act: Act) -> None:
    with sock, suppress(OSError):
        sock.settimeout(20)
        host.asked.append(sock.recv(1 << 16))
        act(Line(host, sock))
