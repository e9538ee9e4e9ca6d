"""The distance kernel against the literal steps of 0.1 pc of the paper,
in time and in what they answer.
"""

import numpy as np
from timing import Row, seconds, show

from obcat.kernels.distance import distance

N, FEW, FARTHEST, STEP = 20_000, 24, 30.0, 1e-4  # stars, of them on the grid, kpc, kpc


def stars() -> tuple[np.ndarray, ...]:
    """mk, mk_err, ks, ks_err, a_ks, a_ks_err (mag), parallax, parallax_error (mas)."""
    rng = np.random.default_rng(1)
    true, mk = rng.uniform(0.3, 12, N), rng.uniform(-4, 1, N)
    ks = mk + 5 * np.log10(true) + 10.1
    errors = (
        rng.uniform(0.25, 0.5, N),
        np.full(N, 0.03),
        np.full(N, 0.02),
        rng.uniform(0.03, 0.1, N),
    )
    mk_err, ks_err, a_ks_err, parallax_error = errors
    parallax = 1 / true + parallax_error * rng.standard_normal(N)
    return (
        mk + mk_err * rng.standard_normal(N),
        mk_err,
        ks,
        ks_err,
        np.full(N, 0.1),
        a_ks_err,
        parallax,
        parallax_error,
    )


def steps(
    mk, mk_err, ks, ks_err, a_ks, a_ks_err, parallax, parallax_error
) -> tuple[float, float, float]:
    """Mode, 16 and 84 per cent on the grid of the paper."""
    d = np.arange(STEP, FARTHEST + STEP / 2, STEP)
    f = (mk - (ks - a_ks - 5 * np.log10(d) - 10)) ** 2 / (mk_err**2 + ks_err**2 + a_ks_err**2)
    f += ((parallax - 1 / d) / parallax_error) ** 2
    p = np.exp(-(f - f.min()) / 2)
    total = np.cumsum(p)
    low, high = np.interp([0.16, 0.84], total / total[-1], d)
    return d[p.argmax()], low, high


def measure() -> None:
    every = stars()
    few = list(zip(*(column[:FEW] for column in every), strict=True))
    rows = [
        Row("obcat distance", seconds(lambda: distance(*every, distance_max=FARTHEST)) / N),
        Row("steps of 0.1 pc to 30 kpc", seconds(lambda: [steps(*star) for star in few], 1) / FEW),
    ]
    show(f"Distance PDFs of {N} stars, {FEW} of them on the grid", rows, 1, "star")
    ours = np.array(distance(*(column[:FEW] for column in every), distance_max=FARTHEST)[:3])
    grid = np.array([steps(*star) for star in few]).T
    mode, interval = np.abs(ours[0] - grid[0]).max() * 1e3, np.abs(ours[1:] / grid[1:] - 1).max()
    print(
        f"    largest difference: mode {mode:.3f} pc, 16 and 84 per cent {interval:.1e} of the "
        "distance\n"
    )


if __name__ == "__main__":
    measure()
