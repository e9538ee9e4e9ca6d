"""Training networks from scores to luminosity in the space of the parallax: PyTorch, AdamW; and the
tables of parallax and place that they learn from.

No parallax is divided by, none is cut: each star counts by the likelihood of its parallax, whatever
its sign and error. The chain rule is written out, for automatic differentiation takes longer. Needs
PyTorch, and only when it trains: the extra ``build`` installs it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from obcat.kernels.luminosity import LAYERS, LN_SIGMA, LOGIT
from obcat.kernels.posterior import ORDINARY, added_light, ln_kinds
from obcat.kernels.space_density import Globals, Sight, ln_parallax, ln_space_density
from obcat.machine import cpus

if TYPE_CHECKING:
    import torch

__all__ = [
    "COARSE", "Lesson", "Plan", "columns_of", "gradients", "powers_of", "tables_of",
    "train_networks",
]  # fmt: skip

USUAL_LN_SIGMA, USUAL_MEAN = -1.2, 0.5  # ln mag, mag
SIDE = 32  # neurons of the network for scatter and companion
STEP = 0.05  # mag
FINE = -10.0 + STEP * np.arange(292)  # mag, M_s
COARSE = FINE.reshape(-1, 2).mean(axis=1)
ROWS = 2000
WINDOW = 64  # points of the tables about the mean that a star had in the round before
LARGEST_GRADIENT, LEAST = 5.0, 1e-30
# The rate rises from a 25th in the first part of the steps, and falls to almost nothing; of the
# mean gradient most is kept, least where the rate is largest (Smith & Topin 2017)
WARM_UP, LOWEST, KEPT = 0.15, (1 / 25, 1 / 250_000), (0.95, 0.85)

Floats = np.ndarray[Any, Any]
Weights = dict[str, Floats]


class Lesson(NamedTuple):
    """All stars of a round, float32: x (n, k) standardised scores, wide (n, k + 1) with ln S/N,
    drawn (n,) mag that the mean is moved by for the noise of the star, variance (n,) of what is not
    the network's (mag^2), loss_weight (n,), pair_odds (n,), ln odds of a companion beside the usual
    ones; m (g,) mag of the tables' grid, in even steps; the tables of n L for a single star, a pair
    and others, then those of n: (n, g) or (n,); rare, the share of others; about, (n,) mag where
    each star is looked for, ``WINDOW`` points wide, None for everywhere.
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
    about: Floats | None = None


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

    shown, powers = columns_of(lesson, plan), powers_of(lesson)

    def one(i: int) -> Weights:
        torch.set_num_threads(1)
        generator = torch.Generator().manual_seed(seeds[i])
        start = before[i] if before else _start(lesson.x.shape[1], plan, generator)
        with torch.inference_mode():
            flat = torch.cat([torch.tensor(start[name]).flatten() for name in LAYERS])
            weights = _views(flat, [np.shape(start[name]) for name in LAYERS])
            step = _adam(flat, plan, plan.epochs * -(-len(rows[i]) // plan.batch))
            for batch, kept in _batches(torch.from_numpy(rows[i]), plan, generator):
                columns = [c.index_select(0, batch) for c in shown]
                step(gradients(weights, columns, powers, kept, lesson.rare, plan))
            return {n: w.numpy().copy() for n, w in zip(LAYERS, weights, strict=True)}

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(len(rows))))


def columns_of(lesson: Lesson, plan: Plan) -> list[torch.Tensor]:
    """The stars as ``gradients`` takes them: x, wide, drawn, variance, loss_weight, pair_odds; the
    middle of the grid, mag, and on it the four tables (n, 4, g) of single stars and pairs, with and
    without the parallax; those of others (n, 2); the mean that the parallax makes likely, and how
    far from it a mean may be, mag.
    """
    import torch

    stars = lesson.x, lesson.wide, lesson.drawn, lesson.variance, lesson.loss_weight
    single, double, other, single_n, double_n, other_n = lesson.tables
    total = single.sum(axis=1) + LEAST
    centre = (single @ lesson.m) / total
    spread = np.sqrt(np.maximum((single @ lesson.m**2) / total - centre**2, 0))
    middle, at = _windows(lesson)
    tables = [np.take_along_axis(a, at, 1) for a in (single, double, single_n, double_n)]
    limits = centre, plan.far[0] + plan.far[1] * spread
    both = np.stack(tables, axis=1), np.stack([other, other_n], axis=1)
    columns = (*stars, lesson.pair_odds, middle, *both, *limits)
    return [torch.from_numpy(np.ascontiguousarray(a, np.float32)) for a in columns]


def _windows(lesson: Lesson) -> tuple[Floats, Floats]:
    """Middle of the grid of each star (n,), mag, and the points of the tables there."""
    n, m = len(lesson.x), lesson.m
    if lesson.about is None:
        return np.full(n, USUAL_MEAN), np.broadcast_to(np.arange(len(m)), (n, len(m)))
    near = np.rint((lesson.about - m[0]) / (m[1] - m[0])).astype(int) - WINDOW // 2
    first = np.clip(near, 0, len(m) - WINDOW)
    return m[first + WINDOW // 2], first[:, None] + np.arange(WINDOW)


def powers_of(lesson: Lesson) -> torch.Tensor:
    """(g, 3) 1, m, m^2 of the grid, mag from its middle."""
    import torch

    off = lesson.m - USUAL_MEAN
    if lesson.about is not None:
        off = (lesson.m[1] - lesson.m[0]) * (np.arange(WINDOW) - WINDOW // 2)
    return torch.from_numpy((off[:, None] ** np.arange(3)).astype(np.float32))


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


def _views(flat: torch.Tensor, shapes: list[tuple[int, ...]]) -> list[torch.Tensor]:
    parts = flat.split([math.prod(shape) for shape in shapes])
    return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]


def _batches(
    rows: torch.Tensor, plan: Plan, generator: torch.Generator
) -> Iterator[tuple[torch.Tensor, list[torch.Tensor]]]:
    """Rows of each step, and what the answers of both hidden layers are multiplied by."""
    import torch

    share = 1 - plan.dropout
    for _ in range(plan.epochs):
        for batch in rows[torch.randperm(len(rows), generator=generator)].split(plan.batch):
            n = 2 * len(batch) * plan.hidden
            drawn = torch.empty(-(-n // 4), dtype=torch.int64)  # four numbers of 16 bits in each
            drawn = drawn.random_(-(2**63), None, generator=generator).view(torch.int16)[:n]
            kept = drawn.le(round(2**16 * share) - 2**15 - 1).to(torch.float32).div_(share)
            yield batch, list(kept.view(2, len(batch), plan.hidden))


def _adam(flat: torch.Tensor, plan: Plan, steps: int) -> Callable[[list[torch.Tensor]], None]:
    """A step of AdamW (Loshchilov & Hutter 2019) with one cycle of the rate, from gradients."""
    import torch
    from torch.optim.adamw import adamw

    mean, square, count = torch.zeros_like(flat), torch.zeros_like(flat), torch.zeros(())
    cycle = _cycle(steps)

    def step(slopes: list[torch.Tensor]) -> None:
        slope = torch.cat([part.flatten() for part in slopes])
        slope.mul_((LARGEST_GRADIENT / (slope.norm() + 1e-6)).clamp_(max=1))
        rate, kept = next(cycle)
        adamw([flat], [slope], [mean], [square], [], [count], fused=True, amsgrad=False, beta1=kept,
              beta2=0.999, lr=plan.rate * rate, weight_decay=plan.decay, eps=1e-8,
              maximize=False)  # fmt: skip

    return step


def _cycle(steps: int) -> Iterator[tuple[float, float]]:
    """Rate, over the largest, and what of the mean gradient is kept, of each step: half cosines."""
    turn = WARM_UP * (steps + 1) - 1
    for i in range(steps):
        rises = i <= turn
        passed = i / turn if rises else (i - turn) / (steps - turn)
        near = 0.5 * (1 + math.cos(math.pi * passed))  # the beginning of this part
        if rises:
            near = 1 - near
        low = LOWEST[0 if rises else 1]
        yield low + (1 - low) * near, KEPT[0] + (KEPT[1] - KEPT[0]) * near


def gradients(
    weights: Sequence[torch.Tensor],
    columns: Sequence[torch.Tensor],
    powers: torch.Tensor,
    kept: Sequence[torch.Tensor],
    rare: float,
    plan: Plan,
) -> list[torch.Tensor]:
    """Of the weighted mean of -ln L of a batch, with a pull of the odds of a companion to what is
    usual, for the mixture would trade them against the mean, and one of means far from all that the
    parallax allows, where ln L has no slope.

    Parameters
    ----------
    weights : in the order of ``LAYERS``
    columns : of ``columns_of``, the rows of the batch
    powers : of ``powers_of``
    kept : two of (b, hidden), what the answers of the hidden layers are multiplied by
    rare : share of others

    Returns
    -------
    one for each of ``weights``
    """
    import torch

    w0, b0, w1, b1, w2, linear, b2, v0, c0, v1, c1 = weights
    x, wide = columns[:2]
    first, first_slope = _silu(torch.addmm(b0, x, w0))
    below = first.mul_(kept[0])
    second, second_slope = _silu(torch.addmm(b1, below, w1))
    above = second.mul_(kept[1])
    beside, beside_slope = _silu(torch.addmm(c0, wide, v0))
    mean = above.mv(w2).add_(x.mv(linear)).add_(b2)
    outer, said = _pulls(mean, torch.addmm(c1, beside, v1), columns[2:], powers, rare, plan)
    middle = outer.outer(w2).mul_(kept[1]).mul_(second_slope)
    inner = middle.mm(w1.T).mul_(kept[0]).mul_(first_slope)
    side = said.mm(v1.T).mul_(beside_slope)
    hidden = [x.T.mm(inner), inner.sum(0), below.T.mm(middle), middle.sum(0)]
    last = [above.T.mv(outer), x.T.mv(outer), outer.sum()]
    return [*hidden, *last, wide.T.mm(side), side.sum(0), beside.T.mm(said), said.sum(0)]


def _silu(z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """z sigmoid(z), and its slope."""
    share = z.sigmoid()
    answer = z.mul_(share)
    return answer, share.addcmul(answer, 1 - share)


def _pulls(
    mean: torch.Tensor,
    said: torch.Tensor,
    columns: Sequence[torch.Tensor],
    powers: torch.Tensor,
    rare: float,
    plan: Plan,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients of the loss by the mean (n,), and by ln sigma and logit (n, 2)."""
    import torch

    drawn, variance, loss_weight, odds, middle, tables, others, centre, most = columns
    ln_sigma, logit = said[:, 0].clamp(*LN_SIGMA), said[:, 1].clamp(*LOGIT)
    share = loss_weight / len(mean)
    by_mean, by_sigma, by_logit = _slopes(
        mean + drawn - middle, ln_sigma, logit + odds, variance, tables, others, powers, rare
    )
    off = mean - centre
    astray = plan.stray * off.sign().mul_(off.abs() > most)
    pulled = plan.pull * (logit - plan.usual)
    inside = torch.stack([ln_sigma, logit], 1) == said
    of_side = torch.stack([-by_sigma, pulled - by_logit], 1).mul_(inside)
    return share * (astray - by_mean), share[:, None] * of_side


def _slopes(
    mu: torch.Tensor,
    ln_sigma: torch.Tensor,
    logit: torch.Tensor,
    variance: torch.Tensor,
    tables: torch.Tensor,
    others: torch.Tensor,
    powers: torch.Tensor,
    rare: float,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(n,) slopes of ln p(parallax | magnitude, place, E(B-V), spectrum) by mean, ln sigma, logit.

    With q ~ N(mu, sigma^2 + variance) on the grid, mu from its middle, sum q = 1, and a pair as
    likely as the logit says, L = (1 - rare) sum q [(1 - pair) single + pair double] + rare other,
    and ln p = ln L less the same of the tables without the parallax. All that is needed are sums of
    q and of q times each table, over (m - mean)^0, ^1 and ^2.
    """
    import torch

    square = torch.exp(2 * ln_sigma)
    width, m = square + variance, powers[:, 1]
    q = (m - mu[:, None]).square_().mul_((-0.5 / width)[:, None]).exp_()
    whole = q.mm(powers)  # (n, 3)
    parts = (tables * q[:, None]).view(-1, len(powers)).mm(powers).view(-1, 4, 3)
    total = whole[:, :1] + LEAST
    sums = parts[:, :, 0] / total  # (n, 4)
    pair = torch.sigmoid(logit)
    shares = torch.stack([1 - pair, pair], 1)
    usual = (sums.view(-1, 2, 2) * shares[:, None]).sum(2)  # (n, 2) with, without the parallax
    of = (1 - rare) / ((1 - rare) * usual + rare * others + LEAST)
    of[:, 1].neg_()
    by_table = (of[:, :, None] * shares[:, None]).view(-1, 4)
    level = (by_table * sums).sum(1, keepdim=True)
    bent = ((by_table[:, :, None] * parts).sum(1) - level * whole) / total  # (n, 3)
    once = bent[:, 1] - mu * bent[:, 0]
    twice = bent[:, 2] - 2 * mu * bent[:, 1] + mu**2 * bent[:, 0]
    steps = sums[:, 1::2] - sums[:, ::2]
    by_logit = pair * (1 - pair) * (of * steps).sum(1)
    return once / width, twice * square / width**2, by_logit


def tables_of(stars: Sight, model: Globals) -> tuple[Floats, ...]:
    """What training needs of n stars, the shared numbers fixed: density of stars times likelihood
    of the parallax on ``COARSE`` for a single star (n, g), a pair (n, g), others (n,); then the
    density of stars alone, in the same order. float32.
    """
    blocks = [stars.rows(slice(at, at + ROWS)) for at in range(0, len(stars.magnitude), ROWS)]
    with ThreadPoolExecutor(cpus()) as pool:
        parts = list(pool.map(lambda block: _tables_of_block(block, model), blocks))
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def _tables_of_block(stars: Sight, model: Globals) -> list[Floats]:
    modulus = stars.magnitude[:, None] - FINE
    ln = ln_space_density(stars, model, modulus)
    density = np.exp(ln - ln.max(axis=1, keepdims=True))
    seen = density * np.exp(ln_parallax(stars, model, modulus, STEP))
    other = np.exp(-0.5 * ((FINE - ORDINARY[0]) / ORDINARY[1]) ** 2)
    columns = [
        column
        for a in (seen, density)
        for column in (_coarse(a), _coarse(_of_pairs(a, stars, model)), a @ other / other.sum())
    ]
    return [column.astype(np.float32) for column in columns]


def _coarse(a: Floats) -> Floats:
    return a.reshape(len(a), -1, 2).mean(axis=2)


def _of_pairs(a: Floats, stars: Sight, model: Globals) -> Floats:
    """(n, g) at M_s -> at M of the primary, for the usual mixture of companions."""
    ln = ln_kinds(stars, model)
    kinds = np.exp(ln - ln.max(axis=1, keepdims=True))
    kinds /= kinds.sum(axis=1, keepdims=True)
    whole, part = np.divmod(added_light(stars).astype(float) / STEP, 1.0)
    columns, out = np.arange(a.shape[1]), np.zeros_like(a)
    for share, steps, rest in zip(kinds.T, whole.T.astype(int), part.T, strict=True):
        for weight, back in ((share * (1 - rest), steps), (share * rest, steps + 1)):
            at = np.maximum(columns - back[:, None], 0)
            out += weight[:, None] * np.take_along_axis(a, at, axis=1)
    return out
