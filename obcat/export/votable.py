"""VOTable: the catalog as a table of the Virtual Observatory, with what describes it; and the
resource descriptor by which a DaCHS server publishes a release by TAP, cone search and SSAP.
"""

from base64 import encodebytes
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import jinja2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from obcat.export import NOT_REAL, Published, ReleaseError, ascii_of, null_of, offset_papers
from obcat.export.rest_spectra import RESOLUTION
from obcat.kernels.grid import N_PIXEL, WAVELENGTH
from obcat.schema import Column, printed, read_tables
from obcat.schema import column as schema_column

__all__ = ["BYTES", "check_column", "document", "facts", "vounit", "write", "write_descriptor"]

LINE = 57  # bytes that a line of base64 holds
DATATYPES = {
    "DOUBLE": "double",
    "FLOAT": "float",
    "BIGINT": "long",
    "INTEGER": "int",
    "SMALLINT": "short",
}
BYTES = {"DOUBLE": ">f8", "FLOAT": ">f4", "BIGINT": ">i8", "INTEGER": ">i4", "SMALLINT": ">i2"}
EPOCHS = {"Gaia DR2": "J2015.5", "Gaia DR3": "J2016.0"}
DEPRECATED = {"Angstrom": "0.1nm"}
OPEN = """\
<?xml version="1.0" encoding="UTF-8"?>
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://www.ivoa.net/xml/VOTable/v1.3 http://www.ivoa.net/xml/VOTable/v1.3">
"""


def document(catalog: Published, data: Iterable[str]) -> Iterator[str]:
    """The parts of a VOTable 1.4 whose rows, or the place of whose rows, is ``data``.

    Raises ReleaseError where a unit is no VOUnit or a UCD is not of the controlled vocabulary.
    """
    for column in catalog.columns:
        check_column(column)
    yield OPEN
    yield f"<DESCRIPTION>{escape(_described(catalog))}</DESCRIPTION>\n"
    yield '<RESOURCE type="results">\n'
    yield from (
        f"<INFO name={quoteattr(name)} value={quoteattr(value)}/>\n"
        for name, value in facts(catalog).items()
    )
    yield from _origin(catalog)
    yield from _systems(catalog)
    yield from _parameters(catalog)
    yield f'<TABLE name="{catalog.table.partition(".")[2]}" nrows="{catalog.rows.num_rows}">\n'
    yield f"<DESCRIPTION>{escape(read_tables()[catalog.table].description)}</DESCRIPTION>\n"
    yield from (_field(c) for c in catalog.columns)
    yield from data
    yield "</TABLE>\n</RESOURCE>\n</VOTABLE>\n"


def _described(catalog: Published) -> str:
    return (
        f"{NOT_REAL}."
        if catalog.simulated
        else f"Catalog of hot stars of the survey {catalog.survey}."
    )


def facts(catalog: Published) -> dict[str, str]:
    """What made the table, and, first of all, whether its stars exist."""
    items = {"simulated": "yes" if catalog.simulated else "no", "survey": catalog.survey}
    kept = ("models_from", "release", "obcat", "fingerprint")
    items |= {name: catalog.provenance[name] for name in kept if catalog.provenance.get(name)}
    return items | {"method": catalog.status, "reference": "2021ApJS..253...22X"}


def _origin(catalog: Published) -> Iterator[str]:
    """Where the data come from, in the words of the IVOA note on data origin."""
    version = catalog.provenance.get("fingerprint", "")[:16]
    papers = ["2021ApJS..253...22X", *(code for _, code in offset_papers(catalog))]
    items = {
        "server_software": f"obcat {catalog.provenance.get('obcat', '')}".strip(),
        "resource_version": version,
        "cites": ", ".join(f"bibcode:{code}" for code in papers),
    }
    for name, value in items.items():
        yield f"<INFO name={quoteattr(name)} value={quoteattr(value)}/>\n"


def _systems(catalog: Published) -> Iterator[str]:
    """The frame of positions and motions, that of a column of times where there is one."""
    epoch = EPOCHS.get(catalog.gaia, "J2000.0")
    yield '<COOSYS ID="lamost" system="ICRS"/>\n'
    yield f'<COOSYS ID="gaia" system="ICRS" epoch="{epoch}"/>\n'
    if any(c.ucd.startswith("time.epoch") for c in catalog.columns):
        yield '<TIMESYS ID="utc" timeorigin="MJD-origin" timescale="UTC" refposition="TOPOCENTER"/>\n'


def _parameters(catalog: Published) -> Iterator[str]:
    """A PARAM for each number of the method: its value, and where that comes from."""
    for name, note in catalog.notes.items():
        declared = schema_column(f"meta.parameters.{name}")
        yield (
            f"<PARAM name={quoteattr(name)} ucd={quoteattr(declared.ucd)}{_unit(declared)}"
            f' datatype="{DATATYPES[declared.type]}" value="{printed(catalog.parameters[name])}">'
            f"<DESCRIPTION>{escape(note)}</DESCRIPTION></PARAM>\n"
        )


def _field(column: Column) -> str:
    """A FIELD, with its unit, UCD, digits, the integer that stands for NULL, and the limits."""
    text = f'datatype="char" arraysize="{column.format[1:]}*"'
    kind = text if column.type == "VARCHAR" else f'datatype="{DATATYPES[column.type]}"'
    name = quoteattr(column.column)
    return (
        f"<FIELD ID={name} name={name} ucd={quoteattr(column.ucd)}{_unit(column)}{_system(column)} "
        f"{kind}{_digits(column)}>"
        f"<DESCRIPTION>{escape(column.description)}</DESCRIPTION>{_values(column)}</FIELD>\n"
    )


def _unit(column: Column) -> str:
    return f" unit={quoteattr(vounit(column.unit))}" if column.unit else ""


def _system(column: Column) -> str:
    if column.ucd.startswith(("pos.pm", "stat.error;pos.pm")):
        return ' ref="gaia"'
    if column.ucd.startswith("pos.eq"):
        return ' ref="lamost"'
    return ' ref="utc"' if column.ucd.startswith("time.epoch") else ""


def _digits(column: Column) -> str:
    """Digits worth showing; the values themselves have all theirs."""
    kind, _, decimals = column.format.partition(".")
    return f' width="{kind[1:]}" precision="{kind[0]}{decimals}"' if kind[0] in "FE" else ""


def _values(column: Column) -> str:
    null = null_of(column)
    limits = "".join(
        f'<{n} value="{v}"/>' for n, v in (("MIN", column.min), ("MAX", column.max)) if v
    )
    mark = f' null="{null}"' if null is not None else ""
    return f"<VALUES{mark}>{limits}</VALUES>" if mark or limits else ""


def vounit(unit: str) -> str:
    from astropy import units

    return DEPRECATED.get(unit) or units.Unit(unit).to_string("vounit")


def check_column(column: Column) -> None:
    """Readers and validators let a wrong unit pass, and some a wrong UCD:
    here they stop the release.
    """
    from astropy import units
    from astropy.io.votable.ucd import parse_ucd

    try:
        if column.unit:
            units.Unit(vounit(column.unit), format="vounit", parse_strict="raise")
        parse_ucd(column.ucd, check_controlled_vocabulary=True)
    except ValueError as error:
        raise ReleaseError(
            f"{column.table}.{column.column}: {str(error).splitlines()[0]}"
        ) from error


def write(path: Path, catalog: Published) -> None:
    """Write the rows as BINARY2, half the size of TABLEDATA; the same catalog gives the same bytes.

    Raises ReleaseError where a value stands for NULL, a text is not plain, or a unit or UCD is
    none.
    """
    with path.open("w", encoding="ascii", newline="\n") as f:
        f.writelines(document(catalog, _binary(catalog)))


def _binary(catalog: Published) -> Iterator[str]:
    """The rows in base64, by lines."""
    yield '<DATA><BINARY2><STREAM encoding="base64">\n'
    left = b""
    for part in catalog.pieces():
        content = left + b"".join(_records(part))
        whole = len(content) // LINE * LINE
        left = content[whole:]
        yield encodebytes(content[:whole]).decode("ascii")
    yield encodebytes(left).decode("ascii")
    yield "</STREAM></BINARY2></DATA>\n"


def _records(catalog: Published) -> Iterator[bytes]:
    """Rows as BINARY2 has them: a bit for each column, 1 where a number is NULL; then the values,
    numbers with the high byte first, texts behind their length.
    """
    columns = [(c, catalog.rows[c.column].combine_chunks()) for c in catalog.columns]
    unknown = [np.zeros(len(v), bool) if c.type == "VARCHAR" else _is_null(v) for c, v in columns]
    bits = np.packbits(np.array(unknown).T, axis=1)
    parts: list[Iterable[bytes]] = [map(bytes, bits)]
    for text, run in groupby(columns, lambda pair: pair[0].type == "VARCHAR"):
        side_by_side = list(run)
        parts += [_texts(*p) for p in side_by_side] if text else [_numbers(side_by_side)]
    return map(b"".join, zip(*parts, strict=True))


def _is_null(values: pa.Array) -> np.ndarray:
    return values.is_null().to_numpy(zero_copy_only=False)


def _texts(column: Column, values: pa.Array) -> Iterable[bytes]:
    texts = [_text_of(column, v).encode("ascii") for v in values.to_pylist()]
    return [len(text).to_bytes(4, "big") + text for text in texts]


def _numbers(run: list[tuple[Column, pa.Array]]) -> Iterable[bytes]:
    """The bytes of columns of numbers that stand side by side."""
    packed = np.empty(len(run[0][1]), [(c.column, BYTES[c.type]) for c, _ in run])
    for column, values in run:
        null = null_of(column)
        filler = np.nan if column.type in ("DOUBLE", "FLOAT") else null or 0
        if null is not None and pc.any(pc.equal(values, null)).as_py():
            raise ReleaseError(
                f"{column.table}.{column.column}: a star has {null}, which stands for NULL in a "
                "VOTable"
            )
        packed[column.column] = values.fill_null(filler).to_numpy() if len(values) else []
    return map(bytes, packed.view(f"V{packed.itemsize}").tolist())


def _text_of(column: Column, value: str | None) -> str:
    text = ascii_of(column, value or "")
    if len(text) > int(column.format[1:]):
        raise ReleaseError(
            f"{column.table}.{column.column}: {text!r} is longer than its format {column.format}"
        )
    return text


DACHS_TEMPLATE = Path(__file__).parent / "templates" / "q.rd"
DACHS_TYPES = {"VARCHAR": "text", "DOUBLE": "double precision", "FLOAT": "real"}
DACHS_AUTHOR = "Author, A."  # the one line that is yours to write
ABOUT_SPECTRA = "Spectra at rest, divided by their pseudo-continuum"


def write_descriptor(path: Path, *catalogs: Published, spectra: bool = False) -> None:
    """Write ``q.rd`` of a release of these tables; with ``spectra`` of a release that has them."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    known = _dachs(catalogs[0]) | {"tables": list(map(_dachs_table, catalogs)), "spectra": None}
    if spectra:
        known["spectra"] = _dachs_spectra(catalogs[0])
    path.write_text(
        environment.from_string(DACHS_TEMPLATE.read_text(encoding="utf-8")).render(known) + "\n",
        encoding="utf-8",
    )


def _dachs(catalog: Published) -> dict[str, Any]:
    name = f"{'SIMULATED: c' if catalog.simulated else 'C'}atalog of hot stars of the survey "
    warnings = [NOT_REAL if catalog.simulated else None, catalog.lent]
    return {
        "schema": "obcat_" + catalog.survey.lower().replace("-", "_"),
        "title": name + catalog.survey,
        "description": ". ".join([*filter(None, warnings), "Method: 2021ApJS..253...22X"]),
        "creator": DACHS_AUTHOR,
        "instrument": "none" if catalog.simulated else "LAMOST",
        "fingerprint": catalog.provenance.get("fingerprint", "")[:16],
        "simulated": catalog.simulated,
    }


def _dachs_table(catalog: Published) -> dict[str, Any]:
    """One table, whose rows come from its VOTable; the first of them is the test of its cones."""
    first = catalog.rows.slice(0, 1).to_pylist() or [{"ra": 0.0, "dec": 0.0}]
    name = catalog.table.partition(".")[2]
    return {
        "id": name,
        "ending": name.removeprefix("ob_stars"),
        "file": f"{catalog.file}.vot",
        "description": read_tables()[catalog.table].description,
        "columns": list(map(_dachs_column, catalog.columns)),
        "ra": first[0]["ra"],
        "dec": first[0]["dec"],
    }


def _dachs_column(column: Column) -> dict[str, Any]:
    """A column as DaCHS declares it; an integer that may be NULL needs a number that says so."""
    kind = DACHS_TYPES.get(column.type, column.type.lower())
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


def _dachs_spectra(catalog: Published) -> dict[str, Any]:
    first, last = (WAVELENGTH[[0, -1]] * 1e-10).tolist()
    ends = (f"{m:.6e}" for m in (first, last, (first + last) / 2, last - first))
    return {
        "file": f"{catalog.file}_spectra.fits",
        "catalog": f"{catalog.file}.fits",
        "description": f"{f'{NOT_REAL}. ' if catalog.simulated else ''}{ABOUT_SPECTRA}",
        "pixels": N_PIXEL,
        "size": 40 * N_PIXEL,
        **dict(zip(("first", "last", "middle", "width"), ends, strict=True)),
        "resolved": f"{5.5e-7 / RESOLUTION:.3e}",
    }
