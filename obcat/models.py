"""Models on disk and in the database:
a fit is kept under the hash of its rows, its parameters and the code.

The models of a build as one file, for spectra that are in no survey: arrays, parameters, and
what made them.

It is a safetensors file: reading one runs nothing. The checksum of arrays and facts stands in its
head, for a bit that is flipped would go unseen, and the shapes, for it makes a vector of a scalar.
One key of metadata keeps its bytes the same.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from obcat.checksums import SUMS, digest
from obcat.errors import ObcatError
from obcat.files import NotOurs, check_ours, publishing_folder
from obcat.fit import Fit

__all__ = [
    "SUFFIX",
    "DamagedModels",
    "arrays",
    "borrow",
    "load",
    "names",
    "read",
    "rows_hash",
    "save",
    "store",
    "write",
]

Arrays = Mapping[str, np.ndarray]


KIND = "fit"
MANIFEST = "manifest.json"


def rows_hash(batches: Iterable[pa.RecordBatch]) -> tuple[str, int]:
    """SHA-256 of a stream of rows, the same however it is cut into batches,
    and the number of rows.
    """
    digests: dict[tuple[str, int], hashlib._Hash] = {}
    n_rows = 0
    for batch in batches:
        n_rows += len(batch)
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            for i, part in enumerate(_parts(column)):
                digests.setdefault((name, i), hashlib.sha256(name.encode())).update(part)
    whole = "".join(digest.hexdigest() for _, digest in sorted(digests.items()))
    return hashlib.sha256(whole.encode()).hexdigest(), n_rows


def _parts(column: pa.Array) -> Iterable[bytes | memoryview]:
    """What is NULL, and the values; each of the two goes on from batch to batch."""
    yield np.ascontiguousarray(column.is_valid().to_numpy(zero_copy_only=False)).data
    if pa.types.is_fixed_size_list(column.type):
        yield np.ascontiguousarray(column.flatten().to_numpy(zero_copy_only=False)).data
    elif pa.types.is_string(column.type):
        yield "".join(f"{v or ''}\0" for v in column.to_pylist()).encode()
    else:
        yield np.ascontiguousarray(
            column.fill_null(pa.scalar(0).cast(column.type)).to_numpy(zero_copy_only=False)
        ).data


def save(folder: Path, name: str, key: str, fit: Fit) -> None:
    """Keep a fit in ``folder/<name>-<key>``; the folder appears whole or not at all."""
    from safetensors.numpy import save_file

    final = folder / f"{name}-{key[:16]}"
    _set_aside(final)
    with publishing_folder(final, KIND) as partial:
        arrays = {k: np.asarray(v, order="C") for k, v in fit.arrays.items()}
        save_file(arrays, partial / "arrays.safetensors")
        for table, rows in fit.tables.items():
            pq.write_table(rows, partial / f"{table}.parquet")
        manifest = {"key": key, "sha256": _sums(partial), "shapes": _shapes(arrays)}
        (partial / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _set_aside(kept: Path) -> None:
    """What stands in the place of a fit, and is none or is damaged, keeps its content,
    but not its name.
    """
    try:
        check_ours(kept, KIND)
    except NotOurs:
        names = (kept.with_name(f"{kept.name}.damaged-{n}") for n in count(1))
        kept.rename(next(name for name in names if not name.exists()))


def _sums(folder: Path) -> dict[str, str]:
    paths = sorted(p for p in folder.iterdir() if p.name not in (MANIFEST, SUMS))
    return {p.name: digest(p) for p in paths}


def load(folder: Path, name: str, key: str) -> Fit | None:
    """The fit kept under this key, or None where there is none or its bytes have changed."""
    from safetensors.numpy import load_file

    kept = folder / f"{name}-{key[:16]}"
    if not (kept / MANIFEST).is_file():
        return None
    try:
        manifest = json.loads((kept / MANIFEST).read_text(encoding="utf-8"))
    except ValueError:
        return None
    shapes = manifest.pop("shapes", None) if isinstance(manifest, dict) else None
    if manifest != {"key": key, "sha256": _sums(kept)}:
        return None
    arrays = load_file(kept / "arrays.safetensors")
    if shapes != _shapes(arrays):  # of an earlier version, which made a vector of a scalar
        return None
    tables = {path.stem: pq.ParquetFile(path).read() for path in sorted(kept.glob("*.parquet"))}
    return Fit(arrays=arrays, tables=tables)


def _shapes(arrays: Mapping[str, np.ndarray]) -> dict[str, list[int]]:
    return {name: list(values.shape) for name, values in sorted(arrays.items())}


def store(
    con: duckdb.DuckDBPyConnection, name: str, key: str, n_rows: int, origin: str, fit: Fit
) -> None:
    """Write a model's arrays and tables into the database."""
    from obcat import db

    db.insert(con, "model.fits", [(name, key, n_rows, origin)])
    arrays = [
        (name, array, values.dtype.str, list(values.shape), values.tobytes())
        for array, values in sorted(fit.arrays.items())
    ]
    db.insert(con, "model.arrays", arrays)
    for table, rows in sorted(fit.tables.items()):
        con.register("fit_rows", rows)
        con.execute(f"INSERT INTO model.{table} BY NAME SELECT * FROM fit_rows")
        con.unregister("fit_rows")


def borrow(path: Path, name: str) -> tuple[str, int, Fit] | None:
    """Key, number of training rows and arrays of a model in another survey's database;
    None if it has none.
    """
    stat = path.stat() if path.is_file() else None
    return _lent(path, stat and (stat.st_ino, stat.st_size, stat.st_mtime_ns)).get(name)


@lru_cache(maxsize=1)
def _lent(path: Path, _: tuple[int, ...] | None) -> dict[str, tuple[str, int, Fit]]:
    """All models of a database, some megabytes; a build asks for one after the other."""
    from obcat import db

    with db.connect(path, read_only=True) as con:
        fits = con.execute("SELECT model, key, n_rows FROM model.fits").fetchall()
        return {name: (key, n, Fit(arrays=arrays(con, name), tables={})) for name, key, n in fits}


def names(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The models whose arrays a database has, in order."""
    return [
        name
        for (name,) in con.execute(
            "SELECT DISTINCT model FROM model.arrays ORDER BY model"
        ).fetchall()
    ]


def arrays(con: duckdb.DuckDBPyConnection, model: str, *wanted: str) -> dict[str, np.ndarray]:
    """The arrays of a model in order of their names, all unless some are named;
    empty where there is no such model.
    """
    rows = con.execute(
        'SELECT "array", dtype, shape, data FROM model.arrays WHERE model = $model ORDER '
        'BY "array"',
        {"model": model},
    ).fetchall()
    return {
        name: np.frombuffer(data, dtype).reshape(shape)
        for name, dtype, shape, data in rows
        if not wanted or name in wanted
    }


SUFFIX = ".safetensors"
HEAD = "obcat"

Models = Mapping[str, Mapping[str, np.ndarray]]


class DamagedModels(ObcatError, ValueError):
    """The file is not what was written, or none of ours; one line."""


def write(path: Path, models: Models, facts: Mapping[str, Any]) -> None:
    """Write the arrays of every model, and the facts, which must be fit for JSON."""
    from safetensors.numpy import save  # save_file would let nobody else read it

    arrays = {
        f"{model}/{name}": np.asarray(a, order="C")
        for model in models
        for name, a in models[model].items()
    }
    head = {
        **facts,
        "sha256": _digest(arrays, facts),
        "shapes": {name: a.shape for name, a in arrays.items()},
    }
    path.write_bytes(save(arrays, {HEAD: json.dumps(head, sort_keys=True, allow_nan=False)}))


def read(path: Path) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, Any]]:
    """Model -> its arrays by name, and the facts. Raises DamagedModels."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            facts = json.loads((file.metadata() or {}).get(HEAD, "{}"))
            arrays = {
                name: file.get_tensor(name).reshape(shape)
                for name, shape in facts.pop("shapes", {}).items()
            }
    except (
        SafetensorError, OSError, ValueError, TypeError, LookupError, AttributeError,
        RecursionError,
    ) as error:  # fmt: skip
        reason = str(error).splitlines()[0]
        raise DamagedModels(f"{path.name}: cannot be read: {reason}") from error
    if facts.pop("sha256", None) != _digest(arrays, facts):
        raise DamagedModels(f"{path.name}: damaged, or not written by `obcat export`")
    models: dict[str, dict[str, np.ndarray]] = {}
    for key, array in arrays.items():
        model, _, name = key.partition("/")
        models.setdefault(model, {})[name] = array
    return models, facts


def _digest(arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> str:
    """SHA-256 of the facts, and of the arrays' names, types, shapes and values."""
    found = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name in sorted(arrays):
        a = np.asarray(arrays[name], order="C")
        found.update(f"{name} {a.dtype.str} {a.shape}\0".encode() + a.tobytes())
    return found.hexdigest()
