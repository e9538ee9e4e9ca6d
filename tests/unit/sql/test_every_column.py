"""One row whose columns all differ, from the input tables to the catalog, the page and Python: none
swapped or scaled.

Which column of which table a value comes from is written out here, not taken from the SQL.
"""

import base64
import gzip
import math
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from test_golden import file_of

import obcat
from obcat import db
from obcat.export.release import release
from obcat.ingest.tables import ingest
from obcat.page import page
from obcat.page.facts import Points, expressions
from obcat.page.facts import read_points as read_points
from obcat.schema import columns_of

BIG = 4611686018427387904
SPECID, STAR = "55859-F5902-01-001", "S0400000200000"
LIGHT, POGSON = 299792.458, 2.5 / math.log(10)
TEXTS = {
    "specid": SPECID, "fitsname": "spec-55859-F5902_sp01-001.fits",
    "designation": "J02400000+2000000", "ph_qual": "ABC", "label_source": "HotPayne",
    "star_id": STAR, "magtype": "gri", "tcomment": "xuyi_r", }  # fmt: skip
RAW = ("headers", "targets", "gaia_dr2", "twomass", "xstps", "ps1", "apass", "labels")
MIDDLE = (
    "sample.visits", "emission.lines", "extinction.labels", "extinction.reddening",
    "extinction.photometry", "luminosity.geometric", "luminosity.magnitudes", "uncertainty.errors",
    "binarity.excess", "distance.distances", "catalog.quality",
)  # fmt: skip


def value_of(table: str, number: int, column) -> object:
    """A value that no other column of any table has and that its limits allow;
    texts and ids are those of one star.
    """
    name = column.column
    if column.type == "VARCHAR":
        return TEXTS.get(name) or f"{table}-{name}"
    if name in ("ra", "dec"):
        return {"ra": 40, "dec": 20}[name] + number * 1e-8
    if name in ("source_id", "obsid"):
        return BIG if name == "source_id" else 123
    if column.type == "BOOLEAN":
        return False
    if column.type != "DOUBLE":
        return 1 if column.max == "1" else 10 + number % 80
    if name == "ref_epoch":
        return 2015.5
    if name == "teff":
        return 20000.0 + number
    return 1 + number / 1024 if column.max != "1" else number / 1024


def one_row(table: str) -> dict[str, object]:
    """The row of a table; numbers count on from table to table, exact in a double."""
    names = [
        *(f"raw.{name}" for name in RAW),
        "raw.gaia_dr3",
        "raw.training",
        "raw.zero_point",
        *MIDDLE,
        "catalog.ob_stars",
    ]
    before = sum(len(columns_of(name)) for name in names[: names.index(table)])
    return {
        c.column: value_of(table, before + i, c)
        for i, c in enumerate(columns_of(table))
        if not c.size
    }


@pytest.fixture
def sources(con, fill):
    """The rows of the raw tables, and the database that holds them."""
    rows = {name: one_row(f"raw.{name}") for name in RAW}
    rows["headers"] |= {"snr_g_computed": rows["headers"]["snr_g"] * 1.0625, "z": 0.0009765625}
    for name, row in rows.items():
        fill(con, f"raw.{name}", [row])
    return rows


def only_row(con, relation: str) -> dict[str, object]:
    (row,) = con.sql(f"FROM {relation}").to_arrow_table().to_pylist()
    return row


def assert_from(found: dict, wanted: dict, where: str) -> None:
    for name, value in wanted.items():
        got = found[name]
        close = (
            isinstance(value, float) and got is not None and math.isclose(got, value, rel_tol=1e-14)
        )
        assert close or got == value, f"{where}.{name} is {got!r}, its source has {value!r}"


def gaia_of(g: dict) -> dict[str, object]:
    same = ["parallax", "parallax_error", "pmra", "pmra_error", "pmdec", "pmdec_error", "ruwe"]
    return {name: g[name] for name in same} | {"source_id": BIG, "g_gaia": g["phot_g_mean_mag"]}


def twomass_of(t: dict) -> dict[str, object]:
    return {
        "j": t["j_m"], "j_err": t["j_msigcom"], "h": t["h_m"], "h_err": t["h_msigcom"],
        "ks": t["ks_m"], "ks_err": t["ks_msigcom"],
    }  # fmt: skip


def alike(row: dict, names: str) -> dict[str, object]:
    return {name: row[name] for name in names.split()}


GRI, LABELS = "g g_err r r_err i i_err", "teff teff_err logg logg_err feh feh_err label_source"


def test_stage_has_every_column_from_its_source(con, sources):
    h, g = sources["headers"], sources["gaia_dr2"]
    bands = {
        "bp": g["phot_bp_mean_mag"], "bp_err": POGSON / g["phot_bp_mean_flux_over_error"],
        "rp": g["phot_rp_mean_mag"], "rp_err": POGSON / g["phot_rp_mean_flux_over_error"],
    }  # fmt: skip
    header = {"z": h["z"], "rv": LIGHT * h["z"], "rv_err": LIGHT * h["z_err"]}
    asked = {
        "headers": header | alike(h, "specid fitsname obsid ra dec snr_g n_high_ivar"),
        "gaia_sources": g | {"release": 2},
        "gaia": gaia_of(g) | bands,
        "twomass": twomass_of(sources["twomass"])
        | alike(sources["twomass"], "designation source_id"),
        "xstps": alike(sources["xstps"], GRI),
        "apass": alike(sources["apass"], f"b b_err v v_err {GRI}"),
        "labels": alike(sources["labels"], f"specid obsid source_id {LABELS}"),
    }
    for view, wanted in asked.items():
        assert_from(only_row(con, f"stage.{view}"), wanted, f"stage.{view}")


def test_gaia_dr3_has_every_column_from_its_source_but_the_bands_of_other_passbands(con, fill):
    row = one_row("raw.gaia_dr3")
    fill(con, "raw.gaia_dr3", [row])
    of_dr2 = {c.column for c in columns_of("raw.gaia_dr2")}
    wanted = {k: None if re.match("phot_[br]p", k) else v for k, v in row.items() if k in of_dr2}
    assert_from(only_row(con, "stage.gaia_sources"), wanted | {"release": 3}, "stage.gaia_sources")


def test_magnitudes_of_ps1_move_by_the_formula_of_their_own_band(con, sources):
    """Tonry et al. 2012, table 6: a quadratic in g - r of Pan-STARRS1 for each band."""
    p = sources["ps1"]
    x = p["g"] - p["r"]
    moved = {
        "g": p["g"] + 0.013 + 0.145 * x + 0.019 * x * x,
        "r": p["r"] - 0.001 + 0.004 * x + 0.007 * x * x,
        "i": p["i"] - 0.005 + 0.011 * x + 0.010 * x * x,
    }
    assert_from(only_row(con, "stage.ps1"), moved | alike(p, "g_err r_err i_err"), "stage.ps1")


@pytest.mark.parametrize(
    ("magtype", "places"),
    [("gri", (1, 2, 3)), ("ugriz", (2, 3, 4)), ("griz", (1, 2, 3)), ("ugrizjh", (2, 3, 4))],
)
def test_magnitudes_of_a_header_are_those_its_letters_name(con, fill, magtype, places):
    row = one_row("raw.headers") | {"magtype": magtype}
    fill(con, "raw.headers", [row])
    fill(con, "meta.parameters", [{"header_mag_error": 0.03125}])
    wanted = {band: row[f"mag{k}"] for band, k in zip("gri", places, strict=True)}
    wanted |= dict.fromkeys(("g_err", "r_err", "i_err"), 0.03125)
    assert_from(only_row(con, "stage.header_gri"), wanted | {"specid": SPECID}, "stage.header_gri")


def through_sample(con) -> None:
    for name in (
        "targets",
        "groups",
        "visits",
        "pairs",
        "gaia_colours",
        "gaia_matches",
        "photometry_matches",
        "label_matches",
        "stars",
    ):
        db.run(con, file_of(f"sample.{name}"))


def test_a_star_has_every_column_from_its_source(con, sources):
    through_sample(con)
    offset = only_row(con, "meta.parameters")["zero_point_default"]
    parallax = sources["gaia_dr2"]["parallax"]
    wanted = (
        alike(sources["headers"], "specid ra dec")
        | gaia_of(sources["gaia_dr2"])
        | twomass_of(sources["twomass"])
        | {"parallax_offset": offset, "parallax_corrected": parallax - offset, "star_id": STAR}
        | {"zero_point": "constant"}
    )
    found = only_row(con, "sample.stars")
    assert_from(found, wanted, "sample.stars")
    assert found.keys() == wanted.keys()
    assert only_row(con, "sample.targets")["name"] == sources["targets"]["name"]
    assert only_row(con, "sample.targets")["source_id"] == BIG


@pytest.mark.parametrize("origin", ["xstps", "apass"])
def test_photometry_has_every_band_from_its_source(con, sources, origin):
    """r of XSTPS-GAC is bright here, where it saturates:
    with the limit below it the star has its own bands.
    """
    limit = {"xstps": 0.0, "apass": 14.0}[origin]
    con.execute("UPDATE meta.parameters SET saturation_r = $limit", {"limit": limit})
    through_sample(con)
    db.run(con, file_of("extinction.photometry"))
    t, g = twomass_of(sources["twomass"]), only_row(con, "stage.gaia")
    bands = alike(sources[origin], GRI if origin == "xstps" else f"b b_err v v_err {GRI}")
    nulls = dict.fromkeys(["b", "b_err", "v", "v_err"]) if origin == "xstps" else {}
    wanted = bands | nulls | alike(g, "bp bp_err rp rp_err") | alike(t, "j j_err h h_err")
    wanted |= {"gri_source": origin, "star_id": STAR}
    found = only_row(con, "extinction.photometry")
    assert_from(found, wanted, "extinction.photometry")
    assert found.keys() == wanted.keys()


def test_labels_have_every_column_from_the_table_or_the_regression(con, fill, sources):
    numbers = {name: 7 + k / 64 for k, name in enumerate(LABELS.split()[:-1])}
    packed = ", ".join(f'"{name}" := {value}' for name, value in numbers.items())
    con.execute(f"CREATE TEMP MACRO predict_labels(scores) AS struct_pack({packed})")
    fill(con, "spectra.scores", [{"specid": SPECID, "score_clean": [0.0] * 100}])
    through_sample(con)
    db.run(con, file_of("extinction.labels"))
    assert_from(
        only_row(con, "extinction.labels"), alike(sources["labels"], LABELS), "extinction.labels"
    )
    con.execute("DELETE FROM extinction.labels")
    con.execute("DELETE FROM sample.label_matches")
    db.run(con, file_of("extinction.labels"))
    wanted = numbers | {"label_source": "regression"}
    assert_from(only_row(con, "extinction.labels"), wanted, "extinction.labels")


FROM = {
    "sample.visits": "specid star_id uniqflag snr_g",
    "luminosity.magnitudes": "mk",
    "uncertainty.errors": "mk_err",
    "luminosity.geometric": "mk_geo mk_geo_err",
    "distance.distances": "dis dis_low dis_high logdis logdis_err",
    "extinction.reddening": "ebv ebv_err a_ks a_ks_err n_colours",
    "binarity.excess": "snr_dparallax binary_flag parallax_spec parallax_spec_err",
    "emission.lines": "em_flag halpha_excess halpha_excess_err halpha_ew halpha_chi2 "
    "clean_chi2 erroneous",
    "extinction.labels": LABELS,
    "extinction.photometry": "gri_source",
    "catalog.quality": "quality",
}
OF_STARS = (
    "parallax parallax_error parallax_offset pmra pmra_error pmdec pmdec_error ruwe "
    "parallax_corrected zero_point"
)


@pytest.mark.parametrize("flags", [(0, 1, 1), (1, 0, 1)])
def test_the_catalog_has_every_column_from_its_source(con, fill, sources, flags):
    """Flags are 0 or 1: the two rows together tell each from the others."""
    through_sample(con)
    middle = {name: one_row(name) | {"specid": SPECID, "star_id": STAR} for name in MIDDLE}
    middle["emission.lines"] |= {"em_flag": flags[0], "erroneous": flags[2]}
    middle["binarity.excess"] |= {"binary_flag": flags[1]}
    con.execute("DELETE FROM sample.visits")
    for name, row in middle.items():
        fill(con, name, [{c.column: row[c.column] for c in columns_of(name) if c.column in row}])
    fill(con, "meta.survey", [{"name": "demo", "simulated": 0}])
    db.run(con, file_of("catalog.ob_stars"))
    header, star = only_row(con, "stage.headers"), only_row(con, "sample.stars")
    wanted = {
        **alike(header, "fitsname ra dec rv rv_err obsid"),
        **alike(star, f"{OF_STARS} j j_err h h_err ks ks_err"),
        **{name: middle[table][name] for table, names in FROM.items() for name in names.split()},
        "gaia_id": BIG,
        "gaia_name": f"Gaia DR2 {BIG}",
        "simulated": 0,
    }
    found = only_row(con, "catalog.ob_stars")
    assert_from(found, wanted, "catalog.ob_stars")
    assert found.keys() == wanted.keys() | {"x", "y", "z"}
    numbers = [v for v in wanted.values() if not isinstance(v, str) and v not in (0, 1)]
    assert len(set(numbers)) == len(numbers)  # or a swapped pair would not be seen


def text_of(value: object) -> str:
    return repr(value) if isinstance(value, float) else str(value)


@pytest.mark.parametrize(
    "name",
    ["targets", "gaia_dr2", "gaia_dr3", "twomass", "xstps", "ps1", "apass", "labels", "zero_point"],
)
@pytest.mark.parametrize("order", [1, -1])
def test_a_column_of_a_table_arrives_under_its_own_name(tmp_path, name, order):
    """In the order of ours and the other way round: place never stands in for the name."""
    row = one_row(f"raw.{name}")
    row |= {"ref_epoch": 2016.0} if name == "gaia_dr3" else {}
    row |= {"astrometric_params_solved": 31} if "astrometric_params_solved" in row else {}
    names = list(row)[::order]
    path = tmp_path / f"{name}.csv"
    path.write_text(
        f"{','.join(names)}\n{','.join(text_of(row[n]) for n in names)}\n", encoding="utf-8"
    )
    ingest(name, path, tmp_path / "raw", columns={})
    (found,) = pq.read_table(tmp_path / "raw" / f"{name}.parquet").to_pylist()
    assert_from(found, row, f"raw.{name}")
    assert found.keys() == row.keys()


@pytest.fixture
def released(con, fill, database, tmp_path) -> tuple[Path, dict[str, object]]:
    """The folder of a release of one star, and the row that was stored."""
    row = {
        c.column: v
        for c, v in zip(
            columns_of("catalog.ob_stars"), one_row("catalog.ob_stars").values(), strict=True
        )
    }
    row |= {"uniqflag": 1}
    fill(con, "catalog.ob_stars", [row])
    con.execute(
        "INSERT INTO meta.survey (name, simulated, release, models_from) VALUES ('demo', 1, 'DR5', NULL)"
    )
    con.execute(
        "INSERT INTO meta.provenance VALUES ('obcat', '0.1'), ('fingerprint', repeat('a1', 32))"
    )
    con.close()
    release(database, tmp_path / "out")
    return tmp_path / "out", row


def test_python_and_the_released_database_have_every_column(released):
    folder, row = released
    with db.connect(folder / "obcat.duckdb", read_only=True) as con:
        found = only_row(con, "catalog.ob_stars")
    assert found == row
    with obcat.open(folder) as catalog:
        (given,) = catalog.table()
        assert {
            name: given[name].item() if hasattr(given[name], "item") else str(given[name])
            for name in given.colnames
        } == row


def test_the_page_draws_every_number_of_best_mode_from_its_column(con, fill, database):
    names = ("mk", "dis", "dis_low", "dis_high", "ebv", "r_v", "p_companion")
    row = {name: (i + 3) / 16 for i, name in enumerate(names)}
    star = {"specid": SPECID, "star_id": STAR, "uniqflag": 1}
    fill(con, "catalog.ob_stars", [star | {"mk": 9.0, "dis": 9.0, "ebv": 9.0}])
    fill(con, "catalog.ob_stars_best", [star | row])
    con.close()
    points = read_points(database)
    wanted = alike(row, "r_v p_companion") | {f"{n}_best": row[n] for n in ("mk", "dis", "ebv")}
    wanted["dis_err_best"] = (row["dis_high"] - row["dis_low"]) / 2 / row["dis"]
    found = dict(zip([e["name"] for e in expressions(best=True)], points.numbers, strict=True))
    for name, value in wanted.items():
        assert found[name].tolist() == [np.float32(value)], name


def test_the_page_draws_every_number_from_its_column(released, tmp_path):
    folder, row = released
    wanted = row | {
        "j_ks": row["j"] - row["ks"],
        "h_ks": row["h"] - row["ks"],
        "dis_error": (row["dis_high"] - row["dis_low"]) / 2 / row["dis"],
    }
    points: Points = read_points(folder / "obcat.duckdb")
    names = [e["name"] for e in expressions()]
    assert len(names) == len(points.numbers)
    for name, (number,) in zip(names, points.numbers, strict=True):
        if name not in ("l", "b"):
            assert number == np.float32(wanted[name]), name
    html = page(folder / "obcat.duckdb", tmp_path / "x.html", 0).read_text(encoding="utf-8")
    (packed,) = re.findall(r'<script type="[a-z/]+" id="database">(.*?)</script>', html, re.DOTALL)
    (tmp_path / "page.duckdb").write_bytes(gzip.decompress(base64.b64decode(packed)))
    with db.connect(tmp_path / "page.duckdb", read_only=True) as con:
        assert only_row(con, "catalog.ob_stars") == row
