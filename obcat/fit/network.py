"""Training one network of Eq. 6: PyTorch, dropout, Adam with one cycle of the learning rate, and a
loss that a companion or a wrong parallax cannot rule.

The only module that needs PyTorch, and only when it trains: the extra ``build`` installs it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["Progress", "Sample", "gradients", "train"]

HISTORY_STEP = 10


@dataclass(frozen=True)
class Sample:
    """Scores (n, k) as they come, absolute magnitudes (n,) in mag, and how much each star counts in
    the loss (n,) or ().
    """

    score: np.ndarray
    mk: np.ndarray
    loss_weight: np.ndarray | float = 1.0


@dataclass(frozen=True)
class Progress:
    """Mean squared residuals in mag², dropout off, after an epoch."""

    epoch: int
    train_loss: float
    test_loss: float


@dataclass(frozen=True)
class _Scale:
    """Centred, in units of the largest standard deviation of a column.

    Scores keep their proportions, so that distances are those between the reconstructed spectra
    that the paper's network sees; whitened, the trailing scores, mostly noise, would count as much
    as the leading ones.
    """

    centre: np.ndarray
    width: float

    @classmethod
    def of(cls, values: np.ndarray) -> _Scale:
        return cls(values.mean(axis=0), float(values.std(axis=0).max()) or 1.0)

    def apply(self, values: np.ndarray) -> torch.Tensor:
        import torch

        return torch.from_numpy(((values - self.centre) / self.width).astype(np.float32))


def train(
    sample: Sample, test: Sample, parameters: Any, seed: int, weight: np.ndarray
) -> tuple[dict[str, np.ndarray], list[Progress]]:
    """Weights of one network (w0 … b2; weight and scale of the scores, scale of M folded in) and
    its learning curve.

    ``parameters``: hidden_neurons, dropout, epochs, batch_size, learning_rate, train_huber (mag).
    ``weight`` (k,), 0 to 1, is what each score is multiplied by. One thread; same inputs, same
    bytes. The loss is half the squared residual up to train_huber and grows linearly from there
    (Huber 1964), times ``sample.loss_weight``; ``test`` is only reported on.
    """
    import torch

    score, mk = _Scale.of(sample.score * weight), _Scale.of(sample.mk)
    x, y = score.apply(sample.score * weight), mk.apply(sample.mk)
    loss_weight = torch.full((len(y),), 1.0).mul_(torch.as_tensor(sample.loss_weight))
    x_test, y_test = score.apply(test.score * weight), mk.apply(test.mk)
    history = []
    with _one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = _build(x.shape[1], parameters.hidden_neurons, parameters.dropout)
        for epoch in _epochs(net, x, y, loss_weight, parameters, parameters.train_huber / mk.width):
            if epoch % HISTORY_STEP == 0 or epoch == parameters.epochs:
                losses = (_loss(net, *pair) * mk.width**2 for pair in ((x, y), (x_test, y_test)))
                history.append(Progress(epoch, *losses))
    return _fold(net, score, mk, weight), history


def _build(n_input: int, hidden: int, dropout: float) -> nn.Sequential:
    from torch import nn

    inner = [nn.Linear(n_input, hidden), nn.Sigmoid(), nn.Dropout(dropout)]
    outer = [nn.Linear(hidden, hidden), nn.Sigmoid(), nn.Dropout(dropout)]
    return nn.Sequential(*inner, *outer, nn.Linear(hidden, 1))


def _epochs(
    net: nn.Sequential,
    x: torch.Tensor,
    y: torch.Tensor,
    loss_weight: torch.Tensor,
    parameters: Any,
    turn: float,
) -> Iterator[int]:
    """Train epoch after epoch, yielding each one's number, from 1."""
    import torch

    weights = [weight.detach() for weight in net.parameters()]
    size, step = parameters.batch_size, _adam(weights)
    for epoch in range(1, parameters.epochs + 1):
        order = torch.randperm(len(x))
        kept = _kept(len(x), parameters)
        rate = _rate(epoch, parameters)
        with torch.inference_mode():
            parts = [a.split(size) for a in (x[order], y[order], loss_weight[order], *kept)]
            for rows, mk, weight, lower, upper in zip(*parts, strict=True):
                step(gradients(weights, rows, mk, weight, lower, upper, turn), rate)
        yield epoch


def _rate(epoch: int, parameters: Any) -> float:
    """Half a cosine, from the learning rate to nothing."""
    turned = math.pi * (epoch - 1) / parameters.epochs
    return float(parameters.learning_rate * (1 + math.cos(turned)) / 2)


def _adam(weights: list[torch.Tensor]) -> Callable[[list[torch.Tensor], float], None]:
    """A step of Adam (Kingma & Ba 2015) from gradients and a rate: the function that PyTorch's
    optimiser calls; what that looks up before takes longer than the step of a small network.
    """
    import torch
    from torch.optim.adam import adam

    mean, square = ([torch.zeros_like(weight) for weight in weights] for _ in range(2))
    steps = [torch.zeros(()) for _ in weights]

    def step(slopes: list[torch.Tensor], rate: float) -> None:
        adam(weights, slopes, mean, square, [], steps, fused=True, amsgrad=False, beta1=0.9,
             beta2=0.999, lr=rate, weight_decay=0, eps=1e-8, maximize=False)  # fmt: skip

    return step


def _kept(n: int, parameters: Any) -> torch.Tensor:
    """(2, n, hidden) what each neuron's answer is multiplied by: 0, or 1 / (1 - dropout)."""
    import torch

    share = 1 - parameters.dropout
    return torch.rand(2, n, parameters.hidden_neurons).lt_(share).div_(share)


def gradients(
    weights: list[torch.Tensor],
    x: torch.Tensor,
    y: torch.Tensor,
    loss_weight: torch.Tensor,
    lower_kept: torch.Tensor,
    upper_kept: torch.Tensor,
    turn: float,
) -> list[torch.Tensor]:
    """The gradients of the mean of a batch's weighted Huber losses, by the chain rule written out:
    half the time that automatic differentiation takes.

    Parameters
    ----------
    weights : weight (out, in) and bias (out,) of the two hidden layers and of the last
    x, y, loss_weight : (b, k), (b,), (b,)
    lower_kept, upper_kept : (b, hidden) what the answers of the hidden layers are multiplied by
    turn : residual from which the loss grows linearly

    Returns
    -------
    one for each of ``weights``
    """
    import torch

    first, first_bias, second, second_bias, last, last_bias = weights
    lower = torch.addmm(first_bias, x, first.T).sigmoid_()
    below = lower * lower_kept
    upper = torch.addmm(second_bias, below, second.T).sigmoid_()
    above = upper * upper_kept
    off = torch.addmm(last_bias, above, last.T)[:, 0].sub_(y)
    outer = off.clamp_(-turn, turn).mul_(loss_weight).div_(len(y))[:, None]
    middle = outer.mm(last).mul_(above).mul_(1 - upper)
    inner = middle.mm(second).mul_(below).mul_(1 - lower)
    pulls = ((inner, x), (middle, below), (outer, above))
    return [slope for pull, fed in pulls for slope in (pull.T.mm(fed), pull.sum(0))]


def _layers(net: nn.Sequential) -> list[nn.Linear]:
    from torch import nn

    return [layer for layer in net if isinstance(layer, nn.Linear)]


def _loss(net: nn.Sequential, x: torch.Tensor, y: torch.Tensor) -> float:
    import torch
    from torch import nn

    if not len(x):
        return float("nan")
    net.eval()
    with torch.no_grad():
        return float(nn.functional.mse_loss(net(x)[:, 0], y))


def _fold(
    net: nn.Sequential, score: _Scale, mk: _Scale, weight: np.ndarray
) -> dict[str, np.ndarray]:
    """w0 (k, h), b0 (h,), w1 (h, h), b1 (h,) single, w2 (h,), b2 () double:
    the same function of raw scores, in mag.
    """
    (w0, b0), (w1, b1), (w2, b2) = [
        (_numbers(layer.weight).T, _numbers(layer.bias)) for layer in _layers(net)
    ]
    w0 = w0 / score.width
    hidden = {"w0": weight[:, None] * w0, "b0": b0 - score.centre @ w0, "w1": w1, "b1": b1}
    single = {name: array.astype(np.float32) for name, array in hidden.items()}
    return {**single, "w2": w2[:, 0] * mk.width, "b2": b2[0] * mk.width + mk.centre}


def _numbers(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().numpy().astype(float)


@contextmanager
def _one_thread() -> Iterator[None]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
