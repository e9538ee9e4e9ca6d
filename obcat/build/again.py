"""The last steps of a build once more, in a copy of its database, after something was changed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb

from obcat import db, models
from obcat.build.run import run_step
from obcat.db import qualified
from obcat.progress import working
from obcat.schema import quoted, read_tables

__all__ = ["again"]


def again(
    database: Path,
    folder: Path,
    *,
    first: str,
    change: Callable[[duckdb.DuckDBPyConnection], None],
) -> Path:
    """Copy a finished database into ``folder``, change it, and run its steps from ``first`` on.

    Models are fitted again, but those that were borrowed. The database itself is only read.

    Parameters
    ----------
    first : the relation that the first of these steps makes, such as 'luminosity.geometric'
    change : is given the connection to the copy before the first step

    Returns
    -------
    The copy. No check is run on it, and its fingerprint is that of the original: it is to be
    looked at and thrown away.
    """
    copy = folder / database.name
    shutil.copyfile(database, copy)
    every = db.sql_files()
    start = [file.relation for file in every].index(first)
    with db.connect(copy) as con:
        change(con)
        steps = [file for file in every[start:] if _is_run(con, file)]
        for file in reversed(steps):
            _empty(con, file)
        fitted = {name: models.arrays(con, name) for name in models.names(con)}
        for file in steps:
            with working(file.name):
                run_step(con, file, folder, None, fitted, lambda _: None)
    return copy


def _model_of(file: db.SqlFile) -> str:
    return file.path.stem.partition("fit_")[2]


def _is_run(con: duckdb.DuckDBPyConnection, file: db.SqlFile) -> bool:
    """Tables and fits; a view needs no second run, a model of another survey stays."""
    if not file.header("Fit"):
        return read_tables()[file.relation].kind == "table"
    origin = con.execute("SELECT origin FROM model.fits WHERE model = $1", [_model_of(file)])
    return origin.fetchall() != [("borrowed",)]


def _empty(con: duckdb.DuckDBPyConnection, file: db.SqlFile) -> None:
    """Rows of a relation, or arrays and tables of a model, are deleted."""
    if not file.header("Fit"):
        con.execute(f"DELETE FROM {qualified(file.relation)}")
        return
    model = _model_of(file)
    for table in ("fits", "arrays"):
        con.execute(f"DELETE FROM model.{table} WHERE model = $1", [model])
    for table in read_tables():
        if table.startswith(f"model.{model}_"):
            con.execute(f"DELETE FROM model.{quoted(table.removeprefix('model.'))}")
