"""Origin: units, descriptions and origin that go with an answer into its file; and Arrow columns
as an astropy Table: every bit of an integer kept, a NULL masked.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa

from obcat.arrow import list_array
from obcat.db import columns_as_run
from obcat.errors import one_line
from obcat.schema import Column, read_tables

if TYPE_CHECKING:
    from astropy.table import Column as AstropyColumn
    from astropy.table import MaskedColumn, Table

__all__ = ["Origin", "astropy_table", "of_query", "write_described"]


def astropy_table(
    rows: pa.Table, declared: Mapping[str, Column], *, maskable: bool = False
) -> "Table":
    """The rows as an astropy Table; unit, description and UCD (meta["ucd"]) for the columns that
    are declared; ``maskable``: real numbers in masked columns, though none is unknown.

    Raises ValueError where two columns have the same name.
    """
    from astropy.table import Table

    if len(set(rows.column_names)) < len(rows.column_names):
        raise ValueError(f"two columns have the same name: {', '.join(rows.column_names)}")
    names = rows.column_names
    return Table([_described(name, rows[name], declared.get(name), maskable) for name in names])


def _described(
    name: str, values: pa.ChunkedArray, declared: Column | None, maskable: bool
) -> "AstropyColumn | MaskedColumn":
    from astropy.table import Column as AstropyColumn
    from astropy.table import MaskedColumn

    array, mask = _values_and_mask(values)
    given: dict[str, Any] = {"name": name}
    if declared:
        given |= {
            "unit": declared.unit or None,
            "description": declared.description,
            "meta": {"ucd": declared.ucd},
        }
    if not mask.any() and not (maskable and array.dtype.kind == "f" and array.ndim == 1):
        return AstropyColumn(array, **given)
    column = MaskedColumn(
        array,
        mask=mask if array.ndim == 1 else np.broadcast_to(mask[:, None], array.shape),
        **given,
    )
    if array.dtype.kind == "i":
        column.fill_value = _unused(array)
    return column


def _unused(array: np.ndarray) -> int:
    """An integer that stands for NULL: the least of its type that no row has."""
    least = int(np.iinfo(array.dtype).min)
    present = set(array[array < least + len(array) + 1].tolist())
    return next(v for v in range(least, least + len(array) + 1) if v not in present)


def _values_and_mask(values: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Values, with something in the place of a NULL, and which are NULL."""
    kind = values.type
    mask = values.is_null().to_numpy()
    if pa.types.is_fixed_size_list(kind):
        return list_array(values), mask
    if pa.types.is_floating(kind):
        return values.fill_null(np.nan).to_numpy(), mask
    if pa.types.is_boolean(kind):
        return values.cast(pa.int16()).fill_null(0).to_numpy(), mask
    if pa.types.is_decimal(kind):
        return values.cast(pa.int64() if kind.scale == 0 else pa.float64()).fill_null(
            0
        ).to_numpy(), mask
    if pa.types.is_integer(kind):
        return values.fill_null(0).to_numpy(), mask
    return np.array(["" if v is None else str(v) for v in values.to_pylist()], dtype=np.str_), mask


PARSED = "SELECT json_serialize_sql($query, skip_null := true, skip_empty := true)"
FACTS = """SELECT item, value FROM meta.provenance
    WHERE item IN ('simulated', 'survey', 'release', 'obcat', 'fingerprint', 'models_from')"""
CATALOG = "catalog.ob_stars"
OF_CATALOG = ("cone",)  # macros that give rows of the catalog


@dataclass(frozen=True)
class Origin:
    """Column of the answer -> the declared one that it is; and what the database says of itself."""

    columns: dict[str, Column] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)


def of_query(con: duckdb.DuckDBPyConnection, query: str, table: "pa.Table") -> Origin:
    """For an answer to a query on an open database; empty where neither is known."""
    try:
        facts = dict(con.execute(FACTS).fetchall())
        parsed = json.loads(con.execute(PARSED, {"query": query}).fetchall()[0][0])
    except duckdb.Error:  # no database of obcat build
        return Origin()
    nodes = list(_nodes(parsed.get("statements", [])))
    if any(node.get("type") == "SHOW_REF" for node in nodes):
        return Origin({}, _first(facts, query))
    known = _declared(con, nodes)
    taken = _taken(nodes)
    columns = {}
    for name in table.column_names:
        found = known.get(taken.get(name, name))
        if found and _same_type(found, table.schema.field(name).type):
            columns[name] = found
    return Origin(columns, _first(facts, query))


def _first(facts: dict[str, str], query: str) -> dict[str, str]:
    """First of all whether its stars exist."""
    words = {"yes": "SIMULATED survey: none of these stars exists", "no": "no"}
    stated = facts.pop("simulated", None)
    first = {} if stated is None else {"simulated": words.get(stated, stated)}
    return first | dict(sorted(facts.items())) | {"query": " ".join(query.split())}


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object in a tree of JSON, without recursion: a query may be nested deep."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _declared(
    con: duckdb.DuckDBPyConnection, nodes: list[dict[str, Any]]
) -> dict[str, Column | None]:
    """Name -> the declared column of the tables that the query names;
    None where two tables disagree.
    """
    tables = {f"{n.get('schema_name')}.{n.get('table_name')}" for n in nodes} & set(read_tables())
    if any(n.get("function_name") in OF_CATALOG for n in nodes):
        tables.add(CATALOG)
    found: dict[str, Column | None] = {}
    for table in sorted(tables, key=lambda name: (name != CATALOG, name)):
        for column in columns_as_run(con, table):
            other = found.setdefault(column.column, column)
            if other and (other.unit, other.type) != (column.unit, column.type):
                found[column.column] = None
    return found


def _taken(nodes: list[dict[str, Any]]) -> dict[str, str]:
    """Name -> the column that is taken under it everywhere in the query;
    "" where something else is.
    """
    sources: dict[str, set[str]] = defaultdict(set)
    for node in nodes:
        if node.get("alias") and node.get("class"):
            names = node.get("column_names") if node["class"] == "COLUMN_REF" else None
            sources[node["alias"]].add(names[-1] if names else "")
        elif node.get("class") == "COLUMN_REF":
            sources[node["column_names"][-1]].add(node["column_names"][-1])
        for name in node.get("column_name_alias", []):
            sources[name].add("")
        for made in node.get("replace_list", []):
            sources[made["key"]].add("")
        for made in node.get("rename_list", []):
            sources[made["value"]].add("")
    return {name: next(iter(s)) if len(s) == 1 else "" for name, s in sources.items()}


def _same_type(declared: Column, kind: pa.DataType) -> bool:
    """The database has text as string, Arrow may have it as string_view."""
    return declared.arrow_type == kind or ("VARCHAR" in declared.type and "string" in str(kind))


def write_described(table: pa.Table, form: str, path: Path, origin: Origin | None) -> None:
    """Write a file of one of these formats. Raises ValueError where it cannot hold a column."""
    known = origin or Origin()
    writers = {"parquet": _parquet, "fits": _fits, "ecsv": _ecsv, "votable": _votable}
    writers[form](table, path, known)


def _parquet(table: pa.Table, path: Path, origin: Origin) -> None:
    import pyarrow.parquet as pq

    for number, cell in enumerate(table.schema):
        if declared := origin.columns.get(cell.name):
            said = {"description": declared.description, "unit": declared.unit, "ucd": declared.ucd}
            kept = {name: text for name, text in said.items() if text}
            table = table.set_column(number, cell.with_metadata(kept), table.column(number))
    if origin.facts:
        stated = {f"obcat.{name}": value for name, value in origin.facts.items()}
        table = table.replace_schema_metadata(stated)
    pq.write_table(table, path)


def _astropy(table: pa.Table, origin: Origin) -> "Table":
    return astropy_table(table, origin.columns)


def _fits(table: pa.Table, path: Path, origin: Origin) -> None:
    from astropy.io import fits

    unit = fits.table_to_hdu(_astropy(table, origin))
    for number, name in enumerate(table.column_names, 1):
        if declared := origin.columns.get(name):
            unit.header[f"TUCD{number}"] = declared.ucd
            unit.header[f"TCOMM{number}"] = _plain(declared.description)
    for name, value in origin.facts.items():
        unit.header["HISTORY"] = f"{name}: {_plain(value)}"
    fits.HDUList([fits.PrimaryHDU(), unit]).writeto(path, output_verify="exception")


def _plain(text: str) -> str:
    return one_line(text).encode("ascii", "backslashreplace").decode("ascii")


def _ecsv(table: pa.Table, path: Path, origin: Origin) -> None:
    rows = _astropy(table, origin)
    rows.meta.update({name: one_line(value) for name, value in origin.facts.items()})
    rows.write(path, format="ascii.ecsv")


def _votable(table: pa.Table, path: Path, origin: Origin) -> None:
    from astropy.io.votable import from_table
    from astropy.io.votable.tree import Info

    document = from_table(_astropy(table, origin))
    for cell in document.get_first_table().fields:
        if declared := origin.columns.get(cell.name):
            cell.ucd = declared.ucd or None
    document.resources[0].infos.extend(
        Info(name=name, value=one_line(value)) for name, value in origin.facts.items()
    )
    document.to_xml(str(path))
