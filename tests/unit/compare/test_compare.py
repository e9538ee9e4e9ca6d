"""obcat compare: known differences are found again;
keys, units, nulls and names of the other catalog.
"""

import shutil

import numpy as np
import pyarrow as pa
import pytest
from astropy.table import Table
from click.testing import CliRunner

from obcat.cli import main
from obcat.compare import CompareError, compare, difference, kappa, names
from obcat.compare.join import join, read_foreign
from obcat.ingest.errors import IngestError
from obcat.schema import columns_of
from tests.unit.release_rows import COLUMNS, rows_of, store

N = 60
BIAS = 0.25


@pytest.fixture(scope="module")
def rows():
    values = rows_of(N)
    values["uniqflag"] = [1] * N
    values["fitsname"] = [f"spec-1-A_sp01-{i:03d}.fits" for i in range(N)]
    values["binary_flag"] = [0, 1] * (N // 2 - 1) + [None, None]
    values["mk"] = np.linspace(-3, 2, N).tolist()
    values["mk_err"] = [0.3] * N
    values["dis"] = np.linspace(0.5, 9, N).tolist()
    return values


@pytest.fixture(scope="module")
def catalog(template, rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("compared") / "obcat.duckdb"
    shutil.copy(template, path)
    store(path, rows)
    return path


@pytest.fixture
def other(rows):
    """The same stars, two of them not in it, fainter by BIAS, twice as near, in another order."""
    table = pa.table({c.column: pa.array(rows[c.column], c.arrow_type) for c in COLUMNS})
    mk, dis = (np.array(table[c].to_pylist()) for c in ("mk", "dis"))
    table = table.set_column(table.column_names.index("mk"), "mk", pa.array(mk + BIAS))
    table = table.set_column(table.column_names.index("dis"), "dis", pa.array(dis / 2))
    return table.take(pa.array(np.arange(N - 3, -1, -1)))


def test_known_differences_are_found(catalog, other):
    joined = join(catalog, other, "specid")
    assert joined.counts["in both"] == N - 2
    assert joined.counts["only in ours"] == 2
    assert difference(joined, "mk") == pytest.approx(np.full(N - 2, -BIAS))
    assert difference(joined, "dis") == pytest.approx(np.ones(N - 2))  # ours / theirs - 1
    assert np.array_equal(joined.ours["binary_flag"], joined.theirs["binary_flag"], equal_nan=True)


def test_text_and_pictures(catalog, other, tmp_path):
    said = compare(catalog, other, "theirs.fits", tmp_path, by="specid")
    line = next(line for line in said.splitlines() if line.startswith("mk "))
    assert line.split() == ["mk", "mag", "58", "-0.2500", "0.0000", "0.00", "0.0", "%"]
    assert "SIMULATED survey 'demo', against 'theirs.fits' - binary_flag" in said
    assert (tmp_path / "compare.txt").read_text(encoding="utf-8") == said
    first = (tmp_path / "compare.png").read_bytes(), (tmp_path / "compare.pdf").read_bytes()
    assert (first[0][:4], first[1][:4]) == (b"\x89PNG", b"%PDF")
    compare(catalog, other, "theirs.fits", tmp_path, by="specid")
    assert first == (
        (tmp_path / "compare.png").read_bytes(),
        (tmp_path / "compare.pdf").read_bytes(),
    )


def test_a_comparison_takes_the_place_of_nothing_else(catalog, other, tmp_path):
    (tmp_path / "compare.txt").write_text("mine", encoding="ascii")
    with pytest.raises(CompareError, match="move it away, or give another folder"):
        compare(catalog, other, "theirs.fits", tmp_path, by="specid")
    assert [p.name for p in tmp_path.iterdir()] == ["compare.txt"]
    assert (tmp_path / "compare.txt").read_text(encoding="ascii") == "mine"


def test_fitsname_joins_whatever_folder_and_ending_it_has(catalog, other):
    names_of = [f"20111024/A/{name}.gz" for name in other["fitsname"].to_pylist()]
    other = other.select(["mk"]).append_column("fitsname", pa.array(names_of))
    assert join(catalog, other, None).by == "fitsname"
    assert join(catalog, other, None).counts["in both"] == N - 2


def test_gaia_id_joins_one_row_a_star_and_ids_are_exact(catalog, rows, other):
    known = [g for g in rows["gaia_id"] if g is not None]
    double = pa.table(
        {"gaia_id": pa.array([*known, known[0]]), "mk": pa.array(np.zeros(len(known) + 1))}
    )
    joined = join(catalog, double, "gaia_id")
    assert joined.counts["in both"] == len(known) - 1
    moved = pa.table(
        {"gaia_id": pa.array([g + 1 for g in known]), "mk": pa.array(np.zeros(len(known)))}
    )
    with pytest.raises(CompareError, match="are they of the same stars"):
        join(catalog, moved, "gaia_id")


def test_the_key_with_most_rows_is_taken(catalog, other):
    names_of = pa.array(["nobody"] * (len(other) - 1) + other["fitsname"].to_pylist()[-1:])
    other = other.set_column(other.column_names.index("fitsname"), "fitsname", names_of)
    assert join(catalog, other, None).by == "specid"


@pytest.mark.parametrize(
    ("drop", "by", "said"),
    [
        (["specid", "fitsname", "gaia_id"], None, "name theirs with --column"),
        (["specid"], "specid", "not a column of both"),
    ],
)
def test_no_key(catalog, other, drop, by, said):
    with pytest.raises(CompareError, match=said):
        join(catalog, other.drop_columns(drop), by)


def test_nothing_to_compare(catalog, other):
    with pytest.raises(CompareError, match="no column of ours"):
        join(catalog, other.select(["specid", "ra", "fitsname"]), None)


def test_kappa_by_hand():
    # 20 + 15 of 50 agree, 0.7; by chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5; (0.7 - 0.5) / (1 - 0.5) = 0.4
    assert kappa(np.array([[20, 5], [10, 15]])) == pytest.approx(0.4)
    assert np.isnan(kappa(np.zeros((2, 2), int)))
    assert np.isnan(kappa(np.array([[7, 0], [0, 0]])))


def foreign(path, **columns):
    return read_foreign(path, columns_of("catalog.ob_stars"), names(), columns)


def test_names_units_and_nulls_of_others(tmp_path):
    path = tmp_path / "published.fits"
    table = Table(
        {
            "SpecID": ["a", "b", "c"],
            "GaiaDR2": [2**62 + 1, 0, 3],
            "Bin": np.array([1, -9, 0], np.int16),
        }
    )
    table["Dist"] = [1500.0, np.nan, 2.0]
    table["Dist"].unit = "pc"
    table["e_KsMAG"] = [0.1, 0.2, 0.3]
    table.write(path)
    read = foreign(path)
    assert read["specid"].to_pylist() == ["a", "b", "c"]
    assert read["gaia_id"].to_pylist() == [2**62 + 1, None, 3]
    assert read["binary_flag"].to_pylist() == [1, None, 0]
    assert read["dis"].to_pylist() == [1.5, None, 0.002]
    assert read["mk_err"].to_pylist() == [0.1, 0.2, 0.3]


def test_the_user_s_word_on_a_name(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("specid,MagK,mk\na,1.5,9\n", encoding="utf-8")
    assert foreign(path)["mk"].to_pylist() == [9]
    assert foreign(path, mk="MagK")["mk"].to_pylist() == [1.5]
    with pytest.raises(IngestError, match=r"has no column 'MagKs'; did you mean 'MagK'"):
        foreign(path, mk="MagKs")
    with pytest.raises(
        IngestError, match=r"--column mkk: the catalog has no such column; did you mean 'mk'"
    ):
        foreign(path, mkk="MagK")


def test_command(catalog, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("fitsname,MagK\nspec-1-A_sp01-003.fits.gz,1.5\n", encoding="utf-8")
    run = CliRunner().invoke(
        main, ["compare", str(path), str(catalog), "--trust", "--column", "mk=MagK"]
    )
    assert run.exit_code == 0, run.output
    assert run.output.rstrip().endswith("compare.png")
    assert (catalog.parent / "compare" / "compare.txt").is_file()
    wrong = CliRunner().invoke(
        main, ["compare", str(path), str(catalog), "--trust", "--column", "mk"]
    )
    assert (wrong.exit_code, "write OURS=THEIRS" in wrong.output) == (2, True)
    empty = tmp_path / "empty.csv"
    empty.write_text("x\n1\n", encoding="utf-8")
    nothing = CliRunner().invoke(main, ["compare", str(empty), str(catalog), "--trust"])
    assert nothing.exit_code == 1
    assert "Error: none of fitsname, specid, gaia_id" in nothing.output
