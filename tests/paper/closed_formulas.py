"""The closed formulas of METHOD sections 4, 6 and 7 in plain Python:
a second opinion on the SQL macros.
"""

from math import log, log10, sqrt

import astropy.units as u
from astropy.coordinates import SkyCoord

__all__ = [
    "galactic_xyz",
    "mk_geo",
    "mk_geo_err",
    "parallax_spec",
    "parallax_spec_err",
    "snr_dparallax",
]


def mk_geo(ks: float, a_ks: float, parallax: float) -> float:
    """M_geo = m - A + 5 log10(parallax) - 10, mag; parallax in mas, positive."""
    return ks - a_ks + 5 * log10(parallax) - 10


def mk_geo_err(ks_err: float, a_ks_err: float, parallax: float, parallax_error: float) -> float:
    """Its error, mag: sigma_m, sigma_A and 5 / ln 10 times the relative error of the parallax in
    quadrature.
    """
    return sqrt(ks_err**2 + a_ks_err**2 + (5 / log(10) * parallax_error / parallax) ** 2)


def parallax_spec(mk: float, ks: float, a_ks: float) -> float:
    """Eq. 15, mas."""
    return 10 ** (0.2 * (mk - ks + a_ks + 10))


def parallax_spec_err(parallax: float, mk_err: float, ks_err: float, a_ks_err: float) -> float:
    """Eq. 17, mas; mk_err^2 = sigma_mea^2 + sigma_int^2."""
    return 0.2 * log(10) * parallax * sqrt(mk_err**2 + ks_err**2 + a_ks_err**2)


def snr_dparallax(spec: float, spec_err: float, parallax: float, parallax_error: float) -> float:
    """Eq. 16."""
    return (spec - parallax) / sqrt(spec_err**2 + parallax_error**2)


def galactic_xyz(
    ra: float, dec: float, dis: float, sun_x: float, sun_z: float
) -> tuple[float, float, float]:
    """Galactic Cartesian X, Y, Z (kpc) of a star at ra, dec (deg, ICRS) and dis (kpc);
    the Sun at (sun_x, 0, sun_z).
    """
    direction = SkyCoord(ra * u.deg, dec * u.deg, frame="icrs").galactic.cartesian.xyz.value
    return sun_x + dis * direction[0], dis * direction[1], sun_z + dis * direction[2]
