"""Tables that grow chunk by chunk:
any number of chunks gives the file that one would, and others can read it.
"""

from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits, votable
from astropy.table import Table

from obcat.simulate import survey_files

N = 7
COLUMNS = {
    "id": (2**60 + np.arange(N)).astype(np.int64),
    "x": np.where(np.arange(N) == 3, np.nan, np.arange(N) / 3),
    "m": np.arange(N, dtype=np.float32) / 7,
}
NAMES = {"name": np.array([f"star{k}" for k in range(N)])}
FORMS = ("csv", "fits", "vot", "parquet")


def opened(path: Path) -> AbstractContextManager[survey_files.Append]:
    return {
        ".csv": lambda: survey_files.csv_table(path, {"x": ".3f"}),
        ".fits": lambda: survey_files.fits_table(path, {"x": "deg"}),
        ".vot": lambda: survey_files.votable(path, {"x": "deg"}, {"m": "m'"}),
        ".parquet": lambda: survey_files.parquet_table(path),
    }[path.suffix]()


def columns(form: str) -> dict[str, np.ndarray]:
    return COLUMNS if form == "vot" else COLUMNS | NAMES


def written(path: Path, *cuts: int) -> Path:
    edges = [0, *cuts, N]
    with opened(path) as append:
        for start, end in pairwise(edges):
            append({name: values[start:end] for name, values in columns(path.suffix[1:]).items()})
    return path


@pytest.mark.parametrize("form", ["csv", "fits", "vot"])
@pytest.mark.parametrize("cuts", [(3,), (0, 1), (7,), (1, 1, 6)])
def test_chunks_of_any_size_give_the_same_bytes(
    form: str, cuts: tuple[int, ...], tmp_path: Path
) -> None:
    whole, parts = written(tmp_path / f"whole.{form}"), written(tmp_path / f"parts.{form}", *cuts)
    assert parts.read_bytes() == whole.read_bytes()


def test_csv_is_what_was_given(tmp_path: Path) -> None:
    lines = written(tmp_path / "t.csv", 2).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "id,x,m,name"
    assert lines[2] == f"{2**60 + 1},0.333,0.1428571492433548,star1"
    assert lines[4].startswith(f"{2**60 + 3},,")
    assert len(lines) == 1 + N


def test_fits_is_read_and_verified_by_astropy(tmp_path: Path) -> None:
    path = written(tmp_path / "t.fits", 2, 5)
    with fits.open(path, checksum=True) as hdul:
        hdul.verify("exception")
        assert hdul[1].header["SIMULAT"] is True
    table = Table.read(path)
    assert path.stat().st_size % 2880 == 0
    assert str(table["x"].unit) == "deg"
    for name, values in columns("fits").items():
        np.testing.assert_array_equal(
            np.ma.filled(table[name], np.nan) if name == "x" else table[name], values
        )


def test_votable_is_valid_and_read_by_astropy(tmp_path: Path) -> None:
    path = written(tmp_path / "t.vot", 4)
    assert votable.validate(path, output=None)
    table = votable.parse_single_table(path)
    assert [(f.ID, f.name) for f in table.fields] == [("id", "id"), ("x", "x"), ("m", "m'")]
    assert "SIMULATED" in table.description
    for name, values in COLUMNS.items():
        np.testing.assert_array_equal(table.array[name].data, values)


def test_parquet_has_a_row_group_a_chunk_and_says_simulated(tmp_path: Path) -> None:
    path = written(tmp_path / "t.parquet", 2, 5)
    assert pq.read_metadata(path).num_row_groups == 3
    table = pq.read_table(path)
    assert table.schema.metadata == {b"simulated": b"true"}
    assert table["id"].to_pylist() == COLUMNS["id"].tolist()
    assert table["simulated"].to_pylist() == [True] * N


@pytest.mark.parametrize("form", FORMS)
def test_other_columns_in_a_later_chunk_are_an_error(form: str, tmp_path: Path) -> None:
    path, renamed = tmp_path / f"t.{form}", {"m": "other"}
    with pytest.raises(ValueError, match=r"columns of a chunk|Table schema does not match"):
        append_both(
            path, columns(form), {renamed.get(name, name): v for name, v in columns(form).items()}
        )


def append_both(path: Path, *parts: dict[str, np.ndarray]) -> None:
    with opened(path) as append:
        for part in parts:
            append(part)
