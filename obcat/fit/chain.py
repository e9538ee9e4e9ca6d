"""The walk of an emcee ensemble through the parameters of the noise model,
long enough to be believed.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from obcat.fit.contaminated import twice
from obcat.fit.likelihood import Stars, quadrature

if TYPE_CHECKING:
    import emcee

__all__ = ["PARAMETERS", "Chain", "sample"]

PARAMETERS = ("alpha", "beta", "sigma_int", "sigma_100")
TIMES = 50  # the walk is this many autocorrelation times long
BURNT = 5  # of which this many are left out
LONGEST = 4  # times the steps asked for
START_WIDTH = 0.01

Floats = NDArray[np.float64]


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
