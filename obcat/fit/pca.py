"""Principal components of the training spectra,
and the stars with emission among them (METHOD section 2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.linalg import eigh

from obcat.fit import Fit, Reader, batches, correlation, moments
from obcat.fit.excess import (
    found_emission,
    found_nebular,
    measured,
    ordinary,
    scored,
    standardised_by,
    straightened,
)
from obcat.kernels.grid import N_PIXEL, WAVELENGTH, clean_pixels, full_pixels, gapped_pixels

__all__ = ["pca"]

Model = dict[str, np.ndarray]

DROPPED = pa.schema(
    [
        ("specid", pa.string()),
        ("star_id", pa.string()),
        ("iteration", pa.int16()),
        ("reason", pa.string()),
    ]
)


def pca(read: Reader, parameters: Any) -> Fit:
    """Bases of the clean windows and of all pixels used, the map between them, and the threshold
    for emission.

    ``read()`` gives specid VARCHAR, star_id VARCHAR, flux FLOAT[3909] and ivar FLOAT[3909],
    normalised and in the rest frame. The basis is fitted to all stars, then without those found to
    have emission (paper, section 3: one iteration is enough); of stars that show forbidden lines
    only, these lines teach nothing.

    Arrays, for the kernels: mean, scale (3909,); clean_basis, full_basis, full_from_clean (k,
    3909), standardised; score_clean_scale, score_full_scale (k,) standard deviations of the
    coefficients over the training stars; halpha_share (k,), see `believed`; residual_sd (3909,)
    scatter of ordinary stars about their reconstruction, noise taken out; excess_curve,
    excess_limits and excess_calibration, see `obcat.fit.excess.ordinary`. With fewer training
    spectra than components + 2 the arrays have no pixels, and every kernel answers NaN.

    Table ``pca_dropped``: specid, star_id, iteration, reason of the stars left out of the second
    fit.
    """
    stars, provisional = _provisional(read, parameters)
    everyone = np.ones(stars.num_rows, bool)
    if stars.num_rows < parameters.pca_components + 2:
        return Fit(
            _without_model(parameters.pca_components),
            {"pca_dropped": _dropped(stars, ~everyone, ~everyone)},
        )
    nothing = np.zeros((stars.num_rows, parameters.pca_components), np.float32)
    first, _ = _fitted(read, parameters, provisional, nothing, everyone, ~everyone)
    found = measured(read, parameters, first, everyone)
    emission = found_emission(
        found, first["score_clean_scale"], false_alarm=parameters.em_false_alarm
    )
    unknown = ~np.isfinite(found.excess)
    kept = ~emission & ~unknown
    table = {"pca_dropped": _dropped(stars, emission, unknown)}
    if np.count_nonzero(kept) < parameters.pca_components + 2:
        return Fit(_without_model(parameters.pca_components), table)
    nebular = found_nebular(found, false_alarm=parameters.em_false_alarm)
    second, matrix = _fitted(read, parameters, first, found.score, kept, nebular)
    found = measured(read, parameters, second, kept)
    usual = ordinary(found, second["score_clean_scale"], false_alarm=parameters.em_false_alarm)
    whole = _full_range(matrix, parameters)
    return Fit(second | whole | {"residual_sd": found.residual_sd} | usual, table)


def _provisional(read: Reader, parameters: Any) -> tuple[pa.Table, Model]:
    """specid and star_id of the training rows; mean and deviation of each pixel, and bases of
    zeros: masked pixels are first filled with the mean.
    """
    ids: dict[str, list[str]] = {"specid": [], "star_id": []}
    used = full_pixels(parameters.pca_min_wavelength, parameters.pca_max_wavelength)
    mean, scale = moments(lambda: _noted(read(), ids), used)
    nothing = np.zeros((parameters.pca_components, N_PIXEL), np.float32)
    bases = {"clean_basis": nothing, "full_from_clean": nothing}
    stars = pa.table({name: pa.array(values, pa.string()) for name, values in ids.items()})
    return stars, {"mean": mean, "scale": scale, **bases}


def _noted(rows: Iterable[pa.RecordBatch], ids: dict[str, list[str]]) -> Iterator[pa.RecordBatch]:
    """The rows, their identifiers copied as they pass:
    a column kept would keep the spectra of its batch in memory.
    """
    for batch in rows:
        for name, values in ids.items():
            values += batch.column(name).to_pylist()
        yield batch


def _fitted(
    read: Reader,
    parameters: Any,
    before: Model,
    score: np.ndarray,
    kept: np.ndarray,
    nebular: np.ndarray,
) -> tuple[Model, np.ndarray]:
    """One fit to the stars kept, gaps filled by the model before with its ``score`` of each star,
    forbidden lines of those that are ``nebular`` taken out; and the correlation matrix of the
    pixels used.
    """
    used = np.flatnonzero(full_pixels(parameters.pca_min_wavelength, parameters.pca_max_wavelength))
    clean = clean_pixels(parameters.pca_min_wavelength, parameters.pca_max_wavelength)[used]
    rows = (x[:, used] for x in _filled_rows(read, parameters, before, score, kept, nebular))
    shift, deviation, matrix = correlation(rows, len(used))
    clean_value, clean_vector = _components(matrix[np.ix_(clean, clean)], parameters.pca_components)
    solution = _shared(clean_value, clean_vector, matrix[clean])
    share = _believed(solution, clean_value, clean, int(np.count_nonzero(kept)))
    model = {
        "mean": before["mean"] + before["scale"] * _on_grid(shift, used),
        "scale": before["scale"] * _on_grid(deviation, used),
        "clean_basis": _on_grid(clean_vector, used[clean]).astype(np.float32),
        "full_from_clean": _on_grid(share * solution, used).astype(np.float32),
        "halpha_share": share[:, np.argmin(np.abs(WAVELENGTH[used] - parameters.halpha))],
        "score_clean_scale": np.sqrt(clean_value),
    }
    return model, matrix


def _full_range(matrix: np.ndarray, parameters: Any) -> Model:
    """The basis of all pixels used but those of the gap, for the non-emission network."""
    limits = parameters.pca_min_wavelength, parameters.pca_max_wavelength
    gap = parameters.full_gap_min, parameters.full_gap_max
    kept = gapped_pixels(*limits, *gap)[full_pixels(*limits)]
    used = np.flatnonzero(gapped_pixels(*limits, *gap))
    value, vector = _components(matrix[np.ix_(kept, kept)], parameters.pca_components)
    return {
        "full_basis": _on_grid(vector, used).astype(np.float32),
        "score_full_scale": np.sqrt(value),
    }


def _components(matrix: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """The greatest eigenvalues, falling, and their eigenvectors as rows,
    the largest element of each being positive.
    """
    size = len(matrix)
    number = min(number, size)
    value, vector = eigh(matrix, subset_by_index=(size - number, size - 1))
    value, vector = np.maximum(value[::-1], 0), vector[:, ::-1].T
    largest = vector[np.arange(number), np.argmax(np.abs(vector), axis=1)]
    return value, vector * np.where(largest < 0, -1, 1)[:, None]


def _shared(value: np.ndarray, vector: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """E of F = P E (METHOD section 2, step 2) from the covariance of clean pixels with all pixels,
    (k, p).

    The coefficients P of different components are uncorrelated, so the QR solution is the division
    (P^T F) / (P^T P) = (V C) / lambda; components without variance map to nothing.
    """
    some = value > np.finfo(np.float64).eps * max(value[0], 1) * len(covariance)
    return np.divide(
        vector @ covariance,
        value[:, None],
        out=np.zeros((len(value), covariance.shape[1])),
        where=some[:, None],
    )


def _believed(solution: np.ndarray, value: np.ndarray, clean: np.ndarray, count: int) -> np.ndarray:
    """Share 0...1 of the solution that is more than the chance correlation of noise, (k, p); 1 in
    the clean windows.

    By chance an element of E has the variance s^2 / (count lambda), s^2 being that of the pixel's
    residual. Each line window of each component is shrunk by 1 - (sum of these) / (sum of E^2),
    never below 0 (James & Stein 1961): with few training stars the noise components would otherwise
    carry the noise of a spectrum into its H alpha.
    """
    residual = (
        np.maximum(1 - np.sum(solution**2 * value[:, None], axis=0), 0)
        * count
        / max(count - len(value), 1)
    )
    chance = np.divide(1, count * value, out=np.zeros(len(value)), where=value > 0)
    share = np.ones(solution.shape)
    edges = np.flatnonzero(np.diff(clean.astype(np.int8))) + 1
    for window in np.split(np.arange(len(clean)), edges):
        power = np.sum(solution[:, window] ** 2, axis=1)
        noise = chance * np.sum(residual[window])
        if not clean[window[0]]:
            share[:, window] = np.clip(
                1 - np.divide(noise, power, out=np.ones(len(value)), where=power > 0), 0, 1
            )[:, None]
    return share


def _on_grid(values: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """(..., p) values of some pixels -> (..., 3909), 0 elsewhere."""
    out = np.zeros((*values.shape[:-1], N_PIXEL))
    out[..., pixels] = values
    return out


def _filled_rows(
    read: Reader,
    parameters: Any,
    model: Model,
    score: np.ndarray,
    kept: np.ndarray,
    nebular: np.ndarray,
) -> Iterator[np.ndarray]:
    """Standardised spectra of the stars kept, masked pixels replaced by the reconstruction from
    their ``score``, which those that are ``nebular`` get anew.
    """
    for batch in batches(read):
        here = kept[batch.rows]
        changed, own = nebular[batch.rows][here], score[batch.rows][here]
        flux, ivar = straightened(batch.norm[here], batch.ivar[here], changed)
        own[changed] = scored(flux[changed], ivar[changed], parameters, model)[2]
        x, good = standardised_by(flux, ivar, parameters, model)
        filling = np.nan_to_num(own) @ model["full_from_clean"]
        gaps = np.flatnonzero(~good)
        x.ravel()[gaps] = filling.ravel()[gaps]
        yield x


def _dropped(stars: pa.Table, emission: np.ndarray, unknown: np.ndarray) -> pa.Table:
    """The stars left out of the second fit, with the reason."""
    rows = np.flatnonzero(emission | unknown)
    reason = np.where(emission[rows], "emission", "masked")
    chosen = stars.take(pa.array(rows))
    columns = [
        chosen["specid"],
        chosen["star_id"],
        pa.array(np.ones(len(rows), np.int16)),
        pa.array(reason, pa.string()),
    ]
    return pa.Table.from_arrays(columns, schema=DROPPED)


def _without_model(components: int) -> Model:
    """Arrays without pixels: every kernel answers NaN."""
    lines = ("mean", "scale", "residual_sd", "excess_curve", "excess_calibration")
    bases = ("clean_basis", "full_basis", "full_from_clean")
    scales = ("score_clean_scale", "score_full_scale", "halpha_share")
    return (
        {"excess_limits": np.zeros((2, 0))}
        | {name: np.zeros(0) for name in lines}
        | {name: np.zeros((components, 0), np.float32) for name in bases}
        | {name: np.full(components, np.nan) for name in scales}
    )
