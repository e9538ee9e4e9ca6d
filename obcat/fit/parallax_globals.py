"""What all stars share: zero point and errors of the parallaxes, density of the Galaxy, dust,
companions, calibration of the networks. Found together, each under a prior.

Gradients by PyTorch, block of stars by block on all cores, the way down by L-BFGS of scipy in units
of the priors' widths.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from obcat.fit.labels import least_squares
from obcat.kernels.luminosity import BENDS
from obcat.kernels.posterior import (
    ORDINARY,
    added_light,
    by_spectrum,
    label_terms,
    ln_kinds,
    pair_odds,
)
from obcat.kernels.space_density import (
    CLOUDS,
    DUST_TAILS,
    KNOTS,
    PLACES,
    Sight,
    ln_parallax,
    ln_reddening,
    ln_space_density,
    patches,
    places,
)
from obcat.machine import cpus

if TYPE_CHECKING:
    import torch

__all__ = [
    "CALIBRATION", "PRIORS", "fit_dust", "fit_globals", "fit_labels", "mean_distance",
    "same_kind", "usual_values",
]  # fmt: skip

Floats = np.ndarray[Any, Any]
Globals = dict[str, Floats]
Said = tuple[Floats, Floats, Floats]
Errors = tuple[float, float, float]

# name -> mean, width; logarithms where a number must be positive (``kernels.space_density``). The
# density is held near that of a disc (volume grows as d^3; it is e times less 2 to 4 kpc farther
# out, and e times as thick 10 kpc out; arms have three times as many stars as what is between): it
# trades against M and companions, which are held near the law of Moe & Di Stefano (2017) for late B
# dwarfs (``kernels.posterior``).
PRIORS: Mapping[str, tuple[Any, Any]] = {
    "ln_factor": (0.10, 0.15),
    "ln_floor": (np.log([0.02, 0.03]), 0.7),
    "ln_ruwe": (np.log(0.1), 1.0),
    "ln_tails": (np.log(4.0), 1.0),
    "ln_wobble": (np.log(0.015), 0.3),  # parallaxes hardly tell it: of near SIMULATED pairs
    "density": (
        [3.0, 0.0, *np.log([0.12, 0.8, 0.05]), 0.35, 0.1, np.log(2.0)],
        [0.05, 0.3, 0.3, 0.3, 0.5, 0.1, 0.03, 0.7],
    ),
    "logit_other": (-4.0, 1.0),
    "logit_wide": (-3.0, 1.0),
    "companion": ([0.75, 0.37, -0.02, -0.3, -0.05, -2.4], 0.15),
    "shift": (0.0, 0.02),
    "bend": (np.zeros(len(BENDS)), 0.04),  # mag; chosen on SIMULATED surveys
    "shift_emission": (0.0, 0.05),
    "ln_scale": (0.0, 0.3),
    "ln_emission": (0.46, 0.1),  # parallaxes hardly tell it: of SIMULATED stars with discs
    "ln_least": (np.log(0.05), 0.5),
    "shift_logit": (0.0, 0.15),
}
CALIBRATION = ("shift", "bend", "shift_emission", "ln_scale", "ln_emission", "shift_logit")
# of the dust, all chosen: how much there is at the Sun is left to the stars, the rest is held near
# a smooth disc (ln of kpc; 1/kpc); ``dust_sky`` on SIMULATED surveys
DUST: Mapping[str, tuple[Any, float]] = {
    "dust_level": (-1.4, 1.0),
    "dust_cos": (np.zeros(4), 0.2),
    "dust_sin": (np.zeros(4), 0.2),
    "dust_sky": (np.zeros(CLOUDS), 0.3),
    "dust_ln_height": (np.log(0.13), 0.3),
    "dust_fall": (0.3, 0.1),
    "dust_ln_scatter": (np.log(0.3), 1.0),
}
POINTS, BELOW, ABOVE = 56, 4.0, 4.5  # of the grid of a star, in sigma
WIDE = np.linspace(-6.0, 5.5, 40)  # mag, of stars that are no pair
LEAST = 1e-30
ALIKE = 1.0  # mag: stars farther from what their labels say are of another kind
DUST_STEPS = 80
# mag of r, which stands for the light that surveys choose by, behind 1 mag of E(B-V): as
# reference.extinction_coefficients has it
SELECTED = 2.6
SPREAD = np.linspace(-5.0, 5.0, 26)  # scatters of ln E(B-V) that a sum goes over
MOST = 3.0  # of ln E(B-V) that a step of the fit may come to
BLOCK = 4096  # stars: of fewer, calls take longer than sums


def usual_values(zero_point_errors: Errors) -> tuple[Globals, Globals]:
    """Mean and width of the prior of each global; errors of the zero point at a given G (mas), of
    its slope with colour (mas um), at a given place (mas).
    """
    zeros = (np.zeros(len(KNOTS)), np.zeros(()), np.zeros(PLACES))
    names = ("zero_point", "zero_point_colour", "zero_point_sky")
    of_parallax = dict(zip(names, zip(zeros, zero_point_errors, strict=True), strict=True))
    priors = {**of_parallax, **PRIORS}
    means = {name: np.array(mean, float) for name, (mean, _) in priors.items()}
    widths = {
        name: np.broadcast_to(np.asarray(priors[name][1], float), mean.shape)
        for name, mean in means.items()
    }
    return means, widths


def same_kind(model: Globals) -> bool:
    """Whether a model, made elsewhere, has what it would have here, the globals in their shape."""
    here = usual_values((1.0, 1.0, 1.0))[0] | {
        name: np.array(mean) for name, (mean, _) in DUST.items()
    }
    alike = (name in model and np.shape(model[name]) == a.shape for name, a in here.items())
    return "sample_shift" in model and all(alike)


def fit_labels(stars: Sight, mean: Floats) -> Globals:
    """label_mk (6,) of ``kernels.posterior.label_terms``: the mean M (n,), mag, of stars with such
    labels; those far from it are left out of a second look. Zeros where no star has labels.
    """
    terms, coefficients = label_terms(stars), np.zeros(6)
    rows = (stars.labelled == 1) & np.isfinite(mean)
    for _ in range(2):
        if rows.any():
            coefficients = least_squares(terms[rows], mean[rows])
            off = np.abs(mean - terms @ coefficients)
            rows &= off < ALIKE
    return {"label_mk": coefficients}


def fit_globals(
    stars: Sight, said: Said, model: Globals, zero_point_errors: Errors, steps: int
) -> tuple[Globals, float]:
    """Most likely globals under their priors, and ln L there.

    Parameters
    ----------
    stars : with parallaxes; ``parallax`` less the zero point that was published
    said : mean, ln sigma, logit (n,) of networks that did not see the star
    model : where to begin; what has no prior stays
    """
    import torch

    seen, told = _tensors(stars), _told(said)
    fixed = {name: _tensor(a) for name, a in model.items()}
    grid = _known(told, seen, fixed)
    means, widths = usual_values(zero_point_errors)

    def ln_likelihood(free: Mapping[str, torch.Tensor], rows: slice) -> torch.Tensor:
        spectra, part = tuple(a[rows] for a in told), grid.rows(rows)
        return _ln_likelihood(seen.rows(rows), spectra, {**fixed, **free}, part).double().sum()

    start = {name: model[name] for name in means}
    found = _likeliest(start, (means, widths), ln_likelihood, len(grid.m), steps)
    with torch.no_grad():
        best = {name: _tensor(a) for name, a in found.items()}
        total = sum(float(ln_likelihood(best, rows)) for rows in _blocks(len(grid.m)))
    return {**model, **found}, total


def fit_dust(stars: Sight, distance: Floats, model: Globals) -> Globals:
    """Dust of the model, from ln E(B-V) at the distances (n,), kpc, found so far.

    A survey chooses by apparent light: of what is at a distance it has the less reddened. So an
    E(B-V) is judged among all that a star of this light in r could have there, which would be the
    brighter the more dust there is: as many as a volume has of such M (``noise_slope``).
    """
    import torch

    seen, d = _tensors(stars), torch.from_numpy(distance.astype(np.float32))[:, None]
    means = {name: np.array(mean, float) for name, (mean, _) in DUST.items()}
    widths = {name: np.full(np.shape(means[name]), width) for name, (_, width) in DUST.items()}
    spread = _tensor(SPREAD)
    share = torch.log_softmax(-_tails(spread), 0)
    m = torch.nan_to_num(seen.magnitude) - 5 * torch.log10(d[:, 0]) - 10
    ebv = torch.exp(seen.ln_ebv)
    at, slope = model["noise_m"], model["noise_slope"]
    rises = 0.5 * np.diff(at) * (slope[1:] + slope[:-1])
    ln_n = _tensor(np.append(0.0, np.cumsum(rises)))  # in a volume, but for a constant

    def ln_likelihood(dust: Mapping[str, torch.Tensor], rows: slice) -> torch.Tensor:
        part = seen.rows(rows)
        expected = ln_reddening(part, dust, d[rows], torch)[:, 0]
        ln = -_tails((part.ln_ebv - expected) * torch.exp(-dust["dust_ln_scatter"]))
        other = expected[:, None] + torch.exp(dust["dust_ln_scatter"]) * spread
        brighter = SELECTED * (torch.exp(torch.clamp(other, max=MOST)) - ebv[rows, None])
        among = _at(at, ln_n, m[rows, None] - brighter) + share
        ln = ln + _at(at, ln_n, m[rows]) - torch.logsumexp(among, 1)
        return (part.has_ebv * (ln - dust["dust_ln_scatter"])).double().sum()

    return _likeliest(means, (means, widths), ln_likelihood, len(d), DUST_STEPS)


def _tails(off: torch.Tensor) -> torch.Tensor:
    """-ln of Student's t of ln E(B-V), in scatters from what is expected."""
    import torch

    return 0.5 * (DUST_TAILS + 1) * torch.log1p(off**2 / DUST_TAILS)


def _at(grid: Floats, values: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
    """Values on an even grid (g,) at m, linear between its points; beyond it as at its ends."""
    import torch

    place = (m - float(grid[0])) / float(grid[1] - grid[0])
    place = torch.clamp(place, 0, len(grid) - 1.001)
    left = place.floor().long()
    return torch.lerp(values[left], values[left + 1], place - left)


def mean_distance(stars: Sight, said: Said, model: Globals) -> Floats:
    """(n,) kpc: distance at the mean of the distance modulus, by all but E(B-V): what dust there is
    at a distance would confirm itself.
    """
    import torch

    clear = stars._replace(has_ebv=np.zeros_like(stars.has_ebv))
    seen, told = _tensors(clear), _told(said)
    known = {name: _tensor(a) for name, a in model.items()}
    m, step = _grid(told, seen)
    with torch.no_grad():
        modulus = seen.magnitude[:, None] - m
        ln = ln_space_density(seen, known, modulus, torch)
        ln = ln + ln_parallax(seen, known, modulus, step[:, None], torch)
        weight = _pairs(told, seen, known, m) * torch.exp(ln - ln.max(1, keepdim=True).values)
        mean = (weight * modulus).sum(1) / weight.sum(1)
    return (10 ** (0.2 * mean - 2)).numpy().astype(float)


def _tensor(a: Any) -> torch.Tensor:
    import torch

    return torch.from_numpy(np.array(a, np.float32))


def _told(said: Said) -> tuple[torch.Tensor, ...]:
    return tuple(_tensor(a) for a in said)


def _tensors(stars: Sight) -> Sight:
    return Sight(*(_tensor(column) for column in stars))


def _grid(said: tuple[torch.Tensor, ...], stars: Sight) -> tuple[torch.Tensor, torch.Tensor]:
    """M_s (n, g) of each star and its step (n,); it does not move with the globals."""
    import torch

    mean, ln_sigma, _ = said
    sigma = torch.sqrt(torch.exp(2 * ln_sigma) + stars.variance)
    brightest = mean - added_light(stars, torch).max(1).values
    low, high = brightest - BELOW * sigma, mean + ABOVE * sigma
    step = (high - low) / (POINTS - 1)
    return low[:, None] + step[:, None] * torch.arange(POINTS), step


class _Grid(NamedTuple):
    """Of stars: M_s (n, g), its step (n,), and what no global changes that is being found: how near
    they are to the places of the zero point, and ``places`` at M_s and at ``WIDE``.
    """

    m: torch.Tensor
    step: torch.Tensor
    near: torch.Tensor
    at: Any
    wide: Any

    def rows(self, chosen: slice) -> _Grid:
        return _Grid(*(a[chosen] for a in self[:3]), *(at.rows(chosen) for at in self[3:]))


def _known(
    said: tuple[torch.Tensor, ...], stars: Sight, model: Mapping[str, torch.Tensor]
) -> _Grid:
    import torch

    m, step = _grid(said, stars)
    at = (places(stars, model, stars.magnitude[:, None] - a, torch) for a in (m, _tensor(WIDE)))
    return _Grid(m, step, patches(stars.longitude, stars.sin_latitude, torch), *at)


def _pairs(
    said: tuple[torch.Tensor, ...], stars: Sight, model: Mapping[str, torch.Tensor], m: torch.Tensor
) -> torch.Tensor:
    """(n, g) density of M_s by the spectrum, of single stars and pairs; but for a constant."""
    import torch

    mean, ln_sigma, logit = said
    scale = model["ln_scale"] + model["ln_emission"] * stars.emission
    variance = torch.exp(2 * (ln_sigma + scale)) + torch.exp(2 * model["ln_least"])
    variance = (variance + stars.variance)[:, None]
    bent = _at(BENDS, model["bend"], mean)
    off = m - (mean + model["shift"] + bent + model["shift_emission"] * stars.emission)[:, None]
    odds = logit + pair_odds(stars, mean, model, torch) + model["shift_logit"]
    pair = torch.sigmoid(odds)[:, None]
    kinds = torch.softmax(ln_kinds(stars, model, torch), 1)
    added = added_light(stars, torch)
    double = sum(
        kinds[:, [j]] * by_spectrum(off + added[:, [j]], variance, model, torch)
        for j in range(added.shape[1])
    )
    return (1 - pair) * by_spectrum(off, variance, model, torch) + pair * double


def _ln_likelihood(
    stars: Sight, said: tuple[torch.Tensor, ...], model: Mapping[str, torch.Tensor], grid: _Grid
) -> torch.Tensor:
    """(n,) ln p(parallax | magnitude, place, E(B-V), spectrum)."""
    import torch

    m, step, near, *where = grid
    wide, width = _tensor(WIDE), float(WIDE[1] - WIDE[0])
    rare = torch.sigmoid(model["logit_other"])
    prior = torch.exp(-0.5 * ((wide - ORDINARY[0]) / ORDINARY[1]) ** 2) / ORDINARY[1]
    weights = (
        (1 - rare) * _pairs(said, stars, model, m) * step[:, None],
        (rare * prior * width)[None],
    )
    moduli = [stars.magnitude[:, None] - points for points in (m, wide)]
    both = list(zip(moduli, where, (step[:, None], width), strict=True))
    ln_n = [ln_space_density(stars, model, modulus, torch, at) for modulus, at, _ in both]
    ln_l = [ln_parallax(stars, model, modulus, blur, torch, near) for modulus, _, blur in both]
    seen = [n + parallax for n, parallax in zip(ln_n, ln_l, strict=True)]
    return _ln_sum(weights, seen) - _ln_sum(weights, ln_n) + _ln_norm(stars, model)


def _ln_sum(weights: tuple[torch.Tensor, ...], logarithms: list[torch.Tensor]) -> torch.Tensor:
    """(n,) ln of the sum of weight * exp(logarithm) over both grids."""
    import torch

    tops = [ln.max(1).values for ln in logarithms]
    top = torch.maximum(*tops).detach()[:, None]
    parts = [(w * torch.exp(ln - top)).sum(1) for w, ln in zip(weights, logarithms, strict=True)]
    return torch.log(parts[0] + parts[1] + LEAST) + top[:, 0]


def _ln_norm(stars: Sight, model: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """(n,) what ``ln_parallax`` leaves out of Student's t."""
    import torch

    nu = 2 + torch.exp(model["ln_tails"])
    norm = torch.lgamma(0.5 * (nu + 1)) - torch.lgamma(0.5 * nu) - 0.5 * torch.log(math.pi * nu)
    return stars.has_parallax * norm


def _likeliest(
    start: Globals,
    prior: tuple[Globals, Globals],
    ln_likelihood: Callable[[Mapping[str, torch.Tensor], slice], torch.Tensor],
    n: int,
    steps: int,
) -> Globals:
    """Values where the likelihood of n stars times the prior (means, widths) is largest; the same
    however many threads there are, for the blocks are summed in their order.
    """
    import torch
    from scipy.optimize import minimize

    means, widths = (np.concatenate([np.ravel(a[name]) for name in start]) for a in prior)
    first = np.concatenate([np.ravel(a) for a in start.values()]).astype(float)
    ends = np.cumsum([np.size(a) for a in start.values()])[:-1]

    def values(x: Floats) -> Globals:
        parts = zip(start.items(), np.split(x, ends), strict=True)
        return {name: part.reshape(np.shape(a)) for (name, a), part in parts}

    def slopes(at: Globals, rows: slice) -> Floats:
        free = {name: _tensor(a).requires_grad_(True) for name, a in at.items()}
        value = ln_likelihood(free, rows)
        value.backward()
        grads = (torch.zeros_like(a) if a.grad is None else a.grad for a in free.values())
        return np.concatenate([[float(value.detach())], *(g.numpy().ravel() for g in grads)])

    def loss(u: Floats) -> tuple[float, Floats]:
        x = first + widths * u
        off, at = (x - means) / widths, values(x)
        told = np.sum(list(pool.map(lambda rows: slopes(at, rows), _blocks(n))), axis=0)
        return 0.5 * off @ off - told[0], off - widths * told[1:]

    options = {"maxiter": steps, "maxcor": 30, "ftol": 1e-9, "gtol": 0.3}
    with ThreadPoolExecutor(cpus(), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        found = minimize(loss, np.zeros_like(first), jac=True, method="L-BFGS-B", options=options)
    return values(first + widths * found.x)


def _blocks(n: int) -> list[slice]:
    return [slice(at, at + BLOCK) for at in range(0, n, BLOCK)]
