"""Stamp: from what a simulation was made, kept with its truth, because who knows the seed can make the truth again."""

import hashlib
import json
from pathlib import Path

import obcat
from obcat.ingest.simulate.recipe import Recipe

__all__ = ["STAMP", "stamp"]

STAMP = "simulation.json"
LISTED = "targets.csv"  # a table of the survey with a row a spectrum: its hash binds a truth to its survey


def stamp(survey: Path, n_stars: int, recipe: Recipe) -> str:
    """JSON: size, seeds, ingredients left out, hashes of the code and of the survey; OSError if there is no survey."""
    made = {
        "simulated": True,
        "n_stars": n_stars,
        "seed": recipe.seed,
        "without": sorted(recipe.without),
        "seeds": dict(sorted(recipe.seeds.items())),
        "survey": hashlib.sha256((survey / LISTED).read_bytes()).hexdigest(),
        "code": _code(),
    }
    return json.dumps(made, indent=1) + "\n"


def _code() -> str:
    """SHA-256 of this package's modules and of the reference tables they read."""
    digest = hashlib.sha256()
    reference = Path(obcat.__file__).parent / "data" / "reference"
    modules = Path(__file__).parent.rglob("*.py")
    for path in [*sorted(modules), *sorted(p for p in reference.rglob("*") if p.is_file())]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
