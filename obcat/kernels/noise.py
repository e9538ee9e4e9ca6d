"""The error of the spectroscopic absolute magnitude (METHOD section 5, paper Eq. 8-10)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["REFERENCE_SNR", "mk_error"]

REFERENCE_SNR = 100.0  # paper Eq. 10

Floats = NDArray[np.float64]


def mk_error(
    snr_g: ArrayLike, em_flag: ArrayLike, *, sigma_int: Floats, sigma_100: Floats
) -> tuple[Floats, Floats]:
    """Error of M_spec: intrinsic and measured scatter of the star's emission class.

    Parameters
    ----------
    snr_g : (n,) signal-to-noise ratio per pixel
    em_flag : (n,) 0 or 1; NaN or anything else is unknown
    sigma_int, sigma_100 : (2,) mag, the model ``noise``, without and with emission; (0,) where there is no model

    Returns
    -------
    mk_err : (n,) mag, sqrt(sigma_int^2 + sigma_mea^2); NaN for S/N <= 0, an unknown class or no model
    sigma_mea : (n,) mag, sigma_100 * 100 / snr_g
    """
    snr, flag = np.asarray(snr_g, float), np.asarray(em_flag, float)
    known = (snr > 0) & np.isfinite(snr) & ((flag == 0) | (flag == 1))
    if not len(sigma_int):
        return np.full(snr.shape, np.nan), np.full(snr.shape, np.nan)
    emission = np.where(known, flag, 0).astype(int)
    measured = sigma_100[emission] * REFERENCE_SNR / np.where(known, snr, np.nan)
    return np.hypot(sigma_int[emission], measured), measured
