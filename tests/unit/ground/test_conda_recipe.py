"""The conda recipe asks for what pyproject.toml asks for, in the words of conda-forge."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]
CALLED = {"duckdb": "python-duckdb", "isal": "python-isal", "matplotlib": "matplotlib-base",
          "torch": "pytorch"}  # fmt: skip
RECIPE = (ROOT / "conda" / "meta.yaml").read_text(encoding="utf-8")


def asked_for() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["build"]]
    pairs = [re.fullmatch(r"([\w-]+)(.*)", requirement) for requirement in wanted]
    named = {f"{CALLED.get(m[1], m[1])} {m[2]}" for m in pairs if m}
    return named | {f"python {project['requires-python']}"}


def test_recipe_runs_with_what_the_package_needs():
    part = RECIPE[RECIPE.index("  run:\n") : RECIPE.index("\ntest:\n")]
    assert set(re.findall(r"^    - (.+)$", part, re.MULTILINE)) == asked_for()


def test_version_and_command_are_those_of_the_package():
    pattern = re.search(r"regex_pattern='(.+?)'", RECIPE)[1]
    assert re.search(pattern, (ROOT / "obcat" / "_version.py").read_text(encoding="utf-8"))
    assert "obcat = obcat.cli:main" in RECIPE
