"""The aims that paper mode is judged by: scatter, bias, flags, pulls, warnings; before and now."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat import statistics as st
from obcat.data import REFERENCE
from obcat.evaluate.failures import has_warning
from obcat.evaluate.paper import GOOD_SNR, plain_singles
from obcat.evaluate.truth import Compared, is_ob_star
from obcat.section import Section, decimals, percent
from obcat.statistics import Rows

__all__ = ["BEFORE", "Aim", "aims", "aims_section", "read_before", "write_before"]

BEFORE = REFERENCE / "paper_mode_before.csv"
EDGES = ((30, 50, "<= 0.32"), (50, 100, "<= 0.25"), (100, np.inf, "<= 0.23"))
OFF = 1.0  # mag from the truth that is a failure
BRIGHT, BRIGHTER = -3.0, -4.0  # M_true
A_STARS, B_STARS = 9500.0, 9700.0  # K of the truth: A stars below, O and B stars from here on
WEAK, STRONG = 1.0, 3.0  # Angstrom of emission at H alpha
TITLE = "what paper mode is judged by"
NOTE = (
    "Truth: M_Ks and E(B-V) put in. Unseen: stars that did not train; single: without companion; "
    "scatter and pull: 1.4826 MAD.\nBright stars with their winds. Warned: no M, out_of_domain or "
    "erroneous; of spectra that are not spoiled. Before: `docs/before.py`."
)

Floats = NDArray[np.float64]


class Aim(NamedTuple):
    """A number as text, ``now``, beside what it should be."""

    what: str
    aim: str
    now: str


def aims(data: Compared) -> list[Aim]:
    """Every number that the truth of a simulated survey gives."""
    return [*_magnitudes(data), *_emission(data), *_pulls(data), *_warnings(data)]


def aims_section(found: Sequence[Aim], before: dict[str, str]) -> Section:
    rows = [(a.what, a.aim, before.get(a.what, "-"), a.now) for a in found]
    return Section(TITLE, NOTE, ("aim", "before", "now"), rows)


def _magnitudes(data: Compared) -> list[Aim]:
    off, doubt = data["mk"] - data["true_mk"], has_warning(data)
    unseen = plain_singles(data) & (data["is_train"] != 1)
    scatter = [
        Aim(
            f"scatter of M_spec, single, no emission, unseen, {_label(low, high)}",
            f"{aim} mag",
            _mag(st.robust_scatter(off[unseen & _between(data, low, high)])),
        )
        for low, high, aim in EDGES
    ]
    bright = (
        (data["uniqflag"] == 1)
        & is_ob_star(data)
        & (data["is_binary"] == 0)
        & (data["is_train"] != 1)
        & (data["true_mk"] < BRIGHT)
    )
    failed = np.where(np.isnan(off), np.nan, (np.abs(off) > OFF) & ~doubt)
    return [
        *scatter,
        Aim(f"bias, M_true below {BRIGHT:g}", "< 0.5 mag", _mag(st.bias(off[bright]))),
        Aim(
            f"bias, M_true below {BRIGHTER:g}",
            "< 1 mag",
            _mag(st.bias(off[bright & (data["true_mk"] < BRIGHTER)])),
        ),
        Aim(
            f"M_true below {BRIGHT:g}: off by more than 1 mag and unwarned",
            "< 5 %",
            percent(st.fraction(failed[bright])),
        ),
    ]


def _label(low: float, high: float) -> str:
    return f"S/N from {low:g}" if np.isinf(high) else f"S/N {low:g} to {high:g}"


def _between(data: Compared, low: float, high: float) -> Rows:
    return (data["snr_g"] >= low) & (data["snr_g"] < high)


def _mag(value: float) -> str:
    return f"{decimals(value)} mag" if np.isfinite(value) else decimals(value)


def _emission(data: Compared) -> list[Aim]:
    good = (data["is_erroneous"] == 0) & (data["snr_g"] >= GOOD_SNR)
    flag, true, width = data["em_flag"], data["has_emission"], data["true_ew"]
    disc = good & (true == 1) & (data["is_nebular"] == 0) & (data["is_wind"] != 1)
    disc &= (width >= WEAK) & (width < STRONG)
    nebular = good & (data["is_nebular"] == 1) & (width >= STRONG)
    return [
        Aim(
            "em_flag: discs of 1 to 3 A found", "> 80 %", percent(st.recall(flag[disc], true[disc]))
        ),
        Aim(
            "em_flag: nebulae from 3 A found",
            "> 95 %",
            percent(st.recall(flag[nebular], true[nebular])),
        ),
        Aim(
            "em_flag: false alarms",
            "< 0.5 %",
            percent(st.false_alarms(flag[good], true[good]), 2),
        ),
    ]


def _pulls(data: Compared) -> list[Aim]:
    singles = plain_singles(data)
    reddening = (data["ebv"] - data["true_ebv"]) / data["ebv_err"]
    magnitude = (data["mk"] - data["true_mk"]) / data["mk_err"]
    unseen = singles & (data["is_train"] != 1)
    return [
        Aim("pull of E(B-V), single, no emission", "0.9 to 1.15", _pull(reddening[singles])),
        *(
            Aim(
                f"pull of M_spec, single, no emission, unseen, {_label(low, high)}",
                "0.9 to 1.1",
                _pull(magnitude[unseen & _between(data, low, high)]),
            )
            for low, high, _ in EDGES
        ),
    ]


def _pull(values: Floats) -> str:
    return decimals(st.robust_scatter(values), 2)


def _warnings(data: Compared) -> list[Aim]:
    sound = (data["uniqflag"] == 1) & (data["is_erroneous"] == 0)
    normal = is_ob_star(data)
    groups = (
        ("A stars below 9,500 K", ">= 90 %",
         (normal | (data["kind"] == "interloper")) & (data["true_teff"] < A_STARS)),
        ("subdwarfs", ">= 90 %", data["kind"] == "subdwarf"),
        ("white dwarfs", ">= 90 %", data["kind"] == "white_dwarf"),
        ("O and B stars from 9,700 K", "<= 3 %", normal & (data["true_teff"] >= B_STARS)),
    )  # fmt: skip
    doubt = has_warning(data).astype(float)
    return [
        Aim(f"{said} warned of", aim, percent(st.fraction(doubt[sound & rows])))
        for said, aim, rows in groups
    ]


def read_before(path: Path = BEFORE) -> dict[str, str]:
    """What an earlier version gave: number -> value; nothing where there is no file."""
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as f:
        return {row["number"]: row["value"] for row in csv.DictReader(f)}


def write_before(path: Path, found: Sequence[Aim]) -> None:
    with path.open("w", newline="", encoding="utf-8") as f:
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow(("number", "value"))
        writer.writerows((a.what, a.now) for a in found)
