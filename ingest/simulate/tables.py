"""Tables: columns written in the form in which each archive hands them out."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

__all__ = ["Columns", "write_csv", "write_fits", "write_votable"]

Columns = Mapping[str, Sequence[str] | np.ndarray]


def write_csv(path: Path, columns: Columns, formats: Mapping[str, str]) -> None:
    """NaN becomes an empty cell; columns without a format are written as they are."""
    cells = [[_cell(v, formats.get(name, "")) for v in values] for name, values in columns.items()]
    with path.open("w", newline="", encoding="utf-8") as f:
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*cells, strict=True))


def _cell(value: object, form: str) -> str:
    return "" if value != value else format(value, form)


def write_fits(path: Path, columns: Columns, units: Mapping[str, str]) -> None:
    from astropy.table import Table

    table = Table({name: np.asarray(values) for name, values in columns.items()})
    for name, unit in units.items():
        table[name].unit = unit
    table.meta["SIMULAT"] = True
    table.write(path, format="fits", overwrite=True)


def write_votable(path: Path, columns: Columns, units: Mapping[str, str], names: Mapping[str, str]) -> None:
    """Fields keep the columns' names as ID; `names` gives those whose name is no XML identifier (g_mag: g'mag)."""
    from astropy.io.votable import from_table, writeto
    from astropy.table import Table

    table = Table({name: np.asarray(values) for name, values in columns.items()})
    for name, unit in units.items():
        table[name].unit = unit
    votable = from_table(table)
    for field in votable.get_first_table().fields:
        field.ID, field.name = field.name, names.get(field.name, field.name)
    writeto(votable, str(path))
