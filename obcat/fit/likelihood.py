"""How likely the spectroscopic magnitudes of stars with parallaxes are, M of each star marginalised
(paper Eq. 7-14).

    M_spec | M ~ N((1 + alpha) M + beta, sigma_int^2 + sigma_mea^2),  sigma_mea = sigma_100 100 /
    snr_g parallax | M ~ N(10^(0.2 (M - m + A + 10)), parallax_error^2),    flat in M

theta = (alpha, beta, sigma_int, sigma_100). With y = M - (m - A) the errors of m and A add to
M_spec as (1 + alpha)^2 (sigma_m^2 + sigma_A^2), and the parallax depends on y alone: one integral a
star, its nodes in y fixed. A star may count less than once and be wider than others.

Most likely noise of M_spec among stars of which some are two, and parallaxes that are worse than
they say.

The difference of M_spec from M_geo is Student's t, its scale made of the scatter sought, the errors
of Ks and A, and the parallax error times a factor that the stars tell. A share of the stars has the
light of a companion besides, 0 to 0.75 mag, which makes M_geo brighter and not M_spec. A second
visit tells the noise, and what changes at any S/N, apart from the rest. Were all that put down to
M_spec, its error would come out by half too large.

The walk of an emcee ensemble through the parameters of the noise model,
long enough to be believed.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import gammaln

from obcat.kernels.luminosity import REFERENCE_SNR

if TYPE_CHECKING:
    import emcee

__all__ = [
    "LIGHTS",
    "PARAMETERS",
    "Chain",
    "Likely",
    "Stars",
    "closed_form",
    "deviation",
    "ln_sum_exp",
    "most_likely",
    "quadrature",
    "sample",
    "twice",
]

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


# light of a companion in mag, 0 for none; two equal stars are 2.5 log10 2 = 0.75 mag brighter
LIGHTS = np.array([0.0, *(2.5 * np.log10(2) * (np.arange(6) + 0.5) / 6)])
# mean and standard deviation (assumed) of ln of the factor of the parallax errors, ln of the
# degrees of freedom, ln of the odds of a companion, and ln of what two visits differ by at any S/N
# (mag): wide, for samples too small to tell
PRIORS = np.array([(np.log(1.2), 0.4), (np.log(5.0), 0.7), (-1.3, 0.5), (np.log(0.03), 0.3)])
FACTOR_KNOWN = 0.05  # standard deviation of the first where other stars tell it (assumed)
FREEDOM = 4.0  # of the difference of two visits
# where the search begins, sigma_int and sigma_100 over the spread of all
STARTS = ((0.8, 0.1), (0.3, 0.3))
BLOCK = 2048  # stars at a time: what is between does not leave the cache
BOUNDS = [(-1, 1), (-3, 3), (1e-3, 3), (1e-3, 3), (-1, 2), (0, 4), (-5, 5), (-6, 0)]


@dataclass(frozen=True)
class Likely:
    """theta (4,) of ``likelihood``; factor of the parallax errors, degrees of freedom, share of
    stars with a companion's light, what two visits differ by at any S/N (mag).
    """

    theta: Floats
    parallax_factor: float
    freedom: float
    companions: float
    visit: float

    def corrected(self, stars: Stars) -> Stars:
        """The stars with their parallax errors and changes as they are."""
        return stars.corrected(self.parallax_factor, self.visit)

    def seen(self, stars: Stars) -> Stars:
        """The corrected stars, each counting as much as it is likely single (``single``), its
        variance widened as far as it is off (``slack``): with these Student's t has its maximum
        where a Gaussian has.
        """
        true = self.corrected(stars)
        off, sd = deviation(self.theta, true)
        terms = _terms(off, sd, (1 + self.theta[0]) * LIGHTS, self.freedom, self.companions)
        single = np.exp(terms[0] - ln_sum_exp(terms))
        slack = (self.freedom + (off / sd) ** 2) / (self.freedom + 1)
        return true.judged(single, slack)


def most_likely(stars: Stars, factor: float | None = None) -> Likely:
    """The maximum over all eight, the last four with `PRIORS`; ``factor``: that of the parallax
    errors, if other stars tell it.
    """
    priors = PRIORS.copy()
    if factor is not None:
        priors[0] = np.log(factor), FACTOR_KNOWN
    off, _ = deviation(np.array([0.0, 0.0, 1.0, 0.0]), stars)
    spread = max(float(np.percentile(off, 84) - np.percentile(off, 16)) / 2, 1e-3)
    size, tried = len(stars), []
    for parts in STARTS:
        start = np.array([0, np.median(off), *np.multiply(parts, spread), *priors[:, 0]])
        tried.append(
            minimize(lambda x: -_log_posterior(x, stars, priors) / size, start, method="L-BFGS-B",
                     bounds=BOUNDS)
        )  # fmt: skip
    return _likely(min(tried, key=lambda found: found.fun).x)


def _likely(x: Floats) -> Likely:
    factor, freedom, odds, visit = np.exp(x[4:]).tolist()
    return Likely(x[:4], factor, freedom, odds / (1 + odds), visit)


def _log_posterior(x: Floats, stars: Stars, priors: Floats) -> float:
    found = _likely(x)
    true = found.corrected(stars)
    off, sd = deviation(found.theta, true)
    lights, each = (1 + found.theta[0]) * LIGHTS, np.empty(len(true))
    for start in range(0, len(true), BLOCK):
        of = slice(start, start + BLOCK)
        each[of] = ln_sum_exp(_terms(off[of], sd[of], lights, found.freedom, found.companions))
    prior = -0.5 * float(np.sum(((x[4:] - priors[:, 0]) / priors[:, 1]) ** 2))
    return float(np.sum(each)) + prior + twice(found.theta[3], true)


def ln_sum_exp(terms: Floats) -> Floats:
    """ln of the sum over the first axis of exp of terms (lights, n), of which each column has a
    finite one: scipy.special.logsumexp to the bit, in a fifth of its time.
    """
    peak = terms.max(axis=0)
    below = terms - peak
    at_peak = below == 0
    np.exp(below, out=below)
    below[at_peak] = 0
    peaks = at_peak.sum(axis=0)
    return np.asarray(np.log1p(below.sum(axis=0) / peaks) + np.log(peaks) + peak)


def _terms(off: Floats, sd: Floats, lights: Floats, freedom: float, share: float) -> Floats:
    """(lights, n) ln of probability and density of each light."""
    z2 = ((off - lights[:, None]) / sd) ** 2
    each = np.log(np.array([1 - share, *np.full(len(lights) - 1, share / (len(lights) - 1))]))
    return each[:, None] + _student(z2, freedom) - np.log(sd)


def _student(z2: Floats, freedom: float) -> Floats:
    """ln of the density of Student's t at z, z2 being its square."""
    norm = gammaln((freedom + 1) / 2) - gammaln(freedom / 2) - 0.5 * np.log(np.pi * freedom)
    return norm - 0.5 * (freedom + 1) * np.log1p(z2 / freedom)


def twice(sigma_100: float, stars: Stars) -> float:
    """ln L of the differences of two visits: Student's t of the scale hypot(sigma_100 change_scale,
    change_floor); 0 where no star has a second one.
    """
    known = np.isfinite(stars.change) & (stars.change_scale > 0)
    scale = np.hypot(sigma_100 * stars.change_scale, stars.change_floor)[known]
    return float(np.sum(_student((stars.change[known] / scale) ** 2, FREEDOM) - np.log(scale)))


PARAMETERS = ("alpha", "beta", "sigma_int", "sigma_100")
TIMES = 50  # the walk is this many autocorrelation times long
BURNT = 5  # of which this many are left out
LONGEST = 4  # times the steps asked for
START_WIDTH = 0.01


@dataclass(frozen=True)
class Chain:
    """What is left after burning and thinning, and how the walk went.

    samples (kept, walkers, 4), log_posterior (kept, walkers), step (kept,) of each sample,
    autocorrelation_time (4,) in steps, acceptance (fraction of proposals), n_steps walked.
    """

    samples: Floats
    log_posterior: Floats
    step: NDArray[np.int64]
    autocorrelation_time: Floats
    acceptance: float
    n_steps: int

    @property
    def flat(self) -> Floats:
        return self.samples.reshape(-1, len(PARAMETERS))

    @property
    def mean(self) -> Floats:
        return self.flat.mean(axis=0)


def sample(stars: Stars, start: Floats, *, walkers: int, steps: int, seed: int) -> Chain:
    """Posterior of (alpha, beta, sigma_int, sigma_100), flat prior with both sigmas positive.

    Walk ``steps`` at a time until TIMES autocorrelation times are covered, LONGEST times at most.
    """
    import emcee
    from emcee.autocorr import integrated_time

    of_parallaxes = quadrature(stars)

    def log_likelihood(theta: Floats) -> float:
        return of_parallaxes(theta) + twice(theta[3], stars)

    def log_posterior(ensemble: Floats) -> Floats:
        return np.array(
            [log_likelihood(theta) if (theta[2:] > 0).all() else -np.inf for theta in ensemble]
        )

    moves = [
        (emcee.moves.DEMove(), 0.8),
        (emcee.moves.DESnookerMove(), 0.2),
    ]  # a third of the stretch move's time
    sampler = emcee.EnsembleSampler(
        walkers, len(PARAMETERS), log_posterior, vectorize=True, moves=moves
    )
    sampler.random_state = np.random.RandomState(seed).get_state()
    state = start + START_WIDTH * np.random.default_rng(seed).normal(
        size=(walkers, len(PARAMETERS))
    )
    state[:, 2:] = np.abs(state[:, 2:])
    for _ in range(LONGEST):
        state = sampler.run_mcmc(state, steps)
        times = integrated_time(sampler.get_chain(), tol=0)
        if sampler.iteration >= TIMES * times.max():
            break
    return _chain(sampler, times)


def _chain(sampler: "emcee.EnsembleSampler", times: Floats) -> Chain:
    thin = max(1, int(times.max() / 2))
    burnt = min(int(BURNT * times.max()), sampler.iteration // 2)
    samples = sampler.get_chain(discard=burnt, thin=thin)
    return Chain(
        samples=samples,
        log_posterior=sampler.get_log_prob(discard=burnt, thin=thin),
        step=burnt + thin * np.arange(1, len(samples) + 1),
        autocorrelation_time=times,
        acceptance=float(sampler.acceptance_fraction.mean()),
        n_steps=sampler.iteration,
    )
