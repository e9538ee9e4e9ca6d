"""The table of a FITS file, from its own bytes:
nulls as stored numbers say, nothing that a header only claims.
"""

import io
import re
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from obcat.ingest.errors import IngestError, brief
from obcat.ingest.tables.names import unique

__all__ = ["fits_table"]

BLOCK, CARD = 2880, 80
MOST_BLOCKS = 4000  # of a header: 999 columns have some 250
B1950 = 1950.0
MOST_FIELDS = 999  # FITS 4.0, section 7.3.1
SIZES = {
    "L": 1, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8, "C": 8, "M": 16, "P": 8,
    "Q": 16,
}  # fmt: skip
NUMPY = {"B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}
FORM = re.compile(r"\s*(?P<repeat>\d*)(?P<code>[LXBIJKAEDCMPQ]).*")
WIDTH = re.compile(r"\s*[AIFED](?P<width>\d+)(\.\d+)?\s*")
CLAIM = re.compile(rb"(BITPIX|NAXIS\d*|PCOUNT|GCOUNT|TFIELDS) *= *([+-]?\d+) *(/.*)?")


class _Damaged(ValueError):
    """The file is not what its header says."""


class _Column(NamedTuple):
    """Keywords of one column; ``at`` and ``width`` in bytes of a row."""

    name: str
    form: str
    unit: str
    null: Any
    scale: float
    zero: float
    is_array: bool
    at: int
    width: int


def fits_table(data: bytes, name: str) -> tuple[pa.Table, dict[str, str]]:
    """The one table of a FITS file, units from TUNIT, nulls from TNULL; a wrong checksum stops.

    TNULL is compared with the stored numbers, before TSCAL and TZERO (FITS 4.0, section 7.3.2).
    Sizes that a header claims and the file does not have stop before anything is made of that size.
    """
    from astropy.io import fits
    from astropy.utils.exceptions import AstropyUserWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings(
            "error", r"(Checksum|Datasum) verification failed", AstropyUserWarning
        )
        warnings.filterwarnings("error", r"File may have been truncated", AstropyUserWarning)
        try:
            _check_claims(data)
            return _only_table(data, name)
        except (
            OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError,
            fits.VerifyError, AstropyUserWarning,
        ) as error:  # fmt: skip
            raise IngestError(
                f"{name}: damaged FITS ({brief(error)}); fetch the file again"
            ) from error


def _check_claims(data: bytes) -> None:
    at = 0
    while at == 0 or data[at : at + 8] == b"XTENSION":
        claims, at = _claims(data, at)
        axes = [
            claims.get(f"NAXIS{i}", 0)
            for i in range(1, min(claims.get("NAXIS", 0), MOST_FIELDS) + 1)
        ]
        bad = [
            f"{k} = {v}"
            for k, v in claims.items()
            if k != "BITPIX" and not 0 <= v <= max(len(data), MOST_FIELDS)
        ]
        if (
            bad
            or claims.get("TFIELDS", 0) > MOST_FIELDS
            or (len(axes) == 2 and axes[1] > 0 == axes[0])
        ):
            raise _Damaged(f"its header claims {(bad or [str(claims)])[0]}")
        size = _size(axes, claims)
        if size > len(data) - at:
            raise _Damaged(
                f"its header claims {size} bytes of data, the file has {len(data) - at} more"
            )
        at += -(-size // BLOCK) * BLOCK


def _claims(data: bytes, at: int) -> tuple[dict[str, int], int]:
    """The sizes in the header that begins at ``at``, and where it ends."""
    claims: dict[str, int] = {}
    for start in range(at, min(at + MOST_BLOCKS * BLOCK, len(data)), CARD):
        card = data[start : start + CARD]
        if card.rstrip() == b"END":
            return claims, at + (start - at) // BLOCK * BLOCK + BLOCK
        if match := CLAIM.fullmatch(card.rstrip()):
            claims[match[1].decode()] = int(match[2])
    raise _Damaged("a header without its END card")


def _size(axes: list[int], claims: dict[str, int]) -> int:
    if not axes or 0 in axes[1:]:
        return claims.get("PCOUNT", 0) if axes else 0
    product = 1
    for n in axes:
        product *= n
    return (
        abs(claims.get("BITPIX", 8))
        // 8
        * claims.get("GCOUNT", 1)
        * (claims.get("PCOUNT", 0) + product)
    )


def _only_table(data: bytes, name: str) -> tuple[pa.Table, dict[str, str]]:
    from astropy.io import fits

    with fits.open(io.BytesIO(data), memmap=False, checksum=True) as hdus:
        tables = [h for h in hdus if isinstance(h, fits.BinTableHDU | fits.TableHDU)]
        if len(tables) != 1:
            raise IngestError(f"{name}: holds {len(tables)} tables; give a file with exactly one")
        hdu = tables[0]
        _check_kind(hdus[0].header, hdu.header, name)
        rows = _rows(data, hdu)
        text = isinstance(hdu, fits.TableHDU)
        columns = list(_described(hdu.header, text))
        arrays = [
            _text_field(rows, hdu, i, c) if text else _array(rows, c) for i, c in enumerate(columns)
        ]
    there = [(c, a) for c, a in zip(columns, arrays, strict=True) if a is not None]
    names = unique([c.name for c, _ in there])
    units = {n: c.unit for n, (c, _) in zip(names, there, strict=True) if c.unit}
    return pa.Table.from_arrays([a for _, a in there], names), units


def _check_kind(primary: Any, header: Any, name: str) -> None:
    """Raise IngestError for a packed table, positions of 1950, and one row of vectors."""
    for one in (primary, header):
        frame = str(one.get("RADESYS", one.get("RADECSYS", ""))).strip().upper()
        if frame.startswith("FK4") or (not frame and one.get("EQUINOX") == B1950):
            raise IngestError(f"{name}: its header says FK4, B1950: give positions in ICRS")
    if header.get("ZTABLE"):
        raise IngestError(f"{name}: a table packed by fpack; unpack it with funpack")
    forms = [FORM.fullmatch(str(v)) for v in header["TFORM*"].values()]
    long = [m for m in forms if m and m["code"] in NUMPY and int(m["repeat"] or 1) > 1]
    if header["NAXIS2"] == 1 and len(long) > 1:
        raise IngestError(
            f"{name}: one row, whose columns are vectors (IDL writes a structure of arrays so); "
            "write a row for each source"
        )


def _rows(data: bytes, hdu: Any) -> NDArray[np.uint8]:
    """(rows, bytes of a row)."""
    width, n = int(hdu.header["NAXIS1"]), int(hdu.header["NAXIS2"])
    start = hdu.fileinfo()["datLoc"]
    return np.frombuffer(data, np.uint8, n * width, start).reshape(n, width)


def _described(header: Any, text: bool) -> Iterator[_Column]:
    at = 0
    for i in range(1, int(header["TFIELDS"]) + 1):
        form = str(header[f"TFORM{i}"])
        width = _width(form, text)
        begin = int(header[f"TBCOL{i}"]) - 1 if text else at
        at = begin + width
        if not 0 <= begin <= at <= int(header["NAXIS1"]):
            raise _Damaged(f"column {i} ends at byte {at} of rows of {header['NAXIS1']} bytes")
        yield _Column(
            name=str(header.get(f"TTYPE{i}") or f"column {i}").strip(),
            form=form,
            unit=str(header.get(f"TUNIT{i}") or "").strip(),
            null=header.get(f"TNULL{i}"),
            scale=float(header.get(f"TSCAL{i}", 1)),
            zero=header.get(f"TZERO{i}", 0),
            is_array="," in str(header.get(f"TDIM{i}", "")),
            at=begin,
            width=width,
        )


def _width(form: str, text: bool) -> int:
    match = (WIDTH if text else FORM).fullmatch(form)
    if not match:
        raise _Damaged(f"TFORM {form!r}")
    if text:
        return int(match["width"])
    repeat = int(match["repeat"] or 1)
    return (repeat + 7) // 8 if match["code"] == "X" else repeat * SIZES[match["code"]]


def _array(rows: NDArray[np.uint8], column: _Column) -> pa.Array | None:
    """A column of a binary table; None for what has no place here:
    vectors, bits, complex numbers, lists.
    """
    match = FORM.fullmatch(column.form)
    assert match
    code, repeat = match["code"], int(match["repeat"] or 1)
    field = np.ascontiguousarray(rows[:, column.at : column.at + column.width])
    if code == "A" and not column.is_array:
        return _texts(field, column)
    if repeat != 1 or code not in {*NUMPY, "L"}:
        return None
    if code == "L":
        return pa.array(field[:, 0] == ord("T"), mask=~np.isin(field[:, 0], (ord("T"), ord("F"))))
    stored = field.view(NUMPY[code])[:, 0]
    stored = stored.astype(stored.dtype.newbyteorder("="))
    values = _scaled(stored, column)
    return pa.array(values, mask=_hidden(stored, values, column))


def _hidden(stored: NDArray[Any], values: NDArray[Any], column: _Column) -> NDArray[np.bool_]:
    """(rows,) whether a stored number is TNULL.

    Astropy writes the number itself where TZERO makes it unsigned: that is believed if no stored
    number is TNULL.
    """
    if column.null in (None, ""):
        return np.zeros(stored.shape, bool)
    null = int(column.null) if stored.dtype.kind in "iu" else float(column.null)
    hidden = stored == null
    is_unsigned = column.scale == 1 and column.zero in (2**15, 2**31, 2**63)
    return values == null if is_unsigned and null > 0 and not hidden.any() else hidden


def _scaled(stored: NDArray[Any], column: _Column) -> NDArray[Any]:
    """Integers stay integers under a whole TZERO:
    2**15, 2**31, 2**63 (unsigned) and -128 (signed bytes).
    """
    if column.scale == 1 and column.zero == 0:
        return stored
    if stored.dtype.kind == "f" or column.scale != 1 or column.zero != int(column.zero):
        return stored * column.scale + float(column.zero)
    if int(column.zero) == 2**63:
        return stored.astype(np.int64).view(np.uint64) ^ np.uint64(2**63)
    if abs(int(column.zero)) > 2**62 or np.abs(stored.astype(float)).max(initial=0) > 2**62:
        raise _Damaged(f"TZERO = {column.zero} of column {column.name}")
    return stored.astype(np.int64) + int(column.zero)


def _texts(field: NDArray[np.uint8], column: _Column) -> pa.Array:
    """Text ends at its first NUL (FITS 4.0, section 7.3.3.1); text that is TNULL is null."""
    if not column.width:
        return pa.nulls(len(field), pa.string())
    raw = [
        value.partition(b"\0")[0].decode("utf-8", "replace")
        for value in field.view(f"V{column.width}")[:, 0].tolist()
    ]
    null = None if column.null is None else str(column.null).strip()
    return pa.array([None if value.strip() == null else value for value in raw], pa.string())


def _text_field(rows: NDArray[np.uint8], hdu: Any, i: int, column: _Column) -> pa.Array:
    """A column of an ASCII table: blank fields and those that say TNULL are null,
    where astropy gives 0.
    """
    raw = _texts(np.ascontiguousarray(rows[:, column.at : column.at + column.width]), column)
    texts = [value and value.strip() for value in raw.to_pylist()]
    if column.form.strip().startswith("A"):
        return raw
    values = np.asarray(hdu.data.field(i))
    values = values.astype(values.dtype.newbyteorder("="))
    return pa.array(values, mask=np.array([not text for text in texts], bool))
