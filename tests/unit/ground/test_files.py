"""Results appear whole or not at all, one at a time,
and take the place of nothing that is not ours.
"""

import errno
import fcntl
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from obcat import files
from obcat.checksums import notes_of, read_sums
from obcat.files import Busy, NotOurs, clear_left, publishing, publishing_folder

KIND = "release"


def tree(folder: Path) -> dict[str, bytes]:
    """Every file in and below a folder, hidden ones too."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def put(folder: Path, text: str = "one", kind: str = KIND) -> Path:
    with publishing_folder(folder, kind, facts={"fingerprint": text}, wait=0) as partial:
        (partial / "below").mkdir()
        (partial / "below" / "a").write_text(text, encoding="ascii")
        (partial / "b").write_text(f"{text}!", encoding="ascii")
    return folder


def test_a_file_is_put_in_place_of_a_file(tmp_path):
    for text in ("one", "two"):
        with publishing(tmp_path / "x.csv") as partial:
            assert partial.name == "x.csv"
            partial.write_text(text, encoding="ascii")
        assert tree(tmp_path) == {"x.csv": text.encode()}


def test_a_folder_is_put_in_place_of_one_of_its_kind(tmp_path):
    for text in ("one", "two"):
        put(tmp_path / "deep" / "out", text)
        assert sorted(tree(tmp_path)) == ["deep/out/SHA256SUMS", "deep/out/b", "deep/out/below/a"]
        assert (tmp_path / "deep/out/b").read_text(encoding="ascii") == f"{text}!"
    assert notes_of(tmp_path / "deep/out") == {"made by obcat": KIND, "fingerprint": "two"}
    assert sorted(read_sums(tmp_path / "deep/out")) == ["b", "below/a"]


def test_sums_are_read_by_sha256sum(tmp_path):
    put(tmp_path / "out")
    subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path / "out", check=True
    )


def interrupted(context) -> None:
    with context as partial:
        (partial / "b" if partial.is_dir() else partial).write_bytes(b"half")
        raise KeyboardInterrupt


def test_an_error_leaves_what_was_there(tmp_path):
    put(tmp_path / "out")
    (tmp_path / "x").write_bytes(b"old")
    before = tree(tmp_path)
    for context in (publishing(tmp_path / "x"), publishing_folder(tmp_path / "out", KIND)):
        with pytest.raises(KeyboardInterrupt):
            interrupted(context)
        assert tree(tmp_path) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "x"]


def strange(folder: Path, name: str) -> None:
    """Make a folder that holds more, or other, than obcat wrote."""
    put(folder)
    if name == "added":
        (folder / "notes.txt").write_text("mine", encoding="ascii")
    elif name == "added below":
        (folder / "below" / "notes.txt").write_text("mine", encoding="ascii")
    elif name == "empty folder":
        (folder / "mine").mkdir()
    elif name == "link":
        (folder / "link").symlink_to(folder.parent)
    elif name == "edited":
        (folder / "b").write_text("one?", encoding="ascii")
    elif name == "sums of another":
        sums = (folder / "SHA256SUMS").read_text(encoding="ascii").splitlines(keepends=True)
        (folder / "SHA256SUMS").write_text(
            "".join(s for s in sums if s[0] != "#"), encoding="ascii"
        )
    elif name == "no sums":
        (folder / "SHA256SUMS").unlink()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("added", "holds 'notes.txt', which is no part of the release"),
        ("added below", "holds 'below/notes.txt'"),
        ("empty folder", "holds 'mine'"),
        ("link", "holds 'link'"),
        ("edited", "'b' was changed since obcat wrote it"),
        ("sums of another", "not made by obcat, and a release would replace it"),
        ("no sums", "not made by obcat"),
    ],
)
def test_what_is_not_ours_stays(tmp_path, name, message):
    strange(tmp_path / "out", name)
    before = tree(tmp_path)
    with pytest.raises(NotOurs, match=message) as raised:
        put(tmp_path / "out", "two")
    assert "\n" not in str(raised.value)
    assert tree(tmp_path) == before


def test_a_result_of_another_kind_stays(tmp_path):
    put(tmp_path / "out", kind="survey")
    with pytest.raises(NotOurs, match="a survey of obcat, and a release would replace it"):
        put(tmp_path / "out")


def test_a_folder_of_others_is_not_searched(tmp_path, monkeypatch):
    """Given / or a home by mistake, the answer comes at once."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.setattr(files, "_listing", lambda folder: pytest.fail("searched"))
    for place in (tmp_path, Path("/")):
        with pytest.raises(NotOurs, match="not made by obcat"):
            put(place)


def test_what_is_no_file_or_no_folder_stays(tmp_path):
    (tmp_path / "x").write_bytes(b"mine")
    with pytest.raises(NotOurs, match="is there and is no folder"):
        put(tmp_path / "x")
    for place in (tmp_path, Path(os.devnull)):
        with pytest.raises(NotOurs, match="is there and is no file"), publishing(place):
            pytest.fail("the work is done before it is refused")
    with pytest.raises(NotOurs, match="there is no folder"), publishing(tmp_path / "typo" / "x"):
        pass
    assert tree(tmp_path) == {"x": b"mine"}


def test_what_the_user_adds_meanwhile_stays(tmp_path):
    put(tmp_path / "out")
    with pytest.raises(NotOurs, match="changed while"), publishing_folder(tmp_path / "out", KIND):
        (tmp_path / "out" / "notes.txt").write_text("mine", encoding="ascii")
    assert (tmp_path / "out" / "notes.txt").read_text(encoding="ascii") == "mine"
    assert (tmp_path / "out" / "b").read_text(encoding="ascii") == "one!"


@pytest.mark.parametrize("name", [".out.partial", "out.partial", "out.old"])
def test_a_folder_is_not_cleared_because_of_its_name(tmp_path, name):
    (tmp_path / name / "deep").mkdir(parents=True)
    (tmp_path / name / "deep" / "mine").write_bytes(b"x")
    if name[0] == ".":
        with pytest.raises(NotOurs, match="in the way"):
            put(tmp_path / "out")
    else:
        put(tmp_path / "out")
    assert (tmp_path / name / "deep" / "mine").read_bytes() == b"x"


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to("disk")
    (tmp_path / "x").symlink_to("disk.csv")
    put(tmp_path / "out")
    with publishing(tmp_path / "x") as partial:
        partial.write_bytes(b"1")
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "disk" / "b").is_file()
    assert (tmp_path / "disk.csv").read_bytes() == b"1"


def test_what_killed_processes_left_is_cleared_and_nothing_else(tmp_path):
    for name in (".a.partial", ".b.partial", ".c.partial"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "half").write_bytes(b"half")
    for name in (".a.partial", ".b.partial"):
        (tmp_path / name / "made-by-obcat").write_bytes(b"obcat, process 4711")
    with (tmp_path / ".b.partial" / "made-by-obcat").open() as in_use:
        fcntl.flock(in_use, fcntl.LOCK_EX)
        clear_left(tmp_path)
    assert sorted(tree(tmp_path)) == [
        ".b.partial/half", ".b.partial/made-by-obcat", ".c.partial/half",
    ]  # fmt: skip


def killed(folder: Path, at: str, *, exchange: bool = True) -> None:
    """Replace the result in a process that is killed at the n-th call of a function of os or
    pathlib.
    """
    name, _, count = at.partition(" ")
    script = f"""
import os, signal, sys
from pathlib import Path
from obcat import files
left = [{count}]
def fatal(owner, name):
    was = getattr(owner, name)
    def call(*a, **k):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return was(*a, **k)
    setattr(owner, name, call)
if len(sys.argv) > 2:
    files._exchanged = lambda one, other: False
fatal(*{{"rename": (Path, "rename"), "unlink": (Path, "unlink"), "fsync": (os, "fsync"), "rmdir": (os, "rmdir"),
        "exchange": (files, "_exchanged"), "mkdir": (Path, "mkdir")}}["{name}"])
with files.publishing_folder(Path(sys.argv[1]), "release") as partial:
    (partial / "b").write_text("two!")
"""
    words = [sys.executable, "-c", script, str(folder)]
    done = subprocess.run([*words, *([] if exchange else ["no exchange"])], check=False)
    assert done.returncode == -signal.SIGKILL, at


@pytest.mark.parametrize(
    "at",
    [
        "mkdir 1",
        "mkdir 3",
        "fsync 0",
        "fsync 2",
        "exchange 0",
        "fsync 3",
        "rmdir 0",
        "unlink 0",
        "rmdir 2",
    ],
)
def test_a_kill_leaves_the_old_or_the_new(tmp_path, at):
    put(tmp_path / "out")
    before = tree(tmp_path / "out")
    killed(tmp_path / "out", at)
    assert tree(tmp_path / "out") == before or tree(tmp_path / "out")["b"] == b"two!"
    put(tmp_path / "out", "three")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]
    assert tree(tmp_path / "out")["b"] == b"three!"


def test_a_kill_between_two_renames_is_mended_by_the_next_run(tmp_path):
    """Where a disk cannot exchange two names the old folder is away for a moment;
    an error then does no harm.
    """
    put(tmp_path / "out")
    before = tree(tmp_path / "out")
    killed(tmp_path / "out", "rename 1", exchange=False)
    assert not (tmp_path / "out").exists()
    with pytest.raises(ValueError, match="stop"), publishing_folder(tmp_path / "out", KIND):
        raise ValueError("stop")
    assert tree(tmp_path) == {f"out/{name}": data for name, data in before.items()}


def test_where_names_cannot_be_exchanged(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_exchanged", lambda one, other: False)
    put(tmp_path / "out")
    put(tmp_path / "out", "two")
    assert (tmp_path / "out" / "b").read_text(encoding="ascii") == "two!"
    real, calls = Path.rename, []

    def second_fails(path, target):
        calls.append(path)
        if len(calls) == 2:
            raise OSError(errno.EIO, "broken")
        return real(path, target)

    monkeypatch.setattr(Path, "rename", second_fails)
    with pytest.raises(OSError, match="broken"):
        put(tmp_path / "out", "three")
    assert (tmp_path / "out" / "b").read_text(encoding="ascii") == "two!"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]


def test_the_second_says_who_is_first(tmp_path):
    with publishing_folder(tmp_path / "out", KIND) as partial:
        (partial / "b").write_bytes(b"first")
        with pytest.raises(Busy, match=rf"out: obcat, process {os.getpid()} on \S+ is writing it"):
            put(tmp_path / "out")
    assert tree(tmp_path)["out/b"] == b"first"


def hold(folder: Path, started, go) -> None:
    with publishing_folder(folder, KIND) as partial:
        (partial / "b").write_bytes(b"first")
        started.set()
        go.wait(30)


def test_the_second_waits_for_the_first(tmp_path, monkeypatch):
    spawn = multiprocessing.get_context("spawn")
    started, go = spawn.Event(), spawn.Event()
    first = spawn.Process(target=hold, args=(tmp_path / "out", started, go))
    first.start()
    assert started.wait(30)
    monkeypatch.setattr(files.time, "sleep", lambda seconds: (go.set(), first.join(30)))
    with publishing_folder(tmp_path / "out", KIND, wait=30) as partial:
        assert tree(tmp_path / "out")["b"] == b"first"
        (partial / "b").write_bytes(b"second")
    assert first.exitcode == 0
    assert tree(tmp_path)["out/b"] == b"second"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]


def test_a_lock_on_a_file_that_is_gone_is_none(tmp_path, monkeypatch):
    """Who held it removes its stamp before it lets go: whoever waited for it must look again."""
    real, calls = files._locked, []

    def locked(handle, work, new):
        held = real(handle, work, new)
        calls.append(held)
        if len(calls) == 1:
            (work / files.STAMP).unlink()
        return held

    monkeypatch.setattr(files, "_locked", locked)
    monkeypatch.setattr(files.time, "sleep", lambda seconds: None)
    with publishing(tmp_path / "x", wait=30) as partial:
        partial.write_bytes(b"1")
    assert calls == [True, True]


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    done: list[str] = []
    real_sync, real_replace = os.fsync, Path.replace
    synced = [
        lambda handle: done.append(str(Path(f"/proc/self/fd/{handle}").readlink())),
        real_sync,
    ]
    monkeypatch.setattr(os, "fsync", lambda handle: [call(handle) for call in synced])
    monkeypatch.setattr(
        Path, "replace", lambda path, to: (done.append("replaced"), real_replace(path, to))
    )
    with publishing(tmp_path / "x") as partial:
        partial.write_bytes(b"1")
    assert done == [str(partial), "replaced", str(tmp_path)]


def test_a_disk_without_locks(tmp_path, monkeypatch):
    def no_locks(handle, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(files.fcntl, "flock", no_locks)
    put(tmp_path / "out")
    (tmp_path / ".out.partial").mkdir()
    with pytest.raises(Busy, match="no locks here"):
        put(tmp_path / "out")
    assert (tmp_path / "out" / "b").is_file()


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no /proc here")
def test_a_folder_that_takes_no_file_is_told_at_once():
    with pytest.raises(FileNotFoundError), publishing(Path("/proc/x.csv")):
        pass


def test_a_working_folder_that_vanishes_is_made_again(tmp_path, monkeypatch):
    made, gone = Path.mkdir, [tmp_path / ".x.csv.partial"]

    def mkdir(path, *more, **words):
        if path in gone:
            gone.remove(path)
            raise FileExistsError(path)
        made(path, *more, **words)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with publishing(tmp_path / "x.csv") as partial:
        partial.write_text("a\n")
    assert (tmp_path / "x.csv").read_text() == "a\n"
    assert not gone


def test_names_that_no_line_can_hold(tmp_path):
    with (
        pytest.raises(ValueError, match="no line of plain text"),
        publishing_folder(tmp_path / "out", KIND) as partial,
    ):
        (partial / "a\nb").write_bytes(b"")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("publish", [publishing, lambda path: publishing_folder(path, KIND)])
def test_temporary_files_of_libraries_go_where_the_next_run_clears(tmp_path, publish):
    before = tempfile.gettempdir()
    with publish(tmp_path / "x.fits") as partial:
        handle, name = tempfile.mkstemp()
        os.close(handle)
        assert Path(name).parent == tmp_path / ".x.fits.partial" != partial
        (partial / "a" if partial.is_dir() else partial).write_bytes(b"")
    assert tempfile.gettempdir() == before
    assert not Path(name).exists()


def test_what_the_system_said_is_told_with_the_place():
    """Libraries tell a full disk in words of their own, with the system's error behind it."""
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    wrapped = OSError("requested 19278, available 0. requested 19278, available 0")
    wrapped.__context__ = full
    for error in (full, wrapped):
        said = files.refusal(Path("release"), error)
        assert said == "release: No space left on device; choose a folder that can be written"
    assert files.refusal(Path("a"), OSError("odd")).startswith("a: odd; ")
