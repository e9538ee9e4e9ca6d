"""FAULTS section 1: every way a spectrum file can be wrong, and what ingest makes of it."""

import bz2
import gzip
import itertools
import lzma
import os
import stat
import tracemalloc
from collections.abc import Callable
from importlib import import_module
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from obcat.ingest.errors import REASONS, IngestError, Quarantined, UnreadableError
from obcat.ingest.lamost import Spectrum, ingest, read_spectrum
from obcat.ingest.lamost import spectrum as listing
from obcat.ingest.lamost.header import LONGEST
from obcat.ingest.lamost.spectrum import (
    HIGH_IVAR,
    LONGEST_NAME,
    SIZE_CAP,
    _n_high,
    _read,
    inflate,
)
from obcat.kernels.grid import N_PIXEL
from obcat.schema import columns_of
from tests.lamost_files import EXTEN0, Fake, N, header, padded, structure, table


def reason(content: bytes, name: str | None = None) -> str:
    """Why a file is refused; its detail must be one line."""
    with pytest.raises(Quarantined) as fault:
        read_spectrum(content, name or Fake().name)
    assert fault.value.reason in REASONS
    assert "\n" not in fault.value.detail
    return fault.value.reason


def read(fake: Fake) -> Spectrum:
    return read_spectrum(fake.packed(), fake.name)


def files(out: Path) -> dict[str, tuple[str, str | None]]:
    rows = pq.read_table(out / "files.parquet").to_pylist()
    return {row["path"]: (row["status"], row["reason"]) for row in rows}


# `.gz` cut short, one bit flipped, bombs


@pytest.mark.parametrize("part", [0.2, 0.6, 0.95, 0.999])
def test_gzip_cut_short(part: float) -> None:
    packed = Fake().packed()
    assert reason(packed[: int(len(packed) * part)]) == "truncated_gzip"


def test_gzip_cut_within_its_trailer_or_header() -> None:
    packed = Fake().packed()
    assert reason(packed[:-1]) == "truncated_gzip"
    assert reason(packed[:5]) == "truncated_gzip"


def test_gzip_bit_flips_never_give_other_bytes() -> None:
    packed, content = Fake().packed(), Fake().content()
    random = np.random.default_rng(20)
    refused = []
    for bit in random.integers(0, 8 * len(packed), 200):
        damaged = bytearray(packed)
        damaged[bit // 8] ^= 1 << (bit % 8)
        try:
            assert inflate(bytes(damaged)) == content
        except Quarantined as fault:
            refused.append(fault.reason)
    assert len(refused) >= 195
    assert set(refused) <= {"damaged_gzip", "truncated_gzip"}


@pytest.mark.parametrize("bit", range(64))
def test_every_bit_of_checksum_and_length_counts(bit: int) -> None:
    damaged = bytearray(Fake(n=10).packed())
    damaged[len(damaged) - 8 + bit // 8] ^= 1 << (bit % 8)
    assert reason(bytes(damaged)) == "damaged_gzip"


def test_bytes_after_the_gzip_stream_are_refused() -> None:
    assert reason(Fake().packed() + b"\0\0\1") == "damaged_gzip"
    assert reason(Fake().packed() + b"\x1f\x8b") == "truncated_gzip"
    assert reason(Fake().packed() * 2) == "unknown_layout"


@pytest.mark.parametrize("library", ["isal.isal_zlib", "zlib"])
@pytest.mark.parametrize("cuts", [(1,), (2880, 9000, 9001), tuple(range(4096, 81000, 4096))])
@pytest.mark.parametrize("padding", [0, 1, 4000])
def test_gzip_of_several_members_and_padded_gzip_are_read(
    library: str, cuts: tuple[int, ...], padding: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Block gzip ends in a member without content;
    tapes and transfers pad with zeros, between members too.
    """
    monkeypatch.setattr("obcat.ingest.lamost.spectrum.zlib", import_module(library))
    fake = Fake("dr8", seed=5)
    content, edges = fake.content(), (0, *cuts, None)
    pieces = [gzip.compress(content[a:b]) for a, b in itertools.pairwise(edges)] + [
        gzip.compress(b"")
    ]
    assert inflate(bytes(padding).join(pieces) + bytes(padding)) == content
    packed = b"".join(pieces)
    assert read_spectrum(packed, f"{fake.name}.gz").flux.tobytes() == read(fake).flux.tobytes()
    assert reason(packed[:-1]) == "truncated_gzip"
    half = len(pieces[0]) - 6  # in the checksum of the first member
    assert reason(packed[:half] + bytes([packed[half] ^ 1]) + packed[half + 1 :]) == "damaged_gzip"


@pytest.mark.parametrize(
    ("name", "content", "tool"),
    [
        ("a.fits.fz", b"?", "funpack"),
        ("a.fits.BZ2", b"?", "bunzip2"),
        ("a.fts.xz", b"?", "unxz"),
        ("a.fits", bz2.compress(b"x"), "bunzip2"),
        ("a.fits.gz", lzma.compress(b"x"), "unxz"),
        ("a.fit", b"PK\x03\x04 zip", "unzip"),
        ("a.fits", b"\x1f\x9d compress", "uncompress"),
    ],
)
def test_other_packings_are_named_with_the_program_that_unpacks(
    name: str, content: bytes, tool: str
) -> None:
    with pytest.raises(Quarantined, match=rf"^other_packing: .*\({tool}\)"):
        read_spectrum(content, name)


def test_what_fpack_made_is_named() -> None:
    fake, stored = Fake(), BytesIO()
    rows = np.stack(list(fake.arrays.values())).astype("f4")
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(rows)]).writeto(stored)
    with pytest.raises(Quarantined, match=r"other_packing: packed by fpack; unpack it \(funpack\)"):
        read_spectrum(stored.getvalue(), f"{fake.name}.fz")


def test_files_of_every_spectrum_name_are_counted_or_in_quarantine_and_the_others_by_ending(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "in"
    for i, ending in enumerate((".fits", ".fit.gz", ".FTS", ".fts.gz"), 1):
        Fake(fiberid=i, seed=i).write(
            folder / f"{i}", Fake(fiberid=i).name.replace(".fits", ending)
        )
    for name in ("a.fits.fz", "b.fits.bz2", "c.fit.zst"):
        (folder / name).write_bytes(b"?")
    for name in ("notes.txt", "more.TXT", "d.fits.gz.part", "README", "x.\x1b[31m", "e.fits~"):
        (folder / name).write_bytes(b"?")
    counts = ingest(folder, tmp_path / "out", workers=1)
    assert (counts["found"], counts["ingested"], counts["other_packing"]) == (7, 4, 3)
    over = {key: n for key, n in counts.items() if key.startswith("passed over")}
    assert over == {
        "passed over: *.txt": 2,
        "passed over: *.part": 1,
        "passed over: other names": 2,
        "passed over: *.fits~": 1,
    }


def test_a_folder_without_spectra_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_bytes(b"?")
    with pytest.raises(
        IngestError, match=r"below this folder \(1 passed over: \*\.dat\); give the folder"
    ):
        ingest(tmp_path, tmp_path / "out")


@pytest.fixture(scope="module", params=["dr5", "dr10"])
def summed(request) -> tuple[str, bytes]:
    """A file with CHECKSUM and DATASUM in each of its header units, as astropy writes them."""
    fake = Fake(request.param, n=100)
    out = BytesIO()
    with fits.open(BytesIO(fake.content())) as hdus:
        hdus.writeto(out, checksum=True, output_verify="silentfix")
    return fake.name, out.getvalue()


def test_checksums_that_agree_are_accepted(summed) -> None:
    name, content = summed
    assert content.count(b"CHECKSUM=") == (2 if b"XTENSION" in content else 1)
    read_spectrum(content, name)


@pytest.mark.parametrize("seed", range(40))
def test_a_flipped_bit_anywhere_in_a_file_with_checksums_is_found(summed, seed: int) -> None:
    name, content = summed
    rng = np.random.default_rng(seed)
    damaged = bytearray(content)
    damaged[rng.integers(len(content))] ^= 1 << rng.integers(8)
    whole = read_spectrum(content, name)
    try:
        spectrum = read_spectrum(bytes(damaged), name)
    except Quarantined:
        return
    assert spectrum.header | {"sha256": None} == whole.header | {
        "sha256": None
    }  # the bit was in the card itself
    assert (spectrum.flux.tobytes(), spectrum.ivar.tobytes()) == (
        whole.flux.tobytes(),
        whole.ivar.tobytes(),
    )


@pytest.mark.parametrize("packed", [False, True])
def test_a_changed_pixel_and_a_changed_card_are_told_by_the_sums(summed, packed: bool) -> None:
    name, content = summed
    pixel = (
        content[: len(content) - 2880]
        + bytes([content[-2880] ^ 64])
        + content[len(content) - 2879 :]
    )
    card = content.replace(b"27.611422", b"27.611423")
    for changed, said in (
        (pixel, "DATASUM = '"),
        (card, "CHECKSUM is not that of header and data"),
    ):
        assert changed != content
        with pytest.raises(Quarantined, match=f"^checksum: {said}"):
            read_spectrum(gzip.compress(changed) if packed else changed, name)


@pytest.mark.parametrize("value", ["", "        ", None])
def test_sums_that_say_nothing_are_passed_over(value: str | None) -> None:
    read_spectrum(Fake(cards={"CHECKSUM": value, "DATASUM": value}).content(), Fake().name)


@pytest.mark.parametrize("value", ["12345", "-1", "1e5", "x", "²", 7])
def test_a_datasum_that_is_none_is_refused(value: object) -> None:
    assert reason(Fake(cards={"DATASUM": value}).content()) in ("checksum", "bad_header")


def test_members_count_together_against_the_cap_and_are_not_without_number() -> None:
    member = gzip.compress(bytes(60))
    assert len(inflate(member * 2, cap=120)) == 120
    with pytest.raises(Quarantined, match="too_large: inflates to more than 119"):
        inflate(member * 2, cap=119)
    with pytest.raises(Quarantined, match="too_large: more than 1000 gzip streams"):
        inflate(gzip.compress(b"") * 1001)


def test_inflate_without_isal_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    import zlib

    monkeypatch.setattr("obcat.ingest.lamost.spectrum.zlib", zlib)
    packed, content = Fake().packed(), Fake().content()
    assert inflate(packed) == content
    assert reason(packed[:-9]) == "truncated_gzip"
    assert reason(packed[:-8] + bytes(8)) == "damaged_gzip"
    assert reason(packed + b"x") == "damaged_gzip"


def test_gzip_bomb_is_refused_without_inflating_it() -> None:
    bomb = gzip.compress(bytes(100_000_000), compresslevel=9, mtime=0)
    tracemalloc.start()
    try:
        assert reason(bomb) == "too_large"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * SIZE_CAP


def test_file_larger_than_the_cap_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / Fake().name
    with path.open("wb") as f:
        f.truncate(40_000_000_000)
    with pytest.raises(Quarantined, match="too_large"):
        read_spectrum(path)


# plain FITS


@pytest.mark.parametrize("dialect", ["dr1", "dr5", "dr2", "dr10"])
@pytest.mark.parametrize("part", [0.05, 0.5, 0.99, 0.9999])
def test_plain_fits_cut_short(dialect: str, part: float) -> None:
    content = Fake(dialect).content()
    assert reason(content[: int(len(content) * part)]) == "truncated_fits"


@pytest.mark.parametrize("dialect", ["dr5", "dr10"])
@pytest.mark.parametrize("blocks", [1, 2, 10, 20])
def test_plain_fits_cut_at_a_block(dialect: str, blocks: int) -> None:
    content = Fake(dialect).content()
    assert len(content) > 2880 * (blocks + 1)
    assert reason(content[: -2880 * blocks]) == "truncated_fits"


def test_plain_fits_with_padding_missing_or_bytes_added() -> None:
    content = Fake().content()
    assert reason(content[:-100]) == "truncated_fits"
    assert reason(content + b"x") == "truncated_fits"
    assert reason(content + bytes(2880)) == "unknown_layout"


def test_flipped_bits_in_a_plain_header_end_in_quarantine_or_a_sane_spectrum() -> None:
    content, random = Fake().content(), np.random.default_rng(7)
    reasons = set()
    for bit in random.integers(0, 8 * 2880 * 2, 300):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << (bit % 8)
        try:
            spectrum = read_spectrum(bytes(damaged), Fake().name)
            assert np.isfinite(spectrum.flux).all()
            assert spectrum.header["specid"] == Fake().specid
        except Quarantined as fault:
            reasons.add(fault.reason)
    assert "bad_header" in reasons


def test_a_changed_plain_file_is_seen_by_its_sha256(tmp_path: Path) -> None:
    path = Fake().write(tmp_path / "in", Fake().name)
    ingest(path.parent, tmp_path / "out", workers=1)
    (before,) = pq.read_table(tmp_path / "out" / "files.parquet")["sha256"].to_pylist()
    content = bytearray(path.read_bytes())
    content[-5000] ^= 1
    path.write_bytes(content)
    ingest(path.parent, tmp_path / "out", workers=1)
    (after,) = pq.read_table(tmp_path / "out" / "files.parquet")["sha256"].to_pylist()
    assert before != after


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE html><html><title>Not found</title></html>",
        b'{"error": "token"}',
        b"SIMPL",
        b"XTENSION= 'BINTABLE'" + b" " * 2860,
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_not_fits_at_all(content: bytes, packed: bool) -> None:
    assert reason(gzip.compress(content) if packed else content) == "not_fits"


def test_name_says_nothing_about_packing() -> None:
    fake = Fake()
    assert (
        read_spectrum(fake.content(), f"{fake.name}.gz").header
        == read_spectrum(fake.content(), fake.name).header
    )


# layouts, by structure


def image(rows: int, n: int = N, **cards: object) -> bytes:
    fake = Fake(cards={"NAXIS2": rows, **cards})
    primary = structure("dr5", n) | fake.science() | fake.cards
    return header(primary) + padded(np.ones((rows, n), ">f4").tobytes())


@pytest.mark.parametrize(
    "content",
    [
        image(3),
        image(6),
        image(5, 1),
        image(5, 5001),
        image(5, NAXIS=3, NAXIS3=1),
        image(5, NAXIS=1),
        image(5, BITPIX=-16),
        image(5, SIMPLE=False),
        header({"SIMPLE": True, "BITPIX": 8, "NAXIS": 0}),
    ],
    ids=[
        "3 rows",
        "6 rows",
        "1 pixel",
        "5001 pixels",
        "cube",
        "vector",
        "BITPIX",
        "SIMPLE F",
        "no data",
    ],
)
def test_other_shapes_are_unknown(content: bytes) -> None:
    assert reason(content) == "unknown_layout"


@pytest.mark.parametrize("n", [10**9, 2 * 10**9, 10**17])
@pytest.mark.parametrize("dialect", ["dr5", "dr10"])
def test_header_that_claims_gigabytes(n: int, dialect: str) -> None:
    fake = Fake(dialect)
    if dialect == "dr5":
        assert (
            reason(header(structure("dr5", n) | fake.science()) + bytes(2880)) == "unknown_layout"
        )
    else:
        content = (
            header(structure("dr10", N) | fake.science())
            + header(table(["FLUX"] * 6, n))
            + bytes(2880)
        )
        assert reason(content) == "unknown_layout"


def test_dr1_row_order_is_told_from_wavelength_whatever_the_release_says() -> None:
    assert read(Fake("dr1", cards={"DATA_V": "LAMOST DR5"})).header["layout"] == "dr1"
    assert read(Fake("dr5", cards={"DATA_V": None, "EXTEN0": None})).header["layout"] == "image"
    assert read(Fake("dr10", cards={"DATA_V": "LAMOST DR1"})).header["layout"] == "table"
    assert reason(Fake("dr1", cards={"EXTEN0": None}).content()) == "unknown_layout"
    assert (
        reason(Fake("dr1", cards={"EXTEN0": "Flux Error Sky Noise Something"}).content())
        == "unknown_layout"
    )


NAMES = ["FLUX", "IVAR", "WAVELENGTH", "ANDMASK", "ORMASK", "NORMALIZATION"]


@pytest.mark.parametrize(
    "change",
    [
        {"XTENSION": "IMAGE"},
        {"NAXIS2": 2},
        {"NAXIS2": 0},
        {"PCOUNT": 10},
        {"TTYPE5": "MASK"},
        {"TFORM1": "3908E"},
        {"TFORM1": "PE(3909)"},
        {"TFORM6": "3000E"},
        {"TFIELDS": 4},
        {"TFIELDS": -1},
        {"NAXIS1": 10},
    ],
    ids=str,
)
def test_other_tables_are_unknown(change: dict) -> None:
    fake = Fake("dr10")
    data = padded(np.ones((6, N), ">f4").tobytes())
    content = (
        header(structure("dr10", N) | fake.science()) + header(table(NAMES, N) | change) + data
    )
    assert reason(content) in ("unknown_layout", "truncated_fits")


# NaN, ivar, zeros: what ingest leaves for the later steps


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "pixels", [slice(100, 101), slice(2630, 2660), slice(None)], ids=["one", "a line", "all"]
)
@pytest.mark.parametrize("array", ["flux", "ivar"])
@pytest.mark.parametrize("dialect", ["dr2", "dr5", "dr10"])
def test_values_that_are_not_finite_are_masked(
    value: float, pixels: slice, array: str, dialect: str
) -> None:
    fake = Fake(dialect)
    fake.arrays[array][pixels] = value
    spectrum = read(fake)
    touched = np.zeros(N_PIXEL, bool)
    touched[pixels] = True
    assert np.isfinite(spectrum.flux).all()
    assert np.array_equal(spectrum.ivar == 0, touched)
    assert spectrum.header["n_masked"] == spectrum.header["n_not_finite"] == touched.sum()
    assert (spectrum.header["snr_g_computed"] is None) == touched.all()


def test_signalling_nan_passes_no_warning() -> None:
    fake = Fake("dr5")
    content = bytearray(fake.content())
    start = len(header(structure("dr5", N) | fake.science()))
    content[start : start + 4] = b"\x7f\x80\x00\x01"
    spectrum = read_spectrum(bytes(content), fake.name)
    assert (spectrum.flux[0], spectrum.ivar[0]) == (0, 0)


def test_ivar_all_zero_is_a_spectrum_without_good_pixels() -> None:
    spectrum = read(Fake(arrays={"ivar": np.zeros(N)}))
    assert spectrum.header["n_masked"] == N
    assert spectrum.header["snr_g_computed"] is None
    assert not spectrum.ivar.any()
    assert spectrum.flux.any()


def test_negative_ivar_is_masked_and_counted() -> None:
    fake = Fake()
    fake.arrays["ivar"][[5, 6]] = -1
    spectrum = read(fake)
    assert spectrum.ivar[[5, 6]].tolist() == [0, 0]
    assert (spectrum.header["n_masked"], spectrum.header["n_not_finite"]) == (2, 2)


def test_ivar_far_above_the_median_is_counted_and_kept() -> None:
    fake = Fake()
    fake.arrays["ivar"][700] *= 1e6
    spectrum = read(fake)
    assert spectrum.header["n_high_ivar"] == 1
    assert spectrum.ivar[700] == np.float32(fake.arrays["ivar"][700])


def test_high_ivar_is_counted_as_by_the_median_whatever_the_values() -> None:
    rng = np.random.default_rng(5)
    for size in (1, 2, 3, 50, 51):
        for spread in (0.0, 0.5, 1.5, 3.0, 6.0):
            ivar = rng.lognormal(0, spread, (40, size)).astype(np.float32)
            for row in (*ivar, np.append(ivar[0], np.float32(100) * np.median(ivar[0]))):
                expected = np.count_nonzero(row > HIGH_IVAR * float(np.median(row)))
                assert _n_high(row) == expected, row


def test_file_that_is_longer_or_shorter_than_it_said_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "grows"
    path.write_bytes(bytes(range(200)))
    for said in (0, 1, 199, 200, 201, 10**12):
        with path.open("rb", buffering=0) as file:
            assert _read(file, said) == path.read_bytes()


def test_flux_all_zero_is_all_masked_and_negative_flux_is_kept() -> None:
    spectrum = read(Fake(arrays={"flux": np.zeros(N)}))
    assert spectrum.header["n_masked"] == spectrum.header["n_zero_flux"] == N
    negative = read(Fake(arrays={"flux": np.full(N, -3.0)}))
    assert negative.header["n_masked"] == 0
    assert negative.header["snr_g_computed"] < 0


# wavelengths


def moved(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Fake], None]:
    def plant(fake: Fake) -> None:
        fake.arrays["wavelength"] = change(fake.arrays["wavelength"])

    return plant


def drop_200(wavelength: np.ndarray) -> np.ndarray:
    """A gap after pixel 1,000: the rest of the row is 200 pixels further on."""
    return np.where(np.arange(wavelength.size) < 1000, wavelength, wavelength * 10**0.02)


def air(wavelength: np.ndarray) -> np.ndarray:
    """Ciddor's refraction to the precision that matters here."""
    return wavelength / (1 + 2.735182e-4 + 131.4182 / wavelength**2)


WAVELENGTHS = {
    "shift by 1 pixel": lambda w: w * 10**1e-4,
    "shift by a fifth of a pixel": lambda w: w * 10**2e-5,
    "shift by 10 A": lambda w: w + 10,
    "drop 200 pixels": drop_200,
    "reverse": lambda w: w[::-1],
    "two pixels exchanged": lambda w: np.concatenate([w[:500], w[501:502], w[500:501], w[502:]]),
    "nanometres": lambda w: w / 10,
    "micrometres": lambda w: w / 1e4,
    "log10": np.log10,
    "air": air,
    "rest frame of 100 km/s": lambda w: w / (1 + 100 / 299792.458),
    "linear": lambda w: np.linspace(w[0], w[-1], w.size),
    "zero": np.zeros_like,
    "one NaN": lambda w: np.where(np.arange(w.size) == 44, np.nan, w),
}


@pytest.mark.parametrize("dialect", ["dr2", "dr5", "dr10"])
@pytest.mark.parametrize("change", WAVELENGTHS.values(), ids=WAVELENGTHS)
def test_wavelengths_other_than_those_of_the_header(change: Callable, dialect: str) -> None:
    fake = Fake(dialect)
    moved(change)(fake)
    assert reason(fake.content()) == "bad_wavelength"


@pytest.mark.parametrize(
    ("coeff0", "coeff1"),
    [
        (3.56825, 1e-4),
        (3.5, 1e-4),
        (3.6, 1e-4),
        (3.5682, 1.001e-4),
        (3.5682, -1e-4),
        (3.5682, 0.0),
        (-3.5, 1e-4),
        (1e300, 1),
    ],
)
@pytest.mark.parametrize("dialect", ["dr1", "dr5", "dr10"])
def test_grids_that_are_not_lamost_s(coeff0: float, coeff1: float, dialect: str) -> None:
    fake = Fake(dialect, cards={"COEFF0": coeff0, "COEFF1": coeff1})
    assert reason(fake.content()) == "bad_wavelength"
    if abs(coeff0) < 4:
        whole = Fake(dialect, coeff0=coeff0, coeff1=coeff1)
        assert reason(whole.content()) == "bad_wavelength"


def test_a_rising_row_beats_exten0() -> None:
    fake = Fake("dr5", cards={"EXTEN0": EXTEN0["dr1"]})
    moved(lambda w: w + 10)(fake)
    assert reason(fake.content()) == "bad_wavelength"


@pytest.mark.parametrize("card", ["VACUUM", "HELIO"])
@pytest.mark.parametrize("value", [False, None, "T", 1])
@pytest.mark.parametrize("dialect", ["dr1", "dr5", "dr10"])
def test_vacuum_and_heliocentric_are_asserted(card: str, value: object, dialect: str) -> None:
    assert reason(Fake(dialect, cards={card: value}).content()) == "not_vacuum_heliocentric"


# identity


@pytest.mark.parametrize("dialect", ["dr1", "dr2", "dr5", "dr10"])
@pytest.mark.parametrize(
    "change", [{"lmjd": 55864}, {"planid": "GAC_105N29_B2"}, {"spid": 2}, {"fiberid": 12}], ids=str
)
def test_swapped_files_are_told_by_their_names(dialect: str, change: dict, tmp_path: Path) -> None:
    one, other = Fake(dialect), Fake(dialect, **change)
    assert reason(one.content(), other.name) == "id_mismatch"
    assert reason(other.content(), one.name) == "id_mismatch"
    one.write(tmp_path / "in", f"{other.name}.gz")
    other.write(tmp_path / "in", f"{one.name}.gz")
    counts = ingest(tmp_path / "in", tmp_path / "out", workers=1)
    assert counts == {
        "found": 2,
        "read": 2,
        "ingested": 0,
        "duplicate": 0,
        "quarantined": 2,
        "id_mismatch": 2,
    }


@pytest.mark.parametrize(
    "cards",
    [
        {"FILENAME": "spec-55863-GAC_105N29_B1_sp01-012.fits"},
        {"OBSID": 1501012},
        {"OBSID": 1},
        {"FIBERID": 12},
        {"LMJD": 55862},
    ],
    ids=str,
)
def test_identifiers_within_one_header_must_agree(cards: dict) -> None:
    assert reason(Fake(cards=cards).content()) == "id_mismatch"


def test_no_name_at_all() -> None:
    assert reason(Fake(cards={"FILENAME": "spectrum.fits"}).content(), "x.fits") == "id_mismatch"


@pytest.mark.parametrize("obsid", [-28762, 0])
def test_impossible_obsid_is_kept_as_it_came(obsid: int) -> None:
    assert read(Fake(cards={"OBSID": obsid})).header["obsid"] == obsid


@pytest.mark.parametrize(
    "cards",
    [
        {"LMJD": None},
        {"SPID": "one"},
        {"FIBERID": 11.5},
        {"FIBERID": 1000},
        {"SPID": 0},
        {"LMJD": 10**6},
        {"PLANID": "../../x"},
        {"PLANID": "A B"},
        {"PLANID": ""},
        {"PLANID": "<img onerror=x>"},
        {"RA": None},
        {"DEC": "27:36:41"},
        {"COEFF0": None},
        {"NEXP": 2**31},
        {"OBSID": -(2**70)},
        {"Z": b"******"},
    ],
    ids=str,
)
def test_bad_headers(cards: dict) -> None:
    assert reason(Fake(cards=cards).content()) == "bad_header"


def test_planids_of_m31_fit_and_longer_ones_are_refused_as_what_they_are() -> None:
    """Real plates have 20 characters; what does not fit a catalog's column says so here and not at
    the export.
    """
    widths = {
        c.column: int(c.format[1:])
        for c in columns_of("catalog.ob_stars")
        if c.column in ("specid", "fitsname")
    }
    assert widths == {"specid": LONGEST, "fitsname": LONGEST_NAME}
    for length in (20, LONGEST - len("55863--01-011")):
        row = read(Fake(planid="M" * length)).header
        assert len(row["specid"]) <= widths["specid"]
        assert len(row["fitsname"]) <= widths["fitsname"]
    with pytest.raises(Quarantined, match=r"bad_header: PLANID 'MMM.* of 28 characters"):
        read(Fake(planid="M" * 28))


def test_a_file_name_with_a_long_tail_of_its_own_gives_way_to_the_plain_one() -> None:
    fake = Fake()
    named = f"{fake.name.removesuffix('.fits')}_{'x' * 25}.fits"
    assert read(Fake(cards={"FILENAME": named})).header["fitsname"] == fake.name


MORE = {"EXTEND": True, "DATA_V": "LAMOST DR7"}


def unit(names: dict[str, str], rows: int, **cards: object) -> bytes:
    """A binary table of so many rows, all zero, with columns name -> format of 4 bytes each."""
    given = {
        "XTENSION": "BINTABLE",
        "BITPIX": 8,
        "NAXIS": 2,
        "NAXIS1": 4 * len(names),
        "NAXIS2": rows,
        "PCOUNT": 0,
    }
    given |= {"GCOUNT": 1, "TFIELDS": len(names)} | cards
    for i, (name, form) in enumerate(names.items(), 1):
        given |= {f"TTYPE{i}": name, f"TFORM{i}": form}
    return header(given) + padded(bytes(4 * len(names) * rows))


SDSS = dict.fromkeys(
    ("flux", "loglam", "ivar", "and_mask", "or_mask", "wdisp", "sky", "model"), "E"
)
OTHERS = {
    "LAMOST medium-resolution": unit(
        dict.fromkeys(("FLUX", "IVAR", "LOGLAM"), "E"), 3800, EXTNAME="COADD_B"
    ),
    "LAMOST medium-resolution spectrum, by": unit(
        dict.fromkeys(("FLUX", "IVAR"), "E"), 1, EXTNAME="R-84420148"
    ),
    "a spectrum of SDSS": unit(SDSS, 3800, EXTNAME="COADD"),
    "a spectrum by LOGLAM": unit(dict.fromkeys(("flux", "loglam"), "E"), 3800),
    "a table of 17 rows": unit({"obsid": "J", "teff": "E"}, 17, EXTNAME="catalog"),
    "an image in an extension": header(
        {"XTENSION": "IMAGE", "BITPIX": 8, "NAXIS": 0, "PCOUNT": 0, "GCOUNT": 1}
    ),
}


@pytest.mark.parametrize("said", OTHERS)
def test_the_detail_says_what_a_file_is_that_is_no_low_resolution_spectrum(said: str) -> None:
    primary = header({"SIMPLE": True, "BITPIX": 8, "NAXIS": 0} | MORE)
    with pytest.raises(Quarantined, match=f"unknown_layout: .*{said}"):
        read_spectrum(primary + OTHERS[said], "med-58407-x_sp01-001.fits")


@pytest.mark.parametrize("axes", [(1, 3909, None), (2, 4136, 2048), (3, 10, 10)])
def test_an_image_is_called_an_image(axes: tuple) -> None:
    dims, first, second = axes
    content = header(
        {"SIMPLE": True, "BITPIX": 16, "NAXIS": dims, "NAXIS1": first, "NAXIS2": second}
    ) + bytes(2880)
    with pytest.raises(Quarantined, match="unknown_layout: an image with NAXIS, NAXIS1, NAXIS2 = "):
        read_spectrum(content, "x.fits")


# position


@pytest.mark.parametrize(
    ("ra", "dec"),
    [
        (-0.1, 0.0),
        (400.0, 0.0),
        (360.0000001, 0.0),
        (10.0, 91.0),
        (10.0, -90.0000001),
        (b"NaN", 0.0),
        (10.0, b"NaN"),
        (b"1E999", 1),
    ],
)
def test_positions_off_the_sky(ra: object, dec: object) -> None:
    assert reason(Fake(cards={"RA": ra, "DEC": dec}).content()) == "bad_position"


@pytest.mark.parametrize(
    ("ra", "dec", "kept"),
    [(0.0, 90.0, 0.0), (359.9999999, -90.0, 359.9999999), (360.0, 0.0, 0.0), (360, 0, 0.0)],
)
def test_positions_at_the_edge(ra: float, dec: float, kept: float) -> None:
    row = read(Fake(cards={"RA": ra, "DEC": dec})).header
    assert (row["ra"], row["dec"]) == (kept, dec)


# signal to noise, redshift


@pytest.mark.parametrize("value", [None, -9999, -9999.0, 99.0, 999.0, "", b"NaN"])
def test_signal_to_noise_is_computed_whatever_the_header_says(value: object) -> None:
    row = read(Fake(cards={"SNRG": value})).header
    usual = read(Fake()).header
    assert row["snr_g_computed"] == usual["snr_g_computed"] > 0
    if isinstance(value, (int, float)):
        assert row["snr_g"] == value
    else:
        assert row["snr_g"] is None or np.isnan(row["snr_g"])


@pytest.mark.parametrize(
    ("value", "kept"), [(None, None), (-9999, -9999.0), (-9999.0, -9999.0), ("", None)]
)
def test_redshift_missing_or_sentinel_is_no_reason_for_quarantine(
    value: object, kept: float | None
) -> None:
    assert read(Fake(cards={"Z": value})).header["z"] == kept


# files and folders


def test_one_bad_file_never_stops_the_good_ones(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    good = [Fake(fiberid=i, seed=i).write(folder).name for i in range(1, 4)]
    planted = {
        "a.fits.gz": ("empty", lambda p: p.write_bytes(b"")),
        "b.fits": ("not_a_file", lambda p: p.mkdir()),
        "c.fits": ("not_a_file", lambda p: os.mkfifo(p)),
        "d.fits": ("not_a_file", lambda p: p.symlink_to("nowhere")),
        "e.fits.gz": ("not_fits", lambda p: p.write_bytes(b"<html>")),
        "f.fits.gz": ("truncated_gzip", lambda p: p.write_bytes(Fake().packed()[:999])),
        "g.fits": ("truncated_fits", lambda p: p.write_bytes(Fake().content()[:9999])),
        "h.fits": ("too_large", lambda p: p.write_bytes(bytes(SIZE_CAP + 1))),
        "i\n;--'.fits": ("not_fits", lambda p: p.write_bytes(b"x")),
        f"{'n' * 240}.fits": ("not_fits", lambda p: p.write_bytes(b"x")),
        "ĳ星[1]*?.fits": ("not_fits", lambda p: p.write_bytes(b"x")),
        "\udcff.fits": ("not_fits", lambda p: p.write_bytes(b"x")),
    }
    for name, (_, plant) in planted.items():
        plant(folder / name)
    counts = ingest(folder, out, workers=1)
    assert (counts["found"], counts["ingested"], counts["quarantined"]) == (
        len(planted) + 3,
        3,
        len(planted),
    )
    assert (counts["not_a_file"], counts["not_fits"], counts["empty"]) == (3, 5, 1)
    found = files(out)
    expected = {name: ("quarantined", why) for name, (why, _) in planted.items()}
    expected["\\xff.fits"] = expected.pop("\udcff.fits")
    assert found == expected | dict.fromkeys(good, ("ingested", None))
    again = ingest(folder, out, workers=1)
    assert again["read"] == 3  # what is no file may have become one
    assert files(out) == found


def test_same_spectrum_under_two_names(tmp_path: Path) -> None:
    Fake().write(tmp_path / "in" / "a")
    Fake().write(tmp_path / "in" / "b")
    counts = ingest(tmp_path / "in", tmp_path / "out", workers=1)
    assert (counts["ingested"], counts["duplicate"]) == (1, 1)
    (row,) = pq.read_table(tmp_path / "out" / "headers.parquet").to_pylist()
    assert row["other_names"] == f"b/{Fake().name}.gz"


def test_file_without_permission_is_quarantined_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Fake().write(tmp_path / "in")
    Fake(fiberid=2).write(tmp_path / "in")
    plain = Path.open

    def refused(self: Path, *how: str, **more: str) -> object:
        if self.name == path.name:
            raise PermissionError(13, "Permission denied")
        return plain(self, *how, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refused)
        counts = ingest(tmp_path / "in", tmp_path / "out", workers=1)
    assert (counts["ingested"], counts["unreadable"]) == (1, 1)
    assert ingest(tmp_path / "in", tmp_path / "out", workers=1)["ingested"] == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_folder_without_permission_is_one_line(tmp_path: Path) -> None:
    closed = tmp_path / "in" / "closed"
    closed.mkdir(parents=True)
    closed.chmod(0)
    try:
        with pytest.raises(UnreadableError, match="closed: Permission denied"):
            ingest(tmp_path / "in", tmp_path / "out")
    finally:
        closed.chmod(stat.S_IRWXU)


def test_folder_that_cannot_be_listed_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(listing.os, "scandir", refused)
    with pytest.raises(UnreadableError, match=rf"^{tmp_path}.*: Permission denied; give a folder"):
        ingest(tmp_path, tmp_path / "out")


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_failing_write_is_one_line_and_the_next_run_mends_it(
    nth: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Fake().write(tmp_path / "in")
    calls, plain = [], Path.replace

    def full(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == nth:
            raise OSError(28, "No space left on device")
        return plain(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(IngestError, match="No space left on device; free space"):
            ingest(tmp_path / "in", tmp_path / "out", workers=1)
    assert len(calls) == nth  # part, headers, files
    assert not list((tmp_path / "out").rglob("*.tmp"))
    assert not (tmp_path / "out" / "files.parquet").exists()
    assert ingest(tmp_path / "in", tmp_path / "out", workers=1)["ingested"] == 1
    assert files(tmp_path / "out") == {f"{Fake().name}.gz": ("ingested", None)}
