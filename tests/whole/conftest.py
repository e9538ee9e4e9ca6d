"""One simulated survey of 180 stars, made and built once."""

from pathlib import Path

import pytest

from obcat.simulate import Recipe, simulate
from tests.whole.small import N_STARS, Made, make, tables_of, write_survey


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the simulated files; their truth stands beside it."""
    folder = tmp_path_factory.mktemp("simulated")
    simulate(folder / "survey", folder / "truth", n_stars=N_STARS, recipe=Recipe(1), workers=2)
    return folder / "survey"


@pytest.fixture(scope="session")
def first(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The first build of the survey; nobody writes to it."""
    root = tmp_path_factory.mktemp("first")
    return make(write_survey(root / "survey.toml", files / "spectra", tables_of(files)), root)
