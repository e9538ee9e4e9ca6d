"""A survey file says what it says,
and every fault in it is one line that names the key and the remedy.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from obcat.cli import main
from obcat.survey import Building, Survey, SurveyError, SurveyTable, check_claim, claim, load

PARAMETERS = ("binary_nsigma", "epochs", "label_trees")
WHOLE = """
name = "simulated"
simulated = true
release = "DR5"
spectra = "fits"
models_from = "../other"
[tables.gaia_dr2]
path = "tables/gaia.fits"
columns = { parallax = "plx" }
[tables.labels]
path = "tables/gaia.fits"
[tables.training]
path = "tables/gaia.fits"
spectra = "fits"
[parameters]
binary_nsigma = 2.5
label_trees = 50
[build]
memory = "2GB"
"""


@pytest.fixture
def folder(tmp_path):
    for sub in ("s/fits", "s/spectra", "s/tables", "other"):
        (tmp_path / sub).mkdir(parents=True)
    (tmp_path / "s" / "tables" / "gaia.fits").touch()
    return tmp_path / "s"


def loaded(folder: Path, text: str) -> Survey:
    (folder / "survey.toml").write_text(text, encoding="utf-8")
    return load(folder / "survey.toml", PARAMETERS)


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(SurveyError) as caught:
        loaded(folder, text)
    message = str(caught.value)
    assert message.startswith(f"{folder / 'survey.toml'}: ")
    assert "\n" not in message
    return message


def test_a_whole_survey(folder):
    assert loaded(folder, WHOLE) == Survey(
        name="simulated",
        simulated=True,
        release="DR5",
        spectra=folder / "fits",
        models_from=folder / "../other",
        tables={
            "gaia_dr2": SurveyTable(folder / "tables/gaia.fits", {"parallax": "plx"}),
            "labels": SurveyTable(folder / "tables/gaia.fits", {}),
            "training": SurveyTable(folder / "tables/gaia.fits", {}, folder / "fits"),
        },
        parameters={"binary_nsigma": 2.5, "label_trees": 50},
        build=Building(memory="2GB"),
    )


def test_defaults(folder):
    survey = loaded(folder, 'name = "a-1"\nmodels_from = ""')
    assert survey == Survey(name="a-1", spectra=folder / "spectra")
    assert (survey.simulated, survey.models_from, survey.tables, survey.parameters) == (
        False,
        None,
        {},
        {},
    )


def test_best_mode_can_be_left_out(folder):
    assert loaded(folder, 'name = "a"').build.modes == ("paper", "best")
    assert loaded(folder, 'name = "a"\n[build]\nmodes = ["paper"]').build.modes == ("paper",)


def test_a_byte_order_mark_is_no_part_of_the_survey(folder):
    (folder / "survey.toml").write_bytes(b"\xef\xbb\xbf" + WHOLE.encode())
    assert load(folder / "survey.toml", PARAMETERS).name == "simulated"
    assert complaint(folder, "\ufeffname = ").endswith(
        "Invalid value (at line 1, the end of the file)"
    )


def test_relative_survey_path_gives_absolute_paths(folder, monkeypatch):
    loaded(folder, 'name = "a"')
    monkeypatch.chdir(folder)
    assert load(Path("survey.toml"), PARAMETERS).spectra == folder / "spectra"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("spektra = 'x'", "spektra: no such key; did you mean 'spectra'?"),
        (
            "[parameters]\nbinary_nsigma = -2.5",
            "parameters.binary_nsigma: -2.5 is not in its range, 0.1 to 100",
        ),
        ("[parameters]\nepochs = 2.5", "parameters.epochs: 2.5 is not a whole number"),
        (
            "[tables.gaia_d2]\npath = 'tables/gaia.fits'",
            "tables.gaia_d2: no such table; did you mean 'gaia_dr2'?",
        ),
        (
            "[tables.gaia_dr2]\npath = 'tables/gaia.fits'\nspectra = 'fits'",
            "tables.gaia_dr2.spectra: no such key",
        ),
        (
            "[tables.training]\npath = 'tables/gaia.fits'",
            "tables.training.spectra: missing; name the folder of their spectra",
        ),
        (
            "[tables.training]\npath = 'tables/gaia.fits'\nspectra = 'no'",
            "tables.training.spectra: no folder",
        ),
        ("[tables.gaia_dr2]\nfile = 'x'", "tables.gaia_dr2.file: no such key"),
        ("[build]\nmemry = '2GB'", "build.memry: no such key; did you mean 'memory'?"),
        ("[build]\nmemory = '2'", "build.memory: '2' is no size; give a number with MB"),
        (
            "[build]\nmemory = '90MB'",
            "build.memory: 90MB is too little; give 400 MB or more for 1 thread",
        ),
        ("[build]\nthreads = 0", "build.threads: 0 is less than 1"),
        (
            "[build]\nmodes = ['paper', 'bets']",
            "build.modes: bets: no such mode; did you mean 'best'?",
        ),
        ("[build]\nmodes = ['best']", "build.modes: best mode is built on paper mode"),
        (
            "[tables.gaia_dr2]\npath = 'tables/gaia.fits'\ncolumns = {paralax = 'plx'}",
            "tables.gaia_dr2.columns.paralax: no such column; did you mean 'parallax'?",
        ),
        (
            "[parameters]\nbinary_sigma = 2",
            "parameters.binary_sigma: no such parameter; did you mean 'binary_nsigma'?",
        ),
        (
            "[parameters]\nbinary_nsigma = '2'",
            "parameters.binary_nsigma: Expected `int | float`, got `str`",
        ),
        (
            "[parameters]\nbinary_nsigma = true",
            "parameters.binary_nsigma: Expected `int | float`, got `bool`",
        ),
        (
            "[parameters]\nbinary_nsigma = nan",
            "parameters.binary_nsigma: nan is not a finite number",
        ),
        (
            "[tables.gaia_dr2]\ncolumns = {}",
            "tables.gaia_dr2: Object missing required field `path`",
        ),
        ("[tables.gaia_dr2]\npath = ''", "tables.gaia_dr2: Expected a path, got '' - at `$.path`"),
        (
            "[tables.gaia_dr2]\npath = 'x'\ncolumns = {ra = 3}",
            "tables.gaia_dr2.columns.ra: Expected `str`, got `int`",
        ),
        ("[tables.gaia_dr2]\npath = 'no.fits'", "tables.gaia_dr2.path: no file"),
        ("[tables.gaia_dr2]\npath = 'tables'", "tables.gaia_dr2.path: no file"),
        ("[tables.gaia_dr3]\nhats = 'no'", "tables.gaia_dr3.hats: no folder"),
        ("[tables.gaia_dr3]\nhats = 3", "tables.gaia_dr3: Expected a path, got 3"),
        (
            "[tables.gaia_dr3]\nhats = 'tables'\npath = 'x'",
            "tables.gaia_dr3: has path and hats; give one of the two",
        ),
        ("[tables.labels]\nhats = 'tables'", "tables.labels.hats: no such key"),
        ("tables = 3", "Expected `object`, got `int` - at `$.tables`"),
        ("spectra = 'nowhere'", "spectra: no folder"),
        ("spectra = 7", "Expected a path, got 7 - at `$.spectra`"),
        ("simulated = 'yes'", "Expected `bool`, got `str` - at `$.simulated`"),
        ("models_from = 'nowhere'", "models_from: no file or folder"),
        ('release = "DR5', "not TOML: Illegal character '\\n' (at line 2, column 15)"),
        ("x = ", "not TOML: Invalid value (at line 2"),
        ("name = 'b'", "not TOML: Cannot overwrite a value (at line 2"),
    ],
)
def test_faults_are_one_line_with_key_and_mend(folder, line, says):
    assert says in complaint(folder, f'name = "a"\n{line}\n')


@pytest.mark.parametrize("name", ["", "-a", "a b", "../a", "a/b", "é", "a\\n"])
def test_names_that_are_no_file_names_are_refused(folder, name):
    assert "is not a name; use letters, digits, _ and -" in complaint(folder, f'name = "{name}"')


def test_no_name(folder):
    assert "missing required field `name`" in complaint(folder, "release = 'DR5'")


def test_missing_folder_and_binary_survey_files(folder):
    with pytest.raises(
        SurveyError,
        match=r"cannot be read \(No such file or directory\); give a survey's TOML file",
    ):
        load(folder / "none.toml", PARAMETERS)
    with pytest.raises(SurveyError, match=r"cannot be read \(Is a directory\)"):
        load(folder, PARAMETERS)
    (folder / "x.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SurveyError, match="is not UTF-8 text"):
        load(folder / "x.toml", PARAMETERS)


def test_a_file_of_another_survey_is_not_changed_by_loading(folder):
    survey = loaded(folder, WHOLE)
    with pytest.raises(AttributeError, match="immutable"):
        survey.name = "other"


def test_a_second_survey_of_the_same_name_replaces_nothing(folder, tmp_path):
    """What is built of the first stays; once it is gone, or called otherwise, the name is free."""
    (folder / "spectra").mkdir(exist_ok=True)
    first, second = folder / "first.toml", folder / "second.toml"
    for path in (first, second):
        path.write_text('name = "same"\n', encoding="utf-8")
    builds = tmp_path / "builds"
    run = CliRunner()
    run.invoke(main, ["ingest", str(first), "--build", str(builds)])
    before = sorted(
        (p, p.stat().st_mtime_ns) for p in (builds / "same").rglob("*") if p.name[0] != "."
    )
    for command in ("ingest", "build", "partition", "merge"):
        done = run.invoke(main, [command, str(second), "--build", str(builds)])
        assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1)
        assert f"{builds / 'same'} is of {first}, also called 'same'; give this" in done.stderr
    assert before == sorted(
        (p, p.stat().st_mtime_ns) for p in (builds / "same").rglob("*") if p.name[0] != "."
    )
    check_claim(builds / "same", first, "same")
    first.write_text('name = "other"\n', encoding="utf-8")
    assert not check_claim(builds / "same", second, "same")
    first.unlink()
    claim(builds / "same", second, "same")
    assert check_claim(builds / "same", second, "same")


def test_reading_a_survey_loads_no_heavy_library():
    code = "import sys, obcat.survey; print({m.split('.')[0] for m in sys.modules})"
    loaded_modules = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert not [
        m for m in ("astropy", "duckdb", "torch", "numpy.fft") if f"'{m}'" in loaded_modules
    ]
