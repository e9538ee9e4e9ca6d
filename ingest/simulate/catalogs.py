"""Catalogs: what each archive would list of the systems, written into the survey folder."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate import photometry
from obcat.ingest.simulate.archives import (
    apass_columns,
    gaia_columns,
    offset,
    twomass_columns,
    with_neighbours,
    xstps_columns,
)
from obcat.ingest.simulate.astrometry import measure
from obcat.ingest.simulate.isochrones import COLUMNS
from obcat.ingest.simulate.labels import draw_labels
from obcat.ingest.simulate.photometry import Measured
from obcat.ingest.simulate.reference import stream
from obcat.ingest.simulate.sky import Sky
from obcat.ingest.simulate.tables import write_csv, write_fits, write_votable
from obcat.ingest.simulate.visits import Visits

__all__ = ["Listed", "write_catalogs"]

SURVEY = """\
name = "simulated"
simulated = true
release = "DR5"
spectra = "spectra"
"""
TABLES = {
    "targets": "targets.csv",
    "gaia_dr2": "gaia_dr2.fits",
    "twomass": "twomass.csv",
    "xstps": "xstps.csv",
    "apass": "apass.vot",
    "labels": "labels.fits",
}
GAIA_UNITS = {
    "ref_epoch": "yr", "ra": "deg", "dec": "deg", "parallax": "mas", "parallax_error": "mas", "pmra": "mas / yr",
    "pmra_error": "mas / yr", "pmdec": "mas / yr", "pmdec_error": "mas / yr", "phot_g_mean_mag": "mag",
    "phot_bp_mean_mag": "mag", "phot_rp_mean_mag": "mag",
}  # fmt: skip
DEGREES = {"ra": ".6f", "dec": ".6f"}


class Listed(dict[str, NDArray[np.bool_]]):
    """Whether each star is in each archive."""


def write_catalogs(folder: Path, sky: Sky, visits: Visits, seed: int) -> tuple[Listed, Measured]:
    """All tables and survey.toml; which stars are listed where, and the XSTPS magnitudes (they go into headers too)."""
    xstps = photometry.xstps(sky.mag, sky.ra, sky.dec, stream(seed, 4))
    listed = Listed(
        gaia_dr2=_gaia(folder, sky, seed), twomass=_twomass(folder, sky, seed), apass=_apass(folder, sky, seed)
    )
    listed["xstps"] = xstps.listed
    columns = xstps_columns(*offset(sky.ra, sky.dec, 0.1, stream(seed, 4, 1)), xstps)
    rows = np.argsort(sky.dec)[xstps.listed[np.argsort(sky.dec)]]
    write_csv(
        folder / "xstps.csv",
        {k: v[rows] for k, v in columns.items()},
        DEGREES | {k: ".3f" for k in columns if k not in DEGREES},
    )
    _targets(folder, sky, visits)
    _labels(folder, sky, visits, seed)
    sections = (f'\n[tables.{name}]\npath = "{path}"\n' for name, path in TABLES.items())
    (folder / "survey.toml").write_text(SURVEY + "".join(sections), encoding="utf-8")
    return listed, xstps


def _gaia(folder: Path, sky: Sky, seed: int) -> NDArray[np.bool_]:
    rng = stream(seed, 2)
    phot = photometry.gaia(sky.mag, rng)
    period = sky.stars.binaries.log_period
    seen = measure(1 / sky.stars.distance, sky.pmra, sky.pmdec, sky.mag["g_gaia"], period, rng)
    columns = {k: v[phot.listed] for k, v in gaia_columns(sky.ra, sky.dec, seen, phot).items()}
    write_fits(folder / "gaia_dr2.fits", with_neighbours(columns, rng), GAIA_UNITS)
    return phot.listed


def _twomass(folder: Path, sky: Sky, seed: int) -> NDArray[np.bool_]:
    rng = stream(seed, 3)
    phot = photometry.twomass(sky.mag, rng)
    pick = phot.listed
    kept = Measured({b: m[pick] for b, m in phot.mag.items()}, {b: e[pick] for b, e in phot.error.items()}, pick[pick])
    columns = twomass_columns(sky.ra[pick], sky.dec[pick], kept, rng)
    write_csv(folder / "twomass.csv", columns, DEGREES | {k: ".3f" for k in columns if k[1] == "_"})
    return pick


def _apass(folder: Path, sky: Sky, seed: int) -> NDArray[np.bool_]:
    rng = stream(seed, 5)
    phot = photometry.apass(sky.mag, rng)
    columns = apass_columns(*offset(sky.ra, sky.dec, 0.15, rng), phot)
    kept = {
        k: np.asarray(v)[phot.listed].astype(np.float64 if "J2000" in k else np.float32) for k, v in columns.items()
    }
    primed = {k: k.replace("_mag", "'mag") for k in kept if k.removeprefix("e_")[1] == "_"}
    write_votable(folder / "apass.vot", kept, {k: "deg" if "J2000" in k else "mag" for k in kept}, primed)
    return phot.listed


def _targets(folder: Path, sky: Sky, visits: Visits) -> None:
    name = sky.name
    columns = {
        "specid": visits.specid,
        "ra": sky.ra[visits.star],
        "dec": sky.dec[visits.star],
        "name": [name[k] for k in visits.star],
    }
    write_csv(folder / "targets.csv", columns, DEGREES)


def _labels(folder: Path, sky: Sky, visits: Visits, seed: int) -> None:
    primary = sky.stars.primary
    teff, logg = 10 ** primary[:, COLUMNS.index("log_teff")], primary[:, COLUMNS.index("log_g")]
    drawn = draw_labels(visits.star, teff, logg, sky.stars.feh, visits.snr_g, stream(seed, 6))
    specid = np.array(visits.specid)[drawn.visit]
    columns = {"specid": specid} | {k: v.astype(np.float32) for k, v in drawn._asdict().items() if k != "visit"}
    columns["label_source"] = np.full(len(specid), "simulated")
    write_fits(folder / "labels.fits", columns, {"teff": "K", "teff_err": "K"})
