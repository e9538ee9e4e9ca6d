"""The index of sql/, made from the headers of its files: ``python docs/sql_index.py`` writes
sql/README.md.

Files stand in the order in which a build runs them. A file without a line ``Paper`` takes nothing
from it.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from obcat.db import SqlFile
from obcat.schema import SQL

__all__ = ["index_text"]

HEAD = """\
# The method, in SQL

One file makes one relation, view or fit, and its head says what: read them from top to bottom. "METHOD" is
[docs/method.md](../docs/method.md); "section", "Eq.", "Fig." and "Table" are those of Xiang et al. 2021. Folders with a
number are a build, in that order; the others are asked of a finished catalog. `schema/` declares every table and column,
with type, unit and description.

*Made by `python docs/sql_index.py` (`make index`) from the heads of the files; a test compares.*
"""
FOLDERS = {
    "queries": "The cookbook: questions that anybody may ask; `obcat sql DATABASE --file FILE`.",
    "explain": "What `obcat explain` asks of one star.",
    "star": "How a star is found by what people call it.",
    "partition": "What `obcat partition` asks of a survey: whose star, whose source.",
    "evaluate": "What `obcat evaluate` asks of a simulated survey, beside its truth.",
    "report": "What `obcat report` and `obcat figure` draw, and what `obcat status` prints of "
    "parameters.",
    "page": "What `obcat page` puts into its page.",
}
STEPS = {
    "00_meta": "Parameters, formulas, quality bits.",
    "05_reference": "Tables of models that come with the package.",
    "10_raw": "What the ingest read, as it came.",
    "20_stage": "Sentinels and NaN become NULL, units and epochs are those of the method.",
    "30_sample": "Visits of one star, cross-matches, one row for a star.",
    "40_spectra": "Spectra at rest over their pseudo-continuum, eigenspectra.",
    "45_emission": "Emission at Halpha, erroneous spectra.",
    "50_extinction": "Labels, intrinsic colours, E(B-V).",
    "51_lines": "Best mode: emission in 23 lines, its kind, peaks of Halpha.",
    "52_reddening": "Best mode: E(B-V), R_V and extinction in Ks from all magnitudes at once.",
    "55_training": "Stars from outside the sample that train and are no rows: spectra, labels, extinction.",
    "54_visits": "Best mode: velocities of visits, and spectra that went wrong.",
    "56_stars": "Best mode: velocities that change, RUWE against G.",
    "60_luminosity": "Absolute magnitudes from the parallax and from the spectrum.",
    "62_posterior": "Best mode: luminosity, companion and distance from everything at once.",
    "70_uncertainty": "The noise model and the errors of magnitudes.",
    "80_binarity": "The excess that makes `binary_flag`.",
    "85_distance": "Distances.",
    "90_catalog": "The published table.",
    "95_check": "Promises: every row that a check returns is a fault; `obcat check`.",
}


def index_text() -> str:
    """The Markdown of sql/README.md."""
    sections = (_section(folder, says) for folder, says in (STEPS | FOLDERS).items())
    return "\n".join([HEAD, *sections])


def _section(folder: str, says: str) -> str:
    rows = "\n".join(_row(SqlFile(path)) for path in sorted((SQL / folder).glob("*.sql")))
    return (
        f"## {folder}\n\n{says}\n\n| file | | grain | paper |\n| --- | --- | --- | --- |\n{rows}\n"
    )


def _row(file: SqlFile) -> str:
    fields = dict(_fields(file.text))
    cells = (fields.get(name, "") for name in ("Title", "Grain", "Paper"))
    name = f"[{file.path.stem}]({file.path.parent.name}/{file.path.name})"
    return f"| {' | '.join([name, *(c.rstrip('.').replace('|', '/') for c in cells)])} |"


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """Name and value of each line of the head."""
    for line in text.splitlines():
        if not line.startswith("--"):
            return
        if found := re.match(r"-- (\w+): *(.*)", line):
            yield found[1], found[2].strip()


if __name__ == "__main__":
    (Path(__file__).parent.parent / "sql" / "README.md").write_text(index_text(), encoding="utf-8")
