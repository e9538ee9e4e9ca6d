"""Simulate: a survey of hot stars from the reference tables, in files and tables as LAMOST and the archives give them.

Every number comes from the stated physics and instrument; nothing is adjusted to what a build makes of it.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from obcat.simulate.place import SURVEY, TRUTH, publishing_simulation
from obcat.simulate.recipe import CHUNK, Recipe, UnknownIngredient, recipe_of
from obcat.workers import ordered

__all__ = [
    "LARGEST",
    "Recipe",
    "UnknownIngredient",
    "is_current",
    "ordered",
    "recipe_of",
    "simulate",
]

if TYPE_CHECKING:
    from obcat.simulate.exposures import Block


Progress = Callable[[int, int], None]
LARGEST = 1_000_000  # stars


def is_current(folder: Path, truth: Path, n_stars: int, recipe: Recipe) -> bool:
    """Whether folder and truth hold this very simulation, made by this very code."""
    from obcat.simulate.truth import STAMP, stamp

    try:
        return (truth / STAMP).read_text(encoding="utf-8") == stamp(folder, n_stars, recipe)
    except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
        return False


def simulate(
    folder: Path,
    truth: Path,
    *,
    n_stars: int,
    recipe: Recipe,
    workers: int = 2,
    chunk: int = CHUNK,
    progress: Progress | None = None,
) -> None:
    """Writes the survey into folder and what was put in into truth, replacing both; the same bytes for any workers.

    The two are named survey and truth and stand side by side, in ``simulation``, which one rename puts in place.
    Memory depends on chunk, the number of stars drawn at a time, not on n_stars; another chunk is another survey.
    progress(done, total) is called after each block of spectra. ValueError if truth lies inside folder or not beside
    it, n_stars is not 1 to LARGEST, or chunk not 1 to CHUNK; NotOurs if anything there was not made by this function.
    """
    from obcat.simulate.truth import STAMP, stamp

    folder, truth = Path(folder), Path(truth)
    if not 1 <= n_stars <= LARGEST or not 1 <= chunk <= CHUNK:
        raise ValueError(
            f"n_stars is {n_stars}, chunk {chunk}; they must be 1 to {LARGEST} and 1 to {CHUNK}"
        )
    if truth.absolute().is_relative_to(folder.absolute()):
        raise ValueError(f"{truth} lies inside {folder}: a build could read the truth")
    if (folder, truth) != (truth.parent / SURVEY, truth.parent / TRUTH):
        raise ValueError(f"{folder} and {truth}: name them {SURVEY} and {TRUTH}, in one folder")
    with publishing_simulation(folder.parent) as (partial, partial_truth):
        _write(partial, partial_truth, n_stars, recipe, workers, chunk, progress)
        (partial_truth / STAMP).write_text(stamp(partial, n_stars, recipe), encoding="utf-8")


def _write(
    folder: Path,
    truth: Path,
    n_stars: int,
    recipe: Recipe,
    workers: int,
    chunk: int,
    progress: Progress | None,
) -> None:
    from obcat.simulate.exposures import expose
    from obcat.simulate.visits import n_spectra

    done = 0
    for n in ordered(expose, _blocks(folder, truth, n_stars, recipe, chunk), workers):
        done += n
        if progress:
            progress(done, n_spectra(n_stars))


def _blocks(
    folder: Path, truth: Path, n_stars: int, recipe: Recipe, chunk: int
) -> "Iterator[Block]":
    """The spectra to be written; each chunk is appended to all tables when it is drawn."""
    from obcat.simulate.archives import draw_catalogs, open_catalogs
    from obcat.simulate.chunks import all_cards, blocks, chunks
    from obcat.simulate.truth import open_truth, truth_columns

    with open_catalogs(folder) as catalogs, open_truth(truth) as true:
        tables = catalogs | true
        for drawn in chunks(n_stars, chunk, recipe):
            columns, measured = draw_catalogs(drawn.sky, drawn.visits, recipe, drawn.number)
            for name, part in (columns | truth_columns(drawn, measured)).items():
                tables[name](part)
            cards = all_cards(drawn, measured["xstps"], measured["twomass"], recipe)
            yield from blocks(folder / "spectra", drawn, cards, recipe)
