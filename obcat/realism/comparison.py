"""Comparison of the statistics of simulated spectra with those of real ones, printed and drawn."""

import warnings
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from obcat.files import publishing_folder, refusal
from obcat.realism import (
    Measured,
    RealismError,
    Row,
    Sample,
    read_rows,
    read_sample,
    summary,
    write_rows,
)
from obcat.realism.residuals import continuum, masks, noise, residuals, response

__all__ = [
    "MOST",
    "compare_spectra",
    "comparison_page",
    "draw_curves",
    "is_far",
    "measure_sample",
    "statistics",
    "table",
]

REAL, SIMULATED = ("#0072B2", "o", "real"), ("#D55E00", "s", "simulated")  # Okabe & Ito
STYLE: Any = {
    "font.size": 11,
    "axes.titlesize": 11.5,
    "font.family": "DejaVu Sans",
    "legend.fontsize": 10,
}
SIZE, DPI = (16, 15), 90
PANELS: tuple[tuple[str, str, str, bool], ...] = (  # title, name, beginning of where, logarithmic
    ("Scatter over stated error, S/N 8 to 40", "scatter / stated error", "S/N 8-40", False),
    ("Scatter over stated error, S/N 80 to 150", "scatter / stated error", "S/N 80-150", False),
    ("Correlation of neighbouring pixels, S/N 8 to 40", "neighbour correlation", "", False),
    ("Stated variance over flux, S/N 8 to 40", "stated variance / flux", "S/N 8-40", True),
    ("Residual in sky lines (stated errors, rms)", "sky line, rms residual", "", False),
    ("Telluric bands: depth left (16 to 84 per cent)", "telluric band, depth left", "", False),
    (
        "Continua of two visits, ln ratio (16 to 84 %)",
        "continuum, ratio of two visits (ln)",
        "",
        False,
    ),
)
MASKS = ("ORMASK not 0", "ANDMASK not 0", "ivar 0", "flux 0", "flux 0 but ivar not")


def draw_curves(real: list[Row], simulated: list[Row], picture: Path) -> None:
    """Write a PNG of eight panels; the same rows give the same bytes."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(4, 2).flat
        for ax, panel in zip(axes, PANELS, strict=False):
            _curves(ax, real, simulated, panel)
        _masked(axes[len(PANELS)], real, simulated)
        figure.suptitle(
            "Spectra: SIMULATED survey against real LAMOST files of DR5 to DR10", fontsize=16
        )
        figure.savefig(picture, format="png", metadata={"Software": None})


def _curves(
    ax: Axes, real: list[Row], simulated: list[Row], panel: tuple[str, str, str, bool]
) -> None:
    title, name, begin, logarithmic = panel
    for rows, (colour, marker, label), side in ((real, REAL, -8), (simulated, SIMULATED, 8)):
        points = sorted(
            (r for r in rows if r.name == name and r.where.startswith(begin)), key=lambda r: r.at
        )
        points = [r for r in points if np.isfinite(r.at)]
        label = f"{label} (n up to {max(r.n for r in points)})"
        look = {"fmt": marker, "color": colour, "label": label}
        _bars(
            ax, [(r.at + side, r) for r in points], markersize=5, linewidth=1.2, capsize=2, **look
        )
    ax.set(title=title, xlabel="vacuum wavelength (Å)", xlim=(3600, 9200))
    if logarithmic:
        ax.set_yscale("log")
    ax.grid(color="#DDDDDD", linewidth=0.6)
    ax.legend()


def _bars(ax: Axes, points: list[tuple[float, Row]], **look: Any) -> None:
    """The median of each row at its place, with the range of the spectra."""
    x, low, middle, high = np.array([(x, r.low, r.median, r.high) for x, r in points]).T
    ax.errorbar(x, middle, np.stack([middle - low, high - middle]), **look)


def _masked(ax: Axes, real: list[Row], simulated: list[Row]) -> None:
    for rows, (colour, marker, label), side in ((real, REAL, -0.1), (simulated, SIMULATED, 0.1)):
        found = {r.where: r for r in rows if r.name == "pixels a file, if any"}
        points = [(k + side, found[m]) for k, m in enumerate(MASKS) if m in found]
        look = {"fmt": marker, "color": colour, "label": label}
        _bars(ax, points, markersize=6, linewidth=1.4, capsize=3, **look)
    ax.set_yscale("log")
    ax.set_xticks(range(len(MASKS)), MASKS)
    ax.set(title="Marked pixels a file, of files that have any", ylabel="pixels")
    ax.grid(color="#DDDDDD", linewidth=0.6)
    ax.legend()


MOST = 2000  # spectra of a folder that are measured
HOT = "OBAF"  # classes with few enough lines
FAR = 1.5  # ratio beyond which a line is marked
SMALL = {
    "autocorrelation": 0.05,
    "neighbour correlation": 0.05,
    "telluric band, depth left": 0.003,
}  # no ratio below

KIND = "comparison with real spectra"
PAGE = """# Simulated and real spectra, compared

*Written by `obcat realism`; the numbers are those it printed. Left: {n_real} **real** LAMOST spectra of DR5 to DR10
(A, F, G stars mostly; the noise is measured on the A and F stars among them, on nights since autumn 2012, or of the
pilot survey where a line says so). Right: {n_simulated} spectra of the **{kind}** survey.*

How: both are read and measured by the same code (`obcat/realism/`). A continuum is taken off, then a fit of at most 30
eigenspectra of the sample's own bright stars; what is left is noise, in units of the stated error. `16-84` is the
range of two spectra in three. A line compares the median, the mean (m) or half that range (s); a line that is more
than {far} times off is marked with *.

![Eight panels: real and simulated curves](realism.png)

{judgement}

```
{table}
```

## What the comparison cannot say

* The real spectra are of A to G stars of few plates; no O star is among them. What is left of their lines after the fit
  counts as noise, at high S/N above all; simulated stars have fewer and more alike lines.
* DR5 itself is there with 30 files of three pilot plates, none of which has a mask bit. Masks, and most of the noise,
  are those of DR10, which the same pipeline version made.
* The simulated arms do not meet by as much as those of DR10's sixteen spectrographs, which most files come from; on
  earlier nights (DR5 to DR8) it was a quarter of that, and that line is off on purpose. Constants of the simulated
  instrument were set on one half of the real files (see [limits](../limits.md)).
* Line spread is set from the widths of sky lines in stated errors, not compared here. What flux a masked pixel hides,
  and how often a whole spectrum is erroneous, is assumed.
"""


def statistics(folder: Path, most: int = MOST) -> tuple[list[Row], bool]:
    """Rows of the spectra below folder, and whether all are simulated.
    RealismError if there are none.
    """
    sample = read_sample(folder, most)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", RuntimeWarning
        )  # rows that are wholly masked have no median
        return summary(measure_sample(sample)), sample.simulated


def compare_spectra(
    spectra: Path, real: Path | None, save: Path | None, write: Path | None, most: int = MOST
) -> str:
    """The table of spectra against the real folder, or against the statistics that come with the
    package.

    save: a CSV file for the real statistics; write: a folder of realism.md and realism.png, which
    appears as a whole.
    RealismError: a folder has no spectra, or something cannot be written.
    """
    simulated, is_simulated = statistics(spectra, most)
    reference = statistics(real, most)[0] if real else read_rows()
    try:
        if save:
            write_rows(save, reference)
        if write:
            _write(write, reference, simulated, is_simulated)
    except OSError as error:
        raise RealismError(refusal(write or save or spectra, error)) from error
    kind = "simulated" if is_simulated else "given (not simulated)"
    return (
        f"real LAMOST spectra of DR5 to DR10 against {kind} ones: "
        f"{spectra}\n\n{table(reference, simulated)}\n"
    )


def _write(folder: Path, real: list[Row], simulated: list[Row], is_simulated: bool) -> None:
    with publishing_folder(folder, KIND) as partial:
        page = comparison_page(real, simulated, is_simulated)
        (partial / "realism.md").write_text(page, encoding="utf-8")
        draw_curves(real, simulated, partial / "realism.png")


def measure_sample(sample: Sample) -> list[Measured]:
    """All measures of a sample, in the order of the table."""
    level = continuum(sample)
    hot = np.array([name[:1] in HOT for name in sample.subclass])
    return [
        *noise(sample, residuals(sample, level), hot),
        *masks(sample),
        *response(sample, level, hot),
    ]


def table(real: list[Row], simulated: list[Row]) -> str:
    """One line for each measure that both samples have."""
    other = {(row.name, row.where): row for row in simulated}
    head = (
        f"{'':44} {'real':>9} {'16-84':>19} {'n':>5}   {'simulated':>9} {'16-84':>19} "
        f"{'n':>5}   ratio"
    )
    lines = [head]
    name = ""
    for row in real:
        if (row.name, row.where) in other:
            lines += [row.name] * (row.name != name)
            lines.append(_line(row, other[row.name, row.where]))
            name = row.name
    return "\n".join(lines)


def _line(real: Row, simulated: Row) -> str:
    mark = {"median": " ", "mean": "m", "spread": "s"}[real.compared]
    return (
        f"  {real.where:40} {mark} {_numbers(real)}   {_numbers(simulated)}   "
        f"{_ratio(real, simulated)}"
    )


def _numbers(row: Row) -> str:
    return f"{_short(row.value)} {_short(row.low)}{_short(row.high):>10} {row.n:>5}"


def _short(value: float) -> str:
    return (
        f"{value:9.3f}"
        if abs(value) < 100 and (abs(value) >= 0.02 or value == 0)
        else f"{value:9.2g}"
    )


def _ratio(real: Row, simulated: Row) -> str:
    if abs(real.value) < SMALL.get(real.name, 0) or real.value == 0:
        return f"{simulated.value - real.value:+6.3f}"
    return f"{_quotient(real, simulated):6.2f}{' *' if is_far(real, simulated) else ''}"


def _quotient(real: Row, simulated: Row) -> float:
    return simulated.value / real.value


def is_far(real: Row, simulated: Row) -> bool:
    """Whether the values differ by more than a factor."""
    if abs(real.value) < SMALL.get(real.name, 0) or real.value == 0:
        return False
    quotient = _quotient(real, simulated)
    return not 1 / FAR <= quotient <= FAR


def _judgement(real: list[Row], simulated: list[Row]) -> str:
    """Alike or not, measure by measure: how many lines agree and which do not."""
    other = {(row.name, row.where): row for row in simulated}
    out = []
    for name in dict.fromkeys(row.name for row in real):
        pairs = [
            (r, other[r.name, r.where])
            for r in real
            if r.name == name and (r.name, r.where) in other
        ]
        compared = [(r, s) for r, s in pairs if abs(r.value) >= SMALL.get(name, 0) and r.value != 0]
        if compared:
            out.append(_sentence(name, compared))
    return "\n".join(out)


def _sentence(name: str, pairs: list[tuple[Row, Row]]) -> str:
    off = [f"{r.where} ({_quotient(r, s):.2f})" for r, s in pairs if is_far(r, s)]
    middle = np.median([_quotient(r, s) for r, s in pairs])
    text = f"* {name}: simulated over real {middle:.2f} in the median of {len(pairs)} lines"
    return text + (
        f"; off by more than {FAR}: {', '.join(off)}." if off else f"; none off by more than {FAR}."
    )


def comparison_page(real: list[Row], simulated: list[Row], is_simulated: bool) -> str:
    """The Markdown page."""
    return PAGE.format(
        n_real=max(row.n for row in real), n_simulated=max(row.n for row in simulated), far=FAR,
        kind="simulated" if is_simulated else "given (not simulated)",
        judgement=_judgement(real, simulated), table=table(real, simulated),
    )  # fmt: skip
