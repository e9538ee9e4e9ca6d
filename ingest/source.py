"""What a source module says of its table: archive names, required columns, keys."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa

from obcat.schema import Column, columns_of

__all__ = ["POSITION", "Key", "Recipe", "Source"]

POSITION: Mapping[str, tuple[str, ...]] = {
    "ra": ("ra", "RAJ2000", "_RAJ2000", "_RA", "RAdeg", "RA_ICRS", "_RAJ2000_1"),
    "dec": ("dec", "DEJ2000", "_DEJ2000", "_DE", "DEdeg", "DE_ICRS", "_DEJ2000_1", "decl"),
}


class Key(NamedTuple):
    """Rows with the same key columns must agree in the value columns (all of them if none is named)."""

    columns: tuple[str, ...]
    values: tuple[str, ...] = ()


class Recipe(NamedTuple):
    """A column computed from others: for each input its archive names and its unit ('' for any), then the function."""

    inputs: tuple[tuple[tuple[str, ...], str], ...]
    function: Callable[..., pa.ChunkedArray]


@dataclass(frozen=True)
class Source:
    """``names``: ours -> what archives call it, in order of preference; our own name is tried last unless listed.

    ``identified_by``: groups of columns of which a table needs one whole, and of which each row needs one not null.
    ``recipes``: for a column the file does not have, how to compute it; the first whose inputs are there is taken.
    ``optional_row``: columns whose being null together says that the row is another table's (a LEFT JOIN).
    ``complaint``: what is wrong with a table read, on one line, or nothing.
    """

    name: str
    names: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    identified_by: tuple[tuple[str, ...], ...]
    keys: tuple[Key, ...] = ()
    optional_row: tuple[str, ...] = ()
    recipes: Mapping[str, tuple[Recipe, ...]] = field(default_factory=dict)
    defaults: Mapping[str, float] = field(default_factory=dict)
    complaint: Callable[[pa.Table], str] = lambda _: ""

    @property
    def columns(self) -> tuple[Column, ...]:
        return columns_of(f"raw.{self.name}")

    def candidates(self, ours: str) -> tuple[str, ...]:
        """The names under which a column may come, the likeliest first."""
        return tuple(dict.fromkeys([*self.names.get(ours, ()), ours]))
