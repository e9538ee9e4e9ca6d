"""XSTPS-GAC photometry; no archive publishes it, so the names are the usual ones."""

from obcat.ingest.source import POSITION, Source

__all__ = ["SOURCE"]


def _band(band: str) -> dict[str, tuple[str, ...]]:
    mags = (band, f"{band}mag", f"{band}_mag", f"mag_{band}")
    errors = (f"{band}_err", f"e_{band}mag", f"{band}err", f"{band}_error", f"magerr_{band}", f"err_{band}")
    return {band: mags, f"{band}_err": errors}


SOURCE = Source(
    name="xstps",
    names={**POSITION, **_band("g"), **_band("r"), **_band("i")},
    required=("ra", "dec"),
    identified_by=(("ra", "dec"),),
)
