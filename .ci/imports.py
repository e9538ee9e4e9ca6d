"""Last step of make setup: import every package that a build needs.

One line for what is missing, and exit code 1. The packages are those of pyproject.toml:
dependencies and the extra ``build``. Standard library only.
"""

import importlib
import re
import sys
import tomllib
from pathlib import Path

NAMED_OTHERWISE = {"gaiadr3-zeropoint": "zero_point"}
SHARED = re.compile(r"lib[\w.+-]+\.(?:so[.\d]*|dylib)")
COMMANDS = {"libgomp": "apt-get install libgomp1", "libomp": "brew install libomp"}


def main() -> None:
    """Say what cannot be imported, if anything."""
    faults = {name: fault for name in needed() if (fault := fault_of(name))}
    if faults:
        what = "; ".join(f"{name} ({fault})" for name, fault in faults.items())
        command = remedy(" ".join(faults.values()))
        sys.exit(f"The set-up is not complete, a build cannot import: {what}. {command}")


def needed() -> list[str]:
    """Names of packages as they are imported."""
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    required = [*project["dependencies"], *project["optional-dependencies"]["build"]]
    names = [re.split(r"[^\w.-]", requirement)[0] for requirement in required]
    return [NAMED_OTHERWISE.get(name, name.replace("-", "_")) for name in names]


def fault_of(name: str) -> str | None:
    """Why a package cannot be imported: in one line; None if it can."""
    try:
        importlib.import_module(name)
    except (ImportError, OSError) as error:  # OSError: a shared library that ctypes does not find
        return str(error).partition("\n")[0]
    return None


def remedy(faults: str) -> str:
    """What to do about it: a library of the system, or the packages anew."""
    for library in SHARED.findall(faults):
        for name, command in COMMANDS.items():
            if library.startswith(name):
                return f"Run: {command}; make setup"
    return "Run: make distclean setup"


if __name__ == "__main__":
    main()
