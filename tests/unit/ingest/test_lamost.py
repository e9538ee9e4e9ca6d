"""One spectrum file and a folder of them:
layouts, grid, mask, header columns, what a second run reads.
"""

import os
import shutil
import subprocess
import sys
from io import BytesIO
from itertools import permutations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from obcat.ingest import lamost
from obcat.ingest.errors import IngestError, Quarantined, UnreadableError
from obcat.ingest.lamost import folder as lamost_folder
from obcat.ingest.lamost import ingest, layouts, parts, read_spectrum
from obcat.ingest.lamost.header import name_identity, parse_header
from obcat.ingest.lamost.spectrum import list_spectra
from obcat.kernels.grid import LOG_START, N_PIXEL, WAVELENGTH, sky_pixel
from obcat.schema import arrow_schema
from tests.lamost_files import DIALECTS, Fake, N, card, header, padded

ROOT = Path(__file__).parents[3]


def read(fake: Fake) -> lamost.Spectrum:
    return read_spectrum(fake.packed(), f"{fake.name}.gz")


def table(path: Path) -> list[dict]:
    return pq.read_table(path).to_pylist()


def spectra(out: Path) -> dict[str, np.ndarray]:
    """sha256 -> flux of every stored spectrum, each once."""
    rows = [row for path in sorted((out / "spectra").glob("part-*")) for row in table(path)]
    assert len({row["sha256"] for row in rows}) == len(rows)
    return {row["sha256"]: np.array(row["flux"], np.float32) for row in rows}


# one file


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("packed", [True, False])
def test_every_dialect_gives_the_arrays_astropy_reads(dialect: str, packed: bool) -> None:
    fake = Fake(dialect)
    content = fake.content()
    spectrum = read_spectrum(fake.packed() if packed else content, fake.name)
    with fits.open(BytesIO(content)) as hdus:
        rows = (
            [hdus[1].data["FLUX"][0], hdus[1].data["IVAR"][0]]
            if dialect == "dr10"
            else hdus[0].data[:2]
        )
        flux, ivar = (np.asarray(row, np.float32) for row in rows)
    assert spectrum.flux.dtype == spectrum.ivar.dtype == np.float32
    assert spectrum.flux.tobytes() == flux.tobytes()
    assert spectrum.ivar.tobytes() == ivar.tobytes()
    assert spectrum.header["layout"] == {"dr1": "dr1", "dr10": "table"}.get(dialect, "image")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_header_columns_are_those_declared_in_either_dialect(dialect: str) -> None:
    row = read(Fake(dialect)).header
    assert {*row, "resolution"} == set(arrow_schema("raw.headers").names)  # not in its headers
    expected = {
        "specid": "55863-GAC_105N29_B1-01-011",
        "fitsname": "spec-55863-GAC_105N29_B1_sp01-011.fits",
    }
    expected |= {
        "lmjd": 55863,
        "planid": "GAC_105N29_B1",
        "spid": 1,
        "fiberid": 11,
        "ra": 105.3833,
        "dec": 27.611422,
    }
    expected |= {
        "z": -3.15e-06,
        "z_err": 7.014e-05,
        "class": "STAR",
        "subclass": "A0",
        "helio_rv": -27.66897,
    }
    expected |= {
        "snr_u": 0.30,
        "snr_g": 3.41,
        "snr_r": 8.41,
        "snr_i": 9.99,
        "snr_z": 5.72,
        "exptime": 1800.0,
        "nexp": 3,
    }
    expected |= {
        "fibertyp": "Obj",
        "fibermas": 0,
        "tsource": "PILOT",
        "tcomment": "xuyi_r",
        "tfrom": "-",
    }
    old = dialect in ("dr1", "dr2")
    expected |= {
        "obsid": None if old else 1501011,
        "fiber_offset": None if old else False,
        "desig": "LAMOST J070131.99+273641.1",
    }
    expected |= {
        "zflag": {"dr1": None, "dr2": "LASP"}.get(dialect, "PIPELINE"),
        "verspipe": "v2.9.7",
    }
    mags = [None] * 7 if dialect == "dr10" else [99.0, 15.55, 15.04, 14.74, 99.0, 99.0, 99.0]
    expected |= {"magtype": "PS" if dialect == "dr10" else "ugrizjh"} | {
        f"mag{i}": m for i, m in enumerate(mags, 1)
    }
    assert {key: row[key] for key in expected} == expected


def test_sentinels_stay_as_they_came() -> None:
    cards = {
        "Z": -9999,
        "Z_ERR": -9999.0,
        "SNRG": -9999.0,
        "SNRR": 999.0,
        "HELIO_RV": "",
        "OBSID": -28762,
        "FIBERMAS": -1,
    }
    row = read(Fake(cards=cards)).header
    assert [row[k] for k in ("z", "z_err", "snr_g", "snr_r", "helio_rv", "obsid", "fibermas")] == [
        -9999.0, -9999.0, -9999.0, 999.0, None, -28762, -1,
    ]  # fmt: skip


def test_numbers_in_quotes_are_numbers() -> None:
    fake = Fake()
    plain, cards = read(fake).header, {"Z": " 1.5D-4", "SNRG": "-9999", "HELIO_RV": "none"}
    cards |= {"RA": "105.25", "OBSID": str(plain["obsid"])}
    row = read(Fake(cards=cards)).header
    assert [row[k] for k in ("z", "snr_g", "helio_rv", "ra", "obsid")] == [
        1.5e-4, -9999.0, None, 105.25, plain["obsid"],
    ]  # fmt: skip
    with pytest.raises(Quarantined, match="of another fibre"):
        read(Fake(cards={"OBSID": str(plain["obsid"] + 1)}))


@pytest.mark.parametrize(
    ("coeff0", "n", "first"),
    [
        (3.5682, 3909, 0),
        (3.5682, 3904, 0),
        (3.5840, 3751, 158),
        (3.5683, 3908, 1),
        (3.5680, 3900, -2),
        (3.5700, 3920, 18),
    ],
)
@pytest.mark.parametrize("dialect", ["dr1", "dr5", "dr10"])
def test_pixels_are_placed_by_offset_and_masked_outside(
    dialect: str, coeff0: float, n: int, first: int
) -> None:
    flux = np.arange(1.0, n + 1)
    spectrum = read(Fake(dialect, n=n, coeff0=coeff0, arrays={"flux": flux, "ivar": np.ones(n)}))
    assert (spectrum.header["first_pixel"], spectrum.header["n_pixel"]) == (first, n)
    expected = np.array(
        [i - first + 1 if 0 <= i - first < n else 0 for i in range(N_PIXEL)], np.float32
    )
    assert np.array_equal(spectrum.flux, expected)
    assert np.array_equal(spectrum.ivar, (expected > 0).astype(np.float32))


def test_wavelength_row_of_short_red_files_may_differ_by_two_hundredths_of_a_pixel() -> None:
    n = 3820
    wavelength = 10 ** (LOG_START + 1e-4 * np.arange(n)) + np.linspace(0.015, 0.036, n)
    assert read(Fake("dr8", n=n, arrays={"wavelength": wavelength})).header["first_pixel"] == 0


def test_mask_is_any_of_four_marks() -> None:
    fake = Fake(arrays={"ivar": np.full(N, 0.04), "flux": np.full(N, 25.0)})
    fake.arrays["flux"][10] = 0
    fake.arrays["flux"][11] = np.nan
    fake.arrays["ivar"][12] = np.inf
    fake.arrays["ivar"][13] = 0
    fake.arrays["ivar"][14] = -0.04
    fake.arrays["ormask"][15] = 64
    fake.arrays["andmask"][16] = 1  # never without ormask in real files; no mark by itself
    fake.arrays["flux"][17] = -25.0
    fake.arrays["ivar"][18] = 4.01
    spectrum = read(fake)
    assert np.flatnonzero(spectrum.ivar == 0).tolist() == [10, 11, 12, 13, 14, 15]
    assert spectrum.flux[[10, 11, 12, 15, 17]].tolist() == [0, 0, 25, 25, -25]
    counts = {"n_masked": 6, "n_zero_flux": 1, "n_not_finite": 3, "n_high_ivar": 1}
    assert {key: spectrum.header[key] for key in counts} == counts
    assert spectrum.header["snr_g_computed"] == pytest.approx(
        25 * np.sqrt(np.float32(0.04)), rel=1e-7
    )


def test_snr_is_the_median_over_good_pixels_of_the_g_band() -> None:
    fake = Fake(arrays={"ivar": np.ones(N), "flux": np.full(N, 7.0)})
    band = np.flatnonzero((WAVELENGTH >= 4000) & (WAVELENGTH <= 5500))
    fake.arrays["flux"][band] = np.arange(1, band.size + 1)
    fake.arrays["ormask"][band[1001:]] = 1
    assert read(fake).header["snr_g_computed"] == 501.0
    fake.arrays["ormask"][band[1000:]] = 1
    assert read(fake).header["snr_g_computed"] == 500.5


def test_double_precision_beyond_single_is_masked() -> None:
    fake = Fake("dr2")
    fake.arrays["flux"][5], fake.arrays["ivar"][6] = 1e300, 1e-300
    spectrum = read(fake)
    assert (spectrum.flux[5], spectrum.ivar[5], spectrum.ivar[6]) == (0, 0, 0)


# values of header cards: astropy is the oracle


FIELDS = st.one_of(
    st.integers(-(10**18), 10**18).map(lambda v: f"{v:>20}"),
    st.floats(-1e30, 1e30).map(lambda v: f"{v:>20.10G}"),
    st.floats(-1e30, 1e30).map(lambda v: f"{v:.6E}".replace("E", "D")),
    st.sampled_from(
        [
            "                   T",
            "F",
            "",
            "  .5",
            "-1.",
            "+0078",
            "'it''s'",
            "'  x  '",
            "''",
            "'a/b'",
        ]
    ),
    st.text(
        st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="'&"), max_size=40
    ).map(lambda v: f"'{v}'"),
)


@settings(max_examples=300, deadline=None)
@given(FIELDS, st.sampled_from(["", " / comment", "/'quoted' comment"]))
def test_card_values_equal_astropy(field: str, comment: str) -> None:
    content = header({"OTHER": 1, "KEY": f"{field}{comment}".encode(), "LAST": "x"})
    cards, data = parse_header(content, 0)
    expected = fits.Header.fromstring(content)["KEY"]
    expected = None if isinstance(expected, fits.card.Undefined) else expected
    assert cards["KEY"] == expected
    assert type(cards["KEY"]) is type(expected)
    assert data == len(content)


def test_first_of_two_cards_counts_and_end_inside_text_does_not() -> None:
    lines = [
        card("A", 1),
        "COMMENT END".ljust(160),
        card("A", 2),
        card("B", "END" + " " * 60),
        "END".ljust(80),
    ]
    content = padded("".join(lines).encode(), b" ")
    assert parse_header(content, 0) == ({"A": 1, "B": "END"}, 2880)
    assert parse_header(content, 0, {"B"}) == ({"B": "END"}, 2880)


@pytest.mark.parametrize(
    "field", [b"1.5.2", b"'open", b"12 34", b"'\xe9t\xe9'", b"'a\x07'", b"TRUE"]
)
def test_cards_outside_the_standard_are_refused(field: bytes) -> None:
    with pytest.raises(Quarantined, match="bad_header: KEY"):
        parse_header(header({"KEY": field}), 0)


def test_not_a_number_is_read_as_idl_writes_it() -> None:
    cards, _ = parse_header(header({"A": b"NaN", "B": b"-Infinity", "C": b"1E999"}), 0)
    assert all(np.isnan(value) for value in cards.values())


# what astropy reads for us


@pytest.mark.parametrize("bitpix", [16, 32, -32])
def test_scaled_images_are_read_by_astropy(bitpix: int, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake("dr5")
    rows = np.stack([np.round(a) for a in fake.arrays.values()])
    rows[1] = 4
    stored = padded(rows.astype({16: ">i2", 32: ">i4", -32: ">f4"}[bitpix]).tobytes())
    fake.cards |= {
        "BITPIX": bitpix,
        "BSCALE": 0.5,
        "BZERO": 0.0,
        "EXTEN0": "Flux Inverse Subcontinuum",
    }
    content = header(
        {"SIMPLE": True, "BITPIX": bitpix, "NAXIS": 2, "NAXIS1": N, "NAXIS2": 5}
        | fake.science()
        | fake.cards
    )
    calls = []
    monkeypatch.setattr(
        layouts, "_scaled_image", lambda c, image=layouts._scaled_image: calls.append(c) or image(c)
    )
    rows[2] = np.round(fake.arrays["flux"])
    spectrum = read_spectrum(content + stored, fake.name)
    with fits.open(BytesIO(content + stored)) as hdus:
        assert np.array_equal(spectrum.flux, hdus[0].data[0].astype(np.float32))
    assert spectrum.ivar.tolist() == [2.0] * N
    assert len(calls) == 1


@pytest.mark.parametrize("kinds", ["EEEJJE", "DDDEEE", "EEEIIE"])
def test_tables_with_other_types_are_read_by_astropy(kinds: str) -> None:
    fake = Fake("dr10")
    names = ["FLUX", "IVAR", "WAVELENGTH", "ANDMASK", "ORMASK", "NORMALIZATION"]
    values = [*fake.arrays.values(), fake.arrays["flux"] / 1000]
    columns = [
        fits.Column(name, f"{N}{kind}", array=value[np.newaxis])
        for name, kind, value in zip(names, kinds, values, strict=True)
    ]
    primary = header({"SIMPLE": True, "BITPIX": 16, "NAXIS": 0} | fake.science())
    buffer = BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(buffer)
    spectrum = read_spectrum(primary + buffer.getvalue()[2880:], fake.name)
    assert np.array_equal(spectrum.flux, fake.arrays["flux"].astype(np.float32))
    assert np.array_equal(spectrum.ivar, fake.arrays["ivar"].astype(np.float32))


# names


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("spec-55863-GAC_105N29_B1_sp01-011.fits.gz", (55863, "GAC_105N29_B1", 1, 11)),
        ("spec-55859-F5902_sp01-001_dr7.fits.gz", (55859, "F5902", 1, 1)),
        ("spec-55859-A-B+C_sp2_sp12-250.FITS", (55859, "A-B+C_sp2", 12, 250)),
        ("spec-55859-F5902_sp01-001.fits.gz.part", None),
        ("501011.fits.gz", None),
        ("spec-55859-../../x_sp01-001.fits", None),
    ],
)
def test_names_are_split_from_the_right(name: str, identity: tuple | None) -> None:
    assert name_identity(name) == identity


def test_a_name_given_by_hand_is_accepted_when_the_header_knows_its_own() -> None:
    fake = Fake()
    assert fake.specid == "55863-GAC_105N29_B1-01-011"
    assert fake.name == "spec-55863-GAC_105N29_B1_sp01-011.fits"
    assert read_spectrum(fake.content(), "my favourite.fits").header["fitsname"] == fake.name


# a folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for fiber in range(1, 5):
        Fake(DIALECTS[fiber + 1], fiberid=fiber, seed=fiber).write(
            tmp_path / "in" / f"plate{fiber % 2}"
        )
    return tmp_path / "in"


def test_tables_have_the_declared_columns_and_provenance(folder: Path, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    counts = ingest(
        folder,
        tmp_path / "out",
        workers=1,
        progress=lambda done, total: calls.append((done, total)),
    )
    assert counts == {"found": 4, "read": 4, "ingested": 4, "duplicate": 0, "quarantined": 0}
    assert calls == [(4, 4)]
    for name in ("headers", "files"):
        found = pq.read_table(tmp_path / "out" / f"{name}.parquet")
        assert found.schema.remove_metadata() == arrow_schema(f"raw.{name}")
        assert found.schema.metadata[b"reader_version"] == parts.READER_VERSION.encode()
        assert b"obcat_version" in found.schema.metadata
    headers = table(tmp_path / "out" / "headers.parquet")
    assert [row["fiberid"] for row in headers] == [1, 2, 3, 4]
    stored = spectra(tmp_path / "out")
    assert {row["sha256"] for row in headers} == stored.keys()
    for row in headers:
        assert np.array_equal(
            stored[row["sha256"]],
            read(
                Fake(DIALECTS[row["fiberid"] + 1], fiberid=row["fiberid"], seed=row["fiberid"])
            ).flux,
        )
    (part,) = (tmp_path / "out" / "spectra").iterdir()
    declared, found = arrow_schema("raw.spectra"), pq.read_table(part)
    for name in ("specid", "flux", "ivar"):
        assert found[name].cast(declared.field(name).type).null_count == 0
    assert found.num_rows == 4


def test_a_part_goes_along_the_sky(tmp_path: Path) -> None:
    cards = [{"RA": 40.0 * (i * 7 % 9), "DEC": 15.0 * (i % 5) - 10} for i in range(9)]
    for i, changed in enumerate(cards):
        Fake(fiberid=i + 1, seed=i + 1, cards=changed).write(tmp_path / "in")
    ingest(tmp_path / "in", tmp_path / "out", workers=1)
    headers = {row["specid"]: row for row in table(tmp_path / "out" / "headers.parquet")}
    (part,) = (tmp_path / "out" / "spectra").iterdir()
    rows = [headers[specid] for specid in pq.read_table(part)["specid"].to_pylist()]
    deepest = sky_pixel(*(np.array([row[name] for row in rows]) for name in ("ra", "dec")))
    assert (np.diff(deepest) > 0).all()


def snapshot(out: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(p.relative_to(out)): (p.read_bytes(), p.stat().st_mtime_ns)
        for p in out.rglob("*.parquet")
    }


def test_an_unchanged_folder_is_not_read_or_written_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(folder, tmp_path / "out", workers=1)
    before = snapshot(tmp_path / "out")
    monkeypatch.setattr(lamost_folder, "read_chunk", None)
    monkeypatch.setattr(lamost_folder, "_save", None)
    assert ingest(folder, tmp_path / "out", workers=1)["read"] == 0
    assert snapshot(tmp_path / "out") == before


def test_only_new_and_changed_files_are_read_and_vanished_ones_leave(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ingest(folder, out, workers=1)
    old = next(folder.glob("*/*-001.fits.gz"))
    Fake("dr3", fiberid=1, seed=99).write(old.parent, old.name)
    next(folder.glob("*/*-002.fits.gz")).unlink()
    Fake("dr10", fiberid=5).write(folder)
    counts = ingest(folder, out, workers=1)
    assert (counts["found"], counts["read"], counts["ingested"]) == (4, 2, 4)
    again = tmp_path / "again"
    ingest(folder, again, workers=1)
    for name in ("headers.parquet", "files.parquet"):
        assert (out / name).read_bytes() == (again / name).read_bytes()
    fresh, kept = spectra(again), spectra(out)
    assert fresh.keys() <= kept.keys()
    assert all(np.array_equal(fresh[sha], kept[sha]) for sha in fresh)


def test_parts_are_compacted_when_more_than_half_is_stale(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ingest(folder, out, workers=1)
    files = sorted(folder.glob("*/*.gz"))
    files[0].unlink()
    files[1].unlink()
    ingest(folder, out, workers=1)
    assert len(spectra(out)) == 4
    files[2].unlink()
    ingest(folder, out, workers=1)
    assert spectra(out).keys() == {row["sha256"] for row in table(out / "headers.parquet")}
    assert len(spectra(out)) == 1


def test_one_content_under_two_names_is_one_row_and_both_are_kept(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = next(folder.glob("*/*-001.fits.gz"))
    copy = first.with_name(first.name.replace(".fits", "_dr5.fits"))
    shutil.copy(first, copy)
    counts = ingest(folder, out, workers=1)
    assert (counts["ingested"], counts["duplicate"]) == (4, 1)
    rows = {row["path"]: row["status"] for row in table(out / "files.parquet")}
    assert rows[f"{first.parent.name}/{first.name}"] == "ingested"
    assert rows[f"{first.parent.name}/{copy.name}"] == "duplicate"
    assert table(out / "headers.parquet")[0]["other_names"] == f"{first.parent.name}/{copy.name}"
    first.unlink()
    counts = ingest(folder, out, workers=1)
    assert (counts["read"], counts["ingested"], counts["duplicate"]) == (1, 4, 0)
    assert table(out / "headers.parquet")[0]["other_names"] is None


def test_copies_in_different_chunks_are_stored_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lamost_folder, "CHUNK", 2)
    last = next(folder.glob("*/*-004.fits.gz"))
    shutil.copy(last, last.with_name(last.name.replace("spec", "SPEC")))  # first by name
    ingest(folder, tmp_path / "out", workers=1)
    assert len(spectra(tmp_path / "out")) == 4


def test_a_renamed_file_is_read_but_not_stored_again(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ingest(folder, out, workers=1)
    before = {name: at for name, (_, at) in snapshot(out).items()}
    first = next(folder.glob("*/*-001.fits.gz"))
    first.rename(first.with_name(first.name.replace(".fits", "_x.fits")))
    assert ingest(folder, out, workers=1)["read"] == 1
    after = {name: at for name, (_, at) in snapshot(out).items()}
    assert {name for name in after if after[name] != before.get(name)} == {"files.parquet"}


OVERLAPPING = [
    [[a, b], [b, c], [c]] for a, b, c in permutations("abcd", 3)
]  # rewritten, the second is the third


@pytest.mark.parametrize("known", ["none known", "the first known", "all known"])
@pytest.mark.parametrize("contents", [[["a"]], [["a", "b"], ["b", "a"]], *OVERLAPPING], ids=str)
def test_tidy_keeps_each_spectrum_once_and_loses_none(
    contents: list[list[str]], known: str, tmp_path: Path
) -> None:
    for shas in contents:
        rows = np.array([[ord(sha)] * N_PIXEL for sha in shas], np.float32)
        parts.write_part(tmp_path, shas, shas, rows, rows)
    of_parts = parts.digests(tmp_path)
    asked = {"none known": 0, "the first known": 1, "all known": len(of_parts)}[known]
    live = pa.chunked_array([list("abcd")])
    parts.tidy(tmp_path, live, dict(list(of_parts.items())[:asked]))
    rows = [row for path in tmp_path.iterdir() for row in table(path)]
    assert sorted(row["sha256"] for row in rows) == sorted(
        {sha for shas in contents for sha in shas}
    )
    assert all(row["flux"][0] == ord(row["specid"]) == ord(row["sha256"]) for row in rows)


@pytest.mark.parametrize(
    "lost", ["part", "half a part", "headers.parquet", "files.parquet", "temporary"]
)
def test_lost_or_damaged_output_is_made_again(lost: str, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ingest(folder, out, workers=1)
    before = {name: content for name, (content, _) in snapshot(out).items()}
    (part,) = (out / "spectra").iterdir()
    if lost == "part":
        part.unlink()
    elif lost == "half a part":
        part.write_bytes(part.read_bytes()[:-1000])
    elif lost == "temporary":
        killed = part.with_name(f".{part.name}.partial")
        killed.mkdir()
        (killed / "made-by-obcat").write_bytes(b"obcat, process 4711")
        (killed / "half").write_bytes(b"half")
    else:
        (out / lost).unlink()
    ingest(folder, out, workers=1)
    assert {name: content for name, (content, _) in snapshot(out).items()} == before
    assert not list(out.rglob("*.partial"))


def test_another_reader_version_reads_everything_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(folder, tmp_path / "out", workers=1)
    old = {path.name for path in (tmp_path / "out" / "spectra").iterdir()}
    monkeypatch.setattr(parts, "READER_VERSION", "next")
    monkeypatch.setitem(parts.PROVENANCE, "reader_version", "next")
    assert ingest(folder, tmp_path / "out", workers=1)["read"] == 4
    assert not old & {path.name for path in (tmp_path / "out" / "spectra").iterdir()}
    assert ingest(folder, tmp_path / "out", workers=1)["read"] == 0


def test_two_processes_give_the_same_bytes_as_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lamost_folder, "CHUNK", 2)
    ingest(folder, tmp_path / "one", workers=1)
    ingest(folder, tmp_path / "two", workers=2)
    one, two = snapshot(tmp_path / "one"), snapshot(tmp_path / "two")
    assert {name: content for name, (content, _) in one.items()} == {
        name: content for name, (content, _) in two.items()
    }
    assert sum(name.startswith("spectra/") for name in one) == 2


def test_order_is_by_name_and_linked_folders_are_walked_once(tmp_path: Path) -> None:
    for name in ("b/2.fits", "a/3.fits.gz", "c/1.FITS", "a/1.fits", "a/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    (tmp_path / "z").symlink_to(tmp_path / "a")
    assert [entry.path for entry in list_spectra(tmp_path)] == [
        "c/1.FITS",
        "a/1.fits",
        "b/2.fits",
        "a/3.fits.gz",
    ]


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.write_bytes(b"")])
def test_missing_folder_is_one_line(make, tmp_path: Path) -> None:
    make(tmp_path / "gone")
    with pytest.raises(
        UnreadableError, match=r"gone: .*; give a folder of spectra that can be read"
    ) as error:
        ingest(tmp_path / "gone", tmp_path / "out")
    assert error.value.exit_code == 3


def test_empty_folder_and_unwritable_output_are_one_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(IngestError, match=r"none: no \*\.fits or \*\.fits\.gz"):
        ingest(tmp_path / "none", tmp_path / "out")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(IngestError, match="file: Not a directory; choose a folder"):
        ingest(folder, tmp_path / "file", workers=1)


KILLED = """
import os, signal, sys
from pathlib import Path
from obcat.ingest.lamost import folder

def run(moment):
    count = 0
    def stop(event, args):
        nonlocal count
        count += event in ("os.rename", "os.remove")
        if count == moment:
            os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(stop)
    folder.ingest(Path(sys.argv[1]), Path(sys.argv[2]) / str(moment), workers=1)
    os._exit(0)

folder.CHUNK = 1
for moment in range(1, 80):
    child = os.fork()
    if child == 0:
        run(moment)
    if os.waitpid(child, 0)[1] == 0:
        break
"""


@pytest.mark.slow
def test_killed_before_any_rename_or_removal_the_next_run_puts_it_right(
    folder: Path, tmp_path: Path
) -> None:
    first = next(folder.glob("*/*-001.fits.gz"))
    shutil.copy(first, first.with_name(first.name.replace(".fits", "_x.fits")))
    ingest(folder, tmp_path / "whole", workers=1)
    whole = snapshot(tmp_path / "whole")
    command = [sys.executable, "-c", KILLED, str(folder), str(tmp_path / "killed")]
    subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    *killed, last = sorted((tmp_path / "killed").iterdir(), key=lambda path: int(path.name))
    assert len(killed) >= 8  # four parts and a copy of one, its removal, headers, files, pieces
    assert (last / "files.parquet").exists()
    for out in killed:
        ingest(folder, out, workers=1)
        for name in ("headers.parquet", "files.parquet"):
            assert (out / name).read_bytes() == whole[name][0]
        assert spectra(out).keys() == spectra(tmp_path / "whole").keys()
        assert not list(out.rglob("*.partial"))
