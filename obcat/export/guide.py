"""What a release says of itself: columns, provenance, how to cite."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from obcat.export import NOT_REAL, Published, offset_papers, own_numbers, status_of, with_unit
from obcat.export.cds.column import label
from obcat.reading import BEST
from obcat.schema import Column, columns_of, read_tables

__all__ = [
    "NULLS",
    "bit_rows",
    "cell",
    "column_rows",
    "write",
    "write_bibtex",
    "write_citation",
    "write_provenance",
    "write_zenodo",
]


def write_provenance(
    path: Path, *catalogs: Published, files: Mapping[str, str] | None = None
) -> None:
    """Everything that made the catalog as JSON: inputs with their hashes, versions, parameters with
    their source.

    ``files`` (name -> checksum) are those of the release that cannot say themselves of which build
    they are.
    """
    catalog = catalogs[0]
    document = {
        "simulated": catalog.simulated,
        **({"warning": NOT_REAL} if catalog.simulated else {}),
        "survey": catalog.survey,
        "table": catalog.table,
        "rows": catalog.rows.num_rows,
        "tables": {c.table: {"rows": c.rows.num_rows, "method": c.status} for c in catalogs},
        **{name: catalog.provenance.get(name) for name in ("release", "obcat", "fingerprint")},
        **({"models_from": catalog.provenance["models_from"]} if catalog.lent else {}),
        "files": dict(files or {}),
        "method": "2021ApJS..253...22X",
        "inputs": _starting("input ", catalog.provenance),
        "versions": _starting("version of ", catalog.provenance),
        "parameters": _parameters(catalog),
    }
    path.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="ascii")


def _starting(head: str, items: dict[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(head): value for name, value in items.items() if name.startswith(head)
    }


def _parameters(catalog: Published) -> dict[str, dict]:
    """value, unit, status (paper, assumed or survey) and source (with the words) of each."""
    return {
        c.column: {
            "value": catalog.parameters[c.column],
            "unit": c.unit or None,
            "status": re.split(r"\W", note)[0],
            "source": note,
        }
        for c in columns_of("meta.parameters")
        if (note := catalog.notes.get(c.column))
    }


PAPERS = (
    ("Method", "Xiang et al. 2021, ApJS 253, 22", "2021ApJS..253...22X"),
    ("LAMOST spectra", "Cui et al. 2012, RAA 12, 1197", "2012RAA....12.1197C"),
    ("2MASS", "Skrutskie et al. 2006, AJ 131, 1163", "2006AJ....131.1163S"),
)


GAIA = {
    "Gaia DR2": (("Gaia DR2", "Gaia Collaboration 2018, A&A 616, A1", "2018A&A...616A...1G"),),
    "Gaia DR3": (("Gaia DR3", "Gaia Collaboration 2023, A&A 674, A1", "2023A&A...674A...1G"),),
}


def _papers(catalog: Published) -> tuple[tuple[str, str, str], ...]:
    """The papers of the method and of the data, those of the release of Gaia that was used."""
    offsets = [("Parallax offset", *paper) for paper in offset_papers(catalog)]
    return (*PAPERS[:2], *GAIA.get(catalog.gaia, ()), *offsets, *PAPERS[2:])


CHOSEN = "Numbers of the method that this survey chose"


def _numbers(catalog: Published) -> list[str]:
    """The numbers of the method that are the survey's own."""
    chosen = own_numbers(catalog)
    return ["", CHOSEN, *(f"  {n}" for n in chosen)] if chosen else []


def write_citation(path: Path, catalog: Published, *others: Published) -> None:
    """Papers to cite, as plain text."""
    made = f"obcat {catalog.provenance.get('obcat', '')}".strip()
    name = f"the survey {catalog.survey!r} ({catalog.rows.num_rows} spectra)"
    fingerprint = catalog.provenance.get("fingerprint", "")[:16]
    lines = [
        *([f"{NOT_REAL}.", "Do not cite its numbers.", ""] if catalog.simulated else []),
        f"Catalog of {name}, made by {made}, fingerprint {fingerprint}.",
        *([catalog.lent] if catalog.lent else []),
        *(
            ["Say which of its tables you used.", *map(_named, (catalog, *others))]
            if others
            else []
        ),
        "",
        "If you use it, say the fingerprint, and cite",
        *(f"  {what + ':':<17}{paper} ({code})" for what, paper, code in _papers(catalog)),
        "and the surveys of the optical magnitudes that the column gri_source names.",
        *_numbers(catalog),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def _named(catalog: Published) -> str:
    return f"  {catalog.table + ':':<23} {METHODS[catalog.status]}"


BIBTEX = """\
@article{{{key},
  title = {{{{{paper}}}}},
  note = {{{what}}},
  adsurl = {{https://ui.adsabs.harvard.edu/abs/{code}}},
  bibcode = {{{code}}},
  year = {{{code:.4}}}
}}
"""


def write_bibtex(path: Path, catalog: Published, *_: Published) -> None:
    """The same papers for BibTeX, under their bibcodes, and this catalog with its fingerprint."""
    fingerprint = catalog.provenance.get("fingerprint", "")[:16]
    title = f"Catalog of the survey {catalog.survey}, fingerprint {fingerprint}"
    warning = f"{NOT_REAL}. Do not cite its numbers. " if catalog.simulated else ""
    lent = f"{catalog.lent} " if catalog.lent else ""
    made = f"{warning}{lent}Made by obcat {catalog.provenance.get('obcat', '')}".strip()
    key = f"obcat-{fingerprint or 'catalog'}"
    own = f"@misc{{{key},\n  title = {{{{{title}}}}},\n  note = {{{made}}}\n}}\n"
    papers = (
        BIBTEX.format(key=code, paper=paper.replace("&", r"\&"), what=what, code=code)
        for what, paper, code in _papers(catalog)
    )
    path.write_text("\n".join([own, *papers]), encoding="ascii")


def write_zenodo(path: Path, catalog: Published, *others: Published) -> None:
    """What Zenodo asks of an upload, filled in from the catalog; creators are yours to name."""
    tables = (read_tables()[c.table].description for c in (catalog, *others))
    chosen = "; ".join(own_numbers(catalog))
    document = {
        "title": f"{'SIMULATED: c' if catalog.simulated else 'C'}atalog of hot stars of the survey "
        f"{catalog.survey}",
        "upload_type": "dataset",
        "description": f"{f'{NOT_REAL}. ' if catalog.simulated else ''}"
        f"{'. '.join(tables)}, made by obcat "
        f"{catalog.provenance.get('obcat', '')}, {catalog.rows.num_rows} spectra."
        f"{f' {catalog.lent}' if catalog.lent else ''}{f' {CHOSEN}: {chosen}.' if chosen else ''}",
        "version": catalog.provenance.get("fingerprint", "")[:16],
        "creators": [],
        "keywords": ["stars", "OB stars", "distances", "extinction", "LAMOST"],
        "references": [f"{paper} ({code})" for _, paper, code in _papers(catalog)],
    }
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="ascii")


METHODS = {
    "paper": "by the method of the paper",
    "obcat": "best mode: obcat's own, beyond the paper",
}
KINDS = {"VARCHAR": "text", "DOUBLE": "number", "FLOAT": "number"}
NULLS = """\
A value that is not known is NULL: an empty cell in CSV, VOTable and the CDS table, NULL in Parquet and DuckDB, NaN or
an empty text in FITS. For integers in FITS and VOTable it is the number in the column *if unknown*.
Read `gaia_id` as a 64-bit integer. pandas (CSV) and astropy (Parquet) make a decimal number of it where some are NULL,
and round it: tell them the type, or use `gaia_name`, the same identifier as text.
"""


def write(path: Path, *catalogs: Published) -> None:
    """Write the guide as Markdown; of two tables each has its part."""
    path.write_text("\n".join(_lines(*catalogs)) + "\n", encoding="utf-8")


def _lines(catalog: Published, *others: Published) -> Iterator[str]:
    yield f"# Columns of the catalog of {catalog.survey}\n"
    if catalog.simulated:
        yield f"**{NOT_REAL}.**\n"
    if catalog.lent:
        yield f"**{catalog.lent}**\n"
    if others:
        yield from (f"* `{c.table}`, {METHODS[c.status]}: `{c.file}.*`" for c in (catalog, *others))
        yield f"\n## {catalog.table}\n"
    about = read_tables()[catalog.table].description
    yield f"{about}. {catalog.rows.num_rows} rows, one a spectrum.\n"
    yield NULLS
    yield from column_rows(catalog.columns)
    for other in others:
        yield f"\n## {other.table}\n"
        yield f"{read_tables()[other.table].description}. {other.rows.num_rows} rows.\n"
        yield from column_rows(other.columns)
    if catalog.bits:
        yield "\n## Bits of `quality`\n"
        yield from bit_rows(catalog.bits)
    if catalog.notes:
        yield "\n## Parameters\n"
        yield from _parameter_rows(catalog)


def _parameter_rows(catalog: Published) -> Iterator[str]:
    """The numbers of the method as a table in Markdown: paper, assumed, or the survey's own."""
    yield "| parameter | value | source | meaning |"
    yield "| --- | --- | --- | --- |"
    for name, note in catalog.notes.items():
        source, _, meaning = note.partition(": ")
        yield f"| `{name}` | {with_unit(catalog, name)} | {cell(source)} | {cell(meaning)} |"


def column_rows(columns: Iterable[Column]) -> Iterator[str]:
    """The columns as a table in Markdown; those of best mode with the method of each."""
    listed = tuple(columns)
    best = [c.table == BEST for c in listed[:1]]
    status = " method |" * any(best)
    yield f"| column | in the CDS table | unit | kind | range | if unknown |{status} meaning |"
    yield "| --- | --- | --- | --- | --- | --- |" + " --- |" * (1 + any(best))
    yield from map(_row, listed)


def bit_rows(bits: Iterable[tuple[int, str, str]]) -> Iterator[str]:
    """(bit, name, meaning) as a table in Markdown, with how to ask for one."""
    yield "`quality` is a sum of these; 0 where none is set. In SQL: `quality & 64 > 0`, or, in"
    yield "the DuckDB file, `has_bit(quality, 'no_gaia')`.\n"
    yield "| bit | name | what is the matter |"
    yield "| --- | --- | --- |"
    yield from (f"| {bit} | {name} | {cell(meaning)} |" for bit, name, meaning in bits)


def _row(column: Column) -> str:
    cells = [
        f"`{column.column}`",
        f"`{label(column.column)}`",
        column.unit or "-",
        KINDS.get(column.type, "integer"),
    ]
    status = [status_of(column)] if column.table == BEST else []
    words = [_limits(column), _unknown(column), *status, cell(column.description)]
    return f"| {' | '.join([*cells, *words])} |"


def _limits(column: Column) -> str:
    if column.min and column.max:
        return f"{column.min} to {column.max}"
    return f"from {column.min}" if column.min else f"to {column.max}" if column.max else "-"


def _unknown(column: Column) -> str:
    return {"yes": "NULL", "no": "never"}.get(column.null, f"NULL ({column.null})")


def cell(text: str) -> str:
    return text.replace("|", "\\|")
