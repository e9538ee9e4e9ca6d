"""Simulated spectra beside the statistics of real ones:
alike within stated limits, and not if a fault is planted.
"""

import warnings
from pathlib import Path

import numpy as np
import pytest

from obcat.realism import (
    Measured,
    RealismError,
    Row,
    Sample,
    read_rows,
    read_sample,
    summary,
    write_rows,
)
from obcat.realism.comparison import compare_spectra, is_far, measure_sample, table
from obcat.realism.residuals import masks
from obcat.simulate import detector as noise
from obcat.simulate import simulate
from obcat.simulate.ingredients import Recipe

LIMITS = {  # (measure, beginning of where): how far simulated over real may be from 1, either way
    ("scatter / stated error", "S/N 40-80, 4"): 1.15,
    ("scatter / stated error", "S/N 40-80, 6"): 1.15,
    ("scatter / stated error", "S/N 40-80, 7"): 1.15,
    ("autocorrelation", "blue arm, lag 1"): 1.6,
    ("autocorrelation", "red arm, lag 1"): 1.6,
    ("files with a mask bit", "share"): 1.3,
    ("pixels a file, if any", "ORMASK not 0"): 2.0,
    ("pixels a file, if any", "ivar 0"): 2.0,
    ("stated variance / flux", "S/N 80-150, 4"): 1.25,
    ("stated variance / flux", "S/N 80-150, 7"): 1.25,
    ("continuum, ratio of two visits (ln), rms", ""): 1.6,
    ("step between the arms (ln)", "all"): 1.5,
    ("response of all, depth left", ""): 1.4,
}
N_STARS = 180


def made(folder: Path, n_stars: int) -> Sample:
    simulate(folder / "survey", folder / "truth", n_stars=n_stars, recipe=Recipe(5), workers=1)
    return read_sample(folder / "survey", 2000)


def rows_of(sample: Sample) -> list[Row]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return summary(measure_sample(sample))


def off(rows: list[Row]) -> list[str]:
    """Lines beyond their limit."""
    found = {(r.name, r.where): r for r in rows}
    out = []
    for real in read_rows():
        limit = next(
            (x for (n, w), x in LIMITS.items() if n == real.name and real.where.startswith(w)), None
        )
        seen = found.get((real.name, real.where))
        if limit and seen and not 1 / limit <= seen.value / real.value <= limit:
            out.append(f"{real.name}, {real.where}: {seen.value:.3f}, real {real.value:.3f}")
    return out


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return made(tmp_path_factory.mktemp("realism"), N_STARS)


@pytest.fixture(scope="module")
def rows(sample: Sample) -> list[Row]:
    return rows_of(sample)


def test_simulated_spectra_are_like_real_ones(rows: list[Row]) -> None:
    assert off(rows) == []


def test_an_inverse_variance_inflated_by_a_half_would_be_seen(sample: Sample) -> None:
    assert any("scatter" in line for line in off(rows_of(sample._replace(ivar=1.5 * sample.ivar))))


def test_masks_left_out_would_be_seen(sample: Sample) -> None:
    bare = sample._replace(ormask=np.zeros_like(sample.ormask))
    assert any("files with a mask bit" in line for line in off(summary(masks(bare))))


def test_noise_without_correlation_would_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noise, "_SIDES", np.zeros_like(noise._SIDES))
    monkeypatch.setattr(noise, "_MIDDLES", np.ones_like(noise._MIDDLES))
    assert any("autocorrelation" in line for line in off(rows_of(made(tmp_path, N_STARS))))


def test_a_row_compares_what_it_says() -> None:
    values = np.array([1.0, 2.0, 3.0, 10.0, np.nan])
    median, mean, spread = summary(
        [Measured("a", "b", 0.0, values, kind) for kind in ("median", "mean", "spread")]
    )
    assert (median.value, mean.value, median.n) == (2.5, 4.0, 4)
    assert spread.value == pytest.approx(
        (np.percentile(values[:4], 84) - np.percentile(values[:4], 16)) / 2
    )


def test_rows_come_back_from_their_file(rows: list[Row], tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.csv", rows)
    back = read_rows(tmp_path / "rows.csv")
    assert [r[:2] for r in back] == [r[:2] for r in rows]
    np.testing.assert_allclose([r.value for r in back], [r.value for r in rows], rtol=1e-5)


def test_the_table_marks_what_is_far_off() -> None:
    real, alike, other = (Row("sky", "x", 1.0, "median", 9, v, v, v, v) for v in (1.0, 1.4, 2.0))
    assert not is_far(real, alike)
    assert is_far(real, other)
    assert table([real], [other]).endswith("2.00 *")


def test_the_page_and_the_figure_are_written_and_say_simulated(
    rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("obcat.realism.comparison.statistics", lambda *_: (rows, True))
    text = compare_spectra(tmp_path, None, None, tmp_path / "docs")
    page = (tmp_path / "docs" / "realism.md").read_text(encoding="utf-8")
    assert "against simulated ones" in text
    assert "simulated" in text.splitlines()[2]
    assert "**simulated**" in page
    assert text.split("\n\n", 1)[1].strip() in page
    assert (tmp_path / "docs" / "realism.png").read_bytes().startswith(b"\x89PNG")
    compare_spectra(tmp_path, None, None, tmp_path / "docs")
    assert sorted(p.name for p in (tmp_path / "docs").iterdir()) == [
        "SHA256SUMS", "realism.md", "realism.png",
    ]  # fmt: skip


def test_page_and_picture_appear_together_or_not_at_all(
    rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("obcat.realism.comparison.statistics", lambda *_: (rows, True))
    folder = tmp_path / "docs"
    compare_spectra(tmp_path, None, None, folder)
    before = {p.name: p.read_bytes() for p in folder.iterdir()}

    def fail(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr("obcat.realism.comparison.statistics", lambda *_: (rows, False))
    monkeypatch.setattr("obcat.realism.comparison.draw_curves", fail)
    with pytest.raises(RealismError, match="no room"):
        compare_spectra(tmp_path, None, None, folder)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


@pytest.mark.parametrize("name", ["realism.md", "realism.png", "other.md"])
def test_a_page_of_others_stays(
    name: str, rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("obcat.realism.comparison.statistics", lambda *_: (rows, True))
    (tmp_path / name).write_text("mine", encoding="ascii")
    with pytest.raises(RealismError, match=r"not made by obcat.* give another folder"):
        compare_spectra(tmp_path, None, None, tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {name: b"mine"}


def test_a_folder_without_spectra_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(RealismError, match="no spectrum of DR5 to DR10"):
        compare_spectra(tmp_path, None, None, None)
