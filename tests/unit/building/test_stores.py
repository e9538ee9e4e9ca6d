"""What a partition reads is written in one pass over the survey, however many partitions."""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from obcat.ingest.lamost import parts
from obcat.kernels.grid import N_PIXEL
from obcat.partition import cut
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
    shas = [f"{i:064d}" for i in range(6)]
    parts.write_part(tmp_path, list("abcdef"), shas, *np.ones((2, 6, N_PIXEL), np.float32))
    (part,) = tmp_path.glob("part-*.parquet")
    wanted = np.array([shas[1], shas[4], "f" * 64], "S64")
    assert sum(table.num_rows for table in cut._tables(part, wanted)) == 6
    assert not list(cut._tables(part, wanted[2:]))
    assert not list(cut._tables(part, np.array([], "S64")))
