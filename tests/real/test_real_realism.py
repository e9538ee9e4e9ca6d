"""The shipped statistics of real spectra are those of the real spectra."""

import warnings
from pathlib import Path

import pytest

from obcat.realism import Row, read_rows, read_sample, summary
from obcat.realism.comparison import measure_sample

pytestmark = pytest.mark.real
SOME = 350  # of the files
MAIN = {  # relative difference that a third of the files may have from all
    "scatter / stated error": 0.08,
    "files with a mask bit": 0.10,
    "stated variance / flux": 0.35,
    "continuum, ratio of two visits (ln), rms": 1.0,
}


@pytest.fixture(scope="module")
def third(real: Path) -> dict[tuple[str, str], Row]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        rows = summary(measure_sample(read_sample(real / "spectra", SOME)))
    return {(r.name, r.where): r for r in rows}


def test_the_shipped_statistics_are_those_of_the_files(third: dict[tuple[str, str], Row]) -> None:
    wrong = []
    for row in read_rows():
        seen = third.get((row.name, row.where))
        if row.name in MAIN and seen and seen.n >= 30:
            error = abs(seen.value / row.value - 1)
            wrong += [f"{row.name}, {row.where}: {seen.value:.3f} {row.value:.3f}"] * (
                error > MAIN[row.name]
            )
    assert wrong == []


def test_neighbours_share_a_tenth_of_their_noise(third: dict[tuple[str, str], Row]) -> None:
    for row in read_rows():
        if row.name == "autocorrelation" and "lag" in row.where and "nights" not in row.where:
            assert third[row.name, row.where].value == pytest.approx(row.value, abs=0.03)
