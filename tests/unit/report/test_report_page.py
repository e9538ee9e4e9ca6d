"""The report: a page of a full and of an empty catalog; same bytes, escaped, no network;
what is missing is said.
"""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure
from matplotlib.text import Text

from obcat import db
from obcat.cli import main
from obcat.kernels.grid import N_PIXEL
from obcat.reading import Reading, open_database
from obcat.report import BLUE, STYLE, Look, distances, drawn_table, histogram, panels, points
from obcat.report.figures import FIGURES, draw_or_box, render
from obcat.report.page import ReportError, report, report_html, report_tables
from obcat.schema import SQL

N = 60
PNG = b"\x89PNG\r\n\x1a\n"


class Tags(HTMLParser):
    """Names of the tags of a page, and their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def catalog_rows(rng: np.random.Generator) -> list[dict]:
    names = (
        "mk",
        "mk_geo",
        "dis",
        "ruwe",
        "x",
        "y",
        "halpha_chi2",
        "clean_chi2",
        "mk_err",
        "mk_geo_err",
        "logg",
    )
    rows = [{name: rng.uniform(0.8, 2.0) for name in names} for _ in range(N)]
    for i, row in enumerate(rows):
        row |= {
            "specid": f"5{i:04d}-P-01-{i:03d}",
            "star_id": f"S{i}",
            "uniqflag": 1,
            "snr_g": 100.0 + i,
        }
        row |= {
            "em_flag": int(i % 5 == 0),
            "binary_flag": int(i % 7 == 0),
            "erroneous": int(i % 11 == 10),
        }
        row |= {
            "teff": 1e4 + 200.0 * i,
            "feh": 0.0,
            "ebv": 0.3,
            "parallax": 1.0,
            "parallax_offset": -0.05,
        }
        row |= {"parallax_error": 0.03, "snr_dparallax": rng.normal(), "dis_low": 0.9 * row["dis"]}
        row |= {"dis_high": 1.1 * row["dis"], "rv": 3.0, "rv_err": 1.0, "simulated": 1}
    rows[3] |= {"ra": 92.95450, "dec": 22.82575}
    return rows


def models(rng: np.random.Generator) -> list[tuple[str, str, np.ndarray]]:
    bases = [("pca", name, rng.normal(0, 0.02, (100, N_PIXEL)).astype("<f4"))
             for name in ("clean_basis", "full_basis", "full_from_clean")]  # fmt: skip
    others = [("pca", "mean", np.ones(N_PIXEL)), ("pca", "scale", np.full(N_PIXEL, 0.1))]
    others += [("pca", "excess_calibration", np.array([0.0, 1, 1, 3.5]))]
    sizes = {"w0": (100, 5), "b0": (5,), "w1": (5, 5), "b1": (5,), "w2": (5,), "b2": ()}
    domain = {
        "centre": np.zeros(10),
        "scale": np.ones(10),
        "limit": np.array(5.0),
        "brightest": np.array(-9.0),
    }
    for net in ("full", "clean"):
        others += [
            ("luminosity", f"{net}_{name}", rng.normal(size=size)) for name, size in sizes.items()
        ]
        others += [("luminosity", f"{net}_{name}", array) for name, array in domain.items()]
    return [(model, name, np.asarray(array)) for model, name, array in bases + others]


@pytest.fixture(scope="module")
def full(template, tmp_path_factory, fill) -> Path:
    """A catalog of 60 invented stars with everything the figures ask for."""
    path = Path(shutil.copy(template, tmp_path_factory.mktemp("report") / "obcat.duckdb"))
    rng = np.random.default_rng(1)
    rows = catalog_rows(rng)
    spectra = [{"specid": r["specid"], "z": 1e-4, "flux": rng.normal(1, 0.01, N_PIXEL),
        "ivar": np.full(N_PIXEL, 1e4), "score_clean": rng.normal(size=100),
        "score_full": rng.normal(size=100)} for r in rows]  # fmt: skip
    with db.connect(path) as con:
        con.execute("INSERT INTO meta.survey (name, simulated) VALUES ('<b>small</b> & co', 1)")
        fill(con, "catalog.ob_stars", rows)
        for table, names in (("raw.spectra", "z flux ivar"), ("spectra.normalised", "flux ivar"),
                             ("spectra.scores", "score_clean score_full")):  # fmt: skip
            fill(
                con,
                table,
                [{name: s[name] for name in ("specid", *names.split())} for s in spectra],
            )
        fill(con, "emission.lines", [{"specid": r["specid"], "halpha_excess": 0.1,
            "halpha_significance": 2.0, "halpha_chi2": 1.0, "em_flag": r["em_flag"]} for r in rows])  # fmt: skip
        fill(con, "luminosity.good_parallax", [{"specid": r["specid"], "star_id": r["star_id"],
            "snr_g": r["snr_g"], "is_train": i % 2} for i, r in enumerate(rows)])  # fmt: skip
        fill(con, "extinction.photometry", [{"star_id": r["star_id"], "bp": 12.0} for r in rows])
        bands = dict(
            zip(
                ("bp", "b", "g", "v", "r", "i", "j"),
                (3.6, 4.1, 3.8, 3.1, 2.6, 1.9, 0.8),
                strict=True,
            )
        )
        fill(con, "reference.extinction_coefficients", [{"teff": 20000.0, "logg": 4.0, **bands}])
        fill(con, "model.noise_chain", [{"em_flag": 0, "step": i, "walker": 0, **dict(zip(
            ("alpha", "beta", "sigma_int", "sigma_100"), rng.normal(0.2, 0.02, 4), strict=True))}
            for i in range(300)])  # fmt: skip
        for model, name, array in models(rng):
            con.execute("INSERT INTO model.arrays VALUES (?, ?, ?, ?, ?)",
                        [model, name, array.dtype.str, list(array.shape), array.tobytes()])  # fmt: skip
    return path


@pytest.fixture(scope="module")
def written(full) -> Path:
    out = full.parent / "report"
    report(full, out)
    return out


@pytest.fixture
def empty(database) -> Path:
    with db.connect(database) as con:
        con.execute("INSERT INTO meta.survey (name, simulated) VALUES ('none', 0)")
    return database


def tags(html: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(html)
    return parser.found


def test_sixteen_figures_are_drawn_as_both_files(written):
    html = (written / "index.html").read_text(encoding="utf-8")
    assert "Not drawn" not in html
    assert len([tag for tag, _ in tags(html) if tag == "img"]) == 16
    for number in range(1, 17):
        assert (written / f"figure_{number:02d}.png").read_bytes()[:8] == PNG
        pdf = (written / f"figure_{number:02d}.pdf").read_bytes()
        assert pdf[:5] == b"%PDF-"
        assert b"CreationDate" not in pdf


def test_page_needs_nothing_from_outside(written):
    html = (written / "index.html").read_text(encoding="utf-8")
    found = tags(html)
    assert {a["src"][:22] for _, a in found if a.get("src")} == {"data:image/png;base64,"}
    assert all((a["href"] or "").startswith("#") for _, a in found if "href" in a)
    assert not {tag for tag, _ in found} & {"script", "link", "iframe", "object"}
    policy = [a["content"] for _, a in found if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_figures_have_their_printed_width_on_a_phone(written):
    found = tags((written / "index.html").read_text(encoding="utf-8"))
    widths = [a["style"] for tag, a in found if tag == "img"]
    assert widths == [f"--inches: {drawing.size[0]}" for drawing in FIGURES[:16]]


def test_page_is_escaped_and_says_what_is_simulated(written):
    html = (written / "index.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;small&lt;/b&gt; &amp; co" in html
    assert "<b>small" not in html
    assert "nothing on this page is a real star" in html
    assert html.count("(SIMULATED survey).") == 16


def test_captions_name_files_of_sql_and_links_lead_somewhere(written):
    html = (written / "index.html").read_text(encoding="utf-8")
    found = tags(html)
    ids = {a["id"] for _, a in found if "id" in a}
    assert {a["href"][1:] for _, a in found if a.get("href")} <= ids
    for drawing in FIGURES:
        assert all(f"sql/{query}.sql" in html for query in drawing.queries)
        assert all((SQL / f"{query}.sql").is_file() for query in drawing.queries)


def test_figures_are_those_of_the_paper_in_order():
    assert [drawing.number for drawing in FIGURES] == list(range(1, 17))


@pytest.mark.parametrize("number", [2, 9])
def test_same_bytes_again(full, written, number):
    with open_database(full) as survey:
        again = render(FIGURES[number - 1], survey)
    assert again.png == (written / f"figure_{number:02d}.png").read_bytes()
    assert again.pdf == (written / f"figure_{number:02d}.pdf").read_bytes()


def test_empty_catalog_says_what_is_missing(empty, tmp_path):
    with db.connect(empty, read_only=True) as con:
        survey = Reading(con, "none", False, empty, tmp_path)
        missing = {drawing.number: draw_or_box(drawing, survey)[1] for drawing in FIGURES}
        html = report_html(survey, [(drawing, render(drawing, survey)) for drawing in FIGURES[8:9]],
                    report_tables(survey) | {"evaluation": ""})  # fmt: skip
    assert [number for number, why in missing.items() if not why] == [1]  # the flow
    assert html.count("<b>Not drawn:</b>") == 1
    assert "Gaia" in html
    assert "SIMULATED" not in html
    assert html.count("not known") >= 3


def test_parameters_carry_their_status(written):
    html = (written / "index.html").read_text(encoding="utf-8")
    assert "<td>paper" in html
    assert "<td>assumed" in html


@pytest.mark.parametrize(
    "query", sorted({query for drawing in FIGURES for query in drawing.queries})
)
def test_every_query_runs(query, con):
    con.sql((SQL / f"{query}.sql").read_text(encoding="utf-8")).fetchall()


def test_no_catalog_and_no_folder_are_one_line(empty, tmp_path):
    other = tmp_path / "other.duckdb"
    with db.connect(other):
        pass
    with pytest.raises(ReportError, match="no database of obcat"):
        report(other, tmp_path)
    with pytest.raises(ReportError, match="is there and is no folder; give another name"):
        report(empty, other)
    (tmp_path / "a_file").touch()
    with pytest.raises(ReportError, match=r"a_file.*; choose a folder that can be written"):
        report(empty, tmp_path / "a_file" / "report")


def test_a_report_replaces_a_report_and_nothing_else(empty, tmp_path, monkeypatch):
    monkeypatch.setattr("obcat.report.page.figures_of", lambda survey: [])
    written = report(empty, tmp_path / "report")
    assert [path.name for path in written] == ["index.html", "figures.csv"]
    assert report(empty, tmp_path / "report") == written
    (tmp_path / "report" / "notes.txt").write_text("mine", encoding="ascii")
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "index.html").write_text("mine", encoding="ascii")
    for name in ("report", "others"):
        with pytest.raises(ReportError, match="move it away, or give another folder"):
            report(empty, tmp_path / name)
    assert (tmp_path / "report" / "notes.txt").read_text(encoding="ascii") == "mine"
    assert (tmp_path / "others" / "index.html").read_text(encoding="ascii") == "mine"


def test_a_report_that_fails_leaves_the_one_before(empty, tmp_path, monkeypatch):
    monkeypatch.setattr("obcat.report.page.figures_of", lambda survey: [])
    report(empty, tmp_path / "report")
    before = (tmp_path / "report" / "index.html").read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("obcat.files._sync_tree", full)
    with pytest.raises(ReportError, match="report: No space left on device; choose a folder"):
        report(empty, tmp_path / "report")
    assert (tmp_path / "report" / "index.html").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir() if "partial" in p.name] == []


def test_command_fails_with_one_line(tmp_path):
    with db.connect(tmp_path / "other.duckdb"):
        pass
    said = CliRunner().invoke(main, ["report", "--trust", str(tmp_path / "other.duckdb")])
    assert said.exit_code == 1
    assert len(said.output.splitlines()) == 1
    assert "no database of obcat" in said.output
    assert not (tmp_path / "report").exists()


def words(figure) -> list[str]:
    """All that is written on a figure."""
    return [text.get_text() for text in figure.findobj(Text) if text.get_text().strip()]


def test_figures_are_as_wide_as_a_column_and_their_letters_as_a_journal_asks(full):
    """7 to 9 points, no name of a column, in figures of 3.5 and 7.1 inches."""
    with open_database(full) as survey, mpl.rc_context(STYLE):
        for drawing in FIGURES:
            figure, _ = draw_or_box(drawing, survey)
            figure.draw_without_rendering()  # which gives the ticks their words
            assert drawing.size[0] in (3.5, 7.1)
            sizes = [text.get_fontsize() for text in figure.findobj(Text) if text.get_text()]
            assert 6.5 <= min(sizes) <= max(sizes) <= 9
            named = [plain for plain in words(figure) if "_" in re.sub(r"\$[^$]*\$", "", plain)]
            assert named == [], drawing.number


def test_every_figure_has_a_paragraph_and_its_data(written):
    for drawing in FIGURES:
        assert drawing.caption.count(". ") >= 1
        assert drawing.caption.endswith(".")
        lines = (written / f"figure_{drawing.number:02d}.csv").read_text(encoding="utf-8")
        assert lines.startswith("panel,series,x,y,error,value\n")
        assert lines.count("\n") > 1
    panels = (written / "figures.csv").read_text(encoding="utf-8").splitlines()
    assert "13,2,visits in order of date (LMJD),RV (km s^-1)" in panels


def test_data_of_a_figure_are_what_is_drawn():
    axes = Figure().subplots()
    axes.set(xlabel=r"$M_{\rm spec}$ (mag)", ylabel="stars")
    axes.errorbar([1.0, 2.0], [3.0, 4.0], yerr=[0.5, 0.25], fmt="o", label="visits")
    axes.plot([0.0, 1.0], [5.0, 6.0], label="line")
    axes.axhline(9.0)
    axes.scatter([7.0], [8.0], c=[0.1], label="stars (1)")
    histogram(axes, np.array([0.5, 0.6, 1.5]), np.array([0.0, 1, 2]), {"label": "steps"})
    assert drawn_table(axes.figure).splitlines()[1:] == [
        "1,visits,1,3,0.5,", "1,visits,2,4,0.25,", "1,line,0,5,,", "1,line,1,6,,",
        "1,stars (1),7,8,,0.1", "1,steps,0,2,,", "1,steps,1,1,,",
    ]  # fmt: skip
    assert panels(axes.figure) == [(1, "M_spec (mag)", "stars")]


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_many_points_are_cells_that_hold_them_all(scale):
    """Cells and the points outside of them are all points, on any scale."""
    x, y = 10 ** np.random.default_rng(3).normal(size=(2, 9000))
    axes = Figure().subplots()
    axes.set(xscale=scale, yscale=scale)
    points(axes, x, y, np.ones(9000, bool), Look("stars", BLUE, "o", 4))
    cells, rest = axes.collections
    assert cells.get_array().min() >= 3
    assert cells.get_array().sum() + len(rest.get_offsets()) == 9000
    assert rest.get_label() == "stars (9,000)"
    corners = cells.get_paths()[0].vertices
    (low, high), (left, right) = (sorted({*corners[:, k].round(9)}) for k in (1, 0))
    inside = (x >= left) & (x < right) & (y >= low) & (y < high)
    assert inside.sum() == cells.get_array()[0]


def test_arms_pass_where_masers_put_them():
    """Perseus has its kink at 40 degrees and 8.87 kpc, the Local arm passes the Sun outside."""
    x, y = distances.arm("Perseus")
    at = np.argmin(np.abs(np.degrees(np.arctan2(y, -x)) - 40))
    assert np.hypot(x[at], y[at]) == pytest.approx(8.87, abs=0.02)
    x, y = distances.arm("Local")
    assert -8.8 < x[np.argmin(np.abs(y))] < distances.SUN[0]


def test_report_for_a_printer(empty, tmp_path, monkeypatch):
    monkeypatch.setattr("obcat.report.page.figures_of", lambda survey: FIGURES[:2])
    made = [report(empty, tmp_path / name, "pdf")[0] for name in ("a", "b")]
    pdf = made[0].read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert pdf.count(b"/Type /Page ") + pdf.count(b"/Type /Page\n") >= 3
    assert pdf == made[1].read_bytes()
    assert not (tmp_path / "a" / "index.html").exists()
