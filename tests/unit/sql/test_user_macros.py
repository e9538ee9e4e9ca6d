"""The macros of users: against astropy and values worked out by hand, in a plain DuckDB client."""

import astropy.units as u
import duckdb
import numpy as np
import pytest
from astropy.coordinates import Distance, SkyCoord

from obcat.query.sql import QueryRefused, ask


@pytest.fixture(scope="module")
def plain(template):
    """A client that knows nothing of obcat."""
    with duckdb.connect(str(template), read_only=True) as con:
        yield con


def value(con, expression: str):
    return con.execute(f"SELECT {expression}").fetchall()[0][0]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("distance_modulus(1.0)", 10.0),
        ("distance_modulus(0.01)", 0.0),
        ("distance_modulus(-1.0)", None),
        # 5 / ln 10 * 0.1
        ("distance_modulus_err(2.0, 0.2)", 0.21714724),
        ("distance_of(10)", 1.0),
        ("distance_of(15.0)", 10.0),
        ("abs_mag(10.0, 0.5, 1.0)", -0.5),
        ("abs_mag(10.0, 0.5, -1.0)", None),
        # sqrt(0.03^2 + 0.04^2 + (2.1714724 * 0.1)^2)
        ("abs_mag_err(0.03, 0.04, 1.0, 0.1)", 0.22282936),
        ("parallax_of(0.0, 10.0, 0.0)", 1.0),
        ("parallax_of(-2.5, 10.0, 2.5)", 1.0),
        # 0.46051702 * 0.05
        ("parallax_of_err(1.0, 0.03, 0.04, 0.0)", 0.023025851),
        ("tangential_velocity(3.0, 4.0, 2.0)", 47.4047),
        ("sum_err(3.0, 4.0)", 5.0),
        # sqrt((5 * 0.2)^2 + (2 * 0.5)^2)
        ("product_err(2.0, 0.2, 5.0, 0.5)", 1.41421356),
        # sqrt((0.2 / 5)^2 + (2 * 0.5 / 25)^2)
        ("ratio_err(2.0, 0.2, 5.0, 0.5)", 0.05656854),
        ("ratio_err(2.0, 0.2, 0.0, 0.5)", None),
        ("log10_err(2.0, 0.2)", 0.043429448),
        ("log10_err(0.0, 0.2)", None),
        # sqrt(0.2 * 0.8 / 100)
        ("fraction_err(20, 100)", 0.04),
        ("fraction_err(0, 0)", None),
        ("separation(10, 89, 190, 89)", 2.0),
    ],
)
def test_formula(plain, expression, expected):
    assert value(plain, expression) == (
        None if expected is None else pytest.approx(expected, rel=1e-7, abs=1e-12)
    )


def test_distance_modulus_and_absolute_magnitude_are_those_of_astropy(plain):
    for kpc in (0.13, 1.0, 8.122, 40.0):
        assert value(plain, f"distance_modulus({kpc})") == pytest.approx(
            Distance(kpc * u.kpc).distmod.value
        )
        parallax = Distance(kpc * u.kpc).parallax.to_value(u.mas)
        assert value(plain, f"abs_mag(12.3, 0, {float(parallax)})") == pytest.approx(
            12.3 - Distance(kpc * u.kpc).distmod.value
        )


def test_tangential_velocity_is_that_of_astropy(plain):
    expected = (5 * u.mas / u.yr * 2 * u.kpc).to(u.km / u.s, u.dimensionless_angles()).value
    assert value(plain, "tangential_velocity(3, 4, 2)") == pytest.approx(expected, rel=1e-5)


def test_galactic_coordinates_are_those_of_astropy(plain):
    random = np.random.default_rng(11)
    positions = [(266.41683, -29.00781), (192.85948, 27.12825), (0, -90), (92.9545, 22.82575)]
    positions += list(zip(random.uniform(0, 360, 20), random.uniform(-90, 90, 20), strict=True))
    for ra, dec in positions:
        expected = SkyCoord(ra, dec, unit="deg").galactic
        longitude, latitude = (
            value(plain, f"galactic_{name}({ra}::DOUBLE, {dec}::DOUBLE)") for name in "lb"
        )
        found = SkyCoord(longitude, latitude, unit="deg", frame="galactic")
        assert found.separation(expected).arcsec < 0.3  # ICRS against FK5
        assert 0 <= longitude < 360


STARS = [
    {"specid": "a", "ra": 359.95, "dec": 10.0, "mk": 1.0, "mk_err": 0.1, "quality": 8},
    {"specid": "b", "ra": 0.1, "dec": 10.0, "mk": 2.0, "mk_err": 0.2, "quality": 24},
    {"specid": "c", "ra": 0.0, "dec": 10.5, "mk": None, "mk_err": 0.1, "quality": 16},
    {"specid": "d", "ra": 180.0, "dec": 89.9, "mk": 4.0, "mk_err": None, "quality": 0},
    {"specid": "e", "ra": 0.0, "dec": 89.95, "mk": 4.0, "mk_err": 0.4, "quality": 0},
]


@pytest.fixture
def stars(database, con, fill):
    star = {"uniqflag": 1, "star_id": "A"}
    fill(con, "catalog.ob_stars", [star | row for row in STARS])
    con.close()
    with duckdb.connect(str(database), read_only=True) as plain:
        yield plain


@pytest.mark.parametrize(
    ("cone", "found"),
    [
        ("0, 10, 0.2", ["a", "b"]),  # across 0 h
        ("360, 10, 0.2", ["a", "b"]),
        ("0, 10, 0.6", ["a", "b", "c"]),
        ("0, 10, 0.02", []),
        ("359.95, 10, 0", ["a"]),
        ("90, 90, 0.2", ["e", "d"]),  # around the pole, nearest first
        ("ra := 180, dec := 89.9, radius := 0.151", ["d", "e"]),
    ],
)
def test_cone(stars, cone, found):
    assert [row[0] for row in stars.execute(f"SELECT specid FROM cone({cone})").fetchall()] == found


def test_cone_gives_every_column_and_the_separation(stars):
    columns = stars.execute("FROM catalog.ob_stars").description
    assert [c[0] for c in stars.execute("FROM cone(0, 10, 1)").description] == [
        *(c[0] for c in columns),
        "separation",
    ]
    assert value(stars, "max(separation) FROM cone(0, 10, 0.6)") == pytest.approx(0.5)


def test_weighted_means_leave_out_what_is_unknown(stars):
    # weights of a, b, e: 100, 25, 6.25
    expected = (1 * 100 + 2 * 25 + 4 * 6.25) / 131.25
    assert value(stars, "weighted_mean(mk, mk_err) FROM catalog.ob_stars") == pytest.approx(
        expected
    )
    assert value(stars, "weighted_mean_err(mk, mk_err) FROM catalog.ob_stars") == pytest.approx(
        131.25**-0.5
    )


def test_bits_by_name(stars):
    found = stars.execute(
        "SELECT specid FROM catalog.ob_stars WHERE has_bit(quality, 'erroneous') ORDER BY 1"
    )
    assert found.fetchall() == [("a",), ("b",)]
    with pytest.raises(duckdb.InvalidInputException, match="no quality bit is called eroneous"):
        stars.execute("SELECT has_bit(quality, 'eroneous') FROM catalog.ob_stars").fetchall()


def test_macros_work_in_obcat_sql(database):
    assert ask(database, "SELECT distance_modulus(1) AS m") == "m\n10.0\n"
    assert ask(database, "SELECT count(*) AS n FROM cone(0, 0, 1)") == "n\n0\n"
    with pytest.raises(QueryRefused):
        ask(database, "SELECT has_bit(1, 'x')")
