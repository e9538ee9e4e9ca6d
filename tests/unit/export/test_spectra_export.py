"""The spectra of a release: every pixel in FITS and Parquet, found by ObsCore; same bytes again."""

import io
from xml.etree import ElementTree

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from click.testing import CliRunner
from release_rows import rows_of, store

from obcat import db
from obcat.cli import main
from obcat.export import ReleaseError
from obcat.export import rest_spectra as spectra
from obcat.export.release import release, verify
from obcat.kernels.grid import N_PIXEL, WAVELENGTH
from obcat.schema import columns_of

N = 7


@pytest.fixture
def made(database, fill):
    """Seven rows, of which all but the first have a spectrum."""
    rows = rows_of(N)
    store(database, rows)
    flux = np.random.default_rng(4).normal(1, 0.1, (N, N_PIXEL)).astype(np.float32)
    with db.connect(database) as con:
        fill(con, "spectra.normalised", [
            {"specid": name, "flux": flux[i], "ivar": np.arange(N_PIXEL, dtype=np.float32)}
            for i, name in list(enumerate(rows["specid"]))[:0:-1]])  # fmt: skip
    return database, rows, flux


def test_every_pixel_is_there_in_both_files(made, tmp_path, monkeypatch):
    monkeypatch.setattr(spectra, "AT_ONCE", 2)
    database, rows, flux = made
    release(database, tmp_path / "a", spectra=True)
    with fits.open(tmp_path / "a/demo_spectra.fits") as opened:
        opened.verify("exception")
        table = opened["SPECTRA"].data
        assert np.array_equal(opened["WAVELENGTH"].data["wavelength"], WAVELENGTH)
        assert table["specid"].tolist() == rows["specid"][1:]
        assert np.array_equal(table["flux"], flux[1:])
        assert np.array_equal(table["ivar"][3], np.arange(N_PIXEL))
        assert "SIMULATED" in str(opened["SPECTRA"].header["COMMENT"])
    parquet = pq.read_table(tmp_path / "a/demo_spectra.parquet")
    assert np.array_equal(np.array(parquet["flux"].to_pylist(), np.float32), flux[1:])
    found = pq.read_table(tmp_path / "a/demo_obscore.parquet").to_pylist()
    assert [row["obs_id"] for row in found] == rows["specid"][1:]
    assert found[0]["s_ra"] == rows["ra"][1]
    assert found[0]["em_min"] == pytest.approx(WAVELENGTH[0] * 1e-10)
    assert {row["dataproduct_type"] for row in found} == {"spectrum"}
    assert not verify(tmp_path / "a").changed
    release(database, tmp_path / "b", spectra=True)
    for name in ("demo_spectra.fits", "demo_spectra.parquet", "demo_obscore.parquet"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_file_is_as_astropy_would_write_it(made, tmp_path):
    release(made[0], tmp_path / "a", spectra=True)
    content = (tmp_path / "a/demo_spectra.fits").read_bytes()
    assert len(content) % 2880 == 0
    with fits.open(io.BytesIO(content)) as opened:
        again = io.BytesIO()
        opened.writeto(again)
    assert again.getvalue() == content


def test_spectra_are_asked_for(made, tmp_path):
    command = ["export", str(made[0]), "--trust", "--out", str(tmp_path / "out")]
    assert CliRunner().invoke(main, command).exit_code == 0
    assert not list((tmp_path / "out").glob("*spectra*"))
    assert CliRunner().invoke(main, [*command, "--spectra"]).exit_code == 0
    assert (tmp_path / "out/demo_spectra.fits").exists()


def test_a_database_without_spectra_says_so(database, tmp_path):
    store(database, rows_of(2))
    with pytest.raises(ReleaseError, match="holds no spectrum"):
        release(database, tmp_path / "out", spectra=True)


def test_day_is_that_of_a_name_of_lamost():
    assert spectra._day("55863-GAC_105N29_B1-01-011") == 55863.0
    assert spectra._day("sdss-1-2") is None


def test_spectra_of_named_stars_alone(made, tmp_path):
    database, rows, flux = made
    names = tmp_path / "names.txt"
    names.write_text(f"{rows['star_id'][2]}\n{rows['specid'][5]}\n")
    command = ["export", str(database), "--trust", "--stars", str(names), "--out"]
    assert CliRunner().invoke(main, [*command, str(tmp_path / "a")]).exit_code == 0
    with fits.open(tmp_path / "a/demo_spectra.fits") as opened:
        table = opened["SPECTRA"].data
        assert table["specid"].tolist() == [rows["specid"][i] for i in (2, 5)]
        assert np.array_equal(table["flux"], flux[[2, 5]])
    assert pq.read_table(tmp_path / "a/demo_obscore.parquet").num_rows == 2
    names.write_text(rows["star_id"][2][:-1] + "x")
    refused = CliRunner().invoke(main, [*command, str(tmp_path / "b")])
    assert refused.exit_code == 1
    assert "is neither star_id nor specid" in refused.output
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("with_spectra", [True, False])
def test_descriptor_for_dachs_declares_every_column(made, tmp_path, with_spectra):
    release(made[0], tmp_path / "a", spectra=with_spectra)
    text = (tmp_path / "a/q.rd").read_text()
    root = ElementTree.fromstring(text)
    (table,) = root.findall("table[@id='ob_stars']")
    found = {c.get("name"): c for c in table.findall("column")}
    assert list(found) == [c.column for c in columns_of("catalog.ob_stars")]
    assert found["mk"].get("unit") == "mag"
    assert found["pmra"].get("unit") == "mas.yr**-1"
    assert found["gaia_id"].get("type") == "bigint"
    assert found["gaia_id"].find("values").get("nullLiteral") == "0"
    for column in columns_of("catalog.ob_stars"):
        assert found[column.column].get("ucd") == column.ucd
        assert found[column.column].get("description").replace("\\\\", "\\") == column.description
    services = [s.get("id") for s in root.findall("service")]
    assert services == (["cone", "sdl", "ssap"] if with_spectra else ["cone"])
    assert "SIMULATED" in root.findtext("meta[@name='title']")
    for source in root.iter("sources"):
        assert (tmp_path / "a" / source.get("pattern")).is_file()
