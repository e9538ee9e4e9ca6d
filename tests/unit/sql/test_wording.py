"""What is published of a parameter is what was run:
value, status and words, of any parameter, in every format.
"""

import json
import re
import shutil
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from release_rows import rows_of, store

from obcat import db
from obcat.export.release import release
from obcat.query.sql import status
from obcat.schema import Parameter, read_parameters

PARAMETERS = read_parameters()
FORMATS = [
    "fits",
    "vot",
    "parquet",
    "cds/ReadMe",
    "COLUMNS.md",
    "CITATION",
    "provenance.json",
    "zenodo.json",
    "duckdb",
    "status",
]


def other(p: Parameter) -> float:
    """A value in the range of a parameter that is not its own,
    but for the one that has no other.
    """
    between = (float(p.value) + 2 * float(p.max if float(p.max) > float(p.value) else p.min)) / 3
    return int(between) if p.type == "INTEGER" else float(f"{between:.5g}")


OTHERS = {name: other(p) for name, p in PARAMETERS.items() if p.min != p.max}


def built(
    template: Path, folder: Path, parameters: dict[str, float], release_of_gaia: int = 2
) -> Path:
    """A database as a build with these parameters leaves it."""
    path = Path(shutil.copy(template, folder / "obcat.duckdb"))
    store(path, rows_of(3))
    with db.connect(path) as con:
        for name, value in parameters.items():
            con.execute(f"UPDATE meta.parameters SET {name} = $value", {"value": value})
        con.execute("DELETE FROM meta.quality_bits")
        db.run(con, next(f for f in db.sql_files("00_meta") if f.relation == "meta.quality_bits"))
        con.execute(
            f"UPDATE catalog.ob_stars SET gaia_name = 'Gaia DR{release_of_gaia} ' || gaia_id"
        )
        raw = f"raw.gaia_dr{release_of_gaia}"
        con.execute(f"INSERT INTO {raw} (source_id, ra, dec) VALUES (1, 2, 3)")
        db.describe(con)
    return path


def texts(database: Path, out: Path) -> dict[str, str]:
    """Format -> everything it says, with lines and continuations joined."""
    release(database, out)
    header = fits.getheader(out / "demo.fits", 1)
    comments = "".join(header["COMMENT"])
    cards = " ".join(str(value) for key, value in header.items() if key.startswith("TCOMM"))
    with duckdb.connect(str(out / "obcat.duckdb"), read_only=True) as con:
        columns = con.execute(
            "SELECT column_name || ': ' || comment FROM duckdb_columns() WHERE comment IS NOT NULL"
        )
        said = " ".join(text for (text,) in columns.fetchall())
    keys = pq.read_schema(out / "demo.parquet")
    plain = ("cds/ReadMe", "COLUMNS.md", "CITATION", "provenance.json", "zenodo.json")
    return {
        "fits": f"{comments} {cards}",
        "vot": (out / "demo.vot").read_text(encoding="ascii"),
        "parquet": keys.metadata[b"IVOA.VOTable-Parquet.content"].decode("ascii")
        + " ".join(keys.field(name).metadata[b"description"].decode() for name in keys.names),
        **{name: " ".join((out / name).read_text(encoding="utf-8").split()) for name in plain},
        "duckdb": said,
        "status": " ".join(status(database).split()),
    }


@pytest.fixture(scope="module")
def default(template, tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("default")
    return texts(built(template, folder, {}), folder / "out")


@pytest.fixture(scope="module")
def changed(template, tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("changed")
    return texts(built(template, folder, OTHERS), folder / "out")


@pytest.fixture(scope="module")
def stricter(template, tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("stricter")
    return texts(built(template, folder, {"binary_nsigma": 2.5}), folder / "out")


@pytest.fixture(scope="module")
def of_dr3(template, tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("dr3")
    return texts(built(template, folder, {}, release_of_gaia=3), folder / "out")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", OTHERS)
def test_a_number_that_the_survey_chose_is_said_to_be_its_own(default, changed, name, form):
    p = PARAMETERS[name]
    said = f"survey, in place of {float(p.value):.12g}, {p.source}".replace(
        "&", "&amp;" if form in ("vot", "parquet") else "&"
    )
    close = re.escape(said).replace("\\ ", r"\s*")
    assert re.search(close, changed[form]), changed[form][:2000]
    assert not re.search(close, default[form])


@pytest.mark.parametrize("name", OTHERS)
def test_the_value_is_the_one_that_was_run(changed, name):
    value, unit = OTHERS[name], PARAMETERS[name].unit
    shown = f"{value:.12g} {unit}".strip()
    for form in ("fits", "cds/ReadMe", "CITATION", "zenodo.json"):
        assert f"{name}={shown}(survey".replace(" ", "") in changed[form].replace(" ", ""), form
    for form in ("vot", "parquet"):
        assert re.search(
            rf'<PARAM name="{name}" [^>]* value="{re.escape(f"{value:.12g}")}">', changed[form]
        )
    assert f"| `{name}` | {shown} | survey, " in changed["COLUMNS.md"]
    stated = json.loads(changed["provenance.json"])["parameters"][name]
    assert (stated["value"], stated["status"]) == (value, "survey")


def test_nothing_is_said_to_be_a_survey_s_that_is_not(default, template, tmp_path):
    for form, text in default.items():
        assert "in place of" not in text, form
    same = {name: float(p.value) for name, p in PARAMETERS.items()}
    assert texts(built(template, tmp_path, same), tmp_path / "out") == default


@pytest.mark.parametrize(
    "form",
    [f for f in FORMATS if f not in ("CITATION", "provenance.json", "zenodo.json", "status")],
)
def test_a_column_says_the_number_it_hangs_on(default, stricter, form):
    found = stricter[form].replace("&gt;", ">")
    assert re.search(r"\(\w+ > 2\.5\)", found)
    assert not re.search(r"\(\w+ > 2\)", found)
    assert re.search(r"\(\w+ > 2\)", default[form].replace("&gt;", ">"))


def test_a_quality_bit_says_the_number_it_hangs_on(default, changed):
    for form in ("cds/ReadMe", "COLUMNS.md", "status"):
        assert f"fainter than M = {OTHERS['mk_faint_limit']:.12g}" in changed[form]
        assert re.search(r"fainter than M = 2\b(?!\.)", default[form])


@pytest.mark.parametrize(
    "form", ["fits", "vot", "parquet", "cds/ReadMe", "COLUMNS.md", "CITATION", "duckdb"]
)
def test_the_release_of_gaia_is_the_one_that_was_used(default, of_dr3, form):
    ours = re.sub(r"constant offset of Gaia DR2 parallaxes[^|<]*|raw\.gaia_dr2", "", of_dr3[form])
    assert "Gaia DR3" in ours
    assert "Gaia DR2" not in ours
    assert "Lindegren" in ours
    assert "Gaia DR2" in default[form]
    assert "Gaia DR3" not in default[form]


def test_every_parameter_has_a_value_of_its_own_for_these_tests():
    assert len(OTHERS) == len(PARAMETERS) - 1
    for name, value in OTHERS.items():
        assert value != float(PARAMETERS[name].value), name
        assert PARAMETERS[name].fault(value) is None, name
