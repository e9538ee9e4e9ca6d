"""Catalogs: what each archive would list of the systems, a chunk at a time, and the files it goes into."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from obcat.ingest.simulate import photometry
from obcat.ingest.simulate.archives import (
    apass_columns,
    gaia_columns,
    offset,
    twomass_columns,
    xstps_columns,
)
from obcat.ingest.simulate.astrometry import Moving, measure
from obcat.ingest.simulate.crowding import crowded
from obcat.ingest.simulate.isochrones import COLUMNS
from obcat.ingest.simulate.labels import draw_labels
from obcat.ingest.simulate.photometry import Measured, chosen
from obcat.ingest.simulate.recipe import Recipe
from obcat.ingest.simulate.sky import Sky
from obcat.ingest.simulate.tables import Append, Columns, csv_table, fits_table, votable
from obcat.ingest.simulate.visits import Visits

__all__ = ["draw_catalogs", "open_catalogs"]

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
TWOMASS = DEGREES | {f"{band}_{what}": ".3f" for band in "jhk" for what in ("m", "msigcom")}
XSTPS = DEGREES | {f"{band}{what}": ".3f" for band in "gri" for what in ("", "_err")}
APASS = ("Vmag", "Bmag", "g_mag", "r_mag", "i_mag")
APASS_UNITS = {"RAJ2000": "deg", "DEJ2000": "deg"} | {f"{e}{name}": "mag" for name in APASS for e in ("", "e_")}
APASS_NAMES = {f"{e}{band}_mag": f"{e}{band}'mag" for band in "gri" for e in ("", "e_")}
XSTPS_ERROR, APASS_ERROR = 0.1, 0.15  # arcsec


@contextmanager
def open_catalogs(folder: Path) -> Iterator[dict[str, Append]]:
    """Writes survey.toml, and gives what appends to each of its tables."""
    sections = (f'\n[tables.{name}]\npath = "{path}"\n' for name, path in TABLES.items())
    (folder / "survey.toml").write_text(SURVEY + "".join(sections), encoding="utf-8")
    with ExitStack() as stack:
        files = {
            "targets": csv_table(folder / TABLES["targets"], DEGREES),
            "gaia_dr2": fits_table(folder / TABLES["gaia_dr2"], GAIA_UNITS),
            "twomass": csv_table(folder / TABLES["twomass"], TWOMASS),
            "xstps": csv_table(folder / TABLES["xstps"], XSTPS),
            "apass": votable(folder / TABLES["apass"], APASS_UNITS, APASS_NAMES),
            "labels": fits_table(folder / TABLES["labels"], {"teff": "K", "teff_err": "K"}),
        }
        yield {name: stack.enter_context(file) for name, file in files.items()}


def draw_catalogs(
    sky: Sky, visits: Visits, recipe: Recipe, chunk: int
) -> tuple[dict[str, Columns], dict[str, Measured]]:
    """What each table lists, and what each archive measured of every star, listed or not."""
    drawn = {
        "gaia_dr2": _gaia(sky, recipe, chunk),
        "twomass": _twomass(sky, recipe, chunk),
        "xstps": _xstps(sky, recipe, chunk),
        "apass": _apass(sky, recipe, chunk),
    }
    columns = {name: listed for name, (listed, _) in drawn.items()}
    columns |= {"targets": _targets(sky, visits), "labels": _labels(sky, visits, recipe, chunk)}
    return columns, {name: measured for name, (_, measured) in drawn.items()}


def _gaia(sky: Sky, recipe: Recipe, chunk: int) -> tuple[Columns, Measured]:
    phot = photometry.gaia(sky.mag, recipe, chunk)
    colour, period = sky.mag["bp"] - sky.mag["rp"], sky.stars.binaries.log_period
    true = 1 / sky.stars.distance, sky.pmra, sky.pmdec, sky.mag["g_gaia"], colour, sky.ra, sky.dec
    seen = measure(Moving(*true, sky.wobble, period), recipe, chunk)
    columns = _rows(gaia_columns(sky.number, sky.ra, sky.dec, seen, phot), phot.listed)
    phot = phot._replace(truth={"parallax_offset_true": seen.offset})
    return crowded(columns, sky.number[phot.listed] == 0, recipe, chunk), phot


def _twomass(sky: Sky, recipe: Recipe, chunk: int) -> tuple[Columns, Measured]:
    phot = photometry.twomass(sky.mag, recipe, chunk)
    rng = recipe.rng("positions", chunk, 1)
    return twomass_columns(sky.ra[phot.listed], sky.dec[phot.listed], chosen(phot, phot.listed), rng), phot


def _xstps(sky: Sky, recipe: Recipe, chunk: int) -> tuple[Columns, Measured]:
    phot = photometry.xstps(sky.mag, sky.ra, sky.dec, recipe, chunk)
    columns = xstps_columns(*offset(sky.ra, sky.dec, XSTPS_ERROR, recipe.rng("positions", chunk, 2)), phot)
    order = np.argsort(sky.dec, kind="stable")
    return _rows(columns, order[phot.listed[order]]), phot


def _apass(sky: Sky, recipe: Recipe, chunk: int) -> tuple[Columns, Measured]:
    phot = photometry.apass(sky.mag, recipe, chunk)
    place = offset(sky.ra, sky.dec, APASS_ERROR, recipe.rng("positions", chunk, 3))
    columns = _rows(apass_columns(*place, phot), phot.listed)
    return {name: v if APASS_UNITS[name] == "deg" else v.astype(np.float32) for name, v in columns.items()}, phot


def _targets(sky: Sky, visits: Visits) -> Columns:
    place = {"ra": sky.ra[visits.star], "dec": sky.dec[visits.star]}
    return {"specid": np.array(visits.specid), **place, "name": np.array(sky.name)[visits.star]}


def _labels(sky: Sky, visits: Visits, recipe: Recipe, chunk: int) -> Columns:
    primary = sky.stars.primary
    teff, logg = 10 ** primary[:, COLUMNS.index("log_teff")], primary[:, COLUMNS.index("log_g")]
    drawn = draw_labels(visits.star, teff, logg, sky.stars.feh, visits.snr_g, recipe, chunk)
    specid = np.array(visits.specid)[drawn.visit]
    values = {k: v.astype(np.float32) for k, v in drawn._asdict().items() if k != "visit"}
    return {"specid": specid, **values, "label_source": np.full(len(specid), "simulated")}


def _rows(columns: dict[str, np.ndarray], rows: NDArray[np.bool_] | NDArray[np.int64]) -> dict[str, np.ndarray]:
    return {name: values[rows] for name, values in columns.items()}
