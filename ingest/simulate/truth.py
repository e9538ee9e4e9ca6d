"""Truth: what was put in, for measuring what comes out; written apart from the survey, where no build looks."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from obcat.ingest.simulate.dust import BANDS
from obcat.ingest.simulate.isochrones import COLUMNS
from obcat.ingest.simulate.motion import Motion
from obcat.ingest.simulate.noise import SPOILED
from obcat.ingest.simulate.photometry import Measured
from obcat.ingest.simulate.sky import Sky
from obcat.ingest.simulate.visits import Visits

__all__ = ["write_truth"]

KS = BANDS.index("ks")
FIRST_BAND = COLUMNS.index(BANDS[0])


def write_truth(
    folder: Path, sky: Sky, visits: Visits, motion: Motion, spoiled: np.ndarray, measured: dict[str, Measured]
) -> None:
    """stars.parquet (a row a star) and visits.parquet (a row a spectrum); mag, km/s, Angstrom, kpc, mas."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "stars.parquet", _stars(sky) | {f"in_{k}": m.listed for k, m in measured.items()})
    name = np.array(sky.name)
    _write(
        folder / "visits.parquet",
        {
            "specid": np.array(visits.specid), "fitsname": np.array(visits.fitsname), "name": name[visits.star],
            "snr_g": visits.snr_g, "rv": motion.system, "rv_primary": motion.primary,
            "rv_companion": motion.companion, "rv_header_error": motion.error,
            "is_erroneous": spoiled > 0, "erroneous_kind": np.array(SPOILED)[spoiled],
        },
    )  # fmt: skip


def _stars(sky: Sky) -> dict[str, np.ndarray]:
    s, b, e = sky.stars, sky.stars.binaries, sky.emission
    star = {name: s.primary[:, k] for k, name in enumerate(COLUMNS)}
    companion = {name: b.companion[:, k] for k, name in enumerate(COLUMNS)}
    ratio = b.light / 10 ** (-0.4 * s.primary[:, FIRST_BAND:])
    return {
        "name": np.array(sky.name), "ra": sky.ra, "dec": sky.dec, "glon": s.glon, "glat": s.glat,
        "distance_kpc": s.distance, "parallax": 1 / s.distance, "pmra": sky.pmra, "pmdec": sky.pmdec, "rv": sky.rv,
        "ebv": sky.ebv, "a_ks": sky.a_ks, "teff": 10 ** star["log_teff"], "logg": star["log_g"], "feh": s.feh,
        "spectrum_feh": s.spectrum_feh, "log_age": s.log_age, "initial_mass": star["initial_mass"],
        "mass": star["mass"], "log_l": star["log_l"], "vsini": sky.vsini, "mk": star["ks"],
        "mk_system": sky.absolute[:, KS], "is_binary": b.is_binary, "mass_ratio": b.mass_ratio,
        "flux_ratio_ks": ratio[:, KS], "flux_ratio_v": ratio[:, BANDS.index("v")],
        "companion_teff": 10 ** companion["log_teff"], "companion_logg": companion["log_g"],
        "companion_mk": companion["ks"], "companion_vsini": np.where(b.is_binary, sky.vsini_companion, np.nan),
        "log_period": b.log_period, "semi_amplitude": b.semi_amplitude, "has_emission": e.ew > 0,
        "is_nebular": e.nebular, "ew_halpha": e.ew, "excess_ks": e.excess_ks,
    } | {f"true_{band}": mag for band, mag in sky.mag.items()}  # fmt: skip


def _write(path: Path, columns: dict[str, np.ndarray]) -> None:
    n = len(next(iter(columns.values())))
    table = pa.table({"simulated": np.ones(n, dtype=bool), **columns})
    pq.write_table(table.replace_schema_metadata({"simulated": "true"}), path)
