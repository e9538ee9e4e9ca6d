"""The checker: what CDS would find wrong with a folder of ReadMe and tables."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from obcat.errors import ObcatError
from obcat.export.cds.data import data_faults
from obcat.export.cds.described import Described, Listed, parse
from obcat.export.cds.explanations import column_faults, layout_faults
from obcat.export.cds.faults import Fault

__all__ = ["NoPackage", "check"]

README = "ReadMe"
WIDTH = 80
LIMIT = 1 << 30
SECTIONS = ("Description", "File Summary", "Byte-by-byte Description", "(End)")


class NoPackage(ObcatError):
    """There is no ReadMe to check; one line."""


def check(folder: Path) -> list[Fault]:
    """Every fault of the package, in the order of the ReadMe; none of it is changed.

    Raises NoPackage where the folder or its ReadMe cannot be read.
    """
    try:
        text = (folder / README).read_text(encoding="latin-1")
    except OSError as error:
        raise NoPackage(f"{folder / README}: {error.strerror}; a CDS package is a folder with a {README}") from error
    described = parse(text)
    return [
        *(Fault(README, line, what) for line, what in text_faults(text)),
        *(Fault(README, line, what) for table in described.tables for line, what in layout_faults(table)),
        *(
            Fault(README, column.line, what)
            for table in described.tables
            for column in table.columns
            for what in column_faults(column)
        ),
        *(
            fault
            for listed in described.files
            if listed.name != README
            for fault in file_faults(folder, listed, described)
        ),
        *beyond(described),
        *unlisted(folder, described),
    ]


def text_faults(text: str) -> Iterator[tuple[int, str]]:
    """Lines that are too long or not ASCII, and sections that are missing."""
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > WIDTH:
            yield number, f"line has {len(line)} characters, {WIDTH} are allowed"
        if not (line.isascii() and (line.isprintable() or not line)):
            odd = next(c for c in line if not (c.isascii() and c.isprintable()))
            yield number, f"{odd!r} is not printable ASCII"
    for section in SECTIONS:
        if not any(line.strip().lower().startswith(section.lower()) for line in text.split("\n")):
            yield 0, f"there is no section {section!r}"


def file_faults(folder: Path, listed: Listed, described: Described) -> Iterator[Fault]:
    if (
        listed.name != Path(listed.name).as_posix()
        or Path(listed.name).is_absolute()
        or ".." in Path(listed.name).parts
    ):
        yield Fault(README, listed.line, f"{listed.name}: not the name of a file of this folder")
        return
    try:
        text = content(folder / listed.name)
    except (OSError, EOFError, zlib.error) as error:
        yield Fault(listed.name, 0, f"cannot be read: {getattr(error, 'strerror', None) or error}")
        return
    table = next((t for t in described.tables if t.describes(listed.name)), None)
    if table is None and listed.name.endswith(".dat"):
        yield Fault(README, listed.line, f"{listed.name} has no byte-by-byte description")
    yield from (Fault(listed.name, line, what) for line, what in data_faults(text, listed, table))


def content(path: Path) -> str:
    """The bytes of a file, one character each; a gzip file of that name and .gz will do."""
    packed = path.with_name(f"{path.name}.gz")
    if not path.exists() and packed.exists():
        with gzip.open(packed) as f:
            data = f.read(LIMIT + 1)
        if len(data) > LIMIT:
            raise OSError(f"more than {LIMIT >> 20} MiB when unpacked")
        return data.decode("latin-1")
    return path.read_bytes().decode("latin-1")


def beyond(described: Described) -> Iterator[Fault]:
    """Columns that begin beyond the longest of the files described; blanks at the end of lines may be cut off."""
    for table in described.tables:
        longest = max((listed.lrecl for listed in described.files if table.describes(listed.name)), default=None)
        for column in table.columns:
            if longest is not None and column.first > longest:
                yield Fault(README, column.line, f"{column.label}: byte {column.first} is beyond Lrecl {longest}")


def unlisted(folder: Path, described: Described) -> Iterator[Fault]:
    """Files that the summary does not list, and descriptions of no file."""
    names = {listed.name for listed in described.files} | {README}
    if not described.files:
        yield Fault(README, 0, "the file summary lists no file")
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name not in names and path.name.removesuffix(".gz") not in names:
            yield Fault(path.name, 0, "the file summary does not list it")
    for table in described.tables:
        if not any(table.describes(name) for name in names):
            yield Fault(README, table.line, f"{' '.join(table.names)}: described, but not in the file summary")
