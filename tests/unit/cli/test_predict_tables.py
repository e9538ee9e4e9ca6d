"""Tables given to obcat predict: read as those of a survey, and nothing that they only name."""

from pathlib import Path

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table

from obcat.kernels.grid import WAVELENGTH
from obcat.own_files import read_files
from tests.unit.cli.test_predict import spectrum

FLUX, SIGMA = spectrum(3)


def given() -> Table:
    return Table({"wavelength": WAVELENGTH, "flux": FLUX, "error": SIGMA})


def text(separator: str = ",", flux: list[object] | None = None) -> str:
    values = zip(WAVELENGTH, FLUX if flux is None else flux, SIGMA, strict=True)
    rows = (separator.join(map(str, row)) for row in values)
    return "\n".join([separator.join(("wavelength", "flux", "error")), *rows, ""])


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    own = read_files([path])
    assert own.fault == [""]
    return own.flux[0], own.ivar[0]


@pytest.mark.parametrize(
    "content",
    ["\ufeff" + text(), text(";"), "sep=;\n" + text(";"), text("\t").replace("\n", "\r")],
    ids=["byte order mark", "semicolons", "stated separator", "ends of lines are CR"],
)
def test_texts_of_other_programs(tmp_path: Path, content: str) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes(content.encode())
    flux, ivar = read(path)
    np.testing.assert_allclose(flux, FLUX, rtol=1e-6)
    np.testing.assert_allclose(ivar, SIGMA**-2, rtol=1e-6)


def test_what_says_null_is_masked(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text(text(flux=["NA" if i % 50 == 7 else x for i, x in enumerate(FLUX)]))
    _, ivar = read(path)
    assert np.flatnonzero(ivar == 0).tolist() == list(range(7, 3909, 50))


@pytest.mark.parametrize(("ending", "form"), [("ecsv", "ascii.ecsv"), ("vot", "votable")])
@pytest.mark.filterwarnings("ignore::astropy.units.UnitsWarning")
def test_masks_and_units_are_kept(tmp_path: Path, ending: str, form: str) -> None:
    """Flux in 1e-17 of the unit of its error: without units S/N would be 1e17 times too low."""
    table, hidden = given(), (WAVELENGTH > 5000) & (WAVELENGTH < 5100)
    table["flux"] = MaskedColumn(FLUX, mask=hidden, unit="1e-17 erg/(s cm2 Angstrom)")
    table["error"] *= 1e-17
    table["error"].unit = "erg/(s cm2 Angstrom)"
    table["wavelength"] /= 10
    table["wavelength"].unit = "nm"
    path = tmp_path / f"own.{ending}"
    table.write(path, format=form)
    flux, ivar = read(path)
    np.testing.assert_array_equal(ivar == 0, hidden)
    signal = (flux * np.sqrt(ivar))[~hidden]
    np.testing.assert_allclose(signal, (FLUX / SIGMA)[~hidden], rtol=1e-4)


def test_no_reference_out_of_a_file_is_followed(tmp_path: Path) -> None:
    whole, secret = tmp_path / "whole.vot", tmp_path / "secret.bin"
    given().write(whole, format="votable", tabledata_format="binary")
    content = whole.read_text()
    stream = content[content.index("<STREAM") : content.index("</STREAM>")]
    secret.write_bytes(bytes(3 * 8 * 3909))
    path = tmp_path / "own.vot"
    path.write_text(content.replace(stream, f'<STREAM href="file://{secret}">'))
    own = read_files([whole, path])
    assert own.fault[0] == ""
    assert "no reference out of a file is followed" in own.fault[1]
    assert not own.ivar[1].any()


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("wavelength,flux,Flux,error\n4000,1,2,0.1\n4001,1,2,0.1\n")
    assert "columns flux, Flux differ in case only" in read_files([path]).fault[0]
