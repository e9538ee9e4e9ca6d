"""What a survey costs as it grows: CPU and wall time, peak memory and bytes a spectrum of reading
and building it, and the steps that grow faster than their data.

python -m bench.growth --stars 16032 64128 [--survey TOML ...] [--mode paper] [--scratch FOLDER]
python -m bench.growth --survey TOML --models-from DATABASE --cluster local:2 --spectra 2000 8192
python -m bench.growth --survey TOML --mode paper --steps

A person runs it: 100,000 spectra take half an hour and 20 GB, which are removed. 16,032 stars have
22,901 spectra. With --cluster: one build, and the same by partitions, of one survey that borrows its
models: CPU of all processes, peak memory of the command and of the largest that it starts. With
--steps: CPU of each step of the build, or of the last merge, of the user and of the system.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
STARS = (16_032, 64_128)
MODES = {"paper": '["paper"]', "both": '["paper", "best"]'}
STEP = re.compile(r"(\d\d_\w+/\d\d_\w+) .*?([\d.]+) s \d+ MiB")
LEAST = 1.0  # seconds of a step that is looked at
TICKS = os.sysconf("SC_CLK_TCK")
SHOWN = 0.01  # of a build: steps that take more are named
GROWS = 1.2  # times its data: what a step may cost a spectrum beside the smallest survey


class Run(NamedTuple):
    """One command: seconds of CPU of all its processes, seconds by the clock, resident bytes of the
    largest of them at its worst, seconds of each step; bytes of the command itself; its own
    seconds of CPU, of the user and of the system, by step, "" being what follows the last; page
    faults of all its processes that read no disk.
    """

    cpu: float
    wall: float
    peak: int
    steps: dict[str, float]
    own: int
    used: dict[str, tuple[float, float]]
    faults: int


class Size(NamedTuple):
    """One survey: spectra, what its two commands took, bytes on the disk of what they made."""

    spectra: int
    ingest: Run
    build: Run
    raw: int
    database: int


def run(*words: str | Path) -> Run:
    """Run obcat. Raises CalledProcessError; what it says is told."""
    start = time.monotonic()
    command = [sys.executable, "-m", "obcat.cli", *map(str, words)]
    child = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=os.environ | dict.fromkeys(THREADS, "1")
    )
    assert child.stderr
    said, own, seen = [], 0, {"": (0.0, 0.0)}
    last = seen[""]
    for line in child.stderr:
        own = max(own, resident(child.pid))
        said.append(line)
        last = times_of(child.pid) or last
        if found := STEP.match(line):
            seen[found[1]] = last
        print("   ", line, end="", file=sys.stderr, flush=True)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    steps = {found[1]: float(found[2]) for line in said if (found := STEP.match(line))}
    wall = time.monotonic() - start
    spent = each_of(seen, last)
    cpu, peak = used.ru_utime + used.ru_stime, used.ru_maxrss * 1024
    return Run(cpu, wall, peak, steps, own, spent, used.ru_minflt)


def times_of(process: int) -> tuple[float, float] | None:
    """Seconds of CPU of a process so far, of the user and of the system; None where it has ended:
    of none that it has started.
    """
    try:
        said = Path(f"/proc/{process}/stat").read_text(encoding="ascii")
    except OSError:
        return None
    ticks = said.rpartition(")")[2].split()[11:13]
    return int(ticks[0]) / TICKS, int(ticks[1]) / TICKS


def each_of(
    seen: dict[str, tuple[float, float]], end: tuple[float, float]
) -> dict[str, tuple[float, float]]:
    """Seconds of each of moments that follow each other, "" being the start."""
    moments = [*seen.values(), end]
    names = [*list(seen)[1:], ""]
    return {
        name: (after[0] - before[0], after[1] - before[1])
        for name, before, after in zip(names, moments[:-1], moments[1:], strict=True)
    }


def resident(process: int) -> int:
    """Bytes of a process at its worst so far, 0 where it has ended."""
    try:
        said = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s*(\d+) kB", said)
    return int(found[1]) * 1024 if found else 0


def bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@contextmanager
def simulated(stars: int, scratch: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        run("simulate", folder, "--stars", str(stars))
        yield Path(folder) / "survey" / "survey.toml"


def measured(survey: Path, scratch: Path, mode: str) -> Size:
    """Read and build a survey in a folder that is removed."""
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        root = Path(name)
        toml = root / "survey.toml"
        toml.write_text(f"{_absolute(survey)}\n[build]\nmodes = {MODES[mode]}\n")
        ingest = run("ingest", toml, "--build", root)
        build = run("build", toml, "--build", root)
        raw, database = next(root.glob("*/raw")), next(root.glob("*/obcat.duckdb"))
        return Size(_spectra(database), ingest, build, bytes_of(raw), database.stat().st_size)


def by_partitions(
    survey: Path, scratch: Path, lender: Path, address: str, sizes: list[int], said: str
) -> Run:
    """A row of one build, and one of the same by partitions of each size, after the ingest; the
    survey file with the lines ``said`` besides. The command that built and merged the last.
    """
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        toml = Path(name) / "survey.toml"
        lent = f'models_from = "{lender.absolute()}"\n{_absolute(survey)}'
        toml.write_text(f"{lent}\n{said}")
        run("ingest", toml, "--build", name)
        (folder,) = Path(name).glob("*/raw")
        database, partitions = folder.with_name("obcat.duckdb"), folder.with_name("partitions")
        whole = run("build", toml, "--build", name, "--trust")
        wanted, parts = csv_of(database), whole
        print(
            "\n| partitions | CPU s | of one build | cut | they | merge | largest process, MiB "
            "| the command | the same catalog |\n|---|---|---|---|---|---|---|---|---|\n"
            f"| none | {whole.cpu:.1f} | | | | | {whole.peak / 2**20:.0f} | | |",
            flush=True,
        )
        for most in sizes:
            database.unlink()
            cut = run("partition", toml, "--build", name, "--spectra", str(most), "--trust")
            parts = run("build", toml, "--build", name, "--trust", "--cluster", address)
            n, own = len(list(partitions.glob("*/built"))), sum(map(sum, parts.used.values()))
            print(
                f"| {n} of at most {most:,} | {cut.cpu + parts.cpu:.1f} "
                f"| {(cut.cpu + parts.cpu) / whole.cpu:.2f} | {cut.cpu:.1f} "
                f"| {parts.cpu - own:.1f} | {own:.1f} | {parts.peak / 2**20:.0f} "
                f"| {parts.own / 2**20:.0f} | {'yes' if csv_of(database) == wanted else 'NO'} |",
                flush=True,
            )
            shutil.rmtree(partitions)
    return parts


def csv_of(database: Path) -> str:
    """All of the catalog, as one checksum."""
    import duckdb

    with duckdb.connect(str(database), read_only=True) as con:
        query = "SELECT md5(string_agg(o::VARCHAR, ';' ORDER BY specid)) FROM catalog.ob_stars AS o"
        return str(con.execute(query).fetchall())


def _absolute(survey: Path) -> str:
    """What a simulated survey's file says, its paths absolute."""
    start = re.compile(r'^((?:spectra|path) = ")', re.MULTILINE)
    return start.sub(rf"\g<1>{survey.absolute().parent}/", survey.read_text(encoding="utf-8"))


def _spectra(database: Path) -> int:
    import duckdb

    with duckdb.connect(str(database), read_only=True) as con:
        found = con.execute("SELECT count(*) FROM raw.spectra").fetchall()
    return int(found[0][0])


def show(sizes: list[Size]) -> None:
    """The line of the last survey, then its steps that grew."""
    if len(sizes) == 1:
        print(
            "| spectra | ingest ms CPU | build ms CPU | of the first | build CPU s | wall s "
            "| peak MiB | raw kB | database kB |\n|---|---|---|---|---|---|---|---|---|"
        )
    first, s = sizes[0].build.cpu / sizes[0].spectra, sizes[-1]
    each = s.build.cpu / s.spectra
    print(
        f"| {s.spectra:,} | {1e3 * s.ingest.cpu / s.spectra:.2f} | {1e3 * each:.2f} "
        f"| {each / first:.2f} | {s.build.cpu:.0f} | {s.build.wall:.0f} "
        f"| {max(s.build.peak, s.ingest.peak) / 2**20:.0f} "
        f"| {s.raw / s.spectra / 1e3:.1f} | {s.database / s.spectra / 1e3:.1f} |",
        flush=True,
    )
    for name, seconds in s.build.steps.items():
        was = sizes[0].build.steps.get(name, 0.0)
        grown = seconds / max(was, LEAST) / (s.spectra / sizes[0].spectra)
        if seconds > LEAST and grown > GROWS:
            print(f"{name}: {was:.1f} s, of {s.spectra:,} spectra {seconds:.1f} s by the clock")


def show_steps(build: Run) -> None:
    """CPU of the build by step, the largest first; small ones together."""
    user, system = (sum(used[i] for used in build.used.values()) for i in (0, 1))
    rows = sorted(build.used.items(), key=lambda item: -sum(item[1]))
    large = {k: v for k, v in rows if k and sum(v) > SHOWN * (user + system)}
    rest = tuple(total - sum(v[i] for v in large.values()) for i, total in ((0, user), (1, system)))
    print("\n| step | CPU s | of it system |\n|---|---|---|")
    named = {f"`{k}`": v for k, v in large.items()}
    for name, (u, s) in (named | {"all others": rest, "all": (user, system)}).items():
        print(f"| {name} | {u + s:.1f} | {s:.1f} |")
    print(f"\n{build.faults / 1e6:.1f} million page faults that read no disk", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stars", type=int, nargs="*", default=[])
    parser.add_argument("--survey", type=Path, nargs="*", default=[], help="simulated before")
    parser.add_argument("--mode", choices=("paper", "both"), default="both")
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--cluster", metavar="ADDRESS", help="of --survey, with --models-from")
    parser.add_argument("--models-from", type=Path)
    parser.add_argument("--no-spectra", action="store_true", help="by partitions none are kept")
    parser.add_argument(
        "--steps", action="store_true", help="CPU of the first build, or the merge, by step"
    )
    parser.add_argument("--spectra", type=int, nargs="*", default=[2000], help="of a partition")
    asked = parser.parse_args()
    if asked.cluster:
        said = f"[build]\nmodes = {MODES[asked.mode]}\n"
        said += "[engine]\nkeep_spectra = false\n" if asked.no_spectra else ""
        for survey in asked.survey:
            parts = by_partitions(
                survey, asked.scratch, asked.models_from, asked.cluster, asked.spectra, said
            )
            if asked.steps:
                show_steps(parts)
        return
    sizes: list[Size] = []
    for survey in asked.survey:
        sizes.append(measured(survey, asked.scratch, asked.mode))
        show(sizes)
    for stars in asked.stars or ([] if sizes else STARS):
        with simulated(stars, asked.scratch) as survey:
            sizes.append(measured(survey, asked.scratch, asked.mode))
        show(sizes)
    if asked.steps:
        show_steps(sizes[0].build)


if __name__ == "__main__":
    main()
