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
from obcat.ingest.simulate.photometry import Measured, chosen
from obcat.ingest.simulate.recipe import Recipe
from obcat.ingest.simulate.sky import Sky
from obcat.ingest.simulate.tables import write_csv, write_fits, write_votable
from obcat.ingest.simulate.visits import Visits

__all__ = ["write_catalogs"]

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
XSTPS_ERROR, APASS_ERROR = 0.1, 0.15  # arcsec


def write_catalogs(folder: Path, sky: Sky, visits: Visits, recipe: Recipe, chunk: int) -> dict[str, Measured]:
    """All tables and survey.toml; what was measured of every star, listed or not, by table."""
    measured = {
        "gaia_dr2": _gaia(folder, sky, recipe, chunk),
        "twomass": _twomass(folder, sky, recipe, chunk),
        "xstps": _xstps(folder, sky, recipe, chunk),
        "apass": _apass(folder, sky, recipe, chunk),
    }
    _targets(folder, sky, visits)
    _labels(folder, sky, visits, recipe, chunk)
    sections = (f'\n[tables.{name}]\npath = "{path}"\n' for name, path in TABLES.items())
    (folder / "survey.toml").write_text(SURVEY + "".join(sections), encoding="utf-8")
    return measured


def _gaia(folder: Path, sky: Sky, recipe: Recipe, chunk: int) -> Measured:
    phot = photometry.gaia(sky.mag, recipe.rng("photometry_errors", chunk, 0))
    period = sky.stars.binaries.log_period
    seen = measure(
        1 / sky.stars.distance, sky.pmra, sky.pmdec, sky.mag["g_gaia"], period, recipe.rng("gaia_errors", chunk)
    )
    columns = _rows(gaia_columns(sky.number, sky.ra, sky.dec, seen, phot), phot.listed)
    write_fits(folder / "gaia_dr2.fits", with_neighbours(columns, recipe.rng("gaia_matches", chunk)), GAIA_UNITS)
    return phot


def _twomass(folder: Path, sky: Sky, recipe: Recipe, chunk: int) -> Measured:
    rng = recipe.rng("photometry_errors", chunk, 1)
    phot = photometry.twomass(sky.mag, rng)
    columns = twomass_columns(sky.ra[phot.listed], sky.dec[phot.listed], chosen(phot, phot.listed), rng)
    write_csv(folder / "twomass.csv", columns, DEGREES | {name: ".3f" for name in columns if name[1] == "_"})
    return phot


def _xstps(folder: Path, sky: Sky, recipe: Recipe, chunk: int) -> Measured:
    rng = recipe.rng("photometry_errors", chunk, 2)
    phot = photometry.xstps(sky.mag, sky.ra, sky.dec, rng)
    columns = xstps_columns(*offset(sky.ra, sky.dec, XSTPS_ERROR, rng), phot)
    order = np.argsort(sky.dec, kind="stable")
    formats = dict.fromkeys(columns, ".3f") | DEGREES
    write_csv(folder / "xstps.csv", _rows(columns, order[phot.listed[order]]), formats)
    return phot


def _apass(folder: Path, sky: Sky, recipe: Recipe, chunk: int) -> Measured:
    rng = recipe.rng("photometry_errors", chunk, 3)
    phot = photometry.apass(sky.mag, rng)
    columns = _rows(apass_columns(*offset(sky.ra, sky.dec, APASS_ERROR, rng), phot), phot.listed)
    places = {name for name in columns if name.endswith("J2000")}
    columns = {k: v if k in places else v.astype(np.float32) for k, v in columns.items()}
    primed = {k: k.replace("_mag", "'mag") for k in columns if k.removeprefix("e_")[1] == "_"}
    write_votable(folder / "apass.vot", columns, {k: "deg" if k in places else "mag" for k in columns}, primed)
    return phot


def _targets(folder: Path, sky: Sky, visits: Visits) -> None:
    place = {"ra": sky.ra[visits.star], "dec": sky.dec[visits.star]}
    write_csv(
        folder / "targets.csv",
        {"specid": np.array(visits.specid), **place, "name": np.array(sky.name)[visits.star]},
        DEGREES,
    )


def _labels(folder: Path, sky: Sky, visits: Visits, recipe: Recipe, chunk: int) -> None:
    primary = sky.stars.primary
    teff, logg = 10 ** primary[:, COLUMNS.index("log_teff")], primary[:, COLUMNS.index("log_g")]
    drawn = draw_labels(visits.star, teff, logg, sky.stars.feh, visits.snr_g, recipe.rng("label_errors", chunk))
    specid = np.array(visits.specid)[drawn.visit]
    columns = {"specid": specid} | {k: v.astype(np.float32) for k, v in drawn._asdict().items() if k != "visit"}
    columns["label_source"] = np.full(len(specid), "simulated")
    write_fits(folder / "labels.fits", columns, {"teff": "K", "teff_err": "K"})


def _rows(columns: dict[str, np.ndarray], rows: NDArray[np.bool_] | NDArray[np.int64]) -> dict[str, np.ndarray]:
    return {name: values[rows] for name, values in columns.items()}
