"""The picture: its size, the same bytes again, what its title says;
a catalog of nothing or of NULLs can be drawn.
"""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from matplotlib.figure import Figure

from obcat import db
from obcat.reading import answer_arrays, open_database
from obcat.report import shown
from obcat.report.distances import (
    FigureError,
    distance_errors,
    draw_overview,
    running_median,
    title,
)

KNOWN = (
    "mk",
    "mk_geo",
    "teff",
    "dis",
    "dis_low",
    "dis_high",
    "x",
    "y",
    "parallax_corrected",
    "parallax_error",
)


def stars(n: int, unknown: int = 0) -> pa.Table:
    """n stars with values and some with NULL in every column that may have it."""
    rng, total = np.random.default_rng(1), n + unknown
    known = np.arange(total) < n
    columns = {
        name: pa.array(rng.uniform(1, 2, total) * (1e4 if name == "teff" else 1), mask=~known)
        for name in KNOWN
    }
    flags = {
        name: pa.array(np.arange(total) % 2, mask=~known) for name in ("em_flag", "binary_flag")
    }
    names = [f"{i:03d}" for i in range(total)]
    ids = {name: pa.array(names) for name in ("specid", "fitsname", "star_id")}
    numbers = {name: np.zeros(total, int) for name in ("quality", "simulated")}
    numbers |= {"uniqflag": np.ones(total, int), "ra": np.zeros(total), "dec": np.zeros(total)}
    return pa.table(
        columns
        | flags
        | ids
        | numbers
        | {"snr_g": np.full(total, 60.0), "parallax_offset": np.zeros(total)}
    )


def filled(path: Path, rows: pa.Table, simulated: int = 1) -> Path:
    with db.connect(path) as con:
        con.execute(
            "INSERT INTO meta.survey (name, simulated) VALUES ('small', $simulated)",
            {"simulated": simulated},
        )
        con.register("rows", rows)
        con.execute("INSERT INTO catalog.ob_stars BY NAME SELECT * FROM rows")
        con.execute(
            "INSERT INTO luminosity.good_parallax SELECT specid, specid, snr_g, em_flag, 0 "
            "FROM rows "
            "WHERE em_flag IS NOT NULL"
        )
    return path


@pytest.fixture(scope="module")
def small(template, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("catalog") / "obcat.duckdb"
    return filled(Path(shutil.copy(template, path)), stars(30, unknown=5))


def test_size_and_same_bytes(small, tmp_path):
    draw_overview(small, tmp_path / "new" / "a.png")
    draw_overview(small, tmp_path / "b.png")
    content = (tmp_path / "b.png").read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert tuple(np.frombuffer(content[16:24], ">u4")) == (1600, 1000)
    assert (tmp_path / "new" / "a.png").read_bytes() == content
    assert b"tIME" not in content
    assert b"Software" not in content


def test_stars_are_read_with_nan_for_null(small):
    with open_database(small) as survey:
        drawn = answer_arrays(survey.con, "report/overview")
    assert survey.heading == "SIMULATED survey 'small'"
    assert {len(values) for values in drawn.values()} == {35}
    assert np.isnan(drawn["mk"]).sum() == 5


@pytest.mark.parametrize(
    "rows", [stars(0), stars(0, unknown=3), stars(1)], ids=["nothing", "NULLs", "one"]
)
def test_little_or_nothing_to_draw(rows, database, tmp_path):
    path = filled(database, rows, simulated=0)
    draw_overview(path, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 10_000
    with open_database(path) as survey:
        assert not survey.simulated


def test_title_says_what_is_simulated():
    assert title("x", True, 16032) == "SIMULATED survey “x”, n = 16,032 stars"
    assert "SIMULATED" not in title("x", False, 1)


def test_no_catalog_is_one_line(small, tmp_path):
    with db.connect(tmp_path / "other.duckdb"):
        pass
    with pytest.raises(FigureError, match="no database of obcat"):
        draw_overview(tmp_path / "other.duckdb", tmp_path / "a.png")
    with pytest.raises(FigureError, match="is there and is no file; give another name"):
        draw_overview(small, tmp_path)


def test_axis_holds_nearly_all():
    low, high = shown(np.append(np.linspace(0, 1, 2001), [np.nan, 1e6]), (0, 0))
    assert -0.1 < low < 0.01
    assert 0.99 < high < 1.1
    assert shown(np.array([np.nan]), (1.0, 2.0)) == (1.0, 2.0)


def test_running_median_needs_ten_stars():
    x = np.array([1.0] * 10 + [5.0] * 9)
    assert running_median(x, np.append(np.arange(10.0), np.zeros(9))) == ([1.0], [4.5])


def test_errors_of_distances_are_drawn_as_they_are():
    """Half the interval over the distance, and the parallax's own: nothing from 300 % on, where it
    is not positive or where there is none; no binary.
    """
    data = {
        "dis": np.array([1.0, 2.0, 4.0, 8.0, 9.0]), "dis_low": np.array([0.9, 1.6, 3.0, 6.0, 8.0]),
        "dis_high": np.array([1.1, 2.4, 5.0, 12.0, 10.0]), "distance_edge": np.zeros(5),
        "binary_flag": np.array([0, 0, 0, 0, 1]),
        "parallax": np.array([1.0, 0.5, -0.1, np.nan, 0.1]),
        "parallax_error": np.array([0.05, 0.04, 0.05, np.nan, 0.05]),
    }  # fmt: skip
    axes = Figure().subplots()
    distance_errors(axes, data)
    drawn = {c.get_label(): np.ma.filled(c.get_offsets(), np.nan) for c in axes.collections}
    (alone,) = [xy for name, xy in drawn.items() if name.startswith("parallax alone")]
    (joint,) = [xy for name, xy in drawn.items() if name.startswith("spectrum and parallax")]
    known = alone[np.isfinite(alone[:, 1])]
    assert known == pytest.approx(np.array([[1, 0.05], [2, 0.08]]))
    assert joint == pytest.approx(np.array([[1, 0.1], [2, 0.2], [4, 0.25], [8, 0.375]]))
