"""Emission: what discs, nebulae and winds add to the spectra, as flux on the LAMOST grid."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate.be_discs import Disc, later, veil
from obcat.ingest.simulate.disc_lines import disc_flux, disc_transforms
from obcat.ingest.simulate.gas_lines import nebular_flux, nebular_transforms, wind_lines
from obcat.ingest.simulate.lines import at_lines, stamped
from obcat.ingest.simulate.nebulae import Nebula
from obcat.ingest.simulate.rows import taken
from obcat.ingest.simulate.winds import Wind, gusts

__all__ = ["Emission", "add_emission", "on_days", "velocities"]

Array = NDArray[np.float64]
Float32 = NDArray[np.float32]
Complex = NDArray[np.complexfloating]
Rows = NDArray[np.int64]


class Emission(NamedTuple):
    """Disc, nebula and wind of each star, or of each visit."""

    disc: Disc
    nebula: Nebula
    wind: Wind

    @property
    def ew(self) -> Array:
        """H alpha above what the star itself would show (Angstrom): emitted less absorbed."""
        return self.disc.ew - self.disc.shell + self.nebula.ew + self.wind.ew - self.wind.absorbed

    @property
    def emitting(self) -> NDArray[np.bool_]:
        """Whether anything is emitted; what the sky subtraction took too much of is not."""
        return (self.disc.ew > 0) | (self.nebula.ew > 0) | (self.wind.ew > 0)

    @property
    def nebular(self) -> NDArray[np.bool_]:
        return (self.nebula.ew > 0) & (self.disc.ew == 0) & (self.wind.ew == 0)


def on_days(emission: Emission, star: Rows, mjd: Rows) -> Emission:
    """The emission of each visit: its star's, as it was on that day."""
    visits = taken(emission, star)
    return visits._replace(disc=later(visits.disc, mjd), wind=gusts(visits.wind, mjd))


def add_emission(flux: Float32, level: Float32, emission: Emission, rv: Array, resolution: Array) -> Float32:
    """Flux (n, 3909) of the systems with what their rows of `emission` add; `level` is their continuum, rv (n, 3) the
    velocities (km/s) of disc, gas and wind, resolution is (n,) or on the grid.
    """
    out, e = flux.copy(), emission
    for part, has, column in ((e.disc, e.disc.ew > 0, 0), (e.nebula, e.nebula.ew != 0, 1), (e.wind, e.wind.ew > 0, 2)):
        rows = np.flatnonzero(has)
        if len(rows):
            wavelength, transform = _lines(taken(part, rows), level[rows], flux[rows])
            out[rows] += stamped(wavelength, transform, rv[rows, column], at_lines(resolution[rows], wavelength))
    rows = np.flatnonzero(e.disc.excess_ks > 0)
    out[rows] += veil(taken(e.disc, rows)) * level[rows]
    return out


def _lines(part: Disc | Nebula | Wind, level: Float32, star: Float32) -> tuple[Array, Complex]:
    if isinstance(part, Disc):
        wavelength, flux, shell = disc_flux(part, level, star)
        return wavelength, disc_transforms(part, flux, shell)
    if isinstance(part, Nebula):
        wavelength, flux = nebular_flux(part, level)
        return wavelength, nebular_transforms(flux)
    return wind_lines(part, level)


def velocities(nebula: Nebula, star: Array, system: Array) -> Array:
    """(n, 3) km/s of disc, gas and wind: with the star, near the system, with the star."""
    return np.stack([star, system + nebula.motion, star], axis=1)
