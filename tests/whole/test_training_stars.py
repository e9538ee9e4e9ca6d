"""Stars that train and are no rows of the catalog: the networks know them, nothing else does."""

from pathlib import Path

import duckdb
import pytest

from tests.whole.small import Made, make, tables_of, write_survey

HANGS_ON_M = (
    "mk", "mk_err", "snr_dparallax", "binary_flag", "dis", "dis_low", "dis_high", "logdis",
    "logdis_err", "x", "y", "z", "parallax_spec", "parallax_spec_err", "quality",
)  # fmt: skip


@pytest.fixture(scope="module")
def added(first: Made, files: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The survey of `first`, and the training stars that were simulated with it."""
    root = tmp_path_factory.mktemp("added")
    toml = write_survey(root / "survey.toml", files / "spectra", tables_of(files))
    folder = files / "training"
    section = f'[tables.training]\npath = "{folder}/stars.csv"\nspectra = "{folder}/spectra"\n'
    toml.write_text(toml.read_text() + section)
    return make(toml, root, start_from=first)


def answer(made: Made, query: str) -> list[tuple]:
    with duckdb.connect(str(made.database), read_only=True) as con:
        con.execute("USE obcat.catalog")
        return con.execute(query).fetchall()


def test_the_networks_and_their_domain_know_them_and_no_other_model_does(
    first: Made, added: Made
) -> None:
    fits = "SELECT model, key FROM model.fits WHERE model <> 'noise'"
    keys, without = dict(answer(added, fits)), dict(answer(first, fits))
    taught = {"domain", "luminosity", "posterior"}
    assert {model for model in keys if keys[model] != without[model]} == taught
    rows = "SELECT n_rows FROM model.fits WHERE model = 'luminosity'"
    (stars,) = answer(added, "SELECT count(*) FROM luminosity.supplement")
    assert answer(added, rows)[0][0] == answer(first, rows)[0][0] + stars[0]
    assert stars[0] > 40


def test_they_are_in_no_row_and_change_nothing_but_what_hangs_on_m(
    first: Made, added: Made
) -> None:
    query = f"SELECT * EXCLUDE ({', '.join(HANGS_ON_M)}) FROM ob_stars ORDER BY specid"
    assert answer(added, query) == answer(first, query)
    assert answer(added, "SELECT mk FROM ob_stars ORDER BY specid") != answer(
        first, "SELECT mk FROM ob_stars ORDER BY specid"
    )
    tests = "SELECT star_id FROM model.noise_stars ORDER BY star_id"
    mine = {star for (star,) in answer(added, "SELECT star_id FROM training.stars")}
    assert mine
    assert mine.isdisjoint(star for (star,) in answer(added, tests))


def test_a_fifth_of_them_tests(added: Made) -> None:
    """In this small survey 0.7 of the stars train."""
    parts = dict(
        answer(added, "SELECT is_train, count(*) FROM luminosity.supplement GROUP BY is_train")
    )
    assert 0.5 < parts[1] / (parts[0] + parts[1]) < 0.85
