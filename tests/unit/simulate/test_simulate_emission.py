"""Emission of the simulation: fluxes, profiles,
ratios and colours that can be worked out by hand.
"""

from typing import Any

import numpy as np
import pytest

from obcat.kernels.grid import LIGHT_SPEED, WAVELENGTH
from obcat.simulate import be_discs
from obcat.simulate.be_discs import (
    H_ALPHA,
    LINES,
    SHELL,
    Disc,
    _ring_transform,
    be_fraction,
    brightening,
    draw_discs,
    later,
)
from obcat.simulate.emission import (
    CASE_B,
    NEBULAR,
    Emission,
    Nebula,
    Wind,
    add_emission,
    draw_nebulae,
    draw_winds,
    inside,
    nebular_flux,
    on_days,
)
from obcat.simulate.ingredients import Recipe, taken
from obcat.simulate.lines import FREQUENCY, PIXEL, balmer, paschen, stamped, vacuum
from obcat.simulate.sky import draw_sky

N = 4000
ONE = np.ones((1, len(WAVELENGTH)), dtype=np.float32)


def row(kind: Any, **values: float) -> Any:
    """One row of a tuple of columns, 0 where nothing is said."""
    return kind(**{name: np.array([float(values.get(name, 0.0))]) for name in kind._fields})


def emission(**parts: Any) -> Emission:
    return Emission(
        parts.get("disc", disc()),
        parts.get("nebula", row(Nebula, density=1)),
        parts.get("wind", row(Wind)),
    )


def disc(ew: float = 0.0, **values: float) -> Disc:
    given = {"vsini": 250, "separation": 120, "decrement": 2.5, "period": 1000, "change": np.nan}
    return row(Disc, **given | values, ew=ew)


def added(
    resolution: float = 1800.0, rv: float = 0.0, flux: np.ndarray = ONE, **parts: Any
) -> np.ndarray:
    made = add_emission(flux, ONE, emission(**parts), np.full((1, 3), rv), np.array([resolution]))
    return (made - flux)[0].astype(float)


def integral(spectrum: np.ndarray, centre: float, half: float) -> float:
    near = np.abs(WAVELENGTH - centre) < half
    return float(np.trapezoid(spectrum[near], WAVELENGTH[near]))


@pytest.mark.parametrize(  # air and vacuum: NIST, and SDSS's table of lines
    ("air", "in_vacuum"),
    [(6562.80, 6564.61), (5006.84, 5008.24), (3727.09, 3728.15), (8542.09, 8544.44)],
)
def test_wavelengths_are_those_in_vacuum(air: float, in_vacuum: float) -> None:
    assert vacuum(air) == pytest.approx(in_vacuum, abs=0.02)


def test_series_of_hydrogen() -> None:
    assert (balmer(3), balmer(4), paschen(11), paschen(20)) == pytest.approx(
        (6564.7, 4862.7, 8865.2, 8394.7), abs=0.1
    )
    assert sum(group == "paschen" and 8390 < w < 9100 for w, group, *_ in LINES) == 11


@pytest.mark.parametrize("rv", [-300.0, 0.0, 41.0, 300.0])
@pytest.mark.parametrize("resolution", [1300.0, 1800.0])
def test_a_stamped_line_is_a_gaussian_of_the_instrument(rv: float, resolution: float) -> None:
    flat = np.ones((1, 1, len(FREQUENCY)), dtype=complex)
    line = stamped(np.array([6000.0]), 3 * flat, np.array([rv]), np.array([[resolution]]))[0]
    sigma = np.hypot(6000 / resolution / 2.3548, 6000 * PIXEL / LIGHT_SPEED / np.sqrt(12))
    centre = 6000 * (1 + rv / LIGHT_SPEED)
    expected = 3 * np.exp(-0.5 * ((WAVELENGTH - centre) / sigma) ** 2) / sigma / np.sqrt(2 * np.pi)
    np.testing.assert_allclose(line, expected, atol=0.02 * expected.max())
    assert integral(line, centre, 30) == pytest.approx(3, rel=1e-3)


@pytest.mark.parametrize(
    "values", [{}, {"asymmetry": 0.3}, {"wing": 0.3}, {"vsini": 1.0, "separation": 0.5}]
)
def test_emitted_flux_is_the_equivalent_width(values: dict[str, float]) -> None:
    assert integral(added(disc=disc(10, **values)), H_ALPHA, 45) == pytest.approx(10, rel=0.01)
    assert integral(added(nebula=row(Nebula, ew=7, density=1)), H_ALPHA, 15) == pytest.approx(
        7, rel=0.01
    )
    assert integral(added(wind=row(Wind, ew=4, width=150)), H_ALPHA, 40) == pytest.approx(
        4, rel=0.01
    )


def test_balmer_lines_have_the_decrement_in_flux_and_others_follow_halpha() -> None:
    profile = added(disc=disc(10, decrement=2.0, oxygen=0.1, calcium=0.05))
    assert integral(profile, balmer(4), 30) == pytest.approx(5.0, rel=0.01)
    assert integral(profile, balmer(5), 25) == pytest.approx(2.75, rel=0.01)
    assert integral(profile, vacuum(8446.36), 15) == pytest.approx(1.0, rel=0.01)
    assert integral(profile, vacuum(8542.09), 15) == pytest.approx(0.5, rel=0.02)


def test_a_blue_continuum_makes_the_same_decrement_a_smaller_width() -> None:
    blue = (WAVELENGTH[None] / H_ALPHA) ** -3.0
    made = add_emission(
        blue.astype("f4"),
        blue.astype("f4"),
        emission(disc=disc(10)),
        np.zeros((1, 3)),
        np.full(1, 1800.0),
    )
    width = integral((made[0] / blue[0] - 1).astype(float), balmer(4), 30)
    assert width == pytest.approx(10 / 2.5 * (balmer(4) / H_ALPHA) ** 3, rel=0.02)


def test_the_peaks_stand_where_the_rim_of_the_disc_moves() -> None:
    profile = added(resolution=8000.0, disc=disc(10, separation=200, vsini=300))
    near = np.flatnonzero(np.abs(WAVELENGTH - H_ALPHA) < 12)
    tops = near[1:-1][
        (profile[near[1:-1]] > profile[near[:-2]]) & (profile[near[1:-1]] > profile[near[2:]])
    ]
    assert len(tops) == 2
    velocity = LIGHT_SPEED * (WAVELENGTH[tops] / H_ALPHA - 1)
    np.testing.assert_allclose(velocity, [-200, 200], atol=45)
    assert added(disc=disc(10, separation=2, vsini=5))[near].argmax() == pytest.approx(
        len(near) // 2, abs=1
    )


def test_one_side_is_brighter_by_the_asymmetry() -> None:
    """The half of a ring that recedes carries 1/2 + a/pi of its light,
    if it is 1 + a cos(phi) bright.
    """
    rings = (disc(10, asymmetry=a, separation=200, vsini=220) for a in (0.0, 0.3))
    even, odd = (np.where(WAVELENGTH > H_ALPHA, added(resolution=8000.0, disc=d), 0) for d in rings)
    assert integral(odd - even, H_ALPHA, 30) / 10 == pytest.approx(0.3 / np.pi, rel=0.1)


def test_a_ring_without_rotation_does_not_move() -> None:
    still = _ring_transform(disc(1, separation=0, vsini=0), 1.0)
    assert still[0, 0] == pytest.approx(1)
    assert np.abs(still.imag).max() == 0


def test_the_core_of_a_shell_lies_below_the_continuum_between_two_peaks() -> None:
    photosphere = (ONE * 0.8).astype("f4")
    shell = 0.8 + added(
        flux=photosphere, resolution=1800.0, disc=disc(6, shell=3.5, vsini=330, separation=190)
    )
    core = shell[np.abs(WAVELENGTH - H_ALPHA) < 2].min()
    sides = [shell[np.abs(WAVELENGTH - H_ALPHA - s * 6) < 3].max() for s in (-1, 1)]
    assert core < 0.8
    assert min(sides) > 1
    assert integral(shell - 0.8, H_ALPHA, 45) == pytest.approx(6 - 0.8 * 3.5, rel=0.02)


def test_nebular_ratios_are_those_of_atomic_physics() -> None:
    gas = row(
        Nebula,
        ew=10,
        nitrogen=0.3,
        sulphur=0.2,
        oxygen_3=1.0,
        oxygen_2=2.0,
        helium=0.1,
        density=1.4,
    )
    profile = added(resolution=6000.0, nebula=gas)
    flux = {
        air: integral(profile, vacuum(air), 5)
        for air in (4958.91, 5006.84, 6548.05, 6583.45, 6716.44, 6730.82)
    }
    assert flux[5006.84] / flux[4958.91] == pytest.approx(2.98, rel=0.01)
    assert flux[6583.45] / flux[6548.05] == pytest.approx(3.05, rel=0.01)
    assert flux[6716.44] / flux[6730.82] == pytest.approx(1.4, rel=0.01)
    assert flux[6583.45] == pytest.approx(3.0, rel=0.01)
    assert integral(profile, H_ALPHA, 5) / integral(profile, balmer(4), 5) == pytest.approx(
        2.86, rel=0.01
    )
    assert integral(profile, vacuum(3727.5), 8) == pytest.approx(10 / CASE_B * 2, rel=0.01)


def test_dust_of_the_nebula_weakens_hbeta_by_its_curve() -> None:
    """E(B-V) of 1 makes F(H alpha)/F(H beta) larger by 10^(0.4 (3.66 - 2.36)):
    Fitzpatrick (1999), R of 3.1.
    """
    _, flux = nebular_flux(row(Nebula, ew=1, density=1, reddening=1.0), ONE)
    assert flux[0, 0] / flux[0, 1] / CASE_B == pytest.approx(10 ** (0.4 * 1.24), rel=0.08)
    assert len(NEBULAR) == flux.shape[1]


def test_gas_that_was_subtracted_too_much_is_negative() -> None:
    profile = added(nebula=row(Nebula, ew=-2, density=1))
    assert integral(profile, H_ALPHA, 15) == pytest.approx(-2, rel=0.01)
    assert not emission(nebula=row(Nebula, ew=-2, density=1)).emitting[0]


def test_a_wind_is_to_the_red_and_as_wide_as_its_temperature_says() -> None:
    """400 km/s (FWHM) at 25,000 K, with the 167 km/s of R = 1800 433 km/s; 50 km/s to the red."""
    width = draw_winds(np.full(1, 25_000.0), np.full(1, 2.8), Recipe(1), 0).width[0]
    assert width == pytest.approx(400 / 2.3548, rel=1e-4)
    profile = added(wind=row(Wind, ew=5, width=width))
    speed = (WAVELENGTH / H_ALPHA - 1) * LIGHT_SPEED
    profile = np.where(np.abs(speed) < 2000, profile, 0)
    assert np.average(speed, weights=profile) == pytest.approx(50, abs=2)
    deviation = np.sqrt(np.average((speed - 50) ** 2, weights=profile))
    assert 2.3548 * deviation == pytest.approx(433, rel=0.03)


def test_balmer_lines_of_a_wind_and_those_of_ionised_gas_in_hot_ones() -> None:
    """W of H alpha 5 Angstrom: H beta 1.0, H gamma 0.3; He II 4686 1.5 and N III 1.25 at 34,000 K,
    half of it at 31,000 K.
    """
    cool, warm, hot = (
        added(wind=row(Wind, ew=5, width=100, teff=t)) for t in (28_000, 31_000, 34_000)
    )
    assert integral(cool, balmer(4), 20) == pytest.approx(1.0, rel=0.01)
    assert integral(cool, balmer(5), 20) == pytest.approx(0.3, rel=0.01)
    for centre, half, full in ((vacuum(4685.70), 18, 1.5), (vacuum(4637.4), 18, 1.25)):
        widths = [integral(profile, centre, half) for profile in (cool, warm, hot)]
        np.testing.assert_allclose(widths, [0, full / 2, full], rtol=0.01, atol=1e-3)


def test_be_stars_are_commonest_at_b1_and_not_among_supergiants_or_subdwarfs() -> None:
    teff = np.array([10_000.0, 13_000.0, 24_000.0, 26_000.0, 40_000.0])
    share = be_fraction(teff, np.full(5, 4.0))
    assert share[0] < 0.03 < share[1] < 0.12
    assert (share[2:4] > 0.2).all()
    assert share[4] < 0.05
    assert (be_fraction(np.full(2, 25_000.0), np.array([2.5, 5.5])) == 0).all()


@pytest.fixture(scope="module")
def discs() -> Disc:
    n = 20 * N
    drawn = draw_discs(np.full(n, 25_000.0), np.full(n, 4.0), np.full(n, 450.0), Recipe(1), 0)
    return taken(drawn, np.flatnonzero(drawn.ew))


def test_discs_are_as_many_and_as_strong_as_they_should_be(discs: Disc) -> None:
    assert len(discs.ew) / (20 * N) == pytest.approx(
        be_fraction(np.array([25_000.0]), np.array([4.0]))[0], rel=0.03
    )
    assert discs.ew.min() >= 0.5
    assert 50 < discs.ew.max() <= 60
    assert (discs.shell > 0).mean() == pytest.approx(np.cos(np.radians(SHELL)), rel=0.05)
    assert (discs.shell[discs.inclination < SHELL] == 0).all()


def test_larger_discs_have_closer_peaks(discs: Disc) -> None:
    """Hanuschik et al. (1988): log(dv / 2 v sin i) = -0.32 log EW - 0.20."""
    strong = (discs.ew > 9) & (discs.ew < 11)
    ratio = np.median(discs.separation[strong] / discs.vsini[strong])
    assert ratio == pytest.approx(10 ** (-0.32 - 0.20), rel=0.03)
    weak = discs.ew < 1
    assert np.median(discs.separation[weak] / discs.vsini[weak]) > 1.8 * ratio


def test_infrared_excess_grows_with_wavelength_and_with_halpha(discs: Disc) -> None:
    by_wavelength = brightening(discs, np.array([4400.0, 5500.0, 12_350.0, 16_600.0, 21_600.0]))
    assert (by_wavelength[:, 0] == 0).all()
    assert (np.diff(by_wavelength, axis=1) >= 0).all()
    np.testing.assert_allclose(by_wavelength[:, 1] - by_wavelength[:, 0], discs.reddening)
    np.testing.assert_allclose(by_wavelength[:, -1], discs.excess_ks)
    assert np.corrcoef(np.log(discs.ew), np.log(discs.excess_ks))[0, 1] > 0.8
    assert discs.excess_ks.max() <= 0.6
    assert discs.reddening.max() <= 0.15


def test_a_disc_that_is_lost_is_gone_and_one_that_is_built_was_not_there() -> None:
    lost, built = disc(10, change=-56_000), disc(10, change=56_000)
    before, after = np.array([55_000]), np.array([59_000])
    assert later(lost, before).ew[0] == pytest.approx(10)
    assert later(lost, after).ew[0] < 0.01
    assert later(lost, after).excess_ks[0] < 0.01
    assert later(built, before).ew[0] == 0
    assert later(built, after).ew[0] == pytest.approx(10, rel=1e-3)


def test_discs_and_winds_vary_from_visit_to_visit() -> None:
    one = emission(disc=disc(10, swing=0.2), wind=row(Wind, ew=2, period=20))
    visits = on_days(one, np.zeros(200, dtype=np.int64), np.arange(56_000, 56_200))
    assert 0.1 < np.ptp(np.log(visits.disc.ew)) < 0.41
    assert np.ptp(np.log(visits.wind.ew)) == pytest.approx(0.3, abs=0.02)


def test_nebulae_are_where_the_regions_are_and_faint_stars_show_more_of_them() -> None:
    rosette, nowhere = np.full(N, 206.3), np.full(N, 250.0)
    assert inside(rosette[:1], np.array([-2.1]))[0] == pytest.approx(0.6)
    gas = draw_nebulae(
        rosette, np.full(N, -2.1), np.repeat([11.0, 15.0], N // 2), np.full(N, 0.5), Recipe(2), 0
    )
    assert (gas.ew != 0).mean() == pytest.approx(0.6, abs=0.03)
    assert (gas.ew < 0).mean() == pytest.approx(0.15, abs=0.02)
    bright, faint = gas.ew[: N // 2], gas.ew[N // 2 :]
    assert np.median(faint[faint > 0]) > 5 * np.median(bright[bright > 0])
    away = draw_nebulae(nowhere, np.full(N, 20.0), np.full(N, 13.0), np.full(N, 0.5), Recipe(2), 0)
    assert (away.ew != 0).mean() < 0.01


def test_winds_belong_to_luminous_stars() -> None:
    """log10 W = 0.45 - 1.6 (x - 1.3), x = log g - 4 log (Teff / 10,000 K): at 10,000 K and log g
    1.3 2.82 Angstrom, at 1.95 0.257 times a half, at 2.1 none; an O dwarf none, an O supergiant.
    """
    teff = np.repeat([1e4, 1e4, 1e4, 4e4, 4e4], N)
    logg = np.repeat([1.3, 1.95, 2.1, 3.8, 3.6], N)
    strong, weak, none, dwarf, hot = draw_winds(teff, logg, Recipe(3), 0).ew.reshape(5, N)
    assert np.median(strong) == pytest.approx(2.82, rel=0.05)
    assert np.median(weak) == pytest.approx(0.257 / 2, rel=0.05)
    assert np.std(np.log10(weak)) == pytest.approx(0.3, rel=0.05)
    assert not none.any()
    assert not dwarf.any()
    assert hot.all()
    assert draw_winds(teff, logg - 0.6, Recipe(3), 0).ew.max() == 12


def drawn(*without: str) -> Emission:
    """Emission of N hot, luminous stars, as draw_sky draws it."""
    recipe, star = Recipe(4, frozenset(without)), np.full(N, 25_000.0)
    discs = draw_discs(star, np.full(N, 3.5), np.full(N, 450.0), recipe, 0)
    gas = draw_nebulae(
        np.full(N, 206.3), np.full(N, -2.1), np.full(N, 13.0), np.full(N, 0.5), recipe, 0
    )
    return Emission(discs, gas, draw_winds(star, np.full(N, 3.5), recipe, 0))


@pytest.mark.parametrize("ingredient", ["be_stars", "nebulae", "winds", "disc_light"])
def test_leaving_one_out_changes_no_draw_of_the_others(ingredient: str) -> None:
    full, less = drawn(), drawn(ingredient)
    gone = {"be_stars": less.disc.ew, "nebulae": less.nebula.ew, "winds": less.wind.ew}
    assert not gone.get(ingredient, less.disc.excess_ks).any()
    touched = {"be_stars": {"ew", "shell", "excess_ks", "reddening"},
        "disc_light": {"excess_ks", "reddening"}, "nebulae": {"ew"},
        "winds": {"ew"}}[ingredient]  # fmt: skip
    part = {"nebulae": "nebula", "winds": "wind"}.get(ingredient, "disc")
    for name, one, other in zip(full._fields, full, less, strict=True):
        for field in one._fields:
            if name != part or field not in touched:
                np.testing.assert_array_equal(
                    getattr(one, field), getattr(other, field), err_msg=field
                )


def test_the_light_of_discs_has_a_seed_of_its_own() -> None:
    args = np.full(N, 25_000.0), np.full(N, 4.0), np.full(N, 450.0)
    one, other = (draw_discs(*args, Recipe(1, seeds=seeds), 0) for seeds in ({}, {"disc_light": 9}))
    np.testing.assert_array_equal(one.ew, other.ew)
    assert (one.excess_ks != other.excess_ks)[one.ew > 0].all()


def test_lb1_keeps_its_disc() -> None:
    sky = draw_sky(2, Recipe(5), 0)
    assert sky.emission.disc.ew[0] == be_discs.LB1["ew"] == 12
    assert sky.emission.emitting[0]
    assert sky.vsini_companion[0] == sky.emission.disc.vsini[0] == 300


def test_everything_added_is_finite() -> None:
    sky = draw_sky(300, Recipe(6), 0)
    rows = np.flatnonzero((sky.emission.ew != 0) & np.isfinite(sky.emission.ew))
    level = np.repeat(ONE, len(rows), axis=0)
    visits = on_days(sky.emission, rows, np.full(len(rows), 56_500))
    out = add_emission(level, level, visits, np.zeros((len(rows), 3)), np.full(len(rows), 1800.0))
    assert len(rows) > 15
    assert np.isfinite(out).all()
    assert out.min() > -1
