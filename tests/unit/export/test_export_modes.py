"""A release of both modes: the paper's table and best mode's, in every format and in one package."""

import csv
import json
import re
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import ascii as astropy_ascii
from astropy.io import fits
from astropy.table import Table
from click.testing import CliRunner
from release_rows import rows_of, store, store_best

from obcat.cli import main
from obcat.export import null_of, status_of
from obcat.export.cds import forms as check
from obcat.export.cds.column import label
from obcat.export.plain import printed
from obcat.export.release import release, verify
from obcat.reading import Missing
from obcat.schema import SQL, columns_of

BEST = columns_of("catalog.ob_stars_best")
OF_BEST = {"demo_best.fits", "demo_best.csv", "demo_best.vot", "demo_best.parquet", "demo_best_mrt.txt",
    "cds/best.dat"}  # fmt: skip
METHODS = {"paper": "paper", "best": "obcat"}
OF_PAPER = {"demo.fits", "demo.csv", "demo.vot", "demo.parquet", "demo_mrt.txt", "cds/obstars.dat"}


@pytest.fixture(scope="module")
def best_rows() -> dict[str, list]:
    return rows_of(40, BEST)


@pytest.fixture(scope="module")
def built(template, tmp_path_factory, rows, best_rows) -> Path:
    path = Path(shutil.copy(template, tmp_path_factory.mktemp("built") / "obcat.duckdb"))
    store(path, rows)
    store_best(path, best_rows)
    return path


@pytest.fixture(scope="module")
def folder(built) -> Path:
    release(built, built.parent / "both")
    return built.parent / "both"


def names(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def tables(database: Path) -> set[str]:
    with duckdb.connect(str(database), read_only=True) as con:
        found = con.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables()")
        return {name for (name,) in found.fetchall() if name.startswith("catalog.")}


def test_both_is_what_there_is(folder, built, template, tmp_path, rows):
    assert names(folder) >= OF_BEST | OF_PAPER
    assert tables(folder / "obcat.duckdb") == {
        "catalog.ob_stars",
        "catalog.ob_stars_best",
        "catalog.catalog_diff",
    }
    path = Path(shutil.copy(template, tmp_path / "obcat.duckdb"))
    store(path, rows)
    release(path, tmp_path / "out")
    assert not names(tmp_path / "out") & OF_BEST
    assert tables(tmp_path / "out/obcat.duckdb") == {"catalog.ob_stars"}


@pytest.mark.parametrize(
    ("mode", "there", "not_there"), [("paper", OF_PAPER, OF_BEST), ("best", OF_BEST, OF_PAPER)]
)
def test_one_mode_alone(built, tmp_path, mode, there, not_there):
    command = ["export", str(built), "--trust", "--mode", mode, "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    found = names(tmp_path / "out")
    assert found >= there
    assert not found & not_there
    assert check(tmp_path / "out/cds") == []
    assert ("catalog.ob_stars_best" in tables(tmp_path / "out/obcat.duckdb")) == (mode == "best")
    said = json.loads((tmp_path / "out/provenance.json").read_text(encoding="ascii"))
    assert [t["method"] for t in said["tables"].values()] == [METHODS[mode]]


def test_best_mode_that_was_left_out_is_refused_in_one_line(template, tmp_path, rows):
    path = Path(shutil.copy(template, tmp_path / "obcat.duckdb"))
    store(path, rows)
    with pytest.raises(Missing, match=r"obcat\.duckdb: no best mode here: .*modes = \["):
        release(path, tmp_path / "out", "best")
    assert not (tmp_path / "out").exists()


def test_every_format_holds_every_value_of_best_mode(folder, best_rows):
    with duckdb.connect(str(folder / "obcat.duckdb"), read_only=True) as con:
        stored = con.sql("FROM catalog.ob_stars_best ORDER BY specid").to_arrow_table()
    assert stored.to_pydict() == best_rows
    assert pq.read_table(folder / "demo_best.parquet").to_pydict() == best_rows
    data = fits.getdata(folder / "demo_best.fits", 1)
    for c in BEST:
        if c.type == "DOUBLE":
            wanted = np.array([np.nan if v is None else v for v in best_rows[c.column]])
            np.testing.assert_array_equal(data[c.column], wanted, err_msg=c.column)
    with (folder / "demo_best.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert list(lines[0]) == [c.column for c in BEST]
    votable = Table.read(folder / "demo_best.vot", format="votable")
    for c in BEST:
        texts = printed(c, best_rows[c.column])
        assert [line[c.column] for line in lines] == texts, c.column
        for table in (votable, data):
            found = [known(value, null_of(c)) for value in table[c.column]]
            assert found == best_rows[c.column], c.column


def known(value: object, null: int | None) -> object:
    """A value of a table of astropy or of FITS; None for what stands for NULL."""
    if np.ma.is_masked(value):
        return None
    value = value.item() if isinstance(value, np.generic) else value
    return None if value in ("", null) or value != value else value


def test_one_package_has_two_tables_that_astropy_reads_back(folder, rows, best_rows):
    assert check(folder / "cds") == []
    for name, columns, wanted in (
        ("obstars.dat", columns_of("catalog.ob_stars"), rows),
        ("best.dat", BEST, best_rows),
    ):
        table = astropy_ascii.read(
            folder / "cds" / name, format="cds", readme=str(folder / "cds/ReadMe")
        )
        assert table.colnames == [label(c.column) for c in columns]
        for c in columns:
            found = [None if np.ma.is_masked(v) else v for v in table[label(c.column)]]
            assert printed(c, found) == printed(c, wanted[c.column]), c.column


def test_labels_of_best_mode_are_different_and_have_no_blank():
    labels = [label(c.column) for c in BEST]
    assert len(set(labels)) == len(labels)
    assert not any(" " in name or len(name) > 16 for name in labels)


def test_the_package_says_a_fault_of_the_second_table(folder, tmp_path):
    package = Path(shutil.copytree(folder / "cds", tmp_path / "cds"))
    lines = (package / "best.dat").read_text(encoding="ascii").splitlines(keepends=True)
    (package / "best.dat").write_text("".join(lines[:-1]), encoding="ascii")
    assert [fault.file for fault in check(package)] == ["best.dat"]


def test_every_file_says_by_which_method_it_is_and_that_it_is_simulated(folder):
    for name, method in (("demo", "paper"), ("demo_best", "obcat")):
        header = fits.getheader(folder / f"{name}.fits", 1)
        assert (header["METHOD"], header["SIMULATD"]) == (method, True)
        text = (folder / f"{name}.vot").read_text(encoding="ascii")
        assert f'<INFO name="method" value="{method}"/>' in text
        assert "SIMULATED" in text
        keys = pq.read_schema(folder / f"{name}.parquet").metadata
        assert (keys[b"obcat.method"], keys[b"obcat.simulated"]) == (method.encode(), b"yes")
    said = json.loads((folder / "provenance.json").read_text(encoding="ascii"))
    assert said["tables"] == {
        "catalog.ob_stars": {"rows": 40, "method": "paper"},
        "catalog.ob_stars_best": {"rows": 40, "method": "obcat"},
    }
    assert "catalog.ob_stars_best:  best mode" in (folder / "CITATION").read_text(encoding="ascii")
    assert (folder / "cds/ReadMe").read_text(encoding="ascii").count("SIMULATED.") == 2


def test_the_guide_has_a_row_for_every_column_of_both(folder):
    paper, _, best = (
        (folder / "COLUMNS.md")
        .read_text(encoding="utf-8")
        .partition("\n## catalog.ob_stars_best\n")
    )
    for c in columns_of("catalog.ob_stars"):
        assert paper.count(f"\n| `{c.column}` |") == 1
    for c in BEST:
        (row,) = re.findall(rf"^\| `{c.column}` \|.*$", best, re.MULTILINE)
        assert f"| {status_of(c)} | {c.description}" in row


def test_what_best_mode_makes_anew_is_described_anew():
    """The status of a column is that of its words: those that the SQL takes over are the paper's."""
    text = (SQL / "90_catalog/40_ob_stars_best.sql").read_text(encoding="utf-8")
    lists = [part.partition("        )\n")[0] for part in text.split("REPLACE (")[1:]]
    taken = [name for replaced in lists for name in re.findall(r" AS (\w+)\n", replaced)]
    left_out = re.findall(r"o\.\* EXCLUDE \(([^)]*)\) REPLACE", text)
    estimated = [name.strip() for names in left_out for name in names.split(",")]  # e.* has them
    anew = {*taken, *estimated, "em_flag", "parallax_spec_err", "snr_dparallax"}
    assert len(anew) > 25
    paper = {c.column for c in columns_of("catalog.ob_stars")}
    for c in BEST:
        made = c.column in anew or c.column not in paper
        assert status_of(c) == ("obcat" if made else "paper"), c.column


def test_verify_knows_the_files_of_both(folder, tmp_path):
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    assert verify(copy).unknown == verify(copy).missing == ()
    (copy / "demo_best.csv").write_text("x", encoding="ascii")
    assert verify(copy).changed == ("demo_best.csv",)


def test_the_same_catalog_gives_the_same_bytes(folder, built):
    release(built, built.parent / "again")
    for name in names(folder) - {"obcat.duckdb", "SHA256SUMS"}:
        again = built.parent / "again" / name
        assert (folder / name).read_bytes() == again.read_bytes(), name
