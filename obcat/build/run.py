"""Raw Parquet -> obcat.duckdb: run sql/ in name order, fit what is to be fitted, check, publish."""

import re
import resource
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb
import pyarrow as pa
from duckdb.func import ARROW, SPECIAL

from obcat import db
from obcat.batch import batch_function
from obcat.build import inputs
from obcat.build.fitting import (
    REMEDY,
    Arrays,
    fingerprint,
    fingerprint_of,
    fit_file,
    lender_of,
    missing,
    provenance,
)
from obcat.errors import ObcatError
from obcat.files import clear_left, publishing
from obcat.machine import Limits, Share, chosen, in_threads, in_words, locked
from obcat.progress import working
from obcat.schema import quoted, read_parameters, read_tables
from obcat.survey import Survey
from obcat.udf import UDFS

__all__ = [
    "FIRST_STEP",
    "PIXELS",
    "BuildFailed",
    "Say",
    "build",
    "check",
    "override",
    "publish",
    "read_inputs",
    "require_training",
    "run_step",
    "without_pixels",
]

Say = Callable[[str], None]
Step = Callable[
    [duckdb.DuckDBPyConnection, db.SqlFile, Path, Path | None, dict[str, Arrays], Say], None
]
FIRST = 5  # faults of a check that are named
Taken = tuple[str, int | None, float, float]  # a row of meta.steps
MADE = "SELECT 1 FROM duckdb_functions() WHERE function_name = $name"


class BuildFailed(ObcatError):
    """A build cannot go on; one line that names what is wrong and what to do."""


def build(
    survey: Survey, folder: Path, *, say: Say, threads: int | None = None,
    memory: str | None = None, pixels: Path | None = None,
) -> bool:  # fmt: skip
    """Make ``folder/obcat.duckdb`` from ``folder/raw``; False if it was there already and nothing
    has changed.

    Raises BuildFailed where inputs or packages are missing, a check fails or another build is at
    work, StepFailed where a SQL file fails, MachineError where ``threads`` or ``memory`` cannot be.
    The old database stays as it is until the new one is whole. ``threads`` and ``memory`` (of the
    database engine, such as "2GB") change no byte of it; without them the survey's [build] holds,
    or what suits the machine. With ``pixels``, a new folder, those of the sample's spectra are
    written there (`inputs.Pixels`, by the name of their table), and are NULL in the database, whose
    tables have no comments then: it is to be merged.
    """
    limits = chosen(Share(memory, threads), survey.build)
    read = read_inputs(survey, folder)
    cut = inputs.cut_spectra(folder / "raw") if pixels else None
    step, mark = _beside(pixels, cut) if pixels else None, fingerprint(survey, read)
    less = ("spectra",) if cut else ()
    return publish(
        survey, folder, read, mark, limits, say=say, step=step, without=less, noted=not pixels
    )


def read_inputs(survey: Survey, folder: Path) -> dict[str, str]:
    """What `inputs.provenance` says of ``folder/raw``; BuildFailed where inputs or packages are
    missing.
    """
    if not (folder / "raw" / "files.parquet").is_file():
        raise BuildFailed(f"{folder / 'raw'}: nothing ingested here; run `obcat ingest` first")
    if not survey.models_from:
        require_training()
    for name in survey.tables:
        if not (folder / "raw" / f"{name}.parquet").is_file():
            raise BuildFailed(
                f"{folder / 'raw'}: no table {name} here; run `obcat ingest`, which says why"
            )
        if survey.tables[name].hats:
            _check_near(survey, name, folder / "raw")
    return inputs.provenance(folder / "raw")


def _check_near(survey: Survey, name: str, raw: Path) -> None:
    """BuildFailed where less of a HATS catalog was read than the survey now asks for."""
    read = inputs.near_of(raw / f"{name}.parquet")
    wanted, epoch = survey.number("match_radius"), survey.number("position_epoch")
    if read and (read["radius"] < wanted or read["epoch"] != epoch):
        raise BuildFailed(
            f"tables.{name}: rows were read within {read['radius']:g} arcsec of places at "
            f"{read['epoch']:g}, match_radius is {wanted:g}, position_epoch {epoch:g}; run "
            "`obcat ingest`"
        )


def publish(
    survey: Survey,
    folder: Path,
    read: Mapping[str, str],
    mark: str,
    limits: Limits,
    *,
    say: Say,
    step: Step | None = None,
    attach: Mapping[str, Path] = MappingProxyType({}),
    without: Collection[str] = (),
    noted: bool = True,
) -> bool:
    """Fill ``folder/obcat.duckdb`` under the fingerprint ``mark``; False if it is there already.

    ``step`` runs each file in place of `run_step`; it can read the databases ``attach``, by their
    names, and the inputs but for ``without``. Tables have no comments where they are not to be
    ``noted``. Raises as `build`.
    """
    final = folder / "obcat.duckdb"
    clear_left(folder)
    if fingerprint_of(final) == mark:
        return False
    with locked(folder), publishing(final) as partial:
        clear_left(folder / "models")
        if survey.models_from:
            say(f"models lent by the {lender_of(survey.models_from)}: none is learnt here")
        say(f"{in_threads(limits.threads)}, {in_words(limits.memory)} of memory for the database")
        with db.connect(partial, threads=limits.threads, memory_limit=f"{limits.memory}B") as con:
            for name, path in attach.items():
                con.execute(f"ATTACH $path AS {quoted(name)} (READ_ONLY)", {"path": str(path)})
            con.execute(
                "SET enable_external_access = false"
            )  # inputs are registered: no step reads a file by itself
            _fill(con, survey, folder, say, step or run_step, without)
            if noted:
                db.describe(con)
            db.insert(con, "meta.provenance", list(provenance(survey, read, mark).items()))
            faults = check(con, say)
            if faults:
                raise BuildFailed(
                    f"checks failed: {', '.join(faults)}; see sql/95_check; the old catalog "
                    "is untouched"
                )
            con.execute("CHECKPOINT obcat")
    return True


def require_training() -> None:
    """BuildFailed where a package is not installed without which no model can be trained."""
    if absent := missing():
        names = ", ".join(absent)
        raise BuildFailed(f"training the models needs {names}, not installed here: {REMEDY}")


def _fill(
    con: duckdb.DuckDBPyConnection,
    survey: Survey,
    folder: Path,
    say: Say,
    step: Step,
    without: Collection[str],
) -> None:
    con.execute("BEGIN")
    db.create_tables(con, noted=False)
    con.execute("COMMIT")
    fitted: dict[str, Arrays] = {}
    taken: list[Taken] = []
    with inputs.registered(con, survey, folder / "raw", without=without):
        for file in db.sql_files():
            if file.mode not in survey.build.modes and not _is_view(file):
                continue
            with _timed(con, file, say, taken):
                step(con, file, folder, survey.models_from, fitted, say)
                if file.relation == "meta.parameters":
                    override(con, survey.parameters)
    db.insert(con, "meta.steps", taken)


def _is_view(file: db.SqlFile) -> bool:
    """Of tables that are empty, where its mode is left out."""
    table = read_tables().get(file.relation)
    return table is not None and table.kind == "view"


ABSENT = re.compile(r"KeyError: ('\w+')")  # of the arrays of a model


def run_step(
    con: duckdb.DuckDBPyConnection,
    file: db.SqlFile,
    folder: Path,
    models_from: Path | None,
    fitted: dict[str, Arrays],
    say: Say,
) -> None:
    """Run a step: a fit, or the SQL that makes a relation with the UDFs its header names.

    ``folder`` keeps the fits, ``fitted`` has the arrays of the models so far and gets those of a
    fit, ``models_from`` is the build whose models are borrowed.
    """
    if file.header("Fit"):
        with _one_thread(con):
            used = _parameters_of(con, file.header("Parameters"))
            name, arrays = fit_file(con, file, used, folder / "models", models_from)
        fitted[name] = arrays
        for note in _notes(con, name):
            say(note)
        return
    for name in file.header("UDFs"):
        _register(con, name, fitted)
    try:
        db.run(con, file)
    except db.StepFailed as error:
        absent = ABSENT.search(str(error))
        if models_from and absent:
            raise db.StepFailed(
                f"models_from: {models_from}: its models have no {absent[1]}, which "
                f"sql/{file.name}.sql needs: another version of obcat made them; build it again"
            ) from error
        raise


PIXELS = ("raw.spectra", "spectra.normalised")  # tables with those of the sample
OF_PIXELS = re.compile(rf"\b({'|'.join(inputs.ARRAYS)})\b")
FIRST_STEP = "meta.survey"
ALTER = ("DROP NOT NULL", "TYPE FLOAT[]")  # of NULLs, which as an array would be as many zeros


def without_pixels(con: duckdb.DuckDBPyConnection) -> None:
    """Let the spectra of the sample be NULL."""
    for table in PIXELS:
        for name in inputs.ARRAYS:
            for what in ALTER:
                con.execute(f"ALTER TABLE {db.qualified(table)} ALTER {quoted(name)} {what}")


def _beside(pixels: Path, cut: inputs.Pixels | None) -> Step:
    """`run_step`, but pixels are written to the folder and read from it: a file is cheaper than a
    table, and no step asks for one spectrum alone. Those of the input ``cut`` stay where they are.
    """
    held: dict[str, inputs.Pixels] = {}

    def step(con: duckdb.DuckDBPyConnection, file: db.SqlFile, *given: Any) -> None:
        if file.relation == FIRST_STEP:
            without_pixels(con)
        udfs, of_files = file.header("UDFs"), file
        if file.header("Fit") or (OF_PIXELS.search(file.text) and not _is_view(file)):
            of_files = file.reading({name: quoted(name) for name in PIXELS})
            rows = max((UDFS[name].rows for name in udfs), default=inputs.BATCH)
            for name, table in held.items():
                con.register(name, replace(table, rows=rows))
        if file.relation not in PIXELS:
            run_step(con, of_files, *given)
            return
        _, _, fitted, _ = given
        for name in udfs:
            _register(con, name, fitted)
        here = cut if file.relation == PIXELS[0] else None
        held[file.relation] = here or _write_pixels(con, of_files, pixels / file.relation)
        con.register("given_names", held[file.relation].names)
        con.execute(f"INSERT INTO {db.qualified(file.relation)} BY NAME FROM given_names")
        con.unregister("given_names")

    return step


def _write_pixels(con: duckdb.DuckDBPyConnection, file: db.SqlFile, folder: Path) -> inputs.Pixels:
    """The rows of a table with pixels, these in ``folder``; all of it."""
    _, _, rows = file.text.partition(" BY NAME\n")
    folder.mkdir(parents=True)
    wide, names = list(inputs.ARRAYS), []
    try:
        with _one_thread(con):
            read = con.sql(rows).to_arrow_reader(inputs.BATCH)
            for batch in read:
                inputs.append_pixels(batch, folder)
                # a column of a batch of DuckDB's keeps it all, its pixels too; a copy does not
                names.append(pa.table(batch.drop_columns(wide).take(pa.array(range(len(batch))))))
    except (duckdb.Error, pa.ArrowException) as error:
        raise db.StepFailed(f"sql/{file.name}.sql: {error}") from error
    narrow = pa.concat_tables([read.schema.empty_table().drop_columns(wide), *names])
    return inputs.Pixels(narrow, partial(inputs.pixels_of, folder))


def _notes(con: duckdb.DuckDBPyConnection, model: str) -> list[str]:
    """What a reader must know of a model, in its own words."""
    found = con.execute("SELECT note FROM model.notes WHERE model = $model", {"model": model})
    return [note for (note,) in found.fetchall()]


def override(con: duckdb.DuckDBPyConnection, parameters: Mapping[str, int | float]) -> None:
    """Put a survey's parameters in place of ours; BuildFailed for one of another type or range."""
    for name, value in parameters.items():
        fault = read_parameters()[name].fault(value)
        if fault:
            raise BuildFailed(f"parameters.{name}: {fault}")
    if parameters:
        values = ", ".join(f"{quoted(name)} = ?" for name in parameters)
        con.execute(f"UPDATE meta.parameters SET {values}", list(parameters.values()))


@contextmanager
def _one_thread(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """A result that is streamed keeps the order of its rows only when one thread makes it."""
    threads = con.execute("SELECT current_setting('threads')").fetchall()[0][0]
    con.execute("SET threads = 1")
    yield
    con.execute(f"SET threads = {int(threads)}")


def _register(con: duckdb.DuckDBPyConnection, name: str, fitted: dict[str, Arrays]) -> None:
    """Make a UDF a function of SQL; one that an earlier step had is the same."""
    udf = UDFS[name]
    call = batch_function(udf, fitted, _parameters_of(con, udf.parameters))
    made = (udf.name, call, udf.types, udf.returns)
    try:
        con.create_function(*made, type=ARROW, null_handling=SPECIAL)
    except duckdb.Error:
        if not con.execute(MADE, {"name": name}).fetchall():
            raise


def _parameters_of(con: duckdb.DuckDBPyConnection, names: Sequence[str]) -> dict[str, Any]:
    """Those that are named: all of them take longer than most steps of a small survey."""
    if not names:
        return {}
    wanted = ", ".join(map(quoted, names))
    values = con.execute(f"SELECT {wanted} FROM meta.parameters").fetchall()[0]
    return dict(zip(names, values, strict=True))


@contextmanager
def _timed(
    con: duckdb.DuckDBPyConnection, file: db.SqlFile, say: Say, taken: list[Taken]
) -> Iterator[None]:
    """Say and record how long a step took, how many rows it made and the largest memory so far."""
    started = time.perf_counter()
    with working(file.name), ExitStack() as stack:
        stack.push(lambda _, error, __: error and error.add_note(f"step {file.name}"))
        yield
    seconds = time.perf_counter() - started
    table = read_tables().get(file.relation)
    counted = table is not None and table.kind == "table"
    rows = (
        con.execute(f"SELECT count(*) FROM {db.qualified(file.relation)}").fetchall()[0][0]
        if counted
        else None
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    taken.append((file.name, rows, seconds, peak))
    count = "" if rows is None else f"{rows:,} rows"
    say(f"{file.name:<38}{count:>16} {seconds:8.2f} s {peak:8.0f} MiB")


def check(con: duckdb.DuckDBPyConnection, say: Say) -> list[str]:
    """Run sql/95_check: every row returned is a fault.
    Returns the checks of level fail that found one.
    """
    failed = []
    for file in db.sql_files(db.CHECKS):
        faults = con.execute(file.text).fetchall()
        if faults:
            say(f"{file.header('Level')[0]}: {file.path.stem}: {_told(faults)}")
        if faults and file.header("Level") == ("fail",):
            failed.append(file.path.stem)
    return failed


def _told(faults: list[tuple[Any, ...]]) -> str:
    """How many there are, and the first of them: 'x' or 'x (y)' of rows (x, y)."""
    first = [
        str(row[0]) + (f" ({', '.join(map(str, row[1:]))})" if row[1:] else "")
        for row in faults[:FIRST]
    ]
    rows = "row" if len(faults) == 1 else "rows"
    more = ", ..." if len(faults) > FIRST else ""
    return f"{len(faults):,} {rows}: {', '.join(first)}{more}"
