"""Principal components of the training spectra, and the stars with emission among them (METHOD section 2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.linalg import eigh

from obcat.fit.gram import Reader, batches, correlation, moments
from obcat.fit.result import Fit
from obcat.fit.threshold import calibrate
from obcat.kernels.emission import Excess, core_excess, significant
from obcat.kernels.grid import N_PIXEL
from obcat.kernels.pca import coefficients, reconstruct, standardised
from obcat.kernels.windows import clean_pixels, full_pixels

__all__ = ["pca"]

Model = dict[str, np.ndarray]

DROPPED = pa.schema(
    [("specid", pa.string()), ("star_id", pa.string()), ("iteration", pa.int16()), ("reason", pa.string())]
)


def pca(read: Reader, parameters: Any, models: dict[str, Model]) -> Fit:
    """Bases of the clean windows and of all pixels used, the map between them, and the threshold for emission.

    ``read()`` gives specid VARCHAR, star_id VARCHAR, flux FLOAT[3909] and ivar FLOAT[3909], normalised and in the rest
    frame. The basis is fitted to all stars, then without those found to have emission (paper, section 3: one iteration
    is enough).

    Arrays, for the kernels: mean, scale (3909,); clean_basis, full_basis, full_from_clean (k, 3909), standardised;
    score_clean_scale, score_full_scale (k,) standard deviations of the coefficients over the training stars;
    residual_sd (3909,) scatter of ordinary stars about their reconstruction, noise taken out; excess_calibration (4,),
    see `obcat.fit.threshold.calibrate`. With fewer training spectra than components + 2 the arrays have no pixels, and
    every kernel answers NaN.

    Table ``pca_dropped``: specid, star_id, iteration, reason of the stars left out of the second fit.
    """
    ids = [batch.select(["specid", "star_id"]) for batch in read()]
    stars = pa.Table.from_batches(ids, schema=ids[0].schema) if ids else DROPPED.empty_table().select([0, 1])
    everyone = np.ones(stars.num_rows, bool)
    if stars.num_rows < parameters.pca_components + 2:
        return Fit(without_model(parameters.pca_components), {"pca_dropped": dropped(stars, ~everyone, ~everyone)})
    first = fitted(read, parameters, provisional(read, parameters), everyone)
    found, _ = measured(read, parameters, first, everyone)
    emission = found_emission(found, parameters)
    unknown = ~np.isfinite(found.excess)
    kept = everyone & ~emission & ~unknown
    if np.count_nonzero(kept) < parameters.pca_components + 2:
        return Fit(without_model(parameters.pca_components), {"pca_dropped": dropped(stars, emission, unknown)})
    second = fitted(read, parameters, first, kept)
    found, residual_sd = measured(read, parameters, second, kept)
    calibration = calibrate(found.excess, found.excess_err, false_alarm=parameters.em_false_alarm)
    arrays = second | {"residual_sd": residual_sd, "excess_calibration": calibration}
    return Fit(arrays, {"pca_dropped": dropped(stars, emission, unknown)})


def provisional(read: Reader, parameters: Any) -> Model:
    """Mean and deviation of each pixel, and bases of zeros: masked pixels are first filled with the mean."""
    used = full_pixels(parameters.pca_min_wavelength, parameters.pca_max_wavelength)
    mean, scale = moments(read, used)
    nothing = np.zeros((parameters.pca_components, N_PIXEL), np.float32)
    return {"mean": mean, "scale": scale, "clean_basis": nothing, "full_from_clean": nothing}


def fitted(read: Reader, parameters: Any, before: Model, kept: np.ndarray) -> Model:
    """One fit to the stars kept, gaps filled by the model before."""
    used = np.flatnonzero(full_pixels(parameters.pca_min_wavelength, parameters.pca_max_wavelength))
    clean = clean_pixels(parameters.pca_min_wavelength, parameters.pca_max_wavelength)[used]
    rows = (x[:, used] for x in filled_rows(read, parameters, before, kept))
    shift, deviation, matrix = correlation(rows, len(used))
    clean_value, clean_vector = components(matrix[np.ix_(clean, clean)], parameters.pca_components)
    full_value, full_vector = components(matrix, parameters.pca_components)
    return {
        "mean": before["mean"] + before["scale"] * on_grid(shift, used),
        "scale": before["scale"] * on_grid(deviation, used),
        "clean_basis": on_grid(clean_vector, used[clean]).astype(np.float32),
        "full_basis": on_grid(full_vector, used).astype(np.float32),
        "full_from_clean": on_grid(shared(clean_value, clean_vector, matrix[clean]), used).astype(np.float32),
        "score_clean_scale": np.sqrt(clean_value),
        "score_full_scale": np.sqrt(full_value),
    }


def components(matrix: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """The greatest eigenvalues, falling, and their eigenvectors as rows, the largest element of each being positive."""
    size = len(matrix)
    number = min(number, size)
    value, vector = eigh(matrix, subset_by_index=(size - number, size - 1))
    value, vector = np.maximum(value[::-1], 0), vector[:, ::-1].T
    largest = vector[np.arange(number), np.argmax(np.abs(vector), axis=1)]
    return value, vector * np.where(largest < 0, -1, 1)[:, None]


def shared(value: np.ndarray, vector: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """E of F = P E (METHOD section 2, step 2) from the covariance of clean pixels with all pixels, (k, p).

    The coefficients P of different components are uncorrelated, so the QR solution is the division
    (P^T F) / (P^T P) = (V C) / lambda; components without variance map to nothing.
    """
    some = value > np.finfo(np.float64).eps * max(value[0], 1) * len(covariance)
    return np.divide(
        vector @ covariance, value[:, None], out=np.zeros((len(value), covariance.shape[1])), where=some[:, None]
    )


def on_grid(values: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """(..., p) values of some pixels -> (..., 3909), 0 elsewhere."""
    out = np.zeros((*values.shape[:-1], N_PIXEL))
    out[..., pixels] = values
    return out


def filled_rows(read: Reader, parameters: Any, model: Model, kept: np.ndarray) -> Iterator[np.ndarray]:
    """Standardised spectra of the stars kept, masked pixels replaced by the reconstruction."""
    for batch in batches(read):
        x, good, score = scored(batch.norm[kept[batch.rows]], batch.ivar[kept[batch.rows]], parameters, model)
        yield np.where(good, x, np.nan_to_num(score) @ model["full_from_clean"])


def scored(
    norm: np.ndarray, ivar: np.ndarray, parameters: Any, model: Model
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, good = standardised(norm, ivar, mean=model["mean"], scale=model["scale"], outlier=parameters.pca_outlier)
    score = coefficients(
        x,
        good,
        basis=model["clean_basis"],
        max_masked=parameters.pca_max_masked,
        sweeps=parameters.pca_sweeps,
    )
    return x, good, score


def measured(read: Reader, parameters: Any, model: Model, kept: np.ndarray) -> tuple[Excess, np.ndarray]:
    """The excess of every training star, and the scatter of the stars kept about their reconstruction, noise taken out.

    The scatter of a pixel is the weighted mean of residual^2 - 1 / ivar, weights being the inverse variances.
    """
    parts, sums = [], np.zeros((3, N_PIXEL))
    for batch in batches(read):
        _, good, score = scored(batch.norm, batch.ivar, parameters, model)
        parts.append(excess_of(batch.norm, batch.ivar, score, parameters, model))
        level = reconstruct(score, mean=model["mean"], scale=model["scale"], full_from_clean=model["full_from_clean"])
        counted = good & np.isfinite(level) & kept[batch.rows, None]
        weight = np.where(counted, batch.ivar, 0)
        residual = np.where(counted, batch.norm - level, 0)
        sums += counted.sum(axis=0), (weight * residual**2).sum(axis=0), weight.sum(axis=0, dtype=np.float64)
    count, square, weight = sums
    surplus = np.divide(square - count, weight, out=np.zeros(N_PIXEL), where=weight > 0)
    return Excess(*map(np.concatenate, zip(*parts, strict=True))), np.sqrt(np.maximum(surplus, 0))


def excess_of(norm: np.ndarray, ivar: np.ndarray, score: np.ndarray, parameters: Any, model: Model) -> Excess:
    return core_excess(
        norm,
        ivar,
        score,
        mean=model["mean"],
        scale=model["scale"],
        clean_basis=model["clean_basis"],
        full_from_clean=model["full_from_clean"],
        residual_sd=np.zeros(N_PIXEL),
        halpha=parameters.halpha,
        halpha_halfwidth=parameters.halpha_halfwidth,
        halpha_chi2_halfwidth=parameters.halpha_chi2_halfwidth,
    )


def found_emission(found: Excess, parameters: Any) -> np.ndarray:
    calibration = calibrate(found.excess, found.excess_err, false_alarm=parameters.em_false_alarm)
    significance, threshold = significant(found.excess, found.excess_err, calibration)
    return significance > threshold


def dropped(stars: pa.Table, emission: np.ndarray, unknown: np.ndarray) -> pa.Table:
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


def without_model(components: int) -> Model:
    """Arrays without pixels: every kernel answers NaN."""
    lines = ("mean", "scale", "residual_sd", "excess_calibration")
    bases = ("clean_basis", "full_basis", "full_from_clean")
    scales = ("score_clean_scale", "score_full_scale")
    return (
        {name: np.zeros(0) for name in lines}
        | {name: np.zeros((components, 0), np.float32) for name in bases}
        | {name: np.full(components, np.nan) for name in scales}
    )
