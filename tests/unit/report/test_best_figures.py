"""The report's second part: what its figures draw, from a few stars, worked out by hand."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from obcat.evaluate import modes
from obcat.reading import Missing, Reading
from obcat.report import best_mode
from obcat.report.figures import BEST_FIGURES, FIGURES, figures_of
from obcat.schema import SQL

SURVEY = Reading(None, "hand", True, Path("hand.duckdb"), Path("truth"))


def stars(n: int) -> dict[str, np.ndarray]:
    """n stars, of which the first half has a companion's light and says 0.75 of it."""
    half = np.arange(n) < n // 2
    ones = dict.fromkeys(("uniqflag", "parallax", "best_dis", "ebv", "best_ebv"), np.ones(n))
    ones |= {"has_emission": np.zeros(n), "kind": np.full(n, "star")}
    return ones | {
        "p_companion": np.where(half, 0.75, 0.15), "true_mk": np.zeros(n),
        "true_mk_system": np.where(half, -0.5, 0.0), "is_binary": half.astype(float),
        "g_gaia": np.full(n, 12.2), "parallax_offset_true": np.full(n, -0.03),
    }  # fmt: skip


def test_companions_are_drawn_as_said_and_as_true(monkeypatch):
    monkeypatch.setattr(best_mode, "_compared", lambda _: stars(80))
    figure = Figure()
    best_mode.reliability(figure, SURVEY)
    (bars,) = figure.axes[0].containers
    assert np.asarray(bars.lines[0].get_xydata()) == pytest.approx(np.array([[0.15, 0], [0.75, 1]]))
    assert [bar.get_height() for bar in figure.axes[1].patches] == [40, 40]


def test_zero_points_are_means_of_half_a_magnitude(monkeypatch):
    data = {"g_gaia": np.full(40, 12.2), "published_offset": np.full(40, -0.06),
        "parallax_offset": np.full(40, -0.05), "best_offset": np.linspace(-0.05, -0.03, 40)}  # fmt: skip
    monkeypatch.setattr(best_mode, "answer_arrays", lambda *_: data)
    monkeypatch.setattr(best_mode, "_compared", lambda _: stars(40))
    figure = Figure()
    best_mode.zero_point(figure, SURVEY)
    found = {line.get_label(): line.get_xydata().tolist() for line in figure.axes[0].lines}
    wanted = {"published": -0.06, "paper": -0.05, "best": -0.04, "truth": -0.03}
    for label, offset in wanted.items():
        assert found[label] == [pytest.approx([12.25, offset])]


def test_coverage_is_that_of_the_tables(monkeypatch):
    row = ("all", 100, 0.5, 0.68, 0.95, 0.6, 0.9)
    monkeypatch.setattr(best_mode, "_compared", lambda _: {})
    monkeypatch.setattr(modes, "covered", lambda _: [row, ("few", 3, *[0.0] * 5)])
    figure = Figure()
    best_mode.coverage_by_bin(figure, SURVEY)
    left, right = figure.axes
    assert [line.get_xdata()[0] for line in left.lines[2:]] == pytest.approx([50, 68, 95])
    assert [line.get_xdata()[0] for line in right.lines[2:]] == pytest.approx([60, 90])
    assert [text.get_text() for text in left.get_yticklabels()] == ["all (100)"]


def test_a_real_survey_has_no_coverage():
    real = Reading(None, "hand", False, Path("hand.duckdb"), Path("truth"))
    with pytest.raises(Missing, match="known where the truth is"):
        best_mode.coverage_by_bin(Figure(), real)


def test_second_part_is_there_where_best_mode_is(con):
    assert figures_of(Reading(con, "hand", True, Path("a"), Path("b"))) == FIGURES
    assert [drawing.number for drawing in BEST_FIGURES] == list(range(17, 23))
    assert all((SQL / f"{query}.sql").is_file() for d in BEST_FIGURES for query in d.queries)
    con.sql((SQL / "report/both_modes.sql").read_text(encoding="utf-8")).fetchall()
