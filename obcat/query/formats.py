"""The answer to a query as a table for the eye, CSV, JSON, ECSV, VOTable, Parquet or FITS; and to
a program that shows it, TOPCAT or Aladin, by the protocol SAMP of the VO.
"""

import csv
import gzip
import io
import json
import math
import shutil
import unicodedata
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from obcat.errors import ObcatError
from obcat.files import publishing
from obcat.query.isolated import Bounds, asked

if TYPE_CHECKING:
    import pyarrow as pa

    from obcat.query.origin import Origin

__all__ = [
    "BINARY",
    "DESCRIBED",
    "ENDINGS",
    "FORMATS",
    "TEXT",
    "BadName",
    "NotSent",
    "as_csv",
    "as_json",
    "as_table",
    "form_of",
    "formulas",
    "printable",
    "send",
    "send_catalog",
    "text_of",
    "write",
]

TEXT = ("table", "csv", "json")
BINARY = ("parquet", "fits", "ecsv", "votable")
FORMATS = (*TEXT, *BINARY)
DESCRIBED = BINARY  # files that say what their columns are, and where they come from
CASELESS = ("fits", "votable")  # whose readers take v and V for the same name
ENDINGS = {
    ".table": "table",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".ecsv": "ecsv",
    ".fits": "fits",
    ".fits.gz": "fits",
    ".json": "json",
    ".parquet": "parquet",
    ".vot": "votable",
    ".votable": "votable",
}
# no letter, or one that moves, colours or reorders what a terminal shows
UNSHOWN = ("Cc", "Cf", "Cs", "Zl", "Zp")
# a sign and a number, or a position, is no formula
FORMULA = r"^\s*([=@]|[+-].*[^0-9 .:eE+-])"
SHOWN = 500  # rows of a table for the eye


class BadName(ValueError):
    """The name of a file tells no format, or another than was asked for; one line."""


def form_of(name: str, form: str | None) -> str:
    """The format of a file of this name. Raises BadName unless the name and ``form`` agree."""
    told = next((f for end, f in ENDINGS.items() if name.lower().endswith(end)), None)
    if told is None and form is None:
        raise BadName(f"{name}: no format has this ending; take {', '.join(ENDINGS)}")
    if told and form and told != form:
        raise BadName(f"{name}: the ending is that of {told}, and --format says {form}")
    return told or form or ""


def _check_names(table: "pa.Table", form: str) -> None:
    """Raises ValueError where a reader of the format would lose one of two columns."""
    names = [name.casefold() if form in CASELESS else name for name in table.column_names]
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice and form != "table":
        raise ValueError(
            f"two columns have the same name: {', '.join(twice)}; give one another with AS"
        )


def text_of(table: "pa.Table", form: str) -> str:
    """Raises ValueError where two columns have the same name, in formats that programs read."""
    _check_names(table, form)
    return {"table": as_table, "csv": as_csv, "json": as_json}[form](table)


def write(table: "pa.Table", form: str, path: Path, origin: "Origin | None" = None) -> None:
    """Write a file; it appears whole or not at all, packed where its name ends in .gz.

    ``origin`` tells what the columns are, and where they come from. Raises ValueError, in one line,
    where the format cannot hold a column; OSError.
    """
    _check_names(table, form)
    try:
        with publishing(path) as partial:
            packed = path.suffix.lower() == ".gz"
            whole = partial.with_suffix("") if packed else partial  # astropy packs by the name
            _write_part(table, form, whole, origin)
            if packed:
                _pack(whole, partial)
    except UnicodeEncodeError as error:
        raise ValueError(
            f"FITS holds ASCII text only, not {str(error.object)!r}; take parquet or csv"
        ) from error


def _write_part(table: "pa.Table", form: str, path: Path, origin: "Origin | None") -> None:
    if form in TEXT:
        path.write_text(text_of(table, form), encoding="utf-8")
    else:
        from obcat.query.origin import write_described

        write_described(table, form, path, origin)


def _pack(whole: Path, packed: Path) -> None:
    """Without a name and a time in it: the same answer gives the same bytes."""
    with (
        whole.open("rb") as read,
        packed.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as put,
    ):
        shutil.copyfileobj(read, put)


def formulas(table: "pa.Table") -> str | None:
    """What to say of text that a spreadsheet takes for a formula;
    it is left as it is in the catalog.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    found = [
        field.name
        for field, column in zip(table.schema, table.columns, strict=True)
        if pa.types.is_string(field.type)
        and pc.any(pc.match_substring_regex(column, FORMULA)).as_py()
    ]
    if not found:
        return None
    return f"{', '.join(found)}: text that a spreadsheet takes for a formula; import it as text"


def printable(text: str) -> str:
    r"""The text with what cannot be shown named, ESC as \x1b; lines and tabs stay."""
    if text.isprintable():
        return text
    return "".join(
        ascii(c)[1:-1] if c not in "\n\t" and unicodedata.category(c) in UNSHOWN else c
        for c in text
    )


def _rows_of(table: "pa.Table") -> Iterator[tuple[Any, ...]]:
    """Rows as Python values, block by block; integers of any size stay whole."""
    for batch in table.to_batches(4096):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def as_csv(table: "pa.Table") -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.column_names)
    writer.writerows([_in_words(v) for v in row] for row in _rows_of(table))
    return text.getvalue()


def _in_words(value: Any) -> Any:
    if isinstance(value, bytes):
        return _blob(value)
    return str(value).lower() if isinstance(value, bool) else value


def _blob(value: bytes) -> str:
    """As DuckDB writes it: what can be printed in ASCII, the rest as \\xNN."""
    return "".join(chr(b) if 32 <= b < 127 and b != 92 else f"\\x{b:02X}" for b in value)


def as_json(table: "pa.Table") -> str:
    """A list of objects, one a row; NaN and NULL are null."""
    lines = (
        json.dumps(
            dict(zip(table.column_names, map(_finite, row), strict=True)), default=_number_or_text
        )
        for row in _rows_of(table)
    )
    return "[" + ",\n ".join(lines) + "]\n"


def _finite(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite(v) for v in value]
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _number_or_text(value: Any) -> Any:
    """Sums of integers come as decimals without a fraction; what JSON has no word for is text."""
    from decimal import Decimal

    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return _blob(value) if isinstance(value, bytes) else str(value)


def as_table(table: "pa.Table") -> str:
    """Columns in line for the eye, numbers to the right, at most 500 rows;
    the last line says how many there are.
    """
    import pyarrow as pa
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False)
    for field in table.schema:
        number = (
            pa.types.is_integer(field.type)
            or pa.types.is_floating(field.type)
            or pa.types.is_decimal(field.type)
        )
        shown.add_column(
            Text(printable(field.name)), justify="right" if number else "left", no_wrap=True
        )
    for row in _rows_of(table.slice(0, SHOWN)):
        shown.add_row(*(Text(_shown_value(v)) for v in row))
    more = f", {SHOWN} shown" if table.num_rows > SHOWN else ""
    console = Console(file=io.StringIO(), width=100_000, color_system=None)
    console.print(shown)
    assert isinstance(console.file, io.StringIO)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    rows = "row" if table.num_rows == 1 else "rows"
    return "\n".join([*lines, f"({table.num_rows:,} {rows}{more})"]) + "\n"


def _shown_value(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.7g}" if isinstance(value, float) else printable(str(_in_words(value)))


LOAD = "table.load.votable"
SECONDS = 60  # that a program may take to load the table


class NotSent(ObcatError):
    """Nobody took the table; one line that says why."""


def send(database: Path, query: str, to: str, name: str, bounds: Bounds | None = None) -> list[str]:
    """Send the answer to a query, with units, UCDs and descriptions of its columns, to every
    program whose name holds ``to``, whatever its case; the names of those that took it.

    Raises NotSent where there is no hub (start TOPCAT or Aladin), no such program, or one that does
    not take the table; QueryRefused as a query does.
    """
    with _client() as client:
        wanted = _receivers(client, to)
        with TemporaryDirectory(prefix="obcat-") as folder:
            path = Path(folder).resolve() / "table.vot"
            with asked(database, query, "votable", bounds or Bounds(), out=path):
                pass
            for address in wanted:
                _call(client, address, path, name)
        return sorted(wanted.values())


def send_catalog(
    catalog: Any, to: str = "topcat", query: str = "", *, mode: str = "paper"
) -> list[str]:
    """Send the catalog of a mode, or the answer to a query, to a program by SAMP, with units, UCDs
    and descriptions; the names of the programs that took it.

    Raises obcat.query.formats.NotSent where no such program is running, QueryRefused as ``sql``.

    Examples
    --------
    >>> import obcat
    >>> cat = obcat.open("build/simulated")
    >>> cat.send("topcat", "FROM catalog.ob_stars WHERE uniqflag = 1")  # doctest: +SKIP
    ['topcat']
    """
    what = query or f"FROM {catalog._catalog(mode)} ORDER BY specid"
    return send(catalog.path, what, to, f"obcat {catalog.name}")


@contextmanager
def _client() -> Iterator[Any]:
    from pyvo.samp import SAMPHubError, SAMPIntegratedClient

    client = SAMPIntegratedClient(name="obcat", description="Catalogs of hot stars")
    try:
        client.connect()
    except (SAMPHubError, OSError) as error:
        raise NotSent("no SAMP hub is running: start TOPCAT or Aladin, and try again") from error
    try:
        yield client
    finally:
        client.disconnect()


def _receivers(client: Any, to: str) -> dict[str, str]:
    """Address -> name of the programs that load tables and are called so."""
    there = {
        a: client.get_metadata(a).get("samp.name", a) for a in client.get_subscribed_clients(LOAD)
    }
    wanted = {a: name for a, name in there.items() if to.casefold() in name.casefold()}
    if not wanted:
        known = ", ".join(sorted(there.values())) or "none"
        raise NotSent(f"no program {to!r} takes tables by SAMP now; there are: {known}")
    return wanted


def _call(client: Any, address: str, path: Path, name: str) -> None:
    from pyvo.samp import SAMPProxyError

    message = {"samp.mtype": LOAD,
               "samp.params": {"url": path.as_uri(), "table-id": name, "name": name}}  # fmt: skip
    try:
        answer = client.call_and_wait(address, message, str(SECONDS))
    except SAMPProxyError as error:
        raise NotSent(f"{client.get_metadata(address)['samp.name']}: {error}") from error
    if answer["samp.status"] != "samp.ok":
        why = answer.get("samp.error", {}).get("samp.errortxt", answer["samp.status"])
        raise NotSent(f"{client.get_metadata(address)['samp.name']}: {why}")
