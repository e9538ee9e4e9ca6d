"""Damaged files of SDSS, DESI and tables: sums are held against the content, claims against the
size, identifiers that are none are refused.
"""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from obcat.ingest.errors import REASONS
from obcat.ingest.instruments import rows as fits_files
from obcat.ingest.instruments import spectra_table
from obcat.ingest.survey import ingest
from obcat.kernels.grid import WAVELENGTH
from tests.instrument_files import EARLIER, write_desi, write_fits_table, write_sdss, write_table
from tests.unit.ingest.test_instruments import star, stored, survey, table

TABLE = 'kind = "table"\nwavelengths = "vacuum"'


def read(folder: Path, kind: str) -> list[tuple[str | None, str]]:
    """What became of each spectrum: reason, None where it was read, and detail."""
    toml = survey(folder, f'[spectra]\n{kind}\npath = "in"')
    ingest(toml, folder / "raw", workers=1)
    rows = table(folder / "raw", "files")
    assert {row["reason"] for row in rows} <= {None, *REASONS}
    return [(row["reason"], row["detail"] or "") for row in rows]


def summed(path: Path) -> Path:
    """The same file with CHECKSUM and DATASUM in every extension."""
    with fits.open(path, memmap=False) as hdus:
        fits.HDUList([hdu.copy() for hdu in hdus]).writeto(path, checksum=True, overwrite=True)
    return path


def flipped(path: Path, extension: str | int, at: int = 4000) -> None:
    """One bit of the data of an extension changed."""
    with fits.open(path, memmap=False) as hdus:
        place = hdus[extension].fileinfo()["datLoc"] + at
    content = bytearray(path.read_bytes())
    content[place] ^= 64
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("kind", "write", "extension"),
    [
        ('kind = "sdss"', lambda folder: write_sdss(folder, star()), "COADD"),
        ('kind = "desi"', lambda folder: write_desi(folder, [star(1), star(2)]), "R_IVAR"),
        (TABLE, lambda folder: write_fits_table(folder / "a.fits", [star(1), star(2)]), 1),
    ],
)
def test_sums_of_a_file_are_checked(kind, write, extension, tmp_path: Path) -> None:
    path = summed(write(tmp_path / "in"))
    assert read(tmp_path, kind)[0] == (None, "")
    flipped(path, extension)
    assert {reason for reason, _ in read(tmp_path, kind)} == {"checksum"}


def test_sums_of_redshifts_are_checked(tmp_path: Path) -> None:
    path = write_desi(tmp_path / "in", [star(1)])
    flipped(summed(path.with_name("redrock-main-bright-10016.fits")), "REDSHIFTS", at=9)
    for reason, detail in read(tmp_path, 'kind = "desi"'):
        assert reason == "checksum"
        assert detail.startswith("redrock-main-bright-10016.fits: ")


def test_checksums_of_pages_are_checked(tmp_path: Path) -> None:
    path = write_table(tmp_path / "in" / "a.parquet", [star(1), star(2)])
    rows = pq.read_table(path)
    pq.write_table(rows, path, write_page_checksum=True, compression="none", use_dictionary=False)
    content = bytearray(path.read_bytes())
    content[3909 * 8 * 3] ^= 16
    path.write_bytes(content)
    assert [reason for reason, _ in read(tmp_path, TABLE)] == ["unreadable", "unreadable"]


def test_a_packed_file_is_read_to_its_end(tmp_path: Path) -> None:
    path = write_desi(tmp_path / "in", [star(1)])
    packed = bytearray(gzip.compress(path.read_bytes()))
    path.unlink()
    packed[-8] ^= 1  # of its CRC
    path.with_name(f"{path.name}.gz").write_bytes(packed)
    ((reason, detail),) = read(tmp_path, 'kind = "desi"')
    assert (reason, "damaged gzip" in detail) == ("unreadable", True)


@pytest.mark.parametrize("packed", [False, True])
def test_rows_that_a_header_claims_are_not_believed(tmp_path: Path, packed: bool) -> None:
    path = write_desi(tmp_path / "in", [star(1)])
    content = path.read_bytes()
    at = content.rindex(b"NAXIS2  =", 0, content.index(b"EXTNAME = 'FIBERMAP"))
    content = content[:at] + b"NAXIS2  =           2000000000" + content[at + 30 :]
    if packed:
        path.unlink()
        path, content = path.with_name(f"{path.name}.gz"), gzip.compress(content)
    path.write_bytes(content)
    assert [reason for reason, _ in read(tmp_path, 'kind = "desi"')] == ["unreadable"]


def test_a_row_group_that_becomes_far_more_than_its_file_is_refused(tmp_path, monkeypatch):
    n = 40  # of zeros: 1.2 MB in three columns of a file of some kB
    monkeypatch.setattr(spectra_table, "LARGEST", 1_000_000)
    zeros = pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(n * 3909, np.float32)), 3909)
    columns: dict[str, Any] = dict.fromkeys(("wavelength", "flux", "ivar"), zeros)
    columns |= {"id": [f"s{i}" for i in range(n)], "ra": np.zeros(n), "dec": np.zeros(n)}
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "a.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=n)
    reasons = read(tmp_path, TABLE)
    assert len(reasons) == n
    assert {reason for reason, _ in reasons} == {"too_large"}


def test_more_spectra_than_bytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert fits_files.believed(5, path) == 5
    for claimed in (6, -1):
        with pytest.raises(Exception, match="claims"):
            fits_files.believed(claimed, path)


@pytest.mark.parametrize(
    ("name", "values", "reasons"),
    [
        ("id", [3.9627000000000003e16, 3.9627000000000011e16], ["bad_header", "bad_header"]),
        ("id", ["a", None], [None, "bad_header"]),
        ("id", [39627000000000003, 39627000000000004], [None, None]),
        ("id", [b"a", b"b"], [None, None]),
        ("mjd", [55000.0, None], [None, None]),
        ("ra", [105.3, None], [None, "bad_position"]),
    ],
)
def test_one_value_costs_one_row(tmp_path: Path, name: str, values: list, reasons: list) -> None:
    path = write_table(tmp_path / "in" / "a.parquet", [star(1), star(2)])
    columns = pq.read_table(path).to_pydict() | {name: values}
    pq.write_table(pa.table(columns), path)
    assert [reason for reason, _ in read(tmp_path, TABLE)] == reasons
    if name == "id" and isinstance(values[0], int):
        assert set(stored(tmp_path / "raw")) == {"39627000000000003", "39627000000000004"}


def test_a_row_of_null_moves_no_other(tmp_path: Path) -> None:
    """Lists of a fixed length have room for the row that is NULL, or not, as their writer likes."""
    path = write_table(tmp_path / "in" / "a.parquet", [star(i) for i in range(1, 5)])
    columns = pq.read_table(path).to_pydict()
    kind = pa.list_(pa.float64(), 3908)
    for name in ("wavelength", "flux", "ivar"):
        rows = [None if i == 1 else row[:3908] for i, row in enumerate(columns[name])]
        columns[name] = pa.array(rows, kind)
    pq.write_table(pa.table(columns), path)
    assert [reason for reason, _ in read(tmp_path, TABLE)] == [None, "bad_wavelength", None, None]
    flux, ivar = stored(tmp_path / "raw")["star-003"]
    good = ivar > 0
    np.testing.assert_array_equal(flux[good], star(3).flux.astype(np.float32)[good])
    assert good[:3908].sum() > 3900


def test_bits_of_sdss_that_mask_a_pixel(tmp_path: Path) -> None:
    """Those of all exposures together; each of the others leaves the pixel as it is."""
    path = write_sdss(tmp_path / "in", star())
    with fits.open(path, mode="update", memmap=False) as hdus:
        for bit in range(31):
            hdus["COADD"].data["and_mask"][EARLIER + 1000 + bit] = 1 << bit
    assert read(tmp_path, 'kind = "sdss"') == [(None, "")]
    _, ivar = stored(tmp_path / "raw")["4055-55359-0012"]
    masked = np.flatnonzero(ivar[1000:1031] == 0)
    assert masked.tolist() == [18, 22, 23, 24, 26, 27, 28]


def test_masks_fibres_and_redshifts_of_desi_are_those_of_their_row(tmp_path: Path) -> None:
    """The second fibre is broken, an arm of the third masked, redshifts stand in another order."""
    path = write_desi(tmp_path / "in", [star(i, z=i * 1e-4) for i in range(1, 5)])
    with fits.open(path, mode="update", memmap=False) as hdus:
        hdus["FIBERMAP"].data["COADD_FIBERSTATUS"][1] = 8
        hdus["Z_MASK"].data[2] = 4
    beside = path.with_name("redrock-main-bright-10016.fits")
    with fits.open(beside, mode="update", memmap=False) as hdus:
        rows = hdus["REDSHIFTS"].data
        rows[:] = rows[[3, 0, 4, 2, 1]].copy()
        rows["ZERR"][:] = rows["Z"] / 8
    reasons = [reason for reason, _ in read(tmp_path, 'kind = "desi"')]
    assert reasons == [None, "no_star", None, None, "no_star"]
    found = {row["specid"][:17]: row for row in table(tmp_path / "raw", "headers")}
    for number in (1, 3, 4):
        row = found[f"3962700000000000{number}"]
        assert row["z"] == pytest.approx(number * 1e-4)
        assert row["z_err"] == pytest.approx(number * 1e-4 / 8)
    spectra = {name[:17]: ivar for name, (_, ivar) in stored(tmp_path / "raw").items()}
    red = (WAVELENGTH > 7650) & (WAVELENGTH < 9000)
    assert not spectra["39627000000000003"][red].any()
    assert (spectra["39627000000000004"][red] > 0).all()


@pytest.mark.parametrize(("given", "kept"), [(None, 2200.0), (1500.0, 1500.0)])
def test_the_resolution_of_a_row_comes_before_that_of_all(tmp_path: Path, given, kept) -> None:
    path = write_table(tmp_path / "in" / "a.parquet", [star(1)])
    columns = pq.read_table(path).to_pydict() | ({"resolution": [given]} if given else {})
    pq.write_table(pa.table(columns), path)
    assert read(tmp_path, f"{TABLE}\nresolution = 2200") == [(None, "")]
    (row,) = table(tmp_path / "raw", "headers")
    assert (row["resolution"], row["ra"], row["dec"]) == (kept, 105.3833, 27.611422)


def test_pixels_that_are_too_coarse_are_put_aside(tmp_path: Path) -> None:
    """Of 9 Angstrom; 7 would do."""
    grids = {"a": np.arange(3700, 9000, 9.0), "b": np.arange(3700, 9000, 7.0)}
    (tmp_path / "in").mkdir()
    for name, grid in grids.items():
        flux = np.full(grid.size, 10.0)
        one = {"id": [name], "ra": [1.0], "dec": [2.0], "wavelength": [grid], "flux": [flux],
               "ivar": [flux]}  # fmt: skip
        pq.write_table(pa.table(one), tmp_path / "in" / f"{name}.parquet")
    found = read(tmp_path, TABLE)
    assert [reason for reason, _ in found] == ["bad_wavelength", None]
    assert "too coarse" in found[0][1]
