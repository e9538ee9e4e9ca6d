"""A fit is a SQL file too: its SELECT is the training sample;
the code that it hangs on is found by reading.

What decides a catalog, as one hash:
inputs, survey, SQL, code and the versions of the libraries.
"""

import ast
import hashlib
import importlib
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from importlib.metadata import version
from importlib.util import resolve_name
from itertools import accumulate, islice, pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from obcat import db, models
from obcat._version import __version__
from obcat.build import inputs
from obcat.db import SqlFile, StepFailed
from obcat.fit import Fit
from obcat.fit.parallax_globals import same_kind
from obcat.schema import SQL
from obcat.survey import Survey

__all__ = [
    "BORROWED",
    "LENT",
    "PACKAGES",
    "REMEDY",
    "TRAINING",
    "code_hash",
    "fingerprint",
    "fingerprint_of",
    "fit_file",
    "lender_of",
    "missing",
    "module_of",
    "provenance",
    "reached",
]

Arrays = dict[str, np.ndarray]


PACKAGE = Path(__file__).parents[1]
Module = tuple[str, Path]
# of a statement, where others stand
BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")


def code_hash(*modules: str) -> str:
    """SHA-256 of modules ('obcat.build.run') and of every module of the package that they reach."""
    digest = hashlib.sha256()
    for name, path in reached(*modules).items():
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def reached(*modules: str) -> dict[str, Path]:
    """Name -> file of the modules and of what they import, in a function or not; ordered by name.

    What is imported for its types alone does not count, nor does the face of the package, which
    imports what it shows and decides nothing. Raises ModuleNotFoundError where one of ``modules``
    is no module of the package.
    """
    found: dict[str, Path] = {}
    file = cache(_file)  # of this call: a file may be another in the next
    waiting = [module for name in modules for module in _chapters(name, file)]
    missing = set(modules) - {name for name, _ in waiting}
    if missing:
        raise ModuleNotFoundError(f"no module {min(missing)}")
    while waiting:
        name, path = waiting.pop()
        if name not in found:
            found[name] = path
            waiting += [m for imported in _imported(name, path) for m in _chapters(imported, file)]
    return dict(sorted(found.items()))


def _chapters(name: str, file: Callable[[str], Path | None]) -> list[Module]:
    """The module and the packages around it, which run before it; none of a name of no module."""
    if not name.startswith(f"{PACKAGE.name}."):
        return []
    chain = accumulate(name.split("."), "{}.{}".format)
    return [(dotted, path) for dotted in islice(chain, 1, None) if (path := file(dotted))]


def _file(name: str) -> Path | None:
    path = PACKAGE.joinpath(*name.split(".")[1:])
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)


def _imported(name: str, path: Path) -> tuple[str, ...]:
    """Names that the imports of a module may mean; some are functions of a module, not modules."""
    here = name if path.name == "__init__.py" else name.rpartition(".")[0]
    return _imports_in(path.read_text(encoding="utf-8"), here)


@cache
def _imports_in(text: str, here: str) -> tuple[str, ...]:
    """The same of a text in the package ``here``; to parse it takes long, and every build asks."""
    found: list[str] = []
    for node in _statements(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), here)
            found += (f"{source}.{alias.name}" for alias in node.names)
    return tuple(found)


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Every statement that runs; what stands below ``if TYPE_CHECKING`` does not."""
    for block in BLOCKS:
        for node in getattr(tree, block, ()):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                continue
            yield node
            yield from _statements(node)


NEEDED = ("pca", "luminosity")  # without which no spectrum gets a magnitude
BORROWED = ("pca", "labels", "joined_labels", "luminosity", "domain", "noise")
# of best mode: a lender that left best mode out has none, and then they are fitted here
LENT = (
    "rv_spread", "lines", "dust", "templates", "velocity_errors", "sky", "faults", "posterior",
)  # fmt: skip
TRAINING = (
    "torch",
    "lightgbm",
    "emcee",
)  # the extra build; not needed with models of another build
REMEDY = 'pip install "obcat[build]", or use the models of another build: models_from'

BATCH = 2048  # rows that are read at once; flux and ivar of them are 64 MB


def fit_file(
    con: duckdb.DuckDBPyConnection,
    file: SqlFile,
    parameters: dict[str, Any],
    kept_in: Path,
    models_from: Path | None,
) -> tuple[str, Arrays]:
    """Name and arrays of the model: fitted, taken from the cache,
    or borrowed from another survey's build.
    """
    name = file.path.stem.partition("fit_")[2]
    if models_from and name in (*BORROWED, *LENT):
        lent = _borrow(con, name, models_from)
        if lent is not None:
            return name, lent
    used = {p: parameters[p] for p in file.header("Parameters")}

    def read() -> pa.RecordBatchReader:
        return _rows(con, file)

    rows, n_rows = models.rows_hash(_ordered(read(), file))
    key = _key_of(rows, used, file.header("Fit")[0])
    kept = models.load(kept_in, name, key)
    fit = kept or _trained(file, read, SimpleNamespace(**used))
    if kept is None:
        models.save(kept_in, name, key, fit)
    models.store(con, name, key, n_rows, "cached" if kept else "fitted", fit)
    return name, dict(fit.arrays)


def _rows(con: duckdb.DuckDBPyConnection, file: SqlFile) -> pa.RecordBatchReader:
    """The training rows; with ``-- Spectra: table`` in the head of the file, with flux and ivar of
    their specid in that table.

    A join gives its rows in any order, and spectra are too wide to be sorted: they come from a
    plain scan, which keeps the order of its table, and the rows are put to them here.
    """
    rows, spectra = con.sql(file.text), file.header("Spectra")
    if not spectra:
        return rows.to_arrow_reader(BATCH)
    chosen = rows.to_arrow_table().combine_chunks()
    scan = con.sql(f"SELECT specid, flux, ivar FROM {spectra[0]}").to_arrow_reader(BATCH)
    schema = pa.schema([*chosen.schema, scan.schema.field("flux"), scan.schema.field("ivar")])
    return pa.RecordBatchReader.from_batches(schema, _with_spectra(chosen, scan))


def _with_spectra(chosen: pa.Table, scan: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """The rows chosen, each beside its spectrum, in the order of the spectra."""
    wanted = chosen["specid"].combine_chunks()
    for batch in scan:
        place = pc.index_in(batch["specid"], wanted)
        rows = chosen.take(place.drop_null()).combine_chunks()
        own = batch.filter(place.is_valid())
        for name in ("flux", "ivar"):
            rows = rows.append_column(name, own[name])
        yield from rows.to_batches()


def _key_of(rows: str, parameters: dict[str, Any], function: str) -> str:
    code = code_hash(module_of(function))
    return hashlib.sha256(
        json.dumps([rows, parameters, function, code], sort_keys=True).encode()
    ).hexdigest()


def module_of(function: str) -> str:
    """The module of a header ``-- Fit: pca.pca``."""
    return f"obcat.fit.{function.rpartition('.')[0]}"


def missing() -> list[str]:
    """Packages of TRAINING that are not installed."""
    return [name for name in TRAINING if importlib.util.find_spec(name) is None]


def _trained(file: SqlFile, *arguments: Any) -> Fit:
    """What the function of a fit answers; StepFailed where a package to train with is broken."""
    try:
        return _function_of(file)(*arguments)
    except ImportError as error:
        reason = str(error).partition("\n")[0]
        what = f"sql/{file.name}.sql: cannot import what trains the model ({reason})"
        raise StepFailed(f"{what}: {REMEDY}") from error


def _function_of(file: SqlFile) -> Any:
    function = file.header("Fit")[0]
    return getattr(importlib.import_module(module_of(function)), function.rpartition(".")[2])


def _borrow(con: duckdb.DuckDBPyConnection, name: str, source: Path) -> Arrays | None:
    """Arrays of the lender's model; None where it has none that it need not have."""
    try:
        found = models.borrow(source, name)
    except duckdb.Error as error:
        raise StepFailed(
            f"models_from: {source} has no models ({str(error).splitlines()[0]}); give another "
            "survey's obcat.duckdb"
        ) from error
    if found is None and name in LENT:
        return None
    if found is None:
        raise StepFailed(f"models_from: {source} has no model {name!r}; build that survey first")
    key, n_rows, fit = found
    # of a survey without a parallax no star trains: what it lends are scores and flags
    trained = n_rows == 0 or any(np.isfinite(array).any() for array in fit.arrays.values())
    if name in NEEDED and not trained:
        raise StepFailed(
            f"models_from: {source} was itself too small to train its model {name!r}: no magnitude "
            "can come of it; name the build of a larger survey"
        )
    if name == "posterior" and len(fit.arrays["w0"]) and not same_kind(fit.arrays):
        raise StepFailed(
            f"models_from: {source}: its model {name!r} is of another shape: another version of "
            'obcat made it; build it again, or leave best mode out: [build] modes = ["paper"]'
        )
    models.store(con, name, key, n_rows, "borrowed", Fit(arrays=fit.arrays, tables={}))
    return dict(fit.arrays)


def _ordered(batches: pa.RecordBatchReader, file: SqlFile) -> Iterator[pa.RecordBatch]:
    """Pass batches on; a fit whose rows come in no fixed order would differ from run to run,
    so it stops.
    """
    last: list[Any] = []
    for batch in batches:
        keys = last + batch.column(0).to_pylist()
        if any(b < a for a, b in pairwise(keys)):
            raise StepFailed(
                f"sql/{file.name}.sql: training rows are not ordered by their first column"
            )
        last = keys[-1:]
        yield batch


PACKAGES = ("duckdb", "numpy", "scipy", "pyarrow", "gaiadr3-zeropoint")


def fingerprint(survey: Survey, read: Mapping[str, str]) -> str:
    """SHA-256 over everything a catalog is made from; ``read`` is what `inputs.provenance` says."""
    digest = hashlib.sha256()
    settings = [survey.name, survey.simulated, survey.release, sorted(survey.parameters.items())]
    settings.append(sorted(survey.build.modes))
    digest.update(
        json.dumps(
            [settings, [version(p) for p in _packages(survey)], sys.version_info[:2]]
        ).encode()
    )
    digest.update(code_hash("obcat.build.run", *_fits()).encode())
    digest.update(inputs.content_hash(read).encode())
    if survey.models_from:
        digest.update((fingerprint_of(survey.models_from) or "").encode())
    layers = [path for kind in ("sql", "csv") for path in SQL.glob(f"[0-9][0-9]_*/*.{kind}")]
    for path in sorted([*layers, *SQL.glob("schema/*.csv")]):
        digest.update(path.relative_to(SQL).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _fits() -> list[str]:
    """The modules that the headers of sql/ name and a build imports by that name alone."""
    return sorted({module_of(name) for file in db.sql_files() for name in file.header("Fit")})


def fingerprint_of(path: Path) -> str | None:
    """The fingerprint written in a database;
    None where there is no database, or none that can be read.
    """
    return _provenance_in(path).get("fingerprint")


def _provenance_in(path: Path) -> dict[str, str]:
    """What a database says made it; nothing where none can be read."""
    stat = path.stat() if path.is_file() else None
    return _said_in(path, (stat.st_ino, stat.st_size, stat.st_mtime_ns)) if stat else {}


@lru_cache(maxsize=2)
def _said_in(path: Path, _: tuple[int, ...]) -> dict[str, str]:
    """The same of a file as it stands; a lender is asked often."""
    try:
        with db.connect(path, read_only=True) as con:
            return dict(con.execute("SELECT item, value FROM meta.provenance").fetchall())
    except duckdb.Error:
        return {}


def lender_of(path: Path) -> str:
    """In words, whose stars the models of a database learnt from: whether they exist, the survey,
    the fingerprint of its build."""
    said = _provenance_in(path)
    if "models_from" in said:
        return said["models_from"]
    kind = "SIMULATED survey" if said.get("simulated") == "yes" else "survey"
    return f"{kind} {said.get('survey', '')!r}, fingerprint {said.get('fingerprint', '')[:16]}"


def provenance(survey: Survey, read: Mapping[str, str], mark: str) -> dict[str, str]:
    """What meta.provenance records of a build."""
    lent = {"models_from": lender_of(survey.models_from)} if survey.models_from else {}
    return {
        "obcat": __version__,
        "fingerprint": mark,
        "survey": survey.name,
        "release": survey.release,
        "simulated": "yes" if survey.simulated else "no",
        **lent,
        **{f"version of {p}": version(p) for p in _packages(survey)},
        **{f"input {name}": value for name, value in read.items()},
    }


def _packages(survey: Survey) -> tuple[str, ...]:
    """What the numbers hang on; the packages that train only where no models of another build are
    used.
    """
    return PACKAGES if survey.models_from else (*PACKAGES, *TRAINING)
