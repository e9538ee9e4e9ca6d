"""The nine tables a survey may give: what archives call their columns, which are needed, which rows are one star's."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from obcat.schema import Column, columns_of

__all__ = ["SOURCES", "Key", "Recipe", "Source"]

POSITION: Mapping[str, tuple[str, ...]] = {
    "ra": ("ra", "RAJ2000", "_RAJ2000", "_RA", "RAdeg", "RA_ICRS", "_RAJ2000_1"),
    "dec": ("dec", "DEJ2000", "_DEJ2000", "_DE", "DEdeg", "DE_ICRS", "_DEJ2000_1", "decl"),
}


class Key(NamedTuple):
    """Rows with the same key columns must agree in the value columns (all of them if none is named)."""

    columns: tuple[str, ...]
    values: tuple[str, ...] = ()


class Recipe(NamedTuple):
    """A column computed from others: for each input its archive names and its unit ('' for any), then the function."""

    inputs: tuple[tuple[tuple[str, ...], str], ...]
    function: Callable[..., pa.ChunkedArray]


@dataclass(frozen=True)
class Source:
    """``names``: ours -> what archives call it, in order of preference; our own name is tried last unless listed.

    ``identified_by``: groups of columns of which a table needs one whole, and of which each row needs one not null.
    ``recipes``: for a column the file does not have, how to compute it; the first whose inputs are there is taken.
    ``optional_row``: columns whose being null together says that the row is another table's (a LEFT JOIN).
    ``complaint``: what is wrong with a table read, on one line, or nothing.
    """

    name: str
    names: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    identified_by: tuple[tuple[str, ...], ...]
    keys: tuple[Key, ...] = ()
    optional_row: tuple[str, ...] = ()
    recipes: Mapping[str, tuple[Recipe, ...]] = field(default_factory=dict)
    defaults: Mapping[str, float] = field(default_factory=dict)
    complaint: Callable[[pa.Table], str] = lambda _: ""

    @property
    def columns(self) -> tuple[Column, ...]:
        return columns_of(f"raw.{self.name}")

    def candidates(self, ours: str) -> tuple[str, ...]:
        """The names under which a column may come, the likeliest first."""
        return tuple(dict.fromkeys([*self.names.get(ours, ()), ours]))


# Target lists: which spectra or stars belong to the sample (Liu et al. 2019, J/ApJS/241/32, or any other).
TARGETS = Source(
    name="targets",
    names={
        **POSITION,
        "name": ("name", "LAMOST", "star", "Object", "desig", "designation"),
        "specid": ("specid", "SpecID", "spec_id"),
        "obsid": ("obsid", "ObsID", "obs_id"),
        "fitsname": ("fitsname", "FileName"),
        "source_id": ("source_id", "GaiaDR2", "Gaia_DR2"),
    },
    required=(),
    identified_by=(("specid",), ("obsid",), ("fitsname",), ("source_id",), ("ra", "dec")),
    keys=(Key(("specid",)), Key(("obsid",))),
)


# Gaia DR2 with RUWE: the names of the Gaia archive and of VizieR I/345/gaia2.
DR2_EPOCH = 2015.5  # Gaia DR2, Gaia Collaboration, Brown et al. 2018, section 3.1
DR3_EPOCH = 2016.0
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


def _over(above: pa.ChunkedArray | pa.Scalar, below: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.divide(above, pc.if_else(pc.greater(below, 0), below, None))


def _from_magnitude_error(error: pa.ChunkedArray) -> pa.ChunkedArray:
    return _over(pa.scalar(POGSON), error)


def _flux_over_error(band: str) -> tuple[Recipe, ...]:
    flux = ((f"phot_{band}_mean_flux", f"F{band}"), "")
    flux_error = ((f"phot_{band}_mean_flux_error", f"e_F{band}"), "")
    mag_error = ((f"phot_{band}_mean_mag_error", f"e_{band}mag"), "mag")
    return Recipe((flux, flux_error), _over), Recipe((mag_error,), _from_magnitude_error)


def _complaint_gaia(table: pa.Table) -> str:
    if pc.any(pc.equal(table["ref_epoch"], DR3_EPOCH)).as_py():
        return f"ref_epoch is {DR3_EPOCH}: this is Gaia (E)DR3; its ids, zero point and bands are not DR2's, give DR2"
    return ""


GAIA_DR2 = Source(
    name="gaia_dr2",
    names=_GAIA_NAMES,
    required=("source_id", "ra", "dec"),
    identified_by=(("source_id",),),
    keys=(Key(("source_id",)),),
    recipes={f"phot_{band}_mean_flux_over_error": _flux_over_error(band) for band in ("bp", "rp")},
    defaults={"ref_epoch": DR2_EPOCH},
    complaint=_complaint_gaia,
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


def _complaint_gaia_dr3(table: pa.Table) -> str:
    if pc.any(pc.equal(table["ref_epoch"], DR2_EPOCH)).as_py():
        return f"ref_epoch is {DR2_EPOCH}: this is Gaia DR2; give it as tables.gaia_dr2"
    return ""


GAIA_DR3 = Source(
    name="gaia_dr3",
    names=_GAIA_DR3_NAMES,
    required=("source_id", "ra", "dec"),
    identified_by=(("source_id",),),
    keys=(Key(("source_id",)),),
    recipes=GAIA_DR2.recipes,
    defaults={"ref_epoch": DR3_EPOCH},
    complaint=_complaint_gaia_dr3,
)


# 2MASS: the names of IRSA, of Gaia's copy (tmass_original_valid) and of VizieR II/246/out.
#
# A Gaia table with 2MASS columns joined to it serves too: its rows without a 2MASS source are passed over, and the
# position is then Gaia's.
PHOTOMETRY = ("j_m", "j_msigcom", "h_m", "h_msigcom", "ks_m", "ks_msigcom", "ph_qual")

_TWOMASS_NAMES = {
    "designation": ("designation", "2MASS", "_2MASS", "tmass_designation", "original_ext_source_id"),
    "ra": ("RAJ2000", "ra", "RAdeg", "_RAJ2000", "RA_ICRS"),
    "dec": ("DEJ2000", "dec", "DEdeg", "_DEJ2000", "DE_ICRS", "decl"),
    "source_id": ("source_id", "Source"),
    "j_m": ("j_m", "Jmag"),
    "j_msigcom": ("j_msigcom", "e_Jmag"),
    "h_m": ("h_m", "Hmag"),
    "h_msigcom": ("h_msigcom", "e_Hmag"),
    "ks_m": ("ks_m", "k_m", "Kmag", "Ksmag", "Kmag_2mass"),
    "ks_msigcom": ("ks_msigcom", "k_msigcom", "e_Kmag", "e_Ksmag"),
    "ph_qual": ("ph_qual", "Qflg", "Qfl"),
}


def _complaint_twomass(table: pa.Table) -> str:
    if pc.any(pc.starts_with(table["designation"], "Gaia ")).as_py():
        return "designation is Gaia's, not 2MASS's: select tmass_original_valid.designation"
    return ""


TWOMASS = Source(
    name="twomass",
    names={**POSITION, **_TWOMASS_NAMES},
    required=("designation", "ra", "dec"),
    identified_by=(("designation",),),
    keys=(Key(("designation", "source_id")), Key(("designation",), PHOTOMETRY)),
    optional_row=("designation", *PHOTOMETRY),
    complaint=_complaint_twomass,
)


# XSTPS-GAC photometry; no archive publishes it, so the names are the usual ones.
def _xstps_band(band: str) -> dict[str, tuple[str, ...]]:
    mags = (band, f"{band}mag", f"{band}_mag", f"mag_{band}")
    errors = (f"{band}_err", f"e_{band}mag", f"{band}err", f"{band}_error", f"magerr_{band}", f"err_{band}")
    return {band: mags, f"{band}_err": errors}


XSTPS = Source(
    name="xstps",
    names={**POSITION, **_xstps_band("g"), **_xstps_band("r"), **_xstps_band("i")},
    required=("ra", "dec"),
    identified_by=(("ra", "dec"),),
)


# Pan-STARRS1 photometry, in place of XSTPS-GAC: the names of VizieR II/349/ps1 and of MAST.
def _ps1_band(band: str) -> dict[str, tuple[str, ...]]:
    mags = (f"{band}mag", f"{band}MeanPSFMag", f"{band}_mean_psf_mag")
    errors = (f"e_{band}mag", f"{band}MeanPSFMagErr", f"{band}_mean_psf_mag_error")
    return {band: mags, f"{band}_err": errors}


PS1 = Source(
    name="ps1",
    names={**POSITION, **_ps1_band("g"), **_ps1_band("r"), **_ps1_band("i")},
    required=("ra", "dec"),
    identified_by=(("ra", "dec"),),
)


# APASS DR9: the names of VizieR II/336/apass9, whose primes become p or _ on the way through some clients.
def _sloan(band: str) -> dict[str, tuple[str, ...]]:
    mags = (f"{band}'mag", f"{band}_mag", f"{band}pmag", f"{band}mag", f"Sloan_{band}")
    errors = (f"e_{band}'mag", f"e_{band}_mag", f"e_{band}pmag", f"e_{band}mag", f"{band}err", f"Sloan_{band}err")
    return {band: mags, f"{band}_err": errors}


_APASS_NAMES = {
    "b": ("Bmag", "Johnson_B"),
    "b_err": ("e_Bmag", "Berr", "Johnson_Berr"),
    "v": ("Vmag", "Johnson_V"),
    "v_err": ("e_Vmag", "Verr", "Johnson_Verr"),
    **_sloan("g"),
    **_sloan("r"),
    **_sloan("i"),
}

APASS = Source(
    name="apass",
    names={**POSITION, **_APASS_NAMES},
    required=("ra", "dec"),
    identified_by=(("ra", "dec"),),
)


# Stellar labels: LAMOST's own catalogs (LASP) and tables at CDS (HotPayne, J/A+A/662/A66, and their like).
LABELS = Source(
    name="labels",
    names={
        **POSITION,
        "specid": ("specid", "SpecID", "spec_id"),
        "obsid": ("obsid", "ObsID", "obs_id"),
        "source_id": ("source_id", "GaiaDR2", "Gaia_DR2"),
        "teff": ("teff", "T_eff"),
        "teff_err": ("teff_err", "e_Teff", "teff_error"),
        "logg": ("logg", "log_g", "log(g)"),
        "logg_err": ("logg_err", "e_logg", "logg_error", "e_log(g)"),
        "feh": ("feh", "[Fe/H]", "__Fe_H_", "Fe_H", "fe_h"),
        "feh_err": ("feh_err", "e_[Fe/H]", "e__Fe_H_", "e_Fe_H", "feh_error", "fe_h_err"),
        "label_source": ("label_source",),
    },
    required=("teff",),
    identified_by=(("specid",), ("obsid",), ("source_id",), ("ra", "dec")),
    keys=(Key(("specid",)), Key(("obsid",))),
)


# The offset of Gaia's parallaxes against G (Leung & Bovy 2019, or any other), where a survey gives one.
ZERO_POINT = Source(
    name="zero_point",
    names={
        "g": ("g", "Gmag", "phot_g_mean_mag"),
        "parallax_offset": ("parallax_offset", "offset", "zero_point", "zp"),
    },
    required=("g", "parallax_offset"),
    identified_by=(("g", "parallax_offset"),),
    keys=(Key(("g",)),),
)


SOURCES = {s.name: s for s in (TARGETS, GAIA_DR2, GAIA_DR3, TWOMASS, XSTPS, PS1, APASS, LABELS, ZERO_POINT)}
