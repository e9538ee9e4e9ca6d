"""Tables of the simulation: zero point, errors, crowding, quality letters,
gaps and labels as archives have them.
"""

import numpy as np
import pytest

from obcat.simulate import photometry
from obcat.simulate.archives import SENTINEL, TEFF_ERROR, draw_labels, twomass_columns
from obcat.simulate.astrometry import (
    COLOUR_SLOPE,
    SKY_RMS,
    SYSTEMATIC,
    UNDERESTIMATE,
    Astrometry,
    Moving,
    measure,
    orbit_effects,
    zero_point,
)
from obcat.simulate.dust import BANDS
from obcat.simulate.ingredients import Recipe
from obcat.simulate.neighbours import (
    ASTROMETRY,
    Pairs,
    crowded,
    crowding,
    density,
    disturbance,
    expected,
    resolved,
)
from obcat.simulate.photometry import AMPLITUDE, TILT, colour_offsets

N = 20_000
RECIPE = Recipe(1, frozenset({"crowding", "gaia_tail"}))
QUIET = Recipe(1, frozenset({"gaia_errors", "zero_point", "gaia_tail"}))
MASK = np.zeros(N, dtype=bool)


def moving(
    *, parallax: float = 0.5, g: float = 15.0, wobble: float = 0.0, period: float = np.nan
) -> Moving:
    place = np.random.default_rng(7)
    ra, dec = place.uniform(0, 360, N), np.degrees(np.arcsin(place.uniform(-1, 1, N)))
    same = (np.full(N, v) for v in (parallax, 0.0, 0.0, g, 0.6))
    return Moving(*same, ra, dec, np.full(N, wobble), np.full(N, np.log10(period)))


def seen(star: Moving, recipe: Recipe = RECIPE) -> Astrometry:
    return measure(star, recipe, 0)


def without(*ingredients: str) -> Recipe:
    return Recipe(1, frozenset({"crowding", *ingredients}))


def test_the_zero_point_runs_from_bright_to_faint_and_is_not_the_constant_of_the_build() -> None:
    star, constant = moving(), -0.0523
    at = [np.full(N, g) for g in (8.0, 12.0, 17.0)]
    rest = star.colour, star.ra, star.dec
    mean = [zero_point(g, *rest, RECIPE.rng("zero_point")).mean() for g in at]
    assert np.diff(mean) == pytest.approx([0.082 - 0.053, 0.053 - 0.0307], abs=2e-4)
    assert mean == pytest.approx([-0.082, -0.053, -0.031], abs=0.012)
    assert min(abs(mean[0] - constant), abs(mean[2] - constant)) > 0.01


def test_the_zero_point_depends_on_colour_and_place() -> None:
    """BP - RP of 0 is 1.76 per micron (Lindegren et al. 2021); a bluer star's parallax is less too
    small, by 0.1507 mas for one per micron (Zinn et al. 2019, abstract).
    """
    star = moving()
    blue, red = (
        zero_point(star.g, np.full(N, c), star.ra, star.dec, RECIPE.rng("zero_point"))
        for c in (0.0, 1.0)
    )
    assert (blue - red) == pytest.approx(
        np.full(N, COLOUR_SLOPE * 1.61 / np.pi * np.arctan(0.531)), abs=1e-9
    )
    assert (blue > red).all()
    assert blue.std() == pytest.approx(SKY_RMS, rel=0.25)
    near = zero_point(star.g, star.colour, star.ra, star.dec + 0.1, RECIPE.rng("zero_point"))
    far = zero_point(star.g, star.colour, star.ra, star.dec, RECIPE.rng("zero_point"))
    assert np.abs(near - far).max() < 0.002


def test_the_true_offset_is_what_was_added() -> None:
    noiseless = seen(moving(), without("gaia_errors"))
    np.testing.assert_allclose(noiseless.parallax - 0.5, noiseless.offset, atol=1e-12)
    np.testing.assert_array_equal(seen(moving()).offset, noiseless.offset)
    assert not seen(moving(), QUIET).offset.any()
    np.testing.assert_allclose(seen(moving(), QUIET).parallax, 0.5)


def test_parallaxes_scatter_more_than_stated() -> None:
    star = seen(moving())
    off = star.parallax - 0.5 - star.offset
    core = np.abs(off) < 2.5 * np.median(np.abs(off)) * 1.4826
    stated = np.sqrt(
        np.mean((UNDERESTIMATE * star.parallax_error) ** 2) + SYSTEMATIC**2 - SKY_RMS**2
    )
    assert np.median(np.abs(off)) * 1.4826 == pytest.approx(stated, rel=0.05)
    assert (~core).mean() > 0.02
    assert (np.abs(off) > 5 * stated).mean() == pytest.approx(0.005, abs=0.004)


def test_orbits_are_noise_when_short_motion_when_long_parallax_at_a_year() -> None:
    """A line through a sinusoid of period P >> T leaves rms 1.47 a (T/P)^2;
    a whole orbit leaves a / sqrt 2.
    """
    wobble = np.ones(4)
    periods = (20, 365.25, 20_000, 40_000)
    short, year, long, longer = (orbit_effects(wobble, np.full(4, np.log10(p))) for p in periods)
    assert short.rms[0] == pytest.approx(1 / np.sqrt(2), rel=0.02)
    assert short.parallax[0] < 0.05
    assert short.motion[0] < 0.1
    assert year.parallax[0] == pytest.approx(0.87, abs=0.01)
    assert long.parallax[0] < 0.001
    assert year.rms[0] == pytest.approx(0, abs=1e-6)
    assert long.rms[0] == pytest.approx(1.47 * (668 / 20_000) ** 2, rel=0.05)
    assert long.rms[0] / longer.rms[0] == pytest.approx(4, rel=0.05)
    assert long.motion[0] == pytest.approx(2 * np.pi / (20_000 / 365.25), rel=0.01)
    single = orbit_effects(np.zeros(4), np.full(4, np.nan))
    assert not np.stack(single).any()


def test_ruwe_and_errors_rise_with_the_wobble() -> None:
    stars = [seen(moving(wobble=w, period=150.0)) for w in (0.0, 0.1, 0.4, 1.6)]
    ruwe = [np.median(s.ruwe) for s in stars]
    assert ruwe == pytest.approx(
        [np.hypot(1, w / np.sqrt(2) * 0.957 / 0.3) for w in (0.0, 0.1, 0.4, 1.6)], rel=0.06
    )
    errors = [np.median(s.parallax_error) for s in stars]
    assert np.array(errors) / errors[0] == pytest.approx(np.array(ruwe) / ruwe[0], rel=0.03)
    assert all(np.isfinite(np.stack(s)).all() for s in stars)


def test_an_orbit_of_a_year_falsifies_the_parallax_without_raising_ruwe() -> None:
    star = seen(moving(wobble=0.4, period=365.25), QUIET)
    assert (star.parallax - 0.5).std() == pytest.approx(0.87 * 0.4 / np.sqrt(2), rel=0.03)
    assert np.median(star.ruwe) == pytest.approx(1, abs=0.02)


def sources() -> dict[str, np.ndarray]:
    values = {"parallax": 0.5, "parallax_error": 0.04, "pmra": 0.0, "pmra_error": 0.07,
        "pmdec": 0.0, "pmdec_error": 0.07, "ruwe": 1.0, "phot_g_mean_mag": 14.0,
        "phot_bp_mean_mag": 14.1, "phot_rp_mean_mag": 13.8, "phot_bp_rp_excess_factor": 1.2}  # fmt: skip
    place = {
        "source_id": (np.arange(N, dtype=np.int64) + 1) << 35,
        "ra": np.linspace(10, 350, N),
        "dec": np.full(N, 20.0),
    }
    return place | {name: np.full(N, value) for name, value in values.items()}


def test_some_sources_have_a_position_only_and_some_are_there_twice() -> None:
    every = crowded(sources(), MASK, RECIPE, 0)
    extra = every["source_id"] % (1 << 35)
    assert (np.diff(every["source_id"]) > 0).all()
    own = extra == 0
    assert own.sum() == N
    assert np.isnan(every["parallax"][own]).mean() == pytest.approx(0.012, abs=0.004)
    counts = [(extra == kind).sum() / N for kind in (64, 32, 96)]
    own = sources()
    many = -np.expm1(-expected(own["phot_g_mean_mag"], density(own["ra"], own["dec"])))
    assert 0.2 * many.mean() < counts[0] < many.mean()  # most are too faint to be seen so near
    assert counts[1:] == pytest.approx([0.004, 0.003], rel=0.35)
    for name in ASTROMETRY:
        np.testing.assert_array_equal(
            np.isnan(every[name]), np.isnan(every["parallax"]), err_msg=name
        )


def test_a_near_neighbour_shines_into_bp_and_rp_but_not_into_g() -> None:
    every = crowded(sources(), MASK, RECIPE, 0)
    own = every["source_id"] % (1 << 35) == 0
    changed = every["phot_bp_mean_mag"][own] < 14.1
    assert 0.005 < changed.mean() < 0.10
    assert (every["phot_g_mean_mag"][own] == 14.0).all()
    flux = 10 ** (-0.4 * (every["phot_bp_mean_mag"][own] - 14.1))
    np.testing.assert_allclose(every["phot_bp_rp_excess_factor"][own], 1.2 * flux)


def test_a_close_pair_puts_the_wrong_source_nearer_to_the_target() -> None:
    """Taken back 15.5 yr with its false motion, the star is 0.9 arcsec or more away,
    its faint partner 0.6 at most.
    """
    every = crowded(sources(), MASK, RECIPE, 0)
    partner = np.flatnonzero(every["source_id"] % (1 << 35) == 96)
    star = np.searchsorted(every["source_id"], every["source_id"][partner] - 96)
    star = star[np.isfinite(every["pmra"][star])]
    moved = 15.5e-3 * np.hypot(every["pmra"][star], every["pmdec"][star])
    assert moved.min() > 0.9
    assert (every["phot_g_mean_mag"][partner] > 15.9).all()
    assert (every["ruwe"][star] > 3).all()


def test_special_stars_and_surveys_without_crowding_are_left_alone() -> None:
    plain = crowded(sources(), MASK, without("gaia_matches"), 0)
    assert len(plain["ra"]) == N
    np.testing.assert_array_equal(plain["parallax"], sources()["parallax"])
    alone = crowded(sources(), ~MASK, RECIPE, 0)
    assert len(alone["ra"]) == N


def test_densities_of_the_sky() -> None:
    """Towards the anticentre in the plane 54,000 a square degree, at the pole 4,000; within 5
    arcsec of a star of G 14 there are 0.33 of the first, if all to G 21 are seen.
    """
    anticentre, pole = (
        density(np.array([a]), np.array([d]))[0] for a, d in ((86.40, 28.94), (192.86, 27.13))
    )
    assert anticentre * 3600**2 == pytest.approx(54_000, rel=0.01)
    assert pole * 3600**2 == pytest.approx(4_000, rel=0.02)
    many = expected(np.array([14.0]), np.array([anticentre]))[0]
    assert many == pytest.approx(54_000 / 3600**2 * np.pi * 25, rel=0.01)


def test_pairs_are_one_image_a_disturbed_one_or_two_sources() -> None:
    """Half a magnitude fainter at 0.05, 0.4 and 1.0 arcsec."""
    apart = np.repeat([0.05, 0.4, 1.0], N)
    pair = Pairs(apart, np.full(3 * N, 0.5))
    two = resolved(*pair)
    assert [two[apart == a].mean() for a in (0.05, 0.4, 1.0)] == [0, 0, 1]
    assert not resolved(np.array([0.8]), np.array([5.0])).any()
    rms = disturbance(pair, np.random.default_rng(1))
    assert [np.median(rms[apart == a]) for a in (0.05, 0.4, 1.0)] == pytest.approx(
        [0, 3.0 * 10**-0.2, 0], rel=0.03
    )
    half = Pairs(np.full(N, 0.4), np.full(N, 1.0))
    star, plain = (seen(moving()._replace(pair=p)) for p in (half, None))
    assert np.median(star.ruwe) > 3
    pull = [
        np.median(np.abs(s.parallax - 0.5 - s.offset) / s.parallax_error) for s in (star, plain)
    ]
    assert pull[0] > 1.3 * pull[1]


def test_a_companion_that_is_a_source_takes_its_light_from_g() -> None:
    rows = np.full(N, 1.0)
    every = crowded(sources(), MASK, without("gaia_matches"), 0, pair=Pairs(rows, 0 * rows))
    kind = every["source_id"] % (1 << 35)
    np.testing.assert_allclose(every["phot_g_mean_mag"], 14.0 + 2.5 * np.log10(2))
    assert (kind == 16).sum() == (kind == 0).sum() == N
    plain = without("gaia_matches", "half_resolved")
    assert len(crowded(sources(), MASK, plain, 0, pair=Pairs(rows, 0 * rows))["ra"]) == N


def test_a_missing_star_often_leaves_its_neighbour() -> None:
    every = crowded({k: v[:1] for k, v in sources().items()}, MASK[:1], RECIPE, 0, lost=sources())
    beside = every["source_id"] % (1 << 35) == 64
    assert 0.35 < beside.sum() / N < 0.7
    away = np.abs(every["dec"][beside] - 20) * 3600
    assert away.max() < 5


def test_crowds_and_tails_make_errors_larger_than_stated() -> None:
    star = moving(g=17.0)
    off = [
        (a.parallax - 0.5 - a.offset) / a.parallax_error
        for a in (seen(star, Recipe(1)), seen(star, Recipe(1, frozenset({"gaia_tail"}))))
    ]
    far = [(np.abs(o) > 10).mean() for o in off]
    assert 0.002 < far[0] - far[1] < 0.01
    dense = crowding(star.ra, star.dec) > 0.3
    plain = seen(star).parallax - 0.5 - seen(star).offset
    crowded_error = off[1] * seen(star).parallax_error
    assert np.median((crowded_error / plain)[dense]) == pytest.approx(1.13, abs=0.04)
    assert np.median((crowded_error / plain)[~dense]) == pytest.approx(1.02, abs=0.02)
    shift = seen(star, Recipe(1)).offset - seen(star).offset
    np.testing.assert_allclose(shift, -0.010 * crowding(star.ra, star.dec), atol=1e-12)


def magnitudes(value: float) -> dict[str, np.ndarray]:
    return {band: np.full(N, value) for band in BANDS}


@pytest.mark.parametrize(  # S/N of 10, 7, 5 and 4 in Ks; limits of Cutri et al. (2003)
    ("error", "letter"), [(0.09, "A"), (0.13, "B"), (0.19, "C"), (0.23, "D"), (0.30, "U")]
)
def test_letters_of_2mass_follow_the_errors(error: float, letter: str) -> None:
    ks = 14.3 + 2.5 * np.log10(np.sqrt(error**2 - 0.02**2) / 0.1)
    phot = photometry.twomass(magnitudes(ks), without("photometry_gaps"), 0)
    assert {q[2] for q in phot.flags["ph_qual"]} == {letter}
    assert np.isnan(phot.error["ks"]).all() == (letter == "U")


def test_upper_limits_bad_fits_and_blends_of_2mass() -> None:
    faint = photometry.twomass(magnitudes(16.4), RECIPE, 0)
    limit = np.char.endswith(faint.flags["ph_qual"], "U")
    assert limit.mean() > 0.98
    assert set(faint.mag["ks"][limit]) == {15.4}
    assert np.isnan(faint.error["ks"][limit]).all()
    assert (np.char.endswith(faint.flags["rd_flg"], "0") == limit).all()
    bright = photometry.twomass(magnitudes(12.0), RECIPE, 0)
    letters = np.array([list(q) for q in bright.flags["ph_qual"]])
    assert (letters == "F").mean() == pytest.approx(0.0015, abs=0.0007)
    assert (bright.error["j"][letters[:, 0] == "F"] == 8.888).all()
    assert np.isnan(bright.mag["j"][letters[:, 0] == "X"]).all()
    blended = bright.mag["ks"] < 11.9
    assert 0.003 < blended.mean() < 0.015
    assert (bright.flags["cc_flg"] == "ccc").mean() == pytest.approx(0.0075, abs=0.003)
    assert letters[0].tolist() == ["A"] * 3


def test_the_2mass_table_has_the_archives_columns() -> None:
    phot = photometry.twomass(magnitudes(12.0), RECIPE, 0)
    columns = twomass_columns(
        np.linspace(0, 359, N), np.linspace(-80, 80, N), phot, np.random.default_rng(1)
    )
    assert {"designation", "j_msigcom", "ph_qual", "rd_flg", "bl_flg", "cc_flg"} <= set(columns)
    assert {len(d) for d in columns["designation"]} == {16}
    assert len(columns["ra"]) == pytest.approx(1.02 * N, rel=0.01)


def test_apass_has_gaps_and_errors_of_zero() -> None:
    phot = photometry.apass(magnitudes(14.0), RECIPE, 0)
    error = np.stack(list(phot.error.values()))
    assert (error == 0).mean() == pytest.approx(0.04, abs=0.006)
    assert np.isnan(error).mean() == pytest.approx(0.04, abs=0.006)
    once = (error == 0).any(0)
    scatter = [np.nanstd(phot.mag["v"][rows]) for rows in (once, ~once)]
    assert scatter[0] == pytest.approx(2 * scatter[1], rel=0.1)


@pytest.mark.parametrize(
    "ingredient", ["photometry_errors", "photometry_gaps", "saturation", "gaia_matches"]
)
def test_leaving_one_out_changes_no_draw_of_the_others(ingredient: str) -> None:
    full, less = RECIPE, without(ingredient)
    sky = np.full(N, 90.0), np.full(N, 30.0)
    pairs = [(getattr(photometry, name)(magnitudes(13.0), *(sky if name == "xstps" else ()), r, 0)
              for r in (full, less)) for name in ("gaia", "twomass", "xstps", "apass")]  # fmt: skip
    for one, other in pairs:
        both = one.listed & other.listed
        for band in one.mag:
            same = np.isfinite(one.mag[band]) & np.isfinite(other.mag[band]) & both
            difference = (one.mag[band] - other.mag[band])[same]
            if ingredient in ("photometry_gaps", "gaia_matches"):
                assert np.mean(difference == 0) > 0.95
            elif ingredient == "photometry_errors":
                assert np.std(difference) > 0
            else:
                assert np.ptp(difference) < 1e-9
    assert photometry.apass(magnitudes(14.0), without("photometry_gaps"), 0).error["v"].min() > 0


def test_without_errors_magnitudes_are_true_and_without_gaps_all_are_there() -> None:
    clean = without("photometry_errors", "photometry_gaps", "gaia_matches", "saturation")
    sky = np.full(N, 90.0), np.full(N, 30.0)
    for phot in (
        photometry.gaia(magnitudes(13.0), clean, 0),
        photometry.twomass(magnitudes(13.0), clean, 0),
        photometry.xstps(magnitudes(13.0), *sky, clean, 0),
        photometry.apass(magnitudes(13.0), clean, 0),
    ):
        assert phot.listed.all()
        assert all((mag == 13.0).all() for mag in phot.mag.values())


def test_colours_differ_from_the_isochrones_by_two_hundredths_in_two_ways() -> None:
    teff = np.geomspace(9000, 45_000, 500)
    shift = colour_offsets(teff)
    assert np.abs(shift).max() <= AMPLITUDE + TILT == pytest.approx(0.02)
    assert np.abs(shift).max() > 0.012
    colour = shift[:, BANDS.index("bp")] - shift[:, BANDS.index("rp")]
    assert np.ptp(colour) > 0.015
    parts = np.linalg.svd(shift - shift.mean(0), compute_uv=False)
    assert parts[2] > 0.05 * parts[0]  # more than the sine and cosine of one wave


def test_offsets_can_be_left_out() -> None:
    absolute, teff = np.zeros((5, len(BANDS))), np.geomspace(10_000, 30_000, 5)
    args = absolute, teff, np.zeros(5), np.full(5, 0.01), np.zeros((5, len(BANDS)))
    off, on = photometry.apparent(*args, offsets=False), photometry.apparent(*args)
    assert all((mag == 0).all() for mag in off.values())
    np.testing.assert_allclose(
        np.stack(list(on.values()), axis=1), colour_offsets(teff), atol=1e-12
    )


def labels(recipe: Recipe = RECIPE) -> tuple[np.ndarray, ...]:
    star = np.arange(N)
    return draw_labels(
        star, np.full(N, 15_000.0), np.full(N, 4.0), np.zeros(N), np.full(N, 1e6), recipe, 0
    )


def test_teff_and_logg_err_together_and_some_far() -> None:
    drawn = labels()
    good = drawn.teff > 0
    t, g = np.log(drawn.teff[good] / 15_000), drawn.logg[good] - 4
    core = (np.abs(t) < 3 * TEFF_ERROR) & (np.abs(g) < 0.3)
    assert np.corrcoef(t[core], g[core])[0, 1] == pytest.approx(0.6, abs=0.04)
    assert np.std(t[core]) == pytest.approx(TEFF_ERROR, rel=0.05)
    assert (np.abs(t) > 4 * TEFF_ERROR).mean() == pytest.approx(0.007, abs=0.004)


def test_failed_labels_are_written_as_lamost_writes_them() -> None:
    drawn = labels()
    failed = drawn.teff == SENTINEL
    assert failed.mean() == pytest.approx(0.004, abs=0.002)
    assert all((column[failed] == SENTINEL).all() for column in drawn[1:])
    assert (drawn.teff_err == 0).mean() == pytest.approx(0.004, abs=0.002)
    whole = labels(without("label_gaps"))
    assert len(whole.visit) == N
    assert (whole.teff > 0).all()
    np.testing.assert_array_equal(whole.teff[drawn.visit[~failed]], drawn.teff[~failed])
    assert (labels(without("label_errors", "label_gaps")).logg == 4).all()
