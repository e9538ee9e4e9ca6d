"""How many rows, and which part of them is classified how."""

import duckdb
import numpy as np

from obcat.report import statistics as st
from obcat.report.section import Section, percent
from obcat.report.truth import Compared

__all__ = ["counts", "fractions"]

COUNTS = """
SELECT 'spectra in the truth', count(*) FROM truth_visits
UNION ALL SELECT 'files ' || status, count(*) FROM raw.files GROUP BY status
UNION ALL SELECT 'rows of tables rejected', count(*) FROM raw.rejected_rows
UNION ALL SELECT 'rows of the catalog', count(*) FROM catalog.ob_stars
UNION ALL SELECT 'stars of the catalog', count(DISTINCT star_id) FROM catalog.ob_stars
UNION ALL SELECT 'stars in the truth', count(*) FROM truth_stars
UNION ALL SELECT 'files quarantined: ' || reason, count(*) FROM raw.files WHERE reason IS NOT NULL GROUP BY reason
ORDER BY 1
"""


def counts(con: duckdb.DuckDBPyConnection) -> Section:
    rows = [(label, str(n)) for label, n in con.execute(COUNTS).fetchall()]
    return Section("counts", "", ("n",), rows)


def fractions(data: Compared) -> Section:
    """Parts of the stars: unclassified, binary, with emission; values that are missing."""
    best = data["uniqflag"] == 1
    flags = {
        name: data[name][best] for name in ("binary_flag", "em_flag", "is_binary", "has_emission", "mk", "dis", "ebv")
    }
    unknown = {name: np.isnan(x).astype(float) for name, x in flags.items()}
    rows = [
        ("binary_flag unknown", "7.2 %", percent(st.fraction(unknown["binary_flag"])), "-"),
        (
            "binary",
            "10.0 %",
            percent(st.fraction(total(flags["binary_flag"]))),
            percent(st.fraction(flags["is_binary"])),
        ),
        (
            "emission",
            "13 %",
            percent(st.fraction(total(flags["em_flag"]))),
            percent(st.fraction(flags["has_emission"])),
        ),
        *((f"no {name}", "-", percent(st.fraction(unknown[name])), "-") for name in ("mk", "dis", "ebv")),
    ]
    return Section(
        "parts of the stars",
        "Best visits; binary and emission are parts of all stars.",
        ("paper", "catalog", "truth"),
        rows,
    )


def total(flag: np.ndarray) -> np.ndarray:
    """Unknown counts as 0."""
    return np.nan_to_num(flag)
