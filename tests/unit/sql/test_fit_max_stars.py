"""Rows that a fit learns from are bounded: the stars of the least hashes, whole, in their order."""

import hashlib
from typing import Any

import pytest

from obcat import db

STARS = [f"S{i:014d}" for i in range(2000)]
MOST = 1200
CAPPED = {
    "40_spectra/20_fit_pca": "specid",
    "50_extinction/10_fit_labels": "star_id",
    "50_extinction/24_fit_joined_labels": "star_id",
    "51_lines/20_fit_lines": "star_id",
    "70_uncertainty/10_fit_noise": "star_id",
}


def rows(names: str, **others: Any) -> list[dict[str, Any]]:
    return [dict.fromkeys(names.split(), star) | others for star in STARS]


@pytest.fixture
def filled(con, fill):
    fill(con, "sample.visits", rows("specid star_id", uniqflag=1, snr_g=50.0))
    fill(con, "spectra.normalised", rows("specid", masked_fraction=0.0))
    fill(con, "spectra.scores", rows("specid", score_clean=[0.0] * 100))
    fill(con, "emission.lines", rows("specid", em_flag=0, erroneous=0))
    matches = [{"star_id": s, "row": i, "rank": 1, "chosen": 1} for i, s in enumerate(STARS)]
    fill(con, "sample.label_matches", matches)
    labels = {"teff": 2e4, "logg": 4.0, "feh": 0.0}
    fill(con, "raw.labels", [{"row": i} | labels for i in range(len(STARS))])
    fill(con, "lines.sums", rows("specid"))
    good = {"snr_g": 50.0, "em_flag": 0, "is_train": 0}
    fill(con, "luminosity.good_parallax", rows("specid star_id", **good))
    fill(con, "luminosity.magnitudes", rows("specid", mk=0.0))
    fill(con, "sample.stars", rows("star_id"))
    fill(con, "extinction.reddening", rows("star_id"))
    return con


def learnt_from(con, name: str) -> list[str]:
    (file,) = [f for f in db.sql_files() if f.name == name]
    cursor = con.execute(file.text)
    at = [d[0] for d in cursor.description].index(CAPPED[name])
    return [row[at] for row in cursor.fetchall()]


@pytest.mark.parametrize("name", CAPPED)
def test_no_more_stars_than_that_and_always_the_same(filled, name):
    assert learnt_from(filled, name) == STARS
    filled.execute("UPDATE meta.parameters SET fit_max_stars = ?", [MOST])
    chosen = sorted(STARS, key=lambda star: (hashlib.md5(star.encode()).hexdigest()[:8], star))
    assert learnt_from(filled, name) == sorted(chosen[:MOST])
