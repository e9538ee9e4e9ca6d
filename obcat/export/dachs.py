"""A release for a DaCHS server: the resource descriptor that publishes it by TAP, cone search and
SSAP, made from the columns.
"""

from pathlib import Path
from typing import Any

import jinja2

from obcat.export import NOT_REAL, Published, null_of
from obcat.export.rest_spectra import RESOLUTION
from obcat.export.votable import vounit
from obcat.kernels.grid import N_PIXEL, WAVELENGTH
from obcat.schema import Column, read_tables

__all__ = ["write"]

TEMPLATE = Path(__file__).parent / "templates" / "q.rd"
TYPES = {"VARCHAR": "text", "DOUBLE": "double precision", "FLOAT": "real"}
AUTHOR = "Author, A."  # the one line that is yours to write
ABOUT = "Spectra at rest, divided by their pseudo-continuum"


def write(path: Path, *catalogs: Published, spectra: bool = False) -> None:
    """Write ``q.rd`` of a release of these tables; with ``spectra`` of a release that has them."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    known = _known(catalogs[0]) | {"tables": list(map(_table, catalogs)), "spectra": None}
    if spectra:
        known["spectra"] = _spectra(catalogs[0])
    path.write_text(
        environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(known) + "\n",
        encoding="utf-8",
    )


def _known(catalog: Published) -> dict[str, Any]:
    name = f"{'SIMULATED: c' if catalog.simulated else 'C'}atalog of hot stars of the survey "
    warnings = [NOT_REAL if catalog.simulated else None, catalog.lent]
    return {
        "schema": "obcat_" + catalog.survey.lower().replace("-", "_"),
        "title": name + catalog.survey,
        "description": ". ".join([*filter(None, warnings), "Method: 2021ApJS..253...22X"]),
        "creator": AUTHOR,
        "instrument": "none" if catalog.simulated else "LAMOST",
        "fingerprint": catalog.provenance.get("fingerprint", "")[:16],
        "simulated": catalog.simulated,
    }


def _table(catalog: Published) -> dict[str, Any]:
    """One table, whose rows come from its VOTable; the first of them is the test of its cones."""
    first = catalog.rows.slice(0, 1).to_pylist() or [{"ra": 0.0, "dec": 0.0}]
    name = catalog.table.partition(".")[2]
    return {
        "id": name,
        "ending": name.removeprefix("ob_stars"),
        "file": f"{catalog.file}.vot",
        "description": read_tables()[catalog.table].description,
        "columns": list(map(_column, catalog.columns)),
        "ra": first[0]["ra"],
        "dec": first[0]["dec"],
    }


def _column(column: Column) -> dict[str, Any]:
    """A column as DaCHS declares it; an integer that may be NULL needs a number that says so."""
    kind = TYPES.get(column.type, column.type.lower())
    digits = column.format.partition(".")[2]
    return {
        "name": column.column,
        "type": kind,
        "null": null_of(column),
        "attributes": {
            "unit": vounit(column.unit) if column.unit else None,
            "ucd": column.ucd,
            "required": "True" if column.required else None,
            "displayHint": f"sf={digits}" if digits else None,
            "description": column.description.replace("\\", "\\\\"),
        },
    }


def _spectra(catalog: Published) -> dict[str, Any]:
    first, last = (WAVELENGTH[[0, -1]] * 1e-10).tolist()
    ends = (f"{m:.6e}" for m in (first, last, (first + last) / 2, last - first))
    return {
        "file": f"{catalog.file}_spectra.fits",
        "catalog": f"{catalog.file}.fits",
        "description": f"{f'{NOT_REAL}. ' if catalog.simulated else ''}{ABOUT}",
        "pixels": N_PIXEL,
        "size": 40 * N_PIXEL,
        **dict(zip(("first", "last", "middle", "width"), ends, strict=True)),
        "resolved": f"{5.5e-7 / RESOLUTION:.3e}",
    }
