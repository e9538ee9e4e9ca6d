"""Files that hold one spectrum: packed otherwise, copied, or of two releases;
a second run says what a first would.
"""

import csv
import gzip
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from obcat.ingest.lamost import PAIRS, ingest
from tests.lamost_files import Fake


def files(out: Path) -> dict[str, dict]:
    return {row["path"]: row for row in pq.read_table(out / "files.parquet").to_pylist()}


def headers(out: Path) -> list[dict]:
    return pq.read_table(out / "headers.parquet").to_pylist()


def same_as_afresh(folder: Path, out: Path, fresh: Path) -> None:
    """What several runs left is what one run makes."""
    ingest(folder, fresh, workers=1)
    for name in ("headers.parquet", "files.parquet"):
        assert pq.read_table(out / name).to_pylist() == pq.read_table(fresh / name).to_pylist()
    assert (out / PAIRS).exists() == (fresh / PAIRS).exists()
    if (out / PAIRS).exists():
        assert (out / PAIRS).read_bytes() == (fresh / PAIRS).read_bytes()


def level(path: Path, compresslevel: int) -> Path:
    """The same content, packed harder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(Fake().content(), compresslevel, mtime=5))
    return path


def test_one_content_packed_in_three_ways_is_one_row_with_all_names(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    Fake().write(folder / "b")
    level(folder / "c" / f"{Fake().name}.gz", 9)
    Fake().write(folder / "a", Fake().name)
    counts = ingest(folder, out, workers=1)
    assert (counts["ingested"], counts["duplicate"], counts["quarantined"]) == (1, 2, 0)
    (row,) = headers(out)
    assert row["other_names"] == f"b/{Fake().name}.gz c/{Fake().name}.gz"
    assert {f["sha256"] for f in files(out).values()} == {row["sha256"]}
    assert ingest(folder, out, workers=1)["read"] == 0
    (folder / "a" / Fake().name).unlink()
    assert ingest(folder, out, workers=1)["ingested"] == 1
    same_as_afresh(folder, out, tmp_path / "fresh")
    Fake().write(folder / "a", Fake().name)
    ingest(folder, out, workers=1)
    same_as_afresh(folder, out, tmp_path / "again")


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    """Three spectra in DR3, two of them in DR8 and one in DR10 too; one more of no release."""
    folder = tmp_path / "in"
    for fiber, dialects in (
        (1, ("dr3", "dr8", "dr10")),
        (2, ("dr8", "dr3")),
        (3, ("dr3",)),
        (4, ("dr1", "dr3")),
    ):
        for dialect in dialects:
            Fake(dialect, fiberid=fiber, seed=fiber).write(folder / dialect)
    return folder


def test_of_two_releases_the_newest_is_kept_and_every_pair_is_listed(
    releases: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    counts = ingest(releases, out, workers=1)
    assert (counts["ingested"], counts["superseded"], counts["quarantined"]) == (4, 4, 4)
    assert [(row["fiberid"], row["data_v"]) for row in headers(out)] == [
        (1, "LAMOST DR10"),
        (2, "LAMOST DR8"),
        (3, "LAMOST DR3"),
        (4, "LAMOST DR3"),
    ]
    with (out / PAIRS).open(encoding="utf-8") as file:
        listed = {row["set_aside"]: row for row in csv.DictReader(file)}
    name = Fake(fiberid=1).name
    assert set(listed) == {
        f"./dr3/{name}.gz",
        f"./dr8/{name}.gz",
        f"./dr3/{Fake(fiberid=2).name}.gz",
        f"./dr1/{Fake(fiberid=4).name}.gz",
    }
    assert (
        listed[f"./dr3/{name}.gz"]["detail"]
        == f"of LAMOST DR3; kept: dr10/{name}.gz of LAMOST DR10"
    )
    assert listed[f"./dr1/{Fake(fiberid=4).name}.gz"]["detail"].startswith(
        "of no release named; kept: dr3/"
    )
    aside = files(out)[f"dr8/{name}.gz"]
    assert (aside["status"], aside["reason"]) == ("quarantined", "superseded")
    assert aside["specid"] == Fake(fiberid=1).specid
    assert ingest(releases, out, workers=1)["read"] == 0


@pytest.mark.parametrize("lost", ["dr10", "dr8", "dr3", "dr1"])
def test_what_was_set_aside_returns_when_the_newest_goes(
    lost: str, releases: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ingest(releases, out, workers=1)
    for path in (releases / lost).glob("*"):
        path.rename(tmp_path / path.name)
    ingest(releases, out, workers=1)
    same_as_afresh(releases, out, tmp_path / "fresh")
    for path in tmp_path.glob("spec-*"):
        path.rename(releases / lost / path.name)
    ingest(releases, out, workers=1)
    same_as_afresh(releases, out, tmp_path / "again")


def test_two_files_of_one_release_that_differ_the_first_by_name_is_kept(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    Fake(seed=2).write(folder / "b")
    Fake(seed=1).write(folder / "a")
    Fake(seed=3).write(folder / "b", f"{Fake().name.replace('_sp', '_SP')}.gz")
    assert ingest(folder, out, workers=1)["superseded"] == 2
    assert files(out)[f"b/{Fake().name.replace('_sp', '_SP')}.gz"]["status"] == "ingested"
    with (out / PAIRS).open(encoding="utf-8") as file:
        kept = [row["detail"].partition("kept: ")[2].split()[0] for row in csv.DictReader(file)]
    assert kept == [f"b/{Fake().name.replace('_sp', '_SP')}.gz"] * 2
