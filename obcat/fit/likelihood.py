"""How likely the spectroscopic magnitudes of stars with parallaxes are, M of each star marginalised
(paper Eq. 7-14).

    M_spec | M ~ N((1 + alpha) M + beta, sigma_int^2 + sigma_mea^2),  sigma_mea = sigma_100 100 /
    snr_g parallax | M ~ N(10^(0.2 (M - m + A + 10)), parallax_error^2),    flat in M

theta = (alpha, beta, sigma_int, sigma_100). With y = M - (m - A) the errors of m and A add to
M_spec as (1 + alpha)^2 (sigma_m^2 + sigma_A^2), and the parallax depends on y alone: one integral a
star, its nodes in y fixed. A star may count less than once and be wider than others.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from obcat.kernels.luminosity import REFERENCE_SNR

__all__ = ["Stars", "closed_form", "deviation", "quadrature"]

NODES = 13  # trapezoids to 5 sigma of the parallax: ln L to 1e-6 a star for parallax / error > 10
REACH = 5.0
NEAREST_ZERO = 0.05  # of the parallax: a lower limit for the nodes of a poor one

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Stars:
    """Columns (n,): M_spec, m - A (mag), its variance, the parallax and its error (mas),
    (100 / snr_g)^2; M_spec of the second visit less that of the first and hypot(100 / snr_g, 100 /
    snr_again), NaN where there is none, and what two visits differ by besides (mag); how often the
    star counts, and what its variance is multiplied by.
    """

    mk: Floats
    dereddened: Floats
    variance: Floats
    parallax: Floats
    parallax_error: Floats
    inverse_snr: Floats
    change: Floats
    change_scale: Floats
    change_floor: Floats
    single: Floats
    slack: Floats

    def __len__(self) -> int:
        return len(self.mk)

    def take(self, rows: NDArray[np.bool_]) -> "Stars":
        return Stars(*(column[rows] for column in vars(self).values()))

    @classmethod
    def of(cls, columns: dict[str, Floats]) -> "Stars":
        """From the columns mk, snr_g, ks, ks_err, a_ks, a_ks_err, parallax, parallax_error, and, if
        they are there, mk_again and snr_again.
        """
        once = np.full(len(columns["mk"]), np.nan)
        snr_again = columns.get("snr_again", once)
        return cls(
            columns["mk"],
            columns["ks"] - columns["a_ks"],
            columns["ks_err"] ** 2 + columns["a_ks_err"] ** 2,
            columns["parallax"],
            columns["parallax_error"],
            (REFERENCE_SNR / columns["snr_g"]) ** 2,
            columns.get("mk_again", once) - columns["mk"],
            REFERENCE_SNR * np.hypot(1 / columns["snr_g"], 1 / snr_again),
            np.zeros(len(once)),
            np.ones(len(once)),
            np.ones(len(once)),
        )

    def corrected(self, factor: float, floor: float) -> "Stars":
        """The same with all parallax errors times a factor, and a floor of the changes."""
        floors = np.full(len(self), floor)
        return replace(self, parallax_error=factor * self.parallax_error, change_floor=floors)

    def judged(self, single: Floats, slack: Floats) -> "Stars":
        """The same, each star counting ``single`` times, all its variances times ``slack``."""
        error = self.parallax_error * np.sqrt(slack)
        return replace(self, parallax_error=error, single=single, slack=slack)


def deviation(theta: Floats, stars: Stars) -> tuple[Floats, Floats]:
    """M_spec - (1 + alpha) M_geo - beta and its standard deviation, both (n,);
    M_geo as Gaussian.
    """
    alpha, beta, sigma_int, sigma_100 = theta
    mk_geo = stars.dereddened + 5 * np.log10(stars.parallax) - 10
    geo_variance = stars.variance + (5 / np.log(10) * stars.parallax_error / stars.parallax) ** 2
    variance = sigma_int**2 + sigma_100**2 * stars.inverse_snr + (1 + alpha) ** 2 * geo_variance
    return stars.mk - (1 + alpha) * mk_geo - beta, np.sqrt(variance)


def closed_form(theta: Floats, stars: Stars) -> float:
    """ln L with a Gaussian M_geo: what the integral tends to as parallax / error grows."""
    off, sd = deviation(theta, stars)
    return float(np.sum(-0.5 * (off / sd) ** 2 - np.log(sd)))


def quadrature(stars: Stars) -> Callable[[Floats], float]:
    """ln L as a function of theta, the parallax likelihood integrated over M as it is."""
    y, weight = _nodes(stars)
    magnitude = y + stars.dereddened
    terms = np.empty_like(magnitude)

    def log_likelihood(theta: Floats) -> float:
        alpha, beta, sigma_int, sigma_100 = theta
        variance = (
            sigma_int**2 + sigma_100**2 * stars.inverse_snr + (1 + alpha) ** 2 * stars.variance
        ) * stars.slack
        np.multiply(magnitude, 1 + alpha, out=terms)
        np.subtract(terms, stars.mk - beta, out=terms)
        np.square(terms, out=terms)
        np.multiply(terms, -0.5 / variance, out=terms)
        np.exp(terms, out=terms)
        np.multiply(terms, weight, out=terms)
        with np.errstate(divide="ignore"):  # a star 38 sigma off: ln 0, rejected
            each = np.log(terms.sum(axis=0)) - 0.5 * np.log(variance)
            return float(np.sum(stars.single * each))

    return log_likelihood


def _nodes(stars: Stars) -> tuple[Floats, Floats]:
    """Nodes y (nodes, n) in mag and the parallax likelihood at them, scaled to a sum of 1."""
    reach = REACH * stars.parallax_error
    low = 5 * np.log10(np.maximum(stars.parallax - reach, NEAREST_ZERO * stars.parallax)) - 10
    high = 5 * np.log10(stars.parallax + reach) - 10
    y = np.linspace(low, high, NODES)
    weight = np.exp(-0.5 * ((stars.parallax - 10 ** (0.2 * (y + 10))) / stars.parallax_error) ** 2)
    return y, weight / weight.sum(axis=0)
