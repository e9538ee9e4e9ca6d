"""Parallax zero points: each a view of its own;
Lindegren's is that of the package by its authors' colleagues.
"""

import warnings

import numpy as np
import pyarrow as pa
import pytest
from zero_point import zpt

from obcat import db
from obcat.build import inputs

N = 2000
EDGES = [
    6.0,
    10.8,
    11.2,
    11.8,
    12.2,
    12.9,
    13.1,
    15.9,
    16.1,
    17.5,
    19.0,
    20.0,
    21.0,
]  # rows of the published tables
ROUNDING = 5.1e-7  # mas; the package rounds to six decimals


@pytest.fixture
def coefficients(con):
    con.register("input_parallax_zero_point", inputs._zero_point_coefficients())
    (file,) = [
        f for f in db.sql_files("05_reference") if f.relation == "reference.parallax_zero_point"
    ]
    db.run(con, file)
    return con


def drawn() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    g = rng.uniform(4, 22, N)
    g[: len(EDGES)] = EDGES
    return {
        "phot_g_mean_mag": g,
        "nu_eff_used_in_astrometry": rng.uniform(1.0, 2.0, N),
        "pseudocolour": rng.uniform(1.1, 1.9, N),
        "ecl_lat": rng.uniform(-90, 90, N),
        "astrometric_params_solved": rng.choice([31, 95], N),
    }


def given(con, table: str, **columns) -> None:
    n = len(next(iter(columns.values())))
    columns = {"source_id": np.arange(1, n + 1), "ra": np.zeros(n), "dec": np.zeros(n)} | columns
    con.register("rows", pa.table(columns))
    con.execute(f"INSERT INTO {table} BY NAME SELECT * FROM rows")
    con.unregister("rows")


def test_lindegren_is_the_package(coefficients):
    stars = drawn()
    given(coefficients, "raw.gaia_dr3", **stars)
    query = "SELECT parallax_offset, in_range FROM stage.zero_point_lindegren ORDER BY source_id"
    found = coefficients.execute(query).fetchnumpy()
    zpt.load_tables()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        everywhere = zpt.get_zpt(*stars.values())
        inside = np.isfinite(zpt.get_zpt(*stars.values(), _warnings=False))
    assert np.max(np.abs(found["parallax_offset"] - everywhere)) < ROUNDING
    assert np.array_equal(found["in_range"], inside)
    assert 0.3 < inside.mean() < 0.9


def test_two_parameters_have_no_zero_point(coefficients):
    unknown = {"nu_eff_used_in_astrometry": [1.5, None], "astrometric_params_solved": [3, 31]}
    given(coefficients, "raw.gaia_dr3", phot_g_mean_mag=[15.0, 15.0], ecl_lat=[0.0, 0.0], **unknown)
    assert coefficients.execute("FROM stage.zero_point_lindegren").fetchall() == []
    assert coefficients.execute(
        "SELECT parallax_offset, zero_point_source FROM stage.zero_point"
    ).fetchall() == [
        (None, None),
        (None, None),
    ]


def test_a_table_of_the_survey_wins_and_dr2_has_the_constant(coefficients):
    given(coefficients, "raw.gaia_dr2", phot_g_mean_mag=[12.0])
    query = "SELECT parallax_offset, zero_point_source, in_range FROM stage.zero_point"
    assert coefficients.execute(query).fetchall() == [(-0.0523, "constant", None)]
    coefficients.execute("INSERT INTO raw.zero_point VALUES (10, -0.04), (14, -0.06)")
    assert coefficients.execute(query).fetchall() == [(-0.05, "table", None)]


NAMED = (
    "SELECT round(parallax_offset, 6), zero_point_source FROM stage.zero_point ORDER BY source_id"
)


def named(con, name: str) -> list[tuple]:
    con.execute("DELETE FROM meta.survey")
    con.execute("INSERT INTO meta.survey (name, simulated, zero_point) VALUES ('x', 0, $1)", [name])
    return con.execute(NAMED).fetchall()


def test_relations_of_dr2_by_name(coefficients):
    """Leung & Bovy at 1 mas: 0.056 - 0.00574 - 0.0096; held at 0 mas: 0.056, and at 2 mas:
    0.056 - 0.01148 - 0.0384. Zinn at G = 12.2: 0.0528; at 15.2: 0.0528 - 3 x 0.00421."""
    given(
        coefficients,
        "raw.gaia_dr2",
        parallax=[1.0, -3.0, 5.0, None],
        phot_g_mean_mag=[12.2, 15.2, None, 12.2],
    )
    assert named(coefficients, "leung_bovy_2019") == [
        (-0.04066, "leung_bovy_2019"),
        (-0.056, "leung_bovy_2019"),
        (-0.00612, "leung_bovy_2019"),
        (-0.0523, "constant"),
    ]
    assert named(coefficients, "zinn_2019") == [
        (-0.0528, "zinn_2019"),
        (-0.04017, "zinn_2019"),
        (-0.0523, "constant"),
        (-0.0528, "zinn_2019"),
    ]
    assert set(named(coefficients, "constant")) == {(-0.0523, "constant")}
    assert set(named(coefficients, None)) == {(-0.0523, "constant")}


def test_dr3_by_name(coefficients):
    five = {"astrometric_params_solved": [31], "nu_eff_used_in_astrometry": [1.5], "ecl_lat": [1.0]}
    given(coefficients, "raw.gaia_dr3", parallax=[1.0], phot_g_mean_mag=[14.0], **five)
    assert named(coefficients, "constant") == [(-0.0523, "constant")]
    (found,) = named(coefficients, "lindegren_2021")
    assert found[1] == "lindegren_2021"
    assert named(coefficients, None) == [found]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('zero_point = "zinn"', "zero_point = zinn: no such zero point; did you mean 'zinn_2019'"),
        (
            'zero_point = "zinn_2019"\n[tables.gaia_dr3]\npath = "a"',
            "zero_point: zinn_2019 is of gaia_dr2, the survey has gaia_dr3; give another",
        ),
        (
            'zero_point = "lindegren_2021"\n[tables.gaia_dr2]\npath = "a"',
            "zero_point: lindegren_2021 is of gaia_dr3, the survey has gaia_dr2; give another",
        ),
        (
            'zero_point = "constant"\n[tables.zero_point]\npath = "a"',
            "zero_point: the survey has tables.zero_point too; give the name or the table",
        ),
    ],
)
def test_a_name_that_cannot_be_is_refused(tmp_path, text, said):
    from obcat.survey import SurveyError, load

    path = tmp_path / "s.toml"
    path.write_text(f'name = "s"\n{text}\n')
    with pytest.raises(SurveyError) as caught:
        load(path, [], there=False)
    assert said in str(caught.value)


def test_dr3_is_stage_gaia_without_the_colours_of_other_passbands(coefficients):
    five = {
        "astrometric_params_solved": [31],
        "nu_eff_used_in_astrometry": [1.5],
        "ecl_lat": [10.0],
    }
    bands = {
        "phot_g_mean_mag": [14.0],
        "phot_bp_mean_mag": [14.2],
        "phot_bp_mean_flux_over_error": [300.0],
    }
    given(coefficients, "raw.gaia_dr3", parallax=[1.0], parallax_error=[0.02], **bands, **five)
    query = "SELECT parallax, parallax_offset < 0, g_gaia, bp, bp_err FROM stage.gaia"
    assert coefficients.execute(query).fetchall() == [(1.0, True, 14.0, None, None)]


def test_a_survey_gives_one_release(tmp_path):
    from obcat.survey import SurveyError, load

    path = tmp_path / "s.toml"
    path.write_text('name = "s"\n[tables.gaia_dr2]\npath = "a"\n[tables.gaia_dr3]\npath = "b"\n')
    with pytest.raises(
        SurveyError, match="the survey has gaia_dr2 too; give one release, not both"
    ):
        load(path, [], there=False)


def test_dr3_is_read_under_its_names_and_dr2_is_refused(tmp_path):
    from obcat.ingest.errors import IngestError
    from obcat.ingest.tables import ingest

    head = "Source,RA_ICRS,DE_ICRS,Epoch,Plx,e_Plx,Gmag,nueff,pscol,ELAT,Solved\n"
    (tmp_path / "a.csv").write_text(head + "4295806720,10,20,2016.0,0.5,0.02,12,1.5,,15,31\n")
    assert ingest("gaia_dr3", tmp_path / "a.csv", tmp_path / "out", columns={})["rows"] == 1
    (tmp_path / "b.csv").write_text(head + "4295806720,10,20,2015.5,0.5,0.02,12,1.5,,15,31\n")
    with pytest.raises(IngestError, match=r"this is Gaia DR2; give it as tables\.gaia_dr2"):
        ingest("gaia_dr3", tmp_path / "b.csv", tmp_path / "out", columns={})
