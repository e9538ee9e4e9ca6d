"""What the colours of a survey's ordinary stars teach about its bands and its dust; the tables of
light and dust as arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from obcat.arrow import float_array, list_array
from obcat.fit import Fit
from obcat.fit.colours import Read, grid
from obcat.kernels.mixed_model import (
    BANDS,
    EBV_NODES,
    HIGHEST,
    LAW_BANDS,
    LOWEST,
    MEAN_R_V,
    MIDDLE,
    Learnt,
    Solved,
    Terms,
    regressors,
    solved,
    terms_of,
    towards,
)
from obcat.kernels.space_density import PLACES, near_places

__all__ = ["START", "dust", "intrinsic", "law", "learnt"]

ROUNDS = 12
START = Learnt(np.full(len(BANDS), 0.015), 0.01, 0.2, np.zeros((3, len(BANDS))), 1.0)
FLOOR, GROWTH, SPREAD = (0.003, 0.2), (0.003, 0.06), (0.02, 0.6)  # limits: mag, mag/mag, R_V
OFFSET_WIDTHS, BEND = (0.03, 0.06, 0.03), (1.0, 0.5)  # mag, a unit; centre and width of the share
FIELD = (0.005, 0.6)  # limits of how much R_V varies over the sky
MEAN = (0.0, 0.4)  # centre and width of the mean R_V less MEAN_R_V
WALL = 1e7  # 1/mag^2 along what no star can tell from its own light or dust
STEP = (0.25, 4.0)  # of a variance in one round
SURE, CALM = 4.0, 16.0  # sigma of the worst band; times the expected square of R_V


def intrinsic(read: Read, parameters: Any) -> Fit:
    """The bolometric corrections of LAW_BANDS as a grid: see `obcat.fit.colours.colours`."""
    return grid(read, LAW_BANDS)


def law(read: Read, parameters: Any) -> Fit:
    """The extinction law through the bands, linear in R_V about 3.1.

    Parameters
    ----------
    read : rows, one a node: teff (K), node_ebv (mag), node_r_v, and A / E(B-V) in each of
        LAW_BANDS, on a full grid: two temperatures or more, two R_V beside 3.1, EBV_NODES
    parameters : not used

    Returns
    -------
    arrays law_log_teff (T,), law and law_slope (T, E, bands): A / E(B-V) at R_V = 3.1 and its slope
    """
    axes = ("teff", "node_ebv", "node_r_v")
    table = read().read_all().sort_by([(x, "ascending") for x in axes])
    teff, ebv, r_v = (np.unique(float_array(table[x])) for x in axes)
    assert np.array_equal(ebv, EBV_NODES), "the nodes of E(B-V) are those of the kernel"
    k = np.stack([float_array(table[band]) for band in LAW_BANDS], axis=1)
    k = k.reshape(len(teff), len(ebv), len(r_v), len(LAW_BANDS))
    middle = int(np.searchsorted(r_v, MEAN_R_V))
    slope = (k[:, :, -1] - k[:, :, 0]) / (r_v[-1] - r_v[0])
    return Fit({"law_log_teff": np.log10(teff), "law": k[:, :, middle], "law_slope": slope})


def dust(read: Read, parameters: Any) -> Fit:
    """Scatter and offsets of every band, spread of R_V and bending of the law.

    Parameters
    ----------
    read : rows, one an ordinary star: star_id, ra, dec, teff, teff_err, logg_err, feh_err,
        em_flag, magnitude and error of each of BANDS, and the columns of
        `kernels.mixed_model.band_terms`
    parameters : dust_min_stars (with fewer stars nothing is learnt: START holds)

    Returns
    -------
    arrays floor (13,), growth (1,), rv_spread (1,), offsets (3, 13), bend (1,), rv_mean (1,),
    rv_field (200,): see `kernels.mixed_model.Learnt`
    """
    table = read().read_all()
    near = near_places(float_array(table["ra"]), float_array(table["dec"]))
    found = learnt(_terms(table), near) if len(table) >= parameters.dust_min_stars else START
    return Fit(
        {
            "floor": found.floor,
            "growth": np.array([found.growth]),
            "rv_spread": np.array([found.rv]),
            "offsets": found.offsets,
            "bend": np.array([found.bend]),
            "rv_mean": np.array([found.mean]),
            "rv_field": found.field,
        }
    )


def _terms(table: pa.Table) -> Terms:
    errors = np.stack([float_array(table[x]) for x in ("teff_err", "logg_err", "feh_err")], axis=1)
    bands = [float_array(table[x]) for band in BANDS for x in (band, f"{band}_err")]
    names = ("correction", "correction_slopes", "law", "law_slope")
    wide = [list_array(table[x]).astype(np.float64) for x in names]
    teff, em_flag = float_array(table["teff"]), float_array(table["em_flag"])
    return terms_of(teff, errors, em_flag, tuple(bands), *wide)


def learnt(terms: Terms, near: np.ndarray) -> Learnt:
    """Variances by restricted likelihood; offsets, bending, mean R_V by least squares with a ridge.

    A variance grows by sum (g' P y)^2 / sum g' P g, which is one where it is that of the data (g:
    its column; P: the inverse covariance, mu and E(B-V) projected out). Errors of the labels are
    not learnt: what they do, offsets do.

    Parameters
    ----------
    terms : ordinary stars, n of some thousand, with most of their bands
    near : (n, PLACES) of `kernels.space_density.near_places`

    Returns
    -------
    floor, growth, rv within FLOOR, GROWTH, SPREAD; offsets without what no star can tell
    """
    now, penalty, centre = START, _penalty(terms), near.mean(axis=0)
    near = near - centre  # what is everywhere is the mean's
    for _ in range(ROUNDS):
        here = towards(terms, near @ now.field)
        out = solved(here, now, iterations=2)
        rows = ((out.z < SURE) & out.plain).all(axis=1)
        kept = Solved(*(x[rows] for x in out))
        now = _moved(now, Terms(*(x[rows] for x in here)), kept, penalty, near[rows])
    return now._replace(mean=float(now.mean - centre @ now.field))


def _moved(now: Learnt, terms: Terms, out: Solved, penalty: np.ndarray, near: np.ndarray) -> Learnt:
    """One round: every variance by its own ratio, then the offsets, the bending and R_V."""
    e2 = np.clip(out.ebv, 0, HIGHEST)[:, None] ** 2
    got = np.sum(out.py * out.design[:, :, -1], axis=1)
    want = _projected(out, out.design[:, :, -1:])[:, 0, 0]
    calm = got**2 < CALM * want
    offsets, bend, mean = _offsets(now, terms, out, penalty)
    return Learnt(
        _scaled(now.floor, np.sum(out.py**2, axis=0), np.sum(out.diagonal, axis=0), FLOOR),
        float(_scaled(now.growth, np.sum(out.py**2 * e2), np.sum(out.diagonal * e2), GROWTH)),
        float(_scaled(now.rv, np.sum(got[calm] ** 2), np.sum(want[calm]), SPREAD)),
        offsets,
        bend,
        mean,
        *_field(now, near[calm], got[calm], want[calm]),
    )


def _field(
    now: Learnt, near: np.ndarray, got: np.ndarray, want: np.ndarray
) -> tuple[np.ndarray, float]:
    """What R_V has near each place, by least squares, and its width, as far as stars tell."""
    ridge = np.eye(PLACES) / now.field_width**2
    covariance = np.linalg.inv(near.T @ (near * want[:, None]) + ridge)
    field = now.field + covariance @ (near.T @ got - ridge @ now.field)
    told = PLACES * now.field_width**2 - np.trace(covariance)
    return field, float(_scaled(now.field_width, np.sum(field**2), told, FIELD))


def _scaled(value: Any, got: Any, want: Any, limits: tuple[float, float]) -> np.ndarray:
    ratio = np.clip(got / np.maximum(want, 1e-12), *STEP)
    return np.clip(value * np.sqrt(np.where(want > 0, ratio, 1)), *limits)


def _projected(out: Solved, columns: np.ndarray) -> np.ndarray:
    """(n, q, q) columns' P columns, of (n, b, q) columns; P = W - W A S A' W."""
    weighted = (columns * out.weight[..., None]).transpose(0, 2, 1)
    inner = weighted @ out.design
    return weighted @ columns - inner @ out.covariance @ inner.transpose(0, 2, 1)


def _offsets(
    now: Learnt, terms: Terms, out: Solved, penalty: np.ndarray
) -> tuple[np.ndarray, float, float]:
    n, b = out.py.shape
    x = regressors(terms.log_teff, np.clip(out.ebv, LOWEST, HIGHEST))
    columns = (x[:, None, :, None] * np.eye(b)[:, None]).reshape(n, b, 3 * b)
    columns = np.concatenate([columns, out.bending[..., None], out.design[:, :, -1:]], axis=2)
    normal = np.sum(_projected(out, columns), axis=0) + penalty
    value = np.append(now.offsets.ravel(), [now.bend, now.mean])
    centre = np.append(np.zeros(3 * b), [BEND[0], MEAN[0]])
    slope = np.sum(columns * out.py[..., None], axis=(0, 1)) - penalty @ (value - centre)
    value = value + np.linalg.solve(normal, slope)
    return value[:-2].reshape(3, b), float(np.clip(value[-2], 0, 1.5)), float(value[-1])


def _penalty(terms: Terms) -> np.ndarray:
    """(3 b + 2, 3 b + 2) ridge, and walls along grey light, dust and R_V: offsets that looked like
    these would be taken for them, and stars behind little dust for stars of another R_V.
    """
    b = len(BANDS)
    widths = np.append(np.repeat(OFFSET_WIDTHS, b), [BEND[1], MEAN[1]])
    penalty = np.diag(1 / widths**2)
    k, slope = (np.median(x[:, MIDDLE], axis=0) for x in (terms.law, terms.law_slope))
    basis, _ = np.linalg.qr(np.stack([np.ones(b), k, slope], axis=1))
    for turn in range(len(OFFSET_WIDTHS)):
        here = slice(turn * b, (turn + 1) * b)
        penalty[here, here] += WALL * basis @ basis.T
    return penalty
