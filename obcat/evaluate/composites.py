"""Mock binaries in numbers: M_spec of the sum of two spectra against that of the primary (paper
section 6, Fig. 9).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat import reading
from obcat import statistics as st
from obcat.evaluate import binaries as mock
from obcat.reading import Columns, Missing, Reading
from obcat.section import Section, decimals, percent
from obcat.statistics import Floats

__all__ = [
    "PRIMARIES",
    "SEED",
    "Library",
    "library",
    "pair_rows",
    "pairs",
    "survey_mk",
    "typed_rows",
    "with_companions",
    "within",
]

FEWEST, SEED = 20, 1
PRIMARIES = (("late B (below 14,000 K)", 0, 14_000), ("B (14,000 to 20,000 K)", 14_000, 20_000),
             ("above 20,000 K", 20_000, np.inf))  # fmt: skip
TYPES = (("A", 7500, 10_000), ("F", 6000, 7500), ("G", 5400, 6000))  # K
DIFFERENCES = (0.0, 0.5, 1.0, 2.0, np.inf)  # mag
BRIGHTER = -0.2  # mag, the difference that the paper's appendix B names
COLUMNS = (
    "n", "q", "light in V", "M_spec(sum) - M_spec", "scatter", "16 %", "84 %",
    "brighter by > 0.2",
)  # fmt: skip
WHY = (
    "Mock binaries need single stars with S/N > 80 and a parallax ten times its error (Gaia); "
    "there are too few."
)
NO_SPECTRA = "Mock binaries are made of spectra; this catalog has none (keep_spectra = false)."


class Library(NamedTuple):
    """Single stars of a survey: columns (n,), rest-frame spectra at one distance (n, 3909),
    M_spec of each (n,).
    """

    stars: Columns
    flux: Floats
    ivar: Floats
    alone: Floats


def library(survey: Reading) -> Library:
    """The same stars for the same catalog. Missing: no Gaia, too few stars, no network."""
    stars, law = (
        reading.answer_arrays(survey.con, "evaluate/singles"),
        reading.answer_arrays(survey.con, "evaluate/coefficients"),
    )
    if len(stars["mk"]) < FEWEST:
        raise Missing(WHY)
    if not stars["flux"].size:
        raise Missing(NO_SPECTRA)
    coefficients = np.array([law[name][0] for name in ("b", "g", "v", "r", "i", "j")])
    single = mock.Singles(*(stars[name] for name in ("flux", "ivar", "z", "ebv", "m_bp")))
    flux, ivar = mock.absolute(single, coefficients)
    return Library(stars, flux, ivar, survey_mk(survey, flux, ivar))


def survey_mk(survey: Reading, flux: Floats, ivar: Floats) -> Floats:
    """M_spec (n,) of rest-frame spectra (n, 3909) by the survey's own models."""
    pca, network = (reading.fitted_arrays(survey.con, name) for name in ("pca", "luminosity"))
    return mock.measure_mk(flux, ivar, pca, network, reading.method_parameters(survey.con))


PAIRS_NOTE = (
    "Pairs by chance of single stars with S/N > 80 and good parallaxes, spectra dereddened, "
    "put at one distance, added, and measured as if single; M_geo tells which is the primary "
    "and by how much the other one is fainter in Ks. q: of main-sequence stars of their Teff. "
    "Last column: part that comes out brighter than the primary."
)


def pairs(survey: Reading) -> Section:
    """Composites of two stars of the survey, by type of the primary and difference in Ks."""
    note = PAIRS_NOTE
    try:
        rows = pair_rows(survey, library(survey))
    except Missing as missing:
        note, rows = str(missing), []
    return Section("mock binaries of stars of this survey", note, COLUMNS, rows)


def pair_rows(survey: Reading, lib: Library) -> list[tuple[str, ...]]:
    stars = lib.stars
    first, second = mock.pairs(stars["mk_geo"], SEED)
    off = survey_mk(survey, *mock.composite(lib.flux, lib.ivar, first, second)) - lib.alone[first]
    fainter, teff = stars["mk_geo"][second] - stars["mk_geo"][first], stars["teff"]
    light = 10 ** (-0.4 * (stars["m_bp"][second] - stars["m_bp"][first]))
    ratio = mock.dwarf(teff[second])[0] / mock.dwarf(teff[first])[0]
    return [
        _row(
            f"{name}, {_label(low, high)}",
            within(teff[first], kind) & within(fainter, (low, high)),
            off,
            ratio,
            light,
        )
        for name, *kind in PRIMARIES
        for low, high in pairwise(DIFFERENCES)
    ]


def _label(low: float, high: float) -> str:
    return f"{low:g} to {high:g} mag" if np.isfinite(high) else f"more than {low:g} mag"


def with_companions(survey: Reading, other: Reading) -> Section:
    """Composites of stars of the survey and A, F, G dwarfs of another one, by both types."""
    kind = "SIMULATED" if other.simulated else "real"
    note = (
        f"Primaries: single stars of this survey as above. Companions: {kind} spectra with "
        "labels of their own, "
        "S/N > 40, log g > 3.7; M_V and mass are those of the main sequence at their Teff "
        "(MIST), their smooth "
        "spectrum that of a black body, as nothing is known of their distance and reddening. "
        "The networks are this "
        "survey's."
    )
    try:
        lib, dwarfs = library(survey), reading.answer_arrays(other.con, "evaluate/companions")
        rows = [
            cells
            for name, *limits in TYPES
            for cells in typed_rows(survey, lib, dwarfs, name, limits)
        ]
    except Missing as missing:
        note, rows = str(missing), []
    return Section(
        f"mock binaries with companions from the {kind} survey {other.name!r}", note, COLUMNS, rows
    )


def typed_rows(
    survey: Reading, lib: Library, dwarfs: Columns, name: str, limits: Sequence[float]
) -> list[tuple[str, ...]]:
    """A row a type of primary: each star of the library with a dwarf of one type, drawn by chance,
    if it is fainter.
    """
    chosen, teff = np.flatnonzero(within(dwarfs["teff"], limits)), lib.stars["teff"]
    if not len(chosen):
        nothing = np.zeros(0)
        return [
            _row(f"{primary} + {name}", nothing > 0, nothing, nothing, nothing)
            for primary, *_ in PRIMARIES
        ]
    taken = np.random.default_rng(SEED).choice(chosen, len(teff))
    level = mock.level_of(lib.flux, lib.stars["m_bp"])
    flux, ivar, z, cool = (dwarfs[column][taken] for column in ("flux", "ivar", "z", "teff"))
    dwarf = mock.at_one_distance(flux, ivar, z, cool, level)
    off = survey_mk(survey, *mock.add_light((lib.flux, lib.ivar), dwarf)) - lib.alone
    mass, m_v, _ = mock.dwarf(cool)
    ratio, light = mass / mock.dwarf(teff)[0], 10 ** (-0.4 * (m_v - lib.stars["m_bp"]))
    return [
        _row(f"{primary} + {name}", within(teff, kind) & (light < 1), off, ratio, light)
        for primary, *kind in PRIMARIES
    ]


def within(values: Floats, limits: Sequence[float]) -> NDArray[np.bool_]:
    return (values >= limits[0]) & (values < limits[1])


def _row(
    name: str, rows: NDArray[np.bool_], off: Floats, ratio: Floats, light: Floats
) -> tuple[str, ...]:
    found, q, v = (np.asarray(x[rows], float) for x in (off, ratio, light))
    known = found[np.isfinite(found)]
    low, high = np.percentile(known, (16, 84)) if len(known) else (np.nan, np.nan)
    return (
        name,
        str(len(known)),
        decimals(st.median(q), 2),
        percent(st.median(v)),
        decimals(st.median(found)),
        decimals(st.robust_scatter(found)),
        decimals(low),
        decimals(high),
        percent(st.fraction((known < BRIGHTER).astype(float))),
    )
