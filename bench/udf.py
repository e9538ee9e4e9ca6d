"""The PCA kernel called by DuckDB as a UDF against the same kernel on arrays in memory."""

import tempfile
from pathlib import Path

import duckdb
import numpy as np
from loading import BATCH, PIXELS, N, load, scan, spectra
from timing import Row, seconds, show

from obcat import db
from obcat.batch import batch_function
from obcat.kernels.pca import pca_scores
from obcat.machine import keep_memory
from obcat.udf import UDFS

COMPONENTS = 100
PARAMETERS = {"pca_outlier": 10.0, "pca_max_error": 2.0, "pca_sweeps": 5}


def model() -> dict[str, np.ndarray]:
    basis, _ = np.linalg.qr(np.random.default_rng(2).standard_normal((PIXELS, COMPONENTS)))
    basis = np.ascontiguousarray(basis.T, np.float32)
    return {
        "mean": np.full(PIXELS, 500.0),
        "scale": np.full(PIXELS, 20.0),
        "clean_basis": basis,
        "full_basis": basis,
    }


def in_memory(flux: np.ndarray, ivar: np.ndarray, arrays: dict[str, np.ndarray]) -> np.ndarray:
    starts = range(0, N, BATCH)
    return np.concatenate(
        [
            pca_scores(flux[i : i + BATCH], ivar[i : i + BATCH], **arrays, **PARAMETERS)[0]
            for i in starts
        ]
    )


def by_udf(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "CREATE OR REPLACE TABLE scores AS SELECT id, unnest(pca_scores(flux, ivar)) "
        "FROM (SELECT id, flux, flux AS ivar FROM spectra)"
    )


def measure(folder: Path) -> None:
    flux, arrays = spectra(), model()
    udf = UDFS["pca_scores"]
    with db.connect(folder / "spectra.duckdb", threads=1) as con:
        load(con, flux)
        call = batch_function(udf, {"pca": arrays}, PARAMETERS)
        con.create_function(
            udf.name, call, udf.types, udf.returns, type="arrow", null_handling="special"
        )
        rows = [
            Row("limit: numpy on arrays in memory", seconds(lambda: in_memory(flux, flux, arrays))),
            Row("UDF, result written to a table", seconds(lambda: by_udf(con))),
            Row("scan of the spectra alone", seconds(lambda: scan(con, np.empty_like(flux)))),
        ]
        scores = con.execute("SELECT score_clean FROM scores ORDER BY id").fetchnumpy()[
            "score_clean"
        ]
        same = np.array_equal(np.stack(scores), in_memory(flux, flux, arrays))
    show(f"Coefficients of {N} spectra on two bases of {COMPONENTS}", rows, N, "spectrum")
    print(f"    the UDF's answer is {'bit for bit' if same else 'NOT'} that of the kernel\n")


if __name__ == "__main__":
    keep_memory()  # as every command
    with tempfile.TemporaryDirectory() as name:
        measure(Path(name))
