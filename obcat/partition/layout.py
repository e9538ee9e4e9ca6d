"""Where partitions lie below the folder of a build, and the list of whose stars are whose.

``partitions/plan`` is the list, ``partitions/NAME/raw`` what a partition reads, in the form of
``obcat ingest``; ``partitions/NAME/obcat.duckdb`` what was built of it, and ``manifest.json`` of
what and by what. Each folder has its SHA256SUMS.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from obcat.build.fingerprint import fingerprint
from obcat.checksums import NoSums, digest, notes_of, read_sums
from obcat.errors import ObcatError
from obcat.files import NotOurs, check_ours
from obcat.survey import Survey

__all__ = [
    "KIND",
    "PILOT",
    "PLAN",
    "PartitionFailed",
    "Plan",
    "check_whole",
    "home_of",
    "lent",
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
