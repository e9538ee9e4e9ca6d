"""The adapter between DuckDB and the kernels:
NULL and NaN, batches of any size, and every argument in its place.
"""

import inspect
import re

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from obcat import db
from obcat.arrow import exact_array, whole
from obcat.batch import batch_function
from obcat.kernels.distance import distance
from obcat.kernels.extinction import BANDS
from obcat.kernels.space_density import SIGHT
from obcat.schema import column
from obcat.udf import UDFS, Udf

# where a kernel names a column of arrays, or one that was corrected before, more shortly
SHORT = {"norm": "flux", "norm_ivar": "ivar", "parallax": "parallax_corrected"}
PHOTOMETRY = [f"{band}{end}" for band in BANDS for end in ("", "_err")]
SEVERAL = {  # what a kernel takes as one argument with a star
    "seen": SIGHT,
    "photometry": PHOTOMETRY,
    "given": ["teff", "logg", "feh", "teff_err", "logg_err", "feh_err", *PHOTOMETRY],
}
KEYWORDS = {"CASE", "WHEN", "THEN", "ELSE", "END", "AND", "OR", "NOT", "NULL", "IS"}
NOISE = {
    "noise": {
        "sigma_int": np.array([0.2, 0.4]),
        "sigma_100": np.array([0.1, 0.3]),
        "slope": np.zeros(2),
    }
}


def pairs(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return a + b, np.where(a > 2, np.nan, a)


PAIRS = Udf(
    "pairs",
    pairs,
    takes=("sample.stars.ks", "sample.stars.j"),
    gives=("luminosity.magnitudes.mk", "emission.lines.em_flag"),
    optional=("sample.stars.j",),
)


def answers(
    udf: Udf, *columns: list, models: dict | None = None, **parameters: float
) -> list[dict]:
    arrays = [
        pa.array(c, column(name).arrow_type) for name, c in zip(udf.takes, columns, strict=True)
    ]
    return batch_function(udf, models or {}, parameters)(*arrays).to_pylist()


def test_null_and_nan():
    assert answers(PAIRS, [1.0, None, 3.0, 1.0], [1.0, 1.0, 1.0, None]) == [
        {"mk": 2.0, "em_flag": 1},
        {"mk": None, "em_flag": None},
        {"mk": 4.0, "em_flag": None},
        {"mk": None, "em_flag": 1},
    ]


def test_a_null_in_a_column_that_is_not_optional_does_not_reach_the_kernel():
    seen = []

    def spy(a, b):
        seen.append((a.copy(), b.copy()))
        return a + b, a

    udf = Udf("spy", spy, PAIRS.takes, PAIRS.gives, optional=PAIRS.optional)
    answers(udf, [1.0, None, 3.0], [None, 1.0, 2.0])
    assert np.array_equal(seen[0][0], [1, 3])
    assert np.array_equal(seen[0][1], [np.nan, 2], equal_nan=True)


def test_all_null_and_no_rows_do_not_call_the_kernel():
    def never(*_):
        raise AssertionError

    udf = Udf("never", never, PAIRS.takes, PAIRS.gives)
    assert answers(udf, [None, None], [1.0, None]) == [{"mk": None, "em_flag": None}] * 2
    assert answers(udf, [], []) == []


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_is_null(value):
    assert answers(PAIRS, [value], [1.0])[0]["mk"] is None


def test_a_row_of_an_array_with_one_nan_is_null():
    scores = np.ones((3, 100), np.float32)
    scores[1, 7] = np.nan

    def kernel(flux, ivar):
        return scores, 2 * scores

    udf = Udf("scores", kernel, UDFS["pca_scores"].takes, UDFS["pca_scores"].gives)
    wide = [[0.0] * 3909] * 3
    found = answers(udf, wide, wide)
    assert [row["score_clean"] is None for row in found] == [False, True, False]
    assert found[2]["score_full"] == [2.0] * 100


def test_a_column_of_one_piece_is_not_copied_and_one_of_several_is_whole():
    piece = pa.FixedSizeListArray.from_arrays(pa.array(np.arange(6, dtype=np.float32)), 2)
    one = exact_array(whole(pa.chunked_array([piece])))
    assert np.shares_memory(one, piece.flatten().to_numpy())
    several = exact_array(whole(pa.chunked_array([piece, piece.slice(1)])))
    assert several.tolist() == [[0, 1], [2, 3], [4, 5], [2, 3], [4, 5]]


def test_one_row_is_computed_as_in_a_big_batch():
    """A product of matrices of one row takes another path through BLAS;
    the kernel never sees one row.
    """
    rng = np.random.default_rng(5)
    basis = rng.standard_normal((3909, 100))

    def product(flux, ivar):
        return tuple((flux.astype(np.float64) @ basis * k).astype(np.float32) for k in (1, 2))

    udf = Udf("product", product, UDFS["pca_scores"].takes, UDFS["pca_scores"].gives)
    call = batch_function(udf, {}, {})
    flux = pa.FixedSizeListArray.from_arrays(
        pa.array(rng.standard_normal(3909 * 40).astype(np.float32)), 3909
    )
    whole = call(flux, flux)
    for i in (0, 17, 39):
        (alone,) = call(flux.slice(i, 1), flux.slice(i, 1)).to_pylist()
        assert alone["score_clean"] == pytest.approx(whole[i].as_py()["score_clean"], rel=1e-6)
    seen = []
    answers(
        Udf("n", lambda a, b: (seen.append(len(a)) or a, a), PAIRS.takes, PAIRS.gives),
        [1.0, None],
        [1.0, 2.0],
    )
    assert seen == [2]


def stars(n: int) -> dict[str, np.ndarray]:
    """Arguments of the distance by the kernel's own names; one in ten has a NULL somewhere."""
    rng = np.random.default_rng(3)
    values = {
        "mk": rng.uniform(-6, 2, n),
        "mk_err": rng.uniform(0.1, 0.6, n),
        "ks": rng.uniform(5, 15, n),
        "ks_err": rng.uniform(0.02, 0.1, n),
        "a_ks": rng.uniform(0, 0.3, n),
        "a_ks_err": rng.uniform(0.01, 0.05, n),
        "parallax": rng.normal(0.5, 0.5, n),
        "parallax_error": rng.uniform(0.02, 0.2, n),
    }
    for name in ("mk", "ks", "parallax", "parallax_error"):
        values[name][rng.random(n) < 0.05] = np.nan
    return values


def by_sql(
    udf: Udf, given: dict[str, np.ndarray], models: dict, parameters: dict, threads: int = 2
) -> pa.Table:
    with duckdb.connect() as con:
        con.execute(f"SET threads = {threads}")
        call = batch_function(udf, models, parameters)
        con.create_function(
            udf.name, call, udf.types, udf.returns, type="arrow", null_handling="special"
        )
        columns = {name: pa.array(values, from_pandas=True) for name, values in given.items()}
        con.register("given", pa.table({"row": np.arange(len(given["x0"]))} | columns))
        names = ", ".join(f"x{i}" for i in range(len(udf.takes)))
        return con.sql(
            f"SELECT row, unnest({udf.name}({names})) FROM given ORDER BY row"
        ).to_arrow_table()


@pytest.mark.parametrize("n", [1, 5000])
def test_sql_gives_what_the_kernel_gives(n):
    given = stars(n)
    table = by_sql(
        UDFS["distance"],
        {f"x{i}": v for i, v in enumerate(given.values())},
        {},
        {"distance_max": 100.0, "distance_edge_nsigma": 1.0},
    )
    wanted = distance(**given, distance_max=100.0)
    for name, values in zip(
        ("dis", "dis_low", "dis_high", "logdis", "logdis_err", "edge"), wanted, strict=True
    ):
        found = table[name].to_numpy().astype(np.float64)
        assert np.array_equal(found, np.asarray(values, np.float64), equal_nan=True), name
    assert n == 1 or 0 < table["dis"].null_count < n


def test_big_numbers_and_types_survive():
    given = {"x0": np.array([10.0, 20.0, np.nan, 0.0]), "x1": np.array([0, 1, 1, 1], np.int16)}
    table = by_sql(UDFS["mk_error"], given, NOISE, {})
    assert table["mk_err"].to_pylist() == [
        np.sqrt(0.2**2 + 1.0**2),
        np.sqrt(0.4**2 + 1.5**2),
        None,
        None,
    ]


def test_a_model_array_the_kernel_does_not_name_is_not_handed_over():
    assert answers(UDFS["mk_error"], [100.0], [0], models=NOISE)[0]["sigma_mea"] == pytest.approx(
        0.1
    )


@pytest.mark.parametrize("udf", UDFS.values(), ids=UDFS)
def test_takes_stand_in_the_order_of_the_kernel(udf):
    assert kernel_names(udf) == [name.rpartition(".")[2] for name in udf.takes]


@pytest.mark.parametrize("udf", UDFS.values(), ids=UDFS)
def test_columns_models_and_parameters_exist(udf):
    for name in (*udf.takes, *udf.gives):
        column(name)
    assert set(udf.optional) <= set(udf.takes)
    for name in udf.parameters:
        column(f"meta.parameters.{name}")
        assert name in inspect.signature(udf.kernel).parameters
    fits = {file.path.stem.partition("fit_")[2] for file in db.sql_files() if file.header("Fit")}
    assert set(udf.models) <= fits


def kernel_names(udf: Udf) -> list[str]:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    names = [p.name for p in inspect.signature(udf.kernel).parameters.values() if p.kind in kinds]
    return [SHORT.get(name, name) for each in names for name in SEVERAL.get(each, (each,))]


def arguments(sql: str, name: str) -> list[str]:
    """The last column named in each argument of the one call: CASE ... THEN m.mk END -> mk."""
    text = re.sub(r"--[^\n]*", "", sql)
    start = re.search(rf"(?<![\w.]){name}\(", text)
    assert start
    parts, depth = [""], 1
    for character in text[start.end() :]:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if not depth:
            break
        if character == "," and depth == 1:
            parts.append("")
        else:
            parts[-1] += character
    return [
        [w for w in re.findall(r"[A-Za-z_]\w*", part) if w not in KEYWORDS][-1] for part in parts
    ]


def call_sites() -> list[tuple[str, str, str]]:
    return [(file.name, udf, file.text) for file in db.sql_files() for udf in file.header("UDFs")]


@pytest.mark.parametrize(
    ("file", "udf", "text"), call_sites(), ids=lambda v: v if len(v) < 60 else ""
)
def test_sql_passes_the_columns_in_the_order_of_takes(file, udf, text):
    assert arguments(text, udf) == [name.rpartition(".")[2] for name in UDFS[udf].takes]


def test_every_udf_is_called():
    assert {udf for _, udf, _ in call_sites()} == set(UDFS)


def test_a_swapped_argument_is_seen():
    text = next(text for _, udf, text in call_sites() if udf == "extinction")
    assert arguments(text.replace("p.r, p.r_err", "p.r_err, p.r"), "extinction") != arguments(
        text, "extinction"
    )
    assert arguments(
        "SELECT f(CASE WHEN coalesce(b.x, 0) = 0 THEN m.mk END, g(z), l.teff)", "f"
    ) == ["mk", "z", "teff"]
