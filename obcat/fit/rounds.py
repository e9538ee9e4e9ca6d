"""The rounds of training and rejection, and the tables that keep them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from obcat.fit.columns import from_rows
from obcat.fit.network import Progress
from obcat.fit.rejection import robust_scatter

__all__ = ["Round", "tables"]

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

    ``network`` as ``kernels.luminosity.predict`` takes it; of the n training stars: star_id, used (in this round),
    residual M_spec - M_geo (mag), snr_dparallax; residual_test (mag) of the test stars.
    """

    network: dict[str, np.ndarray]
    history: list[Progress]
    star_id: np.ndarray
    used: np.ndarray
    residual: np.ndarray
    snr_dparallax: np.ndarray
    residual_test: np.ndarray


def tables(rounds: dict[str, list[Round]]) -> dict[str, pa.Table]:
    """luminosity_stars, luminosity_history (losses in mag²) and luminosity_summary (robust scatter, median; mag)."""
    done = [(name, i, each) for name, several in rounds.items() for i, each in enumerate(several)]
    stars = [(name, i, *row) for name, i, each in done for row in _stars(each)]
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


def _stars(done: Round) -> Iterator[tuple]:
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
