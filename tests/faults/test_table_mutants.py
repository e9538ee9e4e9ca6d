"""Damaged tables at fixed seeds: refused in one line or read;
where a file carries sums, never read with other data.
"""

import gzip
import io
import random
import re
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table

from obcat.ingest.errors import IngestError
from obcat.ingest.tables import ingest

pytestmark = pytest.mark.slow

MUTANTS = 125  # of each kind: 1,000 in all
WORDS = [b"", b"NULL", b"nan", b"-inf", b"1e999", b"9" * 40, b'"', b"\x00", b"\xef\xbb\xbf1", b"=1",
    b"\t", b"[mas]", b"99999999999", b"-1", b"*", b"char", b"base64", b"UNICODE \xff", b"<TR>",
    b"&x;"]  # fmt: skip


def gaia() -> Table:
    rng = np.random.default_rng(7)
    n = 60
    columns = {"source_id": 2**61 + 128 * rng.integers(0, 2**40, n), "ra": rng.uniform(0, 360, n)}
    columns |= {
        "dec": rng.uniform(-90, 90, n),
        "parallax": rng.uniform(0.1, 2, n),
        "ruwe": rng.uniform(0.9, 1.4, n),
    }
    return Table(columns)


def as_fits(checksum: bool) -> bytes:
    out = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(gaia())]).writeto(out, checksum=checksum)
    return out.getvalue()


def as_parquet() -> bytes:
    out = io.BytesIO()
    columns = {name: pa.array(np.asarray(gaia()[name])) for name in gaia().colnames}
    pq.write_table(pa.table(columns), out, write_page_checksum=True)
    return out.getvalue()


def written(**how: str) -> bytes:
    out = io.BytesIO() if how["format"] == "votable" else io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gaia().write(out, **how)
    text = out.getvalue()
    return text if isinstance(text, bytes) else text.encode()


# kind -> how it is written, whether a change of its data cannot go unseen
KINDS: dict[str, tuple[Callable[[], bytes], bool]] = {
    "plain.fits": (lambda: as_fits(False), False),
    "sums.fits": (lambda: as_fits(True), True),
    "cells.vot": (lambda: written(format="votable", tabledata_format="tabledata"), False),
    "stream.vot": (lambda: written(format="votable", tabledata_format="binary2"), False),
    "t.csv": (lambda: written(format="ascii.csv"), False),
    "t.ecsv": (lambda: written(format="ascii.ecsv"), False),
    "t.parquet": (as_parquet, True),
    "t.csv.gz": (lambda: gzip.compress(written(format="ascii.csv"), mtime=0), True),
}


def flipped(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice([1, 1, 2, 8])):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def cut(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data))
    return data[:at] if draw.random() < 0.5 else data[:at] + data[at + draw.randrange(1, 3000) :]


def doubled(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data))
    return data[:at] + data[at : at + draw.choice([1, 80, 2880])] + data[at:]


def reworded(data: bytes, draw: random.Random) -> bytes:
    """A word of the text, or of a header, exchanged for one that no archive writes there."""
    words = list(re.finditer(rb"[A-Za-z0-9_.+-]+", data))
    word = draw.choice(words[:200] if draw.random() < 0.5 else words)
    return data[: word.start()] + draw.choice(WORDS) + data[word.end() :]


@pytest.mark.parametrize("kind", KINDS)
def test_mutants_are_refused_in_a_line_or_read(kind, tmp_path):
    write, is_sealed = KINDS[kind]
    data = write()
    whole = read(tmp_path, kind, data)
    draw = random.Random(kind)
    said = []
    for i in range(MUTANTS):
        change = draw.choice(
            [flipped, cut, doubled] if is_sealed else [flipped, cut, doubled, reworded]
        )
        mutant = change(data, draw)
        try:
            got = read(tmp_path, kind, mutant)
        except IngestError as error:
            said.append(str(error))
        else:
            assert not is_sealed or got.equals(whole) or same_but_for_the_header(kind, mutant), (
                i,
                change.__name__,
            )
    assert len(said) > MUTANTS // 10
    assert not [line for line in said if "\n" in line]


def read(tmp_path: Path, kind: str, data: bytes) -> pa.Table:
    (tmp_path / kind).write_bytes(data)
    for path in tmp_path.glob("raw/*.parquet"):
        path.unlink()
    ingest("gaia_dr2", tmp_path / kind, tmp_path / "raw", columns={})
    return pq.read_table(tmp_path / "raw" / "gaia_dr2.parquet")


def same_but_for_the_header(kind: str, mutant: bytes) -> bool:
    """Parquet has no sum over its footer, where the names of the columns stand:
    another name is another table.
    """
    if kind != "t.parquet":
        return False
    names = pq.ParquetFile(io.BytesIO(mutant)).schema_arrow.names
    return names != gaia().colnames
