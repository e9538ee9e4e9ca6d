"""specutils reads LAMOST files of every layout, and leaves others alone."""

import numpy as np
import pytest
from astropy import units
from astropy.io import fits

from obcat.ingest.lamost.spectrum import read_spectrum
from obcat.kernels.grid import WAVELENGTH
from obcat.own_files import LOADER, _is_lamost, register_reader
from tests.lamost_files import DIALECTS, Fake

specutils = pytest.importorskip("specutils")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_file_of_lamost_is_a_spectrum(tmp_path, dialect):
    register_reader()
    path = tmp_path / "spec-55863-GAC_105N29_B1_sp01-011.fits.gz"
    path.write_bytes(Fake(dialect).packed())
    wanted = read_spectrum(path)
    for found in (specutils.Spectrum.read(path), specutils.Spectrum.read(path, format=LOADER)):
        assert np.array_equal(found.spectral_axis, WAVELENGTH * units.AA)
        assert np.array_equal(found.flux.value, wanted.flux)
        assert np.array_equal(found.uncertainty.array, wanted.ivar)
        assert np.array_equal(found.mask, wanted.ivar <= 0)
        assert found.meta["header"]["specid"] == wanted.header["specid"]


def test_a_file_of_others_is_not_taken_for_one(tmp_path):
    register_reader()
    fits.PrimaryHDU(np.ones(10)).writeto(tmp_path / "other.fits")
    assert not _is_lamost("read", str(tmp_path / "other.fits"))
    assert not _is_lamost("read", str(tmp_path / "none.fits"))
