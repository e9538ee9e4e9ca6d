"""The measures of realism on spectra made by hand: each number is known before it is measured."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from matplotlib.axes import Axes

from obcat.kernels.grid import LOG_START, LOG_STEP, N_PIXEL, WAVELENGTH
from obcat.realism import (
    Measured,
    Row,
    Sample,
    pixels_within,
    read_sample,
    rows_by_snr,
    scatter_about_zero,
    summary,
)
from obcat.realism.comparison import MASKS, PANELS, draw_curves, is_far, table
from obcat.realism.residuals import RATIO_AT, SKY_LINES, masks, noise, residuals, response

PIXEL = np.arange(N_PIXEL)
ALTERNATING = np.where(PIXEL % 2, 1.0, -1.0)


def made(n: int, **columns: Any) -> Sample:
    """n spectra of flux 1 and inverse variance 1, S/N 20, of the survey proper,
    each at another place.
    """
    shape = (n, N_PIXEL)
    given = {
        "flux": np.ones(shape), "ivar": np.ones(shape), "andmask": np.zeros(shape, np.uint8),
        "ormask": np.zeros(shape, np.uint8), "inside": np.ones(shape, bool), "z": np.zeros(n),
        "snr": np.full(n, 20.0), "lmjd": np.full(n, 57000), "ra": 10.0 + np.arange(n),
        "dec": np.full(n, 20.0), "subclass": np.full(n, "A0"), "release": np.full(n, 5),
        "simulated": False, }  # fmt: skip
    return Sample(
        **{
            name: np.asarray(v) if name != "simulated" else v
            for name, v in (given | columns).items()
        }
    )


def values(measured: list[Measured]) -> dict[tuple[str, str], np.ndarray]:
    return {(m.name, m.where): m.values for m in measured}


def test_scatter_about_zero_is_that_of_a_normal_distribution():
    assert scatter_about_zero(
        np.array([[1.0, -1, 2, -2, 3], [5, 5, 5, 5, np.nan]])
    ) == pytest.approx([2 * 1.4826, 5 * 1.4826])


def test_spectra_are_chosen_from_the_lower_limit_to_below_the_upper_one():
    sample = made(4, snr=np.array([7.9, 8.0, 39.9, 40.0]))
    assert rows_by_snr(sample, (8.0, 40.0), np.ones(4, bool)).tolist() == [False, True, True, False]
    assert rows_by_snr(sample, (8.0, 40.0), np.array([True, False, True, True])).tolist() == [
        False,
        False,
        True,
        False,
    ]


def test_a_row_holds_percentiles_and_mean_of_what_is_known():
    (row,) = summary([Measured("a", "b", 1.0, np.append(np.arange(101.0), np.nan), "spread")])
    assert (row.n, row.low, row.median, row.high, row.mean) == (101, 16.0, 50.0, 84.0, 50.0)
    assert row.value == 34.0


def test_masks_are_counted_by_kind():
    """Of two spectra of the survey proper the second has: 5 bits of value 1, 3 of 2, one of both;
    and an early one.
    """
    ormask, andmask = np.zeros((3, N_PIXEL), np.uint8), np.zeros((3, N_PIXEL), np.uint8)
    flux, ivar = np.ones((3, N_PIXEL)), np.ones((3, N_PIXEL))
    ormask[1, :5], ormask[1, 5:8], ormask[1, 8] = 1, 2, 3
    andmask[1, :2] = 1
    flux[1, 20:27] = 0  # 7 dark ones, of them 4 without error too
    ivar[1, 20:24], ivar[1, 40:42] = 0, -1  # 6 blind ones
    ormask[2] = 1
    found = values(
        masks(
            made(
                3,
                ormask=ormask,
                andmask=andmask,
                flux=flux,
                ivar=ivar,
                lmjd=np.array([57000, 57000, 55000]),
            )
        )
    )
    wanted = {
        "ORMASK not 0": 9,
        "ORMASK bit 1": 6,
        "ANDMASK not 0": 2,
        "ivar 0": 6,
        "flux 0": 7,
        "flux 0 but ivar not": 3,
    }
    for name, n in wanted.items():
        np.testing.assert_array_equal(
            found["pixels a file, if any", name], [np.nan, n], err_msg=name
        )
        assert found["share of pixels", name] == pytest.approx([0, n / N_PIXEL])
    assert found["share of pixels", "ORMASK bit 2"] == pytest.approx([0, 4 / N_PIXEL])
    assert found["files with a mask bit", "share"].tolist() == [0, 1]


def test_a_file_without_a_tenth_of_its_pixels_is_counted():
    ivar = np.ones((2, N_PIXEL))
    ivar[0, : N_PIXEL // 10 - 1], ivar[1, : N_PIXEL // 10 + 1] = 0, 0
    found = values(masks(made(2, ivar=ivar)))
    assert found["files with a mask bit", "ivar 0 in a tenth of the pixels"].tolist() == [0, 1]


def test_depths_of_what_all_spectrographs_leave():
    """A tenth gone at 6,140 to 6,190, none at the edge; of a cool and of a faint star not asked."""
    flux = np.where((WAVELENGTH > 6135) & (WAVELENGTH < 6195), 0.9, 1.0)
    sample = made(3, flux=np.tile(flux, (3, 1)), snr=np.array([50.0, 50.0, 30.0]))
    hot = np.array([True, False, True])
    found = values(response(sample, np.ones((3, N_PIXEL)), hot))
    assert found["response of all, depth left", "wave, 6165"] == pytest.approx([0.1], abs=2e-3)
    assert found["response of all, depth left", "edge, 8345"] == pytest.approx([0.0], abs=2e-3)


def test_noise_of_hot_stars_of_the_survey_proper():
    """Residuals of +1 and -1 by turns; a cool star, an early one and a bright one have others."""
    pull = np.outer([1.0, 7.0, 9.0, 3.0], ALTERNATING)
    sample = made(
        4, snr=np.array([20.0, 20.0, 20.0, 100.0]), lmjd=np.array([57000, 57000, 55000, 57000])
    )
    found = values(noise(sample, pull, np.array([True, False, True, True])))
    assert found["scatter / stated error", "S/N 8-40, 4200-4800"] == pytest.approx([1.4826])
    assert found["scatter / stated error", "S/N 80-150, 4200-4800"] == pytest.approx([3 * 1.4826])
    assert found["scatter / stated error", "nights before autumn 2012, red arm"] == pytest.approx(
        [9 * 1.4826]
    )
    for arm in ("blue", "red"):
        lags = [found["autocorrelation", f"{arm} arm, lag {lag}"] for lag in (1, 2, 3)]
        assert np.ravel(lags) == pytest.approx([-1, 1, -1])
    assert found["neighbour correlation", "4800-5600"] == pytest.approx([-1])


def test_correlation_leaves_out_what_is_far_off():
    pull = np.array([ALTERNATING])
    pull[0, ::50] = 100.0
    found = values(noise(made(1), pull, np.array([True])))
    assert found["autocorrelation", "red arm, lag 2"] == pytest.approx([1])


def test_sky_lines_and_outliers():
    """3 times the error about 5578, 1 elsewhere;
    of the blue arm one pixel in a hundred is far too bright, two too dark.
    """
    pull = np.array([ALTERNATING])
    pull[0, pixels_within(SKY_LINES[0] - 5, SKY_LINES[0] + 5)] *= 3
    blue = np.arange(N_PIXEL)[pixels_within(4200, 5500)]
    pull[0, blue[::100]], pull[0, blue[1::100]], pull[0, blue[2::100]] = 20.0, -20.0, -20.0
    found = values(noise(made(1), pull, np.array([True])))
    assert found["sky line, rms residual", "5578"] == pytest.approx([3])
    assert found["sky line, rms residual", "8348"] == pytest.approx([1])
    n = np.diff(np.searchsorted(WAVELENGTH, (4200, 5600)))[0]
    assert found["share of pixels 5 sigma too bright", "blue arm"] == pytest.approx(
        [len(blue[::100]) / n]
    )
    assert found["share of pixels 5 sigma too bright", "red arm"] == pytest.approx([0])


def test_residuals_are_in_stated_errors():
    """Flux 4 +- 0.5 with an error of 0.25: two errors, whatever the level;
    nothing where it is masked.
    """
    flux, ivar = 4 + 0.5 * ALTERNATING[None], np.full((1, N_PIXEL), 16.0)
    ivar[0, 100] = 0
    found = residuals(made(1, flux=flux, ivar=ivar), np.full((1, N_PIXEL), 4.0))
    assert np.isnan(found[0, 100])
    assert np.isnan(found).sum() == 1
    assert np.delete(found[0] * ALTERNATING, 100) == pytest.approx(2)


def test_lines_are_taken_off_at_the_redshift_of_each_star():
    """Twelve stars with one line, moved by up to 20 pixels:
    what one finds of it elsewhere does not fit here.
    """
    z = 10 ** (LOG_STEP * np.linspace(-20, 20, 12)) - 1
    moved = PIXEL[None] - np.linspace(-20, 20, 12)[:, None]
    flux = 1 - 0.4 * np.exp(-0.5 * ((moved - 2000) / 12) ** 2)
    sample = made(12, flux=flux, ivar=np.full(flux.shape, 1e4), z=z, snr=np.full(12, 100.0))
    found = residuals(sample, np.ones(flux.shape))
    assert np.nanmax(np.abs(found)) < 1.5  # of lines 40 errors deep


def test_depth_of_a_telluric_band_is_below_the_line_between_its_sides():
    """A spectrum that rises with wavelength, a fifth of it gone at 7170 to 7320."""
    slope = 1 + (WAVELENGTH - 7000) / 2000
    flux = np.where((WAVELENGTH > 7165) & (WAVELENGTH < 7325), 0.8, 1.0) * slope
    sample = made(2, flux=np.array([flux, slope]), snr=np.array([50.0, 30.0]))
    found = values(response(sample, np.ones((2, N_PIXEL)), np.ones(2, bool)))
    assert found["telluric band, depth left", "H2O 7200"] == pytest.approx([0.2], abs=2e-3)
    assert found["telluric band, depth left", "none, 6700"] == pytest.approx([0.0], abs=2e-3)
    assert found["telluric band, depth left", "O2 B"] == pytest.approx([0.0], abs=2e-3)


def test_step_between_the_arms():
    """The red side is 1.1 times too bright;
    one spectrum of DR5, one of DR9, one too faint to be asked.
    """
    flux = np.tile(np.where(WAVELENGTH > 5850, 1.1, 1.0), (3, 1))
    sample = made(3, flux=flux, snr=np.array([50.0, 50.0, 30.0]), release=np.array([5, 9, 5]))
    found = values(response(sample, np.ones((3, N_PIXEL)), np.ones(3, bool)))
    wanted = -np.log(1.1)
    assert found["step between the arms (ln)", "all"] == pytest.approx([wanted, wanted])
    np.testing.assert_allclose(found["step between the arms (ln)", "DR5 to DR8"], [wanted, np.nan])


def test_continua_of_two_nights_are_compared():
    """Visits of one star: two nights, the second tilted by 10 per cent a 1,000 A; a third of the
    same night, and a
    star 20 arcsec away, are no pair."""
    tilt = np.exp(0.1 * (WAVELENGTH - 6450) / 1000)
    ra, lmjd = np.array([10.0, 10.0, 10 + 20 / 3600]), np.array([57000, 57001, 57001])
    sample = made(3, flux=np.array([tilt, np.ones(N_PIXEL), np.ones(N_PIXEL)]), ra=ra, lmjd=lmjd)
    found = values(response(sample, np.ones((3, N_PIXEL)), np.ones(3, bool)))
    middle = np.median(WAVELENGTH[pixels_within(4000, 8900)])
    for at in RATIO_AT[2:-1]:
        wanted = 0.1 * (at - middle) / 1000
        assert found["continuum, ratio of two visits (ln)", f"{at}"] == pytest.approx(
            [wanted], abs=2e-3
        )
    alone = made(2, ra=ra[:2], lmjd=lmjd[1:])
    names = {name for name, _ in values(response(alone, np.ones((2, N_PIXEL)), np.ones(2, bool)))}
    assert not {name for name in names if "two visits" in name}


def test_stated_variance_is_over_flux_and_one_in_the_middle():
    """Variance 2 in the red, 1 in the blue, of a level of 1: 2 at 7000."""
    ivar = np.where(WAVELENGTH > 6000, 0.5, 1.0)[None]
    found = values(response(made(1, ivar=ivar), np.ones((1, N_PIXEL)), np.array([True])))
    assert found["stated variance / flux", "S/N 8-40, 7000"] == pytest.approx([2])
    assert found["stated variance / flux", "S/N 8-40, 4500"] == pytest.approx([1])


def write(path: Path, number: int, **cards: Any) -> None:
    """An image of five rows: flux, ivar, wavelength, ANDMASK, ORMASK, from grid pixel 3 on."""
    rows = np.full((5, 3800), number, np.float32) + np.array(
        [[0.0], [0.25], [0], [1], [2]], np.float32
    )
    header = {"VERSPIPE": "v2.9.7", "CLASS": "STAR", "COEFF0": LOG_START + 3 * LOG_STEP, "Z": 0.001,
        "SNRG": 30.0, "SNRR": 40.0, "RA": 10.0, "DEC": 20.0, "LMJD": 57000, "SUBCLASS": "A1",
        "DATA_V": "LAMOST DR7"}  # fmt: skip
    hdu = fits.PrimaryHDU(rows)
    hdu.header.update(header | cards)
    hdu.writeto(path)


def test_files_are_read_row_by_row(tmp_path):
    for k, name in enumerate("abcdef"):
        write(tmp_path / f"{name}.fits", k + 1, SNRG=30.0 + k)
    write(tmp_path / "z.fits", 9, CLASS="GALAXY")
    every, some = read_sample(tmp_path, 100), read_sample(tmp_path, 3)
    first = every.flux[0], every.ivar[0], every.andmask[0], every.ormask[0]
    assert [row[3] for row in first] == [1.0, 1.25, 2, 3]
    assert [row[2] for row in first] == [0, 0, 0, 0]
    assert every.inside[0].nonzero()[0][[0, -1]].tolist() == [3, 3802]
    assert every.snr.tolist() == [30.0, 31, 32, 33, 34, 35]
    assert (every.z[0], every.ra[0], every.dec[0], every.lmjd[0], every.release[0]) == (
        0.001,
        10,
        20,
        57000,
        7,
    )
    assert some.snr.tolist() == [30.0, 33.0]  # a, d; the third of seven is no star


def row_of(median: float, **other: Any) -> Row:
    given = {
        "name": "n",
        "where": "w",
        "at": 5000.0,
        "compared": "median",
        "n": 9,
        "low": 0.0,
        "high": 9.0,
        "mean": 1.0,
    }
    return Row(median=median, **(given | other))


@pytest.mark.parametrize(
    ("simulated", "far"), [(1.0, True), (1.4, False), (2.0, False), (2.9, False), (3.1, True)]
)
def test_far_is_half_as_much_again_either_way(simulated, far):
    assert is_far(row_of(2.0), row_of(simulated)) == far
    assert f"{simulated / 2:6.2f}" in table([row_of(2.0)], [row_of(simulated)])


def test_bars_of_the_curves_reach_from_16_to_84_per_cent(tmp_path, monkeypatch):
    drawn: list[tuple] = []
    monkeypatch.setattr(Axes, "errorbar", lambda self, x, y, bars, **_: drawn.append((x, y, bars)))
    monkeypatch.setattr(Axes, "legend", lambda self: None)
    names = [(name, begin) for _, name, begin, _ in PANELS]
    rows = [
        row_of(3.0, name=name, where=f"{begin}, 5000", low=2.0, high=7.0) for name, begin in names
    ]
    rows += [row_of(3.0, name="pixels a file, if any", where=m, low=2.0, high=7.0) for m in MASKS]
    draw_curves(rows, rows, tmp_path / "x.png")
    assert len(drawn) == 16
    for _, y, (below, above) in drawn:
        assert (set(y), set(below), set(above)) == ({3.0}, {1.0}, {4.0})
