"""Spectra of training stars are read into a store of their own, and their table belongs to them."""

from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from obcat.build.inputs import provenance, registered
from obcat.ingest.errors import IngestError
from obcat.ingest.survey import ingest
from obcat.survey import Survey, SurveyTable
from tests.lamost_files import Fake

HEADER = "fitsname,parallax,parallax_error,Kmag,e_Kmag\n"


@pytest.fixture
def survey(tmp_path: Path) -> Survey:
    """Three spectra of the sample, two of training stars, one of them also in the sample."""
    for fiber in (1, 2, 3):
        Fake(fiberid=fiber, seed=fiber).write(tmp_path / "in")
    for fiber in (3, 4):
        Fake(fiberid=fiber, seed=fiber).write(tmp_path / "lent")
    (tmp_path / "lent" / "broken.fits").write_text("<html>")
    rows = (f"{Fake(fiberid=fiber).name},1,0.1,7,0.02\n" for fiber in (3, 4))
    (tmp_path / "stars.csv").write_text(HEADER + "".join(rows))
    table = SurveyTable(tmp_path / "stars.csv", {}, tmp_path / "lent")
    return Survey(name="s", simulated=True, spectra=tmp_path / "in", tables={"training": table})


def counted(raw: Path, survey: Survey, *names: str) -> list[int]:
    with duckdb.connect() as con, registered(con, survey, raw):
        return [
            con.execute(f"SELECT count(*) FROM input_{name}").fetchall()[0][0] for name in names
        ]


def test_they_are_counted_apart(survey: Survey, tmp_path: Path) -> None:
    lines = ingest(survey, tmp_path / "raw", workers=1)
    assert lines[0] == (
        "training: 2 rows of stars.csv, 2 kept, 2 belong to a spectrum; 2 of 2 spectra have one"
    )
    assert [line for line in lines if line.startswith("spectra")] == [
        "spectra: 3 found, 3 read, 3 ingested",
        "spectra of training stars: 3 found, 3 read, 2 ingested, 1 quarantined, 1 not_fits",
    ]
    names = ("headers", "spectra", "training", "training_headers", "training_spectra")
    assert counted(tmp_path / "raw", survey, *names) == [3, 3, 2, 2, 2]
    headers = pq.read_table(tmp_path / "raw" / "headers.parquet")["specid"].to_pylist()
    assert Fake(fiberid=4).specid not in headers


def test_a_build_hangs_on_them(survey: Survey, tmp_path: Path) -> None:
    ingest(survey, tmp_path / "raw", workers=1)
    before = provenance(tmp_path / "raw")
    Fake(fiberid=4, seed=9).write(tmp_path / "lent")
    ingest(survey, tmp_path / "raw", workers=1)
    after = provenance(tmp_path / "raw")
    assert {name for name in before if before[name] != after[name]} == {
        "training_files",
        "training_headers",
    }


def test_without_their_table_nothing_of_them_is_left(survey: Survey, tmp_path: Path) -> None:
    ingest(survey, tmp_path / "raw", workers=1)
    ingest(Survey(name="s", spectra=survey.spectra), tmp_path / "raw", workers=1)
    assert not (tmp_path / "raw" / "training").exists()
    assert counted(tmp_path / "raw", survey, "training", "training_spectra") == [0, 0]


def test_a_table_that_belongs_to_none_of_them_stops(survey: Survey, tmp_path: Path) -> None:
    (tmp_path / "stars.csv").write_text(f"{HEADER}{Fake(fiberid=1).name},1,0.1,7,0.02\n")
    with pytest.raises(IngestError, match=r"tables\.training: stars\.csv: none of its 1 rows"):
        ingest(survey, tmp_path / "raw", workers=1)


def test_a_table_needs_parallaxes_and_ks(survey: Survey, tmp_path: Path) -> None:
    (tmp_path / "stars.csv").write_text("fitsname,parallax,parallax_error\nx.fits,1,0.1\n")
    with pytest.raises(IngestError, match="no column for ks_m"):
        ingest(survey, tmp_path / "raw", workers=1)
