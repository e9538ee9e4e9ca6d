"""Every ingredient by itself: leaving one out changes what it should, and no draw of the others."""

import gzip
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from obcat.simulate import Recipe, visits
from obcat.simulate.archives import draw_catalogs
from obcat.simulate.chunks import all_cards, blocks, chunks
from obcat.simulate.ingredients import INGREDIENTS, sources
from obcat.simulate.light import Component, normalised
from obcat.simulate.lines import GROUPS
from obcat.simulate.night import RESOLUTION
from obcat.simulate.photometry import TWOMASS_FAINTEST
from obcat.simulate.truth import truth_columns

N, SEED = 150, 105
BLOCK = 2880
Columns = dict[str, np.ndarray]
Make = Callable[[Recipe], "Survey"]

PIXELS = "flux ivar mask "
# other magnitudes change what is measured of them, S/N, and errors by S/N
LIGHT = "stars.true_* gaia_dr2.* twomass.* xstps.* apass.* header.MAG? header.TCOMMENT header.Z* "
LIGHT += "visits.snr_g visits.rv_header_error labels.* " + PIXELS
# other magnitudes, and so other plates, and other light of nebulae
BRIGHTNESS = "* !stars.teff !stars.ra !stars.mass_ratio !visits.name"
# other stars are taken; not other visits
STARS = "* !visits.name !visits.is_erroneous !visits.erroneous_kind"
CHANGES = {  # ingredient: columns that must change, and that may change
    "rotation": ("stars.vsini stars.companion_vsini stars.light_offset flux", BRIGHTNESS),
    "hidden_light": ("stars.light_offset stars.mk stars.true_* flux", BRIGHTNESS),
    "abundances": ("stars.helium_depth stars.nitrogen_depth stars.peculiar flux", PIXELS),
    "line_texture": ("flux", PIXELS),
    "halpha_cores": ("stars.core_halpha flux", PIXELS),
    "velocities": (
        "stars.rv stars.pmra stars.pmdec visits.rv visits.rv_primary gaia_dr2.pm* header.Z flux",
        "visits.rv_* gaia_dr2.ra gaia_dr2.dec " + PIXELS,
    ),
    "feh_gradient": ("stars.feh flux", STARS),
    "spiral_arms": ("stars.glon stars.distance_kpc", STARS),
    "dust": ("stars.ebv stars.true_* flux", STARS),
    "clouds": ("stars.ebv stars.true_* flux", STARS),
    "dust_law": ("stars.r_v stars.a_ks stars.true_* flux", BRIGHTNESS),
    "dust_bend": ("stars.a_ks stars.true_*", BRIGHTNESS),
    "bright_end": ("stars.teff", STARS),
    "binaries": ("stars.is_binary stars.mass_ratio visits.rv flux", STARS),
    "triples": (
        "stars.is_triple stars.third_mass_ratio flux",
        "stars.* visits.rv* visits.ew_halpha " + LIGHT,
    ),
    "orbits": (
        "visits.rv visits.rv_primary visits.rv_companion header.Z flux",
        "visits.rv_third " + PIXELS,
    ),
    "wobble": (
        "stars.wobble gaia_dr2.ruwe gaia_dr2.parallax",
        "gaia_dr2.ra gaia_dr2.dec gaia_dr2.p*",
    ),
    "supplement": ("", ""),  # a table and spectra of its own
    "outsiders": ("stars.kind stars.teff", STARS),
    "be_stars": ("stars.ew_disc visits.ew_halpha flux", BRIGHTNESS),
    "disc_light": ("stars.excess_ks stars.ebv_disc gaia_dr2.phot_g_mean_mag", BRIGHTNESS),
    "nebulae": (
        "stars.ew_nebular stars.is_nebular flux",
        "stars.* visits.*emission visits.ew_halpha " + PIXELS,
    ),
    "winds": ("stars.ew_wind", "stars.* visits.*emission visits.ew_halpha " + PIXELS),
    "line_corrections": ("stars.lines_* flux", PIXELS),
    "line_scatter": ("stars.lines_* flux", PIXELS),
    "line_spread": ("flux", PIXELS),
    "interstellar": ("flux", PIXELS),
    "tellurics": ("flux", PIXELS),
    "flux_calibration": ("flux", PIXELS),
    "spectrographs": ("flux", PIXELS),
    "noise": ("flux", PIXELS),
    "sky_lines": ("flux", PIXELS),
    "dead_pixels": ("mask", PIXELS),
    "erroneous": ("visits.is_erroneous visits.erroneous_kind flux", PIXELS),
    "zero_point": ("stars.parallax_offset_true gaia_dr2.parallax", ""),
    "gaia_errors": (
        "gaia_dr2.parallax gaia_dr2.pmra gaia_dr2.pmdec",
        "gaia_dr2.ra gaia_dr2.dec gaia_dr2.*_error gaia_dr2.ruwe",
    ),
    "gaia_tail": ("gaia_dr2.parallax", "gaia_dr2.*"),
    "gaia_matches": ("stars.in_gaia_dr2 gaia_dr2.*", ""),
    "half_resolved": ("gaia_dr2.ruwe gaia_dr2.parallax_error", "gaia_dr2.*"),
    "crowding": (
        "stars.parallax_offset_true gaia_dr2.parallax",
        "gaia_dr2.pm* gaia_dr2.ra gaia_dr2.dec gaia_dr2.source_id",
    ),
    "photometry_errors": (
        "gaia_dr2.phot_?_mean_mag twomass.?_m xstps.? apass.?mag",
        "*.phot_* apass.* header.MAG?",
    ),
    "photometry_gaps": (
        "stars.in_twomass stars.in_apass",
        "stars.in_* gaia_dr2.phot_* twomass.* xstps.* apass.* header.*",
    ),
    "saturation": ("xstps.g xstps.r xstps.i header.MAG3", "header.MAG?"),
    "colour_offsets": (
        "stars.true_* stars.mk stars.mk_system gaia_dr2.phot_*",
        f"{BRIGHTNESS} stars.*_mk",
    ),
    "label_errors": ("labels.teff labels.logg labels.feh", "labels.teff_err"),
    "label_gaps": ("labels.*", ""),
}


class Survey(NamedTuple):
    """All tables of a small survey by name, and of its first spectra flux and inverse variance."""

    tables: dict[str, Columns]
    flux: np.ndarray
    ivar: np.ndarray
    mask: np.ndarray


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Make:
    folder = tmp_path_factory.mktemp("spectra")
    known = cache(lambda without: made(Recipe(SEED, without), folder))
    return lambda recipe: (
        known(recipe.without) if recipe == Recipe(SEED, recipe.without) else made(recipe, folder)
    )


def test_all_ingredients_are_here() -> None:
    assert CHANGES.keys() == INGREDIENTS.keys()


def test_every_ingredient_says_from_where_it_comes_and_what_was_not_checked() -> None:
    assert {row.ingredient for row in sources()} == INGREDIENTS.keys()
    known = ("checked", "not checked", "chosen", "assumed", "measured", "computed")
    vague = [s for s in sources() if not (s.status.startswith(known) or "checked" in s.status)]
    assert [s.what for s in vague if not s.status.startswith("equations")] == []
    assert all(s.what and s.source and "|" not in "".join(s) for s in sources())


@pytest.mark.parametrize("name", INGREDIENTS)
def test_leaving_one_out_changes_what_it_should_and_nothing_else(name: str, survey: Make) -> None:
    must, may = CHANGES[name]
    differ = changed(survey(Recipe(SEED)), survey(Recipe(SEED, frozenset({name}))))
    assert [
        pattern for pattern in must.split() if not any(fnmatchcase(c, pattern) for c in differ)
    ] == []
    assert sorted(c for c in differ if not allowed(c, f"{must} {may}".split())) == []


def allowed(column: str, patterns: list[str]) -> bool:
    """Patterns after ! are taken out of the others."""
    never = [p[1:] for p in patterns if p.startswith("!")]
    return any(fnmatchcase(column, p) for p in patterns) and not any(
        fnmatchcase(column, p) for p in never
    )


GONE = {  # ingredient: what is true without it
    "hidden_light": lambda s: not column(s, "stars.light_offset").any(),
    "abundances": lambda s: (column(s, "stars.helium_depth") == 1).all(),
    "halpha_cores": lambda s: not column(s, "stars.core_halpha").any(),
    "rotation": lambda s: (
        not column(s, "stars.vsini")[1:][column(s, "stars.ew_disc")[1:] == 0].any()
    ),
    "velocities": lambda s: (
        not any(column(s, f"stars.{name}")[1:].any() for name in ("rv", "pmra", "pmdec"))
    ),
    "dust": lambda s: (
        not column(s, "stars.ebv")[1:].any() and not column(s, "stars.a_ks")[1:].any()
    ),
    "dust_law": lambda s: (column(s, "stars.r_v") == 3.1).all(),
    "binaries": lambda s: not column(s, "stars.is_binary")[1:].any(),
    "triples": lambda s: not column(s, "stars.is_triple").any(),
    "orbits": lambda s: len(np.unique(column(s, "visits.rv_primary"))) == N,
    "wobble": lambda s: not column(s, "stars.wobble").any(),
    "outsiders": lambda s: set(column(s, "stars.kind")) == {"star"},
    "be_stars": lambda s: not column(s, "stars.ew_disc").any(),
    "disc_light": lambda s: (
        not column(s, "stars.excess_ks").any() and not column(s, "stars.ebv_disc").any()
    ),
    "nebulae": lambda s: not column(s, "stars.ew_nebular").any(),
    "winds": lambda s: not column(s, "stars.ew_wind").any(),
    "bright_end": lambda s: (column(s, "stars.mk") < -4).sum() < 2,  # of 150 stars 0.2
    "erroneous": lambda s: not column(s, "visits.is_erroneous").any(),
    "zero_point": lambda s: not column(s, "stars.parallax_offset_true").any(),
    "gaia_matches": lambda s: (
        len(column(s, "gaia_dr2.ra")) == N and column(s, "stars.in_gaia_dr2").all()
    ),
    "photometry_gaps": lambda s: column(s, "stars.in_twomass")[
        column(s, "stars.true_j") < TWOMASS_FAINTEST
    ].all(),
    "label_gaps": lambda s: len(column(s, "labels.specid")) == len(column(s, "visits.specid")),
}


@pytest.mark.parametrize("name", GONE)
def test_without_it_there_is_none_of_it(name: str, survey: Make) -> None:
    assert not GONE[name](survey(Recipe(SEED)))
    assert GONE[name](survey(Recipe(SEED, frozenset({name}))))


def test_absolute_magnitudes_are_those_of_the_light_that_comes(survey: Make) -> None:
    s = survey(Recipe(SEED))
    names = "true_ks", "a_ks", "excess_ks", "distance_kpc"
    ks, a_ks, excess, distance = (column(s, f"stars.{name}") for name in names)
    names = "mk", "mk_system", "flux_ratio_ks", "is_triple"
    mk, system, ratio, triple = (column(s, f"stars.{name}") for name in names)
    np.testing.assert_allclose(ks - a_ks + excess - 5 * np.log10(distance) - 10, system, atol=1e-9)
    alone = np.isnan(ratio) | (ratio == 0)
    np.testing.assert_allclose(mk[alone & ~triple], system[alone & ~triple], atol=1e-9)


def test_without_everything_a_spectrum_is_the_model_of_its_star(survey: Make) -> None:
    """All stars but LB-1, which is in every survey as it is."""
    s = survey(Recipe(SEED, frozenset(INGREDIENTS)))
    name, stars = column(s, "stars.name"), column(s, "visits.name")[: len(s.flux)]
    row = (
        np.searchsorted(name[1:], stars[stars != "LB-1"]) + 1
    )  # names are in order after the first
    assert name[row].tolist() == stars[stars != "LB-1"].tolist()
    teff, logg, feh = (column(s, f"stars.{what}")[row] for what in ("teff", "logg", "spectrum_feh"))
    still = np.zeros(len(row))
    as_lte = np.ones((len(row), len(GROUPS)))
    star = Component(np.log10(teff), logg, feh, still, still, still, as_lte)
    lines, continuum = normalised(star, np.full(len(row), RESOLUTION))
    ratio = s.flux[stars != "LB-1"] / (lines * continuum)[:, : s.flux.shape[1]]
    np.testing.assert_allclose(ratio / ratio[:, :1], 1, rtol=2e-5)
    assert (s.ivar > 0).all()
    assert not s.mask.any()


def test_without_everything_the_tables_are_the_truth(survey: Make) -> None:
    s = survey(Recipe(SEED, frozenset(INGREDIENTS)))
    gaia = {
        name: column(s, f"gaia_dr2.{name}")
        for name in ("parallax", "pmra", "phot_g_mean_mag", "source_id")
    }
    number = (gaia["source_id"] >> 7) % 2**28 - 1
    assert sorted(number) == list(range(N))
    np.testing.assert_allclose(gaia["parallax"], column(s, "stars.parallax")[number], rtol=1e-12)
    np.testing.assert_allclose(
        gaia["phot_g_mean_mag"], column(s, "stars.true_g_gaia")[number], rtol=1e-12
    )
    assert not gaia["pmra"].any()
    star = {name: k for k, name in enumerate(column(s, "stars.name"))}
    at = [star[name] for name in column(s, "visits.name")]
    np.testing.assert_allclose(column(s, "labels.teff"), column(s, "stars.teff")[at], rtol=1e-6)


@pytest.mark.parametrize("name", ["noise", "gaia_errors", "label_errors", "velocities", "nebulae"])
def test_a_seed_of_its_own_changes_no_other_draw(name: str, survey: Make) -> None:
    differ = changed(survey(Recipe(SEED)), survey(Recipe(SEED, seeds={name: SEED + 1})))
    assert differ
    assert sorted(c for c in differ if not allowed(c, " ".join(CHANGES[name]).split())) == []


OF_BLOCKS = (
    "line_spread", "interstellar", "tellurics", "flux_calibration", "noise", "sky_lines",
    "dead_pixels", "erroneous",
)  # fmt: skip


@pytest.fixture(scope="module")
def block(tmp_path_factory: pytest.TempPathFactory) -> visits.Block:
    """Five stars, every spectrum of them erroneous."""
    drawn = next(chunks(5, 5, Recipe(SEED)))
    drawn = drawn._replace(spoiled=np.ones_like(drawn.spoiled))
    _, measured = draw_catalogs(drawn.sky, drawn.visits, Recipe(SEED), 0)
    cards = all_cards(drawn, measured["xstps"], measured["twomass"], Recipe(SEED))
    return next(blocks(tmp_path_factory.mktemp("spectra"), drawn, cards, Recipe(SEED)))


@pytest.mark.parametrize("name", OF_BLOCKS)
def test_no_two_blocks_share_a_draw(
    name: str, block: visits.Block, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no other ingredient, and without the level, which is drawn too."""
    monkeypatch.setattr(visits, "FIBRE_LOSS", 0.0)
    spoiled = block.spoiled if name == "erroneous" else np.zeros_like(block.spoiled)
    alone = block._replace(recipe=Recipe(SEED, frozenset(INGREDIENTS) - {name}), spoiled=spoiled)
    found = []
    for place in (alone, alone._replace(chunk=1), alone._replace(number=1)):
        visits.expose(place)
        images = np.stack([image(path) for path in block.paths])
        found.append(images[:, [0, 1, 3]])
    assert not any(np.allclose(a, b, rtol=1e-5) for a, b in combinations(found, 2))


def made(recipe: Recipe, folder: Path) -> Survey:
    drawn = next(chunks(N, N, recipe))
    catalogs, measured = draw_catalogs(drawn.sky, drawn.visits, recipe, 0)
    cards = all_cards(drawn, measured["xstps"], measured["twomass"], recipe)
    block = next(blocks(folder, drawn, cards, recipe))
    visits.expose(block)
    images = np.stack([image(path) for path in block.paths])
    header = {key: np.array([card[key] for card in cards]) for key in cards[0]}
    tables = {**catalogs, **truth_columns(drawn, measured), "header": header}
    return Survey(
        {name: dict(table) for name, table in tables.items()},
        images[:, 0],
        images[:, 1],
        images[:, 3:],
    )


def image(path: Path) -> np.ndarray:
    """(5, 3904): the rows of a file, without the last pixels, which not all files have."""
    content = gzip.decompress(path.read_bytes())
    start = BLOCK * (1 + content.index(b"END" + b" " * 77) // BLOCK)
    n = int(content[content.index(b"NAXIS1") + 9 :][:21])
    return np.frombuffer(content, ">f4", 5 * n, start).reshape(5, n)[:, :3904].astype(np.float32)


def changed(one: Survey, other: Survey) -> set[str]:
    """Names of the columns that differ, as table.column, and of the rows of the files."""
    columns = {f"{table}.{name}" for table, named in one.tables.items() for name in named}
    differ = {name for name in columns if not same(*(column(s, name) for s in (one, other)))}
    return differ | {
        name
        for name in ("flux", "ivar", "mask")
        if not same(getattr(one, name), getattr(other, name))
    }


def column(survey: Survey, name: str) -> np.ndarray:
    table, _, field = name.partition(".")
    return np.asarray(survey.tables[table][field])


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
