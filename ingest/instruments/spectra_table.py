"""Spectra in a table, Parquet or FITS, one a row: id, ra, dec, wavelength, flux, ivar, z."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from obcat.ingest.errors import Quarantined, UnreadableError, brief
from obcat.ingest.instruments.rows import (
    believed,
    expanded,
    finished,
    first_table,
    found_in,
    row_of,
    sha256_of,
    vacuum,
)
from obcat.ingest.lamost.folder import Found, Reader
from obcat.ingest.lamost.spectrum import Entry, Listed, Spectrum
from obcat.survey import Spectra

__all__ = ["Options", "table_reader"]

NAMES: dict[str, tuple[str, ...]] = {
    "id": ("id", "specid", "spec_id", "name"),
    "ra": ("ra", "raj2000", "ra_icrs"),
    "dec": ("dec", "dej2000", "de_icrs"),
    "wavelength": ("wavelength", "wave", "lambda"),
    "flux": ("flux",),
    "ivar": ("ivar",),
    "z": ("z", "redshift"),
    "z_err": ("z_err", "zerr"),
    "mjd": ("mjd",),
    "resolution": ("resolution",),
}
OPTIONAL = ("z", "z_err", "mjd", "resolution")
UNKNOWN = (-9999.0, -999.0)
BLUEST, REDDEST = -0.1, 8.0  # of what a spectrograph sees; beyond, the unit is another
BLOCK = 256  # rows of a FITS table that are held at once
LARGEST, BOMB = 1 << 30, 200  # bytes, and times its own size, that a group of a file may become


class Options(NamedTuple):
    """What the survey file says of a table: its columns (ours, theirs), the medium of its
    wavelengths, the resolution of all its spectra.
    """

    columns: tuple[tuple[str, str], ...]
    air: bool
    resolution: float | None


def table_reader(spectra: Spectra) -> Reader:
    """The reader of a table, or of a folder of tables."""
    options = Options(
        tuple(sorted(spectra.columns.items())), spectra.wavelengths == "air", spectra.resolution
    )
    mark = f"-{sha256_of(options)[:8]}"
    return Reader(_find, partial(_read, options), mark, "*.parquet or *.fits")


def _find(source: Path) -> Listed:
    if not source.exists():
        raise UnreadableError(f"{source}: not there; give a table of spectra, or a folder of them")
    files = [p for p in source.rglob("*") if p.is_file()] if source.is_dir() else [source]
    tables = sorted(p for p in files if p.suffix.lower() in (".parquet", ".fits", ".fit"))
    entries = [_entry(source, path) for path in tables]
    folder = source if source.is_dir() else source.parent
    rows = [row for entry in entries for row in expanded(folder, entry, _count)]
    others = len(files) - len(tables)
    return rows, {"passed over: no .parquet or .fits": others} if others else {}


def _entry(source: Path, path: Path) -> Entry:
    status = path.stat()
    name = path.relative_to(source).as_posix() if source.is_dir() else path.name
    return Entry(name, status.st_size, status.st_mtime_ns)


def _read(options: Options, source: Path, entry: Entry) -> Found:
    folder = source if source.is_dir() else source.parent
    return found_in(folder, entry, partial(_spectrum, options, entry.mtime_ns))


def _count(path: Path) -> int:
    try:
        if path.suffix.lower() == ".parquet":
            with _parquet(path) as file:
                return believed(int(file.metadata.num_rows), path)
        with first_table(path) as table:
            return believed(int(table.header["NAXIS2"]), path)
    except (OSError, ValueError, TypeError, IndexError, pa.ArrowException) as error:
        raise Quarantined("unreadable", brief(error)) from error


@contextmanager
def _parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """Pages are held against their checksums where they have some."""
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        yield file


def _spectrum(options: Options, time: int, path: Path, row: int) -> Spectrum:
    values = _row_of(path, time, row)
    names = _matched(values, options)
    flux, ivar, wavelength = (
        np.asarray(values[names[name]], np.float64) for name in ("flux", "ivar", "wavelength")
    )
    given = {name: _number(values[names[name]]) for name in OPTIONAL if name in names}
    _check_redshift(given.get("z", math.nan), names.get("z", ""))
    header = row_of(
        _identifier(values[names["id"]]),
        fitsname=f"{path.name[:50]}#{row}",
        layout="rows",
        planid=path.stem,
        lmjd=_day(given.pop("mjd", 0.0)),
        ra=_number(values[names["ra"]]),
        dec=_number(values[names["dec"]]),
        **{"resolution": options.resolution} | given,
    )
    sha = sha256_of(options, sorted(header.items()), wavelength, flux, ivar)
    return finished(header, sha, vacuum(wavelength) if options.air else wavelength, flux, ivar)


def _check_redshift(z: float, name: str) -> None:
    """Raises Quarantined: bad_header, for what is a velocity; -999 and -9999 are no number."""
    if math.isfinite(z) and z not in UNKNOWN and not BLUEST <= z <= REDDEST:
        raise Quarantined(
            "bad_header",
            f"{name} = {z:g} is no redshift; a velocity in km/s is {name} times 299792.458",
        )


def _matched(values: dict[str, Any], options: Options) -> dict[str, str]:
    """Our column -> the file's. Raises Quarantined where one is needed that is not there."""
    given, lower = dict(options.columns), {name.lower(): name for name in values}
    found = {}
    for ours, names in NAMES.items():
        wanted = (given[ours].lower(),) if ours in given else names
        theirs = next((lower[name] for name in wanted if name in lower), None)
        if theirs is not None:
            found[ours] = theirs
        elif ours not in OPTIONAL or ours in given:
            raise Quarantined("unknown_layout", f"no column {' or '.join(wanted)}, for {ours}")
    return found


def _identifier(value: Any) -> str:
    """Raises Quarantined: bad_header, for none, and for numbers whose last digits a float has
    lost.
    """
    if isinstance(value, float | np.floating):
        raise Quarantined(
            "bad_header", f"the identifier {value!r} is a float; give text or integer"
        )
    if value is None or isinstance(value, bool | np.bool_):
        raise Quarantined("bad_header", f"no identifier: {value!r}")
    return (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).strip()


def _day(mjd: float) -> int:
    """Whole days, 0 where they are not known."""
    return int(mjd) if math.isfinite(mjd) else 0


def _number(value: Any) -> float:
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return float(value) if is_number else math.nan


def _row_of(path: Path, time: int, row: int) -> dict[str, Any]:
    if path.suffix.lower() == ".parquet":
        group, start = _group_of(path, time, row)
        return {name: column[row - start] for name, column in _row_group(path, time, group).items()}
    start = row // BLOCK * BLOCK
    return {name: column[row - start] for name, column in _block(path, time, start).items()}


@lru_cache(maxsize=1)
def _starts(path: Path, time: int) -> list[int]:
    """First row of each row group, and of what would follow the last."""
    with _parquet(path) as file:
        believed(int(file.metadata.num_rows), path)
        sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    return [0, *np.cumsum(sizes).tolist()]


def _group_of(path: Path, time: int, row: int) -> tuple[int, int]:
    starts = _starts(path, time)
    group = int(np.searchsorted(starts, row, side="right")) - 1
    if group > len(starts) - 2:
        raise Quarantined("empty", "a table without rows")
    return group, starts[group]


@lru_cache(maxsize=1)
def _row_group(path: Path, time: int, group: int) -> dict[str, Any]:
    with _parquet(path) as file:
        _check_size(file.metadata.row_group(group), path)
        table = file.read_row_group(group, use_threads=False)
    return {name: _rows_of(table[name].combine_chunks()) for name in table.column_names}


def _check_size(group: Any, path: Path) -> None:
    """What a group of rows becomes in memory is not out of all proportion to its file."""
    size, columns = path.stat().st_size, (group.column(i) for i in range(group.num_columns))
    becomes = 8 * sum(column.num_values for column in columns)
    if becomes > max(LARGEST, BOMB * size):
        raise Quarantined("too_large", f"{becomes:,} bytes in one row group of {size:,} bytes")


def _rows_of(column: pa.Array) -> Any:
    """Rows by number: views of an array for lists, values otherwise."""
    if pa.types.is_fixed_size_list(column.type):
        rows = column.values.to_numpy(zero_copy_only=False).reshape(len(column), -1)
        hidden = column.is_null().to_numpy(zero_copy_only=False)
        return np.where(hidden[:, None], np.nan, rows) if hidden.any() else rows
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        ends = column.offsets.to_numpy()
        return np.split(column.values.to_numpy(zero_copy_only=False), ends[1:-1])
    return column.to_pylist()


@lru_cache(maxsize=1)
def _check_sums(path: Path, time: int) -> None:
    """Once a file. Raises Quarantined: checksum."""
    with first_table(path, sums=True):
        pass


@lru_cache(maxsize=1)
def _block(path: Path, time: int, start: int) -> dict[str, Any]:
    _check_sums(path, time)
    with first_table(path) as table:
        if start >= len(table.data):
            raise Quarantined("empty", "a table without rows")
        rows = table.data[start : start + BLOCK]
        return {name: np.array(rows[name]) for name in table.columns.names}
