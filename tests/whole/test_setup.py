"""`make setup` as far as it goes without a network: what it says of a machine that cannot build."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.whole.small import ROOT

# stands for every Python here: pip installs nothing, -m venv brings this script, ours does the rest
PYTHON = f"""\
#!/bin/bash
here=$(dirname "$(realpath "$0")")
case "$*" in
"-m venv "*) mkdir -p "$3/bin" && cp "$here"/* "$3/bin" ;;
"-m pip "*" --report "*) [ ! -f "$REPORT" ] || cp "$REPORT" "$7" ;;
"-m pip "*) echo "$*" >> "$LOG" ;;
"-m uv "*) echo "$*" >> "$LOG"; exit "$UV" ;;
*) PYTHONPATH="$STUBS" exec {sys.executable} "$@" ;;
esac
"""
NEEDED = runpy.run_path(str(ROOT / ".ci" / "imports.py"))["needed"]()
IMPORTED = ("duckdb", "pyarrow", "scipy", "astropy", "astropy_healpix", "zero_point")
IMPORTED += ("torch", "lightgbm", "emcee")
OBCAT = "#!/bin/bash\necho obcat, version 0\n"


@pytest.fixture
def checkout(tmp_path) -> Path:
    """What set-up reads; tools/ has the stand-ins, stubs/ modules in the place of packages."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    (tmp_path / "stubs").mkdir()
    for name in NEEDED:
        (tmp_path / "stubs" / f"{name}.py").touch()
    (tmp_path / "tools").mkdir()
    for name, text in {"python": PYTHON, "obcat": OBCAT}.items():
        (tmp_path / "tools" / name).write_text(text)
        (tmp_path / "tools" / name).chmod(0o755)
    return tmp_path


# what a make that runs these tests hands down; VENV among it would be the environment of the tests
HANDED_DOWN = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "VENV")


def _of_a_shell() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in HANDED_DOWN}


def make(checkout: Path, *arguments: str, uv: int = 0) -> subprocess.CompletedProcess[str]:
    """Set up; ``uv`` is the exit code of uv, which can get a CPU build or not."""
    stands_in = {"STUBS": "stubs", "LOG": "log", "REPORT": "report"}
    return subprocess.run(
        ["make", f"PYTHON={checkout / 'tools' / 'python'}", "setup", *arguments],
        cwd=checkout,
        env=_of_a_shell()
        | {name: str(checkout / file) for name, file in stands_in.items()}
        | {"UV": str(uv)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def stub(checkout: Path, name: str, fault: str) -> None:
    (checkout / "stubs" / f"{name}.py").write_text(f"raise {fault}\n")


def test_a_whole_set_up_is_ready(checkout):
    done = make(checkout)
    assert done.returncode == 0, done.stderr
    assert (checkout / ".venv" / ".ready").is_file()
    log = (checkout / "log").read_text()
    assert "--require-hashes --requirement requirements.lock" in log
    assert "torch==" in log
    assert make(checkout).stdout == "make: Nothing to be done for 'setup'.\n"


@pytest.mark.parametrize(
    ("brings", "uv", "taken"),
    [
        (["torch"], 2, "pip"),
        ([], 2, "pip"),
        (["torch", "nvidia-cudnn-cu13", "triton"], 0, "uv"),
        (["torch", "cuda-toolkit"], 2, "plain"),
    ],
    ids=["CPU wheel at hand", "there already", "CPU build by uv", "plain with CUDA"],
)
def test_a_cpu_build_of_torch_where_one_can_be_had(checkout, brings, uv, taken):
    report = {"install": [{"metadata": {"name": name}} for name in brings]}
    (checkout / "report").write_text(json.dumps(report))
    done = make(checkout, uv=uv)
    assert done.returncode == 0, done.stderr
    log = [line for line in (checkout / "log").read_text().splitlines() if "torch==" in line]
    assert log[-1].startswith("-m uv pip install" if taken == "uv" else "-m pip install")
    assert "--no-deps" not in log[-1]
    assert (" GB on disk" in done.stdout) == (taken == "plain")


@pytest.mark.parametrize(
    ("name", "fault", "remedy"),
    [
        ("torch", "ImportError('libcudnn.so.9: no such file\\nand more')", "make distclean setup"),
        ("emcee", "ModuleNotFoundError(\"No module named 'emcee'\")", "make distclean setup"),
        ("lightgbm", "OSError('libgomp.so.1: no such file')", "apt-get install libgomp1"),
        ("zero_point", "ImportError('no table')", "make distclean setup"),
    ],
)
def test_what_cannot_be_imported_is_named_and_nothing_is_ready(checkout, name, fault, remedy):
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / ".ready").touch()
    os.utime(checkout / ".venv" / ".ready", (1e9, 1e9))  # of an older set-up
    stub(checkout, name, fault)
    done = make(checkout)
    assert done.returncode != 0
    (said,) = [line for line in done.stderr.splitlines() if not line.startswith("make: ")]
    reason = re.search(r"['\"](.*?)(?:\\n.*)?['\"]\)$", fault)
    assert reason
    assert f"cannot import: {name} ({reason[1]})" in said
    assert said.endswith(remedy if "distclean" in remedy else f"{remedy}; make setup")
    assert not (checkout / ".venv" / ".ready").exists()


def test_every_package_of_a_build_is_asked_for(checkout):
    for name in IMPORTED:
        stub(checkout, name, f"ImportError('none of {name}')")
    (said,) = [line for line in make(checkout).stderr.splitlines() if not line.startswith("make: ")]
    assert [name for name in IMPORTED if f"{name} (none of {name})" not in said] == []


def test_nothing_is_missing_here():
    """The names under which packages are imported are right."""
    command = [sys.executable, ROOT / ".ci" / "imports.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("version", "code"), [("3.10.9", 1), ("2.7.18", 1), (None, 127)], ids=str)
def test_an_old_python_is_told_so_in_one_line(checkout, version, code):
    old = checkout / "old"
    if version:
        says = f'[ "$1" != --version ] || echo "Python {version}"'
        old.write_text(f"#!/bin/bash\n{says}\nexit {code}\n")
        old.chmod(0o755)
    done = make(checkout, f"PYTHON={old}")
    assert done.returncode != 0
    lines = (done.stdout + done.stderr).splitlines()
    (said,) = [line for line in lines if not line.startswith("make: ")]
    assert said.startswith(f"obcat needs Python 3.11 or newer; {old} is ")
    assert (version or "No such file") in said
    assert not (checkout / ".venv").exists()


def test_the_first_goal_lists_every_goal():
    done = subprocess.run(
        ["make"], env=_of_a_shell(), cwd=ROOT, capture_output=True, text=True, check=True
    )
    listed = [line.split()[1] for line in done.stdout.splitlines()]
    text = (ROOT / "Makefile").read_text()
    goals = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)$", text, re.MULTILINE)
    assert goals
    assert sorted(listed) == sorted(goals[1].replace("\\\n", " ").split())
    assert all(len(line.split()) > 2 for line in done.stdout.splitlines())


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_locked_packages_have_hashes_and_no_address(name):
    text = (ROOT / name).read_text()
    assert "://" not in text
    packages = re.findall(r"^\w[\w.-]*==.*\\$", text, re.MULTILINE)
    assert len(packages) > 30
    for block in re.split(r"\n(?=\w)", text)[1:]:
        assert "--hash=sha256:" in block, block.splitlines()[0]
    assert not [package for package in packages if package.startswith(("torch=", "nvidia-"))]
