"""CSV, TSV and ECSV, read as text columns."""

import csv as standard
import io
import re

import pyarrow as pa
import pyarrow.csv as arrow_csv

from obcat.ingest.errors import IngestError, brief

__all__ = ["csv", "ecsv"]

SEPARATORS = (",", "\t", ";", "|")
RULE = re.compile(rb"[-\t ,;|]*----[-\t ,;|]*")


def csv(data: bytes, name: str) -> tuple[pa.Table, dict[str, str]]:
    """A CSV or TSV text with one header line; leading # comments are skipped, as is VizieR's unit line with its rule.

    Every column is text. The separator is the one the header line has most of.
    """
    data = _skip_comments(data.removeprefix(b"\xef\xbb\xbf"))
    lines = data.split(b"\n", 3)
    header = lines[0].decode("utf-8", "replace").rstrip("\r")
    separator = max(SEPARATORS, key=header.count)
    if len(lines) > 2 and RULE.fullmatch(lines[2].rstrip(b"\r")):
        units = lines[1].decode("utf-8", "replace").rstrip("\r").split(separator)
        table = _text_columns(b"\n".join([lines[0], *lines[3:]]), separator, name)
        return table, {c: u.strip() for c, u in zip(table.column_names, units, strict=False) if u.strip()}
    return _text_columns(data, separator, name), {}


def ecsv(data: bytes, name: str) -> tuple[pa.Table, dict[str, str]]:
    """An ECSV text; the units are those of its YAML header."""
    from astropy.table.meta import YamlParseError, get_header_from_yaml

    lines = data[: len(data) - len(_skip_comments(data))].decode("utf-8", "replace").splitlines()
    try:
        header = get_header_from_yaml([line[2:] for line in lines if line.startswith("# ") and "%ECSV" not in line])
    except (YamlParseError, ValueError, KeyError, TypeError) as error:
        raise IngestError(f"{name}: damaged ECSV header ({brief(error)}); write the table again") from error
    units = {c["name"]: str(c["unit"]) for c in header["datatype"] if c.get("unit")}
    return _text_columns(_skip_comments(data), header.get("delimiter", " "), name), units


def _skip_comments(data: bytes) -> bytes:
    while data[:1] in (b"#", b"\n", b"\r"):
        data = data.partition(b"\n")[2] if data[:1] == b"#" else data.lstrip(b"\r\n")
    return data


def _text_columns(data: bytes, separator: str, name: str) -> pa.Table:
    header = data.partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r")
    names = next(standard.reader([header], delimiter=separator), [])
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(data.rstrip(b"\r\n") + b"\n"),
            arrow_csv.ReadOptions(use_threads=False),
            arrow_csv.ParseOptions(delimiter=separator, newlines_in_values=True),
            arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowException as error:
        raise IngestError(f"{name}: not a regular table ({brief(error)}); mend or fetch it again") from error
    return table.rename_columns([n.strip() for n in table.column_names])
