"""The quality bits of a row, each with the condition that sets it, read from the SQL that does."""

import re
from functools import cache
from typing import Any

import duckdb

from obcat.schema import SQL

__all__ = ["bits_set", "conditions"]

BIT = re.compile(r"(\d+) \* coalesce\((.*?), false\s*\)::INTEGER", re.DOTALL)


@cache
def conditions() -> dict[int, str]:
    """Bit -> its condition, as it stands in sql/90_catalog/10_quality.sql."""
    text = (SQL / "90_catalog" / "10_quality.sql").read_text(encoding="utf-8")
    return {int(bit): " ".join(condition.split()) for bit, condition in BIT.findall(text)}


def bits_set(con: duckdb.DuckDBPyConnection, specid: str) -> tuple[list[str], list[list[Any]]]:
    rows = con.execute(
        """SELECT b.bit, b.name, b.meaning FROM meta.quality_bits AS b
        INNER JOIN catalog.quality AS q ON q.quality & b.bit > 0 WHERE q.specid = $specid ORDER BY b.bit""",
        {"specid": specid},
    ).fetchall()
    return ["bit", "name", "meaning", "set where"], [[*row, conditions().get(row[0], "")] for row in rows]
