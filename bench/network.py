"""Luminosity network: pixels or coefficients as input, torch or folded numpy for prediction; ratios
in one run.

    OPENBLAS_NUM_THREADS=1 python bench/network.py [stars]

Variant A trains on the reconstructed spectrum (3000 pixels), variant C on the coefficients behind
it.
"""

import sys
import time
from types import SimpleNamespace

import numpy as np
import torch
from timing import seconds

from obcat.fit.network import Sample, train
from obcat.kernels.labels import boosted
from obcat.kernels.luminosity import predict

PIXELS, COMPONENTS, EPOCHS = 3000, 100, 10
BATCH = 2048  # rows of a call from DuckDB
PARAMETERS = SimpleNamespace(
    hidden_neurons=100,
    dropout=0.2,
    epochs=EPOCHS,
    batch_size=64,
    learning_rate=6e-3,
    train_huber=0.3,
)


def stars(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reconstructed spectra (n, pixels), their coefficients (n, components), and M (n,) in mag."""
    rng = np.random.default_rng(1)
    basis, _ = np.linalg.qr(rng.normal(size=(PIXELS, COMPONENTS)))
    score = (rng.normal(size=(n, COMPONENTS)) * np.geomspace(30, 0.5, COMPONENTS)).astype(
        np.float32
    )
    mk = score[:, 0] / 30 + np.tanh(score[:, 1] / 20) + rng.normal(0, 0.2, n)
    return (score @ basis.T).astype(np.float32), score, mk


def training(score: np.ndarray, mk: np.ndarray) -> float:
    """ms an epoch."""
    sample, nothing = Sample(score, mk), Sample(score[:0], mk[:0])
    return (
        seconds(
            lambda: train(sample, nothing, PARAMETERS, 1, np.ones(sample.score.shape[1])),
            2,
            time.perf_counter,
        )
        / EPOCHS
        * 1e3
    )


def torch_twin(network: dict[str, np.ndarray]) -> torch.nn.Sequential:
    inner, outer, last = (
        torch.nn.Linear(*shape) for shape in ((COMPONENTS, 100), (100, 100), (100, 1))
    )
    for layer, i in ((inner, 0), (outer, 1), (last, 2)):
        layer.weight.data = torch.from_numpy(np.atleast_2d(network[f"w{i}"].T).astype(np.float32))
        layer.bias.data = torch.from_numpy(np.atleast_1d(network[f"b{i}"]).astype(np.float32))
    return torch.nn.Sequential(inner, torch.nn.Sigmoid(), outer, torch.nn.Sigmoid(), last)


def random_trees(count: int, leaves: int) -> dict[str, np.ndarray]:
    """Balanced trees of that many leaves (a power of two) on random scores."""
    rng, inner = np.random.default_rng(2), leaves - 1
    shape, nodes = (count, inner + leaves), np.arange(inner + leaves)
    split = nodes < inner
    return {
        "feature": rng.integers(0, COMPONENTS, shape, dtype=np.int32),
        "threshold": np.where(split, rng.normal(size=shape), np.inf),
        "left": np.broadcast_to(np.where(split, 2 * nodes + 1, nodes), shape),
        "right": np.broadcast_to(np.where(split, 2 * nodes + 2, nodes), shape),
        "value": rng.normal(size=shape),
    }


def main(n: int) -> None:
    torch.set_num_threads(1)
    spectra, score, mk = stars(n)
    a, c = training(spectra, mk), training(score, mk)
    network, _ = train(
        Sample(score, mk), Sample(score[:0], mk[:0]), PARAMETERS, 1, np.ones(score.shape[1])
    )
    twin, tensor, trees = torch_twin(network).eval(), torch.from_numpy(score), random_trees(100, 32)
    with torch.no_grad():
        by_torch = BATCH / seconds(lambda: twin(tensor[:BATCH]), 30, time.perf_counter)
        away = np.abs(twin(tensor)[:, 0].numpy() - predict(score, **network)).max()
    by_numpy = BATCH / seconds(lambda: predict(score[:BATCH], **network), 30, time.perf_counter)
    by_trees = BATCH / seconds(lambda: boosted(score[:BATCH], **trees), 5, time.perf_counter)
    print(f"{n} stars, one thread, prediction in batches of {BATCH}")
    print(f"training, A: {PIXELS} pixels        {a:9.1f} ms/epoch")
    print(
        f"training, C: {COMPONENTS} coefficients   {c:9.1f} ms/epoch   {a / c:.1f} times "
        "faster than A"
    )
    print(f"prediction, torch float32     {by_torch:9.0f} stars/s")
    print(
        f"prediction, numpy folded      {by_numpy:9.0f} stars/s    "
        f"{by_numpy / by_torch:.2f} of torch"
    )
    print(
        f"prediction, a label, 100 trees{by_trees:9.0f} stars/s    {by_trees / by_numpy:.2f} "
        "of a network"
    )
    print(f"numpy against torch, largest difference {away:.1e} mag")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5600)
