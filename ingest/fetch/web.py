"""The wire: sessions that retry politely, answers read whole within caps and deadlines, secrets kept out of logs."""

import io
import re
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from obcat import __version__
from obcat.ingest.fetch.errors import Failed
from obcat.ingest.fetch.recipe import Limits

__all__ = ["Answer", "answered", "get", "http_session", "pause", "redacted"]

BUSY = (429, 500, 502, 503, 504)  # a later try may succeed
CHUNK = 1 << 16
SECRET = re.compile(r"(?i)(token|key|password)=[^&\s'\"]+")


class Answer(NamedTuple):
    """The body of an answer and what the ledger says of it."""

    body: bytes
    url: str
    http: int
    tries: int
    seconds: float
    read: Any = None  # what the check of the body gave


class Adapter(HTTPAdapter):
    """Time limits on every request. ``whole``: every body is read at once, within limits of size and time, and asked
    for again if it breaks off, whatever the client makes of it afterwards."""

    def __init__(self, limits: Limits, whole: bool) -> None:
        self.limits, self.whole = limits, whole
        super().__init__(max_retries=_retries(limits), pool_maxsize=limits.workers + 2)

    def send(self, request: requests.PreparedRequest, **named: Any) -> requests.Response:  # type: ignore[override]
        given = named.get("timeout")
        named["timeout"] = given if isinstance(given, tuple) else (self.limits.connect, given or self.limits.read)
        for tried in range(1, self.limits.tries + 1):
            response = super().send(request, **named | {"stream": True})
            try:
                return self._read(response) if self.whole else response
            except Failed as error:
                if tried == self.limits.tries or error.reason != "no_answer":
                    raise
            pause(self.limits, tried)
        raise AssertionError("tries is at least 1")

    def _read(self, response: requests.Response) -> requests.Response:
        with response:
            body = _body(response, self.limits.table_cap, time.monotonic() + self.limits.download)
        response._content = body
        response.raw = HTTPResponse(
            io.BytesIO(body), response.headers, response.status_code, preload_content=False, decode_content=False
        )
        return response


def _retries(limits: Limits) -> Retry:
    return Retry(
        total=limits.tries - 1,
        backoff_factor=limits.backoff,
        backoff_jitter=limits.backoff,
        status_forcelist=BUSY,
        allowed_methods=None,
        respect_retry_after_header=True,
        retry_after_max=int(limits.retry_after_most),
        raise_on_status=False,
    )


def http_session(limits: Limits, base: requests.Session | None = None, *, whole: bool = False) -> requests.Session:
    """A session, or an archive client's own, with our limits; redirects are few, so that a loop ends."""
    made = base or requests.Session()
    made.max_redirects = 5
    made.headers["User-Agent"] = f"obcat/{__version__} {made.headers['User-Agent']}"
    made.headers["Accept-Encoding"] = "identity"
    for scheme in ("http://", "https://"):
        made.mount(scheme, Adapter(limits, whole))
    return made


def redacted(text: str) -> str:
    """Without the values of tokens, keys and passwords."""
    return SECRET.sub(r"\1=…", text)


def pause(limits: Limits, tried: int) -> None:
    time.sleep(min(limits.backoff * 2 ** (tried - 1), limits.retry_after_most))


def get(http: requests.Session, url: str, limits: Limits, cap: int, check: Callable[[bytes], object]) -> Answer:
    """The body at ``url``, asked for again while it breaks off or ``check`` finds it damaged.

    Raises Failed: no_answer, refused, not_found, too_large, deadline, or what ``check`` raised last.
    """
    for tried in range(1, limits.tries + 1):
        try:
            answer = _once(http, url, limits, cap)
            return answer._replace(tries=tried, read=check(answer.body))
        except Failed as error:
            if tried == limits.tries or error.reason not in ("no_answer", "damaged", "html"):
                raise
        pause(limits, tried)
    raise AssertionError("tries is at least 1")


def _once(http: requests.Session, url: str, limits: Limits, cap: int) -> Answer:
    started = time.monotonic()
    try:
        with http.get(url, stream=True) as response:
            answered(response)
            body = _body(response, cap, time.monotonic() + limits.download)  # waiting for Retry-After is not its time
    except requests.RequestException as error:
        raise Failed("no_answer", f"{redacted(url)}: {kind(error)}") from error
    return Answer(body, redacted(url), response.status_code, 1, time.monotonic() - started)


def answered(response: requests.Response) -> None:
    """Raises Failed unless the status says that this is the answer."""
    if response.status_code in (404, 410):
        raise Failed("not_found", f"{redacted(response.url)}: HTTP {response.status_code}")
    if response.status_code != 200:
        raise Failed("refused", f"{redacted(response.url)}: HTTP {response.status_code}")


def _body(response: requests.Response, cap: int, deadline: float) -> bytes:
    """All of it; read1 gives what has come, so that a server that sends a byte now and then meets the deadline."""
    parts, size = [], 0
    try:
        while part := response.raw.read1(CHUNK, decode_content=True):
            parts.append(part)
            size += len(part)
            if size > cap:
                raise Failed("too_large", f"{redacted(response.url)}: more than {cap:,} bytes")
            if time.monotonic() > deadline:
                raise Failed("deadline", f"{redacted(response.url)}: still sending after {size:,} bytes")
    except HTTPError as error:
        raise Failed("no_answer", f"{redacted(response.url)}: {kind(error)}") from error
    return b"".join(parts)


def kind(error: BaseException) -> str:
    """The innermost reason of a client's error, short and without secrets."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return redacted(f"{type(error).__name__} {error}".strip())[:160]
