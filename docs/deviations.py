"""What each addition to the paper's network gains: ``python docs/deviations.py DATABASE TRUTH
[DATABASE TRUTH ...]`` trains the networks of each build of a simulated survey anew, as they are and
with one addition taken back, and prints the table of docs/method.md.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from obcat import statistics as st
from obcat.arrow import list_array
from obcat.evaluate import plain_singles
from obcat.evaluate.aims import joined_text
from obcat.evaluate.truth import Compared, beside_truth, read_truth
from obcat.fit.luminosity import luminosity
from obcat.kernels.luminosity import luminosity as magnitudes
from obcat.reading import method_parameters, open_database, query_text
from obcat.section import decimals, markdown_table

NEVER = 10**9
WITHOUT: dict[str, dict[str, Any]] = {
    "as it is": {},
    "loss: squares, not Huber's": {"train_huber": 1e9},
    "scores: all weigh alike": {"score_noise_min_stars": NEVER},
    "no training stars from outside the sample": {"outside": False},
    "none of the three": {"train_huber": 1e9, "score_noise_min_stars": NEVER, "outside": False},
}
EDGES = ((30, 50), (50, 100), (100, np.inf))
BRIGHT = -3.0


def main() -> None:
    places = [(Path(a), Path(b)) for a, b in zip(sys.argv[1::2], sys.argv[2::2], strict=True)]
    tables = [list(_table(*place)) for place in places]
    head = ["", *(f"S/N {low} to {high}" for low, high in EDGES[:2]), "from 100", "bias, M < -3"]
    rows = [
        [name, *(joined_text(cells) for cells in zip(*(table[i] for table in tables), strict=True))]
        for i, name in enumerate(WITHOUT)
    ]
    print(markdown_table(head, rows), end="")


def _table(database: Path, truth: Path) -> Iterator[list[str]]:
    with open_database(database, truth=truth) as survey:
        data = beside_truth(survey.con, read_truth(truth), truth)
        scores = survey.con.sql(
            "SELECT specid, score_clean, score_full FROM spectra.scores ORDER BY specid"
        ).to_arrow_table()
        for changed in WITHOUT.values():
            yield _row(data, scores, _trained(survey.con, dict(changed)))


def _trained(con: duckdb.DuckDBPyConnection, changed: dict[str, Any]) -> dict[str, np.ndarray]:
    """Arrays of the networks, with parameters changed."""
    stars = con.sql(query_text("60_luminosity/30_fit_luminosity").rstrip().rstrip(";"))
    table = stars.to_arrow_table()
    if not changed.pop("outside", True):
        own = con.sql("SELECT star_id FROM sample.stars").to_arrow_table()["star_id"]
        table = table.filter(pc.is_in(table["star_id"], own.combine_chunks()))
    parameters = SimpleNamespace(**(method_parameters(con) | changed))
    reader = pa.RecordBatchReader.from_batches(table.schema, table.to_batches())
    return luminosity(lambda: reader, parameters).arrays


def _row(data: Compared, scores: pa.Table, arrays: dict[str, np.ndarray]) -> list[str]:
    place = np.searchsorted(scores["specid"].to_numpy().astype(str), data["specid"])
    place = np.minimum(place, len(scores) - 1)
    known = scores["specid"].to_numpy().astype(str)[place] == data["specid"]
    clean, full = (list_array(scores[f"score_{basis}"])[place] for basis in ("clean", "full"))
    mk = np.where(known, magnitudes(clean, full, data["em_flag"], **arrays)[0], np.nan)
    off, unseen = mk - data["true_mk"], plain_singles(data) & (data["is_train"] != 1)
    snr, bright = data["snr_g"], (data["uniqflag"] == 1) & (data["true_mk"] < BRIGHT)
    bright &= (data["is_binary"] == 0) & (data["is_train"] != 1) & (data["kind"] == "star")
    cells = [st.robust_scatter(off[unseen & (snr >= low) & (snr < high)]) for low, high in EDGES]
    return [decimals(value) for value in (*cells, st.bias(off[bright]))]


if __name__ == "__main__":
    main()
