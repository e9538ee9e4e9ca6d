"""A whole input is missing: the build goes through, what hangs on it is NULL,
and a quality bit says why.
"""

import shutil
from pathlib import Path

import duckdb
import pytest

from obcat.ingest.survey import ingest
from tests.whole.small import FILES, loaded, make, obcat, tables_of, write_survey

ABSOLUTE = ["mk", "mk_geo", "mk_geo_err"]
PARALLAX = [
    "gaia_id",
    "gaia_name",
    "parallax",
    "parallax_error",
    "parallax_offset",
    "pmra",
    "ruwe",
    "snr_dparallax",
]
TWOMASS = ["j", "j_err", "h", "h_err", "ks", "ks_err", "parallax_spec"]
EXTINCTION = ["ebv", "ebv_err", "a_ks", "a_ks_err", "n_colours"]
DISTANCE = ["dis", "dis_low", "dis_high", "logdis", "logdis_err", "x", "y", "z"]
LABELS = ["teff", "teff_err", "logg", "feh"]
BITS_OF_EVERY_ROW = """SELECT b.name FROM meta.quality_bits AS b, ob_stars
    GROUP BY b.name, b.bit HAVING bool_and(quality & bit > 0)"""
# missing inputs, columns NULL in every row, columns not NULL in some row, quality bits in every row
CASES = {
    "gaia_dr2": (
        ["gaia_dr2"],
        [*PARALLAX, *ABSOLUTE, *DISTANCE, "binary_flag"],
        ["ks", "ebv"],
        ["no_gaia", "no_mk"],
    ),
    "twomass": (
        ["twomass"],
        [*TWOMASS, *ABSOLUTE, "binary_flag"],
        ["dis", "ebv"],
        ["no_ks", "no_mk"],
    ),
    "xstps and targets": (["xstps", "targets"], [], ["mk", "dis", "ebv"], []),
    "apass": (["apass"], [], ["mk", "dis", "ebv"], []),
    "labels": (
        ["labels"],
        [*LABELS, *EXTINCTION, *ABSOLUTE],
        ["dis", "em_flag"],
        ["no_labels", "no_mk"],
    ),
    "photometry": (["xstps", "apass"], ["gri_source"], ["mk", "dis", "ebv"], []),
    "everything": (
        list(FILES),
        [
            *PARALLAX,
            *ABSOLUTE,
            *TWOMASS,
            *EXTINCTION,
            *DISTANCE,
            *LABELS,
            "binary_flag",
            "gri_source",
            "obsid_none",
        ][:-1],
        ["em_flag", "rv", "snr_g"],
        ["no_gaia", "no_ks", "no_labels", "no_mk"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_without(first, files, tmp_path, case):
    missing, null, known, bits = CASES[case]
    toml = write_survey(tmp_path / "survey.toml", files / "spectra", tables_of(files, *missing))
    made = make(toml, tmp_path, start_from=first)
    assert not [line for line in made.said if line.startswith("fail")]
    with duckdb.connect(str(made.database), read_only=True) as con:
        con.execute("USE obcat.catalog")
        rows = con.execute("SELECT count(*) FROM ob_stars").fetchall()[0][0]
        counts = {
            c: con.execute(f"SELECT count({c}) FROM ob_stars").fetchall()[0][0]
            for c in {*null, *known}
        }
        in_every_row = con.execute(BITS_OF_EVERY_ROW).fetchall()
    assert rows == 257
    assert {c for c in null if counts[c]} == set()
    assert {c for c in known if not counts[c]} == set()
    assert {name for (name,) in in_every_row} == set(bits)


def test_a_table_that_is_taken_away_is_gone(first, files, tmp_path):
    """An earlier ingest had the table; the survey no longer names it."""
    toml = write_survey(tmp_path / "survey.toml", files / "spectra", tables_of(files, "gaia_dr2"))
    shutil.copytree(first.folder / "raw", tmp_path / "small" / "raw")
    ingest(loaded(toml), tmp_path / "small" / "raw")
    with duckdb.connect() as con:
        assert con.execute(
            "SELECT count(*) FROM read_parquet($path)",
            {"path": str(tmp_path / "small" / "raw" / "gaia_dr2.parquet")},
        ).fetchall() == [(0,)]


@pytest.mark.parametrize("n", [1, 2, 99, 101])
def test_too_few_spectra_to_learn_from(files, tmp_path, n):
    toml = write_survey(
        tmp_path / "survey.toml", some(files, tmp_path, n), tables_of(files, "targets")
    )
    made = make(toml, tmp_path, allow_empty=True)  # one spectrum has no label, or no APASS star
    assert not [line for line in made.said if line.startswith("fail")]
    with duckdb.connect(str(made.database), read_only=True) as con:
        con.execute("USE obcat.catalog")
        found = con.execute(
            """SELECT count(*), count(mk), count(em_flag), count(dis) + count_if(quality & 262144 > 0) = count(parallax)
            , bool_and(quality & 8192 > 0) FROM ob_stars"""
        ).fetchall()
        fits = dict(con.execute("SELECT model, n_rows FROM model.fits").fetchall())
    assert found == [(n, 0, 0, True, True)]
    assert fits["pca"] <= n


def some(files: Path, tmp_path: Path, n: int) -> Path:
    folder = tmp_path / "spectra"
    folder.mkdir()
    for path in sorted((files / "spectra").rglob("*.gz"))[:n]:
        shutil.copy2(path, folder / path.name)
    return folder


def test_no_spectra_at_all(files, tmp_path):
    toml = write_survey(tmp_path / "survey.toml", some(files, tmp_path, 0), tables_of(files))
    read = obcat("ingest", toml, "--build", tmp_path)
    assert read.returncode == 2
    assert read.stderr.splitlines()[-1].startswith(
        f"Error: {tmp_path / 'spectra'}: no *.fits or *.fits.gz below"
    )
    made = obcat("build", toml, "--build", tmp_path)
    assert made.returncode == 1
    assert made.stderr.splitlines() == [
        f"Error: {tmp_path / 'small' / 'raw'}: nothing ingested here; run `obcat ingest` first"
    ]


def test_only_files_that_are_no_spectra(files, tmp_path):
    folder = some(files, tmp_path, 0)
    (folder / "spec-56001-X_sp01-001.fits.gz").write_bytes(b"<html>not here</html>")
    made = make(write_survey(tmp_path / "survey.toml", folder, tables_of(files)), tmp_path)
    with duckdb.connect(str(made.database), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM obcat.catalog.ob_stars").fetchall() == [(0,)]
        assert con.execute("SELECT status, reason FROM obcat.raw.files").fetchall() == [
            ("quarantined", "not_fits")
        ]


def test_all_stars_identical(files, tmp_path):
    """One star and 110 visits: copies of one spectrum are duplicates, not visits."""
    folder = some(files, tmp_path, 1)
    (source,) = folder.iterdir()
    for k in range(4):
        (folder / f"copy{k}").mkdir()
        shutil.copy2(source, folder / f"copy{k}" / source.name)
    made = make(
        write_survey(tmp_path / "survey.toml", folder, tables_of(files, "targets")),
        tmp_path,
        allow_empty=True,
    )
    with duckdb.connect(str(made.database), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM obcat.catalog.ob_stars").fetchall() == [(1,)]
        found = con.execute(
            "SELECT status, count(*) FROM obcat.raw.files GROUP BY status ORDER BY status"
        ).fetchall()
    assert found == [("duplicate", 4), ("ingested", 1)]


def test_a_table_of_which_no_row_belongs_to_a_spectrum(files, tmp_path):
    (tmp_path / "targets.csv").write_text("specid\n56001-nowhere-01-001\n")
    tables = {"targets": tmp_path / "targets.csv", "gaia_dr2": files / FILES["gaia_dr2"]}
    toml = write_survey(tmp_path / "survey.toml", some(files, tmp_path, 20), tables)
    read = obcat("ingest", toml, "--build", tmp_path)
    assert read.returncode == 2
    assert read.stderr.splitlines()[-1] == (
        "Error: tables.targets: targets.csv: none of its 1 rows belongs to a spectrum "
        "(tried specid); "
        "is it the table of this survey?; or allow it with --allow-empty"
    )
    raw = tmp_path / "small" / "raw"
    assert obcat("build", toml, "--build", tmp_path).stderr.splitlines() == [
        f"Error: {raw}: no table targets here; run `obcat ingest`, which says why"
    ]
    allowed = obcat("ingest", toml, "--build", tmp_path, "--allow-empty")
    assert allowed.returncode == 0
    said = allowed.stderr + allowed.stdout
    assert (
        "targets: 1 rows of targets.csv, 1 kept, 0 belong to a spectrum; 0 of 20 spectra have one"
        in said
    )
    assert (raw / "targets.parquet").is_file()
