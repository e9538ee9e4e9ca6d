"""Samples of a small database: of whom, the same each time, and what a file of them says."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from obcat import models
from obcat.fit import Fit
from obcat.fit.parallax_globals import usual_values
from obcat.query.origin import astropy_table
from obcat.reading import Missing, reading_of
from obcat.samples import sample_tables, star_samples, write_samples

STARS = ("A", "B", "C")
SPECTRA = {"A": ("a1", "a2"), "B": ("b1",), "C": ("c1",)}


@pytest.fixture
def built(con, fill):
    """Three stars; B has no extinction, so no posterior; A has a second visit."""
    rest = {"w0": np.zeros((1, 1, 1), np.float32), "label_mk": np.array([0.3, 0, 0, 0, 0, 0])}
    model = usual_values((0.02, 0.15, 0.02))[0] | rest
    models.store(con, "posterior", "key", 3, "fitted", Fit(model))
    visits = [
        {"specid": specid, "star_id": star, "uniqflag": i, "snr_g": 60.0}
        for star, names in SPECTRA.items()
        for i, specid in enumerate(names, 1)
    ]
    fill(con, "sample.visits", visits)
    place = {"ra": 80.0, "dec": 40.0, "ks": 10.0, "ks_err": 0.02}
    fill(con, "sample.stars", [{"star_id": s, "specid": SPECTRA[s][0], **place} for s in STARS])
    dust = {"ebv": 0.3, "ebv_err": 0.02, "a_ks": 0.1, "a_ks_err": 0.01}
    fill(con, "reddening.dust", [{"star_id": s, **dust} for s in ("A", "C")])
    said = {"spec_mean": 0.2, "spec_sigma": 0.15, "companion_logit": -1.0}
    fill(con, "posterior.spectral", [{"specid": v["specid"], **said} for v in visits])
    fill(con, "catalog.ob_stars", [{**v, "fitsname": v["specid"]} for v in visits])
    return con


def drawn(con, stars=None, count=400):
    (table,) = sample_tables(con, stars, count)
    return table


def test_each_star_with_a_posterior_once(built):
    table = drawn(built)
    assert table["star_id"].to_pylist() == ["A"] * 400 + ["C"] * 400
    assert table["draw"].to_pylist() == [*range(1, 401)] * 2
    assert not any(column.null_count for column in table.columns)
    first, second = (table["dis"].to_numpy()[i : i + 400] for i in (0, 400))
    assert np.median(first) == pytest.approx(np.median(second), rel=0.05)
    assert not np.array_equal(first, second)
    assert np.median(table["ebv"]) == pytest.approx(0.3, abs=0.01)


def test_light_distance_and_extinction_belong_together(built):
    """Ks is 10: M_s, distance and extinction add up to it, but for its error of 0.02."""
    table = drawn(built)
    column = {
        name: table[name].to_numpy() for name in ("mk_system", "dis", "ebv", "mk", "companion")
    }
    ks = column["mk_system"] + 5 * np.log10(column["dis"]) + 10 + column["ebv"] / 3
    assert np.median(ks) == pytest.approx(10, abs=0.01)
    assert ks.std() < 0.03
    assert column["mk"] - column["mk_system"] == pytest.approx(column["companion"], abs=1e-6)


def test_one_star_as_among_all(built):
    alone = drawn(built, ["C"])
    assert alone.equals(drawn(built).slice(400))
    table = star_samples(built, "c1", 400)
    assert table["dis"].unit == "kpc"
    assert table["mk"].tolist() == alone["mk"].to_pylist()
    assert len(star_samples(built, "B", 400)) == 0


def test_a_file_says_what_it_is(built, tmp_path):
    survey = reading_of(built, "demo", True, tmp_path / "obcat.duckdb")
    assert write_samples(survey, tmp_path / "s.parquet", 5) == 2
    file = pq.ParquetFile(tmp_path / "s.parquet")
    assert b"SIMULATED" in file.schema_arrow.metadata[b"simulated"]
    assert file.schema_arrow.field("dis").metadata[b"unit"] == b"kpc"
    first = (tmp_path / "s.parquet").read_bytes()
    write_samples(survey, tmp_path / "t.parquet", 5)
    assert (tmp_path / "t.parquet").read_bytes() == first
    assert astropy_table(file.read(), {})["draw"].tolist() == [1, 2, 3, 4, 5] * 2


def test_without_best_mode_there_are_none(con):
    models.store(con, "posterior", "key", 3, "fitted", Fit({"w0": np.zeros((0, 0, 0), np.float32)}))
    with pytest.raises(Missing, match="the model posterior was not fitted"):
        next(sample_tables(con, None, 1))
    con.execute("DROP SCHEMA posterior CASCADE")
    with pytest.raises(Missing, match="give the database of a build that has best mode"):
        next(sample_tables(con, None, 1))
