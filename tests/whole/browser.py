"""Chromium, driven through pipes, with everything that a page asks for, says or breaks kept."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
FROM_HERE = ("file:", "blob:", "data:")


@dataclass
class Opened:
    """A page that is ready; addresses it asked for, those its policy stopped,
    errors of its script and console.
    """

    page: Any
    stopped: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def chromium() -> str:
    """Path of the browser, or a skipped test."""
    pytest.importorskip("playwright", reason="playwright (Python) is not installed")
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if not found:
        pytest.skip(f"no browser here: none of {', '.join(NAMES)} is installed")
    return found


@contextmanager
def launched() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    path = chromium()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=ARGS)
        yield browser
        browser.close()


def open_page(browser: Any, path: Path, **context: Any) -> Opened:
    """Load a page from its file, as a double click does,
    and wait until it says that it is ready.
    """
    page = browser.new_context(
        **({"viewport": {"width": 1400, "height": 1000}} | context)
    ).new_page()
    opened = Opened(page)
    page.context.on("request", lambda request: opened.requests.append(request.url))
    page.on(
        "requestfailed",
        lambda failed: opened.stopped.append(failed.url) if failed.failure == "csp" else None,
    )
    page.on("pageerror", lambda error: opened.faults.append(str(error)))
    page.on(
        "console", lambda said: opened.faults.append(said.text) if said.type == "error" else None
    )
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]", timeout=60_000)
    return opened


def left_the_page(opened: Opened) -> list[str]:
    return [address for address in opened.requests if not address.startswith(FROM_HERE)]
