"""Bins, cuts and samples that more than one section judges by."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from obcat.evaluate.truth import Compared, is_ob_star

__all__ = [
    "BRIGHT_COMPANION", "EBV_EDGES", "GOOD_PARALLAX", "GOOD_SNR", "KPC_EDGES", "MK_EDGES", "PAPER_MIN_SNR", "SNR_EDGES",
    "STRONG_EMISSION", "bins", "distance_error", "emission_classes", "good_singles", "parallax_snr", "plain_singles",
]  # fmt: skip

SNR_EDGES = (10, 20, 30, 50, 100, np.inf)
MK_EDGES = (-np.inf, -3, -2, -1, 0, 1, np.inf)
EBV_EDGES = (-np.inf, 0.2, 0.5, 1, 1.5, np.inf)
KPC_EDGES = (0, 1, 2, 4, 8, np.inf)
PAPER_MIN_SNR = 50  # of spectra whose M_spec is compared with M_geo
GOOD_SNR = 30  # from which emission should be found
STRONG_EMISSION = 2.0  # Angstrom of emission at H alpha
GOOD_PARALLAX = 10  # parallax over its error
BRIGHT_COMPANION = 0.7  # mass ratio above which the companion shines

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]


def bins(name: str, values: Floats, edges: Sequence[float]) -> Iterator[tuple[str, Rows]]:
    """Label and rows of each bin low <= value < high; an infinite edge leaves the bin open."""
    for low, high in pairwise(edges):
        label = f"{low:g} to {high:g}"
        if np.isinf(high):
            label = f"from {low:g}"
        elif np.isinf(low):
            label = f"below {high:g}"
        yield f"{name} {label}", (values >= low) & (values < high)


def plain_singles(data: Compared) -> Rows:
    """Best visits of O and B stars that truly are single and without emission, (n,)."""
    return (
        (data["uniqflag"] == 1)
        & is_ob_star(data)
        & (data["is_binary"] == 0)
        & (data["has_emission"] == 0)
    )


def good_singles(data: Compared) -> Rows:
    """Of these, spectra with S/N > 50, (n,)."""
    return plain_singles(data) & (data["snr_g"] > PAPER_MIN_SNR)


def emission_classes(data: Compared) -> list[tuple[str, Rows]]:
    """None, discs of Be stars, winds of supergiants, nebulae: what emits most."""
    some, nebular, wind = (data[name] == 1 for name in ("has_emission", "is_nebular", "is_wind"))
    return [
        ("emission: none", ~some),
        ("emission: Be", some & ~nebular & ~wind),
        ("emission: wind", some & ~nebular & wind),
        ("emission: nebular", some & nebular),
    ]


def distance_error(data: Compared) -> Floats:
    """dis / true - 1, (n,)."""
    return data["dis"] / data["true_distance"] - 1


def parallax_snr(data: Compared) -> Floats:
    """Parallax, its zero point taken off, over its error, (n,)."""
    return data["parallax"] / data["parallax_error"]
