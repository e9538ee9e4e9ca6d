"""What a partition reads is written in one pass over the survey, however many partitions; what they
made is compared with the whole by ranges.
"""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from obcat.files import publishing_folder
from obcat.ingest.lamost import parts
from obcat.kernels.grid import N_PIXEL
from obcat.partition import PLAN, PartitionFailed, cut, home_of, merging, of_plan, read_plan
from obcat.schema import arrow_schema

SIZES = {"first": 5000, "none": 0, "small": 3, "large": 9000, "last": 0}


@pytest.mark.parametrize("kept", [list(SIZES), ["none"], ["last", "small"]])
def test_each_partition_has_its_rows_in_order(kept):
    """Of more rows than are read at a time, of none, and where the first or the last has none."""
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA sample")
        con.execute(
            "CREATE TABLE sample.gaia_colours AS SELECT 's' || (i % 20000) AS star_id, "
            "if(i % 7 = 0, NULL, i / 3) AS colour_limit FROM range(40000) AS r(i)"
        )
        con.execute("CREATE TABLE readers (partition VARCHAR, star_id VARCHAR)")
        for i, (name, n) in enumerate(SIZES.items()):
            con.execute(
                f"INSERT INTO readers SELECT '{name}', 's' || (hash(i) % 20000) FROM "
                f"range({20_000 * i}, {20_000 * i + n}) AS r(i) GROUP BY ALL"
            )
        places = {name: Path(name) for name in kept}
        con.register("given_places", pa.table({"number": range(len(kept)), "partition": kept}))
        found = list(cut._of_each(con, "colour_limits", places))
        assert [place for place, _ in found] == list(places.values())
        for place, rows in found:
            stars = con.execute(
                "SELECT star_id, max(colour_limit) FROM sample.gaia_colours WHERE star_id IN "
                "(SELECT star_id FROM readers WHERE partition = $1) AND colour_limit IS NOT NULL "
                "GROUP BY star_id ORDER BY star_id",
                [str(place)],
            ).fetchall()
            assert rows.schema == arrow_schema("raw.colour_limits")
            assert [tuple(row.values()) for row in rows.to_pylist()] == stars


def test_a_part_that_no_partition_reads_is_left_alone(tmp_path):
    shas = [f"{i:08d}{0:056d}" for i in range(6)]
    parts.write_part(tmp_path, list("abcdef"), shas, *np.ones((2, 6, N_PIXEL), np.float32))
    (part,) = tmp_path.glob("part-*.parquet")
    wanted, known = np.array([shas[1], shas[4], "f" * 64], "S64"), {}
    some, others, none = (cut._sorted_heads(w) for w in (wanted, wanted[2:], wanted[:0]))
    for _ in range(2):  # the second time its names are known
        assert sum(table.num_rows for table in cut._tables(part, some, known)) == 6
        assert not list(cut._tables(part, others, known))
        assert not list(cut._tables(part, none, known))
        assert list(known) == [part]


def test_a_spectrum_goes_to_each_partition_that_reads_it():
    """One that two read twice, one that none reads not at all."""
    names = np.array([f"{i:064d}" for i in range(5)], "S64")
    wanted, owner = names[[0, 1, 1, 3]], np.array([2, 0, 2, 1])
    found = cut._rows_of(pa.table({"sha256": names[::-1].astype("U64")}), wanted, owner)
    assert [(i, rows.tolist()) for i, rows in found] == [(0, [3]), (1, [1]), (2, [3, 4])]
    nothing = pa.table({"sha256": names[[2, 4]].astype("U64")})
    assert cut._rows_of(nothing, wanted, owner) == []


@pytest.mark.parametrize("star", ["s0", "s4", "s9"])
def test_a_row_that_a_partition_made_otherwise_is_found(monkeypatch, star):
    """In any range of stars; what a partition made of a star of another is not asked."""
    monkeypatch.setattr(merging, "LOT", 4)
    table = "luminosity.good_parallax"
    rows = "SELECT 's' || i AS star_id, i * 1.5 AS parallax FROM range(10) AS r(i)"
    owners = pa.table({"star_id": [f"s{i}" for i in range(10)], "partition": ["east", "west"] * 5})
    with duckdb.connect() as con:
        con.execute(f"CREATE SCHEMA luminosity; CREATE TABLE {table} AS {rows}")
        con.execute("CREATE TABLE owners AS FROM owners")
        for name in ("east", "west"):
            place = f'"partition {name}"'
            con.execute(f"ATTACH ':memory:' AS {place}; CREATE SCHEMA {place}.luminosity")
            con.execute(f"CREATE TABLE {place}.{table} AS {rows}")
        merging._compare(con, table, owners, ["east", "west"])
        owner, other = ("east", "west") if int(star[1:]) % 2 == 0 else ("west", "east")
        wrong = f"SET parallax = -1 WHERE star_id = '{star}'"
        con.execute(f'UPDATE "partition {other}".{table} {wrong}')
        merging._compare(con, table, owners, ["east", "west"])
        con.execute(f'UPDATE "partition {owner}".{table} {wrong}')
        with pytest.raises(PartitionFailed, match=rf"^1 rows of {table} .* {star} of .* {owner};"):
            merging._compare(con, table, owners, ["east", "west"])


def test_the_list_of_partitions_is_read_without_whose_each_spectrum_is(tmp_path):
    """The one is a line a partition, which each build reads; the other as large as the survey."""
    place = home_of(tmp_path, "plan")
    with pytest.raises(PartitionFailed, match="run `obcat partition` first"):
        read_plan(tmp_path)
    with publishing_folder(place, PLAN, facts={"plan": "mark", "pilot": "yes"}) as partial:
        listed = {"partition": ["0-0", "0-3"], "spectra": [2, 1]}
        pq.write_table(pa.table(listed), partial / "partitions.parquet")
        pq.write_table(pa.table({"specid": ["a", "b", "c"]}), partial / "owners.parquet")
    plan = read_plan(tmp_path)
    assert (plan.mark, plan.names, plan.sizes, plan.pilot) == (
        "mark", ["0-0", "0-3"], {"0-0": 2, "0-3": 1}, True,
    )  # fmt: skip
    assert len(of_plan(tmp_path, "owners.parquet")) == 3
    (place / "owners.parquet").write_bytes(b"")
    assert read_plan(tmp_path) == plan
    with pytest.raises(PartitionFailed, match=r"owners\.parquet: is gone, or is not as it was"):
        of_plan(tmp_path, "owners.parquet")
    with (place / "SHA256SUMS").open("a") as sums:
        sums.write("nothing\n")
    with pytest.raises(PartitionFailed, match=r"line .* is damaged.*remove that folder and run"):
        read_plan(tmp_path)


def test_row_groups_that_no_partition_reads_are_left_alone(tmp_path):
    n = 2 * parts.ROW_GROUP + 3
    shas = [f"{i:08d}{0:056d}" for i in range(n)]
    parts.write_part(tmp_path, shas, shas, *np.ones((2, n, N_PIXEL), np.float32))
    (part,) = tmp_path.glob("part-*.parquet")
    heads, known = cut._sorted_heads(np.array([shas[0], shas[n - 1]], "S64")), {}
    for _ in range(2):
        found = [table["sha256"].to_pylist() for table in cut._tables(part, heads, known)]
        assert found == [shas[: parts.ROW_GROUP], shas[2 * parts.ROW_GROUP :]]
