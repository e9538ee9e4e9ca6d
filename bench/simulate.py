"""Simulating a survey: CPU time a spectrum against compressing the files and no more; peak memory
by size.

python bench/simulate.py [--stars N ...] [--workers W]
"""

import argparse
import os
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from isal import isal_zlib
from timing import Row, seconds, show

from obcat.simulate.survey_files import gzipped

STARS = (500, 4000)
GZIP = 31
SOME = 500  # files that are compressed once more
FASTEST = 400  # spectra a second of one core: what is asked for


class Run(NamedTuple):
    """One `obcat simulate`: CPU seconds of all its processes, resident bytes of the largest of them
    at its worst.

    Linux counts what this process held when it started the command, so that must stay small.
    """

    spectra: int
    cpu: float
    peak: int


def run(folder: Path, stars: int, workers: int) -> Run:
    words = ["simulate", str(folder), "--size", str(stars), "--workers", str(workers)]
    child = subprocess.Popen([sys.executable, "-m", "obcat.cli", *words], stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, child.args)
    spectra = sum(1 for _ in (folder / "survey" / "spectra").rglob("*.gz"))
    return Run(spectra, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def compressing(folder: Path) -> float:
    """CPU seconds a file."""
    paths = sorted(folder.rglob("*.gz"))[:SOME]
    contents = [isal_zlib.decompress(path.read_bytes(), GZIP) for path in paths]
    return seconds(lambda: [gzipped(content) for content in contents]) / len(contents)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stars", type=int, nargs="+", default=STARS)
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        help="with 2 and more, the drawing has a process of its own",
    )
    asked = parser.parse_args()
    made: list[Run] = []
    for stars in asked.stars:
        with tempfile.TemporaryDirectory() as folder:
            made.append(run(Path(folder), stars, asked.workers))
            limit = compressing(Path(folder))
    rows = [
        Row(f"obcat simulate, {r.spectra} spectra, from its start", r.cpu / r.spectra) for r in made
    ]
    show(
        f"Simulating a survey, processes: {asked.workers}",
        [Row("limit: compress the file by igzip", limit), *rows],
        1,
        "spectrum",
    )
    for r in made:
        rate = f"{r.spectra / r.cpu:.0f} spectra a second of CPU (asked: {FASTEST})"
        print(f"    {r.spectra} spectra: {rate}, the largest process {r.peak / 2**20:.0f} MiB")
    for a, b in pairwise(made):
        print(
            f"    beyond {a.spectra}: {(b.spectra - a.spectra) / (b.cpu - a.cpu):.0f} spectra a "
            "second of CPU"
        )


if __name__ == "__main__":
    main()
