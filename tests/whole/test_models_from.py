"""A few spectra are estimated with the models of another survey's build."""

import shutil
from pathlib import Path

import duckdb
import numpy as np
import pytest
from click.testing import CliRunner

from obcat.build.fitting import fingerprint_of
from obcat.build.run import build
from obcat.cli import main
from obcat.db import StepFailed
from obcat.ingest.survey import ingest
from obcat.query.sql import outcome
from tests.whole.small import loaded, make, tables_of, write_survey

ESTIMATES = ["mk", "mk_err", "em_flag", "halpha_excess", "clean_chi2", "erroneous"]


@pytest.fixture
def five(first, files, tmp_path) -> Path:
    """Five spectra, with and without emission."""
    folder = tmp_path / "five"
    folder.mkdir()
    with duckdb.connect(str(first.database), read_only=True) as con:
        names = con.execute(
            "SELECT fitsname FROM obcat.catalog.ob_stars WHERE mk IS NOT NULL ORDER BY em_flag "
            "DESC, specid LIMIT 5"
        ).fetchall()
    for (name,) in names:
        (found,) = (files / "spectra").rglob(name + "*")
        shutil.copy2(found, folder / found.name)
    return folder


def estimates(database: Path) -> dict[str, tuple]:
    with duckdb.connect(str(database), read_only=True) as con:
        return {
            specid: values
            for specid, *values in con.execute(
                f"SELECT specid, {', '.join(ESTIMATES)} FROM obcat.catalog.ob_stars"
            ).fetchall()
        }


@pytest.mark.parametrize(
    "tables", [(), ("gaia_dr2", "twomass")], ids=["no tables", "Gaia and 2MASS"]
)
def test_spectra_are_estimated_as_by_their_own_survey(first, files, five, tmp_path, tables):
    given = {name: path for name, path in tables_of(files).items() if name in tables}
    toml = write_survey(tmp_path / "survey.toml", five, given, models_from=first.database)
    made = make(toml, tmp_path)
    found, known = estimates(made.database), estimates(first.database)
    assert len(found) == 5
    for specid, values in found.items():
        assert values == pytest.approx(known[specid], abs=1e-6, rel=1e-6), specid
        assert values[0] is not None
    with duckdb.connect(str(made.database), read_only=True) as con:
        con.execute("USE obcat.catalog")
        origins = dict(con.execute("SELECT model, origin FROM model.fits").fetchall())
        said = dict(con.execute("FROM obcat.meta.provenance").fetchall())["models_from"]
        counts = con.execute(
            "SELECT count(teff), count(dis), count(parallax), count(ks) FROM ob_stars"
        ).fetchall()[0]
    borrowed = {name for name, origin in origins.items() if origin == "borrowed"}
    best = {"lines", "dust", "templates", "sky", "faults", "posterior"}
    best |= {"rv_spread", "velocity_errors"}
    assert borrowed == {"pca", "labels", "joined_labels", "luminosity", "domain", "noise"} | best
    assert said.startswith("SIMULATED survey ")
    assert said.endswith(fingerprint_of(first.database)[:16])
    assert f"models lent by the {said}" in " ".join(outcome(made.database))
    assert counts[0] == 5
    assert all(counts[1:]) if tables else not any(counts[1:])


def test_parameters_of_the_models_hold(first, five, tmp_path):
    """The survey that borrows need not repeat what the models were fitted with."""
    made = make(
        write_survey(tmp_path / "survey.toml", five, {}, {"sun_x": -8}, models_from=first.database),
        tmp_path,
    )
    known = estimates(first.database)
    for specid, values in estimates(made.database).items():
        assert values == pytest.approx(known[specid], abs=1e-6, rel=1e-6), specid


def test_another_build_of_the_models_is_another_catalog(first, five, tmp_path):
    lent = Path(shutil.copy2(first.database, tmp_path / "lent.duckdb"))
    toml = write_survey(tmp_path / "survey.toml", five, {}, models_from=lent)
    made = make(toml, tmp_path)
    before = estimates(made.database)
    assert not build(loaded(toml), made.folder, say=str)
    with duckdb.connect(str(lent)) as con:  # as if its networks had begun from another seed
        con.execute("UPDATE meta.provenance SET value = 'other' WHERE item = 'fingerprint'")
        offsets = "model = 'luminosity' AND \"array\" LIKE '%b2'"
        other = {"other": np.array([1.0]).tobytes()}  # mag
        con.execute(f"UPDATE model.arrays SET data = $other WHERE {offsets}", other)
    assert build(loaded(toml), made.folder, say=str)
    assert estimates(made.database) != before


@pytest.mark.parametrize("fault", ["missing", "folder", "text", "no models"])
def test_nothing_to_borrow_is_one_line(first, five, tmp_path, fault):
    lent = tmp_path / "lent.duckdb"
    if fault == "folder":
        lent.mkdir()
    elif fault == "text":
        lent.write_text("not a database")
    elif fault == "no models":
        duckdb.connect(str(lent)).close()
    toml = write_survey(tmp_path / "survey.toml", five, {}, models_from=lent)
    if fault != "missing":
        ingest(loaded(toml), tmp_path / "small" / "raw")
    for more in ([], ["--trust"]):
        done = CliRunner().invoke(main, ["build", str(toml), "--build", str(tmp_path), *more])
        assert done.exit_code == 1
        assert "Traceback" not in done.stderr
        last = done.stderr.splitlines()[-1]
        assert last.startswith("Error: ")
        assert "models_from" in last
    assert str(lent) in last


def emptied(first, path, model, n_rows):
    """What a fit without enough stars leaves: arrays of length zero, and numbers that are NaN."""
    shutil.copy2(first.database, path)
    with duckdb.connect(str(path)) as con:
        cleared = "UPDATE model.arrays SET shape = [0], data = ''::BLOB WHERE model = $model"
        con.execute(f"{cleared} AND len(shape) > 0", {"model": model})
        con.execute(
            "UPDATE model.arrays SET dtype = '<f8', data = $nan WHERE model = $model AND len(shape) = 0",
            {"model": model, "nan": np.array(np.nan).tobytes()},
        )
        con.execute("UPDATE model.fits SET n_rows = ? WHERE model = ?", [n_rows, model])
    return path


@pytest.mark.parametrize("model", ["pca", "luminosity"])
def test_a_lender_too_small_to_have_trained_is_named(first, five, tmp_path, model):
    lent = emptied(first, tmp_path / "lent.duckdb", model, 7)
    toml = write_survey(tmp_path / "survey.toml", five, {}, models_from=lent)
    with pytest.raises(StepFailed, match=rf"lent\.duckdb was itself too small .* model '{model}'"):
        make(toml, tmp_path)


def test_models_of_another_version_are_told(first, five, tmp_path):
    lent = tmp_path / "lent.duckdb"
    shutil.copy2(first.database, lent)
    with duckdb.connect(str(lent)) as con:
        con.execute("UPDATE model.arrays SET \"array\" = 'w' WHERE \"array\" = 'clean_w0'")
    toml = write_survey(tmp_path / "survey.toml", five, {}, models_from=lent)
    with pytest.raises(StepFailed, match=r"lent\.duckdb: its models have no 'w0'.* build it again"):
        make(toml, tmp_path)


def test_a_posterior_of_another_shape_is_told(first, five, tmp_path):
    """As of a version whose Galaxy had five numbers; paper mode needs none of them."""
    lent = tmp_path / "lent.duckdb"
    shutil.copy2(first.database, lent)
    known = {"w0": np.zeros((1, 1, 1), np.float32), "density": np.zeros(5)}
    with duckdb.connect(str(lent)) as con:
        con.execute("DELETE FROM model.arrays WHERE model = 'posterior'")
        for name, a in known.items():
            row = ["posterior", name, a.dtype.str, list(a.shape), a.tobytes()]
            con.execute("INSERT INTO model.arrays VALUES (?, ?, ?, ?, ?)", row)
    toml = write_survey(tmp_path / "survey.toml", five, {}, models_from=lent)
    with pytest.raises(StepFailed, match=r"lent\.duckdb: its model 'posterior' .* build it again"):
        make(toml, tmp_path)
    toml.write_text(toml.read_text() + '\n[build]\nmodes = ["paper"]\n')
    make(toml, tmp_path)


def test_a_lender_without_parallaxes_lends_its_flags(first, five, tmp_path):
    lent = emptied(first, tmp_path / "lent.duckdb", "luminosity", 0)
    made = make(write_survey(tmp_path / "survey.toml", five, {}, models_from=lent), tmp_path)
    with duckdb.connect(str(made.database), read_only=True) as con:
        (counts,) = con.execute(
            "SELECT count(mk), count(em_flag) > 0 FROM obcat.catalog.ob_stars"
        ).fetchall()
    assert counts == (0, True)
