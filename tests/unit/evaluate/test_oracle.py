"""One thing known from the truth: what is written, and nothing else."""

import pyarrow as pa
import pytest

from obcat.evaluate.aims import FIRST, KNOWN, put_truth

STAR = {
    "star_id": "A", "specid": "a1", "parallax": 1.0, "parallax_offset": -0.05,
    "parallax_corrected": 1.05, "parallax_error": 0.1, "ks": 10.0,
}  # fmt: skip
TRUTH = {
    "stars": pa.table(
        {
            "name": ["x", "y"],
            "teff": [20000.0, 1.0],
            "logg": [4.1, 1.0],
            "feh": [0.2, 1.0],
            "distance_kpc": [1.25, 9.0],
            "parallax_offset_true": [-0.03, 9.0],
            "mk": [-1.0, 0.0],
            "mk_system": [-1.5, 0.0],
        }
    ),
    "visits": pa.table({"specid": ["a1", "a2", "b1"], "name": ["x", "x", "y"]}),
}


@pytest.fixture
def survey(con, fill):
    visits = [("a1", "A", 1), ("a2", "A", 2), ("b1", "B", 1)]
    keys = ("specid", "star_id", "uniqflag")
    fill(con, "sample.visits", [dict(zip(keys, visit, strict=True)) for visit in visits])
    fill(con, "sample.stars", [STAR, {"star_id": "B", "specid": "b1"}])
    labels = {"star_id": "A", "teff": 15000.0, "teff_err": 300.0, "label_source": "regression"}
    fill(con, "extinction.labels", [labels])
    return con


def star(con, name):
    row = con.sql(f"FROM sample.stars WHERE star_id = '{name}'").to_arrow_table().to_pylist()[0]
    return {k: row[k] for k in STAR if k not in ("star_id", "specid")}


KEPT = {k: v for k, v in STAR.items() if k not in ("star_id", "specid")}
# parallax 1 / 1.25 kpc = 0.8 mas; Ks without the companion is 10 + (-1) - (-1.5)
CHANGED = {
    "labels": {},
    "zero_point": {"parallax_offset": -0.03, "parallax_corrected": 1.03},
    "parallax_errors": {"parallax": 0.75, "parallax_corrected": 0.8},
    "companions": {"ks": 10.5},
}


@pytest.mark.parametrize("name", FIRST)
def test_what_is_known_is_written_and_nothing_else(survey, name):
    put_truth(survey, TRUTH, name)
    assert star(survey, "A") == pytest.approx(KEPT | CHANGED[name])
    assert all(value is None for k, value in star(survey, "B").items() if k != "parallax_offset")
    labels = survey.sql("FROM extinction.labels").to_arrow_table().to_pylist()[0]
    known = {"teff": 20000.0, "logg": 4.1, "feh": 0.2} if name == "labels" else {"teff": 15000.0}
    assert {k: labels[k] for k in known} == pytest.approx(known)
    assert (labels["teff_err"], labels["label_source"]) == (300.0, "regression")
    tables = survey.sql(
        "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'truth%' OR table_name = 'known'"
    )
    assert tables.fetchall() == []


def test_each_has_its_words_and_its_choice_on_the_command_line():
    from obcat.cli.evaluate import evaluate

    (option,) = [p for p in evaluate.params if p.name == "oracle"]
    assert set(option.type.choices) == set(FIRST) == set(KNOWN)


def test_the_copy_stands_where_the_next_build_clears_what_a_kill_left(tmp_path, monkeypatch):
    from obcat.cli.evaluate import _with_oracle

    places = []
    monkeypatch.setattr("obcat.build.again.again", lambda _, folder, **__: places.append(folder))
    monkeypatch.setattr("obcat.evaluate.aims.oracle", lambda *given: given[-1](None, "x") or "said")
    assert _with_oracle(tmp_path / "obcat.duckdb", tmp_path, "labels") == "said"
    assert places == [tmp_path / ".oracle.partial"]
    assert not places[0].exists()
