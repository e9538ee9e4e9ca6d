"""What a source is: the names archives use for the columns of a table, what a row needs,
what must not be taken.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from obcat.schema import Column, columns_of

__all__ = ["POSITION_PARTS", "TEXT", "Key", "Named", "Position", "Recipe", "Source"]


TEXT = "text"  # in place of the unit of an input that is no number


class Position(NamedTuple):
    """Names of a position, and those of other columns of which one stands beside it in its archive
    (any if none).
    """

    ra: str
    dec: str
    beside: tuple[str, ...] = ()


class Key(NamedTuple):
    """Rows with the same key columns must agree in the value columns (all of them if none is
    named).
    """

    columns: tuple[str, ...]
    values: tuple[str, ...] = ()


class Recipe(NamedTuple):
    """A column computed from others: for each input its archive names and unit ('' for any,
    or TEXT); the function.
    """

    inputs: tuple[tuple[tuple[str, ...], str], ...]
    function: Callable[..., pa.ChunkedArray]


class Named(Protocol):
    """A match: what the file calls a column of ours."""

    @property
    def theirs(self) -> str: ...


@dataclass(frozen=True)
class Source:
    """``names``: ours -> what archives call it, in order of preference; our own name is tried last
    unless listed.

    ``identified_by``: groups of columns of which a table needs one whole, and of which each row
    needs one not null. ``recipes``: for a column the file does not have, how to compute it; the
    first whose inputs are there is taken. ``optional_row``: columns whose being null together says
    that the row is another table's (a LEFT JOIN). ``positions``: pairs of names of the source's own
    position, so that that of a list it was matched with is not taken. ``doubtful``: from the
    matches and the file's names, ours that were found by name and mean something else.
    ``complaint``: from the declared columns and the file's own, what is wrong, on one line, or
    nothing.
    """

    name: str
    names: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    identified_by: tuple[tuple[str, ...], ...]
    keys: tuple[Key, ...] = ()
    optional_row: tuple[str, ...] = ()
    recipes: Mapping[str, tuple[Recipe, ...]] = field(default_factory=dict)
    defaults: Mapping[str, float] = field(default_factory=dict)
    positions: tuple[Position, ...] = ()
    doubtful: Callable[[Mapping[str, Named], Sequence[str]], set[str]] = lambda *_: set()
    complaint: Callable[[pa.Table, pa.Table], str] = lambda *_: ""

    @property
    def columns(self) -> tuple[Column, ...]:
        return columns_of(f"raw.{self.name}")

    def candidates(self, ours: str) -> tuple[str, ...]:
        """The names under which a column may come, the likeliest first."""
        return tuple(dict.fromkeys([*self.names.get(ours, ()), ours]))


_RA_PARTS = (("RAh",), ("RAm",), ("RAs",))
_DEC_PARTS = (("DE-",), ("DEd",), ("DEm",), ("DEs",))


def _from_hours(
    hours: pa.ChunkedArray, minutes: pa.ChunkedArray, seconds: pa.ChunkedArray
) -> pa.ChunkedArray:
    return pc.add(
        pc.multiply(hours, 15.0),
        pc.add(pc.multiply(minutes, 15 / 60), pc.multiply(seconds, 15 / 3600)),
    )


def _from_degrees(
    sign: pa.ChunkedArray,
    degrees: pa.ChunkedArray,
    minutes: pa.ChunkedArray,
    seconds: pa.ChunkedArray,
) -> pa.ChunkedArray:
    size = pc.add(degrees, pc.add(pc.divide(minutes, 60.0), pc.divide(seconds, 3600.0)))
    return pc.if_else(pc.fill_null(pc.equal(sign, "-"), False), pc.negate(size), size)


# the columns that a position has in tables byte by byte (CDS, journals)
POSITION_PARTS = {
    "ra": (Recipe(tuple((names, "") for names in _RA_PARTS), _from_hours),),
    "dec": (
        Recipe(((_DEC_PARTS[0], TEXT), *((names, "") for names in _DEC_PARTS[1:])), _from_degrees),
    ),
}
