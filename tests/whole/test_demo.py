"""`obcat demo`: from nothing to a catalog that can be asked, in one command."""

import shlex

import pytest

from tests.whole.small import obcat

pytestmark = pytest.mark.slow


def test_it_says_how_to_ask_the_catalog_that_it_made(tmp_path):
    done = obcat("demo", "sky of mine", "--stars", "12", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    where, ask = done.stderr.splitlines()[-2:]
    assert "SIMULATED" in where
    assert (tmp_path / "sky of mine" / "simulated" / "obcat.duckdb").is_file()
    asked = obcat(*shlex.split(ask)[1:], cwd=tmp_path)
    assert asked.returncode == 0, asked.stderr
    assert len(asked.stdout.splitlines()) == 6
    again = obcat("demo", "sky of mine", "--stars", "12", cwd=tmp_path)
    assert "nothing has changed" in again.stderr
