"""Answers as files that say what their columns are: Parquet, FITS, ECSV and VOTable."""

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from obcat.errors import one_line
from obcat.query.origin import Origin

if TYPE_CHECKING:
    from astropy.table import Table

__all__ = ["write_described"]


def write_described(table: pa.Table, form: str, path: Path, origin: Origin | None) -> None:
    """Write a file of one of these formats. Raises ValueError where it cannot hold a column."""
    known = origin or Origin()
    writers = {"parquet": _parquet, "fits": _fits, "ecsv": _ecsv, "votable": _votable}
    writers[form](table, path, known)


def _parquet(table: pa.Table, path: Path, origin: Origin) -> None:
    import pyarrow.parquet as pq

    for number, cell in enumerate(table.schema):
        if declared := origin.columns.get(cell.name):
            said = {"description": declared.description, "unit": declared.unit, "ucd": declared.ucd}
            kept = {name: text for name, text in said.items() if text}
            table = table.set_column(number, cell.with_metadata(kept), table.column(number))
    if origin.facts:
        stated = {f"obcat.{name}": value for name, value in origin.facts.items()}
        table = table.replace_schema_metadata(stated)
    pq.write_table(table, path)


def _astropy(table: pa.Table, origin: Origin) -> "Table":
    from obcat.astro_table import astropy_table

    return astropy_table(table, origin.columns)


def _fits(table: pa.Table, path: Path, origin: Origin) -> None:
    from astropy.io import fits

    unit = fits.table_to_hdu(_astropy(table, origin))
    for number, name in enumerate(table.column_names, 1):
        if declared := origin.columns.get(name):
            unit.header[f"TUCD{number}"] = declared.ucd
            unit.header[f"TCOMM{number}"] = _plain(declared.description)
    for name, value in origin.facts.items():
        unit.header["HISTORY"] = f"{name}: {_plain(value)}"
    fits.HDUList([fits.PrimaryHDU(), unit]).writeto(path, output_verify="exception")


def _plain(text: str) -> str:
    return one_line(text).encode("ascii", "backslashreplace").decode("ascii")


def _ecsv(table: pa.Table, path: Path, origin: Origin) -> None:
    rows = _astropy(table, origin)
    rows.meta.update({name: one_line(value) for name, value in origin.facts.items()})
    rows.write(path, format="ascii.ecsv")


def _votable(table: pa.Table, path: Path, origin: Origin) -> None:
    from astropy.io.votable import from_table
    from astropy.io.votable.tree import Info

    document = from_table(_astropy(table, origin))
    for cell in document.get_first_table().fields:
        if declared := origin.columns.get(cell.name):
            cell.ucd = declared.ucd or None
    document.resources[0].infos.extend(
        Info(name=name, value=one_line(value)) for name, value in origin.facts.items()
    )
    document.to_xml(str(path))
