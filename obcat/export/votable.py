"""VOTable 1.4: every double with all its digits, the declared integer for NULL, an empty cell for the rest."""

from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

from obcat.export import vo
from obcat.export.published import CATALOG, Published, ReleaseError, ascii_of, null_of
from obcat.schema import Column

__all__ = ["write"]


def write(path: Path, catalog: Published) -> None:
    """Write the rows as TABLEDATA; the same catalog gives the same bytes.

    Raises ReleaseError where a value stands for NULL, a text is not plain, or a unit or UCD is none.
    """
    columns = [cells(c, catalog.rows[c.column].to_pylist()) for c in catalog.columns]
    rows = "".join(
        f"<TR><TD>{'</TD><TD>'.join(row)}</TD></TR>\n" for row in zip(*columns, strict=True)
    )
    with path.open("w", encoding="ascii", newline="\n") as f:
        f.writelines(vo.document(catalog, f"<DATA><TABLEDATA>\n{rows}</TABLEDATA></DATA>\n"))


def cells(column: Column, values: list) -> Iterable[str]:
    if column.type == "VARCHAR":
        return [escape(text_of(column, v)) for v in values]
    null = null_of(column)
    if null is not None and null in values:
        raise ReleaseError(
            f"{CATALOG}.{column.column}: a star has {null}, which stands for NULL in a VOTable"
        )
    empty = "" if null is None else str(null)
    return [empty if v is None else repr(v) for v in values]


def text_of(column: Column, value: str | None) -> str:
    text = ascii_of(column, value or "")
    if len(text) > int(column.format[1:]):
        raise ReleaseError(
            f"{CATALOG}.{column.column}: {text!r} is longer than its format {column.format}"
        )
    return text
