"""Stellar labels: LAMOST's own catalogs (LASP) and tables at CDS (HotPayne, J/A+A/662/A66, and their like)."""

from obcat.ingest.source import POSITION, Key, Source

__all__ = ["SOURCE"]

SOURCE = Source(
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
