"""Tables: files that grow chunk by chunk, in the form in which each archive hands them out.

Each function opens one file and gives what appends columns to it; on leaving, the file is complete. All chunks must
have the same columns and types, ValueError if not; memory holds one chunk.
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np

__all__ = ["Append", "Columns", "csv_table", "fits_table", "parquet_table", "votable"]

Columns = Mapping[str, Sequence[str] | np.ndarray]
Append = Callable[[Columns], None]
ROW = re.compile(r"(?<=<TABLEDATA>\n).*(?=</TABLEDATA>)", re.DOTALL)
SIMULATED = "SIMULATED by obcat: nothing in this table was observed"


@contextmanager
def csv_table(path: Path, formats: Mapping[str, str]) -> Iterator[Append]:
    """NaN becomes an empty cell; columns without a format are written as they are."""
    with path.open("w", newline="", encoding="utf-8") as f:
        writer = csv.writer(f, lineterminator="\n")
        names: list[str] = []

        def append(columns: Columns) -> None:
            if not names:
                names.extend(columns)
                writer.writerow(names)
            _same(path, names, list(columns))
            cells = [
                _cells(np.asarray(values), formats.get(name, ""))
                for name, values in columns.items()
            ]
            writer.writerows(zip(*cells, strict=True))

        yield append


def _cells(values: np.ndarray, form: str) -> list[str]:
    return ["" if v != v else format(v, form) for v in values.tolist()]


@contextmanager
def fits_table(path: Path, units: Mapping[str, str]) -> Iterator[Append]:
    """The first binary table extension; astropy makes its header, which gets the number of rows at the end."""
    with path.open("w+b") as f:
        heads: list[str] = []
        size = 0

        def append(columns: Columns) -> None:
            nonlocal size
            head, rows, n = _fits_parts(columns, units)
            if not heads:
                heads.append(head)
                f.write(head.encode("ascii"))
            _same(path, heads[0], head)
            f.write(rows)
            size += n

        yield append
        f.write(b"\0" * (-f.tell() % 2880))
        f.seek(0)
        f.write(heads[0].replace(_naxis2(0), _naxis2(size)).encode("ascii"))


def _fits_parts(columns: Columns, units: Mapping[str, str]) -> tuple[str, bytes, int]:
    """Both headers, that of the table saying 0 rows, the rows' bytes, and their number."""
    from astropy.io import fits
    from astropy.table import Table

    table = Table({name: np.asarray(values) for name, values in columns.items()})
    for name, unit in units.items():
        table[name].unit = unit
    table.meta["SIMULAT"] = True
    buffer = BytesIO()
    table.write(buffer, format="fits")
    with fits.open(BytesIO(buffer.getvalue())) as hdul:
        header = hdul[1].header
        heads = hdul[0].header.tostring() + header.tostring()
        size = header["NAXIS1"] * header["NAXIS2"]
    return (
        heads.replace(_naxis2(len(table)), _naxis2(0)),
        buffer.getvalue()[len(heads) : len(heads) + size],
        len(table),
    )


def _naxis2(n: int) -> str:
    return f"NAXIS2  = {n:>20d}"


@contextmanager
def votable(path: Path, units: Mapping[str, str], names: Mapping[str, str]) -> Iterator[Append]:
    """Fields keep the columns' names as ID; `names` gives those whose name is no XML identifier (g_mag: g'mag).

    Numbers only; astropy writes all that stands before and after the rows.
    """
    with path.open("w", encoding="utf-8") as f:
        ends: list[str] = []

        def append(columns: Columns) -> None:
            arrays = {name: np.asarray(values) for name, values in columns.items()}
            own = _xml_ends(
                {name: np.zeros(1, values.dtype) for name, values in arrays.items()}, units, names
            )
            if not ends:
                ends.extend(own)
                f.write(ends[0])
            _same(path, ends, own)
            cells = [
                np.where(values == values, values.astype(str), "NaN").tolist()
                for values in arrays.values()
            ]
            f.writelines(
                f"<TR><TD>{'</TD><TD>'.join(row)}</TD></TR>\n" for row in zip(*cells, strict=True)
            )

        yield append
        f.write(ends[1])


def _xml_ends(row: Columns, units: Mapping[str, str], names: Mapping[str, str]) -> list[str]:
    from astropy.io.votable import from_table, writeto
    from astropy.table import Table

    table = Table(dict(row))
    for name, unit in units.items():
        table[name].unit = unit
    document = from_table(table)
    document.get_first_table().description = SIMULATED
    for field in document.get_first_table().fields:
        field.ID, field.name = field.name, names.get(field.name, field.name)
    buffer = BytesIO()
    writeto(document, buffer)
    return ROW.split(buffer.getvalue().decode("utf-8"))


@contextmanager
def parquet_table(path: Path) -> Iterator[Append]:
    """One row group a chunk; every row, and the file, says that it is simulated."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    writers: list[pq.ParquetWriter] = []

    def append(columns: Columns) -> None:
        n = len(next(iter(columns.values())))
        table = pa.table({"simulated": np.ones(n, dtype=bool), **columns})
        table = table.replace_schema_metadata({"simulated": "true"})
        if not writers:
            writers.append(pq.ParquetWriter(path, table.schema))
        writers[0].write_table(table)

    try:
        yield append
    finally:
        for writer in writers:
            writer.close()


def _same(path: Path, first: object, later: object) -> None:
    if first != later:
        raise ValueError(f"{path.name}: the columns of a chunk are not those of the first")
