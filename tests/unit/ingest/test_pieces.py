"""A run that is killed has kept what it read; what a job is told does not grow with the store."""

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from obcat.ingest.lamost import folder as lamost_folder
from obcat.ingest.lamost import ingest, parts
from tests.lamost_files import Fake

ROOT = Path(__file__).parents[3]
N_FILES = 200
TABLES = ("headers.parquet", "files.parquet")
KILLED = """
import os, signal, sys
from pathlib import Path
from obcat.ingest.lamost import ingest

def stop(done, total):
    if done >= 0.9 * total:
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    ingest(Path(sys.argv[1]), Path(sys.argv[2]), workers=int(sys.argv[3]), progress=stop)
"""


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    for i in range(1, N_FILES + 1):
        Fake("dr5", fiberid=i, seed=i).write(folder)
    (folder / "spec-1.fits").write_bytes(b"no spectrum")
    return folder


def killed_at_nine_tenths(folder: Path, out: Path, workers: int) -> None:
    script = out.parent / "driver.py"
    script.write_text(KILLED)
    done = subprocess.run(
        [sys.executable, str(script), str(folder), str(out), str(workers)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert not (out / "files.parquet").exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_nine_tenths_the_next_run_reads_at_most_a_seventh_again(
    workers: int, many: Path, tmp_path: Path
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    counts = ingest(many, whole, workers=1)
    killed_at_nine_tenths(many, out, workers)
    again = ingest(many, out, workers=1)
    assert again["read"] <= 0.15 * again["found"]
    assert again | {"read": 0} == counts | {"read": 0}
    for name in TABLES:
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    assert {p.name for p in (out / "spectra").iterdir()} == {
        p.name for p in (whole / "spectra").iterdir()
    }
    assert not (out / "pieces").exists()
    assert ingest(many, out, workers=1)["read"] == 0


def test_a_file_changed_after_the_kill_is_read_again(many: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    for path in sorted(many.iterdir())[:40]:
        (folder / path.name).parent.mkdir(exist_ok=True)
        (folder / path.name).write_bytes(path.read_bytes())
    killed_at_nine_tenths(folder, tmp_path / "out", 1)
    first = min(folder.glob("*-001.fits.gz"))
    Fake("dr5", fiberid=1, seed=77).write(folder, first.name)
    ingest(folder, tmp_path / "out", workers=1)
    ingest(folder, tmp_path / "whole", workers=1)
    for name in TABLES:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize("damage", [lambda b: b[:-100], lambda b: b"", lambda b: b[::-1]])
def test_a_damaged_piece_is_read_anew(damage, many: Path, tmp_path: Path) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    ingest(many, whole, workers=1)
    killed_at_nine_tenths(many, out, 1)
    piece = parts.pieces_of(out / "pieces")[3]
    piece.write_bytes(damage(piece.read_bytes()))
    again = ingest(many, out, workers=1)
    assert 16 <= again["read"] < 0.25 * again["found"]
    for name in TABLES:
        assert (out / name).read_bytes() == (whole / name).read_bytes()


def test_what_a_job_is_told_does_not_grow_with_the_store(
    many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[lamost_folder.Job] = []
    read = lamost_folder.read_chunk

    def kept(job: lamost_folder.Job) -> Path:
        jobs.append(job)
        return read(job)

    monkeypatch.setattr(lamost_folder, "read_chunk", kept)
    ingest(many, tmp_path / "out", workers=1)
    first = max(len(pickle.dumps(job)) for job in jobs)
    jobs.clear()
    for i in range(1, 41):
        Fake("dr5", fiberid=i, spid=2, seed=1000 + i).write(many)
    ingest(many, tmp_path / "out", workers=1)
    assert len(jobs) == 3
    assert max(len(pickle.dumps(job)) for job in jobs) <= 1.1 * first
    touched = min(many.glob("*sp02*"))
    os.utime(touched, (1, 1))
    jobs.clear()
    ingest(many, tmp_path / "out", workers=1)
    assert [len(job.stored) for job in jobs] == [1]  # what it had before, so it is not stored twice


def test_spectra_are_read_and_removed_in_batches(many: Path, tmp_path: Path) -> None:
    """With ``keep`` the store is that of all files at once, but for where its spectra lie."""
    files, folder, out = sorted(many.iterdir()), tmp_path / "folder", tmp_path / "out"
    folder.mkdir()
    for start in range(0, 60, 20):
        for path in files[start : start + 20]:
            os.link(path, folder / path.name)
        ingest(folder, out, workers=1, keep=True)
        for path in list(folder.iterdir())[: 10 if start == 40 else None]:
            path.unlink()
    assert ingest(folder, out, workers=1, keep=True)["read"] == 0
    whole, every = tmp_path / "whole", tmp_path / "every"
    every.mkdir()
    for path in files[:60]:
        os.link(path, every / path.name)
    counts = ingest(every, whole, workers=1)
    assert ingest(folder, out, workers=1, keep=True) == counts | {"read": 0}
    for name in TABLES:
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    assert ingest(folder, out, workers=1)["found"] == 10
