"""The page without a browser: what is in it, what is not,
and that the bundle is that of its sources.
"""

import base64
import gzip
import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from obcat import db
from obcat.cli import main
from obcat.export.database import TABLES
from obcat.page import BUNDLE, TEMPLATE, PageError, _as_json, page, policy
from obcat.page.facts import (
    MISSING,
    STEP,
    _body,
    binned,
    coded,
    expressions,
    read_photometry,
    read_points,
    read_spectra,
    recipes,
    runs_in_page,
)
from obcat.reading import BEST, DIFFERENCES
from obcat.schema import SQL, columns_of

WEB = BUNDLE.parent / "web"
N_PIXEL = 3909
EVIL = "</script><script>alert(1)</script>"
REGISTRIES = ("npmjs", "jsdelivr", "unpkg", "yarnpkg", "npmmirror", "pypi")


def row(name: str, **values) -> dict:
    return {
        "specid": f"{name}-1",
        "star_id": name,
        "uniqflag": 1,
        "quality": 0,
        "simulated": 1,
    } | values


ROWS = [
    row(
        "A",
        snr_g=10.0,
        em_flag=0,
        binary_flag=0,
        ra=266.4,
        dec=-29.0,
        j=9.0,
        h=8.9,
        ks=8.8,
        dis=2.0,
        dis_low=1.8,
        dis_high=2.2,
    ),
    row("B", snr_g=90.0, em_flag=0, binary_flag=0),
    row("C", snr_g=50.0, em_flag=0, binary_flag=0),
    row("D", snr_g=20.0, em_flag=1, binary_flag=0),
    row("E", snr_g=5.0, em_flag=0, binary_flag=1),
    row("F", snr_g=99.0, em_flag=None, binary_flag=None),
    row("D", snr_g=15.0, em_flag=1, binary_flag=0, uniqflag=2) | {"specid": "D-2"},
]


@pytest.fixture(scope="module")
def database(template, tmp_path_factory, fill) -> Path:
    """Seven spectra of six stars, that of star F unknown; a fingerprint that is markup."""
    path = Path(shutil.copy(template, tmp_path_factory.mktemp("page") / "obcat.duckdb"))
    random = np.random.default_rng(1)
    spectra = [
        {"specid": r["specid"], "flux": random.normal(1, 0.1, N_PIXEL).astype(np.float32),
        "ivar": np.ones(N_PIXEL), "score_clean": np.zeros(100)} for r in ROWS if r["star_id"] != "F"
    ]  # fmt: skip
    with db.connect(path) as con:
        con.execute("INSERT INTO meta.survey (name, simulated) VALUES ('demo', 1)")
        con.execute(
            "INSERT INTO meta.provenance VALUES ('obcat', '0.1'), ('fingerprint', $evil)",
            {"evil": EVIL},
        )
        fill(con, "catalog.ob_stars", ROWS)
        fill(
            con,
            "spectra.normalised",
            [{k: s[k] for k in ("specid", "flux", "ivar")} for s in spectra],
        )
        fill(con, "spectra.scores", [{k: s[k] for k in ("specid", "score_clean")} for s in spectra])
    return path


@pytest.fixture(scope="module")
def html(database) -> str:
    return page(database, database.parent / "catalog.html").read_text(encoding="utf-8")


def element(html: str, name: str) -> str:
    (found,) = re.findall(rf'<script type="[a-z/]+" id="{name}">(.*?)</script>', html, re.DOTALL)
    return found


def facts(html: str) -> dict:
    return json.loads(element(html, "facts"))


def test_the_page_says_simulated_and_a_real_one_does_not(html, database, tmp_path):
    real = Path(shutil.copy(database, tmp_path / "obcat.duckdb"))
    with db.connect(real) as con:
        con.execute("UPDATE meta.survey SET simulated = 0")
    other = page(real, tmp_path / "real.html", 0).read_text(encoding="utf-8")
    assert html.count("SIMULATED:") == 4  # title, banner, about, facts
    assert "<title>SIMULATED" in html
    assert "SIMULATED" not in other.partition('<script type="text/plain"')[0]


def test_markup_in_the_catalog_cannot_end_a_script(html):
    assert EVIL not in html
    assert facts(html)["provenance"] == [["fingerprint", EVIL], ["obcat", "0.1"]]
    assert json.loads(_as_json({"a": "<!-- </script>"})) == {"a": "<!-- </script>"}
    assert "<" not in _as_json({"a": "<!-- </script>"})


def test_the_policy_allows_this_script_and_this_style_and_no_other(html):
    (allowed,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    (script,) = re.findall(r"<script>(.*)</script>", html, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digests = [
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (script, style)
    ]
    allowed = allowed.replace("&#39;", "'")
    assert allowed == policy(script, style)
    assert allowed.startswith("default-src 'none'; ")
    assert f"script-src 'sha256-{digests[0]}' 'wasm-unsafe-eval' blob:;" in allowed
    assert f"style-src 'sha256-{digests[1]}'" in allowed
    assert not re.search(r"'unsafe-(inline|eval)'|https?:|\*", allowed)


def test_the_page_names_no_other_file(html):
    text = re.sub(
        r'<script type="text/plain".*?</script>|<script>.*</script>', "", html, flags=re.DOTALL
    )
    assert not re.findall(r'(?:src|href)="(?!#)[^"]*"|url\(|@import', text)


def test_the_database_in_it_is_that_of_a_release(html, tmp_path):
    path = tmp_path / "catalog.duckdb"
    path.write_bytes(gzip.decompress(base64.b64decode(element(html, "database"))))
    with db.connect(path, read_only=True) as con:
        assert con.sql("SELECT specid FROM catalog.ob_stars ORDER BY ALL").fetchall() == sorted(
            (r["specid"],) for r in ROWS
        )
        assert con.sql("SELECT distance_modulus(1)").fetchall() == [(10.0,)]
    assert path.read_bytes()[12] == 64  # storage of DuckDB 1.0.0


def test_the_same_catalog_gives_the_same_page_but_for_the_database(html, database, tmp_path):
    again = page(database, tmp_path / "again.html").read_text(encoding="utf-8")
    assert [text.replace(element(text, "database"), "") for text in (html,)] == [
        text.replace(element(text, "database"), "") for text in (again,)
    ]


def test_every_column_has_its_unit_digits_and_description(html):
    columns = {c["name"]: c for c in facts(html)["columns"]}
    for c in columns_of("catalog.ob_stars"):
        found = columns[c.column]
        assert (found["unit"], found["description"]) == (c.unit, c.description)
    assert (columns["mk"]["decimals"], columns["clean_chi2"]["decimals"],
        columns["gaia_id"]["decimals"]) == (
        3, 3, None,
    )  # fmt: skip


def test_the_menu_leaves_out_what_reads_tables_that_stay_at_home():
    files = {path.stem: db.SqlFile(path) for path in (SQL / "queries").glob("*.sql")}
    shown = {recipe["name"]: recipe for recipe in recipes(TABLES)}
    assert {name for name, file in files.items() if not runs_in_page(file, TABLES)} == set(
        files
    ) - set(shown)
    for name, file in files.items():
        named = re.findall(
            r"\b(?:raw|sample|model|stage|emission|luminosity|lines)\.\w+|ob_stars_best|catalog_diff",
            file.text,
        )
        assert (name in shown) == (not named), name
    assert len(shown) >= 25
    assert set(TABLES) >= {"catalog.ob_stars", "meta.quality_bits"}


def test_best_mode_brings_its_table_its_recipes_and_its_points(database, tmp_path, fill):
    path = Path(shutil.copy(database, tmp_path / "obcat.duckdb"))
    with db.connect(path) as con:
        best = [row(r["star_id"], mk=-2.5, p_companion=0.25) for r in ROWS[:-1]]
        fill(con, "catalog.ob_stars_best", best)
        fill(con, "catalog.catalog_diff", [{"specid": "A-1", "star_id": "A"}])
    text = page(path, tmp_path / "best.html", 0).read_text(encoding="utf-8")
    said = facts(text)
    assert [c["name"] for c in said["best"]] == [c.column for c in columns_of(BEST)]
    assert [p["name"] for p in said["points"]][-1] == "p_companion"
    names = {recipe["name"] for recipe in said["recipes"]}
    assert (
        names
        == {r["name"] for r in recipes((*TABLES, BEST, DIFFERENCES))}
        > {r["name"] for r in recipes(TABLES)}
    )
    copy = tmp_path / "page.duckdb"
    copy.write_bytes(gzip.decompress(base64.b64decode(element(text, "database"))))
    points = read_points(copy)
    assert points.numbers[-1].tolist() == [0.25] * 6
    assert points.numbers.shape == (len(said["points"]), 6)
    assert f"tables: catalog.ob_stars, {BEST}, {DIFFERENCES}, meta" in text


def test_a_page_without_best_mode_says_nothing_of_it(html):
    assert facts(html)["best"] == []
    assert [p["name"] for p in facts(html)["points"]] == [e["name"] for e in expressions()]
    assert "tables: catalog.ob_stars, meta" in html


def test_a_recipe_stands_under_its_title_without_the_rest_of_its_head():
    text = "-- Title:   What, and why\n-- Reads:   catalog.ob_stars\n-- a remark\nSELECT 1\n;\n"
    assert _body(text) == "-- What, and why\n-- a remark\nSELECT 1\n"


@pytest.mark.parametrize(
    ("number", "chosen"),
    [
        (4, ["D-1", "E-1", "B-1", "C-1"]),
        (2, ["D-1", "E-1"]),
        (99, ["D-1", "E-1", "B-1", "C-1", "A-1"]),
        (0, []),
    ],
)
def test_kinds_of_stars_take_turns_by_falling_snr(database, number, chosen):
    with db.connect(database, read_only=True) as con:
        found = read_spectra(con, number)
    assert list(found.specids) == chosen
    assert (f"{number}" in found.rule) == bool(number)


def test_the_stars_of_a_list_come_first_by_any_visit(database):
    with db.connect(database, read_only=True) as con:
        assert read_spectra(con, 3, ["D-2", "A"]).specids == ("D-1", "A-1", "E-1")
        assert read_spectra(con, 2, ["C-1"]).rule.startswith(
            "those of a list that was given, then best visits"
        )
        assert read_spectra(con, 9, ["F"]).specids[0] != "F-1"  # it has no spectrum


def test_a_list_with_a_stranger_is_one_line(database, tmp_path):
    (tmp_path / "stars.txt").write_text("A\nnobody\n")
    command = ["page", "--trust", str(database), "--stars", str(tmp_path / "stars.txt")]
    done = CliRunner().invoke(main, [*command, "--out", str(tmp_path / "x.html")])
    assert done.exit_code == 1
    assert (
        done.stderr == "Error: 'nobody' is neither star_id nor specid of a star of this catalog\n"
    )
    assert not (tmp_path / "x.html").exists()


def decoded(code: bytes, rows: int) -> np.ndarray:
    low, high = np.frombuffer(code, np.uint8).reshape(2, rows, -1)
    return np.cumsum(low.astype(np.int16) + (high.astype(np.int16) << 8), axis=1, dtype=np.int16)


def test_a_spectrum_comes_back_to_half_a_step():
    layer = np.array(
        [[1.0, 0.9994, np.nan, 25.0, -3.0], [99.0, -99.0, 1.0, np.nan, np.nan]], np.float32
    )
    steps = decoded(coded(layer), 2)
    assert (steps == MISSING).tolist() == np.isnan(layer).tolist()
    assert steps[0, [0, 1, 3, 4]] * STEP == pytest.approx([1.0, 0.999, 25.0, -3.0])
    assert steps[1, :2].tolist() == [32767, -32767]


def test_pixels_in_use_are_averaged_by_threes():
    values = np.arange(N_PIXEL, dtype=np.float32)[None]
    use = np.ones((1, N_PIXEL), bool)
    use[0, [0, 3, 4, 5]] = False
    values[0, 6] = np.nan
    found = binned(values, use)
    assert found.shape == (1, 1303)
    assert found[0, [0, 2, 3]].tolist() == [1.5, 7.5, 10.0]
    assert np.isnan(found[0, 1])


def test_spectra_are_those_of_the_database(html, database):
    head = facts(html)["spectra"]
    code = gzip.decompress(base64.b64decode(element(html, "spectra")))
    flux = decoded(code[: len(code) // len(head["layers"])], len(head["specids"])) * head["step"]
    with db.connect(database, read_only=True) as con:
        known = dict(con.execute("SELECT specid, flux FROM spectra.normalised").fetchall())
    for name, found in zip(head["specids"], flux, strict=True):
        assert found == pytest.approx(np.reshape(known[name], (-1, 3)).mean(axis=1), abs=6e-4)
    middle = 10 ** (head["log_start"] + head["log_step"] * np.array([0, 1302]))
    assert middle == pytest.approx(10 ** (3.5682 + 1e-4 * np.array([1, 3907])))


def test_every_star_has_a_coarse_spectrum(html, database, monkeypatch):
    head = facts(html)["spectra"]["coarse"]
    names = json.loads(gzip.decompress(base64.b64decode(element(html, "names"))))["specid"]
    steps = decoded(gzip.decompress(base64.b64decode(element(html, "coarse"))), len(names))
    with db.connect(database, read_only=True) as con:
        known = dict(con.execute("SELECT specid, flux FROM spectra.normalised").fetchall())
        monkeypatch.setattr("obcat.page.facts.MOST_COARSE", 5)
        assert read_spectra(con, 9).coarse is None  # there are six stars
    for name, found in zip(names, steps, strict=True):
        if name in known and known[name] is not None:
            flux = np.reshape(known[name][:3906], (-1, 9)).mean(axis=1)
            assert found * head["step"] == pytest.approx(flux, abs=6e-3)
        else:
            assert (found == MISSING).all()
    assert {*known} & {*names} == {*names} - {"F-1"}


def test_the_points_are_those_of_the_database(html, database):
    names = json.loads(gzip.decompress(base64.b64decode(element(html, "names"))))
    code = np.frombuffer(gzip.decompress(base64.b64decode(element(html, "points"))), np.uint8)
    listed = [e["name"] for e in facts(html)["points"]]
    found = (
        np.ascontiguousarray(code.reshape(4, -1).T)
        .view("<f4")
        .reshape(len(listed), len(names["specid"]))
    )
    assert names == {"specid": [f"{n}-1" for n in "ABCDEF"], "star_id": list("ABCDEF")}
    assert found[listed.index("snr_g")].tolist() == [10.0, 90.0, 50.0, 20.0, 5.0, 99.0]
    assert found[listed.index("em_flag")].tolist()[:5] == [0, 0, 0, 1, 0]
    assert np.isnan(found[listed.index("em_flag"), 5])
    by_hand = {"j_ks": 0.2, "h_ks": 0.1, "dis_error": 0.1, "ra": 266.4, "dec": -29.0}
    assert {name: found[listed.index(name), 0] for name in by_hand} == pytest.approx(
        by_hand, abs=1e-5
    )
    with db.connect(database, read_only=True) as con:
        for e in expressions():
            query = (
                f"SELECT ({e['sql']})::FLOAT FROM catalog.ob_stars WHERE uniqflag = 1 "
                "ORDER BY specid"
            )
            known = [np.nan if v is None else v for (v,) in con.execute(query).fetchall()]
            assert np.array_equal(
                found[listed.index(e["name"])], np.array(known, np.float32), equal_nan=True
            ), e["name"]


def test_a_released_database_gives_a_page_without_spectra(html, tmp_path):
    path = tmp_path / "obcat.duckdb"
    path.write_bytes(gzip.decompress(base64.b64decode(element(html, "database"))))
    found = facts(page(path, tmp_path / "x.html").read_text(encoding="utf-8"))
    assert (found["spectra"]["specids"], found["rows"]) == ([], len(ROWS))
    assert "no spectra" in found["spectra"]["rule"]


def test_what_is_no_catalog_and_where_nothing_can_be_written_is_one_line(database, tmp_path):
    (tmp_path / "x.duckdb").write_text("no database")
    done = CliRunner().invoke(main, ["page", "--trust", str(tmp_path / "x.duckdb")])
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1)
    assert "x.duckdb: " in done.stderr
    assert "give a database made by `obcat build`" in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.duckdb"]
    with pytest.raises(PageError, match=r"none/x\.html: there is no folder .*none; make it first"):
        page(database, tmp_path / "none" / "x.html", 0)


def test_a_page_is_of_one_state_of_the_database(database, tmp_path, monkeypatch):
    """Another build is published while the page is made; nothing but the page stays."""
    path = Path(shutil.copy(database, tmp_path / "obcat.duckdb"))
    other = Path(shutil.copy(database, tmp_path / "other.duckdb"))
    with db.connect(other) as con:
        con.execute("DELETE FROM catalog.ob_stars WHERE specid <> 'D-1'")

    def published_meanwhile(*given):
        other.replace(path)
        return read_spectra(*given)

    monkeypatch.setattr("obcat.page.read_spectra", published_meanwhile)
    html = page(path, tmp_path / "x.html", 5).read_text(encoding="utf-8")
    assert "7 spectra" in html
    assert len(facts(html)["spectra"]["specids"]) == 5
    names = json.loads(gzip.decompress(base64.b64decode(element(html, "names"))))
    assert sorted(names["specid"]) == sorted(r["specid"] for r in ROWS if r["uniqflag"] == 1)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["obcat.duckdb", "x.html"]


def test_a_large_catalog_says_what_its_plots_leave_out(database, tmp_path, monkeypatch, html):
    assert 'id="left-out"' not in html
    monkeypatch.setattr("obcat.page.facts.MOST_STARS", 4)
    monkeypatch.setattr("obcat.cli.publish.LARGE", 1_000_000)
    done = CliRunner().invoke(
        main, ["page", "--trust", str(database), "--out", str(tmp_path / "x")]
    )
    large = (tmp_path / "x").read_text(encoding="utf-8")
    assert "MB: a browser opens it in several seconds" in done.stderr
    assert "The plots draw 4 of 6 stars, an even sample" in large
    names = json.loads(gzip.decompress(base64.b64decode(element(large, "names"))))
    by_hand = sorted("ABCDEF", key=lambda s: hashlib.md5(s.encode()).hexdigest())[:4]
    assert names["star_id"] == sorted(by_hand)
    points = gzip.decompress(base64.b64decode(element(large, "points")))
    assert len(points) == 4 * 4 * len(facts(large)["points"])


def test_magnitudes_are_those_of_the_build(template, tmp_path, fill):
    path = Path(shutil.copy(template, tmp_path / "obcat.duckdb"))
    with db.connect(path) as con:
        fill(con, "catalog.ob_stars", [row("A", ks=8.0, ks_err=0.02), row("B", j=9.0)])
        fill(con, "extinction.photometry", [{"star_id": "A", "bp": 10.5, "bp_err": 0.01}])
        found = read_photometry(con)
    place = {band: 2 * i for i, band in enumerate(found.bands)}
    known = np.full((2, 2 * len(found.bands)), np.nan)
    known[0, [place["bp"], place["bp"] + 1, place["ks"], place["ks"] + 1]] = 10.5, 0.01, 8.0, 0.02
    known[1, place["j"]] = 9.0
    assert found.magnitudes == pytest.approx(known, nan_ok=True)


def test_the_command_writes_beside_the_database(database, tmp_path):
    path = Path(shutil.copy(database, tmp_path / "obcat.duckdb"))
    done = CliRunner().invoke(main, ["page", "--trust", str(path), "--spectra", "1"])
    assert done.output.strip() == str(tmp_path / "catalog.html")
    assert facts((tmp_path / "catalog.html").read_text(encoding="utf-8"))["spectra"]["specids"] == [
        "D-1"
    ]


def test_the_bundle_was_made_from_these_sources():
    """Red where the sources were changed and `npm run build` was not run."""
    for line in (BUNDLE / "SOURCES").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((WEB / name).read_bytes()).hexdigest() == digest, (
            f"{name}: run make page-bundle"
        )
    listed = {line.split("  ")[1] for line in (BUNDLE / "SOURCES").read_text().splitlines()}
    assert {f"src/{path.name}" for path in (WEB / "src").iterdir()} <= listed


def test_markup_is_never_made_from_text():
    for path in (WEB / "src").glob("*.js"):
        found = re.findall(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function",
            path.read_text(),
        )
        assert not found, path.name


def test_no_registry_is_named():
    lock = (WEB / "package-lock.json").read_text()
    assert "resolved" not in lock
    texts = [
        lock,
        *(path.read_text() for path in WEB.glob("*.*json")),
        *(p.read_text() for p in WEB.glob("src/*")),
    ]
    texts += [(BUNDLE / name).read_text() for name in ("page.js", "page.css", "LICENCES.txt")]
    texts += [TEMPLATE.read_text()]
    texts += [gzip.decompress((BUNDLE / "worker.js.gz").read_bytes()).decode()]
    assert [name for name in REGISTRIES for text in texts if f"{name}." in text.lower()] == []


def test_every_package_in_the_bundle_has_its_licence():
    text = (BUNDLE / "LICENCES.txt").read_text()
    lock = json.loads((WEB / "package-lock.json").read_text())["packages"]
    asked = lock[""]["dependencies"]
    listed = dict(re.findall(r"^(\S+) ([\d.]+): \S+$", text, re.MULTILINE))
    assert set(asked) <= set(listed)
    for name, version in listed.items():
        assert lock[f"node_modules/{name}"]["version"] == version
        assert re.search(
            rf"^{re.escape(name)} {re.escape(version)} \(.*\)\n=+\n\n.{{200}}",
            text,
            re.MULTILINE | re.DOTALL,
        )


def test_a_masked_pixel_is_not_in_the_spectrum_of_the_page(template, tmp_path, fill):
    """Three pixels of 1.0, 1.0 and a masked 7.0 are one of 1.0."""
    flux, ivar = np.ones(N_PIXEL), np.ones(N_PIXEL)
    flux[5], ivar[5] = 7.0, 0.0
    with db.connect(Path(shutil.copy(template, tmp_path / "obcat.duckdb"))) as con:
        fill(con, "catalog.ob_stars", [row("A")])
        fill(con, "spectra.normalised", [{"specid": "A-1", "flux": flux, "ivar": ivar}])
        fill(con, "spectra.scores", [{"specid": "A-1", "score_clean": np.zeros(100)}])
        assert np.nanmax(read_spectra(con, 1).layers[0]) == 1.0
