"""A survey of up to a million SIMULATED spectra on a disk that could not hold its files: simulated,
read and removed in batches, built by partitions that keep no spectra, merged; what it costs as it
grows, and what commands cost that read it. The smallest is made again after each larger one: an
hour later a machine may be faster or slower, and all are measured by the median.

python -m bench.million --models-from DATABASE [--stars 16032 64000 256000 700100] [--scratch FOLDER]

A person runs it: a million takes some two hours of CPU and 45 GB, which are removed at its end.
Killed at any moment, the same command goes on. 700,100 stars have 1,000,062 spectra.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from statistics import median
from threading import Event, Thread

from bench.growth import Run, bytes_of, run
from obcat.export import read as read_catalog
from obcat.export.healpix import write_hats
from obcat.simulate import SURVEY, Recipe, ordered, recipe_of
from obcat.simulate.archives import draw_catalogs, open_catalogs
from obcat.simulate.chunks import Chunk, all_cards, blocks, chunks
from obcat.simulate.ingredients import CHUNK
from obcat.simulate.visits import Block, expose, n_spectra

STARS = (16_032, 64_000, 256_000, 700_100)
BATCH = 32  # chunks, 128,000 stars: 8.8 GB of files, which stay in memory until they are read
NAME = "million"
SPECTRA = f'name = "{NAME}"\nsimulated = true\nrelease = "DR5"\nspectra = "spectra"\n'
ENGINE = '\n[build]\nmodes = ["paper"]\n\n[engine]\nkeep_spectra = false\nspectra = {}\n'
COMMANDS = {
    "export": ("--out", "{}/release"),
    "page": ("--out", "{}/page.html"),
    "report": ("--out", "{}/report"),
    "check": (),
    "sql": ("SELECT sum(ebv), count(*) FROM catalog.ob_stars",),
}
STAGES = ("ingest", "tables", "build")
FRESH = tuple(f"{stage} {what}" for stage in STAGES[1:] for what in ("cpu", "wall", "peak"))
LOOK = 5.0  # seconds between two looks at the disk


def read(stars: int, place: Path, workers: int) -> None:
    """Simulate the survey of so many stars in ``place``, its spectra in batches that are read and
    removed; chunks that were read before are not made again.
    """
    recipe = recipe_of(1, ("supplement",), (), -3)
    done = int(noted(place).get("chunks", 0))
    folder = place / SURVEY
    (folder / "spectra").mkdir(parents=True, exist_ok=True)
    toml = toml_of(place)
    toml.write_text(SPECTRA)
    with open_catalogs(folder) as catalogs:
        drawn = chunks(stars, CHUNK, recipe)
        while batch := tuple(islice(drawn, BATCH)):
            made = _blocks(batch, folder / "spectra", catalogs, recipe, done)
            n = sum(ordered(expose, made, workers))
            if not n:
                continue
            cost(place, "ingest", run("ingest", toml, "--build", place, "--keep"))
            shutil.rmtree(folder / "spectra")
            (folder / "spectra").mkdir()
            done = batch[-1].number + 1
            note(place, chunks=done, spectra=n_spectra(min(stars, CHUNK * done)))


def toml_of(place: Path) -> Path:
    return place / SURVEY / f"{NAME}.toml"


def build(place: Path, lender: Path, address: str, spectra: int) -> None:
    """Read the tables; build by partitions that keep no spectra, from the cut to the catalog."""
    toml = toml_of(place)
    tables = (place / SURVEY / "survey.toml").read_text().partition("\n[tables")
    toml.write_text(
        f'models_from = "{lender.absolute()}"\n{SPECTRA}{"".join(tables[1:])}{ENGINE.format(spectra)}'
    )
    note(place, **dict.fromkeys(FRESH, 0))  # a smaller survey that grew had tables of its own
    cost(place, "tables", run("ingest", toml, "--build", place, "--keep"))
    home = place / NAME
    for left in ("partitions", "catalog"):
        shutil.rmtree(home / left, ignore_errors=True)
    (home / "obcat.duckdb").unlink(missing_ok=True)
    with looking(home) as most:
        used = run("build", toml, "--build", place, "--trust", "--cluster", address)
    cost(place, "build", used)
    note(
        place,
        own=used.own,
        most=max(most),
        raw=bytes_of(home / "raw"),
        database=(home / "obcat.duckdb").stat().st_size,
        partitions=len(list((home / "partitions").glob("*/built"))),
        rows=rows_of(home / "obcat.duckdb"),
    )


def use(place: Path) -> None:
    """What commands take of the database that was built, and HATS of it; they are noted."""
    with tempfile.TemporaryDirectory(dir=place) as folder:
        for name, words in COMMANDS.items():
            asked = (word.format(folder) for word in words)
            used = run(name, place / NAME / "obcat.duckdb", *asked, "--trust")
            note(place, **{f"{name} cpu": used.cpu, f"{name} peak": used.peak})
        start = time.process_time()
        write_hats(Path(folder) / "hats", read_catalog(place / NAME / "obcat.duckdb"))
        note(place, hats=time.process_time() - start)


@contextmanager
def looking(folder: Path) -> Iterator[list[int]]:
    """The bytes of a folder, now and then."""
    found, end = [0], Event()

    def look() -> None:
        while not end.wait(LOOK):
            with suppress(OSError):  # a file that is gone by now
                found.append(bytes_of(folder))

    thread = Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        end.set()
        thread.join()


def rows_of(database: Path) -> int:
    import duckdb

    with duckdb.connect(str(database), read_only=True) as con:
        return int(con.execute("SELECT count(*) FROM catalog.ob_stars").fetchall()[0][0])


def again(asked: argparse.Namespace) -> float:
    """ms CPU a spectrum of the smallest survey, made once more by itself."""
    place = asked.scratch / "smallest"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    read(asked.stars[0], place, asked.workers)
    build(place, asked.models_from, asked.cluster, asked.spectra)
    found = noted(place)
    shutil.rmtree(place)
    return of_each(found)


def of_each(made: dict) -> float:
    """ms CPU a spectrum, from files to the catalog."""
    return 1e3 * whole(made, "cpu") / made["spectra"]


def whole(made: dict, what: str) -> float:
    """Of what all stages took."""
    return sum(made[f"{stage} {what}"] for stage in STAGES)


def show(sizes: list[dict]) -> None:
    """The table, a line a size."""
    print(
        "| spectra | rows | partitions | ingest ms CPU | build ms CPU | of the smallest | all CPU s "
        "| wall s | largest process MiB | the command MiB | raw kB | database kB | disk GB |\n"
        f"|{'---|' * 13}"
    )
    smallest = [of_each(sizes[0]), *(s["smallest"] for s in sizes if "smallest" in s)]
    for s in sizes:
        n, ingested = s["spectra"], s["ingest cpu"] + s["tables cpu"]
        peak = max(s[f"{stage} peak"] for stage in STAGES)
        print(
            f"| {n:,} | {s['rows']:,} | {s['partitions']} | {1e3 * ingested / n:.2f} "
            f"| {1e3 * s['build cpu'] / n:.2f} | {of_each(s) / median(smallest):.2f} "
            f"| {whole(s, 'cpu'):.0f} | {whole(s, 'wall'):.0f} "
            f"| {peak / 2**20:.0f} | {s['own'] / 2**20:.0f} "
            f"| {s['raw'] / n / 1e3:.1f} | {s['database'] / n / 1e3:.1f} | {s['most'] / 1e9:.1f} |",
            flush=True,
        )
    each = ", ".join(f"{ms:.2f}" for ms in smallest)
    print(
        f"\nthe smallest, at first and after each larger one: {each} ms CPU a spectrum", flush=True
    )


def show_commands(sizes: list[dict]) -> None:
    """A second table, of what commands take of each database."""
    print(
        f"\n| spectra |{''.join(f' {name} MiB, CPU s |' for name in COMMANDS)} HATS, us CPU a row |"
    )
    print(f"|{'---|' * (2 + len(COMMANDS))}")
    for s in sizes:
        cells = (f" {s[f'{n} peak'] / 2**20:.0f}, {s[f'{n} cpu']:.0f} |" for n in COMMANDS)
        print(
            f"| {s['spectra']:,} |{''.join(cells)} {1e6 * s['hats'] / s['rows']:.0f} |", flush=True
        )


def _blocks(
    batch: tuple[Chunk, ...], folder: Path, catalogs: dict, recipe: Recipe, done: int
) -> Iterator[Block]:
    """The spectra of chunks that were not read; all are appended to the tables."""
    for drawn in batch:
        columns, measured = draw_catalogs(drawn.sky, drawn.visits, recipe, drawn.number)
        for name, part in columns.items():
            catalogs[name](part)
        if drawn.number >= done:
            cards = all_cards(drawn, measured["xstps"], measured["twomass"], recipe)
            yield from blocks(folder, drawn, cards, recipe)


def noted(place: Path) -> dict:
    path = place / "noted.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def note(place: Path, **facts: float) -> None:
    (place / "noted.json").write_text(json.dumps(noted(place) | facts))


def cost(place: Path, what: str, used: Run) -> None:
    """Add what a command took to what is noted."""
    was = noted(place)
    note(
        place,
        **{
            f"{what} cpu": was.get(f"{what} cpu", 0.0) + used.cpu,
            f"{what} wall": was.get(f"{what} wall", 0.0) + used.wall,
            f"{what} peak": max(was.get(f"{what} peak", 0), used.peak),
        },
    )
    print(
        f"{what}: {used.cpu:.0f} s CPU, {used.wall:.0f} s, {used.peak / 2**20:.0f} MiB", flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stars", type=int, nargs="*", default=STARS)
    parser.add_argument("--models-from", type=Path, required=True)
    parser.add_argument("--cluster", default="local:2")
    parser.add_argument("--spectra", type=int, default=65_536, help="of a partition")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()))
    asked = parser.parse_args()
    place, results = asked.scratch / NAME, asked.scratch / f"{NAME}.json"
    sizes = json.loads(results.read_text()) if results.is_file() else []
    for stars in asked.stars[len(sizes) :]:
        was = noted(place).get("stars", stars)
        if was > stars or (was < stars and was % CHUNK):  # its last chunk is of no larger survey
            shutil.rmtree(place)
        place.mkdir(parents=True, exist_ok=True)
        note(place, stars=stars)
        read(stars, place, asked.workers)
        build(place, asked.models_from, asked.cluster, asked.spectra)
        use(place)
        sizes.append(noted(place) | ({"smallest": again(asked)} if sizes else {}))
        results.write_text(json.dumps(sizes))
        show(sizes)
        show_commands(sizes)
    shutil.rmtree(place, ignore_errors=True)
    results.unlink()


if __name__ == "__main__":
    main()
