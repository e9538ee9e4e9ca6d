"""Spectra from files of one's own: LAMOST's, or tables of wavelength, flux and its error."""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from obcat.errors import one_line
from obcat.ingest.errors import IngestError, Quarantined
from obcat.ingest.lamost.spectrum import read_spectrum
from obcat.ingest.tables.columns import numbers
from obcat.ingest.tables.read import read_table
from obcat.kernels.grid import N_PIXEL, WAVELENGTH
from obcat.prediction import FASTEST, gridded

__all__ = ["LOADER", "OwnSpectra", "read_files", "register_reader"]

TABLES = (".csv", ".ecsv", ".vot", ".votable", ".txt", ".dat")
WAVELENGTHS = ("wavelength", "wave", "lambda")
FLUXES = ("flux", "flux_density")
PRECISIONS = {"ivar": 1, "inverse_variance": 1, "error": -2, "flux_err": -2, "sigma": -2}  # powers
UNKNOWN: dict[str, Any] = {"z": np.nan, "snr_g": np.nan, "class": "", "subclass": "", "specid": ""}


class OwnSpectra(NamedTuple):
    """n spectra in the order of their files, those that cannot be read among them.

    ``file``, ``specid``, ``header_class``, ``subclass``, ``fault``: (n,) text, "" where there is
    none; ``flux``, ``ivar``: (n, 3909) float32 on the common grid, 0 where masked; ``z``,
    ``snr_g``: (n,), NaN where the file does not tell.
    """

    file: list[str]
    specid: list[str]
    flux: np.ndarray
    ivar: np.ndarray
    z: np.ndarray
    snr_g: np.ndarray
    header_class: list[str]
    subclass: list[str]
    fault: list[str]


def read_files(paths: Iterable[Path], z: float | None = None) -> OwnSpectra:
    """Read LAMOST files (FITS, plain or gzip) and tables, by their endings.

    A table has columns wavelength (vacuum Angstrom, or with a unit), flux, and ivar or error; its
    redshift is the keyword z of its head. ``z`` stands in for any redshift that a file lacks; one
    of no star is none.
    """
    paths = list(paths)
    rows = [_read(path) for path in paths]
    known = [header["z"] for header, *_ in rows]
    return OwnSpectra(
        [str(path) for path in paths],
        _column(rows, "specid"),
        np.stack([flux for _, flux, _, _ in rows]),
        np.stack([ivar for _, _, ivar, _ in rows]),
        _of_stars(np.array([_or(value, np.nan if z is None else z) for value in known], float)),
        np.array([_or(header["snr_g"], np.nan) for header, *_ in rows], float),
        _column(rows, "class"),
        _column(rows, "subclass"),
        [fault for *_, fault in rows],
    )


LOADER = "LAMOST low resolution"
PLATE = {"PLANID", "LMJD", "SPID", "FIBERID"}  # cards of a fibre of LAMOST


def register_reader() -> None:
    """Teach specutils to read LAMOST's files: ``Spectrum.read(path)``, or format=LOADER.

    Wavelengths are in vacuum, as observed; ``meta["header"]`` has what the header says. Raises
    ModuleNotFoundError where specutils is not installed.
    """
    from specutils import Spectrum
    from specutils.io.registers import data_loader

    @data_loader(LOADER, identifier=_is_lamost, dtype=Spectrum, extensions=["fits", "fits.gz"],
                 priority=20, force=True)  # fmt: skip
    def read_lamost(file: Any, **_: Any) -> Any:
        return _for_specutils(Path(getattr(file, "name", file)))


def _is_lamost(_origin: str, path: Any, *_: Any, **__: Any) -> bool:
    from astropy.io import fits

    name = str(path)
    if not name.lower().endswith((".fits", ".fits.gz")) or not Path(name).is_file():
        return False
    try:
        return set(fits.getheader(name)) >= PLATE
    except (OSError, ValueError):
        return False


def _for_specutils(path: Path) -> Any:
    from astropy import units
    from astropy.nddata import InverseVariance
    from specutils import Spectrum

    found = read_spectrum(path)
    return Spectrum(
        spectral_axis=WAVELENGTH * units.AA,
        flux=found.flux * units.dimensionless_unscaled,
        uncertainty=InverseVariance(found.ivar),
        mask=found.ivar <= 0,
        meta={"header": dict(found.header)},
    )


_Row = tuple[dict[str, Any], np.ndarray, np.ndarray, str]  # header, flux, ivar, fault


def _column(rows: list[_Row], name: str) -> list[str]:
    return [header.get(name) or "" for header, *_ in rows]


def _of_stars(z: np.ndarray) -> np.ndarray:
    """Redshifts, NaN in place of those of no star: a file of a galaxy stops nothing."""
    return np.where(np.abs(z) <= FASTEST, z, np.nan)


def _or(value: Any, instead: float) -> float:
    """The value, or what stands in for one that is none."""
    return instead if value is None or not np.isfinite(value) or value == -9999 else float(value)


def _read(path: Path) -> _Row:
    try:
        return _table(path) if path.suffix.lower() in TABLES else _lamost(path)
    except Quarantined as fault:
        said = one_line(fault)
    except (ValueError, KeyError, OSError, IngestError) as error:
        said = one_line(error)
    nothing = np.zeros(N_PIXEL, np.float32)
    return UNKNOWN, nothing, nothing, said


def _lamost(path: Path) -> _Row:
    found = read_spectrum(path)
    return UNKNOWN | found.header, found.flux, found.ivar, ""


def _table(path: Path) -> _Row:
    """Raises ValueError, KeyError or IngestError where it is no table of a spectrum."""
    table = _ecsv(path) if path.suffix.lower() == ".ecsv" else _read_as_a_survey_does(path)
    names = [_named(table, names) for names in (WAVELENGTHS, FLUXES, PRECISIONS)]
    flux, ivar = gridded(table[names[0]], table[names[1]], _ivar(table, names[2]))
    return UNKNOWN | {"z": table.meta.get("z")}, flux[0], ivar[0], ""


def _ecsv(path: Path) -> Any:
    from astropy.table import Table

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Table.read(path, format="ascii.ecsv")


def _read_as_a_survey_does(path: Path) -> Any:
    """Any of the forms of its tables, what says NULL as NaN; no reference out of the file is
    followed. Text columns that are none of ours stay text.
    """
    from astropy.table import Column, Table
    from astropy.units import Unit

    given = read_table(path)
    units = {name: Unit(text, parse_strict="silent") for name, text in given.units.items()}
    columns = []
    for name, values in zip(given.table.column_names, given.table.columns, strict=True):
        if name.lower() in (*WAVELENGTHS, *FLUXES, *PRECISIONS):
            values = numbers(values, f"{path.name}: column {name!r}")
        columns.append(Column(values.to_numpy(), name, unit=units.get(name)))
    return Table(columns)


def _ivar(table: Any, name: str) -> Any:
    """Inverse variance: the column, or 1 / error^2, 0 where there is no error; with its unit."""
    power = PRECISIONS[name.lower()]
    if power == 1:
        return table[name]
    error: np.ndarray = np.ma.filled(np.ma.asarray(table[name].data, float), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        ivar = np.where(error > 0, error**power, 0.0)
    unit = table[name].unit
    return ivar if unit is None else ivar * unit**power


def _named(table: Any, names: Iterable[str]) -> str:
    """The first column of one of these names, however it is capitalised; KeyError where there is
    none, or two that differ in case only.
    """
    names = tuple(names)
    found = [str(name) for name in table.colnames if name.lower() in names]
    if not found:
        raise KeyError(f"no column {' or '.join(names)}; it has {', '.join(table.colnames)}")
    if len({name.lower() for name in found}) < len(found):
        raise KeyError(f"columns {', '.join(found)} differ in case only; keep one")
    return found[0]
