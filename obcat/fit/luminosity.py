"""Luminosity: two networks from coefficients to absolute magnitude, binaries rejected in rounds.

How much of each score is noise, from stars seen twice, and the weight that a network gives it.

Of 100 scores two or three dozen carry the spectrum; a network that takes all alike is led by the
noise of the rest as soon as a star is fainter than those that train.

Limits of the domain: how far from the training stars and how ill-fitted ordinary stars are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from obcat.arrow import float_array, list_array
from obcat.fit import Fit, from_rows, robust_scatter, snr_dparallax, spectroscopic_scatter
from obcat.fit.network import Progress, Sample, train
from obcat.kernels.domain import distance_to
from obcat.kernels.luminosity import predict
from obcat.statistics import MAD_TO_SIGMA

__all__ = ["Round", "domain", "limit_curve", "luminosity", "score_noise", "score_weights", "tables"]

Floats = NDArray[np.floating]


def score_noise(
    score: Floats, again: Floats, snr: Floats, snr_again: Floats, *, fewest: int
) -> Floats:
    """(k,) noise of each score at S/N 1: robust width of the differences of two visits over
    sqrt(1 / snr^2 + 1 / snr_again^2); 0 where fewer than ``fewest`` stars have two.

    Parameters
    ----------
    score, again : (n, k) of the two visits
    snr, snr_again : (n,) their S/N per pixel
    """
    with np.errstate(invalid="ignore"):
        twice = np.isfinite(score + again).all(axis=1) & (snr > 0) & (snr_again > 0)
    if np.count_nonzero(twice) < max(fewest, 1):
        return np.zeros(score.shape[1])
    unit = np.hypot(1 / snr[twice], 1 / snr_again[twice])[:, None]
    return MAD_TO_SIGMA * np.median(np.abs(again[twice] - score[twice]) / unit, axis=0)


def score_weights(score: Floats, snr: Floats, noise: Floats, typical: Floats) -> Floats:
    """(k,) share of signal s^2 / (s^2 + n^2) in each score of a spectrum of S/N ``typical``.

    s^2 is the variance of the scores (n, k) of training stars of S/N ``snr`` (n,), robust, less
    their own noise; n is the ``noise`` (k,) at S/N 1 over ``typical`` (1,). 1 for a score without
    noise.
    """
    if not len(score):
        return np.ones(score.shape[1])
    spread = MAD_TO_SIGMA * np.median(np.abs(score - np.median(score, axis=0)), axis=0)
    own = noise**2 * np.median(1 / snr**2)
    signal, there = np.maximum(spread.astype(float) ** 2 - own, 0), (noise / typical) ** 2
    return np.divide(signal, signal + there, out=np.ones(len(noise)), where=there > 0)


KEYS = [("network", pa.string()), ("iteration", pa.int16())]
STARS = pa.schema(
    [*KEYS, ("star_id", pa.string()), ("used", pa.bool_())]
    + [(name, pa.float64()) for name in ("residual", "snr_dparallax")]
)
HISTORY = pa.schema(
    [*KEYS, ("epoch", pa.int32()), ("train_loss", pa.float64()), ("test_loss", pa.float64())]
)
SUMMARY = pa.schema(
    [*KEYS, ("n_train", pa.int32()), ("n_dropped", pa.int32())]
    + [(name, pa.float64()) for name in ("scatter_train", "scatter_test", "bias_test")]
)


@dataclass(frozen=True)
class Round:
    """One training and what it says of the stars.

    ``network`` as ``kernels.luminosity.predict`` takes it; of the n training stars: star_id, used
    (in this round), residual M_spec - M_geo (mag), snr_dparallax; residual_test (mag) of the test
    stars.
    """

    network: dict[str, np.ndarray]
    history: list[Progress]
    star_id: np.ndarray
    used: np.ndarray
    residual: np.ndarray
    snr_dparallax: np.ndarray
    residual_test: np.ndarray


def tables(rounds: dict[str, list[Round]]) -> dict[str, pa.Table]:
    """luminosity_stars, luminosity_history (losses in mag²) and luminosity_summary (robust
    scatter, median; mag).
    """
    done = [(name, i, each) for name, several in rounds.items() for i, each in enumerate(several)]
    stars = [(name, i, *row) for name, i, each in done for row in _table_of_stars(each)]
    history = [
        (name, i, p.epoch, p.train_loss, p.test_loss)
        for name, i, each in done
        for p in each.history
    ]
    summary = [(name, i, *_summary(each)) for name, i, each in done]
    return {
        "luminosity_stars": from_rows(stars, STARS),
        "luminosity_history": from_rows(history, HISTORY),
        "luminosity_summary": from_rows(summary, SUMMARY),
    }


def _table_of_stars(done: Round) -> Iterator[tuple]:
    columns = (done.star_id, done.used, done.residual, done.snr_dparallax)
    return zip(*(column.tolist() for column in columns), strict=True)


def _summary(done: Round) -> tuple[int, int, float, float, float]:
    n_train, test = int(done.used.sum()), done.residual_test
    bias = float(np.median(test)) if len(test) else float("nan")
    return (
        n_train,
        len(done.used) - n_train,
        robust_scatter(done.residual[done.used]),
        robust_scatter(test),
        bias,
    )


Arrays = dict[str, np.ndarray]
Stars = dict[str, np.ndarray]

NETWORKS = {"non_emission": "full", "emission": "clean"}
PHOTOMETRY = ("ks", "ks_err", "a_ks", "a_ks_err", "parallax", "parallax_error")
NUMBERS = (
    *("em_flag", "mk_geo", "mk_geo_err", "visit", "snr_g", "snr_typical", "loss_weight"),
    *PHOTOMETRY,
)
EMPTY = {
    "w0": (0, 0),
    "b0": (0,),
    "w1": (0, 0),
    "b1": (0,),
    "w2": (0,),
    "b2": (),
    "brightest": (),
}


def luminosity(read: Callable[[], pa.RecordBatchReader], parameters: Any) -> Fit:
    """Train both networks of Eq. 6, each ``rejection_iterations`` + 1 times.

    After each training, stars with snr_dparallax > binary_nsigma (Eq. 15-17) are left out of the
    next one; every training star is judged anew, so that a star dropped by mistake comes back. The
    σ of M_spec in Eq. 17 is the robust scatter of the current residuals of test stars as well
    observed (snr_g) as the training stars, or of the training stars when there are fewer than
    ``network_min_stars`` such test stars, less the error of M_geo.

    Parameters
    ----------
    read : rows, ordered by star_id and visit: one (visit 1) a star with a good parallax, and one
        (visit 2) of those seen twice, from which the noise of the scores is learnt: star_id, visit,
        em_flag (0/1), score_clean and score_full FLOAT[k], mk_geo, mk_geo_err, ks, ks_err, a_ks,
        a_ks_err (mag), parallax, parallax_error (mas; zero point corrected), snr_g, snr_typical
        (that of the whole sample), is_train BOOLEAN (false: the star is only reported on)
    parameters : emission_chooses (0: all stars train the non-emission network), network_scores (how
        many leading scores the networks take), rejection_iterations, binary_nsigma,
        network_min_stars, network_seed,
        score_noise_min_stars, domain_bright_fraction, and those of ``network.train``

    Returns
    -------
    arrays full_w0 … full_b2, full_brightest (non-emission
    network, stars with em_flag 0) and the same with clean_ (emission network, all stars): see
    ``kernels.luminosity``; each score is weighted by the share of signal in it (``fit.repeats``),
    which w0 holds; of length zero when there are fewer than ``network_min_stars`` training
    stars. Tables luminosity_stars, luminosity_history, luminosity_summary.
    """
    table = read().read_all()
    arrays: Arrays = {}
    rounds: dict[str, list[Round]] = {}
    for name, basis in NETWORKS.items():
        everyone = name == "emission" or not parameters.emission_chooses
        seen = _stars(table, basis, with_emission=everyone)
        stars = _take(seen, seen["visit"] == 1)
        training, test = _take(stars, stars["is_train"]), _take(stars, ~stars["is_train"])
        weight = _weight(seen, training, parameters)
        weight[parameters.network_scores :] = 0
        if name != "emission":
            training["loss_weight"] = np.ones(len(training["mk_geo"]))
        rounds[name] = list(_rounds(training, test, weight, parameters))
        arrays |= {
            f"{basis}_{key}": array
            for key, array in _model(rounds[name], training, parameters).items()
        }
    return Fit(arrays, tables(rounds))


def _stars(table: pa.Table, basis: str, *, with_emission: bool) -> Stars:
    stars = {name: float_array(table[name]) for name in NUMBERS}
    stars["score"] = list_array(table[f"score_{basis}"])
    stars["star_id"] = table["star_id"].to_numpy()
    stars["is_train"] = table["is_train"].to_numpy().astype(bool)
    known = np.isfinite(stars["mk_geo"]) & np.isfinite(stars["score"]).all(axis=1)
    return _take(stars, known & (with_emission | (stars["em_flag"] == 0)))


def _take(stars: Stars, rows: np.ndarray) -> Stars:
    return {name: values[rows] for name, values in stars.items()}


def _weight(seen: Stars, training: Stars, parameters: Any) -> np.ndarray:
    """(k,) of each score; of ones where too few stars were seen twice."""
    second = np.flatnonzero(seen["visit"] == 2)
    pair = second[seen["star_id"][second - 1] == seen["star_id"][second]]
    noise = score_noise(
        seen["score"][pair - 1],
        seen["score"][pair],
        seen["snr_g"][pair - 1],
        seen["snr_g"][pair],
        fewest=parameters.score_noise_min_stars,
    )
    return score_weights(training["score"], training["snr_g"], noise, seen["snr_typical"][:1])


def _rounds(stars: Stars, test: Stars, weight: np.ndarray, parameters: Any) -> Iterator[Round]:
    used = np.ones(len(stars["mk_geo"]), dtype=bool)
    for _ in range(parameters.rejection_iterations + 1):
        if used.sum() < parameters.network_min_stars:
            return
        done = _round(stars, used, test, weight, parameters)
        yield done
        used = ~(done.snr_dparallax > parameters.binary_nsigma)


def _round(
    stars: Stars, used: np.ndarray, test: Stars, weight: np.ndarray, parameters: Any
) -> Round:
    network, history = train(
        _sample(_take(stars, used)), _sample(test), parameters, parameters.network_seed, weight
    )
    mk = predict(stars["score"], **network)
    residual, residual_test = (
        mk - stars["mk_geo"],
        predict(test["score"], **network) - test["mk_geo"],
    )
    judges = test["snr_g"] >= stars["snr_g"].min()
    if judges.sum() >= parameters.network_min_stars:
        mk_err = spectroscopic_scatter(residual_test[judges], test["mk_geo_err"][judges])
    else:
        mk_err = spectroscopic_scatter(residual, stars["mk_geo_err"])
    snr = snr_dparallax(mk, mk_err, **{name: stars[name] for name in PHOTOMETRY})
    return Round(network, history, stars["star_id"], used, residual, snr, residual_test)


def _sample(stars: Stars) -> Sample:
    return Sample(stars["score"], stars["mk_geo"], stars["loss_weight"])


def _model(rounds: list[Round], stars: Stars, parameters: Any) -> Arrays:
    """The last network, and the M of its training stars that few of them pass."""
    if not rounds:
        return {name: np.full(shape, np.nan) for name, shape in EMPTY.items()}
    used = rounds[-1].used
    brightest = np.quantile(stars["mk_geo"][used], parameters.domain_bright_fraction)
    return {**rounds[-1].network, "brightest": np.array(brightest)}


KNOTS = 8  # at most; the median changes little from one to the next
PER_KNOT = 100  # stars, for a median good to a tenth of the scatter
MOST_POINTS = 5_000  # training stars kept; more would not bring the tenth neighbour nearer


def domain(read: Callable[[], pa.RecordBatchReader], parameters: Any) -> Fit:
    """Training stars in the leading scores, and limits of distance and misfit against S/N.

    Parameters
    ----------
    read : rows, one an ordinary star, ordered by star_id: star_id, score_clean FLOAT[k], snr_g,
        clean_chi2, is_train BOOLEAN (the star trains the networks)
    parameters : network_min_stars (with fewer training or ordinary stars there is no limit),
        domain_components, domain_far_fraction, domain_misfit_fraction, domain_misfit_factor (what
        the limit of misfit is multiplied by)

    Returns
    -------
    arrays points, centre, scale, far_snr, far_limit, misfit_snr, misfit_limit: see
    ``kernels.domain``; of length zero where there are too few stars
    """
    table = read().read_all()
    score, snr_g = list_array(table["score_clean"]), float_array(table["snr_g"])
    is_train = table["is_train"].to_numpy().astype(bool)
    arrays = _points(score[is_train], parameters)
    distance = distance_to(score, **arrays)
    for name, value in (("far", distance), ("misfit", float_array(table["clean_chi2"]))):
        fraction = getattr(parameters, f"domain_{name}_fraction")
        knots = limit_curve(value, snr_g, fraction, parameters.network_min_stars)
        arrays[f"{name}_snr"], arrays[f"{name}_limit"] = knots
    arrays["misfit_limit"] *= parameters.domain_misfit_factor
    return Fit(arrays)


def _points(score: np.ndarray, parameters: Any) -> Arrays:
    """Whitened leading scores of the training stars, each `every`-th where they are many."""
    leading = score[:, : parameters.domain_components].astype(float)
    if len(leading) < parameters.network_min_stars:
        leading = leading[:0]
    every = -(-len(leading) // MOST_POINTS) or 1
    centre = leading.mean(axis=0) if len(leading) else np.zeros(0)
    scale = np.maximum(leading.std(axis=0), np.finfo(float).tiny) if len(leading) else np.zeros(0)
    points = (leading[::every] - centre) / scale if len(leading) else np.zeros((0, 0))
    return {"points": points, "centre": centre, "scale": scale}


def limit_curve(
    value: np.ndarray, snr_g: np.ndarray, fraction: float, fewest: int
) -> tuple[np.ndarray, np.ndarray]:
    """S/N of knots and the limit there, below which ``fraction`` of the stars lie.

    The median of each quantile of S/N times one quantile of value over median, in which all stars
    count: the tail of one bin alone is a few stars.

    Parameters
    ----------
    value, snr_g : (n,) > 0; NaN is left out
    fewest : with fewer stars both arrays are of length zero
    """
    known = np.isfinite(value) & (snr_g > 0)
    value, snr_g = value[known], snr_g[known]
    if len(value) < fewest:
        return np.zeros(0), np.zeros(0)
    order = np.argsort(snr_g, kind="stable")
    bins = np.array_split(order, min(KNOTS, max(len(order) // PER_KNOT, 1)))
    knots = np.array([np.median(snr_g[rows]) for rows in bins])
    middle = np.array([np.median(value[rows]) for rows in bins])
    ratio = value / np.interp(np.log(snr_g), np.log(knots), middle)
    return knots, middle * np.quantile(ratio, fraction)
