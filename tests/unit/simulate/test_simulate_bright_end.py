"""The bright end of the simulated survey: how many luminous stars, where, and their lines."""

from functools import partial

import numpy as np
import pyarrow.parquet as pq
import pytest

from obcat.data import REFERENCE
from obcat.simulate import galaxy
from obcat.simulate.binaries import Binaries, Companion, Orbit, single
from obcat.simulate.dust import BANDS
from obcat.simulate.ingredients import Recipe
from obcat.simulate.isochrones import COLUMNS, FIRST_BAND, PHASES, lattice
from obcat.simulate.light import FINE, templates, weights
from obcat.simulate.lines import (
    GROUPS,
    SCATTER,
    corrected,
    draw_exponents,
    line_exponents,
    supergiant_share,
)
from obcat.simulate.sky import draw_rotation, draw_sky
from obcat.simulate.stars import (
    KS,
    LOGG,
    STRATA,
    TEFF,
    Stars,
    _drawn,
    draw_stars,
    magnitudes,
    overflowing,
)

N = 8000
# M_Ks and stars of 16,000: data/reference/README.md
COUNTS = (
    (-9, 5), (-8, 15), (-7, 40), (-6, 80), (-5, 130), (-4, 250), (-3, 500), (-2, 1800), (-1, 4800),
    (0, 6500),
)  # fmt: skip


@pytest.fixture(scope="module")
def stars() -> Stars:
    return draw_stars(N, Recipe(3), 0)


def exponents(teff: float, logg: float) -> dict[str, float]:
    values = line_exponents(np.array([np.log10(teff)]), np.array([logg]))[0]
    return dict(zip(GROUPS, values.tolist(), strict=True))


def test_exponents_of_a_dwarf_and_of_a_supergiant_are_those_of_the_table() -> None:
    """At 26,000 K log g 3.010 is as near the limit of radiation as 1.35 at 10,000 K."""
    dwarf, supergiant = exponents(26_000, 4.2), exponents(26_000, 1.35 + 4 * np.log10(2.6))
    assert dwarf == pytest.approx(
        {"hydrogen": 1.2, "he1_blue": 1.2295, "he1_5876_7065": 1.44, "he1_6678_7281": 1.92,
         "he2": 1.0, "metals": 1.0}, abs=1e-4)  # fmt: skip
    assert supergiant == pytest.approx(
        {"hydrogen": 1.65, "he1_blue": 3.6, "he1_5876_7065": 3.87, "he1_6678_7281": 6.88,
         "he2": 1.0, "metals": 2.2}, abs=1e-4)  # fmt: skip


def test_exponents_between_are_linear_in_gravity_and_log_teff() -> None:
    """Half-way, log g 3.505: He I blue (1.2295 + 3.6) / 2; at the geometric mean of 26,000 and
    30,000 K He I 5876 of dwarfs (1.44 + 1.71) / 2.
    """
    assert exponents(26_000, 3.50497)["he1_blue"] == pytest.approx(2.4148, abs=2e-4)
    assert exponents(np.sqrt(26_000 * 30_000), 4.0)["he1_5876_7065"] == pytest.approx(1.575)
    assert exponents(7000, 4.5) == pytest.approx(exponents(8000, 4.0))
    assert exponents(48_000, 4.5) == pytest.approx(exponents(40_000, 4.0))


def test_a_hot_dwarf_beyond_the_meeting_of_both_gravities_is_no_supergiant() -> None:
    share = supergiant_share(np.log10(np.full(3, 50_000.0)), np.array([4.5, 4.0, 3.9]))
    np.testing.assert_array_equal(share, [0, 0, 1])


def test_each_pixel_of_a_node_goes_to_the_power_of_its_group() -> None:
    """The node of 20,000 K and log g 4: H gamma to 1.1, He I 5877.2 to 1.5."""
    t = templates()
    node = np.flatnonzero((t.teff == 20_000) & (t.logg == 4) & (t.node_feh == 0))
    power = np.array([[1.1, 1.0, 1.5, 1.0, 1.0, 0.9]])
    out = np.exp(corrected(t.ln_normalised[node], power))[0]
    before = np.exp(t.ln_normalised[node])[0]
    for centre, p in ((4341.7, 1.1), (5877.2, 1.5), (4482.4, 0.9)):
        k = np.argmin(np.abs(FINE - centre))
        assert before[k] < 0.97
        assert out[k] == pytest.approx(before[k] ** p, rel=2e-3)


def test_strengths_scatter_by_a_tenth_in_each_group_by_itself() -> None:
    log_teff, logg = np.full(4000, 4.3), np.full(4000, 3.0)
    draw = partial(draw_exponents, log_teff, logg, chunk=1)
    ln = np.log(draw(Recipe(1)) / line_exponents(log_teff, logg))
    np.testing.assert_allclose(ln.std(axis=0), SCATTER, rtol=0.05)
    np.testing.assert_allclose(np.corrcoef(ln.T), np.eye(len(GROUPS)), atol=0.07)
    assert (draw(Recipe(1), component=1) != draw(Recipe(1))).all()
    exact = draw(Recipe(1, frozenset({"line_scatter"})))
    np.testing.assert_array_equal(exact, line_exponents(log_teff, logg))
    lte = draw(Recipe(1, frozenset({"line_corrections"})))
    np.testing.assert_allclose(np.log(lte), ln, rtol=1e-9, atol=1e-12)
    assert (draw(Recipe(1, frozenset({"line_corrections", "line_scatter"}))) == 1).all()


def test_no_node_stands_in_both_grids_and_none_is_lost() -> None:
    t = templates()
    nodes = np.stack([t.teff, t.logg, t.node_feh], axis=1)
    assert len(np.unique(nodes, axis=0)) == len(nodes) == 281 + 120
    assert [len(n) for n in t.nodes] == [61 + 20, 159 + 80, 61 + 20]


@pytest.mark.parametrize(
    ("teff", "logg", "inside"),
    [(9000, 1.0, True), (9000, 0.7, False), (20_000, 2.3, True), (20_000, 2.0, False),
     (30_000, 3.05, True), (30_000, 2.8, False), (40_000, 3.55, True), (40_000, 3.3, False)],
)  # fmt: skip
def test_spectra_reach_down_to_supergiants(teff: float, logg: float, inside: bool) -> None:
    at = (np.array([v]) for v in (np.log10(teff), logg, 0.0))
    if inside:
        assert weights(*at)[1].sum() == pytest.approx(1)
    else:
        with pytest.raises(ValueError, match="outside the grid"):
            weights(*at)


def on_the_main_sequence(log_age: float) -> tuple[np.ndarray, np.ndarray]:
    """Isochrone columns of solar stars, and by how much (mag) their bands are not MIST's own."""
    grid = lattice()
    at = int(np.argmin(np.abs(grid.feh)))
    raw = pq.read_table(REFERENCE / "isochrones.parquet", filters=[("feh", "=", grid.feh[at])])
    age = np.isclose(raw["log_age"].to_numpy(), log_age)
    raw = raw.filter(age & (raw["phase"].to_numpy() == 0))
    rows = grid.values[at, np.argmin(np.abs(grid.log_age - log_age)), : PHASES[0][1]]
    rows = rows[np.isfinite(rows[:, 0])]
    return rows, rows[:, FIRST_BAND:] - np.stack([raw[b].to_numpy() for b in BANDS], axis=1)


def test_only_magnitudes_of_low_gravity_are_moved_and_towards_the_red() -> None:
    """Above the edge of MIST's table nothing is; below it B - V grows by less than 0.1 mag."""
    rows, moved = on_the_main_sequence(8.0)
    dwarf = (rows[:, TEFF] < np.log10(20_000)) & (rows[:, LOGG] > 3)
    assert dwarf.sum() > 50
    assert not moved[dwarf].any()
    rows, moved = on_the_main_sequence(6.5)
    giant = (rows[:, TEFF] > 4.3) & (rows[:, LOGG] < 3.3)
    reddening = moved[giant, BANDS.index("b")] - moved[giant, BANDS.index("v")]
    assert len(reddening) > 5
    assert (reddening > 0.005).all()
    assert reddening.max() < 0.1


def test_supergiants_are_as_bright_as_the_table_says() -> None:
    """One row of the table by hand, 10,000 K and log g 1.5: B - V and BC of isochrone points near
    it, with L as they have it.
    """
    table = pq.read_table(REFERENCE / "bolometric_corrections_lowg.parquet")
    node = {name: table[name].to_numpy() for name in table.column_names}
    k = np.flatnonzero((node["teff"] == 10_000) & (node["logg"] == 1.5) & (node["feh"] == 0))[0]
    rows = lattice().values[int(np.argmin(np.abs(lattice().feh)))].reshape(-1, len(COLUMNS))
    near = rows[(np.abs(rows[:, TEFF] - 4) < 0.015) & (np.abs(rows[:, LOGG] - 1.5) < 0.1)]
    assert len(near) > 5
    for band in ("b", "v", "ks"):
        bc = 4.74 - 2.5 * near[:, COLUMNS.index("log_l")] - near[:, COLUMNS.index(band)]
        assert np.median(bc) == pytest.approx(node[f"bc_{band}"][k], abs=0.03)


def test_the_sample_has_as_many_of_each_magnitude_as_the_table(stars: Stars) -> None:
    """Counts within four times Poisson's error; 1.5 % brighter than -4; 1.5 % O stars."""
    ks, teff = stars.primary[:, KS], 10 ** stars.primary[:, TEFF]
    for faint, number in COUNTS:
        expected = number * N / 16_000
        found = ((ks > faint) & (ks <= faint + 1)).sum()
        assert abs(found - expected) < 4 * np.sqrt(expected) + 1, faint
    assert (ks < -4).sum() == pytest.approx(135, abs=4 * np.sqrt(135))
    assert (teff > 30_000).sum() == pytest.approx(127, abs=4 * np.sqrt(127))
    assert -9 < ks.min() < -7.5
    assert 0.9 < stars.primary[:, LOGG].min() < 1.6


def test_luminous_stars_lie_inside_the_spectra_far_away_behind_dust(stars: Stars) -> None:
    weights(stars.primary[:, TEFF], stars.primary[:, LOGG], stars.spectrum_feh)
    bright = stars.primary[:, KS] < -4
    assert 10 ** stars.primary[bright, TEFF].min() > 8000
    g = magnitudes(stars.primary, stars.binaries)[:, 0] + 5 * np.log10(stars.distance) + 10
    g += galaxy.A_G * stars.ebv
    assert ((g > 7.9) & (g < 17.5)).all()
    assert np.median(stars.distance[bright]) > 1.5 * np.median(stars.distance[~bright])
    assert np.median(stars.ebv[bright]) > 0.6


def test_points_of_supergiants_are_spread_over_magnitude_and_temperature() -> None:
    """By lifetime nine in ten of these would be hotter than 20,000 K."""
    stratum = next(s for s in STRATA if s.brightest == -6 and s.window.coolest == 8000)
    rows = _drawn(600, "star", stratum, Recipe(2), (0, 9)).primary
    for column, edges in ((KS, [-6, -5.5, -5]), (TEFF, np.log10([8e3, 12.43e3, 19.31e3, 30e3]))):
        share = np.histogram(rows[:, column], edges)[0] / 600
        np.testing.assert_allclose(share, 1 / len(share), atol=0.12)


def test_the_ingredient_left_out_leaves_what_lives_and_is_seen() -> None:
    model = draw_stars(N, Recipe(3, frozenset({"bright_end"})), 0).primary
    assert 3 < (model[:, KS] < -4).sum() < 30
    assert (model[:, TEFF] > np.log10(30_000)).mean() < 0.008


def pair(logg: float, log_period: float, eccentricity: float = 0.0) -> np.ndarray:
    """Whether a star of 10 solar masses with an equal companion overflows."""
    primary = np.zeros((1, len(COLUMNS)))
    primary[0, :2], primary[0, LOGG] = 10.0, logg
    one = np.ones(1)
    orbit = Orbit(log_period * one, eccentricity * one, 0 * one, 0 * one, 0 * one)
    light = np.zeros((1, len(BANDS)))
    second = Companion(one, primary, light, orbit)
    return overflowing(primary, Binaries(second, single(1).third))


def test_a_supergiant_has_no_companion_within_its_roche_lobe() -> None:
    """10 + 10 solar masses in 100 d are 1.144 AU apart; Eggleton's lobe is 0.379 of it, 93.3 solar
    radii; a star of 10 solar masses with log g 1.5 has 93.1, with 1.49 94.2.
    """
    assert not pair(1.50, 2.0)[0]
    assert pair(1.49, 2.0)[0]
    assert pair(1.50, 2.0, eccentricity=0.1)[0]
    assert not overflowing(np.ones((1, len(COLUMNS))), single(1))[0]


def test_supergiants_turn_slowly_and_keep_their_companions_light() -> None:
    recipe = Recipe(6)
    stars = draw_stars(4000, recipe, 1)
    vsini = draw_rotation(stars, recipe, 1)[0]
    low, dwarf = stars.primary[:, LOGG] < 2.3, stars.primary[:, LOGG] > 3.9
    assert 20 < np.mean(vsini[low]) < 90 < np.mean(vsini[dwarf])
    bright = stars.primary[:, KS] < -4
    light = stars.binaries.light[bright, BANDS.index("ks")]
    ratio = light / 10 ** (-0.4 * stars.primary[bright, KS])
    assert 0.3 < stars.binaries.is_binary[bright].mean() < 0.98
    assert ((ratio >= 0) & (ratio < 1.5)).all()
    assert (ratio > 0.01).any()


def test_the_sky_holds_exponents_of_all_three_stars() -> None:
    sky = draw_sky(200, Recipe(8), 1)
    assert sky.exponents.shape == (200, 3, len(GROUPS))
    assert np.isfinite(sky.exponents[:, 0]).all()
    second = np.isfinite(sky.stars.binaries.companion[:, TEFF])
    np.testing.assert_array_equal(np.isfinite(sky.exponents[:, 1]).all(axis=1), second)
