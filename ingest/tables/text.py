"""Tables written as text: CSV, TSV and ECSV, columns between blanks or at fixed places, IPAC, CDS;
all text columns.
"""

import csv
import io
import re
import warnings
from collections.abc import Iterator, Sequence
from itertools import pairwise

import pyarrow as pa
import pyarrow.csv as arrow_csv

from obcat.ingest.errors import IngestError, brief
from obcat.ingest.tables.names import unique

__all__ = ["text_table", "yaml_units"]

SEPARATORS = (",", "\t", ";", "|")
RULE = re.compile(r"[-+=\s,;|]*----[-+=\s,;|]*")
FRAME = re.compile(rb"^\+[-=+]+[ \t]*\n", re.MULTILINE)  # of a table of mysql, TOPCAT, reST
STATED = re.compile(rb"(?i)\"?sep=(.)\"?[ \t,;]*")
BYTE_BY_BYTE = re.compile(rb"(?i)^byte-(by|per)-byte description of file", re.MULTILINE)
HEAD = 100_000  # bytes within which a description byte by byte begins
IPAC_LINES = 4  # names, types, units, nulls
IPAC_TYPES = (*"ilfdrc", "", "int", "long", "float", "double", "real", "char", "date")

Columns = tuple[pa.Table, dict[str, str]]


def text_table(data: bytes, name: str) -> Columns:
    """The table of a text in any of the forms above, and its units. Raises IngestError.

    Line ends may be LF, CR LF or CR; a byte order mark and a line ``sep=;`` are no data. Comments
    (#) before the header and after the last row are skipped; where the header itself stands behind
    a #, it is found there.
    """
    data = _with_plain_ends(data.removeprefix(b"\xef\xbb\xbf"))
    if data.startswith(b"# %ECSV"):
        return _ecsv(data, name)
    if BYTE_BY_BYTE.search(data[:HEAD]):
        return _cds(data, name)
    (first,), after = _lines(data, 0, 1)
    separator = None
    if match := STATED.fullmatch(first):
        separator, data = match[1].decode("latin-1"), data[after:]
    if data.startswith(b"+-"):
        data = FRAME.sub(b"", data)
    if data.startswith((b"|", b"\\")):
        return _ipac(data, name)
    data = _without_comments(data)
    _check_utf_8(data, name)
    header = _lines(data, 0, 1)[0][0].decode("utf-8", "replace")
    separator = separator or max(SEPARATORS, key=header.count)
    if separator not in header and len(header.split()) > 1:
        return _between_blanks(data, name)
    return _delimited(data, separator, name)


def yaml_units(lines: Sequence[str]) -> dict[str, str]:
    """Units in the YAML header that astropy writes to ECSV and Parquet. Raises OSError."""
    from astropy.table.meta import YamlParseError, get_header_from_yaml

    try:
        columns = get_header_from_yaml(lines)["datatype"]
        return {
            str(c["name"]): str(c["unit"])
            for c in columns
            if c.get("unit") and not isinstance(c["unit"], list)
        }
    except (
        YamlParseError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        raise OSError(f"YAML header: {brief(error)}") from error


def _with_plain_ends(data: bytes) -> bytes:
    """Lines that end in LF, whatever they ended in."""
    if b"\r" not in data:
        return data
    data = data.replace(b"\r\n", b"\n")
    return data if b"\n" in data[:-1] else data.replace(b"\r", b"\n")


def _check_utf_8(data: bytes, name: str) -> None:
    if data.isascii():
        return
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise IngestError(
            f"{name}: line {line} of the table is not UTF-8 text ({data[error.start]:#x}); save "
            "it as UTF-8"
        ) from error


def _lines(data: bytes, at: int, n: int) -> tuple[list[bytes], int]:
    """The next ``n`` lines (fewer at the end, but one), and where the next begins;
    the rest is not copied.
    """
    lines: list[bytes] = []
    while len(lines) < n and (at < len(data) or not lines):
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        lines.append(data[at:end])
        at = end + 1
    return lines, at


def _without_comments(data: bytes) -> bytes:
    """Without the comments around the table;
    the header where it stands behind a # (as numpy writes it).
    """
    at, comment = 0, b""
    while data[at : at + 1] in (b"#", b"\n"):
        (line,), at = _lines(data, at, 1)
        comment = line.lstrip(b"# \t") if line.strip(b"# \t-") else comment
    first = _lines(data, at, 1)[0][0]
    end = _end_of_rows(data, first)
    words, named = (
        re.split(rb"[\s,;|]+", re.sub(rb'"[^"]*"', b"x", line.strip())) for line in (first, comment)
    )
    if comment and len(words) == len(named) and any(map(_is_number, words)):
        return comment + b"\n" + data[at:end]
    return data[at:end]


def _end_of_rows(data: bytes, header: bytes) -> int:
    """Where the comments at the end begin:
    lines with a # before them that are cut in fewer parts than the header.
    """
    separator = max((s.encode() for s in SEPARATORS), key=header.count)
    apart = separator if separator in header else None
    end = len(data)
    while True:
        last = end
        while data[last - 1 : last].isspace():
            last -= 1
        start = data.rfind(b"\n", 0, last) + 1
        if data[start : start + 1] != b"#" or len(data[start:last].split(apart)) >= len(
            header.split(apart)
        ):
            return end
        end = start


def _is_number(word: bytes) -> bool:
    return re.fullmatch(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", word) is not None


def _delimited(data: bytes, separator: str, name: str) -> Columns:
    """One header line; VizieR's line of units with its rule, and a rule alone, are no rows."""
    head, after = _lines(data, 0, 3)
    texts = [line.decode("utf-8", "replace") for line in head]
    if len(head) > 2 and RULE.fullmatch(texts[2]):
        units = [u.strip().strip('"') for u in texts[1].split(separator)]
        table = _text_columns(head[0] + b"\n" + data[after:], separator, name)
        return table, {c: u for c, u in zip(table.column_names, units, strict=False) if u}
    if len(head) > 1 and RULE.fullmatch(texts[1]):
        data = head[0] + b"\n" + data[_lines(data, 0, 2)[1] :]
    return _text_columns(data, separator, name), {}


def _ecsv(data: bytes, name: str) -> Columns:
    """The units are those of the YAML header."""
    at, comments = 0, []
    while data[at : at + 1] in (b"#", b"\n"):
        (line,), at = _lines(data, at, 1)
        comments.append(line.decode("utf-8", "replace"))
    try:
        units = yaml_units(
            [line[2:] for line in comments if line.startswith("# ") and "%ECSV" not in line]
        )
    except OSError as error:
        raise IngestError(
            f"{name}: damaged ECSV header ({brief(error)}); write the table again"
        ) from error
    _check_utf_8(data[at:], name)
    stated = next((line for line in comments if re.match(r"# delimiter:", line)), "")
    return _text_columns(data[at:], "," if "," in stated else " ", name), units


def _text_columns(data: bytes, separator: str, name: str) -> pa.Table:
    if data.endswith(b"\n\n") or not data.endswith(b"\n"):
        data = data.rstrip(b"\n") + b"\n"
    header = _lines(data, 0, 1)[0][0].decode("utf-8", "replace")
    if b'"' in data:
        _check_quotes(data, separator, header, name)
    try:
        names = next(csv.reader([header], delimiter=separator), [])
        table = arrow_csv.read_csv(
            io.BytesIO(data),
            arrow_csv.ReadOptions(use_threads=False),
            arrow_csv.ParseOptions(delimiter=separator, newlines_in_values=True),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except (pa.ArrowException, csv.Error) as error:
        raise IngestError(
            f"{name}: not a regular table ({brief(error)}); repair it or fetch it again"
        ) from error
    return table.rename_columns(unique([n.strip() for n in table.column_names]))


def _check_quotes(data: bytes, separator: str, header: str, name: str) -> None:
    """A quote that is never closed takes the next rows into its value, so that they vanish:
    IngestError, its line.
    """
    text = io.TextIOWrapper(io.BytesIO(data), "utf-8", "replace", newline="")
    reader = csv.reader(text, delimiter=separator, strict=True)
    line = 1
    try:
        for row in reader:
            if reader.line_num > line and any(
                "\n" in v and v.count(separator) >= header.count(separator) for v in row
            ):
                raise csv.Error("a value in quotes takes whole rows in")
            line = reader.line_num + 1
    except csv.Error as error:
        said = (
            brief(error)
            if "whole rows" in str(error)
            else "a quote is not closed, or not at the end of its value"
        )
        raise IngestError(f"{name}: line {line}: {said}; close the quote or take it out") from error


def _between_blanks(data: bytes, name: str) -> Columns:
    """Columns between blanks, as many words in each line as in the first;
    else columns at fixed places.
    """
    lines = [
        line.expandtabs() for line in data.decode("utf-8", "replace").split("\n") if line.strip()
    ]
    names = _words(lines[0])
    rule = next((i for i, line in enumerate(lines[:3]) if i and RULE.fullmatch(line)), 0)
    if rule:
        places = [(m.start(), m.end()) for m in re.finditer(r"[-=]+", lines[rule])]
        cells = [_cut(line, places) for line in (*lines[:rule], *lines[rule + 1 :])]
        units = {n: u for n, u in zip(cells[0], cells[1], strict=True) if u} if rule == 2 else {}
        return _from_rows(cells[0], cells[rule:]), units
    rows = [_words(line) for line in lines[1:]]
    if lines[0].startswith('"') and all(len(row) == len(names) + 1 for row in rows):
        names = ["row names", *names]  # R names its rows and not their column
    wrong = next((i for i, row in enumerate(rows, 2) if len(row) != len(names)), 0)
    if not wrong:
        return _from_rows(names, rows), {}
    places = _places(lines)
    if len(places) != len(names):
        raise IngestError(
            f"{name}: not a regular table: line {wrong} has {len(rows[wrong - 2])} values, the "
            "header names "
            f"{len(names)} columns; give CSV, or a rule of dashes below the header where blanks "
            "stand for NULL"
        )
    return _from_rows(names, [_cut(line, places) for line in lines[1:]]), {}


def _words(line: str) -> list[str]:
    """What stands between blanks; in quotes (R's write.table) blanks are part of it."""
    return [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', line)]


def _cut(line: str, places: Sequence[tuple[int, int]]) -> list[str]:
    """The values at their places; text between two places belongs to the nearer side's column
    before it.
    """
    ends = [*(start for start, _ in places[1:]), max(len(line), places[-1][1]) if places else 0]
    return [line[start:end].strip() for (start, _), end in zip(places, ends, strict=True)]


def _places(lines: Sequence[str]) -> list[tuple[int, int]]:
    """Runs of characters that are blank in no line, header and data together."""
    used = [False] * max(map(len, lines))
    for line in lines:
        for match in re.finditer(r"\S+", line):
            used[match.start() : match.end()] = [True] * (match.end() - match.start())
    return [
        (m.start(), m.end()) for m in re.finditer("x+", "".join("x" if u else " " for u in used))
    ]


def _from_rows(names: Sequence[str], rows: Sequence[Sequence[str]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pa.Table.from_arrays([pa.array(c, pa.string()) for c in columns], unique(names))


def _ipac(data: bytes, name: str) -> Columns:
    """An IPAC table: names, types, units and null values between bars,
    the data at the places of the bars.
    """
    lines = [
        line
        for line in data.decode("utf-8", "replace").split("\n")
        if line.strip() and line[0] != "\\"
    ]
    head = [line for line in lines if line.startswith("|")]
    if len(head) == len(lines) > 1 and not _names_types(lines[1]):
        return _barred(lines, name), {}
    bars = [i for i, c in enumerate(head[0]) if c == "|"] if head else []
    rows = lines[len(head) :]
    if len(bars) < 2 or len(head) > IPAC_LINES or any(line.startswith("|") for line in rows):
        raise IngestError(
            f"{name}: not a regular table: begins as an IPAC table and is none; fetch the "
            "file again"
        )
    places = list(pairwise(bars))
    names, _, units, nulls = [*(_inside(line, places) for line in head), *[[""] * len(places)] * 4][
        :4
    ]
    cells = [
        [_not(null, value) for null, value in zip(nulls, _inside(row, places), strict=True)]
        for row in rows
    ]
    return _from_rows(names, cells), {n: u for n, u in zip(names, units, strict=True) if u}


def _names_types(line: str) -> bool:
    """Whether a line between bars has the types of an IPAC table."""
    return all(word.strip().lower() in IPAC_TYPES for word in line.strip().strip("|").split("|"))


def _barred(lines: Sequence[str], name: str) -> pa.Table:
    """Every line between bars, the data too (fixed width of astropy, Markdown): no IPAC table."""
    cells = [
        [word.strip() for word in line.strip().removeprefix("|").removesuffix("|").split("|")]
        for line in lines
        if line.strip(" |-+:=")
    ]
    wrong = next((i for i, row in enumerate(cells) if len(row) != len(cells[0])), 0)
    if wrong:
        raise IngestError(
            f"{name}: not a regular table: row {wrong} has {len(cells[wrong])} values between "
            f"bars, the header {len(cells[0])}; repair it"
        )
    return _from_rows(cells[0], cells[1:])


def _inside(line: str, places: Sequence[tuple[int, int]]) -> list[str]:
    return [line[start:end].strip("| ") for start, end in places]


def _not(null: str, value: str) -> str:
    return "" if null and value == null else value


def _cds(data: bytes, name: str) -> Columns:
    """A machine-readable table of a journal or of CDS:
    the description byte by byte and the data in one file.
    """
    from astropy.io import ascii as tables

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = tables.read(data.decode("utf-8", "replace"), format="mrt")
            columns = dict(_read_columns(table))
    except (ValueError, LookupError, TypeError, AttributeError, OSError) as error:
        raise IngestError(
            f"{name}: a description byte by byte, but no table with it ({brief(error)})"
        ) from error
    return pa.table(columns), {
        n: str(table[n].unit) for n in table.colnames if table[n].unit is not None
    }


def _read_columns(table: object) -> Iterator[tuple[str, pa.Array]]:
    import numpy as np

    for name in table.colnames:  # type: ignore[attr-defined]
        values = np.ma.asarray(table[name])  # type: ignore[index]
        yield name, pa.array(values.data.tolist(), mask=np.ma.getmaskarray(values))
