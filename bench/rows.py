"""Peak memory of what reads a whole catalog, as its rows grow: `obcat export`, `page` and `report` of
a database whose tables of spectra and stars are copied so many times.

python -m bench.rows DATABASE [--copies 11 44] [--commands export page report] [--scratch FOLDER]

A person runs it: a million rows in both tables take half an hour and 15 GB, which are removed.
"""

import argparse
import tempfile
from pathlib import Path

from bench.growth import run
from obcat import db
from obcat.kernels.grid import N_PIXEL
from obcat.schema import columns_of, read_tables

LIMIT = 4096  # MiB
KEYS = ("specid", "star_id")
READ = {"meta.", "model.", "catalog."}  # of all commands; others as the SQL of page and report says
COMMANDS = {
    "export": ("--out", "release"),
    "page": ("--out", "page.html"),
    "report": ("--out", "report"),
}


def wanted() -> list[str]:
    """Tables that a command reads, but for the pixels of spectra."""
    said = {
        n for layer in ("page", "report") for f in db.sql_files(layer) for n in f.header("Reads")
    }
    return [
        name
        for name, table in read_tables().items()
        if table.kind == "table"
        and (name in said or any(map(name.startswith, READ)))
        and all(c.size != N_PIXEL for c in columns_of(name))
    ]


def copied(source: Path, out: Path, copies: int) -> int:
    """Write a database of so many copies, whose spectra and stars have names of their own; rows of
    its catalog.
    """
    with db.connect(out, threads=1) as con:
        db.create_tables(con)
        con.execute("ATTACH $path AS source (READ_ONLY)", {"path": str(source)})
        there = "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = 'source'"
        found = {name for (name,) in con.execute(there).fetchall()}
        for name in filter(found.__contains__, wanted()):
            con.execute(f"INSERT INTO {db.qualified(name)} BY NAME {_rows(name, copies)}")
        for file in db.sql_files():
            table = read_tables().get(file.relation)
            if file.header("Grain") == ("macros.",) or (table and table.kind == "view"):
                db.run(con, file)
        return int(con.execute("SELECT count(*) FROM catalog.ob_stars").fetchall()[0][0])


def _rows(name: str, copies: int) -> str:
    keys = [c.column for c in columns_of(name) if c.column in KEYS]
    own = ", ".join(f"{key} || '-' || copy AS {key}" for key in keys)
    place = f"source.{db.qualified(name)}"
    if not {*keys} & {*read_tables()[name].key.split()}:
        return f"FROM {place}"
    every = f"FROM {place}, range({copies}) AS c (copy) ORDER BY {', '.join(keys)}"
    return f"SELECT * EXCLUDE (copy) REPLACE ({own}) {every}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database", type=Path)
    parser.add_argument("--copies", type=int, nargs="+", default=[11, 44])
    parser.add_argument("--commands", nargs="+", choices=COMMANDS, default=list(COMMANDS))
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()))
    asked = parser.parse_args()
    print(f"| command | rows | peak MiB (limit {LIMIT:,}) | CPU s | microseconds a row |")
    print("|---|---|---|---|---|")
    for copies in asked.copies:
        with tempfile.TemporaryDirectory(dir=asked.scratch) as folder:
            rows = copied(asked.database, Path(folder) / "obcat.duckdb", copies)
            for command in asked.commands:
                option, name = COMMANDS[command]
                database = Path(folder) / "obcat.duckdb"
                used = run(command, database, option, Path(folder) / name, "--trust")
                cost = f"{used.cpu:.0f} | {1e6 * used.cpu / rows:.0f}"
                print(f"| {command} | {rows:,} | {used.peak / 2**20:.0f} | {cost} |", flush=True)


if __name__ == "__main__":
    main()
