"""Where the method holds: every rule by hand, rows that do not depend on their batch."""

from statistics import NormalDist

import numpy as np
import pyarrow as pa
import pytest

from obcat.fit.luminosity import domain as fit_domain
from obcat.fit.luminosity import limit_curve
from obcat.kernels.domain import calcium, distance_to, domain, limit_at, other_class
from obcat.kernels.grid import N_PIXEL, WAVELENGTH
from tests.method import parameters

NAN = np.nan
CENTRE, SCALE = np.array([1.0, 0.0]), np.array([2.0, 1.0])
POINTS = np.column_stack([np.arange(20.0), np.zeros(20)])
MODEL = {
    "points": POINTS,
    "centre": CENTRE,
    "scale": SCALE,
    "far_snr": np.array([10.0, 1000.0]),
    "far_limit": np.array([20.0, 6.0]),
    "misfit_snr": np.array([10.0, 1000.0]),
    "misfit_limit": np.array([1.0, 3.0]),
    "domain_teff": 9700.0,
    "domain_certainty": 0.5,
    "domain_logg": 4.6,
    "domain_logg_nsigma": 1.0,
    "domain_calcium": 1.4,
    "domain_calcium_nsigma": 2.0,
    "model_error": 0.008,
}
ORDINARY = {
    "snr_g": 100.0,
    "clean_chi2": 1.0,
    "calcium_ew": 0.5,
    "calcium_ew_err": 0.1,
    "teff": 15000.0,
    "teff_err": 500.0,
    "logg": 4.0,
    "logg_err": 0.1,
    "beyond_training": 0.0,
    "is_other": NAN,
}
NAMES = ("cool_probability", "cool", "compact", "misfit", "far", "out_of_domain")


def judged(score=(1.0, 0.0, 9.0), errors=2.0, **changed):
    values = [np.full(1, value, float) for value in (ORDINARY | changed).values()]
    model = MODEL | {"domain_calcium_nsigma": errors}
    return dict(
        zip(NAMES, (float(x[0]) for x in domain(np.array([score]), *values, **model)), strict=True)
    )


def flags(**changed):
    found = judged(**changed)
    return [name for name in NAMES[1:] if found[name] == 1]


def test_an_ordinary_star_and_each_reason_by_itself():
    """S/N 100 lies half way between the knots in ln S/N: limit 2 of chi-square, to which 0.8 % of
    the flux add (0.008 * 100)^2 = 0.64."""
    assert flags() == []
    assert flags(teff=9699.0) == ["cool", "out_of_domain"]
    assert flags(teff=9701.0) == []
    assert flags(calcium_ew=1.61) == ["cool", "out_of_domain"]
    assert flags(calcium_ew=1.59) == []
    assert flags(calcium_ew=1.59, errors=1.0) == ["cool", "out_of_domain"]
    assert flags(logg=4.71) == ["compact", "out_of_domain"]
    assert flags(logg=4.69) == []
    assert flags(clean_chi2=2.65) == ["misfit", "out_of_domain"]
    assert flags(clean_chi2=2.63) == []
    assert flags(beyond_training=1.0) == ["out_of_domain"]
    assert flags(is_other=1.0) == ["out_of_domain"]
    assert flags(is_other=0.0) == []


def test_distance_to_the_tenth_neighbour_and_its_limit():
    """Points lie at 0, 1, ... 19. From 0, the eleventh is at 10; limit 13 at S/N 100."""
    at = {"points": POINTS, "centre": CENTRE, "scale": SCALE}
    found = distance_to(np.array([[1.0, 0.0], [-5.0, 4.0], [NAN, 0.0]]), **at)
    assert found[:2] == pytest.approx([10.0, np.hypot(13.0, 4.0)])
    assert np.isnan(found[2])
    assert flags(score=(1.0, 0.0)) == []
    assert flags(score=(1.0, 8.30)) == []  # (10, 8.30): 12.996
    assert flags(score=(1.0, 8.32)) == ["far", "out_of_domain"]  # 13.009


def test_what_is_not_known_does_not_count():
    unknown = dict.fromkeys(ORDINARY, NAN)
    found = judged(**unknown)
    assert [found[name] for name in NAMES[1:5]] == [0, 0, 0, 0]
    assert np.isnan(found["out_of_domain"])
    assert np.isnan(found["cool_probability"])
    assert flags(**{**unknown, "beyond_training": 0.0, "teff": 8000.0}) == ["cool", "out_of_domain"]


def test_probability_of_a_cool_star():
    """ln(9700 / 9700) = 0: a half; one error hotter, 0.158655."""
    assert judged(teff=9700.0, teff_err=300.0)["cool_probability"] == pytest.approx(0.5, abs=1e-7)
    error = 9700 * np.e**0.02 * 0.02
    assert judged(teff=9700 * np.e**0.02, teff_err=error)["cool_probability"] == pytest.approx(
        0.158655, abs=1e-6
    )


def test_limits_between_and_beyond_knots():
    knots, limits = np.array([10.0, 1000.0]), np.array([1.0, 3.0])
    assert limit_at(np.array([1.0, 100.0, 9e4]), knots, limits).tolist() == [1.0, 2.0, 3.0]
    assert np.isnan(limit_at(np.array([100.0]), np.zeros(0), np.zeros(0))).all()
    assert np.isnan(limit_at(np.array([NAN]), knots, limits)).all()


@pytest.mark.parametrize(
    ("header_class", "subclass", "said"),
    [
        ("STAR", "F5", 1), ("STAR", "G2", 1), ("STAR", "K7", 1), ("STAR", "M0", 1),
        ("STAR", "dM3", 1), ("STAR", "gM10", 1), ("GALAXY", "Non", 1), ("QSO", "", 1),
        ("STAR", "A1V", 0), ("STAR", "B6", 0), ("STAR", "OB", 0), ("STAR", "WD", 0),
        ("STAR", "DoubleStar", 0), ("STAR", "EM", 0), ("Unknown", "Non", 0), ("STAR", "", 0),
        ("", "", NAN), (None, None, NAN), (None, " F9 ", 1),
    ],
)  # fmt: skip
def test_classes_of_the_header(header_class, subclass, said, con):
    """The kernel for spectra of one's own and the macro of the catalog say the same."""
    pair = np.array([header_class], object), np.array([subclass], object)
    assert other_class(*pair).tolist() == pytest.approx([said], nan_ok=True)
    (found,) = con.execute("SELECT meta.other_class($1, $2)", [header_class, subclass]).fetchone()
    assert found == (None if np.isnan(said) else said)


def spectrum(depth=0.0, slope=0.0):
    """A level of 1 + slope per Angstrom about Ca II K, and a line of one pixel at it."""
    flux = 1 + slope * (WAVELENGTH - 3934.77)
    flux[np.argmin(np.abs(WAVELENGTH - 3934.77))] -= depth
    return flux[None], np.full((1, N_PIXEL), 1e4)


def test_calcium_by_hand():
    """A pixel is 3934.8 ln 10 1e-4 = 0.906 Angstrom. 16 Angstrom hold 18 of them: noise of each
    0.00906, together 0.0384; level: 13 and 9 pixels, 0.01 sqrt(1/13 + 1/9) / 2 x 16.3 = 0.0353."""
    width, error = calcium(*spectrum(depth=0.5, slope=1e-3))
    assert width == pytest.approx([0.453], abs=2e-3)
    assert error == pytest.approx([0.0522], abs=1e-3)


def test_calcium_with_gaps():
    flux, ivar = spectrum(depth=0.0)
    line = np.flatnonzero(np.abs(WAVELENGTH - 3934.77) < 8)
    flux[0, line] = 0.8
    whole = calcium(flux, ivar)[0]
    ivar[0, line[:4]] = 0
    assert calcium(flux, ivar)[0] == pytest.approx(whole, rel=1e-3)
    ivar[0, line[:8]] = 0
    assert np.isnan(calcium(flux, ivar)[0]).all()
    flux, ivar = spectrum()
    ivar[0, (WAVELENGTH > 3945) & (WAVELENGTH < 3953)] = 0
    assert np.isnan(calcium(flux, ivar)[0]).all()


@pytest.mark.parametrize("size", [1, 2, 17, 193, 300])
def test_row_does_not_depend_on_its_batch(size):
    rng = np.random.default_rng(3)
    score = rng.normal(size=(400, 10)).astype(np.float32)
    model = {"points": rng.normal(size=(777, 7)), "centre": np.zeros(7), "scale": np.ones(7)}
    flux, ivar = 1 + rng.normal(0, 0.1, (400, N_PIXEL)), np.full((400, N_PIXEL), 100.0)
    whole = distance_to(score, **model), *calcium(flux, ivar)
    for start in (0, 5, 99):
        rows = slice(start, start + size)
        part = distance_to(score[rows], **model), *calcium(flux[rows], ivar[rows])
        assert all(np.array_equal(p, w[rows]) for p, w in zip(part, whole, strict=True))


def test_limit_by_snr_is_passed_by_the_fraction_at_every_snr():
    rng = np.random.default_rng(4)
    snr_g = np.exp(rng.uniform(np.log(15), np.log(400), 20_000))
    value = (1 + snr_g / 100) * rng.lognormal(0, 0.2, len(snr_g))
    knots, limits = limit_curve(value, snr_g, 0.99, 200)
    beyond = value > limit_at(snr_g, knots, limits)
    assert beyond.mean() == pytest.approx(0.01, abs=1e-3)
    for low, high in ((15, 40), (40, 150), (150, 400)):
        assert beyond[(snr_g > low) & (snr_g < high)].mean() == pytest.approx(0.01, abs=5e-3)
    assert limit_curve(value[:199], snr_g[:199], 0.99, 200)[0].size == 0


PARAMETERS = parameters(domain_components=3)


def ordinary_stars(n=2000, k=5):
    rng = np.random.default_rng(5)
    score = rng.normal(3, 2, (n, k)).astype(np.float32)
    return score, pa.table(
        {
            "star_id": [f"S{i:05d}" for i in range(n)],
            "score_clean": pa.FixedSizeListArray.from_arrays(pa.array(score.ravel()), k),
            "snr_g": rng.uniform(20, 200, n),
            "clean_chi2": rng.normal(0.8, 0.05, n),
            "is_train": rng.random(n) < 0.5,
        }
    )


def test_the_fit_lets_ordinary_stars_in_and_keeps_strange_ones_out():
    score, rows = ordinary_stars()
    model = fit_domain(rows.to_reader, PARAMETERS).arrays
    given = {name: model[name] for name in ("points", "centre", "scale")}
    assert model["centre"] == pytest.approx([3, 3, 3], abs=0.2)
    limit = limit_at(rows["snr_g"].to_numpy(), model["far_snr"], model["far_limit"])
    assert 0 < (distance_to(score, **given) > limit).mean() < 0.01
    strange = np.tile([30.0, 3, 3, 3, 3], (2, 1))
    assert (distance_to(strange, **given) > limit.max()).all()
    usual = 0.8 + 0.05 * NormalDist().inv_cdf(PARAMETERS.domain_misfit_fraction)
    assert model["misfit_limit"] == pytest.approx(np.full(8, usual), abs=0.03)


def test_too_few_stars_set_no_limit():
    model = fit_domain(ordinary_stars(n=150)[1].to_reader, PARAMETERS).arrays
    assert all(array.size == 0 for array in model.values())
    score = np.zeros((2, 5))
    values = [np.full(2, value, float) for value in ORDINARY.values()]
    numbers = {name: MODEL[name] for name in MODEL if not isinstance(MODEL[name], np.ndarray)}
    assert domain(score, *values, **model, **numbers)[-1].tolist() == [0, 0]


def test_the_factor_raises_the_limit_of_misfit_alone():
    read = ordinary_stars()[1].to_reader
    plain = fit_domain(read, PARAMETERS).arrays
    twice = fit_domain(read, parameters(**vars(PARAMETERS) | {"domain_misfit_factor": 2.0})).arrays
    assert twice["misfit_limit"] == pytest.approx(2 * plain["misfit_limit"])
    assert twice["far_limit"].tolist() == plain["far_limit"].tolist()
