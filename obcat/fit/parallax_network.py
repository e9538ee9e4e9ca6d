"""Training networks from scores to luminosity in the space of the parallax: PyTorch, AdamW.

No parallax is divided by, none is cut: each star counts by the likelihood of its parallax, whatever
its sign and error. Needs PyTorch, and only when it trains: the extra ``build`` installs it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from obcat.fit.network import without_compiler
from obcat.kernels.space_density import LAYERS, LN_SIGMA, LOGIT

if TYPE_CHECKING:
    import torch

__all__ = ["Lesson", "Plan", "train_networks"]

USUAL_LN_SIGMA, USUAL_MEAN = -1.2, 0.5  # ln mag, mag
SIDE = 32  # neurons of the network for scatter and companion
WARM_UP, LARGEST_GRADIENT, LEAST = 0.15, 5.0, 1e-30

Floats = np.ndarray[Any, Any]
Weights = dict[str, Floats]


class Lesson(NamedTuple):
    """All stars of a round, float32: x (n, k) standardised scores, wide (n, k + 1) with ln S/N,
    drawn (n,) mag that the mean is moved by for the noise of the star, variance (n,) of what is not
    the network's (mag^2), loss_weight (n,), pair_odds (n,), ln odds of a companion beside the usual
    ones; m (g,) mag of the tables' grid; the tables
    of n L for a single star, a pair and others, then those of n: (n, g) or (n,); rare, the share of
    others.
    """

    x: Floats
    wide: Floats
    drawn: Floats
    variance: Floats
    loss_weight: Floats
    pair_odds: Floats
    m: Floats
    tables: tuple[Floats, ...]
    rare: float


class Plan(NamedTuple):
    """How a network learns.

    pull : how strongly the logit of a companion is held at the usual one
    stray : how strongly means are held that are farther from their parallaxes than far[0] mag and
    far[1] errors
    """

    hidden: int
    dropout: float
    epochs: int
    batch: int
    rate: float
    decay: float
    pull: float
    usual: float
    stray: float
    far: tuple[float, float]


def train_networks(
    lesson: Lesson,
    rows: Sequence[Floats],
    seeds: Sequence[int],
    plan: Plan,
    before: Sequence[Weights] | None,
    threads: int,
) -> list[Weights]:
    """Networks that learn from ``rows`` of the lesson, from their weights of ``before`` or anew.

    The same weights however many threads there are: each network draws from a generator of its own,
    and no operation is split.
    """
    import torch

    shown = [torch.from_numpy(np.ascontiguousarray(a, np.float32)) for a in _arrays(lesson)]

    def one(i: int) -> Weights:
        torch.set_num_threads(1)
        generator = torch.Generator().manual_seed(seeds[i])
        start = before[i] if before else _start(lesson.x.shape[1], plan, generator)
        weights = {name: torch.tensor(a, requires_grad=True) for name, a in start.items()}
        _learn(weights, shown, lesson.rare, torch.from_numpy(rows[i]), plan, generator)
        return {name: w.detach().numpy() for name, w in weights.items()}

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(len(rows))))


def _arrays(lesson: Lesson) -> list[Floats]:
    stars = lesson.x, lesson.wide, lesson.drawn, lesson.variance, lesson.loss_weight
    return [lesson.m, *stars, lesson.pair_odds, *lesson.tables]


def _start(k: int, plan: Plan, generator: torch.Generator) -> Weights:
    """Uniform within 1 / sqrt(inputs); the last layers say what is usual."""
    import torch

    hidden = plan.hidden

    def layer(inputs: int, outputs: int) -> list[Floats]:
        sizes = ((inputs, outputs), (outputs,))
        drawn = [torch.rand(size, generator=generator).numpy() for size in sizes]
        return [(2 * a - 1) / np.float32(math.sqrt(inputs)) for a in drawn]

    (w0, b0), (w1, b1), (w2, _) = layer(k, hidden), layer(hidden, hidden), layer(hidden, 1)
    v0, c0 = layer(k + 1, SIDE)
    linear, v1 = np.zeros(k, np.float32), np.zeros((SIDE, 2), np.float32)
    b2, c1 = (np.array(a, np.float32) for a in (USUAL_MEAN, [USUAL_LN_SIGMA, plan.usual]))
    arrays: tuple[Floats, ...] = (w0, b0, w1, b1, w2[:, 0], linear, b2, v0, c0, v1, c1)
    return dict(zip(LAYERS, arrays, strict=True))


def _learn(
    weights: Mapping[str, torch.Tensor],
    shown: Sequence[torch.Tensor],
    rare: float,
    rows: torch.Tensor,
    plan: Plan,
    generator: torch.Generator,
) -> None:
    import torch

    free = list(weights.values())
    adam = without_compiler(torch.optim.AdamW)
    optimiser = adam(free, lr=plan.rate, weight_decay=plan.decay, fused=True)
    steps = plan.epochs * -(-len(rows) // plan.batch) + 1
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.rate, steps, pct_start=WARM_UP)
    m, columns = shown[0], shown[1:]
    for _ in range(plan.epochs):
        for batch in rows[torch.randperm(len(rows), generator=generator)].split(plan.batch):
            optimiser.zero_grad()
            _loss(weights, m, [c[batch] for c in columns], rare, plan, generator).backward()
            torch.nn.utils.clip_grad_norm_(free, LARGEST_GRADIENT)
            optimiser.step()
            schedule.step()


def _loss(
    w: Mapping[str, torch.Tensor],
    m: torch.Tensor,
    columns: Sequence[torch.Tensor],
    rare: float,
    plan: Plan,
    generator: torch.Generator,
) -> torch.Tensor:
    """Weighted mean of -ln L, and a pull of the odds of a companion to what is usual: the mixture
    would trade them against the mean. And one of means far from all that the parallax allows,
    where ln L has no slope.
    """
    x, wide, drawn, variance, loss_weight, odds, *tables = columns
    mean, ln_sigma, logit = _forward(w, x, wide, plan.dropout, generator)
    ln = _ln_likelihood(mean + drawn, ln_sigma, logit + odds, variance, m, tables, rare)
    pulls = 0.5 * plan.pull * (logit - plan.usual) ** 2
    lost = pulls + plan.stray * _astray(mean, m, tables[0], plan.far) - ln
    return (loss_weight * lost).mean()


def _astray(
    mean: torch.Tensor, m: torch.Tensor, single: torch.Tensor, far: tuple[float, float]
) -> torch.Tensor:
    """(n,) mag that a mean is farther from that of the parallax than so many mag and errors."""
    total = single.sum(1) + LEAST
    centre = (single @ m) / total
    spread = ((single @ m**2) / total - centre**2).clamp(min=0).sqrt()
    return ((mean - centre).abs() - far[0] - far[1] * spread).clamp(min=0)


def _forward(
    w: Mapping[str, torch.Tensor],
    x: torch.Tensor,
    wide: torch.Tensor,
    dropout: float,
    generator: torch.Generator,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    import torch
    from torch.nn.functional import silu

    def dropped(a: torch.Tensor) -> torch.Tensor:
        kept = torch.empty_like(a).bernoulli_(1 - dropout, generator=generator)
        return a * (kept / (1 - dropout))

    hidden = dropped(silu(torch.addmm(w["b0"], x, w["w0"])))
    hidden = dropped(silu(torch.addmm(w["b1"], hidden, w["w1"])))
    said = torch.addmm(w["c1"], silu(torch.addmm(w["c0"], wide, w["v0"])), w["v1"])
    return (
        hidden @ w["w2"] + x @ w["linear"] + w["b2"],
        said[:, 0].clamp(*LN_SIGMA),
        said[:, 1].clamp(*LOGIT),
    )


def _ln_likelihood(
    mean: torch.Tensor,
    ln_sigma: torch.Tensor,
    logit: torch.Tensor,
    variance: torch.Tensor,
    m: torch.Tensor,
    tables: Sequence[torch.Tensor],
    rare: float,
) -> torch.Tensor:
    """(n,) ln p(parallax | magnitude, place, E(B-V), spectrum): M is summed over, and the density
    of stars, without the parallax, divided out.
    """
    import torch

    width = (torch.exp(2 * ln_sigma) + variance)[:, None]
    q = torch.exp(-0.5 * (m - mean[:, None]) ** 2 / width)
    q = q / (q.sum(1, keepdim=True) + LEAST)
    pair = torch.sigmoid(logit)

    def ln(single: torch.Tensor, double: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        usual = (1 - pair) * (q * single).sum(1) + pair * (q * double).sum(1)
        return torch.log((1 - rare) * usual + rare * other + LEAST)

    return ln(*tables[:3]) - ln(*tables[3:])
