"""Steps of best mode whose columns all differ: velocities, faults, emission and estimates of one
star each, by hand; a macro of numbers stands for each kernel.
"""

import math

import pytest
from test_every_column import alike, assert_from, one_row, only_row
from test_golden import file_of

from obcat import db
from obcat.schema import columns_of

PIXEL = 299792.458 * 1e-4 * math.log(10)  # km/s
SHIFT = {"shift": 0.5, "shift_err": 1.5, "shift_blue": 1.0, "shift_red": -2.0}


def rows(con, relation: str) -> list[dict[str, object]]:
    db.run(con, file_of(relation))
    return con.sql(f"FROM {relation} ORDER BY specid").to_arrow_table().to_pylist()


def fill_view(con, fill, view: str, given: dict[str, object]) -> None:
    """One row in place of what a view makes."""
    con.execute(f"CREATE TEMP TABLE like_it AS FROM {view} LIMIT 0; DROP VIEW {view}")
    con.execute(f"CREATE TABLE {view} AS FROM like_it; DROP TABLE like_it")
    fill(con, view, [given])


def velocities(con, fill, *shifts: dict[str, float]) -> list[dict[str, object]]:
    con.execute("CREATE TEMP MACRO velocity_error(e) AS struct_pack(rv_err := 2 * e)")
    names = [f"s{i}" for i in range(len(shifts))]
    given = [SHIFT | shift | {"specid": n} for n, shift in zip(names, shifts, strict=True)]
    fill(con, "visits.shifts", given)
    fill(con, "raw.headers", [{"specid": n, "z": 10 / 299792.458} for n in names])
    return rows(con, "visits.velocities")


def test_velocities_are_those_of_the_header_and_of_each_shift(con, fill):
    (found,) = velocities(con, fill, {})
    wanted = {
        "rv": 10 + 0.5 * PIXEL, "rv_err": 3.0, "rv_blue": 10 + PIXEL, "rv_red": 10 - 2 * PIXEL,
    }  # fmt: skip
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, rel=1e-12), name


def test_a_shift_that_is_hardly_known_is_none(con, fill):
    assert velocities(con, fill, {"shift_err": 7.0}, {"shift_err": 9.0}) == []


@pytest.mark.parametrize(
    ("blue", "red", "gain"),
    [(500, 0, 40), (0, -400, 30), (500, -400, 40), (200, -200, 0), (500, 400, 0), (100, 0, 0)],
)
def test_the_gain_is_that_of_an_arm_that_moved_alone(con, fill, blue, red, gain):
    """More than 300 km/s from the star, and as much from the other arm."""
    arms = {"arm_blue": blue, "arm_red": red, "arm_gain_blue": 40.0, "arm_gain_red": 30.0}
    (found,) = velocities(con, fill, arms)
    assert found["arm_gain"] == gain


@pytest.mark.parametrize(
    ("measured", "fault"),
    [
        ({}, None),
        ({"arm_gain": 25.0, "arm_step": 5.5, "sky_sum": 9.0, "clean_chi2": 4.0}, None),
        ({"arm_gain": 25.1}, "arm moved"),
        ({"arm_step": 5.6}, "arms apart"),
        ({"arm_step": -5.6}, "arms apart"),
        ({"sky_sum": -9.1}, "sky"),
        ({"level": 0.0}, "sky"),
        ({"clean_chi2": 4.1}, "unlike any star"),
        ({"arm_gain": 26.0, "clean_chi2": 5.0, "level": -1.0}, "arm moved; sky; unlike any star"),
    ],
)
def test_faults_are_told_by_name(con, fill, measured, fault):
    con.execute(
        "CREATE TEMP MACRO fault_significances(step, sky, ebv, teff, snr) AS "
        "struct_pack(step_z := step, sky_z := sky)"
    )
    given = {"arm_gain": 1.0, "arm_step": 1.0, "sky_sum": 2.0, "level": 3.0, "clean_chi2": 1.0}
    given |= measured
    fill(con, "sample.visits", [{"specid": "a", "star_id": "S", "uniqflag": 1, "snr_g": 30.0}])
    for table, names in (
        ("visits.levels", "arm_step sky_sum level"),
        ("visits.velocities", "arm_gain"),
        ("emission.lines", "clean_chi2"),
    ):
        fill(con, table, [alike(given, names) | {"specid": "a"}])
    (found,) = rows(con, "visits.faults")
    wanted = alike(given, "arm_gain clean_chi2") | {
        "step_z": given["arm_step"], "sky_z": given["sky_sum"], "fault": fault,
    }  # fmt: skip
    assert_from(found, wanted, "visits.faults")


FEATURES = {
    "halpha_significance": 5.0, "halpha_ew": 8.0, "halpha_ew_err": 0.5, "wide_ew": 12.0,
    "wide_ew_err": 0.75, "inner_ratio": 0.95, "inner_ratio_err": 0.05, "nitrogen_ratio": 0.30,
    "nitrogen_ratio_err": 0.06, "sulphur_ratio": 0.20, "sulphur_ratio_err": 0.07,
    "iron_ratio": 0.01, "iron_ratio_err": 0.08, "gravity": 3.3, "gravity_err": 0.2,
}  # fmt: skip
OF_DISC = {"inner_ratio": 0.72, "nitrogen_ratio": 0.02, "sulphur_ratio": -0.01}
TERMS = ("inner", "nitrogen", "sulphur", "iron", "gravity")


def emission(con, fill, **changes: float | None) -> dict[str, object]:
    """What becomes of one spectrum with these features."""
    row = {"specid": "a"} | FEATURES | changes
    fill_view(con, fill, "lines.features", row)
    db.run(con, file_of("lines.kinds"))
    fill(con, "emission.lines", [{"specid": "a", "em_flag": 1}])
    fill(
        con, "lines.peaks",
        [{"specid": "a", "peak_separation": 250.0, "peak_separation_err": 25.0}],
    )  # fmt: skip
    (found,) = rows(con, "lines.emission")
    return found


def probabilities(con, given: dict[str, float]) -> dict[str, float]:
    """Student's t of four degrees of freedom for each feature, times how common a kind is."""
    kinds = con.sql("FROM lines.kinds").to_arrow_table().to_pylist()
    density = {}
    for kind in kinds:
        density[kind["kind"]] = kind["prior"]
        for term in TERMS:
            name = term if term == "gravity" else f"{term}_ratio"
            variance = given[f"{name}_err"] ** 2 + kind[f"{term}_scatter"] ** 2
            off = (given[name] - kind[f"{term}_mean"]) ** 2 / variance
            density[kind["kind"]] *= variance**-0.5 * (1 + off / 4) ** -2.5
    return {kind: value / sum(density.values()) for kind, value in density.items()}


@pytest.mark.parametrize(("changes", "kind"), [({}, "nebular"), (OF_DISC, "disc")])
def test_the_kind_of_emission_is_the_likeliest(con, fill, changes, kind):
    found = emission(con, fill, **changes)
    shares = probabilities(con, FEATURES | changes)
    assert found["emission_kind"] == kind == max(shares, key=lambda k: shares[k])
    assert found["p_kind"] == pytest.approx(shares[kind], rel=1e-9)


def test_a_wide_line_is_measured_wide_unless_it_is_of_a_nebula(con, fill):
    wide = {"halpha_ew": 12.0, "halpha_ew_err": 0.75, "peak_separation": 250.0}
    wide |= {"peak_separation_err": 25.0, "halpha_significance": 5.0, "em_flag": 1}
    assert_from(emission(con, fill, **OF_DISC), wide, "of a disc")


def test_a_nebula_has_no_two_peaks(con, fill):
    narrow = {"halpha_ew": 8.0, "halpha_ew_err": 0.5, "peak_separation": None}
    assert_from(emission(con, fill), narrow | {"peak_separation_err": None}, "of a nebula")


def test_a_line_that_is_hardly_wider_is_measured_as_it_is(con, fill):
    found = emission(con, fill, **OF_DISC, wide_ew=10.0)  # 2 is less than 3 times 0.75
    assert_from(found, {"halpha_ew": 8.0, "halpha_ew_err": 0.5}, "of a disc")


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"halpha_significance": 2.5}, 0),  # not more than the threshold
        ({"halpha_significance": None}, 1),  # masked: what paper mode says
        ({"halpha_significance": 3.1, "halpha_ew": -0.5}, 1),
    ],
)
def test_the_kind_is_told_of_emission_alone(con, fill, changes, flag):
    found = emission(con, fill, **changes)
    assert (found["em_flag"], found["emission_kind"], found["p_kind"]) == (flag, None, None)


def test_estimates_are_those_of_the_posterior(con, fill):
    names = ("posterior.magnitudes", "posterior.distances")
    given = {}
    for number, table in enumerate(names):
        columns = [c for c in columns_of(table) if c.type == "DOUBLE" and not c.size]
        row = {c.column: 0.1 + (40 * number + i) / 128 for i, c in enumerate(columns)}
        given |= row
        fill(con, table, [row | {"specid": "a"}])
    fill(con, "sample.visits", [{"specid": "a", "star_id": "S", "uniqflag": 1}])
    found = only_row(con, "catalog.best_estimates")
    half = {"mk_err": (given["mk_high"] - given["mk_low"]) / 2}
    wanted = {name: half.get(name, given.get(name)) for name in found if name != "specid"}
    assert None not in wanted.values()
    assert_from(found, wanted, "catalog.best_estimates")


LINES = {"em_flag": 1, "halpha_ew": 10.0, "emission_kind": "disc"}


@pytest.mark.parametrize(
    ("lines", "excess", "ks", "variance"),
    [
        (LINES, 0.02, 10.095, 0.02**2 + 0.0475**2),
        (LINES | {"emission_kind": "nebular"}, 0.02, 10.0, 0.02**2),
        (LINES | {"em_flag": 0}, 0.02, 10.0, 0.02**2),
        (LINES, 0.3, 10.3, 0.03**2),  # beyond doubt: the other bands predict it
        (LINES | {"halpha_ew": 40.0}, 0.3, 10.38, 0.02**2 + 0.19**2),  # it hides the rest
    ],
)
def test_the_light_of_a_disc_is_taken_off(con, fill, lines, excess, ks, variance):
    fill(con, "sample.visits", [{"specid": "a", "star_id": "S", "uniqflag": 1, "snr_g": 50.0}])
    fill(con, "sample.stars", [{"star_id": "S", "specid": "a", "ks": 10.0, "ks_err": 0.02}])
    fill(con, "lines.emission", [{"specid": "a", **lines}])
    dust = {"star_id": "S", "a_ks": 0.1, "a_ks_err": 0.01, "excess_ks": excess}
    dust |= {"excess_ks_err": 0.05, "ks_model": 10 + excess, "ks_model_err": 0.03}
    fill(con, "reddening.dust", [dust])
    columns = "ks0 + 0.1, ks0_err ** 2 - 0.01 ** 2 - 0.005 ** 2"
    (found,) = con.sql(f"SELECT {columns} FROM posterior.inputs").fetchall()
    assert found == pytest.approx((ks, variance), abs=1e-9)


@pytest.mark.parametrize("freed", [None, 2.0])
def test_luminosity_is_told_from_what_is_left_without_a_nebula(con, fill, freed):
    fill(con, "sample.visits", [{"specid": "a", "star_id": "S", "uniqflag": 1, "snr_g": 50.0}])
    fill(con, "sample.stars", [{"star_id": "S", "specid": "a"}])
    fill(con, "spectra.scores", [{"specid": "a", "score_full": [1.0] * 100}])
    if freed:
        fill(con, "lines.nebula_free", [{"specid": "a", "score_full": [freed] * 100}])
    (found,) = con.sql("SELECT score FROM posterior.inputs").fetchall()
    assert found == ((freed or 1.0,) * 30,)


def test_nebulae_alone_are_taken_off(con, fill):
    con.execute("CREATE TEMP MACRO nebula_free_score(f, i) AS struct_pack(score_full := f[1:100])")
    pixels = {name: [0.0] * 3909 for name in ("flux", "ivar")}
    kinds = {"a": "nebular", "b": "disc", "c": None}
    fill(con, "spectra.normalised", [{"specid": x} | pixels for x in kinds])
    fill(con, "lines.emission", [{"specid": x, "emission_kind": k} for x, k in kinds.items()])
    assert [row["specid"] for row in rows(con, "lines.nebula_free")] == ["a"]


@pytest.mark.parametrize(
    ("source", "g", "wanted"),
    [("constant", 12.0, -0.053), ("constant", None, -0.05), ("lindegren_2021", 12.0, -0.05)],
)
def test_the_published_zero_point_of_dr2_follows_magnitude_and_colour(con, fill, source, g, wanted):
    """0.151 mas um times the wavenumber above 1.6 per um: 1.76 - 1.61 / pi arctan(0.531 x 0.4)."""
    fill_view(con, fill, "stage.zero_point", {"source_id": 7, "zero_point_source": source})
    fill(con, "sample.visits", [{"specid": "a", "star_id": "S", "uniqflag": 1, "snr_g": 50.0}])
    star = {"star_id": "S", "specid": "a", "source_id": 7, "g_gaia": g, "parallax": 1.0}
    fill(con, "sample.stars", [star | {"parallax_offset": -0.05}])
    fill(con, "reddening.photometry", [{"star_id": "S", "bp": 12.3, "rp": 11.9}])
    colour = 0.151 * (0.16 - 1.61 / math.pi * math.atan(0.531 * 0.4))
    wanted += colour if source == "constant" and g else 0.0
    columns = "published_offset, parallax_corrected"
    (found,) = con.sql(f"SELECT {columns} FROM posterior.inputs").fetchall()
    assert found == pytest.approx((wanted, 1 - wanted), abs=1e-9)


OF_BEST = {
    "visits.velocities": "rv rv_err rv_blue rv_red",
    "lines.emission": "halpha_ew halpha_ew_err halpha_significance emission_kind p_kind "
    "peak_separation peak_separation_err",
    "reddening.dust": "ebv ebv_err a_ks a_ks_err r_v r_v_err n_bands chi2 worst_z ks_model "
    "r_v_likelihood r_v_likelihood_err ks_model_err excess_j excess_j_err excess_h excess_h_err excess_ks excess_ks_err",
    "extinction.best_labels": "teff teff_err logg logg_err feh feh_err",
    "stars.variability": "n_visits ln_bf_rv ruwe_z",
}
AS_IN_PAPER_MODE = (
    "fitsname ra dec obsid gaia_id gaia_name parallax parallax_error pmra pmra_error pmdec "
    "pmdec_error ruwe j j_err h h_err ks ks_err snr_g star_id uniqflag zero_point"
)


def test_best_mode_has_every_column_from_its_source(con, fill):
    paper = one_row("catalog.ob_stars") | {"specid": "a", "star_id": "S", "uniqflag": 1}
    fill(con, "catalog.ob_stars", [paper])
    keys = {"specid": "a", "star_id": "S"}
    wanted = alike(paper, AS_IN_PAPER_MODE)
    for number, (table, names) in enumerate(OF_BEST.items()):
        row = {c.column: _value(c, number, i) for i, c in enumerate(columns_of(table))}
        row |= {k: v for k, v in keys.items() if k in row}
        if table == "extinction.best_labels":
            fill_view(con, fill, table, row)
        else:
            fill(con, table, [row])
        wanted |= alike(row, names)
    fill(con, "visits.faults", [{"specid": "a", "fault": None}])
    fill(con, "sample.visits", [keys | {"uniqflag": 1}])
    fill(con, "posterior.magnitudes", [{"specid": "a", "mk": 0.5, "mk_spec": 0.25}])
    fill(con, "posterior.distances", [{"specid": "a", "dis": 0.75}])
    (found,) = rows(con, "catalog.ob_stars_best")
    assert_from(found, wanted, "catalog.ob_stars_best")
    numbers = [v for v in wanted.values() if isinstance(v, float)]
    assert len(set(numbers)) == len(numbers)  # or a swapped pair would not be seen


def _value(column, table: int, number: int) -> object:
    """One that no other column of these tables has; probabilities below 1."""
    if column.type == "VARCHAR":
        return "disc"
    if column.type != "DOUBLE":
        return 1 if column.max == "1" else 1 + number
    return (number + 1) / 64 if column.max == "1" else 200 + 40 * table + number + 1 / 64
