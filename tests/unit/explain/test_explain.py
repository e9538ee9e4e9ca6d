"""obcat explain: the star that was meant, the values of the catalog,
and reasons that are those of the SQL.
"""

import re
import shutil
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
from click.testing import CliRunner

from obcat import db
from obcat.cli import main
from obcat.explain import StarNotFound, colours, conditions, explain, star_ids
from obcat.explain.drawing import distance_terms, spectrum_drawing
from obcat.kernels.distance import distance
from obcat.kernels.extinction import BANDS, extinction
from obcat.query.sql import opened
from obcat.reading import query_text
from obcat.section import Section, star_text, word

GAIA = 4611686018427387905  # no double holds it
MAGNITUDES = {b: 10 + 0.1 * i for i, b in enumerate(BANDS)} | {
    f"{b}_err": 0.02 + 0.01 * i for i, b in enumerate(BANDS)
}
NODES = {
    "teff_nodes": np.array([1e4, 2e4]),
    "logg_nodes": np.array([3.0, 5.0]),
    "feh_nodes": np.array([-1.0, 1.0]),
    "bc_nodes": np.arange(8 * 9, dtype=float).reshape(2, 2, 2, 9) / 100,
}
COEFFICIENTS = {"coefficients": np.array([4.1, 3.7, 3.3, 3.1, 2.6, 2.0, 1.9, 0.8, 0.5, 0.35])}
TABLES = {
    "meta.survey": [{"name": "test", "simulated": 1}],
    "sample.targets": [{"specid": "55859-F-01-001", "name": "my star"}],
    "sample.visits": [
        {"specid": "55859-F-01-001", "star_id": "S0100000200000", "uniqflag": 2, "snr_g": 30.0},
        {"specid": "55860-F-01-001", "star_id": "S0100000200000", "uniqflag": 1, "snr_g": 90.0},
        {"specid": "55861-F-01-001", "star_id": "S0200000200000", "uniqflag": 1, "snr_g": 90.0},
    ],
    "sample.stars": [
        {
            "star_id": "S0100000200000",
            "specid": "55860-F-01-001",
            "ra": 10.0,
            "dec": 20.0,
            "source_id": GAIA,
        },
        {
            "star_id": "S0200000200000",
            "specid": "55861-F-01-001",
            "ra": 20.0,
            "dec": 20.0,
            "source_id": GAIA - 1,
        },
    ],
    "sample.gaia_matches": [
        {
            "star_id": "S0100000200000",
            "source_id": GAIA,
            "rank": 1,
            "chosen": 1,
            "reason": "nearest",
        },
        {
            "star_id": "S0100000200000",
            "source_id": 7,
            "rank": 2,
            "chosen": 0,
            "reason": "nearer to another star",
        },
    ],
    "emission.lines": [
        {"specid": "55860-F-01-001", "halpha_significance": 5.5, "em_flag": 1, "erroneous": 0}
    ],
    "catalog.quality": [{"specid": "55860-F-01-001", "quality": 8 + 512}],
    "catalog.ob_stars": [
        {
            "specid": "55860-F-01-001",
            "star_id": "S0100000200000",
            "uniqflag": 1,
            "dis": 1.25,
            "quality": 520,
        }
    ],
    "extinction.photometry": [{"star_id": "S0100000200000"} | MAGNITUDES | {"v": None}],
    "extinction.labels": [{"star_id": "S0100000200000", "teff": 15000.0, "logg": 4.0, "feh": None}],
    "extinction.reddening": [{"star_id": "S0100000200000", "ebv": 0.1234}],
    "raw.headers": [
        {"specid": f"{n}-F-01-001", "ra": 10.0, "dec": 20.0, "z": 1e-4}
        for n in (55859, 55860, 55861)
    ],
}
MODELS = {
    "colours": NODES,
    "coefficients": COEFFICIENTS,
    "pca": {"excess_calibration": np.array([0, 1, 0.002, 3.5])},
}


@pytest.fixture(scope="module")
def filled(template, tmp_path_factory, fill):
    path = Path(shutil.copy(template, tmp_path_factory.mktemp("filled") / "obcat.duckdb"))
    with db.connect(path) as con:
        for table, rows in TABLES.items():
            fill(con, table, rows)
        for model, arrays in MODELS.items():
            for name, values in arrays.items():
                row = [model, name, values.dtype.str, list(values.shape), values.tobytes()]
                con.execute("INSERT INTO model.arrays VALUES (?, ?, ?, ?, ?)", row)
    return path


@pytest.mark.parametrize(
    ("star", "found"),
    [
        ("55859-F-01-001", "S0100000200000, spectrum 55859-F-01-001, found by specid"),
        ("S0100000200000", "S0100000200000, spectrum 55860-F-01-001, found by star_id"),
        (str(GAIA), "S0100000200000, spectrum 55860-F-01-001, found by Gaia DR2 id"),
        (f"Gaia DR2 {GAIA - 1}", "S0200000200000, spectrum 55861-F-01-001, found by Gaia DR2 id"),
        ("my star", "S0100000200000, spectrum 55859-F-01-001, found by name of a target"),
        (
            "10.0 20.0",
            "S0100000200000, spectrum 55860-F-01-001, found by position, 0.00 arcsec away",
        ),
        (
            "20.0, +20.001",
            "S0200000200000, spectrum 55861-F-01-001, found by position, 3.60 arcsec away",
        ),
        (
            "01:20:00.0 +20:00:03.6",
            "S0200000200000, spectrum 55861-F-01-001, found by position, 3.60 arcsec away",
        ),
    ],
)
def test_the_star_that_is_meant(filled, star, found):
    heading = explain(filled, star).splitlines()[0]
    assert heading == f"{found} (SIMULATED: this star does not exist)"


@pytest.mark.parametrize(
    "star", ["nothing", "4611686018427387900", "", "x' OR true --", "1 2 3", "55859-F-01-002"]
)
def test_no_such_star(filled, star):
    with pytest.raises(StarNotFound, match="give a specid"):
        explain(filled, star)


def test_a_position_without_a_star_names_the_nearest(filled):
    with pytest.raises(StarNotFound, match=r"the nearest, S0200000200000, is 36\.0 arcsec away"):
        explain(filled, "20 20.01")


SESAME = """# HD 1  #Q1
#=S=Simbad (CDS, via client/server):    1     0ms
%J 10.0000000 +20.0000000 = 00:40:00.00 +20:00:00.0
"""


def sesame(patched, tmp_path, answer):
    """Stands in for the CDS: an answer, or none where it is an error; counts what it was asked."""
    asked = []

    def downloaded(address, **_):
        asked.append(address)
        if isinstance(answer, Exception):
            raise answer
        (tmp_path / "sesame").write_text(answer)
        return str(tmp_path / "sesame")

    patched.setattr("astropy.coordinates.name_resolve.download_file", downloaded)
    return asked


def test_a_name_of_the_network_is_asked_for_only_where_that_is_wished(
    filled, tmp_path, monkeypatch
):
    asked = sesame(monkeypatch, tmp_path, SESAME)
    with pytest.raises(StarNotFound, match="give a specid"):
        explain(filled, "HD 1")
    assert "found by specid" in explain(filled, "55859-F-01-001", resolve=True)
    assert asked == []
    done = CliRunner().invoke(main, ["explain", "--trust", str(filled), "HD 1", "--resolve"])
    assert done.output.startswith("S0100000200000, spectrum 55860-F-01-001, found by position, 0.0")
    with opened(filled) as con, pytest.raises(StarNotFound, match=r"arcsec of 10\.0"):
        star_ids(con, "HD 1", resolve=True)  # the catalog's own row lies elsewhere
    assert len(asked) == 2
    assert all("HD%201" in address for address in asked)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (URLError("Name or service not known"), "and Sesame of the CDS does not answer"),
        ("#!SIMBAD: No known catalog could be found\n", "nor in SIMBAD, NED or VizieR"),
        (SESAME.replace("+20.0", "-20.0"), "no star within 10 arcsec of 10.0 -20.0"),
    ],
)
def test_a_name_that_leads_nowhere_is_one_line(filled, tmp_path, monkeypatch, answer, says):
    sesame(monkeypatch, tmp_path, answer)
    done = CliRunner().invoke(main, ["explain", "--trust", str(filled), "HD 1", "--resolve"])
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1)
    assert says in done.stderr


def test_values_candidates_and_reasons_are_told(filled):
    text = explain(filled, "S0100000200000")
    for words in (
        f"{GAIA}", "nearer to another star", "0.123 mag", "unknown: no parallax", "set where",
        "em_flag = 1: halpha_significance 5.50 > threshold 3.50", "l.erroneous = 1",
        "not set: no_rest_frame, masked,",
    ):  # fmt: skip
        assert words in text
    assert re.search(rf"\n  BP +{MAGNITUDES['bp']:g} +{MAGNITUDES['bp_err']:g}\n", text)
    assert "fingerprint" not in text  # no provenance was filled in


def test_both_modes_are_side_by_side_with_the_reason(filled, tmp_path, fill):
    path = Path(shutil.copy(filled, tmp_path / "obcat.duckdb"))
    star = {"specid": "55860-F-01-001", "star_id": "S0100000200000"}
    with db.connect(path) as con:
        best = {"uniqflag": 1, "dis": 2.5, "dis_low": 2.25, "dis_high": 2.75, "p_companion": 0.75}
        fill(con, "catalog.ob_stars_best", [star | best])
        difference = {"dis_nsigma": 3.5, "reason": "band B doubted; companion"}
        fill(con, "catalog.catalog_diff", [star | difference])
    text = explain(path, "S0100000200000")
    assert re.search(r"\n  dis +1.25 +- +2.5 +0.25 +3.5\n", text)
    assert re.search(r"\n  band B doubted +one magnitude disagrees", text)
    assert re.search(r"\n  companion +light of a companion", text)
    assert re.search(r"\n  p_companion +0.750?0? ", text)
    assert "<h2>Both modes side by side" in explain(path, "S0100000200000", html=True)
    assert "modes" not in explain(filled, "S0100000200000")


def test_every_reason_of_a_difference_has_its_words(con, fill):
    """The reasons are those of the SQL that makes them."""
    text = query_text("90_catalog/50_catalog_diff")
    made = re.findall(r"(?:THEN|ELSE|'why':) '([^']+)'", text)
    assert len(made) >= 13
    fill(con, "catalog.catalog_diff", [{"specid": "a", "star_id": "A", "reason": "; ".join(made)}])
    rows = con.execute(query_text("explain/17_reasons"), {"specid": "a"}).fetchall()
    assert [reason for reason, _ in rows] == made
    assert all(because for _, because in rows)


def test_every_bit_has_a_condition(filled):
    with opened(filled) as con:
        bits = {row[0] for row in con.execute("SELECT name FROM meta.quality_bits").fetchall()}
    assert set(conditions()) == bits
    assert conditions()["erroneous"] == "l.erroneous = 1"
    assert all(text.count("(") == text.count(")") and text for text in conditions().values())
    assert conditions()["parallax_only"].startswith(
        "s.parallax_corrected IS NOT NULL AND (m.mk IS NULL OR "
    )


def test_colours_have_the_reddening_of_the_kernel_as_their_mean(filled):
    with opened(filled) as con:
        names, rows = colours(con, "S0100000200000")
    assert [row[0] for row in rows] == [
        "b - g",
        "g - bp",
        "bp - r",
        "r - i",
        "i - rp",
        "rp - j",
        "j - h",
    ]
    star = MAGNITUDES | {"v": np.nan, "v_err": np.nan}
    photometry = [[star[f"{band}{end}"]] for band in BANDS for end in ("", "_err")]
    labels = [[15e3], [4.0], *[[np.nan]] * 4]
    ebv = extinction(*labels, *photometry, colour_error_floor=0.014, **NODES, **COEFFICIENTS)[0][0]
    weight, excess = (np.array([row[names.index(n)] for row in rows]) for n in ("weight", "ebv"))
    assert weight.sum() == pytest.approx(1)
    assert weight @ excess == pytest.approx(ebv, rel=1e-12)


def test_colours_of_a_star_without_labels(filled):
    with opened(filled) as con:
        assert colours(con, "S0200000200000")[1] == []


def test_text_of_values():
    assert word("a\nb\x1b[31m") == "a?b?[31m"
    assert word(GAIA) == str(GAIA)
    assert word(None) == "-"
    assert "10.123457 deg" in star_text(Section("x", "", ["ra"], [[10.123456789]], alone=True))


def test_command(filled):
    done = CliRunner().invoke(main, ["explain", "--trust", str(filled), "my star"])
    assert done.exit_code == 0
    assert done.stdout.startswith("S0100000200000, spectrum")
    failed = CliRunner().invoke(main, ["explain", "--trust", str(filled), "nobody"])
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert len(failed.stderr.splitlines()) == 1


def test_page_is_whole_by_itself_and_escapes_what_it_shows(filled, tmp_path):
    changed = Path(shutil.copy(filled, tmp_path / "obcat.duckdb"))
    with db.connect(changed) as con:
        con.execute(
            "UPDATE sample.gaia_matches SET reason = '<img src=x onerror=alert(1)>' WHERE rank = 2"
        )
    text = explain(changed, "S0100000200000", html=True)
    assert "<img" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "default-src 'none'" in text
    assert "<script" not in text
    assert not re.findall(r"(?:src|href)=[\"'](?!#)", text)
    assert "SIMULATED" in text
    with opened(changed) as con:
        names = [row[0] for row in con.execute("SELECT name FROM meta.quality_bits").fetchall()]
    for name in names:
        assert len(re.findall(rf"<tr><td>(?:yes|no)<td>\d+<td>{name}<td", text)) == 1
    assert text.count("<tr><td>yes") == 2
    assert "<td>l.erroneous = 1" in text


def test_drawing_shows_the_windows_and_enlarges_halpha(template, tmp_path, fill):
    path = Path(shutil.copy(template, tmp_path / "obcat.duckdb"))
    n_pixel, keep = 3909, np.zeros(100, np.float32)
    with db.connect(path) as con:
        spectrum = {"flux": np.ones(n_pixel, np.float32), "ivar": np.ones(n_pixel, np.float32)}
        fill(con, "spectra.normalised", [{"specid": "a", "masked_fraction": 0.0} | spectrum])
        fill(con, "spectra.scores", [{"specid": "a", "score_clean": keep, "score_full": keep}])
        for name, values in {"mean": np.ones(n_pixel), "scale": np.ones(n_pixel)}.items():
            row = ["pca", name, values.dtype.str, list(values.shape), values.tobytes()]
            con.execute("INSERT INTO model.arrays VALUES (?, ?, ?, ?, ?)", row)
        basis = np.zeros((100, n_pixel))
        row = ["pca", "full_from_clean", basis.dtype.str, list(basis.shape), basis.tobytes()]
        con.execute("INSERT INTO model.arrays VALUES (?, ?, ?, ?, ?)", row)
    with opened(path) as con:
        caption, drawing = spectrum_drawing(con, "a")
        assert spectrum_drawing(con, "b") == ("No spectrum at rest.", "")
    assert "clean windows" in caption
    for words in ("reconstruction without emission", "clean windows", "residual", "Halpha"):
        assert f"<!-- {words} -->" in drawing


def test_terms_of_the_distance_are_those_of_the_kernel():
    star = {"mk": -1.0, "mk_err": 0.2, "ks": 10.0, "ks_err": 0.02, "a_ks": 0.3, "a_ks_err": 0.03}
    star |= {"parallax": 0.8, "parallax_error": 0.05, "binary_flag": 0.0}
    d = np.geomspace(0.1, 10, 20001)
    given = {name: np.array([value]) for name, value in star.items() if name != "binary_flag"}
    mode = distance(**given, distance_max=100.0)[0][0]
    terms = distance_terms(d, star)
    assert d[terms["used"].argmax()] == pytest.approx(mode, rel=3e-4)
    assert d[terms["parallax"].argmax()] == pytest.approx(1.25, rel=3e-4)
    # 10 - 0.3 + 1 = 5 log10 d + 10
    assert d[terms["spectrum"].argmax()] == pytest.approx(10**0.14, rel=3e-4)
    binary = distance_terms(d, star | {"binary_flag": 1.0})
    assert (binary["used"] == terms["parallax"]).all()


def test_command_writes_the_page(filled, tmp_path):
    done = CliRunner().invoke(
        main, ["explain", "--trust", str(filled), "my star", "--html", str(tmp_path / "x.html")]
    )
    assert (done.exit_code, done.stdout) == (0, "")
    assert (tmp_path / "x.html").read_text(encoding="utf-8").startswith("<!doctype html>")
