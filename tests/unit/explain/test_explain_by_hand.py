"""What `obcat explain` tells of one star whose columns all differ:
each value from its own column, each reason true.
"""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from obcat import db
from obcat.explain import StarNotFound, bits, colours, conditions, drawing, em_reason, explain
from obcat.explain.drawing import distance_drawing, distance_terms, spectrum_drawing
from obcat.kernels.extinction import BANDS
from obcat.kernels.grid import N_PIXEL, WAVELENGTH
from obcat.reading import query_text

STAR, BEST, OTHER = "S0100000200000", "55860-F-01-001", "55861-F-01-001"
STARS = {
    "specid": BEST, "star_id": STAR, "ra": 10.0, "dec": 20.0, "source_id": 128, "ks": 9.5,
    "ks_err": 0.02, "parallax": 0.4, "parallax_offset": -0.1, "parallax_corrected": 0.5,
    "parallax_error": 0.03, }  # fmt: skip
CATALOG = {
    "specid": BEST, "star_id": STAR, "uniqflag": 1, "mk": -2.0, "mk_err": 0.3, "ks": 9.5,
    "ks_err": 0.02, "a_ks": 0.15, "a_ks_err": 0.01, "parallax": 0.4, "parallax_corrected": 0.5,
    "parallax_error": 0.03, "parallax_spec": 0.8, "dis": 1.9, "dis_low": 1.7, "dis_high": 2.2,
    "logdis": 0.28, "logdis_err": 0.05, "x": -9.0, "y": 0.1, "z": 0.2, "snr_g": 90.0, "rv": 5.0,
    "em_flag": 0, "binary_flag": 0, "quality": 0, }  # fmt: skip
TABLES = {
    "meta.survey": [{"name": "test", "simulated": 0}],
    "sample.visits": [
        {"specid": BEST, "star_id": STAR, "uniqflag": 1, "snr_g": 90.0},
        {"specid": OTHER, "star_id": STAR, "uniqflag": 2, "snr_g": 80.0},
    ],
    "sample.stars": [STARS],
    "sample.gaia_matches": [
        {"star_id": STAR, "source_id": 128, "rank": 1, "chosen": 1, "reason": "nearest",
        "separation": 0.1}, {"star_id": STAR, "source_id": 256, "rank": 2, "chosen": 0,
        "reason": "not", "separation": 2.5}, ],
    "raw.gaia_dr2": [
        {"source_id": 128, "ra": 10.0, "dec": 20.0, "phot_g_mean_mag": 11.5, "parallax": 0.4,
        "parallax_error": 0.03, "ruwe": 1.2},
    ],
    "raw.headers": [{"specid": BEST, "ra": 10.0, "dec": 20.0, "z": 1e-4}],
    "catalog.ob_stars": [CATALOG | {"specid": OTHER, "uniqflag": 2, "mk": -1.5, "snr_g": 80.0},
    CATALOG], "luminosity.magnitudes": [{"specid": BEST, "mk": -2.0, "out_of_domain": 0}],
    "uncertainty.errors": [{"specid": BEST, "mk_err": 0.3, "sigma_mea": 0.11}],
    "luminosity.geometric": [{"star_id": STAR, "mk_geo": -1.5, "mk_geo_err": 0.4,
    "parallax_snr": 16.7}], "luminosity.good_parallax": [{"star_id": STAR, "specid": BEST,
    "is_train": 1}], "emission.lines": [
        {"specid": BEST, "em_flag": 1, "halpha_excess": 0.21, "halpha_excess_err": 0.022,
        "halpha_ew": -3.3, "halpha_significance": 4.4, "halpha_chi2": 5.5, "clean_chi2": 6.6,
        "erroneous": 0}, ],
    "binarity.excess": [
        {"specid": BEST, "parallax_spec": 0.8, "parallax_spec_err": 0.12, "snr_dparallax": 2.4,
        "binary_flag": 0}, ],
    "extinction.photometry": [
        {"star_id": STAR, **{name: 10 + k / 8 for k,
        name in enumerate(("b", "v", "g", "r", "i", "bp", "rp", "j", "h"))},
        **{f"{name}_err": (k + 1) / 64 for k, name in enumerate(("b", "v", "g", "r", "i", "bp",
        "rp", "j", "h"))}}, ],
    "extinction.labels": [{"star_id": STAR, "teff": 15000.0, "logg": 4.0, "feh": 0.5}],
}  # fmt: skip


@pytest.fixture(scope="module")
def filled(template, tmp_path_factory, fill) -> Path:
    path = Path(shutil.copy(template, tmp_path_factory.mktemp("by_hand") / "obcat.duckdb"))
    with db.connect(path) as con:
        for table, rows in TABLES.items():
            fill(con, table, rows)
    return path


@pytest.fixture
def told(con, fill):
    """A database that a test may change, with the same rows."""
    for table, rows in TABLES.items():
        fill(con, table, rows)
    return con


def rows_of(con, query: str, **names: str) -> list[dict]:
    return con.sql(query_text(f"explain/{query}"), params=names).to_arrow_table().to_pylist()


def test_magnitude_is_told_with_its_network_and_its_part_in_training(told):
    (row,) = rows_of(told, "60_magnitude", specid=BEST)
    assert row["mk_difference"] == pytest.approx(-0.5)
    assert row["in_units_of_its_error"] == pytest.approx(-0.5 / 0.5)  # 0.3 and 0.4 in squares
    assert (row["mk_err"], row["sigma_mea"], row["mk_geo_err"], row["parallax_snr"]) == (
        0.3,
        0.11,
        0.4,
        16.7,
    )
    assert (row["ks"], row["ks_err"]) == (9.5, 0.02)
    assert row["network_used"] == "emission (clean windows)"
    assert row["part_in_training"] == "taught the network"
    told.execute("UPDATE emission.lines SET em_flag = 0")
    told.execute("UPDATE luminosity.good_parallax SET is_train = 0")
    (row,) = rows_of(told, "60_magnitude", specid=BEST)
    assert row["network_used"] == "non-emission (all pixels)"
    assert row["part_in_training"] == "test star"
    told.execute("DELETE FROM luminosity.good_parallax")
    assert (
        rows_of(told, "60_magnitude", specid=BEST)[0]["part_in_training"]
        == "neither taught nor tested"
    )


def test_emission_is_told_column_by_column(told):
    (row,) = rows_of(told, "40_emission", specid=BEST)
    given = {k: v for k, v in TABLES["emission.lines"][0].items() if k != "specid"}
    assert {name: row[name] for name in given} == given


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ("DELETE FROM sample.pairs", "no brighter than its spectrum says"),
        (
            "UPDATE binarity.excess SET binary_flag = 1",
            "nearer by its parallax: brighter than its spectrum says",
        ),
        ("UPDATE sample.stars SET parallax = NULL", "unknown: no parallax"),
        ("UPDATE sample.stars SET ks = NULL", "unknown: no Ks"),
        (
            "DELETE FROM binarity.excess",
            "unknown: no absolute magnitude from the spectrum, or no extinction",
        ),
    ],
)
def test_binarity_is_told_with_its_reason(told, change, because):
    told.execute(change)
    (row,) = rows_of(told, "70_binarity", specid=BEST)
    assert row["because"] == because
    if change == "DELETE FROM sample.pairs":
        wanted = {"parallax": 0.4, "parallax_offset": -0.1, "parallax_corrected": 0.5,
            "parallax_error": 0.03, "parallax_spec": 0.8, "parallax_spec_err": 0.12,
            "snr_dparallax": 2.4}  # fmt: skip
        assert {name: row[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("bit", "binary", "terms"),
    [
        ("no_ks", 0, "both"),
        ("parallax_only", 1, "parallax alone: a binary outshines its spectrum"),
        ("parallax_only", 0, "parallax alone: no spectroscopic term"),
        ("spectrum_only", 0, "spectrum alone: no parallax"),
    ],
)
def test_distance_is_told_with_the_terms_it_rests_on(told, bit, binary, terms):
    told.execute(
        "UPDATE catalog.ob_stars SET binary_flag = $binary"
        ", quality = (SELECT bit FROM meta.quality_bits WHERE name = $bit)",
        {"binary": binary, "bit": bit},
    )
    (row,) = rows_of(told, "80_distance", specid=BEST)
    assert row["terms_used"] == terms
    assert (row["kpc_by_spectrum"], row["kpc_by_parallax"]) == (
        pytest.approx(1.25),
        pytest.approx(2.0),
    )
    wanted = {
        "dis": 1.9,
        "dis_low": 1.7,
        "dis_high": 2.2,
        "logdis": 0.28,
        "logdis_err": 0.05,
        "x": -9.0,
        "y": 0.1,
    }
    assert {name: row[name] for name in wanted} | {"z": row["z_kpc"]} == wanted | {"z": 0.2}


def test_a_distance_of_nothing_rests_on_neither(told):
    told.execute("UPDATE catalog.ob_stars SET dis = NULL")
    assert rows_of(told, "80_distance", specid=BEST)[0]["terms_used"] == "neither"


def test_every_band_has_its_own_magnitude_and_error(told):
    rows = rows_of(told, "45_photometry", star_id=STAR)
    wanted = zip(("B", "V", "g", "r", "i", "BP", "RP", "J", "H"), range(9), strict=True)
    assert [tuple(r.values()) for r in rows] == [
        (band, 10 + k / 8, (k + 1) / 64) for band, k in wanted
    ]


def test_visits_stand_in_the_order_of_their_signal(told):
    rows = rows_of(told, "15_visits", star_id=STAR)
    assert [(r["specid"], r["uniqflag"], r["mk"], r["snr_g"]) for r in rows] == [
        (BEST, 1, -2.0, 90.0),
        (OTHER, 2, -1.5, 80.0),
    ]


def test_gaia_candidates_are_told_with_what_gaia_says_of_each(told):
    first, second = (tuple(r.values()) for r in rows_of(told, "20_gaia_candidates", star_id=STAR))
    assert first == (128, 0.1, 1, "nearest", None, None, 11.5, 0.4, 0.03, 1.2)
    assert second == (256, 2.5, 0, "not", None, None, None, None, None, None)


def test_terms_of_the_drawing_are_those_of_the_distance(told):
    (row,) = rows_of(told, "distance_terms", specid=BEST)
    wanted = {
        name: CATALOG[name]
        for name in ("mk", "mk_err", "ks", "ks_err", "a_ks", "a_ks_err", "parallax_error")
    }
    wanted |= {name: CATALOG[name] for name in ("dis", "dis_low", "dis_high", "binary_flag")}
    assert row == wanted | {"parallax": 0.5}


def test_terms_peak_where_each_says_the_star_is():
    """At 2 kpc by its parallax of 0.5 mas, at 1 kpc by its magnitudes:
    9.5 - 0.15 + 0.65 is a modulus of 10.
    """
    d = np.geomspace(0.3, 6, 2001)
    star = {
        name: CATALOG[name]
        for name in ("mk_err", "ks", "ks_err", "a_ks", "a_ks_err", "parallax_error")
    }
    star |= {"parallax": 0.5, "mk": -0.65, "binary_flag": 0.0}
    single, binary = distance_terms(d, star), distance_terms(d, star | {"binary_flag": 1.0})
    peak = {name: d[np.argmax(density)] for name, density in single.items()}
    assert peak["spectrum"] == pytest.approx(1.0, rel=0.15)
    assert peak["parallax"] == pytest.approx(2.0, rel=0.05)
    assert peak["spectrum"] < peak["used"] < peak["parallax"] * 1.05
    assert np.array_equal(binary["used"], single["parallax"])
    assert not np.array_equal(single["used"], single["parallax"])


def model(con, name: str, **arrays: np.ndarray) -> None:
    for array, values in arrays.items():
        row = [name, array, values.dtype.str, list(values.shape), values.tobytes()]
        con.execute("INSERT INTO model.arrays VALUES (?, ?, ?, ?, ?)", row)


def test_colours_are_told_from_the_own_metallicity_and_coefficients(told):
    """At [Fe/H] 0.5 the correction of band k is 0.1 k, so that an intrinsic colour is 0.1;
    the law falls by 0.5 a band.
    """
    bc = np.zeros((2, 2, 2, 9))
    bc[:, :, 1] = 0.2 * np.arange(9)  # at [Fe/H] 1; 0 at [Fe/H] 0
    model(told, "colours", teff_nodes=np.array([1e4, 2e4]), logg_nodes=np.array([3.0, 5.0]),
          feh_nodes=np.array([0.0, 1.0]), bc_nodes=bc)  # fmt: skip
    model(told, "coefficients", coefficients=np.append(np.arange(9, 0, -1) / 2, 0.35))
    names, rows = colours(told, STAR)
    found = [dict(zip(names, row, strict=True)) for row in rows]
    assert len(found) == 8
    for row in found:
        assert row["observed"] - row["intrinsic"] == pytest.approx(row["ebv"] * 0.5)
        assert abs(row["intrinsic"]) == pytest.approx(0.1)  # half way to [Fe/H] 1
    weights = np.array([row["weight"] for row in found])
    assert weights.sum() == pytest.approx(1)
    assert weights == pytest.approx(
        np.array([r["ebv_err"] for r in found]) ** -2.0 / sum(r["ebv_err"] ** -2.0 for r in found)
    )


def test_colours_weigh_by_the_slope_of_the_law(told):
    """Two colours of the same error, one with twice the slope: weights 4 to 1."""
    told.execute(
        "UPDATE extinction.photometry SET "
        + ", ".join(f"{b} = NULL" for b in ("i", "r", "bp", "rp", "j", "h"))
    )
    told.execute("UPDATE extinction.photometry SET b_err = 0.1, v_err = 0.1, g_err = 0.1")
    model(told, "colours", teff_nodes=np.array([1e4, 2e4]), logg_nodes=np.array([3.0, 5.0]),
          feh_nodes=np.array([0.0, 1.0]), bc_nodes=np.zeros((2, 2, 2, 9)))  # fmt: skip
    law = {"b": 4.0, "g": 3.0, "v": 1.0}
    coefficients = np.array([law.get(band, 0.5) for band in BANDS])
    model(told, "coefficients", coefficients=np.append(coefficients, 0.35))
    names, rows = colours(told, STAR)
    weight = {row[0]: row[names.index("weight")] for row in rows}
    steps = [abs(law[a] - law[b]) for a, b in (name.split(" - ") for name in weight)]
    assert list(weight.values()) == pytest.approx(
        [step**2 / sum(s * s for s in steps) for step in steps]
    )
    assert len(set(steps)) == 2


@pytest.mark.parametrize(
    ("significance", "em_flag", "said"),
    [
        (3.6, 1, "em_flag = 1: halpha_significance 3.60 > threshold 3.50"),
        (3.4, 0, "em_flag = 0: halpha_significance 3.40 <= threshold 3.50"),
        (3.6, 0, "em_flag = 0: halpha_significance 3.60 > threshold 3.50 but the residuals " "beside the line cancel it "
                 "(a moved line)"),
    ],
)  # fmt: skip
def test_the_threshold_is_the_fourth_number_of_the_calibration(told, significance, em_flag, said):
    model(told, "pca", excess_calibration=np.array([0.5, 1.5, 2.5, 3.5]))
    told.execute(
        "UPDATE emission.lines SET em_flag = ?, halpha_significance = ?", [em_flag, significance]
    )
    assert em_reason(told, BEST) == said


def test_bits_that_are_set_and_those_that_are_not(told):
    (bit,) = told.execute("SELECT bit FROM meta.quality_bits WHERE name = 'no_ks'").fetchone()
    told.execute(
        "INSERT INTO catalog.quality VALUES ($specid, $quality)", {"specid": BEST, "quality": bit}
    )
    short, full = bits(told, BEST, False), bits(told, BEST, True)
    assert [row[1] for row in short.rows] == ["no_ks"]
    assert short.rows[0][3] == conditions()["no_ks"] == "s.ks IS NULL"
    assert "no_ks" not in short.note
    assert "no_gaia" in short.note
    assert {row[2] for row in full.rows if row[0] == "yes"} == {"no_ks"}


def test_a_position_is_believed_to_ten_arcsec(filled):
    assert "position, 9.00 arcsec" in explain(filled, f"10.0 {20 + 9 / 3600:.7f}")
    with pytest.raises(StarNotFound, match="within 10 arcsec"):
        explain(filled, f"10.0 {20 + 11 / 3600:.7f}")


@pytest.fixture
def figures(monkeypatch) -> list[Figure]:
    """Every figure that is drawn, as matplotlib has it."""
    kept: list[Figure] = []
    monkeypatch.setattr(drawing, "_svg", lambda figure, title: kept.append(figure) or "<svg></svg>")
    return kept


def test_spectrum_is_drawn_with_its_residual_and_without_masked_pixels(told, fill, figures):
    """Flux 1.25 over a reconstruction of 1: residual 0.25 about H alpha; pixel 2000 is masked."""
    ivar = np.ones(N_PIXEL)
    ivar[2000] = 0
    fill(
        told, "spectra.normalised", [{"specid": BEST, "flux": np.full(N_PIXEL, 1.25), "ivar": ivar}]
    )
    fill(told, "spectra.scores", [{"specid": BEST, "score_clean": np.zeros(100)}])
    model(
        told,
        "pca",
        mean=np.ones(N_PIXEL),
        scale=np.ones(N_PIXEL),
        full_from_clean=np.zeros((100, N_PIXEL)),
    )
    spectrum_drawing(told, BEST)
    above, near, below, near_below = figures[0].axes
    seen = above.lines[0].get_ydata()
    assert np.isnan(seen[2000])
    assert np.isnan(seen).sum() == 1
    assert np.nanmax(np.abs(below.lines[0].get_ydata() - 0.25)) == pytest.approx(0)
    assert near_below.get_ylim() == pytest.approx((0.15, 0.35))
    assert near.get_ylim() == pytest.approx((1 - 0.025, 1.25 + 0.025))
    assert near.get_xlim()[0] < 6564.6 < near.get_xlim()[1]
    assert np.array_equal(above.lines[0].get_xdata(), WAVELENGTH)


def test_distance_is_drawn_with_its_lines(told, figures):
    distance_drawing(told, BEST)
    (axes,) = figures[0].axes
    upright = [item.get_xdata()[0] for item in axes.lines if len(item.get_xdata()) == 2]
    assert upright == [1.7, 1.9, 2.2]
    assert {item.get_label() for item in axes.lines} >= {"spectrum", "parallax", "used"}


def test_every_query_tells_of_the_star_that_is_asked_for(filled):
    """The other spectrum of the star has another magnitude, and none of the tables of spectra."""
    text = explain(filled, OTHER)
    assert re.match(rf"{STAR}, spectrum {OTHER}, found by specid\n", text)
