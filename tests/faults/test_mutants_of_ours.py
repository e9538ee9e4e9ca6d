"""Damaged files of ours at fixed seeds: survey, models, release, database.
One line or the truth; nothing crashes.
"""

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from obcat import db
from obcat import models as model_file
from obcat.errors import ObcatError
from obcat.explain import explain
from obcat.export.release import release, verify
from obcat.schema import columns_of
from obcat.survey import SurveyError, load

pytestmark = pytest.mark.slow

SURVEY = """name = "demo"
simulated = true
release = "DR5"
spectra = "spectra"

[tables.gaia_dr2]
path = "gaia.csv"

[tables.gaia_dr2.columns]
parallax = "plx [mas]"

[tables.labels]
path = "labels.fits"

[parameters]
epochs = 20
match_radius = 3.0

[build]
threads = 2
"""
WORDS = [b"", b"[", b"]", b"{a=", b'"', b"'''", b"= ", b"1e999", b"nan", b"-1", b"9" * 5000,
    b"[" * 3000, b"x" * 5000,
         b"\\u0000", b"\\ud800", b"\xff", b"\r", b"../..", b"1979-99-99", b"true", b"a.b.c", b"#",
         b"\x00"]  # fmt: skip
PARAMETERS = [c.column for c in columns_of("meta.parameters")]


def mutant(data: bytes, draw: random.Random) -> bytes:
    """Bits flipped, bytes left out or doubled, a word put in, or the end cut off."""
    at, end = sorted(draw.randrange(len(data)) for _ in range(2))
    kind = draw.randrange(5)
    if kind == 0:
        changed = bytearray(data)
        for _ in range(draw.choice([1, 2, 8])):
            changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
        return bytes(changed)
    if kind == 1:
        return data[:at] + data[end:]
    if kind == 2:
        return data[:at]
    return data[:at] + draw.choice(WORDS) + data[at if kind == 3 else min(at + 9, len(data)) :]


def one_line(error: ObcatError, part: Path | str) -> None:
    """One line that has the name of the file, or this text."""
    assert "\n" not in str(error)
    assert (part.name if isinstance(part, Path) else part) in str(error)


@pytest.mark.parametrize("seed", range(10))
def test_a_damaged_survey_is_read_or_refused_in_one_line(tmp_path, seed):
    (tmp_path / "spectra").mkdir()
    for name in ("gaia.csv", "labels.fits"):
        (tmp_path / name).touch()
    path, draw, refused = tmp_path / "survey.toml", random.Random(seed), 0
    for _ in range(100):
        path.write_bytes(mutant(SURVEY.encode(), draw))
        try:
            load(path, PARAMETERS)
        except SurveyError as error:
            one_line(error, path)
            refused += 1
    assert 30 < refused < 100


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = " + "[" * 3000, "too deep"),
        ("[fetch]\nx = " + "{a=" * 3000, "too deep"),
        ("[parameters]\nepochs = " + "9" * 5000, "too many digits"),
        ("[parameters]\nbinary_nsigma = 1" + "0" * 400, "not in its range"),
        (f'spectra = "{"x" * 5000}"', "File name too long"),
        ('spectra = "a\\nb"', r"no folder .*a\\nb"),
    ],
)
def test_a_survey_beyond_the_limits_of_python_is_one_line(tmp_path, text, said):
    path = tmp_path / "survey.toml"
    path.write_text(f'name = "demo"\n{text}\n', encoding="utf-8")
    with pytest.raises(SurveyError, match=said) as caught:
        load(path, PARAMETERS)
    one_line(caught.value, path)


def test_models_nested_without_end_are_refused(tmp_path):
    head = json.dumps({"__metadata__": {"obcat": "[" * 100_000}}).encode()
    (tmp_path / "m.safetensors").write_bytes(len(head).to_bytes(8, "little") + head)
    with pytest.raises(model_file.DamagedModels, match="cannot be read"):
        model_file.read(tmp_path / "m.safetensors")


def test_damaged_models_are_never_read_with_other_numbers(tmp_path):
    random_numbers = np.random.default_rng(1)
    models = {
        "pca": {"mean": random_numbers.normal(size=300), "scale": np.ones(7, np.float32)},
        "noise": {"b": np.array(2.0)},
    }
    path, draw, refused = tmp_path / "m.safetensors", random.Random(3), 0
    model_file.write(path, models, {"survey": "demo"})
    whole = path.read_bytes()
    for _ in range(500):
        path.write_bytes(mutant(whole, draw))
        try:
            found, facts = model_file.read(path)
        except model_file.DamagedModels as error:
            one_line(error, path)
            refused += 1
            continue
        assert facts["survey"] == "demo"
        for model, arrays in models.items():
            for name, array in arrays.items():
                assert np.array_equal(found[model][name], array), (model, name)
    assert refused > 400


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A database with one star."""
    path = tmp_path_factory.mktemp("built") / "obcat.duckdb"
    with db.connect(path) as con:
        db.create_tables(con)
        for file in db.sql_files("00_meta"):
            if file.relation != "meta.survey":
                db.run(con, file)
        con.execute(
            "INSERT INTO meta.survey (name, simulated, release, models_from) VALUES ('demo', 1, 'DR5', NULL)"
        )
        con.execute(
            "INSERT INTO meta.provenance VALUES ('obcat', '0.1'), ('fingerprint', repeat('a1', 32))"
        )
        required = {c.column: _something(c) for c in columns_of("catalog.ob_stars") if c.required}
        names, marks = ", ".join(required), ", ".join("?" for _ in required)
        con.execute(
            f"INSERT INTO catalog.ob_stars ({names}) VALUES ({marks})", list(required.values())
        )
    return path


def _something(column) -> object:
    return "a" if column.type == "VARCHAR" else max(0, int(float(column.min or 0)))


@pytest.mark.parametrize("name", ["SHA256SUMS", "provenance.json", "demo.csv", "demo.fits"])
def test_a_damaged_release_is_told_or_refused_in_one_line(built, tmp_path, name):
    release(built, tmp_path / "out")
    path, draw = tmp_path / "out" / name, random.Random(name)
    whole = path.read_bytes()
    for _ in range(100):
        path.write_bytes(changed := mutant(whole, draw))
        try:
            found = verify(tmp_path / "out")
        except ObcatError as error:
            one_line(error, "")
            continue
        if name != "SHA256SUMS" and changed != whole:
            assert name in found.changed
    path.write_bytes(whole)
    assert not verify(tmp_path / "out").changed


def test_a_star_of_any_name_is_found_or_refused_in_one_line(built):
    draw = random.Random(5)
    alphabet = "0123456789+-., \t\n'\"%$\\\0;()[]{}aSé\u202e\U0001f600"
    for _ in range(200):
        star = "".join(draw.choice(alphabet) for _ in range(draw.randrange(40)))
        try:
            explain(built, star)
        except ObcatError as error:
            one_line(error, "no star")


COMMANDS = """
import sys
from click.testing import CliRunner
from obcat.cli import main
for path in sys.argv[1:]:
    for command in (["status", "--trust", path], ["export", "--trust", path, "--out", path + ".out"]):
        done = CliRunner().invoke(main, command)
        known = done.exception is None or isinstance(done.exception, SystemExit)
        print("ok" if known and "Traceback" not in done.output else f"{path} {command[0]} {done.exception!r}", flush=True)
"""


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_database_never_ends_the_interpreter(built, tmp_path, seed):
    draw, whole, paths = random.Random(seed), built.read_bytes(), []
    for k in range(10):
        paths.append(tmp_path / f"{k}.duckdb")
        paths[-1].write_bytes(mutant(whole, draw))
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS, *map(str, paths)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, (
        done.returncode,
        len(done.stdout.splitlines()),
        done.stderr[-300:],
    )
    assert set(done.stdout.splitlines()) == {"ok"}
    shutil.rmtree(tmp_path)
