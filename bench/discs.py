"""What a disc's lines do to the magnitude that best mode reads from a spectrum: a SIMULATED survey
whose dwarfs and giants all have a disc, twice, its lines and light once as strong as asked and once
nil; built with the models of another survey, compared star by star.

python -m bench.discs --models-from DATABASE [--stars N] [--seed N] [--ew 5 15 30]
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

import duckdb
import numpy as np

from obcat.simulate import be_discs, recipe_of, simulate
from obcat.statistics import bias, robust_scatter

# a disc for every star that may have one, the same on all days, none seen edge-on
HOT, CLASSES = (10_000.0, 34_000.0), (3.3, 4.45)  # K, log g
ALL = {
    "FRACTION": ((HOT[0] - 1, 0.0), (HOT[0], 1.0), (HOT[1], 1.0), (HOT[1] + 1, 0.0)),
    "CLASSES": ((CLASSES[0] - 0.01, 0.0), (CLASSES[0], 1.0), (CLASSES[1], 1.0), (4.6, 0.0)),
    "SHELL_EW": (0.0, 0.0),
    "SWING": 0.0,
    "CHANGING": 0.0,
}
STARS = """
SELECT t.name, m.mk_spec, t.mk, b.emission_kind
FROM built.posterior.magnitudes AS m
INNER JOIN built.catalog.ob_stars_best AS b USING (specid)
INNER JOIN '{0}/visits.parquet' AS v USING (specid)
INNER JOIN '{0}/stars.parquet' AS t USING (name)
WHERE b.uniqflag = 1 AND b.snr_g > 50 AND NOT t.is_binary AND t.kind = 'star'
    AND t.teff BETWEEN {1} AND {2} AND t.logg BETWEEN {3} AND {4} AND isfinite(m.mk_spec)
ORDER BY t.name
"""


def built(place: Path, ew: float, lender: Path, stars: int, seed: int) -> dict[str, np.ndarray]:
    """mk_spec, mk (true) and emission_kind of single stars by their names, discs of such a width."""
    survey, truth = place / "survey", place / "truth"
    with patch.multiple(be_discs, **ALL, EW_RANGE=(ew, ew)), np.errstate(divide="ignore"):
        recipe = recipe_of(seed, ("supplement",), (), -3)
        simulate(survey, truth, n_stars=stars, recipe=recipe, workers=1)
    toml = survey / "survey.toml"
    toml.write_text(f'models_from = "{lender.absolute()}"\n{toml.read_text()}')
    for words in (("ingest", toml), ("build", "--trust", toml)):
        command = [sys.executable, "-m", "obcat.cli", *map(str, words), "--build", str(place)]
        subprocess.run(command, check=True, capture_output=True)
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{place}/simulated/obcat.duckdb' AS built (READ_ONLY)")
        query = STARS.format(truth, *HOT, *CLASSES)
        rows = con.execute(query).fetchnumpy()
    return {name: np.ma.filled(column, None) for name, column in rows.items()}


def compared(name: str, without: dict, seen: dict) -> str:
    """A line of the table: of the stars that are in both."""
    _, a, b = np.intersect1d(without["name"], seen["name"], return_indices=True)
    moved = seen["mk_spec"][b] - without["mk_spec"][a]
    off = [side["mk_spec"][i] - side["mk"][i] for side, i in ((without, a), (seen, b))]
    error = 1.2533 * robust_scatter(moved) / np.sqrt(len(moved))
    called = np.mean(seen["emission_kind"][b] == "disc")
    cells = f"{bias(moved):+.3f} | {error:.3f} | {bias(off[0]):+.3f} | {bias(off[1]):+.3f}"
    scatter = f"{robust_scatter(off[0]):.3f} | {robust_scatter(off[1]):.3f}"
    return f"| {name} | {len(moved):,} | {cells} | {scatter} | {100 * called:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models-from", type=Path, required=True)
    parser.add_argument("--stars", type=int, default=16_000)
    parser.add_argument("--seed", type=int, default=41)
    parser.add_argument("--ew", type=float, nargs="*", default=[5.0, 15.0, 30.0])
    asked = parser.parse_args()
    print(
        "| discs of | stars | M from the spectrum moves by, median | its error | off the truth "
        f"without | with | scatter without | with | called discs, % |\n|{'---|' * 9}"
    )
    with tempfile.TemporaryDirectory() as folder:
        given = asked.models_from, asked.stars, asked.seed
        without = built(Path(folder) / "none", 0.0, *given)
        for ew in asked.ew:
            seen = built(Path(folder) / f"{ew:g}", ew, *given)
            print(compared(f"{ew:g} A", without, seen), flush=True)


if __name__ == "__main__":
    main()
