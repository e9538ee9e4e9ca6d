"""Archives: what each lists of the systems and of their neighbours, under its own column names."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat.simulate import photometry
from obcat.simulate.astrometry import Astrometry, Moving, measure
from obcat.simulate.ingredients import Recipe, readme, taken
from obcat.simulate.isochrones import COLUMNS
from obcat.simulate.neighbours import crowded, near_companions
from obcat.simulate.photometry import Measured, chosen
from obcat.simulate.sky import Sky
from obcat.simulate.survey_files import Append, Columns, csv_table, fits_table, votable
from obcat.simulate.visits import Visits
from obcat.statistics import Array

__all__ = [
    "SENTINEL",
    "TABLES",
    "Labels",
    "apass_columns",
    "draw_catalogs",
    "draw_labels",
    "gaia_columns",
    "offset",
    "open_catalogs",
    "twomass_columns",
    "xstps_columns",
]

EPOCH = 2015.5
ARCSEC = 1 / 3600
HALF_MAG = 2.5 / np.log(10)
NEIGHBOURS = 0.02  # of stars have another one 3 to 5 arcsec away in 2MASS


def offset(ra: Array, dec: Array, sigma: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Positions with a normal error of sigma arcsec in each coordinate."""
    east, north = sigma * ARCSEC * rng.standard_normal((2, len(ra)))
    return (ra + east / np.cos(np.radians(dec))) % 360, dec + north


def gaia_columns(
    number: NDArray[np.int64], ra: Array, dec: Array, astrometry: Astrometry, phot: Measured
) -> dict[str, np.ndarray]:
    """Gaia archive, gaiadr2.gaia_source with ruwe; positions moved to 2015.5."""
    years = (EPOCH - 2000) / 3.6e6
    at_dec = dec + astrometry.pmdec * years
    at_ra = (ra + astrometry.pmra * years / np.cos(np.radians(dec))) % 360
    a = astrometry
    return {
        "source_id": _source_id(number, at_ra, at_dec),
        "ref_epoch": np.full(len(ra), EPOCH),
        "ra": at_ra,
        "dec": at_dec,
        "parallax": a.parallax,
        "parallax_error": a.parallax_error,
        "pmra": a.pmra,
        "pmra_error": a.pm_error,
        "pmdec": a.pmdec,
        "pmdec_error": a.pm_error,
        "phot_g_mean_mag": phot.mag["g_gaia"],
        "phot_bp_mean_mag": phot.mag["bp"],
        "phot_rp_mean_mag": phot.mag["rp"],
        "phot_bp_mean_flux_over_error": HALF_MAG / phot.error["bp"],
        "phot_rp_mean_flux_over_error": HALF_MAG / phot.error["rp"],
        "phot_bp_rp_excess_factor": _excess_factor(phot.mag["bp"] - phot.mag["rp"]),
        "ruwe": a.ruwe,
    }


def _excess_factor(colour: Array) -> Array:
    """Flux in BP and RP over that in G of an undisturbed star: Evans et al. (2018), eq.
    6, its middle.
    """
    return 1.15 + 0.06 * colour**2


def _source_id(number: NDArray[np.int64], ra: Array, dec: Array) -> NDArray[np.int64]:
    """Above 2^53, as real ones are: a sky cell times 2^35,
    and the number of the star in the survey.
    """
    cell = np.floor((dec + 90) / 180 * 8192).astype(np.int64) * 16384 + np.floor(
        ra / 360 * 16384
    ).astype(np.int64)
    return (cell << 35) + ((number + 1) << 7)


def twomass_columns(
    ra: Array, dec: Array, phot: Measured, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """IRSA, fp_psc; upper limits have quality U and no error.
    With neighbours, 3 arcsec away or more.
    """
    rows = np.concatenate([np.arange(len(ra)), np.flatnonzero(rng.random(len(ra)) < NEIGHBOURS)])
    extra = np.arange(len(rows)) >= len(ra)
    ra2, dec2 = offset(ra[rows], dec[rows], 0.08, rng)
    dec2 = dec2 + np.where(extra, rng.uniform(3, 5, size=len(rows)), 0) * ARCSEC
    fainter = np.where(extra, rng.uniform(0.5, 3, size=len(rows)), 0)
    out: dict[str, np.ndarray] = {"designation": _designations(ra2, dec2), "ra": ra2, "dec": dec2}
    for band in ("j", "h", "ks"):
        short = band[0]
        out[f"{short}_m"], out[f"{short}_msigcom"] = (
            phot.mag[band][rows] + fainter,
            phot.error[band][rows],
        )
    out |= {name: letters[rows] for name, letters in phot.flags.items()}
    order = np.argsort(ra2, kind="stable")
    return {name: values[order] for name, values in out.items()}


def _designations(ra: Array, dec: Array) -> np.ndarray:
    """hhmmssss+ddmmsss, as 2MASS rounds it."""
    h = np.rint(ra / 15 * 360_000).astype(np.int64) % 8_640_000
    d = np.rint(np.abs(dec) * 36_000).astype(np.int64)
    east = _digits(h // 360_000 * 1_000_000 + h // 6000 % 60 * 10_000 + h % 6000, 8)
    north = _digits(d // 36_000 * 100_000 + d // 600 % 60 * 1000 + d % 600, 7)
    return np.char.add(np.char.add(east, np.where(dec < 0, "-", "+")), north)


def _digits(number: NDArray[np.int64], width: int) -> np.ndarray:
    return np.char.zfill(number.astype(str), width)


def xstps_columns(ra: Array, dec: Array, phot: Measured) -> dict[str, np.ndarray]:
    out = {"ra": ra, "dec": dec}
    for band in ("g", "r", "i"):
        out |= {band: phot.mag[band], f"{band}_err": phot.error[band]}
    return out


def apass_columns(ra: Array, dec: Array, phot: Measured) -> dict[str, np.ndarray]:
    """VizieR II/336/apass9; the identifiers g_mag, r_mag, i_mag stand for the names g'mag, r'mag,
    i'mag.
    """
    out = {"RAJ2000": ra, "DEJ2000": dec}
    for name, band in (
        ("Vmag", "v"),
        ("Bmag", "b"),
        ("g_mag", "g"),
        ("r_mag", "r"),
        ("i_mag", "i"),
    ):
        out |= {name: phot.mag[band], f"e_{name}": phot.error[band]}
    return out


MISSING = 0.20  # of the stars
TEFF_ERROR, LOGG_ERROR, FEH_ERROR = (
    0.03,
    0.10,
    0.10,
)  # relative, dex, dex: at high S/N, the same for all visits
# of Teff and log g: both widen or narrow the Balmer lines of a B star (Kudritzki et al. 2008)
CORRELATION = 0.6
NOISE = 1.0  # at S/N 30 the part that changes from visit to visit is as large as the constant one
STATED = 0.9  # stated error over actual
OUTLIERS, OUTLIER = 0.015, (4.0, 10.0)  # of the stars, fitted at a wrong minimum; errors away
SENTINEL, FAILED, NO_ERROR = (
    -9999.0,
    0.004,
    0.004,
)  # as LAMOST's tables write it; of the visits: no value; error 0


class Labels(NamedTuple):
    """One row a labelled visit: its row among the visits, value and stated error of each label."""

    visit: NDArray[np.int64]
    teff: Array
    teff_err: Array
    logg: Array
    logg_err: Array
    feh: Array
    feh_err: Array


def draw_labels(
    star: NDArray[np.int64],
    teff: Array,
    logg: Array,
    feh: Array,
    snr_g: Array,
    recipe: Recipe,
    chunk: int,
) -> Labels:
    """Errors have a part that belongs to the star and one that belongs to the visit;
    Teff and log g err together.
    """
    n, rng, gaps = len(teff), recipe.rng("label_errors", chunk), recipe.rng("label_gaps", chunk)
    outlier = np.where(rng.random(n) < OUTLIERS, rng.uniform(*OUTLIER, size=n), 1.0)
    own, noise = _correlated(rng.standard_normal((3, n))) * outlier, NOISE * 30 / snr_g
    draw = (own[:, star] + noise * _correlated(rng.standard_normal((3, len(star))))) * recipe.has(
        "label_errors"
    )
    t = teff[star] * np.exp(TEFF_ERROR * draw[0])
    size = STATED * np.hypot(1, noise)
    g, z = logg[star] + LOGG_ERROR * draw[1], feh[star] + FEH_ERROR * draw[2]
    has = recipe.has("label_gaps")
    visit = np.flatnonzero(~((gaps.random(n) < MISSING) & has)[star])
    failed, bare = (gaps.random((2, len(star))) < np.array([[FAILED], [NO_ERROR]])) & has
    values = (np.where(failed, SENTINEL, v)[visit] for v in (t, g, z))
    errors = (np.where(failed, SENTINEL, np.where(bare, 0, e * size))[visit]
              for e in (TEFF_ERROR * t, LOGG_ERROR, FEH_ERROR))  # fmt: skip
    return Labels(visit, *(x for pair in zip(values, errors, strict=True) for x in pair))


def _correlated(normal: Array) -> Array:
    """(3, n): the second row follows the first."""
    return np.stack(
        [normal[0], CORRELATION * normal[0] + np.sqrt(1 - CORRELATION**2) * normal[1], normal[2]]
    )


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
    "ref_epoch": "yr", "ra": "deg", "dec": "deg", "parallax": "mas", "parallax_error": "mas",
    "pmra": "mas / yr", "pmra_error": "mas / yr", "pmdec": "mas / yr", "pmdec_error": "mas / yr",
    "phot_g_mean_mag": "mag", "phot_bp_mean_mag": "mag", "phot_rp_mean_mag": "mag",
}  # fmt: skip
DEGREES = {"ra": ".6f", "dec": ".6f"}
TWOMASS = DEGREES | {f"{band}_{what}": ".3f" for band in "jhk" for what in ("m", "msigcom")}
XSTPS = DEGREES | {f"{band}{what}": ".3f" for band in "gri" for what in ("", "_err")}
APASS = ("Vmag", "Bmag", "g_mag", "r_mag", "i_mag")
APASS_UNITS = {"RAJ2000": "deg", "DEJ2000": "deg"} | {
    f"{e}{name}": "mag" for name in APASS for e in ("", "e_")
}
APASS_NAMES = {f"{e}{band}_mag": f"{e}{band}'mag" for band in "gri" for e in ("", "e_")}
XSTPS_ERROR, APASS_ERROR = 0.1, 0.15  # arcsec


@contextmanager
def open_catalogs(folder: Path, further: str = "") -> Iterator[dict[str, Append]]:
    """Writes survey.toml, with ``further`` sections, and README.md, and gives what appends to each
    of its tables.
    """
    sections = (f'\n[tables.{name}]\npath = "{path}"\n' for name, path in TABLES.items())
    (folder / "README.md").write_text(readme(), encoding="utf-8")
    (folder / "survey.toml").write_text(SURVEY + "".join(sections) + further, encoding="utf-8")
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
    pair = near_companions(sky.stars)
    seen = measure(Moving(*true, sky.wobble, period, pair), recipe, chunk)
    columns = gaia_columns(sky.number, sky.ra, sky.dec, seen, phot)
    phot, rows = phot._replace(truth={"parallax_offset_true": seen.offset}), phot.listed
    listed, special = _rows(columns, rows), sky.number[rows] == 0
    lost, own = _rows(columns, ~rows), taken(pair, rows)
    return crowded(listed, special, recipe, chunk, lost=lost, pair=own), phot


def _twomass(sky: Sky, recipe: Recipe, chunk: int) -> tuple[Columns, Measured]:
    phot = photometry.twomass(sky.mag, recipe, chunk)
    rng = recipe.rng("positions", chunk, 1)
    return twomass_columns(
        sky.ra[phot.listed], sky.dec[phot.listed], chosen(phot, phot.listed), rng
    ), phot


def _xstps(sky: Sky, recipe: Recipe, chunk: int) -> tuple[Columns, Measured]:
    phot = photometry.xstps(sky.mag, sky.ra, sky.dec, recipe, chunk)
    columns = xstps_columns(
        *offset(sky.ra, sky.dec, XSTPS_ERROR, recipe.rng("positions", chunk, 2)), phot
    )
    order = np.argsort(sky.dec, kind="stable")
    return _rows(columns, order[phot.listed[order]]), phot


def _apass(sky: Sky, recipe: Recipe, chunk: int) -> tuple[Columns, Measured]:
    phot = photometry.apass(sky.mag, recipe, chunk)
    place = offset(sky.ra, sky.dec, APASS_ERROR, recipe.rng("positions", chunk, 3))
    columns = _rows(apass_columns(*place, phot), phot.listed)
    return {
        name: v if APASS_UNITS[name] == "deg" else v.astype(np.float32)
        for name, v in columns.items()
    }, phot


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


def _rows(
    columns: dict[str, np.ndarray], rows: NDArray[np.bool_] | NDArray[np.int64]
) -> dict[str, np.ndarray]:
    return {name: values[rows] for name, values in columns.items()}
