"""Compare: a catalog beside another that has columns like it, for example the published one: bias,
scatter, agreement of flags; tables and a picture.
"""

from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from obcat import statistics as st
from obcat.compare import join
from obcat.compare.join import CompareError, Joined, names
from obcat.evaluate import MK_EDGES, bins
from obcat.evaluate.magnitudes import zero_points
from obcat.files import publishing_folder, refusal
from obcat.reading import open_database
from obcat.report import BLUE, ORANGE, Look, box, finish, histogram, points, shown
from obcat.section import Section, as_text, decimals, percent

__all__ = [
    "RELATIVE",
    "CompareError",
    "by_bins",
    "compare",
    "difference",
    "draw_comparison",
    "flags",
    "kappa",
    "names",
    "number_section",
    "unknown",
]

Floats = NDArray[np.float64]


RELATIVE = ("dis", "dis_low", "dis_high")  # compared as ours / theirs - 1
COLUMNS = ("unit", "n", "bias", "robust scatter", "scatter / errors", "beyond 5 errors")
FAR = 5.0
VALUES = {"0": 0.0, "1": 1.0, "unknown": np.nan}
BINS: dict[str, dict[str, tuple[str, tuple[float, ...]]]] = {
    "mk": {
        "snr_g": ("S/N", (10, 20, 50, 100, np.inf)),
        "mk": ("M", MK_EDGES),
        "em_flag": ("em_flag", (0, 1, 2)),
    },
    "ebv": {"ebv": ("E(B-V)", (-np.inf, 0, 0.25, 0.5, 1, np.inf))},
    "dis": {
        "dis": ("kpc", (0, 0.5, 1, 2, 4, 8, np.inf)),
        "binary_flag": ("binary_flag", (0, 1, 2)),
    },
}


NUMBER_SECTION_NOTE = """\
bias: median; robust scatter: 1.4826 MAD. Distances as ours / theirs - 1. Errors: both in quadrature; two
catalogs from the same spectra share most of their errors, so that a scatter well below 1 is to be expected."""


def number_section(joined: Joined) -> Section:
    """One row a column of numbers; errors are both sides' in quadrature, where both state one."""
    note = NUMBER_SECTION_NOTE
    rows = [
        _row(joined, name, name, np.isfinite(joined.ours[name]))
        for name in joined.columns
        if not _is_flag(name)
    ]
    return Section("numbers", note, COLUMNS, rows)


def by_bins(joined: Joined) -> Iterator[Section]:
    """For the absolute magnitude, reddening and distance: the same in bins of our values."""
    for name, variables in BINS.items():
        if name not in joined.columns:
            continue
        rows = [
            _row(joined, name, label, inside)
            for variable, (said, edges) in variables.items()
            if variable in joined.ours
            for label, inside in bins(said, joined.ours[variable], edges)
        ]
        yield Section(f"{name}, in bins", "", COLUMNS, rows)


def _row(joined: Joined, name: str, label: str, rows: NDArray[np.bool_]) -> tuple[str, ...]:
    off, pull = difference(joined, name)[rows], _pull(joined, name)[rows]
    n = str(np.isfinite(off).sum())
    if name in RELATIVE:
        return (label, "", n, percent(st.bias(off)), percent(st.robust_scatter(off)), *_pulls(pull))
    unit = joined.columns[name].unit
    return (
        label,
        unit,
        n,
        decimals(st.bias(off), 4),
        decimals(st.robust_scatter(off), 4),
        *_pulls(pull),
    )


def _pulls(pull: Floats) -> tuple[str, str]:
    far = np.where(np.isfinite(pull), np.abs(pull) > FAR, np.nan)
    return decimals(st.robust_scatter(pull), 2), percent(st.fraction(far))


def difference(joined: Joined, name: str) -> Floats:
    """Ours minus theirs (n,), or ours / theirs - 1 for distances; NaN where a side has none."""
    ours, theirs = joined.ours[name], joined.theirs[name]
    if name not in RELATIVE:
        return ours - theirs
    return ours / np.where(theirs > 0, theirs, np.nan) - 1


def _pull(joined: Joined, name: str) -> Floats:
    for error in (f"{name}_err", f"{name}_error"):
        if error in joined.columns:
            both = np.hypot(joined.ours[error], joined.theirs[error])
            return (joined.ours[name] - joined.theirs[name]) / np.where(both > 0, both, np.nan)
    return np.full(len(joined.ours[name]), np.nan)


def flags(joined: Joined) -> Iterator[Section]:
    """A cross table of each flag, with the share that agrees and Cohen's kappa of the stars both
    sides know.
    """
    for name in joined.columns:
        if _is_flag(name):
            yield _table(name, joined.ours[name], joined.theirs[name])


def _table(name: str, ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> Section:
    cells = np.array(
        [[(_is(ours, a) & _is(theirs, b)).sum() for b in VALUES.values()] for a in VALUES.values()]
    )
    rows = [(f"ours {a}", *(f"{n:,}" for n in cells[k])) for k, a in enumerate(VALUES)]
    known = cells[:2, :2]
    agree = known.trace() / known.sum() if known.sum() else np.nan
    note = f"Both known: {percent(agree)} agree, Cohen's kappa {decimals(kappa(known), 2)}."
    return Section(name, note, [f"theirs {b}" for b in VALUES], rows)


def kappa(cells: NDArray[np.int64]) -> float:
    """Agreement beyond chance of a (2, 2) table of counts (Cohen 1960);
    NaN where chance alone explains all of it.
    """
    n = cells.sum()
    if not n:
        return np.nan
    chance = (cells.sum(0) * cells.sum(1)).sum() / n**2
    return float((cells.trace() / n - chance) / (1 - chance)) if chance < 1 else np.nan


def _is(values: NDArray[np.float64], value: float) -> NDArray[np.bool_]:
    return np.isnan(values) if np.isnan(value) else values == value


def unknown(joined: Joined) -> Section:
    """Where one side has a value and the other has NULL."""
    rows = []
    for name in joined.columns:
        mine, other = np.isfinite(joined.ours[name]), np.isfinite(joined.theirs[name])
        counts = (
            (mine & other).sum(),
            (mine & ~other).sum(),
            (~mine & other).sum(),
            (~mine & ~other).sum(),
        )
        rows.append((name, *(f"{n:,}" for n in counts)))
    return Section(
        "known and unknown", "", ("in both", "only ours", "only theirs", "in neither"), rows
    )


def _is_flag(name: str) -> bool:
    return name.endswith("_flag") or name == "erroneous"


SIZE, DPI = (13, 8), 100
SHOWN = {
    "mk": (r"$M_{K_s}$ from the spectrum (mag)", (-4.0, 3.0), 1.5),
    "ebv": (r"$E(B-V)$ (mag)", (-0.1, 2.0), 0.4),
    "logdis": (r"$\log_{10} d$ (kpc)", (-1.0, 1.5), 0.4),
    "dis": (r"$d$ (kpc)", (0.0, 10.0), 0.8),
    "mk_geo": (r"$M_{K_s}$ from the parallax (mag)", (-4.0, 3.0), 1.5),
    "snr_dparallax": ("parallax excess in errors", (-5.0, 5.0), 3.0),
}
PICTURE_COLUMNS, PICTURE_BINS = 3, 61


def draw_comparison(joined: Joined, name: str) -> Figure:
    """Up to three quantities that both catalogs have; a box says so if there are none."""
    figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(
        f"{joined.heading} against “{name}”, {joined.counts['in both']:,} in both", fontsize=14
    )
    wanted = [c for c in SHOWN if c in joined.columns and np.isfinite(difference(joined, c)).any()][
        :PICTURE_COLUMNS
    ]
    if not wanted:
        box(figure, f"the catalogs share none of {', '.join(SHOWN)}")
        return figure
    axes = figure.subplots(2, len(wanted), squeeze=False)
    for k, column in enumerate(wanted):
        _against(axes[0, k], joined, column)
        _differences(axes[1, k], joined, column)
    return figure


def _against(axes: Axes, joined: Joined, name: str) -> None:
    said, default, _ = SHOWN[name]
    ours, theirs = joined.ours[name], joined.theirs[name]
    for rows, look in _groups(joined):
        points(axes, theirs, ours, rows, look)
    limits = shown(np.concatenate([ours, theirs]), default)
    axes.plot(limits, limits, color="black", linewidth=1)
    axes.set(xlim=limits, ylim=limits, xlabel=f"theirs: {said}", ylabel=f"ours: {said}")
    finish(axes, "upper left")


def _groups(joined: Joined) -> list[tuple[NDArray[np.bool_], Look]]:
    n = len(next(iter(joined.ours.values())))
    binary = joined.ours.get("binary_flag", np.full(n, np.nan)) == 1
    return [
        (~binary, Look("others", BLUE, "o", 8)),
        (binary, Look("our binary_flag 1", ORANGE, "^", 16)),
    ]


def _differences(axes: Axes, joined: Joined, name: str) -> None:
    said, _, widest = SHOWN[name]
    off = difference(joined, name)
    histogram(
        axes,
        np.clip(off, -widest, widest),
        np.linspace(-widest, widest, PICTURE_BINS),
        {"color": BLUE},
    )
    axes.axvline(0, color="black", linewidth=1)
    kind = "ours / theirs - 1" if name == "dis" else "ours - theirs"
    axes.set(xlabel=f"{kind}: {said}", ylabel="stars", yscale="log")
    axes.set_title(f"median {st.bias(off):+.3f}, robust scatter {st.robust_scatter(off):.3f}")
    axes.grid(color="#DDDDDD", linewidth=0.6)


KIND = "comparison"


def compare(
    database: Path, other: object, name: str, folder: Path, *, by: str | None = None
) -> str:
    """The comparison as text; also writes the folder ``folder``: compare.txt, compare.png and
    compare.pdf.

    It appears by one rename, in place of an earlier comparison.

    Parameters
    ----------
    database : of obcat build
    other : pyarrow Table with columns under our names, as ``ingest.foreign.read_foreign`` reads
        them
    name : what the other catalog is called
    by : fitsname, specid or gaia_id; None: whichever finds most rows

    Raises CompareError (one line): no such key on both sides, nothing matches, nothing to compare,
    not a catalog, ``folder`` cannot be written or holds what is not of a comparison.
    """
    joined = join.join(database, other, by)
    sections = [
        _counts(joined),
        number_section(joined),
        *by_bins(joined),
        *flags(joined),
        unknown(joined),
        _zero_points(database, joined),
    ]
    said = as_text(sections, f"{joined.heading}, against {name!r}")
    try:
        with publishing_folder(folder, KIND) as partial:
            _write(partial, joined, said, name)
    except OSError as error:
        raise CompareError(refusal(folder, error)) from error
    return said


def _zero_points(database: Path, joined: Joined) -> Section:
    """What each zero point by name, and that of the other catalog, would change."""
    with open_database(database) as survey:
        return zero_points(survey.con, joined.ours, joined.theirs)


def _counts(joined: Joined) -> Section:
    note = (
        f"Joined by {joined.by}; below, ours minus theirs. A key that one side has more than "
        "once joins nothing."
    )
    rows = [(label, f"{n:,}") for label, n in joined.counts.items()]
    return Section("rows", note, ("n",), rows)


def _write(folder: Path, joined: Joined, said: str, name: str) -> None:
    from obcat.report import STYLE
    from obcat.report.figures import PDF, image_of

    with mpl.rc_context(STYLE):
        figure = draw_comparison(joined, name)
        (folder / "compare.png").write_bytes(image_of(figure, "png", {"Software": None}))
        figure.set_layout_engine("none")
        (folder / "compare.pdf").write_bytes(image_of(figure, "pdf", PDF))
    (folder / "compare.txt").write_text(said, encoding="utf-8")
