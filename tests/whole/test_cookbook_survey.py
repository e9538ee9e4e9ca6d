"""The cookbook on the simulated survey:
answers worked out anew from the table, by numpy, and from the truth.
"""

import re
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table

import obcat
from obcat.db import SqlFile
from obcat.export import CATALOG
from obcat.export.release import release
from obcat.query.sql import answer
from obcat.schema import SQL
from tests.whole.small import ROOT

RECIPES = sorted((SQL / "queries").glob("*.sql"))


def recipe(name: str) -> str:
    return (SQL / "queries" / f"{name}.sql").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def table(first) -> dict[str, np.ndarray]:
    """Columns of the catalog, NaN for NULL."""
    with obcat.open(first.folder) as catalog:
        columns = catalog.sql("FROM catalog.ob_stars ORDER BY specid")
    numbers = [f.name for f in columns.schema if not pa.types.is_string(f.type)]
    found = {
        name: np.array([np.nan if v is None else v for v in columns[name].to_pylist()], float)
        for name in numbers
    }
    return found | {name: np.array(columns[name].to_pylist()) for name in ("specid", "star_id")}


@pytest.fixture(scope="module")
def ask(first):
    def run(query: str) -> dict[str, list]:
        return answer(first.database, query).table.to_pydict()

    return run


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_runs(ask, path):
    assert ask(path.read_text(encoding="utf-8"))


def test_recipes_of_the_catalog_alone_run_on_a_release(first, tmp_path):
    release(first.database, tmp_path)
    allowed = {CATALOG, "meta.quality_bits", "meta.survey", "meta.parameters", "meta.provenance"}
    alone = [path for path in RECIPES if set(SqlFile(path).header("Reads")) <= allowed]
    assert len(alone) > 25
    with duckdb.connect(str(tmp_path / "obcat.duckdb"), read_only=True) as con:
        for path in alone:
            assert con.sql(path.read_text(encoding="utf-8")).columns, path.stem


def test_hr_diagram(ask, table):
    t = table
    bad = (t["quality"].astype(int) & (8 | 1024)) > 0  # erroneous, labels_outside
    known = np.isfinite(t["teff"]) & (np.isfinite(t["mk"]) | np.isfinite(t["mk_geo"]))
    expected = t["star_id"][(t["uniqflag"] == 1) & known & ~bad]
    found = ask(recipe("hr_diagram"))
    assert sorted(found["star_id"]) == sorted(expected)
    assert found["teff"] == sorted(found["teff"], reverse=True)
    assert len(expected) > 50


def test_be_fraction_by_spectral_bin(ask, table):
    t = table
    known = (t["uniqflag"] == 1) & np.isfinite(t["teff"]) & np.isfinite(t["em_flag"])
    bins = np.digitize(t["teff"][known], [31500, 18000, 14000, 10000])
    found = ask(recipe("be_fraction_by_teff"))
    counts = np.bincount(bins, minlength=5)
    flagged = np.bincount(bins, t["em_flag"][known], minlength=5)
    assert found["stars"] == [n for n in counts if n]
    assert found["with_emission"] == [k for k, n in zip(flagged, counts, strict=True) if n]
    assert sum(flagged) > 0


def test_scatter_of_repeat_visits(ask, table):
    found = ask(recipe("repeat_visits"))
    assert len(found["star_id"]) > 0
    for star, visits, scatter in zip(
        found["star_id"], found["visits"], found["scatter"], strict=True
    ):
        mk = table["mk"][(table["star_id"] == star) & np.isfinite(table["mk"])]
        assert len(mk) == visits >= 3
        assert scatter == pytest.approx(np.std(mk, ddof=1))


def test_disc_sample(ask, table):
    t = table
    with np.errstate(invalid="ignore"):
        near = (
            (t["dis"] < 4)
            & (np.abs(t["z"]) < 0.3)
            & ((t["dis_high"] - t["dis_low"]) / 2 / t["dis"] < 0.2)
        )
    expected = t["star_id"][near & (t["uniqflag"] == 1)]
    assert sorted(ask(recipe("disc_sample"))["star_id"]) == sorted(expected)
    assert 0 < len(expected) < (t["uniqflag"] == 1).sum()


def test_completeness(ask, table, first):
    g = {
        row["specid"]: row["g_gaia"]
        for row in answer(
            first.database, "SELECT specid, g_gaia FROM sample.stars"
        ).table.to_pylist()
    }
    best = table["uniqflag"] == 1
    bins = [None if g[s] is None else int(np.floor(g[s])) for s in table["specid"][best]]
    found = ask(recipe("completeness_by_g"))
    assert sum(found["stars"]) == best.sum()
    for g_from, stars, with_mk in zip(
        found["g_from"], found["stars"], found["with_mk"], strict=True
    ):
        inside = np.array([b == g_from for b in bins])
        assert stars == inside.sum()
        assert with_mk == pytest.approx(np.isfinite(table["mk"][best][inside]).mean())


def test_over_luminous_stars_near_a_cluster(ask, table):
    """The cluster is a place where the survey has a binary; distances on the sky by astropy."""
    t = table
    binary = np.flatnonzero((t["uniqflag"] == 1) & (t["binary_flag"] == 1))
    centre = SkyCoord(t["ra"][binary[0]], t["dec"][binary[0]], unit=u.deg)
    separation = SkyCoord(t["ra"], t["dec"], unit=u.deg).separation(centre).deg
    expected = [i for i in binary if separation[i] <= 30]
    place = f"{float(centre.ra.deg)!r}, {float(centre.dec.deg)!r}, 30.0"
    found = ask(recipe("cluster_over_luminous").replace("34.75, 57.13, 1.0", place))
    assert sorted(found["star_id"]) == sorted(t["star_id"][expected])
    assert sorted(found["separation"]) == pytest.approx(sorted(separation[expected]), abs=1e-6)
    assert 0 < len(expected) < len(binary)


@pytest.fixture(scope="module")
def mine(files, tmp_path_factory) -> Path:
    """A list as a user has it, with the names of the truth, as CSV and as VOTable;
    one star is nobody's.
    """
    stars = pq.read_table(files.parent / "truth" / "stars.parquet", columns=["name", "ra", "dec"])
    nobody = {"name": "x", "ra": 1.0, "dec": -89.0}
    rows = Table({name: [*stars[name].to_pylist()[:60], value] for name, value in nobody.items()})
    folder = tmp_path_factory.mktemp("mine")
    rows.write(folder / "mine.csv", format="ascii.csv")
    rows.write(folder / "mine.vot", format="votable")
    return folder


def names_of(files: Path, first) -> dict[str, str]:
    """star_id -> name in the truth, by the spectra."""
    visits = pq.read_table(
        files.parent / "truth" / "visits.parquet", columns=["specid", "name"]
    ).to_pylist()
    named = {row["specid"]: row["name"] for row in visits}
    rows = answer(first.database, "SELECT specid, star_id FROM catalog.ob_stars").table.to_pylist()
    return {row["star_id"]: named[row["specid"]] for row in rows}


@pytest.mark.parametrize("ending", ["csv", "vot"])
def test_cross_match_with_a_list_finds_the_stars_of_that_name(
    first, files, mine, monkeypatch, ending
):
    """By the query of docs/sql.md."""
    monkeypatch.chdir(mine)
    text = re.search(
        r"```sql\n(.*?)```", (ROOT / "docs" / "sql.md").read_text(encoding="utf-8"), re.DOTALL
    )
    assert text
    with duckdb.connect(str(first.database), read_only=True) as con:
        if ending == "vot":
            read = Table.read("mine.vot")
            con.register("list", pa.table({name: read[name].tolist() for name in read.colnames}))
        query = text[1].replace("'mine.csv'", "list") if ending == "vot" else text[1]
        found = dict(row[:2] for row in con.execute(query).fetchall())
    truth = names_of(files, first)
    observed = set(truth.values())
    assert {name: truth[star_id] for name, star_id in found.items()} == {
        name: name for name in found
    }
    wanted = {name for name in Table.read(mine / "mine.csv")["name"] if name in observed}
    assert set(found) == wanted
    assert len(wanted) > 30
