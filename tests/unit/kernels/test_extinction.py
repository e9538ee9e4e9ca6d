"""E(B-V) from neighbouring colours:
hand-worked stars, error propagation, interpolation (METHOD section 3).
"""

import numpy as np
import pytest

from obcat.kernels.extinction import BANDS, bolometric_corrections, extinction
from obcat.schema import column

NAN = np.nan
COEFFICIENTS = np.array([4.1, 3.8, 3.6, 3.1, 2.6, 1.94, 1.92, 0.83, 0.52, 0.35])  # BANDS, then Ks
NODES = {
    "teff_nodes": np.array([1e4, 2e4, 4e4]),
    "logg_nodes": np.array([3.0, 4.0]),
    "feh_nodes": np.array([-0.5, 0.0, 0.5]),
}


def model(bc=0.0):
    nodes = np.broadcast_to(np.asarray(bc, float), (3, 2, 3, len(BANDS)))
    return {**NODES, "bc_nodes": nodes, "coefficients": COEFFICIENTS, "colour_error_floor": 0.014}


def answer(
    magnitudes, errors=0.02, teff=2e4, logg=4.0, feh=0.0, label_errors=(NAN, NAN, NAN), **arrays
):
    """The kernel for one star; magnitudes: band -> mag, the others are missing."""
    errors = errors if isinstance(errors, dict) else dict.fromkeys(magnitudes, errors)
    labels = [[x] for x in (teff, logg, feh, *label_errors)]
    photometry = [[x.get(band, NAN)] for band in BANDS for x in (magnitudes, errors)]
    names = ("ebv", "ebv_err", "a_ks", "a_ks_err", "n_colours", "outside")
    return dict(
        zip(
            names,
            (x[0] for x in extinction(*labels, *photometry, **(arrays or model()))),
            strict=True,
        )
    )


def reddened(ebv, bands=BANDS):
    """A star without intrinsic colours behind that much dust."""
    return {band: 10 + ebv * COEFFICIENTS[BANDS.index(band)] for band in bands}


@pytest.mark.parametrize("ebv", [-0.1, 0.0, 0.7, 3.0])
def test_every_colour_agrees_on_the_dust(ebv):
    star = answer(reddened(ebv))
    assert star["ebv"] == pytest.approx(ebv, abs=1e-12)
    assert star["n_colours"] == 8
    assert star["a_ks"] == pytest.approx(0.35 * ebv, abs=1e-12)
    assert star["a_ks_err"] == pytest.approx(0.35 * star["ebv_err"])


def test_one_colour_by_hand():
    """J - H = 0.31 mag over R_J - R_H = 0.31: E = 1; error sqrt(0.03^2 + 0.04^2) / 0.31."""
    star = answer({"j": 8.31, "h": 8.0}, {"j": 0.03, "h": 0.04})
    assert star["ebv"] == pytest.approx(1)
    assert star["ebv_err"] == pytest.approx(0.05 / 0.31)
    assert star["n_colours"] == 1


def test_three_bands_by_hand():
    """RP - J: slope 1.09, 0.5 mag, error 0.05; J - H: slope 0.31, 0.3 mag, error 0.05; J shared
    with variance 9e-4.

    Weights slope^2 / error^2 = 475.24 and 38.44; E = (1.09 * 0.5 + 0.31 * 0.3) / (1.09^2 + 0.31^2)
    = 0.638 / 1.2842; variance (513.68 - 2 * 1.09 * 0.31 * 9e-4 / 0.05^4) / 513.68^2.
    """
    star = answer({"rp": 8.5, "j": 8.0, "h": 7.7}, {"rp": 0.04, "j": 0.03, "h": 0.04})
    assert star["ebv"] == pytest.approx(0.638 / 1.2842)
    assert star["ebv_err"] == pytest.approx(np.sqrt(513.68 - 97.3152) / 513.68)


def test_intrinsic_colour_is_bc_of_the_redder_less_bc_of_the_bluer():
    bc = np.zeros(len(BANDS))
    bc[BANDS.index("j")] = 0.2
    star = answer(
        {"j": 8.31, "h": 8.2}, **model(bc)
    )  # J - H = 0.11, intrinsic 0 - 0.2: excess 0.31
    assert star["ebv"] == pytest.approx(1)


def test_neighbours_of_a_missing_band_form_a_colour():
    complete = answer(reddened(0.5))
    without = answer(reddened(0.5, [x for x in BANDS if x != "r"]))
    assert without["ebv"] == pytest.approx(0.5)
    assert (complete["n_colours"], without["n_colours"]) == (8, 7)


@pytest.mark.parametrize("error", [NAN, -9999.0, np.inf])
def test_a_magnitude_without_a_usable_error_is_a_missing_band(error):
    star = reddened(0.5)
    star["v"] = 25.0
    assert answer(star, {**dict.fromkeys(BANDS, 0.02), "v": error})["ebv"] == pytest.approx(0.5)


def test_floor_of_the_colour_error():
    precise, floor = (
        answer({"j": 8.31, "h": 8.0}, 1e-4),
        answer({"j": 8.31, "h": 8.0}, 0.014 / np.sqrt(2)),
    )
    assert precise["ebv_err"] == pytest.approx(0.014 / 0.31)
    assert precise["ebv_err"] == pytest.approx(floor["ebv_err"])


def test_a_colour_that_dust_hardly_changes_has_no_say():
    """i and RP differ by 0.02 in R: 0.3 mag wrong between them,
    and E moves by less than a hundredth.
    """
    star = {
        band: m - 0.3 * (BANDS.index(band) >= BANDS.index("rp"))
        for band, m in reddened(0.5).items()
    }
    assert answer(star)["ebv"] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    "bands", [BANDS, ("bp", "rp", "j", "h"), ("b", "g", "bp", "v", "r", "i", "rp")]
)
def test_error_is_the_scatter_of_many_noisy_copies(bands):
    """Known truth: magnitudes scattered by their errors;
    above the floor, the error must be that of the sample.
    """
    n = 20000
    rng = np.random.default_rng(3)
    errors = dict(
        zip(BANDS, (0.02, 0.05, 0.012, 0.04, 0.03, 0.02, 0.015, 0.025, 0.03), strict=True)
    )
    column = {
        x: np.full(n, NAN) if x not in bands else rng.normal(m, errors[x], n)
        for x, m in reddened(0.8).items()
    }
    photometry = [x for band in BANDS for x in (column[band], np.full(n, errors[band]))]
    labels = (np.full(n, x) for x in (2e4, 4.0, 0.0, NAN, NAN, NAN))
    ebv, ebv_err, *_ = extinction(*labels, *photometry, **model())
    assert ebv.mean() == pytest.approx(0.8, abs=4 * ebv_err[0] / np.sqrt(n))
    assert ebv.std() == pytest.approx(ebv_err[0], rel=4 / np.sqrt(2 * n))


@pytest.mark.parametrize(
    ("star", "reason"),
    [({"j": 8.0}, "one band"), ({}, "no band")],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_without_a_colour_there_is_no_answer(star, reason):
    result = answer(star)
    assert np.isnan([result[x] for x in ("ebv", "ebv_err", "a_ks", "a_ks_err")]).all(), reason
    assert result["n_colours"] == 0


@pytest.mark.parametrize("labels", [{"teff": NAN}, {"logg": NAN}])
def test_without_a_label_there_is_no_answer(labels):
    assert np.isnan(answer(reddened(0.5), **labels, **model())["ebv"])


@pytest.mark.parametrize(
    ("labels", "outside", "known"),
    [
        ({"logg": 2.0}, 1, True),
        ({"feh": 0.7}, 1, True),
        ({"logg": 4.5, "feh": -1.0}, 1, True),
        ({"teff": 9000.0}, 1, False),
        ({"teff": 41000.0}, 1, False),
        ({"teff": -9999.0}, 1, False),
        ({"feh": NAN}, 0, True),
        ({}, 0, True),
    ],
)
def test_outside_of_the_table(labels, outside, known):
    star = answer(reddened(0.5), **labels, **model())
    assert star["outside"] == outside
    assert np.isfinite(star["ebv"]) == known
    declared = column("extinction.reddening.outside")
    assert int(declared.min) <= star["outside"] <= int(declared.max) == 1


def test_interpolation_is_linear_in_log_teff_logg_feh():
    log_teff, logg, feh = np.meshgrid(
        np.log10(NODES["teff_nodes"]), NODES["logg_nodes"], NODES["feh_nodes"], indexing="ij"
    )
    nodes = {**NODES, "bc_nodes": (2 * log_teff - 0.3 * logg + 0.1 * feh + logg * feh)[..., None]}
    rng = np.random.default_rng(0)
    t, g, f = rng.uniform(1e4, 4e4, 50), rng.uniform(3, 4, 50), rng.uniform(-0.5, 0.5, 50)
    bc, outside = bolometric_corrections(t, g, f, **nodes)
    np.testing.assert_allclose(bc[:, 0], 2 * np.log10(t) - 0.3 * g + 0.1 * f + g * f, rtol=1e-12)
    assert not outside.any()


def test_unknown_metallicity_is_solar():
    arrays = {**model(), "bc_nodes": np.random.default_rng(1).normal(size=(3, 2, 3, 9))}
    assert answer(reddened(0.5), feh=NAN, **arrays) == answer(reddened(0.5), feh=0.0, **arrays)


def test_edges_hold_instead_of_being_extrapolated():
    bc = np.random.default_rng(0).normal(size=(3, 2, 3, 9))
    far, _ = bolometric_corrections([2e4], [0.0], [-3.0], **NODES, bc_nodes=bc)
    np.testing.assert_array_equal(far[0], bc[1, 0, 0])


def test_without_a_model_everything_is_nan():
    star = answer(reddened(0.5), **{**model(), "coefficients": np.empty(0)})
    assert np.isnan(star["ebv"])
    empty = {
        "teff_nodes": np.empty(0),
        "logg_nodes": np.empty(0),
        "feh_nodes": np.empty(0),
        "bc_nodes": np.empty((0, 0, 0, 9)),
    }
    assert np.isnan(answer(reddened(0.5), **{**model(), **empty})["ebv"])


def test_a_row_does_not_depend_on_its_batch():
    rng = np.random.default_rng(4)
    columns = [rng.uniform(1e4, 4e4, 300), rng.uniform(2, 5, 300), rng.uniform(-1, 1, 300)]
    columns += [np.full(300, NAN)] * 3
    for _ in BANDS:
        columns += [
            np.where(rng.random(300) < 0.3, NAN, rng.normal(10, 1, 300)),
            rng.uniform(0.01, 0.1, 300),
        ]
    for x in columns:
        x.flags.writeable = False
    arrays = {**model(), "bc_nodes": rng.normal(size=(3, 2, 3, 9))}
    arrays |= {"ebv_error_honest": 1, "rv_spread": np.array([0.3])}
    whole = extinction(*columns, **arrays)
    for rows in (slice(0, 1), slice(7, 9), slice(100, 300), slice(0, 299), slice(101, 198)):
        for part, all_rows in zip(
            extinction(*(x[rows] for x in columns), **arrays), whole, strict=True
        ):
            np.testing.assert_array_equal(part, all_rows[rows])


def errors_of(star, **given):
    """ebv_err, of a table whose J falls 0.3 mag from log g 3 to 4 and 0.2 mag in ln Teff = ln 2."""
    bc = np.zeros((3, 2, 3, len(BANDS)))
    bc[:, 1, :, BANDS.index("j")] -= 0.3
    bc[1:, :, :, BANDS.index("j")] -= 0.2
    bc[2:, :, :, BANDS.index("j")] -= 0.2
    return answer(star, 0.02, logg=3.5, teff=1.5e4, **model(bc), **given)["ebv_err"]


def test_an_honest_error_by_hand():
    """One colour, J - H over 0.31. Magnitudes 0.02 * sqrt 2; log g 0.1 * 0.3, ln Teff 0.05 * 0.2 /
    ln 2, all over 0.31; colours 0.01; dust 0.06 E, or 0.2 of R_V times (0.260 - 0.151) / 0.31 E.
    """
    star = {"j": 8.31, "h": 8.0}
    ebv = answer(star, 0.02, logg=3.5, teff=1.5e4)["ebv"]
    paper = errors_of(star)
    assert paper == pytest.approx(0.02 * np.sqrt(2) / 0.31)
    labels = {"label_errors": (750.0, 0.1, NAN)}
    honest = {"ebv_error_honest": 1, "ebv_colour_error": 0.01, "ebv_dust_error": 0.0}
    assert errors_of(star, **labels) == paper
    of_labels = np.hypot(0.1 * 0.3, 0.05 * 0.2 / np.log(2)) / 0.31
    found = errors_of(star, **labels, **honest)
    assert found == pytest.approx(np.sqrt(paper**2 + of_labels**2 + 0.01**2), rel=1e-3)
    typed = answer(star, 0.02, **model(), **honest | {"ebv_dust_error": 0.06})["ebv_err"]
    assert typed == pytest.approx(np.sqrt(paper**2 + 0.01**2 + 0.06**2))
    learnt = answer(star, 0.02, **model(), **honest, rv_spread=np.array([0.2]))["ebv_err"]
    assert ebv == pytest.approx(1)
    assert learnt == pytest.approx(np.sqrt(paper**2 + 0.01**2 + (0.2 * 0.109 / 0.31) ** 2))


def test_labels_that_colours_do_not_know_change_no_error():
    """At the edges of the table, and where the corrections are flat."""
    star = reddened(0.5)
    plain = answer(star)["ebv_err"]
    honest = answer(star, **model(), label_errors=(4e3, 0.5, 0.5), ebv_error_honest=1)["ebv_err"]
    assert honest == pytest.approx(plain)


BENDS = {
    "bend_log_teff": np.array([4.0, 4.5]),
    "bend_ebv": np.array([0.0, 2.0]),
    "bend": np.stack([[COEFFICIENTS, 0.9 * COEFFICIENTS], [1.2 * COEFFICIENTS, COEFFICIENTS]]),
}


def test_law_is_that_of_the_temperature_and_the_dust_of_the_star():
    """Half way in log Teff all slopes are 1.1 without dust and 0.95 with 2 mag: at 1 mag 1.025."""
    magnitudes = {band: 10 + 1.025 * k for band, k in zip(BANDS, COEFFICIENTS, strict=False)}
    star = answer(magnitudes, teff=10**4.25, **model(), **BENDS)
    assert star["ebv"] == pytest.approx(1, abs=1e-3)
    assert star["a_ks"] == pytest.approx(0.35 * 1.025 * star["ebv"], rel=1e-3)
    assert star["ebv_err"] < answer(magnitudes, teff=10**4.25)["ebv_err"]


def test_law_is_constant_beyond_its_nodes():
    star = answer({b: 10 + 2.7 * k for b, k in zip(BANDS, COEFFICIENTS, strict=False)}, teff=1e4,
                  **model(), **BENDS)  # fmt: skip
    assert star["ebv"] == pytest.approx(3)
