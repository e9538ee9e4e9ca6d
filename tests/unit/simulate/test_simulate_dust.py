"""The simulation's extinction curve against Fitzpatrick (1999),
its disc of dust against an integral, its clouds.
"""

import csv

import numpy as np
import pytest

from obcat.data import REFERENCE
from obcat.kernels.grid import WAVELENGTH
from obcat.simulate.dust import (
    BANDS,
    DUST_HEIGHT,
    DUST_LENGTH,
    LOCAL_EBV,
    SUN_R,
    SUN_Z,
    disc_ebv,
    draw_laws,
    extinction,
    f99,
)
from obcat.simulate.galaxy import DISTANCES, SIGMA, cartesian, medium, reddening
from obcat.simulate.ingredients import Recipe
from obcat.simulate.photometry import band_coefficients

PUBLISHED = {  # Fitzpatrick (1999), table 3, R_V = 3.1: A(lambda)/E(B-V)
    26500: 0.265,
    12200: 0.829,
    6000: 2.688,
    5470: 3.055,
    4670: 3.806,
    4110: 4.315,
    2700: 6.265,
    2600: 6.591,
}
EFFECTIVE = {
    "b": 4361.0,
    "v": 5448.0,
    "j": 12350.0,
    "ks": 21590.0,
}  # Angstrom: Bessell (2005), Cohen et al. (2003)


@pytest.mark.parametrize(("wavelength", "value"), PUBLISHED.items())
def test_curve_has_the_published_values(wavelength: float, value: float) -> None:
    assert f99(np.array([float(wavelength)]))[0] == pytest.approx(value, abs=0.002)


@pytest.mark.parametrize(("band", "wavelength"), EFFECTIVE.items())
def test_curve_agrees_with_the_coefficients_of_the_bands(band: str, wavelength: float) -> None:
    row = next(r for r in read_coefficients() if r["teff"] == "20000")
    assert f99(np.array([wavelength]))[0] == pytest.approx(float(row[band]), rel=0.02)


def read_coefficients() -> list[dict[str, str]]:
    with (REFERENCE / "extinction_coefficients.csv").open(newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def test_curve_is_unknown_in_the_far_ultraviolet() -> None:
    assert np.isnan(f99(np.array([2500.0]))[0])


@pytest.mark.parametrize("band", BANDS)
def test_spectra_through_passbands_give_the_handed_coefficients(band: str) -> None:
    """Kurucz spectra, E(B-V) 0.5, R_V 3.1, another's code: to 0.4 % of A(X)/E(B-V)."""
    rows = read_coefficients()
    teff = np.array([float(row["teff"]) for row in rows])
    handed = [float(row[band]) for row in rows]
    np.testing.assert_allclose(band_coefficients(teff, 0.5, 3.1)[band], handed, rtol=0.004)


def test_broad_bands_bend_with_dust_and_narrow_ones_do_not() -> None:
    """Blue light of a broad band is gone first: G loses a fifth of its coefficient to 3 mag."""
    little, much = (band_coefficients(np.full(1, 2e4), ebv, 3.1) for ebv in (0.1, 3.0))
    assert much["g_gaia"][0] / little["g_gaia"][0] == pytest.approx(0.73, abs=0.02)
    assert much["ks"][0] / little["ks"][0] == pytest.approx(1, abs=0.005)


@pytest.mark.parametrize("r_v", [2.5, 3.1, 4.5])
def test_visual_extinction_is_r_v_times_the_excess(r_v: float) -> None:
    one = band_coefficients(np.full(1, 2e4), 0.01, r_v)
    assert one["v"][0] == pytest.approx(r_v, abs=0.06)
    assert one["ks"][0] == pytest.approx(0.350 * r_v / 3.1, rel=0.03)
    pixel = int(np.argmin(np.abs(WAVELENGTH - 5470)))
    exact = f99(WAVELENGTH[[pixel]], r_v=r_v)[0]
    assert extinction(np.array([r_v]))[0, pixel] == pytest.approx(exact, abs=1e-4)


def test_r_v_is_of_the_cloud_and_of_the_star() -> None:
    """Neighbours share most of it; it does not depend on chunks but for the star's own part."""
    rng = np.random.default_rng(2)
    x, y, z = -SUN_R - rng.uniform(0.5, 4, 4000), rng.uniform(-2, 2, 4000), np.zeros(4000)
    here, again, near = (
        draw_laws(x + dx, y, z, Recipe(4), chunk) for dx, chunk in ((0, 0), (0, 0), (0.01, 1))
    )
    np.testing.assert_array_equal(here, again)
    usual = (here < 4) & (near < 4)
    assert 0.3 < np.corrcoef(here[usual], near[usual])[0, 1] < 0.9
    assert here[usual].std() == pytest.approx(0.20, abs=0.04)
    assert 0.002 < (here > 4).mean() < 0.012
    assert (draw_laws(x, y, z, Recipe(4, frozenset({"dust_law"})), 0) == 3.1).all()


@pytest.mark.parametrize("distance", [0.5, 3.0])
def test_dust_towards_the_anticentre_is_the_integral_of_an_exponential(distance: float) -> None:
    ebv = disc_ebv(np.array([-SUN_R - distance]), np.zeros(1), np.array([SUN_Z]))[0]
    exact = (
        LOCAL_EBV
        * DUST_LENGTH
        * (1 - np.exp(-distance / DUST_LENGTH))
        * np.exp(-SUN_Z / DUST_HEIGHT)
    )
    assert ebv == pytest.approx(exact, rel=1e-3)


@pytest.fixture(scope="module")
def sky() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.uniform(60, 240, 4000), rng.normal(0, 3, 4000)


def test_clouds_are_lognormal_about_the_smooth_disc() -> None:
    box = medium(4)
    assert box.mean(dtype=float) == pytest.approx(1, abs=1e-4)
    assert np.log(box).std() == pytest.approx(SIGMA, rel=0.01)
    np.testing.assert_array_equal(medium(4), box)
    assert not np.array_equal(medium(5), box)


def test_reddening_grows_along_every_line_of_sight() -> None:
    distance = np.linspace(0.01, 13.5, 300)
    for glon, glat in ((180.0, 0.0), (75.3, -2.2), (222.7, 8.1), (359.6, 29.0)):
        line = reddening(np.full(300, glon), np.full(300, glat), distance, Recipe(4))
        assert (np.diff(line) > -1e-12).all()
        assert line[-1] > line[0]
    assert DISTANCES[0] == 0


@pytest.mark.parametrize("distance", [1.0, 3.0])
def test_clouds_keep_the_mean_of_the_smooth_disc_and_scatter_about_it(
    sky: tuple[np.ndarray, np.ndarray], distance: float
) -> None:
    d = np.full(4000, distance)
    smooth = disc_ebv(*cartesian(*sky, d))
    ratio = reddening(*sky, d, Recipe(4)) / smooth
    assert ratio.mean() == pytest.approx(1, abs=0.12)
    assert 0.15 < np.log(ratio).std() < 0.8
    np.testing.assert_array_equal(reddening(*sky, d, Recipe(4, frozenset({"clouds"}))), smooth)
    assert not reddening(*sky, d, Recipe(4, frozenset({"dust"}))).any()


def test_neighbours_on_the_sky_share_their_dust(sky: tuple[np.ndarray, np.ndarray]) -> None:
    d = np.full(4000, 1.5)
    ratio = [
        np.log(
            reddening(sky[0] + off, sky[1], d, Recipe(4))
            / disc_ebv(*cartesian(sky[0] + off, sky[1], d))
        )
        for off in (0.0, 0.3, 30.0)
    ]
    assert np.corrcoef(ratio[0], ratio[1])[0, 1] > 0.9
    assert abs(np.corrcoef(ratio[0], ratio[2])[0, 1]) < 0.4


def test_clouds_do_not_depend_on_chunks_but_on_their_seed(
    sky: tuple[np.ndarray, np.ndarray],
) -> None:
    d = np.full(4000, 2.0)
    own = reddening(*sky, d, Recipe(9, seeds={"clouds": 4}))
    np.testing.assert_array_equal(own, reddening(*sky, d, Recipe(4)))
    assert not np.allclose(own, reddening(*sky, d, Recipe(9)))
