"""Tables written as text: CSV, TSV and ECSV, columns between blanks or at fixed places, IPAC, CDS; all text columns."""

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
STATED = re.compile(rb"(?i)\"?sep=(.)\"?[ \t,;]*")
BYTE_BY_BYTE = re.compile(rb"(?i)^byte-(by|per)-byte description of file", re.MULTILINE)
IPAC_LINES = 4  # names, types, units, nulls

Columns = tuple[pa.Table, dict[str, str]]


def text_table(data: bytes, name: str) -> Columns:
    """The table of a text in any of the forms above, and its units. Raises IngestError.

    Line ends may be LF, CR LF or CR; a byte order mark and a line ``sep=;`` are no data. Comments (#) before the
    header and after the last row are skipped; where the header itself stands behind a #, it is found there.
    """
    data = _with_plain_ends(data.removeprefix(b"\xef\xbb\xbf"))
    if data.startswith(b"# %ECSV"):
        return _ecsv(data, name)
    if BYTE_BY_BYTE.search(data):
        return _cds(data, name)
    separator = None
    if match := STATED.fullmatch(data.partition(b"\n")[0]):
        separator, data = match[1].decode("latin-1"), data.partition(b"\n")[2]
    if data.startswith((b"|", b"\\")):
        return _ipac(data, name)
    header, data = _header(data)
    lines = header + data.split(b"\n", 3)
    first = lines[0].decode("utf-8", "replace")
    separator = separator or max(SEPARATORS, key=first.count)
    if separator not in first and len(first.split()) > 1:
        return _between_blanks(b"\n".join([*header, data]), name)
    return _delimited([*header, *data.split(b"\n", 3 - len(header))], separator, name)


def yaml_units(lines: Sequence[str]) -> dict[str, str]:
    """Units in the YAML header that astropy writes to ECSV and Parquet. Raises OSError."""
    from astropy.table.meta import YamlParseError, get_header_from_yaml

    try:
        columns = get_header_from_yaml(lines)["datatype"]
        return {str(c["name"]): str(c["unit"]) for c in columns if c.get("unit") and not isinstance(c["unit"], list)}
    except (YamlParseError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise OSError(f"YAML header: {brief(error)}") from error


def _with_plain_ends(data: bytes) -> bytes:
    """Lines that end in LF, whatever they ended in."""
    data = data.replace(b"\r\n", b"\n")
    return data.replace(b"\r", b"\n") if b"\n" not in data.rstrip(b"\n") else data


def _header(data: bytes) -> tuple[list[bytes], bytes]:
    """The header where it stands behind a # (as numpy writes it), and the text without comments around it."""
    comment = b""
    while data[:1] in (b"#", b"\n"):
        line, _, data = data.partition(b"\n")
        comment = line.lstrip(b"# \t") if line.strip(b"# \t-") else comment
    first = data.partition(b"\n")[0]
    data = _without_last_comments(data, len(re.split(rb"[\s,;|]", first)))
    is_data = bool(first.strip()) and any(_is_number(word) for word in re.split(rb"[\s,;|]+", first.strip()))
    alike = len(re.split(rb"[\s,;|]+", comment.strip())) == len(re.split(rb"[\s,;|]+", first.strip()))
    return ([comment], data) if is_data and alike and comment else ([], data)


def _without_last_comments(data: bytes, n: int) -> bytes:
    """Without the lines at the end that begin with # and have fewer words than the ``n`` of a row."""
    while (last := data.rstrip().rpartition(b"\n"))[2].startswith(b"#") and len(re.split(rb"[\s,;|]", last[2])) < n:
        data = last[0]
    return data


def _is_number(word: bytes) -> bool:
    return re.fullmatch(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", word) is not None


def _delimited(lines: list[bytes], separator: str, name: str) -> Columns:
    """One header line; VizieR's line of units with its rule, and a rule alone, are no rows."""
    if len(lines) > 2 and RULE.fullmatch(lines[2].decode("utf-8", "replace")):
        units = [u.strip().strip('"') for u in lines[1].decode("utf-8", "replace").split(separator)]
        table = _text_columns(b"\n".join([lines[0], *lines[3:]]), separator, name)
        return table, {c: u for c, u in zip(table.column_names, units, strict=False) if u}
    if len(lines) > 1 and RULE.fullmatch(lines[1].decode("utf-8", "replace")):
        lines = [lines[0], *lines[2:]]
    return _text_columns(b"\n".join(lines), separator, name), {}


def _ecsv(data: bytes, name: str) -> Columns:
    """The units are those of the YAML header."""
    comments = []
    while data.startswith((b"#", b"\n")):
        line, _, data = data.partition(b"\n")
        comments.append(line.decode("utf-8", "replace"))
    try:
        units = yaml_units([line[2:] for line in comments if line.startswith("# ") and "%ECSV" not in line])
    except OSError as error:
        raise IngestError(f"{name}: damaged ECSV header ({brief(error)}); write the table again") from error
    stated = next((line for line in comments if re.match(r"# delimiter:", line)), "")
    return _text_columns(data, "," if "," in stated else " ", name), units


def _text_columns(data: bytes, separator: str, name: str) -> pa.Table:
    data = data.rstrip(b"\n") + b"\n"
    header = data.partition(b"\n")[0].decode("utf-8", "replace")
    if b'"' in data:
        _check_quotes(data, separator, header, name)
    try:
        names = next(csv.reader([header], delimiter=separator), [])
        table = arrow_csv.read_csv(
            io.BytesIO(data),
            arrow_csv.ReadOptions(use_threads=False),
            arrow_csv.ParseOptions(delimiter=separator, newlines_in_values=True),
            arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except (pa.ArrowException, csv.Error) as error:
        raise IngestError(f"{name}: not a regular table ({brief(error)}); mend or fetch it again") from error
    return table.rename_columns(unique([n.strip() for n in table.column_names]))


def _check_quotes(data: bytes, separator: str, header: str, name: str) -> None:
    """A quote that is never closed takes the next rows into its value, so that they vanish: IngestError, its line."""
    reader = csv.reader(io.StringIO(data.decode("utf-8", "replace"), newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        for row in reader:
            if reader.line_num > line and any("\n" in v and v.count(separator) >= header.count(separator) for v in row):
                raise csv.Error("a value in quotes takes whole rows in")
            line = reader.line_num + 1
    except csv.Error as error:
        said = brief(error) if "whole rows" in str(error) else "a quote is not closed, or not at the end of its value"
        raise IngestError(f"{name}: line {line}: {said}; close the quote or take it out") from error


def _between_blanks(data: bytes, name: str) -> Columns:
    """Columns between blanks, as many words in each line as in the first; else columns at fixed places."""
    lines = [line.expandtabs() for line in data.decode("utf-8", "replace").split("\n") if line.strip()]
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
            f"{name}: not a regular table: line {wrong} has {len(rows[wrong - 2])} values, the header names "
            f"{len(names)} columns; give CSV, or a rule of dashes below the header where blanks stand for NULL"
        )
    return _from_rows(names, [_cut(line, places) for line in lines[1:]]), {}


def _words(line: str) -> list[str]:
    """What stands between blanks; in quotes (R's write.table) blanks are part of it."""
    return [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', line)]


def _cut(line: str, places: Sequence[tuple[int, int]]) -> list[str]:
    """The values at their places; text between two places belongs to the nearer side's column before it."""
    ends = [*(start for start, _ in places[1:]), max(len(line), places[-1][1]) if places else 0]
    return [line[start:end].strip() for (start, _), end in zip(places, ends, strict=True)]


def _places(lines: Sequence[str]) -> list[tuple[int, int]]:
    """Runs of characters that are blank in no line, header and data together."""
    used = [False] * max(map(len, lines))
    for line in lines:
        for match in re.finditer(r"\S+", line):
            used[match.start() : match.end()] = [True] * (match.end() - match.start())
    return [(m.start(), m.end()) for m in re.finditer("x+", "".join("x" if u else " " for u in used))]


def _from_rows(names: Sequence[str], rows: Sequence[Sequence[str]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pa.Table.from_arrays([pa.array(c, pa.string()) for c in columns], unique(names))


def _ipac(data: bytes, name: str) -> Columns:
    """An IPAC table: names, types, units and null values between bars, the data at the places of the bars."""
    lines = [line for line in data.decode("utf-8", "replace").split("\n") if line.strip() and line[0] != "\\"]
    head = [line for line in lines if line.startswith("|")]
    bars = [i for i, c in enumerate(head[0]) if c == "|"] if head else []
    rows = lines[len(head) :]
    if len(bars) < 2 or len(head) > IPAC_LINES or any(line.startswith("|") for line in rows):
        raise IngestError(f"{name}: not a regular table: begins as an IPAC table and is none; fetch the file again")
    places = list(pairwise(bars))
    names, _, units, nulls = [*(_inside(line, places) for line in head), *[[""] * len(places)] * 4][:4]
    cells = [[_not(null, value) for null, value in zip(nulls, _inside(row, places), strict=True)] for row in rows]
    return _from_rows(names, cells), {n: u for n, u in zip(names, units, strict=True) if u}


def _inside(line: str, places: Sequence[tuple[int, int]]) -> list[str]:
    return [line[start:end].strip("| ") for start, end in places]


def _not(null: str, value: str) -> str:
    return "" if null and value == null else value


def _cds(data: bytes, name: str) -> Columns:
    """A machine-readable table of a journal or of CDS: the description byte by byte and the data in one file."""
    from astropy.io import ascii as tables

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = tables.read(data.decode("utf-8", "replace"), format="mrt")
            columns = dict(_read_columns(table))
    except (ValueError, LookupError, TypeError, AttributeError, OSError) as error:
        raise IngestError(f"{name}: a description byte by byte, but no table with it ({brief(error)})") from error
    return pa.table(columns), {n: str(table[n].unit) for n in table.colnames if table[n].unit is not None}


def _read_columns(table: object) -> Iterator[tuple[str, pa.Array]]:
    import numpy as np

    for name in table.colnames:  # type: ignore[attr-defined]
        values = np.ma.asarray(table[name])  # type: ignore[index]
        yield name, pa.array(values.data.tolist(), mask=np.ma.getmaskarray(values))
