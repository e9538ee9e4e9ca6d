"""Models kept on disk under the hash of their rows, parameters and code;
nothing damaged is ever used.
"""

import json

import numpy as np
import pyarrow as pa
import pytest

from obcat import models
from obcat.fit import Fit

KEY = "0123456789abcdef" * 4
ROWS = pa.table(
    {
        "a": pa.array([1.0, None, 3.0, 4.0]),
        "b": ["x", "y", None, "z"],
        "c": pa.array([1, 2, 3, None]),
    }
)


@pytest.fixture
def fit() -> Fit:
    rng = np.random.default_rng(1)
    arrays = {
        "w": rng.standard_normal((3, 4)),
        "trees": rng.integers(0, 255, 90).astype(np.uint8),
        "none": np.zeros(0),
        "scalar": np.array(0.5),
    }
    return Fit(
        arrays, {"pca_dropped": pa.table({"specid": ["a"], "iteration": pa.array([1], pa.int16())})}
    )


def hashed(table: pa.Table, size: int | None = None) -> str:
    return models.rows_hash(table.to_batches(max_chunksize=size))[0]


def test_saved_is_loaded(tmp_path, fit):
    models.save(tmp_path, "pca", KEY, fit)
    kept = models.load(tmp_path, "pca", KEY)
    assert kept is not None
    assert kept.arrays.keys() == fit.arrays.keys()
    for name, values in fit.arrays.items():
        assert kept.arrays[name].dtype == values.dtype
        assert kept.arrays[name].shape == values.shape
        assert np.array_equal(kept.arrays[name], values)
    assert kept.tables["pca_dropped"].equals(fit.tables["pca_dropped"])


def test_an_array_that_is_not_contiguous_is_kept_as_it_looks(tmp_path):
    turned = np.arange(6.0).reshape(2, 3).T
    models.save(tmp_path, "pca", KEY, Fit({"w": turned}))
    kept = models.load(tmp_path, "pca", KEY)
    assert kept is not None
    assert np.array_equal(kept.arrays["w"], turned)


def test_a_fit_kept_without_its_shapes_is_made_again(tmp_path, fit):
    """As an earlier version kept them, with vectors of one number in place of scalars."""
    models.save(tmp_path, "pca", KEY, fit)
    (manifest,) = tmp_path.glob("*/manifest.json")
    said = json.loads(manifest.read_text())
    del said["shapes"]
    manifest.write_text(json.dumps(said))
    assert models.load(tmp_path, "pca", KEY) is None


def test_saving_again_replaces(tmp_path, fit):
    models.save(tmp_path, "pca", KEY, fit)
    models.save(tmp_path, "pca", KEY, Fit({"w": np.ones(2)}))
    kept = models.load(tmp_path, "pca", KEY)
    assert kept is not None
    assert list(kept.arrays) == ["w"]
    assert [path.name for path in tmp_path.iterdir()] == [f"pca-{KEY[:16]}"]


@pytest.mark.parametrize(
    ("name", "key"), [("labels", KEY), ("pca", "f" * 64), ("pca", KEY[:16] + "f" * 48)]
)
def test_another_name_or_key_is_not_found(tmp_path, fit, name, key):
    models.save(tmp_path, "pca", KEY, fit)
    assert models.load(tmp_path, name, key) is None


@pytest.mark.parametrize("file", ["arrays.safetensors", "pca_dropped.parquet", "manifest.json"])
@pytest.mark.parametrize("fault", ["flip", "cut", "remove", "empty"])
def test_damage_is_seen(tmp_path, fit, file, fault):
    models.save(tmp_path, "pca", KEY, fit)
    path = tmp_path / f"pca-{KEY[:16]}" / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    if fault == "remove":
        path.unlink()
    else:
        path.write_bytes({"flip": bytes(content), "cut": bytes(content[:-20]), "empty": b""}[fault])
    assert models.load(tmp_path, "pca", KEY) is None


def test_a_damaged_fit_is_set_aside(tmp_path, fit):
    kept = tmp_path / f"pca-{KEY[:16]}"
    for n in (1, 2):
        models.save(tmp_path, "pca", KEY, fit)
        (kept / "arrays.safetensors").write_bytes(b"%d" % n)
    models.save(tmp_path, "pca", KEY, fit)
    assert models.load(tmp_path, "pca", KEY) is not None
    asides = [tmp_path / f"{kept.name}.damaged-{n}" for n in (1, 2)]
    assert [(p / "arrays.safetensors").read_bytes() for p in asides] == [b"1", b"2"]
    assert sorted(tmp_path.iterdir()) == sorted([kept, *asides])


def test_a_model_of_another_key_in_its_folder_is_not_used(tmp_path, fit):
    models.save(tmp_path, "pca", KEY, fit)
    manifest = tmp_path / f"pca-{KEY[:16]}" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"key": KEY[:-1] + "0"}))
    assert models.load(tmp_path, "pca", KEY) is None


@pytest.mark.parametrize("size", [1, 2, 3])
def test_hash_does_not_hang_on_batches(size):
    assert hashed(ROWS, size) == hashed(ROWS)
    assert models.rows_hash(ROWS.to_batches())[1] == 4


@pytest.mark.parametrize(
    "other",
    [
        ROWS.slice(0, 3),
        ROWS.take([1, 0, 2, 3]),
        ROWS.rename_columns(["b", "a", "c"]),
        ROWS.set_column(0, "a", pa.array([1.0, 0.0, 3.0, 4.0])),
        ROWS.set_column(0, "a", pa.array([1.0, None, 3.0, np.nextafter(4.0, 5)])),
        ROWS.set_column(1, "b", pa.array(["x", "y", "", "z"])),
        ROWS.set_column(1, "b", pa.array(["xy", "", None, "z"])),
        ROWS.set_column(2, "c", pa.array([1, 2, 3, 0])),
        ROWS.drop_columns("c"),
    ],
    ids=[
        "fewer",
        "order",
        "names",
        "NULL is 0",
        "last bit",
        "NULL is blank",
        "shifted text",
        "NULL integer",
        "column",
    ],
)
def test_every_change_changes_the_hash(other):
    assert hashed(other) != hashed(ROWS)


def test_hash_of_arrays_sees_a_pixel():
    flux = np.ones((3, 3909), np.float32)
    changed = flux.copy()
    changed[2, 3908] = 2
    first, other = (
        pa.table({"flux": pa.FixedSizeListArray.from_arrays(pa.array(x.ravel()), 3909)})
        for x in (flux, changed)
    )
    assert hashed(first) != hashed(other)
    assert hashed(first, 1) == hashed(first)


def test_stored_is_borrowed(con, database, fit):
    models.store(con, "pca", KEY, 7, "fitted", Fit(fit.arrays))
    con.close()
    found = models.borrow(database, "pca")
    assert found is not None
    key, n_rows, borrowed = found
    assert (key, n_rows) == (KEY, 7)
    for name, values in fit.arrays.items():
        assert borrowed.arrays[name].dtype == values.dtype
        assert np.array_equal(borrowed.arrays[name], values)
    assert models.borrow(database, "noise") is None
