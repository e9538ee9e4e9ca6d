"""Density along a line of sight and the likelihood of a parallax, term by term by plain math."""

import math

import numpy as np
import pytest
import torch

from obcat.kernels.posterior import _moments, by_spectrum
from obcat.kernels.space_density import (
    CLOUDS,
    MIDDLE_NU,
    PLACES,
    arm_share,
    even_places,
    ln_parallax,
    ln_space_density,
    near_arms,
    near_clouds,
    sight,
    zero_point,
)

LEVEL, COS, SIN = -0.7, (0.3, 0.0, 0.1, 0.0), (0.0, -0.2, 0.0, 0.05)
SLOPE, CURVATURE, THIN, THICK, SHARE = 3.0, -1.0, 0.12, 0.8, 0.05  # heights in kpc
HEIGHT, SCATTER = 0.13, 0.4
FALL, FLARE, DUST_FALL = 0.3, 0.1, 0.25  # 1/kpc
ON_ARMS = 1.5  # times the disc between arms
MODEL = {
    "zero_point": np.array([0.04, 0.03, 0.02, 0.01, 0.0, -0.01, -0.02, -0.03]),
    "zero_point_colour": np.array(0.1), "zero_point_sky": np.zeros(PLACES),
    "ln_factor": np.log(1.1), "ln_floor": np.log([0.02, 0.05]), "ln_ruwe": np.log(0.1),
    "ln_tails": np.log(4.0), "ln_wobble": np.log(0.05), "outside": np.array(2.5),
    "density": np.array([SLOPE, CURVATURE, *np.log([THIN, THICK, SHARE]), FALL, FLARE, math.log(ON_ARMS)]),
    "dust_level": np.array(LEVEL), "dust_cos": np.array(COS), "dust_sin": np.array(SIN),
    "dust_sky": np.zeros(CLOUDS),
    "dust_ln_height": np.log(HEIGHT), "dust_ln_scatter": np.log(SCATTER),
    "dust_fall": np.array(DUST_FALL),
}  # fmt: skip
MODULUS = np.array([[8.0, 10.5, 13.0]])


def star(**changes: float):
    given = {
        "ks0": 11.0, "ks0_err": 0.04, "ebv": 0.35, "parallax": 0.8, "parallax_error": 0.04,
        "g_gaia": 12.5, "ruwe": 1.0, "glon": 40.0, "glat": -6.0, "nu_eff": MIDDLE_NU,
        "teff": 12000.0, "logg": 4.0,
    } | changes  # fmt: skip
    return sight(*(np.array([value]) for value in given.values()))


def layers(d: float, longitude: float, latitude: float) -> float:
    """Each as many stars over a place of the plane as without flare."""
    z = abs(d * math.sin(math.radians(latitude)) + 0.02)  # the Sun is 20 pc above the plane
    swell = math.exp(FLARE * outwards(d, longitude, latitude))
    heights = [(1.0, THIN * swell), (SHARE, THICK * swell)]
    return math.log(sum(share * math.exp(-z / height) / height for share, height in heights))


def outwards(d: float, longitude: float, latitude: float) -> float:
    """kpc by which a star is farther from the centre than the Sun, by its place in the plane."""
    flat, turn = d * math.cos(math.radians(latitude)), math.radians(longitude)
    return math.hypot(flat * math.cos(turn) - 8.1, flat * math.sin(turn)) - 8.1


def arms(d: float, longitude: float, latitude: float) -> float:
    flat, turn = d * math.cos(math.radians(latitude)), math.radians(longitude)
    x, y = flat * math.cos(turn) - 8.1, flat * math.sin(turn)
    return math.log(1 + ON_ARMS * float(arm_share(np.array(x), np.array(y))))


def dust(d: float, ebv: float, longitude: float, latitude: float) -> float:
    turn = math.radians(longitude)
    waves = sum(c * math.cos(k * turn) for k, c in enumerate(COS, 1))
    waves += sum(s * math.sin(k * turn) for k, s in enumerate(SIN, 1))
    reach = HEIGHT / abs(math.sin(math.radians(latitude)))
    steps = (np.arange(2000) + 0.5) / 2000 * d
    fall = [math.exp(-s / reach - DUST_FALL * outwards(s, longitude, latitude)) for s in steps]
    expected = math.exp(LEVEL + waves) * d * float(np.mean(fall))
    off = math.log(ebv / expected) / SCATTER
    return -3.5 * math.log(1 + off**2 / 6)  # Student's t of six degrees of freedom


@pytest.mark.parametrize("glat", [-6.0, 0.5, 30.0])
@pytest.mark.parametrize("ebv", [0.35, np.nan])
def test_stars_along_a_line_of_sight(glat, ebv):
    one, bare = star(glat=glat, ebv=ebv), np.array([*MODEL["density"][:-1], -99.0])
    with_arms = ln_space_density(one, MODEL, MODULUS)[0]
    found = ln_space_density(one, MODEL | {"density": bare}, MODULUS)[0]
    for modulus, value, more in zip(MODULUS[0], found, with_arms, strict=True):
        d = 10 ** (0.2 * modulus - 2)
        wanted = SLOPE * math.log(d) + CURVATURE * math.log(d) ** 2 + layers(d, 40.0, glat)
        wanted -= FALL * outwards(d, 40.0, glat)
        wanted += dust(d, ebv, 40.0, glat) if math.isfinite(ebv) else 0.0
        assert value == pytest.approx(wanted, abs=0.02 if math.isfinite(ebv) else 1e-9)
        assert more - value == pytest.approx(arms(d, 40.0, glat), abs=2e-3)  # off a map


def test_a_cloud_reddens_all_stars_behind_it():
    """A field of 0.4 in ln E(B-V) everywhere is 0.4 times the sum of the weights; no other place
    than those near a star counts.
    """
    one = star()
    cloudy = MODEL | {"dust_sky": np.full(CLOUDS, 0.4)}
    more = math.exp(0.4 * one.near.sum())
    for modulus, value in zip(MODULUS[0], ln_space_density(one, cloudy, MODULUS)[0], strict=True):
        d = 10 ** (0.2 * modulus - 2)
        wanted = SLOPE * math.log(d) + CURVATURE * math.log(d) ** 2 + layers(d, 40.0, -6.0)
        wanted += dust(d, 0.35 / more, 40.0, -6.0) - FALL * outwards(d, 40.0, -6.0)
        wanted += arms(d, 40.0, -6.0)
        assert value == pytest.approx(wanted, abs=0.03)
    elsewhere = np.full(CLOUDS, 0.4)
    elsewhere[one.clouds[0].astype(int)] = 0.0
    same = ln_space_density(one, MODEL | {"dust_sky": elsewhere}, MODULUS)
    np.testing.assert_array_equal(same, ln_space_density(one, MODEL, MODULUS))


def test_places_of_clouds_are_even_and_their_field_as_large_everywhere():
    places = even_places(CLOUDS)
    assert np.linalg.norm(places, axis=1) == pytest.approx(1, abs=1e-12)
    rng = np.random.default_rng(0)
    longitude, sin_latitude = rng.uniform(-7, 7, 20_000), rng.uniform(-1, 1, 20_000)
    clouds, near = near_clouds(longitude, sin_latitude)
    assert (near**2).sum(axis=1) == pytest.approx(1, abs=1e-12)
    counts = np.bincount(clouds.astype(int).ravel(), minlength=CLOUDS)
    assert counts.min() > 30  # 80 on average, by chance 9 more or less
    assert counts.max() < 140
    left_out = np.sort(near, axis=1)[:, 0] / near.max(axis=1)
    assert left_out.max() < 0.01
    assert near_clouds(np.array([np.nan]), np.array([0.1]))[1].tolist() == [[0.0] * 24]


def test_places_on_arms_are_read_off_a_map():
    rng = np.random.default_rng(1)
    x, y = rng.uniform(-15.9, 8.0, 5000), rng.uniform(-15.9, 15.9, 5000)
    off = np.abs(near_arms(x, y) - arm_share(x - 8.1, y))
    assert off.mean() < 1e-3
    assert off.max() < 0.05  # where an arm has a kink
    assert near_arms(torch.from_numpy(x), torch.from_numpy(y), torch).numpy() == pytest.approx(
        near_arms(x, y), abs=1e-6
    )
    away = np.array([17.0, -1e9, np.nan]), np.array([0.0, 3.0, 0.0])
    assert near_arms(*away)[:2].tolist() == [0, 0]
    assert np.isfinite(near_arms(*away)).all()


@pytest.mark.parametrize(
    ("given", "floor", "excess", "offset"),
    [
        ({"g_gaia": 12.5}, 0.02, 0.0, 0.01),
        ({"nu_eff": MIDDLE_NU - 0.2}, 0.02, 0.0, -0.01),  # 0.02 mas less for a red star
        ({"nu_eff": np.nan}, 0.02, 0.0, 0.01),
        ({"g_gaia": 13.0}, 0.05, 0.0, 0.005),  # from 13 mag on the other floor
        ({"g_gaia": 11.5, "ruwe": 3.0}, 0.02, 1.8, 0.02),
        ({"g_gaia": 11.5, "ruwe": 30.0}, 0.02, 5.0, 0.02),
        ({"g_gaia": np.nan, "ruwe": np.nan}, 0.05, 0.0, -1 / 300),  # as at 14 mag
    ],
)
def test_a_parallax_at_each_distance(given, floor, excess, offset):
    found = ln_parallax(star(**given), MODEL, MODULUS)[0]
    alike = (1.1 * 0.04) ** 2 + floor**2 + (0.1 * excess) ** 2
    for modulus, value in zip(MODULUS[0], found, strict=True):
        true = 10 ** (2 - 0.2 * modulus)
        off, variance = 0.8 - offset - true, alike + (0.05 * true) ** 2
        wanted = -3.5 * math.log(1 + off**2 / (6 * variance)) - 0.5 * math.log(variance)  # nu = 6
        assert value == pytest.approx(wanted, rel=1e-9)


def test_a_star_from_outside_has_its_own_parallax_and_place_among_others():
    """No zero point, its error as it is, a power law of distance whatever the dust."""
    one = star()._replace(outside=np.ones(1))
    assert zero_point(one, MODEL).tolist() == [0.0]
    d = 10 ** (0.2 * MODULUS[0] - 2)
    assert ln_space_density(one, MODEL, MODULUS)[0] == pytest.approx(2.5 * np.log(d), rel=1e-9)
    off, variance = 0.8 - 1 / d, 0.04**2
    wanted = -3.5 * np.log(1 + off**2 / (6 * variance)) - 0.5 * math.log(variance)
    assert ln_parallax(one, MODEL, MODULUS)[0] == pytest.approx(wanted, rel=1e-9)


def test_no_parallax_says_nothing():
    assert ln_parallax(star(parallax=np.nan), MODEL, MODULUS).tolist() == [[0.0, 0.0, 0.0]]


def test_the_spectrum_says_as_much_in_all_whatever_its_tails():
    """Both parts are normal densities but for 1 / sqrt(2 pi), and share what the model says."""
    off = np.linspace(-30, 30, 60_001)
    for logit in (-40.0, -3.0, 0.0):
        density = by_spectrum(off[None], np.array([[0.3]]), {"logit_wide": np.array(logit)})[0]
        assert density.sum() * (off[1] - off[0]) == pytest.approx(math.sqrt(2 * math.pi), rel=1e-6)
        second = (density * off**2).sum() / density.sum()
        wide = 1 / (1 + math.exp(-logit))
        assert second == pytest.approx(0.3 * (1 - wide + wide * 2.5**2), rel=1e-6)


def test_moments_are_of_the_logarithm_of_kpc():
    """A modulus of 10 is 1 kpc; 0.5 mag are 0.1 dex."""
    modulus = np.linspace(5, 20, 3001)[None]
    density = np.exp(-0.5 * ((modulus - 12.5) / 0.5) ** 2)
    mean, scatter = _moments(modulus, density)
    assert (mean[0], scatter[0]) == (pytest.approx(0.5), pytest.approx(0.1))
