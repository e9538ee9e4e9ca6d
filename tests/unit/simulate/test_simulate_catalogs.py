"""What simulated archives measure: errors as large as they should be, gaps where they should be."""

import numpy as np
import pytest

from obcat.simulate import photometry
from obcat.simulate.archives import MISSING, _designations, draw_labels
from obcat.simulate.dust import BANDS
from obcat.simulate.galaxy import TO_GALACTIC, cartesian, equatorial, galactic, velocities
from obcat.simulate.ingredients import Recipe
from obcat.simulate.sky import draw_sky

N = 4000


def magnitudes(value: float) -> dict[str, np.ndarray]:
    return {band: np.full(N, value) for band in BANDS}


def test_xstps_loses_light_above_its_limit_without_saying_so() -> None:
    sky = np.full(N, 90.0), np.full(N, 30.0)
    faint, bright = (photometry.xstps(magnitudes(m), *sky, Recipe(3), 0) for m in (15.0, 12.5))
    assert np.nanmedian(faint.mag["r"]) == pytest.approx(15.0, abs=0.002)
    assert np.nanmedian(bright.mag["r"]) > 12.7
    assert np.nanmedian(bright.error["r"]) < 0.02
    assert not photometry.xstps(magnitudes(10.0), *sky, Recipe(3), 0).listed.any()


def test_apass_ends_at_seventeen_and_gaia_misses_a_few() -> None:
    assert photometry.apass(magnitudes(18.5), Recipe(4), 0).listed.sum() == 0
    assert photometry.apass(magnitudes(14.0), Recipe(4), 0).listed.mean() == pytest.approx(
        0.92, abs=0.02
    )
    gaia = photometry.gaia(magnitudes(14.0), Recipe(5), 0)
    assert gaia.listed.mean() == pytest.approx(0.97, abs=0.01)
    assert np.isnan(gaia.mag["bp"]).mean() == pytest.approx(0.01, abs=0.005)


@pytest.mark.parametrize(
    ("ra", "dec", "name"),
    [
        (92.95450, 22.82575, "06114908+2249327"),
        (0.0, -0.5, "00000000-0030000"),
        (359.9999999, 5.0, "00000000+0500000"),
    ],
)
def test_designation_of_a_position(ra: float, dec: float, name: str) -> None:
    assert _designations(np.array([ra]), np.array([dec])).tolist() == [name]


def test_labels_are_the_same_for_all_visits_and_missing_for_some_stars() -> None:
    star = np.repeat(np.arange(N), 2)
    atmosphere = np.full(N, 12_000.0), np.full(N, 4.0), np.zeros(N)
    drawn = draw_labels(star, *atmosphere, np.full(2 * N, 1e6), Recipe(7), 0)
    assert len(drawn.visit) / (2 * N) == pytest.approx(1 - MISSING, abs=0.02)
    pairs = drawn.teff.reshape(-1, 2)
    both = (pairs > 0).all(1)
    np.testing.assert_allclose(pairs[both, 0], pairs[both, 1], rtol=1e-4)


def test_galactic_frame_is_a_rotation_with_its_pole_and_centre() -> None:
    np.testing.assert_allclose(TO_GALACTIC @ TO_GALACTIC.T, np.eye(3), atol=1e-9)
    ra, dec = equatorial(np.array([0.0]), np.array([90.0]))
    assert (ra[0], dec[0]) == pytest.approx((192.85948, 27.12825), abs=1e-4)
    assert np.cos(np.radians(galactic(266.40500, -28.93617))) == pytest.approx(np.ones(2), abs=1e-6)
    x, y, z = cartesian(np.array([180.0]), np.array([0.0]), np.array([2.0]))
    assert (x[0], y[0], z[0]) == pytest.approx((-10.122, 0, 0.0208))


def test_stars_on_the_solar_circle_move_as_the_disc_does() -> None:
    """Towards the anticentre a star on a circular orbit has only the Sun's own motion against
    it.
    """
    n = 4000
    rv, pmra, pmdec = velocities(
        np.full(n, 180.0), np.zeros(n), np.full(n, 2.0), np.random.default_rng(8)
    )
    assert rv.mean() == pytest.approx(11.1, abs=1)
    across = np.hypot(12.2, 7.25) / (4.7405 * 2)  # mas/yr at 2 kpc
    assert np.hypot(pmra.mean(), pmdec.mean()) == pytest.approx(across, abs=0.05)
    assert rv.std() == pytest.approx(12, rel=0.05)


def test_systems_are_brighter_than_their_primaries_and_dust_dims_them() -> None:
    sky = draw_sky(400, Recipe(3), 0)
    assert (sky.absolute[:, -1] < sky.stars.primary[:, -1] + 1e-9).all()
    assert (sky.ebv > 0).all()
    assert 0.5 < sky.stars.binaries.is_binary.mean() < 0.7
    assert 0.05 < (sky.emission.ew > 0).mean() < 0.16
    usual = sky.mag["g_gaia"] - 0.91 * (sky.r_v - 3.1) * sky.ebv
    assert (usual < 17.6).all()  # the selection knows no R_V
