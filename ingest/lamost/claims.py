"""Files that hold one spectrum: the same content under several names, or two releases, of which the newest is kept."""

import csv
import hashlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from obcat.files import publishing
from obcat.ingest.errors import Quarantined
from obcat.ingest.lamost.spectrum import content_of

__all__ = ["SUPERSEDED", "one_each", "settled", "write_pairs"]

SUPERSEDED = "superseded"
FILE_COLUMNS = (
    "sha256",
    "other_names",
)  # of a header row, what is of the file and not of its content

Row = dict[str, Any]


def settled(
    rows: list[Row], headers: pa.Table, find: Callable[[str], Path]
) -> dict[str, list[str]]:
    """Give every spectrum one file, the first by name of its newest release; ``find`` leads from ``path`` to the file.

    rows : raw.files; ``status``, ``reason``, ``detail`` are set, and ``sha256`` where a file is another's content,
        packed otherwise, to that of the other. Returns sha256 -> the paths that share its row, the owner first.
    """
    names: dict[str, list[str]] = {}
    claims: dict[str, dict[str, str]] = {}  # specid -> sha256 -> first path
    read = [row for row in rows if row["status"] != "quarantined"]
    for row in read:
        claims.setdefault(row["specid"], {}).setdefault(row["sha256"], row["path"])
    disputed = {specid: shas for specid, shas in claims.items() if len(shas) > 1}
    owners = _owners(disputed, headers, find)
    for row in read:
        sha = owners.get(row["sha256"], row["sha256"])
        if sha is None:
            row |= {"status": "quarantined", "reason": SUPERSEDED, "detail": ""}
            continue
        names.setdefault(sha, []).append(row["path"])
        row |= {"sha256": sha, "status": "ingested" if len(names[sha]) == 1 else "duplicate"}
    _tell(rows, headers, names)
    return names


def one_each(headers: pa.Table, names: dict[str, list[str]]) -> pa.Table:
    """One header a sha256 in ``names``, with its further names, by specid."""
    first: dict[str, int] = {}
    for i, sha in enumerate(headers["sha256"].to_pylist()):
        if sha in names:
            first.setdefault(sha, i)
    table = headers.take(pa.array(first.values(), pa.int64()))
    others = [" ".join(names[sha][1:]) or None for sha in first]
    i = table.schema.get_field_index("other_names")
    table = table.set_column(i, table.schema.field(i), pa.array(others, pa.string()))
    return table.take(
        pc.sort_indices(table, sort_keys=[("specid", "ascending"), ("sha256", "ascending")])
    )


def write_pairs(rows: Iterable[Row], path: Path) -> None:
    """``path`` (CSV): every file set aside, and the one kept in its place; no file where there is none."""
    aside = [row for row in rows if row["reason"] == SUPERSEDED]
    if not aside:
        path.unlink(missing_ok=True)
        return
    with publishing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("specid", "set_aside", "detail"))
        table.writerows((row["specid"], f"./{row['path']}", row["detail"]) for row in aside)


def _owners(
    disputed: dict[str, dict[str, str]], headers: pa.Table, find: Callable[[str], Path]
) -> dict[str, str | None]:
    """sha256 of a disputed spectrum -> that of the file whose row it shares; None if it is set aside."""
    wanted = pa.array([sha for shas in disputed.values() for sha in shas], pa.string())
    rows = {
        row["sha256"]: row
        for row in headers.filter(pc.is_in(headers["sha256"], wanted)).to_pylist()
    }
    owners: dict[str, str | None] = {}
    for shas in disputed.values():
        same = _same_content({sha: find(path) for sha, path in shas.items()}, rows)
        best = max(
            dict.fromkeys(same.values()), key=lambda sha: _age(rows[sha])
        )  # the first of equals
        owners |= {sha: owner if owner == best else None for sha, owner in same.items()}
    return owners


def _same_content(paths: dict[str, Path], rows: dict[str, Row]) -> dict[str, str]:
    """sha256 -> the first sha256 whose file has the same content; files whose headers differ are not opened."""
    first: dict[object, str] = {}
    heads = {sha: repr([v for k, v in rows[sha].items() if k not in FILE_COLUMNS]) for sha in paths}
    alike = [head for head in heads.values() if list(heads.values()).count(head) > 1]
    return {
        sha: first.setdefault(_digest(path, sha) if heads[sha] in alike else sha, sha)
        for sha, path in paths.items()
    }


def _digest(path: Path, otherwise: str) -> str:
    try:
        return hashlib.sha256(content_of(path)).hexdigest()
    except Quarantined:  # gone since it was read
        return otherwise


def _age(row: Row) -> tuple[list[int], list[int]]:
    """What orders releases: the numbers of DATA_V (none before DR3), then those of the pipeline."""
    return _numbers(row["data_v"]), _numbers(row["verspipe"])


def _numbers(text: str | None) -> list[int]:
    return [int(digits) for digits in re.findall(r"[0-9]{1,9}", text or "")]


def _tell(rows: list[Row], headers: pa.Table, names: dict[str, list[str]]) -> None:
    """Files set aside name the file kept in their place; what they said of themselves when they were read stays."""
    aside = [row for row in rows if row["reason"] == SUPERSEDED]
    if not aside:
        return
    owner = {row["specid"]: row for row in rows if row["status"] == "ingested"}
    releases = zip(headers["sha256"].to_pylist(), headers["data_v"].to_pylist(), strict=True)
    release = {sha: f"of {data_v or 'no release named'}" for sha, data_v in releases}
    for row in aside:
        kept = owner[row["specid"]]["sha256"]
        own = row["detail"].partition("; ")[0] or release[row["sha256"]]
        row["detail"] = f"{own}; kept: {names[kept][0]} {release[kept]}"
