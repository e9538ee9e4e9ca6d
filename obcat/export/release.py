"""A release: the catalog as FITS and CSV, with checksums, each put under its name when it is whole."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from obcat import db
from obcat.export import delimited, fits
from obcat.export.published import Published, read

__all__ = ["release"]

WRITERS: dict[str, Callable[[Path, Published], None]] = {".fits": fits.write, ".csv": delimited.write}


def release(database: Path, out: Path) -> list[Path]:
    """Write <survey>.fits, <survey>.csv and SHA256SUMS into ``out``; the same catalog gives the same bytes.

    Raises ReleaseError where a value cannot be published; then no file of an earlier release is touched.
    """
    catalog = read(database)
    out.mkdir(parents=True, exist_ok=True)
    files = {out / f"{catalog.survey}{suffix}": write for suffix, write in WRITERS.items()}
    finals = [*files, out / "SHA256SUMS"]
    try:
        for path, write in files.items():
            partial(path).unlink(missing_ok=True)
            write(partial(path), catalog)
        partial(finals[-1]).write_text("".join(map(sum_line, files)), encoding="ascii")
        for path in finals:
            db.publish(partial(path), path)
    finally:
        for path in finals:
            partial(path).unlink(missing_ok=True)
    return finals


def partial(path: Path) -> Path:
    return path.with_name(f"{path.name}.partial")


def sum_line(path: Path) -> str:
    """A line of SHA256SUMS for a file that is still under its temporary name."""
    return f"{hashlib.sha256(partial(path).read_bytes()).hexdigest()}  {path.name}\n"
