"""A release published by its own q.rd on a DaCHS server on loopback, asked by pyvo;
run by tests/dachs/run.sh, never by make test.
"""

import io

import numpy as np
import pytest
import pyvo
import requests
from astropy.io.votable import parse

from obcat.kernels.grid import WAVELENGTH
from tests.dachs.tables import NAMED, released_rows, released_spectra

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
SERVER = "http://127.0.0.1:8080"
ROWS = released_rows()


def test_tap_has_every_row_with_units_and_nulls():
    query = "SELECT specid, gaia_id, mk, binary_flag FROM obcat_demo.ob_stars ORDER BY specid"
    found = pyvo.dal.TAPService(f"{SERVER}/tap").search(query).to_table()
    assert found["specid"].tolist() == ROWS["specid"]
    for name in ("gaia_id", "mk", "binary_flag"):
        assert found[name].tolist() == ROWS[name], name
    assert str(found["mk"].unit) == "mag"


def test_cone_finds_the_star():
    service = pyvo.dal.SCSService(f"{SERVER}/obcat_demo/q/cone/scs.xml")
    found = service.search((ROWS["ra"][5], ROWS["dec"][5]), 0.001)
    assert found.to_table()["specid"].tolist() == [ROWS["specid"][5]]


def test_ssap_finds_the_spectra_and_gives_every_pixel():
    found = pyvo.dal.SSAService(f"{SERVER}/obcat_demo/q/ssap/ssap.xml").search()
    assert sorted(row.title for row in found) == sorted(NAMED)
    flux = released_spectra()
    for row in found:
        got = requests.get(row.acref.replace("localhost", "127.0.0.1"), timeout=60)
        table = parse(io.BytesIO(got.content), verify="ignore").get_first_table().to_table()
        assert np.allclose(table["spectral"], WAVELENGTH, rtol=1e-6)
        assert np.array_equal(table["flux"], flux[ROWS["specid"].index(row.title)])


def test_obscore_finds_them_too():
    query = "SELECT obs_publisher_did, s_ra FROM ivoa.obscore WHERE obs_collection = 'obcat_demo'"
    assert len(pyvo.dal.TAPService(f"{SERVER}/tap").search(query)) == len(NAMED)
