"""The package for CDS/VizieR: its ReadMe, and its tables; and a machine-readable table of the AAS
journals: title, description of the columns and rows in one file.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

import pyarrow as pa
import pyarrow.compute as pc

from obcat.export import (
    CATALOG,
    NOT_REAL,
    Published,
    ReleaseError,
    ascii_of,
    offset_papers,
    own_numbers,
)  # fmt: skip
from obcat.export.cds.column import cds_unit, label
from obcat.export.plain import printed
from obcat.reading import BEST
from obcat.schema import Column, columns_of, read_tables

__all__ = [
    "TO_FILL",
    "Field",
    "described",
    "description",
    "fields_of",
    "heading",
    "records",
    "text",
    "write",
    "write_machine_readable",
]


@dataclass(frozen=True)
class Field:
    """A column of the table; ``first`` and ``last`` are its bytes, counted from 1."""

    column: Column
    first: int
    last: int
    format: str
    range: str

    @property
    def label(self) -> str:
        return label(self.column.column)

    @property
    def unit(self) -> str:
        return cds_unit(self.column)


def fields_of(catalog: Published) -> list[Field]:
    """Columns side by side, one blank between two.

    Raises ReleaseError where a text, or the least or largest number, is wider than the format of
    its column, or a text is not plain.
    """
    fields: list[Field] = []
    for column in catalog.columns:
        first = fields[-1].last + 2 if fields else 1
        fields.append(_field(column, catalog.rows[column.column], first))
    return fields


def _field(column: Column, values: pa.ChunkedArray, first: int) -> Field:
    width, form = int(column.format[1:].partition(".")[0]), column.format
    if column.type == "VARCHAR":
        widest = max((ascii_of(column, v) for v in values.to_pylist() if v), key=len, default="")
        _check_width(column, [widest], width)
        width = max(1, len(widest))
        form = f"A{width}"
    else:
        _check_width(column, _ends(column, values), width)
    return Field(column, first, first + width - 1, form, _range_of(column, values))


def _check_width(column: Column, texts: list[str], width: int) -> None:
    if len(widest := max(texts, key=len, default="")) > width:
        name = f"{column.table}.{column.column}"
        raise ReleaseError(f"{name}: {widest!r} is wider than its format {column.format}")


def _range_of(column: Column, values: pa.ChunkedArray) -> str:
    """``[0/1]``: the declared range where both ends are, else that of the values;
    identifiers have none.
    """
    if column.type == "VARCHAR" or column.ucd.startswith("meta.id"):
        return ""
    if column.min and column.max:
        return f"[{column.min}/{column.max}]"
    low, high = _ends(column, values)
    return f"[{low}/{high}]" if low else ""


def _ends(column: Column, values: pa.ChunkedArray) -> list[str]:
    return printed(column, pc.min_max(values).as_py().values())


def records(catalog: Published, fields: list[Field]) -> Iterator[str]:
    """The lines of the table; text to the left of its bytes, numbers to the right.

    Raises ReleaseError where a value is wider than the format of its column.
    """
    for part in catalog.pieces():
        columns = [_padded(field, part.rows[field.column.column]) for field in fields]
        yield from (f"{' '.join(row)}\n" for row in zip(*columns, strict=True))


def _padded(field: Field, values: pa.ChunkedArray) -> list[str]:
    width, column = field.last - field.first + 1, field.column
    texts = printed(column, values.to_pylist())
    if column.type == "VARCHAR":
        texts = [ascii_of(column, text) for text in texts]
    _check_width(column, texts, width)
    pad = str.ljust if column.type == "VARCHAR" else str.rjust
    return [pad(text, width) for text in texts]


WIDTH = 80
RULE = "-" * WIDTH
DOUBLE = "=" * WIDTH
UNBROKEN = "\0"
ENGLISH = {"parallax", "ra", "dec", "quality", "simulated", "erroneous", "fault"}
NAMES = re.compile(
    r"\b({})\b".format(
        "|".join(
            c.column
            for c in (*columns_of(CATALOG), *columns_of(BEST))
            if len(c.column) > 1 and c.column not in ENGLISH
        )
    )
)


def text(*tables: tuple[Published, list[Field]]) -> str:
    """The whole ReadMe of the tables.
    Authors and title are to be replaced before it is submitted.
    """
    first = tables[0][0]
    parts = [line for c, fields in tables for line in description(c, fields, c is first)]
    body = [*_summary(tables), *_see_also(first), *parts]
    return "\n".join([*_head(*(c for c, _ in tables)), *body, *_end(first)])


def heading(catalog: Published) -> str:
    """What the tables are; of a simulated survey that word first."""
    title = "Absolute magnitudes, extinctions, distances, binarity of O and B stars"
    return f"SIMULATED {title[0].lower()}{title[1:]}" if catalog.simulated else title


def _head(catalog: Published, *others: Published) -> list[str]:
    marked = heading(catalog)
    return [
        *wrap(f"{marked} ({catalog.survey})", WIDTH),
        DOUBLE,
        *wrap(marked, WIDTH),
        "    (Author A., Author B.)",
        *TO_FILL,
        DOUBLE,
        *_adc_keywords(catalog, *others),
        "Keywords: stars: early-type - stars: distances - stars: fundamental parameters",
        "",
        "Description:",
        *_paragraph(described(catalog)),
        *(_paragraph(TWO) if others else []),
        "",
    ]


TO_FILL = ("   <Journal volume, page (year)>", "   =(bibcode)")
ADC = {
    "mk": "Magnitudes, absolute", "dis": "Stars, distances",
    "binary_flag": "Stars, double and multiple",
    "em_flag": "Stars, emission", "ebv": "Extinction", "rv": "Radial velocities",
    "parallax": "Parallaxes, trigonometric", "pmra": "Proper motions",
    "teff": "Effective temperatures",
    "feh": "Abundances, [Fe/H]", "j": "Photometry, infrared", "halpha_ew": "Equivalent widths",
}  # fmt: skip


def _adc_keywords(*catalogs: Published) -> list[str]:
    """The keywords of the Astronomical Data Centers that the columns ask for."""
    there = {c.column for catalog in catalogs for c in catalog.columns}
    words = ["Stars, OB", *(word for name, word in ADC.items() if name in there)]
    first = "ADC_Keywords: "
    held = wrap(" ; ".join(w.replace(" ", UNBROKEN) for w in words), WIDTH - len(first),
                break_on_hyphens=False)  # fmt: skip
    heads = [first, *[" " * len(first)] * len(held)]
    return [f"{h}{line}".replace(UNBROKEN, " ") for h, line in zip(heads, held, strict=False)]


BY = {"paper": "by the method of", "obcat": "in best mode, beyond the method of"}
TWO = (
    "Two tables of the same spectra: obstars.dat by the method of that paper, best.dat by what "
    "obcat makes of the same data beyond it."
)


def described(catalog: Published) -> str:
    """What the rows are, what made them, and whether they exist."""
    release = catalog.provenance.get("release")
    spectra = f"LAMOST low-resolution spectra{f' ({release})' if release else ''}"
    return " ".join(
        [
            f"{NOT_REAL}." if catalog.simulated else "",
            f"Catalog of hot stars {BY[catalog.status]} Xiang et al. (2021ApJS..253...22X), from "
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


def _summary(tables: tuple[tuple[Published, list[Field]], ...]) -> list[str]:
    return [
        "File Summary:",
        RULE,
        f" {'FileName':<12}{'Lrecl':>8}{'Records':>10}    Explanations",
        RULE,
        f"{'ReadMe':<13}{WIDTH:>8}{'.':>10}    This file",
        *(line for catalog, fields in tables for line in _summary_lines(catalog, fields)),
        RULE,
        "",
    ]


def _summary_lines(catalog: Published, fields: list[Field]) -> list[str]:
    about = read_tables()[catalog.table].description
    lines = wrap(f"SIMULATED. {about}" if catalog.simulated else about, WIDTH - 36)
    size = f"{fields[-1].last:>8}{catalog.rows.num_rows:>10}"
    return [
        f"{FILES[catalog.table]:<13}{size}    {lines[0]}",
        *(f"{'':35}{line}" for line in lines[1:]),
    ]


SOURCES = {
    "Gaia DR2": "I/345 : Gaia DR2 (Gaia Collaboration, 2018)",
    "Gaia DR3": "I/355 : Gaia DR3 Part 1. Main source (Gaia Collaboration, 2022)",
    "DR5": "V/164 : LAMOST DR5 catalogs (Luo+, 2019)",
    "DR7": "V/156 : LAMOST DR7 catalogs (Luo+, 2019)",
    "ps1": "II/349 : The Pan-STARRS release 1 (PS1) Survey - DR1 (Chambers+, 2016)",
    "apass": "II/336 : AAVSO Photometric All Sky Survey (APASS) DR9 (Henden+, 2016)",
}


def _see_also(catalog: Published) -> list[str]:
    """Catalogs of VizieR that these rows were made from, and the paper's own."""
    used = [catalog.gaia, catalog.provenance.get("release", "")]
    if "gri_source" in catalog.rows.column_names:
        used += sorted(name for name in catalog.rows["gri_source"].unique().to_pylist() if name)
    return [
        "See also:",
        "  J/ApJS/253/22 : LAMOST OB stars (Xiang+, 2021)",
        *(f"  {SOURCES[name]}" for name in used if name in SOURCES),
        "  II/246 : 2MASS All-Sky Catalog of Point Sources (Cutri+ 2003)",
        "",
    ]


def description(
    catalog: Published, fields: list[Field], first: bool = True, file: str | None = None
) -> list[str]:
    """The byte-by-byte description of a table; notes are whole in that of the ``first``."""
    starts = max(len(f.label) for f in fields), max(len(f.unit) for f in fields)
    rows = [line for f in fields for line in _lines_of(f, *starts)]
    return [
        f"Byte-by-byte Description of file: {file or FILES[catalog.table]}",
        RULE,
        f"   Bytes Format {'Units':<{starts[1]}} {'Label':<{starts[0]}} Explanations",
        RULE,
        *rows,
        RULE,
        *_note(catalog, first),
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


def _note(catalog: Published, whole: bool) -> list[str]:
    """The bits of the column quality; the second table's are those of the first."""
    if not catalog.bits:
        return []
    if not whole:
        return [f"Note (1): sum of bits, as in Note (1) of {FILES[CATALOG]}.", RULE]
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
    made = f"Made by obcat {catalog.provenance.get('obcat', '')}, not changed since."
    return [
        "History:",
        *_paragraph(made, 2),
        "",
        "References:",
        "  Xiang et al., 2021ApJS..253...22X   Method",
        *map(_reference, offset_papers(catalog)),
        "",
        DOUBLE,
        f"{'(End)':<60}{'(Author A.)':>20}",
        "",
    ]


FILES = {CATALOG: "obstars.dat", BEST: "best.dat"}


def write(folder: Path, *catalogs: Published) -> None:
    """Write ``ReadMe`` and the tables into a new folder; the same catalogs give the same bytes.

    Raises ReleaseError where a value is wider than its format, or something is not ASCII.
    """
    tables = [(catalog, fields_of(catalog)) for catalog in catalogs]
    whole = text(*tables)
    if not whole.isascii():
        odd = next(line for line in whole.splitlines() if not line.isascii())
        raise ReleaseError(f"ReadMe: {odd.strip()!r} is not ASCII, as CDS needs it")
    folder.mkdir(parents=True)
    (folder / "ReadMe").write_text(whole, encoding="ascii")
    for catalog, fields in tables:
        with (folder / FILES[catalog.table]).open("w", encoding="ascii") as file:
            file.writelines(records(catalog, fields))


def write_machine_readable(path: Path, catalog: Published) -> None:
    """Write the table; authors are to be replaced before it is submitted.

    Raises ReleaseError where a value is wider than its format, or something is not ASCII.
    """
    fields = fields_of(catalog)
    head = [
        *_named("Title", heading(catalog)),
        *_named("Authors", "Author A., Author B."),
        *_named("Table", described(catalog)),
        DOUBLE,
        *description(catalog, fields, file=path.name)[:-1],
    ]
    with path.open("w", encoding="ascii") as file:
        file.writelines(f"{line}\n" for line in head)
        file.writelines(records(catalog, fields))


def _named(name: str, words: str) -> list[str]:
    return wrap(f"{name}: {words}", WIDTH, subsequent_indent=" " * (len(name) + 2))
