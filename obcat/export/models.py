"""models.safetensors: the models of the build, so that others can use them without its database."""

from pathlib import Path

import duckdb

from obcat import model_file
from obcat import models as stored
from obcat.export.published import NOT_REAL, Published, ReleaseError, check_tables, opened

__all__ = ["write", "write_from"]


def write(path: Path, catalog: Published, database: Path) -> None:
    """Write every model of the build, the parameters, and whether the stars exist.
    Raises ReleaseError.
    """
    with opened(database) as con:
        write_from(con, path, catalog)


def write_from(con: duckdb.DuckDBPyConnection, path: Path, catalog: Published) -> None:
    """The same over a connection, to the state of the database that the catalog was read from."""
    check_tables(con, path, ("model.arrays",))
    try:
        models = {name: stored.arrays(con, name) for name in stored.names(con)}
    except duckdb.Error as error:
        raise ReleaseError(f"{path.name}: {str(error).splitlines()[0]}") from error
    facts = {name: catalog.provenance.get(name) for name in ("release", "obcat", "fingerprint")}
    facts |= {"models_from": catalog.provenance["models_from"]} if catalog.lent else {}
    warning = {"warning": NOT_REAL} if catalog.simulated else {}
    given = {
        "survey": catalog.survey,
        "simulated": catalog.simulated,
        "parameters": catalog.parameters,
    }
    model_file.write(path, models, {**facts, **given, **warning})
