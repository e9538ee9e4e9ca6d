"""Simulate: a survey of hot stars from the reference tables, in files and tables as LAMOST and the archives give them.

Every number comes from the stated physics and instrument; nothing is adjusted to what a build makes of it.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from obcat.ingest.simulate.recipe import Recipe

__all__ = ["is_current", "simulate"]

Progress = Callable[[int, int], None]
STAMP = "simulation.json"
ERRONEOUS = 0.01  # of the spectra


def is_current(folder: Path, truth: Path, n_stars: int, seed: int) -> bool:
    """Whether folder and truth hold this very simulation, made by this very code."""
    stamp = folder / STAMP
    if not stamp.is_file() or not (truth / "visits.parquet").is_file():
        return False
    return stamp.read_text(encoding="utf-8") == _stamp(n_stars, seed)


def simulate(
    folder: Path, truth: Path, *, n_stars: int, seed: int, workers: int = 2, progress: Progress | None = None
) -> None:
    """Writes the survey into folder and what was put in into truth, replacing both; the same bytes for any workers.

    progress(done, total) is called after each block of spectra. ValueError if truth lies inside folder.
    """
    folder, truth = Path(folder), Path(truth)
    if n_stars < 1:
        raise ValueError(f"n_stars is {n_stars}; it must be 1 or more")
    if truth.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{truth} lies inside {folder}: a build could read the truth")
    partial, partial_truth = _partial(folder), _partial(truth)
    _write(partial, partial_truth, n_stars, Recipe(seed), workers, progress)
    (partial / STAMP).write_text(_stamp(n_stars, seed), encoding="utf-8")
    _replace(partial_truth, truth)
    _replace(partial, folder)


def _write(folder: Path, truth: Path, n_stars: int, recipe: Recipe, workers: int, progress: Progress | None) -> None:
    from obcat.ingest.simulate.blocks import blocks
    from obcat.ingest.simulate.cards import all_cards
    from obcat.ingest.simulate.catalogs import write_catalogs
    from obcat.ingest.simulate.motion import draw_motion
    from obcat.ingest.simulate.noise import SPOILED
    from obcat.ingest.simulate.sky import LB1_VISITS, draw_sky
    from obcat.ingest.simulate.truth import write_truth
    from obcat.ingest.simulate.visits import count_visits, draw_visits

    chunk = 0
    sky = draw_sky(n_stars, recipe, chunk)
    rng = recipe.rng("visits", chunk)
    visits = draw_visits(sky.ra, sky.dec, sky.mag["g_gaia"], count_visits(n_stars, 0, LB1_VISITS, rng), rng)
    motion = draw_motion(sky, visits, recipe.rng("orbits", chunk))
    rng = recipe.rng("erroneous", chunk)
    spoiled = (rng.random(len(visits.star)) < ERRONEOUS) * rng.integers(1, len(SPOILED), size=len(visits.star))
    measured = write_catalogs(folder, sky, visits, recipe, chunk)
    write_truth(truth, sky, visits, motion, spoiled, measured)
    cards = all_cards(sky, visits, motion, measured["xstps"], measured["twomass"], recipe, chunk)
    done = 0
    for n in _exposed(blocks(folder / "spectra", sky, visits, motion, spoiled, cards, recipe, chunk), workers):
        done += n
        if progress:
            progress(done, len(visits.star))


def _exposed(todo: Iterator, workers: int) -> Iterator[int]:
    from obcat.ingest.simulate.exposures import expose

    if workers < 2:
        yield from map(expose, todo)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(expose, todo)


def _partial(folder: Path) -> Path:
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    return partial


def _replace(partial: Path, folder: Path) -> None:
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    partial.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _stamp(n_stars: int, seed: int) -> str:
    return json.dumps({"simulated": True, "n_stars": n_stars, "seed": seed, "code": _code()}, indent=1) + "\n"


def _code() -> str:
    """SHA-256 of this package's modules and of the reference tables they read."""
    import obcat

    digest = hashlib.sha256()
    reference = Path(obcat.__file__).parent / "data" / "reference"
    for path in [*sorted(Path(__file__).parent.glob("*.py")), *sorted(reference.glob("*.[npc]*"))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
