"""The commands as a user meets them:
help, one line for every fault, exit codes, nothing on stdout but the answer.
"""

import pytest

from tests.whole.small import PARAMETERS, obcat, tables_of, write_survey

COMMANDS = [
    "simulate",
    "fetch",
    "ingest",
    "build",
    "check",
    "export",
    "sql",
    "status",
    "evaluate",
    "realism",
    "compare",
]
COMMANDS += ["demo", "figure", "report", "page", "verify", "check-cds", "explain"]


def test_help():
    done = obcat("--help")
    assert done.returncode == 0
    assert [c for c in COMMANDS if f"\n  {c} " not in done.stdout] == []
    assert done.stderr == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(command):
    done = obcat(command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: ")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("spektra = 1", "spektra: no such key; did you mean 'spectra'?"),
        ("[tables.twomas]\npath = 'x'", "tables.twomas: no such table; did you mean 'twomass'?"),
        ("[parameters]\nepoch = 3", "parameters.epoch: no such parameter; did you mean 'epochs'?"),
        ("[tables.labels]\npath = 'none.fits'", "tables.labels.path: no file"),
    ],
)
@pytest.mark.parametrize("command", ["ingest", "build"])
def test_a_fault_of_the_survey_is_one_line(tmp_path, command, line, says):
    (tmp_path / "spectra").mkdir()
    (tmp_path / "survey.toml").write_text(f'name = "a"\n{line}\n')
    done = obcat(command, tmp_path / "survey.toml", "--build", tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    (only,) = done.stderr.splitlines()
    assert only.startswith(f"Error: {tmp_path / 'survey.toml'}: {says}")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["spectra", "survey.toml"]


@pytest.mark.parametrize("command", ["ingest", "build"])
def test_no_survey_file(tmp_path, command):
    done = obcat(command, tmp_path / "none.toml")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"Error: {tmp_path / 'none.toml'}: cannot be read (No such file or directory); give a "
        "survey's TOML file"
    ]


@pytest.mark.parametrize("command", ["check", "export", "sql", "status", "evaluate", "figure"])
@pytest.mark.parametrize("kind", ["missing", "text", "empty database"])
def test_what_is_no_catalog_is_one_line(tmp_path, command, kind):
    path = tmp_path / "x.duckdb"
    if kind == "text":
        path.write_text("no database\n" * 1000)
    elif kind == "empty database":
        import duckdb

        duckdb.connect(str(path)).close()
    more = {"sql": ["FROM catalog.ob_stars"], "figure": [tmp_path / "x.png"]}.get(command, [])
    done = obcat(command, path, *more)
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("Error: ")
    assert "x.duckdb" in done.stderr or kind == "empty database"
    assert not (tmp_path / "x.png").exists()


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"binary_nsigma": -2.5}, "parameters.binary_nsigma: -2.5 is not in its range, 0.1 to 100"),
        ({"epochs": 3.5}, "parameters.epochs: 3.5 is not a whole number"),
        ({"epochs": 0}, "parameters.epochs: 0 is not in its range, 1 to 1000000"),
        ({"pca_components": 50}, "parameters.pca_components: 50 is not in its range, 100 to 100"),
        (
            {"train_fraction": 1.5},
            "parameters.train_fraction: 1.5 is not in its range, 0.01 to 0.99",
        ),
        (
            {"batch_size": 10**12},
            "parameters.batch_size: 1000000000000 is not in its range, 2 to 1000000",
        ),
    ],
)
def test_a_parameter_that_cannot_be_is_one_line(first, files, tmp_path, parameters, says):
    toml = write_survey(
        tmp_path / "survey.toml", files / "spectra", tables_of(files), PARAMETERS | parameters
    )
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "raw").symlink_to(first.folder / "raw")
    done = obcat("build", toml, "--build", tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == f"Error: {toml}: {says}"


@pytest.mark.parametrize(
    "query",
    [
        "DROP TABLE catalog.ob_stars",
        "INSERT INTO meta.survey (name, simulated, release, models_from) VALUES ('x', 0, '', NULL)",
        "COPY meta.survey TO 'x.csv'",
    ],
)
def test_sql_refuses_writes(first, tmp_path, query):
    before = first.database.stat().st_mtime_ns
    done = obcat("sql", first.database, query, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert first.database.stat().st_mtime_ns == before
    assert list(tmp_path.iterdir()) == []


def test_sql_answers_as_csv(first):
    done = obcat("sql", first.database, "SELECT count(*) AS n FROM catalog.ob_stars")
    assert (done.returncode, done.stdout, done.stderr) == (0, "n\n257\n", "")


def test_status_says_where_every_parameter_comes_from(first):
    done = obcat("status", first.database)
    assert done.returncode == 0
    text = done.stdout
    shown = text[text.index("\nparameters") :].splitlines()
    for name, source in (("pca_components", "paper"), ("epochs", "assumed"), ("halpha", "assumed")):
        assert [line for line in shown if line.split()[:1] == [name] and source in line], name
    assert "5500" in text
    assert "no_gaia" in text
    assert [line for line in text.splitlines() if line.split()[:3] == ["ingested", "257"]]


def test_two_builds_at_once(first, files, tmp_path):
    import fcntl

    toml = write_survey(
        tmp_path / "survey.toml",
        files / "spectra",
        tables_of(files),
        PARAMETERS | {"distance_max": 50},
    )
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "raw").symlink_to(first.folder / "raw")
    with (tmp_path / "small" / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        done = obcat("build", toml, "--build", tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"Error: {tmp_path / 'small'}: another obcat command is using this folder; wait "
        "for it to end"
    ]
