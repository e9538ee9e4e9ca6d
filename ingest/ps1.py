"""Pan-STARRS1 photometry, in place of XSTPS-GAC: the names of VizieR II/349/ps1 and of MAST."""

from obcat.ingest.source import POSITION, Source

__all__ = ["SOURCE"]


def _band(band: str) -> dict[str, tuple[str, ...]]:
    mags = (f"{band}mag", f"{band}MeanPSFMag", f"{band}_mean_psf_mag")
    errors = (f"e_{band}mag", f"{band}MeanPSFMagErr", f"{band}_mean_psf_mag_error")
    return {band: mags, f"{band}_err": errors}


SOURCE = Source(
    name="ps1",
    names={**POSITION, **_band("g"), **_band("r"), **_band("i")},
    required=("ra", "dec"),
    identified_by=(("ra", "dec"),),
)
