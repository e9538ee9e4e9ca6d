"""The released database, guide, provenance, citation; what every file says of simulated stars;
ids in all readers.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from release_rows import COLUMNS, rows_of, store

from obcat.export import ReleaseError
from obcat.export.database import TABLES
from obcat.export.release import release
from obcat.schema import columns_of

OLD = "OBCAT_OLD_DUCKDB"
V1_0_0 = 64


def released_from(template: Path, folder: Path, rows: dict[str, list], simulated: int = 1) -> Path:
    path = Path(shutil.copy(template, folder / "source.duckdb"))
    store(path, rows, simulated)
    release(path, folder / "release")
    return folder / "release"


@pytest.fixture(scope="module")
def rows() -> dict[str, list]:
    return rows_of(40)


@pytest.fixture(scope="module")
def folder(template, tmp_path_factory, rows) -> Path:
    return released_from(template, tmp_path_factory.mktemp("release"), rows)


@pytest.fixture(scope="module")
def con(folder):
    with duckdb.connect(str(folder / "obcat.duckdb"), read_only=True) as opened:
        yield opened


def storage_version(path: Path) -> int:
    head = path.read_bytes()[:20]
    assert head[8:12] == b"DUCK"
    return int.from_bytes(head[12:20], "little")


def test_databases_have_the_storage_of_duckdb_1_0_0(folder, template):
    assert storage_version(folder / "obcat.duckdb") == V1_0_0
    assert storage_version(template) == V1_0_0


def test_the_database_holds_every_value(con, rows):
    assert con.sql("FROM catalog.ob_stars ORDER BY specid").to_arrow_table().to_pydict() == rows


def test_the_database_holds_the_catalog_and_what_describes_it(con):
    found = con.execute(
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() ORDER BY ALL"
    ).fetchall()
    assert [name for (name,) in found] == sorted(TABLES)
    comments = (
        "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'ob_stars' "
        "ORDER BY column_index"
    )
    for (name, comment), c in zip(con.execute(comments).fetchall(), COLUMNS, strict=True):
        assert name == c.column
        assert comment.startswith(c.description)
        assert comment.endswith(f"[{c.unit}]" if c.unit else c.description)
    assert (
        con.execute("SELECT count(*) FROM meta.quality_bits WHERE length(meaning) > 5").fetchall()[
            0
        ][0]
        > 10
    )
    assert con.execute("SELECT binary_nsigma FROM meta.parameters").fetchall() == [(2.0,)]


def test_the_database_keeps_its_keys_and_its_macros(con, folder, tmp_path):
    assert con.execute("SELECT round(parallax_of(-2, 12, 0), 6)").fetchall() == [(0.158489,)]
    path = shutil.copy(folder / "obcat.duckdb", tmp_path / "copy.duckdb")
    with duckdb.connect(str(path)) as changed:
        with pytest.raises(duckdb.ConstraintException, match=r"(?i)primary key"):
            changed.execute("INSERT INTO catalog.ob_stars SELECT * FROM catalog.ob_stars LIMIT 1")
        with pytest.raises(duckdb.ConstraintException, match="CHECK"):
            changed.execute("UPDATE catalog.ob_stars SET em_flag = 7 WHERE specid = 'specid-00001'")


READ_BY_AN_OLDER = """
import duckdb, json, sys
con = duckdb.connect(sys.argv[1], read_only=True)
ids = con.execute("SELECT gaia_id FROM catalog.ob_stars ORDER BY specid").fetchall()
values = con.execute("SELECT parallax_of(-2, 12, 0), galactic_b(192.85948, 27.12825), count(*) FROM cone(0, 0, 180)")
print(json.dumps([duckdb.__version__, [v for (v,) in ids], values.fetchall()[0]]))
"""


@pytest.mark.parametrize("version", ["1.1.3", "1.4.4"])
def test_older_duckdb_opens_it(folder, rows, version):
    """OBCAT_OLD_DUCKDB is a folder that .ci/old-duckdb.sh has filled.
    Every id, the macros, and cone() are there.
    """
    if not os.environ.get(OLD):
        pytest.skip(f"{OLD} does not name a folder filled by .ci/old-duckdb.sh")
    done = subprocess.run(
        [sys.executable, "-c", READ_BY_AN_OLDER, str(folder / "obcat.duckdb")],
        env=os.environ | {"PYTHONPATH": str(Path(os.environ[OLD]) / version)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found, ids, values = json.loads(done.stdout)
    assert (found, ids) == (version, rows["gaia_id"])
    assert values == pytest.approx([0.158489, 90, 40], abs=1e-4)


def test_a_source_that_is_damaged_is_one_line(folder, tmp_path, template, rows):
    path = Path(shutil.copy(template, tmp_path / "source.duckdb"))
    store(path, rows)
    with duckdb.connect(str(path)) as changed:
        changed.execute("DROP TABLE meta.quality_bits")
    with pytest.raises(ReleaseError, match=r"source\.duckdb: no catalog to export: .*quality_bits"):
        release(path, tmp_path / "release")
    assert not (tmp_path / "release").exists()


def test_provenance_says_what_made_the_catalog(folder):
    found = json.loads((folder / "provenance.json").read_text(encoding="ascii"))
    assert (found["simulated"], found["survey"], found["rows"], found["release"]) == (
        True,
        "demo",
        40,
        "DR5",
    )
    assert found["fingerprint"] == "a1" * 32
    assert set(found["parameters"]) == {c.column for c in columns_of("meta.parameters")}
    assert found["parameters"]["binary_nsigma"]["value"] == 2.0
    assert found["parameters"]["binary_nsigma"]["source"].startswith("paper")
    assert found["parameters"]["halpha"]["unit"] == "Angstrom"


def test_the_guide_has_every_column_and_bit(folder, con):
    text = (folder / "COLUMNS.md").read_text(encoding="utf-8")
    for c in COLUMNS:
        assert (
            sum(
                line.startswith(f"| `{c.column}` |") and c.description in line
                for line in text.split("\n")
            )
            == 1
        )
    for bit, name in con.execute("SELECT bit, name FROM meta.quality_bits").fetchall():
        assert f"| {bit} | {name} |" in text
    assert "| `gaia_id` | `Gaia` | - | integer | - | NULL (0) |" in text


def test_simulated_is_said_in_every_file_and_of_no_real_star(folder, tmp_path, template, rows):
    real = released_from(template, tmp_path, rows, simulated=0)
    words = b"no star of this table exists"
    assert (folder / "demo_mrt.txt").read_bytes().startswith(b"Title: SIMULATED")
    written = [
        "demo.fits",
        "demo.vot",
        "demo.parquet",
        "cds/ReadMe",
        "COLUMNS.md",
        "CITATION",
        "CITATION.bib",
        "zenodo.json",
        "provenance.json",
    ]
    for name in (*written, "models.safetensors"):
        assert words in (folder / name).read_bytes(), name
        assert words not in (real / name).read_bytes(), name
        assert b"SIMULATED" not in (real / name).read_bytes().replace(b"SIMULATD", b""), name
    for made, said in ((folder, 1), (real, 0)):
        with duckdb.connect(str(made / "obcat.duckdb"), read_only=True) as opened:
            assert opened.execute("SELECT simulated FROM meta.survey").fetchall() == [(said,)]


def test_how_to_cite_is_there_for_bibtex_and_zenodo(folder):
    entries = (folder / "CITATION.bib").read_text(encoding="ascii").split("\n\n")
    assert all(e.count("{") == e.count("}") for e in entries)
    keys = [re.match(r"@(?:misc|article)\{([^,]+),", entry)[1] for entry in entries]
    assert keys[0] == "obcat-" + "a1" * 8
    assert "2021ApJS..253...22X" in keys
    assert len(set(keys)) == len(keys)
    plain = (folder / "CITATION").read_text(encoding="ascii")
    assert all(key in plain for key in keys[1:])
    filled = json.loads((folder / "zenodo.json").read_text(encoding="ascii"))
    assert filled["title"].startswith("SIMULATED")
    assert (filled["upload_type"], filled["version"]) == ("dataset", "a1" * 8)
    assert len(filled["references"]) == len(keys) - 1
