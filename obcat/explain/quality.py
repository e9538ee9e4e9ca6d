"""The quality bits of a row, each with the condition that sets it, read from the SQL that does."""

from functools import cache

import duckdb

from obcat.reading import query_text
from obcat.section import Section

__all__ = ["bits", "conditions"]

TITLE = "Quality: the bits set, and where sql/90_catalog/10_quality.sql sets them"


@cache
def conditions() -> dict[str, str]:
    """Name of a bit -> its condition: the list of (name, condition) of sql/90_catalog/10_quality.sql."""
    text = query_text("90_catalog/10_quality")
    listed = text.partition("unnest([")[2].partition("\n    ])")[0]
    pairs = [pair.strip()[1:-1].partition(", ") for pair in listed.split("\n        , ")]
    return {name.strip("'"): " ".join(condition.split()) for name, _, condition in pairs}


def bits(con: duckdb.DuckDBPyConnection, specid: str, everything: bool) -> Section:
    """The bits that are set, and the names of those that are not; or all of them, each with its condition."""
    found = con.execute(query_text("explain/bits"), {"specid": specid}).fetchall()
    rows = [
        [bit, name, words, conditions().get(name, "")]
        for bit, name, words, is_set in found
        if is_set
    ]
    names = ["bit", "name", "meaning", "set where"]
    unset = [name for _, name, _, is_set in found if not is_set]
    if everything:
        answer = [
            ["yes" if r[3] else "no", *r[:3], conditions().get(r[1], "")]
            for r in sorted(found, key=_is_unset)
        ]
        return Section(TITLE.replace("the bits set", "every bit"), "", ["set", *names], answer)
    return Section(TITLE, f"not set: {', '.join(unset)}", names, rows)


def _is_unset(row: tuple[int, str, str, bool]) -> bool:
    return not row[3]
