"""An empty database with every table, macro, parameter and view of stage;
small tables from CSV or from dicts.
"""

import csv
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from obcat import db
from obcat.schema import Column, columns_of, read_tables

Rows = list[dict[str, Any]]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "obcat.duckdb"
    with db.connect(path) as con:
        db.create_tables(con)
        views = {name for name, table in read_tables().items() if table.kind == "view"}
        for file in db.sql_files():
            made = file.path.parent.name == "00_meta" or file.relation in views
            if made and file.relation != "meta.survey":
                db.run(con, file)
    return path


@pytest.fixture
def database(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(template, tmp_path / "obcat.duckdb"))


@pytest.fixture
def con(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with db.connect(database) as opened:
        yield opened


@pytest.fixture(scope="session")
def fill() -> Callable[[duckdb.DuckDBPyConnection, str, Rows], None]:
    return fill_table


@pytest.fixture(scope="session")
def read_csv() -> Callable[[Path, str], Rows]:
    return read_rows


def fill_table(con: duckdb.DuckDBPyConnection, table: str, rows: Rows) -> None:
    """Insert rows; a required column that they do not mention gets 0 or an empty string."""
    if table == "meta.parameters":
        for name, value in rows[0].items():
            con.execute(f'UPDATE meta.parameters SET "{name}" = $value', {"value": value})
        return
    if table == "catalog.ob_stars":
        rows = [with_corrected(row) for row in rows]
    columns = [c for c in columns_of(table) if c.required or any(c.column in row for row in rows)]
    arrays = {
        c.column: pa.array([row.get(c.column, default(c)) for row in rows], c.arrow_type)
        for c in columns
    }
    con.register("rows_to_insert", pa.table(arrays))
    con.execute(f"INSERT INTO {db.qualified(table)} BY NAME SELECT * FROM rows_to_insert")
    con.unregister("rows_to_insert")


def with_corrected(row: dict[str, Any]) -> dict[str, Any]:
    """A row that gives a parallax and its offset, with what a build makes of the two."""
    parallax, offset = row.get("parallax"), row.get("parallax_offset")
    if parallax is None or offset is None:
        return row
    return {"parallax_corrected": parallax - offset, **row}


def default(column: Column) -> Any:
    if not column.required:
        return None
    if column.size:
        return [0.0] * column.size
    return (
        ""
        if column.type == "VARCHAR"
        else False
        if column.type == "BOOLEAN"
        else int(float(column.min or 0))
    )


def read_rows(path: Path, table: str) -> Rows:
    """Rows of a CSV file, typed as declared;
    blank is NULL, # begins a comment, a number fills an array.
    """
    declared = {c.column: c for c in columns_of(table)}
    with path.open(newline="", encoding="utf-8") as f:
        reader = csv.DictReader(line for line in f if not line.startswith("#"))
        return [{name: typed(text, declared[name]) for name, text in row.items()} for row in reader]


def typed(text: str, column: Column) -> Any:
    if text == "":
        return None
    if column.size:
        return [float(text)] * column.size
    if column.type == "BOOLEAN":
        return {"true": True, "false": False}[text]
    if column.type == "VARCHAR":
        return text
    return float(text) if column.type in ("DOUBLE", "FLOAT") else int(text)
