"""Luminosity from spectrum and parallax: networks that never saw the star they judge, in rounds
with what all stars share.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from obcat.arrow import float_array, list_array
from obcat.fit import Fit, from_rows
from obcat.fit.labels import fit_imprint
from obcat.fit.parallax_globals import (
    CALIBRATION,
    fit_dust,
    fit_globals,
    fit_labels,
    mean_distance,
    usual_values,
)
from obcat.fit.parallax_network import COARSE, Lesson, Plan, tables_of, train_networks
from obcat.kernels.luminosity import (
    LAYERS,
    REFERENCE_SNR_G,
    apart,
    calibrated,
    freed_of_dust,
    freed_of_noise,
    noise_variance,
    out_of_fold,
)
from obcat.kernels.posterior import densities, pair_odds
from obcat.kernels.space_density import SIGHT, Sight, ln_space_density, sight
from obcat.machine import cpus
from obcat.statistics import robust_scatter

__all__ = ["posterior"]

FAINT_VISIT = (15.0, 40.0)  # S/N of the visits that teach the noise
FEWEST_PAIRS = 100  # of visits of high S/N that tell what is no noise
LEAST_SLOPE = 0.5  # share of the scatter of faint visits that is noise at least
LEAST_GAIN = 5.0  # of ln L, else the rounds end
BIN = 0.2  # mag
EDGES = np.arange(-11.0, 6.0, BIN)  # mag
CENTRES = EDGES[:-1] + 0.5 * BIN
FARTHEST = 4.0  # sigma
STEEPEST = 3.0  # of ln n per mag: steeper are only places that the Galaxy does not reach
FALLS = -0.7  # of ln n per mag, at most: where the sample ends. Chosen on SIMULATED surveys
NUMBERS = ("snr_g", "fold", "uniqflag", "loss_weight")
ROUNDS = pa.schema(
    [("round", pa.int16()), ("n_stars", pa.int32())]
    + [(name, pa.float64()) for name in ("ln_likelihood", "noise")]
)
GLOBALS = pa.schema(
    [("round", pa.int16()), ("parameter", pa.string()), ("place", pa.int16())]
    + [(name, pa.float64()) for name in ("value", "prior_mean", "prior_width")]
)
NOTES = pa.schema([("model", pa.string()), ("note", pa.string())])

Floats = np.ndarray[Any, Any]
Arrays = dict[str, Floats]


class _Sample(NamedTuple):
    """Spectra of all visits, their best ones first of each star.

    score (n, k), snr_g, fold, star (n,) number of the star, best (n,) whether it is the best
    spectrum of its star, is_train (n,), loss_weight (n,); stars : of all rows
    """

    score: Floats
    snr_g: Floats
    fold: Floats
    star: Floats
    best: Floats
    is_train: Floats
    loss_weight: Floats
    stars: Sight


class _Round(NamedTuple):
    """A round, what it found, ln L of the stars by networks that did not see them."""

    model: Arrays
    ln_likelihood: float
    n_stars: int


def posterior(read: Callable[[], pa.RecordBatchReader], parameters: Any) -> Fit:
    """Networks of every fold and what all stars share.

    Parameters
    ----------
    read : rows, one a spectrum, ordered by star_id, the best one of a star first: star_id, score
        FLOAT[k], snr_g, fold (from 0), uniqflag, own_emission, loss_weight (how much the star
        counts in the loss of the networks), is_train and is_outside BOOLEAN, and the columns that
        ``kernels.space_density.sight`` takes
    parameters : the numbers of the method whose names begin with posterior_

    Returns
    -------
    arrays of ``kernels.posterior`` and ``kernels.space_density``; w0 of length zero where fewer
    than ``posterior_min_stars`` best spectra are to train on. Tables posterior_rounds,
    posterior_globals, notes.
    """
    sample, imprint = _sample(read().read_all(), parameters)
    training = np.flatnonzero(sample.best & sample.is_train)
    own = int((sample.stars.outside[training] == 0).sum())
    note = _note(own, parameters)
    if own < parameters.posterior_min_stars:
        return Fit({"w0": np.zeros((0, 0, 0), np.float32)}, _tables([], parameters, note))
    done: list[_Round] = []
    for model, ln_likelihood in _rounds(sample, training, parameters):
        done.append(
            _Round(model, ln_likelihood, min(len(training), parameters.posterior_max_stars))
        )
    model = done[-1].model
    arrays = model | imprint | _slope_of_means(sample, model)
    arrays |= _shift_of_sample(sample, model, parameters)
    return Fit({name: np.asarray(a) for name, a in arrays.items()}, _tables(done, parameters, note))


def _note(n: int, parameters: Any) -> str | None:
    """What a reader must know of a survey with few stars; None where there is nothing."""
    if n < parameters.posterior_min_stars:
        return (
            f"best mode: {n:,} stars with a parallax, Ks and E(B-V) to train on, fewer than "
            f"{parameters.posterior_min_stars:,}: no luminosities and distances of best mode"
        )
    if n < parameters.posterior_few_stars:
        return (
            f"best mode: trained on {n:,} stars, fewer than {parameters.posterior_few_stars:,}: "
            "its intervals are some ten points in a hundred too short"
        )
    return None


def _sample(table: pa.Table, parameters: Any) -> tuple[_Sample, Arrays]:
    """The spectra, freed of dust, and what dust does to them."""
    numbers = {name: float_array(table[name]) for name in (*SIGHT, *NUMBERS)}
    _, star = np.unique(table["star_id"].to_numpy(), return_inverse=True)
    outside = float_array(table["is_outside"])
    emission = float_array(table["own_emission"])
    first = (numbers["uniqflag"] == 1) & (outside == 0) & (emission == 0)
    score = list_array(table["score"])
    snr, ebv, teff, logg = (numbers[name] for name in ("snr_g", "ebv", "teff", "logg"))
    imprint = fit_imprint(score, snr, ebv, teff, logg, first, parameters.posterior_imprint_stars)
    sample = _Sample(
        freed_of_dust(score, ebv, teff, **imprint),
        snr,
        numbers["fold"],
        star,
        numbers["uniqflag"] == 1,
        table["is_train"].to_numpy().astype(bool),
        numbers["loss_weight"],
        sight(*(numbers[name] for name in SIGHT))._replace(
            outside=outside, emission=(emission == 1).astype(float)
        ),
    )
    return sample, imprint


def _rounds(sample: _Sample, training: Floats, parameters: Any) -> Iterator[tuple[Arrays, float]]:
    """The model after each round and ln L of the stars by networks that did not see them."""
    model = usual_values(_errors(parameters))[0] | _scales(sample, training)
    model |= {"outside": np.array(parameters.posterior_outside_slope), "label_mk": np.zeros(6)}
    training = _thinned(sample, training, parameters.posterior_max_stars)
    own = training[sample.stars.outside[training] == 0]
    judged = _thinned(sample, own, parameters.posterior_global_stars)
    weights: list[Arrays] | None = None
    best = -np.inf
    for turn in range(parameters.posterior_rounds):
        near = {} if turn else {"ln_floor": np.log([parameters.posterior_first_floor] * 2)}
        weights = _trained(sample, training, model | near, weights, turn, parameters)
        model = model | {n: np.stack([w[n] for w in weights]) for n in LAYERS}
        model = model | _of_networks(sample, own, model, parameters)
        model, ln_likelihood = _shared(sample, judged, model, parameters)
        last = turn == parameters.posterior_rounds - 1 or ln_likelihood < best + LEAST_GAIN
        if not turn:
            model = model | _repeat_noise(sample, model, parameters)
        if not last:
            model = model | _slope_of_density(sample, training, model, parameters)
        yield model, ln_likelihood
        if last:
            return
        best = ln_likelihood if turn else -np.inf
        model = model | {name: np.zeros_like(model[name]) for name in CALIBRATION}


def _scales(sample: _Sample, training: Floats) -> Arrays:
    """Scores less their mean over one constant, so that they keep their proportions."""
    score = sample.score[training[sample.stars.outside[training] == 0]].astype(float)
    scales = {"centre": score.mean(axis=0), "width": score.std(axis=0).max()}
    none = np.zeros(len(CENTRES))
    noise = {"noise": np.zeros(()), "noise_m": CENTRES, "noise_slope": none}
    noise |= {"noise_at": none, "network_at": none}
    return scales | noise


def _thinned(sample: _Sample, rows: Floats, most: int) -> Floats:
    """At most so many of the rows, evenly: they come in the order of star_id, a position."""
    return rows if len(rows) <= most else rows[np.arange(most) * len(rows) // most]


def _seen(sample: _Sample, rows: Floats, model: Arrays) -> tuple[Sight, Floats, Any]:
    """The stars of some spectra, the noise of the spectrum in the variance; how far it draws the
    mean (n,), mag; what networks that did not see them say, None before there are any.
    """
    stars = sample.stars.rows(rows)
    if "w0" not in model:
        return stars, np.zeros(len(rows)), None
    raw = out_of_fold(sample.score[rows], sample.snr_g[rows], sample.fold[rows], model)
    said = freed_of_noise(raw, sample.snr_g[rows], model)
    noise = noise_variance(raw[0], sample.snr_g[rows], model)
    return stars._replace(variance=stars.variance + noise), said[0] - raw[0], said


def _trained(
    sample: _Sample,
    training: Floats,
    model: Arrays,
    before: list[Arrays] | None,
    turn: int,
    parameters: Any,
) -> list[Arrays]:
    """One network a fold, from the stars of all other folds."""
    lesson = _lesson(sample, training, model | {"network_at": np.zeros(len(CENTRES))})
    folds = range(parameters.posterior_folds)
    others = [np.flatnonzero(sample.fold[training] != k) for k in folds]
    seeds = [parameters.posterior_seed + 1000 * turn + 10 * k for k in folds]
    plan = _plan(len(training), turn, parameters)
    return train_networks(lesson, others, seeds, plan, before, cpus())


def _plan(n: int, turn: int, parameters: Any) -> Plan:
    warm = "warm_" if turn else ""
    return Plan(
        hidden=parameters.posterior_hidden_neurons,
        dropout=parameters.posterior_dropout,
        epochs=getattr(parameters, f"posterior_{warm}epochs"),
        batch=min(parameters.posterior_batch_size, max(n // 16, 32)),
        rate=getattr(parameters, f"posterior_{warm}learning_rate"),
        decay=parameters.posterior_weight_decay,
        pull=parameters.posterior_companion_pull,
        usual=parameters.posterior_companion_logit,
        stray=0.0 if turn else parameters.posterior_stray,
        far=(parameters.posterior_far_magnitude, parameters.posterior_far_nsigma),
    )


def _lesson(sample: _Sample, rows: Floats, model: Arrays) -> Lesson:
    x = (sample.score[rows] - model["centre"]) / model["width"]
    wide = np.column_stack([x, np.log(sample.snr_g[rows] / REFERENCE_SNR_G)])
    stars, drawn, said = _seen(sample, rows, model)
    odds = pair_odds(stars, 0.0 if said is None else said[0], model)
    rare = 1 / (1 + np.exp(-model["logit_other"]))
    weight = sample.loss_weight[rows]
    tables = tables_of(stars, model)
    about = None if said is None else said[0]
    shared = odds, COARSE, tables, float(rare), about
    return Lesson(x, wide, drawn, stars.variance, weight, *shared)


def _shared(sample: _Sample, rows: Floats, model: Arrays, parameters: Any) -> tuple[Arrays, float]:
    """Dust, then everything else that the stars share; and ln L."""
    stars, _, said = _seen(sample, rows, model)
    model = model | fit_labels(stars, said[0])
    model = model | fit_dust(stars, mean_distance(stars, said, model), model)
    return fit_globals(stars, said, model, _errors(parameters), parameters.posterior_global_steps)


def _errors(parameters: Any) -> tuple[float, float, float]:
    """Of the zero point at a given G, of its slope with colour, at a given place."""
    names = ("error", "colour_error", "sky_error")
    g, colour, sky = (getattr(parameters, f"posterior_zero_point_{name}") for name in names)
    return g, colour, sky


def _repeat_noise(sample: _Sample, model: Arrays, parameters: Any) -> Arrays:
    """noise, mag at S/N 1: scatter between a visit of low S/N and the best one of its star, over
    the error that one would have at S/N 1, without what visits of high S/N are apart by too (their
    calibration); noise_at, the same against M, smoothed, the usual one where few stars are; none
    where no star was seen twice.
    """
    mean, _, _ = out_of_fold(sample.score, sample.snr_g, sample.fold, model)
    best = np.full(sample.star.max() + 1, -1)
    best[sample.star[sample.best]] = np.flatnonzero(sample.best)
    mate = best[sample.star]
    off, inverse = mean - mean[mate], sample.snr_g**-2.0 + sample.snr_g[mate] ** -2.0
    again = ~sample.best & (mate >= 0) & np.isfinite(off) & (sample.snr_g > FAINT_VISIT[0])
    faint = again & (sample.snr_g < FAINT_VISIT[1])
    if not faint.any():
        return {}
    slope, common = _by_noise(off, inverse, faint, again & ~faint)
    square = (off[faint] ** 2 - common) / inverse[faint]
    at = _against(mean[mate[faint]], square, slope, parameters)
    return {"noise": np.array(np.sqrt(slope)), "noise_at": at}


def _by_noise(off: Floats, inverse: Floats, faint: Floats, bright: Floats) -> tuple[float, float]:
    """Square of the scatter of pairs for each 1 / (S/N)^2, and what is there without noise."""
    far, noisy = np.median(inverse[faint]), robust_scatter(off[faint]) ** 2
    if np.count_nonzero(bright) < FEWEST_PAIRS:
        return float(noisy / far), 0.0
    near, quiet = np.median(inverse[bright]), robust_scatter(off[bright]) ** 2
    slope = max((noisy - quiet) / (far - near), LEAST_SLOPE * noisy / far)
    return float(slope), float(max(quiet - slope * near, 0.0))


def _of_networks(sample: _Sample, rows: Floats, model: Arrays, parameters: Any) -> Arrays:
    """network_at, mag: how far a network is off for the stars that it learnt from, against M."""
    mean, square = apart(sample.score[rows], sample.snr_g[rows], sample.fold[rows], model)
    return {"network_at": _against(mean, square, float(np.median(square)), parameters)}


def _against(mean: Floats, square: Floats, usual: float, parameters: Any) -> Floats:
    """(g,) root of the mean square at ``CENTRES``, smoothed; the usual one where few stars are."""
    near, pairs = _near(mean, parameters), parameters.posterior_noise_pairs
    most = np.minimum(square, FARTHEST**2 * usual)
    return np.sqrt(np.maximum(near @ most + pairs * usual, 0.0) / (near.sum(1) + pairs))


def _near(mean: Floats, parameters: Any) -> Floats:
    """(g, n) weights of stars of these means at ``CENTRES``."""
    return np.exp(-0.5 * ((CENTRES[:, None] - mean) / parameters.posterior_noise_bin) ** 2)


def _slope_of_density(sample: _Sample, training: Floats, model: Arrays, parameters: Any) -> Arrays:
    """noise_slope, d ln n / dM of stars in a volume: that of the means of all stars of the sample,
    and what it has less because the bright ones are seen farther.
    """
    rows = training[sample.stars.outside[training] == 0]
    stars, said = sample.stars.rows(rows), _seen(sample, rows, model)[2]
    modulus = (stars.magnitude - said[0])[:, None] + np.array([-BIN, BIN])
    ends = ln_space_density(stars, model, modulus)
    rises = np.clip((ends[:, 1] - ends[:, 0]) / (2 * BIN), -STEEPEST, STEEPEST)
    near = _near(said[0], parameters)
    mean = (near @ rises + rises.mean()) / (near.sum(1) + 1)
    return {"noise_slope": np.maximum(_slope(said[0]) + mean, FALLS)}


def _slope_of_means(sample: _Sample, model: Arrays) -> Arrays:
    """d ln N / dM of the means of all stars of the sample."""
    best = np.flatnonzero(sample.best & (sample.stars.outside == 0))
    said = out_of_fold(sample.score[best], sample.snr_g[best], sample.fold[best], model)
    mean = calibrated(said, sample.snr_g[best], sample.stars.emission[best], model).mean
    return {"likelihood_m": CENTRES, "likelihood_slope": _slope(mean)}


def _shift_of_sample(sample: _Sample, model: Arrays, parameters: Any) -> Arrays:
    """sample_shift (g,), mag: how much fainter single stars are, with all that is known of them,
    than spectra say at ``CENTRES`` of stars in a volume: a survey has those of some distances.
    """
    best = np.flatnonzero(sample.best & (sample.stars.outside == 0) & (sample.stars.emission == 0))
    best = _thinned(sample, best, parameters.posterior_global_stars)
    said = out_of_fold(sample.score[best], sample.snr_g[best], sample.fold[best], model)
    stars = sample.stars.rows(best)
    spectral = calibrated(said, sample.snr_g[best], stars.emission, model)
    weight, fainter = np.zeros((2, len(CENTRES)))
    for rows, one in densities(stars, spectral, model):
        single = one.by_kind[:, : one.light.shape[1]]
        m = one.low + one.step * np.arange(single.shape[1])
        near = _near(spectral.mean[rows], parameters) / one.by_kind.sum(1)
        weight += near @ single.sum(1)
        fainter += near @ ((m - spectral.mean[rows, None]) * single).sum(1)
    return {"sample_shift": fainter / (weight + parameters.posterior_shift_stars)}


def _slope(mean: Floats) -> Floats:
    """d ln N / dM at ``CENTRES``: counts in 0.2 mag, smoothed over 0.4."""
    counts = np.histogram(mean, EDGES)[0]
    blur = np.exp(-0.5 * ((CENTRES[:, None] - CENTRES) / (2 * BIN)) ** 2)
    smooth = (blur * (counts + 1.0)).sum(axis=1) / blur.sum(axis=1)
    return np.gradient(np.log(smooth), BIN)


def _tables(done: list[_Round], parameters: Any, note: str | None) -> dict[str, pa.Table]:
    rounds = [
        (i, each.n_stars, each.ln_likelihood, float(each.model["noise"]))
        for i, each in enumerate(done)
    ]
    shared = [row for i, each in enumerate(done) for row in _rows_of(i, each.model, parameters)]
    return {
        "posterior_rounds": from_rows(rounds, ROUNDS),
        "posterior_globals": from_rows(shared, GLOBALS),
        "notes": from_rows([("posterior", note)] if note else [], NOTES),
    }


def _rows_of(turn: int, model: Arrays, parameters: Any) -> Iterator[tuple]:
    means, widths = usual_values(_errors(parameters))
    for name in sorted(means):
        columns = (np.atleast_1d(a[name]).tolist() for a in (model, means, widths))
        for place, values in enumerate(zip(*columns, strict=True)):
            yield turn, name, place, *values
