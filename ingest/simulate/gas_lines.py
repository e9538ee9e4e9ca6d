"""Gas lines: the narrow lines of nebulae with their fixed ratios, and the lines of winds."""

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate.disc_lines import H_ALPHA, gauss
from obcat.ingest.simulate.dust import f99
from obcat.ingest.simulate.lines import FREQUENCY, PIXEL, at_lines, balmer, vacuum
from obcat.ingest.simulate.nebulae import Nebula
from obcat.ingest.simulate.winds import BROAD, BROAD_SHARE, Wind

__all__ = ["CASE_B", "NEBULAR", "nebular_flux", "nebular_transforms", "wind_lines"]

Array = NDArray[np.float64]
Floats = NDArray[np.floating]
Complex = NDArray[np.complexfloating]
CASE_B = 2.86  # F(H alpha)/F(H beta), 10,000 K: Osterbrock & Ferland (2006), table 4.4
BALMER_OVER_BETA = ((5, 0.468), (6, 0.259), (7, 0.159), (8, 0.105), (9, 0.073))  # the same table
O3_RATIO, N2_RATIO = 2.98, 3.05  # 5007/4959, 6583/6548: Storey & Zeippen (2000)
O2_RATIO = 0.72  # 3726/3729 at low density
THERMAL = 12.0  # km/s, sigma of a nebular line
NEBULAR = np.array([
    H_ALPHA, balmer(4), *(balmer(n) for n, _ in BALMER_OVER_BETA), *map(vacuum, (
        6548.05, 6583.45, 6716.44, 6730.82, 4958.91, 5006.84, 3726.03, 3728.82, 5875.62,
    )),
])  # fmt: skip
HOT, HOTTEST = 20_000.0, 30_000.0  # K: helium shows; ionised helium shows
WIND = np.array([H_ALPHA, balmer(4), vacuum(6678.15), vacuum(5875.62), vacuum(4685.70)])
WIND_SHARES = (1.0, 0.15, 0.06, 0.10, 0.20)  # EW over that of H alpha, the last three in hot stars only


def nebular_flux(nebula: Nebula, level: Floats) -> tuple[Array, Array]:
    """Vacuum wavelengths (lines,) and flux (n, lines): recombination after Case B, reddened as the gas is."""
    alpha = nebula.ew * at_lines(level, NEBULAR[:1])[:, 0]
    n, s, total = nebula.nitrogen, nebula.sulphur, 1 + nebula.density
    ratio = [np.full(len(alpha), r) for r in (1.0, 1 / CASE_B, *(r / CASE_B for _, r in BALMER_OVER_BETA))]
    ratio += [n / N2_RATIO, n, s * nebula.density / total, s / total]
    o3, o2 = nebula.oxygen_3 / CASE_B, nebula.oxygen_2 / CASE_B
    ratio += [o3 / O3_RATIO, o3, o2 * O2_RATIO / (1 + O2_RATIO), o2 / (1 + O2_RATIO), nebula.helium / CASE_B]
    curve = f99(NEBULAR)
    dust = 10 ** (-0.4 * nebula.reddening[:, None] * (curve - curve[0]))
    return NEBULAR, alpha[:, None] * np.stack(ratio, axis=1) * dust


def nebular_transforms(flux: Array) -> Complex:
    return (flux[..., None] * gauss(THERMAL)).astype(complex)


def wind_lines(wind: Wind, level: Floats) -> tuple[Array, Complex]:
    """Vacuum wavelengths (lines,) and transforms (n, lines, frequencies): a core with wings, less a blue trough."""
    hot = [np.ones(len(wind.ew))] * 2 + [wind.teff > HOT] * 2 + [wind.teff > HOTTEST]
    flux = at_lines(level, WIND) * np.array(WIND_SHARES) * np.stack(hot, axis=1)
    core = np.exp(-0.5 * (wind.width[:, None] / PIXEL * FREQUENCY) ** 2)
    emitted = wind.ew[:, None] * ((1 - BROAD_SHARE) * core + BROAD_SHARE * gauss(BROAD))
    trough = np.exp(-0.5 * (wind.trough_width[:, None] / PIXEL * FREQUENCY) ** 2) * wind.absorbed[:, None]
    moved = np.exp(1j * wind.trough[:, None] / PIXEL * FREQUENCY)
    return WIND, flux[..., None] * (emitted - trough * moved)[:, None, :]
