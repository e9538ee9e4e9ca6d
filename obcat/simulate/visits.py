"""Visits: who is observed how often, on which plate, night and fibre, how well."""

import datetime as dt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Visits", "count_visits", "draw_visits", "n_spectra"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
FULL_STARS, FULL_SPECTRA = 16_032, 22_901  # Liu et al. (2019)
UNEVENNESS = 0.5  # shape of the gamma law of how often fields are repeated
BRIGHT = 14.0  # G: brighter stars go to the plates with short exposures
TILE = 4.5  # deg
NIGHTS = (55859, 57900)  # LMJD
SPECTROGRAPHS, FIBRES = 16, 250
SNR_AT, SNR_G, SNR_SIGMA, SNR_RANGE = (
    (60.0, 60.0),
    (12.8, 15.3),
    0.40,
    (10.0, 300.0),
)  # bright plates, others
PLATES = 10_000  # numbers kept for the plates of a chunk, which are fewer than its visits
EPOCH = dt.date(1858, 11, 17)


class Visits(NamedTuple):
    """One row a spectrum; star is the row of its star."""

    star: Integers
    planid: NDArray[np.str_]
    plan: Integers
    lmjd: Integers
    spid: Integers
    fiberid: Integers
    snr_g: Array

    @property
    def specid(self) -> list[str]:
        rows = zip(self.lmjd, self.planid, self.spid, self.fiberid, strict=True)
        return [f"{lmjd}-{planid}-{spid:02d}-{fiberid:03d}" for lmjd, planid, spid, fiberid in rows]

    @property
    def fitsname(self) -> list[str]:
        rows = zip(self.lmjd, self.planid, self.spid, self.fiberid, strict=True)
        return [
            f"spec-{lmjd}-{planid}_sp{spid:02d}-{fiberid:03d}.fits"
            for lmjd, planid, spid, fiberid in rows
        ]

    @property
    def folder(self) -> list[str]:
        """Night of the observation, the day before LMJD, and plate."""
        return [
            f"{date(m - 1):%Y%m%d}/{p}"
            for m, p in zip(self.lmjd.tolist(), self.planid, strict=True)
        ]


def date(mjd: int) -> dt.date:
    return EPOCH + dt.timedelta(days=mjd)


def n_spectra(n_stars: int) -> int:
    return round(n_stars * FULL_SPECTRA / FULL_STARS)


def count_visits(n_stars: int, n_visits: int, first: int, rng: np.random.Generator) -> Integers:
    """One visit each, and the rest shared out unevenly; the first star gets `first` while there are enough.

    With first = 0 it is like the others.
    """
    spare = n_visits - n_stars
    own = min(max(first - 1, 0), spare)
    eager = rng.gamma(UNEVENNESS, size=n_stars)
    if first and n_stars > 1:
        eager[0] = 0
    visits = 1 + rng.multinomial(spare - own, eager / eager.sum())
    visits[0] += own
    return visits


def draw_visits(
    ra: Array, dec: Array, g: Array, visits: Integers, chunk: int, rng: np.random.Generator
) -> Visits:
    """The k-th visits of a tile's bright (or faint) stars of one chunk share one plate and night."""
    star = np.repeat(np.arange(len(visits)), visits)
    turn = np.arange(len(star)) - np.repeat(np.cumsum(visits) - visits, visits)
    bright = g < BRIGHT
    tile = np.array([_tile(a, d, b) for a, d, b in zip(ra, dec, bright, strict=True)])
    planid = np.array([f"{t}{chunk:03d}{k + 1:02d}" for t, k in zip(tile[star], turn, strict=True)])
    names, plan, size = np.unique(planid, return_inverse=True, return_counts=True)
    order = np.argsort(plan, kind="stable")
    place = np.empty(len(star), dtype=np.int64)
    place[order] = np.arange(len(star)) - np.repeat(np.cumsum(size) - size, size)
    if place.max() >= SPECTROGRAPHS * FIBRES:
        raise ValueError(
            f"plate {names[np.argmax(size)]} has {size.max()} stars, more than its fibres"
        )
    night = rng.choice(np.arange(*NIGHTS), size=len(names))
    snr = _snr(g[star], bright[star], rng)
    return Visits(
        star,
        planid,
        chunk * PLATES + plan,
        night[plan],
        1 + place % SPECTROGRAPHS,
        1 + place // SPECTROGRAPHS,
        snr,
    )


def _tile(ra: float, dec: float, bright: bool) -> str:
    row = TILE * np.floor(dec / TILE) + TILE / 2
    width = TILE / np.cos(np.radians(row))
    column = (width * np.floor(ra / width) + width / 2) % 360
    return f"GAC{column:03.0f}{'S' if row < 0 else 'N'}{abs(row):02.0f}{'V' if bright else 'B'}"


def _snr(g: Array, bright: NDArray[np.bool_], rng: np.random.Generator) -> Array:
    centre = np.where(bright, SNR_G[0], SNR_G[1])
    level = np.where(bright, SNR_AT[0], SNR_AT[1]) * 10 ** (-0.2 * (g - centre))
    value = level * np.exp(SNR_SIGMA * rng.standard_normal(len(g)))
    return np.clip(value, SNR_RANGE[0] * (1 + 0.3 * rng.random(len(g))), SNR_RANGE[1])
