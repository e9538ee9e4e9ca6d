"""Both modes in the same tables, from a few fabricated stars, worked out by hand."""

import numpy as np
import pytest
from test_evaluate_sections import compared, line, row

from obcat.evaluate.emission import (
    best_emission,
    best_faults,
    best_velocities,
    kinds_of_emission,
)
from obcat.evaluate.modes import (
    companions_found,
    intervals,
    luminosities,
    main_cells,
    modes,
    reddenings,
    said_and_true,
    with_best,
    zero_points,
)

BEST = {
    "g_gaia": 12.0, "best_ebv": 0.3, "published_offset": -0.06, "best_offset": -0.05,
    "best_mk": 0.0, "mk_low": -0.1, "mk_high": 0.1, "mk_low95": -0.2, "mk_high95": 0.2,
    "mk_spec": 0.0, "mk_spec_err": 0.1, "mk_system": 0.0, "mk_likelihood": 0.0, "p_companion": 0.2,
    "p_other": 0.0, "best_dis": 1.0, "dis_median": 1.0, "best_dis_low": 0.9, "best_dis_high": 1.1,
    "dis_low95": 0.8, "dis_high95": 1.2, "best_ebv_err": 0.02, "r_v": 3.1, "r_v_err": 0.1,
    "r_v_likelihood": 3.1, "r_v_likelihood_err": 0.1, "true_r_v": 3.1, "best_em_flag": 0, "emission_kind": "",
    "fault": "", "best_rv": 0.0, "best_rv_err": 3.0, "star_id": "S1", "best_out_of_domain": 0,
}  # fmt: skip


def both(*stars):
    """As ``compared``, with what best mode says."""
    columns = {name: np.array([s.get(name, usual) for s in stars]) for name, usual in BEST.items()}
    return compared(*stars) | columns


def test_luminosities_three_ways():
    data = both(
        {"mk": 0.4, "mk_spec": 0.2, "best_mk": 0.1},
        {"mk": 0.0, "mk_spec": 0.0, "best_mk": 0.0},
        {"mk": -0.4, "mk_spec": -0.2, "best_mk": -0.1},
        {"mk": 9.0, "is_train": 1.0},
        {"mk": 9.0, "is_binary": 1.0, "true_mk_system": -0.5, "mk_system": -0.4},
    )
    cells = line(luminosities(data), "S/N 50 to 100")
    assert cells == ["3", "0.000", "0.593", "0.000", "0.297", "0.000", "0.148", "0.50", "0.25"]
    assert line(luminosities(data), "binaries, primary")[:2] == ["1", "9.000"]
    estimated = line(luminosities(data), "estimated M -1 to 0")
    assert estimated[:6] == ["1", "-0.400", "0.000", "-0.200", "0.000", "-0.100"]


def test_luminosities_by_the_strength_of_what_is_beside_the_star():
    """Lines of a disc, of a nebula; those of a wind are the star's own."""
    disc = {"has_emission": 1, "true_ew": 5.0, "mk_spec": 0.3}
    data = both(
        disc,
        disc | {"true_ew": 1.0, "mk_spec": 0.1},
        disc | {"is_nebular": 1, "mk_spec": -0.2},
        disc | {"is_wind": 1},
        disc | {"is_binary": 1},
        {},
    )
    section = luminosities(data)
    found = {row[0]: row[1:5] for row in section.rows if row[0].startswith("emission: ")}
    assert {label: row[3] for label, row in found.items() if row[0] != "0"} == {
        "emission: Be, single, EW / A 3 to 10": "0.300",
        "emission: Be, single, EW / A 0 to 3": "0.100",
        "emission: nebular, single, EW / A 3 to 10": "-0.200",
    }


def test_cells_of_the_readme():
    test = {"is_train": 0.0, "snr_g": 60.0, "true_ebv": 0.3}
    data = both(
        {**test, "best_mk": 0.1, "best_dis": 1.1, "best_ebv": 0.32},
        {**test, "true_distance": 1.15},
        {**test, "best_mk": -0.1, "true_mk": -4.0, "is_train": 1.0, "best_ebv": 0.28},
        {"is_binary": 1.0, "true_distance": 1.0},
    )
    cells = main_cells(data)
    assert cells["scatter of M_spec − true M"] == "0.074 mag"  # 1.4826 x 0.05
    assert cells["scatter of E(B−V)"].endswith(" mag")
    assert cells["M_spec − true M of single"] == "3.900 mag"
    assert cells["true distances inside their 68"] == "75.0 %; 66.7 %"
    assert cells["true distances inside their 95"] == "100.0 %; 100.0 %"


def test_intervals():
    data = both(
        {"true_distance": 1.05, "dis_high": 1.01, "true_mk": 0.15},
        {"true_distance": 1.15},
        {"true_distance": 1.3, "true_mk": 0.3, "mk": 2.0},
    )
    cells = row(intervals(data), "all")
    assert line(intervals(data), "all") == ["3", "0.0 %", "33.3 %", "66.7 %", "33.3 %", "66.7 %"]
    assert cells["n"] == "3"


def test_p_companion_said_and_true():
    data = both(
        {"p_companion": 0.22, "true_mk_system": -0.1, "is_binary": 1},
        {"p_companion": 0.28},
        {"p_companion": 0.28, "has_emission": 1},
        {"p_companion": 1.0, "true_mk_system": -0.04, "is_binary": 1},
    )
    assert line(said_and_true(data), "0.2 to 0.3") == ["2", "0.25", "0.50"]
    assert line(said_and_true(data), "0.9 to 1.0") == ["1", "1.00", "0.00"]


def test_companions_at_the_purity_of_the_paper():
    lit = {"true_mk_system": -0.3, "is_binary": 1}
    data = both(
        lit | {"p_companion": 0.95, "binary_flag": 1},
        {"p_companion": 0.6, "binary_flag": 1},
        lit | {"p_companion": 0.7},
        lit | {"p_companion": 0.4},
        {"p_companion": 0.3},
    )
    section = companions_found(data)
    assert line(section, "paper: binary_flag") == ["2", "50.0 %", "33.3 %", "50.0 %"]
    assert line(section, "p_companion > 0.5") == ["3", "66.7 %", "66.7 %", "50.0 %"]
    found = line(section, "as pure as paper: p_companion > 0.30")
    assert found == ["5", "60.0 %", "100.0 %", "100.0 %"]
    assert section.rows[-1][1:] == ("-",) * 4  # a truth that knows no hidden light


def test_an_oracle_finds_the_companions_that_spectrum_and_parallax_show():
    """At 1 kpc 0.3 mag of light, and 0.27 in the spectrum, are parallaxes 0.23 mas too small."""
    rng = np.random.default_rng(4)
    lit = {"true_mk_system": -0.3, "is_binary": 1, "true_ks": 9.8}
    usual = {"hidden_light": 0.0, "true_ks": 10.1, "true_a_ks": 0.1, "parallax_offset_true": -0.05}
    stars = [
        usual
        | (lit if i % 3 == 0 else {})
        | {"parallax": 1 + 0.05 * rng.normal(), "binary_flag": int(i % 4 == 0 or i % 3 == 0)}
        for i in range(600)
    ]
    data = both(*stars)
    good = row(companions_found(data), companions_found(data).rows[-1][0])
    assert float(good["recall"].rstrip(" %")) > 97
    noisy = data | {"parallax": 1 + 1.0 * rng.normal(size=600), "parallax_error": np.full(600, 1.0)}
    bad = row(companions_found(noisy), companions_found(noisy).rows[-1][0])
    assert float(bad["recall"].rstrip(" %")) < 50


def test_zero_points_are_means_by_g():
    data = both(
        {"g_gaia": 12.0, "parallax_offset_true": -0.07},
        {"g_gaia": 12.1, "parallax_offset_true": -0.05},
        {"g_gaia": 12.2, "parallax": np.nan, "parallax_offset_true": 5.0},
    )
    wanted = ["2", "-0.060", "-0.050", "-0.050", "-0.060"]
    assert line(zero_points(data), "G 11.5 to 12.5") == wanted


@pytest.mark.parametrize("ask", [with_best, modes])
def test_a_catalog_without_best_mode_has_no_such_section(con, ask):
    assert not ask(con, compared({}))


def test_reddening_of_both_modes_and_r_v():
    """Paper off by -0.1, 0, 0.1; best by half of it; R_V follows the truth by half, of the bands alone
    by all of it.
    """
    stars = [{"ebv": 1 + off, "best_ebv": 1 + off / 2, "true_ebv": 1.0, "ebv_err": 0.1,
        "r_v": 3 + off / 2, "r_v_likelihood": 3 + off, "true_r_v": 3 + off} for off in (-0.1, 0.0, 0.1)]  # fmt: skip
    cells = line(reddenings(both(*stars)), "all")
    assert cells == ["3", "0.000", "0.148", "1.483", "0.000", "0.074", "3.707", "0.50"]
    cells = line(reddenings(both(*stars)), "R_V, slope 0.50")
    assert cells == ["3", "-", "-", "-", "0.000", "0.074", "0.741", "-"]
    cells = line(reddenings(both(*stars)), "R_V_likelihood, slope 1.00")
    assert cells == ["3", "-", "-", "-", "0.000", "0.000", "0.000", "-"]


def test_kinds_of_emission_beside_what_is_true():
    disc = {"has_emission": 1, "em_flag": 1, "best_em_flag": 1, "emission_kind": "disc"}
    data = both(disc, disc | {"em_flag": 0, "emission_kind": "wind"}, {"em_flag": 1})
    cells = line(kinds_of_emission(data), "emission: Be")
    assert cells == ["2", "50.0 %", "100.0 %", "50.0 %", "0.0 %", "50.0 %", "0.0 %"]
    assert line(kinds_of_emission(data), "emission: none")[:3] == ["1", "100.0 %", "0.0 %"]


def test_weak_emission_found_and_named():
    """At S/N 70 two of three of 1 to 2 A, one named rightly; the third is no O or B star's."""
    weak = {"snr_g": 70.0, "has_emission": 1, "true_ew": 1.5, "best_em_flag": 1}
    data = both(
        weak | {"emission_kind": "disc"},
        weak | {"emission_kind": "wind"},
        weak | {"best_em_flag": 0},
        weak | {"kind": "subdwarf"},
        weak | {"is_erroneous": 1},
        weak | {"true_ew": 4.0, "is_nebular": 1, "emission_kind": "nebular"},
        {"snr_g": 70.0},
        {"snr_g": 70.0, "best_em_flag": 1},
    )
    cells = line(best_emission(data), "S/N 60 to 100")
    assert cells == ["3", "66.67 %", "1", "100.00 %", "2", "50.00 %", "3", "66.67 %"]


def test_faults_named_and_other_stars_warned_of():
    spoiled = {"is_erroneous": 1, "erroneous_kind": "sky", "fault": "sky"}
    data = both(
        spoiled,
        spoiled | {"fault": ""},
        {"fault": "arm moved", "snr_g": 20.0},
        {"best_out_of_domain": 1},
        {"kind": "subdwarf", "best_out_of_domain": 1},
        {"kind": "subdwarf", "uniqflag": 2},
        {"kind": "interloper"},
        {"true_teff": 8300.0, "best_out_of_domain": 1},
    )
    section = best_faults(data)
    assert line(section, "spoiled: sky") == ["2", "50.00 %", "0.00 %"]
    assert line(section, "sound") == ["6", "16.67 %", "50.00 %"]
    assert line(section, "sound, S/N from 30") == ["5", "0.00 %", "60.00 %"]
    assert line(section, "O and B stars") == ["2", "50.00 %", "50.00 %"]
    assert line(section, "drawn with them, cooler") == ["1", "0.00 %", "100.00 %"]
    assert line(section, "subdwarf") == ["1", "0.00 %", "100.00 %"]
    assert line(section, "all but stars drawn as O and B") == ["2", "0.00 %", "50.00 %"]


def test_velocities_of_quiet_pairs():
    """Visits of one star in their order, whatever the order of the rows; sqrt(3^2 + 4^2) = 5."""
    data = both(
        {"star_id": "B", "uniqflag": 2, "best_rv": 10.0, "best_rv_err": 4.0},
        {"star_id": "A", "uniqflag": 1, "best_rv": 5.0},
        {"star_id": "B", "uniqflag": 1, "best_rv": 0.0},
        {"star_id": "A", "uniqflag": 2, "best_rv": 0.0, "best_rv_err": 4.0},
        {"star_id": "C", "uniqflag": 1, "fault": "sky"},
        {"star_id": "C", "uniqflag": 2, "best_rv": 99.0},
        {"star_id": "D", "uniqflag": 1, "is_binary": 1.0},
        {"star_id": "D", "uniqflag": 2, "is_binary": 1.0, "best_rv": 90.0, "best_rv_err": 4.0},
    )
    # pulls of -1 and 2
    assert line(best_velocities(data), "single") == ["2", "5.0", "11.1", "2.22", "2.12"]
    assert line(best_velocities(data), "binary")[:2] == ["1", "5.0"]
