"""The smallest survey that trains every model, and how to ingest and build it,
in this process or in one of its own.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from obcat.build.run import build
from obcat.export import plain, read
from obcat.files import STAMP
from obcat.ingest.survey import ingest
from obcat.schema import columns_of
from obcat.simulate.archives import TABLES
from obcat.survey import Survey, load

ROOT = Path(__file__).parents[2]
OBCAT = (sys.executable, "-c", "from obcat.cli import main; main()")
# files that differ from run to run; a lock that failed leaves its stamp
VARYING = ("SHA256SUMS", STAMP, "obcat.duckdb", "models.safetensors", ".lock")
N_STARS = int(os.environ.get("OBCAT_TEST_STARS", "180"))
# 890 pixels about H alpha instead of 3,700, so that eigenvectors take a second; few stars, trees,
# epochs and steps
PARAMETERS = {
    "pca_min_wavelength": 5500,
    "pca_max_wavelength": 6750,
    "label_min_stars": 50,
    "label_trees": 20,
    "train_min_snr_g": 20,
    "train_min_parallax_snr": 5,
    "train_fraction": 0.7,
    "network_min_stars": 30,
    "epochs": 5,
    "noise_min_stars": 5,
    "noise_steps": 100,
    "posterior_min_stars": 100,
    "posterior_rounds": 2,
    "posterior_epochs": 4,
    "posterior_warm_epochs": 2,
    "posterior_hidden_neurons": 16,
}
FILES = TABLES


@dataclass(frozen=True)
class Made:
    """A survey file and the folder it is built in."""

    toml: Path
    folder: Path
    said: tuple[str, ...] = ()

    @property
    def database(self) -> Path:
        return self.folder / "obcat.duckdb"

    @property
    def root(self) -> Path:
        return self.folder.parent

    @property
    def csv(self) -> bytes:
        return csv_of(self.database)

    @property
    def survey(self) -> Survey:
        return loaded(self.toml)


def write_survey(
    path: Path,
    spectra: Path,
    tables: Mapping[str, Path],
    parameters: Mapping[str, Any] = PARAMETERS,
    *,
    models_from: Path | None = None,
) -> Path:
    """A survey file named small; every path in it absolute."""
    lines = ['name = "small"', "simulated = true", 'release = "DR5"', f'spectra = "{spectra}"']
    lines += [f'models_from = "{models_from}"'] if models_from else []
    lines += [f'[tables.{name}]\npath = "{table}"' for name, table in tables.items()]
    lines += ["[parameters]", *(f"{name} = {value}" for name, value in parameters.items())]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def tables_of(folder: Path, *without: str) -> dict[str, Path]:
    return {name: folder / file for name, file in FILES.items() if name not in without}


def loaded(toml: Path) -> Survey:
    return load(toml, [c.column for c in columns_of("meta.parameters")])


def make(
    toml: Path,
    root: Path,
    *,
    threads: int = 1,
    workers: int = 1,
    start_from: Made | None = None,
    allow_empty: bool = False,
) -> Made:
    """Ingest and build in this process; what ``start_from`` has read and fitted is taken."""
    survey = loaded(toml)
    folder = root / survey.name
    if start_from:
        copy_build(start_from, folder, "raw", "models")
    ingest(survey, folder / "raw", workers=workers, allow_empty=allow_empty)
    return built(toml, folder, threads=threads)


def built(toml: Path, folder: Path, *, threads: int | None = 1, memory: str | None = None) -> Made:
    """By one thread, which is quicker for spectra so few; the first build has two."""
    said: list[str] = []
    build(loaded(toml), folder, say=said.append, threads=threads, memory=memory)
    return Made(toml, folder, tuple(said))


def copy_build(made: Made, folder: Path, *parts: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for part in parts:
        source = made.folder / part
        if source.is_dir():
            shutil.copytree(source, folder / part, dirs_exist_ok=True)
        else:
            shutil.copy2(source, folder / part)


def csv_of(database: Path) -> bytes:
    with TemporaryDirectory() as folder:  # two workers may ask at the same time
        path = Path(folder) / "catalog.csv"
        plain.write_csv(path, read(database))
        return path.read_bytes()


def environment(**changes: str) -> dict[str, str]:
    """Of a process that imports this checkout."""
    return os.environ | {"PYTHONPATH": str(ROOT)} | changes


def obcat(
    *arguments: str | Path, cwd: Path | None = None, **changes: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*OBCAT, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=environment(**changes),
        timeout=300,
    )


def once(base: Path, name: str, fill: Callable[[Path], object]) -> Path:
    """A folder, filled once for all workers of a run of pytest; ``base`` is pytest's own of one of
    them.
    """
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    place.mkdir(exist_ok=True)
    with (place / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / ".filled").exists():
            fill(place)
            (place / ".filled").touch()
    return place
