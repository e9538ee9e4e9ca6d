"""obcat.predict with the models of a build says what its catalog says; and so does explain."""

import numpy as np
import pytest

import obcat
from obcat.explain import colours, explain
from obcat.export import database, read
from obcat.query.sql import opened


@pytest.mark.parametrize("kind", ["database of the build", "models of a release"])
def test_predict_is_the_catalog(first, tmp_path, kind):
    path = first.database
    if kind == "models of a release":
        path = tmp_path / "models.safetensors"
        database.write_models(path, read(first.database), first.database)
    with obcat.open(first.folder) as catalog:
        table = catalog.table()[:20]
        spectra = [catalog.spectrum(specid) for specid in table["specid"]]
        z = catalog.sql("SELECT z FROM stage.headers ORDER BY specid LIMIT 20")["z"].to_numpy(
            zero_copy_only=False
        )
        found = obcat.predict(
            spectra[0].wavelength,
            np.array([s.flux for s in spectra]),
            np.array([s.ivar for s in spectra]),
            models=path,
            z=z,
            snr_g=table["snr_g"],
        )
    for name in ("mk", "halpha_excess", "halpha_ew", "clean_chi2", "em_flag", "erroneous"):
        assert found[name].tolist() == table[name].tolist(), name
    known = [mk is not None for mk in table["mk"].tolist()]
    assert (
        np.array(found["mk_err"].tolist())[known].tolist()
        == np.array(table["mk_err"].tolist())[known].tolist()
    )


VISITS = """
SELECT v.specid, v.star_id, v.snr_g, h.z, m.out_of_domain, m.cool, m.compact, m.misfit, m.far, l.teff, l.label_source
FROM sample.visits AS v
INNER JOIN stage.headers AS h ON v.specid = h.specid
LEFT JOIN luminosity.domain AS m ON v.specid = m.specid
INNER JOIN extinction.labels AS l ON v.star_id = l.star_id
ORDER BY v.specid
"""


def test_predict_has_the_domain_and_the_labels_of_the_catalog(first):
    with obcat.open(first.folder) as catalog:
        rows = catalog.sql(VISITS).to_pylist()
        spectra = [catalog.spectrum(row["specid"]) for row in rows]
    found = obcat.predict(
        spectra[0].wavelength,
        np.array([s.flux for s in spectra]),
        np.array([s.ivar for s in spectra]),
        models=first.database,
        z=[row["z"] for row in rows],
        snr_g=[row["snr_g"] for row in rows],
        star=[row["star_id"] for row in rows],
    )
    regressed = [row["label_source"] in ("regression", None) for row in rows]
    assert any(regressed)
    for name in (
        "out_of_domain",
        "cool",
        "compact",
        "misfit",
        "far",
    ):  # labels of a table count too
        wanted = [row[name] for row, ours in zip(rows, regressed, strict=True) if ours]
        assert np.array(found[name].tolist())[regressed].tolist() == wanted, name
    assert np.array(found["teff"].tolist())[regressed].tolist() == [
        row["teff"] for row, ours in zip(rows, regressed, strict=True) if ours
    ]


def test_colours_of_explain_have_the_reddening_of_the_catalog_as_their_mean(first):
    with opened(first.database) as con:
        stars = con.execute(
            "SELECT star_id, ebv, n_colours FROM extinction.reddening ORDER BY star_id"
        ).fetchall()
        for star_id, ebv, n_colours in stars[:30]:
            rows = colours(con, star_id)[1]
            assert len(rows) == (n_colours or 0)
            assert ebv is None or sum(row[3] * row[5] for row in rows) == pytest.approx(
                ebv, abs=1e-9
            )
        assert ebv is not None


def test_every_spectrum_can_be_explained(first):
    with opened(first.database) as con:
        names = [
            row[0]
            for row in con.execute("SELECT specid FROM catalog.ob_stars ORDER BY specid").fetchall()
        ]
    for specid in names[::20]:
        assert specid in explain(first.database, specid)
    assert explain(first.database, names[0], html=True).count("<svg") == 2
