"""Real files of every release: each gives its spectrum or a reason,
and the arrays astropy reads.
"""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from obcat.ingest.lamost import ingest
from obcat.kernels.grid import LOG_START, LOG_STEP, N_PIXEL

pytestmark = [pytest.mark.real, pytest.mark.slow]

KIND = {"bintable": "table", "image5": "image"}


@pytest.fixture(scope="module")
def manifest(real: Path) -> dict[str, dict[str, str]]:
    with (real / "manifest.csv").open(newline="", encoding="utf-8") as f:
        return {row["file"].removeprefix("spectra/"): row for row in csv.DictReader(f)}


@pytest.fixture(scope="module")
def out(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    ingest(real / "spectra", folder, workers=2)
    return folder


@pytest.fixture(scope="module")
def headers(out: Path) -> dict[str, dict]:
    """Path -> row of raw.headers."""
    rows = {row["sha256"]: row for row in pq.read_table(out / "headers.parquet").to_pylist()}
    files = pq.read_table(out / "files.parquet").to_pylist()
    return {row["path"]: rows[row["sha256"]] for row in files if row["status"] != "quarantined"}


def test_every_file_is_accounted_for(out: Path, manifest: dict) -> None:
    files = {row["path"]: row for row in pq.read_table(out / "files.parquet").to_pylist()}
    assert files.keys() == manifest.keys()
    assert Counter(row["status"] for row in files.values()) == {"ingested": 1157}
    assert not any(row["reason"] for row in files.values())


def test_counts_by_layout_agree_with_the_manifest(headers: dict, manifest: dict) -> None:
    found, listed = Counter(), Counter()
    for path, row in headers.items():
        found["table" if row["layout"] == "table" else "image", row["data_v"] or ""] += 1
        listed[KIND[manifest[path]["layout"]], manifest[path]["data_v"]] += 1
    assert found == listed
    assert Counter(row["layout"] for row in headers.values()) == {
        "dr1": 65,
        "image": 277,
        "table": 815,
    }


def test_header_columns_agree_with_the_manifest(headers: dict, manifest: dict) -> None:
    texts = {"desig": "desig", "planid": "planid", "class": "cls", "subclass": "subclass"}
    numbers = {
        "ra": "ra",
        "dec": "dec",
        "lmjd": "lmjd",
        "spid": "spid",
        "fiberid": "fiberid",
        "z": "z",
        "z_err": "z_err",
    }
    numbers |= {"n_pixel": "npix", "snr_g": "snrg", "obsid": "obsid"}
    for path, row in headers.items():
        listed = manifest[path]
        assert {k: row[k] for k in texts} == {k: listed[v] for k, v in texts.items()}
        listed_numbers = {k: float(listed[v]) if listed[v] else None for k, v in numbers.items()}
        assert {k: row[k] for k in numbers} == pytest.approx(listed_numbers, abs=1e-12)


def by_astropy(path: Path) -> tuple[dict, np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """header, flux, ivar, ormask, wavelength as astropy reads them;
    told apart by pipeline and extension name.
    """
    with fits.open(path) as hdus:
        cards = dict(hdus[0].header)
        if len(hdus) > 1:
            row = hdus["COADD"].data[0]
            return cards, *(
                np.array(row[name]) for name in ("FLUX", "IVAR", "ORMASK", "WAVELENGTH")
            )
        data = np.array(hdus[0].data)
        return (
            cards,
            data[0],
            data[1],
            data[4],
            None if cards["VERSPIPE"].startswith("v2.6") else data[2],
        )


def test_arrays_equal_astropy_bit_for_bit_on_the_grid(real: Path, out: Path, headers: dict) -> None:
    stored = {}
    for part in sorted((out / "spectra").glob("part-*.parquet")):
        table = pq.read_table(part)
        arrays = [
            table[k].combine_chunks().flatten().to_numpy().reshape(-1, N_PIXEL).view(np.uint32)
            for k in ("flux", "ivar")
        ]
        stored |= {
            sha: (arrays[0][i], arrays[1][i]) for i, sha in enumerate(table["sha256"].to_pylist())
        }
    for path, row in headers.items():
        cards, flux, ivar, ormask, wavelength = by_astropy(real / "spectra" / path)
        start = 10 ** cards["COEFF0"] if wavelength is None else wavelength[0]
        first = round((np.log10(float(start)) - LOG_START) / LOG_STEP)
        assert (row["first_pixel"], row["n_pixel"]) == (first, flux.size)
        masked = (flux == 0) | (ivar <= 0) | (ormask != 0) | ~np.isfinite(flux) | ~np.isfinite(ivar)
        expected = np.zeros((2, N_PIXEL), np.float32)
        expected[0, first : first + flux.size] = flux
        expected[1, first : first + flux.size] = np.where(masked, 0, ivar)
        assert np.array_equal(stored[row["sha256"]], expected.view(np.uint32))
        assert (row["n_masked"], row["n_zero_flux"]) == (
            masked.sum(),
            ((flux == 0) & (ivar > 0)).sum(),
        )


KEYWORDS = {
    "FILENAME": "fitsname",
    "VERSPIPE": "verspipe",
    "HELIO_RV": "helio_rv",
    "EXPTIME": "exptime",
    "NEXP": "nexp",
    "FIBERTYP": "fibertyp",
    "FIB_TYPE": "fibertyp",
    "FIBERMAS": "fibermas",
    "FIB_MASK": "fibermas",
    "Z": "z",
    "OFFSET": "fiber_offset",
    "ZFLAG": "zflag",
    "Z_FROM": "zflag",
    "MAGTYPE": "magtype",
    "TSOURCE": "tsource",
    "OBJSOURC": "tsource",
    "TCOMMENT": "tcomment",
    "T_INFO": "tcomment",
    "TFROM": "tfrom",
    "T_FROM": "tfrom",
    **{f"MAG{i}": f"mag{i}" for i in range(1, 8)},
    **{f"SN{c}{b}": f"snr_{b.lower()}" for c in "R_" for b in "UGRIZ"},
}


def test_header_columns_equal_astropy_s_cards(real: Path, headers: dict) -> None:
    for path, row in headers.items():
        cards = by_astropy(real / "spectra" / path)[0]
        found = {k: cards[k] for k in KEYWORDS if k in cards and cards[k] != ""}
        assert {k: row[KEYWORDS[k]] for k in found} == {
            k: v.strip() if isinstance(v, str) else v for k, v in found.items()
        }
        assert (row["magtype"] == "PS") == ("MAG_PS_G" in cards)


def test_computed_signal_to_noise_follows_the_pipeline_s(headers: dict) -> None:
    """LAMOST's SNRG is per pixel too: the two must agree within a factor,
    else units or rows are mixed up.
    """
    ratio = [
        row["snr_g_computed"] / row["snr_g"] for row in headers.values() if 5 < row["snr_g"] < 99
    ]
    assert len(ratio) > 500
    assert 0.8 < np.median(ratio) < 1.25


def test_second_run_reads_nothing(real: Path, out: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")}
    assert ingest(real / "spectra", out, workers=1)["read"] == 0
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")} == before
