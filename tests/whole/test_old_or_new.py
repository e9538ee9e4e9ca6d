"""The old result or the new, whole:
where the n-th call of a kind fails, and where a command is killed at any moment.
"""

import errno
import fcntl
import hashlib
import io
import os
import random
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
from click.testing import CliRunner, Result

from obcat import files
from obcat.cli import main
from obcat.export import Published, release
from obcat.report import figures
from obcat.report.figures import FIGURES
from tests.figures import png_alone
from tests.whole.small import OBCAT, VARYING, Made, copy_build, csv_of, environment

pytestmark = pytest.mark.slow
CALLS = {
    "write": (io, ("open",), errno.ENOSPC),  # of Path.open, write_text and write_bytes
    "rename": (Path, ("rename", "replace"), errno.EIO),
    "mkdir": (Path, ("mkdir",), errno.ENOSPC),
    "fsync": (os, ("fsync",), errno.EIO),
    "flock": (fcntl, ("flock",), errno.EIO),
}
FULL = Path("/dev/full")  # opens as any file; what is written to it meets a full disk
SIMULATE = ("simulate", "--workers", "1", "--without", "supplement")
EVERY = 8  # of more than twice as many calls, for files all written alike: first, last, each eighth
KILLS = {"report": 2}  # of others 4; `python -m bench.kills` kills each command 15 times
# a report of one figure; the others are files as that is
SHORT = "from obcat.report import figures, page; page.figures_of = lambda _: figures.FIGURES[:1]; "


class Failing:
    """Fails the n-th call of a kind that touches ``place``; counts them. A file that is opened to
    write fails as it is written.
    """

    def __init__(self, kind: str, n: int, place: Path, patched: pytest.MonkeyPatch) -> None:
        self.n, self.place, self.calls = n, str(place), 0
        owner, names, self.number = CALLS[kind]
        if kind == "rename":
            patched.setattr(files, "_exchanged", self.wrapped(files._exchanged, owner))
        for name in names:
            patched.setattr(owner, name, self.wrapped(getattr(owner, name), owner))

    def wrapped(self, original: Callable, owner: object) -> Callable:
        def call(*given, **named):
            first = given[0]
            path = Path(f"/proc/self/fd/{first}") if isinstance(first, int) else first
            read = owner is io and not {*"wax+"} & {*"".join(given[1:2])}
            if self.place in os.path.realpath(path) and not read:
                self.calls += 1
                if self.calls == self.n and owner is io:
                    original(*given, **named).close()
                    return original(FULL, *given[1:], **named)
                if self.calls == self.n:
                    raise OSError(self.number, os.strerror(self.number), self.place)
            return original(*given, **named)

        return call


def run(words: list[str]) -> Result:
    done = CliRunner().invoke(main, words)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def tree(folder: Path) -> str:
    """Digest of all that is below a folder, working folders too."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name not in VARYING):
        content = re.sub(rb'(id="database">)[^<]*', rb"\1", path.read_bytes())
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + content)
    return digest.hexdigest()


def words_of(command: str, first: Made, folder: Path) -> list[str]:
    database = ["--trust", str(first.database)]
    return {
        # with the training stars a survey has hundreds of files, each written as these are
        "simulate": [*SIMULATE, str(folder), "--stars", "2", "--seed", "2"],
        # the files of best mode are written as these are
        "export": ["export", *database, "--out", str(folder / "release"), "--mode", "paper"],
        "page": ["page", *database, "--out", str(folder / "page.html"), "--spectra", "2"],
        "report": ["report", *database, "--out", str(folder / "report")],
        "ingest": ["ingest", str(first.toml), "--build", str(folder), "--workers", "1"],
        "build": ["build", str(folder / "survey.toml"), "--build", str(folder)],
    }[command]


def prepare(command: str, first: Made, folder: Path) -> None:
    """What is there before: another survey; what a build needs."""
    folder.mkdir()
    if command == "simulate":
        assert run([*SIMULATE, str(folder), "--stars", "1"]).exit_code == 0
    if command == "build":  # the tables of best mode are in the same file
        copy_build(first, folder / "small", "raw", "models")
        said = first.toml.read_text(encoding="utf-8") + '[build]\nmodes = ["paper"]\n'
        (folder / "survey.toml").write_text(said, encoding="utf-8")


def state_of(command: str, folder: Path) -> str:
    database = folder / "small" / "obcat.duckdb"
    if command != "build":
        return tree(folder)
    return csv_of(database).decode() if database.exists() else ""


class Succeeded(NamedTuple):
    """A command that succeeded: the folder it wrote to, and how many calls of each kind it made."""

    place: Path
    calls: dict[str, int]


@pytest.fixture(scope="module")
def succeeded(first, tmp_path_factory) -> Callable[[str], Succeeded]:
    """Runs a command, once for all kinds."""

    @cache
    def once(command: str) -> Succeeded:
        place = tmp_path_factory.mktemp("succeeded") / "whole"
        prepare(command, first, place)
        with pytest.MonkeyPatch.context() as patched:
            counted = {kind: Failing(kind, 0, place, patched) for kind in CALLS}
            assert run(words_of(command, first, place)).exit_code == 0
        return Succeeded(place, {kind: failing.calls for kind, failing in counted.items()})

    return once


def tried_of(calls: int) -> list[int]:
    """The calls to be tried of those that a command made, and one more."""
    return [n for n in range(1, calls + 2) if n <= EVERY or n > calls - EVERY or n % EVERY == 0]


def copies(whole: Path, patched: pytest.MonkeyPatch) -> None:
    """Most files of a release copied from one, not written: every sync comes after all of them."""

    def tables(folder: Path, catalogs: list[Published]) -> None:
        for name in release._files(catalogs):
            copy = shutil.copytree if (whole / name).is_dir() else shutil.copy2
            copy(whole / name, folder / name)

    def database(con: duckdb.DuckDBPyConnection, path: Path, *catalogs: Published) -> None:
        shutil.copy2(whole / path.name, path)

    patched.setattr(release, "_write_tables", tables)
    patched.setattr(release.duck, "write_from", database)


def fails_until_it_succeeds(
    command: str, kind: str, place: Path, words: list[str], tried: list[int]
) -> int:
    """The number of calls that failed the command, each in one line,
    with the old result left as it was.
    """
    before = state_of(command, place)
    for n in (*tried, *range(tried[-1] + 1, tried[-1] + EVERY)):  # it may have to clear up first
        with pytest.MonkeyPatch.context() as patched:
            failing = Failing(kind, n, place, patched)
            done = run(words)
        if failing.calls < n:
            assert done.exit_code == 0, done.stderr
            return n - 1
        assert done.exit_code in (1, 2), (kind, n)
        said = done.stderr.splitlines()[-1]
        assert said.startswith("Error: "), (kind, n, done.stderr)
        assert "--debug" not in said, (kind, n)
        # a sync of the folder fails when the new result is in place
        assert command == "ingest" or kind == "fsync" or state_of(command, place) == before, n
    raise AssertionError(f"more than {tried[-1]} calls, which suffice where none fails")


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("command", ["simulate", "export", "page", "report", "ingest", "build"])
def test_the_nth_call_fails(first, succeeded, tmp_path, monkeypatch, command, kind):
    monkeypatch.setattr("obcat.report.page.figures_of", lambda survey: FIGURES[:1])
    monkeypatch.setattr(figures, "image_of", png_alone)
    whole, calls = succeeded(command)
    if not calls[kind]:
        assert (command, kind) == ("build", "write")
        return
    if (command, kind) == ("export", "fsync"):
        copies(whole / "release", monkeypatch)
    failed = tmp_path / "failed"
    prepare(command, first, failed)
    words, tried = words_of(command, first, failed), tried_of(calls[kind])
    n = fails_until_it_succeeds(command, kind, failed, words, tried)
    assert n > 0 or (command, kind) == ("ingest", "write")
    # a sync of a writer would be missing; the first export of a process has one of its own
    assert n >= calls[kind] - 1 or (command, kind) != ("export", "fsync")
    assert state_of(command, failed) == state_of(command, whole)
    assert not [p for p in failed.rglob("*") if p.suffix in (".partial", ".tmp", ".wal", ".old")]


def shown(folder: Path) -> dict[str, str]:
    """What users see: name -> digest of what is in place; working folders are none of it."""
    found = {}
    for path in sorted(p for p in folder.iterdir() if not p.name.startswith(".")):
        if path.is_dir():
            found[path.name] = tree(path)
        elif path.is_file():
            content = re.sub(rb'(id="database">)[^<]*', rb"\1", path.read_bytes())
            found[path.name] = hashlib.sha256(content).hexdigest()
    return found


@pytest.mark.parametrize("command", ["simulate", "export", "page", "report"])
def test_a_kill_at_moments_of_chance(first, tmp_path, command):
    killed, whole, temporary = tmp_path / "killed", tmp_path / "whole", tmp_path / "temporary"
    temporary.mkdir()
    for place in (killed, whole):
        prepare(command, first, place)
    python, option, code = OBCAT
    start = [python, option, SHORT + code if command == "report" else code]
    old, words = shown(killed), [*start, *words_of(command, first, killed)]
    started = time.monotonic()
    new = [*start, *words_of(command, first, whole)]
    subprocess.run(new, check=True, capture_output=True, env=environment())
    took = time.monotonic() - started
    moments = random.Random(command)
    for _ in range(KILLS.get(command, 4)):
        process = subprocess.Popen(
            words, env=environment(TMPDIR=str(temporary)),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(moments.uniform(took / 3, took * 1.05))
        process.kill()
        process.wait()
        assert shown(killed) in (old, shown(whole))
    subprocess.run(words, check=True, capture_output=True, env=environment())
    assert shown(killed) == shown(whole)
    assert not [p for p in killed.rglob("*") if p.suffix in (".partial", ".tmp", ".wal", ".old")]
    assert not list(temporary.iterdir())
