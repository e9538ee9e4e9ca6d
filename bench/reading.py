"""Reading LAMOST files: our reader,
our ingest and astropy against inflating the same bytes and no more.
"""

import gzip
import tempfile
from io import BytesIO
from pathlib import Path

import numpy as np
from astropy.io import fits
from isal import isal_zlib
from timing import Row, seconds, show

from obcat import simulate
from obcat.ingest import lamost
from obcat.machine import without_pandas

STARS = 700  # 1,000 files
FEW = 100  # files for the slow peers
GZIP = 31


def by_astropy(path: Path) -> tuple[np.ndarray, dict]:
    with fits.open(path) as file:
        return np.asarray(file[0].data[:2], np.float32), dict(file[0].header)


def by_astropy_from_memory(path: Path) -> tuple[np.ndarray, dict]:
    with fits.open(BytesIO(isal_zlib.decompress(path.read_bytes(), GZIP))) as file:
        return np.asarray(file[0].data[:2], np.float32), dict(file[0].header)


def measure(folder: Path) -> None:
    simulate.simulate(
        folder / "survey", folder / "truth", n_stars=STARS, recipe=simulate.Recipe(1), workers=1
    )
    paths = sorted((folder / "survey" / "spectra").rglob("*.gz"))
    few = paths[:FEW]
    packed = [path.read_bytes() for path in paths]

    def each(action, files: list[Path], repeats: int = 3) -> float:
        return seconds(lambda: [action(path) for path in files], repeats) / len(files)

    rows = [
        Row(
            "limit: inflate by igzip",
            seconds(lambda: [isal_zlib.decompress(p, GZIP) for p in packed]) / len(packed),
        ),
        Row("inflate by zlib", seconds(lambda: [gzip.decompress(p) for p in packed]) / len(packed)),
        Row("obcat read_spectrum", each(lamost.read_spectrum, paths)),
        Row("obcat ingest, to Parquet, one process", ingest(paths, folder)),
        Row("igzip, then astropy fits.open from memory", each(by_astropy_from_memory, few, 1)),
        Row("astropy fits.open", each(by_astropy, few, 1)),
    ]
    show(f"Reading {len(paths)} simulated .fits.gz files, page cache warm", rows, 1, "file")
    _, zlib, ours, whole, _, astropy = (row.seconds for row in rows)
    print(
        f"    read_spectrum: {ours / zlib:.2f} of inflating by zlib (asked: 1.5), "
        f"{astropy / ours:.1f} times as fast as astropy (asked: 8)\n"
        f"    the whole ingest: {whole / zlib:.2f} of inflating by zlib (asked: 2.5)\n"
    )


def ingest(paths: list[Path], folder: Path) -> float:
    without_pandas()  # as every command
    source = folder / "survey" / "spectra"
    return seconds(lambda: lamost.ingest(source, folder / "raw", workers=1), 1) / len(paths)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        measure(Path(name))
