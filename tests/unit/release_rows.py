"""Rows of a release: every column filled with values that need all its digits."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa

from obcat import db
from obcat.export import Published
from obcat.export.release import release
from obcat.schema import Column, columns_of

CATALOG = "catalog.ob_stars"
COLUMNS = columns_of(CATALOG)
NAMES = [c.column for c in COLUMNS]
INTEGERS = [c for c in COLUMNS if c.type in ("BIGINT", "INTEGER", "SMALLINT")]
FLOATS = [c for c in COLUMNS if c.type == "DOUBLE"]
TEXTS = [c for c in COLUMNS if c.type == "VARCHAR"]
BIG = 4611686018427387905  # a double would make it ...904


def rows_of(n: int, columns: tuple[Column, ...] = COLUMNS) -> dict[str, list]:
    """Values with every digit of a double, one NULL in five where NULL is allowed,
    the last row all NULL.
    """
    random = np.random.default_rng(3)
    rows = {}
    for c in columns:
        low, high = ends(c)
        width = int(c.format[1:].partition(".")[0])
        if c.type == "VARCHAR":
            head = f"{c.column}-"[: width - 5] or c.column[:1]
            values = [f"{head}{i:0{min(5, width - 1)}d}"[:width] for i in range(n)]
        elif c.type == "DOUBLE":
            values = random.uniform(low, high, n).tolist()
        elif c.type == "BIGINT":
            values = [BIG + 2 * i for i in range(n)]
        else:
            values = random.integers(max(low, 0), high, n, endpoint=True).tolist()
        empty = random.random(n) < 0.2
        empty[-1] = True
        rows[c.column] = [
            None if e and not c.required else v for v, e in zip(values, empty, strict=True)
        ]
    return rows


def ends(c) -> tuple[float, float]:
    """Least and greatest value that the declared range and the format allow."""
    width, _, decimals = c.format[1:].partition(".")
    widest = 10.0 ** (int(width) - int(decimals or 0) - 2) - 1 if c.format[0] == "F" else 90.0
    return max(float(c.min or -90), -widest), min(float(c.max or 90), widest)


def store(path: Path, rows: dict[str, list], simulated: int = 1) -> None:
    table = pa.table({c.column: pa.array(rows[c.column], c.arrow_type) for c in COLUMNS})
    with db.connect(path) as con:
        con.register("rows", table)
        con.execute("INSERT INTO catalog.ob_stars BY NAME SELECT * FROM rows ORDER BY hash(specid)")
        con.execute(
            "INSERT INTO meta.survey (name, simulated, release, models_from) VALUES ('demo', $simulated, 'DR5', NULL)",
            {"simulated": simulated},
        )
        con.execute("INSERT INTO meta.provenance VALUES ('obcat', '0.1'), ('release', 'DR5')")
        con.execute("INSERT INTO meta.provenance VALUES ('fingerprint', repeat('a1', 32))")


def store_best(path: Path, rows: dict[str, list]) -> None:
    """Rows of best mode, and their differences, beside those that are stored."""
    columns = columns_of("catalog.ob_stars_best")
    with db.connect(path) as con:
        con.register(
            "rows", pa.table({c.column: pa.array(rows[c.column], c.arrow_type) for c in columns})
        )
        con.execute("INSERT INTO catalog.ob_stars_best BY NAME FROM rows ORDER BY hash(specid)")
        con.execute(
            "INSERT INTO catalog.catalog_diff BY NAME SELECT specid, star_id, mk AS mk_best, "
            "'emission' AS reason FROM rows"
        )


def released_from(template: Path, folder: Path, name: str) -> Path:
    """A release of five rows, made from a database of this name in an empty folder."""
    path = Path(shutil.copy(template, folder / name))
    store(path, rows_of(5))
    release(path, folder / "release")
    return folder / "release"


def published(rows: dict[str, list], simulated: bool = True) -> Published:
    """The rows as a release takes them, without a database."""
    table = pa.table({c.column: pa.array(rows[c.column], c.arrow_type) for c in COLUMNS})
    bits = ((1, "no_gaia", "No Gaia source"), (2, "no_ks", "No Ks magnitude, or an upper limit"))
    return Published(
        "demo",
        simulated,
        COLUMNS,
        table,
        {"release": "DR5", "obcat": "0.1", "fingerprint": "a1" * 32},
        bits,
    )
