"""The luminous stars that a simulated survey brings for training: how many, which, how well known."""

import csv
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from obcat.simulate import Recipe, simulate
from obcat.simulate.chunks import Chunk
from obcat.simulate.isochrones import COLUMNS
from obcat.simulate.light import spectrum_feh
from obcat.simulate.supplement import (
    EACH,
    LEAST,
    WHOLE,
    draw_supplement,
    n_supplement,
    training_table,
)

SEED = 7
MAGNITUDES = 6  # from -3 on; the last has no bright end
KS, TEFF, LOGG = (COLUMNS.index(name) for name in ("ks", "log_teff", "log_g"))


@cache
def drawn(seed: int = SEED, **seeds: int) -> Chunk:
    return draw_supplement(WHOLE, Recipe(seed, seeds=seeds))


def reached(chunk: Chunk) -> np.ndarray:
    """How many stars there are in each magnitude brighter than -3."""
    return np.histogram(-3 - chunk.sky.stars.primary[:, KS], [*range(MAGNITUDES), np.inf])[0]


def test_three_hundred_and_more_in_every_magnitude_that_the_spectra_reach() -> None:
    counts = reached(drawn())
    # drawn EACH a magnitude; light that no spectrum shows moves some over a border
    np.testing.assert_allclose(counts[:4], EACH, rtol=0.08)
    assert (counts[:4] > 300).all()
    assert EACH * 0.8 > 300


@pytest.mark.parametrize(("stars", "each"), [(1, LEAST), (WHOLE // 4, EACH // 4), (10**6, EACH)])
def test_a_small_survey_brings_few(stars: int, each: int) -> None:
    assert n_supplement(stars, Recipe(SEED)) == MAGNITUDES * each
    assert n_supplement(stars, Recipe(SEED, frozenset({"supplement"}))) == 0


def test_fainter_magnitudes_have_as_many_where_they_are_asked_for() -> None:
    recipe = Recipe(SEED, training_from=1)
    assert n_supplement(WHOLE // 4, recipe) == 10 * EACH // 4
    mk = draw_supplement(WHOLE // 4, recipe).sky.stars.primary[:, KS]
    counts = np.histogram(-mk, np.arange(-1, 7))[0]
    np.testing.assert_allclose(counts, EACH // 4, rtol=0.12)
    assert (10 ** draw_supplement(8, recipe).sky.stars.primary[:, TEFF] > 8000).all()


def test_temperatures_are_flat_where_there_are_stars() -> None:
    """The commonest twentieth of a dex of the first two magnitudes is not common."""
    primary = drawn().sky.stars.primary
    log_teff = primary[primary[:, KS] > -5, TEFF]
    counts = np.histogram(log_teff, np.arange(3.95, 4.56, 0.05))[0]
    assert counts.min() > 0.3 * counts.max()


def test_they_are_inside_the_spectra_and_luminous() -> None:
    stars = drawn().sky.stars
    primary = stars.primary
    assert (primary[:, KS] - drawn().sky.surface.light < -3).all()
    assert ((10 ** primary[:, TEFF] >= 8000) & (10 ** primary[:, TEFF] <= 40_000)).all()
    found = spectrum_feh(primary[:, TEFF], primary[:, LOGG], stars.feh)
    np.testing.assert_array_equal(found, stars.spectrum_feh)


def test_parallaxes_are_good_and_what_they_say_they_are() -> None:
    table, _ = training_table(drawn(), Recipe(SEED))
    error = np.asarray(table["parallax_error"])
    off = (np.asarray(table["parallax"]) - 1 / drawn().sky.stars.distance) / error
    assert (np.asarray(table["parallax"]) / error > 10).mean() > 0.99
    assert abs(off.mean()) < 4 / np.sqrt(len(off))
    assert abs(off.std() - 1) < 0.06
    assert not np.any(table["parallax_offset"])


def test_a_seed_of_its_own_gives_others() -> None:
    assert len(np.intersect1d(drawn().sky.ra, drawn(supplement=SEED + 1).sky.ra)) == 0


def files(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_without_it_the_rest_of_a_survey_is_the_same_and_its_truth_stays_apart(tmp_path) -> None:
    found = []
    for name, without in (("with", ()), ("without", ("supplement",))):
        place = tmp_path / name
        recipe = Recipe(SEED, frozenset(without))
        simulate(place / "survey", place / "truth", n_stars=20, recipe=recipe, workers=1)
        found.append(files(place / "simulation"))
    with_it, without_it = found
    added = {name for name in with_it if name not in without_it}
    assert {name.split("/")[1] for name in added} == {
        "training", "training_stars.parquet", "training_visits.parquet",
    }  # fmt: skip
    differ = {name for name in without_it if with_it[name] != without_it[name]}
    assert {n for n in differ if not n.endswith(("simulation.json", "SHA256SUMS"))} == {
        "survey/survey.toml"
    }
    survey = tmp_path / "with" / "survey"
    text = (survey / "training" / "stars.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    spectra = {p.name for p in (survey / "training" / "spectra").rglob("*.fits.gz")}
    truth = pq.read_table(tmp_path / "with" / "truth" / "training_stars.parquet")
    assert {f"{row['fitsname']}.gz" for row in rows} == spectra
    assert len(rows) == truth.num_rows == len(draw_supplement(20, Recipe(SEED)).sky.stars.feh)
    assert truth["name"].to_pylist() == [row["name"] for row in rows]
