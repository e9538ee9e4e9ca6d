"""Prediction: labels, magnitude and emission of spectra of one's own, whatever their form."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from astropy.table import Table
from numpy.typing import ArrayLike, NDArray

from obcat import models as model_file
from obcat.arrow import float_array
from obcat.data import PORTABLE
from obcat.kernels.domain import other_class
from obcat.kernels.grid import on_grid, snr_g, usable
from obcat.query.origin import astropy_table
from obcat.reading import check
from obcat.steps import estimates, in_words, opened_models, wide
from obcat.udf import UDFS

__all__ = ["About", "gridded", "predict", "predict_gridded", "redshifts", "signal_to_noise"]

Floats = NDArray[np.float64]

REACH = (3700.0, 9100.0)  # Angstrom; a spectrum wholly outside has not one pixel that is used
GUESSES = (  # what wavelengths are that are none in Angstrom: limits of their middle, name, remedy
    (3.5, 4.0, "log10 of Angstrom", "10**wavelength"),
    (8.0, 9.3, "the natural logarithm of Angstrom", "numpy.exp(wavelength)"),
    (370.0, 910.0, "nanometres", "wavelength * astropy.units.nm"),
    (0.37, 0.91, "micrometres", "wavelength * astropy.units.um"),
    (3.7e-7, 9.1e-7, "metres", "wavelength * astropy.units.m"),
)
ORDINARY = (-6, 24)  # powers of two between which flux is left as it is; float32 ends beyond
SCALED_TO = 10
FASTEST = 0.1  # z of no star; 30,000 km/s
UNKNOWN_Z = -9999.0
# what makes inverse variance of an uncertainty of astropy.nddata
POWERS = {"std": -2, "var": -1, "ivar": 1}
CEILINGS = (99.0, 999.0)  # S/N of LAMOST headers that is none, as in meta.header_snr


class About(NamedTuple):
    """What is said of spectra beside their pixels, as `predict` takes it."""

    z: ArrayLike
    snr_g: ArrayLike | None = None
    star: ArrayLike | None = None
    header_class: ArrayLike | None = None
    subclass: ArrayLike | None = None


class _Given(NamedTuple):
    """Values of what was given, where it is masked, and its unit, if it has one."""

    values: Floats
    mask: NDArray[np.bool_]
    unit: Any


def gridded(wavelength: Any, flux: Any, ivar: Any) -> tuple[np.ndarray, np.ndarray]:
    """Spectra on the common grid, (n, 3909) float32 flux and inverse variance, 0 where masked.

    Parameters
    ----------
    wavelength : (p,) vacuum, in Angstrom or a Quantity of any spectral unit (nm, Hz, eV,
        dex(Angstrom)), in order
    flux : (p,) or (n, p); a Quantity of flux per frequency or photons becomes flux per wavelength
    ivar : as flux: inverse variance in the inverse square of the flux's unit, or an uncertainty of
        astropy.nddata

    A pixel that is masked in any of the three is masked. Flux that is very large or small is scaled
    by a power of two.

    Raises
    ------
    ValueError where shapes, units or wavelengths cannot be; the message says what was given and
    what to give
    """
    where, light = _angstrom(wavelength), _given(flux, "flux")
    factor = _per_wavelength(light.unit, where.values)
    weight = _inverse_variance(ivar, light.unit)
    values, measured = np.atleast_2d(light.values), np.atleast_2d(weight.values)
    if where.values.shape != values.shape[1:] or values.shape != measured.shape:
        raise ValueError(
            f"wavelength {where.values.shape}, flux {light.values.shape}, ivar "
            f"{weight.values.shape}: "
            "need (p,), (n, p), (n, p)"
        )
    measured = np.where(light.mask | weight.mask | where.mask, 0.0, measured / factor**2)
    kept, angstrom = _in_order(where)
    return on_grid(angstrom, *_scaled((values * factor)[:, kept], measured[:, kept]))


def redshifts(z: Any, n: int) -> Floats:
    """(n,) redshifts, NaN where masked or -9999. ValueError for what is no redshift of a star."""
    given = _given(z, "z")
    if given.unit is not None and str(given.unit):
        raise ValueError(
            f"z has the unit {given.unit}: give the redshift, that is, velocity / (299792.458 km/s)"
        )
    values = np.where(given.mask | (given.values == UNKNOWN_Z), np.nan, given.values)
    wrong = values[np.abs(values) > FASTEST]
    if wrong.size:
        raise ValueError(
            f"z = {wrong[0]:g} is the redshift of no star; a velocity in km/s is z times 299792.458"
        )
    return _for_each(values, n, "z")


def _for_each(values: ArrayLike, n: int, name: str) -> np.ndarray:
    """(n,) of () or (n,)."""
    if np.shape(values) not in ((), (n,)):
        raise ValueError(f"{name}: {np.shape(values)} for {n} spectra; need () or ({n},)")
    return np.broadcast_to(np.asarray(values), n)


def signal_to_noise(given: Any, flux: np.ndarray, ivar: np.ndarray) -> Floats:
    """(n,) S/N in g: as given, or computed where it is none, as for headers;
    NaN where there is none at all."""
    computed = np.array([snr_g(*row) for row in zip(flux, ivar, strict=True)])
    computed[~(computed > 0)] = np.nan
    if given is None:
        return computed
    snr = _given(given, "snr_g")
    known = np.isfinite(snr.values) & (snr.values > 0) & ~np.isin(snr.values, CEILINGS) & ~snr.mask
    n = len(flux)
    return np.where(_for_each(known, n, "snr_g"), _for_each(snr.values, n, "snr_g"), computed)


def _given(x: Any, name: str) -> _Given:
    """Numbers, mask and unit of lists, arrays, masked arrays, columns,
    quantities and astropy.nddata."""
    from astropy import units as u

    unit, mask = getattr(x, "unit", None), getattr(x, "mask", None)
    mask = None if callable(mask) else mask  # of pandas a method
    try:
        values = np.asarray(_data(x))
        values = values.astype(float, casting="unsafe" if values.dtype.kind != "c" else "safe")
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name}: {type(x).__name__} is not an array of numbers") from error
    hidden = (
        np.zeros(values.shape, bool)
        if mask is None
        else np.broadcast_to(np.asarray(mask, bool), values.shape)
    )
    return _Given(values, hidden, None if unit is None else u.Unit(unit))


def _data(x: Any) -> Any:
    """What holds the numbers, without mask and unit."""
    from astropy import units as u
    from astropy.nddata import NDData

    if isinstance(x, np.ma.MaskedArray):
        return np.ma.getdata(x, subok=False)
    x = getattr(x, "unmasked", x)  # of astropy.utils.masked
    if isinstance(x, NDData):
        return x.data
    return x.value if isinstance(x, u.Quantity) else x


def _angstrom(wavelength: Any) -> _Given:
    from astropy import units as u

    given = _given(getattr(wavelength, "physical", wavelength), "wavelength")
    if given.unit is not None and given.unit != u.dimensionless_unscaled:
        try:
            given = given._replace(values=(given.values * given.unit).to_value(u.AA, u.spectral()))
        except u.UnitConversionError as error:
            raise ValueError(
                f"wavelength has the unit {given.unit}: give wavelengths in Angstrom"
            ) from error
    reached = given.values[np.isfinite(given.values) & ~given.mask]
    if reached.size and not (reached.max() > REACH[0] and reached.min() < REACH[1]):
        raise ValueError(_no_angstrom(reached))
    return given._replace(mask=given.mask | ~np.isfinite(given.values))


def _in_order(where: _Given) -> tuple[slice, Floats]:
    """The pixels from the first known wavelength to the last, ascending, and their wavelengths,
    gaps filled."""
    known = np.flatnonzero(~where.mask)
    if len(known) < 2:
        return slice(None), where.values
    kept = slice(int(known[0]), int(known[-1]) + 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        filled = 10 ** np.interp(
            np.arange(kept.start, kept.stop), known, np.log10(where.values[known])
        )
    filled[known - kept.start] = where.values[known]
    if filled[0] <= filled[-1]:
        return kept, filled
    return slice(kept.stop - 1, kept.start - 1 if kept.start else None, -1), filled[::-1]


def _no_angstrom(values: Floats) -> str:
    middle = float(np.median(values))
    said = (
        f"wavelengths {values.min():g} to {values.max():g} do not reach {REACH[0]:.0f} to "
        f"{REACH[1]:.0f} Angstrom"
    )
    guesses = [
        f"; if they are {name}, give {remedy}"
        for low, high, name, remedy in GUESSES
        if low <= middle <= high
    ]
    return said + "".join(guesses)


def _inverse_variance(ivar: Any, unit_of_flux: Any) -> _Given:
    """In the inverse square of the unit of flux."""
    from astropy import units as u

    kind = getattr(ivar, "uncertainty_type", "ivar")
    if kind not in POWERS:
        raise ValueError(f"ivar: {type(ivar).__name__} does not say what it is; give 1 / error**2")
    power, given = POWERS[kind], _given(getattr(ivar, "array", ivar), "ivar")
    unit, base = getattr(ivar, "unit", None), unit_of_flux or u.dimensionless_unscaled
    values = given.values
    if unit is not None:
        wanted = base ** (-2 / power)
        try:
            values = values * u.Unit(unit).to(wanted)
        except u.UnitConversionError as error:
            of_flux = f"flux {unit_of_flux}" if unit_of_flux else "flux none"
            raise ValueError(
                f"ivar has the unit {unit}, {of_flux}: give 1 / error**2 in that of flux"
            ) from error
    with np.errstate(divide="ignore"):
        return _Given(values**power, given.mask, None)


def _per_wavelength(unit: Any, wavelength: Floats) -> Floats:
    """What makes of flux in this unit flux per wavelength, up to a constant,
    at (p,) wavelengths in Angstrom."""
    from astropy import units as u

    if unit is None:
        return np.ones(1)
    if isinstance(unit, u.LogUnit) or unit.is_equivalent(u.mag) or unit.is_equivalent(u.dex):
        raise ValueError(f"flux has the unit {unit}, a logarithm: give flux")
    per_angstrom = u.erg / u.s / u.cm**2 / u.AA
    try:
        known = np.where(np.isfinite(wavelength) & (wavelength > 0), wavelength, REACH[0])
        factor = (np.ones(len(known)) * unit).to_value(
            per_angstrom, u.spectral_density(known * u.AA)
        )
    except u.UnitConversionError:
        return np.ones(1)
    return factor / np.median(factor)


def _scaled(flux: Floats, ivar: Floats) -> tuple[Floats, Floats]:
    """Each spectrum by a power of two, which changes no digit,
    if its flux is far from what float32 holds well."""
    power = np.zeros(len(flux))
    for i, good in enumerate(usable(flux, ivar)):
        if good.any():
            power[i] = np.floor(np.log2(np.median(np.abs(flux[i, good]))))
    far = (power < ORDINARY[0]) | (power > ORDINARY[1])
    shift = np.where(far, SCALED_TO - power, 0.0)[:, None]
    with np.errstate(over="ignore", invalid="ignore"):
        return flux * 2.0**shift, ivar / 2.0**shift / 2.0**shift


def predict(
    wavelength: ArrayLike,
    flux: ArrayLike,
    ivar: ArrayLike,
    *,
    models: str | Path | None = None,
    z: ArrayLike,
    snr_g: ArrayLike | None = None,
    star: ArrayLike | None = None,
    header_class: ArrayLike | None = None,
    subclass: ArrayLike | None = None,
    trust: bool = False,
) -> Table:
    """Labels, absolute magnitude and emission of spectra like LAMOST's low-resolution ones (R about
    1800).

    Parameters
    ----------
    wavelength : (p,) Angstrom, or a Quantity of any spectral unit; vacuum, heliocentric, in order
    flux, ivar : (p,) or (n, p); flux per wavelength at any scale, or a Quantity of flux per
        wavelength, frequency or photon; inverse variance in its inverse square, 0 where masked, or
        an uncertainty of astropy.nddata. What is masked in a masked array is masked
    models : models.safetensors of a release, or obcat.duckdb of a build; default: the package's
        own, which learnt from a SIMULATED survey with many luminous stars
    z : redshift, () or (n,)
    snr_g : signal-to-noise ratio per pixel in g, () or (n,); where there is none, or it is none (0,
        99, 999), as for headers: the median of flux sqrt(ivar), 4000-5500 Angstrom
    star : (n,) what names the star of each spectrum; as in a catalog, all spectra of a star get the
        labels of its best one in S/N. Default: each spectrum is a star
    header_class, subclass : CLASS and SUBCLASS of the headers, () or (n,) text: stars that are
        called F to M, galaxies and quasars are out of the domain, as in a catalog
    trust : open a database though it is neither of a build nor of a release that is whole

    Returns
    -------
    Table
        n rows with units and descriptions; what cannot be told is masked; ``warnings`` says in
        words what limits a row, ``meta["models"]`` what the models are. No extinction and no
        distance: they need photometry and a parallax.

    Raises
    ------
    ValueError
        where shapes do not agree, or wavelengths, units, uncertainties or redshifts cannot be what
        they should
    KeyError
        where the file lacks a model
    obcat.DamagedModels
        where models.safetensors is not what was written
    obcat.NotTrusted
        where the database is somebody else's, unless ``trust``
    obcat.NotOurs
        where it is no database of obcat build

    Examples
    --------
    >>> import obcat
    >>> cat = obcat.open("build/simulated")
    >>> wavelength, flux, ivar = cat.spectrum(cat.table()["specid"][0])
    >>> mine = obcat.predict(wavelength, flux, ivar, models=cat.path, z=0.0001)
    >>> mine["mk", "mk_err", "em_flag", "teff"].colnames
    ['mk', 'mk_err', 'em_flag', 'teff']
    >>> len(mine), mine["mk"].unit
    (1, Unit("mag"))
    """
    about = About(z, snr_g, star, header_class, subclass)
    return predict_gridded(*gridded(wavelength, flux, ivar), about, models=models, trust=trust)


def predict_gridded(
    flux: np.ndarray,
    ivar: np.ndarray,
    about: About,
    *,
    models: str | Path | None,
    trust: bool = False,
) -> Table:
    """`predict` for spectra that are on the common grid: (n, 3909) flux and inverse variance."""
    path = PORTABLE if models is None else Path(models)
    if not trust and path.suffix != model_file.SUFFIX:
        check(path)
    n = len(flux)
    given = {"z": redshifts(about.z, n), "snr_g": signal_to_noise(about.snr_g, flux, ivar)}
    best = (
        np.arange(n)
        if about.star is None
        else _best_of(_for_each(about.star, n, "star"), given["snr_g"])
    )
    given["is_other"] = _others(about.header_class, about.subclass, n)
    columns = {name: pa.array(values, from_pandas=True) for name, values in given.items()}
    opened = opened_models(path)
    found = estimates(opened.run, wide(flux), wide(ivar), best=best, **columns)
    found["warnings"] = _warnings(found, opened.parameters, **given)
    declared = {c.column: c for udf in UDFS.values() for c in udf.given}
    table = astropy_table(pa.table(found), declared, maskable=True)
    table.meta["models"] = opened.said
    return table


def _warnings(
    found: dict[str, pa.Array], parameters: dict[str, Any], *, z: Floats, is_other: Floats, **_: Any
) -> pa.Array:
    """What limits each row, in words."""
    flat = {name: float_array(a) for name, a in found.items() if not pa.types.is_nested(a.type)}
    limit, teff = parameters["mk_faint_limit"], parameters["domain_teff"]
    return pa.array(in_words(flat | {"z": z, "is_other": is_other}, limit=limit, teff=teff))


def _others(header_class: ArrayLike | None, subclass: ArrayLike | None, n: int) -> Floats:
    """(n,) 1 where the header names another class, as ``kernels.domain.other_class``."""
    texts = [
        _for_each(_texts(given), n, name)
        for name, given in (("header_class", header_class), ("subclass", subclass))
    ]
    return other_class(*texts)


def _texts(given: ArrayLike | None) -> np.ndarray:
    values = np.asarray("" if given is None else given)
    return values.astype(str if values.dtype.kind == "S" else object).astype(object)


def _best_of(star: np.ndarray, snr_g: np.ndarray) -> np.ndarray:
    """(n,) for each spectrum the place of its star's spectrum of highest S/N,
    the first of equals. A spectrum whose star is None or NaN is a star."""
    own = np.char.add("of no name ", np.arange(len(star)).astype(str))
    nameless = (star.astype(object) == np.asarray(None)) | (star != star)
    names, group = np.unique(np.where(nameless, own, star.astype(str)), return_inverse=True)
    order = np.argsort(-np.where(np.isnan(snr_g), -np.inf, snr_g), kind="stable")
    best = np.zeros(len(names), int)
    best[group[order[::-1]]] = order[::-1]
    return best[group]
