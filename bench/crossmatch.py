"""The cross-match of the build, its own SQL file, against a KD-tree and astropy:
the same pairs, at what cost.
"""

import tempfile
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from astropy import units as u
from astropy.coordinates import SkyCoord, search_around_sky
from scipy.spatial import cKDTree
from timing import Row, seconds, show

from obcat import db
from obcat.schema import columns_of

STARS, SOURCES, RADIUS = 16_032, 1_000_000, 3.0  # arcsec
SOME = {"VARCHAR": "", "DOUBLE": 0.0}

Sky = tuple[np.ndarray, np.ndarray]


def positions() -> tuple[Sky, Sky]:
    """Sources at random on the sphere;
    four stars in five lie about an arcsecond off one, some of them at the pole.
    """
    rng = np.random.default_rng(1)
    ra, dec = rng.uniform(0, 360, SOURCES), np.degrees(np.arcsin(rng.uniform(-1, 1, SOURCES)))
    dec[:100] = 90 - rng.uniform(0, 10 / 3600, 100)
    near = np.concatenate([np.arange(100), rng.integers(100, SOURCES, STARS * 4 // 5 - 100)])
    far = STARS - len(near)
    star_ra = np.append(
        ra[near] + rng.normal(0, 1, len(near)) / 3600 / np.cos(np.radians(dec[near])),
        rng.uniform(0, 360, far),
    )
    star_dec = np.append(dec[near] + rng.normal(0, 1, len(near)) / 3600, rng.uniform(-90, 90, far))
    return (star_ra % 360, np.minimum(star_dec, 90)), (ra, dec)


def insert(con: duckdb.DuckDBPyConnection, table: str, columns: dict[str, np.ndarray]) -> None:
    n = len(next(iter(columns.values())))
    rest = {
        c.column: np.full(n, SOME.get(c.type, 0))
        for c in columns_of(table)
        if c.required and c.column not in columns
    }
    con.register("rows", pa.table(columns | rest))
    con.execute(f"INSERT INTO {table} BY NAME SELECT * FROM rows")
    con.unregister("rows")


def fill(con: duckdb.DuckDBPyConnection, stars: Sky, sources: Sky) -> None:
    db.create_tables(con)
    for file in [*db.sql_files("00_meta"), *db.sql_files("20_stage")]:
        if file.relation != "meta.survey":
            db.run(con, file)
    names = np.array([f"{i:08d}" for i in range(STARS)])
    insert(con, "raw.headers", {"specid": names, "ra": stars[0], "dec": stars[1]})
    insert(
        con,
        "sample.visits",
        {"specid": names, "star_id": names, "uniqflag": np.ones(STARS, np.int32)},
    )
    insert(con, "raw.xstps", {"ra": sources[0], "dec": sources[1]})


def match(con: duckdb.DuckDBPyConnection) -> int:
    con.execute("DELETE FROM sample.pairs")
    db.run(con, next(file for file in db.sql_files("30_sample") if file.relation == "sample.pairs"))
    return con.execute("SELECT count(*) FROM sample.pairs").fetchall()[0][0]


def unit(sky: Sky) -> np.ndarray:
    ra, dec = np.radians(sky)
    return np.column_stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


def by_tree(stars: Sky, sources: Sky) -> int:
    chord = 2 * np.sin(np.radians(RADIUS / 3600) / 2)
    return cKDTree(unit(sources)).query_ball_point(unit(stars), chord, return_length=True).sum()


def by_astropy(stars: Sky, sources: Sky) -> int:
    one, other = (SkyCoord(*sky, unit="deg") for sky in (stars, sources))
    return len(search_around_sky(one, other, RADIUS * u.arcsec)[0])


def measure(folder: Path) -> None:
    stars, sources = positions()
    with db.connect(folder / "sky.duckdb", threads=1) as con:
        fill(con, stars, sources)
        rows = [
            Row("obcat: sql/30_sample/40_pairs.sql", seconds(lambda: match(con))),
            Row("scipy cKDTree", seconds(lambda: by_tree(stars, sources), 1)),
            Row("astropy search_around_sky", seconds(lambda: by_astropy(stars, sources), 1)),
        ]
        found = match(con), by_tree(stars, sources), by_astropy(stars, sources)
    show(
        f"{STARS:,} stars among {SOURCES:,} sources, all pairs within {RADIUS:g} arcsec",
        rows,
        STARS,
        "star",
    )
    print(f"    pairs found: {', '.join(str(n) for n in found)}\n")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        measure(Path(name))
