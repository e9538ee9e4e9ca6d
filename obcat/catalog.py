"""A finished catalog from Python: tables, spectra, SQL."""

import warnings
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from obcat.kernels.grid import WAVELENGTH
from obcat.query.isolated import MEMORY, TIME_LIMIT, Bounds, asked
from obcat.query.sql import answered, lock_down, old_names, opened
from obcat.query.trust import check
from obcat.schema import quoted, read_tables
from obcat.wording import columns_as_run

if TYPE_CHECKING:
    import pyarrow as pa
    import specutils
    from astropy.table import Table

__all__ = ["Catalog", "Spectrum"]

FRAMES = ("observed", "rest", "normalised")
SPECTRUM = {
    "observed": "SELECT flux, ivar FROM raw.spectra WHERE specid = $specid",
    "rest": "SELECT s.flux, s.ivar, h.z FROM raw.spectra AS s JOIN stage.headers AS h USING (specid)"
    " WHERE specid = $specid",
    "normalised": "SELECT flux, ivar FROM spectra.normalised WHERE specid = $specid",
}


class Spectrum(NamedTuple):
    """wavelength in Angstrom, vacuum; flux, and its inverse variance, 0 where masked: (3909,) each."""

    wavelength: np.ndarray
    flux: np.ndarray
    ivar: np.ndarray

    def to_specutils(self) -> "specutils.Spectrum":
        """The same for specutils: wavelengths in vacuum, inverse variance as uncertainty, masked where it is 0.

        Flux has no unit, its calibration being relative. Raises ModuleNotFoundError where specutils is not installed.
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


class Catalog:
    """An open database, read-only; close it, or use it in a ``with`` statement."""

    def __init__(self, path: str | Path, *, trust: bool = False) -> None:
        """Open ``obcat.duckdb``, or the one in a folder.

        Raises obcat.query.QueryRefused where there is none; obcat.query.trust.NotTrusted, unless ``trust``, where it is
        neither of a build nor of a release that is whole.
        """
        given = Path(path)
        self.path = given / "obcat.duckdb" if given.is_dir() else given
        if not trust:
            check(self.path)
        self._stack = ExitStack()
        self._con = self._stack.enter_context(opened(self.path))
        lock_down(self._con)

    def __enter__(self) -> "Catalog":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._stack.close()

    def sql(
        self,
        query: str,
        *,
        time_limit: float = TIME_LIMIT,
        isolated: bool = False,
        memory: int = MEMORY,
    ) -> "pa.Table":
        """The answer to one SELECT as an Arrow table. Raises obcat.query.QueryRefused; see ``obcat sql``.

        ``isolated`` runs it in a process of its own, as ``obcat sql`` does: it ends at ``time_limit``
        (seconds) and at ``memory`` (bytes) whatever the query does, and no breakdown of it reaches this process.
        """
        if note := old_names(query):
            warnings.warn(note, FutureWarning, stacklevel=2)
        if isolated:
            return _apart(self.path, query, Bounds(time_limit, memory, None))
        return answered(self._con, self.path, query, time_limit=time_limit, max_rows=None).table

    def table(self, name: str = "catalog.ob_stars") -> "Table":
        """A declared table as an astropy Table, in the order of its key, with units, descriptions, UCDs and masks.

        Raises KeyError, with the nearest name, where no such table is declared.
        """
        from obcat.astro_table import astropy_table

        columns = columns_as_run(self._con, name)
        schema, _, table = name.partition(".")
        order = ", ".join(map(quoted, read_tables()[name].key.split()))
        listed = ", ".join(quoted(c.column) for c in columns)
        query = f"SELECT {listed} FROM {quoted(schema)}.{quoted(table)}" + (
            f" ORDER BY {order}" if order else ""
        )
        return astropy_table(self.sql(query), {c.column: c for c in columns})

    def spectrum(self, specid: str, *, frame: str = "observed") -> Spectrum:
        """One spectrum on the common grid: observed, at rest, or at rest over its pseudo-continuum (normalised).

        Raises KeyError where there is no such spectrum, ValueError where there is no such frame.
        """
        if frame not in FRAMES:
            raise ValueError(f"no frame {frame!r}; frames are {', '.join(FRAMES)}")
        rows = self._con.execute(SPECTRUM[frame], {"specid": specid}).fetchall()
        if not rows:
            raise KeyError(f"no spectrum {specid!r} in {self.path.name}")
        flux, ivar = (np.array(v, np.float32) for v in rows[0][:2])
        return Spectrum(
            WAVELENGTH, *(at_rest(flux, ivar, rows[0][2]) if frame == "rest" else (flux, ivar))
        )


def _apart(database: Path, query: str, bounds: Bounds) -> "pa.Table":
    import pyarrow as pa

    with asked(database, query, "arrow", bounds) as reply:
        return pa.ipc.open_stream(reply.body).read_all()


def at_rest(flux: np.ndarray, ivar: np.ndarray, z: float | None) -> tuple[np.ndarray, np.ndarray]:
    from obcat.kernels.rest_frame import rest_frame

    shifted = rest_frame(flux[None], ivar[None], np.array([np.nan if z is None else z]))
    return shifted[0][0], shifted[1][0]
