"""Mutants of spectrum files, of fixed seeds:
refused with a reason, or read as the file they were made from.
"""

import gzip
import re
import signal
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO

import numpy as np
import pytest
from astropy.io import fits

from obcat.ingest.errors import REASONS, Quarantined
from obcat.ingest.lamost import Spectrum, read_spectrum
from tests.lamost_files import Fake

MUTANTS = 1000
SECONDS = 5.0  # a mutant; usual ones take a millisecond
MEMORY = 64 << 20  # bytes; a file inflates to at most 10 MB
BLOCK = 2880
Rng = np.random.Generator


def with_sums(fake: Fake, kind: str) -> bytes:
    """The file as astropy writes it, with CHECKSUM and DATASUM;
    scaled data and double columns go through astropy.
    """
    out = BytesIO()
    with fits.open(BytesIO(fake.content())) as hdus:
        if kind == "scaled":
            hdus[0].scale("int32", bscale=0.5, bzero=100.0)
        if kind == "doubles":
            columns = [
                fits.Column(c.name, c.format.replace("E", "D"), array=hdus[1].data[c.name])
                for c in hdus[1].columns
            ]
            hdus[1] = fits.BinTableHDU.from_columns(columns)
        hdus.writeto(out, checksum=True, output_verify="silentfix")
    return out.getvalue()


SOURCES = {
    "image": ("dr8", "image"),
    "old image": ("dr2", "image"),
    "dr1": ("dr1", "image"),
    "scaled": ("dr1", "scaled"),
    "table": ("dr10", "table"),
    "doubles": ("dr10", "doubles"),
}


def flip(data: bytearray, rng: Rng) -> None:
    data[rng.integers(len(data))] ^= 1 << rng.integers(8)


def flips(data: bytearray, rng: Rng) -> None:
    for _ in range(rng.integers(2, 9)):
        flip(data, rng)


def fill(data: bytearray, rng: Rng) -> None:
    at, length = rng.integers(len(data)), rng.integers(1, 80)  # not both sums at once
    data[at : at + length] = bytes([rng.choice([0, 0x20, 0x7F])]) * len(data[at : at + length])


def cut(data: bytearray, rng: Rng) -> None:
    del data[rng.integers(len(data)) :]


def drop(data: bytearray, rng: Rng) -> None:
    at = rng.integers(len(data))
    del data[at : at + rng.choice([1, 80, BLOCK])]


def insert(data: bytearray, rng: Rng) -> None:
    at = rng.integers(len(data))
    data[at:at] = rng.bytes(rng.choice([1, 80, BLOCK]))


def double(data: bytearray, rng: Rng) -> None:
    at = rng.integers(len(data)) // 80 * 80
    data[at:at] = data[at : at + rng.choice([80, BLOCK])]


def swap(data: bytearray, rng: Rng) -> None:
    one, other = rng.integers(len(data) // 80, size=2) * 80
    data[one : one + 80], data[other : other + 80] = data[other : other + 80], data[one : one + 80]


def number(data: bytearray, rng: Rng) -> None:
    """Another number in a card: sizes that a header claims, of any magnitude."""
    found = list(re.finditer(rb"= +(-?\d+) ", bytes(data)))
    match = found[rng.integers(len(found))]
    claimed = rng.choice(
        [
            "-1",
            "0",
            "999999999",
            "2147483648",
            "9223372036854775807",
            "99999999999999999999",
            "1E999",
        ]
    )
    data[match.start(1) : match.end(1)] = (
        str(claimed).rjust(match.end(1) - match.start(1)).encode()[-20:]
    )


def form(data: bytearray, rng: Rng) -> None:
    """Another format, name or text in a card with quotes."""
    found = list(re.finditer(rb"'([^']{1,20})'", bytes(data)))
    match = found[rng.integers(len(found))]
    words = [
        b"999999999E",
        b"PE(9)",
        b"1QD",
        b"0E",
        b"-3E",
        b"FLUX",
        b"\xff\xfe",
        b"%s%n",
        b"../../x",
        b"NaN",
        b"''",
    ]
    data[match.start(1) : match.end(1)] = words[rng.integers(len(words))].ljust(
        match.end(1) - match.start(1)
    )


Change = Callable[[bytearray, Rng], None]
BYTES: tuple[Change, ...] = (flip, flip, fill, cut, drop, insert, double)
PACKED = (*BYTES, flips, swap)
PLAIN = (
    *BYTES,
    number,
    form,
)  # FITS adds words up: it sees neither their order nor words of ones for zeros


@contextmanager
def within(seconds: float) -> Iterator[None]:
    class Late(BaseException):
        pass

    def late(*_: object) -> None:
        raise Late

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def outcome(content: bytes, name: str, whole: Spectrum) -> str:
    """Why a mutant was refused, or 'same';
    AssertionError where it was accepted with changed data.
    """
    found: Spectrum | Quarantined
    try:
        with within(SECONDS):
            found = read_spectrum(content, name)
    except Quarantined as fault:
        found = fault
    if isinstance(found, Quarantined):
        assert found.reason in REASONS
        assert "\n" not in found.detail
        assert len(found.detail) < 400
        return found.reason if "Error:" not in found.detail else f"unforeseen {found.detail}"
    assert found.header | {"sha256": None} == whole.header | {"sha256": None}
    assert (found.flux.tobytes(), found.ivar.tobytes()) == (
        whole.flux.tobytes(),
        whole.ivar.tobytes(),
    )
    return "same"


@pytest.mark.slow
@pytest.mark.parametrize("packing", ["plain", "gzip", "packed again"])
@pytest.mark.parametrize("source", SOURCES)
def test_no_mutant_is_accepted_with_changed_data(source: str, packing: str) -> None:
    """plain and packed again: FITS's sums must tell; gzip: the stream itself is changed."""
    dialect, kind = SOURCES[source]
    fake = Fake(dialect, n=300, seed=9)
    fake.arrays["ivar"] = np.round(fake.arrays["ivar"], 1) + 0.5
    if kind == "scaled":
        fake.arrays = {key: np.round(values) for key, values in fake.arrays.items()}
        fake.arrays["flux"] += 1
    content = with_sums(fake, kind)
    whole = read_spectrum(content, fake.name)
    base = gzip.compress(content, mtime=0) if packing == "gzip" else content
    counts: Counter[str] = Counter()
    tracemalloc.start()
    for seed in range(MUTANTS // len(SOURCES) + 1):
        rng = np.random.default_rng([seed, len(source), len(packing)])
        data = bytearray(base)
        changes = PACKED if packing == "gzip" else PLAIN
        change = changes[rng.integers(len(changes))]
        change(data, rng)
        mutant = (
            gzip.compress(bytes(data), 1, mtime=0) if packing == "packed again" else bytes(data)
        )
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        try:
            counts[outcome(mutant, fake.name, whole)] += 1
        except BaseException as error:
            raise AssertionError(f"seed {seed}, {change.__name__}: {error!r}") from error
        assert tracemalloc.get_traced_memory()[1] - before < MEMORY, seed
    tracemalloc.stop()
    assert counts.total() > MUTANTS // len(SOURCES)
    assert len(counts) >= (2 if packing == "gzip" else 3)
