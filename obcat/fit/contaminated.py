"""Most likely noise of M_spec among stars of which some are two, and parallaxes that are worse than
they say.

The difference of M_spec from M_geo is Student's t, its scale made of the scatter sought, the errors
of Ks and A, and the parallax error times a factor that the stars tell. A share of the stars has the
light of a companion besides, 0 to 0.75 mag, which makes M_geo brighter and not M_spec. A second
visit tells the noise, and what changes at any S/N, apart from the rest. Were all that put down to
M_spec, its error would come out by half too large.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import gammaln, logsumexp

from obcat.fit.likelihood import Stars, deviation

__all__ = ["LIGHTS", "Likely", "most_likely", "twice"]

# light of a companion in mag, 0 for none; two equal stars are 2.5 log10 2 = 0.75 mag brighter
LIGHTS = np.array([0.0, *(2.5 * np.log10(2) * (np.arange(6) + 0.5) / 6)])
# mean and standard deviation (assumed) of ln of the factor of the parallax errors, ln of the
# degrees of freedom, ln of the odds of a companion, and ln of what two visits differ by at any S/N
# (mag): wide, for samples too small to tell
PRIORS = np.array([(np.log(1.2), 0.4), (np.log(5.0), 0.7), (-1.3, 0.5), (np.log(0.03), 0.3)])
FREEDOM = 4.0  # of the difference of two visits
# where the search begins, sigma_int and sigma_100 over the spread of all
STARTS = ((0.8, 0.1), (0.3, 0.3))
BOUNDS = [(-1, 1), (-3, 3), (1e-3, 3), (1e-3, 3), (-1, 2), (0, 4), (-5, 5), (-6, 0)]

Floats = NDArray[np.float64]


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
        single = np.exp(terms[0] - logsumexp(terms, axis=0))
        slack = (self.freedom + (off / sd) ** 2) / (self.freedom + 1)
        return true.judged(single, slack)


def most_likely(stars: Stars) -> Likely:
    """The maximum over all eight, the last four with `PRIORS`."""
    off, _ = deviation(np.array([0.0, 0.0, 1.0, 0.0]), stars)
    spread = max(float(np.percentile(off, 84) - np.percentile(off, 16)) / 2, 1e-3)
    size, tried = len(stars), []
    for parts in STARTS:
        start = np.array([0, np.median(off), *np.multiply(parts, spread), *PRIORS[:, 0]])
        tried.append(
            minimize(lambda x: -_log_posterior(x, stars) / size, start, method="L-BFGS-B",
                     bounds=BOUNDS)
        )  # fmt: skip
    return _likely(min(tried, key=lambda found: found.fun).x)


def _likely(x: Floats) -> Likely:
    factor, freedom, odds, visit = np.exp(x[4:]).tolist()
    return Likely(x[:4], factor, freedom, odds / (1 + odds), visit)


def _log_posterior(x: Floats, stars: Stars) -> float:
    found = _likely(x)
    true = found.corrected(stars)
    off, sd = deviation(found.theta, true)
    lights = (1 + found.theta[0]) * LIGHTS
    terms = _terms(off, sd, lights, found.freedom, found.companions)
    prior = -0.5 * float(np.sum(((x[4:] - PRIORS[:, 0]) / PRIORS[:, 1]) ** 2))
    return float(np.sum(logsumexp(terms, axis=0))) + prior + twice(found.theta[3], true)


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
