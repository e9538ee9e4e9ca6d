"""Write the package: a folder with ReadMe and table, to be submitted as it is but for title and authors."""

from pathlib import Path

from obcat.export.cds import readme
from obcat.export.cds.table import fields_of, records
from obcat.export.published import CATALOG, Published, ReleaseError

__all__ = ["write"]

TABLE = f"{CATALOG.partition('.')[2].replace('_', '')}.dat"


def write(folder: Path, catalog: Published) -> None:
    """Write ``ReadMe`` and the table into a new folder; the same catalog gives the same bytes.

    Raises ReleaseError where a value is wider than its format, or something is not ASCII.
    """
    fields = fields_of(catalog)
    described = readme.text(catalog, TABLE, fields)
    if not described.isascii():
        odd = next(line for line in described.splitlines() if not line.isascii())
        raise ReleaseError(f"ReadMe: {odd.strip()!r} is not ASCII, as CDS needs it")
    folder.mkdir(parents=True)
    (folder / "ReadMe").write_text(described, encoding="ascii")
    lines = records(fields)
    (folder / TABLE).write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
