"""Numbers of several surveys joined; what paper mode is judged by, worked out by hand."""

import numpy as np
import pytest
from click.testing import CliRunner

from obcat.cli import main
from obcat.evaluate.aims import Aim, aims, aims_section, joined_text, read_before, write_before

NAN = np.nan


@pytest.mark.parametrize(
    ("texts", "joined"),
    [
        (["0.30 mag", "0.34 mag", "0.32 mag"], "0.32 ± 0.02 mag"),
        (["96.0 %; 0.1 %", "94.0 %; 0.1 %"], "95.0 ± 1.4 %; 0.1 %"),
        (["S/N 30 to 50", "S/N 30 to 50"], "S/N 30 to 50"),
        (["−0.30 mag", "−0.10 mag"], "−0.20 ± 0.14 mag"),
        (["-0.3", "0.1"], "-0.1 ± 0.3"),
        (["12", "14"], "13 ± 1"),
        (["-", "0.30", "0.34"], "0.32 ± 0.03"),  # one survey has no such star
        (["-", "-"], "-"),
        (["M1 to M3", "M1 to M3"], "M1 to M3"),
        (["10-20", "10-30"], "10-25 ± 7"),  # a hyphen between numbers is no sign
    ],
)
def test_numbers_that_differ_become_mean_and_spread(texts, joined):
    assert joined_text(texts) == joined


def stars(n, **columns):
    """Best visits of single O and B stars without emission at S/N 70 that did not train."""
    said = {
        "uniqflag": 1, "kind": "star", "is_binary": 0, "has_emission": 0, "is_nebular": 0,
        "is_wind": 0, "is_erroneous": 0, "is_train": 0, "snr_g": 70.0, "mk": 0.0, "true_mk": 0.0,
        "mk_err": 0.2, "ebv": 0.0, "true_ebv": 0.0, "ebv_err": 0.1, "em_flag": 0.0, "true_ew": 0.0,
        "true_teff": 15_000.0,
        "out_of_domain": 0.0, "erroneous": 0.0,
    } | columns  # fmt: skip
    return {name: np.broadcast_to(np.asarray(value), n).copy() for name, value in said.items()}


def found(data):
    return {a.what: a.now for a in aims(data)}


def test_scatter_and_pull_of_m_by_hand():
    # MAD 0.1 about the median 0, and a companion's star that does not count
    data = stars(6, mk=[-0.2, -0.1, 0.0, 0.1, 0.2, 5.0], is_binary=[0, 0, 0, 0, 0, 1])
    said = found(data)
    label = "single, no emission, unseen, S/N 50 to 100"
    assert said[f"scatter of M_spec, {label}"] == f"{1.4826 * 0.1:.3f} mag"
    assert said[f"pull of M_spec, {label}"] == f"{1.4826 * 0.5:.2f}"
    assert said["scatter of M_spec, single, no emission, unseen, S/N from 100"] == "-"


def test_a_bright_star_that_is_off_fails_unless_it_is_warned_of():
    data = stars(
        4, true_mk=[-5.0, -5.0, -3.5, -3.5], mk=[-3.0, -3.0, -3.3, NAN],
        out_of_domain=[1.0, 0.0, 0.0, NAN], has_emission=[1, 0, 0, 0],
    )  # fmt: skip
    said = found(data)
    assert said["bias, M_true below -3"] == "2.000 mag"
    assert said["bias, M_true below -4"] == "2.000 mag"
    assert said["M_true below -3: off by more than 1 mag and unwarned"] == "33.3 %"


def test_flags_by_hand():
    data = stars(
        7,
        has_emission=[1, 1, 1, 1, 1, 0, 0],
        is_nebular=[0, 0, 1, 1, 0, 0, 0],
        true_ew=[2.0, 2.5, 8.0, 2.0, 9.0, 0.0, 0.0],
        em_flag=[1, 0, 1, 0, 1, 1, NAN],
    )
    said = found(data)
    assert said["em_flag: discs of 1 to 3 A found"] == "50.0 %"
    assert said["em_flag: nebulae from 3 A found"] == "100.0 %"
    assert said["em_flag: false alarms"] == "100.00 %"  # of one that is known


def test_warnings_by_kind():
    """A cool star counts as A whatever its kind; one whose spectrum is spoiled does not count."""
    data = stars(
        7, kind=["star", "interloper", "subdwarf", "white_dwarf", "star", "star", "star"],
        out_of_domain=[0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0], mk=[0.0, 0.0, 0.0, NAN, 0.0, 0.0, 0.0],
        true_teff=[9800, 9000, 30_000, 20_000, 9400, 9600, 20_000], is_erroneous=[0] * 6 + [1],
    )  # fmt: skip
    said = found(data)
    assert said["O and B stars from 9,700 K warned of"] == "0.0 %"
    assert said["A stars below 9,500 K warned of"] == "50.0 %"
    assert said["subdwarfs warned of"] == "0.0 %"
    assert said["white dwarfs warned of"] == "100.0 %"


def test_what_was_before_stands_beside(tmp_path):
    write_before(tmp_path / "before.csv", [Aim("a", "< 1", "2 ± 1"), Aim("gone", "", "3")])
    before = read_before(tmp_path / "before.csv")
    rows = aims_section([Aim("a", "< 1", "0.5"), Aim("new", "0", "0")], before).rows
    assert rows == [("a", "< 1", "2 ± 1", "0.5"), ("new", "0", "-", "0")]
    assert read_before(tmp_path / "none.csv") == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--save", "x.csv"), "--save goes with --aims"),
        (("--aims", "--readme"), "give one of --readme, --aims and --json"),
        (("--truth", "a", "--truth", "b"), "1 DATABASE and 2 --truth"),
    ],
)
def test_options_that_do_not_go_together(tmp_path, words, said):
    (tmp_path / "raw").mkdir()
    (tmp_path / "obcat.duckdb").touch()
    done = CliRunner().invoke(main, ["evaluate", str(tmp_path / "obcat.duckdb"), *words])
    assert done.exit_code == 2
    assert said in done.output
