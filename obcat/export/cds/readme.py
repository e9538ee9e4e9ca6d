"""The package for CDS/VizieR: its ReadMe, and its tables."""

import re
from pathlib import Path
from textwrap import wrap

from obcat.export.cds.column import label
from obcat.export.cds.table import Field, fields_of, records
from obcat.export.published import (
    CATALOG,
    NOT_REAL,
    Published,
    ReleaseError,
    offset_papers,
    own_numbers,
)
from obcat.schema import columns_of, read_tables

__all__ = ["text", "write"]

WIDTH = 80
RULE = "-" * WIDTH
DOUBLE = "=" * WIDTH
UNBROKEN = "\0"
ENGLISH = {"parallax", "ra", "dec", "quality", "simulated", "erroneous"}
NAMES = re.compile(
    r"\b({})\b".format(
        "|".join(
            c.column for c in columns_of(CATALOG) if len(c.column) > 1 and c.column not in ENGLISH
        )
    )
)


def text(catalog: Published, table: str, fields: list[Field]) -> str:
    """The whole ReadMe of the file ``table``.
    Authors and title are to be replaced before it is submitted.
    """
    body = [*_summary(catalog, table, fields), *_description(catalog, table, fields)]
    return "\n".join([*_head(catalog), *body, *_end(catalog)])


def _head(catalog: Published) -> list[str]:
    title = "Absolute magnitudes, extinctions, distances, binarity of O and B stars"
    marked = f"SIMULATED {title[0].lower()}{title[1:]}" if catalog.simulated else title
    return [
        *wrap(f"{marked} ({catalog.survey})", WIDTH),
        DOUBLE,
        *wrap(marked, WIDTH),
        "    (Author A., Author B.)",
        DOUBLE,
        "ADC_Keywords: Stars, OB ; Magnitudes, absolute ; Stars, distances ;",
        "              Stars, double and multiple ; Stars, emission ; Extinction",
        "Keywords: stars: early-type - stars: distances - stars: fundamental parameters",
        "",
        "Description:",
        *_paragraph(_described(catalog)),
        "",
    ]


def _described(catalog: Published) -> str:
    release = catalog.provenance.get("release")
    spectra = (
        f"LAMOST low-resolution spectra ({release})" if release else "LAMOST low-resolution spectra"
    )
    return " ".join(
        [
            f"{NOT_REAL}." if catalog.simulated else "",
            "Catalog of hot stars by the method of Xiang et al. (2021ApJS..253...22X), from "
            f"{spectra},",
            f"{catalog.gaia}, 2MASS and optical photometry. One row is one spectrum; Visit = 1 "
            "is the best of a star.",
            f"Made by obcat {catalog.provenance.get('obcat', '')},",
            f"fingerprint {catalog.provenance.get('fingerprint', '')[:16]}.",
            catalog.lent or "",
            *(f"Parameter {number}." for number in own_numbers(catalog)),
        ]
    )


def _paragraph(words: str, indent: int = 4) -> list[str]:
    return wrap(words, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * indent)


def _summary(catalog: Published, table: str, fields: list[Field]) -> list[str]:
    about = read_tables()[CATALOG].description
    lines = wrap(f"SIMULATED. {about}" if catalog.simulated else about, WIDTH - 36)
    return [
        "File Summary:",
        RULE,
        f" {'FileName':<12}{'Lrecl':>8}{'Records':>10}    Explanations",
        RULE,
        f"{'ReadMe':<13}{WIDTH:>8}{'.':>10}    This file",
        f"{table:<13}{fields[-1].last:>8}{catalog.rows.num_rows:>10}    {lines[0]}",
        *(f"{'':35}{line}" for line in lines[1:]),
        RULE,
        "",
    ]


def _description(catalog: Published, table: str, fields: list[Field]) -> list[str]:
    starts = max(len(f.label) for f in fields), max(len(f.unit) for f in fields)
    rows = [line for f in fields for line in _lines_of(f, *starts)]
    return [
        f"Byte-by-byte Description of file: {table}",
        RULE,
        f"   Bytes Format {'Units':<{starts[1]}} {'Label':<{starts[0]}} Explanations",
        RULE,
        *rows,
        RULE,
        *_note(catalog),
        "",
    ]


def _lines_of(field: Field, label_width: int, unit_width: int) -> list[str]:
    place = f"{field.first:>4}-{field.last:>4}" if field.last > field.first else f"{field.last:>9}"
    start = f"{place} {field.format:<6} {field.unit:<{unit_width}} {field.label:<{label_width}} "
    lines = wrap(_explanation(field), WIDTH - len(start), break_on_hyphens=False)
    whole = [f"{start}{lines[0]}", *(f"{'':{len(start)}}{line}" for line in lines[1:])]
    return [line.replace(UNBROKEN, " ") for line in whole]


def _explanation(field: Field) -> str:
    """Range, null, words. No line of it begins with a digit:
    readers would take it for the next column.
    """
    null = "" if field.column.required else "?"
    mark = " (1)" if field.column.column == "quality" else ""
    words = re.sub(r" (?=[\d(])", UNBROKEN, f"{_with_labels(field.column.description)}{mark}")
    return f"{field.range}{null} {words}".strip()


def _with_labels(words: str) -> str:
    """Words in which columns are called by their CDS labels, not by their names in the database."""
    words = words.replace("; see meta.quality_bits", "")
    words = re.sub(r"(?<=rror of )\w+", lambda found: label(found[0]), words)
    return NAMES.sub(lambda found: label(found[0]), words)


def _note(catalog: Published) -> list[str]:
    """The bits of the column quality."""
    if not catalog.bits:
        return []
    lines = [line for bit, name, meaning in catalog.bits for line in _bit_lines(bit, name, meaning)]
    return ["Note (1): sum of bits, as follows:", *lines, RULE]


def _bit_lines(bit: int, name: str, meaning: str) -> list[str]:
    start = f"    {bit:>7} = "
    return wrap(
        f"{name}: {meaning}", WIDTH, initial_indent=start, subsequent_indent=" " * len(start)
    )


def _reference(paper: tuple[str, str]) -> str:
    authors = paper[0].split(" 20")[0]
    return f"  {authors}, {paper[1]}   Offset of the Gaia parallaxes"


def _end(catalog: Published) -> list[str]:
    return [
        "References:",
        "  Xiang et al., 2021ApJS..253...22X   Method",
        *map(_reference, offset_papers(catalog)),
        "",
        DOUBLE,
        f"{'(End)':<60}{'(Author A.)':>20}",
        "",
    ]


TABLE = f"{CATALOG.partition('.')[2].replace('_', '')}.dat"


def write(folder: Path, catalog: Published) -> None:
    """Write ``ReadMe`` and the table into a new folder; the same catalog gives the same bytes.

    Raises ReleaseError where a value is wider than its format, or something is not ASCII.
    """
    fields = fields_of(catalog)
    described = text(catalog, TABLE, fields)
    if not described.isascii():
        odd = next(line for line in described.splitlines() if not line.isascii())
        raise ReleaseError(f"ReadMe: {odd.strip()!r} is not ASCII, as CDS needs it")
    folder.mkdir(parents=True)
    (folder / "ReadMe").write_text(described, encoding="ascii")
    lines = records(fields)
    (folder / TABLE).write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
