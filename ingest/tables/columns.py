"""The declared columns of a source, from those of a file: converted, checked, computed or null;
ids exact.
"""

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from obcat.ingest.errors import IngestError
from obcat.ingest.source import TEXT, Source
from obcat.ingest.tables import names, store
from obcat.ingest.tables.names import Match, recipe
from obcat.ingest.tables.read import Tabular
from obcat.ingest.tables.store import ROW
from obcat.schema import Column

__all__ = ["Declared", "cleaned", "declared", "integers", "named_spectra", "numbers", "quantity"]

NULLS = (
    "", "na", "<na>", "n/a", "#n/a", "null", "none", "nan", "-nan", "nat", "\\n", "...",
    "masked", "indef",
)  # fmt: skip
DASHES = r"^-+$"
CONTROL = r"\p{C}"
FORMULA = r"^[=+@\-\s]+"
WHOLE = r"^[+-]?[0-9]+$"
DECIMAL = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$|^[+-]?(?i:inf|infinity)$"
SEXAGESIMAL = (
    r"^[+-]?[0-9]{1,3}(\s*[:hHdD°]\s*|\s+)"
    r"[0-9]{1,2}((\s*[:mM'′]\s*|\s+)[0-9]{1,2}(\.[0-9]*)?\s*[sS\"″]?)$"
)
ANGLES = (
    "h:m:s", "d:m:s", "hms", "dms", "h m s", "d m s", "hh:mm:ss", "dd:mm:ss", "hourangle", "h",
    "deg", "",
)  # fmt: skip
PLANID = r"(?P<lmjd>[0-9]+)-(?P<planid>[A-Za-z0-9_+-]+)"
SPECID = re.compile(PLANID + r"-(?P<spid>[0-9]{1,2})-(?P<fiberid>[0-9]{1,3})")
FILENAME = re.compile(
    r"(?i)(.*[/\\])?(spec-)?" + PLANID + r"_sp(?P<spid>[0-9]{1,2})-(?P<fiberid>[0-9]{1,3})"
    r"(_[A-Za-z0-9]+)?(\.(fits|fit|fts))?(\.(gz|fz|bz2|xz|zst))?"
)
GAIA_NAME = r"^\s*Gaia E?DR[0-9] "
# the component number in the last bits of a source_id is 0: Gaia Collaboration 2018, source_id
GAIA_STEP = 128
MANTISSA = 52  # bits of a float64
MANY_IDS = 20
SPREADSHEET, DIGITS = 1000, 10**17  # a spreadsheet keeps 15 digits and writes zeros for the rest
CHANCE = 1e-9  # below which ids that end alike are no chance
LABEL_SOURCE, REGRESSED = (
    24,
    "regression",
)  # width of the published column; the word for labels learnt from spectra


class Declared(NamedTuple):
    """Declared columns with the number of every row; texts changed; ours -> how computed."""

    table: pa.Table
    text_changed: int
    computed: dict[str, str]


def declared(given: Tabular, source: Source, matches: Mapping[str, Match], file: str) -> Declared:
    """Declared columns in order and type. IngestError: one cannot be what it says."""
    table: dict[str, pa.ChunkedArray] = {}
    computed: dict[str, str] = {}
    changed = 0
    for column in source.columns:
        match = matches.get(column.column)
        if match is None:
            table[column.column], how = _absent(given, source, matches, column, file)
            computed |= {column.column: how} if how else {}
        elif column.type == "VARCHAR":
            table[column.column], n = _text(given, column, match, file)
            changed += n
        else:
            table[column.column] = _number(given, column, match, file)
    table[ROW] = pa.chunked_array([np.arange(given.table.num_rows)])
    result = pa.table(table)
    if {"ra", "dec"} <= matches.keys() and not any(
        _is_angle(given, matches[c]) for c in ("ra", "dec")
    ):
        store.check_degrees(result, f"{file}: ra, dec")
    return Declared(result, changed, computed)


def _text(given: Tabular, column: Column, match: Match, file: str) -> tuple[pa.ChunkedArray, int]:
    texts, changed = cleaned(given.table[match.theirs], _where(file, match.theirs))
    if column.column in ("specid", "fitsname"):
        return named_spectra(texts, column.column), changed
    return (
        (_short(texts, _where(file, match.theirs)), changed)
        if column.column == "label_source"
        else (texts, changed)
    )


def named_spectra(texts: pa.ChunkedArray, column: str) -> pa.ChunkedArray:
    """specid or fitsname as LAMOST writes it, from either, padded or not, folder or not."""
    return pa.chunked_array(
        [pa.array([v and _named_spectrum(v, column) for v in texts.to_pylist()], pa.string())]
    )


def _named_spectrum(value: str, column: str) -> str:
    match = FILENAME.fullmatch(value) or SPECID.fullmatch(value.removeprefix("spec-"))
    if match is None:
        return value
    lmjd, planid, spid, fiberid = (
        match["lmjd"],
        match["planid"],
        int(match["spid"]),
        int(match["fiberid"]),
    )
    if column == "specid":
        return f"{int(lmjd)}-{planid}-{spid:02d}-{fiberid:03d}"
    return f"spec-{int(lmjd)}-{planid}_sp{spid:02d}-{fiberid:03d}.fits"


def _short(texts: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    """Names of label tables in ASCII, as wide as the published column; two in one stop."""
    names = [n for n in pc.unique(texts).to_pylist() if n is not None]
    short = {name: _short_name(name) for name in names}
    if len(set(short.values())) < len(short):
        raise IngestError(
            f"{where}: names that are alike in their first {LABEL_SOURCE} letters; give "
            "shorter ones"
        )
    return pa.chunked_array([pa.array([short.get(v) for v in texts.to_pylist()], pa.string())])


def _short_name(name: str) -> str:
    """In plain ASCII, as FITS needs it: accents go, other letters become _."""
    parts = (c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    name = "".join(c if c.isascii() and c.isprintable() else "_" for c in parts).strip() or "labels"
    name = f"{name} table" if name == REGRESSED else name
    return name[:LABEL_SOURCE].rstrip()


def _number(given: Tabular, column: Column, match: Match, file: str) -> pa.ChunkedArray:
    where, values = _where(file, match.theirs), given.table[match.theirs]
    if column.type == "BIGINT":
        return integers(values, where)
    unit = _unit(given, match)
    if column.column in ("ra", "dec") and _is_sexagesimal(values):
        return store.wrapped(_from_sexagesimal(values, column.column, unit, where))
    read = _scaled(numbers(values, where), unit, column, where)
    if column.column not in ("ra", "dec"):
        store.check_values(column, read, bool(match.unit), where)
    return store.wrapped(read) if column.column == "ra" else read


def quantity(
    given: Tabular, source: Source, matches: Mapping[str, Match], name: str, file: str
) -> np.ndarray:
    """(n,) a column of numbers in its declared unit, NaN where there is none or a sentinel."""
    column, match = next(c for c in source.columns if c.column == name), matches.get(name)
    if match is None:
        return np.full(given.table.num_rows, source.defaults.get(name, np.nan))
    where = _where(file, match.theirs)
    read = numbers(given.table[match.theirs], where)
    values = _scaled(read, _unit(given, match), column, where).to_numpy()
    return np.where(np.isfinite(values) & ~store.is_sentinel(values, column), values, np.nan)


def _scaled(read: pa.ChunkedArray, unit: str, column: Column, where: str) -> pa.ChunkedArray:
    """In the declared unit; sentinels are no quantities and stay as they are."""
    scale = names.scale(unit, column.column, column.unit, where)
    if scale == names.Scale():
        return read
    missing = pa.array(store.is_sentinel(read.to_numpy(), column))
    plain = pc.power(10.0, read) if scale.is_log else read
    return pc.if_else(missing, read, pc.add(pc.multiply(plain, scale.factor), scale.shift))


def _is_sexagesimal(column: pa.ChunkedArray) -> bool:
    """Whether every value is an angle in three parts, or in two not parted by a blank."""
    if not pa.types.is_string(column.type):
        return False
    texts = _without_nulls(pc.utf8_trim_whitespace(column))
    return texts.null_count < len(texts) and bool(
        pc.all(pc.match_substring_regex(texts, SEXAGESIMAL)).as_py()
    )


def _from_sexagesimal(column: pa.ChunkedArray, name: str, unit: str, where: str) -> pa.ChunkedArray:
    """In degrees; RA in hours unless the file says degrees; minutes, seconds below 60."""
    text = unit.strip().strip('"').lower()
    if text not in ANGLES:
        raise IngestError(
            f"{where}: unit {unit!r} of an angle in three parts is not known; state [h:m:s] "
            "or [d:m:s]"
        )
    is_hours = name == "ra" and text not in ("d:m:s", "dms", "d m s", "dd:mm:ss", "deg")
    texts = _without_nulls(pc.utf8_trim_whitespace(column)).to_pylist()
    values = [None if v is None else _angle(v, where) * (15 if is_hours else 1) for v in texts]
    if is_hours and any(v is not None and abs(v) > 360 for v in values):
        raise IngestError(
            f"{where}: more than 24 hours; state the unit in the survey's TOML: [d:m:s]"
        )
    return pa.chunked_array([pa.array(values, pa.float64())])


def _angle(text: str, where: str) -> float:
    whole, minutes, seconds = (float(x) for x in re.findall(r"[0-9]+\.?[0-9]*", text))
    if minutes >= 60 or seconds > 60:
        raise IngestError(f"{where}: {text[:40]!r} is no angle; correct the file")
    return math.copysign(
        whole + minutes / 60 + seconds / 3600, -1.0 if text.startswith("-") else 1.0
    )


def _unit(given: Tabular, match: Match) -> str:
    return match.unit or given.units.get(match.theirs, "")


def _is_angle(given: Tabular, match: Match) -> bool:
    """Whether nobody need guess the unit of a position."""
    return bool(_unit(given, match)) or _is_sexagesimal(given.table[match.theirs])


def _where(file: str, column: str) -> str:
    return f"{file}: column {column!r}"


def _absent(
    given: Tabular, source: Source, matches: Mapping[str, Match], column: Column, file: str
) -> tuple[pa.ChunkedArray, str]:
    """A column the file does not have: computed (and from which), or its default, or null."""
    found = recipe(source.recipes.get(column.column, ()), given.table.column_names, file)
    if found is not None:
        one, inputs = found
        units_of = [unit for _, unit in one.inputs]
        values = one.function(
            *[_input(given, n, u, file) for n, u in zip(inputs, units_of, strict=True)]
        )
        return pa.chunked_array(values.chunks, column.arrow_type), f"from {', '.join(inputs)}"
    default: object = source.defaults.get(column.column)
    if column.column == "label_source":
        default = _short_name(file.partition(".")[0])
    nulls = pa.repeat(pa.scalar(default, column.arrow_type), given.table.num_rows)
    return pa.chunked_array([nulls]), "" if default is None else str(default)


def _input(given: Tabular, theirs: str, unit: str, file: str) -> pa.ChunkedArray:
    """A column that another is computed from, in ``unit`` unless ''; text stays text."""
    where = _where(file, theirs)
    if unit == TEXT:
        return _plain(given.table[theirs])
    scale = names.factor(given.units.get(theirs, ""), unit, where) if unit else 1.0
    return pc.multiply(numbers(given.table[theirs], where), scale)


def numbers(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    """As float64; text that says NULL ('', NA, NULL, --, nan, …) is null, other text stops."""
    if _is_text(column.type):
        column = _numeric_text(column, DECIMAL, "a number", where)
    elif not (
        pa.types.is_integer(column.type)
        or pa.types.is_floating(column.type)
        or pa.types.is_decimal(column.type)
    ):
        raise IngestError(f"{where}: holds {column.type}, not numbers; name the right column")
    return column.cast(pa.float64(), safe=False)


def integers(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    """As int64, exact. An id that comes as a float, or as text with a point or an exponent, stops:
    it is rounded.

    So do ids that were floats, or in a spreadsheet, and were made integers again.
    """
    if pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        kind = "a float" if pa.types.is_floating(column.type) else "a number with a fraction"
        raise IngestError(
            f"{where}: an id must not be {kind} ({column.type}), its digits are lost; fetch it "
            "as integer"
        )
    if _is_text(column.type):
        named = pc.replace_substring_regex(column.cast(pa.string()), GAIA_NAME, "")
        column = _numeric_text(named, WHOLE, "an integer id", where)
    elif not pa.types.is_integer(column.type):
        raise IngestError(f"{where}: holds {column.type}, not integers; name the right column")
    try:
        ids = column.cast(pa.int64())
    except pa.ArrowInvalid as error:
        raise IngestError(
            f"{where}: holds an id that does not fit in 64 bits; fetch the file again"
        ) from error
    _check_rounded(np.unique(ids.drop_null().to_numpy()), where)
    return ids


def _check_rounded(ids: np.ndarray, where: str) -> None:
    """Raise IngestError for ids of Gaia that end as no ids do: a float64 keeps 53 of their bits, a
    sheet 15 digits.

    Every source_id is a multiple of 128, one in four a multiple of 512; after a float64 all are,
    from 2**61 on.
    """
    ids = ids[ids >= 2 ** (MANTISSA + 8)]
    steps = 2.0 ** (np.floor(np.log2(ids.astype(float))) - MANTISSA)
    told = steps > GAIA_STEP
    _check_ends(
        ids[told],
        steps[told].astype(int),
        GAIA_STEP,
        "a float (256, 512 or 1024 divides them)",
        where,
    )
    sheet = ids[ids >= DIGITS]
    _check_ends(
        sheet, np.full(sheet.shape, SPREADSHEET), 8, "a spreadsheet (they end in zeros)", where
    )


def _check_ends(ids: np.ndarray, steps: np.ndarray, common: int, what: str, where: str) -> None:
    """``common`` divides every id, so that a step divides one in step / common of them."""
    n, k = ids.size, int(np.sum(ids % steps == 0))
    share = float(np.mean(common / steps)) if n else 1.0
    if n >= MANY_IDS and k > n * share and _chance(n, k, share) < CHANCE:
        raise IngestError(
            f"{where}: {k} of {n} ids went through {what} and are the archive's no more; fetch "
            "it as integer"
        )


def _chance(n: int, k: int, share: float) -> float:
    """Upper bound (Chernoff) of the chance that k of n or more have what ``share`` of all have."""
    q = k / n
    rest = 0.0 if q == 1 else (1 - q) * math.log((1 - q) / (1 - share))
    return math.exp(-n * (q * math.log(q / share) + rest))


def cleaned(column: pa.ChunkedArray, where: str) -> tuple[pa.ChunkedArray, int]:
    """As text, and how many values were changed by more than blanks at the ends.

    Control characters go, and so do =, +, -, @ at the beginning (a spreadsheet would take the value
    for a formula). What says NULL is null.
    """
    if not _is_text(column.type) and not pa.types.is_integer(column.type):
        raise IngestError(f"{where}: holds {column.type}, not text; name the right column")
    given = pc.utf8_trim_whitespace(_plain(column))
    named = _without_nulls(pc.utf8_trim_whitespace(pc.replace_substring_regex(given, CONTROL, "")))
    clean = pc.replace_substring_regex(named, FORMULA, "")
    changed = pc.and_kleene(pc.not_equal(given, clean), pc.is_valid(named))
    return _without_nulls(clean), pc.sum(changed).as_py() or 0


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_null(kind)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string())


def _without_nulls(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """NULL where the text says so, in words of archives, R, Python or spreadsheets."""
    said = pc.or_(
        pc.is_in(pc.utf8_lower(column), pa.array(NULLS)), pc.match_substring_regex(column, DASHES)
    )
    return pc.if_else(said, None, column)


def _numeric_text(column: pa.ChunkedArray, pattern: str, what: str, where: str) -> pa.ChunkedArray:
    column = _without_nulls(pc.utf8_trim_whitespace(_plain(column)))
    wrong = pc.filter(column, pc.invert(pc.match_substring_regex(column, pattern)))
    if len(wrong):
        raise IngestError(
            f"{where}: {_shown(wrong)} is not {what} ({len(wrong)} such rows); correct the "
            f"file{_hint(wrong)}"
        )
    return pc.replace_substring_regex(column, r"^\+", "")


def _shown(wrong: pa.ChunkedArray) -> str:
    return repr(wrong[0].as_py()[:40])


def _hint(wrong: Sequence[pa.Scalar]) -> str:
    text = wrong[0].as_py()
    if re.fullmatch(r"[+-]?[0-9]+,[0-9]+", text):
        return ": a comma where a point is meant"
    return (
        ": angles in three parts go in ra and dec, all or none"
        if re.fullmatch(SEXAGESIMAL, text)
        else ""
    )
