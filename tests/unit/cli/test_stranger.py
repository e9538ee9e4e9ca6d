"""A database of somebody else in every command: not opened unasked; opened, it reaches no file;
no view for a table.
"""

import shutil
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

import obcat
from obcat import db
from obcat.build import fitting
from obcat.build.fitting import fingerprint_of
from obcat.cli import main
from obcat.reading import NotOurs, NotTrusted, open_database
from obcat.report import figures
from tests.figures import png_alone
from tests.unit.conftest import fill_table
from tests.unit.release_rows import rows_of, store

SECRET = "canary-4711"
READ = "(SELECT content FROM read_text('{secret}'))"
TRUE_STAR = {
    "name": "x",
    **dict.fromkeys(("mk", "mk_system", "distance_kpc", "ebv", "a_ks", "teff", "logg", "feh",
    "mass_ratio", "ew_halpha", "excess_ks", "true_ks"), 1.0),
    **dict.fromkeys(("is_binary", "has_emission", "is_nebular"), False),
}  # fmt: skip
VIEWS = ("meta.provenance", "meta.survey", "meta.quality_bits", "meta.parameters", "model.fits",
    "model.arrays", "catalog.ob_stars", "raw.files")  # fmt: skip
COMMANDS = {
    "status": ["status", "{database}"],
    "report": ["report", "{database}", "--out", "{out}/report"],
    "check": ["check", "{database}"],
    "evaluate": ["evaluate", "{database}", "--truth", "{out}"],
    "readme": ["evaluate", "{database}", "--truth", "{out}", "--readme"],
    "export": ["export", "{database}", "--out", "{out}"],
    "page": ["page", "{database}", "--out", "{out}/page.html"],
    "figure": ["figure", "{database}", "{out}/a.png"],
    "compare": ["compare", "{other}", "{database}", "--out", "{out}"],
    "explain": ["explain", "{database}", "0 0"],
    "sql": ["sql", "{database}", "FROM meta.provenance"],
}


@pytest.fixture
def stranger(template, tmp_path) -> Path:
    """A database of ours by itself, so that it is nobody's."""
    path = Path(shutil.copy(template, tmp_path / "x.duckdb"))
    store(path, rows_of(5))
    (tmp_path / "secret.txt").write_text(SECRET, encoding="utf-8")
    (tmp_path / "other.csv").write_text("specid,mk\nspecid-00000,1\n", encoding="utf-8")
    (tmp_path / "out").mkdir()
    return path


@pytest.fixture(autouse=True)
def _figures_are_of_one_kind(monkeypatch):
    """Nothing more is read for the PDF of a figure than for its PNG."""
    monkeypatch.setattr(figures, "image_of", png_alone)


def run(command: str, database: Path, *more: str) -> Result:
    folder = database.parent
    places = {"database": database, "out": folder / "out", "other": folder / "other.csv"}
    return CliRunner().invoke(
        main, [part.format(**places) for part in COMMANDS[command]] + list(more)
    )


def with_view(database: Path, name: str) -> None:
    """The table becomes a view that puts the secret into its first text, or its first column."""
    secret = READ.format(secret=database.parent / "secret.txt")
    schema, _, table = name.partition(".")
    with db.connect(database) as con:
        con.execute(f"CREATE TABLE main.kept AS FROM {name}")
        con.execute(f"DROP TABLE {name} CASCADE")
        columns = con.sql("FROM main.kept")
        texts = [
            c
            for c, kind in zip(columns.columns, columns.types, strict=True)
            if str(kind) == "VARCHAR"
        ]
        column = (texts or columns.columns)[-1]
        con.execute(
            f'CREATE VIEW "{schema}"."{table}" AS SELECT * REPLACE ({secret} AS "{column}") '
            "FROM main.kept"
        )
        assert con.execute(f"SELECT typeof({secret})").fetchall()


def nothing_leaked(database: Path, done: Result) -> bool:
    """The secret stands in no answer and no file that the command wrote."""
    written = [p.read_bytes() for p in (database.parent / "out").rglob("*") if p.is_file()]
    return SECRET not in done.output and not any(SECRET.encode() in content for content in written)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_opens_it_unasked(stranger, command):
    done = run(command, stranger)
    assert done.exit_code == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        "Error: x.duckdb: neither of a build nor of a release with SHA256SUMS; --trust opens it"
    )
    assert list((stranger.parent / "out").iterdir()) == []


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_where_a_table_should_be_is_refused_by_name(stranger, name):
    with_view(stranger, name)
    with (
        pytest.raises(NotOurs, match=f"{name} is a view, where obcat build makes a table"),
        open_database(stranger),
    ):
        pass


@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - {"sql"}))
def test_no_command_takes_a_view_for_a_table(stranger, command):
    with_view(stranger, "meta.provenance")
    done = run(command, stranger, "--trust")
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert "meta.provenance is a view, where obcat build makes a table" in line
    assert nothing_leaked(stranger, done)


# what is read would be said as an error
TOLD = "(SELECT error(content) FROM read_text('{secret}'))"
TRAPS = {
    "CREATE OR REPLACE MACRO meta.separation_arcsec(a, b, c, d) AS {told}": {"report", "explain"},
    "CREATE MACRO main.median(x) AS {told}": {"report", "evaluate", "readme"},
    "CREATE OR REPLACE VIEW stage.gaia AS SELECT * REPLACE ({told} AS g_gaia) FROM main.kept": {
        "explain"
    },
}


@pytest.fixture
def full(stranger) -> Path:
    """With a star, a Gaia source and a truth, so that nothing ends before it asks."""
    out = stranger.parent / "out"
    with db.connect(stranger) as con:
        con.execute("CREATE TABLE main.kept AS FROM stage.gaia")
        con.execute("INSERT INTO main.kept (source_id, g_gaia) VALUES (7, 9.5)")
        visit, star = (
            {"specid": "a", "star_id": "S"},
            {"specid": "a", "star_id": "S", "ra": 0.0, "dec": 0.0},
        )
        match = {"star_id": "S", "source_id": 7, "rank": 1, "chosen": 1, "reason": "nearest"}
        for table, row in (
            ("sample.visits", visit),
            ("sample.stars", star),
            ("sample.gaia_matches", match),
        ):
            fill_table(con, table, [row])
        specids = [row[0] for row in con.execute("SELECT specid FROM catalog.ob_stars").fetchall()]
    stars = pa.table({name: pa.array([value]) for name, value in TRUE_STAR.items()})
    pq.write_table(stars, out / "stars.parquet")
    pq.write_table(pa.table({"specid": specids, "name": ["x"] * len(specids),
        "is_erroneous": [False] * len(specids), "erroneous_kind": [""] * len(specids)}),
        out / "visits.parquet")  # fmt: skip
    return stranger


def trapped(database: Path, *traps: str) -> None:
    with db.connect(database) as con:
        for trap in traps:
            con.execute(trap.format(told=TOLD.format(secret=database.parent / "secret.txt")))


@pytest.mark.parametrize(
    ("trap", "command"), [(trap, c) for trap, asked in TRAPS.items() for c in sorted(asked)]
)
def test_a_trap_that_is_asked_stops_the_command(full, command, trap):
    trapped(full, trap)
    done = run(command, full, "--trust")
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert "disabled by configuration" in line
    assert nothing_leaked(full, done)


@pytest.mark.parametrize("command", COMMANDS)
def test_macros_and_views_reach_no_file(full, command):
    trapped(full, *TRAPS)
    done = run(command, full, "--trust")
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert nothing_leaked(full, done)


def test_trap_would_spring_on_a_connection_that_is_not_locked(stranger):
    with_view(stranger, "meta.provenance")
    with duckdb.connect(str(stranger)) as con:
        assert SECRET in str(con.execute("FROM meta.provenance").fetchall())


def test_settings_cannot_be_changed_again(stranger):
    with open_database(stranger) as survey:
        for setting in (
            "enable_external_access = true",
            "lock_configuration = false",
            "allowed_paths = ['/']",
        ):
            with pytest.raises(duckdb.Error):
                survey.con.execute(f"SET {setting}")
        with pytest.raises(duckdb.Error):
            survey.con.execute("COPY meta.survey TO 'a.csv'")


def test_a_release_is_written_without_opening_anything_else(stranger):
    with db.connect(stranger, read_only=True, writes=stranger.parent / "new.duckdb") as con:
        con.execute("ATTACH $path AS new", {"path": str(stranger.parent / "new.duckdb")})
        for path in ("secret.txt", "other.duckdb", "new.duckdb.x"):
            with pytest.raises(duckdb.Error, match="disabled"):
                con.execute(f"FROM read_text('{stranger.parent / path}')")


def test_companions_are_asked_for_too(stranger, tmp_path):
    (tmp_path / "mine" / "raw").mkdir(parents=True)
    mine = Path(shutil.copy(stranger, tmp_path / "mine" / "obcat.duckdb"))
    done = CliRunner().invoke(main, ["evaluate", str(mine), "--companions", str(stranger)])
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: x.duckdb: neither of a build")


def test_models_of_a_stranger_are_not_taken_unasked(stranger, tmp_path):
    (tmp_path / "spectra").mkdir()
    toml = tmp_path / "survey.toml"
    toml.write_text('name = "a"\nspectra = "spectra"\nmodels_from = "x.duckdb"\n', encoding="utf-8")
    done = CliRunner().invoke(main, ["build", str(toml), "--build", str(tmp_path)])
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: models_from: x.duckdb: neither of a build")
    asked = CliRunner().invoke(main, ["build", str(toml), "--build", str(tmp_path), "--trust"])
    assert "neither of a build" not in asked.output


def test_models_from_a_view_are_refused(stranger, con):
    with_view(stranger, "model.fits")
    with pytest.raises(db.StepFailed, match=r"model\.fits is a view"):
        fitting._borrow(con, "pca", stranger)
    assert fingerprint_of(stranger) is None


def test_predict_asks_and_locks(stranger):
    spectrum = np.linspace(4000, 5000, 100), np.ones(100), np.ones(100)
    with pytest.raises(NotTrusted, match="neither of a build"):
        obcat.predict(*spectrum, models=stranger, z=0.0)
    with_view(stranger, "model.arrays")
    with pytest.raises(NotOurs, match=r"model\.arrays is a view"):
        obcat.predict(*spectrum, models=stranger, z=0.0, trust=True)
