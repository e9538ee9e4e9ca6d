"""The emission flag on real stars:
components learnt from real LAMOST spectra, stars known by their own spectra.
"""

from inspect import Parameter, signature
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits

from obcat.fit.pca import pca
from obcat.ingest.lamost.spectrum import read_spectrum
from obcat.kernels.continuum import rest_frame_normalised
from obcat.kernels.emission import emission
from obcat.kernels.grid import N_PIXEL
from obcat.kernels.pca import pca_scores
from tests.measured import EMISSION
from tests.real.known_stars import BE_STAR, BE_TEMPLATES, LATE_B, NEBULAR

pytestmark = [pytest.mark.real, pytest.mark.slow]

PARAMETERS = {
    "continuum_sigma": 50.0,
    "pca_components": 100,
    "pca_min_wavelength": 3750.0,
    "pca_max_wavelength": 9000.0,
    "full_gap_min": 0.0,
    "full_gap_max": 0.0,
    "pca_outlier": 10.0,
    "pca_max_error": 2.0,
    "pca_sweeps": 5,
    "halpha": 6564.6,
    "halpha_halfwidth": 15.0,
    "halpha_chi2_halfwidth": 40.0,
    "em_false_alarm": 1e-3,
    "erroneous_chi2": 6.0,
    "model_error": 0.008,
}
EARLY_B = "spec-56285-HD090744N104005B03_sp07-117"  # LAMOST-HVS1
PECULIAR = (
    "spec-59636-HD071013S041413V01_sp09-195",
    "spec-59643-TD062610N184524H01_sp01-158",
)  # Ap, Bp: Si II


def chosen(function, arrays):
    """The parameters and arrays that a function takes, as the build hands them over."""
    wanted = signature(function).parameters
    takes_all = any(p.kind is Parameter.VAR_KEYWORD for p in wanted.values())
    given = PARAMETERS | arrays
    return {n: x for n, x in given.items() if n in wanted or (takes_all and n in arrays)}


def measure(flux, ivar, z, arrays):
    norm, norm_ivar, _ = rest_frame_normalised(flux, ivar, z, **chosen(rest_frame_normalised, {}))
    clean, _ = pca_scores(norm, norm_ivar, **chosen(pca_scores, arrays))
    return dict(
        zip(EMISSION, emission(norm, norm_ivar, clean, **chosen(emission, arrays)), strict=True)
    )


@pytest.fixture(scope="module")
def spectra(real):
    found = [read_spectrum(path) for path in sorted((real / "spectra").rglob("*.fits*"))]
    z = np.array(
        [np.nan if s.header["z"] is None or s.header["z"] < -1 else s.header["z"] for s in found]
    )
    snr = np.array([s.header["snr_g"] or 0 for s in found])
    names = [s.header["fitsname"].split(".fits")[0] for s in found]
    flux, ivar = (np.array([getattr(s, name) for s in found]) for name in ("flux", "ivar"))
    return SimpleNamespace(flux=flux, ivar=ivar, z=z, snr=snr, names=names)


@pytest.fixture(scope="module")
def arrays(spectra):
    """Components of the spectra with S/N above 20: A, F, G and some late B stars."""
    norm, ivar, masked = rest_frame_normalised(
        spectra.flux, spectra.ivar, spectra.z, **chosen(rest_frame_normalised, {})
    )
    rows = np.flatnonzero((spectra.snr >= 20) & (masked <= 0.2))
    return pca(reader(norm[rows], ivar[rows]), SimpleNamespace(**PARAMETERS)).arrays


def reader(norm, ivar):
    column = pa.list_(pa.float32(), N_PIXEL)
    schema = pa.schema(
        [("specid", pa.string()), ("star_id", pa.string()), ("flux", column), ("ivar", column)]
    )
    ids = pa.array([str(i) for i in range(len(norm))])
    wide = [
        pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), N_PIXEL)
        for values in (norm, ivar)
    ]
    batch = pa.RecordBatch.from_arrays([ids, ids, *wide], schema=schema)
    return lambda: pa.RecordBatchReader.from_batches(schema, [batch])


@pytest.fixture(scope="module")
def stars(spectra, arrays):
    found = measure(spectra.flux, spectra.ivar, spectra.z, arrays)
    return {
        name: SimpleNamespace(**{key: found[key][i] for key in EMISSION}, snr=spectra.snr[i])
        for i, name in enumerate(spectra.names)
    }


def test_the_be_star_has_emission(stars):
    star = stars[BE_STAR]
    assert star.em_flag == 1
    assert (
        8 < star.ew < 25
    )  # over the photospheric line: deeper than the 11 to 12 Angstrom over the continuum


@pytest.mark.parametrize("name", [*LATE_B, EARLY_B, *PECULIAR])
def test_hot_stars_without_emission_are_not_flagged(stars, name):
    assert stars[name].em_flag == 0


@pytest.mark.parametrize("name", NEBULAR)
def test_nebular_lines_are_emission_too(stars, name):
    assert stars[name].em_flag == 1


def test_few_stars_of_types_a_to_g_are_flagged(stars):
    known = [star for star in stars.values() if star.snr >= 20 and np.isfinite(star.em_flag)]
    assert len(known) > 900
    assert sum(star.em_flag for star in known) < 0.04 * len(known)
    assert sum(star.erroneous for star in known) < 0.02 * len(known)


def test_the_scatter_of_ordinary_stars_is_one_at_every_snr(stars):
    known = [star for star in stars.values() if star.significance < 0]
    for low, high in ((20, 50), (50, 150), (150, 1000)):
        below = [-star.significance for star in known if low <= star.snr < high]
        assert 0.6 < 1.4826 * np.median(below) < 1.6


def test_real_be_stars_of_a_template_library_are_flagged_at_snr_60(real, arrays):
    """Early types, which the training spectra lack:
    their emission is far above any doubt about H alpha.
    """
    rng = np.random.default_rng(18)
    with fits.open(real / "spEigenStar-55734.fits") as hdus:
        header, flux = hdus[0].header, np.array(hdus[0].data[:, 840 : 840 + N_PIXEL], np.float32)
    names = [str(header[f"NAME{i}"]) for i in range(len(flux))]
    rows = [
        i for i, name in enumerate(names) if any(f"({number})" in name for number in BE_TEMPLATES)
    ]
    assert len(rows) == len(BE_TEMPLATES)
    sigma = np.abs(flux[rows]) / 60
    noisy = (flux[rows] + sigma * rng.normal(size=sigma.shape)).astype(np.float32)
    found = measure(noisy, sigma**-2, np.zeros(len(rows)), arrays)
    assert found["em_flag"].tolist() == [1] * len(rows)
