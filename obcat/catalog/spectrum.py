"""One spectrum on the common grid:
three arrays that know what they are, and can show themselves.
"""

from typing import TYPE_CHECKING, NamedTuple

import duckdb
import numpy as np

if TYPE_CHECKING:
    import specutils
    from matplotlib.axes import Axes

__all__ = ["FRAMES", "Spectrum", "flux_and_ivar"]

QUERIES = {
    "observed": "SELECT flux, ivar FROM raw.spectra WHERE specid = $specid",
    "rest": "SELECT s.flux, s.ivar, h.z FROM raw.spectra AS s JOIN stage.headers AS h "
    "USING (specid) WHERE specid = $specid",
    "normalised": "SELECT flux, ivar FROM spectra.normalised WHERE specid = $specid",
}
FRAMES = tuple(QUERIES)

AXES = {
    "observed": ("wavelength in vacuum, heliocentric (Angstrom)", "relative flux"),
    "rest": ("rest wavelength in vacuum (Angstrom)", "relative flux"),
    "normalised": ("rest wavelength in vacuum (Angstrom)", "flux over pseudo-continuum"),
}


class _Arrays(NamedTuple):
    wavelength: np.ndarray
    flux: np.ndarray
    ivar: np.ndarray


class Spectrum(_Arrays):
    """A spectrum as the tuple ``wavelength, flux, ivar``, three arrays of shape (3909,).

    ``wavelength`` is in Angstrom, in vacuum, the same for every spectrum: log10 from 3.5682 in
    steps of 0.0001. ``flux`` has no unit, its calibration being relative; ``ivar`` is its inverse
    variance, 0 where it is masked. ``specid`` names it, ``frame`` is observed, rest or normalised,
    and ``simulated`` says that its star does not exist.

    Examples
    --------
    >>> import obcat
    >>> cat = obcat.open("build/simulated")
    >>> spectrum = cat.spectrum(cat.table()["specid"][0])
    >>> spectrum
    Spectrum '55859-GAC083N43V00001-01-001' (SIMULATED), observed: 3,909 pixels, 35 masked
    >>> wavelength, flux, ivar = spectrum
    >>> flux.shape
    (3909,)
    """

    specid: str = ""
    frame: str = "observed"
    simulated: bool = False

    def __new__(
        cls,
        wavelength: np.ndarray,
        flux: np.ndarray,
        ivar: np.ndarray,
        specid: str = "",
        frame: str = "observed",
        simulated: bool = False,
    ) -> "Spectrum":
        """The three arrays, (3909,) each, and what they are."""
        made = super().__new__(cls, wavelength, flux, ivar)
        made.specid, made.frame, made.simulated = specid, frame, simulated
        return made

    def __repr__(self) -> str:
        name = f"Spectrum {self.specid!r}" + (" (SIMULATED)" if self.simulated else "")
        masked = int((self.ivar <= 0).sum())
        return f"{name}, {self.frame}: {self.flux.size:,} pixels, {masked:,} masked"

    def _replace(self, **given: np.ndarray) -> "Spectrum":
        """Other arrays, of the same star."""
        arrays = {**self._asdict(), **given}
        return Spectrum(**arrays, specid=self.specid, frame=self.frame, simulated=self.simulated)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw flux against wavelength on ``ax``, or on a new figure; what is masked is grey.

        Returns the axes, so that lines, limits and titles can be changed. Raises
        ModuleNotFoundError where matplotlib is not installed.

        Examples
        --------
        >>> import obcat
        >>> cat = obcat.open("build/simulated")
        >>> axes = cat.spectrum(cat.table()["specid"][0], frame="normalised").plot()
        >>> axes.get_title()
        '55859-GAC083N43V00001-01-001, SIMULATED'
        >>> axes.figure.savefig("spectrum.png")
        """
        if ax is None:
            from matplotlib import pyplot

            ax = pyplot.subplots(figsize=(10, 4), layout="constrained")[1]
        masked = self.ivar <= 0
        ax.plot(self.wavelength, np.where(masked, np.nan, self.flux), drawstyle="steps-mid", lw=0.7)
        ax.fill_between(
            self.wavelength, 0, 1, where=masked, transform=ax.get_xaxis_transform(), step="mid",
            color="0.85", lw=0, label="masked",
        )  # fmt: skip
        ax.set(xlabel=AXES[self.frame][0], ylabel=AXES[self.frame][1], title=self._title())
        ax.margins(x=0)
        return ax

    def _title(self) -> str:
        return ", ".join(filter(None, (self.specid, "SIMULATED" if self.simulated else "")))

    def to_specutils(self) -> "specutils.Spectrum":
        """The same for specutils: wavelengths in Angstrom, ivar as uncertainty, masked where it is
        0.

        Flux has no unit, its calibration being relative. Raises ModuleNotFoundError where specutils
        is not installed.

        Examples
        --------
        >>> import obcat
        >>> cat = obcat.open("build/simulated")
        >>> spectrum = cat.spectrum(cat.table()["specid"][0]).to_specutils()
        >>> spectrum.spectral_axis.unit
        Unit("Angstrom")
        """
        from astropy import units
        from astropy.nddata import InverseVariance
        from specutils import Spectrum

        return Spectrum(
            spectral_axis=self.wavelength * units.AA,
            flux=self.flux * units.dimensionless_unscaled,
            uncertainty=InverseVariance(self.ivar),
            mask=self.ivar <= 0,
        )


def flux_and_ivar(
    con: duckdb.DuckDBPyConnection, specid: str, frame: str
) -> tuple[np.ndarray, np.ndarray] | None:
    """Flux and inverse variance (3909,) of a spectrum in a frame; None where there is none."""
    rows = con.execute(QUERIES[frame], {"specid": specid}).fetchall()
    if not rows or rows[0][0] is None:
        return None
    flux, ivar = (np.array(v, np.float32) for v in rows[0][:2])
    return _at_rest(flux, ivar, rows[0][2]) if frame == "rest" else (flux, ivar)


def _at_rest(flux: np.ndarray, ivar: np.ndarray, z: float | None) -> tuple[np.ndarray, np.ndarray]:
    from obcat.kernels.continuum import rest_frame

    shifted = rest_frame(flux[None], ivar[None], np.array([np.nan if z is None else z]))
    return shifted[0][0], shifted[1][0]
