"""Files of a survey: tables as each archive hands them out, spectra as LAMOST does.

Byte for byte the same wherever they are made.
"""

import csv
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from obcat.kernels.grid import WAVELENGTH

__all__ = [
    "CARDS",
    "STATIC",
    "Append",
    "Columns",
    "csv_table",
    "fits_bytes",
    "fits_table",
    "gzipped",
    "header_bytes",
    "parquet_table",
    "votable",
    "write_spectrum",
]

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
    """The first binary table extension;
    astropy makes its header, which gets the number of rows at the end.
    """
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
    """Fields keep the columns' names as ID; `names` gives those whose name is no XML identifier
    (g_mag: g'mag).

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


Value = str | int | float | bool
BLOCK, CARD = 2880, 80

STATIC: dict[str, Value] = {
    "SIMPLE": True, "BITPIX": -32, "NAXIS": 2, "NAXIS2": 5, "EXTEND": True,
    "AUTHOR": "obcat simulation", "DATA_V": "LAMOST DR5",
    "EXTEN0": "Flux, Inverse, Wavelength, Andmask, Ormask", "N_EXTEN": 1, "EXTNAME": "Flux",
    "ORIGIN": "obcat", "DATE": "2019-06-13T00:00:00", "TELESCOP": "LAMOST", "LONGITUD": 117.58,
    "LATITUDE": 40.39, "FOCUS": 19964, "CAMPRO": "NEWCAM", "CAMVER": "v2.0", "OFFSET": False,
    "OFFSET_V": 0.0, "CELL_ID": "F0000", "X_VALUE": "0.0000000000", "Y_VALUE": "0.0000000000",
    "OBJTYPE": "Star", "TSOURCE": "SIMULATED", "TFROM": "-", "FIBERTYP": "Obj", "FIBERMAS": 0,
    "MAGTYPE": "ugrizjh", "OBS_TYPE": "OBJ", "OBSCOMM": "Science", "RADECSYS": "FK5",
    "EQUINOX": 2000.0, "LAMPLIST": "lamphgcdne.dat", "SKYLIST": "skylines.dat", "SCAMEAN": 0.0,
    "SLIT_MOD": "x2/3", "TEMPCCDB": -999.0, "TEMPCCDR": -999.0, "SEEING": 2.6, "MOONPHA": 0.0,
    "TEMP_AIR": -999.0, "TEMP_FP": -999.0, "DEWPOINT": -999.0, "DUST": "", "HUMIDITY": -999.0,
    "WINDD": -999.0, "WINDS": -999.0, "SKYLEVEL": "", "EXTRACT": "aperture", "SFLATTEN": True,
    "PCASKYSB": True, "NSKIES": 20, "SKYCHI2": 1.5, "SCHI2MIN": 1.0, "SCHI2MAX": 2.0, "NSTD": 5,
    "FSTAR": "1-2-3-4-5", "FCBY": "catalog", "HELIO": True, "VACUUM": True, "NWORDER": 2,
    "WFITTYPE": "LOG-LINEAR", "COEFF0": 3.5682, "COEFF1": 0.0001, "WAT0_001": "system=linear",
    "WAT1_001": "wtype=linear label=Wavelength units=Angstroms", "CRVAL1": 3.5682, "CD1_1": 0.0001,
    "CRPIX1": 1, "CTYPE1": "LINEAR", "DC-FLAG": 1, "VERSPIPE": "v2.9.7", "CLASS": "STAR",
    "ZFLAG": "PIPELINE", "SIMULAT": True, }  # fmt: skip

_CARDS = """
SIMPLE BITPIX NAXIS NAXIS1 NAXIS2 EXTEND - COMMENT=FILE_INFORMATION FILENAME OBSID AUTHOR DATA_V EXTEN0
N_EXTEN EXTNAME ORIGIN DATE COMMENT=TELESCOPE_PARAMETERS TELESCOP LONGITUD LATITUDE FOCUS CAMPRO CAMVER
COMMENT=OBSERVATION_PARAMETERS DATE-OBS DATE-BEG DATE-END LMJD MJD LMJMLIST PLANID RA DEC RA_OBS DEC_OBS
OFFSET OFFSET_V DESIG FIBERID CELL_ID X_VALUE Y_VALUE OBJNAME OBJTYPE TSOURCE TCOMMENT TFROM FIBERTYP FIBERMAS
MAGTYPE MAG1 MAG2 MAG3 MAG4 MAG5 MAG6 MAG7 OBS_TYPE OBSCOMM RADECSYS EQUINOX LAMPLIST SKYLIST NEXP NEXP_B
NEXP_R EXPT_B EXPT_R EXPTIME BESTEXP SCAMEAN COMMENT=SPECTROGRAPH_PARAMETERS SPID SPRA SPDEC SLIT_MOD
COMMENT=WEATHER_CONDITION TEMPCCDB TEMPCCDR SEEING MOONPHA TEMP_AIR TEMP_FP DEWPOINT DUST HUMIDITY WINDD WINDS
SKYLEVEL COMMENT=DATA_REDUCTION_PARAMETERS EXTRACT SFLATTEN PCASKYSB NSKIES SKYCHI2 SCHI2MIN SCHI2MAX NSTD
FSTAR FCBY HELIO HELIO_RV VACUUM NWORDER WFITTYPE COEFF0 COEFF1 WAT0_001 WAT1_001 CRVAL1 CD1_1 CRPIX1 CTYPE1
DC-FLAG COMMENT=SPECTRA_ANALYSIS_RESULTS VERSPIPE CLASS SUBCLASS Z Z_ERR ZFLAG SNRU SNRG SNRR SNRI SNRZ
COMMENT=SIMULATED_BY_OBCAT,_NOT_AN_OBSERVATION SIMULAT
"""
CARDS = tuple(_CARDS.split())

DECIMALS = {
    "RA": 6, "DEC": 6, "RA_OBS": 6, "DEC_OBS": 6, "SPRA": 7, "SPDEC": 7, "HELIO_RV": 5, "Z": 8,
    "Z_ERR": 8, "COEFF0": 4, "COEFF1": 4, "CRVAL1": 4, "CD1_1": 4, "SKYCHI2": 1, "SCHI2MIN": 1,
    "SCHI2MAX": 1, }  # fmt: skip


def header_bytes(values: Mapping[str, Value]) -> bytes:
    """The whole header, padded to its block, from the cards that differ between spectra;
    KeyError if one is missing.
    """
    own = [values[key] for key in _OWN]
    text = _template(tuple(map(type, own))) % tuple(_argument(value) for value in own)
    return text.ljust(-(-len(text) // BLOCK) * BLOCK).encode("ascii")


@cache
def _template(types: tuple[type, ...]) -> str:
    """All cards in their order, with a place for each value that differs between spectra."""
    own = {key: _place(key, kind) for key, kind in zip(_OWN, types, strict=True)}
    cards = (own.get(key) or _STATIC_TEXT[key].replace("%", "%%") for key in CARDS)
    return "".join(cards) + "END".ljust(CARD)


def _place(key: str, kind: type) -> str:
    if issubclass(kind, str | bool):
        return f"{key:<8}= %-{CARD - 10}s"
    number = "%20d" if issubclass(kind, int) else f"%20.{DECIMALS.get(key, 2)}f"
    return f"{key:<8}= {number} /".ljust(CARD - 20 + len(number))


def _argument(value: Value) -> Value:
    return f"{_formatted('', value)} /" if isinstance(value, str | bool) else value


def _card(key: str, value: Value) -> str:
    return f"{key:<8}= {_formatted(key, value)} /".ljust(CARD)


def _formatted(key: str, value: Value) -> str:
    if isinstance(value, bool):
        return f"{'T' if value else 'F':>20}"
    if isinstance(value, str):
        return f"'{value:<8}'".ljust(20)
    return f"{value:>20d}" if isinstance(value, int) else f"{value:>20.{DECIMALS.get(key, 2)}f}"


def _static_text() -> dict[str, str]:
    text = {key: _card(key, value) for key, value in STATIC.items()}
    remarks = {
        key: f"COMMENT --------{key[8:].replace('_', ' ')}".ljust(CARD)
        for key in CARDS
        if "=" in key
    }
    return text | remarks | {"-": " " * CARD}


_STATIC_TEXT = _static_text()
_OWN = tuple(key for key in CARDS if key not in _STATIC_TEXT)


Pixels = NDArray[np.float32] | NDArray[np.uint8]
GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # no name, time 0, unknown system
LEVEL = 1


def fits_bytes(rows: Sequence[Pixels], values: Mapping[str, Value]) -> bytes:
    """Image of five rows: flux, ivar, wavelength, andmask, ormask;
    `rows` are these without wavelength, (n,) each.
    """
    flux, ivar, andmask, ormask = rows
    n = len(flux)
    image = np.empty((5, n), dtype=">f4")
    image[0], image[1], image[2], image[3], image[4] = flux, ivar, WAVELENGTH[:n], andmask, ormask
    data = image.tobytes()
    return header_bytes({"NAXIS1": n, **values}) + data + b"\0" * (-len(data) % BLOCK)


def gzipped(content: bytes) -> bytes:
    compressor = isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, -15)
    body = compressor.compress(content) + compressor.flush()
    return GZIP_HEADER + body + struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)


def write_spectrum(path: Path, rows: Sequence[Pixels], values: Mapping[str, Value]) -> None:
    path.write_bytes(gzipped(fits_bytes(rows, values)))
