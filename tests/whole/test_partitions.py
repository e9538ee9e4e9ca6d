"""A survey cut into partitions of the sky gives the catalog of one build, to the bit."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units
from astropy_healpix import lonlat_to_healpix
from click.testing import CliRunner

from obcat.cli import main
from obcat.export import read
from obcat.export.healpix import write_catalog
from obcat.ingest.lamost import parts
from obcat.kernels.grid import N_PIXEL
from obcat.models import rows_hash
from obcat.partition import PartitionFailed, Plan, build_partition, of_plan, read_plan
from obcat.partition.cut import cut, joined, pixels
from obcat.partition.launch import _room_of, cut_in_lots
from obcat.partition.merging import merge
from obcat.schema import arrow_schema, columns_of, read_tables
from tests.whole.small import Made, built, copy_build, environment, loaded, once, write_survey
from tests.whole.test_killed import DRIVER

pytestmark = pytest.mark.slow
LARGE, SMALL = 110, 70  # spectra of a partition: not both pixels; not one of them
WEST, EAST = "0-3", "0-0"  # pixels that meet at 0 h
DEC = 60.0
OWN = ("meta.steps", "model.fits")  # times; whether a fit was kept


def positions(table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    return table["ra"].to_numpy().copy(), table["dec"].to_numpy().copy()


def pixels_of(table: pa.Table) -> np.ndarray:
    return np.array(pixels(*positions(table), 10**6))


def moved(table: pa.Table, places: dict[int, float]) -> pa.Table:
    """The table with some rows so many arcsec east of 0 h."""
    ra, dec = positions(table)
    for row, east in places.items():
        ra[row], dec[row] = (east / 3600 / np.cos(np.radians(DEC))) % 360, DEC
    for name, values in (("ra", ra), ("dec", dec)):
        i = table.schema.get_field_index(name)
        table = table.set_column(i, table.schema.field(i), pa.array(values))
    return table


def prepared(raw: Path) -> None:
    """Two pixels of a store. At their border a star has visits on both sides, and shares a source
    of 2MASS with one that is nearer to it; the east has no Gaia, and a corner that no list names.
    """
    headers, files = (
        parts.read_table(raw / f"{n}.parquet", f"raw.{n}") for n in ("headers", "files")
    )
    kept = headers.filter(pa.array(np.isin(pixels_of(headers), (WEST, EAST))))
    order = np.argsort(-kept["snr_g"].to_numpy())
    best, second, third = (int(row) for row in order[:3])
    kept = moved(kept, {best: -0.3, second: 0.5, third: 5.0})
    parts.write_table(kept, raw / "headers.parquet")
    shas = kept["sha256"].to_pylist()
    parts.write_table(
        files.filter(pa.array(np.isin(files["sha256"].to_pylist(), shas))), raw / "files.parquet"
    )
    small = np.array(joined(pixels(*positions(kept), SMALL), SMALL))
    corner = next(
        n for n in small[pixels_of(kept) == EAST] if n not in small[[best, second, third]]
    )
    listed = [
        {"specid": s} for s, n in zip(kept["specid"].to_pylist(), small, strict=True) if n != corner
    ]
    pq.write_table(
        pa.Table.from_pylist(listed, arrow_schema("raw.targets")), raw / "targets.parquet"
    )
    gaia = pq.read_table(raw / "gaia_dr2.parquet")
    pq.write_table(gaia.filter(pa.array(pixels_of(gaia) != EAST)), raw / "gaia_dr2.parquet")
    pq.write_table(moved(pq.read_table(raw / "twomass.parquet"), {0: 2.6}), raw / "twomass.parquet")


class Cut(NamedTuple):
    toml: Path
    whole: Made
    plan: Plan
    folder: Path

    @property
    def survey(self):
        return loaded(self.toml)

    def home(self, name: str) -> Path:
        return self.folder / "partitions" / name


@pytest.fixture(scope="module")
def whole(first: Made, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """One build of the two pixels, with the models of the survey they are from."""

    def fill(root: Path) -> None:
        parameters = {"identity_min_stars": 2}
        toml = write_survey(root / "survey.toml", root, {}, parameters, models_from=first.database)
        copy_build(first, root / "small", "raw", "models")
        prepared(root / "small" / "raw")
        built(toml, root / "small")

    root = once(tmp_path_factory.getbasetemp(), "whole", fill)
    return Made(root / "survey.toml", root / "small")


@pytest.fixture(scope="module", params=[LARGE, SMALL])
def merged(request, whole: Made, tmp_path_factory: pytest.TempPathFactory) -> Cut:
    """The same by partitions; the first of them was killed once."""
    folder = tmp_path_factory.mktemp("cut") / "small"
    copy_build(whole, folder, "raw")
    survey = whole.survey
    plan = cut(survey, folder, spectra=request.param, say=str)
    assert killed(whole.toml, folder.parent) == -9
    for name in plan.names:
        copy_build(whole, folder / "partitions" / name, "models")
        assert build_partition(survey, folder, name, say=str)
    assert merge(survey, folder, say=str)
    return Cut(whole.toml, whole, plan, folder)


def killed(toml: Path, root: Path) -> int:
    call = ("obcat.build.run", "run_step", "50", "build", toml, "--build", root, "--partition", "0")
    command = [sys.executable, "-c", DRIVER, *map(str, call)]
    return subprocess.run(command, env=environment(), check=False, timeout=300).returncode


def contents(database: Path, *without: str) -> dict[str, str]:
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{database}' AS obcat (READ_ONLY)")
        con.execute("USE obcat")
        made = [t.table for t in read_tables().values() if t.kind == "table"]
        return {name: content(con, name) for name in made if name not in {*OWN, *without}}


def content(con: duckdb.DuckDBPyConnection, name: str) -> str:
    rows = con.sql(f"FROM {name}")
    if any(c.size for c in columns_of(name)):
        return rows_hash(rows.to_arrow_reader(2048))[0]
    return repr(rows.fetchall())


def test_every_table_is_that_of_one_build(merged):
    found, wanted = contents(merged.folder / "obcat.duckdb"), contents(merged.whole.database)
    assert [name for name in wanted if found[name] != wanted[name]] == []
    assert Made(merged.toml, merged.folder).csv == merged.whole.csv


def test_the_hard_cases_were_there(merged):
    shared = "SELECT count(*) FROM obcat.sample.photometry_matches WHERE reason = 'nearer to another star'"
    with duckdb.connect(str(merged.whole.database), read_only=True) as con:
        assert con.execute(shared).fetchall() == [(1,)]
        limited = con.execute(
            "SELECT count(colour_limit) FROM obcat.sample.gaia_colours"
        ).fetchall()
    assert limited[0][0] > 20
    owners = of_plan(merged.folder, "owners.parquet").to_pylist()
    sides = set(pixels_of(pq.read_table(merged.folder / "raw" / "headers.parquet")))
    assert sides == {WEST, EAST}
    stars = {
        name: [r["star_id"] for r in owners if r["partition"] == name] for name in merged.plan.names
    }
    empty = [name for name, found in stars.items() if not any(found)]
    assert bool(empty) == (len(stars) > 2)
    gaia = {
        n: pq.read_metadata(merged.home(n) / "raw" / "gaia_dr2.parquet").num_rows for n in stars
    }
    assert 0 in gaia.values()


SPECTRA_OUT = "export DB --out=OUT/release --spectra"
WITHOUT = (
    SPECTRA_OUT,
    "explain DB STAR --html=OUT/e.html",
    "page DB --out=OUT/page.html --spectra=2",
    "report DB --out=OUT/report",
    "check DB",
)


def test_without_spectra_the_rest_is_that_of_one_build(whole, tmp_path, monkeypatch):
    """A partition at a time is on the disk; what needs spectra says so."""
    monkeypatch.setattr("obcat.partition.launch.LOT", 1)
    monkeypatch.setattr("obcat.partition.launch.TAKEN", 0.0)  # as on a disk that is full
    toml, folder = tmp_path / "survey.toml", tmp_path / "small"
    toml.write_text(whole.toml.read_text() + "[engine]\nkeep_spectra = false\n")
    copy_build(whole, folder, "raw")
    survey, lots, there = loaded(toml), [], []
    for lot in cut_in_lots(survey, folder, spectra=LARGE, say=str):
        lots.append(lot)
        there.append(len(list(folder.glob("partitions/*/raw/spectra"))))
        assert build_partition(survey, folder, lot[0], say=str)
    assert (lots, there) == ([[EAST], [WEST]], [1, 1])
    assert not list(folder.glob("partitions/*/raw/spectra"))
    assert merge(survey, folder, say=str)
    assert not merge(survey, folder, say=str)
    assert not list(cut_in_lots(survey, folder, spectra=LARGE, say=str))
    cut(survey, folder, spectra=LARGE, say=str)  # as obcat partition: nothing is left to write
    assert not list(folder.glob("partitions/*/raw/spectra"))
    wide = {n for n in read_tables() if any(c.size == N_PIXEL for c in columns_of(n))}
    left = (*wide, "meta.provenance")
    found, wanted = (contents(d, *left) for d in (folder / "obcat.duckdb", whole.database))
    assert [name for name in wanted if found[name] != wanted[name]] == []
    assert Made(toml, folder).csv == whole.csv
    with pytest.raises(PartitionFailed, match="other code"):  # its partitions have no spectra
        merge(whole.survey, folder, say=str)
    does_without(folder / "obcat.duckdb", tmp_path)
    assert "No spectrum at rest" in (tmp_path / "e.html").read_text()
    (folder / "partitions" / EAST / "built" / "manifest.json").unlink()
    assert list(cut_in_lots(survey, folder, spectra=LARGE, say=str)) == [[EAST], [WEST]]
    assert [p.parts[-3] for p in folder.glob("partitions/*/raw/spectra")] == [EAST]
    monkeypatch.setattr("obcat.partition.launch.TAKEN", 0.9)  # room for all: read once
    assert list(cut_in_lots(survey, folder, spectra=LARGE, say=str)) == [[EAST, WEST]]


def test_a_lot_takes_what_the_disk_has():
    """Of 0.9 x 20 GB 4.5 kB go to each of 150,000 spectra, 80 kB to those that are being built."""
    plan = Plan("", {"a": 50_000, "b": 50_000, "c": 50_000}, pilot=False)
    assert _room_of(plan, 20 * 10**9, 10**12, 1) == int(13.325e9 / 31_500)
    assert _room_of(plan, 20 * 10**9, 10**12, 2) == int(9.325e9 / 31_500)
    assert _room_of(plan, 20 * 10**9, 10**12, sys.maxsize) == int(5.325e9 / 31_500)
    assert _room_of(plan, 10**9, 10**12, 1) == int(0.225e9 / 111_500)  # less than one partition


def test_a_lot_takes_what_the_memory_keeps_of_files():
    """A third of 24 GB, 31.5 kB each; on other machines, or for two partitions each, more."""
    plan = Plan("", {"a": 50_000, "b": 50_000, "c": 50_000}, pilot=False)
    assert _room_of(plan, 10**12, 24 * 10**9, 2) == int(8e9 / 31_500)
    assert _room_of(plan, 10**12, 24 * 10**9, 4) == 400_000
    other = _room_of(plan, 10**12, 24 * 10**9, sys.maxsize)
    assert other == int((900e9 - 4_500 * 150_000 - 12e9) / 31_500)


def does_without(database: Path, out: Path) -> None:
    star = read(database).rows["specid"][0].as_py()
    for line in WITHOUT:
        names = {"DB": database, "STAR": star}
        words = [str(names.get(w, w)).replace("OUT", str(out)) for w in line.split()]
        done = CliRunner().invoke(main, words)
        assert done.exit_code == (line == SPECTRA_OUT), (line, done.output)
        assert ("holds no spectrum" in done.output) == (line == SPECTRA_OUT)


large = pytest.mark.parametrize("merged", [LARGE], indirect=True)
COMMANDS = (
    "status DB",
    "check DB",
    "sql DB --format=csv SELECT~count(*)~FROM~catalog.ob_stars",
    "explain DB STAR",
    "export DB --out=OUT/release",
    "page DB --out=OUT/page.html --spectra=2",
)


@large
def test_every_command_works_on_what_was_merged(merged, tmp_path):
    """Beside it HATS with its rows; a copy of the database alone is enough, wherever it is."""
    assert write_catalog(merged.folder, "of this test")
    rows = read(merged.folder / "obcat.duckdb").rows
    written = [
        pq.read_table(p, partitioning=None) for p in merged.folder.rglob("catalog/**/Npix=*")
    ]
    hats = pa.concat_tables(written).sort_by("specid").drop_columns("_healpix_29")
    assert hats.cast(rows.schema).equals(rows)
    (tmp_path / "raw").mkdir()  # as beside any build
    copy = shutil.copy2(merged.folder / "obcat.duckdb", tmp_path)
    named = {"DB": copy, "STAR": rows["specid"][0].as_py(), "OUT": str(tmp_path)}
    for line in COMMANDS:
        words = [re.sub(r"\b(DB|STAR|OUT)\b", lambda m: str(named[m[0]]), w) for w in line.split()]
        done = CliRunner().invoke(main, [w.replace("~", " ") for w in words])
        assert done.exit_code == 0, (line, done.stderr)
        if line.startswith("sql"):
            assert done.stdout.split()[-1] == str(rows.num_rows)


def test_what_is_done_is_not_done_again(merged):
    plan = cut(
        merged.survey,
        merged.folder,
        spectra=SMALL if len(merged.plan.names) > 2 else LARGE,
        say=str,
    )
    assert plan.mark == merged.plan.mark
    assert not build_partition(merged.survey, merged.folder, plan.names[0], say=str)
    assert not merge(merged.survey, merged.folder, say=str)


@pytest.fixture
def copied(merged, tmp_path) -> Cut:
    folder = Path(shutil.copytree(merged.folder, tmp_path / "small"))
    (folder / "obcat.duckdb").unlink()
    return merged._replace(folder=folder)


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@large
@pytest.mark.parametrize("name", ["obcat.duckdb", "spectra.normalised/flux"])
def test_a_damaged_result_is_refused_by_name(copied, name):
    damage(copied.home(WEST) / "built" / name)
    for run in (merge, lambda *a, **k: build_partition(*a, WEST, **k)):
        with pytest.raises(PartitionFailed, match=f"built/{name}: damaged since"):
            run(copied.survey, copied.folder, say=str)


@large
def test_a_damaged_input_is_refused_by_name(copied):
    (copied.home(WEST) / "built" / "manifest.json").unlink()
    damage(next((copied.home(WEST) / "raw" / "spectra").iterdir()))
    with pytest.raises(PartitionFailed, match=rf"{WEST}/raw: 'spectra/.* was changed since"):
        build_partition(copied.survey, copied.folder, WEST, say=str)


@large
def test_a_missing_partition_is_named_and_may_be_left_out(copied):
    (copied.home(WEST) / "built" / "manifest.json").unlink()
    with pytest.raises(PartitionFailed, match=f"not built: {WEST};"):
        merge(copied.survey, copied.folder, say=str)
    assert merge(copied.survey, copied.folder, say=str, allow_missing=True)
    here = [
        r["specid"]
        for r in of_plan(copied.folder, "owners.parquet").to_pylist()
        if r["partition"] == EAST and r["star_id"]
    ]
    with duckdb.connect(str(copied.folder / "obcat.duckdb"), read_only=True) as con:
        found = con.execute("SELECT specid FROM obcat.catalog.ob_stars ORDER BY specid").fetchall()
    assert [specid for (specid,) in found] == here


@large
@pytest.mark.parametrize(
    ("key", "said"), [("fingerprint", "other code"), ("inputs", "other inputs")]
)
def test_a_partition_of_other_code_or_inputs_is_refused(copied, key, said):
    path = copied.home(EAST) / "built" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: "0"}))
    with pytest.raises(PartitionFailed, match=f"{EAST}: built .*{said}"):
        merge(copied.survey, copied.folder, say=str)


def test_a_partition_has_a_name_and_a_number(merged):
    plan = read_plan(merged.folder)
    assert plan.named("0") == plan.named(plan.names[0]) == plan.names[0]
    with pytest.raises(PartitionFailed, match="no such partition; there are"):
        plan.named("pilot")


def test_pixels_are_those_of_healpix():
    """As astropy_healpix has them, on both sides of all borders and at the poles."""
    random = np.random.default_rng(5)
    ra, near = random.uniform(0, 360, 4000), 10 ** random.uniform(-7, -1, 1000)
    dec = np.degrees(np.arcsin(random.uniform(-1, 1, 4000)))
    dec[:2000] = np.r_[90 - near, near - 90]
    deepest = lonlat_to_healpix(ra * units.deg, dec * units.deg, 2**29, order="nested")
    assert pixels(ra, dec, 0) == [f"29-{number}" for number in deepest]


def test_pixels_go_with_their_neighbours_while_there_is_room():
    sizes = {"0-0": 30, "2-16": 1, "1-5": 20, "0-3": 49, "0-4": 1, "0-5": 90, "0-11": 5}
    found = [name for name, size in sizes.items() for _ in range(size)]
    owners = dict(zip(found, joined(found[::-1], 100)[::-1], strict=True))
    assert list(owners.values()) == ["0-0"] * 4 + ["0-4"] * 3
    assert joined([], 100) == []


def test_a_survey_that_borrows_no_models_has_a_pilot(first, tmp_path):
    """Of fewer stars than models learn from at most, the pilot has all; it is built first."""
    folder = tmp_path / "small"
    copy_build(first, folder, "raw")
    plan = cut(first.survey, folder, spectra=LARGE, say=str)
    assert plan.named("pilot") == "pilot"
    pilot, every = (
        parts.read_table(raw / "headers.parquet", "raw.headers")
        for raw in (folder / "partitions" / "pilot" / "raw", folder / "raw")
    )
    assert pilot.equals(every)
    with pytest.raises(PartitionFailed, match="with --partition pilot"):
        build_partition(first.survey, folder, plan.names[0], say=str)
