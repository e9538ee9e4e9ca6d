"""Files of a sample that are damaged, lack a card or are none: left out, the others measured."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from obcat.realism import RealismError, read_sample
from tests.lamost_files import Fake

CARDS = {"VERSPIPE": "v2.9.7", "CLASS": "STAR", "SNRG": 30.0, "Z": 1e-4}


def good(folder: Path, fiberid: int, **cards: object) -> Path:
    return Fake(fiberid=fiberid, cards=CARDS | cards).write(folder)


def cut(content: bytes) -> bytes:
    return gzip.compress(gzip.decompress(content)[:9000])


def claiming(content: bytes) -> bytes:
    plain = gzip.decompress(content)
    at = plain.index(b"NAXIS1  =")
    return gzip.compress(plain[:at] + b"NAXIS1  =           1000000000" + plain[at + 30 :])


def wrong_sum(content: bytes) -> bytes:
    return content[:-8] + bytes([content[-8] ^ 1]) + content[-7:]


@pytest.mark.parametrize(
    "damage", [cut, claiming, wrong_sum, lambda _: b"", lambda _: b"<html>"],
    ids=["cut", "claims a gigabyte", "CRC", "empty", "HTML"],
)  # fmt: skip
def test_a_damaged_file_is_left_out(tmp_path: Path, damage) -> None:
    good(tmp_path, 1)
    path = good(tmp_path, 2)
    path.write_bytes(damage(path.read_bytes()))
    sample = read_sample(tmp_path, 10)
    assert len(sample.flux) == 1
    assert np.isfinite(sample.flux).all()


@pytest.mark.parametrize("card", ["SNRG", "COEFF0", "Z"])
def test_a_file_that_lacks_a_card_is_left_out(tmp_path: Path, card: str) -> None:
    good(tmp_path, 1)
    good(tmp_path, 2, **{card: None})
    assert len(read_sample(tmp_path, 10).flux) == 1


def test_nothing_but_damaged_files_is_one_line(tmp_path: Path) -> None:
    good(tmp_path, 1).write_bytes(b"")
    with pytest.raises(RealismError, match="no spectrum of DR5 to DR10"):
        read_sample(tmp_path, 10)
