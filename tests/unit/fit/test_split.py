"""The split by hash of the star's name: a published MD5, DuckDB's answer, stars never torn apart."""

from math import sqrt
from pathlib import Path

import duckdb
import pytest

from obcat.fit.split import hash_fraction, is_train

MACROS = Path(__file__).parents[3] / "sql" / "00_meta" / "20_macros.sql"
STARS = [f"S{i:06d}+{i * 7:06d}" for i in range(5000)]


def test_md5_of_rfc_1321():
    # RFC 1321, A.5: MD5 ("abc") = 900150983cd24fb0d6963f7d28e17f72
    assert hash_fraction("abc") == 0x90015098 / 2**32


@pytest.mark.parametrize("train_fraction", [0.5, 0.8, 0.9])
def test_part_that_trains(train_fraction):
    part = sum(is_train(star, train_fraction) for star in STARS) / len(STARS)
    assert abs(part - train_fraction) < 4 * sqrt(train_fraction * (1 - train_fraction) / len(STARS))


def test_all_and_none():
    assert all(is_train(star, 1.0) for star in STARS)
    assert not any(is_train(star, 0.0) for star in STARS)


def test_sql_says_the_same():
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA meta")
        con.execute(MACROS.read_text(encoding="utf-8"))
        rows = con.execute(
            "SELECT s, meta.hash_fraction(s) FROM (SELECT unnest($stars) AS s)", {"stars": STARS}
        )
        assert all(float(fraction) == hash_fraction(star) for star, fraction in rows.fetchall())
