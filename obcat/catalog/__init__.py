"""A finished catalog from Python: tables, stars, cones, spectra, SQL,
and why a number is what it is.
"""

import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from obcat.catalog.contents import (
    ParameterUsed,
    answer_apart,
    astropy_of,
    declared_rows,
    require_table,
    survey_of,
)
from obcat.catalog.spectrum import FRAMES, Spectrum, flux_and_ivar
from obcat.db import parameters_as_run
from obcat.kernels.grid import WAVELENGTH
from obcat.query.formats import send_catalog
from obcat.query.isolated import MEMORY, TIME_LIMIT, Bounds
from obcat.query.sql import QueryRefused, answered, lock_down, old_names, one_line_errors, opened
from obcat.reading import CATALOG, CATALOGS, has_best, method_parameters, reading_of, table_of
from obcat.reading import check as check_trust
from obcat.schema import quoted, read_parameters, read_tables

if TYPE_CHECKING:
    import pyarrow as pa
    from astropy.coordinates import SkyCoord
    from astropy.table import Table
    from astropy.units import Quantity

__all__ = ["Catalog", "ParameterUsed", "Spectrum", "open"]

SHOWN = ("star_id", "ra", "dec", "mk", "mk_err", "dis", "ebv", "teff", "binary_flag", "em_flag")


class Catalog:
    """A catalog that is open, read-only; close it, or use it in a ``with`` statement.

    ``name`` is that of the survey, ``simulated`` whether its stars do not exist, ``path`` the
    database. A catalog shows itself, in a notebook with its first rows.

    Examples
    --------
    >>> import obcat
    >>> with obcat.open("build/simulated") as cat:
    ...     cat
    Catalog 'simulated' (SIMULATED): 22,901 spectra of 16,032 stars
    """

    def __init__(self, path: str | Path, *, trust: bool = False) -> None:
        """Open ``obcat.duckdb``, or the one in a folder; see `obcat.open`."""
        given = Path(path)
        self.path = given / "obcat.duckdb" if given.is_dir() else given
        if not trust:
            check_trust(self.path)
        self._stack = ExitStack()
        self._con = self._stack.enter_context(opened(self.path))
        lock_down(self._con)
        self.name, self.simulated = survey_of(self._con, self.path)

    def __enter__(self) -> "Catalog":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __repr__(self) -> str:
        name = f"Catalog {self.name!r}" + (" (SIMULATED)" if self.simulated else "")
        counted = f"SELECT count(*), count(DISTINCT star_id) FROM {CATALOG}"
        try:
            spectra, stars = self._con.execute(counted).fetchall()[0]
        except duckdb.ConnectionException:
            return f"{name}, closed"
        except duckdb.Error:
            return f"{name}: no table {CATALOG} in {self.path.name}"
        return f"{name}: {spectra:,} spectra of {stars:,} stars"

    def _repr_html_(self) -> str:
        """What a notebook shows: the line of ``repr``, and the first five rows."""
        said = f"<p>{escape(repr(self))}</p>"
        try:
            rows = self.sql(f"SELECT {', '.join(SHOWN)} FROM {CATALOG} ORDER BY specid LIMIT 5")
        except QueryRefused:
            return said
        return said + astropy_of(self._con, rows)._repr_html_()

    def close(self) -> None:
        """Let go of the database; what was taken from it stays.

        Examples
        --------
        >>> import obcat
        >>> cat = obcat.open("build/simulated")
        >>> cat.close()
        >>> cat
        Catalog 'simulated' (SIMULATED), closed
        """
        self._stack.close()

    def sql(
        self,
        query: str,
        *,
        time_limit: float = TIME_LIMIT,
        isolated: bool = False,
        memory: int = MEMORY,
    ) -> "pa.Table":
        """The answer to one SELECT as an Arrow table; the query reaches neither files nor network.

        Tables and columns are those of the schema (``SHOW ALL TABLES``). Raises QueryRefused where
        it is no SELECT, cannot be run, or takes longer than ``time_limit`` seconds.

        ``isolated`` runs it in a process of its own, as ``obcat sql`` does: it ends at
        ``time_limit`` (seconds) and at ``memory`` (bytes) whatever the query does, and no breakdown
        of it reaches this process.

        Examples
        --------
        >>> import obcat
        >>> cat = obcat.open("build/simulated")
        >>> cat.sql("FROM catalog.ob_stars WHERE uniqflag = 1").num_rows
        16032
        """
        if note := old_names(query):
            warnings.warn(note, FutureWarning, stacklevel=2)
        if isolated:
            return answer_apart(self.path, query, Bounds(time_limit, memory, None))
        return answered(self._con, self.path, query, time_limit=time_limit, max_rows=None).table

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes this catalog was made in: "paper", and "best" where that was not left out.

        Examples
        --------
        >>> import obcat
        >>> cat = obcat.open("build/simulated")
        >>> cat.modes
        ('paper', 'best')
        """
        with one_line_errors(self.path, TIME_LIMIT):
            return tuple(CATALOGS) if has_best(self._con) else ("paper",)

    def table(self, name: str = "", *, mode: str = "paper") -> "Table":
        """The catalog of a mode, or a declared table, as an astropy Table in the order of its key.

        ``mode`` is "paper" or "best"; a table that is named has none. Columns have units,
        descriptions and UCDs (``column.meta["ucd"]``); what is unknown is masked. Raises KeyError,
        with the nearest name, where no such table is declared, QueryRefused where this database has
        it not, obcat.Missing where it has no best mode, or there is no such mode.

        Examples
        --------
        >>> import obcat
        >>> cat = obcat.open("build/simulated")
        >>> table = cat.table()
        >>> table["dis"].unit
        Unit("kpc")
        >>> best = cat.table(mode="best")
        >>> len(best) == len(table)
        True
        """
        name = name or self._catalog(mode)
        order = (
            ", ".join(map(quoted, read_tables()[name].key.split())) if name in read_tables() else ""
        )
        return self._select(name, rest=f"ORDER BY {order}" if order else "")

    send = send_catalog

    def star(self, name: str | int, *, mode: str = "paper", resolve: bool = False) -> "Table":
        """All visits of one star, the best in S/N first, as an astropy Table with the columns of
        the catalog.

        ``name`` is a specid, a star_id, a Gaia identifier (with or without "Gaia DR2"), a name in
        the list of targets, a LAMOST designation, or a position: "RA DEC" in degrees or
        sexagesimal, for the nearest star within 10 arcsec. Where a name belongs to several stars,
        the rows are those of all. A release knows no targets and no designations. ``mode`` is
        "paper" or "best". With ``resolve`` a name that none has is asked for at the CDS, over
        the network.

        Raises StarNotFound, a KeyError, with the nearest match; as `table` for the mode.

        Examples
        --------
        >>> import obcat
        >>> cat = obcat.open("build/simulated")
        >>> visits = cat.star(cat.table()["star_id"][0])
        >>> int(visits["uniqflag"][0])
        1
        >>> cat.star("nobody")
        Traceback (most recent call last):
        obcat.explain.StarNotFound: no star 'nobody'
        """
        from obcat.explain import star_ids

        with one_line_errors(self.path, TIME_LIMIT):
            found = star_ids(self._con, str(name), resolve=resolve)
        return self._select(
            self._catalog(mode),
            rest="WHERE list_contains($stars, star_id) ORDER BY star_id, uniqflag",
            parameters={"stars": found},
        )

    def cone(
        self,
        ra: "float | Quantity | SkyCoord",
        dec: "float | Quantity",
        radius: "float | Quantity | None" = None,
        *,
        mode: str = "paper",
    ) -> "Table":
        """Every spectrum within ``radius`` of a position, the nearest first, as an astropy Table.

        ``cone(ra, dec, radius)`` takes degrees, or Quantities; ``cone(place, radius)`` takes a
        SkyCoord of any frame. The columns are those of the catalog of the ``mode``, "paper" or
        "best", and ``separation`` in arcsec.
        Raises ValueError where the position is none, or the radius not from 0 to 180 degrees.

        Examples
        --------
        >>> import obcat
        >>> from astropy import units as u
        >>> from astropy.coordinates import SkyCoord
        >>> cat = obcat.open("build/simulated")
        >>> row = cat.table()[0]
        >>> near = cat.cone(row["ra"], row["dec"], 10 / 3600)
        >>> near["separation"].unit
        Unit("arcsec")
        >>> place = SkyCoord(row["ra"], row["dec"], unit="deg")
        >>> len(cat.cone(place, 10 * u.arcsec)) == len(near)
        True
        """
        from obcat.catalog.contents import cone_in_degrees

        centre = dict(zip(("ra", "dec", "radius"), cone_in_degrees(ra, dec, radius), strict=True))
        found = self._select(
            self._catalog(mode),
            extra=", meta.separation_arcsec(ra, dec, $ra, $dec) AS separation",
            rest="WHERE separation <= 3600 * $radius ORDER BY separation, specid",
            parameters=centre,
        )
        found["separation"].unit = "arcsec"
        found["separation"].description = "Angle from the centre of the cone"
        return found

    def spectrum(self, specid: str, *, frame: str = "observed") -> Spectrum:
        """One spectrum on the common grid, (3909,) each: wavelength, flux, ivar; see `Spectrum`.

        ``frame`` is observed, rest, or normalised: at rest, over its pseudo-continuum. Raises
        KeyError where there is no such spectrum, ValueError where there is no such frame,
        obcat.Missing in a release, which has no spectra.

        Examples
        --------
        >>> import obcat
        >>> cat = obcat.open("build/simulated")
        >>> spectrum = cat.spectrum(cat.table()["specid"][0], frame="rest")
        >>> spectrum.wavelength[[0, -1]].round()
        array([3700., 9099.])
        """
        if frame not in FRAMES:
            raise ValueError(f"no frame {frame!r}; frames are {', '.join(FRAMES)}")
        self._require("raw.spectra", "spectrum")
        specid = str(specid)  # numpy's, in a table
        with one_line_errors(self.path, TIME_LIMIT):
            found = flux_and_ivar(self._con, specid, frame)
        if not found:
            raise KeyError(f"no spectrum {specid!r} in {self.path.name}")
        return Spectrum(WAVELENGTH, *found, specid, frame, self.simulated)

    def explain(self, star: str | int) -> str:
        """Why these numbers? All that made the row of a star, and what best mode changed, as text.

        ``star`` is as for `star`. Raises StarNotFound, a KeyError, where there is none, and
        obcat.Missing in a release, which has the catalog alone.

        Examples
        --------
        >>> import obcat
        >>> cat = obcat.open("build/simulated")
        >>> text = cat.explain(cat.table()["star_id"][0])
        >>> "E(B-V) colour by colour" in text
        True
        """
        from obcat.explain import star_summary

        self._require("sample.visits", "explanation")
        survey = reading_of(self._con, self.name, self.simulated, self.path)
        with one_line_errors(self.path, TIME_LIMIT):
            return star_summary(survey, str(star))

    def posterior(self, star: str | int, draws: int = 100) -> "Table":
        """Draws from best mode's posterior of a star, as for `star`: M, E(B-V), distance,
        companion. The same each time; no rows where a star has none. Raises StarNotFound, Missing.

        Examples
        --------
        >>> import obcat
        >>> cat = obcat.open("build/simulated")
        >>> len(cat.posterior(cat.table()["star_id"][0]))
        100
        """
        from obcat.samples import star_samples

        with one_line_errors(self.path, TIME_LIMIT):
            return star_samples(self._con, str(star), draws)

    @property
    def parameters(self) -> Mapping[str, ParameterUsed]:
        """The numbers of the method that this catalog was made with: name -> value, unit, status,
        meaning.

        ``status`` says "paper, section 6", "assumed", or what stood in the place of what.

        Examples
        --------
        >>> import obcat
        >>> cat = obcat.open("build/simulated")
        >>> cat.parameters["binary_nsigma"].value
        2.0
        >>> cat.parameters["binary_nsigma"].status
        'paper, section 6'
        """
        with one_line_errors(self.path, TIME_LIMIT):
            values, noted = method_parameters(self._con), parameters_as_run(self._con)
        return {
            name: ParameterUsed(values[name], read_parameters()[name].unit, status, meaning)
            for name, note in noted.items()
            for status, _, meaning in [note.partition(": ")]
        }

    def check(self) -> list[str]:
        """The names of the checks of sql/95_check that fail, none where the catalog is sound.

        Raises obcat.Missing in a release, which has the catalog alone.

        Examples
        --------
        >>> import obcat
        >>> cat = obcat.open("build/simulated")
        >>> cat.check()
        []
        """
        from obcat.build.run import check

        self._require("sample.visits", "check")
        with one_line_errors(self.path, TIME_LIMIT):
            return check(self._con, lambda _: None)

    def _catalog(self, mode: str) -> str:
        with one_line_errors(self.path, TIME_LIMIT):
            return table_of(self._con, mode, self.path)

    def _require(self, table: str, what: str) -> None:
        with one_line_errors(self.path, TIME_LIMIT):
            require_table(self._con, self.path, table, what)

    def _select(self, name: str = CATALOG, **further: Any) -> "Table":
        with one_line_errors(self.path, TIME_LIMIT):
            return declared_rows(self._con, name, **further)


def open(path: str | Path, *, trust: bool = False) -> Catalog:
    """The catalog in ``obcat.duckdb``, or in the folder of a build or a release, read-only.

    Parameters
    ----------
    path : database, or a folder that holds obcat.duckdb
    trust : open it though it is neither of a build nor of a release that is whole

    Raises
    ------
    obcat.QueryRefused
        where there is no database, or none that can be read
    obcat.NotTrusted
        where the database is a stranger's, unless ``trust``

    Examples
    --------
    >>> import obcat
    >>> cat = obcat.open("build/simulated")
    >>> cat
    Catalog 'simulated' (SIMULATED): 22,901 spectra of 16,032 stars
    >>> table = cat.table()
    >>> cat.close()
    """
    return Catalog(path, trust=trust)
