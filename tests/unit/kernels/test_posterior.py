"""The joint posterior of luminosity, companion and distance against brute force and closed forms."""

import numpy as np
import pytest
import torch

from obcat.kernels.luminosity import Spectral, likelihood_magnitude
from obcat.kernels.posterior import (
    DELTA,
    DIM,
    VEIL,
    ln_kinds,
    posterior_distances,
    posterior_magnitudes,
    spectral_magnitude,
    veil,
)
from obcat.kernels.space_density import (
    CLOUDS,
    KNOTS,
    LN10,
    PLACES,
    ln_parallax,
    ln_space_density,
    sight,
    zero_point,
)

NAN = np.nan
MODEL = {
    "w0": np.zeros((1, 1, 1), np.float32),
    "zero_point": np.linspace(0.02, -0.02, 8),
    "zero_point_colour": np.array(0.1),
    "zero_point_sky": np.zeros(PLACES),
    "ln_factor": np.array(0.1),
    "ln_floor": np.log([0.02, 0.03]),
    "ln_ruwe": np.log(0.1),
    "ln_tails": np.log(4.0),
    "ln_wobble": np.log(0.01),
    "density": np.array([3.0, -1.0, *np.log([0.12, 0.8, 0.05]), 0.35, 0.1, 0.7]),
    "outside": np.array(3.0),
    "label_mk": np.array([0.4, 0.5, -5.0, 0.3, 2.0, -4.0]),
    "logit_other": np.array(-4.0),
    "logit_wide": np.array(-3.0),
    "companion": np.array([0.3, 0.1, 0.0, -0.15, -0.15, -1.6]),
    "dust_level": np.array(-0.7),
    "dust_cos": np.array([0.3, 0.0, 0.1, 0.0]),
    "dust_sin": np.array([0.0, -0.2, 0.0, 0.0]),
    "dust_sky": np.zeros(CLOUDS),
    "dust_ln_height": np.log(0.13),
    "dust_fall": np.array(0.3),
    "dust_ln_scatter": np.log(0.4),
}
NAMES = [
    "spec_mean",
    "spec_sigma",
    "companion_logit",
    "ks0",
    "ks0_err",
    "ebv",
    "parallax",
    "parallax_error",
    "g_gaia",
    "ruwe",
    "glon",
    "glat",
    "nu_eff",
    "teff",
    "logg",
]
# near and well measured, far, negative parallax, no parallax, no E(B-V), a bad RUWE, a wide sigma
STARS = {
    "spec_mean": [0.5, -2.0, -1.0, 0.0, 1.0, 0.3, -3.0],
    "spec_sigma": [0.12, 0.3, 0.15, 0.2, 0.1, 0.5, 0.95],
    "companion_logit": [-0.8, -1.5, 0.0, -0.8, -3.0, 1.0, -0.8],
    "ks0": [10.0, 12.0, 11.5, 12.0, 9.0, 11.0, 12.5],
    "ks0_err": [0.03, 0.05, 0.04, 0.1, 0.02, 0.04, 0.06],
    "ebv": [0.2, 0.8, 0.5, 0.3, NAN, 0.4, 1.2],
    "parallax": [1.3, 0.15, -0.05, NAN, 2.4, 0.9, 0.1],
    "parallax_error": [0.03, 0.05, 0.06, NAN, 0.03, 0.04, 0.05],
    "g_gaia": [10.5, 13.2, 12.6, 13.0, 9.3, 11.8, 14.0],
    "ruwe": [1.0, 1.1, NAN, 1.0, 1.0, 3.0, 1.0],
    "glon": [10.0, 80.0, 180.0, 250.0, 300.0, 120.0, 60.0],
    "glat": [1.0, -3.0, 10.0, 25.0, -60.0, 0.0, 2.0],
    "nu_eff": [1.6, 1.5, 1.65, 1.6, NAN, 1.7, 1.45],
    "teff": [10**4.1, 10**4.2, 10**4.0, NAN, 10**4.1, 4000.0, 50000.0],
    "logg": [4.0, 3.5, 4.4, NAN, 3.8, 5.5, 2.0],
}
# ln odds of a pair, steepness of its light, by hand: the last two beyond 0.25 dex and -0.8, 0.6
PAIRS = [
    (0.0, 0.0),
    (1.6 * -0.5 + 13.2 * 0.1 - 29 * 0.01 + 8.1 * 0.05, 4.7 * -0.5 - 4.7 * 0.1),
    (1.6 * 0.4 - 13.2 * 0.1 - 29 * 0.01 + 8.1 * 0.04, 4.7 * 0.4 + 4.7 * 0.1),
    (0.0, 0.0),
    (1.6 * -0.2, 4.7 * -0.2),
    (1.6 * 0.6 - 13.2 * 0.15 - 29 * 0.0225 + 8.1 * 0.09, 4.7 * 0.6 + 4.7 * 0.15),
    (1.6 * -0.8 + 13.2 * 0.25 - 29 * 0.0625 + 8.1 * 0.2, 4.7 * -0.8 - 4.7 * 0.25),
]
# log g - 4, log Teff - 4.1, and so what stars fainter than that are more likely to have
LABELS = [(0.0, 0.0), (-0.5, 0.1), (0.4, -0.1), None, (-0.2, 0.0), (0.6, -0.15), (-0.8, 0.25)]
USUAL = VEIL[2]  # log Teff of 4.1, or not known
VEILED = [USUAL, VEIL[4], VEIL[0], USUAL, USUAL, VEIL[0], VEIL[6]]
COLUMNS = {name: np.array(values) for name, values in STARS.items()}
FLAT = {k: v for k, v in MODEL.items() if k != "density" and not k.startswith("dust_")}


def ln_odds(i, model, mean):
    """Of a companion's light, beside what the network says of a star."""
    if LABELS[i] is None:
        return PAIRS[i][0]
    e, h = LABELS[i]
    off = mean - np.array([1, e, h, e**2, e * h, h**2]) @ model["label_mk"]
    ends = 1.1 * np.clip(mean - 0.8, 0, 0.6) + 0.5 * np.clip(-0.3 - mean, 0, 0.7)
    return PAIRS[i][0] + (1.2 - 6.0 * h) * np.clip(off, -1, 1) + ends


def magnitudes(model=MODEL, **columns):
    found = posterior_magnitudes(*(COLUMNS | columns).values(), **model)
    names = [
        "mk",
        "mk_low",
        "mk_high",
        "mk_low95",
        "mk_high95",
        "mk_system",
        "p_companion",
        "p_other",
    ]
    return dict(zip(names, found, strict=True))


def distances(model=MODEL, **columns):
    given = [*(COLUMNS | columns).values()]
    offset = np.full(len(given[0]), -0.03)
    found = posterior_distances(*given[:3], offset, *given[3:], **model)
    names = ["dis", "median", "low", "high", "low95", "high95", "logdis", "logdis_err"]
    flat = [f"flat_{name}" for name in names[:6]]
    return dict(zip([*names, *flat, "offset"], found, strict=True))


def brute_force(i, model, step=0.002):
    """Densities of one star by sums over M_s and, for the magnitude, over its error e."""
    c = {name: values[i : i + 1] for name, values in COLUMNS.items()}
    star = sight(*(c[name] for name in NAMES[3:]))
    variance = c["spec_sigma"][0] ** 2 + c["ks0_err"][0] ** 2
    m = np.arange(-12, 6, step)

    def data(m):
        modulus = (c["ks0"][0] - m)[None]
        return (ln_space_density(star, model, modulus) + ln_parallax(star, model, modulus))[0]

    def spectrum(m):
        off, sigma = m - c["spec_mean"][0], np.sqrt(variance)
        wide = 1 / (1 + np.exp(-model["logit_wide"]))
        lit = min(1.3 * sigma, 0.22)
        s = np.sqrt(variance - 0.15 / 0.85 * lit**2)
        parts = [
            (0.85 * (1 - wide), 0.15 / 0.85 * lit, s),
            (0.15 * (1 - wide), -lit, s),
            (wide, 0, 2.5 * sigma),
        ]
        return sigma * sum(w / k * np.exp(-0.5 * ((off - at) / k) ** 2) for w, at, k in parts)

    more_pairs = ln_odds(i, model, c["spec_mean"][0])
    pair = 1 / (1 + np.exp(-c["companion_logit"][0] - more_pairs))
    kinds = np.exp(model["companion"] + PAIRS[i][1] * (DELTA - 0.35))
    kinds /= kinds.sum()
    odds = np.array([1 - pair, *(pair * kinds)])
    more, veil = np.array([0, *DELTA]), np.array([0, *VEILED[i]])
    top = data(m).max()
    parts = [
        w * spectrum(m + a + b) * np.exp(data(m) - top)
        for w, a, b in zip(odds, more, veil, strict=True)
    ]
    errors = c["ks0_err"][0] * np.linspace(-5, 5, 81)
    weight = np.exp(-0.5 * np.linspace(-5, 5, 81) ** 2)
    primary = sum(
        w
        * spectrum(m + b)
        * sum(p * np.exp(data(m - a + e) - top) for p, e in zip(weight, errors, strict=True))
        for w, a, b in zip(odds, more, veil, strict=True)
    )
    return m, sum(parts), primary, [part.sum() for part in parts]


def ends(x, density, shares):
    cumulative = np.cumsum(density)
    return np.interp(np.array(shares) * cumulative[-1], cumulative, x)


@pytest.mark.parametrize("i", range(7))
def test_quadrature_is_brute_force(i):
    m, light, primary, parts = brute_force(i, MODEL)
    found, far = magnitudes(), distances()
    wanted = ends(m, primary, [0.5, 0.16, 0.84, 0.025, 0.975])
    got = [found[name][i] for name in ("mk", "mk_low", "mk_high", "mk_low95", "mk_high95")]
    assert got == pytest.approx(wanted, abs=0.01)
    shining = sum(parts[1:]) - DIM * parts[1]  # more than 0.05 mag
    assert found["p_companion"][i] == pytest.approx(shining / sum(parts), abs=0.005)
    modulus = COLUMNS["ks0"][i] - m
    wanted = 10 ** (0.2 * (COLUMNS["ks0"][i] - ends(m, light, [0.5, 0.84, 0.16])) - 2)
    assert [far[name][i] for name in ("median", "low", "high")] == pytest.approx(wanted, rel=0.004)
    peak = modulus[np.argmax(light * 10 ** (-0.2 * modulus))]
    assert far["dis"][i] == pytest.approx(10 ** (0.2 * peak - 2), rel=0.01)
    mean = (0.2 * modulus - 2) @ light / light.sum()
    assert far["logdis"][i] == pytest.approx(mean, abs=0.002)
    scatter = np.sqrt((0.2 * modulus - 2 - mean) ** 2 @ light / light.sum())
    assert far["logdis_err"][i] == pytest.approx(scatter, rel=0.02)


@pytest.mark.parametrize("i", range(7))
def test_the_share_of_other_stars_is_brute_force(i):
    """Any M from 1.5 +- 2.5 mag, against all pairs; as common as they are, for once."""
    model, step = MODEL | {"logit_other": np.array(0.0)}, 0.002
    m, _, _, parts = brute_force(i, model, step)
    star = sight(*(COLUMNS[name][i : i + 1] for name in NAMES[3:]))

    def data(m):
        modulus = (COLUMNS["ks0"][i] - m)[None]
        return (ln_space_density(star, model, modulus) + ln_parallax(star, model, modulus))[0]

    sigma = np.hypot(COLUMNS["spec_sigma"][i], COLUMNS["ks0_err"][i])
    any_m = np.arange(-6.5, 12, step)
    prior = np.exp(-0.5 * ((any_m - 1.5) / 2.5) ** 2) / 2.5
    other = (prior * np.exp(data(any_m) - data(m).max())).sum()
    wanted = other / (other + sum(parts) / sigma)
    assert magnitudes(model)["p_other"][i] == pytest.approx(wanted, abs=0.03)


def test_a_star_without_parallax_and_place_has_its_spectrum_and_its_odds():
    """As many stars at each distance: n ~ d, a normal M_s becomes one moved by 0.2 ln 10 sigma^2."""
    plain = FLAT | {"logit_wide": np.array(-40.0)}
    columns = {"companion_logit": np.full(7, -40.0), "parallax": np.full(7, NAN)}
    variance = COLUMNS["spec_sigma"] ** 2 + COLUMNS["ks0_err"] ** 2
    centre = COLUMNS["spec_mean"] - 0.2 * LN10 * variance
    far = distances(plain, **columns)
    modulus = 5 * far["logdis"] + 10
    assert modulus == pytest.approx(COLUMNS["ks0"] - centre, abs=0.01)
    assert 5 * far["logdis_err"] == pytest.approx(np.sqrt(variance), rel=0.03)
    assert magnitudes(plain, **columns)["p_companion"] == pytest.approx(0, abs=1e-12)


def test_odds_come_back_where_the_light_says_nothing():
    """Where n falls as steeply as the pairs' light rises, P is the prior's: here n is flat in M."""
    level = FLAT | {"density": np.array([*np.zeros(7), -30.0]), "zero_point": np.zeros(8)}
    columns = {"parallax": np.full(7, NAN), "glat": np.zeros(7), "spec_sigma": np.full(7, 0.02)}
    columns |= {"companion_logit": np.zeros(7), "ks0": np.full(7, -2.0)}
    columns |= {"spec_mean": np.zeros(7), "ks0_err": np.full(7, 0.01)}
    prior = 1 / (1 + np.exp([-ln_odds(i, level, 0.0) for i in range(7)]))
    kinds = np.exp(ln_kinds(sight(*(COLUMNS[name] for name in NAMES[3:])), level))
    shining = prior * (1 - DIM * kinds[:, 0] / kinds.sum(axis=1))
    assert magnitudes(level, **columns)["p_companion"] == pytest.approx(shining, abs=0.01)


def test_a_spectrum_that_says_nothing_leaves_all_to_the_parallax():
    """However wide it is, the grid of such a star lies about its mean, not all on one side."""
    columns = {"spec_mean": np.full(7, 4.5), "spec_sigma": np.full(7, 7.5)}
    columns |= {"parallax": np.full(7, 0.5), "parallax_error": np.full(7, 0.01)}
    columns |= {"ks0": np.linspace(8.0, 14.0, 7)}
    assert distances(**columns)["dis"] == pytest.approx(np.full(7, 2.0), rel=0.15)


def test_veil_is_that_of_the_temperature_of_the_primary():
    """Between two of the table, and beyond its ends, where it changes no more."""
    teff = 10 ** (4.1 + np.array([0.0, 0.08, -0.075, 0.13, 0.9, -0.9]))
    columns = COLUMNS | {"teff": np.append(teff, NAN)}
    stars = sight(*(columns[name] for name in NAMES[3:]))
    by_hand = [VEIL[2], 0.4 * VEIL[3] + 0.6 * VEIL[4], (VEIL[0] + VEIL[1]) / 2]
    by_hand += [(VEIL[4] + VEIL[5]) / 2, VEIL[6], VEIL[0], VEIL[2]]
    assert veil(stars) == pytest.approx(np.array(by_hand), abs=1e-6)
    tensors = stars._replace(hotter=torch.from_numpy(stars.hotter))
    assert veil(tensors, torch).numpy() == pytest.approx(veil(stars), abs=1e-6)


def test_added_light_is_seen_as_a_companion():
    """0.6 mag brighter than spectrum and a good parallax say; the spectrum is 0.1 mag too faint."""
    d = 1 / 1.3
    columns = {name: np.repeat(values[:1], 2) for name, values in COLUMNS.items()}
    columns["ks0"] = 5 * np.log10(d) + 10 + 0.5 - np.array([0.0, 0.6])
    columns["spec_mean"] = columns["spec_mean"] + np.array([0.0, 0.1])
    columns["parallax"] = np.full(2, 1.3 + MODEL["zero_point"][1])
    ordinary, bright = magnitudes(**columns)["p_companion"]
    assert ordinary < 0.2
    assert bright > 0.95
    assert np.ptp(magnitudes(**columns)["mk"]) < 0.2


def test_an_odd_star_is_other():
    columns = {name: np.repeat(values[:1], 2) for name, values in COLUMNS.items()}
    columns["ks0"] = np.array([10.0, 14.0])
    ordinary, faint = magnitudes(**columns)["p_other"]
    assert ordinary < 0.05
    assert faint > 0.95


@pytest.mark.parametrize("missing", ["spec_mean", "ks0", "ks0_err", "glat"])
def test_what_is_needed_and_not_known_gives_nothing(missing):
    lacking = {missing: np.where(np.arange(7) == 2, NAN, COLUMNS[missing])}
    for found in (magnitudes(**lacking), distances(**lacking)):
        unknown = {name: np.flatnonzero(np.isnan(values)) for name, values in found.items()}
        assert all(rows.tolist() == [2] for name, rows in unknown.items() if name != "offset")


def test_a_row_does_not_hang_on_its_neighbours():
    many = {name: np.tile(values, 300) for name, values in COLUMNS.items()}
    for answer in (magnitudes, distances):
        whole = answer(**many)
        for i in (0, 3, 6):
            alone = answer(**{name: values[i : i + 1] for name, values in COLUMNS.items()})
            for name, values in whole.items():
                assert values[i] == values[2093 + i] == alone[name][0], name


def test_zero_point_is_linear_between_its_knots():
    g = np.array([7.0, 8.0, 9.0, 10.75, 18.0, 20.0, NAN])
    z = MODEL["zero_point"]
    wanted = [z[0], z[0], (z[0] + z[1]) / 2, (z[1] + z[2]) / 2, z[7], z[7]]
    assert KNOTS[:3].tolist() == [8, 10, 11.5]
    grey = np.full(7, 1.6)
    assert distances(g_gaia=g, nu_eff=grey)["offset"][:6] + 0.03 == pytest.approx(wanted)


def test_zero_point_hangs_on_the_colour_where_that_is_known():
    redder = distances(nu_eff=COLUMNS["nu_eff"] - 0.2)["offset"] - distances()["offset"]
    assert redder == pytest.approx([-0.02] * 4 + [0] + [-0.02] * 2)


def test_zero_point_of_a_place_is_that_of_its_surroundings_and_as_uncertain_everywhere():
    rng = np.random.default_rng(3)
    columns = {name: np.repeat(values[:1], 400) for name, values in COLUMNS.items()}
    columns |= {
        "glon": rng.uniform(0, 360, 400),
        "glat": np.degrees(np.arcsin(rng.uniform(-1, 1, 400))),
    }
    stars = sight(*(columns[name] for name in NAMES[3:]))
    near = sight(*((columns | {"glat": columns["glat"] * 0.98})[name] for name in NAMES[3:]))
    skies = [MODEL | {"zero_point_sky": rng.normal(0, 0.02, PLACES)} for _ in range(50)]
    level = zero_point(stars, MODEL)
    found = np.stack([zero_point(stars, sky) - level for sky in skies])
    assert found.std() == pytest.approx(0.02, rel=0.1)
    assert found.std(axis=0).max() < 0.03
    close = np.stack([zero_point(near, sky) - level for sky in skies])
    assert np.abs(close - found).max() < 0.01


def test_no_model_no_answer():
    empty = {"w0": np.zeros((0, 0, 0), np.float32)}
    assert np.isnan(np.stack(list(magnitudes(empty).values()))).all()
    assert np.isnan(np.stack(list(distances(empty).values()))).all()
    said = spectral_magnitude(np.zeros((3, 30)), *np.ones((5, 3)), **empty)
    assert np.isnan(np.stack(said)).all()


def test_the_most_likely_magnitude_undoes_the_pull_to_where_stars_are_many():
    """M ~ N(0, 1) seen as x with an error s: the mean is x / (1 + s^2), its scatter 1 / sqrt(1 + s^2)."""
    x, s = np.array([-3.0, 0.5, 2.0]), 0.6
    mean, sigma = x / (1 + s**2), np.full(3, s / np.sqrt(1 + s**2))
    grid = np.linspace(-5, 5, 101)
    model = {"likelihood_m": grid, "likelihood_slope": -grid * (1 + s**2)}
    said = Spectral(mean, sigma, np.zeros(3))
    assert likelihood_magnitude(said, model) == pytest.approx(x)
