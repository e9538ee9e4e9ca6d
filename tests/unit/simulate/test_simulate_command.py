"""The words of `obcat simulate`: what it lists, and the one line it stops with."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from obcat.cli import main
from obcat.simulate import Recipe, is_current, other_than, recipe_of
from obcat.simulate.ingredients import INGREDIENTS


def simulate(*words: str) -> Result:
    return CliRunner().invoke(main, ["simulate", *words], catch_exceptions=False)


def test_all_ingredients_are_listed_and_nothing_is_made(tmp_path: Path) -> None:
    result = simulate("--ingredients")
    assert result.exit_code == 0
    assert dict(line.split(maxsplit=1) for line in result.stdout.splitlines()) == INGREDIENTS


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--without", "nose"), "no ingredient 'nose'; did you mean noise?"),
        (
            ("--without", "noise", "--without", "cloud"),
            "no ingredient 'cloud'; did you mean clouds?",
        ),
        (("--without", "xyz"), "no ingredient 'xyz'; obcat simulate --ingredients lists them"),
        (("--seed-of", "dist=4"), "no ingredient 'dist'; did you mean dust?"),
        (("--seed-of", "dust"), "'dust' is no seed of an ingredient; write it as noise=7"),
        (("--seed-of", "dust=-1"), "'dust=-1' is no seed of an ingredient; write it as noise=7"),
    ],
)
def test_a_wrong_name_stops_with_one_line_before_anything_is_written(
    words: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    result = simulate(str(tmp_path / "sky"), *words)
    assert result.exit_code == 2
    assert result.stderr == f"Error: {message}\n"
    assert not list(tmp_path.iterdir())


def test_another_survey_is_kept_where_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "truth").mkdir()
    stamp = {"n_stars": 16032, "seed": 1, "without": ["dust"], "seeds": {"clouds": 7}}
    (tmp_path / "truth" / "simulation.json").write_text(json.dumps(stamp))
    result = simulate(str(tmp_path), "--stars", "2000", "--keep")
    assert result.exit_code == 2
    assert (
        "holds a SIMULATED survey of 16,032 stars, seed 1, without dust, clouds=7" in result.stderr
    )
    same = recipe_of(1, ["dust"], ["clouds=7"])
    assert other_than(tmp_path / "truth", 16032, same) is None
    assert other_than(tmp_path / "nowhere", 16032, same) is None
    fainter = same._replace(training_from=1)
    assert "16,032 stars" in (other_than(tmp_path / "truth", 16032, fainter) or "")
    (tmp_path / "truth" / "simulation.json").write_text(json.dumps(stamp | {"training_from": 1}))
    assert other_than(tmp_path / "truth", 16032, fainter) is None
    said = other_than(tmp_path / "truth", 16032, same) or ""
    assert said.endswith("clouds=7, training stars from M_Ks 1")


@pytest.mark.parametrize("size", ["0", "1000001", "many"])
def test_a_size_that_cannot_be_is_refused(size: str, tmp_path: Path) -> None:
    result = simulate(str(tmp_path / "sky"), "--size", size)
    assert result.exit_code == 2
    assert "'--size' / '--stars'" in result.stderr


def test_words_make_a_recipe() -> None:
    recipe = recipe_of(3, ["noise", "dust"], ["clouds=7", "wobble=0"])
    assert recipe == Recipe(3, frozenset({"dust", "noise"}), {"clouds": 7, "wobble": 0})
    assert not recipe.has("noise")
    assert recipe.has("clouds")
    assert recipe.rng("clouds", 1).random() == Recipe(7).rng("clouds", 1).random()
    assert recipe.rng("winds", 1).random() == Recipe(3).rng("winds", 1).random()


def test_a_survey_is_made_once(tmp_path: Path) -> None:
    words = (
        str(tmp_path),
        "--size",
        "2",
        "--workers",
        "1",
        "--without",
        "noise",
        "--seed-of",
        "dust=9",
    )
    first, second = simulate(*words), simulate(*words)
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "is there already" not in first.stderr
    assert "is there already" in second.stderr
    recipe = Recipe(1, frozenset({"noise"}), {"dust": 9})
    assert is_current(tmp_path / "survey", tmp_path / "truth", 2, recipe)


def test_an_ingredient_that_is_none_is_an_error_in_the_code_too() -> None:
    with pytest.raises(KeyError, match="nose"):
        Recipe(1).has("nose")
