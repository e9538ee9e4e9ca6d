"""Templates of known spectral type, written as files of LAMOST, and what the models say of them."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat import statistics as st
from obcat.kernels.grid import N_PIXEL, WAVELENGTH
from obcat.real_stars.expected import SpectralType, expected_mk, parse_type
from obcat.real_stars.predicted import Found, NoStars, in_doubt, predicted, reasons
from obcat.section import Section, decimals

__all__ = [
    "DWARFS",
    "LIBRARY",
    "LUMINOUS",
    "OFF",
    "Judged",
    "Template",
    "judged",
    "kinds_of",
    "rms",
    "standards",
    "write_templates",
]

LIBRARY = "spEigenStar-55734.fits"  # of SDSS idlspec2d, made from the Indo-US library
FIRST = 840  # pixel of the library that is the first of LAMOST's grid
SNR = 100  # of the noise that is added
SEED = 60
OFF = 1.0  # mag from the expected M that is a failure
LUMINOUS, DWARFS = "O, and B of I-II", "B of III-V"
COLUMNS = ("Teff", "log g", "em_flag", "M expected", "M_spec", "mk_err", "off", "warned")
TITLE = "real stars: templates of known type"
NOTE = (
    "Templates of the SDSS pipeline (Indo-US stars), with noise of S/N 100, written as files of "
    "LAMOST and read again, then obcat.predict.\nM expected: of the spectral type (assumed, to 0.7 "
    "mag; 0.3 for dwarfs; of a star without its disc or companion). off: M_spec less it. No header "
    "class is given."
)
SUMMARY_NOTE = (
    "off: M_spec - M expected, mag. Failed: off by more than 1 mag without a warning. O stars of "
    "every class stand in the first row."
)


class Template(NamedTuple):
    name: str
    star: SpectralType
    path: Path


def write_templates(library: Path, folder: Path) -> list[Template]:
    """Each template that has a spectral type from O to M, as a file of LAMOST with noise, in
    ``folder``. NoStars: the library is not there or none.
    """
    names, flux = _read(library)
    rng = np.random.default_rng(SEED)
    found = []
    for i, name in enumerate(names):
        noise = rng.standard_normal(N_PIXEL)
        star = parse_type(name)
        if np.isfinite(star.number):
            found.append(Template(name, star, _write(folder, i + 1, flux[i], noise)))
    return sorted(found, key=lambda t: (t.star.number, t.name))


def _read(library: Path) -> tuple[list[str], NDArray[np.float64]]:
    """Names (n) and flux (n, 3909) on LAMOST's grid."""
    from astropy.io import fits

    try:
        with fits.open(library) as hdus:
            header, data = hdus[0].header, hdus[0].data[:, FIRST : FIRST + N_PIXEL]
            if data.shape[1] != N_PIXEL or (header["COEFF0"], header["COEFF1"]) != (3.4842, 1e-4):
                raise NoStars(f"{library}: is not {LIBRARY}, its pixels are others")
            return [str(header[f"NAME{i}"]) for i in range(len(data))], np.array(data, float)
    except (OSError, KeyError, TypeError, IndexError) as error:
        raise NoStars(f"{library}: no library of templates ({error})") from error


def _write(
    folder: Path, fiberid: int, flux: NDArray[np.float64], noise: NDArray[np.float64]
) -> Path:
    """One file in the layout of DR5: an image of flux, inverse variance, wavelength, masks."""
    from astropy.io import fits

    sigma = np.abs(flux) / SNR + 1e-6 * np.abs(flux).max()
    none = np.zeros(N_PIXEL)
    rows = np.array([flux + sigma * noise, sigma**-2, WAVELENGTH, none, none], np.float32)
    name = f"spec-55734-TEMPLATES_sp01-{fiberid:03d}.fits"
    cards = {
        "FILENAME": name, "LMJD": 55734, "PLANID": "TEMPLATES", "SPID": 1, "FIBERID": fiberid,
        "RA": float(fiberid), "DEC": 0.0, "HELIO": True, "VACUUM": True, "COEFF0": 3.5682,
        "COEFF1": 1e-4, "CLASS": "STAR", "SUBCLASS": "", "Z": 0.0, "SNRG": float(SNR),
        "DATA_V": "templates",
    }  # fmt: skip
    fits.PrimaryHDU(rows, fits.Header(cards)).writeto(folder / name)
    return folder / name


class Judged(NamedTuple):
    """Templates, what was found of them, and (n,) M_Ks that their types ask for."""

    templates: list[Template]
    found: Found
    expected: NDArray[np.float64]

    @property
    def off(self) -> NDArray[np.float64]:
        """M_spec less M expected, (n,) mag."""
        return self.found["mk"] - self.expected


def judged(models: Path, folder: Path) -> Judged:
    """Every template through the models. NoStars: the library is not there."""
    with TemporaryDirectory() as made:
        templates = write_templates(folder / LIBRARY, Path(made))
        found = predicted(models, [template.path for template in templates])
    expected = np.array([expected_mk(template.star) for template in templates])
    return Judged(templates, found, expected)


def standards(models: Path, folder: Path) -> list[Section]:
    """O, B and A templates one by one, and all by kind. NoStars: the library is not there."""
    stars = judged(models, folder)
    rows = [
        _row(template, stars, i)
        for i, template in enumerate(stars.templates)
        if template.name[0] in "OBA"
    ]
    return [Section(TITLE, NOTE, COLUMNS, rows), _summary(stars)]


def _row(template: Template, stars: Judged, i: int) -> tuple[str, ...]:
    found = stars.found
    magnitudes = stars.expected[i], found["mk"][i], found["mk_err"][i], stars.off[i]
    return (
        template.name,
        decimals(found["teff"][i], 0),
        decimals(found["logg"][i], 2),
        decimals(found["em_flag"][i], 0),
        *(decimals(value, 2) for value in magnitudes),
        reasons(found, i),
    )


def _summary(stars: Judged) -> Section:
    """By kind: how far off, and how many of those without a warning."""
    columns = (
        "n", "warned", "n with type", "median off", "rms", "off > 1", "failed", "rms unwarned",
    )  # fmt: skip
    kinds = kinds_of(stars)
    rows = [(kind, *_cells(stars, kinds == kind)) for kind in dict.fromkeys(kinds)]
    return Section(f"{TITLE}, by kind", SUMMARY_NOTE, columns, rows)


def _cells(stars: Judged, here: NDArray[np.bool_]) -> tuple[str, ...]:
    doubt, off = in_doubt(stars.found), stars.off
    known, far = here & np.isfinite(off), here & (np.abs(off) > OFF)
    return (
        *(str(np.count_nonzero(part)) for part in (here, here & doubt, known)),
        decimals(st.median(off[known]), 2),
        decimals(rms(off[known]), 2),
        *(str(np.count_nonzero(part)) for part in (far, far & ~doubt)),
        decimals(rms(off[known & ~doubt]), 2),
    )


def kinds_of(stars: Judged) -> NDArray[np.str_]:
    """(n,) names of the rows of the summary."""
    return np.array([_kind(template) for template in stars.templates])


def _kind(template: Template) -> str:
    letter = template.name[0]
    if letter == "O" or (letter == "B" and template.star.is_luminous):
        return LUMINOUS
    if letter not in "BA":
        return letter
    if not template.star.classes:
        return f"{letter}, no class"
    return f"{letter} of {'I-II' if template.star.is_luminous else 'III-V'}"


def rms(off: NDArray[np.float64]) -> float:
    """Root mean square (n,); NaN for none."""
    return float(np.sqrt(np.mean(off**2))) if len(off) else np.nan
