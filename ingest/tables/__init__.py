"""Tables of a survey to Parquet: exactly the declared columns, provenance in the file,
rejected rows beside it. Of a HATS catalog, of any size, what lies near a spectrum.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from obcat.ingest.errors import IngestError, brief
from obcat.ingest.source import DR2_EPOCH, TELLING, Source
from obcat.ingest.sources import SOURCES
from obcat.ingest.tables import store
from obcat.ingest.tables.names import Match, alike, recipe, resolve
from obcat.ingest.tables.read import (
    Hats,
    Tabular,
    chosen_rows,
    hats_catalog,
    names_and_units,
    read_table,
)
from obcat.ingest.tables.store import ROW
from obcat.schema import nearest

__all__ = ["Near", "ingest", "ingest_all", "ingest_near", "unit_vectors"]

TOO_MANY = 0.5  # share of rejected rows from which the columns are wrong, not the rows


def ingest_all(
    tables: Mapping[str, tuple[Path, Mapping[str, str]]], out: Path, later: Collection[str] = ()
) -> dict[str, dict[str, int]]:
    """Ingest every table a survey names, name -> (file, columns); a source it does not name becomes
    an empty table, but for those that come ``later``.

    Writes ``out/<name>.parquet`` for every source and ``out/rejected_rows.parquet``. Returns the
    counts by source.
    """
    for name in tables:
        _source(name)
    counts = {}
    for name in SOURCES:
        if name in tables:
            path, columns = tables[name]
            counts[name] = ingest(name, path, out, columns=columns)
        elif name not in later:
            store.write_empty(name, out)
    store.merge_rejected(list(SOURCES), out)
    return counts


def ingest(
    source_name: str, path: Path, out: Path, *, columns: Mapping[str, str]
) -> dict[str, int]:
    """Read one table and write ``out/<source_name>.parquet`` and
    ``out/rejected/<source_name>.parquet``.

    ``columns`` is the survey's mapping, ours -> "theirs" or "theirs [unit]". Unchanged input (size
    and modification time, or else sha256, and mapping) is not read again. Returns counts: rows_read
    = rows + rejected + merged + passed_over; text_changed; unchanged (1 if nothing was done).
    Raises IngestError, one line.
    """
    source = _source(source_name)
    known = store.counts_if_unchanged(source_name, path, columns, out)
    if known is not None:
        return {**known, "unchanged": 1}
    return _ingested(source, path, read_table(path), columns, out)


def _ingested(
    source: Source,
    path: Path,
    given: Tabular,
    columns: Mapping[str, str],
    out: Path,
    mark: str = "",
    **said: Any,
) -> dict[str, int]:
    """Declare, check and write a table that was read; ``said`` goes into its report."""
    # brings astropy's units, which unchanged input does not need
    from obcat.ingest.tables.columns import declared

    matches = resolve(source, given.table.column_names, columns, path.name)
    made = declared(given, source, matches, path.name)
    table, counts, rejected = _good_rows(made.table, given.table, source, path.name)
    counts |= {"text_changed": made.text_changed}
    mapping = {ours: match.theirs for ours, match in matches.items()}
    report = {
        "computed": made.computed,
        "missing": [
            c.column
            for c in source.columns
            if c.column not in mapping.keys() | made.computed.keys()
        ],
        "alike": alike(source, matches, given.table.column_names),
        "unknown": {c: n for c in mapping if (n := _unknown(table[c], source, c))[0]},
        "rejected": dict(sorted(Counter(rejected["reason"].to_pylist()).items())),
    }
    origin = store.Provenance(path, dict(columns), mapping, counts, report | said, mark)
    store.write(source.name, table, rejected, origin, out)
    return {**counts, "unchanged": 0}


def _source(name: str) -> Source:
    if name not in SOURCES:
        raise IngestError(f"tables.{name}: no such table{nearest(name, SOURCES)}")
    return SOURCES[name]


def _unknown(values: pa.ChunkedArray, source: Source, name: str) -> tuple[int, int]:
    """How many values are NULL or a number that says so; how many of them are such a number."""
    hidden, numbers = ~store.given(values), 0
    if pa.types.is_floating(values.type):
        column = next(c for c in source.columns if c.column == name)
        said = store.is_sentinel(values.to_numpy(), column)
        hidden, numbers = hidden | said, int(np.sum(said))
    return int(np.sum(hidden)), numbers


def _good_rows(
    table: pa.Table, given: pa.Table, source: Source, file: str
) -> tuple[pa.Table, dict[str, int], pa.Table]:
    """The table without the rows that are rejected, double or another table's; the counts;
    the rejected rows.
    """
    read = table.num_rows
    ours = _own_rows(table, source)
    why = store.reasons(ours, source)
    rejected = _rejected(ours, why, source)
    _check_share(rejected, ours.num_rows, file)
    good = ours.filter(pa.array(why == ""))
    if complaint := source.complaint(good, given):
        raise IngestError(f"{file}: {complaint}")
    kept = store.merged(good)
    for key in source.keys:
        store.agree(kept, key, file)
    counts = {
        "rows_read": read,
        "rows": kept.num_rows,
        "rejected": rejected.num_rows,
        "merged": good.num_rows - kept.num_rows,
        "passed_over": read - ours.num_rows,
    }
    return kept.drop_columns([ROW]), counts, rejected


def _own_rows(table: pa.Table, source: Source) -> pa.Table:
    if not source.optional_row:
        return table
    return table.filter(
        pa.array(np.any([store.given(table[c]) for c in source.optional_row], axis=0))
    )


def _rejected(table: pa.Table, why: np.ndarray, source: Source) -> pa.Table:
    bad = table.filter(pa.array(why != ""))
    shown = [c.column for c in source.columns if c.column in ("ra", "dec")] or [
        c.column for c in source.columns
    ]
    detail = [
        ", ".join(f"{c} {v}" for c, v in row.items()) for row in bad.select(shown).to_pylist()
    ]
    columns = [[source.name] * bad.num_rows, bad[ROW].to_pylist(), why[why != ""].tolist(), detail]
    return pa.table(columns, schema=store.REJECTED)


def _check_share(rejected: pa.Table, n: int, file: str) -> None:
    if n >= store.ENOUGH_VALUES and rejected.num_rows > TOO_MANY * n:
        first = rejected.slice(0, 1).to_pylist()[0]
        raise IngestError(
            f"{file}: {rejected.num_rows} of {n} rows are unusable (row {first['row']}: "
            f"{first['reason']}, "
            f"{first['detail']}); are the columns the right ones, ra and dec in degrees and "
            "not swapped?"
        )


FASTEST = 10.5  # arcsec/yr, Barnard's star: 10.4, Gaia DR3
EPOCHS = (1990.0, 2030.0)  # between which the positions of a catalog of moving sources are
SPARSE = 16  # of so many rows one is asked whether it is in its pixel
ROUND = 1.02  # times: the edges of a pixel are no great circles
ID_LEVEL, ID_BITS = 12, 35  # of HEALPix in a source_id, Gaia Collaboration 2018
ID_REACH = 120.0  # arcsec from the centre of that pixel of 52 arcsec within which the source is


class Near(NamedTuple):
    """Which rows of a HATS catalog are wanted: those within ``radius`` arcsec of a place, (n, 3)
    unit vectors, at ``epoch`` in years, and the sources ``ids``, (m,), wherever these are.
    """

    places: NDArray[np.float64]
    ids: NDArray[np.int64]
    epoch: float
    radius: float

    @property
    def said(self) -> dict[str, float]:
        """What a build asks for: no more than this."""
        return {"epoch": self.epoch, "radius": self.radius}


def unit_vectors(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3) of positions in degrees, NaN where there is none."""
    ra, dec = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)


def ingest_near(
    source_name: str, folder: Path, out: Path, near: Near, *, columns: Mapping[str, str]
) -> dict[str, int]:
    """As `ingest`, of the rows of the HATS catalog in ``folder`` that are ``near``: partitions are
    read that touch a place, by more than the fastest star moves. Rows come in the order of the
    catalog, whatever is chosen. Raises IngestError, one line.
    """
    source, catalog = _source(source_name), hats_catalog(folder)
    if not catalog.parts:
        raise IngestError(f"{folder}: a HATS catalog without partitions; fetch it again")
    parts = list(_touched(catalog, near, "pmra" in {c.column for c in source.columns}))
    mark = _mark(catalog, [part.path for part in parts], near)
    known = store.counts_if_unchanged(source_name, folder, columns, out, mark)
    if known is not None:
        return {**known, "unchanged": 1}
    given = _near_rows(source, folder.name, catalog, parts, near, columns)
    read = {"partitions": [len(parts), len(catalog.parts)], "near": near.said}
    return _ingested(source, folder, given, columns, out, mark, **read)


class _Part(NamedTuple):
    """A partition: its file, the centre of its pixel and how far the pixel reaches, a chord."""

    path: Path
    centre: NDArray[np.float64]
    reach: float


def _chord(arcsec: float) -> float:
    return float(2 * np.sin(np.radians(min(arcsec / 3600, 180)) / 2))


def _touched(catalog: Hats, near: Near, moving: bool) -> Iterator[_Part]:
    """The partitions that may hold a row that is wanted, along the curve."""
    from scipy.spatial import cKDTree

    years = max(abs(year - near.epoch) for year in EPOCHS) if moving else 0.0
    margin = _chord(near.radius + FASTEST * years + ID_REACH)
    wanted = np.concatenate([near.places, _pixels(ID_LEVEL, near.ids >> ID_BITS)[0]])
    if not len(wanted):
        return
    order, pixel = (np.array([part[i] for part in catalog.parts]) for i in (0, 1))
    centres, reach = np.zeros((len(order), 3)), np.zeros(len(order))
    for level in np.unique(order):
        centres[order == level], reach[order == level] = _pixels(level, pixel[order == level])
    touched = cKDTree(wanted).query(centres)[0] <= reach + margin
    for i in np.flatnonzero(touched):
        yield _Part(catalog.parts[i][2], centres[i], reach[i])


def _pixels(order: int, pixels: NDArray[np.int64]) -> tuple[NDArray[np.float64], ...]:
    """(n, 3) centres of HEALPix pixels in nested order, (n,) chords to their farthest corner."""
    from astropy_healpix import HEALPix

    grid = HEALPix(2**order, order="nested")
    inside = pixels[(pixels >= 0) & (pixels < grid.npix)]
    ra, dec = (angle.to_value("deg") for angle in grid.healpix_to_lonlat(inside))
    centres = unit_vectors(ra, dec)
    ra, dec = (angle.to_value("deg") for angle in grid.boundaries_lonlat(inside, 4))
    edges = unit_vectors(ra.ravel(), dec.ravel()).reshape(*ra.shape, 3)
    return centres, ROUND * np.linalg.norm(edges - centres[:, None], axis=2).max(axis=1, initial=0)


def _mark(catalog: Hats, files: list[Path], near: Near) -> str:
    """SHA-256 of all that decides which rows are read; files by their size and time."""
    found = [p for file in files for p in (sorted(file.iterdir()) if file.is_dir() else [file])]
    stats = [(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in found if p.is_file()]
    told = (sorted(catalog.properties.items()), stats, near.epoch, near.radius)
    content = repr(told).encode() + near.places.tobytes() + near.ids.tobytes()
    return hashlib.sha256(content).hexdigest()


class _Search(NamedTuple):
    """What rows are chosen by: the columns that say where a source is, and what it is near."""

    source: Source
    matches: dict[str, Match]
    file: str
    near: Near
    tree: Any

    def columns(self) -> list[str]:
        """Those of the file, as far as it has them."""
        moved = ("ra", "dec", "pmra", "pmdec", "ref_epoch", "source_id")
        return [self.matches[name].theirs for name in moved if name in self.matches]

    def rows(self, part: _Part, given: Tabular) -> NDArray[np.bool_]:
        """(n,) whether a row of a partition is wanted."""
        places = self._places(given)
        there = np.isfinite(places).all(axis=1)
        away = np.linalg.norm(places[there][::SPARSE] - part.centre, axis=1)
        if np.mean(away > part.reach + _chord(self.near.radius)) > TOO_MANY:
            raise IngestError(
                f"{self.file}: positions of {part.path.name} are not in its pixel of the sky; name "
                'those in ICRS, with their unit: columns = { ra = "theirs [deg]", … }'
            )
        found = np.zeros(len(places), bool)
        distance = self.tree.query(places[there], distance_upper_bound=_chord(self.near.radius))[0]
        found[there] = np.isfinite(distance)
        if self.near.ids.size and "source_id" in self.matches:
            ids = given.table[self.matches["source_id"].theirs].to_numpy()
            found |= np.isin(ids, self.near.ids)
        return found

    def _places(self, given: Tabular) -> NDArray[np.float64]:
        """(n, 3) at the epoch of the places, as sql/20_stage/80_sources.sql moves them."""
        from obcat.ingest.tables.columns import quantity

        ra, dec = (quantity(given, self.source, self.matches, n, self.file) for n in ("ra", "dec"))
        if "pmra" not in {c.column for c in self.source.columns}:
            return unit_vectors(ra, dec)
        east, north, epoch = (
            quantity(given, self.source, self.matches, name, self.file)
            for name in ("pmra", "pmdec", "ref_epoch")
        )
        years = np.where(np.isnan(epoch), DR2_EPOCH, epoch) - self.near.epoch
        across = np.maximum(np.cos(np.radians(dec)), 1e-6)
        moved = (np.nan_to_num(pm) * years / 3.6e6 for pm in (east, north))
        return unit_vectors(ra - next(moved) / across, dec - next(moved))


def _near_rows(
    source: Source,
    file: str,
    catalog: Hats,
    parts: list[_Part],
    near: Near,
    columns: Mapping[str, str],
) -> Tabular:
    """The rows that are wanted; columns that no one asks for are there by name, and NULL."""
    from scipy.spatial import cKDTree

    names, units = names_and_units(parts[0].path if parts else catalog.parts[0][2])
    matches = resolve(source, names, columns, file)
    if not {"ra", "dec"} <= matches.keys():
        raise IngestError(f'{file}: no ra and dec; name them: columns = {{ ra = "…", dec = "…" }}')
    read = _asked(source, matches, names, file)
    search = _Search(source, matches, file, near, cKDTree(near.places))
    kept = [chosen_rows(p.path, read, search.columns(), partial(search.rows, p)) for p in parts]
    rows = _joined(kept, file)
    absent = pa.nulls(rows.num_rows)
    return Tabular(
        pa.table({n: rows[n] if n in rows.column_names else absent for n in names}), units
    )


def _asked(source: Source, matches: Mapping[str, Match], names: list[str], file: str) -> list[str]:
    """The columns that ours are read or computed from, and those that tell the release."""
    found = [recipe(recipes, names, file) for recipes in source.recipes.values()]
    inputs = {name for one in found if one for name in one[1]}
    wanted = inputs | {match.theirs for match in matches.values()}
    return [name for name in names if name in wanted or name.lower() in TELLING]


def _joined(tables: list[pa.Table], file: str) -> pa.Table:
    try:
        return pa.concat_tables([*tables, *([] if tables else [pa.table({})])])
    except pa.ArrowInvalid as error:
        raise IngestError(
            f"{file}: its partitions differ in their columns ({brief(error)}); fetch it again"
        ) from error
