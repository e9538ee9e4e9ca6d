"""The offset of Gaia's parallaxes against G (Leung & Bovy 2019, or any other), where a survey gives one."""

from obcat.ingest.source import Key, Source

__all__ = ["SOURCE"]

SOURCE = Source(
    name="zero_point",
    names={
        "g": ("g", "Gmag", "phot_g_mean_mag"),
        "parallax_offset": ("parallax_offset", "offset", "zero_point", "zp"),
    },
    required=("g", "parallax_offset"),
    identified_by=(("g", "parallax_offset"),),
    keys=(Key(("g",)),),
)
