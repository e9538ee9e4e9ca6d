"""One catalog of the partitions: what their kernels made is copied, all else is made once more.

The steps of a build without a kernel are narrow SQL: they run here on the whole survey, so that the
limits, ranks and names they give are those of an ordinary build. Rows that a kernel made are taken
from the partition that owns their star. Then the catalog of each partition is compared with this.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from obcat import db
from obcat.build.fitting import fingerprint
from obcat.build.inputs import ARRAYS, Pixels, pixels_of
from obcat.build.run import (
    FIRST_STEP,
    PIXELS,
    Say,
    Step,
    publish,
    read_inputs,
    run_step,
    without_pixels,
)
from obcat.db import qualified
from obcat.kernels.grid import N_PIXEL
from obcat.machine import LEAST, Share, chosen, parsed
from obcat.partition import (
    COMPARED,
    EACH,
    PILOT,
    UNBUILT,
    WIDE,
    PartitionFailed,
    Plan,
    check_built,
    copied,
    database_of,
    enough,
    home_of,
    lent,
    manifest_of,
    narrow,
    of_plan,
    read_plan,
)
from obcat.schema import columns_of, quoted, read_tables
from obcat.survey import Survey

__all__ = ["merge"]

Arrays = dict[str, Any]


CHUNK = 2**27  # bytes of a table with arrays that are put in order at a time, of full row groups:
GROUP = 2048  # rows, or what was written is written again to fill them
LOT = 32 * GROUP  # rows that are compared, and spectra whose pixels are looked for, at a time
NAMED = 5
LITTLE = sum(LEAST)  # bytes: what any build can do with on one thread
ATTACHED = 2**20  # and for each partition's database
SETTINGS = "SELECT current_setting('memory_limit'), current_setting('threads')"


def merge(
    survey: Survey,
    folder: Path,
    *,
    say: Say,
    allow_missing: bool = False,
    threads: int | None = None,
    memory: str | None = None,
) -> bool:
    """Make ``folder/obcat.duckdb`` of the partitions below it; False where nothing has changed.

    With ``allow_missing`` the stars of partitions that are not built are left out. Raises
    PartitionFailed where one is missing, damaged, of other inputs or of other code, or where one
    decided otherwise about a star than the whole survey does.
    """
    plan, owners = read_plan(folder), of_plan(folder, "owners.parquet")
    given = lent(survey, folder, plan.names[0])
    read = read_inputs(given, folder)
    missing = _missing(survey, folder, plan, allow_missing=allow_missing)
    for name, why in missing.items():
        say(f"left out: partition {name}, {why}")
    built = [name for name in plan.names if name not in missing]
    _check_arithmetic(folder, built)
    keep = survey.engine.keep_spectra
    left = {"partitions": ", ".join(missing), "spectra": "" if keep else "all pixels"}
    left = {what: which for what, which in left.items() if which}
    made = {**read, **{f"{what} left out": which for what, which in left.items()}}
    mark = fingerprint(given, read)
    most = enough(len(owners)) + ATTACHED * len(built)
    return publish(
        given,
        folder,
        made,
        f"{mark} without {', '.join(left.values())}" if left else mark,
        chosen(Share(memory, threads), survey.build, enough=most, least=most),
        say=say,
        step=_step(owners, built, list(missing), keep=keep),
        attach={_alias(name): database_of(folder, name) for name in built},
        without=() if keep else ("spectra",),
    )


def _alias(name: str) -> str:
    return f"partition {name}"


def _missing(survey: Survey, folder: Path, plan: Plan, *, allow_missing: bool) -> dict[str, str]:
    """Partitions that are not built, and why. Raises PartitionFailed where they may not be missing,
    and where one that is there cannot be used.
    """
    pilot = [PILOT] if plan.pilot else []
    every = {n: check_built(survey, folder, n, plan.mark) for n in [*pilot, *plan.names]}
    found = {name: why for name, why in every.items() if why}
    if found and not allow_missing:
        named = [n if why == UNBUILT else f"{n} ({why})" for n, why in list(found.items())[:NAMED]]
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        raise PartitionFailed(
            f"{folder / 'partitions'}: not built: {', '.join(named)}{more}; `obcat build` "
            "with --partition, or --allow-missing"
        )
    return found


def _check_arithmetic(folder: Path, built: list[str]) -> None:
    """PartitionFailed where two were built by processors that give other last digits."""
    kinds = {str(manifest_of(home_of(folder, name)).get("arithmetic")): name for name in built}
    if len(kinds) > 1:
        one, other = sorted(kinds.values())[:2]
        hosts = [manifest_of(home_of(folder, name)).get("host") for name in (one, other)]
        raise PartitionFailed(
            f"{folder / 'partitions'}: {one} (on {hosts[0]}) and {other} (on {hosts[1]}) were "
            "built by processors of two kinds, whose sums differ in the last digits; set "
            "OPENBLAS_CORETYPE=Haswell everywhere, and build again"
        )


def _step(owners: pa.Table, built: list[str], missing: list[str], *, keep: bool) -> Step:
    """In place of `run_step`: copies what kernels made of the sample's spectra; without pixels
    where these are not to be kept.
    """
    little = LITTLE + EACH * len(owners) + ATTACHED * len(built)

    def step(
        con: duckdb.DuckDBPyConnection,
        file: db.SqlFile,
        folder: Path,
        models_from: Path | None,
        fitted: Arrays,
        say: Say,
    ) -> None:
        if file.relation == FIRST_STEP:
            con.register("given_owners", owners)
            # in this order those of one partition are found without a look at all others
            con.execute("CREATE TEMP TABLE owners AS FROM given_owners ORDER BY partition, specid")
            if not keep:
                without_pixels(con)
        with _little(con, little) if _width(file.relation) else nullcontext():
            if copied(file):
                if keep and file.relation == WIDE:
                    _copy_pixels(con, owners, built, folder)
                else:
                    _copy(con, file.relation, owners, built, keep=keep)
                return
            if keep or file.relation != PIXELS[0]:
                run_step(con, file, folder, models_from, fitted, say)
            else:
                con.execute(NAMES)
        if file.relation == COMPARED[0]:
            _leave_out(con, missing)
        if file.relation in COMPARED:
            _compare(con, file.relation, owners, built)

    return step


NAMES = "INSERT INTO raw.spectra (specid, z) SELECT specid, z FROM raw.headers ORDER BY specid"


def _width(table: str, *, keep: bool = True) -> int:
    """Bytes of a row's arrays."""
    if table not in read_tables():
        return 0
    taken = [c for c in columns_of(table) if keep or c.size != N_PIXEL]
    return 8 * sum(c.size or 0 for c in taken)


@contextmanager
def _little(con: duckdb.DuckDBPyConnection, size: int) -> Iterator[None]:
    """So many bytes at most: spectra pass through in order, and more would be kept, not used."""
    ((memory, threads),) = con.execute(SETTINGS).fetchall()
    con.execute("SET threads = 1")
    con.execute(f"SET memory_limit = '{min(size, parsed(memory))}B'")
    yield
    con.execute("SET memory_limit = $memory", {"memory": memory})
    con.execute(f"SET threads = {int(threads)}")


def _copy(
    con: duckdb.DuckDBPyConnection, table: str, owners: pa.Table, built: list[str], *, keep: bool
) -> None:
    """The rows of owners, in the order of their key."""
    if not built:
        return
    key = read_tables()[table].key.split()[0]
    width = _width(table, keep=keep)
    columns = "*" if keep else ", ".join(map(quoted, narrow(table)))
    rows = " UNION ALL ".join(_owned(table, key, name, columns, bool(width)) for name in built)
    insert = f"INSERT INTO {qualified(table)} BY NAME {rows} ORDER BY {quoted(key)}"
    for within in _ranges(owners, key, max(1, CHUNK // width // GROUP) * GROUP) if width else [{}]:
        con.execute(insert, within or None)


def _copy_pixels(
    con: duckdb.DuckDBPyConnection, owners: pa.Table, built: list[str], folder: Path
) -> None:
    """As `_copy`, of the table whose pixels are in files beside the partitions' databases."""
    columns = ", ".join(map(quoted, narrow(WIDE)))
    found = [f"{columns}, {i} AS place, rowid AS row" for i in range(len(built))]
    each = zip(built, found, strict=True)
    rows = " UNION ALL ".join(_owned(WIDE, "specid", name, one, True) for name, one in each)
    folders = [database_of(folder, name).with_name(WIDE) for name in built]
    for within in _ranges(owners, "specid", LOT) if built else ():
        names = con.sql(f"{rows} ORDER BY specid", params=within).to_arrow_table()
        places = (names[name].to_numpy() for name in ("place", "row"))
        read = partial(_gathered, folders, *places)
        con.register("given_rows", Pixels(names.drop_columns(["place", "row"]), read))
        con.execute(f"INSERT INTO {qualified(WIDE)} BY NAME FROM given_rows")
        con.unregister("given_rows")


def _gathered(
    folders: list[Path], place: np.ndarray, row: np.ndarray, which: slice
) -> list[np.ndarray]:
    """(n, 3909) of each of ARRAYS, for rows that stand at ``row`` in files of ``place``."""
    place, row = place[which], row[which]
    found = [np.empty((len(row), N_PIXEL), np.float32) for _ in ARRAYS]
    for i in np.unique(place):
        at = np.flatnonzero(place == i)
        for made, read in zip(found, pixels_of(folders[i], row[at]), strict=True):
            made[at] = read
    return found


def _owned(table: str, key: str, name: str, columns: str = "*", within: bool = False) -> str:
    """The rows of a table whose star or spectrum the partition owns; of owners and of rows only
    those of a range are looked at.
    """
    place = f"{quoted(_alias(name))}.{qualified(table)}"
    limits = f" AND {quoted(key)} BETWEEN $first AND $last" if within else ""
    own = f"SELECT {quoted(key)} FROM owners WHERE partition = '{name}'{limits}"
    return f"(SELECT {columns} FROM {place} WHERE {quoted(key)} IN ({own}){limits})"


def _ranges(owners: pa.Table, key: str, most: int) -> Iterator[dict[str, str]]:
    """The first and last of so many keys at a time, in order."""
    found = pc.unique(owners[key].combine_chunks().drop_null())
    found = found.take(pc.sort_indices(found))
    for start in range(0, len(found), most):
        lot = found.slice(start, most)
        yield {"first": lot[0].as_py(), "last": lot[-1].as_py()}


def _leave_out(con: duckdb.DuckDBPyConnection, missing: list[str]) -> None:
    """The stars of partitions that are not there are no stars of the sample."""
    if not missing:
        return
    for table, declared in read_tables().items():
        names = {c.column for c in columns_of(table)}
        of_stars = table.startswith("sample.") and names & {"specid", "star_id"}
        if of_stars and declared.kind == "table":
            key = "specid" if "specid" in names and table != COMPARED[0] else "star_id"
            gone = f"SELECT {key} FROM owners WHERE list_contains($missing, partition)"
            con.execute(
                f"DELETE FROM {qualified(table)} WHERE {key} IN ({gone})", {"missing": missing}
            )


def _compare(
    con: duckdb.DuckDBPyConnection, table: str, owners: pa.Table, built: list[str]
) -> None:
    """PartitionFailed where a partition made another row of one of its own stars.

    A range of stars of all partitions at a time: for each partition by itself the whole table would
    be looked through.
    """
    key = read_tables()[table].key
    theirs = " UNION ALL ".join(_owned(table, key, name, within=True) for name in built)
    ours = f"SELECT * FROM {qualified(table)} WHERE {key} BETWEEN $first AND $last"
    for within in _ranges(owners, key, LOT) if built else ():
        query = f"SELECT {key} FROM (({theirs}) EXCEPT {ours}) ORDER BY {key}"
        found = con.execute(query, within).fetchall()
        if found:
            (first,) = found[0]
            owner = con.execute(f"SELECT partition FROM owners WHERE {key} = $1", [first])
            raise PartitionFailed(
                f"{len(found)} rows of {table} are not those of the whole survey, the first "
                f"{first} of partition {owner.fetchall()[0][0]}; please report it"
            )
