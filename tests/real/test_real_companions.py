"""Composites of a real late B star with real A, F and G dwarfs: Balmer lines get shallower (paper
section 6).

The survey of these spectra has no parallaxes, so M_spec itself is asked by `obcat evaluate
--companions`, with the networks of a simulated survey.
"""

import csv

import numpy as np
import pytest

from obcat.evaluate import binaries as mock
from obcat.ingest.lamost.spectrum import read_spectrum
from obcat.kernels.continuum import rest_frame_normalised
from obcat.kernels.grid import WAVELENGTH
from tests.real.known_stars import LATE_B

pytestmark = [pytest.mark.real, pytest.mark.slow]

EACH = 25  # stars of a type
TYPES = {"A": (7500, 10_000), "F": (6000, 7500), "G": (5400, 6000)}  # K
LATE_B_TEFF = 12_000.0  # K: B8, as their spectra look
CENTRES = (4341.68, 4862.68)  # H gamma, H beta in vacuum, Angstrom


@pytest.fixture(scope="module")
def manifest(real):
    with (real / "manifest.csv").open(newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def arrays(real, rows):
    spectra = [read_spectrum(real / row["file"]) for row in rows]
    flux, ivar = (
        np.array([getattr(s, name) for s in spectra], np.float32) for name in ("flux", "ivar")
    )
    return flux, ivar, np.array([s.header["z"] for s in spectra], float)


def dwarfs(manifest, low, high):
    """Rows of the best spectra with LASP labels of a type."""
    known = [row for row in manifest if row["lasp_teff"] and low <= float(row["lasp_teff"]) < high]
    known = [
        row for row in known if float(row["lasp_logg"]) > 3.7 and row["flag_Ha_emission"] == "0"
    ]
    return sorted(known, key=lambda row: -float(row["snrg"]))[:EACH]


def depth(flux, ivar):
    """Mean depth of the two Balmer lines in units of the pseudo-continuum, (n,)."""
    norm, _, _ = rest_frame_normalised(
        flux,
        ivar,
        np.zeros(len(flux)),
        continuum_sigma=50.0,
        pca_min_wavelength=3750.0,
        pca_max_wavelength=9000.0,
    )
    return 1 - np.mean(
        [norm[:, np.abs(WAVELENGTH - line) < 4].mean(axis=1) for line in CENTRES], axis=0
    )


@pytest.fixture(scope="module")
def primary(real, manifest):
    """A late B star at one distance, its own V flux the unit."""
    rows = [row for row in manifest if any(name in row["file"] for name in LATE_B)]
    best = max(rows, key=lambda row: float(row["snrg"]))
    return mock.at_one_distance(*arrays(real, [best]), np.array([LATE_B_TEFF]), 1.0)


@pytest.mark.parametrize("name", TYPES)
def test_composites_have_shallower_balmer_lines_than_a_late_b_star(real, manifest, primary, name):
    rows = dwarfs(manifest, *TYPES[name])
    assert len(rows) == EACH
    teff = np.array([float(row["lasp_teff"]) for row in rows])
    dwarf = mock.at_one_distance(*arrays(real, rows), teff, 1.0)
    drawn = dwarf[0].any(axis=1)
    assert drawn.sum() > 0.8 * EACH
    repeated = tuple(np.repeat(x, drawn.sum(), axis=0) for x in primary)
    change = (
        depth(*mock.add_light(repeated, (dwarf[0][drawn], dwarf[1][drawn]))) / depth(*primary) - 1
    )
    light = np.median(10 ** (-0.4 * (mock.dwarf(teff)[1] - mock.dwarf(np.array([LATE_B_TEFF]))[1])))
    assert np.median(change) < (
        0.05 if name == "A" else 0
    )  # lines of A stars are as deep as those of a late B star
    assert np.median(change) > -2 * light  # but no more than the light that is added
