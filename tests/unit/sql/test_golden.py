"""Every folder of tests/golden is a case: small tables in, one SQL file, the rows it must make."""

import math
from pathlib import Path
from typing import Any

import pytest

from obcat import db
from obcat.schema import columns_of, read_tables

GOLDEN = Path(__file__).parents[2] / "golden"
CASES = sorted(path.parent for path in GOLDEN.glob("*/*/expect.csv"))
RTOL = 1e-9


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_golden(case, con, fill, read_csv):
    relation = case.parent.name
    for path in sorted(case.glob("*.*.csv")):
        fill(con, path.stem, read_csv(path, path.stem))
    if read_tables()[relation].kind == "table":
        db.run(con, file_of(relation))
    expected = read_csv(case / "expect.csv", relation)
    compare(rows_of(con, relation, case), expected, tolerance(case))


def file_of(relation: str) -> db.SqlFile:
    (file,) = [f for f in db.sql_files() if f.relation == relation]
    return file


def rows_of(con, relation: str, case: Path) -> list[dict[str, Any]]:
    """All rows, the columns that expect.csv names, ordered by them from the left."""
    lines = (case / "expect.csv").read_text(encoding="utf-8").splitlines()
    names = next(line for line in lines if not line.startswith("#")).split(",")
    columns = ", ".join(f'"{name}"' for name in names)
    rows = con.execute(f"SELECT {columns} FROM {relation} ORDER BY {columns}").fetchall()
    return [dict(zip(names, row, strict=True)) for row in rows]


def tolerance(case: Path) -> float:
    """1e-9 unless the first line of expect.csv says otherwise: # rtol 1e-6."""
    first = (case / "expect.csv").read_text(encoding="utf-8").partition("\n")[0]
    return float(first.removeprefix("# rtol ")) if first.startswith("# rtol ") else RTOL


def compare(
    found: list[dict[str, Any]], expected: list[dict[str, Any]], rtol: float = RTOL
) -> None:
    assert len(found) == len(expected), found
    for got, wanted in zip(found, expected, strict=True):
        for name, value in wanted.items():
            assert same(got[name], value, rtol), (
                f"{name}: {got[name]!r}, expected {value!r} in {wanted}"
            )


def same(got: Any, wanted: Any, rtol: float) -> bool:
    if isinstance(got, float) and isinstance(wanted, float):
        return math.isclose(got, wanted, rel_tol=rtol, abs_tol=1e-12)
    return type(got) is type(wanted) and got == wanted


def test_cases_exist_and_name_relations_and_tables():
    assert CASES
    for case in CASES:
        assert case.parent.name in read_tables()
        for path in case.glob("*.*.csv"):
            assert path.stem in read_tables(), path
            assert columns_of(path.stem)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([{"a": 1.0}], []),
        ([{"a": 1.0}], [{"a": None}]),
        ([{"a": None}], [{"a": 0.0}]),
        ([{"a": 1.0}], [{"a": 1.00000001}]),
        ([{"a": math.nan}], [{"a": math.nan}]),
        ([{"a": "x"}], [{"a": "y"}]),
    ],
)
def test_compare_sees_a_difference(found, expected):
    with pytest.raises(AssertionError):
        compare(found, expected)
