"""One simulated survey of 180 stars, made and built once, by whichever worker of pytest needs it
first.
"""

from pathlib import Path

import pytest

from obcat.simulate import Recipe, simulate
from tests.whole.small import N_STARS, Made, make, once, tables_of, write_survey


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the simulated files; their truth stands beside it."""

    def fill(place: Path) -> None:
        recipe = Recipe(1)
        simulate(place / "survey", place / "truth", n_stars=N_STARS, recipe=recipe, workers=2)

    return once(tmp_path_factory.getbasetemp(), "simulated", fill) / "survey"


@pytest.fixture(scope="session")
def first(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The first build of the survey; nobody writes to it."""

    def fill(place: Path) -> None:
        toml = write_survey(place / "survey.toml", files / "spectra", tables_of(files))
        make(toml, place, threads=2)

    place = once(tmp_path_factory.getbasetemp(), "first", fill)
    return Made(place / "survey.toml", place / "small")
