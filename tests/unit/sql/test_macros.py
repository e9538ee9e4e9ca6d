"""The macros of meta against astropy,
the closed formulas of the paper and names worked out by hand.
"""

import hashlib
import math

import astropy.units as u
import numpy as np
import pyarrow as pa
import pytest
from astropy.coordinates import SkyCoord

from tests.paper import closed_formulas

PAIRS = [
    (10, 20, 10, 20),
    (0.0001, 0, 359.9999, 0),
    (10, 89.9, 190, 89.9),
    (10, -89.9999, 100, -89.9999),
    (0, 0, 180, 0),
    (92.95450, 22.82575, 92.95451, 22.82576),
    (250, -30, 250, 30),
]


@pytest.mark.parametrize(
    ("magnitude", "error", "kept"),
    [
        (12.5, 0.03, True), (12.5, None, False), (12.5, 0.0, False), (12.5, -1.0, False), (12.5, 9.0, False),
        (12.5, math.nan, False), (None, 0.03, False), (99.0, 0.03, False), (-9999.0, 0.03, False),
        (math.inf, 0.03, False),
    ],
)  # fmt: skip
def test_a_magnitude_and_its_error_are_there_together(con, magnitude, error, kept):
    found = value(con, "measured", magnitude, error), value(con, "measured_err", magnitude, error)
    assert found == ((magnitude, error) if kept else (None, None))


def value(con, expression: str, *arguments):
    marks = ", ".join("?" * len(arguments))
    return con.execute(f"SELECT meta.{expression}({marks})", list(arguments)).fetchall()[0][0]


@pytest.mark.parametrize("pair", PAIRS)
def test_separation_is_that_of_astropy(con, pair):
    ra1, dec1, ra2, dec2 = pair
    expected = SkyCoord(ra1, dec1, unit="deg").separation(SkyCoord(ra2, dec2, unit="deg")).arcsec
    assert value(con, "separation_arcsec", *map(float, pair)) == pytest.approx(
        expected, rel=1e-8, abs=1e-6
    )


AROUND = [(0, 0), (40.99997, -17), (0, 89.9995), (123.4, 90), (7, -90), (300, -89.99), (200.5, 66)]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("radius", [0.7, 3.0, 3.7, 10.0])
def test_cells_give_every_pair_within_the_radius_once(con, around, radius):
    """Against the separation of each with each, also across 0 h, a whole degree and a pole."""
    random = np.random.default_rng(9)
    ra = around[0] + random.normal(0, 3 * radius / 3600, 300) / max(
        math.cos(math.radians(around[1])), 1e-4
    )
    dec = np.clip(around[1] + random.normal(0, 3 * radius / 3600, 300), -90, 90)
    con.register("positions", pa.table({"n": range(300), "ra": ra % 360, "dec": dec}))
    near = f"meta.separation_arcsec(a.ra, a.dec, b.ra, b.dec) <= {radius}"
    every = con.sql(
        f"SELECT a.n, b.n FROM positions AS a, positions AS b WHERE {near} ORDER BY ALL"
    )
    by_cell = con.sql(
        f"SELECT a.n, b.n FROM (SELECT *, unnest(meta.sky_cells(ra, dec, {radius})) AS cell "
        f"FROM positions) AS a JOIN positions AS b ON a.cell = meta.sky_cell(b.ra, b.dec, {radius}) "
        f"WHERE {near} ORDER BY ALL"
    )
    assert len(found := every.fetchall()) > 600
    assert by_cell.fetchall() == found


def test_a_position_that_is_none_has_no_cells(con):
    for ra, dec in [(math.nan, 1.0), (1.0, math.nan), (None, 1.0), (1.0, math.inf)]:
        assert value(con, "sky_cell", ra, dec, 3.0) is None
        assert not value(con, "sky_cells", ra, dec, 3.0)


@pytest.mark.parametrize(
    ("ra", "dec", "name"),
    [
        # 92.95450 = 92 57 16.20, 22.82575 = 22 49 32.70
        (92.95450, 22.82575, "S0925716224932"),
        # 83.8220833 = 83 49 19.5, -5.3911111 = -05 23 28.0
        (83.8220833, -5.3911112, "S0834919-052328"),
        (0.0, 0.0, "S0000000000000"),
        # less than a degree south keeps its sign
        (0.5, -0.5, "S0003000-003000"),
        (359.9999, -89.9999, "S3595959-895959"),
        # 30.1 as a double is a little less: 30 06 00, not 30 05 59
        (30.1, 30.1, "S0300600300600"),
        (29.99999999999, 29.99999999999, "S0300000300000"),
        # no name begins with 360
        (359.99999999999, 1.0, "S0000000010000"),
        (10.0, 90.0, "S0100000900000"),
    ],
)
def test_star_id(con, ra, dec, name):
    assert value(con, "star_id", ra, dec) == name


def test_galactic_directions_are_those_of_astropy(con):
    random = np.random.default_rng(7)
    for ra, dec in [
        (0, 90),
        (0, -90),
        *zip(random.uniform(0, 360, 30), random.uniform(-90, 90, 30), strict=True),
    ]:
        found = [value(con, f"galactic_unit_{axis}", float(ra), float(dec)) for axis in "xyz"]
        expected = SkyCoord(ra, dec, unit="deg").galactic.cartesian.xyz.value
        np.testing.assert_allclose(found, expected, atol=1e-6)  # 0.2 arcsec: ICRS against FK5


def test_galactic_centre_and_pole(con):
    # Sgr A*: l = 359.944, b = -0.046
    ra, dec = 266.41683, -29.00781
    assert value(con, "galactic_unit_x", ra, dec) == pytest.approx(1, abs=1e-5)
    assert value(con, "galactic_unit_z", 192.85948, 27.12825) == pytest.approx(1, abs=1e-9)


def test_closed_formulas_are_those_of_the_paper(con):
    assert value(con, "abs_mag", 9.3, 0.12, 0.8) == pytest.approx(
        closed_formulas.mk_geo(9.3, 0.12, 0.8)
    )
    assert value(con, "abs_mag_err", 0.03, 0.02, 0.8, 0.05) == pytest.approx(
        closed_formulas.mk_geo_err(0.03, 0.02, 0.8, 0.05)
    )
    assert value(con, "parallax_of", -2.1, 9.3, 0.12) == pytest.approx(
        closed_formulas.parallax_spec(-2.1, 9.3, 0.12)
    )
    assert value(con, "parallax_of_err", 0.7, 0.3, 0.03, 0.02) == pytest.approx(
        closed_formulas.parallax_spec_err(0.7, 0.3, 0.03, 0.02)
    )


@pytest.mark.parametrize("parallax", [0.0, -0.3, None])
def test_no_magnitude_without_a_positive_parallax(con, parallax):
    assert value(con, "abs_mag", 9.3, 0.12, parallax) is None
    assert value(con, "abs_mag_err", 0.03, 0.02, parallax, 0.05) is None


def test_distance_modulus(con):
    # 1 mas is 1 kpc, distance modulus 10
    assert value(con, "abs_mag", 10.0, 0.0, 1.0) == pytest.approx(0)
    distance = (value(con, "parallax_of", 0.0, 15.0, 0.0) * u.mas).to(u.kpc, u.parallax())
    assert distance.value == pytest.approx(10)


@pytest.mark.parametrize(
    ("macro", "given", "expected"),
    [
        ("finite", float("nan"), None),
        ("finite", float("inf"), None),
        ("finite", -3.5, -3.5),
        ("valid_mag", 99.999, None),
        ("valid_mag", -9999.0, None),
        ("valid_mag", float("nan"), None),
        ("valid_mag", -1.46, -1.46),
        ("valid_error", 0.0, None),
        ("valid_error", -1.0, None),
        ("valid_error", 9.999, None),
        ("valid_error", float("inf"), None),
        ("valid_error", 0.02, 0.02),
        ("valid_error", None, None),
    ],
)
def test_sentinels(con, macro, given, expected):
    assert value(con, macro, given) == expected


def test_hash_fraction_is_uniform_and_that_of_md5(con):
    names = [f"S{i:013d}" for i in range(2000)]
    found = [value(con, "hash_fraction", name) for name in names[:5]]
    assert found == [int(hashlib.md5(n.encode()).hexdigest()[:8], 16) / 2**32 for n in names[:5]]
    below = con.execute(
        "SELECT avg((meta.hash_fraction(n) < 0.8)::INTEGER) FROM (SELECT unnest($names) AS n)",
        {"names": names},
    ).fetchall()[0][0]
    assert below == pytest.approx(0.8, abs=4 * (0.8 * 0.2 / 2000) ** 0.5)
