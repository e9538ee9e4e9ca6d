"""A build does again what has changed, and no more."""

import os
import shutil
from pathlib import Path

import duckdb
import pytest

from obcat import db, schema
from obcat.build import fitting, inputs
from obcat.build.run import BuildFailed
from obcat.export import read
from tests.whole.small import PARAMETERS, Made, built, copy_build, obcat, tables_of, write_survey


@pytest.fixture
def again(first, tmp_path) -> Made:
    copy_build(first, tmp_path / "small", "raw", "models", "obcat.duckdb")
    os.utime(tmp_path / "small" / "obcat.duckdb", (1e9, 1e9))
    return Made(first.toml, tmp_path / "small")


def origins(made: Made) -> dict[str, str]:
    with duckdb.connect(str(made.database), read_only=True) as con:
        return dict(con.execute("SELECT model, origin FROM model.fits").fetchall())


def test_second_build_does_nothing(again):
    done = obcat("build", again.toml, "--build", again.root)
    assert done.returncode == 0
    assert done.stderr.splitlines() == [f"{again.database}: nothing has changed"]
    assert done.stdout == ""
    assert again.database.stat().st_mtime == 1e9


def test_second_ingest_reads_nothing(again):
    done = obcat("ingest", again.toml, "--build", again.root)
    assert done.returncode == 0
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("spectra: ")]
    assert " found, " in said
    assert " read" not in said


def test_a_changed_parameter_is_a_new_catalog(again, files, first):
    toml = write_survey(
        again.root / "survey.toml",
        files / "spectra",
        tables_of(files),
        PARAMETERS | {"distance_max": 50},
    )
    made = built(toml, again.folder)
    assert made.database.stat().st_mtime != 1e9
    assert made.csv != first.csv
    assert set(origins(made).values()) == {"cached"}
    notes = read(made.database).notes
    assert notes["distance_max"].startswith("survey, in place of 100, assumed: ")
    assert notes["binary_nsigma"].startswith("paper, section 6: ")


def test_a_changed_parameter_of_a_fit_fits_that_and_what_hangs_on_it(again, files):
    toml = write_survey(
        again.root / "survey.toml", files / "spectra", tables_of(files), PARAMETERS | {"epochs": 4}
    )
    found = origins(built(toml, again.folder))
    assert {name for name, origin in found.items() if origin == "fitted"} == {"luminosity", "noise"}


def test_one_digit_of_a_reference_table_is_a_new_catalog(again, first, tmp_path, monkeypatch):
    reference = Path(shutil.copytree(inputs.REFERENCE, tmp_path / "reference"))
    law = reference / "extinction_law.csv"
    lines = law.read_text(encoding="utf-8").splitlines()
    changed = [",".join([*line.split(",")[:-1], "0.391"]) for line in lines[1:]]
    law.write_text("\n".join([lines[0], *changed]) + "\n", encoding="utf-8")
    monkeypatch.setattr(inputs, "REFERENCE", reference)
    made = built(again.toml, again.folder)
    assert made.database.stat().st_mtime != 1e9
    assert made.csv != first.csv
    assert {name for name, origin in origins(made).items() if origin == "cached"} >= {
        "pca",
        "labels",
    }


def test_a_lost_table_is_not_taken_for_unchanged(again):
    (again.folder / "raw" / "labels.parquet").unlink()
    with pytest.raises(BuildFailed, match=r"no table labels here; run `obcat ingest`"):
        built(again.toml, again.folder)
    assert again.database.stat().st_mtime == 1e9


def test_lost_spectra_stop_the_build_and_leave_the_catalog(again, files):
    shutil.rmtree(again.folder / "raw" / "spectra")
    toml = write_survey(
        again.root / "survey.toml",
        files / "spectra",
        tables_of(files),
        PARAMETERS | {"distance_max": 50},
    )
    done = obcat("build", toml, "--build", again.root)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Error: checks failed: ")
    assert "16_spectra" in done.stderr.splitlines()[-1]
    assert again.database.stat().st_mtime == 1e9


def test_a_comment_in_a_late_step_retrains_nothing(again, first, tmp_path, monkeypatch):
    sql = tmp_path / "sql"
    shutil.copytree(schema.SQL, sql)
    for module in (schema, db, fitting):
        monkeypatch.setattr(module, "SQL", sql)
    with (sql / "90_catalog" / "20_ob_stars.sql").open("a", encoding="utf-8") as f:
        f.write("-- one more line\n")
    made = built(again.toml, again.folder)
    assert made.database.stat().st_mtime != 1e9
    assert set(origins(made).values()) == {"cached"}
    assert made.csv == first.csv


def test_a_damaged_model_is_fitted_again(again, files, first):
    kept = next(
        path for path in (again.folder / "models").iterdir() if path.name.startswith("pca-")
    )
    arrays = kept / "arrays.safetensors"
    content = bytearray(arrays.read_bytes())
    content[len(content) // 2] ^= 1
    arrays.write_bytes(content)
    again.database.unlink()
    made = built(again.toml, again.folder)
    assert origins(made)["pca"] == "fitted"
    assert origins(made)["luminosity"] == "cached"
    assert made.csv == first.csv


def test_a_damaged_database_is_built_again(again, first):
    content = bytearray(again.database.read_bytes())
    again.database.write_bytes(content[: len(content) // 3])
    assert built(again.toml, again.folder).csv == first.csv
