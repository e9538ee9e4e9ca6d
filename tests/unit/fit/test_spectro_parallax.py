"""Networks in the space of the parallax on a made-up sky: recovery, and tests that cannot flatter."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from obcat.fit import spectro_parallax
from obcat.fit.labels import fit_imprint
from obcat.fit.parallax_globals import (
    DUST,
    fit_dust,
    fit_globals,
    fit_labels,
    usual_values,
)
from obcat.fit.spectro_parallax import posterior
from obcat.kernels.luminosity import MEAN, freed_of_dust
from obcat.kernels.posterior import (
    DELTA,
    VEIL,
    VEIL_AT,
    label_terms,
    posterior_distances,
    posterior_magnitudes,
    spectral_magnitude,
)
from obcat.kernels.space_density import SIGHT, SUN_R, arm_share, ln_reddening, sight, zero_point
from obcat.statistics import robust_scatter

PARAMETERS = SimpleNamespace(
    posterior_folds=5,
    posterior_min_stars=300,
    posterior_few_stars=600,
    posterior_max_stars=50000,
    posterior_global_stars=15000,
    posterior_rounds=2,
    posterior_seed=1,
    posterior_hidden_neurons=24,
    posterior_dropout=0.05,
    posterior_epochs=25,
    posterior_warm_epochs=10,
    posterior_batch_size=128,
    posterior_learning_rate=1e-2,
    posterior_warm_learning_rate=3e-3,
    posterior_weight_decay=1e-2,
    posterior_companion_pull=0.05,
    posterior_stray=0.05,
    posterior_far_magnitude=2.0,
    posterior_far_nsigma=3.0,
    posterior_noise_bin=0.5,
    posterior_noise_pairs=20,
    posterior_shift_stars=200,
    posterior_zero_point_error=0.02,
    posterior_zero_point_colour_error=0.15,
    posterior_zero_point_sky_error=0.02,
    posterior_first_floor=0.03,  # the sky has no zero point: all may teach at once
    posterior_outside_slope=3.0,
    posterior_imprint_stars=10**6,
    posterior_global_steps=25,
    posterior_companion_logit=-0.6,
)
N, K, SCATTER = 1000, 4, 0.15
ERRORS = (0.02, 0.15, 0.02)
USUAL = usual_values(ERRORS)[0] | {"label_mk": np.zeros(6)}


def changed(**values):
    return SimpleNamespace(**{**vars(PARAMETERS), **values})


def fixed_list(values):
    flat = pa.array(values.astype(np.float32).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])


def sky(n=N, seed=5, calibration=0.0):
    """(columns, truth): three stars in ten have a companion; each fourth star has a second visit,
    of low S/N; with calibration, by which visits differ besides, half of those of high S/N.
    """
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(n, 2))
    mk = 0.3 + 0.7 * latent[:, 0] + 0.3 * np.tanh(2 * latent[:, 1])
    light = np.where(rng.random(n) < 0.3, rng.uniform(0.1, 0.75, n), 0.0)
    d = rng.gamma(3.0, 0.7, n) + 0.3
    glat = np.degrees(np.arcsin(np.clip(rng.normal(0, 0.08, n) / d, -1, 1)))
    ebv = 0.4 * d * np.exp(rng.normal(0, 0.3, n))
    star = np.concatenate([np.arange(n), np.arange(0, n, 4)])
    uniqflag = np.concatenate([np.ones(n), np.full(len(star) - n, 2)])
    snr = np.where(uniqflag == 1, rng.uniform(40, 150, len(star)), rng.uniform(16, 39, len(star)))
    spread = np.array([7.0, 7.0, 1.0, 0.5])
    usual = VEIL[VEIL_AT == 0][0]  # what a companion does to a spectrum, where Teff is not known
    veil = np.interp(light, [0, *DELTA], [0, *usual])
    shift = np.column_stack([(SCATTER * rng.normal(size=n) + veil) / 0.7, np.zeros(n)])
    if calibration:
        snr = np.where((uniqflag == 2) & (star % 8 == 0), 120.0, snr)
    scatter = np.hypot(1.5 / snr, calibration)
    noise = scatter[:, None] * rng.normal(size=(len(star), K))
    wide = np.column_stack([latent + shift, rng.normal(size=(n, 2))])
    error = rng.choice([0.03, 0.05, 0.08], n)
    columns = {
        "star_id": np.array([f"S{i:05d}" for i in range(n)])[star],
        "score": (wide[star] + noise) * spread,
        "snr_g": snr,
        "fold": np.arange(n)[star] % 5,
        "uniqflag": uniqflag,
        "own_emission": np.where(star % 10 == 0, np.nan, (star % 10 == 1).astype(float)),
        "ks0": (mk - light + 5 * np.log10(d) + 10 + rng.normal(0, 0.03, n))[star],
        "ks0_err": np.full(len(star), 0.03),
        "ebv": ebv[star],
        "parallax": (1 / d + error * rng.normal(size=n))[star],
        "parallax_error": error[star],
        "g_gaia": rng.uniform(9, 16, n)[star],
        "ruwe": np.ones(len(star)),
        "glon": rng.uniform(0, 360, n)[star],
        "glat": glat[star],
        "nu_eff": (1.6 + 0.08 * np.sin(np.arange(n)))[star],
        "teff": np.full(len(star), np.nan),
        "logg": np.full(len(star), np.nan),
        "is_train": np.ones(len(star), bool),
        "loss_weight": np.ones(len(star)),
        "is_outside": np.zeros(len(star), bool),
    }
    order = np.lexsort((columns["uniqflag"], columns["star_id"]))
    truth = {"mk": mk, "light": light, "d": d}
    return (
        {name: values[order] for name, values in columns.items()},
        {name: values[star][order] for name, values in truth.items()},
    )


def fitted(columns, parameters=PARAMETERS):
    columns = columns | {"score": fixed_list(columns["score"])}
    return posterior(pa.table(columns).to_reader, parameters)


def answers(columns, fit):
    spectral = spectral_magnitude(
        columns["score"].astype(np.float32),
        columns["snr_g"],
        columns["fold"],
        columns["own_emission"],
        columns["ebv"],
        columns["teff"],
        **fit.arrays,
    )
    said, seen = spectral[:3], [columns[name] for name in SIGHT]
    return (
        spectral,
        posterior_magnitudes(*said, *seen, **fit.arrays),
        posterior_distances(*said, np.zeros(len(seen[0])), *seen, **fit.arrays),
    )


def ln_likelihood(fit):
    return fit.tables["posterior_rounds"]["ln_likelihood"].to_pylist()


@pytest.fixture(scope="module")
def made():
    columns, truth = sky()
    return columns, truth, fitted(columns)


def test_magnitudes_and_distances_are_found_and_their_intervals_hold(made):
    columns, truth, fit = made
    best = columns["uniqflag"] == 1
    spectral, magnitudes, distances = answers(columns, fit)
    single = best & (truth["light"] == 0)
    off = spectral[0][single] - truth["mk"][single]
    assert abs(np.median(off)) < 0.06
    assert robust_scatter(off) < 1.5 * SCATTER
    inside = (distances[2] <= truth["d"]) & (truth["d"] <= distances[3])
    assert 0.6 < inside[best].mean() < 0.78
    inside = (magnitudes[3] <= truth["mk"]) & (truth["mk"] <= magnitudes[4])
    assert 0.9 < inside[best].mean() < 0.99
    near = best & (columns["parallax"] > 8 * columns["parallax_error"])
    light, faint = (magnitudes[6][near & which] for which in (truth["light"] > 0.4, single))
    assert np.median(light) > np.median(faint) + 0.3


def test_what_a_survey_has_of_single_stars_moves_what_spectra_say(made):
    """Single stars all nearer than their spectra say are fainter, as far as parallaxes tell."""
    columns, truth, fit = made
    model = {name: np.asarray(a) for name, a in fit.arrays.items()}
    shifts = []
    for fainter in (0.0, 0.1):
        moved = columns | {"parallax": columns["parallax"] * 10 ** (0.2 * fainter)}
        moved |= {"score": fixed_list(columns["score"])}
        sample, _ = spectro_parallax._sample(pa.table(moved), PARAMETERS)
        shifts.append(spectro_parallax._shift_of_sample(sample, model, PARAMETERS)["sample_shift"])
    assert shifts[0] == pytest.approx(model["sample_shift"], abs=1e-9)
    many = np.argmin(np.abs(spectro_parallax.CENTRES - np.median(truth["mk"])))
    assert 0.02 < shifts[1][many] - shifts[0][many] < 0.1
    assert shifts[1][0] == pytest.approx(0, abs=1e-3)  # where no star is


def test_the_noise_of_a_spectrum_is_that_of_repeats(made):
    """1.5 / (S/N) in each latent coordinate, 0.7 mag and up to 0.6 mag a unit."""
    (noise,) = set(made[2].tables["posterior_rounds"]["noise"].to_pylist())
    assert 0.9 < noise < 1.9


def test_what_calibration_does_to_bright_visits_too_is_no_noise():
    """0.06 in each coordinate, as much as noise at S/N 25: it would make the noise 1.4 times as
    large, and there are bright pairs that tell.
    """
    columns, _ = sky(calibration=0.06)
    fit = fitted(columns)
    (noise,) = set(fit.tables["posterior_rounds"]["noise"].to_pylist())
    assert 0.8 < noise < 1.6
    faint_alone = (columns["uniqflag"] == 1) | (columns["snr_g"] < 100)
    fewer = {name: values[faint_alone] for name, values in columns.items()}
    (alone,) = set(fitted(fewer).tables["posterior_rounds"]["noise"].to_pylist())
    assert alone > 1.15 * noise


def test_faint_spectra_like_no_other_spoil_no_round():
    """A network says of them whatever it likes; the noise would carry it on, round by round."""
    columns, _ = sky()
    far = np.flatnonzero(columns["uniqflag"] == 1)[:6]
    columns["score"][far] = np.outer([1, 2, 4, 8, 1, 2], [-60.0, -60.0, 0.0, 0.0])
    columns["snr_g"][far] = 20.0
    fit = fitted(columns, changed(posterior_rounds=4))
    assert np.abs(fit.arrays["noise_slope"]).max() < 10
    mk_spec = answers(columns, fit)[0][3]
    assert mk_spec.min() > MEAN[0] - 0.1
    assert mk_spec.max() < MEAN[1] + 0.1


def test_shuffled_spectra_teach_nothing_and_say_so(made):
    columns, truth, fit = made
    order = np.random.default_rng(1).permutation(len(columns["score"]))
    shuffled = columns | {"score": columns["score"][order]}
    blind = fitted(shuffled)
    assert ln_likelihood(blind)[-1] < ln_likelihood(fit)[-1] - 100
    sigma = np.median(answers(shuffled, blind)[0][1])
    assert sigma > 2.5 * np.median(answers(columns, fit)[0][1])
    _, _, distances = answers(shuffled, blind)
    inside = (distances[2] <= truth["d"]) & (truth["d"] <= distances[3])
    assert 0.55 < inside[columns["uniqflag"] == 1].mean() < 0.8


def test_no_star_is_judged_by_a_network_that_saw_its_parallax(made):
    columns, _, _ = made
    once = changed(posterior_rounds=1, posterior_epochs=4)
    spoiled = columns | {"parallax": columns["parallax"] + (columns["fold"] == 2)}
    fits = [fitted(each, once) for each in (columns, spoiled)]
    for name in ("w0", "b2", "v1"):
        same = [np.array_equal(fits[0].arrays[name][k], fits[1].arrays[name][k]) for k in range(5)]
        assert same == [False, False, True, False, False]


def test_same_bytes_whatever_the_threads(made, monkeypatch):
    quick = changed(posterior_epochs=3, posterior_warm_epochs=2)
    fits = []
    for threads in (1, 4):
        monkeypatch.setattr(spectro_parallax, "cpus", lambda threads=threads: threads)
        fits.append(fitted(made[0], quick).arrays)
    assert fits[0].keys() == fits[1].keys()
    assert all(fits[1][name].tobytes() == a.tobytes() for name, a in fits[0].items())


def test_a_planted_zero_point_is_found_by_stars_whose_luminosity_is_known():
    columns, truth = sky(3000, seed=8)
    best = columns["uniqflag"] == 1
    east = np.cos(np.radians(columns["glon"])) * np.cos(np.radians(columns["glat"]))
    planted = 0.02 * east, 0.15 * (columns["nu_eff"] - 1.6)
    columns["parallax"] = columns["parallax"] + 0.03 + sum(planted)
    stars = sight(*(columns[name][best] for name in SIGHT))
    n = int(best.sum())
    rng = np.random.default_rng(2)
    mean = truth["mk"][best] + SCATTER * rng.normal(size=n)
    said = (mean, np.full(n, np.log(SCATTER)), np.full(n, -0.85))
    model, _ = fit_globals(stars, said, USUAL, ERRORS, 40)
    found = zero_point(stars, model)
    assert np.mean(found - sum(planted)[best]) == pytest.approx(0.03, abs=0.008)
    assert model["zero_point_colour"] == pytest.approx(0.15, abs=0.04)
    none = model | {"zero_point": np.zeros(8), "zero_point_colour": np.zeros(())}
    assert np.polyfit(planted[0][best], zero_point(stars, none), 1)[0] == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize(("planted", "low", "high"), [(3.0, 1.5, 6.0), (0.0, 0.0, 0.7)])
def test_stars_on_arms_are_told_from_a_smooth_disc(planted, low, high):
    columns, truth = sky(3000, seed=11)
    turn, flat = np.radians(columns["glon"]), truth["d"] * np.cos(np.radians(columns["glat"]))
    near = arm_share(flat * np.cos(turn) - SUN_R, flat * np.sin(turn))
    rng = np.random.default_rng(4)
    chance = (1 + planted * near) / (1 + planted)
    kept = (columns["uniqflag"] == 1) & (rng.random(len(near)) < chance)
    stars = sight(*(columns[name][kept] for name in SIGHT))
    n = int(kept.sum())
    said = (truth["mk"][kept] + SCATTER * rng.normal(size=n), np.full(n, np.log(SCATTER)))
    model, _ = fit_globals(stars, (*said, np.full(n, -0.85)), USUAL, ERRORS, 30)
    assert low < np.exp(model["density"][-1]) < high


def test_stars_with_emission_have_errors_and_a_shift_of_their_own():
    """Their means are off by three times as much as the networks say, and 0.4 mag too faint."""
    columns, truth = sky(2000, seed=10)
    best = columns["uniqflag"] == 1
    emission = (columns["own_emission"][best] == 1).astype(float)
    stars = sight(*(columns[name][best] for name in SIGHT))._replace(emission=emission)
    off = SCATTER * (1 + 2 * emission) * np.random.default_rng(3).normal(size=len(emission))
    usual = np.full(len(emission), np.log(SCATTER))
    said = (truth["mk"][best] + off + 0.4 * emission, usual, np.full(len(emission), -0.85))
    model, _ = fit_globals(stars, said, USUAL, ERRORS, 40)
    assert -0.4 < model["shift_emission"] < -0.08
    assert abs(model["shift"]) < 0.05
    assert 0.5 < model["ln_emission"] < 1.4
    assert abs(model["ln_scale"]) < 0.25


def test_stars_without_a_parallax_say_nothing_of_it():
    columns, _ = sky(400, seed=9)
    given = columns | {"parallax": np.full(len(columns["ebv"]), np.nan)}
    stars = sight(*(given[name] for name in SIGHT))
    said = (np.zeros(500), np.zeros(500), np.zeros(500))
    assert fit_globals(stars, said, USUAL, ERRORS, 1)[1] == pytest.approx(0, abs=1e-3)


def test_luminous_stars_from_outside_teach_what_the_sample_cannot(made):
    """The bright stars of the sample have no parallaxes worth the name; some from outside do, and
    are 0.6 mag brighter by them. They teach nothing where they do not count.
    """
    columns, truth, _ = made
    bright = truth["mk"] < -0.5
    blind = columns | {"parallax": np.where(bright, 0.0, columns["parallax"])}
    blind |= {"parallax_error": np.where(bright, 5.0, columns["parallax_error"])}
    more, known = sky(400, seed=6)
    chosen = (more["uniqflag"] == 1) & (known["mk"] < -0.5) & (known["light"] == 0)
    given = {name: values[chosen] for name, values in more.items()}
    given |= {"star_id": np.char.replace(given["star_id"], "S", "T")}
    given |= {"parallax": 10**-0.12 / known["d"][chosen], "g_gaia": np.full(chosen.sum(), np.nan)}
    given |= {"parallax_error": np.full(chosen.sum(), 0.01)}
    given |= {"is_outside": np.ones(chosen.sum(), bool)}
    both = {name: np.concatenate([blind[name], given[name]]) for name in blind}
    nothing = both | {"loss_weight": np.where(both["is_outside"], 0.0, 1.0)}
    fits = [fitted(each, changed(posterior_rounds=1)) for each in (blind, both, nothing)]
    alone, taught, untaught = (answers(blind, fit)[0][0] for fit in fits)
    moved = taught - alone
    assert np.median(moved[bright]) < -0.15
    assert abs(np.median((untaught - alone)[bright])) < 0.1
    assert abs(np.median(moved[truth["mk"] > 0.8])) < 0.1
    assert fits[1].tables["posterior_rounds"]["n_stars"][0].as_py() == N + chosen.sum()


def test_few_stars_are_refused_in_one_line_and_some_more_are_warned_of(made):
    columns, _, _ = made
    none = fitted(columns, changed(posterior_min_stars=1001))
    assert none.arrays["w0"].size == 0
    assert none.tables["notes"]["note"].to_pylist() == [
        "best mode: 1,000 stars with a parallax, Ks and E(B-V) to train on, fewer than 1,001: "
        "no luminosities and distances of best mode"
    ]
    quick = changed(posterior_few_stars=1001, posterior_rounds=1, posterior_epochs=1)
    (note,) = fitted(columns, quick).tables["notes"]["note"].to_pylist()
    assert "trained on 1,000 stars, fewer than 1,001" in note


def test_a_big_survey_trains_on_some_of_its_stars(made):
    columns, _, _ = made
    quick = changed(posterior_rounds=1, posterior_epochs=2, posterior_max_stars=500)
    fit = fitted(columns, quick)
    assert fit.tables["posterior_rounds"]["n_stars"].to_pylist() == [500]


def test_what_dust_does_to_spectra_is_taken_off():
    rng = np.random.default_rng(3)
    n, known = 3000, {"teff": 10 ** rng.normal(4.1, 0.08, 3000), "logg": rng.normal(4.0, 0.2, 3000)}
    hotter, ebv = np.log10(known["teff"]) - 4.1, rng.gamma(2.0, 0.2, n)
    score = np.column_stack([20 * hotter, 3 * (known["logg"] - 4), ebv * 0]) + rng.normal(
        0, 0.05, (n, 3)
    )
    seen = score + np.column_stack([0.8 * ebv - 0.1 * ebv**2, 2 * ebv * hotter, 3 * ebv])
    plain, snr = np.arange(n) % 2 == 0, np.full(n, 80.0)
    model = fit_imprint(seen, snr, ebv, **known, plain=plain, least=1500)
    wanted = [[0.8, 0, 3], [-0.1, 0, 0], [0, 2, 0]]
    assert model["imprint"] == pytest.approx(np.array(wanted), abs=0.12)
    ebv[::3] = np.nan  # told by the spectrum itself
    freed = freed_of_dust(seen, ebv, known["teff"], **model)
    assert np.abs(freed - score).max() < 0.2
    none = fit_imprint(seen, snr, ebv, **known, plain=plain, least=1501)
    assert np.array_equal(freed_of_dust(seen, ebv, known["teff"], **none), seen)


def test_a_few_faulty_spectra_tell_nothing_of_dust():
    rng = np.random.default_rng(4)
    n, known = 3000, {"teff": 10 ** rng.normal(4.1, 0.08, 3000), "logg": rng.normal(4.0, 0.2, 3000)}
    ebv, snr, every = rng.gamma(2.0, 0.2, n), rng.uniform(60, 200, n), np.ones(n, bool)
    score = np.column_stack([20 * (np.log10(known["teff"]) - 4.1) + 0.8 * ebv, 3 * ebv])
    score += rng.normal(0, 0.05, (n, 2))
    wanted = np.array([[0.8, 3], [0, 0], [0, 0]])
    ebv[:30] += rng.uniform(1, 2, 30)
    score[:30] = rng.normal(-40, 20, (30, 2))
    found = fit_imprint(score, snr, ebv, **known, plain=every, least=1)
    assert found["imprint"] == pytest.approx(wanted, abs=0.12)
    score[:2000] += rng.normal(0, 2.0, (2000, 2)) - 2 * ebv[:2000, None]
    snr[:2000] = 1.0
    found = fit_imprint(score, snr, ebv, **known, plain=every, least=1)
    assert found["imprint"] == pytest.approx(wanted, abs=0.2)
    unknown = np.where(every, np.nan, snr)
    assert not fit_imprint(score, unknown, ebv, **known, plain=every, least=1)["imprint"].any()


def test_what_labels_say_of_the_luminosity_is_found_beside_stars_of_another_kind():
    rng = np.random.default_rng(9)
    n = 4000
    given = {name: np.full(n, np.nan) for name in SIGHT}
    given |= {"teff": 10 ** rng.uniform(3.98, 4.3, n), "logg": rng.uniform(3.3, 4.5, n)}
    given["teff"][::7] = np.nan
    stars = sight(**given)
    e, h = given["logg"] - 4, np.log10(given["teff"]) - 4.1
    wanted = np.array([0.4, 1.5, -6.0, 0.3, 1.0, 4.0])
    mean = np.column_stack([np.ones(n), e, h, e**2, e * h, h**2]) @ wanted
    mean = mean + rng.normal(0, 0.25, n) + np.where(np.arange(n) % 20 == 1, 4.0, 0.0)
    mean[3::20] = np.nan
    found = label_terms(stars)[stars.labelled == 1] @ (fit_labels(stars, mean)["label_mk"] - wanted)
    assert np.abs(found).max() < 0.06
    nobody = stars._replace(labelled=np.zeros(n))
    assert np.array_equal(fit_labels(nobody, mean)["label_mk"], np.zeros(6))


EVEN = {"noise_m": np.arange(-6.0, 3.0, 0.25), "noise_slope": np.zeros(36)}  # as many at each M


def test_dust_is_found_where_a_survey_has_lost_the_stars_behind_most_of_it():
    """More and more stars towards faint M, of which those are taken that look bright: the mean
    E(B-V) at a distance is then some tenths too small.
    """
    rng, n = np.random.default_rng(6), 20_000
    columns = {name: np.full(n, np.nan) for name in SIGHT}
    columns |= {"glon": rng.uniform(100, 160, n), "glat": rng.uniform(-5, 5, n)}
    d, fine = rng.uniform(0.5, 4, n), np.arange(-6.0, 2.75, 0.01)
    ln_n = np.where(fine < 1.5, 1.2 * (fine - 1.5), -3 * (fine - 1.5))
    m = rng.choice(fine, n, p=np.exp(ln_n) / np.exp(ln_n).sum())
    true = {name: np.array(mean, float) for name, (mean, _) in DUST.items()}
    true["dust_level"] = np.array(0.0)
    expected = ln_reddening(sight(**columns), true, d[:, None])[:, 0]
    ebv = np.exp(expected + 0.3 * rng.standard_t(6, n))
    modulus = 5 * np.log10(d) + 10
    taken = rng.random(n) < 1 / (1 + np.exp(m + modulus + 2.6 * ebv - 14))
    columns |= {"ebv": ebv, "ks0": m + modulus}
    seen = sight(**columns).rows(np.flatnonzero(taken))
    rising = EVEN | {"noise_slope": np.where(EVEN["noise_m"] < 1.5, 1.2, -3.0)}
    off = {}
    for name, model in (("taken as they come", EVEN), ("of their light", rising)):
        found = ln_reddening(seen, fit_dust(seen, d[taken], model), d[taken, None])[:, 0]
        off[name] = np.mean(found - expected[taken])
    assert off["taken as they come"] < -0.09
    assert abs(off["of their light"]) < 0.05


def test_the_layer_of_dust_and_its_clouds_are_found():
    """A field of 0.3 in ln E(B-V), which 8 stars a place tell to a third; without one a smooth
    layer errs by all of it.
    """
    rng, n = np.random.default_rng(4), 4000
    columns = {name: np.full(n, np.nan) for name in SIGHT}
    columns |= {"glon": rng.uniform(100, 160, n), "glat": rng.uniform(-25, 25, n)}
    d = rng.uniform(0.5, 4, n)
    true = {name: np.array(mean, float) for name, (mean, _) in DUST.items()}
    true |= {"dust_sky": rng.normal(0, 0.3, len(true["dust_sky"])), "dust_fall": np.array(0.4)}
    expected = ln_reddening(sight(**columns), true, d[:, None])[:, 0]
    seen = sight(**columns | {"ebv": np.maximum(np.exp(expected + rng.normal(0, 0.1, n)), 0.031)})
    found = fit_dust(seen, d, EVEN)
    off = ln_reddening(seen, found, d[:, None])[:, 0] - expected
    smooth = found | {"dust_sky": np.zeros_like(found["dust_sky"])}
    left = ln_reddening(seen, smooth, d[:, None])[:, 0] - expected
    assert robust_scatter(off) < 0.1
    assert robust_scatter(left) > 0.25
    assert np.exp(found["dust_ln_scatter"]) == pytest.approx(0.1, abs=0.04)
