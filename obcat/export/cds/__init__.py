"""The package CDS asks for: a fixed-width table, a ReadMe that describes it byte by byte; and the
checker: what CDS would find wrong with a folder of ReadMe and tables.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path

from obcat.errors import ObcatError
from obcat.export.cds.column import Fault
from obcat.export.cds.data import column_faults, data_faults, layout_faults, lines_of, size_faults
from obcat.export.cds.described import (
    BLOCK,
    Described,
    Listed,
    Stored,
    Table,
    base_name,
    outside,
    parse,
    stored,
)

__all__ = ["NoPackage", "check", "forms"]

README = "ReadMe"
WIDTH = 80
SECTIONS = (("Description", "Abstract", "Introduction"), ("File Summary",), ("(End)",))
TABLES = "Byte-by-byte Description"


class NoPackage(ObcatError):
    """There is no ReadMe to check; one line."""


def check(folder: Path) -> list[Fault]:
    """Every fault of a package that is to be submitted; none of it is changed.

    Raises NoPackage where the folder or its ReadMe cannot be read.
    """
    return [*forms(folder), *(Fault(README, *found) for found in _unfinished(_text_of(folder)))]


def _text_of(folder: Path) -> str:
    try:
        return (folder / README).read_text(encoding="latin-1")
    except OSError as error:
        raise NoPackage(
            f"{folder / README}: {error.strerror}; a CDS package is a folder with a {README}"
        ) from error


UNFINISHED = (
    ("(Author A., ", "the authors are still those of the template"),
    (
        "<Journal volume, page (year)>",
        "the journal is still that of the template: name it, or write in prep.",
    ),
    ("=(bibcode)", "the bibcode is still that of the template: write it, or take the line out"),
    ("(Author A.)", "the last line is still that of the template: name who prepared it"),
)


def _unfinished(text: str) -> Iterator[tuple[int, str]]:
    """What has to be written by a person, and a table of stars that do not exist."""
    for number, line in enumerate(text.split("\n"), start=1):
        yield from ((number, what) for mark, what in UNFINISHED if mark in line)
    simulated = next((n for n, s in enumerate(text.split("\n"), 1) if "SIMULATED" in s), 0)
    if simulated:
        yield simulated, "the table is SIMULATED: CDS takes stars that exist"


def forms(folder: Path) -> list[Fault]:
    """Faults of form, in the order of the ReadMe, whoever may be named as its author.

    Raises NoPackage where the folder or its ReadMe cannot be read.
    """
    text = _text_of(folder)
    described = parse(text)
    return [
        *(Fault(README, line, what) for line, what in _text_faults(text)),
        *(
            Fault(README, line, what)
            for table in described.tables
            for line, what in layout_faults(table)
        ),
        *(
            Fault(README, column.line, what)
            for table in described.tables
            for column in table.columns
            for what in column_faults(column)
        ),
        *(
            fault
            for listed in described.files
            if not listed.itself
            for fault in _file_faults(folder, listed, described)
        ),
        *_beyond(described),
        *_unlisted(folder, described),
    ]


def _text_faults(text: str) -> Iterator[tuple[int, str]]:
    """Lines that are too long or not ASCII, and sections that are missing."""
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > WIDTH:
            yield number, f"line has {len(line)} characters, {WIDTH} are allowed"
        if not (line.isascii() and (line.isprintable() or not line)):
            odd = next(c for c in line if not (c.isascii() and c.isprintable()))
            yield number, f"{odd!r} is not printable ASCII"
    heads = [line.strip().lower() for line in text.split("\n")]
    for names in SECTIONS:
        if not any(head.startswith(tuple(name.lower() for name in names)) for head in heads):
            yield 0, f"there is no section {names[0]!r}"
    if any(base_name(listed.name).endswith(".dat") for listed in parse(text).files) and not any(
        map(BLOCK.match, heads)
    ):
        yield 0, f"there is no section {TABLES!r}"


def _file_faults(folder: Path, listed: Listed, described: Described) -> Iterator[Fault]:
    """Faults of the file, or files, that a line of the summary stands for."""
    if outside(listed.name):
        yield Fault(README, listed.line, f"{listed.name}: not the name of a file of this folder")
        return
    files = stored(folder, listed.name)
    if not files:
        yield Fault(listed.name, 0, "cannot be read: no such file, packed or in parts")
    sizes: list[tuple[int, int]] = []
    for file in files:
        alone = listed if len(files) == 1 else None
        yield from (
            Fault(file.name, *found)
            for found in _content_faults(file, listed, alone, described, sizes)
        )
    if len(files) > 1 and len(sizes) == len(files):
        yield from (
            Fault(README, listed.line, f"{listed.name}: {what}")
            for what in _together(listed, sizes)
        )


def _content_faults(
    file: Stored,
    listed: Listed,
    alone: Listed | None,
    described: Described,
    sizes: list[tuple[int, int]],
) -> Iterator[tuple[int, str]]:
    """(line, fault) of one file; its Lrecl and records are added to ``sizes``,
    and checked where it is ``alone``.
    """
    table = _table_of(described, file.name, listed.name)
    try:
        text = file.content()
    except (OSError, EOFError, zlib.error) as error:
        yield 0, f"cannot be read: {getattr(error, 'strerror', None) or error}"
        return
    if table is None and (not file.is_text or "\0" in text):
        return
    if table is None and base_name(listed.name).endswith(".dat") and alone:
        yield 0, "has no byte-by-byte description"
    lines = lines_of(text)
    sizes.append((max(map(len, lines), default=0), len(lines)))
    if alone:
        yield from size_faults(lines, alone.lrecl, alone.records)
    yield from data_faults(text, table)


def _together(listed: Listed, sizes: list[tuple[int, int]]) -> Iterator[str]:
    """Sizes of the files of a folder: Lrecl is that of the longest;
    records are those of all, of each, or the files.
    """
    longest, records = max(size[0] for size in sizes), [size[1] for size in sizes]
    if listed.lrecl is not None and longest != listed.lrecl:
        yield f"the longest line has {longest} bytes, the ReadMe says Lrecl {listed.lrecl}"
    if listed.records is not None and listed.records not in (
        sum(records),
        max(records),
        len(records),
    ):
        yield f"{len(records)} files with {sum(records)} records, the ReadMe says {listed.records}"


def _table_of(described: Described, *names: str) -> Table | None:
    return next((t for t in described.tables if any(t.describes(name) for name in names)), None)


def _beyond(described: Described) -> Iterator[Fault]:
    """Columns that begin beyond the longest of the files described;
    blanks at the end of lines may be cut off.
    """
    for table in described.tables:
        sizes = [listed.lrecl for listed in described.files if table.describes(listed.name)]
        longest = max((size for size in sizes if size is not None), default=None)
        for column in table.columns:
            if longest is not None and None not in sizes and column.first > longest:
                yield Fault(
                    README,
                    column.line,
                    f"{column.label}: byte {column.first} is beyond Lrecl {longest}",
                )


def _unlisted(folder: Path, described: Described) -> Iterator[Fault]:
    """Files that the summary does not list, and descriptions of no file."""
    if not described.files:
        yield Fault(README, 0, "the file summary lists no file")
    files = [
        file
        for listed in described.files
        if not outside(listed.name)
        for file in stored(folder, listed.name)
    ]
    known = {path for file in files for path in file.paths} | {folder / README}
    for path in sorted(folder.iterdir()):
        if path.is_file() and path not in known and path.name not in described.mentioned:
            yield Fault(path.name, 0, "the file summary does not list it")
    names = {listed.name for listed in described.files} | {file.name for file in files} | {README}
    for table in described.tables:
        if not any(table.describes(name) for name in names):
            yield Fault(
                README,
                table.line,
                f"{' '.join(table.names)}: described, but not in the file summary",
            )
