"""The pages of the documentation that are made, not written: whatever they say stands in one other
place.

Parameters, columns and tables come from sql/schema and sql/00_meta, the cookbook from sql/queries,
the tables a survey may give from ingest, the commands from their own help.
"""

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import duckdb

from obcat import db
from obcat.cli import main
from obcat.export import CATALOG, guide
from obcat.ingest.errors import REASONS
from obcat.ingest.sources import SOURCES, Source
from obcat.schema import SQL, Column, columns_of, printed, read_parameters, read_tables
from obcat.simulate.ingredients import source_rows
from obcat.udf import UDFS

__all__ = ["PAGES", "write"]

PARAMETERS = """\
Every number of the method: {papers} are the paper's, {assumed} are assumed, most of them because the text that we
worked from has lost the number or never gave it. A survey's TOML overrides any by name.
"""
TABLES = """\
The schemas stand in the order in which a build fills them; `sql/` has a file for each table. The published table is on
a [page of its own](columns.md).
"""
COOKBOOK = """\
{n} questions. Each runs by `obcat sql DATABASE --file sql/queries/NAME.sql`, or in any client of DuckDB. Those that
read no other table than `catalog.ob_stars` and those of `meta` run on the `obcat.duckdb` of a release too.
"""
INPUTS = """\
The tables of a survey file, and the names under which a column is found, the likeliest first, whatever their case
unless a letter is a band (`Rmag` is not `rmag`); of two positions the source's own is taken. Any other name is given in
the survey file: `columns = { parallax = "plx" }`, with its unit where the file does not state one:
`columns = { parallax = "plx [mas]" }`.
"""


def write(folder: Path) -> None:
    """Write every page; one that has not changed is left alone,
    so that Sphinx need not read it again.
    """
    folder.mkdir(exist_ok=True)
    with empty_database() as con:
        for name, page in PAGES.items():
            text = "\n".join(page(con)) + "\n"
            path = folder / f"{name}.md"
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")


@contextmanager
def empty_database() -> Iterator[duckdb.DuckDBPyConnection]:
    """Every table, macro, parameter and view, without a star."""
    with tempfile.TemporaryDirectory() as folder, db.connect(Path(folder) / "obcat.duckdb") as con:
        db.create_tables(con)
        for file in [*db.sql_files("00_meta"), *db.sql_files("20_stage")]:
            if file.relation != "meta.survey":
                db.run(con, file)
        yield con


def parameters(con: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Value, unit, status and place of every number of the method."""
    values = con.sql("FROM meta.parameters").to_arrow_table().to_pylist()[0]
    declared = read_parameters()
    papers = sum(p.status == "paper" for p in declared.values())
    yield "# Parameters\n"
    yield PARAMETERS.format(papers=papers, assumed=len(declared) - papers)
    yield "| parameter | value | range | status | used by | meaning |"
    yield "| --- | --- | --- | --- | --- | --- |"
    places = used_by()
    for name, p in declared.items():
        files = ", ".join(f"`{place}`" for place in places[name])
        value, low, high = (printed(float(v)) for v in (values[name], p.min, p.max))
        meaning = guide.cell(f"{p.meaning} ({p.where})" if p.where else p.meaning)
        shown = f"{value} {p.unit}".strip()
        yield f"| `{name}` | {shown} | {low} to {high} | {p.status} | {files} | {meaning} |"


def used_by() -> dict[str, list[str]]:
    """Parameter -> the files of sql/ that read it, or call a UDF that does."""
    found: dict[str, list[str]] = {c.column: [] for c in columns_of("meta.parameters")}
    for file in [*db.sql_files(), *db.sql_files(db.CHECKS)]:
        names = {*file.header("Parameters"), *re.findall(r"\bp\.(\w+)", file.text)}
        names |= {p for udf in file.header("UDFs") for p in UDFS[udf].parameters}
        for name in names & found.keys():
            found[name].append(file.name)
    return found


def columns(con: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """The published table: the same guide that stands in every release."""
    yield "# Columns of the catalog\n"
    yield f"{read_tables()[CATALOG].description}.\n"
    yield guide.NULLS
    yield from guide.column_rows(columns_of(CATALOG))
    yield "\n(bits-of-quality)=\n## Bits of `quality`\n"
    yield from guide.bit_rows(con.execute("FROM meta.quality_bits ORDER BY bit").fetchall())


def tables(con: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Every table and view of the database."""
    yield "# Tables of the database\n"
    yield TABLES
    for table in read_tables().values():
        if table.table == CATALOG:
            continue
        yield f"\n## {table.table}\n"
        key = (
            f"; one row for each {', '.join(f'`{k}`' for k in table.key.split())}"
            if table.key
            else ""
        )
        yield f"{table.description} ({table.kind}{key}).\n"
        yield "| column | type | unit | meaning |"
        yield "| --- | --- | --- | --- |"
        for c in columns_of(table.table):
            yield f"| `{c.column}` | {c.type} | {c.unit or '-'} | {guide.cell(c.description)} |"


def cookbook(con: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Every query of sql/queries with its question, its text and the columns of its answer."""
    paths = sorted((SQL / "queries").glob("*.sql"))
    yield "# Cookbook\n"
    yield COOKBOOK.format(n=len(paths))
    yield "| query | question |"
    yield "| --- | --- |"
    for path in paths:
        yield f"| [{path.stem}](#{anchor(path)}) | {guide.cell(title(path))} |"
    for path in paths:
        yield from recipe(con, path)


def anchor(path: Path) -> str:
    return f"recipe-{path.stem.replace('_', '-')}"


def title(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("-- Title:").strip()


def recipe(con: duckdb.DuckDBPyConnection, path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    yield f"\n({anchor(path)})=\n## {path.stem}\n\n{title(path)}.\n"
    yield f"```sql\n{text.partition(chr(10))[2].strip()}\n```\n"
    answer = con.execute(f"DESCRIBE {text}").fetchall()
    declared = declared_in(db.SqlFile(path))
    yield f"Columns: {', '.join(f'`{name}`' for name, *_ in answer)}.\n"
    known = [declared[name] for name, *_ in answer if name in declared]
    if known:
        yield "| column | type | unit | meaning |"
        yield "| --- | --- | --- | --- |"
        yield from (
            f"| `{c.column}` | {c.type} | {c.unit or '-'} | {guide.cell(c.description)} |"
            for c in known
        )


def declared_in(query: db.SqlFile) -> dict[str, Column]:
    """Columns of the tables that the query reads, by name; cone() gives those of the catalog."""
    tables = query.header("Reads") or (CATALOG,)
    return {c.column: c for table in reversed(tables) for c in columns_of(table)}


def inputs(con: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """What each table of a survey may hold, and under which names; why a spectrum is refused."""
    yield "# Input tables\n"
    yield INPUTS
    for source in SOURCES.values():
        yield from input_table(source)
    yield "\n(why-quarantine)=\n## Why a spectrum goes into quarantine\n"
    yield "| reason | meaning |"
    yield "| --- | --- |"
    yield from (f"| `{reason}` | {guide.cell(words)} |" for reason, words in REASONS.items())


def input_table(source: Source) -> Iterator[str]:
    groups = " or ".join(" and ".join(f"`{c}`" for c in group) for group in source.identified_by)
    yield (
        f"\n## {source.name}\n\n{read_tables()[f'raw.{source.name}'].description}. Each row "
        f"needs {groups}.\n"
    )
    yield "| column | found under | unit | meaning |"
    yield "| --- | --- | --- | --- |"
    for c in source.columns:
        if c.column not in MADE:
            names = ", ".join(f"`{name}`" for name in source.candidates(c.column))
            needed = " (needed)" if c.column in source.required else ""
            yield (
                f"| `{c.column}`{needed} | {names} | {c.unit or '-'} | "
                f"{guide.cell(c.description)} |"
            )


MADE = {"row"}  # columns that the ingest adds


SIMULATION = """\
What makes simulated spectra and tables as they are, by ingredient (`obcat simulate --ingredients`), and from where its
numbers come. *Checked*: found in the text or abstract named. *Not checked*: as remembered. *Chosen*, *assumed*: no source;
*measured*: on real spectra, [realism](../realism/realism.md). The same table lies in every simulated survey, as `README.md`.
"""


def simulation(con: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Sources of the simulated survey."""
    yield "# Sources of the simulated survey\n"
    yield SIMULATION
    yield from source_rows()


def commands(con: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """The help of every command."""
    yield "# Commands\n"
    yield f"{main.help}\n"
    for name, command in sorted(main.commands.items()):
        with click.Context(command, info_name=f"obcat {name}", max_content_width=100) as context:
            yield f"\n## obcat {name}\n\n```text\n{command.get_help(context)}\n```"


Page = Callable[[duckdb.DuckDBPyConnection], Iterable[str]]
PAGES: dict[str, Page] = {
    "parameters": parameters,
    "columns": columns,
    "tables": tables,
    "cookbook": cookbook,
    "inputs": inputs,
    "simulation": simulation,
    "commands": commands,
}
