"""The wire: whatever a host does, an answer is whole within its deadline and cap,
or it is refused by name.
"""

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from obcat.ingest.errors import Failed
from obcat.ingest.fetch import web
from obcat.ingest.fetch.archives import _asked
from obcat.ingest.fetch.recipe import Limits
from tests.fetch.hosts import Act, Host, head, hosting, whole

LIMITS = Limits(connect=0.5, read=0.4, download=1.1, tries=2, backoff=0.01, retry_after_most=0.1)
# where nothing but the end is waited for
HASTY = Limits(connect=0.4, read=0.4, download=0.5, tries=2, backoff=0.01)
CAP = 1_000_000
BUFFERED = 12_000_000  # bytes that the kernel takes from a host although nobody reads them
HANGS = 15.0  # seconds
BODY = b"what was asked for" * 100
CLOSE = "Connection: close"
CHUNKED = "Transfer-Encoding: chunked"


def answer(call: Callable[[], Any]) -> Any:
    """What a call gives or raises; one that runs on fails the test in place of stopping all of
    them.
    """
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(call())
        except Failed as error:
            found.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(HANGS)
    assert found, "no end"
    return found[0]


def check(body: bytes) -> None:
    if body != BODY:
        raise Failed("damaged", f"{len(body)} other bytes")


def file_from(host: Host, path: str = "/x", limits: Limits = LIMITS) -> Any:
    with web.http_session(limits, [host.url]) as http:
        return answer(lambda: web.get(http, host.url + path, limits, CAP, check))


def client_of(host: Host, path: str = "/x", given: Limits = LIMITS) -> Any:
    """As an archive's client asks: it reads the body itself, and follows where it is led."""
    limits = Limits(
        **{name: getattr(given, name) for name in given.__struct_fields__} | {"table_cap": CAP}
    )

    def ask() -> bytes:
        response = http.get(host.url + path)
        web.answered(response)
        check(response.content)
        return response.content

    with web.http_session(limits, [host.url], whole=True) as http:
        return answer(lambda: _asked(ask, host.url, limits))


HEAD = head("200 OK", CLOSE)
ENDLESS: dict[str, tuple[Act, str]] = {
    "status line": (
        lambda line: (line.send(b"HTTP/1.1 2"), line.ever(b"0", drip=True)),
        "deadline",
    ),
    "header": (
        lambda line: (line.send(b"HTTP/1.1 200 OK\r\nX-A: "), line.ever(b"a", drip=True)),
        "deadline",
    ),
    "headers": (
        lambda line: (line.send(b"HTTP/1.1 200 OK\r\n"), line.ever(b"X: y\r\n", drip=True)),
        "deadline",
    ),
    "body": (lambda line: (line.send(HEAD), line.ever(b"a", drip=True)), "deadline"),
    "sized body": (
        lambda line: (
            line.send(head("200 OK", "Content-Length: 99999")),
            line.ever(b"a", drip=True),
        ),
        "deadline",
    ),
    "chunks": (
        lambda line: (line.send(head("200 OK", CHUNKED)), line.ever(b"1\r\na\r\n", drip=True)),
        "deadline",
    ),
    "chunk size": (
        lambda line: (line.send(head("200 OK", CHUNKED)), line.ever(b"0", drip=True)),
        "deadline",
    ),
    "chunk extension": (
        lambda line: (line.send(head("200 OK", CHUNKED) + b"1;"), line.ever(b"a", drip=True)),
        "deadline",
    ),
    "trailers": (
        lambda line: (
            line.send(head("200 OK", CHUNKED) + b"0\r\n"),
            line.ever(b"X: y\r\n", drip=True),
        ),
        "deadline",
    ),
    "100 Continue": (
        lambda line: line.ever(b"HTTP/1.1 100 Continue\r\n\r\n", drip=True),
        "deadline",
    ),
    "quick 100 Continue": (
        lambda line: line.ever(b"HTTP/1.1 100 Continue\r\n\r\n" * 2000),
        "too_large",
    ),
    "quick trailers": (
        lambda line: (line.send(head("200 OK", CHUNKED) + b"0\r\n"), line.ever(b"X: y\r\n" * 5000)),
        "too_large",
    ),
    "quick body": (lambda line: (line.send(HEAD), line.ever(bytes(1 << 16))), "too_large"),
    "quick chunks": (
        lambda line: (
            line.send(head("200 OK", CHUNKED)),
            line.ever(b"10000\r\n" + bytes(1 << 16) + b"\r\n"),
        ),
        "too_large",
    ),
    "quick sized body": (
        lambda line: (
            line.send(head("200 OK", f"Content-Length: {'9' * 30}")),
            line.ever(bytes(1 << 16)),
        ),
        "too_large",
    ),
    "silence": (lambda line: line.host.over.wait(HANGS), "no_answer"),
}
LASTING: dict[str, tuple[Act, str]] = {
    "quick header": (
        lambda line: (line.send(b"HTTP/1.1 200 OK\r\nX: "), line.ever(b"a" * 65536)),
        "no_answer",
    ),
    "quick headers": (
        lambda line: (line.send(b"HTTP/1.1 200 OK\r\n"), line.ever(b"X: y\r\n" * 5000)),
        "no_answer",
    ),
    "quick chunk size": (
        lambda line: (line.send(head("200 OK", CHUNKED)), line.ever(b"0" * 65536)),
        "no_answer",
    ),
    "quick chunk extension": (
        lambda line: (line.send(head("200 OK", CHUNKED) + b"1;"), line.ever(b"a" * 65536)),
        "no_answer",
    ),
    "quick 404": (
        lambda line: (line.send(head("404 No", CLOSE)), line.ever(bytes(1 << 16))),
        "not_found",
    ),
    "quick 403": (
        lambda line: (line.send(head("403 No", CLOSE)), line.ever(bytes(1 << 16))),
        "refused",
    ),
    "quick 503": (
        lambda line: (line.send(head("503 Busy", CLOSE)), line.ever(bytes(1 << 16))),
        "refused",
    ),
    "quick trailer": (
        lambda line: (line.send(head("200 OK", CHUNKED) + b"0\r\nX: "), line.ever(b"a" * 65536)),
        "no_answer",
    ),
    "reset": (lambda line: line.reset(), "no_answer"),
    "reset in the body": (
        lambda line: (line.send(head("200 OK", "Content-Length: 1800") + BODY[:100]), line.reset()),
        "no_answer",
    ),
    "cut": (
        lambda line: line.send(head("200 OK", "Content-Length: 1800") + BODY[:100]),
        "no_answer",
    ),
    "cut chunk": (
        lambda line: line.send(head("200 OK", CHUNKED) + b"708\r\n" + BODY[:100]),
        "no_answer",
    ),
    "chunks without end": (
        lambda line: line.send(head("200 OK", CHUNKED) + b"708\r\n" + BODY + b"\r\n"),
        "no_answer",
    ),
    "chunk size that is none": (
        lambda line: line.send(head("200 OK", CHUNKED) + b"zz\r\n" + BODY + b"\r\n0\r\n\r\n"),
        "no_answer",
    ),
    "two lengths": (
        lambda line: line.send(
            head("200 OK", "Content-Length: 100", "Content-Length: 1800") + BODY
        ),
        "no_answer",
    ),
    "shorter length": (
        lambda line: line.send(head("200 OK", "Content-Length: 100", CLOSE) + BODY),
        "damaged",
    ),
    "negative length": (
        lambda line: line.send(head("200 OK", "Content-Length: -5", CLOSE) + BODY[5:]),
        "damaged",
    ),
    "noise": (lambda line: line.send(bytes(range(256)) * 20), "no_answer"),
    "HTTP/0.9": (lambda line: line.send(b"<html>of old\n"), "no_answer"),
    "packed bomb": (whole(gzip.compress(bytes(CAP + 1)), "Content-Encoding: gzip"), "too_large"),
    "packed twice": (
        whole(gzip.compress(gzip.compress(BODY)), "Content-Encoding: gzip, gzip"),
        "damaged",
    ),
    "packed 3000 times": (
        whole(b"x", f"Content-Encoding: {', '.join(['gzip'] * 3000)}"),
        "damaged",
    ),
    "packed otherwise": (whole(zlib.compress(BODY), "Content-Encoding: deflate"), "damaged"),
    "packed and cut": (whole(gzip.compress(BODY)[:-4], "Content-Encoding: gzip"), "damaged"),
    "packed, and more": (whole(gzip.compress(BODY) + b"more", "Content-Encoding: gzip"), "damaged"),
    "said to be packed": (whole(BODY, "Content-Encoding: gzip"), "damaged"),
    "busy for ever": (whole(b"", "Retry-After: 99999999999", status="429 Slow"), "refused"),
    "busy until noon": (whole(b"", "Retry-After: noon", status="429 Slow"), "refused"),
}


@pytest.mark.parametrize("how", [file_from, client_of])
@pytest.mark.parametrize("fault", ENDLESS | LASTING)
def test_an_answer_that_is_none(fault, how):
    act, reason = (ENDLESS | LASTING)[fault]
    started = time.monotonic()
    with hosting(act) as host:
        error = how(host, "/x", HASTY if reason == "deadline" else LIMITS)
    assert isinstance(error, Failed)
    assert error.reason == reason, error
    assert time.monotonic() - started < 5.0
    assert host.sent < BUFFERED
    assert len(host.asked) <= LIMITS.tries


ERROR_BODIES: dict[str, Act] = {
    f"{how} {status}": (
        lambda line, status=status, how=how: (
            line.send(head(status, "Location: /y", CLOSE)),
            line.ever(bytes(1 if how == "dripping" else 1 << 16), drip=how == "dripping"),
        )
    )
    for status in ("302 Found", "303 See Other", "308 Moved", "503 Busy", "429 Slow")
    for how in ("dripping", "quick")
}


@pytest.mark.parametrize("how", [file_from, client_of])
@pytest.mark.parametrize("fault", ERROR_BODIES)
def test_what_comes_with_a_redirect_or_a_busy_host_is_not_waited_for(fault, how):
    """The next request is answered, and well."""
    with hosting(
        lambda line: (ERROR_BODIES[fault] if len(line.host.asked) == 1 else whole(BODY))(line)
    ) as host:
        found = how(host)
    assert not isinstance(found, Failed), found
    assert len(host.asked) == 2
    assert host.sent < BUFFERED


def test_packed_once_with_gzip_is_unpacked():
    with hosting(whole(gzip.compress(BODY), "Content-Encoding: gzip")) as host:
        assert file_from(host).body == BODY
        assert client_of(host) == BODY


def moved(to: str) -> Act:
    return lambda line: (
        whole(BODY)
        if b"GET /end" in line.host.asked[-1]
        else whole(b"", f"Location: {to}", status="302 Found")
    )(line)


@pytest.mark.parametrize(
    "to",
    [
        "file:///etc/hostname", "ftp://127.0.0.1/x", "data:,x", "http+unix://%2Frun%2Fx/", "http://[::1", "http://[::1]/",
        "http://127.0.0.1:99999/", "http://", "//", "http://.../", "http://x" + "y" * 300 + "/", "/x",
        "http://\N{SNOWMAN}\N{SNOWMAN}:x/",
    ],
)  # fmt: skip
@pytest.mark.parametrize("how", [file_from, client_of])
def test_a_redirect_to_nowhere(to, how):
    with hosting(moved(to)) as host:
        found = how(host)
    assert isinstance(found, Failed), found
    assert found.reason in ("no_answer", "refused")


PRIVATE = ["127.0.0.1", "localhost", "127.1", "2130706433", "0.0.0.0", "[::ffff:127.0.0.1]"]


@pytest.mark.parametrize("address", PRIVATE)
@pytest.mark.parametrize("how", [file_from, client_of])
def test_a_redirect_never_leads_into_a_private_net(address, how):
    """Whatever name the inside has: only what the survey names is asked."""
    with hosting(whole(BODY)) as inside:
        port = inside.url.rpartition(":")[2]
        with hosting(moved(f"http://{address}:{port}/inside")) as host:
            found = how(host)
    assert isinstance(found, Failed), found
    assert not inside.asked


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "10.1.2.3", "192.168.0.1", "[fd00::1]", "100.64.0.1", "[2002:7f00:1::]"],
)
def test_a_private_address_is_refused_before_it_is_asked(address):
    with hosting(moved(f"http://{address}/latest")) as host:
        found = file_from(host)
    assert (found.reason, "a private address" in found.detail) == ("refused", True)


def test_a_redirect_to_another_host_of_the_survey():
    with (
        hosting(whole(BODY)) as other,
        hosting(moved(f"{other.url}/end")) as host,
        web.http_session(LIMITS, [host.url, other.url]) as http,
    ):
        assert web.get(http, f"{host.url}/x", LIMITS, CAP, check).body == BODY


def test_nobody_accepts():
    """A host whose queue is full: connecting, nothing comes back."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        host = Host(url=f"http://127.0.0.1:{listening.getsockname()[1]}")
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(listening.getsockname())
        started = time.monotonic()
        error = file_from(host, limits=HASTY)
        for sock in waiting:
            sock.close()
    assert error.reason in ("no_answer", "deadline")
    assert time.monotonic() - started < 5.0


@pytest.mark.parametrize("act", [ENDLESS["silence"][0], lambda line: line.ever(b"\x16", drip=True)])
def test_a_handshake_without_end(act):
    with hosting(act) as host:
        host.url = host.url.replace("http:", "https:")
        started = time.monotonic()
        error = file_from(host, limits=HASTY)
    assert error.reason in ("no_answer", "deadline")
    assert time.monotonic() - started < 5.0


def test_a_resolver_without_end(monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **named: over.wait(HANGS) and [])
    started = time.monotonic()
    error = file_from(Host(url="http://archive.invalid"), limits=HASTY)
    over.set()
    assert error.reason in ("no_answer", "deadline")
    assert time.monotonic() - started < 5.0


def test_tries_share_the_deadline_and_the_cap():
    """Each try alone keeps within them."""
    most = {"n": 0}

    def part(line: Any) -> None:
        most["n"] += 1  # before it sends: the second try is cut while it does
        line.send(head("200 OK", "Content-Length: 900000") + bytes(600_000))

    limits = Limits(connect=0.5, read=0.4, download=5.0, tries=9, backoff=0.0)
    with hosting(part) as host, web.http_session(limits, [host.url]) as http:
        error = answer(lambda: web.get(http, host.url, limits, CAP, check))
    assert (error.reason, most["n"]) == ("too_large", 2)


def test_an_exchange_ends_with_its_call():
    with closing(web.http_session(LIMITS, [])), pytest.raises(LookupError):
        web.EXCHANGE.get()
