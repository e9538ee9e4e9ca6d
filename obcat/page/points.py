"""What the plots draw, as bytes that a browser takes as they are: drawn before the database engine has started."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from obcat import db
from obcat.reading import query_text

__all__ = ["Points", "expressions", "read"]

NAMES = ("specid", "star_id")
LINE = re.compile(r"^    , (?P<sql>.*?)(?: AS (?P<name>\w+))?$", re.MULTILINE)


@dataclass(frozen=True)
class Points:
    """Names of the stars, one list each; numbers (column, star) float32, NaN where not known."""

    names: dict[str, list[str]]
    numbers: np.ndarray

    def code(self) -> bytes:
        """All numbers of a column, then the next: first the lowest bytes, then the next ones, which packs better."""
        words = self.numbers.astype("<f4").reshape(-1, 1).view(np.uint8)
        return np.ascontiguousarray(words.T).tobytes()

    def listed(self) -> bytes:
        return json.dumps(self.names, separators=(",", ":")).encode("ascii")


def expressions() -> list[dict[str, str]]:
    """Name and SQL of each number, in the order of the columns."""
    lines = LINE.finditer(query_text("page/points"))
    return [{"name": line["name"] or line["sql"], "sql": line["sql"]} for line in lines]


def read(database: Path) -> Points:
    """The points of a released database: it has the macros, whichever obcat built its source."""
    with db.connect(database, read_only=True) as con:
        table = con.sql(query_text("page/points")).to_arrow_table()
    columns = [
        table[e["name"]].cast("float64").to_numpy().astype(np.float32) for e in expressions()
    ]
    return Points({name: table[name].to_pylist() for name in NAMES}, np.array(columns))
