"""Known truths of a whole build, each beside a planted fault that it sees: every check can fail."""

import ctypes
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from obcat import db
from obcat.build.run import _register
from obcat.kernels.continuum import rest_frame_normalised
from obcat.kernels.grid import LOG_STEP, WAVELENGTH
from tests.whole.small import Made, copy_build, make

BALMER = (4341.68, 4862.68)  # H gamma, H beta in vacuum, Angstrom (Morton 1991)
HALFWIDTH, SIGMA = 15.0, 50.0  # Angstrom about a line; of the pseudo-continuum
AGAIN = (
    "30_sample/80_stars",
    "60_luminosity/10_geometric",
    "85_distance/10_distances",
)  # no fit among them
ADDED = ("g.parallax - g.parallax_offset", "g.parallax + g.parallax_offset")
HIDDEN = (
    "distance_kpc",
    "parallax",
    "ebv",
    "a_ks",
    "teff",
    "logg",
    "feh",
    "mk",
    "mk_system",
    "mass",
    "mass_ratio",
)
IN_OPEN = 0x20


@pytest.fixture(scope="module")
def truth(files) -> Path:
    return files.parent / "truth"


@contextmanager
def copied(first: Made, folder: Path, truth: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of the first build that may be spoiled, with the truth beside it,
    one row per spectrum.
    """
    copy_build(first, folder, "obcat.duckdb")
    with db.connect(folder / "obcat.duckdb") as con:
        for name in ("stars", "visits"):
            con.register(f"{name}_read", pq.read_table(truth / f"{name}.parquet"))
        con.execute(
            "CREATE TEMP VIEW known AS SELECT v.specid, s.* FROM visits_read AS v JOIN "
            "stars_read AS s USING (name)"
        )
        yield con


def run_again(con: duckdb.DuckDBPyConnection, change: tuple[str, str] | None = None) -> None:
    """Steps that follow the tables of Gaia and 2MASS, once more;
    ``change`` is a text to put in place of another.
    """
    _register(con, "distance", {})
    files = [file for file in db.sql_files() if file.name in AGAIN]
    assert len(files) == len(AGAIN)
    found = False
    for file in files:
        con.execute(f"DELETE FROM {file.relation}")
        found |= change is not None and change[0] in file.text
        con.execute(file.text.replace(*change) if change else file.text)
    assert found or change is None


def column(con: duckdb.DuckDBPyConnection, query: str) -> np.ndarray:
    """The first column of an answer as float64; NULL is NaN."""
    return np.array(
        [np.nan if row[0] is None else row[0] for row in con.execute(query).fetchall()], float
    )


def biases(con: duckdb.DuckDBPyConnection) -> tuple[float, ...]:
    """How far the medians of parallax, M_geo and distance are from the truth:
    mas, mag, relative.
    """
    return con.execute("""
        SELECT
            abs(median(s.parallax_corrected - k.parallax))
            , abs(median(g.mk_geo - k.mk_system))
            , abs(median(d.dis / k.distance_kpc - 1))
        FROM sample.stars AS s
        INNER JOIN luminosity.geometric AS g USING (star_id)
        INNER JOIN distance.distances AS d USING (specid)
        INNER JOIN known AS k USING (specid)
        WHERE s.parallax / s.parallax_error > 5
    """).fetchall()[0]


def nearer(some: tuple[float, ...], others: tuple[float, ...]) -> bool:
    return all(a < b for a, b in zip(some, others, strict=True))


@pytest.fixture
def uncorrected(first, truth, tmp_path) -> tuple[float, ...]:
    with copied(first, tmp_path / "uncorrected", truth) as con:
        con.execute("UPDATE meta.parameters SET zero_point_default = 0")
        run_again(con)
        return biases(con)


def test_zero_point_is_taken_off(first, truth, tmp_path, uncorrected):
    """It brings parallaxes, M_geo and distances nearer to the truth."""
    with copied(first, tmp_path, truth) as con:
        run_again(con)
        assert nearer(biases(con), uncorrected)


@pytest.mark.parametrize("fault", ["sign of the number", "sign in the SQL"])
def test_wrong_sign_of_the_zero_point_is_seen(first, truth, tmp_path, uncorrected, fault):
    with copied(first, tmp_path, truth) as con:
        if fault == "sign of the number":
            con.execute("UPDATE meta.parameters SET zero_point_default = -zero_point_default")
        run_again(con, ADDED if fault == "sign in the SQL" else None)
        assert nearer(uncorrected, biases(con))


def explained(
    con: duckdb.DuckDBPyConnection, one: tuple[str, str, str], other: tuple[str, str, str]
) -> bool:
    """Errors explain the deviations from the truth better than each other's errors do (normal
    likelihoods).

    ``one`` and ``other`` are (value, error, truth) of measurements of the same stars; deviations
    beyond ten errors of either kind are left out, so that mistaken matches do not decide.
    """
    parts = ", ".join(f"{value}, {error}, {known}" for value, error, known in (one, other))
    query = f"SELECT {parts} FROM sample.stars AS s INNER JOIN known AS k USING (specid)"
    rows = np.array(
        [[np.nan if x is None else x for x in row] for row in con.execute(query).fetchall()], float
    ).T
    off, error = (rows[0] - rows[2], rows[3] - rows[5]), (rows[1], rows[4])
    with np.errstate(invalid="ignore"):
        used = np.logical_and.reduce([np.abs(o) < 10 * np.minimum(*error) for o in off])
    assert used.sum() > 100

    def cost(errors: tuple[np.ndarray, ...]) -> float:
        return sum(
            float(np.sum((o[used] / e[used]) ** 2 / 2 + np.log(e[used])))
            for o, e in zip(off, errors, strict=True)
        )

    return cost(error) < cost(error[::-1])


PAIRS = {
    "raw.gaia_dr2": (("s.parallax - s.parallax_offset", "s.parallax_error", "k.parallax"),
                     ("s.pmra", "s.pmra_error", "k.pmra"), ("parallax_error", "pmra_error")),
    "raw.twomass": (("s.j", "s.j_err", "k.true_j"), ("s.ks", "s.ks_err", "k.true_ks"),
    ("j_msigcom", "ks_msigcom")), }  # fmt: skip


@pytest.mark.parametrize("table", PAIRS)
def test_errors_are_those_of_their_own_measurement(first, truth, tmp_path, table):
    """Planted: two columns of errors of the table swapped, as by a wrong name in a survey file."""
    one, other, (a, b) = PAIRS[table]
    with copied(first, tmp_path, truth) as con:
        assert explained(con, one, other)
        con.execute(f"UPDATE {table} SET {a} = {b}, {b} = {a}")
        run_again(con)
        assert not explained(con, one, other)


def line_offset(flux: np.ndarray, ivar: np.ndarray, z: np.ndarray) -> float:
    """Pixels from where Balmer lines should be to where they are:
    median of the centroids of deep lines.
    """
    norm, weight, _ = rest_frame_normalised(
        flux, ivar, z, continuum_sigma=SIGMA, pca_min_wavelength=3750.0, pca_max_wavelength=9000.0
    )
    found = [centroid(norm, weight, line) for line in BALMER]
    return float(np.nanmedian(np.concatenate(found)))


def centroid(norm: np.ndarray, weight: np.ndarray, line: float) -> np.ndarray:
    """Centroid of the absorption about a line, pixels from its place;
    NaN where it is shallow or a pixel is masked.
    """
    near = np.abs(WAVELENGTH - line) < HALFWIDTH
    pixel = np.log10(WAVELENGTH[near] / line) / LOG_STEP
    depth = np.where(
        weight[:, near] > 0, norm[:, near].max(axis=1, keepdims=True) - norm[:, near], np.nan
    )
    with np.errstate(invalid="ignore"):
        clear = depth.max(axis=1) > 0.2
        return np.where(clear, (depth**4 @ pixel) / (depth**4).sum(axis=1), np.nan)


@pytest.fixture(scope="module")
def spectra(first) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    query = """
        SELECT r.flux, r.ivar, r.z FROM raw.spectra AS r INNER JOIN catalog.ob_stars AS c USING (specid)
        WHERE c.em_flag = 0 AND c.snr_g > 40 AND r.z IS NOT NULL ORDER BY specid
    """
    with db.connect(first.database, read_only=True) as con:
        rows = con.execute(query).fetchall()
    assert len(rows) > 80
    flux, ivar = (np.array([row[i] for row in rows], np.float32) for i in (0, 1))
    return flux, ivar, np.array([row[2] for row in rows], float)


def test_lines_are_where_they_should_be(spectra):
    assert abs(line_offset(*spectra)) < 0.3


@pytest.mark.parametrize("pixels", [-1, 1])
def test_a_shifted_wavelength_grid_is_seen(spectra, pixels):
    flux, ivar, z = spectra
    found = line_offset(np.roll(flux, pixels, axis=1), np.roll(ivar, pixels, axis=1), z)
    assert abs(found) > 0.5
    assert np.sign(found) == pixels


def on_both_sides(con: duckdb.DuckDBPyConnection, split: str) -> int:
    """True stars of which some spectrum trains and another one tests;
    the split is a relation (specid, is_train).
    """
    return con.execute(f"""
        SELECT count(*) FROM (
            SELECT name FROM ({split}) INNER JOIN known USING (specid)
            GROUP BY name HAVING min(is_train) < max(is_train)
        )
    """).fetchall()[0][0]


def test_no_star_trains_and_tests(first, truth, tmp_path):
    """Planted: every visit drawn for itself, by the hash of its own name."""
    with copied(first, tmp_path, truth) as con:
        assert con.execute(
            "SELECT count(DISTINCT is_train) FROM luminosity.good_parallax"
        ).fetchall() == [(2,)]
        split = "SELECT specid, is_train FROM luminosity.good_parallax"
        assert on_both_sides(con, split) == 0
        # nor would the other visits of a star be on another side than its best one
        every = (
            "SELECT v.specid, is_train FROM luminosity.good_parallax INNER JOIN "
            "sample.visits AS v USING (star_id)"
        )
        assert on_both_sides(con, every) == 0
        assert on_both_sides(con, by_visit()) > 0
        trained = "SELECT star_id FROM luminosity.good_parallax WHERE is_train = 1"
        assert (
            con.execute(f"SELECT star_id FROM model.noise_stars INTERSECT {trained}").fetchall()
            == []
        )


def by_visit() -> str:
    """The SELECT of the file that splits,
    with the hash of the spectrum in place of that of the star.
    """
    text = next(file.text for file in db.sql_files() if file.relation == "luminosity.good_parallax")
    text = re.sub(r"(?s)^.*?INSERT INTO \S+ BY NAME", "", text).rstrip().rstrip(";")
    for right, wrong in (
        ("hash_fraction(g.star_id)", "hash_fraction(v.specid)"),
        (" AND v.uniqflag = 1", ""),
    ):
        assert right in text
        text = text.replace(right, wrong)
    return text


def copies_of_the_truth(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Columns of the catalog that hold a hidden column of the truth, to nine digits,
    in a tenth of the rows or more.
    """
    catalog = con.execute("FROM catalog.ob_stars ORDER BY specid").fetchnumpy()
    hidden = con.execute("FROM known ORDER BY specid").fetchnumpy()
    numbers = {
        name: np.ma.filled(x.astype(float), np.nan)
        for name, x in catalog.items()
        if x.dtype.kind == "f"
    }
    return [
        (name, secret)
        for name, values in numbers.items()
        for secret in HIDDEN
        if np.isclose(
            values, np.ma.filled(hidden[secret].astype(float), np.inf), rtol=1e-9, atol=0
        ).mean()
        > 0.1
    ]


def test_no_column_of_the_catalog_is_one_of_the_truth(first, truth, tmp_path):
    """Planted: magnitudes of the truth in place of the estimates."""
    with copied(first, tmp_path, truth) as con:
        assert copies_of_the_truth(con) == []
        con.execute(
            "UPDATE catalog.ob_stars AS c SET mk = k.mk FROM known AS k WHERE c.specid = k.specid"
        )
        assert ("mk", "mk") in copies_of_the_truth(con)


@contextmanager
def watched(folder: Path) -> Iterator[list[int]]:
    """A list that gets an entry for each time anybody opens the folder or a file in it
    (inotify).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    handle = libc.inotify_init1(os.O_NONBLOCK)
    assert handle >= 0
    try:
        assert libc.inotify_add_watch(handle, str(folder).encode(), IN_OPEN) >= 0
        seen: list[int] = []
        yield seen
        while read := available(handle):
            seen.append(len(read))
    finally:
        os.close(handle)


def available(handle: int) -> bytes:
    try:
        return os.read(handle, 65536)
    except BlockingIOError:
        return b""


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="files opened are watched by inotify, of Linux"
)
def test_a_build_opens_no_file_of_the_truth(first, truth, tmp_path):
    """Planted: one query that reads it."""
    with watched(truth) as seen:
        made = make(first.toml, tmp_path, start_from=first)
    assert seen == []
    assert made.csv == first.csv
    with watched(truth) as seen, duckdb.connect() as con:
        con.execute(
            "SELECT count(*) FROM read_parquet($path)", {"path": str(truth / "stars.parquet")}
        )
    assert seen


def test_a_step_that_reads_the_truth_fails(first, truth, tmp_path, monkeypatch):
    """A step may read no file: DuckDB refuses, and the old database stays."""
    copy_build(first, tmp_path / "small", "raw", "models")
    sql = tmp_path / "sql"
    shutil.copytree(db.SQL, sql)
    peek = "(SELECT max(mk) FROM read_parquet('" + str(truth / "stars.parquet") + "'))"
    step = sql / "60_luminosity" / "10_geometric.sql"
    step.write_text(
        step.read_text(encoding="utf-8").replace("    s.star_id\n", f"    s.star_id || {peek}\n", 1)
    )
    monkeypatch.setattr(db, "SQL", sql)
    with pytest.raises(db.StepFailed, match=r"10_geometric.*Permission"):
        make(first.toml, tmp_path)
    assert not (tmp_path / "small" / "obcat.duckdb").exists()
