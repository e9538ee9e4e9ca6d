"""Is a release what it was when it was made? SHA256SUMS says so, file by file; and all files are of one build."""

from dataclasses import dataclass
from pathlib import Path

from obcat.checksums import SUMS, NoSums, digest, notes_of, read_sums
from obcat.export.builds import build_of, digests_of
from obcat.export.published import ReleaseError

__all__ = ["Mixture", "Verified", "check_builds", "silent", "verify"]

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

    Raises NoSums where SHA256SUMS is not there or is not of the form that ``sha256sum`` writes, Mixture where every
    file is whole and they are of more than one build.
    """
    sums = read_sums(folder)
    states = {name: state(folder / name, wanted) for name, wanted in sums.items()}
    unknown = sorted(set(names_of(folder)) - set(sums))
    whole, changed, missing = (tuple(n for n, s in states.items() if s == word) for word in STATES)
    if not changed and not missing:
        check_builds(folder, notes_of(folder).get("fingerprint"))
    return Verified(whole, changed, missing, tuple(unknown))


def check_builds(folder: Path, build: str | None = None) -> None:
    """Every file that states its build states the same, and this one. Raises Mixture, which names two files."""
    names = names_of(folder)
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
                f"{folder}: {name} is not that of the build of {PROVENANCE}; export the catalog again"
            )


def silent(folder: Path) -> dict[str, str]:
    """Name -> checksum of the files that do not state their build."""
    return {
        name: digest(folder / name) for name in names_of(folder) if build_of(folder / name) is None
    }


def names_of(folder: Path) -> list[str]:
    return sorted(
        p.relative_to(folder).as_posix()
        for p in folder.rglob("*")
        if p.is_file() and p != folder / SUMS
    )


def state(path: Path, wanted: str) -> str:
    if not path.is_file():
        return "missing"
    return "whole" if digest(path) == wanted else "changed"
