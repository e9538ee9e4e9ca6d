"""The nine tables a survey may give: what archives call their columns, which are needed, which rows are one star's."""

import math
import re
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from obcat.ingest.source import TEXT, Key, Named, Position, Recipe, Source

__all__ = ["SOURCES"]

POSITION: Mapping[str, tuple[str, ...]] = {
    "ra": ("ra", "RAJ2000", "_RAJ2000", "_RA", "RAdeg", "RA_ICRS", "_RAJ2000_1"),
    "dec": ("dec", "DEJ2000", "_DEJ2000", "_DE", "DEdeg", "DE_ICRS", "_DEJ2000_1", "decl"),
}


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
_PARTS = {
    "ra": (Recipe(tuple((names, "") for names in _RA_PARTS), _from_hours),),
    "dec": (
        Recipe(((_DEC_PARTS[0], TEXT), *((names, "") for names in _DEC_PARTS[1:])), _from_degrees),
    ),
}

# Target lists: which spectra or stars belong to the sample (Liu et al. 2019, J/ApJS/241/32, or any other).
TARGETS = Source(
    name="targets",
    names={
        **POSITION,
        "name": ("name", "LAMOST", "star", "Object", "desig", "designation"),
        "specid": ("specid", "SpecID", "spec_id"),
        "obsid": ("obsid", "ObsID", "obs_id"),
        "fitsname": ("fitsname", "FileName", "filename", "file"),
        "source_id": ("source_id", "GaiaDR2", "Gaia_DR2"),
    },
    required=(),
    identified_by=(("specid",), ("obsid",), ("fitsname",), ("source_id",), ("ra", "dec")),
    keys=(Key(("specid",)), Key(("obsid",))),
    recipes=_PARTS,
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


# Names that one release has and the other has not, in the Gaia archive and at VizieR
_ONLY_DR2 = {
    "DR2Name", "GaiaDR2", "Gaia_DR2", "astrometric_pseudo_colour", "astrometric_weight_al", "frame_rotator_object_type",
    "teff_val", "a_g_val", "lum_val", "E(BR/RP)", "e_bp_min_rp_val",
}  # fmt: skip
_ONLY_DR3 = {
    "DR3Name", "EDR3Name", "GaiaDR3", "Gaia_DR3", "GaiaEDR3", "nu_eff_used_in_astrometry", "nueff", "pseudocolour",
    "pscol", "ipd_frac_multi_peak", "ipd_gof_harmonic_amplitude", "phot_bp_n_blended_transits", "teff_gspphot",
    "ag_gspphot", "non_single_star", "has_xp_continuous",
}  # fmt: skip


_SOLUTIONS = {1635721458409799680: "DR2", 1636042515805110273: "DR3", 1636148068921376768: "DR3"}
_OTHER = "; give it as tables.{} (ids, zero point and bands are other ones)"


def _release(given: pa.Table) -> tuple[str, str]:
    """DR2, DR3 or '' where the file does not say; and what in it says so."""
    lower = {name.lower(): name for name in given.column_names}
    said = {
        release: [lower[n] for n in sorted({name.lower() for name in only} & lower.keys())]
        for release, only in (("DR2", _ONLY_DR2), ("DR3", _ONLY_DR3))
    }
    for name in ("designation", "solution_id", "source_id", "source", "gaia_source_id"):
        first = str(given[lower[name]][0].as_py()) if name in lower and given.num_rows else ""
        release = (
            _SOLUTIONS.get(int(first), "")
            if first.isdecimal()
            else "".join(re.findall(r"Gaia E?(DR[23]) ", first))
        )
        said.setdefault(release, []).append(f"{lower.get(name)} {first}")
    solved = [given[lower[n]] for n in ("astrometric_params_solved", "solved") if n in lower]
    if any("95" in pc.unique(values.cast(pa.string())).to_pylist() for values in solved):
        said["DR3"].append("solutions of six parameters (95)")
    there = [release for release in ("DR2", "DR3") if said[release]]
    return (there[0], said[there[0]][0]) if len(there) == 1 else ("", "")


def _complaint_gaia(table: pa.Table, given: pa.Table) -> str:
    if pc.any(pc.equal(table["ref_epoch"], DR3_EPOCH)).as_py():
        return f"ref_epoch is {DR3_EPOCH}: this is Gaia (E)DR3{_OTHER.format('gaia_dr3')}"
    release, why = _release(given)
    return f"has {why}: this is Gaia (E)DR3{_OTHER.format('gaia_dr3')}" if release == "DR3" else ""


_GAIA_RECIPES = {
    **{f"phot_{band}_mean_flux_over_error": _flux_over_error(band) for band in ("bp", "rp")},
    "parallax_error": (
        Recipe(((_GAIA_NAMES["parallax"], "mas"), (("parallax_over_error", "RPlx"), "")), _error_of),
    ),
}  # fmt: skip

GAIA_DR2 = Source(
    name="gaia_dr2",
    names=_GAIA_NAMES,
    required=("source_id", "ra", "dec"),
    identified_by=(("source_id",),),
    keys=(Key(("source_id",)),),
    recipes={**_GAIA_RECIPES, **_PARTS},
    positions=_GAIA_POSITIONS,
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


def _complaint_gaia_dr3(table: pa.Table, given: pa.Table) -> str:
    if pc.any(pc.equal(table["ref_epoch"], DR2_EPOCH)).as_py():
        return f"ref_epoch is {DR2_EPOCH}: this is Gaia DR2{_OTHER.format('gaia_dr2')}"
    release, why = _release(given)
    return f"has {why}: this is Gaia DR2{_OTHER.format('gaia_dr2')}" if release == "DR2" else ""


GAIA_DR3 = Source(
    name="gaia_dr3",
    names=_GAIA_DR3_NAMES,
    required=("source_id", "ra", "dec"),
    identified_by=(("source_id",),),
    keys=(Key(("source_id",)),),
    recipes={**_GAIA_RECIPES, **_PARTS},
    positions=_GAIA_POSITIONS,
    defaults={"ref_epoch": DR3_EPOCH},
    complaint=_complaint_gaia_dr3,
)


# 2MASS: the names of IRSA, of Gaia's copy (tmass_original_valid) and of VizieR II/246/out.
#
# A Gaia table with 2MASS columns joined to it serves too: its rows without a 2MASS source are passed over, and the
# position is then Gaia's.
PHOTOMETRY = ("j_m", "j_msigcom", "h_m", "h_msigcom", "ks_m", "ks_msigcom", "ph_qual")

_TWOMASS_NAMES = {
    "designation": (
        "designation",
        "2MASS",
        "_2MASS",
        "tmass_designation",
        "original_ext_source_id",
    ),
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


_TWOMASS_POSITIONS = (
    Position("RAJ2000", "DEJ2000", ("2MASS", "_2MASS", "Jmag", "Hmag", "Kmag", "Qflg", "Qfl")),
    Position("ra", "dec", ("designation", "j_m", "ks_m", "k_m", "source_id")),
    Position("ra", "decl", ("designation", "j_m", "k_m")),
    Position("RAJ2000", "DEJ2000"),
    Position("ra", "dec"),
    Position("RAdeg", "DEdeg"),
    Position("_RAJ2000", "_DEJ2000"),
    Position("RA_ICRS", "DE_ICRS"),
)


def _complaint_twomass(table: pa.Table, _: pa.Table) -> str:
    if pc.any(pc.starts_with(table["designation"], "Gaia ")).as_py():
        return "designation is Gaia's, not 2MASS's: select tmass_original_valid.designation"
    return ""


TWOMASS = Source(
    name="twomass",
    names={**POSITION, **_TWOMASS_NAMES},
    required=("ra", "dec"),
    identified_by=(("designation",), ("ra", "dec")),
    positions=_TWOMASS_POSITIONS,
    keys=(Key(("designation", "source_id")), Key(("designation",), PHOTOMETRY)),
    optional_row=("designation", *PHOTOMETRY),
    complaint=_complaint_twomass,
    recipes=_PARTS,
)


# Sloan's g, r, i are told from bands of the same letter: Gaia's G, Johnson's and Cousins' R and I
_GAIA_COLOURS = {
    "bpmag",
    "rpmag",
    "bp",
    "rp",
    "bp_rp",
    "phot_bp_mean_mag",
    "phot_rp_mean_mag",
    "g_rp",
    "bp-rp",
}


def _other_system(matches: Mapping[str, Named], names: Sequence[str]) -> set[str]:
    """Bands whose name is a letter and 'mag': G beside Gaia's colours, or R and I without any g, is not Sloan's."""
    called = {band: matches[band].theirs for band in "gri" if band in matches}
    lower = {name.lower() for name in names}
    wrong = {band for band in ("r",) if called.get(band) == "rpmag" and "bpmag" in lower}
    bare = {band for band, theirs in called.items() if theirs == f"{band}mag"}
    if lower & _GAIA_COLOURS and not called.keys() - wrong - {"g"}:
        wrong |= bare & {"g"}
    if not called.keys() & {"g"} - wrong:
        wrong |= bare
    return wrong | {f"{band}_err" for band in wrong}


_SKY_POSITIONS = (
    Position(
        "RAJ2000",
        "DEJ2000",
        ("objID", "recno", "nobs", "e_Vmag", "e_gmag", "e_g'mag", "e_g_mag", "e_gpmag"),
    ),
    Position("raMean", "decMean"),
    Position("ra", "dec"),
    Position("RAJ2000", "DEJ2000"),
    Position("RAdeg", "DEdeg"),
    Position("RA_ICRS", "DE_ICRS"),
    Position("_RAJ2000", "_DEJ2000"),
    Position("_RA", "_DE"),
)


# XSTPS-GAC photometry; no archive publishes it, so the names are the usual ones.
def _xstps_band(band: str) -> dict[str, tuple[str, ...]]:
    mags = (band, f"{band}mag", f"{band}_mag", f"mag_{band}")
    errors = (
        f"{band}_err",
        f"e_{band}mag",
        f"{band}err",
        f"{band}_error",
        f"magerr_{band}",
        f"err_{band}",
    )
    return {band: mags, f"{band}_err": errors}


XSTPS = Source(
    name="xstps",
    names={**POSITION, **_xstps_band("g"), **_xstps_band("r"), **_xstps_band("i")},
    required=("ra", "dec"),
    identified_by=(("ra", "dec"),),
    positions=_SKY_POSITIONS,
    doubtful=_other_system,
    recipes=_PARTS,
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
    positions=_SKY_POSITIONS,
    doubtful=_other_system,
    recipes=_PARTS,
)


# APASS DR9: the names of VizieR II/336/apass9, whose primes become p or _ on the way through some clients.
def _sloan(band: str) -> dict[str, tuple[str, ...]]:
    mags = (f"{band}'mag", f"{band}_mag", f"{band}pmag", f"{band}mag", f"Sloan_{band}")
    errors = (
        f"e_{band}'mag",
        f"e_{band}_mag",
        f"e_{band}pmag",
        f"e_{band}mag",
        f"{band}err",
        f"Sloan_{band}err",
    )
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
    positions=_SKY_POSITIONS,
    doubtful=_other_system,
    recipes=_PARTS,
)


# Stellar labels: LAMOST's own catalogs (LASP) and tables at CDS (HotPayne, J/A+A/662/A66, and their like).
LABELS = Source(
    name="labels",
    names={
        **POSITION,
        "specid": ("specid", "SpecID", "spec_id", "fitsname", "FileName", "filename", "file"),
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
    recipes=_PARTS,
)


# The offset of Gaia's parallaxes against G (Leung & Bovy 2019, or any other), where a survey gives one.
ZERO_POINT = Source(
    name="zero_point",
    names={
        "g": ("g", "G", "Gmag", "phot_g_mean_mag"),
        "parallax_offset": ("parallax_offset", "offset", "zero_point", "zp"),
    },
    required=("g", "parallax_offset"),
    identified_by=(("g", "parallax_offset"),),
    keys=(Key(("g",)),),
)


SOURCES = {
    s.name: s for s in (TARGETS, GAIA_DR2, GAIA_DR3, TWOMASS, XSTPS, PS1, APASS, LABELS, ZERO_POINT)
}
