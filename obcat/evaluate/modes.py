"""Paper mode and best mode in the same tables: magnitudes, intervals, companions, zero point."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from obcat import statistics as st
from obcat.evaluate import EBV_EDGES, KPC_EDGES, bins, emission_classes, good_singles, plain_singles
from obcat.evaluate.emission import (
    best_emission,
    best_faults,
    best_velocities,
    kinds_of_emission,
)
from obcat.evaluate.truth import Compared, is_ob_star
from obcat.reading import answer_arrays
from obcat.section import Section, decimals, percent
from obcat.statistics import Rows

__all__ = [
    "companions_found",
    "covered",
    "intervals",
    "known_best",
    "luminosities",
    "main_cells",
    "modes",
    "reddenings",
    "reliability",
    "said_and_true",
    "with_best",
    "zero_points",
]

SNR_EDGES = (-np.inf, 30, 50, 100, np.inf)
M_EDGES = (-np.inf, -3, -2, -1, 0, 1, np.inf)
G_EDGES = (-np.inf, 10, 11.5, 12.5, 13.5, 15, 16.5, np.inf)
LIGHT = 0.05  # mag: a companion that adds more counts
DECILES = np.linspace(0, 1, 11)
SCHEMA = "SELECT count(*) FROM duckdb_views() WHERE schema_name = 'posterior'"

Floats = NDArray[np.float64]


def with_best(con: duckdb.DuckDBPyConnection, data: Compared) -> Compared | None:
    """``data`` and what best mode says of the same spectra; None where it says nothing."""
    if not con.execute(SCHEMA).fetchall()[0][0]:
        return None
    best = answer_arrays(con, "evaluate/modes")
    return data | best if np.isfinite(best["best_mk"]).any() else None


def main_cells(data: Compared) -> dict[str, str]:
    """Best mode's numbers in the table of the README, by how the label of the row begins."""
    stars = (data["uniqflag"] == 1) & is_ob_star(data)
    single = stars & (data["is_binary"] == 0)
    test = good_singles(data) & (data["is_train"] == 0)
    off = data["best_mk"] - data["true_mk"]
    bright = single & (data["true_mk"] < M_EDGES[1])
    half = (data["best_dis_high"] - data["best_dis_low"]) / 2
    ebv = st.robust_scatter((data["best_ebv"] - data["true_ebv"])[stars])
    cells = {
        "scatter of M_spec − true M": f"{decimals(st.robust_scatter(off[test]))} mag",
        "median distance error": percent(st.median((half / data["best_dis"])[stars])),
        "scatter of E(B−V)": f"{decimals(ebv)} mag",
        "median of abs(distance": percent(
            st.median(np.abs(data["best_dis"] / data["true_distance"] - 1)[stars])
        ),
        "M_spec − true M of single": f"{decimals(st.bias(off[bright]))} mag".replace("-", "−"),
    }
    for level, ends in (
        ("68", ("best_dis_low", "best_dis_high")),
        ("95", ("dis_low95", "dis_high95")),
    ):
        shares = [
            percent(st.coverage(*(data[name][rows] for name in ("true_distance", *ends))))
            for rows in (stars, single)
        ]
        cells[f"true distances inside their {level}"] = "; ".join(shares)
    return cells


def modes(con: duckdb.DuckDBPyConnection, data: Compared) -> list[Section]:
    """Every section that has both modes; none where the catalog has no best mode."""
    both = with_best(con, data)
    if both is None:
        return []
    sections = (luminosities, intervals, reddenings, kinds_of_emission, best_emission, best_faults,
                best_velocities, said_and_true, companions_found, zero_points)  # fmt: skip
    return [section(both) for section in sections]


def luminosities(data: Compared) -> Section:
    """M of single stars against the truth, three ways."""
    note = (
        "M - M_true, mag, median and 1.4826 MAD: of paper mode, of best mode from the spectrum "
        "alone, and with all that is known.\nSingle stars without emission, best visits, that paper"
        " mode did not train on, unless said. By estimated M: each by its own."
    )
    columns = ("n", "paper", "+-", "spectrum", "+-", "all known", "+-", "spectrum", "all known")
    unseen = plain_singles(data) & (data["is_train"] != 1)
    estimates = [data["mk"], data["mk_spec"], data["best_mk"]]
    rows = [
        *(
            _row(label, data["true_mk"], estimates, [unseen & rows] * 3)
            for label, rows in [*bins("S/N", data["snr_g"], SNR_EDGES), ("all", unseen)]
        ),
        *(
            _row(label, data["true_mk"], estimates, [unseen & rows] * 3)
            for label, rows in bins("M_true", data["true_mk"], M_EDGES)
        ),
        *_by_estimate(data["true_mk"], estimates, unseen),
        *_others(data, estimates),
    ]
    return Section(
        "both modes: absolute magnitude (last two: scatter over paper's)", note, columns, rows
    )


def _by_estimate(true: Floats, estimates: list[Floats], unseen: Rows) -> Iterator[tuple[str, ...]]:
    several = [[*bins("M", m, M_EDGES)] for m in estimates]
    for each in zip(*several, strict=True):
        yield _row(f"estimated {each[0][0]}", true, estimates, [unseen & rows for _, rows in each])


WIDTHS = (0, 3, 10, 20, np.inf)  # Angstrom of H alpha
LINES_ADDED = ("emission: Be", "emission: nebular")  # not of the star; winds are


def _others(data: Compared, estimates: list[Floats]) -> Iterator[tuple[str, ...]]:
    """Emission stars, binaries, everything against the light of the system."""
    best = (data["uniqflag"] == 1) & is_ob_star(data)
    single, emission = data["is_binary"] == 0, data["has_emission"] == 1
    yield _row("emission, single", data["true_mk"], estimates, [best & single & emission] * 3)
    kinds = dict(emission_classes(data))
    for kind in LINES_ADDED:
        for label, rows in bins(f"{kind}, single, EW / A", data["true_ew"], WIDTHS):
            each = [best & single & kinds[kind] & rows] * 3
            yield _row(label, data["true_mk"], estimates, each)
    yield _row("binaries, primary", data["true_mk"], estimates, [best & ~single] * 3)
    lights = [data["mk"], data["mk_spec"], data["mk_system"]]
    yield _row("all stars, light of the system", data["true_mk_system"], lights, [best] * 3)


def _row(label: str, true: Floats, estimates: list[Floats], rows: list[Rows]) -> tuple[str, ...]:
    off = [(m - true)[r & np.isfinite(m)] for m, r in zip(estimates, rows, strict=True)]
    scatter = [st.robust_scatter(o) for o in off]
    cells = [decimals(v) for o, s in zip(off, scatter, strict=True) for v in (st.bias(o), s)]
    ratios = [decimals(s / scatter[0] if scatter[0] else np.nan, 2) for s in scatter[1:]]
    return (label, str(len(off[1])), *cells, *ratios)


def intervals(data: Compared) -> Section:
    """How often the truth lies in the intervals."""
    note = (
        "Best visits of O and B stars, as many as best mode has a distance of. M is that of the "
        "primary; E(B-V) and distance estimated, not true."
    )
    columns = ("n", "paper: distance 68", "distance 68", "95", "M 68", "95")
    rows = [(label, str(n), *map(percent, shares)) for label, n, *shares in covered(data)]
    return Section("both modes: intervals", note, columns, rows)


def covered(data: Compared) -> list[tuple[Any, ...]]:
    """Name of each bin, its number of stars, and how often the truth is inside: 68 % of paper
    mode's distance, 68 and 95 % of best mode's, 68 and 95 % of its M.
    """
    best = (data["uniqflag"] == 1) & is_ob_star(data) & np.isfinite(data["best_dis"])
    return [_coverage_row(label, data, best & rows) for label, rows in _groups(data)]


def _groups(data: Compared) -> list[tuple[str, Rows]]:
    binary, parallax = data["is_binary"] == 1, np.isfinite(data["parallax"])
    return [
        ("all", np.ones(len(binary), bool)),
        ("single", ~binary),
        ("binary", binary),
        ("parallax", parallax),
        ("no parallax", ~parallax),
        *emission_classes(data),
        *bins("S/N", data["snr_g"], SNR_EDGES),
        *bins("E(B-V)", data["best_ebv"], EBV_EDGES),
        *bins("kpc", data["best_dis"], KPC_EDGES),
        *bins("estimated M", data["best_mk"], M_EDGES),
        *bins("M_true", data["true_mk"], M_EDGES),
    ]


def _coverage_row(label: str, data: Compared, rows: Rows) -> tuple[Any, ...]:
    ends = (
        ("true_distance", "dis_low", "dis_high"),
        ("true_distance", "best_dis_low", "best_dis_high"),
        ("true_distance", "dis_low95", "dis_high95"),
        ("true_mk", "mk_low", "mk_high"),
        ("true_mk", "mk_low95", "mk_high95"),
    )
    shares = [st.coverage(*(data[name][rows] for name in names)) for names in ends]
    return (label, int(rows.sum()), *shares)


EBV_COLUMNS = ("n", "paper", "+-", "pull", "best", "+-", "pull", "+- over paper's")
REDDENED = 0.3  # mag of E(B-V), above which R_V is told


def reddenings(data: Compared) -> Section:
    """E(B-V) of both modes against the truth, and R_V of best mode."""
    note = (
        "Best visits of O and B stars, E(B-V) - true, mag: median, 1.4826 MAD, the same over the "
        f"error. R_V of those with E(B-V) > {REDDENED:g}, and of the bands alone, slope with truth."
    )
    best = (data["uniqflag"] == 1) & is_ob_star(data) & np.isfinite(data["ebv"] + data["best_ebv"])
    groups = [("all", best), *emission_classes(data), *bins("E(B-V)", data["best_ebv"], EBV_EDGES)]
    rows = [_reddening_row(label, data, best & rows) for label, rows in groups]
    rows += [_rv_row(data, best, of) for of in ("", "_likelihood")]
    return Section("both modes: E(B-V) and R_V", note, EBV_COLUMNS, rows)


def _reddening_row(label: str, data: Compared, rows: Rows) -> tuple[str, ...]:
    off = [(data[name] - data["true_ebv"])[rows] for name in ("ebv", "best_ebv")]
    errors = [data[name][rows] for name in ("ebv_err", "best_ebv_err")]
    cells = [
        decimals(value)
        for o, e in zip(off, errors, strict=True)
        for value in (st.bias(o), st.robust_scatter(o), st.robust_scatter(o / e))
    ]
    paper = st.robust_scatter(off[0])
    ratio = st.robust_scatter(off[1]) / paper if paper else np.nan
    return (label, str(rows.sum()), *cells, decimals(ratio, 2))


def _rv_row(data: Compared, best: Rows, of: str) -> tuple[str, ...]:
    r_v, r_v_err = (data[f"r_v{of}{error}"] for error in ("", "_err"))
    rows = best & (data["best_ebv"] > REDDENED) & np.isfinite(r_v + data["true_r_v"])
    found, true = r_v[rows], data["true_r_v"][rows]
    off = found - true
    slope = float(np.polyfit(true, found, 1)[0]) if len({*true}) > 1 else np.nan
    cells = (st.bias(off), st.robust_scatter(off), st.robust_scatter(off / r_v_err[rows]))
    return (f"R_V{of}, slope {decimals(slope, 2)}", str(rows.sum()), "-", "-", "-",
            *map(decimals, cells), "-")  # fmt: skip


def _light(data: Compared) -> Floats:
    """(n,) mag that companions add."""
    return data["true_mk"] - data["true_mk_system"]


def _judged(data: Compared) -> Rows:
    """Best visits of O and B stars with a parallax and without emission."""
    best = (data["uniqflag"] == 1) & is_ob_star(data) & (data["has_emission"] == 0)
    return best & np.isfinite(data["parallax"]) & np.isfinite(data["p_companion"])


def said_and_true(data: Compared) -> Section:
    """Reliability of P(companion)."""
    note = (
        "Best visits of O and B stars with a parallax, without emission: mean p_companion of each "
        f"tenth, and the share that truly has a companion of more than {LIGHT:g} mag."
    )
    rows = [
        (label, str(n), decimals(said, 2), decimals(true, 2))
        for label, n, said, true in reliability(data)
    ]
    return Section("best mode: companions, said and true", note, ("n", "said", "true"), rows)


def reliability(data: Compared) -> list[tuple[str, int, float, float]]:
    """Each tenth of p_companion: its name, its stars, mean of p, share with such a companion."""
    return [_tenth(data, low, high) for low, high in pairwise(DECILES)]


def _tenth(data: Compared, low: float, high: float) -> tuple[str, int, float, float]:
    p = data["p_companion"]
    rows = _judged(data) & (p >= low) & ((p < high) | (high == 1))
    said = float(np.mean(p[rows])) if rows.any() else np.nan
    true = st.fraction((_light(data)[rows] > LIGHT) * 1.0)
    return (f"{low:.1f} to {high:.1f}", int(rows.sum()), said, true)


def companions_found(data: Compared) -> Section:
    """Light of companions found by either mode, at the purity of the paper's rule too."""
    note = f"The same stars; light: of a companion that adds more than {LIGHT:g} mag."
    rows, p = _judged(data), data["p_companion"]
    light = (_light(data) > LIGHT).astype(float)
    flags = [
        ("paper: binary_flag", (data["binary_flag"] == 1).astype(float)),
        ("p_companion > 0.5", (p > 0.5).astype(float)),
        ("p_companion > 0.9", (p > 0.9).astype(float)),
    ]
    purity = st.purity(flags[0][1][rows], light[rows])
    least = _threshold(p[rows], light[rows], purity)
    flags.append((f"as pure as paper: p_companion > {decimals(least, 2)}", (p >= least) * 1.0))
    columns = ("flagged", "purity", "recall", "false alarms of single stars")
    cells = [(label, *_flag_cells(flag[rows], light[rows], data["is_binary"][rows]))
             for label, flag in flags]  # fmt: skip
    cells.append((ORACLE, *_oracle_cells(data, rows, purity)))
    return Section("both modes: light of companions found", note, columns, cells)


ORACLE = "as pure, by an oracle: luminosity, log g, zero point and errors known"
# mag of light that a companion adds, and by how much its light in the spectrum makes the primary
# seem fainter: mock binaries, as `obcat evaluate` has them
MOCK_LIGHT = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.575, 0.725)
MOCK_VEIL = (0.0, 0.0, 0.05, 0.13, 0.25, 0.28, 0.2, 0.05)
OFFSETS = np.linspace(-1.9, 0.9, 71)  # mag, of M_s from what the spectrum says


def _oracle_cells(data: Compared, rows: Rows, purity: float) -> tuple[str, ...]:
    """What one finds who has spectrum and parallax: it knows what the spectrum says but for noise,
    log g, and how hidden light, companions, parallaxes scatter among such stars; not Teff, place.
    """
    light = _light(data)
    off = data["hidden_light"] - light - np.interp(light, MOCK_LIGHT, MOCK_VEIL)  # M_s - spectrum
    says = data["true_mk"] - light - off
    parallax = data["parallax"] + data["parallax_offset"] - data["parallax_offset_true"]
    modulus = data["true_ks"] - data["true_a_ks"] - says
    rows = rows & np.isfinite(off + parallax + modulus)
    if not rows.any():
        return ("-",) * 4
    pull = (parallax - 1 / data["true_distance"]) / data["parallax_error"]
    p = np.full(len(off), np.nan)
    order = np.argsort(data["true_logg"], kind="stable")
    alike = [order[(rows & inside)[order]] for _, inside in bins("M", says, M_EDGES)]
    for here in (third for stars in alike for third in np.array_split(stars, 3)):
        error = st.robust_scatter(pull[rows]) * data["parallax_error"][here, None]
        z = (parallax[here, None] - 10 ** (2 - 0.2 * (modulus[here, None] - OFFSETS))) / error
        seen = (1 + z**2 / 4) ** -2.5  # Student's t of four degrees
        lit, dark = (_counts(off[here[is_so[here]]]) for is_so in (light > LIGHT, light <= LIGHT))
        p[here] = seen @ lit / (seen @ (lit + dark))
    true = (light[rows] > LIGHT).astype(float)
    found = (p[rows] >= _threshold(p[rows], true, purity)).astype(float)
    return _flag_cells(found, true, data["is_binary"][rows])


def _counts(off: Floats) -> Floats:
    """Of stars about each of ``OFFSETS``."""
    step = OFFSETS[1] - OFFSETS[0]
    edges = np.append(OFFSETS, OFFSETS[-1] + step) - 0.5 * step
    return np.histogram(np.clip(off, OFFSETS[0], OFFSETS[-1]), edges)[0] + 1e-9


def known_best(con: duckdb.DuckDBPyConnection, data: Compared) -> Iterator[tuple[str, str]]:
    """Main numbers of best mode, (label, text); none where the catalog has none."""
    both = with_best(con, data)
    if both is None:
        return
    unseen = plain_singles(both) & (both["is_train"] != 1)
    stars = (both["uniqflag"] == 1) & is_ob_star(both)
    for label, name, true, rows in (
        ("paper, single, unseen", "mk", "true_mk", unseen),
        ("best, from the spectrum", "mk_spec", "true_mk", unseen),
        ("best, all known", "best_mk", "true_mk", unseen),
        ("paper, light of the system", "mk", "true_mk_system", stars),
        ("best, light of the system", "mk_system", "true_mk_system", stars),
    ):
        off = (both[name] - both[true])[rows]
        said = (decimals(measure(off)) for measure in (st.bias, st.robust_scatter))
        yield f"M - M_true, {label}", " ± ".join(said)
    for label, _, _, share, *_ in covered(both)[:1]:
        yield f"best: true distance inside 68 %, {label}", percent(share)
    for label, _, purity, recall, _ in companions_found(both).rows:
        yield f"light of companions: {label.partition(':')[0]}", f"{recall} at {purity}"


def _flag_cells(flag: Floats, light: Floats, binary: Floats) -> tuple[str, ...]:
    shares = (st.purity(flag, light), st.recall(flag, light), st.false_alarms(flag, binary))
    return (str(int(flag.sum())), *map(percent, shares))


def _threshold(p: Floats, light: Floats, purity: float) -> float:
    """Least p above which so many have light; NaN where none is."""
    order = np.argsort(-p, kind="stable")
    pure = np.cumsum(light[order]) / np.arange(1, len(p) + 1)
    enough = np.flatnonzero(pure >= purity)
    return float(p[order][enough[-1]]) if len(enough) else np.nan


def zero_points(data: Compared) -> Section:
    """Zero point of the parallax against G."""
    note = "Means of the stars in each bin, mas; true: what the simulation put in."
    names = ("published_offset", "parallax_offset", "best_offset", "parallax_offset_true")
    known = np.isfinite(np.sum([data[name] for name in names], axis=0))
    best = (data["uniqflag"] == 1) & np.isfinite(data["parallax"]) & known
    rows = []
    for label, inside in bins("G", data["g_gaia"], G_EDGES):
        each = [data[name][best & inside] for name in names]
        means = [float(np.mean(values)) if len(values) else np.nan for values in each]
        rows.append((label, str(len(each[0])), *map(decimals, means)))
    columns = ("n", "published", "paper mode", "best mode", "true")
    return Section("both modes: zero point of the parallax", note, columns, rows)
