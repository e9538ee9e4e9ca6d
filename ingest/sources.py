"""The ten tables a survey may give:
what archives call their columns, which are needed, which rows are one star's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from obcat.ingest.source import GAIA_DR2, GAIA_DR3, POSITION_PARTS, Key, Named, Position, Source

__all__ = ["SOURCES"]

POSITION: Mapping[str, tuple[str, ...]] = {
    "ra": ("ra", "RAJ2000", "_RAJ2000", "_RA", "RAdeg", "RA_ICRS", "_RAJ2000_1"),
    "dec": ("dec", "DEJ2000", "_DEJ2000", "_DE", "DEdeg", "DE_ICRS", "_DEJ2000_1", "decl"),
}

# Target lists: which spectra or stars belong to the sample (Liu et al. 2019, J/ApJS/241/32, or any
# other).
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
    recipes=POSITION_PARTS,
)


# 2MASS: the names of IRSA, of Gaia's copy (tmass_original_valid) and of VizieR II/246/out.
#
# A Gaia table with 2MASS columns joined to it serves too: its rows without a 2MASS source are
# passed over, and the position is then Gaia's.
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
    recipes=POSITION_PARTS,
)


# Sloan's g, r, i are told from bands of the same letter: Gaia's G, Johnson's and Cousins' R and I
_GAIA_COLOURS = {
    "bpmag", "rpmag", "bp", "rp", "bp_rp", "phot_bp_mean_mag", "phot_rp_mean_mag", "g_rp",
    "bp-rp",
}  # fmt: skip


def _other_system(matches: Mapping[str, Named], names: Sequence[str]) -> set[str]:
    """Bands whose name is a letter and 'mag':
    G beside Gaia's colours, or R and I without any g, is not Sloan's.
    """
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
    recipes=POSITION_PARTS,
)


# Pan-STARRS1 photometry, in place of XSTPS-GAC: the names of VizieR II/349/ps1 and of MAST.
def _ps1_band(band: str) -> dict[str, tuple[str, ...]]:
    mags = (f"{band}mag", f"{band}MeanPSFMag", f"{band}_mean_psf_mag")
    errors = (f"e_{band}mag", f"{band}MeanPSFMagErr", f"{band}_mean_psf_mag_error")
    return {band: mags, f"{band}_err": errors}


PS1 = replace(
    XSTPS, name="ps1", names={**POSITION, **_ps1_band("g"), **_ps1_band("r"), **_ps1_band("i")}
)


# APASS DR9: the names of VizieR II/336/apass9, whose primes become p or _ on the way through some
# clients.
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
    recipes=POSITION_PARTS,
)


# Stellar labels: LAMOST's own catalogs (LASP) and tables at CDS (HotPayne, J/A+A/662/A66, and their
# like).
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
    recipes=POSITION_PARTS,
)


# The offset of Gaia's parallaxes against G (Leung & Bovy 2019, or any other), where a survey gives
# one.
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


# Stars that train the networks and are no rows of the catalog (Xiang et al. 2021, section 5.1),
# with all that is known of them in one table.
TRAINING = Source(
    name="training",
    names={
        **TARGETS.names,
        "parallax": ("parallax", "Plx"),
        "parallax_error": ("parallax_error", "e_Plx"),
        "parallax_offset": ZERO_POINT.names["parallax_offset"],
        **{k: v for k, v in LABELS.names.items() if k in ("teff", "logg", "feh")},
        "given_ebv": ("ebv", "E(B-V)", "E_B-V_"),
        "given_ebv_err": ("ebv_err", "e_ebv", "e_E(B-V)", "e_E_B-V_"),
        "given_a_ks": ("a_ks", "A_Ks", "AKs"),
        "given_a_ks_err": ("a_ks_err", "e_A_Ks", "e_AKs"),
        **{k: (k, *v) for k, v in _APASS_NAMES.items()},
        "phot_bp_mean_mag": ("phot_bp_mean_mag", "BPmag", "bp"),
        "phot_bp_mean_mag_error": ("phot_bp_mean_mag_error", "e_BPmag", "bp_err"),
        "phot_rp_mean_mag": ("phot_rp_mean_mag", "RPmag", "rp"),
        "phot_rp_mean_mag_error": ("phot_rp_mean_mag_error", "e_RPmag", "rp_err"),
        **{k: (*_TWOMASS_NAMES[k], k[:-2]) for k in ("j_m", "h_m", "ks_m")},
        **{
            k: (*_TWOMASS_NAMES[k], f"{k[:-8]}_err")
            for k in ("j_msigcom", "h_msigcom", "ks_msigcom")
        },
    },
    required=("parallax", "parallax_error", "ks_m", "ks_msigcom"),
    identified_by=(("specid",), ("obsid",), ("fitsname",), ("ra", "dec")),
    keys=(Key(("specid",)), Key(("obsid",)), Key(("fitsname",))),
    doubtful=_other_system,
    recipes=POSITION_PARTS,
)


SOURCES = {
    s.name: s
    for s in (
        TARGETS,
        GAIA_DR2,
        GAIA_DR3,
        TWOMASS,
        XSTPS,
        PS1,
        APASS,
        LABELS,
        ZERO_POINT,
        TRAINING,
    )
}
