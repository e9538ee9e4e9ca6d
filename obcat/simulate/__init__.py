"""Where a simulated survey and its truth stand: in one folder, ``simulation``, so that one rename
switches both.

The names that users know, ``survey`` and ``truth``, are links into it. The checksums that show that
all of it is ours stand beside the two, so that nothing in the survey is of the truth, its seed or
the way it was made.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from obcat.checksums import SUMS, read_sums
from obcat.files import NotOurs, check_listed, publishing_folder, put_link
from obcat.machine import ordered
from obcat.simulate.ingredients import (
    CHUNK,
    TRAINING_FROM,
    Recipe,
    UnknownIngredient,
    recipe_of,
)

__all__ = [
    "KIND",
    "LARGEST",
    "SURVEY",
    "TOGETHER",
    "TRUTH",
    "Recipe",
    "UnknownIngredient",
    "is_current",
    "ordered",
    "other_than",
    "publishing_simulation",
    "recipe_of",
    "simulate",
]

KIND = "simulation"
TOGETHER = "simulation"
SURVEY, TRUTH = NAMES = ("survey", "truth")


@contextmanager
def publishing_simulation(place: Path) -> Iterator[tuple[Path, Path]]:
    """Empty folders for survey and truth; at the end both appear in ``place`` by one rename, in
    place of earlier ones.

    Raises NotOurs where a survey, a truth or what holds them is there and is not, file by file,
    what obcat wrote; Busy where another process simulates into ``place``.
    """
    for name in NAMES:
        _check(place, name)
    with _no_links_to_nowhere(place), publishing_folder(place / TOGETHER, KIND) as partial:
        for name in NAMES:
            (partial / name).mkdir()
        yield partial / SURVEY, partial / TRUTH
        for name in NAMES:
            _check(place, name)
            _link(place, name)


def _check(place: Path, name: str) -> None:
    """Raises NotOurs unless the name is free, our link, an empty folder or a copy of what the link
    leads to.

    Copying a folder often makes a copy out of a link.
    """
    path = place / name
    if path.is_symlink() and path.readlink() != Path(TOGETHER, name):
        raise NotOurs(
            f"{path}: is a link to {path.readlink()}; move it away, or give another folder"
        )
    if path.is_symlink() or not path.exists():
        return
    check_listed(path, _listed(place, name), KIND)


def _listed(place: Path, name: str) -> dict[str, str]:
    """The checksums of the files below ``survey`` or ``truth``;
    none where nothing was simulated here.
    """
    if not (place / TOGETHER / SUMS).is_file():
        return {}
    every = read_sums(place / TOGETHER).items()
    return {
        path.removeprefix(f"{name}/"): sha for path, sha in every if path.startswith(f"{name}/")
    }


def _link(place: Path, name: str) -> None:
    if not (place / name).is_symlink():
        put_link(place / name, Path(TOGETHER, name))


@contextmanager
def _no_links_to_nowhere(place: Path) -> Iterator[None]:
    """Where the first simulation in a place fails, nothing stays:
    links are put in place just before it is.
    """
    try:
        yield
    finally:
        for path in (place / name for name in NAMES):
            if path.is_symlink() and path.readlink().parent == Path(TOGETHER) and not path.exists():
                path.unlink()


if TYPE_CHECKING:
    from obcat.simulate.visits import Block


Progress = Callable[[int, int], None]
LARGEST = 1_000_000  # stars
EARLIER = {"training_from": TRAINING_FROM}  # what earlier versions could not be asked for


def is_current(folder: Path, truth: Path, n_stars: int, recipe: Recipe) -> bool:
    """Whether folder and truth hold this very simulation, made by this very code."""
    from obcat.simulate.truth import STAMP, stamp

    try:
        return (truth / STAMP).read_text(encoding="utf-8") == stamp(folder, n_stars, recipe)
    except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
        return False


def other_than(truth: Path, n_stars: int, recipe: Recipe) -> str | None:
    """What a simulation that was asked for otherwise is, in words: 2,000 stars, seed 1; None where
    there is none, or the same was asked for.
    """
    from obcat.simulate.truth import STAMP, asked

    try:
        there = EARLIER | json.loads((truth / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    wanted = asked(n_stars, recipe)
    if {name: there.get(name) for name in wanted} == wanted:
        return None
    further = [f"without {', '.join(there['without'])}"] if there.get("without") else []
    further += [f"{name}={seed}" for name, seed in (there.get("seeds") or {}).items()]
    if there["training_from"] != TRAINING_FROM:
        further.append(f"training stars from M_Ks {there['training_from']}")
    return ", ".join([f"{there.get('n_stars'):,} stars", f"seed {there.get('seed')}", *further])


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
    """Writes the survey into folder and what was put in into truth, replacing both; the same bytes
    for any workers.

    The two are named survey and truth and stand side by side, in ``simulation``, which one rename
    puts in place. Memory depends on chunk, the number of stars drawn at a time, not on n_stars;
    another chunk is another survey. progress(done, total) is called after each block of spectra.
    ValueError if truth lies inside folder or not beside it, n_stars is not 1 to LARGEST, or chunk
    not 1 to CHUNK; NotOurs if anything there was not made by this function.
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
    from obcat.simulate.supplement import n_supplement
    from obcat.simulate.visits import expose, n_spectra

    done, total = 0, n_spectra(n_stars) + n_supplement(n_stars, recipe)
    for n in ordered(expose, _blocks(folder, truth, n_stars, recipe, chunk), workers):
        done += n
        if progress:
            progress(done, total)


def _blocks(
    folder: Path, truth: Path, n_stars: int, recipe: Recipe, chunk: int
) -> "Iterator[Block]":
    """The spectra to be written; each chunk is appended to all tables when it is drawn."""
    from obcat.simulate.archives import draw_catalogs, open_catalogs
    from obcat.simulate.chunks import all_cards, blocks, chunks
    from obcat.simulate.supplement import SECTION
    from obcat.simulate.truth import open_truth, truth_columns

    further = SECTION if recipe.has("supplement") else ""
    with open_catalogs(folder, further) as catalogs, open_truth(truth) as true:
        tables = catalogs | true
        for drawn in chunks(n_stars, chunk, recipe):
            columns, measured = draw_catalogs(drawn.sky, drawn.visits, recipe, drawn.number)
            for name, part in (columns | truth_columns(drawn, measured)).items():
                tables[name](part)
            cards = all_cards(drawn, measured["xstps"], measured["twomass"], recipe)
            yield from blocks(folder / "spectra", drawn, cards, recipe)
    if recipe.has("supplement"):
        yield from _supplement(folder, truth, n_stars, recipe)


def _supplement(folder: Path, truth: Path, n_stars: int, recipe: Recipe) -> "Iterator[Block]":
    """The spectra of the training stars; their table and their truth are written first."""
    from obcat.simulate.chunks import all_cards, blocks
    from obcat.simulate.supplement import SPECTRA, draw_supplement, training_table, write_table
    from obcat.simulate.truth import open_truth, truth_columns

    drawn = draw_supplement(n_stars, recipe)
    columns, measured = training_table(drawn, recipe)
    write_table(folder, columns)
    with open_truth(truth, "training_") as true:
        for name, part in truth_columns(drawn, measured).items():
            true[name](part)
    cards = all_cards(drawn, measured["xstps"], measured["twomass"], recipe)
    yield from blocks(folder / SPECTRA, drawn, cards, recipe)
