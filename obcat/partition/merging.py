"""One catalog of the partitions: what their kernels made is copied, all else is made once more.

The steps of a build without a kernel are narrow SQL: they run here on the whole survey, so that the
limits, ranks and names they give are those of an ordinary build. Rows that a kernel made are taken
from the partition that owns their star. Then the catalog of each partition is compared with this.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.compute as pc

from obcat import db
from obcat.build.fitting import fingerprint
from obcat.build.run import Say, Step, publish, read_inputs, run_step
from obcat.db import qualified
from obcat.machine import LEAST, Share, chosen, parsed
from obcat.partition import (
    PILOT,
    UNBUILT,
    PartitionFailed,
    Plan,
    check_built,
    database_of,
    home_of,
    lent,
    manifest_of,
    read_plan,
)
from obcat.schema import columns_of, quoted, read_tables
from obcat.survey import Survey

__all__ = ["merge"]

Arrays = dict[str, Any]


CHUNK = 2048  # spectra of a table with arrays that are put in order at a time, 64 MB
HERE = "55_training"  # few stars, of no partition: their kernels run here
COMPARED = ("sample.stars", "catalog.ob_stars")
FIRST = "meta.survey"  # the first step
NAMED = 5
LITTLE = sum(LEAST)  # bytes: what any build can do with on one thread
HANDED = LEAST[1] // 2  # and besides where a kernel is handed spectra here
OWNER, ATTACHED = 100, 2**20  # and for each spectrum's owner, each partition's database
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
    plan = read_plan(folder)
    given = lent(survey, folder, plan.names[0])
    read = read_inputs(given, folder)
    missing = _missing(survey, folder, plan, allow_missing=allow_missing)
    for name, why in missing.items():
        say(f"left out: partition {name}, {why}")
    built = [name for name in plan.names if name not in missing]
    _check_arithmetic(folder, built)
    mark = fingerprint(given, read)
    made = {**read, **({"partitions left out": ", ".join(missing)} if missing else {})}
    return publish(
        given,
        folder,
        made,
        f"{mark} without {', '.join(missing)}" if missing else mark,
        chosen(Share(memory, threads), survey.build),
        say=say,
        step=_step(plan, built, list(missing)),
        attach={_alias(name): database_of(folder, name) for name in built},
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


def _step(plan: Plan, built: list[str], missing: list[str]) -> Step:
    """In place of `run_step`: copies what kernels made of the sample's spectra."""

    little = LITTLE + OWNER * len(plan.owners) + ATTACHED * len(built)

    def step(
        con: duckdb.DuckDBPyConnection,
        file: db.SqlFile,
        folder: Path,
        models_from: Path | None,
        fitted: Arrays,
        say: Say,
    ) -> None:
        if file.relation == FIRST:
            con.register("given_owners", plan.owners)
            con.execute("CREATE TEMP TABLE owners AS FROM given_owners")
        here = file.path.parent.name == HERE
        with _little(con, little + HANDED * here) if _is_wide(file.relation) else nullcontext():
            if file.header("UDFs") and not here and not file.header("Fit"):
                _copy(con, file.relation, plan, built)
                return
            run_step(con, file, folder, models_from, fitted, say)
        if file.relation == COMPARED[0]:
            _leave_out(con, plan, missing)
        if file.relation in COMPARED:
            _compare(con, file.relation, built)

    return step


def _is_wide(table: str) -> bool:
    return table in read_tables() and any(c.size for c in columns_of(table))


@contextmanager
def _little(con: duckdb.DuckDBPyConnection, size: int) -> Iterator[None]:
    """So many bytes at most: spectra pass through in order, and more would be kept, not used."""
    ((memory, threads),) = con.execute(SETTINGS).fetchall()
    con.execute("SET threads = 1")
    con.execute(f"SET memory_limit = '{min(size, parsed(memory))}B'")
    yield
    con.execute("SET memory_limit = $memory", {"memory": memory})
    con.execute(f"SET threads = {int(threads)}")


def _copy(con: duckdb.DuckDBPyConnection, table: str, plan: Plan, built: list[str]) -> None:
    """The rows of owners, in the order of their key."""
    if not built:
        return
    key = read_tables()[table].key.split()[0]
    wide = _is_wide(table)
    rows = " UNION ALL ".join(_owned(table, key, name, wide=wide) for name in built)
    insert = f"INSERT INTO {qualified(table)} BY NAME {rows} ORDER BY {quoted(key)}"
    for within in _ranges(plan, key) if wide else [{}]:
        con.execute(insert, within or None)


def _owned(table: str, key: str, name: str, *, wide: bool) -> str:
    """The rows of a table whose star or spectrum the partition owns."""
    place = f"{quoted(_alias(name))}.{qualified(table)}"
    within = f" AND {quoted(key)} BETWEEN $first AND $last" if wide else ""
    own = f"SELECT {quoted(key)} FROM owners WHERE partition = '{name}'"
    return f"(SELECT * FROM {place} WHERE {quoted(key)} IN ({own}){within})"


def _ranges(plan: Plan, key: str) -> Iterator[dict[str, str]]:
    """The first and last of so many keys at a time, in order."""
    found = pc.unique(plan.owners[key].combine_chunks().drop_null())
    found = found.take(pc.sort_indices(found))
    for start in range(0, len(found), CHUNK):
        lot = found.slice(start, CHUNK)
        yield {"first": lot[0].as_py(), "last": lot[-1].as_py()}


def _leave_out(con: duckdb.DuckDBPyConnection, plan: Plan, missing: list[str]) -> None:
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


def _compare(con: duckdb.DuckDBPyConnection, table: str, built: list[str]) -> None:
    """PartitionFailed where a partition made another row of one of its own stars."""
    key = read_tables()[table].key
    for name in built:
        other = f"{_owned(table, key, name, wide=False)} EXCEPT SELECT * FROM {qualified(table)}"
        found = con.execute(f"SELECT {key} FROM ({other}) ORDER BY {key}").fetchall()
        if found:
            raise PartitionFailed(
                f"partition {name}: {len(found)} rows of {table} are not those of the whole "
                f"survey, the first {found[0][0]}; please report it"
            )
