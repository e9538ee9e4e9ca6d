"""The noise of the spectroscopic magnitudes, sampled with emcee (METHOD section 5,
paper section 5.3).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from obcat.arrow import float_array
from obcat.fit import Fit
from obcat.fit.likelihood import PARAMETERS, Chain, Likely, Stars, deviation, most_likely, sample

__all__ = ["noise"]

COLUMNS = ("mk", "snr_g", "ks", "ks_err", "a_ks", "a_ks_err", "parallax", "parallax_error")
AGAIN = ("mk_again", "snr_again")
CLASSES = (0, 1)
LIKELY = ("parallax_factor", "freedom", "companions", "visit")
MAX_ROUNDS = 20

SUMMARY = pa.schema(
    {
        "em_flag": pa.int16(),
        "parameter": pa.string(),
        "from_em_flag": pa.int16(),
        **dict.fromkeys(
            ("mean", "median", "std", "low", "high", "autocorrelation_time", "acceptance"),
            pa.float64(),
        ),
        **dict.fromkeys(("n_steps", "n_stars", "n_dropped"), pa.int32()),
    }
)
CHAIN = pa.schema(
    {
        "em_flag": pa.int16(),
        "step": pa.int32(),
        "walker": pa.int32(),
        **dict.fromkeys((*PARAMETERS, "log_posterior"), pa.float64()),
    }
)
STARS = pa.schema({"star_id": pa.string(), "em_flag": pa.int16(), "dropped": pa.int16()})

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Sampled:
    """An emission class: its usable stars, which of them lie within nsigma, and, if they are
    enough, what is most likely and the chain.
    """

    star_id: list[str]
    used: NDArray[np.bool_]
    likely: Likely | None
    chain: Chain | None


def noise(
    read: Callable[[], pa.RecordBatchReader],
    parameters: Any,
) -> Fit:
    """Scatter of M_spec about M, without and with emission lines.

    Stars more than ``noise_nsigma`` off are dropped, until no star changes sides; how much worse
    parallaxes are than they say, how far the tails reach and how many stars have a companion's
    light is taken as most likely (``fit.contaminated``), the first as the stars without emission
    that trained say, if they are enough: they are more, and it is no matter of the spectrum. With
    that the rest is sampled, M marginalised by quadrature. The walks are ``noise_steps``
    long, or up to four times that, until 50 autocorrelation times; five are burnt, half of one is
    the thinning.

    Parameters
    ----------
    read : rows, one a star with a good parallax: star_id, em_flag (0/1), is_train (0: a test star),
        mk, ks, ks_err, a_ks, a_ks_err (mag), snr_g, parallax, parallax_error (mas, zero point
        corrected), mk_again and snr_again of its second visit, NULL where there is none. Rows with
        another NULL, or a parallax, its error or an S/N that is not positive, are passed over.
        Meant for parallax / error > 10
    parameters : noise_nsigma, noise_walkers, noise_steps, noise_seed, noise_min_stars

    Returns
    -------
    arrays sigma_int, sigma_100 : (2,) mag, posterior means [without, with emission]; a class of
        fewer than noise_min_stars takes the other's; (0,) when neither has enough; in the same way
        parallax_factor, freedom, companions and visit, see ``contaminated.Likely``
    tables noise_summary (posteriors), noise_chain (thinned), noise_stars (who was used)
    """
    table = read().read_all()
    factor = _factor(table, parameters)
    sampled = {em_flag: _sampled(table, em_flag, factor, parameters) for em_flag in CLASSES}
    origin = _origins(sampled)
    means = [chain.mean for _, chain in origin.values()]
    arrays = {
        name: np.array([mean[PARAMETERS.index(name)] for mean in means])
        for name in ("sigma_int", "sigma_100")
    }
    arrays |= {name: _likely(sampled, origin, name) for name in LIKELY}
    tables = {
        "noise_summary": _summary(sampled, origin),
        "noise_chain": _chains(sampled),
        "noise_stars": _stars(sampled),
    }
    return Fit(arrays, tables)


def _likely(
    sampled: dict[int, _Sampled], origin: dict[int, tuple[int, Chain]], name: str
) -> Floats:
    return np.array([getattr(sampled[source].likely, name) for source, _ in origin.values()])


def _origins(sampled: dict[int, _Sampled]) -> dict[int, tuple[int, Chain]]:
    """Whose chain each class takes: its own, or the other's; empty when there is none."""
    chains = {em_flag: s.chain for em_flag, s in sampled.items() if s.chain is not None}
    return {
        own: next((c, chains[c]) for c in (own, 1 - own) if c in chains)
        for own in sampled
        if chains
    }


def _factor(table: pa.Table, parameters: Any) -> float | None:
    """By how much parallaxes are worse than they say, of stars that trained; None: too few."""
    _, stars = _usable(table, 0, is_train=1)
    if len(stars) < parameters.noise_min_stars:
        return None
    return _clipped(stars, parameters.noise_nsigma)[0].parallax_factor


def _usable(table: pa.Table, em_flag: int, *, is_train: int) -> tuple[list[str], Stars]:
    columns = {name: float_array(table[name]) for name in COLUMNS}
    again = {name: float_array(table[name]) for name in AGAIN}
    usable = (float_array(table["em_flag"]) == em_flag) & np.all(
        [np.isfinite(x) for x in columns.values()], axis=0
    )
    usable &= float_array(table["is_train"]) == is_train
    for name in ("parallax", "parallax_error", "snr_g"):
        usable &= columns[name] > 0
    stars = Stars.of({name: x[usable] for name, x in (columns | again).items()})
    return table["star_id"].filter(pa.array(usable)).to_pylist(), stars


def _sampled(table: pa.Table, em_flag: int, factor: float | None, parameters: Any) -> _Sampled:
    star_id, stars = _usable(table, em_flag, is_train=0)
    if len(stars) < parameters.noise_min_stars:
        return _Sampled(star_id, np.zeros(len(stars), bool), None, None)
    likely, used = _clipped(stars, parameters.noise_nsigma, factor)
    chain = sample(
        likely.seen(stars.take(used)),
        likely.theta,
        walkers=parameters.noise_walkers,
        steps=parameters.noise_steps,
        seed=parameters.noise_seed + em_flag,
    )
    return _Sampled(star_id, used, likely, chain)


def _clipped(
    stars: Stars, nsigma: float, factor: float | None = None
) -> tuple[Likely, NDArray[np.bool_]]:
    """What is most likely, and the stars within nsigma of it;
    every star is judged anew in each round.
    """
    used = np.ones(len(stars), bool)
    for _ in range(MAX_ROUNDS):
        likely = most_likely(stars.take(used), factor)
        off, sd = deviation(likely.theta, likely.corrected(stars))
        before, used = used, np.abs(off) <= nsigma * sd
        if (used == before).all():
            break
    return likely, used


def _summary(sampled: dict[int, _Sampled], origin: dict[int, tuple[int, Chain]]) -> pa.Table:
    """One row a class and parameter; from_em_flag is the class it was fitted to."""
    rows = [
        {
            "em_flag": em_flag,
            "parameter": name,
            "from_em_flag": source,
            "mean": float(values.mean()),
            "median": float(np.median(values)),
            "std": float(values.std()),
            "low": float(np.percentile(values, 16)),
            "high": float(np.percentile(values, 84)),
            "autocorrelation_time": float(time),
            "acceptance": chain.acceptance,
            "n_steps": chain.n_steps,
            "n_stars": int(sampled[source].used.sum()),
            "n_dropped": int((~sampled[source].used).sum()),
        }
        for em_flag, (source, chain) in origin.items()
        for name, values, time in zip(
            PARAMETERS, chain.flat.T, chain.autocorrelation_time, strict=True
        )
    ]
    return pa.Table.from_pylist(rows, SUMMARY)


def _chains(sampled: dict[int, _Sampled]) -> pa.Table:
    parts = [
        _chain_table(em_flag, s.chain) for em_flag, s in sampled.items() if s.chain is not None
    ]
    return pa.concat_tables(parts) if parts else CHAIN.empty_table()


def _chain_table(em_flag: int, chain: Chain) -> pa.Table:
    kept, walkers, _ = chain.samples.shape
    columns = [
        np.full(kept * walkers, em_flag),
        np.repeat(chain.step, walkers),
        np.tile(np.arange(walkers), kept),
        *chain.flat.T,
        chain.log_posterior.ravel(),
    ]
    return pa.table([pa.array(x, f.type) for x, f in zip(columns, CHAIN, strict=True)], CHAIN)


def _stars(sampled: dict[int, _Sampled]) -> pa.Table:
    """Who was used; classes with too few stars are left out."""
    fitted = {em_flag: s for em_flag, s in sampled.items() if s.chain is not None}
    rows = [
        {"star_id": star_id, "em_flag": em_flag, "dropped": int(not used)}
        for em_flag, s in fitted.items()
        for star_id, used in zip(s.star_id, s.used, strict=True)
    ]
    return pa.Table.from_pylist(rows, STARS)
