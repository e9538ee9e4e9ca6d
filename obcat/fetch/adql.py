"""What the text of an ADQL query says: how to count its rows, and which columns of which tables it names."""

import re

from obcat.fetch.errors import FetchError

__all__ = ["columns_query", "count_query", "named_columns", "output_names"]

FROM = re.compile(r"\bFROM\b", re.IGNORECASE)
TABLE = re.compile(r"\b(?:FROM|JOIN)\s+(\"[^\"]+\"|[\w.]+)\s+AS\s+(\w+)", re.IGNORECASE)
UPLOAD = "tap_upload."


def count_query(query: str) -> str:
    """The same FROM, counted. Raises FetchError for a query that has no FROM outside of parentheses."""
    return f"SELECT COUNT(*) AS n {query[_from(query) :].strip()}"


def output_names(query: str) -> set[str]:
    """Names of the columns that the query selects, in small letters."""
    select = re.sub(r"^\s*SELECT\s+", "", query[: _from(query)], flags=re.IGNORECASE)
    while select != (flat := re.sub(r"\([^()]*\)", "", select)):
        select = flat
    return {
        re.split(r"\bAS\b|\.", item, flags=re.IGNORECASE)[-1].strip().strip('"').lower() for item in select.split(",")
    }


def _from(query: str) -> int:
    """Where the FROM is that stands outside of parentheses."""
    for found in FROM.finditer(query):
        before = query[: found.start()]
        if before.count("(") == before.count(")"):
            return found.start()
    raise FetchError(f"no FROM in the query {query.strip()[:60]!r}")


def named_columns(query: str) -> dict[str, set[str]]:
    """Table of the archive -> columns that the query names as alias.column."""
    found = {}
    for table, alias in TABLE.findall(query):
        columns = re.findall(rf"\b{re.escape(alias)}\.(\"[^\"]+\"|\w+)", query)
        if not table.lower().startswith(UPLOAD):
            found[table.strip('"')] = {c.strip('"') for c in columns}
    return found


def columns_query(tables: list[str]) -> str:
    """Asks the archive which columns its tables have."""
    names = ", ".join("'" + t.replace("'", "''") + "'" for t in tables)
    return f"SELECT table_name, column_name FROM tap_schema.columns WHERE table_name IN ({names})"
