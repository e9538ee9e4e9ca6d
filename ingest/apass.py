"""APASS DR9: the names of VizieR II/336/apass9, whose primes become p or _ on the way through some clients."""

from obcat.ingest.source import POSITION, Source

__all__ = ["SOURCE"]


def _sloan(band: str) -> dict[str, tuple[str, ...]]:
    mags = (f"{band}'mag", f"{band}_mag", f"{band}pmag", f"{band}mag", f"Sloan_{band}")
    errors = (f"e_{band}'mag", f"e_{band}_mag", f"e_{band}pmag", f"e_{band}mag", f"{band}err", f"Sloan_{band}err")
    return {band: mags, f"{band}_err": errors}


NAMES = {
    "b": ("Bmag", "Johnson_B"),
    "b_err": ("e_Bmag", "Berr", "Johnson_Berr"),
    "v": ("Vmag", "Johnson_V"),
    "v_err": ("e_Vmag", "Verr", "Johnson_Verr"),
    **_sloan("g"),
    **_sloan("r"),
    **_sloan("i"),
}

SOURCE = Source(
    name="apass",
    names={**POSITION, **NAMES},
    required=("ra", "dec"),
    identified_by=(("ra", "dec"),),
)
