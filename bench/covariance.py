"""The correlation matrix of a PCA fit against the fastest product of matrices this machine has."""

import numpy as np
from scipy.linalg import eigh, svd
from scipy.linalg.blas import dgemm, dsyrk
from timing import Row, seconds, show

from obcat.fit import correlation
from obcat.fit.pca import _components
from obcat.machine import keep_memory

N, PIXELS, BATCH, COMPONENTS = 4096, 2000, 2048, 100


def measure() -> None:
    x = np.random.default_rng(1).standard_normal((N, PIXELS))
    columns = np.asfortranarray(x)
    square = np.asfortranarray(x[:PIXELS])
    useful = N * PIXELS**2  # multiplications and additions of one triangle
    peak = 2 * PIXELS**3 / seconds(lambda: dgemm(1, square, square))
    rows = [
        Row("limit: triangle at the speed of dgemm", useful / peak),
        Row("dsyrk", seconds(lambda: dsyrk(1, columns, trans=1))),
        Row(
            "obcat correlation, batches of 2,048", seconds(lambda: correlation(batches(x), PIXELS))
        ),
        Row("numpy corrcoef", seconds(lambda: np.corrcoef(x, rowvar=False))),
    ]
    show(f"Correlation matrix of {N} spectra of {PIXELS} pixels, float64", rows, N, "spectrum")
    limit, dsyrk_alone, ours, _ = (row.seconds for row in rows)
    print(
        f"    correlation at {limit / ours:.0%} of the speed of dgemm (asked: 95%), dsyrk alone at "
        f"{limit / dsyrk_alone:.0%}\n"
    )
    matrix = correlation(batches(x), PIXELS)[2]
    rows = [
        Row(
            f"obcat components: the {COMPONENTS} greatest",
            seconds(lambda: _components(matrix, COMPONENTS), 1),
        ),
        Row("all eigenvectors", seconds(lambda: eigh(matrix), 1)),
        Row(
            "singular value decomposition of the spectra",
            seconds(lambda: svd(x, full_matrices=False), 1),
        ),
    ]
    show(f"Eigenvectors of the {PIXELS} x {PIXELS} matrix", rows, 1, "matrix")


def batches(x: np.ndarray) -> list[np.ndarray]:
    return [x[i : i + BATCH] for i in range(0, len(x), BATCH)]


if __name__ == "__main__":
    keep_memory()  # as every command
    measure()
