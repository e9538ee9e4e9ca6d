"""Gradients and steps of the networks that learn from parallaxes, against PyTorch's own."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from obcat.fit.parallax_network import (
    WINDOW,
    Lesson,
    Plan,
    _adam,
    _batches,
    _start,
    columns_of,
    gradients,
    powers_of,
)
from obcat.kernels.luminosity import LAYERS, LN_SIGMA, LOGIT

ROOT = Path(__file__).parents[3]
N, K = 60, 5
PLAN = Plan(
    hidden=9, dropout=0.2, epochs=2, batch=20, rate=3e-3, decay=1e-2, pull=0.05, usual=-0.8,
    stray=0.05, far=(0.3, 1.0),
)  # fmt: skip
RARE = 0.02


def lesson(seed=3):
    rng = np.random.default_rng(seed)
    m = -10 + 0.1 * np.arange(146) + 0.025
    mk, error = rng.normal(0.5, 1.2, (N, 1)), rng.uniform(0.2, 1.5, (N, 1))
    density = np.exp(-0.3 * (m - mk) - 3)
    likely = [np.exp(-0.5 * ((m - mk - light) / error) ** 2) for light in (0.0, 0.4)]
    seen = [density * a for a in likely]
    tables = (*seen, rng.uniform(0, 0.1, N), density, 0.9 * density + 0.1, rng.uniform(1, 2, N))
    x = rng.normal(size=(N, K))
    return Lesson(
        x=x,
        wide=np.column_stack([x, rng.normal(size=N)]),
        drawn=rng.normal(0, 0.05, N),
        variance=rng.uniform(0.001, 0.02, N),
        loss_weight=np.where(rng.random(N) < 0.3, 0.3, 1.0),
        pair_odds=rng.normal(0, 0.8, N),
        m=m,
        tables=tuple(a.astype(np.float32) for a in tables),
        rare=RARE,
    )


def weights(seed=4):
    generator = torch.Generator().manual_seed(seed)
    start = _start(K, PLAN, generator)
    drawn = [torch.tensor(start[name]) for name in LAYERS]
    return [w + 0.3 * torch.randn(w.shape, generator=generator) for w in drawn]


def loss(given, columns, m, kept, plan):
    """As it is told: -ln of a ratio of sums over the grid, and both pulls."""
    w0, b0, w1, b1, w2, linear, b2, v0, c0, v1, c1 = given
    x, wide, drawn, variance, weight, odds, _, tables, others, centre, most = columns
    silu = torch.nn.functional.silu
    hidden = silu(silu(x @ w0 + b0) * kept[0] @ w1 + b1) * kept[1]
    mean = hidden @ w2 + x @ linear + b2
    said = silu(wide @ v0 + c0) @ v1 + c1
    ln_sigma, logit = said[:, 0].clamp(*LN_SIGMA), said[:, 1].clamp(*LOGIT)
    width = torch.exp(2 * ln_sigma) + variance
    q = torch.exp(-0.5 * (m - (mean + drawn)[:, None]) ** 2 / width[:, None])
    q = q / q.sum(1, keepdim=True)
    pair = torch.sigmoid(logit + odds)

    def ln(single, double, other):
        usual = (1 - pair) * (q * single).sum(1) + pair * (q * double).sum(1)
        return torch.log((1 - RARE) * usual + RARE * other)

    with_parallax = ln(tables[:, 0], tables[:, 1], others[:, 0])
    without = ln(tables[:, 2], tables[:, 3], others[:, 1])
    astray = ((mean - centre).abs() - most).clamp(min=0)
    pulls = 0.5 * plan.pull * (logit - plan.usual) ** 2 + plan.stray * astray
    return (weight * (pulls - with_parallax + without)).mean()


def test_gradients_are_those_of_automatic_differentiation():
    taught, generator = lesson(), torch.Generator().manual_seed(1)
    columns, m = columns_of(taught, PLAN), torch.from_numpy(taught.m)
    kept = [torch.rand(N, PLAN.hidden, generator=generator).lt(0.8) / 0.8 for _ in range(2)]
    given = [w.double().requires_grad_() for w in weights()]
    doubles = [[a.double() for a in part] for part in (columns, kept)]
    loss(given, doubles[0], m, doubles[1], PLAN).backward()
    found = gradients(weights(), columns, powers_of(taught), kept, RARE, PLAN)
    for name, slope, wanted in zip(LAYERS, found, given, strict=True):
        largest = float(wanted.grad.abs().max())
        assert slope.shape == wanted.shape, name
        assert torch.allclose(slope.double(), wanted.grad, rtol=0, atol=2e-5 * largest), name


def test_a_window_about_the_mean_is_enough():
    """Gradients by a part of the tables, 3 mag on both sides of what a star's mean was."""
    taught, generator = lesson(), torch.Generator().manual_seed(1)
    kept = [torch.rand(N, PLAN.hidden, generator=generator).lt(0.8) / 0.8 for _ in range(2)]
    given = weights()
    given[9] = given[9] * 0.2  # what is said of sigma: a few tenths of a mag
    mean = mean_of(given, taught, kept)
    beside = np.random.default_rng(8).normal(0, 0.3, N)
    found = []
    for about in (None, mean + beside):
        part = taught._replace(about=about)
        columns = columns_of(part, PLAN)
        assert columns[7].shape == (N, 4, 146 if about is None else WINDOW)
        found.append(gradients(given, columns, powers_of(part), kept, RARE, PLAN))
    for name, whole, window in zip(LAYERS, *found, strict=True):
        largest = float(whole.abs().max())
        assert torch.allclose(whole, window, rtol=0, atol=1e-4 * largest), name


def mean_of(given, taught, kept):
    w0, b0, w1, b1, w2, linear, b2 = given[:7]
    silu, x = torch.nn.functional.silu, torch.from_numpy(taught.x.astype(np.float32))
    above = silu(silu(x @ w0 + b0) * kept[0] @ w1 + b1) * kept[1]
    return (above @ w2 + x @ linear + b2).numpy() + taught.drawn


def test_a_share_of_the_neurons_is_left_out():
    rows = torch.arange(N)
    generator = torch.Generator().manual_seed(5)
    plan = PLAN._replace(epochs=200)
    seen, kept = zip(*_batches(rows, plan, generator), strict=True)
    for epoch in range(3):
        assert sorted(torch.cat(seen[3 * epoch : 3 * epoch + 3]).tolist()) == list(range(N))
    drawn = torch.stack([torch.stack(pair) for pair in kept])
    assert drawn.unique().tolist() == [0.0, 1.25]
    share = (drawn > 0).double().mean((0, 2))  # of each layer and neuron, 12,000 times
    assert torch.allclose(share, torch.tensor(0.8).double(), atol=0.02)
    apart = (drawn > 0).double().reshape(len(drawn), -1)
    assert float(torch.corrcoef(apart[:, :40].T).triu(1).abs().max()) < 0.2
    for _, all_kept in _batches(rows, PLAN._replace(dropout=0.0), generator):
        assert torch.stack(all_kept).unique().tolist() == [1.0]


def test_a_step_is_that_of_pytorch():
    """AdamW, one cycle of the rate, and gradients that are cut where they are too long."""
    start = torch.linspace(-1, 1, 12)
    one, other = start.clone(), start.clone().requires_grad_()
    slopes = [torch.sin(torch.arange(12.0) * (i + 1)) * (9.0 if i % 3 else 0.1) for i in range(40)]
    step = _adam(one, PLAN, len(slopes))
    theirs = torch.optim.AdamW([other], lr=PLAN.rate, weight_decay=PLAN.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        theirs, PLAN.rate, len(slopes) + 1, pct_start=0.15
    )
    for slope in slopes:
        step([slope[:5], slope[5:].view(7, 1)])
        other.grad = slope.clone()
        torch.nn.utils.clip_grad_norm_([other], 5.0)
        theirs.step()
        schedule.step()
        assert torch.allclose(one, other, rtol=0, atol=1e-6)


TRAINED = """\
import sys
from tests.unit.fit.test_parallax_network import PLAN, N, lesson
from obcat.fit.parallax_network import train_networks
import numpy as np
trained = [train_networks(lesson(), [np.arange(N)] * 2, [1, 2], PLAN, None, n) for n in (1, 2)]
same = all((a[k] == b[k]).all() for a, b in zip(*trained) for k in a)
print("torch._dynamo" in sys.modules, same, (trained[0][0]["w0"] == trained[0][1]["w0"]).all())
"""


def test_training_does_without_the_compiler_and_is_the_same_on_two_threads():
    """To import it takes as long as PyTorch itself, to train nothing of it is used."""
    command = [sys.executable, "-c", TRAINED]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "False True False\n"
