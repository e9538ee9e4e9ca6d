"""What changes the fingerprint of a catalog, and what does not."""

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from obcat.build import fitting, inputs
from obcat.build.fitting import code_hash, reached
from obcat.survey import Building, Survey

SURVEY = Survey("demo")
JUDGES = ("report", "evaluate", "explain", "export", "compare", "page", "query", "catalog", "cli")


def mark(folder: Path) -> str:
    return fitting.fingerprint(SURVEY, inputs.provenance(folder))


@pytest.fixture
def raw(tmp_path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    pq.write_table(
        pa.table({"path": ["a"], "sha256": ["0" * 64], "mtime_ns": [1]}), folder / "files.parquet"
    )
    return folder


def one_digit(text: str) -> str:
    """The text with the last digit of its last number another."""
    at = max(i for i, letter in enumerate(text) if letter.isdigit())
    return text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :]


@pytest.fixture
def reference(tmp_path, monkeypatch) -> Path:
    folder = Path(shutil.copytree(inputs.REFERENCE, tmp_path / "reference"))
    monkeypatch.setattr(inputs, "REFERENCE", folder)
    return folder


def test_the_same_is_the_same(raw):
    assert mark(raw) == mark(raw)


def test_the_modes_count_and_the_share_of_the_machine_does_not(raw):
    read = inputs.provenance(raw)
    paper, share = Building(modes=("paper",)), Building(memory="2GB", threads=1)
    others = [fitting.fingerprint(replace(SURVEY, build=b), read) for b in (paper, share)]
    assert others[0] != mark(raw)
    assert others[1] == mark(raw)


def test_one_digit_of_the_extinction_coefficients_counts(raw, reference):
    before = mark(raw)
    path = reference / "extinction_coefficients.csv"
    path.write_text(one_digit(path.read_text(encoding="utf-8")), encoding="utf-8")
    assert mark(raw) != before


def test_one_value_of_the_bolometric_corrections_counts(raw, reference):
    before = mark(raw)
    path = reference / "bolometric_corrections_lowg.parquet"
    table = pq.read_table(path)
    values = table["bc_ks"].to_pylist()
    values[7] += 1e-4
    column = pa.array(values, table.schema.field("bc_ks").type)
    pq.write_table(table.set_column(table.schema.get_field_index("bc_ks"), "bc_ks", column), path)
    assert mark(raw) != before


def test_one_digit_of_the_zero_point_counts(raw, tmp_path, monkeypatch):
    before = mark(raw)
    (package,) = inputs.find_spec("zero_point").submodule_search_locations
    folder = Path(shutil.copytree(package, tmp_path / "zero_point"))
    path = folder / "coefficients" / "z6_200720.txt"
    path.write_text(one_digit(path.read_text(encoding="utf-8")), encoding="utf-8")
    monkeypatch.setattr(
        inputs, "find_spec", lambda _: SimpleNamespace(submodule_search_locations=[str(folder)])
    )
    assert mark(raw) != before


def test_the_version_of_every_library_counts(raw, monkeypatch):
    seen = {mark(raw)}
    ours = fitting.version
    for package in (*fitting.PACKAGES, "gaiadr3-zeropoint"):
        monkeypatch.setattr(
            fitting, "version", lambda p, new=package: "0.0" if p == new else ours(p)
        )
        seen.add(mark(raw))
    assert len(seen) == 1 + len(fitting.PACKAGES)


def test_a_file_counts_and_the_time_of_its_writing_does_not(raw):
    before = mark(raw)
    for changed, same in (({"mtime_ns": [2]}, True), ({"sha256": ["1" * 64]}, False)):
        row = {"path": ["a"], "sha256": ["0" * 64], "mtime_ns": [1]} | changed
        pq.write_table(pa.table(row), raw / "files.parquet")
        assert (mark(raw) == before) == same, changed


def test_every_module_that_a_build_runs_counts():
    """What is in memory once a build and its fits are imported is among what was found by
    reading.
    """
    modules = ["obcat.build.run", *fitting._fits()]
    script = (
        f"import sys, importlib\nfor m in {modules}: "
        "importlib.import_module(m)\nprint(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    run = {name for name in done.stdout.split() if name.startswith("obcat.")}
    found = set(reached(*modules))
    assert run <= found
    assert {
        "obcat.fit.pca",
        "obcat.kernels.distance",
        "obcat.build.fitting",
        "obcat.udf",
    } <= run


def test_what_only_judges_does_not_count():
    found = reached("obcat.build.run", *fitting._fits())
    assert not [name for name in found if name.removeprefix("obcat.").startswith(JUDGES)]
    assert "obcat.evaluate.accuracy" in reached("obcat.evaluate.accuracy")
    assert "obcat.kernels.distance" not in reached("obcat.fit.pca")


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "obcat"
    texts = {
        "__init__.py": "def show():\n    from obcat import face\n",
        "face.py": "x = 1\n",
        "top.py": "from typing import TYPE_CHECKING\nimport numpy as np\nfrom obcat import "
        "lower, __version__\n"
        "if TYPE_CHECKING:\n    from obcat import typed\n",
        "lower.py": "def f():\n    import obcat.part.leaf\n",
        "typed.py": "x = 1\n",
        "part/__init__.py": "x = 1\n",
        "part/leaf.py": "from .twig import x\n",
        "part/twig.py": "from ..top import f\n",
        "other.py": "from obcat import top\n",
    }
    (folder / "part").mkdir(parents=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(fitting, "PACKAGE", folder)
    return folder


def test_modules_are_found_by_their_imports(package):
    names = ["lower", "part", "part.leaf", "part.twig", "top"]
    assert list(reached("obcat.top")) == [f"obcat.{name}" for name in names]


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("top.py", True), ("lower.py", True), ("part/leaf.py", True), ("part/__init__.py", True),
        ("part/twig.py", True), ("other.py", False), ("face.py", False), ("typed.py", False),
    ],
)  # fmt: skip
def test_a_changed_module_counts_where_it_is_reached(package, file, counts):
    before = code_hash("obcat.top")
    with (package / file).open("a", encoding="utf-8") as f:
        f.write("y = 2\n")
    assert (code_hash("obcat.top") != before) == counts


def test_a_module_that_moves_counts(package):
    before = code_hash("obcat.top")
    (package / "lower.py").rename(package / "low.py")
    text = (package / "top.py").read_text(encoding="utf-8")
    (package / "top.py").write_text(text.replace("lower", "low"), encoding="utf-8")
    assert code_hash("obcat.top") != before


def test_a_root_that_is_none_is_not_passed_over(package):
    with pytest.raises(ModuleNotFoundError, match=r"no module obcat\.tpo"):
        reached("obcat.top", "obcat.tpo")
