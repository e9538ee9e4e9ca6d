"""Draws from the posterior of stars: luminosity, extinction, distance and companion together.

The error e of the magnitude and that of the spectrum are made of the same labels; with a
covariance of v / 2 between them M and M_s both have the variance sigma^2 + v of the published
intervals.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.kernels.posterior import DELTA, VEIL, Joint, densities
from obcat.kernels.space_density import LN10, Globals, Sight
from obcat.kernels.spectral import Spectral

__all__ = ["Draws", "draws", "uniform"]

STREAMS = 4  # numbers a draw takes: grid cell, place in it, two for two normal errors
GOLDEN = np.uint64(0x9E3779B97F4A7C15)

Floats = NDArray[np.floating]


class Draws(NamedTuple):
    """(n, k) each: M of the primary and of all the light (mag), mag that a companion adds (0: no
    companion), distance (kpc), error of E(B-V) (mag); NaN for a star that is not known.
    """

    mk: Floats
    mk_system: Floats
    companion: Floats
    distance: Floats
    ebv_off: Floats


def uniform(key: NDArray[np.uint64], number: NDArray[np.int64]) -> Floats:
    """(n, k) evenly from 0 to 1 for keys (n,) of 64 bits and numbers (k,): the same whoever asks.

    SplitMix64 of Steele, Lea and Flood (2014), number by number.
    """
    with np.errstate(over="ignore"):
        z = key[:, None] + (number.astype(np.uint64) + np.uint64(1))[None, :] * GOLDEN
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(11)).astype(float) + 0.5) / 2.0**53


def draws(
    stars: Sight,
    said: Spectral,
    a_ks_err: Floats,
    ebv_err: Floats,
    key: NDArray[np.uint64],
    count: int,
    model: Globals,
) -> Draws:
    """``count`` draws of each of n stars.

    Parameters
    ----------
    stars, said, model : as for ``posterior.densities``
    a_ks_err, ebv_err : (n,) mag, errors of extinction and E(B-V), taken to go together
    key : (n,) where the numbers of a star come from
    """
    out = np.full((5, len(key), count), np.nan)
    for rows, one in densities(stars, said, model):
        numbers = uniform(key[rows], np.arange(STREAMS * count)).reshape(len(rows), count, STREAMS)
        kind, m = _kind_and_light(one, numbers)
        part = Spectral(*(a[rows] for a in said))
        errors = (a_ks_err[rows], ebv_err[rows])
        out[:, rows] = _drawn(stars.rows(rows), part, *errors, kind, m, numbers)
    return Draws(*out)


def _kind_and_light(one: Joint, numbers: Floats) -> tuple[NDArray[np.intp], Floats]:
    """(n, k) kind of companion, 0 for none, and M_s with the error of the magnitude in it."""
    n, cells = one.by_kind.shape
    star = np.arange(n)[:, None]
    ends = np.cumsum(one.by_kind, axis=1)
    ends = ends / ends[:, -1:] + star  # of one star after those of another
    cell = np.searchsorted(ends.ravel(), (numbers[..., 0] + star).ravel()).reshape(n, -1)
    kind, at = np.divmod(np.clip(cell - star * cells, 0, cells - 1), one.light.shape[1])
    return kind, one.low + one.step * (at + numbers[..., 1] - 0.5)


def _drawn(
    stars: Sight,
    said: Spectral,
    a_ks_err: Floats,
    ebv_err: Floats,
    kind: NDArray[np.intp],
    m: Floats,
    numbers: Floats,
) -> Floats:
    """(5, n, k) in the order of ``Draws``."""
    added, veil = np.array([0, *DELTA])[kind], np.array([0, *VEIL])[kind]
    v = stars.variance[:, None]
    whole = said.sigma[:, None] ** 2 + v
    centre = said.mean[:, None] - veil
    radius, turn = np.sqrt(-2 * np.log(numbers[..., 2])), 2 * np.pi * numbers[..., 3]
    mk = centre + (1 - v / (2 * whole)) * (m + added - centre)
    mk = mk + np.sqrt(v - v**2 / (4 * whole)) * radius * np.cos(turn)
    distance = np.exp(LN10 * (0.2 * (stars.magnitude[:, None] - m) - 2))
    ebv_off = _ebv_off(m + added - mk, v, a_ks_err[:, None], radius * np.sin(turn))
    return np.stack([mk, mk - added, added, distance, ebv_off * ebv_err[:, None]])


def _ebv_off(off: Floats, variance: Floats, a_ks_err: Floats, normal: Floats) -> Floats:
    """(n, k) error of E(B-V) over its standard error, given that of the magnitude: part of it is
    that of the extinction.
    """
    share = np.clip(a_ks_err**2 / variance, 0, 1)
    known = share > 0
    common = np.divide(share * off, a_ks_err, out=np.zeros_like(off), where=known)
    return common + np.sqrt(1 - np.where(known, share, 0)) * normal
