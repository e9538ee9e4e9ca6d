"""Posterior of absolute magnitude, companion and distance from spectrum, parallax and dust.

M_s is the light that is seen, M that of the primary alone; a companion of kind j adds DELTA[j] mag:
M = M_s + DELTA[j]. The spectrum says M ~ N(mean, sigma^2) of a single star; of a pair it is that of
both, and says what a primary fainter by ``veil`` would. The distance modulus is D = m - M_s - e,
m the magnitude less its extinction, e ~ N(0, v) the error of m.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.kernels.luminosity import (
    Spectral,
    calibrated,
    freed_of_dust,
    likelihood_magnitude,
    out_of_fold,
)
from obcat.kernels.space_density import (
    LN10,
    Globals,
    Sight,
    ln_parallax,
    ln_space_density,
    sight,
    zero_point,
)

__all__ = [
    "DELTA", "DIM", "ORDINARY", "VEIL", "VEIL_AT", "Joint", "added_light", "by_spectrum",
    "densities", "joint", "label_terms", "ln_kinds", "mode", "pair_odds", "posterior_distances",
    "posterior_magnitudes", "quantiles", "spectral_magnitude", "veil",
]  # fmt: skip

DELTA = np.array([0.10, 0.25, 0.40, 0.55, 0.70, 0.95])  # mag: light of companions, M - M_s
MIDDLE = 0.35  # mag, about which there are more bright companions or fewer
DIM = 0.1  # share of the first kind that adds less than 0.05 mag; chosen on SIMULATED surveys
# mag: of pairs of SIMULATED surveys whose primaries have these log Teff - 4.1
VEIL_AT = np.array([-0.1, -0.05, 0.0, 0.05, 0.1, 0.16, 0.23])
VEIL = np.array([
    [0.000, 0.000, 0.000, 0.017, 0.000, 0.00],
    [0.028, 0.080, 0.147, 0.186, 0.044, 0.05],
    [0.101, 0.230, 0.301, 0.250, 0.070, 0.065],
    [0.132, 0.294, 0.325, 0.235, 0.093, 0.05],
    [0.168, 0.285, 0.315, 0.225, 0.098, 0.06],
    [0.190, 0.285, 0.320, 0.245, 0.112, 0.13],
    [0.209, 0.265, 0.330, 0.245, 0.114, 0.16],
])  # fmt: skip
# What follows is of SIMULATED stars. By the law of Moe & Di Stefano (2017): ln odds of light of a
# companion, more the heavier the primary, per dex of log g, of Teff, Teff squared, both; steepness
# against DELTA per dex of log g and of Teff, less the more evolved; ln odds for each mag fainter
# than labels say, per dex of Teff too, and how many mag count; ln odds for each mag fainter than an
# M, where the sample ends and veiled stars are left, and how many count; for each mag brighter than
# an M, of luminous stars, and how many count
PAIR_ODDS, PAIR_LIGHT = (1.6, 13.2, -29.0, -8.1), (4.7, -4.7)
FAINTER, FARTHEST = (1.2, -6.0), 1.0
EDGE, LUMINOUS = (1.1, 0.8, 0.6), (0.5, -0.3, 0.7)
OF_LIGHT, OF_DELTA = (a.astype(np.float32) for a in (DELTA - MIDDLE, DELTA))
OF_VEIL, STEPS, RISES = (a.astype(np.float32) for a in (VEIL, np.diff(VEIL_AT), np.diff(VEIL.T).T))
ORDINARY = (1.5, 2.5)  # mag: mean and scatter of M of stars that no pair of the mixture explains
OTHER = np.linspace(-6.5, 12.0, 371)  # mag: M of those
STEP, POINTS, WIDTH = 0.05, 401, 5.0  # mag; of the grid of M_s; sigma
FINEST = 4  # times as fine is the grid of a star that is known well
ROWS = 512
SHARES = (0.025, 0.16, 0.5, 0.84, 0.975)
ENDS = [3, 1, 0, 2, 4]  # columns of the quantiles of M
WIDER = 2.5  # times sigma, of stars about which the network errs more
# Share of stars that are brighter than their spectra say, seen pole-on or products of pairs: by so
# many sigma, and so many mag at most; of SIMULATED stars
LIT = (0.15, 1.3, 0.22)
SIGMAS = 0.01, 5.0  # mag: between which errors by a spectrum lie

Floats = NDArray[np.floating]


class Joint(NamedTuple):
    """Densities of a block of stars, each on a grid of its own that begins at ``low`` (n, 1).

    light, modulus : (n, g) of M_s, and of M_s with the error of the magnitude in it: the distance
    modulus is the magnitude less that; primary : (n, g + more) of M; kinds : (n, 7) share of single
    stars and of each companion; other : (n,) share of stars that are no such pair; step : mag;
    by_kind : (n, 7 g) modulus, kind by kind
    """

    low: Floats
    step: float
    light: Floats
    modulus: Floats
    primary: Floats
    kinds: Floats
    other: Floats
    by_kind: Floats


def densities(
    stars: Sight, said: Spectral, model: Globals
) -> Iterator[tuple[NDArray[np.intp], Joint]]:
    """Rows that are known, some hundred at a time, and their ``joint``; none without a model."""
    if len(model["w0"]):
        for rows, fine in _blocks(stars, said):
            part = Spectral(*(a[rows] for a in said))
            yield rows, joint(stars.rows(rows), part, model, fine)


def _blocks(stars: Sight, said: Spectral) -> Iterator[tuple[NDArray[np.intp], int]]:
    """Rows that share a grid, and how fine it is."""
    spread = np.hypot(said.sigma, np.sqrt(stars.variance))
    room = STEP * (POINTS - 1) / (_farthest(stars) + 2 * WIDTH * spread)
    fine = np.where(room >= FINEST, FINEST, np.where(room >= 2, 2, 1))
    known = np.isfinite(spread + said.mean + said.logit + stars.magnitude + stars.sin_latitude)
    for each in (1, 2, FINEST):
        rows = np.flatnonzero(known & (fine == each))
        rows = rows[np.argsort(stars.variance[rows], kind="stable")]
        for start in range(0, len(rows), ROWS):
            yield rows[start : start + ROWS], each


def joint(stars: Sight, said: Spectral, model: Globals, fine: int) -> Joint:
    """Everything that is known of the stars of a block, as densities."""
    step, more = STEP / fine, [0, *(np.rint(DELTA / STEP).astype(int) * fine).tolist()]
    variance = said.sigma**2 + stars.variance
    farthest = _farthest(stars)
    half = np.minimum(WIDTH * np.sqrt(variance), 0.5 * (step * (POINTS - 1) - farthest))
    low = (said.mean - farthest - half)[:, None]
    m = low + step * np.arange(POINTS)
    ln = _ln_data(stars, model, m, 0.0)
    top = ln.max(1, keepdims=True)
    data = np.exp(ln - top)
    blurred = _blurred(data, np.sqrt(stars.variance) / step)
    odds = _odds(stars, said, model)
    off, added = m - said.mean[:, None], [0.0, *added_light(stars).T]
    seen = [
        odds[:, [j]] * by_spectrum(off + np.reshape(a, (-1, 1)), variance[:, None], model)
        for j, a in enumerate(added)
    ]
    by_kind = [data * density for density in seen]
    primary = np.zeros((len(m), POINTS + more[-1]))
    for s, density in zip(more, seen, strict=True):
        primary[:, s : s + POINTS] += blurred * density
    weights = np.stack([density.sum(1) for density in by_kind], axis=1)
    inside = weights.sum(1)
    return Joint(
        low,
        step,
        light=blurred * np.sum(seen, axis=0),
        modulus=np.sum(by_kind, axis=0),
        primary=primary,
        kinds=weights / inside[:, None],
        other=_share_of_others(stars, model, top, inside * step),
        by_kind=np.concatenate(by_kind, axis=1),
    )


def added_light(stars: Sight, xp: Any = np) -> Any:
    """(n, 6) mag by which the light that is seen is brighter than what the spectrum says."""
    return xp.asarray(OF_DELTA) + veil(stars, xp)


def veil(stars: Sight, xp: Any = np) -> Any:
    """(n, 6) mag by which the spectrum of a pair says less light than its primary has: ``VEIL``,
    linear in log Teff between ``VEIL_AT``, and the same beyond.
    """
    along = (stars.hotter[:, None] - xp.asarray(VEIL_AT[:-1].astype(np.float32))) / xp.asarray(
        STEPS
    )
    rises = xp.clip(along, 0.0, 1.0)[:, :, None] * xp.asarray(RISES)
    return xp.asarray(OF_VEIL[0]) + rises.sum(1)


def label_terms(stars: Sight, xp: Any = np) -> Any:
    """(n, 6) of a quadratic in log g and log Teff: with ``label_mk`` the mean M of such stars."""
    e, h = stars.evolved, stars.hotter
    return xp.stack([xp.ones_like(e), e, h, e * e, e * h, h * h], 1)


def pair_odds(stars: Sight, mean: Any, model: Globals, xp: Any = np) -> Any:
    """(n,) ln odds of a companion's light beside the usual ones: by the law, and more where the
    spectrum says a fainter M, ``mean`` (n,) in mag, than the labels do, for so a veil does, or one
    as faint as a sample of O and B stars ends.

    ``model``: label_mk (6,), mag, of ``label_terms``
    """
    e, h = stars.evolved, stars.hotter
    law = PAIR_ODDS[0] * e + h * (PAIR_ODDS[1] + PAIR_ODDS[2] * h + PAIR_ODDS[3] * e)
    off = mean - (label_terms(stars, xp) * model["label_mk"]).sum(1)
    veiled = (FAINTER[0] + FAINTER[1] * h) * xp.clip(off, -FARTHEST, FARTHEST)
    edge = EDGE[0] * xp.clip(mean - EDGE[1], 0.0, EDGE[2])
    heavy = LUMINOUS[0] * xp.clip(LUMINOUS[1] - mean, 0.0, LUMINOUS[2])
    return law + (veiled + edge + heavy) * stars.labelled


def _farthest(stars: Sight) -> Floats:
    """(n,) mag, of the kind of companion that adds most."""
    return added_light(stars).max(axis=1)


def by_spectrum(off: Any, variance: Any, model: Globals, xp: Any = np) -> Any:
    """(n, g) density of M by the spectrum, but for 1 / sqrt(2 pi), at its distances ``off`` (n, g)
    from the mean, mag, ``variance`` (n, 1) mag^2: a normal one, of which a part is brighter than
    its spectrum says, mean and variance the same; and some stars about which the network errs more.
    """
    brighter = xp.clip(LIT[1] * xp.sqrt(variance), 0.0, LIT[2])
    fainter = LIT[0] / (1 - LIT[0]) * brighter
    within = variance - fainter * brighter
    usual = (1 - LIT[0]) * xp.exp(-0.5 * (off - fainter) ** 2 / within)
    lit = LIT[0] * xp.exp(-0.5 * (off + brighter) ** 2 / within)
    wide = 1 / (1 + xp.exp(-model["logit_wide"]))
    tails = wide / WIDER * xp.exp(-0.5 * off**2 / (WIDER**2 * variance)) / xp.sqrt(variance)
    return (1 - wide) * (usual + lit) / xp.sqrt(within) + tails


def _ln_data(stars: Sight, model: Globals, m: Floats, blur: float) -> Floats:
    """(n, g) ln of what parallax, place and dust say of M_s = m (n, g)."""
    modulus = stars.magnitude[:, None] - m
    return ln_space_density(stars, model, modulus) + ln_parallax(stars, model, modulus, blur)


def ln_kinds(stars: Sight, model: Globals, xp: Any = np) -> Any:
    """(n, 6) ln of the shares of the kinds of companions, but for a constant."""
    steeper = PAIR_LIGHT[0] * stars.evolved + PAIR_LIGHT[1] * stars.hotter
    return model["companion"] + steeper[:, None] * xp.asarray(OF_LIGHT)


def _odds(stars: Sight, said: Spectral, model: Globals) -> Floats:
    """(n, 7) prior share of single stars and of each kind of companion."""
    pair = 1 / (1 + np.exp(-said.logit - pair_odds(stars, said.mean, model)))
    ln = ln_kinds(stars, model)
    kinds = np.exp(ln - ln.max(1, keepdims=True))
    shares = kinds / kinds.sum(1, keepdims=True)
    return np.column_stack([1 - pair, pair[:, None] * shares])


def _blurred(density: Floats, sigma: Floats) -> Floats:
    """(n, g) smoothed along the grid by a Gaussian of sigma (n,) steps; the ends go on for ever."""
    reach = int(np.ceil(4 * sigma.max()))
    wide = np.pad(density, ((0, 0), (reach, reach)), mode="edge")
    out, total = np.zeros_like(density), np.zeros((len(density), 1))
    for i in range(-reach, reach + 1):
        weight = np.where(abs(i) <= np.ceil(4 * sigma), np.exp(-0.5 * (i / sigma) ** 2), 0.0)
        out += weight[:, None] * wide[:, reach + i : reach + i + density.shape[1]]
        total += weight[:, None]
    return out / total


def _share_of_others(stars: Sight, model: Globals, top: Floats, inside: Floats) -> Floats:
    """(n,) of stars whose M may be anything, given the weight ``inside`` of all pairs."""
    step = float(OTHER[1] - OTHER[0])
    ln = _ln_data(stars, model, np.tile(OTHER, (len(top), 1)), step)
    prior = np.exp(-0.5 * ((OTHER - ORDINARY[0]) / ORDINARY[1]) ** 2) / ORDINARY[1]
    rare = np.exp(model["logit_other"])
    outside = rare * step * (prior * np.exp(np.minimum(ln - top, 600.0))).sum(1)
    return outside / (outside + inside)


def quantiles(
    low: Floats, step: float, density: Floats, shares: tuple[float, ...] = SHARES
) -> list[Floats]:
    """Where shares of a density (n, g) on the grid low (n, 1) + step * 0, 1, ... end, (n,) each."""
    within = np.cumsum(0.5 * (density[:, 1:] + density[:, :-1]), axis=1)
    total = within[:, -1:]
    out = []
    for share in shares:
        cell = np.minimum((within <= share * total).sum(1), within.shape[1] - 1)[:, None]
        end = np.take_along_axis(within, cell, 1)
        begin = np.where(cell > 0, np.take_along_axis(within, np.maximum(cell - 1, 0), 1), 0.0)
        out.append((low + step * (cell + (share * total - begin) / (end - begin)))[:, 0])
    return out


def mode(low: Floats, step: float, density: Floats) -> Floats:
    """(n,) where a density is largest, by the parabola of its logarithm through three points."""
    at = np.clip(density.argmax(1), 1, density.shape[1] - 2)[:, None]
    before, here, after = (
        np.log(np.maximum(np.take_along_axis(density, at + i, 1), 1e-300)) for i in (-1, 0, 1)
    )
    bend = before - 2 * here + after
    moved = np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, -1.0), 0.0)
    return (low + step * (at + np.clip(moved, -1, 1)))[:, 0]


def spectral_magnitude(
    score: Floats, snr_g: Floats, fold: Floats, own_emission: Floats, ebv: Floats, teff: Floats,
    **model: Floats,
) -> tuple[Floats, ...]:  # fmt: skip
    """What the spectrum alone says, by a network that never saw the parallax of the star.

    Parameters
    ----------
    score : (n, k); snr_g, fold : (n,); own_emission, ebv, teff : (n,), NaN where not known
    model : of ``network``, ``calibrated``, ``likelihood_magnitude``, ``freed_of_dust``; noise_m
        (g,) mag, sample_shift (g,) mag there, by which single stars of the survey are fainter; or
        w0 empty

    Returns
    -------
    spec_mean, spec_sigma (mag), companion_logit, mk_spec (the median), mk_likelihood (mag): (n,)
    each
    """
    if not len(model["w0"]):
        return tuple(np.full((5, len(score)), np.nan))
    imprint = {name: model[name] for name in ("imprint", "imprint_ebv")}
    said = out_of_fold(freed_of_dust(score, ebv, teff, **imprint), snr_g, fold, model)
    said = calibrated(said, snr_g, (own_emission == 1).astype(float), model)
    median = _median(said, model) + np.interp(said.mean, model["noise_m"], model["sample_shift"])
    return *said, median, likelihood_magnitude(said._replace(mean=median), model)


def _median(said: Spectral, model: Globals) -> Floats:
    """(n,) mag, of what the spectrum alone says of a single star; ``by_spectrum`` is not even."""
    sigma = np.geomspace(*SIGMAS, 64)[:, None]
    step, low = 0.02, np.full((len(sigma), 1), -WIDTH)  # sigma
    off = low + step * np.arange(int(2 * WIDTH / step) + 1)
    (above,) = quantiles(low, step, by_spectrum(sigma * off, sigma**2, model), (0.5,))
    return said.mean + said.sigma * np.interp(said.sigma, sigma[:, 0], above)


def posterior_magnitudes(
    spec_mean: Floats,
    spec_sigma: Floats,
    companion_logit: Floats,
    *seen: Floats,
    **model: Floats,
) -> tuple[Floats, ...]:
    """Absolute magnitude with everything that is known; ``seen``: the columns of ``sight``, (n,).

    Returns
    -------
    mk, mk_low, mk_high, mk_low95, mk_high95 (of the primary), mk_system, in mag, p_companion,
    p_other: (n,) each
    """
    said = Spectral(spec_mean, spec_sigma, companion_logit)
    out = np.full((8, len(spec_mean)), np.nan)
    for rows, one in densities(sight(*seen), said, model):
        for at, ends in zip(ENDS, quantiles(one.low, one.step, one.primary), strict=True):
            out[at, rows] = ends
        (out[5, rows],) = quantiles(one.low, one.step, one.light, (0.5,))
        out[6, rows] = one.kinds[:, 1:].sum(1) - DIM * one.kinds[:, 1]
        out[7, rows] = one.other
    return tuple(out)


def posterior_distances(
    spec_mean: Floats,
    spec_sigma: Floats,
    companion_logit: Floats,
    published_offset: Floats,
    *seen: Floats,
    **model: Floats,
) -> tuple[Floats, ...]:
    """Distance with everything that is known; the zero point (mas) that was taken off the parallax,
    and ``seen``: the columns of ``sight``, (n,).

    Returns
    -------
    dis (where its density is largest), dis_median, dis_low, dis_high, dis_low95, dis_high95 in kpc,
    logdis, logdis_err; then the first six where the Galaxy has as many stars at each distance and
    no dust; parallax_offset, the zero point as fitted, mas: (n,) each
    """
    stars = sight(*seen)
    said = Spectral(spec_mean, spec_sigma, companion_logit)
    flat = {n: a for n, a in model.items() if n != "density" and not n.startswith("dust_")}
    if not len(model["w0"]):
        return tuple(np.full((15, len(spec_mean)), np.nan))
    galactic, even = (_distances(stars, said, prior) for prior in (model, flat))
    return *galactic, *even[:6], published_offset + zero_point(stars, model)


def _distances(stars: Sight, said: Spectral, model: Globals) -> Floats:
    """(8, n) dis, dis_median, dis_low, dis_high, dis_low95, dis_high95, logdis, logdis_err."""
    out = np.full((8, len(said.mean)), np.nan)
    for rows, one in densities(stars, said, model):
        m = one.low + one.step * np.arange(POINTS)
        peak = mode(one.low, one.step, one.modulus * 10 ** (0.2 * (m - one.low)))
        low95, low, half, high, high95 = quantiles(one.low, one.step, one.modulus)
        modulus = stars.magnitude[rows] - np.stack([peak, half, high, low, high95, low95])
        out[:6, rows] = np.exp(LN10 * (0.2 * modulus - 2))
        out[6:, rows] = _moments(stars.magnitude[rows, None] - m, one.modulus)
    return out


def _moments(modulus: Floats, density: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of log10(d/kpc), (n,) each."""
    total = density.sum(1)
    mean = (density * modulus).sum(1) / total
    scatter = np.sqrt((density * (modulus - mean[:, None]) ** 2).sum(1) / total)
    return 0.2 * mean - 2, 0.2 * scatter
