"""The examples in the docstrings of the face run on a small catalog,
and say what they say but for its numbers.
"""

import doctest
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import obcat
from obcat import db

pytestmark = pytest.mark.slow
NUMBER = re.compile(r"\d+-\w+-\d\d-\d\d\d|\d[\d,]*(?:\.\d+)?")  # or the name of a spectrum


class SameButNumbers(doctest.OutputChecker):
    """A small survey has other counts and other stars than the one that the examples show."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return super().check_output(NUMBER.sub("0", want), NUMBER.sub("0", got), optionflags)


def failures(shown: Any) -> list[str]:
    """What is said of every example of an object, and of its methods, that fails."""
    said: list[str] = []
    runner = doctest.DocTestRunner(SameButNumbers(), optionflags=doctest.NORMALIZE_WHITESPACE)
    tests = doctest.DocTestFinder(exclude_empty=True).find(shown, module=False, globs={})
    assert sum(len(test.examples) for test in tests) > 0
    for test in tests:
        runner.run(test, out=said.append)
    return said


@pytest.fixture(scope="module")
def folder(first, tmp_path_factory) -> Path:
    """A folder with build/simulated, as the two commands of the README leave it."""
    made = tmp_path_factory.mktemp("examples") / "build" / "simulated"
    shutil.copytree(first.folder, made)
    with db.connect(made / "obcat.duckdb") as con:
        con.execute("UPDATE meta.survey SET name = 'simulated'")
    return made.parents[1]


@pytest.mark.parametrize("name", ["open", "predict", "Catalog", "Spectrum"])
def test_every_example_runs(folder, name, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    assert "".join(failures(getattr(obcat, name))) == ""


def wrong() -> None:
    """
    >>> f"{1} star"
    '2 stars'
    """


def broken() -> None:
    """
    >>> 1 / 0
    """


@pytest.mark.parametrize("shown", [wrong, broken])
def test_an_example_that_fails_is_seen(shown):
    assert len(failures(shown)) == 1
