"""The spectra of a release: normalised and at rest, in one FITS file and one Parquet file, with the
rows by which ObsCore finds them.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from obcat.export import NOT_REAL, Published, ReleaseError, check_tables
from obcat.kernels.grid import N_PIXEL, WAVELENGTH
from obcat.schema import nearest

__all__ = ["KEPT", "RESOLUTION", "obscore", "write_spectra"]

KEPT = "spectra.normalised"
THERE = f"SELECT specid FROM {KEPT} WHERE flux IS NOT NULL"
AT_ONCE = 512  # spectra, 16 MB
RESOLUTION = 1800.0  # of LAMOST at 5500 Angstrom
QUERY = f"""SELECT specid, flux, ivar FROM {KEPT}
WHERE specid IN (SELECT unnest($names)) ORDER BY specid"""
BLOCK = 2880  # bytes of FITS


def write_spectra(
    folder: Path,
    con: duckdb.DuckDBPyConnection,
    database: Path,
    catalog: Published,
    stars: Sequence[str] = (),
) -> None:
    """Write NAME_spectra.fits, NAME_spectra.parquet and NAME_obscore.parquet, a row a spectrum of
    the catalog that has one, of ``stars`` (star_id or specid) alone where any are named; a part of
    them is in memory at a time.

    Raises ReleaseError where the database keeps no spectra, or a star is not known.
    """
    check_tables(con, database, (KEPT,))
    there = {name for (name,) in con.execute(THERE).fetchall()}
    names = [name for name in _named(catalog, stars) if name in there]
    if not names:
        raise ReleaseError(f"{database}: {KEPT} holds no spectrum of the catalog")
    stem = folder / catalog.file
    with (
        Path(f"{stem}_spectra.fits").open("wb") as fits_file,
        pq.ParquetWriter(f"{stem}_spectra.parquet", _schema(catalog), compression="zstd",
                         write_page_checksum=True) as parquet,
    ):  # fmt: skip
        size = _begin(fits_file, names, catalog)
        for batch in _read(con, names):
            fits_file.write(_packed(batch, size))
            parquet.write_table(batch.cast(_schema(catalog)))
        fits_file.write(b"\0" * (-fits_file.tell() % BLOCK))
    pq.write_table(obscore(catalog, names), f"{stem}_obscore.parquet", compression="zstd")


def _named(catalog: Published, stars: Sequence[str]) -> list[str]:
    """Specids in the order of the rows: all, or those of the stars and visits that are named."""
    pairs = list(zip(*(catalog.rows[n].to_pylist() for n in ("specid", "star_id")), strict=True))
    known = {name for pair in pairs for name in pair}
    if strange := [name for name in stars if name not in known]:
        raise ReleaseError(
            f"{strange[0]!r} is neither star_id nor specid of a star of this catalog"
            f"{nearest(strange[0], known)}"
        )
    return [pair[0] for pair in pairs if not stars or not {*pair}.isdisjoint(stars)]


def _read(con: duckdb.DuckDBPyConnection, names: list[str]) -> Iterator[pa.Table]:
    for start in range(0, len(names), AT_ONCE):
        part = {"names": names[start : start + AT_ONCE]}
        yield con.sql(QUERY, params=part).to_arrow_table()


def _schema(catalog: Published) -> pa.Schema:
    pixels = pa.list_(pa.float32())
    said = {
        "wavelength": "vacuum Angstrom at rest, 10 ** (3.5682 + 0.0001 i) from the first pixel 0",
        "obcat.fingerprint": catalog.provenance.get("fingerprint", ""),
        **({"warning": NOT_REAL} if catalog.simulated else {}),
        **({"models_from": catalog.lent} if catalog.lent else {}),
    }
    fields = [("specid", pa.string()), ("flux", pixels), ("ivar", pixels)]
    return pa.schema(fields, metadata=said)


def _begin(file: Any, names: list[str], catalog: Published) -> int:
    """Write the wavelengths, and the head of the table; bytes of the widest name."""
    from astropy.io import fits

    size = max(map(len, names))
    axis = fits.Column("wavelength", "D", unit="Angstrom", array=WAVELENGTH)
    columns = [
        fits.Column("specid", f"{size}A", array=np.array([], f"S{size}")),
        fits.Column("flux", f"{N_PIXEL}E", array=np.zeros((0, N_PIXEL), np.float32)),
        fits.Column("ivar", f"{N_PIXEL}E", array=np.zeros((0, N_PIXEL), np.float32)),
    ]
    table = fits.BinTableHDU.from_columns(columns, name="SPECTRA")
    first = fits.PrimaryHDU()
    for head in (first.header, table.header):
        head["OBCATFP"] = catalog.provenance.get("fingerprint", "")[:16]
        for sentence in (NOT_REAL if catalog.simulated else None, catalog.lent):
            if sentence:
                head.add_comment(sentence)
    fits.HDUList([first, fits.BinTableHDU.from_columns([axis], name="WAVELENGTH")]).writeto(file)
    table.header["NAXIS2"] = len(names)
    file.write(table.header.tostring().encode("ascii"))
    return size


def _packed(batch: pa.Table, size: int) -> bytes:
    """Rows as a FITS table has them."""
    rows = np.zeros(len(batch), [("n", f"S{size}"), ("f", ">f4", N_PIXEL), ("i", ">f4", N_PIXEL)])
    rows["n"] = [name.encode("ascii") for name in batch["specid"].to_pylist()]
    for name, column in (("f", "flux"), ("i", "ivar")):
        rows[name] = batch[column].combine_chunks().flatten().to_numpy().reshape(-1, N_PIXEL)
    return rows.tobytes()


def obscore(catalog: Published, names: list[str]) -> pa.Table:
    """Rows of ivoa.ObsCore (1.1) of these spectra; what is not known is NULL."""
    rows = catalog.rows.filter(pc.is_in(catalog.rows["specid"], pa.array(names)))
    n = len(rows)
    day = pa.array([_day(name) for name in rows["specid"].to_pylist()], pa.float64())
    nothing, text = pa.nulls(n, pa.float64()), pa.nulls(n, pa.string())
    ends = (float(WAVELENGTH[0]) * 1e-10, float(WAVELENGTH[-1]) * 1e-10)  # m
    did = [f"ivo://obcat/{catalog.file}?{name}" for name in rows["specid"].to_pylist()]
    columns = {
        "dataproduct_type": _same("spectrum", n), "calib_level": pa.array([3] * n, pa.int32()),
        "obs_collection": _same(catalog.file, n), "obs_id": rows["specid"],
        "obs_publisher_did": pa.array(did, pa.string()),
        "access_url": _same(f"{catalog.file}_spectra.fits", n),
        "access_format": _same("application/fits", n),
        "access_estsize": pa.array([2 * 4 * N_PIXEL // 1024] * n, pa.int64()),
        "target_name": rows["star_id"], "s_ra": rows["ra"], "s_dec": rows["dec"],
        "s_fov": pa.array([3.3 / 3600] * n, pa.float64()), "s_region": text,
        "s_resolution": nothing, "t_min": day, "t_max": day, "t_exptime": nothing,
        "t_resolution": nothing, "em_min": pa.array([ends[0]] * n, pa.float64()),
        "em_max": pa.array([ends[1]] * n, pa.float64()),
        "em_res_power": pa.array([RESOLUTION] * n, pa.float64()),
        "o_ucd": _same("phot.flux.density;arith.ratio;em.wl", n), "pol_states": text,
        "facility_name": text if catalog.simulated else _same("LAMOST", n), "instrument_name": text,
    }  # fmt: skip
    return pa.table(columns, metadata=_schema(catalog).metadata)


def _same(value: str, n: int) -> pa.Array:
    return pa.array([value] * n, pa.string())


def _day(specid: str) -> float | None:
    """LMJD of LAMOST's names; None of others."""
    day = specid.partition("-")[0]
    return float(day) if day.isdigit() else None
