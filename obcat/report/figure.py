"""`obcat figure`: the catalog in one picture of four panels."""

from pathlib import Path
from typing import Any

import duckdb
import matplotlib as mpl
import numpy as np
import pyarrow as pa
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from obcat import db
from obcat.report.panels import Columns, distance_errors, geometry, hr_diagram, sky_map

__all__ = ["FigureError", "draw"]

SIZE, DPI = (16, 10), 100  # inches, pixels an inch
PANELS = (geometry, hr_diagram, sky_map, distance_errors)
STYLE: Any = {
    "font.size": 12,
    "axes.titlesize": 13,
    "axes.labelsize": 13,
    "legend.fontsize": 11,
    "font.family": "DejaVu Sans",
}
STARS = """
SELECT
    c.snr_g, c.mk, c.mk_geo, c.teff, c.em_flag, c.binary_flag, c.dis, c.dis_low, c.dis_high, c.x, c.y
    , c.parallax_corrected AS parallax, c.parallax_error, g.is_train
    , has_bit(c.quality, 'distance_edge')::INTEGER AS distance_edge
FROM catalog.ob_stars AS c
LEFT JOIN luminosity.good_parallax AS g ON c.specid = g.specid
WHERE c.uniqflag = 1
ORDER BY c.specid
"""


class FigureError(ValueError):
    """The database has no catalog to draw; one line."""


def draw(database: Path, picture: Path) -> None:
    """Write ``picture``, a PNG of 1600 x 1000 pixels; the same catalog gives the same bytes.

    Raises FigureError if ``database`` is not one of obcat build or ``picture`` cannot be written.
    """
    name, simulated, stars = read(database)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        for axes, panel in zip(figure.subplots(2, 2).flat, PANELS, strict=True):
            panel(axes, stars)
        figure.suptitle(title(name, simulated, len(stars["mk"])), fontsize=17, fontweight="bold")
        save(figure, picture)


def title(name: str, simulated: bool, n: int) -> str:
    return f"{'SIMULATED' if simulated else 'Real'} survey “{name}”, n = {n:,} stars"


def save(figure: Figure, picture: Path) -> None:
    try:
        picture.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(picture, format="png", metadata={"Software": None})
    except OSError as error:
        raise FigureError(f"{picture}: {error.strerror or error}; choose a file that can be written") from error


def read(database: Path) -> tuple[str, bool, Columns]:
    """Name of the survey, whether it is simulated, and the columns of its stars, NaN for NULL."""
    try:
        with db.connect(database, read_only=True) as con:
            name, simulated = con.execute("SELECT name, simulated FROM meta.survey").fetchall()[0]
            table = con.sql(STARS).to_arrow_table()
    except (duckdb.Error, IndexError) as error:
        raise FigureError(f"{database}: is no database of obcat build, or it has no catalog") from error
    return name, simulated == 1, {column: numbers(table[column]) for column in table.column_names}


def numbers(column: pa.ChunkedArray) -> np.ndarray:
    return column.cast(pa.float64()).combine_chunks().fill_null(np.nan).to_numpy(zero_copy_only=False)
