"""Labels and units as CDS writes them; what is not a matter of rule stands in sql/schema/cds_labels.csv."""

from csv import DictReader
from functools import cache

from obcat.schema import SQL, Column

__all__ = ["cds_unit", "label"]

ERRORS = ("_error", "_err")


@cache
def mapping() -> dict[str, dict[str, str]]:
    with (SQL / "schema" / "cds_labels.csv").open(newline="", encoding="utf-8") as f:
        return {row["column"]: row for row in DictReader(f)}


def label(name: str) -> str:
    """The label of a column: that of the table, ``e_X`` for the error of X, else the name itself."""
    if name in mapping():
        return mapping()[name]["label"]
    for suffix in ERRORS:
        if name.endswith(suffix):
            return f"e_{label(name.removesuffix(suffix))}"
    return name


def cds_unit(column: Column) -> str:
    """``[kpc]`` is the logarithm of a number of kpc; ``---`` is none."""
    return mapping().get(column.column, {}).get("unit") or column.unit or "---"
