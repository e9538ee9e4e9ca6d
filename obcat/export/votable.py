"""VOTable: the catalog as a table of the Virtual Observatory, with what describes it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from obcat.export.published import NOT_REAL, Published, ReleaseError, ascii_of, null_of
from obcat.schema import Column, printed, read_tables
from obcat.schema import column as schema_column

__all__ = ["check_column", "document", "facts", "vounit", "write"]

DATATYPES = {
    "DOUBLE": "double",
    "FLOAT": "float",
    "BIGINT": "long",
    "INTEGER": "int",
    "SMALLINT": "short",
}
DEPRECATED = {"Angstrom": "0.1nm"}
OPEN = """\
<?xml version="1.0" encoding="UTF-8"?>
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://www.ivoa.net/xml/VOTable/v1.3 http://www.ivoa.net/xml/VOTable/v1.3">
"""


def document(catalog: Published, data: str) -> Iterator[str]:
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
    yield from _parameters(catalog)
    yield f'<TABLE name="{catalog.table.partition(".")[2]}" nrows="{catalog.rows.num_rows}">\n'
    yield f"<DESCRIPTION>{escape(read_tables()[catalog.table].description)}</DESCRIPTION>\n"
    yield from map(_field, catalog.columns)
    yield data
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


def _parameters(catalog: Published) -> Iterator[str]:
    """A PARAM for each number of the method: its value, and where that comes from."""
    for name, note in catalog.notes.items():
        declared = schema_column(f"meta.parameters.{name}")
        unit = f" unit={quoteattr(vounit(declared.unit))}" if declared.unit else ""
        yield (
            f"<PARAM name={quoteattr(name)} ucd={quoteattr(declared.ucd)}{unit}"
            f' datatype="{DATATYPES[declared.type]}" value="{printed(catalog.parameters[name])}">'
            f"<DESCRIPTION>{escape(note)}</DESCRIPTION></PARAM>\n"
        )


def _field(column: Column) -> str:
    """A FIELD, with its unit, UCD, digits, the integer that stands for NULL, and the limits."""
    text = f'datatype="char" arraysize="{column.format[1:]}*"'
    kind = text if column.type == "VARCHAR" else f'datatype="{DATATYPES[column.type]}"'
    name = quoteattr(column.column)
    unit = f" unit={quoteattr(vounit(column.unit))}" if column.unit else ""
    return (
        f"<FIELD ID={name} name={name} ucd={quoteattr(column.ucd)}{unit} {kind}{_digits(column)}>"
        f"<DESCRIPTION>{escape(column.description)}</DESCRIPTION>{_values(column)}</FIELD>\n"
    )


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
    """Write the rows as TABLEDATA; the same catalog gives the same bytes.

    Raises ReleaseError where a value stands for NULL, a text is not plain, or a unit or UCD is
    none.
    """
    columns = [_cells(c, catalog.rows[c.column].to_pylist()) for c in catalog.columns]
    rows = "".join(
        f"<TR><TD>{'</TD><TD>'.join(row)}</TD></TR>\n" for row in zip(*columns, strict=True)
    )
    with path.open("w", encoding="ascii", newline="\n") as f:
        f.writelines(document(catalog, f"<DATA><TABLEDATA>\n{rows}</TABLEDATA></DATA>\n"))


def _cells(column: Column, values: list) -> Iterable[str]:
    if column.type == "VARCHAR":
        return [escape(_text_of(column, v)) for v in values]
    null = null_of(column)
    if null is not None and null in values:
        raise ReleaseError(
            f"{column.table}.{column.column}: a star has {null}, which stands for NULL in a VOTable"
        )
    empty = "" if null is None else str(null)
    return [empty if v is None else repr(v) for v in values]


def _text_of(column: Column, value: str | None) -> str:
    text = ascii_of(column, value or "")
    if len(text) > int(column.format[1:]):
        raise ReleaseError(
            f"{column.table}.{column.column}: {text!r} is longer than its format {column.format}"
        )
    return text
