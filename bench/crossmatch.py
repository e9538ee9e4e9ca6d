"""The cross-match of the build, its own SQL file, against a KD-tree and astropy:
the same pairs, at what cost; and of a HATS catalog against the same as one file.

python bench/crossmatch.py [--stars N --sources N]
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy import units as u
from astropy.coordinates import SkyCoord, search_around_sky
from astropy_healpix import HEALPix
from scipy.spatial import cKDTree
from timing import Row, seconds, show

from obcat import db
from obcat.ingest.tables import Near, ingest, ingest_near
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
    n = len(stars[0])
    names = np.array([f"{i:08d}" for i in range(n)])
    insert(con, "raw.headers", {"specid": names, "ra": stars[0], "dec": stars[1]})
    insert(
        con,
        "sample.visits",
        {"specid": names, "star_id": names, "uniqflag": np.ones(n, np.int32)},
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


GAIA, ORDER, EPOCH = "gaia_dr3", 1, 2000.0


def moving(stars: int, sources: int) -> tuple[Sky, pa.Table]:
    """Sources of Gaia with proper motions, four stars in five about an arcsecond off one in 2000;
    ordered by their pixels.
    """
    rng = np.random.default_rng(2)
    ra, dec = rng.uniform(0, 360, sources), np.degrees(np.arcsin(rng.uniform(-1, 1, sources)))
    grid = HEALPix(2**12, order="nested")
    cell = grid.lonlat_to_healpix(ra * u.deg, dec * u.deg)
    order = np.argsort(cell)
    ra, dec, cell = ra[order], dec[order], cell[order]
    pmra, pmdec = rng.standard_t(2, (2, sources)) * 5
    rows = {"source_id": (cell << 35) + 128 * np.arange(1, sources + 1), "ra": ra, "dec": dec}
    rows |= {"ref_epoch": np.full(sources, 2016.0), "pmra": pmra, "pmdec": pmdec}
    rows |= {"phot_g_mean_mag": rng.uniform(9, 20, sources), "parallax": rng.normal(1, 1, sources)}
    near = rng.integers(0, sources, stars)
    star_dec = dec[near] - 16 * pmdec[near] / 3.6e6 + rng.normal(0, 1, stars) / 3600
    across = np.cos(np.radians(dec[near]))
    star_ra = ra[near] + (rng.normal(0, 1, stars) / 3600 - 16 * pmra[near] / 3.6e6) / across
    star_ra[::5], star_dec[::5] = rng.uniform(0, 360, (stars + 4) // 5), 0.0
    return (star_ra % 360, np.clip(star_dec, -90, 90)), pa.table(rows)


def write_sky(folder: Path, stars: Sky, rows: pa.Table) -> None:
    """The rows as one file, and as HATS."""
    np.save(folder / "stars.npy", np.stack(stars))
    pq.write_table(rows, folder / f"{GAIA}.parquet", compression="zstd")
    pixel = rows["source_id"].to_numpy() >> 35 + 2 * (12 - ORDER)
    lines = ["Norder,Npix"]
    for one in np.unique(pixel):
        path = folder / GAIA / f"dataset/Norder={ORDER}/Dir=0/Npix={one}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows.filter(pa.array(pixel == one)), path, compression="zstd")
        lines.append(f"{ORDER},{one}")
    (folder / GAIA / "partition_info.csv").write_text("\n".join(lines) + "\n")
    (folder / GAIA / "hats.properties").write_text("dataproduct_type=object\n")


def read_and_match(folder: Path, way: str) -> dict[str, float]:
    """CPU of reading, of the insert and the match; the pairs; the peak of this process in MiB."""
    stars = np.load(folder / "stars.npy")
    start = time.process_time()
    if way == "hats":
        near = Near(unit((stars[0], stars[1])), np.array([], np.int64), EPOCH, 10.0)
        ingest_near(GAIA, folder / GAIA, folder / way, near, columns={})
    else:
        ingest(GAIA, folder / f"{GAIA}.parquet", folder / way, columns={})
    read = time.process_time() - start
    with db.connect(folder / f"{way}.duckdb", threads=1) as con:
        fill(con, (stars[0], stars[1]), (np.array([]), np.array([])))
        start = time.process_time()
        con.register(f"input_{GAIA}", pq.read_table(folder / way / f"{GAIA}.parquet"))
        (file,) = [file for file in db.sql_files("10_raw") if file.relation == f"raw.{GAIA}"]
        db.run(con, file)
        pairs = match(con)
        matched = time.process_time() - start
        total = con.execute("SELECT sum(separation) FROM sample.pairs").fetchall()[0][0]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"read": read, "match": matched, "pairs": pairs, "sum": total, "peak": peak}


def measure_hats(folder: Path, stars: int, sources: int) -> None:
    """Each way in a process of its own, started by a small one."""
    words = [sys.executable, __file__, "--stars", str(stars), "--sources", str(sources), "--way"]
    subprocess.run([*words, "sky", str(folder)], check=True)
    found = {}
    for way in ("file", "hats"):
        said = subprocess.run(
            [*words, way, str(folder)], check=True, capture_output=True, text=True
        )
        found[way] = json.loads(said.stdout)
    one, other = found["file"], found["hats"]
    show(
        f"{stars:,} stars among {sources:,} moving sources: reading, insert and match",
        [
            Row("the whole table as one file", one["read"] + one["match"]),
            Row("of that insert and match", one["match"]),
            Row("HATS: what is near a star", other["read"] + other["match"]),
        ],
        sources,
        "source",
    )
    print(f"    pairs {one['pairs']:,} and {other['pairs']:,}, equal: {one['sum'] == other['sum']}")
    print(f"    peak {one['peak']:.0f} and {other['peak']:.0f} MiB")
    ratio = (other["read"] + other["match"]) / one["match"]
    print(f"    HATS, reading and all, of the insert and match of the whole alone: {ratio:.2f}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stars", type=int, default=20_000)
    parser.add_argument("--sources", type=int, default=SOURCES)
    parser.add_argument("--way", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.way and asked.way[0] == "sky":
        write_sky(Path(asked.way[1]), *moving(asked.stars, asked.sources))
    elif asked.way:
        print(json.dumps(read_and_match(Path(asked.way[1]), asked.way[0])))
    else:
        with tempfile.TemporaryDirectory() as name:
            measure_hats(Path(name), asked.stars, asked.sources)
            measure(Path(name))


if __name__ == "__main__":
    main()
