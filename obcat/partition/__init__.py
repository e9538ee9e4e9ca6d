"""Partitions: a survey cut into pixels that plain builds make, and their catalogs as one. Where
they lie below the folder of a build, and the list of whose stars are whose; and the build of
one, with the line that says of what.

``partitions/plan`` is the list, ``partitions/NAME/raw`` what a partition reads, in the form of
``obcat ingest``; ``partitions/NAME/obcat.duckdb`` what was built of it, and ``manifest.json`` of
what and by what. Each folder has its SHA256SUMS.
"""

import hashlib
import json
import os
import socket
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from obcat.build.fitting import fingerprint
from obcat.build.inputs import provenance
from obcat.build.run import Say, build
from obcat.checksums import NoSums, digest, notes_of, read_sums
from obcat.errors import ObcatError
from obcat.files import NotOurs, check_ours, publishing
from obcat.survey import Survey

__all__ = [
    "KIND",
    "PILOT",
    "PLAN",
    "PartitionFailed",
    "Plan",
    "build_partition",
    "check_built",
    "check_whole",
    "home_of",
    "lent",
    "manifest_of",
    "mark_of",
    "owned_by",
    "plan_mark",
    "read_plan",
    "size_of",
    "sums_of",
]

KIND, PLAN = "partition", "partition-plan"
PILOT = "pilot"  # the partition that models are learnt from, where a survey borrows none
REMEDY = "remove that folder and run `obcat partition` again"


class PartitionFailed(ObcatError):
    """A partition cannot be made, built or merged; one line that names it and what to do."""


class Plan(NamedTuple):
    """The partitions by name, in order; ``owners``: specid, star_id (NULL of a spectrum that is no
    star's), partition, by specid; ``mark`` of what they were cut from.
    """

    mark: str
    names: list[str]
    owners: pa.Table
    pilot: bool

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
    """The list in ``folder/partitions/plan``. Raises PartitionFailed where there is none, or it is
    damaged.
    """
    place = home_of(folder, "plan")
    if not mark_of(place):
        raise PartitionFailed(f"{place}: no list of partitions; run `obcat partition` first")
    check_whole(place, PLAN)
    owners = pq.read_table(place / "owners.parquet")
    names = pq.read_table(place / "partitions.parquet")
    pilot = notes_of(place).get("pilot") == "yes"
    return Plan(mark_of(place), names["partition"].to_pylist(), owners, pilot)


def check_whole(folder: Path, kind: str) -> None:
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
    lender = survey.models_from or home_of(folder, PILOT) / "obcat.duckdb"
    if not lender.is_file():
        raise PartitionFailed(
            f"{lender}: the models are learnt there first: `obcat build` with --partition {PILOT}"
        )
    return msgspec.structs.replace(survey, models_from=lender)


def owned_by(plan: Plan, name: str) -> int:
    """How many spectra a partition owns."""
    return plan.owners["partition"].to_pylist().count(name)


def sums_of(raw: Path) -> str:
    """SHA-256 of the checksums of what a partition reads."""
    return digest(raw / "SHA256SUMS")


MANIFEST = "manifest.json"
DATABASE = "obcat.duckdb"


def build_partition(
    survey: Survey,
    folder: Path,
    name: str,
    *,
    say: Say,
    threads: int | None = None,
    memory: str | None = None,
) -> bool:
    """Build the partition ``name`` of the survey in ``folder``; False where it is built already.

    Killed at any moment, the next run goes on. Raises PartitionFailed where what it reads, or what
    was built of it, is damaged or of another plan; else as `obcat.build.run.build`.
    """
    plan = read_plan(folder)
    home = home_of(folder, name)
    given = lent(survey, folder, name)
    if mark_of(home / "raw") != plan.mark:
        raise PartitionFailed(f"{home / 'raw'}: of another plan; run `obcat partition` again")
    mark = fingerprint(given, provenance(home / "raw"))
    said = manifest_of(home)
    if said.get("fingerprint") == mark and (home / DATABASE).is_file():
        _check_sum(home, said)
        return False
    check_whole(home / "raw", KIND)
    before = os.times()
    build(given, home, say=say, threads=threads, memory=memory)
    spent = sum(os.times()[:2]) - sum(before[:2])
    _write(home, name, mark, round(spent, 1), owned_by(plan, name))
    return True


def manifest_of(home: Path) -> dict[str, Any]:
    """What the manifest of a partition says; nothing where there is none, or half of one."""
    try:
        said = json.loads((home / MANIFEST).read_text(encoding="utf-8"))
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
    if not said or not (home / DATABASE).is_file():
        return "not built"
    if mark_of(home / "raw") != mark or said.get("inputs") != sums_of(home / "raw"):
        raise PartitionFailed(
            f"{home}: built of other inputs; `obcat build` with --partition {name} makes it anew"
        )
    if said.get("fingerprint") != fingerprint(lent(survey, folder, name), provenance(home / "raw")):
        raise PartitionFailed(
            f"{home}: built by other code, parameters or models; `obcat build` with --partition "
            f"{name} makes it anew"
        )
    _check_sum(home, said)
    return ""


def _check_sum(home: Path, said: dict[str, Any]) -> None:
    if said.get("sha256") != digest(home / DATABASE):
        raise PartitionFailed(
            f"{home / DATABASE}: damaged since it was built (SHA-256); remove it and build the "
            f"partition again: `obcat build` with --partition {home.name}"
        )


def _write(home: Path, name: str, mark: str, seconds: float, owned: int) -> None:
    """The line last: until it is there the partition is not done."""
    line = {
        "partition": name,
        "inputs": sums_of(home / "raw"),
        "fingerprint": mark,
        "spectra": owned,
        "bytes": (home / DATABASE).stat().st_size,
        "sha256": digest(home / DATABASE),
        "cpu_s": seconds,
        "host": socket.gethostname(),
    }
    with publishing(home / MANIFEST) as partial:
        partial.write_text(json.dumps(line) + "\n", encoding="utf-8")
