"""Build one partition: the plain build of its folder, and the line that says of what."""

import json
import os
import socket
from pathlib import Path
from typing import Any

from obcat.build.fingerprint import fingerprint
from obcat.build.inputs import provenance
from obcat.build.run import Say, build
from obcat.checksums import digest
from obcat.files import publishing
from obcat.partition.layout import (
    KIND,
    PartitionFailed,
    check_whole,
    home_of,
    lent,
    mark_of,
    owned_by,
    read_plan,
    sums_of,
)
from obcat.survey import Survey

__all__ = ["build_partition", "check_built", "manifest_of"]

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
