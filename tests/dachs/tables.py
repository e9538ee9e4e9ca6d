"""What DaCHS publishes: the six stars of the tests of fetch as CSV files, and a release with three
spectra: python -m tests.dachs.tables FOLDER RELEASE.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from obcat import db
from obcat.export.release import release
from obcat.kernels.grid import N_PIXEL
from tests.fetch.world import archives, csv_of
from tests.unit.release_rows import rows_of, store

N_ROWS = 40
NAMED = [f"specid-{i:05d}" for i in (3, 5, 8)]


def released_rows() -> dict[str, list]:
    return rows_of(N_ROWS)


def released_spectra() -> np.ndarray:
    """Flux of every row, (n, 3909) float32."""
    return np.random.default_rng(4).normal(1, 0.1, (N_ROWS, N_PIXEL)).astype(np.float32)


def publish(folder: Path) -> None:
    """Write the release of these rows, the spectra of NAMED with it."""
    rows, flux = released_rows(), released_spectra()
    with TemporaryDirectory() as name:
        database = Path(name) / "obcat.duckdb"
        with db.connect(database) as con:
            db.create_tables(con)
            for file in db.sql_files("00_meta"):
                if file.relation != "meta.survey":
                    db.run(con, file)
        store(database, rows)
        pixels = pa.FixedSizeListArray.from_arrays(pa.array(flux.ravel()), N_PIXEL)
        with db.connect(database) as con:
            con.register("new", pa.table({"specid": rows["specid"], "flux": pixels}))
            con.execute("INSERT INTO spectra.normalised BY NAME SELECT *, flux AS ivar FROM new")
        release(database, folder, spectra=True, stars=NAMED)


def main(folder: Path, released: Path) -> None:
    made = archives()
    for name in ("gaia_source", "ruwe"):
        (folder / f"{name}.csv").write_bytes(csv_of(made.query(f"FROM gaiadr2.{name}")))
    publish(released)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
