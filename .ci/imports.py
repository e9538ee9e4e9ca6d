"""Last step of make setup: import every package that a build needs; one line for what is missing, and exit code 1.

The packages are those of pyproject.toml, dependencies and the extra ``build``. Standard library only.
"""

import importlib
import re
import sys
import tomllib
from pathlib import Path

NAMED_OTHERWISE = {"gaiadr3-zeropoint": "zero_point"}
SHARED = re.compile(r"lib[\w.+-]+\.(?:so[.\d]*|dylib)")
MENDS = {"libgomp": "apt-get install libgomp1", "libomp": "brew install libomp"}


def main() -> None:
    """Say what cannot be imported, if anything."""
    faults = {name: fault for name in needed() if (fault := fault_of(name))}
    if faults:
        what = "; ".join(f"{name} ({fault})" for name, fault in faults.items())
        sys.exit(f"The set-up is not complete, a build cannot import: {what}. {mend(' '.join(faults.values()))}")


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


def mend(faults: str) -> str:
    """What to do about it: a library of the system, or the packages anew."""
    for library in SHARED.findall(faults):
        for name, command in MENDS.items():
            if library.startswith(name):
                return f"Mend: {command}, then make setup"
    return "Mend: make distclean setup"


if __name__ == "__main__":
    main()
