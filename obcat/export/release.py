"""A release: the catalog in every format, with checksums, of one state of the database, put in
place by one rename; and is a release whole, and are all its files of one build?
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from obcat import db
from obcat.checksums import SUMS, NoSums, digest, notes_of, read_sums
from obcat.export import (
    Published,
    ReleaseError,
    guide,
    healpix,
    modes_in,
    opened,
    plain,
    read_from,
    votable,
)
from obcat.export import database as duck
from obcat.export.cds import readme as cds
from obcat.export.rest_spectra import write_spectra
from obcat.files import publishing_folder
from obcat.reading import CATALOGS

__all__ = [
    "KIND",
    "Mixture",
    "Verified",
    "build_of",
    "check_builds",
    "digests_of",
    "release",
    "silent",
    "verify",
]

HEAD = 1 << 18  # bytes
JSON_LIMIT = 1 << 26  # bytes
VERIFY_DATABASE = "SELECT value FROM obcat.meta.provenance WHERE item = 'fingerprint'"
TABLES = (
    "SELECT count(*) FROM system.main.duckdb_tables() WHERE (schema_name, table_name) = "
    "('meta', 'provenance')"
)


def build_of(path: Path) -> str | None:
    """The fingerprint that a file states, at least its first 16 digits;
    None where it states none.
    """
    reader = READERS.get(path.name) or READERS.get(path.suffix)
    return reader(path) if reader else None


def digests_of(provenance: Path) -> dict[str, str]:
    """Name -> checksum of the files of the release that state no build, by its provenance.json,
    if it is there.
    """
    found = _loaded(provenance.read_bytes()[:JSON_LIMIT]) if provenance.is_file() else {}
    files = found.get("files")
    return {name: str(stated) for name, stated in files.items()} if isinstance(files, dict) else {}


def _in_head(pattern: str) -> Callable[[Path], str | None]:
    def read(path: Path) -> str | None:
        with path.open("rb") as f:
            found = re.search(pattern.encode("ascii"), f.read(HEAD))
        return found[1].decode("ascii") if found else None

    return read


def _of_parquet(path: Path) -> str | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = (pq.read_metadata(path).metadata or {}).get(b"obcat.fingerprint")
    except (pa.ArrowException, OSError):
        return None
    return found.decode("ascii", errors="replace") if found else None


def _of_models(path: Path) -> str | None:
    """The head of a safetensors file is JSON that holds our JSON;
    eight bytes before it say how long it is.
    """
    with path.open("rb") as f:
        size = int.from_bytes(f.read(8), "little")
        head = _loaded(f.read(min(size, JSON_LIMIT)))
    inner = head.get("__metadata__", {})
    return _loaded(inner.get("obcat", "") if isinstance(inner, dict) else "").get("fingerprint")


def _of_json(path: Path) -> str | None:
    return _loaded(path.read_bytes()[:JSON_LIMIT]).get("fingerprint")


def _loaded(text: str | bytes) -> dict:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _of_database(path: Path) -> str | None:
    """Only a table is read, and nothing outside of the file."""
    try:
        with db.connect(path, read_only=True) as con:
            tables = con.execute(TABLES).fetchall()[0][0]
            found = con.execute(VERIFY_DATABASE).fetchall() if tables else []
    except duckdb.Error:
        return None
    return found[0][0] if found else None


READERS: dict[str, Callable[[Path], str | None]] = {
    ".fits": _in_head(r"OBCATFP = '([0-9a-z]+) *'"),
    ".vot": _in_head(r'<INFO name="fingerprint" value="([^"]+)"/>'),
    ".txt": _in_head(r"fingerprint\s+([0-9a-z]+)\."),
    "ReadMe": _in_head(r"fingerprint\s+([0-9a-z]+)\."),
    ".rd": _in_head(r'<meta name="version">([0-9a-z]+)</meta>'),
    "CITATION": _in_head(r"fingerprint\s+([0-9a-z]+)\."),
    ".parquet": _of_parquet,
    ".safetensors": _of_models,
    "provenance.json": _of_json,
    ".duckdb": _of_database,
}


PROVENANCE = "provenance.json"
SHORT = 16  # digits of a fingerprint that every file gives
STATES = ("whole", "changed", "missing")


class Mixture(NoSums, ReleaseError):
    """Files of a release are of different builds; one line."""


@dataclass(frozen=True)
class Verified:
    """Names of files that are whole, changed, missing, and of those the checksums do not know."""

    whole: tuple[str, ...]
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]


def verify(folder: Path) -> Verified:
    """Compare every file of a release with its checksum.

    Raises NoSums where SHA256SUMS is not there or is not of the form that ``sha256sum`` writes,
    Mixture where every file is whole and they are of more than one build.
    """
    sums = read_sums(folder)
    states = {name: _state(folder / name, wanted) for name, wanted in sums.items()}
    unknown = sorted(set(_names_of(folder)) - set(sums))
    whole, changed, missing = (tuple(n for n, s in states.items() if s == word) for word in STATES)
    if not changed and not missing:
        check_builds(folder, notes_of(folder).get("fingerprint"))
    return Verified(whole, changed, missing, tuple(unknown))


def check_builds(folder: Path, build: str | None = None) -> None:
    """Every file that states its build states the same, and this one.
    Raises Mixture, which names two files.
    """
    names = _names_of(folder)
    builds = {name: found for name in names if (found := build_of(folder / name))}
    first, wanted = (SUMS, build) if build else next(iter(builds.items()), ("", ""))
    for name, found in builds.items():
        if found[:SHORT] != wanted[:SHORT] or (
            len(found) > SHORT < len(wanted) and found != wanted
        ):
            both = f"{name} is of build {found[:SHORT]}, {first} of {wanted[:SHORT]}"
            raise Mixture(f"{folder}: files of two builds: {both}; export the catalog again")
    for name, stated in digests_of(folder / PROVENANCE).items():
        if name in names and digest(folder / name) != stated:
            raise Mixture(
                f"{folder}: {name} is not that of the build of {PROVENANCE}; export the "
                "catalog again"
            )


def silent(folder: Path) -> dict[str, str]:
    """Name -> checksum of the files that do not state their build."""
    return {
        name: digest(folder / name) for name in _names_of(folder) if build_of(folder / name) is None
    }


def _names_of(folder: Path) -> list[str]:
    return sorted(
        p.relative_to(folder).as_posix()
        for p in folder.rglob("*")
        if p.is_file() and p != folder / SUMS
    )


def _state(path: Path, wanted: str) -> str:
    try:
        there = path.is_file()
    except OSError:  # a name that no file can have
        there = False
    if not there:
        return "missing"
    return "whole" if digest(path) == wanted else "changed"


KIND = "release"
DATABASE = "obcat.duckdb"
MODELS = "models.safetensors"
DACHS = "q.rd"

OF_A_TABLE: dict[str, Callable[[Path, Published], None]] = {
    ".fits": plain.write_fits,
    ".csv": plain.write_csv,
    ".vot": votable.write,
    ".parquet": plain.write_parquet,
    "_mrt.txt": cds.write_machine_readable,
    "_moc.fits": healpix.write_moc,
    "_hats": healpix.write_hats,
}
SPECTRA = ("_spectra.fits", "_spectra.parquet", "_obscore.parquet")
OF_ALL: dict[str, Callable[..., None]] = {
    "cds": cds.write,
    "COLUMNS.md": guide.write,
    "CITATION": guide.write_citation,
    "CITATION.bib": guide.write_bibtex,
    "zenodo.json": guide.write_zenodo,
}


def release(
    database: Path,
    out: Path,
    mode: str = "both",
    *,
    spectra: bool = False,
    stars: Sequence[str] = (),
) -> list[Path]:
    """Write the catalog and SHA256SUMS as the folder ``out``; the same catalog gives the same bytes
    in all but one.

    ``mode`` is paper, best, or both: what there is. A database holds both wherever best mode is
    meant, for it is opened by the paper's table. With ``spectra`` the normalised spectra are in it
    too, of ``stars`` alone where any are named. Raises obcat.Missing where the build has no best
    mode, ReleaseError where a value cannot be published, NotOurs where ``out`` holds what is not
    of a release, Busy where another process writes it; then no file of an earlier release is
    touched.
    """
    stated: dict[str, str] = {}
    with (
        publishing_folder(out, KIND, facts=stated) as staging,
        opened(database, staging / DATABASE) as con,
    ):
        read = {m: read_from(con, database, CATALOGS[m]) for m in modes_in(con, mode, database)}
        catalogs = list(read.values())
        stated.update(_facts(catalogs[0]))
        _write_tables(staging, catalogs)
        if spectra:
            write_spectra(staging, con, database, catalogs[0], stars)
        votable.write_descriptor(staging / DACHS, *catalogs, spectra=spectra)
        duck.write_models_from(con, staging / MODELS, catalogs[0])
        both = [*catalogs] if "paper" in read else [read_from(con, database), *catalogs]
        duck.write_from(con, staging / DATABASE, *both)
        guide.write_provenance(staging / PROVENANCE, *catalogs, files=silent(staging))
        check_builds(staging, catalogs[0].provenance.get("fingerprint"))
    kept = [f"{catalogs[0].file}{ending}" for ending in SPECTRA if spectra]
    names = [*_files(catalogs), *kept, DACHS, PROVENANCE, MODELS, DATABASE]
    order = [n for name in names for n in read_sums(out) if n == name or n.startswith(f"{name}/")]
    return [out / name for name in (*order, SUMS)]


def _files(catalogs: list[Published]) -> list[str]:
    return [*(f"{c.file}{ending}" for c in catalogs for ending in OF_A_TABLE), *OF_ALL]


def _write_tables(folder: Path, catalogs: list[Published]) -> None:
    """The files of each table, and those that describe all."""
    for catalog in catalogs:
        for ending, write in OF_A_TABLE.items():
            write(folder / f"{catalog.file}{ending}", catalog)
    for name, write_all in OF_ALL.items():
        write_all(folder / name, *catalogs)


def _facts(catalog: Published) -> dict[str, str]:
    """What SHA256SUMS says of the release as a whole."""
    known = {name: catalog.provenance.get(name, "") for name in ("obcat", "release", "fingerprint")}
    found = {"survey": catalog.survey, "simulated": "yes" if catalog.simulated else "no", **known}
    return {name: value for name, value in found.items() if value}
