"""Spectra of DESI: coadd-*.fits, many a file, three arms on a linear grid in vacuum, barycentric.

Redshifts are in redrock-*.fits beside it; without that file they are unknown.
"""

import math
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from obcat.ingest.errors import Quarantined
from obcat.ingest.instruments.rows import (
    believed,
    checked_wavelengths,
    combined,
    expanded,
    finished,
    found_in,
    mapped_fits,
    resampled,
    resolution_of,
    row_of,
    sha256_of,
    shares,
)
from obcat.ingest.lamost.folder import Found, Reader
from obcat.ingest.lamost.spectrum import Entry, Listed, Spectrum, list_files
from obcat.kernels.grid import WAVELENGTH

__all__ = ["DESI"]

ARMS = ("B", "R", "Z")
NAME = re.compile(r"(?i)coadd-([A-Za-z0-9-]+)\.fits(?:\.gz)?")
STAR = "TGT"  # OBJTYPE of what is no sky
SAMPLED = 40  # pixels between those at which the resolution is taken


class _Arm(NamedTuple):
    """wavelength (p,), flux, ivar (n, p), mask set to ivar 0; sigma (n, p), 0 where not known."""

    wavelength: np.ndarray
    flux: np.ndarray
    ivar: np.ndarray
    sigma: np.ndarray


class _File(NamedTuple):
    group: str
    targets: dict[str, np.ndarray]
    arms: list[_Arm]
    redshifts: dict[int, dict[str, Any]]


def _find(source: Path) -> Listed:
    entries, others = list_files(source)
    coadds = [entry for entry in entries if NAME.fullmatch(entry.name)]
    rows = [row for entry in coadds for row in expanded(source, _dated(source, entry), _count)]
    passed = len(entries) - len(coadds)
    return rows, others | ({"passed over: no coadd-*.fits": passed} if passed else {})


def _dated(source: Path, entry: Entry) -> Entry:
    """Of the coadd and the file of redshifts together: either may change."""
    beside = _redrock(source / entry.path)
    if not beside.is_file():
        return entry
    status = beside.stat()
    return Entry(entry.path, entry.size + status.st_size, max(entry.mtime_ns, status.st_mtime_ns))


def _redrock(path: Path) -> Path:
    return path.with_name(re.sub("^coadd", "redrock", path.name, flags=re.IGNORECASE))


def _count(path: Path) -> int:
    with mapped_fits(path) as hdus:
        return believed(int(hdus["FIBERMAP"].header["NAXIS2"]), path)


def _read(source: Path, entry: Entry) -> Found:
    def read(path: Path, row: int) -> Spectrum:
        return _spectrum(_opened(path, entry.mtime_ns), row)

    return found_in(source, entry, read)


@lru_cache(maxsize=1)
def _opened(path: Path, time: int) -> _File:
    """A coadd of some 500 spectra, 50 MB of arrays."""
    named = NAME.fullmatch(path.name)
    with mapped_fits(path, sums=True) as hdus:
        believed(int(hdus["FIBERMAP"].header["NAXIS2"]), path)
        map_ = hdus["FIBERMAP"].data
        targets = {name.upper(): np.array(map_[name]) for name in map_.columns.names}
        names = {hdu.name for hdu in hdus}
        arms = [_arm(hdus, arm, names) for arm in ARMS if f"{arm}_FLUX" in names]
    if not arms:
        raise Quarantined("unknown_layout", "no extension B_FLUX, R_FLUX or Z_FLUX")
    return _File(named[1] if named else path.stem, targets, arms, _redshifts(_redrock(path)))


def _arm(hdus: Any, arm: str, names: set[str]) -> _Arm:
    wavelength = checked_wavelengths(hdus[f"{arm}_WAVELENGTH"].data)
    flux, ivar = (np.array(hdus[f"{arm}_{what}"].data, np.float32) for what in ("FLUX", "IVAR"))
    if f"{arm}_MASK" in names:
        ivar[np.array(hdus[f"{arm}_MASK"].data) != 0] = 0
    sigma = np.zeros(flux.shape, np.float32)
    if f"{arm}_RESOLUTION" in names and arm == "B":
        at = slice(None, None, SAMPLED)
        sigma[:, at] = _widths(hdus[f"{arm}_RESOLUTION"].data[:, :, at], wavelength)
    return _Arm(wavelength, flux, ivar, sigma)


def _widths(bands: np.ndarray, wavelength: np.ndarray) -> np.ndarray:
    """(n, q) sigma in Angstrom of the line spread whose diagonals, (n, d, q), are given."""
    offset = np.arange(bands.shape[1]) - bands.shape[1] // 2
    bands = np.maximum(np.asarray(bands, np.float64), 0)
    total = np.maximum(bands.sum(axis=1), 1e-30)
    mean = (bands * offset[None, :, None]).sum(axis=1) / total
    square = (bands * offset[None, :, None] ** 2).sum(axis=1) / total - mean**2
    return np.sqrt(np.maximum(square, 0)) * np.median(np.diff(wavelength))


def _redshifts(path: Path) -> dict[int, dict[str, Any]]:
    """TARGETID -> row of REDSHIFTS; none where there is no such file."""
    if not path.is_file():
        return {}
    try:
        return _rows_by_target(path)
    except Quarantined as fault:
        raise Quarantined(fault.reason, f"{path.name}: {fault.detail}") from fault


def _rows_by_target(path: Path) -> dict[int, dict[str, Any]]:
    with mapped_fits(path, sums=True) as hdus:
        table = hdus["REDSHIFTS"].data
        names = [
            n for n in ("Z", "ZERR", "ZWARN", "SPECTYPE", "SUBTYPE") if n in table.columns.names
        ]
        rows = zip(table["TARGETID"], *(table[name] for name in names), strict=True)
        return {int(row[0]): dict(zip(names, row[1:], strict=True)) for row in rows}


def _spectrum(file: _File, row: int) -> Spectrum:
    targets = file.targets
    if row >= len(targets["TARGETID"]):
        raise Quarantined("empty", "a coadd without targets")
    kind = str(targets["OBJTYPE"][row]).strip() if "OBJTYPE" in targets else STAR
    if kind != STAR:
        raise Quarantined("no_star", f"OBJTYPE = {kind!r}")
    if "COADD_FIBERSTATUS" in targets and targets["COADD_FIBERSTATUS"][row]:
        raise Quarantined("no_star", f"COADD_FIBERSTATUS = {targets['COADD_FIBERSTATUS'][row]}")
    header = _row(file, row)
    arrays = [array[row] for arm in file.arms for array in (arm.flux, arm.ivar)]
    return _made(header, file, row, sha256_of(sorted(header.items()), *arrays))


def _made(header: dict[str, Any], file: _File, row: int, sha: str) -> Spectrum:
    """Each arm is resampled by itself; where two overlap, their mean by inverse variance."""
    parts = [
        resampled(_shares_of(tuple(a.wavelength)), a.flux[row], a.ivar[row]) for a in file.arms
    ]
    flux, ivar = combined(parts)
    blue = file.arms[0]
    header["resolution"] = resolution_of(blue.sigma[row].astype(float), blue.wavelength)
    spectrum = finished(header, sha, WAVELENGTH, flux, ivar)
    return spectrum._replace(
        header=spectrum.header | {"n_pixel": sum(a.wavelength.size for a in file.arms)}
    )


@lru_cache(maxsize=len(ARMS))
def _shares_of(wavelength: tuple[float, ...]) -> Any:
    return shares(np.array(wavelength))


def _row(file: _File, row: int) -> dict[str, Any]:
    targets = file.targets
    target = int(targets["TARGETID"][row])
    found = file.redshifts.get(target, {})
    return row_of(
        f"{target}-{file.group}",
        fitsname=f"coadd-{file.group}.fits#{row}",
        layout="desi",
        planid=file.group,
        fiberid=row,
        ra=float(targets["TARGET_RA"][row]),
        dec=float(targets["TARGET_DEC"][row]),
        z=float(found.get("Z", math.nan)),
        z_err=float(found.get("ZERR", math.nan)),
        nexp=int(targets["COADD_NUMEXP"][row]) if "COADD_NUMEXP" in targets else None,
        exptime=float(targets["COADD_EXPTIME"][row]) if "COADD_EXPTIME" in targets else None,
        zflag=f"ZWARN {found['ZWARN']}" if "ZWARN" in found else None,
        **{"class": str(found.get("SPECTYPE", "")), "subclass": str(found.get("SUBTYPE", ""))},
    )


DESI = Reader(_find, _read, "-desi", "coadd-*.fits")
