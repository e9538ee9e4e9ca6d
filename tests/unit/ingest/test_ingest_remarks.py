"""What an ingest says of a survey's spectra besides counts."""

from pathlib import Path

import numpy as np
import pytest

from obcat.ingest.survey import ingest
from obcat.survey import Survey
from tests.lamost_files import Fake, N

FLUX, IVAR = np.full(N, 100.0), np.full(N, 0.04)  # S/N 20


def said(tmp_path: Path, *fakes: Fake) -> list[str]:
    for fake in fakes:
        fake.write(tmp_path / "in")
    survey = Survey(name="s", simulated=True, release="none", spectra=tmp_path / "in")
    return ingest(survey, tmp_path / "raw", workers=1)


def fake(fiber: int, snr: float | None, ivar: float = 1.0) -> Fake:
    return Fake(fiberid=fiber, cards={"SNRG": snr}, arrays={"flux": FLUX, "ivar": ivar * IVAR})


@pytest.mark.parametrize("ivar", [1.0, 2.0, 0.3])
def test_nothing_is_said_where_errors_and_headers_agree(ivar, tmp_path):
    fakes = [
        fake(i, snr, ivar) for i, snr in enumerate((20.0, 19.0, 21.0, 0.0, -9999.0, 999.0, None), 1)
    ]
    assert said(tmp_path, *fakes) == ["spectra: 7 found, 7 read, 7 ingested"]


@pytest.mark.parametrize(("ivar", "times"), [(25.0, "5"), (0.04, "0.2")])
def test_errors_that_contradict_most_headers_are_told(ivar, times, tmp_path):
    fakes = [fake(i, 20.0, ivar) for i in (1, 2, 3)] + [fake(4, 20.0)]
    lines = said(tmp_path, *fakes)
    assert lines[1:] == [
        f"4 spectra: S/N from flux and inverse variance is {times} times that of the headers "
        "(median): "
        "is it the inverse variance of this flux?"
    ]


def test_files_set_aside_are_told_with_their_list(tmp_path):
    for dialect, seed in (("dr5", 1), ("dr8", 2)):
        Fake(dialect, seed=seed).write(tmp_path / "in" / dialect)
    survey = Survey(name="s", simulated=True, release="none", spectra=tmp_path / "in")
    lines = ingest(survey, tmp_path / "raw", workers=1)
    listed = tmp_path / "raw" / "superseded.csv"
    assert (
        f"spectra: 1 set aside for a newer file of the same spectrum, all listed in {listed}"
        in lines
    )
    assert listed.is_file()
