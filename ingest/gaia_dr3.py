"""Gaia DR3: the names of the Gaia archive and of VizieR I/355/gaiadr3."""

import pyarrow as pa
import pyarrow.compute as pc

from obcat.ingest import gaia
from obcat.ingest.source import Key, Source

__all__ = ["SOURCE"]

NAMES = {
    **gaia.NAMES,
    "source_id": ("source_id", "Source", "GaiaDR3", "Gaia_DR3", "gaia_source_id"),
    "nu_eff_used_in_astrometry": ("nu_eff_used_in_astrometry", "nueff"),
    "pseudocolour": ("pseudocolour", "pscol"),
    "ecl_lat": ("ecl_lat", "ELAT"),
    "astrometric_params_solved": ("astrometric_params_solved", "Solved"),
}


def _complaint(table: pa.Table) -> str:
    if pc.any(pc.equal(table["ref_epoch"], gaia.EPOCH)).as_py():
        return f"ref_epoch is {gaia.EPOCH}: this is Gaia DR2; give it as tables.gaia_dr2"
    return ""


SOURCE = Source(
    name="gaia_dr3",
    names=NAMES,
    required=("source_id", "ra", "dec"),
    identified_by=(("source_id",),),
    keys=(Key(("source_id",)),),
    recipes=gaia.SOURCE.recipes,
    defaults={"ref_epoch": gaia.DR3_EPOCH},
    complaint=_complaint,
)
