"""What a source is: the names archives use for the columns of a table, what a row needs, what must
not be taken; and those of Gaia DR2 and DR3, and which release a file is of.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from obcat.schema import Column, columns_of

__all__ = [
    "DR2_EPOCH",
    "GAIA_DR2",
    "GAIA_DR3",
    "POSITION_PARTS",
    "TELLING",
    "TEXT",
    "Key",
    "Named",
    "Position",
    "Recipe",
    "Source",
]

TEXT = "text"  # in place of the unit of an input that is no number


class Position(NamedTuple):
    """Names of a position, and those of other columns of which one stands beside it in its archive
    (any if none).
    """

    ra: str
    dec: str
    beside: tuple[str, ...] = ()


class Key(NamedTuple):
    """Rows with the same key columns must agree in the value columns (all of them if none is
    named).
    """

    columns: tuple[str, ...]
    values: tuple[str, ...] = ()


class Recipe(NamedTuple):
    """A column computed from others: for each input its archive names and unit ('' for any,
    or TEXT); the function.
    """

    inputs: tuple[tuple[tuple[str, ...], str], ...]
    function: Callable[..., pa.ChunkedArray]


class Named(Protocol):
    """A match: what the file calls a column of ours."""

    @property
    def theirs(self) -> str: ...


@dataclass(frozen=True)
class Source:
    """``names``: ours -> what archives call it, in order of preference; our own name is tried last
    unless listed.

    ``identified_by``: groups of columns of which a table needs one whole, and of which each row
    needs one not null. ``recipes``: for a column the file does not have, how to compute it; the
    first whose inputs are there is taken. ``optional_row``: columns whose being null together says
    that the row is another table's (a LEFT JOIN). ``positions``: pairs of names of the source's own
    position, so that that of a list it was matched with is not taken. ``doubtful``: from the
    matches and the file's names, ours that were found by name and mean something else.
    ``complaint``: from the declared columns and the file's own, what is wrong, on one line, or
    nothing.
    """

    name: str
    names: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    identified_by: tuple[tuple[str, ...], ...]
    keys: tuple[Key, ...] = ()
    optional_row: tuple[str, ...] = ()
    recipes: Mapping[str, tuple[Recipe, ...]] = field(default_factory=dict)
    defaults: Mapping[str, float] = field(default_factory=dict)
    positions: tuple[Position, ...] = ()
    doubtful: Callable[[Mapping[str, Named], Sequence[str]], set[str]] = lambda *_: set()
    complaint: Callable[[pa.Table, pa.Table], str] = lambda *_: ""

    @property
    def columns(self) -> tuple[Column, ...]:
        return columns_of(f"raw.{self.name}")

    def candidates(self, ours: str) -> tuple[str, ...]:
        """The names under which a column may come, the likeliest first."""
        return tuple(dict.fromkeys([*self.names.get(ours, ()), ours]))


_RA_PARTS = (("RAh",), ("RAm",), ("RAs",))
_DEC_PARTS = (("DE-",), ("DEd",), ("DEm",), ("DEs",))


def _from_hours(
    hours: pa.ChunkedArray, minutes: pa.ChunkedArray, seconds: pa.ChunkedArray
) -> pa.ChunkedArray:
    return pc.add(
        pc.multiply(hours, 15.0),
        pc.add(pc.multiply(minutes, 15 / 60), pc.multiply(seconds, 15 / 3600)),
    )


def _from_degrees(
    sign: pa.ChunkedArray,
    degrees: pa.ChunkedArray,
    minutes: pa.ChunkedArray,
    seconds: pa.ChunkedArray,
) -> pa.ChunkedArray:
    size = pc.add(degrees, pc.add(pc.divide(minutes, 60.0), pc.divide(seconds, 3600.0)))
    return pc.if_else(pc.fill_null(pc.equal(sign, "-"), False), pc.negate(size), size)


# the columns that a position has in tables byte by byte (CDS, journals)
POSITION_PARTS = {
    "ra": (Recipe(tuple((names, "") for names in _RA_PARTS), _from_hours),),
    "dec": (
        Recipe(((_DEC_PARTS[0], TEXT), *((names, "") for names in _DEC_PARTS[1:])), _from_degrees),
    ),
}


# Gaia DR2 with RUWE: the names of the Gaia archive and of VizieR I/345/gaia2.
DR2_EPOCH = 2015.5  # Gaia DR2, Gaia Collaboration, Brown et al. 2018, section 3.1
DR3_EPOCH = 2016.0
# a source_id has the pixel of level 12 of its place from the 36th bit on: Gaia Collaboration 2018
SMALLEST_ID, MANY_IDS = 2**32, 20
EPOCHS = {"DR1": 2015.0, "DR2": DR2_EPOCH, "DR3": DR3_EPOCH, "DR4": 2017.5}
POGSON = 2.5 / math.log(10)  # 1.085736: error of a magnitude = POGSON * error of the flux / flux

_GAIA_NAMES = {
    "source_id": ("source_id", "Source", "GaiaDR2", "Gaia_DR2", "gaia_source_id"),
    "ra": ("ra", "RA_ICRS", "RAdeg", "ra_gaia"),
    "dec": ("dec", "DE_ICRS", "DEdeg", "dec_gaia"),
    "ref_epoch": ("ref_epoch", "Epoch"),
    "parallax": ("parallax", "Plx"),
    "parallax_error": ("parallax_error", "e_Plx"),
    "pmra": ("pmra", "pmRA", "pm_ra_cosdec"),
    "pmra_error": ("pmra_error", "e_pmRA"),
    "pmdec": ("pmdec", "pmDE"),
    "pmdec_error": ("pmdec_error", "e_pmDE"),
    "phot_g_mean_mag": ("phot_g_mean_mag", "Gmag"),
    "phot_bp_mean_mag": ("phot_bp_mean_mag", "BPmag"),
    "phot_rp_mean_mag": ("phot_rp_mean_mag", "RPmag"),
    "phot_bp_mean_flux_over_error": ("phot_bp_mean_flux_over_error", "RFBP"),
    "phot_rp_mean_flux_over_error": ("phot_rp_mean_flux_over_error", "RFRP"),
    "ruwe": ("ruwe", "RUWE"),
}


_VIZIER_GAIA = ("Source", "Plx", "e_Plx", "DR2Name", "DR3Name", "Gmag", "RPlx", "pmDE")
_GAIA_POSITIONS = (
    Position("ra_gaia", "dec_gaia", ("ra_gaia",)),
    Position("RA_ICRS", "DE_ICRS", _VIZIER_GAIA),
    Position(
        "ra", "dec", ("source_id", "parallax", "phot_g_mean_mag", "ref_epoch", "parallax_error")
    ),
    Position("ra", "dec"),
    Position("RA_ICRS", "DE_ICRS"),
    Position("RAdeg", "DEdeg"),
)


def _over(above: pa.ChunkedArray | pa.Scalar, below: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.divide(above, pc.if_else(pc.greater(below, 0), below, None))


def _from_magnitude_error(error: pa.ChunkedArray) -> pa.ChunkedArray:
    return _over(pa.scalar(POGSON), error)


def _error_of(value: pa.ChunkedArray, over_error: pa.ChunkedArray) -> pa.ChunkedArray:
    """Of a value and the value over its error; where either is 0 the error is not to be had."""
    ratio = pc.divide(value, pc.if_else(pc.not_equal(over_error, 0), over_error, None))
    return pc.if_else(pc.greater(ratio, 0), ratio, None)


def _flux_over_error(band: str) -> tuple[Recipe, ...]:
    flux = ((f"phot_{band}_mean_flux", f"F{band.upper()}"), "")
    flux_error = ((f"phot_{band}_mean_flux_error", f"e_F{band.upper()}"), "")
    mag_error = ((f"phot_{band}_mean_mag_error", f"e_{band.upper()}mag"), "mag")
    return Recipe((flux, flux_error), _over), Recipe((mag_error,), _from_magnitude_error)


_ONLY_DR1 = {
    "astrometric_delta_q", "astrometric_priors_used", "astrometric_relegation_factor",
    "scan_direction_strength_k1",
}  # fmt: skip
# Names that one release has and the other has not, in the Gaia archive and at VizieR
_ONLY_DR2 = {
    "DR2Name", "GaiaDR2", "Gaia_DR2", "astrometric_pseudo_colour", "astrometric_weight_al",
    "frame_rotator_object_type", "teff_val", "a_g_val", "lum_val", "E(BR/RP)", "e_bp_min_rp_val",
}  # fmt: skip
_ONLY_DR3 = {
    "DR3Name", "EDR3Name", "GaiaDR3", "Gaia_DR3", "GaiaEDR3", "nu_eff_used_in_astrometry", "nueff",
    "pseudocolour", "pscol", "ipd_frac_multi_peak", "ipd_gof_harmonic_amplitude",
    "phot_bp_n_blended_transits", "teff_gspphot", "ag_gspphot", "non_single_star",
    "has_xp_continuous", }  # fmt: skip


_SOLUTIONS = {
    1635378410781933568: "DR1", 1635721458409799680: "DR2", 1636042515805110273: "DR3",
    1636148068921376768: "DR3",
}  # fmt: skip
_TABLES = {"DR2": "gaia_dr2", "DR3": "gaia_dr3"}
# columns whose values tell the release
NAMING = ("designation", "solution_id", "source_id", "source", "gaia_source_id")
SOLVED = ("astrometric_params_solved", "solved")
TELLING = (*NAMING, *SOLVED)


def _release(given: pa.Table) -> tuple[str, str]:
    """DR2, DR3, another, or '' where the file does not say; and what in it says so."""
    lower = {name.lower(): name for name in given.column_names}
    said = {
        release: [lower[n] for n in sorted({name.lower() for name in only} & lower.keys())]
        for release, only in (("DR1", _ONLY_DR1), ("DR2", _ONLY_DR2), ("DR3", _ONLY_DR3))
    }
    for name in NAMING:
        known = given[lower[name]].drop_null() if name in lower else ()
        first = next((text for value in known if (text := str(value).strip())), "")
        release = (
            _SOLUTIONS.get(int(first), "")
            if first.isdecimal()
            else "".join(re.findall(r"Gaia E?(DR[0-9]+) ", first))
        )
        said.setdefault(release, []).append(f"{lower.get(name)} {first}")
    solved = [given[lower[n]] for n in SOLVED if n in lower]
    if any("95" in pc.unique(values.cast(pa.string())).to_pylist() for values in solved):
        said["DR3"].append("solutions of six parameters (95)")
    there = [release for release in said if release and said[release]]
    return (there[0], said[there[0]][0]) if len(there) == 1 else ("", "")


def _complaint_ids(ids: pa.ChunkedArray) -> str:
    small = pc.sum(pc.less(ids, SMALLEST_ID)).as_py() or 0
    if len(ids) < MANY_IDS or 2 * small < len(ids):
        return ""
    return (
        f"source_id {ids[0]} is none of Gaia ({small} such rows): running numbers, or ids cut to "
        "32 bits; name the right column"
    )


def _complaint_of(own: str) -> Callable[[pa.Table, pa.Table], str]:
    """That a table is of another release than ``own``, by its epoch or by what it holds; that its
    ids are running numbers, or were cut to 32 bits.
    """

    def complaint(table: pa.Table, given: pa.Table) -> str:
        epochs = (
            (release, f"ref_epoch is {epoch}")
            for release, epoch in EPOCHS.items()
            if release != own and pc.any(pc.equal(table["ref_epoch"], epoch)).as_py()
        )
        release, why = next(epochs, None) or _release(given)
        if release in ("", own):
            return _complaint_ids(table["source_id"].drop_null())
        why = why if why.startswith("ref_epoch") else f"has {why}"
        named = "(E)DR3" if release == "DR3" else release
        remedy = (
            f"give it as tables.{_TABLES[release]} (ids, zero point and bands are other ones)"
            if release in _TABLES
            else "give DR2 or DR3"
        )
        return f"{why}: this is Gaia {named}; {remedy}"

    return complaint


_GAIA_RECIPES = {
    **{f"phot_{band}_mean_flux_over_error": _flux_over_error(band) for band in ("bp", "rp")},
    "parallax_error": (
        Recipe(((_GAIA_NAMES["parallax"], "mas"), (("parallax_over_error", "RPlx"), "")),
        _error_of),
    ),
}  # fmt: skip

GAIA_DR2 = Source(
    name="gaia_dr2",
    names=_GAIA_NAMES,
    required=("source_id", "ra", "dec"),
    identified_by=(("source_id",),),
    keys=(Key(("source_id",)),),
    recipes={**_GAIA_RECIPES, **POSITION_PARTS},
    positions=_GAIA_POSITIONS,
    defaults={"ref_epoch": DR2_EPOCH},
    complaint=_complaint_of("DR2"),
)


# Gaia DR3: the names of the Gaia archive and of VizieR I/355/gaiadr3.
_GAIA_DR3_NAMES = {
    **_GAIA_NAMES,
    "source_id": ("source_id", "Source", "GaiaDR3", "Gaia_DR3", "gaia_source_id"),
    "nu_eff_used_in_astrometry": ("nu_eff_used_in_astrometry", "nueff"),
    "pseudocolour": ("pseudocolour", "pscol"),
    "ecl_lat": ("ecl_lat", "ELAT"),
    "astrometric_params_solved": ("astrometric_params_solved", "Solved"),
}


GAIA_DR3 = replace(
    GAIA_DR2,
    name="gaia_dr3",
    names=_GAIA_DR3_NAMES,
    defaults={"ref_epoch": DR3_EPOCH},
    complaint=_complaint_of("DR3"),
)
