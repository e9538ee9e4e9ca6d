"""Firefox and WebKit as they are installed, each spoken to by its own protocol: Marionette and
WebDriver.
"""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

WEBKIT = "/usr/lib/*/webkit2gtk-4.*/MiniBrowser"
PATIENCE = 30.0  # seconds that a browser has to come up
Run = Callable[[str], Any]


def _wanted(*names: str) -> list[str]:
    """Paths of the commands, or a skipped test."""
    for name in names:
        if not shutil.which(name):
            pytest.skip(f"{name} is not installed")
    return [str(shutil.which(name)) for name in names]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def _running(*command: str, **changes: str) -> Iterator[None]:
    process = subprocess.Popen(
        command, env=os.environ | changes, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _patiently(attempt: Callable[[], Any]) -> Any:
    """What it gives once it raises no OSError any more."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return attempt()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def _said(stream: Any) -> Any:
    """A message: its length, a colon, JSON."""
    size = b""
    while not size.endswith(b":"):
        size += stream.read(1)
    return json.loads(stream.read(int(size[:-1])))


@contextmanager
def firefox(page: Path, folder: Path) -> Iterator[Run]:
    """A function that runs a script's body in the page, opened from its file, and returns what it
    returns.
    """
    (command,) = _wanted("firefox-esr")
    port = _free_port()
    (folder / "user.js").write_text(f'user_pref("marionette.port", {port});\n')
    with ExitStack() as stack:
        arguments = ("--headless", "--marionette", "--no-remote", "--profile", str(folder))
        stack.enter_context(_running(command, *arguments, HOME=str(folder)))
        link = _patiently(lambda: socket.create_connection(("127.0.0.1", port), timeout=90))
        stream = stack.enter_context(stack.enter_context(link).makefile("rwb"))
        _said(stream)

        def ask(name: str, **given: Any) -> Any:
            text = json.dumps([0, 1, name, given]).encode()
            stream.write(b"%d:%s" % (len(text), text))
            stream.flush()
            _, _, error, result = _said(stream)
            assert error is None, error
            return result

        ask("WebDriver:NewSession", capabilities={})
        ask("WebDriver:Navigate", url=page.as_uri())
        yield lambda script: ask("WebDriver:ExecuteScript", script=script, args=[])["value"]
        ask("Marionette:Quit", flags=["eForceQuit"])


@contextmanager
def webkit(page: Path, folder: Path) -> Iterator[Run]:
    """The same in WebKit, on a display of its own."""
    driver, screen = _wanted("WebKitWebDriver", "Xvfb")
    browsers = sorted(Path("/").glob(WEBKIT[1:]))
    if not browsers:
        pytest.skip("WebKit's MiniBrowser is not installed")
    port, display = _free_port(), f":{100 + os.getpid() % 10_000}"
    with ExitStack() as stack:
        stack.enter_context(_running(screen, display, "-screen", "0", "1400x1000x24"))
        plain = {"WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1", "LIBGL_ALWAYS_SOFTWARE": "1"}
        home = {"DISPLAY": display, "HOME": str(folder)}
        stack.enter_context(_running(driver, "-p", str(port), **plain, **home))

        def ask(method: str, path: str, **given: Any) -> Any:
            body = json.dumps(given).encode() if method == "POST" else None
            request = Request(f"http://127.0.0.1:{port}/session{path}", body, method=method)
            with urlopen(request, timeout=90) as answer:
                return json.load(answer)["value"]

        options = {"binary": str(browsers[0]), "args": ["--automation"]}
        wanted = {"alwaysMatch": {"webkitgtk:browserOptions": options}}
        session = _patiently(lambda: ask("POST", "", capabilities=wanted))["sessionId"]
        ask("POST", f"/{session}/url", url=page.as_uri())
        yield lambda script: ask("POST", f"/{session}/execute/sync", script=script, args=[])
        ask("DELETE", f"/{session}")
