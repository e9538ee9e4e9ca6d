"""Binaries found among the true ones, by mass ratio, parallax and S/N. And mock binaries: two
stars of a catalog added to one spectrum, at one distance.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat import statistics as st
from obcat.evaluate import BRIGHT_COMPANION, GOOD_PARALLAX, SNR_EDGES, bins, parallax_snr
from obcat.evaluate.truth import Compared, missing_note
from obcat.kernels.continuum import rest_frame, rest_frame_normalised
from obcat.kernels.grid import WAVELENGTH
from obcat.kernels.luminosity import luminosity
from obcat.kernels.pca import pca_scores
from obcat.section import Section, percent
from obcat.statistics import Floats, Rows

__all__ = [
    "MAIN_SEQUENCE",
    "Singles",
    "absolute",
    "add_light",
    "at_one_distance",
    "black_body",
    "by_mass_ratio",
    "by_parallax",
    "by_snr",
    "composite",
    "deredden",
    "dwarf",
    "level_of",
    "measure_mk",
    "pairs",
]

Arrays = dict[str, np.ndarray]


RATIO_EDGES = (0.1, 0.3, 0.5, 0.7, 0.9, np.inf)
PARALLAX_EDGES = (-np.inf, 3, 5, 10, 20, np.inf)
COLUMNS = ("n", "binary", "flagged", "recall", "recall above q 0.7", "purity", "false alarms")


def by_mass_ratio(data: Compared) -> Section:
    """Recall in each bin of mass ratio, and what the flagged stars are."""
    note = (
        "Best visits. Recall: flagged of all (unknown counts as missed); share: of all stars "
        "flagged, so that the\n"
        "rows of binaries add up to the purity. Triples and SB2 (both sets of lines in the "
        "spectrum) are binaries too."
    ) + missing_note(data, "is_triple", "is_sb2")
    groups = [
        ("all binaries", data["is_binary"] == 1),
        *bins("mass ratio", data["mass_ratio"], RATIO_EDGES),
        ("triple", data["is_triple"] == 1),
        ("SB2", data["is_sb2"] == 1),
        ("single", data["is_binary"] == 0),
        ("single, no emission", (data["is_binary"] == 0) & (data["has_emission"] == 0)),
    ]
    columns = ("n", "unknown", "flagged", "recall", "share", "n parallax S/N > 10", "recall there")
    rows = [_ratio_row(label, data, rows) for label, rows in groups]
    return Section("binaries: binary_flag by mass ratio", note, columns, rows)


def _ratio_row(label: str, data: Compared, rows: Rows) -> tuple[str, ...]:
    best = data["uniqflag"] == 1
    flag, near = data["binary_flag"], parallax_snr(data) > GOOD_PARALLAX
    flagged = best & (flag == 1)
    return (
        label,
        str((best & rows).sum()),
        str((best & rows & np.isnan(flag)).sum()),
        str((rows & flagged).sum()),
        percent(_share(rows & flagged, best & rows)),
        percent(_share(rows & flagged, flagged)),
        str((best & rows & near).sum()),
        percent(_share(rows & flagged & near, best & rows & near)),
    )


BY_PARALLAX_NOTE = (
    "Best visits with a parallax; purity: true binaries of those flagged; false alarms: "
    "flagged of single stars."
)


def by_parallax(data: Compared) -> Section:
    note = BY_PARALLAX_NOTE
    groups = [
        ("all", np.isfinite(data["parallax"])),
        *bins("parallax S/N", parallax_snr(data), PARALLAX_EDGES),
    ]
    return Section(
        "binaries: binary_flag by parallax S/N", note, COLUMNS, _parallax_rows(data, groups)
    )


def by_snr(data: Compared) -> Section:
    note = "As above, by S/N of the spectrum; then those with a parallax above ten times its error."
    near = parallax_snr(data) > GOOD_PARALLAX
    groups = [
        *bins("S/N", np.where(np.isfinite(data["parallax"]), data["snr_g"], np.nan), SNR_EDGES)
    ]
    groups += [(f"{label}, parallax S/N > {GOOD_PARALLAX}", rows & near) for label, rows in groups]
    return Section("binaries: binary_flag by S/N", note, COLUMNS, _parallax_rows(data, groups))


def _parallax_rows(data: Compared, groups: list[tuple[str, Rows]]) -> list[tuple[str, ...]]:
    return [_parallax_row(label, data, (data["uniqflag"] == 1) & rows) for label, rows in groups]


def _parallax_row(label: str, data: Compared, rows: Rows) -> tuple[str, ...]:
    flag, true, bright = (
        data["binary_flag"],
        data["is_binary"],
        rows & (data["mass_ratio"] > BRIGHT_COMPANION),
    )
    return (
        label,
        str(rows.sum()),
        percent(st.fraction(true[rows])),
        percent(st.fraction(flag[rows])),
        percent(st.recall(flag[rows], true[rows])),
        percent(st.recall(flag[bright], true[bright])),
        percent(st.purity(flag[rows], true[rows])),
        percent(st.false_alarms(flag[rows], true[rows])),
    )


def _share(part: Rows, whole: Rows) -> float:
    return st.fraction(part[whole].astype(float))


# pivot wavelengths of the bands whose A(X)/E(B-V) is given, Angstrom: B, g, V, r, i, J
PIVOTS = (4366.0, 4770.0, 5448.0, 6231.0, 7625.0, 12350.0)
ANCHOR = (4000.0, 6500.0)  # Angstrom, where flux is tied to the BP magnitude
PCA = ("mean", "scale", "clean_basis", "full_basis")
# MIST, [Fe/H] 0, v/vcrit 0.4, main sequence at 100 Myr, from 5 solar masses on at 10 Myr:
# mass (solar), Teff (K), M_V, M_Ks (mag)
MAIN_SEQUENCE = np.array([
    (0.90, 5345, 5.69, 3.89), (1.00, 5693, 5.12, 3.58), (1.10, 6035, 4.55, 3.24),
    (1.25, 6475, 3.83, 2.77), (1.40, 6914, 3.23, 2.40), (1.60, 7721, 2.52, 2.05),
    (1.80, 8346, 2.10, 1.87), (2.00, 9095, 1.70, 1.66), (2.30, 9975, 1.27, 1.37),
    (2.70, 11021, 0.79, 1.01), (3.20, 12196, 0.24, 0.55), (5.00, 16849, -0.61, -0.07),
    (7.00, 20270, -1.47, -0.80), (10.0, 24183, -2.51, -1.73),
    (15.0, 26736, -4.06, -3.21), ])  # fmt: skip
V_BAND = 5500.0  # Angstrom
# continuum between lines and telluric bands, Angstrom; half width of each
CONTINUUM = (4030.0, 4200.0, 4450.0, 4600.0, 4750.0, 5080.0, 5300.0, 5500.0, 5680.0, 6150.0, 6450.0,
    6650.0, 7050.0, 7450.0, 7800.0)  # fmt: skip
HALFWIDTH = 25.0
DEGREE = 3  # of the polynomial in ln wavelength that stands for reddening and flux calibration
HC_OVER_K = 1.438777e8  # Angstrom K


class Singles(NamedTuple):
    """Single stars: spectra (n, 3909) observed, z, E(B-V) (mag), M_BP (mag, extinction taken off),
    each (n,).
    """

    flux: Floats
    ivar: Floats
    z: Floats
    ebv: Floats
    m_bp: Floats


def deredden(
    flux: Floats, ivar: Floats, ebv: Floats, coefficients: Floats
) -> tuple[Floats, Floats]:
    """Flux and inverse variance (n, 3909) without extinction.

    ``coefficients`` (6,) are A(X)/E(B-V) of B, g, V, r, i, J; between the bands the law is linear
    in 1 / wavelength, and so it goes on to the blue of B.
    """
    x, known = 1e4 / WAVELENGTH, 1e4 / np.array(PIVOTS)
    inside = np.interp(-x, -known, coefficients)
    slope = (coefficients[0] - coefficients[1]) / (known[0] - known[1])
    law = np.where(x > known[0], coefficients[0] + slope * (x - known[0]), inside)
    factor = 10 ** (0.4 * np.asarray(ebv)[:, None] * law)
    return (flux * factor).astype(np.float32), (ivar / factor**2).astype(np.float32)


def absolute(stars: Singles, coefficients: Floats) -> tuple[Floats, Floats]:
    """Rest-frame spectra (n, 3909) dereddened and scaled to one distance:
    mean flux of 1 where M_BP = 0.
    """
    flux, ivar = rest_frame(*deredden(stars.flux, stars.ivar, stars.ebv, coefficients), stars.z)
    anchor = (ANCHOR[0] < WAVELENGTH) & (ANCHOR[1] > WAVELENGTH) & (ivar > 0)
    mean = np.where(anchor, flux, 0).sum(axis=1) / np.maximum(anchor.sum(axis=1), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = (10 ** (-0.4 * stars.m_bp) / np.where(mean > 0, mean, np.nan))[:, None]
    factor = np.nan_to_num(factor)
    return (flux * factor).astype(np.float32), np.where(
        factor > 0, ivar / np.maximum(factor, 1e-30) ** 2, 0
    )


def composite(
    flux: Floats, ivar: Floats, first: NDArray[np.intp], second: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """Sums of spectra ``first`` and ``second`` (rows) of the same library."""
    return add_light((flux[first], ivar[first]), (flux[second], ivar[second]))


def add_light(
    primary: tuple[Floats, Floats], companion: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """Sums of spectra, flux and inverse variance (n, 3909) each;
    a pixel masked in one is masked in the sum.
    """
    (flux, one), (other_flux, other) = primary, companion
    good = (one > 0) & (other > 0)
    summed = np.where(good, one * other / np.where(good, one + other, 1), 0)
    return np.where(good, flux + other_flux, 0).astype(np.float32), summed.astype(np.float32)


def pairs(mk: Floats, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Each star with one drawn by chance, the brighter in Ks first;
    (n,) rows each, the same for the same seed.
    """
    here, partner = np.arange(len(mk)), np.random.default_rng(seed).permutation(len(mk))
    kept = here != partner
    here, partner = here[kept], partner[kept]
    swap = mk[partner] < mk[here]
    return np.where(swap, partner, here), np.where(swap, here, partner)


def measure_mk(
    flux: Floats, ivar: Floats, pca: Arrays, network: Arrays, parameters: dict[str, float]
) -> Floats:
    """M_spec (n,) mag of rest-frame spectra, by the network of stars without emission;
    NaN where there is none.
    """
    frame = ("continuum_sigma", "pca_min_wavelength", "pca_max_wavelength")
    norm, norm_ivar, _ = rest_frame_normalised(
        flux, ivar, np.zeros(len(flux)), **{name: parameters[name] for name in frame}
    )
    clean, full = pca_scores(
        norm,
        norm_ivar,
        **{name: pca[name] for name in PCA},
        pca_outlier=parameters["pca_outlier"],
        pca_max_error=parameters["pca_max_error"],
        pca_sweeps=int(parameters["pca_sweeps"]),
    )
    return luminosity(clean, full, np.zeros(len(flux)), **network)[0]


def dwarf(teff: Floats) -> tuple[Floats, Floats, Floats]:
    """Mass (solar), M_V, M_Ks (mag) of main-sequence stars (n,) of that effective temperature (K);
    NaN outside.
    """
    mass, temperature, m_v, m_ks = MAIN_SEQUENCE.T
    x, known = np.log10(teff), np.log10(temperature)
    found = (np.interp(x, known, y, left=np.nan, right=np.nan) for y in (np.log10(mass), m_v, m_ks))
    log_mass, v, ks = found
    return 10**log_mass, v, ks


def level_of(flux: Floats, m_bp: Floats) -> float:
    """Flux in V of a star with M_V = 0, in the units of hot stars (n, 3909) with M_BP (n,):
    their BP - V is about 0.
    """
    near = np.abs(WAVELENGTH - V_BAND) < HALFWIDTH
    return float(np.median(np.mean(flux[:, near], axis=1) * 10 ** (0.4 * np.asarray(m_bp))))


def at_one_distance(
    flux: Floats, ivar: Floats, z: Floats, teff: Floats, level: float
) -> tuple[Floats, Floats]:
    """Rest-frame spectra (n, 3909) of dwarfs, their V flux ``level`` where M_V = 0; zeros outside
    the main sequence.

    Nothing is known of their distance and reddening: M_V is that of the main sequence at ``teff``
    (n,) K, and the smooth part of the spectrum that of a black body, both good to some tenths of a
    magnitude. Lines are their own.
    """
    flux, ivar = rest_frame(flux, ivar, z)
    shape = black_body(teff)
    with np.errstate(divide="ignore", invalid="ignore"):
        smooth = np.exp(
            _polynomial(np.log(_windows(flux, ivar) / _windows(shape, np.ones_like(shape))))
        )
        factor = level * 10 ** (-0.4 * dwarf(teff)[1])[:, None] / smooth
    factor = np.where(np.isfinite(factor) & (factor > 0), factor, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.where(factor > 0, ivar / factor**2, 0)
    return (flux * factor).astype(np.float32), scaled.astype(np.float32)


def black_body(teff: Floats) -> Floats:
    """(n, 3909) flux per Angstrom, 1 in V."""
    exponent = HC_OVER_K / np.asarray(teff, float)[:, None]
    flux = WAVELENGTH**-5.0 / np.expm1(exponent / WAVELENGTH)
    return flux * V_BAND**5.0 * np.expm1(exponent / V_BAND)


def _windows(flux: Floats, ivar: Floats) -> Floats:
    """Medians of good pixels in the windows of the continuum, (n, 15);
    NaN where there are none, or not positive.
    """
    found = np.full((len(flux), len(CONTINUUM)), np.nan)
    for i, centre in enumerate(CONTINUUM):
        near = np.abs(WAVELENGTH - centre) < HALFWIDTH
        values = np.where(ivar[:, near] > 0, flux[:, near], np.nan)
        rows = np.isfinite(values).any(axis=1)
        found[rows, i] = np.nanmedian(values[rows], axis=1)
    return np.where(found > 0, found, np.nan)


def _polynomial(values: Floats) -> Floats:
    """(n, 3909) least squares through ``values`` (n, 15) at the windows;
    NaN for a star of which one is not known.
    """
    centre = np.log(V_BAND)
    at = np.vander(np.log(CONTINUUM) - centre, DEGREE + 1)
    known = np.isfinite(values).all(axis=1)
    result = np.full((len(values), len(WAVELENGTH)), np.nan)
    coefficients = np.linalg.lstsq(at, values[known].T, rcond=None)[0]
    result[known] = (np.vander(np.log(WAVELENGTH) - centre, DEGREE + 1) @ coefficients).T
    return result
