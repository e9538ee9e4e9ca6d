"""Cells of the evaluation that few stars decide, worked out by hand;
each column of the comparison from its own source.
"""

import numpy as np
import pyarrow as pa
import pytest
from test_evaluate_sections import compared, line, row

from obcat.evaluate import (
    accuracy,
    binaries,
    bins,
    composites,
    distance_error,
    failures,
    from_catalog,
    parallax_snr,
)
from obcat.evaluate.accuracy import central
from obcat.evaluate.truth import OPTIONAL, beside_truth
from obcat.kernels.grid import N_PIXEL, WAVELENGTH
from obcat.schema import columns_of


def with_labels(data: dict, **columns: list) -> dict:
    return data | {name: np.array(values) for name, values in columns.items()}


def test_pulls_are_within_one_and_within_two_deviations():
    """Pulls of 0.99, 1.0, 1.95 and 2.0: the limits are 0.9945 and 1.96."""
    data = compared(
        *({"mk": 0.2 * pull, "ebv": 0.3 + 0.01 * pull} for pull in (0.99, 1.0, 1.95, 2.0))
    )
    assert line(accuracy.coverage(data), "all")[3:] == ["25.0 %", "75.0 %"] * 2


def test_the_central_interval_is_half_on_either_side():
    found = central(np.array([0.15, 0.17, 0.5, 0.83, 0.85, np.nan]), 0.68)
    np.testing.assert_array_equal(found, [0, 1, 1, 1, 0, np.nan])


def test_intervals_are_told_of_each_kind_of_star():
    data = compared({}, {"is_binary": 1}, {"has_emission": 1},
        {"is_binary": 1, "has_emission": 1, "binary_flag": 1}, {"kind": "subdwarf"},
        {"uniqflag": 2})  # fmt: skip
    section = accuracy.rank_histogram(data)
    wanted = {"all": 4, "single, no emission": 1, "single, emission": 1, "binary": 2,
        "binary_flag 0": 3, "binary_flag 1 (parallax alone)": 1, "not O or B": 1}  # fmt: skip
    assert {label: int(row(section, label)["n"]) for label in wanted} == wanted


def test_flagged_binaries_by_mass_ratio_add_up_to_the_purity():
    """Of four flagged stars three are binaries, one of them below q = 0.7;
    of five binaries one is not known.
    """
    data = compared(
        {"is_binary": 1, "mass_ratio": 0.8, "binary_flag": 1},
        {"is_binary": 1, "mass_ratio": 0.95, "binary_flag": 1},
        {"is_binary": 1, "mass_ratio": 0.4, "binary_flag": 1},
        {"is_binary": 1, "mass_ratio": 0.4, "binary_flag": 0},
        {"is_binary": 1, "mass_ratio": 0.8, "binary_flag": np.nan}, {"binary_flag": 1}, {},
        {"parallax_error": 0.5},
    )  # fmt: skip
    section = binaries.by_mass_ratio(data)
    assert line(section, "all binaries") == ["5", "1", "3", "60.0 %", "75.0 %", "5", "60.0 %"]
    assert line(section, "mass ratio 0.3 to 0.5") == [
        "2",
        "0",
        "1",
        "50.0 %",
        "25.0 %",
        "2",
        "50.0 %",
    ]
    assert line(section, "single") == ["3", "0", "1", "33.3 %", "25.0 %", "2", "50.0 %"]
    found = row(binaries.by_parallax(data), "all")
    assert (found["n"], found["binary"], found["flagged"]) == ("8", "62.5 %", "57.1 %")
    assert (found["recall"], found["recall above q 0.7"], found["purity"]) == (
        "60.0 %",
        "66.7 %",
        "75.0 %",
    )
    assert found["false alarms"] == "33.3 %"


def test_distances_by_the_kind_of_parallax():
    data = compared({"dis": 1.2}, {"parallax": -0.5, "dis": 0.5}, {"parallax": 0.0, "dis": 0.7},
        {"parallax": np.nan, "dis": 2.0}, {"is_binary": 1, "mass_ratio": 0.8, "dis": 1.5,
        "dis_low": 1.2, "dis_high": 1.8})  # fmt: skip
    section = accuracy.distances(data)
    assert line(section, "parallax not positive")[:2] == ["2", "17.1 %"]  # 0.1 / 0.5 and 0.1 / 0.7
    assert line(section, "no parallax") == ["1", "5.0 %", "100.0 %", "100.0 %", "100.0 %"]
    assert line(section, "binary with mass ratio above 0.7") == [
        "1",
        "20.0 %",
        "50.0 %",
        "50.0 %",
        "0.0 %",
    ]
    assert row(section, "dis: kpc 1 to 2")["n"] == "2"


def test_errors_of_what_goes_in_are_over_their_own_stated_error():
    """Parallax 0.6 of a star at 2 kpc: 0.1 mas too large, two of its errors; Ks 0.3 mag, three;
    A_Ks 0.5, five tenths.
    """
    star = {"parallax": 0.6, "parallax_error": 0.05, "true_distance": 2.0, "ks": 10.3,
        "true_ks": 10.0, "ks_err": 0.1, "a_ks": 0.7, "true_a_ks": 0.2, "a_ks_err": 1.0,
        "parallax_offset": -0.05, "parallax_offset_true": -0.02}  # fmt: skip
    other = star | {"parallax": 0.7, "ks": 10.5, "a_ks": 0.9}
    section = failures.input_errors(
        compared(star, other, star | {"is_binary": 1, "parallax": 0.9, "ks": 10.5, "a_ks": 0.9})
    )
    spread = 1.4826 * 0.05
    found = line(section, "parallax (mas), single")
    assert found == ["2", "0.150", f"{spread:.3f}", "0.071", "0.050", f"{spread / 0.05:.3f}"]
    assert line(section, "parallax (mas), binary")[:2] == ["1", "0.400"]
    assert [line(section, "Ks (mag)")[k] for k in (0, 1, 4)] == ["3", "0.500", "0.100"]
    assert [line(section, "A_Ks (mag), no emission")[k] for k in (1, 4)] == ["0.700", "1.000"]
    assert line(section, "zero point of the parallax (mas)")[1] == "-0.030"


def test_errors_of_labels_are_relative_for_temperatures_only():
    data = with_labels(
        compared({}, {}, {"is_binary": 1}), label_source=["HotPayne", "HotPayne", "regression"],
        teff=[11000.0, 13000.0, 9e4], true_teff=[10000.0, 10000.0, 1e4],
        teff_err=[500.0, 500.0, 1.0], logg=[4.1, 4.3, 1.0], true_logg=[4.0, 4.0, 1.0],
        logg_err=[0.2, 0.2, 1.0], feh=[0.0, 0.0, 0.0], true_feh=[0.5, 0.5, 0.0],
        feh_err=[0.1, 0.1, 0.1],
    )  # fmt: skip
    section = failures.label_errors(data)
    assert [line(section, "Teff (relative), HotPayne")[k] for k in (0, 1, 4)] == [
        "2",
        "0.200",
        "0.050",
    ]
    assert [line(section, "log g (dex), HotPayne")[k] for k in (1, 4)] == ["0.200", "0.200"]
    assert line(section, "[Fe/H] (dex), HotPayne")[1] == "-0.500"
    assert row(section, "Teff (relative), regression")["n"] == "0"


def test_late_b_ends_at_fourteen_thousand_kelvin():
    data = compared(*({"true_teff": t, "mk": m} for t,
        m in ((9999.0, 9.0), (10000.0, 0.1), (13999.0, 0.3), (14000.0, 0.7))),
        {"is_train": 1, "mk": 5.0}, {"snr_g": 50, "mk": 5.0})  # fmt: skip
    section = failures.failures(data)
    assert line(section, "late-B primary, single")[:2] == ["2", "0.200"]
    assert line(section, "hotter primary, single")[:2] == ["1", "0.700"]
    assert line(section, "single, no emission")[0] == "4"


def test_geometric_magnitudes_are_of_the_system_and_spectroscopic_of_the_primary():
    data = compared(
        {"is_binary": 1, "mk": -0.1, "mk_geo": -0.6, "true_mk": 0.0, "true_mk_system": -0.5}
    )
    found = row(failures.failures(data), "binaries, no emission")
    assert (found["M_spec bias"], found["M_geo bias"]) == ("-0.100", "-0.100")


def test_bins_hold_their_lower_edge():
    values = np.array([0.0, 0.5, 1.0, 2.0, np.nan])
    assert [rows.tolist() for _, rows in bins("x", values, (0, 1, 2))] == [
        [True, True, False, False, False],
        [False, False, True, False, False],
    ]
    data = {
        "dis": np.array([3.0]),
        "true_distance": np.array([2.0]),
        "parallax": np.array([1.0]),
        "parallax_error": np.array([4.0]),
    }
    assert (distance_error(data)[0], parallax_snr(data)[0]) == (0.5, 0.25)


def test_pairs_are_told_by_light_mass_and_type(monkeypatch):
    """Two stars of 20,270 and 12,196 K (7 and 3.2 solar masses), 2 mag apart in BP and Ks;
    the sum is 0.3 brighter.
    """
    stars = {
        "mk_geo": np.array([1.0, -1.0]),
        "teff": np.array([12196.0, 20270.0]),
        "m_bp": np.array([0.5, -1.5]),
    }
    one = np.ones((2, N_PIXEL))
    monkeypatch.setattr(composites.mock, "pairs", lambda *_: (np.array([1, 1]), np.array([0, 0])))
    monkeypatch.setattr(composites, "survey_mk", lambda *_: np.array([-1.3, -0.9]))
    rows = composites.pair_rows(None, composites.Library(stars, one, one, stars["mk_geo"]))
    (found,) = [r for r in rows if r[1] != "0"]
    assert found[0] == "above 20,000 K, more than 2 mag"
    assert found[1:4] == ("2", f"{3.2 / 7:.2f}", f"{100 * 10**-0.8:.1f} %")
    assert found[4] == "-0.100"
    assert found[-1] == "50.0 %"


def test_brighter_first_and_light_of_two_added():
    first, second = binaries.pairs(np.array([0.0, 1.0, -1.0, 2.0, 0.5]), 1)
    mk = np.array([0.0, 1.0, -1.0, 2.0, 0.5])
    assert np.all(mk[first] < mk[second])
    flux, ivar = binaries.add_light(
        (np.full((1, 3), 2.0), np.full((1, 3), 4.0)),
        (np.full((1, 3), 1.0), np.array([[4.0, 12.0, 0.0]])),
    )
    assert flux.tolist() == [[3.0, 3.0, 0.0]]
    assert ivar.tolist() == [[2.0, 3.0, 0.0]]


def test_dereddened_light_is_brighter_and_most_in_the_blue():
    """One magnitude of E(B-V): 4.1 mag in B, 3.1 in V."""
    law = np.array([4.1, 3.7, 3.1, 2.6, 1.9, 0.8])
    flux, ivar = binaries.deredden(
        np.ones((1, N_PIXEL)), np.ones((1, N_PIXEL)), np.array([1.0]), law
    )
    for wavelength, a in ((4366.0, 4.1), (5448.0, 3.1)):
        assert np.interp(wavelength, WAVELENGTH, flux[0]) == pytest.approx(
            10 ** (0.4 * a), rel=1e-3
        )
        assert np.interp(wavelength, WAVELENGTH, ivar[0]) == pytest.approx(
            10 ** (-0.8 * a), rel=2e-3
        )


BEST = [  # specid, uniqflag, em_flag, binary_flag, snr_g, mk - mk_geo, dis, half interval over dis
    ("a", 1, 0, 0, 60.0, 0.0, 14.0, 0.1), ("b", 1, 0, 0, 60.0, 1.0, 13.0, 0.2),
    ("c", 1, 0, 1, 60.0, 2.0, 15.0, 0.4), ("d", 1, 1, 0, 60.0, 50.0, 17.0, 0.6),
    ("e", 1, 0, None, 50.0, 60.0, 18.0, 0.8), ("f", 2, 1, 1, 60.0, 70.0, 14.0, 0.9),
    ("g", 1, 0, 0, 60.0, 80.0, 1.0, 1.0), ]  # fmt: skip


def test_numbers_of_the_paper_from_a_catalog_of_seven_spectra(con, fill):
    """Six best visits. Scatter: test stars without emission above S/N 50, residuals 0, 1, 2."""
    fill(con, "catalog.ob_stars", [
        {"specid": s, "star_id": s, "uniqflag": u, "em_flag": em, "binary_flag": b, "snr_g": snr,
        "mk": off, "mk_geo": 0.0, "dis": d, "dis_low": d * (1 - part),
        "dis_high": d * (1 + part)} for s, u, em, b, snr, off, d, part in BEST
    ])  # fmt: skip
    fill(con, "luminosity.good_parallax", [
        {"specid": s, "star_id": s, "em_flag": em, "is_train": int(s in "gx")} for s, _, em,
        *_ in BEST
    ] + [{"specid": "x", "star_id": "x", "em_flag": 1, "is_train": 1}])  # fmt: skip
    fill(con, "luminosity.supplement", [
        {"specid": s, "star_id": s, "em_flag": em, "is_train": n} for s, em, n in
        (("t", 0, 1), ("u", 1, 1), ("v", 1, 1), ("w", 0, 0))])  # fmt: skip
    fill(con, "model.noise_summary", [
        {"em_flag": em, "parameter": name, "mean": value} for em, name, value in
        ((0, "sigma_int", 0.25), (0, "sigma_100", 0.125), (1, "sigma_int", 0.5),
        (1, "sigma_100", 0.75))
    ])  # fmt: skip
    found = from_catalog(con)
    counts = {
        "stars": 6,
        "emission": 1,
        "binary": 1,
        "single": 4,
        "unknown": 1,
        "training": 2,
        "training_emission": 5,
    }
    assert {name: found[name] for name in counts} == counts
    assert (found["sigma_int"], found["sigma_100"]) == (0.25, 0.125)
    assert found["scatter"] == pytest.approx(1.4826)
    assert found["dis_error"] == pytest.approx(0.5)
    assert found["dis_error_15"] == pytest.approx(0.2)  # a, b, d


RENAMED = {"parallax": "parallax_corrected"}
OF_TRUTH = {
    "true_mk": "mk", "true_mk_system": "mk_system", "true_distance": "distance_kpc",
    "true_ebv": "ebv", "true_teff": "teff", "true_logg": "logg", "true_feh": "feh",
    "mass_ratio": "mass_ratio", "true_ks": "true_ks", "true_a_ks": "a_ks",
    "true_excess": "excess_ks", "true_ew": "ew_halpha", "wobble": "wobble",
    "parallax_offset_true": "parallax_offset_true", "flux_ratio_v": "flux_ratio_v",
}  # fmt: skip


@pytest.fixture
def joined(con, fill, tmp_path):
    """One star, every column with a value of its own:
    the rows that were stored, and what evaluation reads of them.
    """
    row = {
        c.column: 1 + k / 128
        for k, c in enumerate(columns_of("catalog.ob_stars"))
        if c.type == "DOUBLE"
    }
    fill(
        con,
        "catalog.ob_stars",
        [row | {"specid": "s", "star_id": "A", "uniqflag": 1, "em_flag": 1, "binary_flag": 0}],
    )
    fill(con, "emission.lines", [{"specid": "s", "halpha_significance": 77.0}])
    names = sorted({*OF_TRUTH.values(), "ew_disc", "ew_wind"} - {"ew_halpha"})
    truth = {name: 100 + k / 128 for k, name in enumerate(names)} | {
        "ew_disc": 1.0,
        "ew_wind": 2.0,
        "ew_halpha": 3.5,
    }
    flags = {
        "is_binary": True,
        "is_nebular": False,
        "has_emission": False,
        "is_triple": True,
        "name": "n",
        "kind": "star",
    }
    visit = {"specid": "s", "name": "n", "is_erroneous": False, "erroneous_kind": "",
        "has_emission": True, "ew_halpha": 4.5, "rv_primary": -100.0, "rv_companion": 100.0}  # fmt: skip
    assert OPTIONAL.keys() == {"stars", "visits"}
    tables = {
        "stars": pa.Table.from_pylist([truth | flags]),
        "visits": pa.Table.from_pylist([visit]),
    }
    return row, truth | {"ew_halpha": 4.5}, beside_truth(con, tables, tmp_path)


def test_catalog_and_truth_stand_side_by_side_column_by_column(joined):
    row, truth, found = joined
    names = [name for name in found if RENAMED.get(name, name) in row and name not in OF_TRUTH]
    assert len(names) > 20
    for name in names:
        assert found[name][0] == row[RENAMED.get(name, name)], name
    for name, theirs in OF_TRUTH.items():
        assert found[name][0] == truth[theirs], name
    assert (found["halpha_significance"][0], found["rv_apart"][0]) == (77.0, 200.0)
    flags = {
        "is_binary": 1,
        "is_nebular": 0,
        "has_emission": 1,
        "is_triple": 1,
        "is_wind": 1,
        "em_flag": 1,
        "binary_flag": 0,
    }
    assert {name: found[name][0] for name in flags} == flags
    assert found["is_sb2"][0] == 1


def test_two_sets_of_lines_need_velocity_and_light(con, fill, joined, tmp_path):
    _, truth, _ = joined
    flags = {"is_binary": True, "is_nebular": False, "has_emission": False, "name": "n"}
    visit = {
        "specid": "s",
        "name": "n",
        "is_erroneous": False,
        "erroneous_kind": "",
        "rv_primary": 0.0,
    }
    for apart, light, both in ((200.0, 0.05, 0), (100.0, 0.5, 0), (200.0, 0.5, 1)):
        tables = {"stars": pa.Table.from_pylist([truth | flags | {"flux_ratio_v": light}]),
                  "visits": pa.Table.from_pylist([visit | {"rv_companion": apart}])}  # fmt: skip
        assert beside_truth(con, tables, tmp_path)["is_sb2"].tolist() == [both]
