"""Recipe: ingredients of a simulated survey, their sources and their random streams; rows of tuples
of arrays.
"""

import csv
import zlib
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from obcat.data import REFERENCE
from obcat.errors import ObcatError

__all__ = [
    "CHUNK",
    "INGREDIENTS",
    "TRAINING_FROM",
    "Recipe",
    "UnknownIngredient",
    "joined",
    "readme",
    "recipe_of",
    "replaced",
    "source_rows",
    "sources",
    "taken",
]

Table = TypeVar("Table", bound=tuple[Any, ...])
Rows = slice | NDArray[np.bool_] | NDArray[np.int64]


def taken(table: Table, rows: Rows) -> Table:
    """The table with these rows only."""
    return _made(table, [taken(c, rows) if isinstance(c, tuple) else c[rows] for c in table])


def joined(tables: Sequence[Table]) -> Table:
    """One table after the other."""
    columns = zip(*tables, strict=True)
    return _made(
        tables[0], [joined(c) if isinstance(c[0], tuple) else np.concatenate(c) for c in columns]
    )


def replaced(table: Table, rows: NDArray[np.int64], by: Table) -> Table:
    """The table with these rows, in order, taken from another one."""
    return _made(table, [_replaced(*pair, rows) for pair in zip(table, by, strict=True)])


def _replaced(column: Any, by: Any, rows: NDArray[np.int64]) -> Any:
    if isinstance(column, tuple):
        return replaced(column, rows, by)
    out = column.astype(np.result_type(column, by))
    out[rows] = by
    return out


def _made(like: Table, columns: list[Any]) -> Table:
    return cast(Table, type(like)(*columns))


CHUNK = (
    4000  # stars drawn at a time: as many as a plate has fibres, so that no draw can overfill one
)

TRAINING_FROM = -3  # M_Ks from where a survey of the sky has too few stars to learn from

INGREDIENTS = {
    "rotation": "projected rotation of the stars",
    "hidden_light": "light that no spectrum shows: aspect of rotators, mass, products of binaries",
    "abundances": "helium, CNO, peculiar stars",
    "line_texture": "weak lines that the grid of spectra lacks",
    "halpha_cores": "cores of H alpha deeper than LTE",
    "velocities": "systemic velocities and proper motions",
    "feh_gradient": "radial gradient of [Fe/H]",
    "spiral_arms": "spiral arms on the exponential disc",
    "dust": "interstellar reddening",
    "clouds": "clumps on the smooth dust disc",
    "dust_law": "R_V from star to star and from cloud to cloud",
    "dust_bend": "extinction of broad bands that is no multiple of E(B-V)",
    "bright_end": "more luminous stars than isochrones and volume give, as catalogs have them",
    "binaries": "companions",
    "triples": "third stars of some binaries",
    "orbits": "velocities of the components at each visit",
    "wobble": "orbital motion of the photocentre: parallax error and RUWE",
    "supplement": "luminous stars that train and are no rows of the catalog",
    "outsiders": "late-B and A interlopers, subdwarfs, white dwarfs",
    "be_stars": "discs of Be stars: lines",
    "disc_light": "infrared excess and reddening of those discs",
    "nebulae": "H II emission that the sky subtraction left",
    "winds": "emission lines of supergiants' winds",
    "line_corrections": "lines as strong as observed ones, not as LTE models have them",
    "line_scatter": "strengths of lines that differ from star to star",
    "line_spread": "resolution that changes with wavelength and fibre",
    "interstellar": "Na I, Ca II and diffuse interstellar bands",
    "tellurics": "water and oxygen bands left over",
    "flux_calibration": "smooth flux error and the step between the arms",
    "spectrographs": "response of each spectrograph where its arms meet, and what all share",
    "noise": "photon, sky and read noise",
    "sky_lines": "residuals of night-sky lines",
    "dead_pixels": "dead and masked pixels, gaps, cosmic rays",
    "erroneous": "spectra with a wrong wavelength scale, arms that do not meet, or a wrong sky",
    "zero_point": "offset of Gaia's parallaxes",
    "gaia_errors": "Gaia's measurement errors, larger than stated",
    "gaia_tail": "parallaxes wrong by many errors",
    "gaia_matches": "missing and spurious sources, neighbours",
    "half_resolved": "companions that Gaia half resolves, or lists",
    "crowding": "larger errors and another zero point where the sky is crowded",
    "photometry_errors": "errors of magnitudes",
    "photometry_gaps": "missing stars and bands, upper limits",
    "saturation": "light lost by XSTPS-GAC brighter than r of 14",
    "colour_offsets": "colours unlike those of the isochrones the build uses",
    "label_errors": "errors of Teff, log g and [Fe/H]",
    "label_gaps": "stars without labels",
}


class _Source(NamedTuple):
    """From what a number of an ingredient comes, and whether it was found there."""

    ingredient: str
    what: str
    source: str
    status: str


def sources() -> list[_Source]:
    """Of all ingredients, in their order of INGREDIENTS."""
    with (REFERENCE / "simulation_sources.csv").open(newline="", encoding="utf-8") as f:
        rows = [_Source(**row) for row in csv.DictReader(f)]
    order = list(INGREDIENTS)
    return sorted(rows, key=lambda row: order.index(row.ingredient))


README = """\
# SIMULATED survey

No star, spectrum or measurement in this folder is real: `obcat simulate` made all of it. Below is what went into such
surveys, and from where each number comes. *Checked*: found in the text or abstract named. *Not checked*: as remembered.
*Chosen*, *assumed*: no source. An ingredient may have been left out here.

"""


def readme() -> str:
    """What stands in the folder of every simulated survey; the same whatever its recipe."""
    return README + "\n".join(source_rows()) + "\n"


def source_rows() -> list[str]:
    """The sources as a table in Markdown."""
    rows = [f"| `{s.ingredient}` | {s.what} | {s.source} | {s.status} |" for s in sources()]
    return ["| ingredient | what | source | status |", "| --- | --- | --- | --- |", *rows]


class Recipe(NamedTuple):
    """The seed of the survey, the ingredients left out, seeds of ingredients that have one of
    their own, and M_Ks of the faintest training stars that it brings.

    Each ingredient draws from streams of its own: leaving one out or reseeding it changes no draw
    of another.
    """

    seed: int
    without: frozenset[str] = frozenset()
    seeds: Mapping[str, int] = {}
    training_from: int = TRAINING_FROM

    def has(self, ingredient: str) -> bool:
        """KeyError for a name that is no ingredient."""
        if ingredient not in INGREDIENTS:
            raise KeyError(ingredient)
        return ingredient not in self.without

    def rng(self, stream: str, *key: int) -> np.random.Generator:
        """An independent generator for each stream (an ingredient, or any other name) and key,
        wherever it is made.
        """
        seed = self.seeds.get(stream, self.seed)
        return np.random.default_rng(
            np.random.SeedSequence(seed, spawn_key=(zlib.crc32(stream.encode()), *key))
        )


class UnknownIngredient(ObcatError, ValueError):
    """The message is one line that says what was meant, or where the names are."""

    exit_code = 2


def recipe_of(
    seed: int, without: Iterable[str], seeds: Iterable[str], training_from: int = TRAINING_FROM
) -> Recipe:
    """The recipe of command-line words, seeds as NAME=SEED;
    UnknownIngredient if a word cannot be understood.
    """
    own = dict(map(_own_seed, seeds))
    return Recipe(seed, frozenset(map(_known, without)), own, training_from)


def _own_seed(text: str) -> tuple[str, int]:
    name, _, seed = text.partition("=")
    if not (seed.isascii() and seed.isdigit()):
        raise UnknownIngredient(f"{text!r} is no seed of an ingredient; write it as noise=7")
    return _known(name), int(seed)


def _known(name: str) -> str:
    if name in INGREDIENTS:
        return name
    near = get_close_matches(name, INGREDIENTS, n=1)
    hint = f"did you mean {near[0]}?" if near else "obcat simulate --ingredients lists them"
    raise UnknownIngredient(f"no ingredient {name!r}; {hint}")
