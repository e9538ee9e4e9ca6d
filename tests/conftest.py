import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def real() -> Path:
    """Folder of the real LAMOST spectra: $OBCAT_REAL, or shared/real beside the checkout."""
    folder = Path(os.environ.get("OBCAT_REAL", ROOT.parent / "shared" / "real"))
    if not (folder / "spectra").is_dir():
        pytest.skip(f"no real LAMOST spectra in {folder}: set OBCAT_REAL to their folder")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first, then those that build a catalog, lest one worker has them
    all at the end.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path not in slow, item.path.parent.name != "whole"))


@pytest.fixture(scope="session", autouse=True)
def _signals_reach_what_tests_start() -> Iterator[None]:
    """A shell in the background, or nohup, ignores signals;
    what it starts would inherit that, and no handler.
    """
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    ignored = [number for number in numbers if signal.getsignal(number) == signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, lambda *_: None)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture(scope="session", autouse=True)
def _nobody_waits_for_the_disk() -> Iterator[None]:
    """No test takes the power away, and thousands of files are written;
    what runs as a process of its own does wait.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", os.fstat)  # which refuses what is no open file, as fsync does
        yield
