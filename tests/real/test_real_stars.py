"""`obcat evaluate --real` on the real folder, by the models of a small simulated survey: too small
for its magnitudes to mean much, so what is asked is who is judged, and that none is left out.
"""

import json

import pytest
from click.testing import CliRunner

from obcat.cli import main
from obcat.simulate import Recipe, simulate
from tests.whole.small import N_STARS, PARAMETERS, make, tables_of, write_survey

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    simulate(folder / "survey", folder / "truth", n_stars=N_STARS, recipe=Recipe(1), workers=2)
    toml = folder / "survey.toml"
    wide = {k: v for k, v in PARAMETERS.items() if not k.endswith("_wavelength")}
    survey = write_survey(toml, folder / "survey" / "spectra", tables_of(folder / "survey"), wide)
    return make(survey, folder).database


def judged(database, folder):
    done = CliRunner().invoke(main, ["evaluate", str(database), "--real", str(folder), "--json"])
    assert done.exit_code == 0, done.output
    return {part["title"]: part for part in json.loads(done.stdout)["sections"]}


def test_every_template_and_every_spectrum_is_judged(database, real):
    parts = judged(database, real)
    names = [row[0] for row in parts["real stars: templates of known type"]["rows"]]
    assert sum(name[0] in "OB" for name in names) == 33
    kinds = {row[0]: row for row in parts["real stars: templates of known type, by kind"]["rows"]}
    assert {"F", "G", "K", "M"} < set(kinds)
    classes = parts["real stars: spectra of LAMOST by class"]
    assert sum(int(row[1]) for row in classes["rows"]) == 1157
    rows = {row[0]: dict(zip(classes["columns"], row[1:], strict=True)) for row in classes["rows"]}
    assert rows["B with He I"]["n"] == "11"
    assert {rows[letter]["with header"] for letter in "FGKM"} == {"0.0 %"}
    visits = parts["real stars: visits of one star"]["rows"]
    assert int(visits[0][1]) > 50


def test_a_part_that_is_not_there_is_named(database, real, tmp_path):
    (tmp_path / "spEigenStar-55734.fits").symlink_to(real / "spEigenStar-55734.fits")
    parts = judged(database, tmp_path)
    assert len(parts) == 3
    assert "has no manifest.csv" in parts["real stars: left out"]["note"]
