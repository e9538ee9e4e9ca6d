"""Mutants of files of SDSS, DESI and tables that carry sums: none is read with other data, and
nothing but a reason is raised. Seeds are fixed.
"""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from obcat.ingest.errors import REASONS, Quarantined
from obcat.ingest.instruments import desi, spectra_table
from obcat.ingest.instruments.sdss import read_sdss
from obcat.ingest.lamost.spectrum import Spectrum, bounded
from tests.instrument_files import Star, write_desi, write_fits_table, write_sdss, write_table

pytestmark = pytest.mark.slow
OPTIONS = spectra_table.Options((), False, None)
Reader = Callable[[Path, int], Spectrum]


def star() -> Star:
    noise = np.random.default_rng(4)
    flux = 40 + noise.normal(size=3909)
    return Star(12, flux, np.where(np.arange(3909) % 50 == 3, 0.0, 1.0))


def with_sums(path: Path) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(pq.read_table(path), path, write_page_checksum=True)
        return path
    with fits.open(path, memmap=False) as hdus:
        fits.HDUList([hdu.copy() for hdu in hdus]).writeto(path, checksum=True, overwrite=True)
    return path


def of_sdss(path: Path, _: int) -> Spectrum:
    return read_sdss(path.read_bytes(), path.name)


def of_desi(path: Path, time: int) -> Spectrum:
    desi._count(path)
    return bounded(lambda: desi._spectrum(desi._opened(path, time), 0))


def of_table(path: Path, time: int) -> Spectrum:
    spectra_table._count(path)
    return bounded(lambda: spectra_table._spectrum(OPTIONS, time, path, 0))


def mutant(content: bytes, chance: random.Random) -> bytes:
    """A bit, some bytes or a byte of the headers changed, a piece taken out, or the end cut off."""
    changed, at = bytearray(content), chance.randrange(len(content))
    kind = chance.random()
    if kind < 0.6:
        changed[at] ^= 1 << chance.randrange(8)
    elif kind < 0.7:
        changed[at : at + 8] = chance.randbytes(8)
    elif kind < 0.8:
        changed[chance.randrange(min(len(content), 9000))] = chance.randrange(256)
    elif kind < 0.9:
        del changed[at : at + chance.randrange(1, 3000)]
    else:
        del changed[at:]
    return bytes(changed)


def read(reader: Reader, path: Path, time: int) -> tuple[dict, bytes, bytes]:
    found = reader(path, time)
    header = {name: repr(value) for name, value in found.header.items() if name != "sha256"}
    return header, found.flux.tobytes(), found.ivar.tobytes()


@pytest.mark.parametrize(
    ("write", "reader", "n"),
    [
        (lambda folder: write_sdss(folder, star()), of_sdss, 150),
        (lambda folder: write_desi(folder, [star()]), of_desi, 40),
        (lambda folder: write_fits_table(folder / "a.fits", [star()]), of_table, 60),
        (lambda folder: write_table(folder / "a.parquet", [star()]), of_table, 100),
    ],
    ids=["sdss", "desi", "table in FITS", "table in Parquet"],
)
def test_no_mutant_is_read_with_other_data(tmp_path: Path, write, reader: Reader, n: int) -> None:
    path = with_sums(write(tmp_path))
    content, whole = path.read_bytes(), read(reader, path, 0)
    chance = random.Random(7)
    reasons = []
    for time in range(1, n + 1):
        path.write_bytes(mutant(content, chance))
        try:
            assert read(reader, path, time) == whole, time
        except Quarantined as fault:
            reasons.append(fault.reason)
    assert len(reasons) > 0.8 * n
    assert set(reasons) <= REASONS.keys()
