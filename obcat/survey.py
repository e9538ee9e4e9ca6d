"""A survey: the TOML file that says where its spectra and tables are,
and which parameters it overrides.
"""

import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from obcat.errors import ObcatError, printable
from obcat.machine import MachineError, Share, chosen
from obcat.schema import MODES, columns_of, nearest, read_parameters

__all__ = [
    "TABLES",
    "TRAINING",
    "Building",
    "Engine",
    "Spectra",
    "Survey",
    "SurveyError",
    "SurveyTable",
    "check_claim",
    "claim",
    "load",
]

TABLES = (
    "targets", "gaia_dr2", "gaia_dr3", "twomass", "xstps", "ps1", "apass", "labels",
    "zero_point", "training",
)  # fmt: skip
MATCHED = ("gaia_dr2", "gaia_dr3", "twomass", "xstps", "ps1", "apass")  # by position: may be HATS
TRAINING = "training"  # the table whose stars have spectra of their own
# parallax zero points by name, and the release of Gaia that each is for
ZERO_POINTS = {
    "constant": None,
    "leung_bovy_2019": "gaia_dr2",
    "zinn_2019": "gaia_dr2",
    "lindegren_2021": "gaia_dr3",
}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class SurveyError(ObcatError):
    """Stops a command; one line that names the survey file, the key and the remedy."""

    def __init__(self, text: str) -> None:
        super().__init__(printable(text))


class SurveyTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One input table: its file, and the names of its columns where they are not an archive's
    (ours -> theirs); of the table of training stars also the folder of their spectra. Where it is
    ``hats`` the path is the folder of a HATS catalog, of which what lies near a spectrum is read.
    """

    path: Path
    columns: dict[str, str] = {}
    spectra: Path | None = None
    hats: bool = False


class Building(Share, frozen=True, forbid_unknown_fields=True):
    """[build] of a survey file: a share of the machine, and the modes of the catalog."""

    modes: tuple[str, ...] = MODES


class Engine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[engine] of a survey file: where its partitions are built, of no meaning to what is built.

    ``spectra`` of a partition at most (0: the command's default), ``retries`` of one that fails,
    ``task_minutes`` after which one is started once more. Unless ``keep_spectra`` no database of
    partitions has pixels, and what a partition reads is removed when it is built.
    """

    address: str = ""
    spectra: Annotated[int, msgspec.Meta(ge=0)] = 0
    retries: Annotated[int, msgspec.Meta(ge=0)] = 2
    task_minutes: Annotated[float, msgspec.Meta(gt=0)] = 30.0
    keep_spectra: bool = True


class Spectra(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[spectra] of a survey file: what instrument they are of and where. Of a table also its
    columns (ours -> theirs), the medium of its wavelengths, the resolution of them all.
    """

    path: Path = Path("spectra")
    kind: Literal["lamost", "sdss", "desi", "table"] = "lamost"
    wavelengths: Literal["air", "vacuum"] | None = None
    columns: dict[str, str] = {}
    resolution: float | None = None


class Survey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A survey as its file gives it, every path absolute; ``tables`` has some of TABLES."""

    name: str
    simulated: bool = False
    release: str = ""
    spectra: Path = Path("spectra")
    reading: Spectra = Spectra()  # what a table [spectra] says, its path apart
    models_from: Path | None = None
    zero_point: str = ""  # one of ZERO_POINTS; empty: a table, Lindegren's for DR3, a constant
    tables: dict[str, SurveyTable] = {}
    parameters: dict[str, int | float] = {}
    build: Building = Building()  # but for its modes of no meaning to what is built
    engine: Engine = Engine()
    fetch: dict[str, Any] = {}  # read by obcat.ingest.fetch, of no meaning to a build

    def number(self, name: str) -> float:
        """A number of the method, as the survey has it."""
        return float(self.parameters.get(name, read_parameters()[name].value))


def load(path: Path, known_parameters: Iterable[str], *, there: bool = True) -> Survey:
    """Read a survey file. Every fault is a SurveyError of one line: missing or unreadable file,
    TOML syntax (with its line), a key, table, column or parameter that does not exist (with the
    nearest one that does), a value of another type, a spectra folder, table or model that is not
    there (unless ``there`` is False).
    """
    content = _read(path)
    _check_keys(content, frozenset(known_parameters), path)
    content = _with_folders(_with_spectra(content, path))
    survey = _convert(
        {k: v for k, v in content.items() if (k, v) != ("models_from", "")}, Survey, "", path
    )
    _check_values(survey, path)
    survey = _absolute(survey, path.absolute().parent)
    if there:
        try:
            _check_paths(survey, path)
        except OSError as error:  # a name too long
            raise SurveyError(
                f"{path}: {error.filename}: {error.strerror}; correct the path"
            ) from error
    return survey


MARK = ".survey"


def check_claim(folder: Path, path: Path, name: str) -> bool:
    """Whether a folder of builds is noted as that of the survey file ``path``.

    Raises SurveyError, one line, where it is that of another file, which is still there and still
    has this name: what was built of it stays.
    """
    mark = folder / MARK
    other = Path(mark.read_text(encoding="utf-8")) if mark.is_file() else None
    if other and other != path.resolve() and _name_in(other) == name:
        raise SurveyError(
            f"{path}: name: {folder} is of {other}, also called {name!r}; give this survey another "
            f"name, --build another folder, or remove {folder}"
        )
    return other == path.resolve()


def claim(folder: Path, path: Path, name: str) -> None:
    """Note in a folder of builds which survey file it is of; SurveyError as ``check_claim``."""
    if check_claim(folder, path, name):
        return
    try:
        (folder / MARK).write_text(str(path.resolve()), encoding="utf-8")
    except OSError as error:
        raise SurveyError(
            f"{folder / MARK}: {error.strerror}; free space or repair it, run again"
        ) from error


def _name_in(path: Path) -> str | None:
    """The name in a survey file, or nothing where it cannot be read."""
    try:
        name = tomllib.loads(path.read_text(encoding="utf-8")).get("name")
    except (OSError, ValueError):
        return None
    return name if isinstance(name, str) else None


def _with_spectra(content: dict[str, Any], path: Path) -> dict[str, Any]:
    """``spectra = "folder"`` as it is; of a table [spectra] the path in its place, the whole as
    ``reading``.
    """
    given = content.get("spectra")
    if not isinstance(given, dict):
        return content
    _known(given, Spectra.__struct_fields__, "key", "spectra.", path)
    found = _convert(given, Spectra, "spectra", path)
    told = [name for name in ("wavelengths", "columns", "resolution") if name in given]
    if found.kind == "table" and found.wavelengths is None:
        raise SurveyError(f'{path}: spectra.wavelengths: missing; say "vacuum" or "air"')
    if found.resolution is not None and not 0 < found.resolution < math.inf:
        raise SurveyError(f"{path}: spectra.resolution: {found.resolution} is no resolving power")
    if found.kind != "table" and told:
        raise SurveyError(f"{path}: spectra.{told[0]}: of kind table alone; leave it out")
    return content | {"spectra": str(found.path), "reading": given}


def _with_folders(content: dict[str, Any]) -> dict[str, Any]:
    """``hats = "folder"`` of a table as its path."""
    tables = {name: _table_of(table) for name, table in _section(content, "tables").items()}
    return content | ({"tables": tables} if tables else {})


def _table_of(table: Any) -> Any:
    if not isinstance(table, dict) or "hats" not in table:
        return table
    return table | {"path": table["hats"], "hats": True}


def _convert(value: object, kind: Any, where: str, path: Path) -> Any:
    try:
        return msgspec.convert(value, kind, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise SurveyError(f"{path}: {where + ': ' if where else ''}{error}") from error


def _path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str) and value and "\0" not in value:
        return Path(value)
    raise ValueError(f"Expected a path, got {value!r}")


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SurveyError(
            f"{path}: cannot be read ({error.strerror}); give a survey's TOML file"
        ) from error
    except UnicodeDecodeError as error:
        raise SurveyError(f"{path}: is not UTF-8 text; give a survey's TOML file") from error
    except tomllib.TOMLDecodeError as error:
        raise SurveyError(f"{path}: not TOML: {_with_line(str(error), path)}") from error
    except RecursionError as error:
        raise SurveyError(
            f"{path}: tables or lists in each other too deep; write it flat"
        ) from error
    except ValueError as error:  # of Python's own limits
        raise SurveyError(f"{path}: a number with too many digits ({error})") from error


def _with_line(error: str, path: Path) -> str:
    lines = path.read_text(encoding="utf-8-sig").rstrip().count("\n") + 1
    return error.replace("at end of document", f"at line {lines}, the end of the file")


def _check_keys(content: dict[str, Any], known_parameters: frozenset[str], path: Path) -> None:
    keys = [name for name in Survey.__struct_fields__ if name != "reading"]
    _known(content, keys, "key", "", path)
    tables, parameters = _section(content, "tables"), _section(content, "parameters")
    _known(_section(content, "build"), Building.__struct_fields__, "key", "build.", path)
    _known(_section(content, "engine"), Engine.__struct_fields__, "key", "engine.", path)
    _known(tables, TABLES, "table", "tables.", path)
    for name in tables:
        _check_table(tables, name, path)
    _known(parameters, known_parameters, "parameter", "parameters.", path)
    for name, value in parameters.items():
        _convert(value, int | float, f"parameters.{name}", path)


def _check_table(tables: Mapping[str, Any], name: str, path: Path) -> None:
    table = _section(tables, name)
    columns = _section(table, "columns")
    keys = {"path", "columns", *(["spectra"] if name == TRAINING else [])}
    _known(table, keys | ({"hats"} if name in MATCHED else set()), "key", f"tables.{name}.", path)
    if {"path", "hats"} <= table.keys():
        raise SurveyError(f"{path}: tables.{name}: has path and hats; give one of the two")
    if name == TRAINING and "spectra" not in table:
        raise SurveyError(
            f"{path}: tables.{name}.spectra: missing; name the folder of their spectra"
        )
    _known(
        columns,
        [c.column for c in columns_of(f"raw.{name}")],
        "column",
        f"tables.{name}.columns.",
        path,
    )
    for ours, theirs in columns.items():
        _convert(theirs, str, f"tables.{name}.columns.{ours}", path)
    _convert(_table_of(tables[name]), SurveyTable, f"tables.{name}", path)


def _section(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A table of the file, or nothing where the value is no table: its type is checked later."""
    value = content.get(key, {})
    return value if isinstance(value, dict) else {}


def _known(given: Iterable[str], known: Iterable[str], what: str, prefix: str, path: Path) -> None:
    known = sorted(known)
    for key in given:
        if key not in known:
            raise SurveyError(f"{path}: {prefix}{key}: no such {what}{nearest(key, known)}")


def _check_values(survey: Survey, path: Path) -> None:
    if not NAME.fullmatch(survey.name):
        raise SurveyError(
            f"{path}: name: {survey.name!r} is not a name; use letters, digits, _ and -"
        )
    if {"gaia_dr2", "gaia_dr3"} <= survey.tables.keys():
        raise SurveyError(
            f"{path}: tables.gaia_dr3: the survey has gaia_dr2 too; give one release, not both"
        )
    _check_zero_point(survey, path)
    try:
        chosen(survey.build)
    except MachineError as error:
        raise SurveyError(f"{path}: build.{error}") from error
    _known(survey.build.modes, MODES, "mode", "build.modes: ", path)
    if MODES[0] not in survey.build.modes:
        raise SurveyError(
            f"{path}: build.modes: best mode is built on {MODES[0]} mode; name that too"
        )
    for name, value in survey.parameters.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise SurveyError(f"{path}: parameters.{name}: {value} is not a finite number")
        fault = read_parameters()[name].fault(value)
        if fault:
            raise SurveyError(f"{path}: parameters.{name}: {fault}")


def _check_zero_point(survey: Survey, path: Path) -> None:
    name = survey.zero_point
    if not name:
        return
    _known([name], ZERO_POINTS, "zero point", "zero_point = ", path)
    if "zero_point" in survey.tables:
        raise SurveyError(
            f"{path}: zero_point: the survey has tables.zero_point too; give the name or the table"
        )
    release = ZERO_POINTS[name]
    other = {"gaia_dr2", "gaia_dr3"} - {release}
    if release and other & survey.tables.keys():
        raise SurveyError(
            f"{path}: zero_point: {name} is of {release}, the survey has {min(other)}; give another"
        )


def _absolute(survey: Survey, folder: Path) -> Survey:
    return msgspec.structs.replace(
        survey,
        spectra=folder / survey.spectra,
        models_from=folder / survey.models_from if survey.models_from else None,
        tables={name: _table_in(folder, table) for name, table in survey.tables.items()},
    )


def _table_in(folder: Path, table: SurveyTable) -> SurveyTable:
    spectra = folder / table.spectra if table.spectra else None
    return msgspec.structs.replace(table, path=folder / table.path, spectra=spectra)


def _check_paths(survey: Survey, path: Path) -> None:
    one_file = survey.reading.kind == "table" and survey.spectra.is_file()
    if not (one_file or survey.spectra.is_dir()):
        raise SurveyError(f"{path}: spectra: no folder {survey.spectra}")
    for name, table in survey.tables.items():
        if table.hats and not table.path.is_dir():
            raise SurveyError(f"{path}: tables.{name}.hats: no folder {table.path}")
        if not (table.hats or table.path.is_file()):
            raise SurveyError(f"{path}: tables.{name}.path: no file {table.path}")
        if table.spectra and not table.spectra.is_dir():
            raise SurveyError(f"{path}: tables.{name}.spectra: no folder {table.spectra}")
    if survey.models_from and not survey.models_from.exists():
        raise SurveyError(
            f"{path}: models_from: no file or folder {survey.models_from}; build that survey first"
        )
