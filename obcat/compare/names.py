"""What other catalogs may call our columns: the labels of our own CDS package, and those of VizieR."""

from obcat.export.cds.labels import label
from obcat.schema import columns_of

__all__ = ["CATALOG", "names"]

CATALOG = "catalog.ob_stars"
OTHERS = {
    "specid": ("SpecID", "Spec", "LAMOST", "specid"),
    "fitsname": ("FileName", "FITS", "fits", "filename"),
    "gaia_id": ("GaiaDR2", "Gaia", "source_id", "SourceId", "Source"),
    "ra": ("RAJ2000", "RA_ICRS", "_RA"),
    "dec": ("DEJ2000", "DE_ICRS", "_DE"),
    "uniqflag": ("uniqFlag", "Uniq"),
    "mk": ("MKs", "MK", "KMag"),
    "mk_geo": ("MKsgeo", "MKgeo", "KMaggeo"),
    "dis": ("Dist", "d", "distance"),
    "binary_flag": ("BinFlag", "f_Bin", "Binary"),
    "em_flag": ("EmFlag", "f_Em", "Emission"),
}


def names() -> dict[str, tuple[str, ...]]:
    """Our column -> what it may be called elsewhere, our own name first; names of errors follow CDS's ``e_X``."""
    out = {}
    for column in columns_of(CATALOG):
        known = (column.column, label(column.column), *OTHERS.get(column.column, ()))
        out[column.column] = tuple(dict.fromkeys([*known, *_errors(column.column)]))
    return out


def _errors(name: str) -> list[str]:
    for suffix in ("_error", "_err"):
        value = name.removesuffix(suffix)
        if value != name:
            return [f"e_{other}" for other in (value, *OTHERS.get(value, ()))]
    return []
