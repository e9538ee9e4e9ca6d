"""What the figures draw: the points, lines, counts and titles of invented stars,
worked out by hand.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from obcat import db
from obcat.evaluate.composites import Library
from obcat.kernels.grid import N_PIXEL, WAVELENGTH, clean_pixels
from obcat.reading import Reading, answer_arrays, method_parameters, open_database
from obcat.report import Look, binaries, distances, eigenspectra, magnitudes, points, shown
from obcat.report.eigenspectra import flow
from obcat.report.figures import FIGURES
from obcat.report.page import judgements

N = 40


def star(i: int) -> dict:
    """Star i: 20 test stars, the last of low S/N, 15 that train, 5 of neither;
    every fourth emits, every fifth is binary.
    """
    mk_geo = -2 + 0.05 * i
    return {
        "specid": f"5{i:04d}-P-01-{i:03d}", "star_id": f"S{i}", "uniqflag": 1,
        "snr_g": 60.0 if i < 30 and i != 19 else 25.0, "em_flag": int(i % 4 == 0),
        "binary_flag": None if i == 7 else int(i % 5 == 0), "erroneous": int(i >= 28),
        "mk_geo": mk_geo, "mk": mk_geo + 0.13 * (i % 3 + 1), "mk_geo_err": 0.25, "mk_err": 0.5,
        "teff": 10000.0 + 500 * i, "logg": 4.0, "feh": 0.0, "rv": 10.0 + i, "rv_err": 2.0,
        "parallax": 1.0, "parallax_corrected": 0.9 if i % 2 else 1.25,
        "parallax_error": 0.1 if i % 2 else 0.25, "dis": 1.0 + i / 100, "dis_low": 0.8,
        "dis_high": 1.4, "x": -8.0 - i / 10, "y": i / 10.0, "quality": 0, "ebv": 0.5,
        "ruwe": 1.0 + i / 100, "snr_dparallax": i / 10.0, "halpha_chi2": float(i),
        "clean_chi2": 100.0 - i, "simulated": 1, "ra": 200.0, "dec": 40.0, }  # fmt: skip


def second(row: dict) -> dict:
    """A second visit: of no figure but those of all spectra."""
    return row | {
        "specid": f"6{row['specid'][1:]}",
        "uniqflag": 2,
        "mk": 9.0,
        "ebv": 3.0,
        "dis": 25.0,
    }


@pytest.fixture(scope="module")
def survey(template, tmp_path_factory, fill) -> Reading:
    path = Path(shutil.copy(template, tmp_path_factory.mktemp("figures") / "obcat.duckdb"))
    with db.connect(path) as con:
        bits = dict(con.execute("SELECT name, bit FROM meta.quality_bits").fetchall())
        rows = [
            star(i)
            | {"quality": bits["distance_edge"] if i == 3 else bits["no_ks"] if i == 4 else 0}
            for i in range(N)
        ]
        visits = [second(rows[0]), second(rows[1])]
        visits[0] |= {"ra": 92.95450, "dec": 22.82575 + 2.9 / 3600}
        visits[1] |= {"ra": 92.95450, "dec": 22.82575 + 3.1 / 3600}
        con.execute("INSERT INTO meta.survey (name, simulated) VALUES ('hand', 1)")
        fill(con, "catalog.ob_stars", [*rows, *visits])
        fill(con, "luminosity.good_parallax", [
            {"specid": r["specid"], "star_id": r["star_id"], "em_flag": r["em_flag"],
            "is_train": int(i >= 20)}
            for i, r in enumerate(rows[:35])])  # fmt: skip
        fill(
            con,
            "luminosity.supplement",
            [{"specid": f"t{i}", "star_id": f"t{i}", "is_train": int(i < 3)} for i in range(5)],
        )
        for table, key, name, known in (
            ("distance.distances", "specid", "dis", 7),
            ("luminosity.magnitudes", "specid", "mk", 6),
            ("binarity.excess", "specid", "binary_flag", 5),
            ("extinction.reddening", "star_id", "ebv", 4),
        ):
            rows = [{key: str(i), name: 1 if i < known else None} for i in range(10)]
            fill(con, table, rows)
        fill(con, "emission.lines", [{"specid": str(i), "em_flag": int(i < 3)} for i in range(10)])
        fill(
            con,
            "raw.files",
            [{"path": str(i), "status": "quarantined" if i < 2 else "ingested"} for i in range(11)],
        )
        fill(con, "raw.headers", [{"specid": str(i)} for i in range(9)])
        fill(con, "model.noise_chain", chain())
    with open_database(path) as opened:
        yield opened


def chain() -> list[dict]:
    """Steps 0 to 299, 0 to 1 in alpha beyond the burnt third; of stars with emission all 7."""
    plain = [
        {"em_flag": 0, "step": i, "walker": 0, "alpha": (i - 100) / 200 if i >= 100 else 5.0,
         "beta": i / 300, "sigma_int": 0.2 + i / 3000,
         "sigma_100": 0.1 + i / 3000} for i in range(301)
    ]  # fmt: skip
    names = ("alpha", "beta", "sigma_int", "sigma_100")
    emission = [
        {"em_flag": 1, "step": i, "walker": 1, **dict.fromkeys(names, 7.0)} for i in range(301)
    ]
    return plain + emission


def drawn(figure: Figure, survey: Reading, draw: Callable) -> Figure:
    draw(figure, survey)
    return figure


def panel(draw: Callable, data: dict) -> Axes:
    axes = Figure().subplots()
    draw(axes, data)
    return axes


def offsets(axes: Axes, label: str) -> np.ndarray:
    """The points of the group whose label begins so."""
    (found,) = [
        c
        for c in axes.collections
        if isinstance(c, PathCollection) and str(c.get_label()).startswith(label)
    ]
    return np.asarray(found.get_offsets())


def labels(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def line(axes: Axes, label: str) -> tuple[np.ndarray, np.ndarray]:
    (found,) = [item for item in axes.lines if str(item.get_label()).startswith(label)]
    return np.asarray(found.get_xdata()), np.asarray(found.get_ydata())


def best(*rows: int) -> list[dict]:
    return [star(i) for i in rows]


def test_stars_of_the_figures_are_best_visits_with_the_corrected_parallax(survey):
    data = answer_arrays(survey.con, "report/stars")
    assert len(data["mk"]) == N
    assert set(data["parallax"]) == {0.9, 1.25}
    assert data["distance_edge"].tolist() == [float(i == 3) for i in range(N)]
    assert data["log_gf"][20] == pytest.approx(4 - 4 * np.log10(2.0))
    seen = answer_arrays(survey.con, "report/overview")
    assert (len(seen["mk"]), set(seen["parallax"])) == (N, {0.9, 1.25})
    assert seen["distance_edge"].tolist() == data["distance_edge"].tolist()


def test_flow_counts_what_each_box_names(survey):
    figure = drawn(Figure(), survey, flow)
    texts = [text.get_text().split("\n") for text in figure.axes[0].texts if text.get_text()]
    found = {title.split(" (")[0].split(":")[0]: count for title, count in texts}
    assert found == {
        "LAMOST spectra": "11 files", "rest frame, divided by continuum": "9 spectra",
        "PCA, emission lines": "3 spectra with emission", "labels and colours": "4 stars",
        "Gaia parallax": "15 training stars",
        "luminous stars from outside": "3 more of them", "two networks": "6 spectra",
        "noise model by MCMC": "20 test stars", "parallax excess": "5 spectra classified",
        "distance from both": "7 spectra", "the catalog": "42 rows", }  # fmt: skip


def test_erroneous_spectra_are_the_worst_of_good_snr(survey, fill):
    """Of those above S/N 30 (stars 28 and 29): both; star 39 is worse and fainter."""
    names = [r["specid"] for r in best(28, 29, 39)]
    query = (Path(db.__file__).parent / "sql/report/erroneous.sql").read_text(encoding="utf-8")
    ranked = (
        query[query.index("WITH") : query.index("SELECT c.specid")]
        + "SELECT specid FROM chosen ORDER BY 1"
    )
    assert [row[0] for row in survey.con.execute(ranked).fetchall()] == names[:2]


def test_lb_1_is_what_lies_within_three_arcsec(survey):
    data = answer_arrays(survey.con, "report/lb_1")
    assert data["specid"].tolist() == [second(star(0))["specid"]]
    assert data["lmjd"].tolist() == [60000]
    assert data["log_gf"][0] == pytest.approx(4.0)


def test_lb_1_shows_its_own_errors_and_the_geometric_band(survey):
    figure = drawn(Figure(), survey, binaries.visits)
    top, bottom = figure.axes
    (spec,), (velocity,) = top.containers, bottom.containers
    assert spec.lines[0].get_ydata().tolist() == [9.0]
    assert np.ptp(spec.lines[2][0].get_segments()[0][:, 1]) == pytest.approx(2 * 0.5)
    assert velocity.lines[0].get_ydata().tolist() == [10.0]
    assert np.ptp(velocity.lines[2][0].get_segments()[0][:, 1]) == pytest.approx(2 * 2.0)
    assert line(top, r"$M_{\rm geo}$")[1][0] == -2.0
    assert top.patches[0].get_height() == pytest.approx(2 * 0.25)


def test_quality_counts_the_rows_that_have_the_bit(survey):
    query = (Path(db.__file__).parent / "sql/report/quality.sql").read_text(encoding="utf-8")
    found = {name: n for _, name, _, n in survey.con.execute(query).fetchall()}
    assert {name: n for name, n in found.items() if n} == {"distance_edge": 1, "no_ks": 1}


def test_chain_is_of_stars_without_emission_and_its_first_third_is_left_out(survey):
    data = answer_arrays(survey.con, "report/chain")
    assert len(data["alpha"]) == 201
    assert (data["alpha"].min(), data["alpha"].max()) == (0.0, 1.0)


def test_corner_plot_names_middle_and_68_per_cent(survey):
    """alpha is evenly spread from 0 to 1: middle 0.5, 16 and 84 per cent at 0.16 and 0.84."""
    figure = drawn(Figure(), survey, magnitudes.corner_plot)
    alone = figure.axes[0]
    assert alone.get_title().splitlines() == ["α", "0.500 +0.340 −0.340"]
    assert [item.get_xdata()[0] for item in alone.lines] == pytest.approx([0.16, 0.5, 0.84])
    assert [axes.get_xlabel() for axes in figure.axes[-4:]] == list(magnitudes.NAMES.values())


def test_magnitudes_of_test_stars_by_emission(survey):
    figure = drawn(Figure(), survey, magnitudes.against_geometry)
    plain, emission, below, _ = figure.axes
    for axes, flag in ((plain, 0), (emission, 1)):
        wanted = [(r["mk_geo"], r["mk"]) for r in best(*range(19)) if r["em_flag"] == flag]
        assert offsets(axes, "") == pytest.approx(np.array(wanted))
    every = [0.13 * (i % 3 + 1) for i in range(19) if i % 4]
    single = [0.13 * (i % 3 + 1) for i in range(19) if i % 4 and i % 5 and i != 7]
    for values, text in ((every, "all"), (single, "not flagged binary")):
        scatter = 1.4826 * np.median(np.abs(np.array(values) - np.median(values)))
        (found,) = [t for t in labels(below) if t.startswith(text)]
        assert found == f"{text}: σ = {scatter:.2f} mag"
    counts, single_counts = (_stairs(patch) for patch in below.patches)
    assert counts == sorted_counts(every)
    assert single_counts == sorted_counts(single)


def sorted_counts(values: list[float]) -> dict[float, int]:
    """How many residuals lie in the bin of 0.1 mag that begins there."""
    n = np.histogram(values, np.linspace(-2, 2, 41))[0]
    return {
        round(float(low), 3): int(k) for low, k in zip(np.linspace(-2, 2, 41), n, strict=False) if k
    }


def _stairs(patch) -> dict[float, int]:
    """Left edge -> height of a histogram drawn as steps."""
    x, y = patch.get_xy().T
    return {round(float(x[k]), 3): int(y[k]) for k in range(1, len(x) - 1, 2) if y[k]}


def test_residuals_against_labels_are_spectroscopic_less_geometric(survey):
    figure = drawn(Figure(), survey, magnitudes.against_labels)
    wanted = [(r["teff"], r["mk"] - r["mk_geo"]) for r in best(*range(19)) if r["em_flag"] == 0]
    assert offsets(figure.axes[0], "no emission") == pytest.approx(np.array(wanted))


def test_gravity_shows_binaries_apart_and_geometric_magnitudes_of_good_parallaxes(survey):
    figure = drawn(Figure(), survey, magnitudes.gravity)
    left, right = figure.axes
    assert len(offsets(left, "binary")) == 8
    assert len(offsets(left, "single or unknown")) == 32
    assert len(offsets(right, "binary")) + len(offsets(right, "single")) == 35
    assert offsets(left, "binary")[1] == pytest.approx((4 - 4 * np.log10(1.25), star(5)["mk"]))


def test_excess_is_told_by_precision_and_flag(survey):
    """Parallaxes of 0.9 over 0.1 are below ten, as are those of 1.25 over 0.25;
    so all are imprecise here.
    """
    figure = drawn(Figure(), survey, binaries.excess)
    left, right = figure.axes
    nsigma = method_parameters(survey.con)["binary_nsigma"]
    assert {"ϖ/σ > 10 (0)", "ϖ/σ ≤ 10 (40)", "all (40)", f"binary above {nsigma:g}"} <= set(
        labels(left)
    )
    x, gauss = line(left, "all, were it noise alone")
    assert gauss[np.argmin(np.abs(x))] == pytest.approx(40 * 0.2 / np.sqrt(2 * np.pi))
    assert gauss[np.argmin(np.abs(x - 2))] == pytest.approx(
        40 * 0.2 * np.exp(-2) / np.sqrt(2 * np.pi)
    )
    assert sum(_stairs(left.patches[-1]).values()) == 40
    assert len(offsets(right, "single")) == 31  # 40 less 8 binaries and one unknown
    assert offsets(right, "binary")[1] == pytest.approx((1.05, 0.5))


def test_distances_are_counted_and_their_errors_are_half_the_interval(survey):
    figure = drawn(Figure(), survey, distances.errors)
    left, right = figure.axes
    every, binary = (sum(_stairs(patch).values()) for patch in left.patches)
    assert (every, binary) == (40, 8)
    kept = [i for i in range(N) if i % 5 and i not in (3, 7)]
    both, alone = offsets(right, "spectrum and parallax"), offsets(right, "parallax alone")
    assert both == pytest.approx(np.array([(1 + i / 100, 0.3 / (1 + i / 100)) for i in kept]))
    assert alone[:, 1] == pytest.approx([0.1 / 0.9 if i % 2 else 0.2 for i in kept])
    assert line(right, "paper at 15 kpc")[1].tolist() == [0.14]


def test_running_medians_are_medians_of_ten_or_more():
    x, y = np.full(11, 1.0), np.append(np.arange(10.0), 1000.0)
    assert distances.running_median(x, y) == ([1.0], [5.0])
    assert distances.running_median(x[:10], y[:10]) == ([1.0], [4.5])
    assert distances.running_median(x[:9], y[:9]) == ([], [])


def test_the_map_leaves_out_distances_that_the_largest_one_cuts(survey):
    figure = drawn(Figure(), survey, distances.plane)
    wanted = [(-8.0 - i / 10, i / 10.0) for i in range(N) if i != 3]
    assert offsets(figure.axes[0], "stars") == pytest.approx(np.array(wanted))


def test_overview_draws_test_stars_and_kinds(survey):
    data = answer_arrays(survey.con, "report/overview")
    geometry = panel(distances.geometry, data)
    plain = [i for i in range(19) if i % 4]
    wanted = [(star(i)["mk_geo"], star(i)["mk"]) for i in plain]
    assert offsets(geometry, "no emission") == pytest.approx(np.array(wanted))
    off = np.array([0.13 * (i % 3 + 1) for i in plain])
    scatter = 1.4826 * np.median(np.abs(off - np.median(off)))
    assert (
        f"emission: {scatter:.2f} mag (paper 0.25 mag)".replace(" mag)", ")")
        in geometry.get_title()
    )
    diagram = panel(distances.hr_diagram, data)
    emission = [i for i in range(N) if i % 4 == 0 and i % 5]
    wanted = [(np.log10(10000 + 500 * i), star(i)["mk"]) for i in emission]
    assert offsets(diagram, "emission") == pytest.approx(np.array(wanted))
    assert len(offsets(diagram, "binary")) == 8
    assert len(offsets(diagram, "single or unknown")) == 40 - 8 - len(emission)


def test_overview_scatter_is_of_stars_without_emission():
    """Residuals 0, 1, 2 without emission, 9 and 9 with: median 1, scatter 1.4826;
    of all it would be twice that.
    """
    data = {name: np.zeros(5) for name in ("is_train", "mk_geo")} | {"snr_g": np.full(5, 60.0)}
    data |= {"mk": np.array([0.0, 1, 2, 9, 9]), "em_flag": np.array([0.0, 0, 0, 1, 1])}
    assert "emission: 1.48 mag" in panel(distances.geometry, data).get_title()


def test_reddening_beside_its_truth(survey, monkeypatch):
    """Best visits, measured less true: 0.1 without emission, -0.3 with;
    the second visit is off by 9.
    """
    data = {
        "uniqflag": np.array([1.0, 1, 1, 1, 2]), "em_flag": np.array([0.0, 0, 1, 1, 0]),
        "true_ebv": np.array([0.4, 0.5, 0.6, 0.8, 0.0]), "ebv": np.array([0.5, 0.6, 0.3, 0.5, 9.0]),
    }  # fmt: skip
    monkeypatch.setattr(magnitudes, "read_truth", lambda folder: {})
    monkeypatch.setattr(magnitudes, "beside_truth", lambda *_: data)
    figure = drawn(Figure(), survey, magnitudes.draw_reddening)
    left, middle, right = figure.axes
    assert offsets(left, "no emission").tolist() == [[0.4, 0.5], [0.5, 0.6]]
    assert offsets(left, "emission").tolist() == [[0.6, 0.3], [0.8, 0.5]]
    assert labels(middle) == ["no emission: +0.100 ± 0.000", "emission: -0.300 ± 0.000"]
    assert len(offsets(right, "stars")) == N


def library(n: int) -> Library:
    random = np.random.default_rng(2)
    stars = {"mk_geo": random.uniform(-3, 1, n), "teff": np.linspace(11000, 25000, n)}
    flux = np.outer(10 ** (-0.4 * stars["mk_geo"]), np.ones(N_PIXEL))
    return Library(stars, flux, np.ones((n, N_PIXEL)), stars["mk_geo"])


def test_composites_are_brighter_than_their_primary_by_the_light_of_both(survey, monkeypatch):
    """M of a sum of flat spectra is that of the light of both; the primary is the brighter one."""
    lib = library(60)
    monkeypatch.setattr(binaries, "library", lambda _: lib)
    monkeypatch.setattr(binaries, "survey_mk", lambda _, flux, ivar: -2.5 * np.log10(flux[:, 0]))
    figure = drawn(Figure(), survey, binaries.composites)
    drawn_points = [offsets(figure.axes[1], name) for name in ("late B", "B (", "above")]
    both = np.concatenate(drawn_points)
    assert both[:, 0].min() >= 0
    wanted = -2.5 * np.log10(1 + 10 ** (-0.4 * both[:, 0]))
    assert both[:, 1] == pytest.approx(wanted, abs=1e-6)
    (dashed,) = [x for x in figure.axes[1].lines if x.get_label() == "light of both stars"]
    x, y = dashed.get_data()
    assert y == pytest.approx(-2.5 * np.log10(1 + 10 ** (-0.4 * x)))
    near = offsets(figure.axes[0], "ΔM < 0.75")
    assert np.all(near[:, 0] - near[:, 1] > -2.5 * np.log10(1 / (1 + 10**-0.3)) - 1e-6)


def test_threshold_masks_and_windows_of_the_spectra(template, tmp_path, fill):
    """A masked pixel is not drawn; grey is what is not in the clean windows;
    the line is the fourth number.
    """
    path = Path(shutil.copy(template, tmp_path / "obcat.duckdb"))
    ivar = np.ones(N_PIXEL)
    ivar[2000] = 0
    with db.connect(path) as con:
        con.execute("INSERT INTO meta.survey (name, simulated) VALUES ('hand', 1)")
        fill(con, "catalog.ob_stars", [star(1)])
        fill(
            con,
            "spectra.normalised",
            [{"specid": star(1)["specid"], "flux": np.full(N_PIXEL, 1.25), "ivar": ivar}],
        )
        fill(con, "spectra.scores", [{"specid": star(1)["specid"], "score_clean": np.zeros(100)}])
        fill(con, "emission.lines", [{"specid": "a", "halpha_excess": 0.5,
            "halpha_significance": 9.0, "halpha_chi2": 2.0, "em_flag": 1, "erroneous": 0}])  # fmt: skip
        arrays = {
            "mean": np.ones(N_PIXEL), "scale": np.ones(N_PIXEL),
            "full_from_clean": np.zeros((100, N_PIXEL)),
            "excess_calibration": np.array([0.5, 1.5, 2.5, 3.5]), }  # fmt: skip
        for name, array in arrays.items():
            row = ["pca", name, array.dtype.str, list(array.shape), array.tobytes()]
            con.execute("INSERT INTO model.arrays VALUES (?, ?, ?, ?, ?)", row)
    with open_database(path) as survey:
        figure = drawn(Figure(), survey, eigenspectra.examples)
        lines = drawn(Figure(), survey, eigenspectra.excess)
        given = method_parameters(survey.con)
    x, y = line(figure.axes[0], "spectrum")
    assert np.isnan(y[x == WAVELENGTH[2000]]).all()
    assert np.nanmax(y) == np.nanmin(y) == pytest.approx(1.25)
    grey = figure.axes[0].collections[0].get_paths()
    clean = clean_pixels(given["pca_min_wavelength"], given["pca_max_wavelength"])
    inside = WAVELENGTH[np.flatnonzero(clean)[50]]
    assert not any(path.contains_point((inside, 0.5)) for path in grey)
    assert "threshold 3.5" in labels(lines.axes[1])
    assert offsets(lines.axes[0], "emission").tolist() == [[2.0, 0.5]]
    assert offsets(lines.axes[1], "emission").tolist() == [[2.0, 9.0]]


def test_points_that_are_not_known_are_not_counted():
    axes = Figure().subplots()
    x, y = np.array([1.0, np.nan, 3.0, 4.0]), np.array([1.0, 2.0, np.nan, 4.0])
    points(axes, x, y, np.array([True, True, True, False]), Look("stars", "black", "o", 4))
    assert axes.collections[0].get_label() == "stars (1)"
    assert np.asarray(axes.collections[0].get_offsets()).tolist() == [[1.0, 1.0]]


def test_an_axis_shows_all_but_a_few_in_a_thousand():
    low, high = shown(np.linspace(0, 1000, 1001), (0.0, 1.0))
    assert low == pytest.approx(3 - 0.06 * 994)
    assert high == pytest.approx(997 + 0.06 * 994)


def test_fractions_are_judged_against_their_own_tolerance(survey):
    """10 of 40 stars emit: 25 per cent, where the paper has 13;
    8 are binary: 20 per cent, paper 10.
    """
    found = {row.what.split(",")[0]: row for row in judgements(survey)}
    assert found["stars with emission"].verdict == "outside"
    assert found["stars with emission"].here == "25.0 % (10 of 40)"
    assert found["binary stars"].verdict == "outside"
    assert found["stars not found to be binary"].here == "77.5 % (31 of 40)"


def test_every_figure_has_its_own_drawing():
    assert len({drawing.draw for drawing in FIGURES}) == len(FIGURES) == 16
