"""M_spec against the truth and, as in the paper, against M_geo; the noise model beside the scatter
that is there; and what the choice of the parallax zero point does.
"""

import duckdb
import numpy as np
from numpy.typing import NDArray

from obcat import statistics as st
from obcat.evaluate import (
    MK_EDGES,
    PAPER_MIN_SNR,
    SNR_EDGES,
    STATED,
    bins,
    good_singles,
    paper_text,
    plain_singles,
)
from obcat.evaluate.truth import Compared
from obcat.reading import answer_arrays
from obcat.section import Section, decimals, percent
from obcat.statistics import Rows

__all__ = [
    "Posterior",
    "against_geometry",
    "against_true_parallaxes",
    "against_truth",
    "fitted_to_truth",
    "held_out_residuals",
    "model",
    "noise_posterior",
    "pulls",
    "zero_points",
]

Floats = NDArray[np.float64]


FINE_SNR_EDGES = (*SNR_EDGES[:-1], 200, np.inf)
COLUMNS = ("n", "bias mag", "robust scatter mag", "std mag", "claimed error mag")
PARAMETERS = ("alpha", "beta", "sigma_int", "sigma_100")
CLASSES = {0: "em_flag 0", 1: "em_flag 1"}
WIDE_SNR_EDGES = (10, 30, 50, 100, np.inf)
FEWEST = 20  # stars for four parameters
SNR_OF_SIGMA = 100

Posterior = dict[tuple[int, str], tuple[float, float]]


AGAINST_TRUTH_NOTE = """\
M_spec - M_true of stars that truly are single and without emission, best visit, S/N > 50 unless said;
bias is the median, robust scatter 1.4826 MAD. Rows by S/N or M hold the stars that did not train."""


def against_truth(data: Compared) -> Section:
    """M_spec - M of single stars without emission, by training and test stars, S/N and M."""
    note = AGAINST_TRUTH_NOTE
    singles, good = plain_singles(data), good_singles(data)
    unseen = data["is_train"] != 1
    groups = [
        ("training stars", good & (data["is_train"] == 1)),
        ("test stars (good parallax, held out)", good & (data["is_train"] == 0)),
        (
            "test stars in the networks' domain",
            good & (data["is_train"] == 0) & (data["out_of_domain"] == 0),
        ),
        ("stars without a good parallax", good & np.isnan(data["is_train"])),
        *(
            (label, singles & unseen & rows)
            for label, rows in bins("S/N", data["snr_g"], FINE_SNR_EDGES)
        ),
        *(
            (label, good & unseen & rows)
            for label, rows in bins("M_true", data["true_mk"], MK_EDGES)
        ),
    ]
    systems = (data["uniqflag"] == 1) & (data["snr_g"] > PAPER_MIN_SNR) & (data["is_train"] != 1)
    binary, emission = data["is_binary"] == 1, data["has_emission"] == 1
    return Section("absolute magnitude: M_spec - M_true", note, COLUMNS, [
        *(_row(label, data, rows, data["true_mk"]) for label, rows in groups),
        _row("binaries, against the primary", data, systems & binary & ~emission, data["true_mk"]),
        _row("binaries, against the system", data, systems & binary & ~emission,
        data["true_mk_system"]), _row("single stars with emission", data,
        systems & ~binary & emission, data["true_mk"]), ])  # fmt: skip


AGAINST_GEOMETRY_NOTE = (
    "M_spec - M_geo of test stars with good parallaxes, S/N > 50, by the catalog's own flags "
    "(paper Fig. 5)."
)


def against_geometry(data: Compared) -> Section:
    """M_spec - M_geo of test stars: what can be had without a truth, and what the paper shows."""
    note = AGAINST_GEOMETRY_NOTE
    test = (data["uniqflag"] == 1) & (data["is_train"] == 0) & (data["snr_g"] > PAPER_MIN_SNR)
    groups = [
        (f"em_flag 0 (paper {paper_text('scatter')})", test & (data["em_flag"] == 0)),
        ("em_flag 0, binary_flag 0", test & (data["em_flag"] == 0) & (data["binary_flag"] == 0)),
        ("em_flag 1", test & (data["em_flag"] == 1)),
    ]
    rows = [_row(label, data, rows, data["mk_geo"]) for label, rows in groups]
    return Section("absolute magnitude: M_spec - M_geo", note, COLUMNS, rows)


def held_out_residuals(data: Compared, true: str) -> NDArray[np.float64]:
    """M_spec minus a column of magnitudes for good single test stars."""
    rows = good_singles(data) & (data["is_train"] == 0)
    return data["mk"][rows] - data[true][rows]


def _row(label: str, data: Compared, rows: Rows, reference: NDArray[np.float64]) -> tuple[str, ...]:
    off = (data["mk"] - reference)[rows]
    spread = (
        st.bias(off),
        st.robust_scatter(off),
        st.standard_deviation(off),
        st.median(data["mk_err"][rows]),
    )
    return (label, str(np.isfinite(off).sum()), *map(decimals, spread))


def noise_posterior(con: duckdb.DuckDBPyConnection) -> Posterior:
    """Mean and standard deviation of the posterior by (em_flag, parameter)."""
    rows = con.execute("SELECT em_flag, parameter, mean, std FROM model.noise_summary").fetchall()
    return {(em_flag, parameter): (mean, std) for em_flag, parameter, mean, std in rows}


MODEL_NOTE = """\
M_spec ~ N((1 + alpha) M + beta, sigma_int^2 + (sigma_100 100 / S/N)^2). Catalog: from parallaxes,
mean and standard deviation of the posterior. Then, from M_spec and the true magnitudes of the systems: the
very stars used, the single ones among them, and all test stars, those dropped included.
A class with too few stars takes the numbers of the other."""


def model(data: Compared, posterior: Posterior) -> Section:
    """Parameters from the parallaxes, beside those from the true magnitudes of the same stars."""
    note = MODEL_NOTE
    columns = ("paper", "catalog", "+-", "same stars", "single of them", "all test stars")
    rows = [
        _parameter_row(name, em_flag, data, posterior) for em_flag in CLASSES for name in PARAMETERS
    ]
    return Section("noise model", note, columns, rows)


def _parameter_row(
    name: str, em_flag: int, data: Compared, posterior: Posterior
) -> tuple[str, ...]:
    kind = (data["em_flag"] == em_flag) & np.isfinite(data["noise_dropped"])
    used = kind & (data["noise_dropped"] == 0)
    samples = (used, used & (data["is_binary"] == 0), kind)
    fits = (
        fitted_to_truth(data["mk"][s], data["true_mk_system"][s], data["snr_g"][s]) for s in samples
    )
    paper = STATED[name].value if name in STATED and em_flag == 0 else np.nan
    values = (
        paper,
        *posterior.get((em_flag, name), (np.nan, np.nan)),
        *(fit[PARAMETERS.index(name)] for fit in fits),
    )
    return (f"{name}, {CLASSES[em_flag]}", *map(decimals, values))


def fitted_to_truth(mk: Floats, true: Floats, snr: Floats) -> Floats:
    """Most likely (alpha, beta, sigma_int, sigma_100) for magnitudes (n,) whose true values are
    known.

    NaN for fewer than 20 stars.
    """
    from scipy.optimize import minimize

    known = np.isfinite(mk) & np.isfinite(true) & (snr > 0)
    mk, true, snr = mk[known], true[known], snr[known]
    if len(mk) < FEWEST:
        return np.full(len(PARAMETERS), np.nan)

    def cost(theta: Floats) -> float:
        variance = theta[2] ** 2 + (theta[3] * SNR_OF_SIGMA / snr) ** 2 + np.finfo(float).tiny
        off = mk - (1 + theta[0]) * true - theta[1]
        return float(np.sum(off**2 / variance + np.log(variance))) / 2

    off = mk - true
    start = np.array([0.0, np.median(off), np.std(off) + 1e-3, np.std(off) / 2 + 1e-3])
    options = {"xatol": 1e-5, "fatol": 1e-5, "maxiter": 4000}
    best = minimize(cost, start, method="Nelder-Mead", options=options).x
    return np.array([*best[:2], *np.abs(best[2:])])


PULLS_NOTE = (
    "Best visits of stars that did not train, single and binary apart; the pull is (M_spec - "
    "M_true) / mk_err."
)


def pulls(data: Compared) -> Section:
    """(M_spec - M_true) / mk_err of stars that did not train:
    1 where the claimed error is right.
    """
    note = PULLS_NOTE
    unseen = (data["uniqflag"] == 1) & (data["is_train"] != 1)
    groups = [
        (
            f"{kind}, {CLASSES[em_flag]}, {label}",
            rows & (data["is_binary"] == binary) & (data["em_flag"] == em_flag),
        )
        for em_flag in CLASSES
        for kind, binary in (("single", 0), ("binary", 1))
        for label, rows in bins("S/N", np.where(unseen, data["snr_g"], np.nan), WIDE_SNR_EDGES)
    ]
    columns = (
        "n",
        "claimed error mag",
        "robust scatter mag",
        "std mag",
        "median pull",
        "robust scatter of pull",
    )
    return Section(
        "claimed error of M_spec",
        note,
        columns,
        [_pull_row(label, data, rows) for label, rows in groups],
    )


def _pull_row(label: str, data: Compared, rows: Rows) -> tuple[str, ...]:
    off, error = (data["mk"] - data["true_mk_system"])[rows], data["mk_err"][rows]
    pull = off / error
    values = (
        st.median(error),
        st.robust_scatter(off),
        st.standard_deviation(off),
        st.bias(pull),
        st.robust_scatter(pull),
    )
    return (label, str(np.isfinite(pull).sum()), *map(decimals, values))


Stars = dict[str, Floats]

NAMES = ("constant", "leung_bovy_2019", "zinn_2019", "lindegren_2021", "table")
TITLE = "zero point of the parallax, by name"
NOTE = (
    "Medians of best visits with a parallax; changes against the offset that was used. Offset in "
    "mas, M in mag. The network learns M_geo of the training stars, so that M_spec moves with it, "
    "and a distance by M with M_spec; a distance by the parallax alone is that of binary_flag 1."
)
ZERO_POINTS_COLUMNS = ("n", "offset", "M_geo", "M_geo, training", "d by M", "d by parallax")
TRUE = ("offset - true", "M_geo - M_true, training")
PER_MAG = 0.2 * np.log(10)  # change of ln d a magnitude


def zero_points(
    con: duckdb.DuckDBPyConnection, ours: Stars | None = None, theirs: Stars | None = None
) -> Section:
    """One row a zero point that the stars can have, after the one that was used.

    ``ours``, ``theirs``: columns of this and of another catalog, (n,) of the same spectra; if they
    have parallax and parallax_offset there is a row for that of the other one.
    """
    stars = answer_arrays(con, "evaluate/zero_points")
    rows = [(name, *_changes(stars, offset)) for name, offset in _offered(stars)]
    if ours and theirs and {"parallax", "parallax_offset"} <= ours.keys():
        unknown = np.full(len(ours["parallax"]), np.nan)
        shared = {"parallax": ours["parallax"], "used": ours["parallax_offset"]}
        shared |= {"is_train": unknown, "binary_flag": ours.get("binary_flag", unknown)}
        rows.append(("theirs, rows in both", *_changes(shared, theirs["parallax_offset"])))
    return Section(TITLE, NOTE, ZERO_POINTS_COLUMNS, rows)


def against_true_parallaxes(con: duckdb.DuckDBPyConnection, data: Compared) -> Section:
    """The same with what is left: the offset less the true one, and M_geo of training stars less M
    of their systems."""
    stars = answer_arrays(con, "evaluate/zero_points")
    at = {specid: row for row, specid in enumerate(data["specid"].tolist())}
    rows = np.array([at[specid] for specid in stars["specid"].tolist()], int)
    true = {name: data[name][rows] for name in ("parallax_offset_true", "mk_geo", "true_mk_system")}
    lines = [
        (name, *_changes(stars, offset), *_left(stars, offset, true))
        for name, offset in _offered(stars)
    ]
    return Section(TITLE, NOTE, (*ZERO_POINTS_COLUMNS, *TRUE), lines)


def _offered(stars: Stars) -> list[tuple[str, Floats]]:
    every = [("used", stars["used"]), *((name, stars[name]) for name in NAMES)]
    return [(name, offset) for name, offset in every if np.isfinite(offset).any()]


def _changes(stars: Stars, offset: Floats) -> tuple[str, ...]:
    moved, trained = _moved(stars, offset), stars["is_train"] == 1
    learnt = st.median(moved[trained])
    alone = moved[stars["binary_flag"] == 1]
    return (
        str(int(np.isfinite(offset).sum())),
        decimals(st.median(offset), 4),
        decimals(st.median(moved), 3),
        decimals(learnt, 3),
        percent(np.expm1(-PER_MAG * learnt) + 0.0),
        percent(st.median(np.expm1(-PER_MAG * alone))),
    )


def _left(stars: Stars, offset: Floats, true: Stars) -> tuple[str, str]:
    trained = stars["is_train"] == 1
    geometric = true["mk_geo"] + _moved(stars, offset) - true["true_mk_system"]
    return (
        decimals(st.median(offset - true["parallax_offset_true"]), 4),
        decimals(st.median(geometric[trained]), 3),
    )


def _moved(stars: Stars, offset: Floats) -> Floats:
    """Change of M_geo, 5 log10 of the ratio of the parallaxes, mag (n,); NaN where either is not
    positive."""
    parallax, used = stars["parallax"] - offset, stars["parallax"] - stars["used"]
    both = (parallax > 0) & (used > 0)
    ratio = np.divide(parallax, used, out=np.full(len(used), np.nan), where=both)
    return 5 * np.log10(ratio)
