"""The release, read back by every common reader:
cell by cell what the database holds, NULL for NULL.
"""

import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table
from release_rows import BIG, COLUMNS, FLOATS, INTEGERS, TEXTS, rows_of, store

from obcat import db, models
from obcat.checksums import NoSums
from obcat.export import ReleaseError, _are_plain, _plain
from obcat.export import release as exporter
from obcat.export.cds import forms as check
from obcat.export.cds.column import label
from obcat.export.plain import printed
from obcat.export.release import build_of, release

FILES = [
    "demo.fits",
    "demo.csv",
    "demo.vot",
    "demo.parquet",
    "demo_mrt.txt",
    "demo_moc.fits",
    "cds/ReadMe",
    "cds/obstars.dat",
    "COLUMNS.md",
    "CITATION",
    "CITATION.bib",
    "zenodo.json",
    "q.rd",
    "provenance.json",
    "models.safetensors",
    "obcat.duckdb",
    "SHA256SUMS",
]
NEVER_THE_SAME = {"obcat.duckdb", "SHA256SUMS"}


def names(folder: Path, paths: list[Path]) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in paths]


def held(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def rows() -> dict[str, list]:
    return rows_of(40)


@pytest.fixture(scope="module")
def released(template, tmp_path_factory, rows) -> Path:
    folder = tmp_path_factory.mktemp("released")
    path = Path(shutil.copy(template, folder / "obcat.duckdb"))
    store(path, rows)
    found = names(folder / "out", release(path, folder / "out"))
    assert [name for name in found if not name.startswith("demo_hats/")] == FILES
    assert "demo_hats/dataset/_metadata" in found
    return folder / "out"


@pytest.fixture(scope="module")
def hdus(released) -> fits.HDUList:
    with fits.open(released / "demo.fits", checksum=True, memmap=False) as opened:
        opened[1].data  # noqa: B018
        yield opened


def test_fits_holds_every_bit(hdus, rows):
    data = hdus[1].data
    assert list(data.names) == [c.column for c in COLUMNS]
    for c in FLOATS:
        expected = np.array([np.nan if v is None else v for v in rows[c.column]])
        np.testing.assert_array_equal(data[c.column], expected, err_msg=c.column)
    for c in INTEGERS:
        expected = [int(c.null) if v is None else v for v in rows[c.column]]
        assert data[c.column].tolist() == expected, c.column
        assert data[c.column].dtype.itemsize == {"BIGINT": 8, "INTEGER": 4, "SMALLINT": 2}[c.type]
    for c in TEXTS:
        assert data[c.column].tolist() == [v or "" for v in rows[c.column]], c.column


def test_astropy_table_sees_null_as_null(released, rows):
    table = Table.read(released / "demo.fits", hdu=1, mask_invalid=True)
    for c in COLUMNS:
        found = [None if np.ma.is_masked(v) else v for v in table[c.column]]
        wanted = rows[c.column]
        assert [v is None for v in found] == [v is None for v in wanted], c.column
        assert [v for v in found if v is not None] == [v for v in wanted if v is not None], c.column
    assert str(table["pmra"].unit) == "mas / yr"
    assert table["gaia_id"][0] == BIG


def test_fits_describes_every_column(hdus):
    header = hdus[1].header
    for number, c in enumerate(COLUMNS, start=1):
        assert header[f"TTYPE{number}"] == c.column
        assert header[f"TUCD{number}"] == c.ucd
        assert header[f"TCOMM{number}"] == c.description
        assert (f"TUNIT{number}" in header) == bool(c.unit)
        assert (f"TNULL{number}" in header) == (c.null not in ("yes", "no"))
        assert header[f"TDISP{number}"] == c.format or c.type == "VARCHAR"
    units = {header[f"TTYPE{i}"]: header.get(f"TUNIT{i}") for i in range(1, len(COLUMNS) + 1)}
    assert (units["pmra"], units["rv"], units["dis"], units["ra"], units["mk"]) == (
        "mas yr-1",
        "km s-1",
        "kpc",
        "deg",
        "mag",
    )
    nulls = {header[f"TTYPE{i}"]: header.get(f"TNULL{i}") for i in range(1, len(COLUMNS) + 1)}
    assert (nulls["gaia_id"], nulls["binary_flag"], nulls["em_flag"]) == (0, -9, -9)


def test_fits_says_that_it_is_simulated_and_where_it_is_from(hdus):
    for hdu in hdus:
        assert hdu.header["SIMULATD"] is True
        assert any("SIMULATED" in line for line in hdu.header["COMMENT"])
        assert hdu.header["SURVEY"] == "demo"
        assert hdu.header["RELEASE"] == "DR5"
        assert hdu.header["CREATOR"] == "obcat 0.1"
        assert hdu.header["OBCATFP"] == "a1" * 32
        assert {"CHECKSUM", "DATASUM"} <= set(hdu.header)


def test_a_real_survey_is_not_called_simulated(database, tmp_path):
    store(database, rows_of(2), simulated=0)
    path = release(database, tmp_path / "out")[0]
    with fits.open(path) as opened:
        for hdu in opened:
            assert hdu.header["SIMULATD"] is False
            assert "SIMULATED" not in str(hdu.header["COMMENT"])


def test_checksums_notice_a_changed_bit(released, tmp_path):
    data = bytearray((released / "demo.fits").read_bytes())
    data[-6000] ^= 1
    (tmp_path / "x.fits").write_bytes(data)
    with (
        pytest.warns(Warning, match="verification failed"),
        fits.open(tmp_path / "x.fits", checksum=True) as changed,
    ):
        _ = changed[1].data


def same(c, found, wanted) -> bool:
    """Is a value read from the CSV the one that was stored, to the digits of its format?"""
    if found is None or wanted is None:
        return found is wanted
    if c.type != "DOUBLE":
        return found == wanted
    digits = int(c.format.partition(".")[2])
    return abs(found - wanted) <= (
        0.5000001 * 10**-digits if c.format[0] == "F" else 0.51 * 10**-digits * abs(wanted)
    )


def assert_same(columns: dict[str, list], rows: dict[str, list]) -> None:
    assert list(columns) == [c.column for c in COLUMNS]
    for c in COLUMNS:
        assert len(columns[c.column]) == len(rows[c.column])
        for found, wanted in zip(columns[c.column], rows[c.column], strict=True):
            assert same(c, found, wanted), f"{c.column}: {found!r}, stored {wanted!r}"


def test_csv_read_by_duckdb(released, rows):
    types = {c.column: c.type for c in COLUMNS}
    with duckdb.connect() as con:
        table = con.read_csv(str(released / "demo.csv"), dtype=types).to_arrow_table()
    assert_same(table.to_pydict(), rows)


def test_csv_read_by_duckdb_without_hints_keeps_ids(released, rows):
    with duckdb.connect() as con:
        table = con.read_csv(str(released / "demo.csv")).to_arrow_table()
    assert table["gaia_id"].to_pylist() == rows["gaia_id"]


def test_csv_read_by_pyarrow(released, rows):
    options = pacsv.ConvertOptions(
        column_types={c.column: c.arrow_type for c in COLUMNS}, strings_can_be_null=True
    )
    assert_same(pacsv.read_csv(released / "demo.csv", convert_options=options).to_pydict(), rows)


def test_csv_read_by_pandas(released, rows):
    names = {
        "BIGINT": "Int64",
        "INTEGER": "Int32",
        "SMALLINT": "Int16",
        "DOUBLE": "float64",
        "VARCHAR": "string",
    }
    frame = pd.read_csv(released / "demo.csv", dtype={c.column: names[c.type] for c in COLUMNS})
    found = {name: [None if pd.isna(v) else v for v in frame[name]] for name in frame}
    assert_same(found, rows)


def test_text_twin_of_the_id_survives_pandas_without_hints(released, rows):
    """pandas makes a float column of integers with blanks and rounds them:
    the text twin is for such readers.
    """
    frame = pd.read_csv(released / "demo.csv")
    assert frame["gaia_id"].dtype == np.float64
    assert [None if pd.isna(v) else v for v in frame["gaia_name"]] == rows["gaia_name"]


def test_csv_read_by_astropy(released, rows):
    table = Table.read(released / "demo.csv", format="ascii.csv")
    for c in COLUMNS:
        found = [None if np.ma.is_masked(v) else v for v in table[c.column]]
        assert all(map(same, [c] * len(found), found, rows[c.column])), c.column


def test_csv_is_text_with_one_header_line_ordered_by_specid(released, rows):
    lines = (released / "demo.csv").read_text(encoding="utf-8").split("\n")
    assert lines[0] == ",".join(c.column for c in COLUMNS)
    assert lines[-1] == ""
    assert [line.split(",")[0] for line in lines[1:-1]] == sorted(rows["specid"])


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("ra", 92.9545, "92.954500"),
        ("ra", 0.1 + 0.2, "0.300000"),
        ("mk", -0.0001, "0.000"),
        ("mk", -0.0005001, "-0.001"),
        ("halpha_chi2", 12345.678, "1.235e+04"),
        ("halpha_chi2", -0.0, "0.000e+00"),
        ("gaia_id", BIG, "4611686018427387905"),
        ("binary_flag", 0, "0"),
        ("mk", None, ""),
        ("star_id", "S0925716224932", "S0925716224932"),
    ],
)
def test_values_are_printed_as_their_format_says(name, value, text):
    (column,) = [c for c in COLUMNS if c.column == name]
    assert printed(column, [value]) == [text]


def test_sums_are_those_of_the_files(released):
    lines = (released / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    summed = [line.split("  ") for line in lines if not line.startswith("# ")]
    for digest, name in summed:
        assert hashlib.sha256((released / name).read_bytes()).hexdigest() == digest
    assert sorted(held(released)) == sorted([name for _, name in summed] + ["SHA256SUMS"])
    assert set(FILES) <= held(released).keys()
    assert lines[:3] == ["# made by obcat: release", "# survey: demo", "# simulated: yes"]
    assert f"# fingerprint: {'a1' * 32}" in lines


def test_every_file_has_the_same_rights(released):
    """What one may read of a release, one may read of all of it."""
    assert len({path.stat().st_mode for path in released.rglob("*") if path.is_file()}) == 1


def test_same_rows_give_the_same_bytes(released, database, tmp_path, rows):
    shuffled = np.random.default_rng(1).permutation(len(rows["specid"]))
    store(database, {name: [values[i] for i in shuffled] for name, values in rows.items()})
    release(database, tmp_path / "out")
    for name, data in held(released).items():
        assert name in NEVER_THE_SAME or (tmp_path / "out" / name).read_bytes() == data, name


def test_pieces_of_few_rows_change_no_byte(released, database, tmp_path, rows, monkeypatch):
    """Records, and so sums of 32 bits and lines of base64, go on over the ends of pieces."""
    monkeypatch.setattr("obcat.export.BATCH", 7)
    store(database, rows)
    release(database, tmp_path / "out")
    with fits.open(tmp_path / "out" / "demo.fits", checksum=True, memmap=False) as opened:
        assert opened[1].header["NAXIS1"] % 4  # a record ends within a word
    for name, data in held(released).items():
        assert name in NEVER_THE_SAME or (tmp_path / "out" / name).read_bytes() == data, name


def change(database: Path, column: str, value: object) -> None:
    """Another value in the fourth row."""
    with db.connect(database) as con:
        con.execute(
            f"UPDATE catalog.ob_stars SET {column} = $value WHERE specid = 'specid-00003'",
            {"value": value},
        )


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("gaia_id", 0, "gaia_id.*stands for NULL"),
        ("logg", 123.456, "logg: '123.456' is wider than its format"),
    ],
)
def test_what_a_format_cannot_hold_stops_and_leaves_the_old_release(
    database, tmp_path, rows, column, value, message
):
    store(database, rows)
    release(database, tmp_path / "out")
    before = held(tmp_path / "out")
    change(database, column, value)
    with pytest.raises(ReleaseError, match=message):
        release(database, tmp_path / "out")
    assert held(tmp_path / "out") == before
    with pytest.raises(ReleaseError, match=message):
        release(database, tmp_path / "new")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["obcat.duckdb", "out"]


def texts_of(folder: Path, column: str) -> dict[str, list[str]]:
    """A text column as each file has it, in the order of the rows."""
    cds = Table.read(
        folder / "cds/obstars.dat", format="ascii.cds", readme=str(folder / "cds/ReadMe")
    )
    with duckdb.connect(str(folder / "obcat.duckdb"), read_only=True) as con:
        stored = con.sql(f"SELECT {column} FROM catalog.ob_stars ORDER BY specid").fetchall()
    found = {
        "fits": Table.read(folder / "demo.fits", hdu=1)[column],
        "vot": Table.read(folder / "demo.vot")[column],
        "cds": cds[label(column)],
        "parquet": pq.read_table(folder / "demo.parquet")[column].to_pylist(),
        "csv": pacsv.read_csv(folder / "demo.csv")[column].to_pylist(),
        "database": [text for (text,) in stored],
    }
    return {name: [str(v) for v in values] for name, values in found.items()}


ODD = {  # as it is shown, and in ASCII where that is another
    "a\x1b]0;owned\x07.fits": (r"a\x1b]0;owned\x07.fits", None),
    "spec\u202egnp.fits": (r"spec\u202egnp.fits", None),
    "c1\x9b31m": (r"c1\x9b31m", None),
    "a\nb\tc.fits": (r"a\nb\tc.fits", None),
    " blanks.fits  ": ("blanks.fits", None),
    "  \x7fblanks.fits\t ": (r"\x7fblanks.fits\t", None),
    "Xiang–2022.fits": ("Xiang–2022.fits", r"Xiang\u20132022.fits"),
    "a_very_long_name_" * 20: ("a_very_long_name_" * 20, None),
}
FORMULAS = ["=1+1", "+A1", "-2+3", "@SUM(A1)", '=HYPERLINK("http://x","y")']


@pytest.fixture(scope="module")
def shown(template, tmp_path_factory) -> dict[str, dict[str, str]]:
    """Text -> file -> how it is there; all of them in one release, a row each."""
    folder, given = tmp_path_factory.mktemp("shown"), [*ODD, *FORMULAS]
    database = Path(shutil.copy(template, folder / "obcat.duckdb"))
    store(database, rows_of(len(given) + 2))
    with db.connect(database) as con:
        for row, value in enumerate(given):
            con.execute(
                "UPDATE catalog.ob_stars SET fitsname = $value WHERE specid = $specid",
                {"value": value, "specid": f"specid-{row:05d}"},
            )
    release(database, folder / "out")
    assert check(folder / "out" / "cds") == []
    texts = texts_of(folder / "out", "fitsname")
    return {value: {name: texts[name][row] for name in texts} for row, value in enumerate(given)}


@pytest.mark.parametrize("value", ODD)
def test_text_is_plain_and_whole_in_every_file(shown, value):
    plain, in_ascii = ODD[value]
    for name, found in shown[value].items():
        assert found == (in_ascii or plain if name in ("fits", "vot", "cds") else plain), name


@pytest.mark.parametrize("text", ["{}", "a{}", "{}b", "a{}b"])
def test_text_that_is_left_as_it_is_is_plain(text):
    """Any character of two alphabets, before, after and within others; most is seen at once."""
    given = [text.format(chr(i)) for i in range(0x300)]
    alike = [t for t in given if _are_plain(pa.chunked_array([[t, None]]))]
    assert alike == [t for t in given if t.isascii() and t == _plain(t)]
    assert _are_plain(pa.chunked_array([[None]], pa.string()))


@pytest.mark.parametrize("value", FORMULAS)
def test_no_text_of_the_csv_is_a_formula(shown, value):
    found = dict(shown[value])
    assert found.pop("csv") == f"'{value}"
    assert set(found.values()) == {value}


def test_numbers_of_the_csv_keep_their_sign(released, rows):
    table = pacsv.read_csv(released / "demo.csv")
    negative = [name for name in ("dec", "pmra") if min(v for v in rows[name] if v is not None) < 0]
    assert negative
    assert all(min(v for v in table[name].to_pylist() if v is not None) < 0 for name in negative)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE meta.survey SET name = '../demo'", "'../demo' is not the name of a survey"),
        ("UPDATE meta.survey SET name = 'démo'", "'démo' is not the name of a survey"),
    ],
)
def test_names_that_no_file_may_have_stop(database, tmp_path, change, message):
    store(database, rows_of(2))
    with db.connect(database) as con:
        con.execute(change)
    with pytest.raises(ReleaseError, match=message):
        release(database, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["catalog.ob_stars", "meta.quality_bits", "model.arrays"])
def test_a_view_in_place_of_a_table_is_not_asked(database, tmp_path, name):
    """It could read files of whoever exports;
    nor does a macro of the database stand in for DuckDB's list of tables.
    """
    store(database, rows_of(2))
    schema, _, table = name.partition(".")
    with db.connect(database) as con:
        con.execute(f"CREATE TABLE {schema}.moved AS FROM {name}")
        con.execute(f"DROP TABLE {name}")
        con.execute(f"CREATE VIEW {name} AS FROM {schema}.moved")
        listed = (
            f"SELECT 'obcat' AS database_name, '{schema}' AS schema_name, '{table}' AS table_name"
        )
        con.execute(f"CREATE MACRO main.duckdb_tables() AS TABLE {listed}")
    with pytest.raises(ReleaseError, match=rf"{name} is a view, where obcat build makes a table"):
        release(database, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_facts_of_the_headers_are_plain(database, tmp_path):
    store(database, rows_of(2))
    with db.connect(database) as con:
        con.execute(
            "UPDATE meta.provenance SET value = 'DR5–7' || chr(27) || '[31m' WHERE item = 'release'"
        )
    release(database, tmp_path / "out")
    plain = r"DR5\u20137\x1b[31m"
    assert fits.getheader(tmp_path / "out/demo.fits", 1)["RELEASE"] == plain
    for name in ("demo.vot", "cds/ReadMe", "SHA256SUMS"):
        assert plain in " ".join((tmp_path / "out" / name).read_text(encoding="ascii").split()), (
            name
        )


@pytest.mark.parametrize("name", ["out.partial", "out.old", "out"])
def test_what_obcat_did_not_make_stays(database, tmp_path, name):
    """A folder is not replaced, and not cleared, because of its name."""
    store(database, rows_of(2))
    (tmp_path / name / "cds").mkdir(parents=True)
    (tmp_path / name / "cds" / "mine").write_bytes(b"mine")
    if name == "out":
        with pytest.raises(OSError, match="not made by obcat, and a release would replace it"):
            release(database, tmp_path / "out")
    else:
        release(database, tmp_path / "out")
    assert (tmp_path / name / "cds" / "mine").read_bytes() == b"mine"


def test_files_beside_those_of_a_release_stay(database, tmp_path):
    store(database, rows_of(2))
    release(database, tmp_path / "out")
    (tmp_path / "out" / "cds" / "ReadMe").write_text("edited", encoding="ascii")
    with pytest.raises(OSError, match="'cds/ReadMe' was changed since obcat wrote it"):
        release(database, tmp_path / "out")
    assert (tmp_path / "out" / "cds" / "ReadMe").read_text(encoding="ascii") == "edited"


def test_an_export_during_a_publish_is_of_one_build(template, tmp_path, monkeypatch):
    """The database is replaced after every file: all are of the state that was there first."""
    old, new = (
        Path(shutil.copy(template, tmp_path / f"{name}.duckdb")) for name in ("obcat", "new")
    )
    for path, n in ((old, 3), (new, 7)):
        store(path, rows_of(n))
        with db.connect(path) as con:
            con.execute(
                "INSERT INTO model.arrays VALUES ('noise', 'size', '|u1', [1], $data)",
                {"data": bytes([n])},
            )
    with db.connect(new) as con:
        con.execute(
            "UPDATE meta.provenance SET value = repeat('b2', 32) WHERE item = 'fingerprint'"
        )

    def and_publish(write):
        def writing(path, *catalogs):
            write(path, *catalogs)
            if new.exists():
                new.replace(old)

        return writing

    for writers in (exporter.OF_A_TABLE, exporter.OF_ALL):
        for name, write in writers.items():
            monkeypatch.setitem(writers, name, and_publish(write))
    release(old, tmp_path / "out")
    assert not new.exists()
    with duckdb.connect(str(tmp_path / "out/obcat.duckdb"), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM catalog.ob_stars").fetchall() == [(3,)]
    assert models.read(tmp_path / "out/models.safetensors")[0]["noise"]["size"].tolist() == [3]
    assert {
        build_of(tmp_path / "out" / n) for n in ("demo.fits", "obcat.duckdb", "provenance.json")
    } == {"a1" * 32}


def test_a_database_of_another_build_stops(database, tmp_path, rows, monkeypatch):
    store(database, rows)
    release(database, tmp_path / "out")
    before = held(tmp_path / "out")
    write = exporter.duck.write_from

    def other(con, path, catalog):
        write(con, path, catalog)
        with duckdb.connect(str(path)) as changed:
            changed.execute(
                "UPDATE meta.provenance SET value = repeat('b2', 32) WHERE item = 'fingerprint'"
            )

    monkeypatch.setattr(exporter.duck, "write_from", other)
    with pytest.raises(
        NoSums, match=r"obcat\.duckdb is of build b2b2b2b2b2b2b2b2, SHA256SUMS of a1a1"
    ):
        release(database, tmp_path / "out")
    assert held(tmp_path / "out") == before


def test_another_version_of_the_table_is_refused(database, tmp_path):
    store(database, rows_of(1))
    with db.connect(database) as con:
        con.execute("ALTER TABLE catalog.ob_stars RENAME COLUMN mk TO mks")
    with pytest.raises(ReleaseError, match=r"obcat\.duckdb: .*'mks'; did you mean 'mk'"):
        release(database, tmp_path / "out")
    with pytest.raises(ReleaseError, match=r"nothing\.duckdb: .*; give a database made by"):
        release(tmp_path / "nothing.duckdb", tmp_path / "out")


def test_an_empty_catalog_is_a_table_without_rows(database, tmp_path):
    store(database, {c.column: [] for c in COLUMNS})
    paths = release(database, tmp_path / "out")
    assert len(fits.getdata(paths[0], 1)) == 0
    assert len(paths[1].read_text(encoding="utf-8").splitlines()) == 1


def test_a_catalog_of_full_size_is_written_in_seconds(database, tmp_path):
    """16,000 rows: under 3 s of CPU on an idle machine, three times what pandas takes to print them
    there; twice that is allowed, whatever the machine.
    """
    rows = rows_of(16_000)
    store(database, rows)
    started = time.process_time()
    release(database, tmp_path / "out")
    written = time.process_time()
    pd.DataFrame(rows).to_csv(tmp_path / "plain.csv")
    assert written - started < 6 * (time.process_time() - written)


def test_release_imports_no_model_code():
    script = (
        "import sys, obcat.export.release; sys.exit(str({'torch', 'lightgbm', 'scipy'} & "
        "set(sys.modules) or ''))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == ""
