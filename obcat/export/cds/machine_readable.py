"""A machine-readable table of the AAS journals: title, description of the columns and rows in one
file.
"""

from pathlib import Path
from textwrap import wrap

from obcat.export.cds.readme import described, description, heading
from obcat.export.cds.table import fields_of, records
from obcat.export.published import Published

__all__ = ["write"]

WIDTH = 80
RULE = "=" * WIDTH


def write(path: Path, catalog: Published) -> None:
    """Write the table; authors are to be replaced before it is submitted.

    Raises ReleaseError where a value is wider than its format, or something is not ASCII.
    """
    fields = fields_of(catalog)
    head = [
        *_named("Title", heading(catalog)),
        *_named("Authors", "Author A., Author B."),
        *_named("Table", described(catalog)),
        RULE,
        *description(catalog, fields, file=path.name)[:-1],
        *records(fields),
    ]
    path.write_text("\n".join(head) + "\n", encoding="ascii")


def _named(name: str, words: str) -> list[str]:
    return wrap(f"{name}: {words}", WIDTH, subsequent_indent=" " * (len(name) + 2))
