"""Progress: nothing on stdout, nothing for what is quick,
a plain line now and then where no terminal is.
"""

import sys

import pytest

from obcat import progress as module
from obcat.progress import progress


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_quiet_before_two_seconds(clock, capsys):
    with progress("reading") as step:
        step(1, 10)
        clock[0] += 1.9
        step(2, 10)
    assert capsys.readouterr() == ("", "")


def test_a_line_after_two_seconds_then_every_ten(clock, capsys):
    with progress("reading") as step:
        for second in range(1, 24):
            clock[0] += 1
            step(second * 1000, 23000)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "reading: 2,000 of 23,000",
        "reading: 12,000 of 23,000",
        "reading: 22,000 of 23,000",
    ]


def test_a_bar_on_a_terminal_leaves_nothing_behind(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress("reading") as step:
        step(1, 2)
        step(2, 2)
    assert capsys.readouterr().out == ""


def test_an_error_passes_through():
    with pytest.raises(ValueError, match="x"), progress("reading"):
        raise ValueError("x")
