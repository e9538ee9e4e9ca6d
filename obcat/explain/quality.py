"""The quality bits of a row, each with the condition that sets it, read from the SQL that does."""

import re
from functools import cache

import duckdb

from obcat.reading import query_text
from obcat.section import Section

__all__ = ["bits", "conditions"]

BIT = re.compile(r"(\d+) \* coalesce\((.*?), false\s*\)::INTEGER", re.DOTALL)
TITLE = "Quality: the bits set, and where sql/90_catalog/10_quality.sql sets them"


@cache
def conditions() -> dict[int, str]:
    """Bit -> its condition, as it stands in sql/90_catalog/10_quality.sql."""
    text = query_text("90_catalog/10_quality")
    return {int(bit): " ".join(condition.split()) for bit, condition in BIT.findall(text)}


def bits(con: duckdb.DuckDBPyConnection, specid: str, everything: bool) -> Section:
    """The bits that are set, and the names of those that are not; or all of them, each with its condition."""
    found = con.execute(query_text("explain/bits"), {"specid": specid}).fetchall()
    rows = [[bit, name, words, conditions().get(bit, "")] for bit, name, words, is_set in found if is_set]
    names = ["bit", "name", "meaning", "set where"]
    unset = [name for _, name, _, is_set in found if not is_set]
    if everything:
        answer = [["yes" if r[3] else "no", *r[:3], conditions().get(r[0], "")] for r in sorted(found, key=_is_unset)]
        return Section(TITLE.replace("the bits set", "every bit"), "", ["set", *names], answer)
    return Section(TITLE, f"not set: {', '.join(unset)}", names, rows)


def _is_unset(row: tuple[int, str, str, bool]) -> bool:
    return not row[3]
