"""The numbers of the method: what sql/00_meta/parameters.csv says of each."""

from csv import DictReader
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Parameter", "printed", "read_parameters"]

PARAMETERS = Path(__file__).parent / "sql" / "00_meta" / "parameters.csv"


@dataclass(frozen=True)
class Parameter:
    """One row of parameters.csv: a number of the method, its range, and where it comes from.

    ``status`` is paper or assumed; ``where`` the section, or a remark.
    """

    name: str
    type: str
    value: str
    unit: str
    ucd: str
    min: str
    max: str
    status: str
    where: str
    meaning: str

    @property
    def source(self) -> str:
        """'paper, section 6', 'assumed', 'assumed (the text lost the number)'."""
        if self.status == "paper":
            return f"paper, {self.where}"
        return f"{self.status} ({self.where})" if self.where else self.status

    def said(self, value: float) -> str:
        """Where the value that was used comes from, a colon, and what it is."""
        if value == float(self.value):
            return f"{self.source}: {self.meaning}"
        return f"survey, in place of {printed(float(self.value))}, {self.source}: {self.meaning}"

    def fault(self, value: float) -> str | None:
        """Why it cannot have this value, or None where it can."""
        if self.type == "INTEGER" and value != int(value):
            return f"{value} is not a whole number"
        if not float(self.min) <= value <= float(self.max):
            low, high = (printed(float(end)) for end in (self.min, self.max))
            return f"{value} is not in its range, {low} to {high}"
        return None


@cache
def read_parameters() -> dict[str, Parameter]:
    """The numbers of the method by their names, as sql/00_meta/parameters.csv has them."""
    with PARAMETERS.open(newline="", encoding="utf-8") as f:
        return {row["name"]: Parameter(**row) for row in DictReader(f)}


def printed(value: float) -> str:
    """A number with the digits it was given with: 2, 0.014, 20210822."""
    return f"{value:.12g}"
