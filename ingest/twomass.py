"""2MASS: the names of IRSA, of Gaia's copy (tmass_original_valid) and of VizieR II/246/out.

A Gaia table with 2MASS columns joined to it serves too: its rows without a 2MASS source are passed over, and the
position is then Gaia's.
"""

import pyarrow as pa
import pyarrow.compute as pc

from obcat.ingest.source import POSITION, Key, Source

__all__ = ["SOURCE"]

PHOTOMETRY = ("j_m", "j_msigcom", "h_m", "h_msigcom", "ks_m", "ks_msigcom", "ph_qual")

NAMES = {
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


def _complaint(table: pa.Table) -> str:
    if pc.any(pc.starts_with(table["designation"], "Gaia ")).as_py():
        return "designation is Gaia's, not 2MASS's: select tmass_original_valid.designation"
    return ""


SOURCE = Source(
    name="twomass",
    names={**POSITION, **NAMES},
    required=("designation", "ra", "dec"),
    identified_by=(("designation",),),
    keys=(Key(("designation", "source_id")), Key(("designation",), PHOTOMETRY)),
    optional_row=("designation", *PHOTOMETRY),
    complaint=_complaint,
)
