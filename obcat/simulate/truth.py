"""Truth: what was put in, for measuring what comes out; written apart from the survey, where no
build looks.

stars.parquet, one row per star (mag, mas, kpc, km/s, Angstrom; NaN where there is no such star or
part):

    simulated name kind         kind: star, interloper, subdwarf, white_dwarf
    ra dec glon glat            deg, J2000
    distance_kpc parallax pmra pmdec rv ebv r_v a_ks    rv of the system; dust between the stars
    only teff logg feh spectrum_feh log_age initial_mass mass log_l vsini mk     of the primary;
    [Fe/H] of its spectrum mk_system true_*            absolute Ks of all its stars; apparent
    magnitudes of these and the disc, without error is_binary mass_ratio flux_ratio_ks flux_ratio_v
    companion_*             second star over first log_period semi_amplitude eccentricity wobble
    log10 d; of the primary; photocentre, semi-axis is_triple third_* has_emission is_nebular
    ew_halpha ew_disc ew_shell ew_nebular ew_wind   of H alpha, before any change with time
    disc_inclination disc_separation excess_ks ebv_disc         deg; half the distance of the two
    peaks light_offset cos_inclination peculiar            mag fainter than the isochrone (in mk,
    mk_system, as is by how much Ks is not the isochrone's); what is peculiar helium_depth
    nitrogen_depth core_halpha      depth of lines over the grid's; Angstrom in_*
    whether the table lists the star (gaia_dr2, twomass, xstps, apass) parallax_offset_true
    what Gaia's parallax has too much
    lines_*         exponents of the primary's groups of lines; 1: as strong as in LTE

training_stars.parquet, training_visits.parquet: the same of the stars that train and are no rows
of the catalog.

visits.parquet, one row per spectrum:

    simulated specid fitsname name snr_g        snr_g as asked for, before anything spoiled it
    rv rv_primary rv_companion rv_third rv_header_error         rv: by light in V, as the header's z
    without its error ew_halpha has_emission                      on that day is_erroneous
    erroneous_kind

Two stars nearer to each other than a cross-match can tell apart are two rows here and one in a
catalog.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from obcat.data import REFERENCE
from obcat.simulate.chunks import Chunk
from obcat.simulate.detector import SPOILED
from obcat.simulate.dust import BANDS
from obcat.simulate.emission import on_days
from obcat.simulate.ingredients import Recipe
from obcat.simulate.isochrones import COLUMNS, FIRST_BAND
from obcat.simulate.lines import GROUPS
from obcat.simulate.photometry import Measured
from obcat.simulate.sky import Sky
from obcat.simulate.survey_files import Append, Columns, parquet_table

__all__ = ["STAMP", "asked", "open_truth", "stamp", "truth_columns"]

KS = BANDS.index("ks")


@contextmanager
def open_truth(folder: Path, prefix: str = "") -> Iterator[dict[str, Append]]:
    """What appends to stars.parquet (one row per star) and visits.parquet (one row per
    spectrum), both with the prefix before their names.
    """
    with (
        parquet_table(folder / f"{prefix}stars.parquet") as stars,
        parquet_table(folder / f"{prefix}visits.parquet") as visits,
    ):
        yield {"stars": stars, "visits": visits}


def truth_columns(chunk: Chunk, measured: dict[str, Measured]) -> dict[str, Columns]:
    """The columns of both tables; mag, km/s, Angstrom, kpc, mas."""
    stars = _stars(chunk.sky) | {f"in_{name}": m.listed for name, m in measured.items()}
    stars |= {name: values for m in measured.values() for name, values in m.truth.items()}
    return {"stars": stars, "visits": _visits(chunk)}


def _visits(chunk: Chunk) -> dict[str, np.ndarray]:
    _, sky, visits, motion, spoiled = chunk
    emission = on_days(sky.emission, visits.star, visits.lmjd)
    return {
        "specid": np.array(visits.specid), "fitsname": np.array(visits.fitsname),
        "name": np.array(sky.name)[visits.star],
        "snr_g": visits.snr_g, "rv": motion.system, "rv_primary": motion.primary,
        "rv_companion": motion.companion, "rv_third": motion.third,
        "rv_header_error": motion.error, "ew_halpha": emission.ew,
        "has_emission": emission.emitting, "is_erroneous": spoiled > 0,
        "erroneous_kind": np.array(SPOILED)[spoiled], }  # fmt: skip


def _stars(sky: Sky) -> dict[str, np.ndarray]:
    s, b, e = sky.stars, sky.stars.binaries, sky.emission
    star = {name: s.primary[:, k] for k, name in enumerate(COLUMNS)}
    companion = {name: b.companion[:, k] for k, name in enumerate(COLUMNS)}
    ratio = b.light / 10 ** (-0.4 * s.primary[:, FIRST_BAND:])
    colour = sky.colour[:, KS]
    return {
        "name": np.array(sky.name), "kind": s.kind, "ra": sky.ra, "dec": sky.dec, "glon": s.glon,
        "glat": s.glat, "distance_kpc": s.distance, "parallax": 1 / s.distance, "pmra": sky.pmra,
        "pmdec": sky.pmdec, "rv": sky.rv, "ebv": sky.ebv, "r_v": sky.r_v, "a_ks": sky.a_ks,
        "teff": 10 ** star["log_teff"], "logg": star["log_g"], "feh": s.feh,
        "spectrum_feh": s.spectrum_feh, "log_age": s.log_age, "initial_mass": star["initial_mass"],
        "mass": star["mass"], "log_l": star["log_l"], "vsini": sky.vsini, "mk": star["ks"] + colour,
        "mk_system": sky.absolute[:, KS] + colour, "is_binary": b.is_binary,
        "mass_ratio": b.mass_ratio, "flux_ratio_ks": ratio[:, KS],
        "flux_ratio_v": ratio[:, BANDS.index("v")],
        "companion_teff": 10 ** companion["log_teff"], "companion_logg": companion["log_g"],
        "companion_mk": companion["ks"] + colour, "companion_vsini": np.where(b.is_binary,
        sky.vsini_companion, np.nan), "log_period": b.log_period,
        "semi_amplitude": b.semi_amplitude, "eccentricity": b.second.orbit.eccentricity,
        "wobble": sky.wobble, "is_triple": b.is_triple, "third_mass_ratio": b.third.mass_ratio,
        "third_log_period": b.third.orbit.log_period,
        "third_teff": 10 ** b.third.star[:, COLUMNS.index("log_teff")],
        "third_mk": b.third.star[:, COLUMNS.index("ks")] + colour, "has_emission": e.emitting,
        "is_nebular": e.nebular, "ew_halpha": e.ew, "ew_disc": e.disc.ew, "ew_shell": e.disc.shell,
        "ew_nebular": e.nebula.ew, "ew_wind": e.wind.ew, "disc_inclination": e.disc.inclination,
        "disc_separation": e.disc.separation, "excess_ks": e.disc.excess_ks,
        "ebv_disc": e.disc.reddening, "light_offset": sky.surface.light,
        "cos_inclination": sky.surface.cosine, "helium_depth": np.exp(sky.surface.helium),
        "nitrogen_depth": np.exp(sky.surface.nitrogen), "peculiar": sky.surface.kind,
        "core_halpha": sky.surface.core,
    } | {f"lines_{group}": sky.exponents[:, 0, k] for k, group in enumerate(GROUPS)} | {
        f"true_{band}": mag for band, mag in sky.mag.items()
    }  # fmt: skip


STAMP = "simulation.json"
# a table of the survey with one row per spectrum: its hash binds a truth to its survey
LISTED = "targets.csv"


def asked(n_stars: int, recipe: Recipe) -> dict[str, Any]:
    """What was asked for, as JSON has it."""
    return {
        "n_stars": n_stars,
        "seed": recipe.seed,
        "without": sorted(recipe.without),
        "seeds": dict(sorted(recipe.seeds.items())),
        "training_from": recipe.training_from,
    }


def stamp(survey: Path, n_stars: int, recipe: Recipe) -> str:
    """JSON: size, seeds, ingredients left out, hashes of the code and of the survey;
    OSError if there is no survey.
    """
    made = {
        "simulated": True,
        **asked(n_stars, recipe),
        "survey": hashlib.sha256((survey / LISTED).read_bytes()).hexdigest(),
        "code": _code(),
    }
    return json.dumps(made, indent=1) + "\n"


def _code() -> str:
    """SHA-256 of this package's modules and of the reference tables they read."""
    digest = hashlib.sha256()
    modules = Path(__file__).parent.rglob("*.py")
    for path in [*sorted(modules), *sorted(p for p in REFERENCE.rglob("*") if p.is_file())]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
