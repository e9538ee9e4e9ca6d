"""Gaia DR2 with RUWE: the names of the Gaia archive and of VizieR I/345/gaia2."""

import math

import pyarrow as pa
import pyarrow.compute as pc

from obcat.ingest.source import Key, Recipe, Source

__all__ = ["SOURCE"]

EPOCH = 2015.5  # Gaia DR2, Gaia Collaboration, Brown et al. 2018, section 3.1
DR3_EPOCH = 2016.0
POGSON = 2.5 / math.log(10)  # 1.085736: error of a magnitude = POGSON * error of the flux / flux

NAMES = {
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


def _complaint(table: pa.Table) -> str:
    if pc.any(pc.equal(table["ref_epoch"], DR3_EPOCH)).as_py():
        return f"ref_epoch is {DR3_EPOCH}: this is Gaia (E)DR3; its ids, zero point and bands are not DR2's, give DR2"
    return ""


SOURCE = Source(
    name="gaia_dr2",
    names=NAMES,
    required=("source_id", "ra", "dec"),
    identified_by=(("source_id",),),
    keys=(Key(("source_id",)),),
    recipes={f"phot_{band}_mean_flux_over_error": _flux_over_error(band) for band in ("bp", "rp")},
    defaults={"ref_epoch": EPOCH},
    complaint=_complaint,
)
