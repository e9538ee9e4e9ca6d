"""Sections of the evaluation from a few fabricated stars:
accuracy, coverage, ROC, warnings, failures, the table.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from obcat.evaluate import STATED, accuracy, emission, evaluation, failures
from obcat.evaluate.accuracy import true_ranks
from obcat.evaluate.binaries import by_mass_ratio, by_snr
from obcat.evaluate.failures import input_errors
from obcat.evaluate.truth import missing_note
from obcat.section import Section

ROOT = Path(__file__).parents[3]
NAN = np.nan
UNKNOWN = ("is_train", "mass_ratio", "true_ks", "true_a_ks", "distance_edge", "is_triple", "is_sb2",
    "is_wind", "wobble", "parallax_offset_true", "hidden_light")  # fmt: skip
USUAL = {
    "uniqflag": 1.0, "snr_g": 80.0, "mk": 0.0, "mk_err": 0.2, "mk_geo": 0.0, "dis": 1.0,
    "dis_low": 0.9, "dis_high": 1.1,
    "ebv": 0.3, "ebv_err": 0.01, "binary_flag": 0.0, "em_flag": 0.0, "erroneous": 0.0,
    "parallax": 1.0, "parallax_error": 0.05, "parallax_offset": -0.05, "ks": 10.1, "ks_err": 0.02,
    "a_ks": 0.1, "a_ks_err": 0.01, "out_of_domain": 0.0, "true_mk": 0.0, "true_mk_system": 0.0,
    "true_distance": 1.0, "true_ebv": 0.3, "true_teff": 12_000.0, "true_logg": 4.0, "is_binary": 0.0,
    "has_emission": 0.0, "is_nebular": 0.0, "true_ew": 0.0, "is_erroneous": 0.0,
    "halpha_significance": 0.0, "distance_max": 100.0, "true_excess": 0.0, }  # fmt: skip


def compared(*stars: dict[str, Any]) -> dict[str, np.ndarray]:
    """A star a dict of what is not as usual; a column that nothing is said of is unknown."""
    data = {
        name: np.array([s.get(name, USUAL.get(name, NAN)) for s in stars], float)
        for name in (*USUAL, *UNKNOWN)
    }
    return data | {
        name: np.array([s.get(name, "") for s in stars], str) for name in ("kind", "erroneous_kind")
    }


def row(section: Section, label: str) -> dict[str, str]:
    cells = next(cells for cells in section.rows if cells[0] == label)
    assert len(cells) == len(section.columns) + 1
    return dict(zip(section.columns, cells[1:], strict=True))


def line(section: Section, label: str) -> list[str]:
    return list(next(cells for cells in section.rows if cells[0] == label)[1:])


def test_accuracy_by_five_variables():
    data = compared(
        {"mk": 0.2, "dis": 1.1, "ebv": 0.32, "snr_g": 80, "dis_low": 1.0, "dis_high": 1.22},
        {
            "mk": 0.4,
            "is_binary": 1,
            "true_mk": 0.1,
            "true_mk_system": -0.2,
            "snr_g": 15,
            "mk_err": 0.4,
        },
        {"mk": 9.0, "kind": "white_dwarf"},
        {"mk": 7.0, "uniqflag": 2},
        {"mk": 0.9, "is_train": 1, "ebv": 0.4, "has_emission": 1, "is_nebular": 1},
        {"mk": NAN, "dis": NAN, "ebv": 0.25, "has_emission": 1, "is_wind": 1},
    )
    magnitude = accuracy.magnitude_accuracy(data)
    assert line(magnitude, "all") == [
        "1",
        "0.200",
        "0.000",
        "0.200",
        "2",
        "0.400",
        "0.297",
        "0.300",
    ]
    assert line(magnitude, "S/N 50 to 100")[:4] == ["1", "0.200", "0.000", "0.200"]
    assert line(magnitude, "S/N 10 to 20")[4:] == ["1", "0.600", "0.000", "0.400"]
    assert line(accuracy.reddening_accuracy(data), "emission: nebular")[:2] == ["1", "0.100"]
    assert line(accuracy.reddening_accuracy(data), "emission: wind")[:2] == ["1", "-0.050"]
    assert line(accuracy.reddening_accuracy(data), "emission: Be")[:2] == ["0", "-"]
    distance = accuracy.distance_accuracy(data)
    assert line(distance, "E(B-V) 0.2 to 0.5")[4:6] == ["3", "0.0 %"]
    assert line(distance, "kpc 1 to 2")[:4] == ["2", "5.0 %", "7.4 %", "10.0 %"]
    five = {label.split()[0] for label, _ in accuracy.groups(data)}
    assert five == {"all", "S/N", "M_true", "E(B-V)", "emission:", "kpc"}


def test_coverage_is_that_of_the_interval_of_the_catalog_and_wider():
    """A spectrum alone, 0.3 mag: 95 per cent reach to 1.96 errors, 68 to 0.99 of them (Eq.
    18-24).
    """
    width = 0.2 * np.log(10) * 0.3
    at = np.exp(width**2 + width * np.array([0.0, 0.9, -1.5, 2.5]))
    stars = [
        {"mk_err": 0.3, "ks_err": 0.0, "a_ks_err": 0.0, "parallax": NAN, "true_distance": d}
        for d in at
    ]
    data = compared(*stars)
    assert true_ranks(data) == pytest.approx([0.5, 0.8159, 0.0668, 0.9938], abs=1e-3)
    assert line(accuracy.coverage(data), "all")[:3] == ["4", "50.0 %", "75.0 %"]
    histogram = row(accuracy.rank_histogram(data), "all")
    assert [histogram[c] for c in ("n", "0.0", "0.1", "0.8", "0.9")] == [
        "4",
        "25.0",
        "0.0",
        "25.0",
        "25.0",
    ]


def test_coverage_of_magnitude_and_reddening():
    pulls = ({"mk": 0.2 * pull, "ebv": 0.3 + 0.01 * pull} for pull in (0.5, 1.5, -0.9, 5.0))
    assert line(accuracy.coverage(compared(*pulls)), "all")[3:] == ["50.0 %", "75.0 %"] * 2
    assert row(accuracy.coverage(compared({"is_train": 1, "mk": 0.1})), "all")["M_spec 68 %"] == "-"


def test_area_under_the_curve():
    alarms = np.array([0.0, 1.0, 2.0, 3.0])
    assert emission.area(np.array([10.0, 11.0]), alarms) == 1
    assert emission.area(np.array([-np.inf]), alarms) == 0
    assert emission.area(np.array([1.5, 1.0]), alarms) == (0.5 + 1.5 / 4) / 2  # a tie is half
    assert emission.area(alarms, alarms) == 0.5
    assert np.isnan(emission.area(alarms, alarms[:0]))


def test_threshold_lets_no_more_alarms_through():
    scores = np.arange(1000.0)
    for rate, expected in ((0.001, 1), (0.05, 50), (0.0, 0)):
        assert (scores > emission.threshold_at(scores, rate)).sum() == expected
    assert np.isnan(emission.threshold_at(scores[:0], 0.01))


def test_roc_leaves_out_spoiled_spectra_and_other_kinds():
    stars: list[dict[str, Any]] = [{"halpha_significance": s} for s in (0.0, 1.0, 2.0, 3.5)]
    stars += [{"halpha_significance": s, "has_emission": 1, "true_ew": ew, "em_flag": s > 4}
              for s, ew in ((1.5, 0.7), (9.0, 3.0), (NAN, 3.0))]  # fmt: skip
    stars += [
        {"halpha_significance": 99.0, "is_erroneous": 1},
        {"halpha_significance": 99.0, "kind": "subdwarf"},
    ]
    data = compared(*stars)
    every = line(emission.by_class(data), "all")
    assert every[:3] == ["3", "4", "0.5000"]  # (2/4 + 1 + 0) / 3
    assert every[3:] == ["33.3 %", "33.3 %", "33.3 %", "33.3 %", "0.00 %"]
    assert line(emission.by_class(data), "EW / A 0.5 to 1")[2] == "0.5000"
    assert line(emission.sweep(data), "above 3") == ["33.33 %", "50.00 %", "25.00 %", "50.00 %"]


def test_erroneous_spectra_of_every_kind_in_the_truth_have_a_row():
    data = compared({"is_erroneous": 1, "erroneous_kind": "sky", "erroneous": 1},
                    {"is_erroneous": 1, "erroneous_kind": "moon"}, {})  # fmt: skip
    section = emission.erroneous(data)
    assert line(section, "spoiled: wrong sky, S/N from 30") == ["1", "100.0 %", "0.0 %"]
    assert line(section, "spoiled: moon, S/N from 30") == ["1", "0.0 %", "0.0 %"]


def test_warnings_by_kind():
    data = compared(
        {"kind": "star", "mk": 0.1},
        {"kind": "star", "true_mk": -5, "mk": -3.0, "out_of_domain": 16384},
        {"kind": "subdwarf", "mk": NAN},
        {"kind": "subdwarf", "mk": 2.5, "true_mk": 4.5},
        {"kind": "white_dwarf", "out_of_domain": 16384, "true_mk": 11, "mk": 1.0},
    )
    section = failures.warnings(data)
    assert row(section, "O and B stars")["warned"] == "50.0 %"
    assert row(section, "subdwarfs")["warned"] == "50.0 %"
    assert row(section, "subdwarfs")["M_spec - M_true mag"] == "-2.000"
    assert row(section, "white dwarfs")["out_of_domain"] == "100.0 %"
    assert row(section, "O and B, M_true -6 to -4")["warned"] == "100.0 %"
    assert "no kind" not in section.note


def test_what_the_truth_lacks_is_said():
    data = compared({}, {"is_triple": 1})
    assert (
        missing_note(data, "kind", "is_triple", "wobble")
        == " The truth has no kind, wobble: rows that need it are missing."
    )
    assert missing_note(compared({"kind": "star"}), "kind") == ""
    assert "no kind" in failures.warnings(data).note
    assert "no is_sb2" in by_mass_ratio(data).note
    assert "no parallax_offset_true, wobble" in input_errors(data).note


def test_binaries_by_snr_triples_and_sb2():
    data = compared(
        {"is_binary": 1, "mass_ratio": 0.8, "binary_flag": 1, "is_triple": 1},
        {"is_binary": 1, "mass_ratio": 0.8, "is_sb2": 1, "parallax_error": 0.5},
        {"binary_flag": 1, "parallax_error": 0.5},
        {"snr_g": 15},
    )
    assert line(by_snr(data), "S/N 50 to 100")[:4] == ["3", "66.7 %", "66.7 %", "50.0 %"]
    assert row(by_snr(data), "S/N 50 to 100, parallax S/N > 10")["purity"] == "100.0 %"
    assert line(by_mass_ratio(data), "triple")[:4] == ["1", "0", "1", "100.0 %"]
    assert line(by_mass_ratio(data), "SB2")[:4] == ["1", "0", "0", "0.0 %"]


def test_where_the_method_fails_says_by_how_much():
    late = {"is_binary": 1, "mass_ratio": 0.6}
    data = compared(
        {"mk": 0.05, "mk_geo": 0.02},
        late | {"mk": -0.3, "true_mk_system": -0.4, "binary_flag": 1, "mk_geo": -0.4, "dis": 0.8},
        late | {"mk": -0.5, "true_teff": 20_000.0},
        {"has_emission": 1, "true_excess": 0.3, "mk": -0.4, "dis": 0.9},
        {"true_mk": -4.5, "mk": -3.0, "true_mk_system": -4.5, "parallax": 0.1},
        {"mk": 3.0, "is_train": 1},
    )
    section = failures.failures(data)
    found = row(section, "late-B primary, q 0.5 to 0.7")
    assert [found[c] for c in ("n", "M_spec bias", "M_geo bias", "dis bias", "called binary")] == [
        "1", "-0.300", "0.000", "-20.0 %", "100.0 %"]  # fmt: skip
    assert row(section, "hotter primary, q 0.5 to 0.7")["M_spec bias"] == "-0.500"
    assert row(section, "Be, Ks excess / mag from 0.2")["M_spec bias"] == "-0.400"
    assert row(section, "single, M_true -6 to -4")["M_spec bias"] == "1.500"
    # the star that trained has a good parallax too: of it M_geo is asked
    assert row(section, "parallax S/N > 10, M_true 0 to 1")["n"] == "2"
    assert row(section, "parallax S/N > 10, M_true 0 to 1")["M_geo bias"] == "0.010"
    assert row(section, "single, no emission")["n"] == "2"


def problems(block: str) -> list[str]:
    """What is wrong with a block of a README."""
    lines = block.strip().splitlines()
    table = [line for line in lines if line.startswith("|")]
    said = [] if lines[:1] == [evaluation.BEGIN] and lines[-1:] == [evaluation.END] else ["marks"]
    if len(table) != len(lines) - 2 or not 3 <= len(table) <= 16:
        said.append("rows")
    if any(
        line.count(" | ") != len(evaluation.HEAD) - 1 or not line.endswith(" |") for line in table
    ):
        said.append("cells")
    return said if table and "SIMULATED" in table[0] else [*said, "SIMULATED"]


def test_table_for_the_readme():
    block = evaluation.readme(
        compared({"is_train": 0, "mk": 0.1}), dict.fromkeys(STATED, np.nan) | {"sigma_int": 0.26}
    )
    assert problems(block) == []
    assert "0.260, - mag" in block
    assert problems(block.replace("SIMULATED", "")) == ["SIMULATED"]
    assert problems(block.replace(evaluation.END, "")) == ["marks", "rows"]
    assert problems(block.replace("| --- |", "|")) == ["cells"]


def test_block_of_the_readme_is_well_formed():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.count(evaluation.BEGIN) == text.count(evaluation.END) == 1
    start = text.index(evaluation.BEGIN)
    assert problems(text[start : text.index(evaluation.END) + len(evaluation.END)]) == []
