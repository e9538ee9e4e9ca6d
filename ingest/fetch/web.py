"""The wire: one deadline, one cap and one number of tries for all that it takes to get an answer.

An exchange is what is asked for once: redirects, tries, every byte from the first status line
to the last trailer, counted and timed at the socket, below the HTTP library: nothing escapes.
"""

import http.client
import io
import ipaddress
import re
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection
from urllib3.util.retry import Retry

from obcat._version import __version__
from obcat.ingest.errors import Failed
from obcat.ingest.fetch.recipe import Limits

__all__ = ["AGAIN", "Answer", "answered", "exchange", "get", "http_session", "kind", "redacted"]

BUSY = (429, 500, 502, 503, 504)  # a later try may succeed
AGAIN = ("no_answer", "damaged", "html")  # the next answer may be whole
CHUNK = 1 << 16  # bytes
ERROR_BODY = 1 << 16  # bytes of an answer with an error status that are read, for what it says
SECRET = re.compile(r"(?i)(token|key|password)=[^&\s'\"]+")
ENTITY = tuple("<!ENTITY".encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be"))


class Answer(NamedTuple):
    """The body of an answer and what the ledger says of it."""

    body: bytes
    url: str
    http: int
    tries: int
    seconds: float
    read: Any = None  # what the check of the body gave


class _Exchange:
    """Seconds, bytes and tries left to what is asked for; ``named``: the hosts of the survey."""

    def __init__(self, where: str, limits: Limits, cap: int) -> None:
        self.where, self.limits, self.cap = redacted(where), limits, cap
        self.named: frozenset[tuple[str, int]] = frozenset()
        self.size, self.tried = 0, 1
        self.deadline = time.monotonic() + limits.download

    def left(self, most: float | None) -> float:
        """Seconds that may still be waited, at most ``most``. Raises Failed: deadline."""
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise Failed("deadline", f"{self.where}: still sending after {self.size:,} bytes")
        return seconds if most is None else min(seconds, most)

    def took(self, size: int) -> None:
        """Raises Failed: too_large."""
        self.size += size
        if self.size > self.cap:
            raise Failed("too_large", f"{self.where}: more than {self.cap:,} bytes")

    def again(self, error: Exception | None, wait: float | None = None) -> None:
        """Wait, on the host's time, for the next try; ``error`` where none is left."""
        if self.tried >= self.limits.tries and error:
            raise error
        pause = self.limits.backoff * 2 ** (self.tried - 1) if wait is None else wait
        pause = min(pause, self.limits.retry_after_most)
        self.tried += 1
        self.deadline += pause
        time.sleep(pause)

    def check_host(self, host: str, port: int, address: str) -> None:
        """Failed: refused, where a host not named by the survey is none of the public net."""
        ip = ipaddress.ip_address(address.partition("%")[0])
        inner = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None) or ip
        if not (ip.is_global and inner.is_global) and (host.lower(), port) not in self.named:
            raise Failed(
                "refused",
                f"{self.where}: leads to {host}:{port}, a private address not in [fetch.hosts]",
            )


EXCHANGE: ContextVar[_Exchange] = ContextVar("EXCHANGE")


@contextmanager
def exchange(where: str, limits: Limits, cap: int) -> Iterator[_Exchange]:
    """The exchange that is under way, or a new one."""
    if under_way := EXCHANGE.get(None):
        yield under_way
        return
    token = EXCHANGE.set(made := _Exchange(where, limits, cap))
    try:
        yield made
    finally:
        EXCHANGE.reset(token)


# ---- at the socket


class _Metered(io.RawIOBase):
    """The bytes that come, counted against the exchange they belong to."""

    def __init__(self, raw: Any, sock: socket.socket) -> None:
        self._raw, self._sock = raw, sock
        self._most, self._exchange = sock.gettimeout(), EXCHANGE.get()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._exchange.left(self._most))
        try:
            size = self._raw.readinto(buffer)
        except TimeoutError:
            self._exchange.left(None)
            raise
        self._exchange.took(size)
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *given: Any, **named: Any) -> None:
        super().__init__(sock, *given, **named)
        self.fp = io.BufferedReader(_Metered(self.fp.detach(), sock))  # type: ignore[attr-defined]


class _Connection(HTTPConnection):
    response_class = _Response

    def _new_conn(self) -> socket.socket:
        return _connected(self)


class _SecureConnection(HTTPSConnection):
    response_class = _Response

    def _new_conn(self) -> socket.socket:
        return _connected(self)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


def _connected(to: HTTPConnection) -> socket.socket:
    """A socket to the first address that answers; what a user's proxy reaches is its own matter."""
    under_way = EXCHANGE.get()
    most = float(to.timeout) if isinstance(to.timeout, int | float) else under_way.limits.connect
    failure: OSError = OSError("the name has no address")
    for address in _addresses(to, under_way.left(most)):
        if not to.proxy:
            under_way.check_host(to.host, to.port, address)
        try:
            at, seconds = (address, to.port), under_way.left(most)
            return create_connection(at, seconds, to.source_address, to.socket_options)
        except OSError as error:
            failure = error
    raise NewConnectionError(to, f"{type(failure).__name__} {failure}") from failure


def _addresses(to: HTTPConnection, seconds: float) -> list[str]:
    """Of the host; the system's resolver knows no time limit, so it is waited for from outside."""
    found: list[list[str] | OSError] = []

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(to._dns_host, to.port, type=socket.SOCK_STREAM)
            found.append([str(answer[4][0]) for answer in answers])
        except (OSError, UnicodeError) as error:
            found.append(error if isinstance(error, OSError) else OSError(str(error)))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds)
    answer = found[0] if found else OSError("the resolver gave no answer")
    if isinstance(answer, OSError):
        raise NameResolutionError(to.host, to, answer) from answer  # type: ignore[arg-type]
    return list(dict.fromkeys(answer))


# ---- requests


class _Adapter(HTTPAdapter):
    """Every request within its exchange. ``whole``: bodies are read at once, for clients."""

    def __init__(self, limits: Limits, named: frozenset[tuple[str, int]], whole: bool) -> None:
        self.limits, self.named, self.whole = limits, named, whole
        super().__init__(pool_maxsize=limits.workers + 2)

    def init_poolmanager(self, *given: Any, **named: Any) -> None:
        super().init_poolmanager(*given, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, proxy: str, **named: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **named)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager

    def send(  # type: ignore[override]
        self, request: requests.PreparedRequest, **named: Any
    ) -> requests.Response:
        given = named.get("timeout") or self.limits.read
        named["timeout"] = given if isinstance(given, tuple) else (self.limits.connect, given)
        with exchange(str(request.url), self.limits, self.limits.table_cap) as under_way:
            under_way.named = self.named
            while True:
                try:
                    response = super().send(request, **named | {"stream": True})
                    if response.status_code not in BUSY or under_way.tried >= self.limits.tries:
                        return self._read(response, under_way)
                    response.close()
                    under_way.again(None, _retry_after(response))
                except (requests.ConnectionError, requests.Timeout) as error:
                    under_way.again(error)
                except Failed as error:
                    if error.reason != "no_answer":
                        raise
                    under_way.again(error)

    def _read(self, response: requests.Response, under_way: _Exchange) -> requests.Response:
        """Of a redirect nothing is read; of an error, for clients, what they may quote."""
        if response.is_redirect or (response.status_code != 200 and not self.whole):
            response.close()
            return _with_body(response, b"", raw=response.is_redirect)
        if response.status_code != 200:
            return _with_body(response, _some_body(response))
        if not self.whole:
            return response
        with response:
            body = _body(response, under_way)
        if any(word in body for word in ENTITY):
            raise Failed(
                "damaged", f"{under_way.where}: declares XML entities, which no archive does"
            )
        return _with_body(response, body)


def _with_body(response: requests.Response, body: bytes, *, raw: bool = False) -> requests.Response:
    """As if ``body`` had come; ``raw``: what came stays beside it, for its cookies."""
    response.headers.pop("Content-Encoding", None)
    response._content, response._content_consumed = body, True  # type: ignore[attr-defined]
    if not raw:
        response.raw = HTTPResponse(
            io.BytesIO(body),
            response.headers,
            response.status_code,
            preload_content=False,
            decode_content=False,
        )
    return response


def _retry_after(response: requests.Response) -> float | None:
    """Seconds that a busy host asks for, if it says so in a way that can be understood."""
    try:
        return Retry().get_retry_after(response.raw)
    except (HTTPError, ValueError, OverflowError):
        return None


def _body(response: requests.Response, under_way: _Exchange) -> bytes:
    """All of it; read1 gives what has come, so that a dripping server meets the deadline."""
    parts = []
    try:
        while part := response.raw.read1(CHUNK, decode_content=False):
            parts.append(part)
    except (HTTPError, OSError) as error:
        raise Failed("no_answer", f"{redacted(response.url)}: {kind(error)}") from error
    return _unpacked(b"".join(parts), response.headers.get("Content-Encoding", ""), under_way)


def _some_body(response: requests.Response) -> bytes:
    """The first bytes of an answer with an error status, as far as they come."""
    body = b""
    try:
        with response:
            while len(body) < ERROR_BODY and (
                part := response.raw.read1(CHUNK, decode_content=False)
            ):
                body += part
    except (HTTPError, OSError, Failed):
        pass
    return body[:ERROR_BODY]


def _unpacked(body: bytes, coding: str, under_way: _Exchange) -> bytes:
    """Hosts are asked for plain bodies; one that packs does so once, and with gzip."""
    coding, where = coding.strip().lower(), under_way.where
    if coding in ("", "identity"):
        return body
    if coding not in ("gzip", "x-gzip"):
        raise Failed("damaged", f"{where}: packed with {coding[:40]!r}, which was not asked for")
    stream = zlib.decompressobj(wbits=31)
    try:
        content = stream.decompress(body, under_way.cap + 1)
    except zlib.error as error:
        raise Failed("damaged", f"{where}: {kind(error)}") from error
    if len(content) > under_way.cap:
        raise Failed("too_large", f"{where}: unpacks to more than {under_way.cap:,} bytes")
    if not stream.eof or stream.unused_data:
        raise Failed("damaged", f"{where}: packed with gzip, and not one whole stream")
    return content


def http_session(
    limits: Limits,
    named: Iterable[str],
    base: requests.Session | None = None,
    *,
    whole: bool = False,
) -> requests.Session:
    """A session, or an archive client's own, with our limits; few redirects, so a loop ends.

    ``named``: addresses that the survey gives, the only ones that may be in a private net."""
    made = base or requests.Session()
    made.max_redirects = 5
    made.headers["User-Agent"] = f"obcat/{__version__} {made.headers['User-Agent']}"
    made.headers["Accept-Encoding"] = "identity"
    for scheme in ("http://", "https://"):
        made.mount(scheme, _Adapter(limits, frozenset(map(_host_of, named)), whole))
    return made


def _host_of(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)


def redacted(text: str) -> str:
    """Without the values of tokens, keys and passwords."""
    return SECRET.sub(r"\1=…", text)


def get(
    http: requests.Session, url: str, limits: Limits, cap: int, check: Callable[[bytes], object]
) -> Answer:
    """The body at ``url``, asked for again while it breaks off or ``check`` finds it damaged.

    Raises Failed: no_answer, refused, not_found, too_large, deadline, or what ``check`` raised
    last."""
    with exchange(url, limits, cap) as under_way:
        while True:
            try:
                answer = _once(http, url, under_way)
                return answer._replace(tries=under_way.tried, read=check(answer.body))
            except Failed as error:
                if error.reason not in AGAIN:
                    raise
                under_way.again(error)


def _once(http: requests.Session, url: str, under_way: _Exchange) -> Answer:
    started = time.monotonic()
    try:
        with http.get(url, stream=True) as response:
            answered(response)
            body = _body(response, under_way)
    except (requests.RequestException, HTTPError, ValueError) as error:  # where a redirect leads
        raise Failed("no_answer", f"{redacted(url)}: {kind(error)}") from error
    return Answer(body, redacted(url), response.status_code, 1, time.monotonic() - started)


def answered(response: requests.Response) -> None:
    """Raises Failed unless the status says that this is the answer."""
    if response.status_code in (404, 410):
        raise Failed("not_found", f"{redacted(response.url)}: HTTP {response.status_code}")
    if response.status_code != 200:
        raise Failed("refused", f"{redacted(response.url)}: HTTP {response.status_code}")


def kind(error: BaseException) -> str:
    """The innermost reason of a client's error, short and without secrets."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return redacted(f"{type(error).__name__} {error}".strip())[:160]
