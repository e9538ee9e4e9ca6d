"""Real stars beside the models: expected magnitudes, templates as files, warnings, visits."""

import csv

import numpy as np
import pytest
from astropy.io import fits
from click.testing import CliRunner

from obcat import real_stars as beside
from obcat.cli import main
from obcat.ingest.lamost import read_spectrum
from obcat.kernels.grid import N_PIXEL
from obcat.real_stars import real_stars
from obcat.real_stars.standards import (
    NoStars,
    SpectralType,
    expected_mk,
    in_doubt,
    parse_type,
    reasons,
    templates_of,
)

NAN = np.nan


@pytest.mark.parametrize(
    ("name", "number", "classes"),
    [
        ("B3V (29763)", 13, ("V",)),
        ("B3Ib/II (51309)", 13, ("Ib", "II")),
        ("B2IV-V (176819)", 12, ("IV", "V")),
        ("B0.5Ibe... (187459)", 10.5, ("Ib",)),
        ("B2Iaevar (41117)", 12, ("Ia",)),
        ("F6Iab: (187929)", 36, ("Iab",)),
        ("A4 (G_165-39)", 24, ()),
        ("O8/O9 (167771)", 7, ("III",)),  # its class is from the literature
        ("B5 (338529)", 15, ()),
        ("WDhotter", NAN, ()),
        ("Am (78362)", NAN, ()),
    ],
)
def test_a_type_is_read_from_a_name(name, number, classes):
    found = parse_type(name)
    assert found.number == pytest.approx(number, nan_ok=True)
    assert found.classes == classes


def test_only_classes_i_and_ii_are_luminous():
    assert [SpectralType(10, (c,)).is_luminous for c in ("Ia", "Iab", "Ib", "II", "III", "V")] == [
        True, True, True, True, False, False,
    ]  # fmt: skip


def test_expected_magnitudes_by_hand():
    # B3V: M_V -1.20, V - Ks -0.49; B5V: -0.85 and -0.38; B4V half-way
    assert expected_mk(SpectralType(13, ("V",))) == pytest.approx(-0.71)
    assert expected_mk(SpectralType(14, ("V",))) == pytest.approx((-0.71 - 0.47) / 2)
    # B2IV: half-way from B2V, -1.20, to B2III, -3.30
    assert expected_mk(SpectralType(12, ("IV",))) == pytest.approx(-2.25)
    # B3Ib/II: -5.6 + 0.50 and -4.5 + 0.50
    assert expected_mk(SpectralType(13, ("Ib", "II"))) == pytest.approx(-4.55)
    assert np.isnan(expected_mk(SpectralType(44, ("V",))))
    assert np.isnan(expected_mk(SpectralType(13, ())))


def test_a_brighter_class_is_never_fainter():
    order = ("Ia", "Iab", "Ib", "II", "III", "IV", "V")
    for number in np.arange(7, 30.5, 0.5):
        values = [expected_mk(SpectralType(number, (name,))) for name in order]
        assert (np.diff(values) > 0).all()


FOUND = {
    "mk": np.array([0.0, NAN, 0.0, 0.0, 0.0]),
    "out_of_domain": np.array([0.0, NAN, 1.0, 1.0, 0.0]),
    "erroneous": np.array([0.0, 0.0, 0.0, 0.0, 1.0]),
    "cool": np.array([0.0, NAN, 1.0, 0.0, 0.0]),
    **{name: np.zeros(5) for name in ("compact", "misfit", "far", "beyond_training")},
}


def test_a_star_without_m_out_of_the_domain_or_erroneous_is_in_doubt():
    assert in_doubt(FOUND).tolist() == [False, True, True, True, True]
    said = [reasons(FOUND, row) for row in range(5)]
    assert said == ["-", "no M", "cool", "other: M or header", "erroneous"]


def made_library(path, names):
    """A library of the SDSS pipeline's form: a ramp, brighter for each."""
    flux = np.linspace(1, 2, 5933) * np.arange(1, len(names) + 1)[:, None]
    header = fits.Header({"COEFF0": 3.4842, "COEFF1": 1e-4})
    header.update({f"NAME{i}": name for i, name in enumerate(names)})
    fits.PrimaryHDU(flux.astype(np.float32), header).writeto(path)
    return flux[:, 840 : 840 + N_PIXEL]


def test_templates_become_files_of_lamost_with_the_noise_that_is_said(tmp_path):
    flux = made_library(tmp_path / "library.fits", ["B3V (1)", "Carbon", "O9V (2)"])
    templates = templates_of(tmp_path / "library.fits")
    assert [template.name for template in templates] == ["O9V (2)", "B3V (1)"]  # no carbon star
    read = read_spectrum(*templates[1].file)
    pull = (read.flux - flux[0]) * np.sqrt(read.ivar)
    assert read.header["z"] == 0
    assert read.header["n_masked"] == 0
    assert np.std(pull) == pytest.approx(1, abs=0.05)
    assert np.median(flux[0] * np.sqrt(read.ivar)) == pytest.approx(100, rel=0.01)


def test_a_library_with_other_pixels_is_refused(tmp_path):
    fits.PrimaryHDU(np.ones((2, 100), np.float32), fits.Header({"COEFF0": 3.5})).writeto(
        tmp_path / "library.fits"
    )
    with pytest.raises(NoStars, match="its pixels are others"):
        templates_of(tmp_path / "library.fits")


ROWS = [  # star, its visit, its copy, 10" away, visit of the third
    ("a", 10.0, 1), ("b", 10.0 + 1 / 3600, 2), ("c", 10.0, 1), ("d", 10.0 + 10 / 3600, 3),
    ("e", 10.0 + 11 / 3600, 4),
]  # fmt: skip


def write_manifest(folder, **changes):
    rows = [
        {"file": name, "ra": ra, "dec": 0.0, "lmjd": 1, "planid": "P", "spid": 1,
         "fiberid": fiber, "cls": "STAR", "subclass": "A1", "snrg": 50, "lasp_teff": "",
         "flag_HeI": 0, "flag_Ha_emission": 0} | changes
        for name, ra, fiber in ROWS
    ]  # fmt: skip
    with (folder / beside.MANIFEST).open("w", newline="", encoding="utf-8") as f:
        writer = csv.DictWriter(f, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    for name, *_ in ROWS:
        (folder / name).touch()


def test_visits_pair_within_three_arcsec_and_copies_count_once(tmp_path):
    write_manifest(tmp_path)
    first, second = beside.pairs_of_visits(beside.read_manifest(tmp_path))
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 1), (3, 4)]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"flag_HeI": 1}, "B with He I"),
        ({"flag_HeI": 1, "flag_Ha_emission": 1}, "A, no label"),
        ({"lasp_teff": 9600}, "A > 9,500 K"),
        ({"lasp_teff": 9400}, "A < 9,500 K"),
        ({"subclass": "dM3"}, "M"),
        ({"cls": "GALAXY"}, "no star"),
        ({"subclass": "Non"}, "no star"),
    ],
)
def test_kinds_of_spectra(tmp_path, changes, kind):
    write_manifest(tmp_path, **changes)
    assert set(beside.read_manifest(tmp_path).kind) == {kind}


def test_shares_of_a_class_by_hand(tmp_path):
    """Five A stars: one without M, three warned of, one of them by its header alone."""
    write_manifest(tmp_path)
    headed = FOUND | {"out_of_domain": np.array([1.0, NAN, 1.0, 1.0, 0.0])}
    stars = beside.read_manifest(tmp_path)
    row = beside.classes(stars, FOUND | {"mk": FOUND["mk"] + 1}, headed).rows[0]
    assert row == (
        "A, no label", "5", "20.0 %", "20.0 %", "0.0 %", "0.0 %", "20.0 %", "0.0 %",
        "5", "20.0 %", "0.0 %", "1.00",
    )  # fmt: skip


def test_scatter_of_visits_by_hand(tmp_path):
    write_manifest(tmp_path)
    found = FOUND | {
        "mk": np.array([0.0, 0.3, 9.0, 0.0, -0.3]),
        "out_of_domain": np.zeros(5),
        "erroneous": np.zeros(5),
        "mk_err": np.full(5, 0.3),
        "sigma_mea": np.full(5, 0.15),
    }
    row = beside.visits(beside.read_manifest(tmp_path), found).rows[0]
    # differences 0.3 and -0.3: median 0, MAD 0.3, over sqrt 2
    scatter = 1.4826 * 0.3 / np.sqrt(2)
    ratios = (f"{1.4826 / np.sqrt(2):.2f}", f"{1.4826 * 2 / np.sqrt(2):.2f}")
    assert row == ("all", "2", f"{scatter:.3f}", "0.300", *ratios)


def test_a_folder_without_real_stars_says_so(tmp_path):
    with pytest.raises(NoStars, match=r"neither spEigenStar-55734.fits nor manifest.csv; give"):
        real_stars(tmp_path / "obcat.duckdb", tmp_path)
    (tmp_path / "raw").mkdir()
    (tmp_path / "obcat.duckdb").touch()
    done = CliRunner().invoke(
        main, ["evaluate", str(tmp_path / "obcat.duckdb"), "--real", str(tmp_path / "nowhere")]
    )
    assert done.exit_code == 1
    assert str(done.output).count("\n") <= 1
