"""Which stars have emission at H alpha, and which spectra are erroneous (METHOD section 2, step 4; paper section 3)."""

import numpy as np

from obcat.kernels.excess import Excess, core_excess, expected_excess
from obcat.kernels.grid import LOG_STEP, WAVELENGTH
from obcat.kernels.windows import around

__all__ = ["emission", "significant"]

# share of an excess that is missing beside the core when a line has moved out of the core
CANCELLED = 0.5


def emission(
    norm: np.ndarray,
    norm_ivar: np.ndarray,
    score_clean: np.ndarray,
    *,
    mean: np.ndarray,
    scale: np.ndarray,
    clean_basis: np.ndarray,
    full_from_clean: np.ndarray,
    score_clean_scale: np.ndarray,
    residual_sd: np.ndarray,
    excess_curve: np.ndarray,
    excess_limits: np.ndarray,
    excess_calibration: np.ndarray,
    halpha: float,
    halpha_halfwidth: float,
    halpha_chi2_halfwidth: float,
    erroneous_chi2: float,
) -> tuple[np.ndarray, ...]:
    """Excess at H alpha, its significance, and the two flags that follow.

    Parameters
    ----------
    norm, norm_ivar : (n, 3909) normalised rest-frame flux and its inverse variance, 0 where masked
    score_clean : (n, k) coefficients of the clean windows
    mean ... excess_calibration : the model made by `obcat.fit.pca`
    halpha, halpha_halfwidth, halpha_chi2_halfwidth : centre, half widths of the core and of the surroundings, Angstrom
    erroneous_chi2 : reduced chi-square beyond which a spectrum is called erroneous

    Returns
    -------
    excess, excess_err : (n,) mean residual over the core, less that of ordinary stars with the same coefficients, and
        its standard error from noise, in units of the continuum
    ew_excess : (n,) Angstrom, positive for emission
    significance : (n,) excess over its error, scatter of ordinary stars included
    chi2_red, chi2_clean : (n,) reduced chi-square of the residuals around H alpha and over the clean windows, the
        scatter of ordinary stars counted as error
    em_flag : (n,) 1 emission, 0 none, NaN unknown
    erroneous : (n,) 1 residuals large in the clean windows, or about the line but no excess, 0 not, NaN unknown
    """
    found = core_excess(
        norm,
        norm_ivar,
        score_clean,
        mean=mean,
        scale=scale,
        clean_basis=clean_basis,
        full_from_clean=full_from_clean,
        residual_sd=residual_sd,
        halpha=halpha,
        halpha_halfwidth=halpha_halfwidth,
        halpha_chi2_halfwidth=halpha_chi2_halfwidth,
    )
    excess = found.excess - expected_excess(
        score_clean,
        score_clean_scale=score_clean_scale,
        excess_curve=excess_curve,
        excess_limits=excess_limits,
    )
    significance, threshold = significant(excess, found.excess_err, excess_calibration)
    inner, outer = (angstrom(around(halpha, h)) for h in (halpha_halfwidth, halpha_chi2_halfwidth))
    called = flags(significance > threshold, excess, found, (inner, outer - inner), erroneous_chi2)
    em_flag, erroneous = (np.where(np.isfinite(significance), flag, np.nan) for flag in called)
    chi2 = found.chi2_red, found.chi2_clean
    return excess, found.excess_err, inner * excess, significance, *chi2, em_flag, erroneous


def angstrom(window: np.ndarray) -> float:
    """Width of the pixels of a window."""
    return float(np.sum(WAVELENGTH[window]) * LOG_STEP * np.log(10))


def flags(
    above: np.ndarray,
    excess: np.ndarray,
    found: Excess,
    widths: tuple[float, float],
    erroneous_chi2: float,
) -> tuple[np.ndarray, np.ndarray]:
    """em_flag and erroneous, (n,) bool.

    A line that a wrong wavelength scale has moved out of the core leaves there what is missing beside it: residuals
    that are large and cancel are no emission. Emission explains residuals about the line, never those in clean windows.
    """
    large = found.chi2_red > erroneous_chi2
    moved = large & (found.beside * widths[1] < -CANCELLED * excess * widths[0])
    em_flag = above & ~moved
    return em_flag, (~em_flag & large) | (found.chi2_clean > erroneous_chi2)


def significant(
    excess: np.ndarray, excess_err: np.ndarray, calibration: np.ndarray
) -> tuple[np.ndarray, float]:
    """(excess - centre) / sqrt((error_scale * err)^2 + systematic^2), and the threshold it has to pass.

    ``calibration`` holds centre, error_scale, systematic, threshold; without any of them nothing is known.
    """
    if calibration.size == 0:
        return np.full(len(excess), np.nan), np.nan
    centre, error_scale, systematic, threshold = calibration
    with np.errstate(invalid="ignore", divide="ignore"):
        significance = (excess - centre) / np.hypot(error_scale * excess_err, systematic)
    return np.where(np.isfinite(significance), significance, np.nan), float(threshold)
