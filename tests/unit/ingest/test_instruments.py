"""Spectra of SDSS, DESI and tables: arrays, header columns, air and vacuum, what is put aside."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from obcat.ingest.errors import REASONS, IngestError
from obcat.ingest.survey import ingest
from obcat.kernels.grid import WAVELENGTH
from obcat.schema import read_parameters
from obcat.survey import Survey, SurveyError, load
from tests.instrument_files import Star, write_desi, write_fits_table, write_sdss, write_table


def star(number: int = 12, **others: Any) -> Star:
    """A smooth spectrum with a line, noise of a hundredth, and a masked pixel."""
    noise = np.random.default_rng(number)
    flux = (
        50
        * (1 - 0.4 * np.exp(-0.5 * ((WAVELENGTH - 4862.7) / 8) ** 2))
        * WAVELENGTH[0]
        / WAVELENGTH
    )
    sigma = flux / 100
    ivar = sigma**-2
    ivar[700] = 0
    return Star(number, flux + noise.normal(size=flux.size) * sigma, ivar, **others)


def survey(folder: Path, text: str) -> Survey:
    (folder / "survey.toml").write_text(f'name = "mine"\n{text}\n')
    return load(folder / "survey.toml", read_parameters())


def stored(raw: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    rows = [r for p in (raw / "spectra").glob("*.parquet") for r in pq.read_table(p).to_pylist()]
    live = {row["sha256"] for row in table(raw, "headers")}
    return {
        r["specid"]: (np.array(r["flux"]), np.array(r["ivar"])) for r in rows if r["sha256"] in live
    }


def table(raw: Path, name: str) -> list[dict[str, Any]]:
    return pq.read_table(raw / f"{name}.parquet").to_pylist()


def test_sdss_is_placed_by_offset(tmp_path: Path) -> None:
    given = star()
    write_sdss(tmp_path / "sdss", given)
    lines = ingest(survey(tmp_path, '[spectra]\nkind = "sdss"\npath = "sdss"'), tmp_path / "raw")
    assert "spectra: 1 found, 1 read, 1 ingested" in lines
    flux, ivar = stored(tmp_path / "raw")["4055-55359-0012"]
    good = given.ivar > 0
    np.testing.assert_array_equal(flux[good], given.flux.astype(np.float32)[good])
    np.testing.assert_array_equal(ivar, given.ivar.astype(np.float32))
    (header,) = table(tmp_path / "raw", "headers")
    wanted = {
        "fitsname": "spec-4055-55359-0012.fits", "layout": "sdss", "data_v": "v5_13_2",
        "lmjd": 55359, "planid": "4055", "spid": 1, "fiberid": 12, "ra": 105.3833, "dec": 27.611422,
        "class": "STAR", "subclass": "OB (141413)", "snr_u": 3.0, "snr_g": 40.0, "snr_z": 20.0,
        "exptime": 5400.0, "helio_rv": 12.5, "zflag": "ZWARNING 0", "first_pixel": -173,
    }  # fmt: skip
    assert {name: header[name] for name in wanted} == wanted
    assert header["z"] == pytest.approx(1e-4)
    # 1 / (2.3548 * 0.95 pixels * 1e-4 ln 10) by hand
    assert header["resolution"] == pytest.approx(1941.4, abs=0.5)


def test_wavelengths_of_sdss_in_air_are_moved(tmp_path: Path) -> None:
    write_sdss(tmp_path / "sdss", star(), VACUUM=False)
    ingest(survey(tmp_path, '[spectra]\nkind = "sdss"\npath = "sdss"'), tmp_path / "raw")
    flux, ivar = stored(tmp_path / "raw")["4055-55359-0012"]
    window = (np.abs(WAVELENGTH - 4863) < 30) & (ivar > 0)
    depth = 1 - flux[window] * WAVELENGTH[window] / WAVELENGTH[0] / 50
    centre = np.sum(depth * WAVELENGTH[window]) / np.sum(depth)
    assert centre == pytest.approx(4862.7 + 1.358, abs=0.3)  # a difference of 1.358 Angstrom there


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda folder: write_sdss(folder, star(), PLATE=1), "id_mismatch"),
        (lambda folder: write_sdss(folder, star(), PLUG_DEC=np.nan), "bad_position"),
        (lambda folder: write_sdss(folder, star()._replace(ivar=np.zeros(3909))), "no_pixels"),
        (lambda folder: write_fits_table(folder / "a.fits", [star()]), "unknown_layout"),
        (lambda folder: (folder / "a.fits").write_bytes(b"<html>"), "not_fits"),
    ],
)
def test_files_that_are_no_spectrum_of_sdss(spoil, reason: str, tmp_path: Path) -> None:
    write_sdss(tmp_path / "sdss", star(13))
    spoil(tmp_path / "sdss")
    ingest(survey(tmp_path, '[spectra]\nkind = "sdss"\npath = "sdss"'), tmp_path / "raw")
    reasons = {row["reason"] for row in table(tmp_path / "raw", "files")}
    assert reasons == {None, reason}
    assert reason in REASONS


def test_desi_keeps_flux_and_tells_the_noise(tmp_path: Path) -> None:
    given = [star(i) for i in range(1, 6)]
    write_desi(tmp_path / "desi", given)
    toml = survey(tmp_path, '[spectra]\nkind = "desi"\npath = "desi"')
    ingest(toml, tmp_path / "raw", workers=2)
    found = stored(tmp_path / "raw")
    assert len(found) == 5
    flux, ivar = found["39627000000000003-main-bright-10016"]
    good = (ivar > 0) & (given[2].ivar > 0)
    assert good.sum() > 3880
    ratio = np.sum(flux[good]) / np.sum(given[2].flux[good])
    assert ratio == pytest.approx(1, abs=2e-4)
    pull = (flux - given[2].flux)[good] * np.sqrt(given[2].ivar[good])
    assert np.std(pull) < 0.7  # they differ by interpolation alone
    files = {row["reason"]: row for row in table(tmp_path / "raw", "files")}
    assert "OBJTYPE = 'SKY'" in files["no_star"]["detail"]
    header = table(tmp_path / "raw", "headers")[2]
    assert (header["z"], header["subclass"], header["nexp"]) == (1e-4, "B", 2)
    # 4750 / (2.3548 * 1.1 * 0.8 Angstrom), the middle of 4000 to 5500
    assert header["resolution"] == pytest.approx(2292, rel=0.01)
    assert ingest(toml, tmp_path / "raw")[-1].startswith("spectra: 6 found, 5 ingested")


def test_a_table_in_parquet_and_in_fits_give_the_same(tmp_path: Path) -> None:
    given = [star(i) for i in range(1, 21)]
    write_table(tmp_path / "one" / "a.parquet", given)
    write_fits_table(tmp_path / "two" / "a.fits", given)
    found = []
    for name in ("one", "two"):
        text = f'[spectra]\nkind = "table"\nwavelengths = "vacuum"\npath = "{name}"'
        ingest(survey(tmp_path, text), tmp_path / f"raw-{name}", workers=1)
        found.append(stored(tmp_path / f"raw-{name}"))
    assert len(found[0]) == 20
    for specid, (flux, ivar) in found[0].items():
        np.testing.assert_array_equal(flux, found[1][specid][0])
        np.testing.assert_array_equal(ivar, found[1][specid][1])
    np.testing.assert_array_equal(found[0]["star-007"][1], given[6].ivar.astype(np.float32))


def test_what_the_survey_says_of_a_table_reads_it_again(tmp_path: Path) -> None:
    write_table(tmp_path / "a.parquet", [star()])
    text = '[spectra]\nkind = "table"\npath = "a.parquet"\nresolution = 1800\nwavelengths = '
    centres = []
    for medium in ("vacuum", "air", "air"):
        lines = ingest(survey(tmp_path, f'{text}"{medium}"'), tmp_path / "raw")
        centres.append(stored(tmp_path / "raw"))
    assert lines == ["spectra: 1 found, 1 ingested"]
    assert not np.array_equal(centres[0]["star-012"][0], centres[1]["star-012"][0])
    assert table(tmp_path / "raw", "headers")[0]["resolution"] == 1800


def test_columns_of_other_names_and_one_that_is_not_there(tmp_path: Path) -> None:
    renamed = pq.read_table(write_table(tmp_path / "a.parquet", [star()]))
    renamed = renamed.rename_columns(["id", "ra", "dec", "cz", "lam", "flux", "ivar"])
    pq.write_table(renamed, tmp_path / "a.parquet")
    text = '[spectra]\nkind = "table"\npath = "a.parquet"\nwavelengths = "vacuum"\n'
    ingest(survey(tmp_path, text), tmp_path / "raw")
    (row,) = table(tmp_path / "raw", "files")
    assert row["detail"] == "no column wavelength or wave or lambda, for wavelength"
    text += 'columns = { wavelength = "lam", z = "cz" }'
    ingest(survey(tmp_path, text), tmp_path / "raw")
    assert table(tmp_path / "raw", "headers")[0]["z"] == 1e-4


def test_wavelengths_in_another_unit_are_put_aside(tmp_path: Path) -> None:
    write_table(tmp_path / "a.parquet", [star()], WAVELENGTH / 10)
    text = '[spectra]\nkind = "table"\npath = "a.parquet"\nwavelengths = "vacuum"'
    ingest(survey(tmp_path, text), tmp_path / "raw")
    (row,) = table(tmp_path / "raw", "files")
    assert (row["reason"], "in Angstrom?" in row["detail"]) == ("bad_wavelength", True)


def test_velocities_in_place_of_redshifts_are_put_aside(tmp_path: Path) -> None:
    given = [-28.5, 1e-4, -9999.0, 212.0, None]
    rows = pq.read_table(write_table(tmp_path / "a.parquet", [star(i) for i in range(5)]))
    place = rows.column_names.index("z")
    pq.write_table(rows.set_column(place, "z", [given]), tmp_path / "a.parquet")
    text = '[spectra]\nkind = "table"\npath = "a.parquet"\nwavelengths = "vacuum"'
    ingest(survey(tmp_path, text), tmp_path / "raw")
    said = [r["detail"] for r in table(tmp_path / "raw", "files") if r["reason"] == "bad_header"]
    assert len(said) == 2
    assert said[0] == "z = -28.5 is no redshift; a velocity in km/s is z times 299792.458"
    assert sorted(r["specid"] for r in table(tmp_path / "raw", "headers")) == [
        "star-001", "star-002", "star-004",
    ]  # fmt: skip


def test_mixed_resolutions_are_refused(tmp_path: Path) -> None:
    rows = pq.read_table(write_table(tmp_path / "a.parquet", [star(i) for i in range(1, 5)]))
    pq.write_table(
        rows.append_column("resolution", [[1800.0, 1800.0, 4000.0, 4000.0]]), tmp_path / "a.parquet"
    )
    text = '[spectra]\nkind = "table"\npath = "a.parquet"\nwavelengths = "vacuum"'
    with pytest.raises(IngestError, match="resolutions from 1800 to 4000 in one survey"):
        ingest(survey(tmp_path, text), tmp_path / "raw")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('kind = "tabel"', "spectra: Invalid enum value 'tabel'"),
        ('kind = "table"', 'spectra.wavelengths: missing; say "vacuum" or "air"'),
        ('kind = "sdss"\nresolution = 2000', "spectra.resolution: of kind table alone"),
        ('kind = "table"\nwavelengths = "air"\nresolution = -2000', "resolution: -2000.0 is no"),
        ('kind = "table"\nwavelengths = "air"\nresolution = nan', "resolution: nan is no"),
        ('knd = "sdss"', "spectra.knd: no such key; did you mean 'kind'"),
    ],
)
def test_what_a_survey_may_not_say(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SurveyError) as error:
        survey(tmp_path, f'[spectra]\npath = "."\n{text}')
    assert said in str(error.value)


def test_reading_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(SurveyError, match="reading: no such key"):
        survey(tmp_path, '[reading]\nkind = "sdss"')
