"""Partitions: a survey cut into pixels that plain builds make, and their catalogs as one. Where
they lie below the folder of a build, and the list of whose stars are whose; and the build of
one, with the line that says of what.

``partitions/plan`` is the list, ``partitions/NAME/raw`` what a partition reads, in the form of
``obcat ingest`` but for pixels; ``partitions/NAME/built`` what was built of it: ``obcat.duckdb``,
pixels of ``spectra.normalised``, ``manifest.json`` of what and by what. What is read has its sums,
what was built its SHA-256 in the manifest. ``failed.json`` says why one could not be built.
"""

import hashlib
import json
import os
import shutil
import socket
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from obcat import db
from obcat.build.fitting import fingerprint
from obcat.build.inputs import provenance
from obcat.build.run import PIXELS, Say, build
from obcat.checksums import NoSums, digest, notes_of, read_sums
from obcat.errors import ObcatError
from obcat.files import BEFORE, NotOurs, check_ours, clear_left, switch, sync, working
from obcat.kernels.grid import N_PIXEL
from obcat.machine import LEAST
from obcat.schema import columns_of, quoted, read_tables
from obcat.survey import Survey

__all__ = [
    "BUILT",
    "COMPARED",
    "DATABASE",
    "EACH",
    "FAILED",
    "KIND",
    "PILOT",
    "PLAN",
    "UNBUILT",
    "WIDE",
    "PartitionFailed",
    "Plan",
    "arithmetic",
    "build_partition",
    "check_built",
    "copied",
    "database_of",
    "enough",
    "home_of",
    "is_made",
    "lent",
    "manifest_of",
    "mark_of",
    "narrow",
    "of_plan",
    "plan_mark",
    "read_plan",
    "size_of",
    "sums_of",
]

KIND, PLAN = "partition", "partition-plan"
BUILT, DATABASE, FAILED = "built", "obcat.duckdb", "failed.json"
WIDE = PIXELS[1]  # what a kernel makes of them: in a folder of that name beside the database
PILOT = "pilot"  # the partition that models are learnt from, where a survey borrows none
REMEDY = "remove that folder and run `obcat partition` again"


class PartitionFailed(ObcatError):
    """A partition cannot be made, built or merged; one line that names it and what to do."""


class Plan(NamedTuple):
    """Partitions in order, with the spectra each owns; ``mark`` of what they were cut from."""

    mark: str
    sizes: dict[str, int]
    pilot: bool

    @property
    def names(self) -> list[str]:
        return list(self.sizes)

    def named(self, wanted: str) -> str:
        """A partition by its name, or by its place in the list from 0.
        Raises PartitionFailed where there is none.
        """
        every = [*self.names, *([PILOT] if self.pilot else [])]
        if wanted in every:
            return wanted
        if wanted.isdecimal() and int(wanted) < len(self.names):
            return self.names[int(wanted)]
        raise PartitionFailed(
            f"--partition {wanted}: no such partition; there are {len(self.names)}, "
            f"{self.names[0]} to {self.names[-1]}, or by number 0 to {len(self.names) - 1}"
        )


def home_of(folder: Path, name: str) -> Path:
    """The folder of a partition below that of its build."""
    return folder / "partitions" / name


def database_of(folder: Path, name: str) -> Path:
    """What was built of a partition."""
    return home_of(folder, name) / BUILT / DATABASE


def plan_mark(survey: Survey, read: dict[str, str], spectra: int) -> str:
    """SHA-256 of all that decides how a survey is cut; ``read`` as of a build."""
    text = f"{fingerprint(survey, read)} {spectra}"
    return hashlib.sha256(text.encode()).hexdigest()


def mark_of(raw: Path) -> str:
    """The mark of the plan that a folder was written for; '' where there is none."""
    try:
        return notes_of(raw).get("plan", "")
    except NoSums:
        return ""


def size_of(folder: Path) -> int:
    """The largest number of spectra that a survey was cut for; 0 where it is not cut."""
    try:
        return int(notes_of(home_of(folder, "plan")).get("spectra", "0"))
    except NoSums:
        return 0


def read_plan(folder: Path) -> Plan:
    """The list in ``folder/partitions/plan``, a line a partition. Raises as `of_plan`."""
    place, listed = home_of(folder, "plan"), of_plan(folder, "partitions.parquet")
    sizes = dict(zip(*(listed[name].to_pylist() for name in ("partition", "spectra")), strict=True))
    return Plan(mark_of(place), sizes, notes_of(place).get("pilot") == "yes")


def of_plan(folder: Path, name: str) -> pa.Table:
    """A table of the plan: specid, star_id, partition of all spectra; or, far smaller, partitions.
    Raises PartitionFailed where there is no plan, or the table is damaged.
    """
    place = home_of(folder, "plan")
    if not mark_of(place):
        raise PartitionFailed(f"{place}: no list of partitions; run `obcat partition` first")
    try:
        if not (place / name).is_file() or digest(place / name) != read_sums(place).get(name):
            raise NoSums(f"{place / name}: is gone, or is not as it was written")
    except NoSums as error:
        raise PartitionFailed(f"{error}; {REMEDY}") from error
    return pq.ParquetFile(place / name).read()


def _check_whole(folder: Path, kind: str) -> None:
    """PartitionFailed where a file of the folder is not as it was written, by its SHA-256."""
    try:
        gone = [name for name in read_sums(folder) if not (folder / name).is_file()]
        if gone:
            raise PartitionFailed(f"{folder / gone[0]}: is gone; {REMEDY}")
        check_ours(folder, kind)
    except (NotOurs, NoSums) as error:
        raise PartitionFailed(f"{str(error).partition(';')[0]}; {REMEDY}") from error


def lent(survey: Survey, folder: Path, name: str) -> Survey:
    """The survey as a partition is built: with models that are lent, without stars that train.

    Raises PartitionFailed where the pilot that lends them is not built.
    """
    if name == PILOT:
        return survey
    lender = survey.models_from or database_of(folder, PILOT)
    if not lender.is_file():
        raise PartitionFailed(
            f"{lender}: the models are learnt there first: `obcat build` with --partition {PILOT}"
        )
    return msgspec.structs.replace(survey, models_from=lender)


def sums_of(raw: Path) -> str:
    """SHA-256 of the checksums of what a partition reads."""
    return digest(raw / "SHA256SUMS")


MANIFEST = "manifest.json"
UNBUILT = "not built"


def build_partition(
    survey: Survey, folder: Path, name: str, *, say: Say, threads: int | None = None,
    memory: str | None = None,
) -> bool:  # fmt: skip
    """Build the partition ``name`` of the survey in ``folder``; False where it is built already.

    Killed at any moment, the next run makes it. Several may build the same one at a time, on one
    machine or on several: the first that ends has made it. Raises PartitionFailed where what it
    reads, or what was built of it, is damaged or of another plan; else as `obcat.build.run.build`.
    """
    plan = read_plan(folder)
    home = home_of(folder, name)
    given = lent(survey, folder, name)
    if mark_of(home / "raw") != plan.mark:
        raise PartitionFailed(f"{home / 'raw'}: of another plan; run `obcat partition` again")
    mark = _mark(survey, folder, name)
    clear_left(home)
    if _is_built(home, mark):
        _check_sum(home)
        return False
    _check_whole(home / "raw", KIND)
    with working(home / f"{socket.gethostname()}-{os.getpid()}") as work:
        before = os.times()
        pixels = work / "pixels" if name != PILOT else None
        own = _build_folder(home, work)
        build(given, own, say=say, threads=threads, memory=memory, pixels=pixels)
        spent = sum(os.times()[:4]) - sum(before[:4])
        if pixels and _is_narrow(survey, name):
            _keep_narrow(own / DATABASE, given)
            shutil.rmtree(pixels)
        made = _with_manifest(home, work, mark, round(spent, 1), plan.sizes.get(name, 0))
        first = _put(made, home, mark)
    (home / FAILED).unlink(missing_ok=True)
    return first


def _mark(survey: Survey, folder: Path, name: str) -> str:
    """What decides what is built of a partition, and what is kept of it."""
    read = provenance(home_of(folder, name) / "raw")
    mark = fingerprint(lent(survey, folder, name), read)
    return f"{mark} without spectra" if _is_narrow(survey, name) else mark


def _is_narrow(survey: Survey, name: str) -> bool:
    """The pilot lends its models: it stays as it is built."""
    return name != PILOT and not survey.engine.keep_spectra


HERE = "55_training"  # few stars, of no partition: their kernels run where it is merged
COMPARED = ("sample.stars", "catalog.ob_stars")


def copied(file: db.SqlFile) -> bool:
    """Whether a step is taken from partitions: what kernels made of the sample's spectra."""
    fit, here = file.header("Fit"), file.path.parent.name == HERE
    return bool(file.header("UDFs")) and not here and not fit


def narrow(table: str) -> list[str]:
    """The columns of a table that are no pixels of spectra."""
    return [c.column for c in columns_of(table) if c.size != N_PIXEL]


NARROW = sum(LEAST)  # bytes of the engine: rows pass through in order
EACH, JOINED = 400, 1600  # for each spectrum: keys, owner, in memory only; rows joined and sorted


def enough(spectra: int) -> int:
    """Bytes that narrow steps of so many spectra need; with more they are no faster."""
    return NARROW + (EACH + JOINED) * spectra


def _keep_narrow(database: Path, survey: Survey) -> None:
    """Keep what is taken from a partition, pixels left out: 6 kB a spectrum and not 57."""
    steps = [f for f in db.sql_files() if copied(f) and f.mode in survey.build.modes]
    less = database.with_name("narrow.duckdb")
    with db.connect(less, threads=1, memory_limit=f"{NARROW}B") as con:
        con.execute("ATTACH $path AS whole (READ_ONLY)", {"path": str(database)})
        for table in dict.fromkeys([*(f.relation for f in steps), *COMPARED]):
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(table.partition('.')[0])}")
            columns, key = ", ".join(map(quoted, narrow(table))), read_tables()[table].key
            rows = f"SELECT {columns} FROM whole.{db.qualified(table)} ORDER BY {key}"
            con.execute(f"CREATE TABLE {db.qualified(table)} AS {rows}")
        con.execute("CHECKPOINT obcat")
    less.replace(database)


def _build_folder(home: Path, work: Path) -> Path:
    """The folder of a build of its own; what is read and the fits that are kept are of all."""
    (home / "models").mkdir(exist_ok=True)
    folder = work / "build"
    folder.mkdir()
    for name in ("raw", "models"):
        (folder / name).symlink_to((home / name).absolute())
    return folder


def _with_manifest(home: Path, work: Path, mark: str, seconds: float, owned: int) -> Path:
    """What was built as a folder, with the line that says of what."""
    made = work / BUILT
    made.mkdir()
    database = (work / "build" / DATABASE).rename(made / DATABASE)
    if (work / "pixels").is_dir():
        (work / "pixels" / WIDE).rename(made / WIDE)
    line = {
        "partition": home.name,
        "inputs": sums_of(home / "raw"),
        "fingerprint": mark,
        "spectra": owned,
        "bytes": database.stat().st_size,
        "sha256": digest(database),
        "pixels": {f"{WIDE}/{path.name}": digest(path) for path in (made / WIDE).glob("*")},
        "cpu_s": seconds,
        "host": socket.gethostname(),
        "arithmetic": arithmetic(),
    }
    (made / MANIFEST).write_text(json.dumps(line) + "\n", encoding="utf-8")
    return made


def arithmetic() -> str:
    """SHA-256 of sums and functions whose last bits hang on the kind of processor, and on the
    kernels of numpy that are chosen for it (OPENBLAS_CORETYPE).
    """
    row = np.arange(1.0, 513.0)
    wide = np.sin(row[:, None] * row)
    narrow = wide.astype(np.float32)
    made = (wide @ wide.T, narrow @ narrow.T, wide.T @ row, np.exp(narrow), np.log1p(wide**2))
    return hashlib.sha256(b"".join(part.tobytes() for part in made)).hexdigest()


def _put(made: Path, home: Path, mark: str) -> bool:
    """Whether it was put in its place: not where another has built the same in the meantime."""
    if _is_built(home, mark):
        return False
    for path in (*made.rglob("*"), made):
        sync(path)
    switch(made, home / BUILT, made.parent / BEFORE)
    sync(home)
    return True


def _is_built(home: Path, mark: str) -> bool:
    return manifest_of(home).get("fingerprint") == mark and (home / BUILT / DATABASE).is_file()


def manifest_of(home: Path) -> dict[str, Any]:
    """What the manifest of a partition says; nothing where there is none, or half of one."""
    try:
        said = json.loads((home / BUILT / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def check_built(survey: Survey, folder: Path, name: str, mark: str) -> str:
    """Why a partition cannot be merged, '' where it can: it is missing.

    Raises PartitionFailed where it is damaged, of another plan (``mark``), of other inputs or of
    other code.
    """
    home = home_of(folder, name)
    said = manifest_of(home)
    if not said or not (home / BUILT / DATABASE).is_file():
        return _why(home)
    if mark_of(home / "raw") != mark or said.get("inputs") != sums_of(home / "raw"):
        raise PartitionFailed(
            f"{home}: built of other inputs; `obcat build` with --partition {name} makes it anew"
        )
    if said.get("fingerprint") != _mark(survey, folder, name):
        raise PartitionFailed(
            f"{home}: built by other code, parameters or models; `obcat build` with --partition "
            f"{name} makes it anew"
        )
    _check_sum(home)
    return ""


def is_made(survey: Survey, folder: Path, name: str, mark: str) -> bool:
    """Whether a partition of the plan ``mark`` is built, by this code, of what it is to read."""
    home = home_of(folder, name)
    current = mark_of(home / "raw") == mark and (name == PILOT or _can_borrow(survey, folder))
    return current and _is_built(home, _mark(survey, folder, name))


def _can_borrow(survey: Survey, folder: Path) -> bool:
    return (survey.models_from or database_of(folder, PILOT)).is_file()


def _why(home: Path) -> str:
    """In words, why there is nothing built: it has failed, or nobody has tried."""
    try:
        said = json.loads((home / FAILED).read_text(encoding="utf-8"))
        return f"failed {said['step']}: {said['reason']}"
    except (OSError, ValueError, KeyError, TypeError):
        return UNBUILT


def _check_sum(home: Path) -> None:
    said = manifest_of(home)
    for name, sha in {DATABASE: said.get("sha256"), **said.get("pixels", {})}.items():
        path = home / BUILT / name
        if not path.is_file() or digest(path) != sha:
            raise PartitionFailed(
                f"{path}: damaged since it was built (SHA-256); remove it and build the "
                f"partition again: `obcat build` with --partition {home.name}"
            )
