"""E(B-V) and R_V from all bands: made stars whose dust is known, and what a survey teaches of it."""

import csv

import numpy as np
import pytest

from obcat.data import REFERENCE
from obcat.fit.mixed_model import START, learnt
from obcat.kernels.mixed_model import (
    BANDS,
    EBV_NODES,
    LAW_BANDS,
    OF_LAW,
    Learnt,
    Terms,
    _in_ks,
    _of_bands,
    _weighted,
    at_ebv,
    band_terms,
    mixed_extinction,
    solved,
)
from obcat.kernels.space_density import near_places

KS, J = BANDS.index("ks"), BANDS.index("j")
SKY = np.random.default_rng(3).uniform([[0], [0]], [[360], [60]], (2, 3000))  # degrees


def table() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """log Teff (4,), A / E(B-V) and its slope with R_V (4, 5, 10) of the packaged table."""
    with (REFERENCE / "extinction_law.csv").open(newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    k = np.array([[float(row[b]) for b in LAW_BANDS] for row in rows]).reshape(4, 5, 3, 10)
    teff = np.unique([float(row["teff"]) for row in rows])
    return np.log10(teff), k[:, :, 1], k[:, :, 2] - k[:, :, 0]


def stars(
    n: int, *, rv: float = 0.0, noise: float = 0.0, seed: int = 1, mean: float = 0.0
) -> tuple[Terms, dict]:
    """n stars of 14,000 K whose colours change by 0.3 mag a dex of Teff from band to band."""
    rng = np.random.default_rng(seed)
    nodes, law, slope = table()
    b = len(BANDS)
    at = np.interp(4.146, nodes, np.arange(4))
    low = int(at)
    whole, change = (
        np.broadcast_to(((1 - at + low) * x[low] + (at - low) * x[low + 1])[:, OF_LAW], (n, 5, b))
        for x in (law, slope)
    )
    truth = {
        "ebv": rng.uniform(0, 1.5, n),
        "d_rv": mean + rv * rng.standard_normal(n),
        "label": 0.012 * rng.standard_normal(n) * (noise > 0),
    }
    slopes = np.zeros((n, b, 3))
    slopes[:, :, 0] = 0.3 * np.linspace(0, 3, b) ** 1.5
    k = at_ebv(whole, truth["ebv"]) + at_ebv(change, truth["ebv"]) * truth["d_rv"][:, None]
    mag = rng.uniform(9, 14, (n, 1)) + k * truth["ebv"][:, None]
    mag = mag - slopes[:, :, 0] * truth["label"][:, None] + noise * rng.standard_normal((n, b))
    errors = np.full((n, 3), 0.012) * [1, 0, 0] + [0, 0.02, 0.02]
    terms = Terms(
        mag, np.full((n, b), max(noise, 1e-4)), np.ones((n, b), bool), np.zeros((n, b)), slopes,
        whole, change, np.full(n, 4.146), errors,
    )  # fmt: skip
    return terms, truth


EXACT = START._replace(floor=np.full(len(BANDS), 1e-4), growth=0.0)


def test_dust_without_noise_comes_back():
    terms, truth = stars(40, rv=0.3)
    out = solved(terms, EXACT._replace(rv=0.5), iterations=8)
    assert np.abs(out.ebv - truth["ebv"]).max() < 1e-3
    deep = truth["ebv"] > 0.3
    assert np.abs(out.d_rv - truth["d_rv"])[deep].max() < 0.01
    assert np.abs(out.model - terms.mag).max() < 1e-3


def test_errors_hold():
    terms, truth = stars(3000, rv=0.25, noise=0.015)
    out = solved(terms, EXACT._replace(rv=0.25))
    pull = (out.ebv - truth["ebv"]) / np.sqrt(out.ebv_var)
    assert np.std(pull) == pytest.approx(1, abs=0.05)
    deep = truth["ebv"] > 0.3
    pull = ((out.d_rv - truth["d_rv"]) / np.sqrt(out.d_rv_var))[deep]
    assert np.std(pull) == pytest.approx(1, abs=0.06)
    assert np.polyfit(truth["d_rv"][deep], out.d_rv[deep], 1)[0] > 0.7


def test_dust_of_a_dense_cloud_is_not_drawn_to_the_mean():
    """R_V eight times its spread away: no band is taken for wrong instead."""
    terms, truth = stars(30, noise=0.01, mean=1.2)
    out = solved(terms, EXACT._replace(rv=0.15))
    deep = truth["ebv"] > 0.5
    assert np.median(out.d_rv[deep]) == pytest.approx(1.2, abs=0.15)
    assert out.plain[deep].mean() > 0.9


def test_the_error_of_the_extinction_in_ks_holds():
    """E(B-V) and R_V err together: what both say of Ks is known better than either alone."""
    terms, truth = stars(3000, rv=0.25, noise=0.015)
    out = solved(terms, EXACT._replace(rv=0.25))
    a_ks, error = _in_ks(out, out.ebv, out.ebv_var)
    k, change = (at_ebv(x, truth["ebv"])[:, KS] for x in (terms.law, terms.law_slope))
    wanted = (k + change * truth["d_rv"]) * truth["ebv"]
    deep = truth["ebv"] > 0.3
    pull = ((a_ks - wanted) / error)[deep]
    assert np.std(pull) == pytest.approx(1, abs=0.08)


def test_the_light_of_a_disc_has_an_end():
    """0.24 mag of 200 Angstrom would be more than any disc adds."""
    terms, truth = stars(30, noise=0.001)
    disc = measured(terms, EXACT, 1, 200.0)
    assert np.median(disc[0] - truth["ebv"]) == pytest.approx(-0.054, abs=0.003)


def test_the_worst_band_is_told_from_one_on():
    terms, _ = stars(20, noise=0.005)
    mag = terms.mag.copy()
    mag[:, 0] -= 0.5
    worst = measured(terms._replace(mag=mag), EXACT._replace(rv=0.02))[8]
    assert np.mean(worst == 1) > 0.8


def test_a_band_that_is_wrong_loses_its_weight():
    terms, truth = stars(20, noise=0.005)
    mag = terms.mag.copy()
    mag[:, J] -= 0.5
    out = solved(terms._replace(mag=mag), EXACT._replace(rv=0.02))
    assert (out.z.argmax(axis=1) == J).all()
    assert not out.plain[:, J].any()
    assert np.abs(out.ebv - truth["ebv"]).max() < 0.03


@pytest.mark.parametrize(("spread", "mean"), [(0.0, 0.0), (0.3, 0.15)])
def test_the_spread_and_the_mean_of_r_v_are_learnt(spread, mean):
    """Made with one R_V it goes to its lower limit, made with a spread to that within a fifth."""
    terms, _ = stars(1500, rv=spread, noise=0.015, mean=mean)
    found = learnt(terms, near_places(*SKY[:, :1500]))
    local = found.mean + near_places(*SKY[:, :1500]) @ found.field
    assert local == pytest.approx(mean, abs=0.06)
    assert found.mean == pytest.approx(mean, abs=0.06)
    assert found.rv == pytest.approx(spread, rel=0.2) if spread else found.rv < 0.05
    assert found.bend == pytest.approx(1, abs=0.3)  # the bending is in the stars


def test_r_v_of_the_place_is_learnt():
    """0.3 times the sine of right ascension, nothing of a star's own."""
    ra, dec = SKY[:, :1500]
    usual = 0.3 * np.sin(np.radians(ra))
    terms, truth = stars(1500, noise=0.015)
    bent = at_ebv(terms.law_slope, truth["ebv"]) * (usual * truth["ebv"])[:, None]
    found = learnt(terms._replace(mag=terms.mag + bent), near_places(ra, dec))
    off = found.mean + near_places(ra, dec) @ found.field - usual
    assert np.std(off) < 0.05
    assert found.rv < 0.1


def test_stars_behind_little_dust_of_another_kind_are_no_offset_of_bands():
    """R_V 0.08 / E(B-V) larger: all bands have as much more as they would have of 0.08 in R_V E."""
    terms, truth = stars(1500, noise=0.015)
    more = 0.08 / np.maximum(truth["ebv"], 0.1)
    bent = at_ebv(terms.law_slope, truth["ebv"]) * (more * truth["ebv"])[:, None]
    found = learnt(terms._replace(mag=terms.mag + bent), near_places(*SKY[:, :1500]))
    local = found.mean + near_places(*SKY[:, :1500]) @ found.field
    told = np.average(more, weights=truth["ebv"] ** 2)  # as the bands tell R_V
    assert np.mean(local) == pytest.approx(told, abs=0.03)


def test_the_scatter_and_the_offset_of_a_band_are_learnt():
    """An offset that is neither grey nor like dust: g of APASS against g of XSTPS-GAC."""
    terms, _ = stars(1500, noise=0.01)
    rng, mag = np.random.default_rng(2), terms.mag.copy()
    g, apass = BANDS.index("g"), BANDS.index("g_apass")
    noise = rng.standard_normal(len(mag))
    mag[:, g] += 0.02 + 0.05 * (noise - noise.mean())
    found = learnt(terms._replace(mag=mag), near_places(*SKY[:, :1500]))
    assert found.floor[g] == pytest.approx(0.05, rel=0.1)
    assert np.delete(found.floor, g).max() < 0.01
    assert found.offsets[0, g] - found.offsets[0, apass] == pytest.approx(0.02, abs=0.005)


def test_the_law_is_that_of_the_paper_mode_in_the_middle():
    with (REFERENCE / "extinction_coefficients.csv").open(newline="", encoding="utf-8") as f:
        given = np.array([[float(row[b]) for b in LAW_BANDS] for row in csv.DictReader(f)])
    _, law, slope = table()
    assert np.abs(law[:, 2] - given).max() < 1e-4
    assert np.allclose(slope[:, 2, LAW_BANDS.index("v")], 1, atol=0.02)  # R_V is A(V) / E(B-V)


PARAMETERS = {
    "companion_ebv": 0.004, "companion_ebv_err": 0.006, "disc_ebv": 0.0012, "disc_ebv_max": 0.05,
    "r_v_prior_factor": 1.0, "r_v_likelihood_err_max": 0.5,
}  # fmt: skip


def measured(
    terms: Terms, model: Learnt, em_flag: float = 0, ew: float = 0, **changed: float
) -> np.ndarray:
    """(20, n) what the kernel answers."""
    n = len(terms.mag)
    bands = [x[:, i] for i in range(len(BANDS)) for x in (terms.mag, terms.error)]
    wide = (terms.correction, terms.slopes, terms.law, terms.law_slope)
    out = mixed_extinction(
        10**terms.log_teff, *([np.full(n, np.nan)] * 3), np.full(n, em_flag), np.full(n, ew),
        np.zeros(n), np.zeros(n),
        *bands, *(x.reshape(n, -1) for x in wide),
        floor=model.floor, growth=np.array([model.growth]), rv_spread=np.array([model.rv]),
        offsets=model.offsets, bend=np.array([model.bend]), rv_mean=np.array([model.mean]),
        rv_field=model.field,
        **PARAMETERS | changed,
    )  # fmt: skip
    return np.array(out)


def test_a_wider_prior_leaves_r_v_more_of_what_the_bands_say():
    """The weights of bands and prior are 1 / v and 1 / (f spread)^2, v that of r_v_likelihood."""
    terms, _ = stars(40, noise=0.01)
    model = EXACT._replace(rv=0.2)
    for factor in (1.0, 1.5):
        out = measured(terms, model, r_v_prior_factor=factor)
        mean, likely, error = 3.1 + model.mean, *out[-2:]
        weight = 1 / (1 + (error / (0.2 * factor)) ** 2)
        plain = np.abs(likely - mean) < 1.5 * np.hypot(error, 0.2)  # the prior holds
        assert plain.sum() > 15
        assert out[2][plain] == pytest.approx((mean + weight * (likely - mean))[plain], abs=1e-6)


def test_companions_and_discs_are_taken_off():
    terms, truth = stars(30, noise=0.001)
    plain, disc = measured(terms, EXACT), measured(terms, EXACT, 1, 10.0)
    assert np.median(plain[0] - truth["ebv"]) == pytest.approx(-0.004, abs=0.002)
    assert np.median(disc[0] - truth["ebv"]) == pytest.approx(-0.016, abs=0.003)
    assert (plain[1] > 0.006).all()
    assert (disc[1] > 0.012).all()
    assert (plain[6] == len(BANDS)).all()
    assert (disc[6] == len(BANDS) - 3).all()  # not J, H, Ks of an emission star


def test_light_beyond_that_of_the_star_is_its_excess():
    terms, _ = stars(30, noise=0.005)
    mag = terms.mag.copy()
    mag[:, KS] -= 0.2
    out = measured(terms._replace(mag=mag), EXACT)
    assert np.median(out[16]) == pytest.approx(0.2, abs=0.01)  # excess_ks
    assert np.abs(np.median(out[12])) < 0.01  # excess_j
    assert np.median(out[10] - terms.mag[:, KS]) == pytest.approx(0, abs=0.01)  # ks_model


def test_ks_is_predicted_from_the_other_bands_alone():
    """Light within its error, which no band loses weight for, is neither halved nor lost."""
    terms, _ = stars(300, noise=0.03)
    brighter = terms.mag - 0.03 * (np.arange(len(BANDS)) == KS)
    with_disc, without = (measured(terms._replace(mag=x), EXACT) for x in (brighter, terms.mag))
    assert np.median(with_disc[16] - without[16]) == pytest.approx(0.03, abs=0.002)


def test_r_v_of_the_bands_is_the_posterior_without_its_prior():
    """A band of 1 mag per unit of R_V, 0.4 +- 0.1 mag, and a prior of 0.2: 0.32 +- 0.0894 of both."""
    design = np.zeros((1, 3, 6))
    design[0, :, 0], design[0, 1, 1], design[0, 2, 5] = 1, 1, 1
    error = np.array([[1e-6, 1e-6, 0.1]])
    out = _weighted(
        np.array([[0, 0, 0.4]]), error**2, design,
        np.array([[1e-2, 1e-2, 1, 1, 1, 1 / 0.2**2]]), np.ones((1, 3), bool),
    )  # fmt: skip
    assert [out.d_rv[0], out.d_rv_var[0] ** 0.5] == pytest.approx([0.32, 0.08**0.5 / 10**0.5])
    assert _of_bands(out, 3.0, 0.11) == pytest.approx([3.4, 0.1], rel=1e-5)
    assert np.isnan(_of_bands(out, 3.0, 0.09)).all()


def test_r_v_of_the_bands_is_not_drawn_to_the_mean():
    terms, truth = stars(3000, rv=0.25, noise=0.06)
    out = measured(terms, EXACT._replace(rv=0.25))
    r_v, r_v_err, alone, alone_err = out[[2, 3, 18, 19]]
    deep = (truth["ebv"] > 0.3) & np.isfinite(alone)
    true = 3.1 + truth["d_rv"][deep]
    assert np.polyfit(true, r_v[deep], 1)[0] < 0.75
    assert np.polyfit(true, alone[deep], 1)[0] == pytest.approx(1, abs=0.06)
    assert np.std((alone[deep] - true) / alone_err[deep]) == pytest.approx(1, abs=0.08)
    assert (alone_err[deep] > r_v_err[deep]).all()
    assert np.isnan(alone[truth["ebv"] < 0.02]).all()


def test_one_band_is_no_colour():
    terms, _ = stars(4)
    mag = np.full_like(terms.mag, np.nan)
    mag[:, J] = 12
    assert np.isnan(measured(terms._replace(mag=mag), EXACT)).all()
    mag[:, 0] = 13
    assert np.isfinite(measured(terms._replace(mag=mag), EXACT)[0]).all()


def test_a_row_does_not_depend_on_its_neighbours():
    terms, _ = stars(300, rv=0.2, noise=0.02)
    whole = measured(terms, START)
    for rows in (slice(0, 2), slice(7, 40), slice(299, None, -1)):
        part = measured(Terms(*(x[rows] for x in terms)), START)
        assert np.array_equal(part, whole[:, rows], equal_nan=True)


def test_terms_follow_the_tables():
    """Two nodes a dimension: corrections 0.1 log Teff + 0.2 log g + 0.3 [Fe/H], so are the slopes."""
    teff, logg, feh = np.array([8000.0, 40000.0]), np.array([3.0, 5.0]), np.array([-0.5, 0.5])
    grid = np.meshgrid(np.log10(teff), logg, feh, indexing="ij")
    bc = (0.1 * grid[0] + 0.2 * grid[1] + 0.3 * grid[2])[..., None] * np.ones(len(LAW_BANDS))
    log_teff, law, slope = table()
    nodes = {"teff_nodes": teff, "logg_nodes": logg, "feh_nodes": feh, "bc_nodes": bc}
    out = band_terms(
        [20000.0, 7000.0], [4.0, 4.0], [0.1, 0.1], **nodes, law_log_teff=log_teff, law=law,
        law_slope=slope,
    )  # fmt: skip
    correction, slopes, k, change = out
    assert correction[0] == pytest.approx(0.1 * np.log10(20000) + 0.8 + 0.03)
    assert np.isnan(correction[1]).all()
    assert slopes[0].reshape(-1, 3) == pytest.approx(np.tile([0.1, 0.2, 0.3], (len(BANDS), 1)))
    assert k[0].reshape(len(EBV_NODES), -1) == pytest.approx(law[2][:, OF_LAW])
    assert change[0].reshape(len(EBV_NODES), -1) == pytest.approx(slope[2][:, OF_LAW])
