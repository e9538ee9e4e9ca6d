"""What the page holds: facts of the catalog, points of its plots, spectra of some stars."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from obcat import db, models
from obcat.arrow import list_array
from obcat.db import SqlFile
from obcat.errors import ObcatError
from obcat.export import NOT_REAL, Published
from obcat.export.database import held
from obcat.kernels.grid import LOG_START, LOG_STEP, N_PIXEL
from obcat.kernels.pca import reconstruct
from obcat.reading import BEST, has_best, query_text
from obcat.schema import SQL, Column

__all__ = [
    "NoSuchStar",
    "Photometry",
    "Points",
    "Spectra",
    "binned",
    "coded",
    "expressions",
    "facts",
    "read_photometry",
    "read_points",
    "read_spectra",
    "recipes",
    "runs_in_page",
]


NO_AXIS = ("VARCHAR", "BIGINT")  # texts and identifiers are on no axis
FINDING = ("by_catalog", "by_position", "nearest_name")


def facts(catalog: Published, *others: Published) -> dict[str, Any]:
    """Everything as JSON holds it; texts as they are, nothing escaped. ``best`` are the columns
    of best mode, if it is there.
    """
    best = [_described(c) for other in others for c in other.columns if other.table == BEST]
    return {
        "survey": catalog.survey,
        "simulated": catalog.simulated,
        "warning": NOT_REAL if catalog.simulated else None,
        "rows": catalog.rows.num_rows,
        "columns": [_described(c) for c in catalog.columns],
        "best": best,
        "bits": [
            {"bit": bit, "name": name, "meaning": meaning} for bit, name, meaning in catalog.bits
        ],
        "recipes": recipes(held(catalog, *others)),
        "provenance": sorted(catalog.provenance.items()),
        "sun_x": catalog.parameters["sun_x"],
        "find": {name: query_text(f"star/{name}") for name in FINDING},
    }


def _described(column: Column) -> dict[str, Any]:
    form, _, digits = column.format.partition(".")
    return {
        "name": column.column,
        "unit": column.unit,
        "ucd": column.ucd,
        "axis": column.type not in NO_AXIS,
        "decimals": int(digits) if digits else None,
        "exponent": form.startswith("E"),
        "description": column.description,
    }


def recipes(tables: Sequence[str]) -> list[dict[str, str]]:
    """The cookbook, by title, without the recipes that need other tables than those of the page."""
    files = [SqlFile(path) for path in sorted((SQL / "queries").glob("*.sql"))]
    found = [
        {"name": file.path.stem, "title": ", ".join(file.header("Title")), "sql": _body(file.text)}
        for file in files
        if runs_in_page(file, tables)
    ]
    return sorted(found, key=lambda recipe: recipe["title"])


def runs_in_page(file: SqlFile, tables: Sequence[str]) -> bool:
    """Whether every table a recipe reads travels with the page,
    and it calls no function of Python.
    """
    return set(file.header("Reads")) <= set(tables) and not file.header("UDFs")


def _body(text: str) -> str:
    """A recipe under its title: the other lines of its head are for those who keep the cookbook."""
    lines = [
        line
        for line in text.splitlines()
        if not re.match(r"-- (Title|Reads|UDFs|Paper|Grain):", line)
    ]
    title = re.search(r"^-- Title: *(.*)$", text, re.MULTILINE)
    return (
        "\n".join([*([f"-- {title[1]}"] if title else []), *lines])
        .rstrip()
        .removesuffix(";")
        .rstrip()
        + "\n"
    )


NAMES = ("specid", "star_id")
MOST_STARS = 200_000  # more would take a browser seconds a drag
QUERIES = ("page/points", "page/points_best")
LINE = re.compile(r"^    , (?P<sql>.*?)(?: AS (?P<name>\w+))?$", re.MULTILINE)


@dataclass(frozen=True)
class Points:
    """Names of the stars, one list each; numbers (column, star) float32, NaN where not known;
    ``drawn`` tells of every star of the catalog, in the same order, whether it is among them.
    """

    names: dict[str, list[str]]
    numbers: np.ndarray
    drawn: np.ndarray

    def code(self) -> bytes:
        """All numbers of a column, then the next:
        first the lowest bytes, then the next ones, which packs better.
        """
        words = self.numbers.astype("<f4").reshape(-1, 1).view(np.uint8)
        return np.ascontiguousarray(words.T).tobytes()

    def listed(self) -> bytes:
        return json.dumps(self.names, separators=(",", ":")).encode("ascii")


def expressions(*, best: bool = False) -> list[dict[str, str]]:
    """Name and SQL of each number, in the order of the columns; those of best mode at the end."""
    lines = (line for query in QUERIES[: 1 + best] for line in LINE.finditer(query_text(query)))
    return [{"name": line["name"] or line["sql"], "sql": line["sql"]} for line in lines]


def read_points(database: Path) -> Points:
    """The points of a released database: it has the macros, whichever obcat built its source.

    Of more than ``MOST_STARS`` stars those whose names have the lowest md5.
    """
    with db.connect(database, read_only=True) as con:
        best = has_best(con)
        tables = [con.sql(query_text(q)).to_arrow_table() for q in QUERIES[: 1 + best]]
        drawn = con.execute(query_text("page/drawn"), {"most": MOST_STARS}).fetchnumpy()["drawn"]
    places = np.flatnonzero(drawn)
    found = {name: table[name].take(places) for table in tables for name in table.column_names}
    columns = [
        found[e["name"]].cast("float64").to_numpy().astype(np.float32)
        for e in expressions(best=best)
    ]
    return Points({name: found[name].to_pylist() for name in NAMES}, np.array(columns), drawn)


BINNED = (
    3  # pixels of the 3909 that make one; a resolution element of LAMOST is 2.4 of them (R = 1800)
)
STEP = 0.001  # of the continuum; the noise of a pixel at S/N 200 is five times that
MISSING = -32768
BATCH = 2048  # spectra
COARSE = 9  # pixels that make one of the spectra of all other stars: 620 km/s
COARSE_STEP = 0.01
MOST_COARSE = 50_000  # more would make the page too large: 350 bytes a star
NEEDED = {"spectra.normalised", "spectra.scores", "model.arrays"}
NO_SPECTRA = "the database it was made from has no spectra"
FIRST = "those of a list that was given, then "
RULE = (
    "best visits, the kinds of stars (with or without emission, binary or not, unknown) in "
    "turn, highest S/N first, "
    "until {number:,}"
)


BANDS = ("b", "g", "bp", "v", "r", "i", "rp", "j", "h", "ks")  # from blue to red


@dataclass(frozen=True)
class Photometry:
    """Magnitude and error of each band in turn (star, 2 x band) float32 (mag), the stars in the
    order of the points, NaN where not known; none where the database has only the catalog.
    """

    bands: tuple[str, ...]
    magnitudes: np.ndarray

    def head(self) -> dict[str, Any]:
        """What a reader of ``coded`` needs to know."""
        return {"bands": self.bands, "step": STEP, "missing": MISSING}


def read_photometry(con: duckdb.DuckDBPyConnection) -> Photometry:
    """The magnitudes that a build has of its stars; a release has none but those of its columns."""
    if "extinction.photometry" not in _tables_in(con):
        return Photometry((), np.empty((0, 0), np.float32))
    found = con.sql(query_text("page/photometry")).to_arrow_table()
    columns = [found[name + end] for name in BANDS for end in ("", "_err")]
    known = [c.cast("float64").to_numpy().astype(np.float32) for c in columns]
    return Photometry(BANDS, np.ascontiguousarray(np.array(known).T))


def _tables_in(con: duckdb.DuckDBPyConnection) -> set[str]:
    """schema.table of every table."""
    found = con.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables()").fetchall()
    return {name for (name,) in found}


@dataclass(frozen=True)
class Spectra:
    """Names in the order of the rows; layers (n, 1303) float32, NaN where not known;
    the rule that chose the stars; ``coarse`` (star, 434) of all stars, in the order of the points.
    """

    specids: tuple[str, ...]
    layers: tuple[np.ndarray, ...]
    rule: str
    coarse: np.ndarray | None = None

    def head(self) -> dict:
        """What a reader of ``coded`` needs to know."""
        coarse = {
            "pixels": N_PIXEL // COARSE,
            "binned": COARSE,
            "log_start": LOG_START + LOG_STEP * (COARSE - 1) / 2,
            "log_step": LOG_STEP * COARSE,
            "step": COARSE_STEP,
            "missing": MISSING,
        }
        return {
            "coarse": None if self.coarse is None else coarse,
            "specids": self.specids,
            "pixels": N_PIXEL // BINNED,
            "binned": BINNED,
            "log_start": LOG_START + LOG_STEP * (BINNED - 1) / 2,
            "log_step": LOG_STEP * BINNED,
            "step": STEP,
            "missing": MISSING,
            "layers": ["flux", "reconstruction"][: len(self.layers)],
            "rule": self.rule,
        }

    def code(self) -> bytes:
        return b"".join(map(coded, self.layers))

    def coarse_code(self) -> bytes:
        return b"" if self.coarse is None else coded(self.coarse, COARSE_STEP)


class NoSuchStar(ObcatError, ValueError):
    """A list of stars has a name that the catalog has not; one line."""


def read_spectra(con: duckdb.DuckDBPyConnection, number: int, named: Sequence[str] = ()) -> Spectra:
    """Flux over continuum and its reconstruction of at most ``number`` stars, first of those in
    ``named``.

    ``named`` are star_id or specid. None come where the database has no spectra. Raises NoSuchStar
    for another name.
    """
    for (name,) in con.execute(query_text("page/not_there"), {"named": list(named)}).fetchall():
        raise NoSuchStar(f"{name!r} is neither star_id nor specid of a star of this catalog")
    if not number:
        return Spectra((), (), "none was asked for")
    if not _tables_in(con) >= NEEDED:
        return Spectra((), (), NO_SPECTRA)
    specids = [
        row[0]
        for row in con.execute(
            query_text("page/chosen"), {"number": number, "named": list(named)}
        ).fetchall()
    ]
    if not specids:
        return Spectra((), (), NO_SPECTRA)
    table = con.sql(query_text("page/spectra"), params={"specids": specids}).to_arrow_table()
    place = {specid: i for i, specid in enumerate(table["specid"].to_pylist())}
    rows = np.array([place[specid] for specid in specids], dtype=np.int64)
    flux, ivar, scores = (list_array(table[name])[rows] for name in ("flux", "ivar", "score_clean"))
    layers = (binned(flux, ivar > 0), binned(_model(con, scores), flux != 0))
    rule = FIRST * bool(named) + RULE.format(number=number)
    return Spectra(tuple(specids), layers, rule, _coarse(con))


def _coarse(con: duckdb.DuckDBPyConnection) -> np.ndarray | None:
    """Flux over continuum of every star's best visit, (star, 434) means of ``COARSE`` pixels; NaN
    where there is no spectrum. None of more than ``MOST_COARSE`` stars. A batch is in memory at a
    time.
    """
    stars = con.execute(query_text("page/stars")).fetchall()
    if len(stars) > MOST_COARSE:
        return None
    place = {specid: i for i, (specid,) in enumerate(stars)}
    found = np.full((len(stars), N_PIXEL // COARSE), np.nan, np.float32)
    for batch in con.sql(query_text("page/coarse")).to_arrow_reader(BATCH):
        at = [place[specid] for specid in batch["specid"].to_pylist()]
        flux, ivar = (list_array(batch[name]) for name in ("flux", "ivar"))
        found[at] = binned(flux, ivar > 0, COARSE)
    return found


def _model(con: duckdb.DuckDBPyConnection, scores: np.ndarray) -> np.ndarray:
    """What the eigenspectra make of the spectra, without emission: (n, 3909)."""
    pca = models.arrays(con, "pca", "mean", "scale", "full_from_clean")
    if not pca:
        return np.full((len(scores), N_PIXEL), np.nan, np.float32)
    return reconstruct(scores, **pca)


def binned(values: np.ndarray, use: np.ndarray, by: int = BINNED) -> np.ndarray:
    """Means of ``by`` neighbours among the pixels in use: (n, m) -> (n, m // by);
    NaN where none is. Pixels left over at the red end are not used.
    """
    whole = values.shape[1] // by * by
    good = (use & np.isfinite(values))[:, :whole].reshape(len(values), -1, by)
    total = np.where(good, values[:, :whole].reshape(good.shape), 0).sum(axis=2, dtype=np.float64)
    count = good.sum(axis=2)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0).astype(
        np.float32
    )


def coded(layer: np.ndarray, step: float = STEP) -> bytes:
    """(n, m) in steps of ``step`` as 16-bit differences along each row;
    first all low bytes, then all high bytes.
    """
    limit = -MISSING - 1
    steps = np.clip(np.rint(layer / step), -limit, limit)
    whole = np.where(np.isnan(steps), MISSING, steps).astype(np.int16)
    differences = np.diff(whole, axis=1, prepend=np.int16(0)).astype("<i2")
    return b"".join(
        np.ascontiguousarray(differences.view(np.uint8)[:, byte::2]).tobytes() for byte in (0, 1)
    )
