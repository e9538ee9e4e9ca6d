"""Target lists: which spectra or stars belong to the sample (Liu et al. 2019, J/ApJS/241/32, or any other)."""

from obcat.ingest.source import POSITION, Key, Source

__all__ = ["SOURCE"]

SOURCE = Source(
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
