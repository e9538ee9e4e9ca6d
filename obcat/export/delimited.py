"""CSV: one header line, a blank for NULL, every value printed as the format of its column says.

A text that a spreadsheet would take for a formula has an apostrophe before it, as spreadsheets write it themselves.
"""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from obcat.export.published import Published
from obcat.schema import Column

__all__ = ["write"]

FORMULA = ("=", "+", "-", "@")


def write(path: Path, catalog: Published) -> None:
    """Write the rows as UTF-8 text; the same rows give the same bytes."""
    columns = [harmless(c, printed(c, catalog.rows[c.column].to_pylist())) for c in catalog.columns]
    with path.open("w", newline="", encoding="utf-8") as f:
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow(c.column for c in catalog.columns)
        writer.writerows(zip(*columns, strict=True))


def harmless(column: Column, texts: list[str]) -> list[str]:
    """Texts, none of which is a formula."""
    if column.type != "VARCHAR":
        return texts
    return [f"'{text}" if text.startswith(FORMULA) else text for text in texts]


def printed(column: Column, values: Iterable[Any]) -> list[str]:
    """Values as text: F10.6 gives six decimals, E10.3 an exponent; integers and strings are exact; NULL is blank."""
    kind, _, digits = column.format.partition(".")
    if kind[:1] in ("F", "E"):
        spec = f".{digits}{kind[0].lower()}"
        return ["" if v is None else unsigned_zero(format(v, spec)) for v in values]
    return ["" if v is None else str(v) for v in values]


def unsigned_zero(text: str) -> str:
    return text[1:] if text[0] == "-" and not text.strip("-0.e+") else text
