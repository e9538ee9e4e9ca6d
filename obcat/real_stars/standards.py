"""Templates of known spectral type, written as files of LAMOST, and what the models say of them,
as `obcat.predict` does it; and the absolute Ks magnitude that a spectral type should have.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obcat import statistics as st
from obcat.data import REFERENCE
from obcat.errors import ObcatError
from obcat.ingest.errors import Quarantined
from obcat.ingest.lamost import Spectrum, read_spectrum
from obcat.kernels.grid import N_PIXEL, WAVELENGTH
from obcat.section import Section, decimals

__all__ = [
    "DWARFS",
    "LIBRARY",
    "LUMINOUS",
    "OFF",
    "File",
    "Found",
    "Judged",
    "NoStars",
    "SpectralType",
    "Template",
    "expected_mk",
    "in_doubt",
    "judged",
    "kinds_of",
    "parse_type",
    "predicted",
    "reasons",
    "rms",
    "standards",
    "templates_of",
]

Floats = NDArray[np.float64]


BATCH = 256  # spectra that are in memory at once
FASTEST = 0.1  # z of no star
NUMBERS = ("mk", "mk_err", "sigma_mea", "teff", "logg", "em_flag", "erroneous", "out_of_domain")
DOMAIN = ("cool", "compact", "misfit", "far", "beyond_training")  # those that a table has


Found = dict[str, Floats]
Header = Mapping[str, object]
File = Path | tuple[bytes, str]  # or its content and its name


class NoStars(ObcatError, ValueError):
    """The folder of real stars, or a file of it, is not there or cannot be read; one line."""


def predicted(models: Path, files: Sequence[File], *, with_header: bool = False) -> Found:
    """What `obcat.predict` says of these files, (n,) by column; NaN where it says nothing or a file
    cannot be read.

    ``with_header``: CLASS and SUBCLASS of the headers count, as in a catalog.
    """
    found = {name: np.full(len(files), np.nan) for name in (*NUMBERS, *DOMAIN)}
    for rows, spectra in _batches(files):
        for name, values in _of_batch(models, spectra, with_header).items():
            found[name][rows] = values
    return found


def _batches(files: Sequence[File]) -> Iterator[tuple[list[int], list[Spectrum]]]:
    """Places and spectra of the files that can be read."""
    for start in range(0, len(files), BATCH):
        read = [(i, _spectrum(files[i])) for i in range(start, min(start + BATCH, len(files)))]
        known = [(i, spectrum) for i, spectrum in read if spectrum is not None]
        if known:
            yield [i for i, _ in known], [spectrum for _, spectrum in known]


def _spectrum(file: File) -> Spectrum | None:
    try:
        return read_spectrum(*file) if isinstance(file, tuple) else read_spectrum(file)
    except Quarantined:
        return None


def _of_batch(models: Path, spectra: Sequence[Spectrum], with_header: bool) -> Found:
    from obcat.prediction import predict

    headers = [spectrum.header for spectrum in spectra]
    classes = {
        "header_class": np.array([str(h["class"] or "") for h in headers], object),
        "subclass": np.array([str(h["subclass"] or "") for h in headers], object),
    }
    table = predict(
        WAVELENGTH,
        np.stack([spectrum.flux for spectrum in spectra]),
        np.stack([spectrum.ivar for spectrum in spectra]),
        models=models,
        z=_redshifts(headers),
        snr_g=_numbers(headers, "snr_g"),
        trust=True,
        **(classes if with_header else {}),
    )
    named = [name for name in (*NUMBERS, *DOMAIN) if name in table.colnames]
    return {name: np.ma.filled(np.ma.asarray(table[name], float), np.nan) for name in named}


def _redshifts(headers: Sequence[Header]) -> Floats:
    """(n,); NaN, that is no M, for a redshift that is of no star."""
    z = _numbers(headers, "z")
    return np.where(np.abs(z) < FASTEST, z, np.nan)


def _numbers(headers: Sequence[Header], name: str) -> Floats:
    return np.array([h[name] if h[name] is not None else np.nan for h in headers], float)


def in_doubt(found: Found) -> NDArray[np.bool_]:
    """(n,) whether a star has no M, or a warning: out of the domain, or an erroneous spectrum."""
    return np.isnan(found["mk"]) | (found["out_of_domain"] == 1) | (found["erroneous"] == 1)


def reasons(found: Found, row: int) -> str:
    """Why one star is warned of, in words; "-" where it is not."""
    said = [name for name in (*DOMAIN, "erroneous") if found[name][row] == 1]
    if np.isnan(found["mk"][row]):
        said.insert(0, "no M")
    elif found["out_of_domain"][row] == 1 and not any(found[name][row] == 1 for name in DOMAIN):
        said.insert(0, "other: M or header")
    return ", ".join(said) or "-"


TABLE = "expected_magnitudes.csv"
LETTERS = "OBAFGKM"
TYPE = re.compile(r"([OBAFGKM])(\d(?:\.\d+)?)")
LUMINOSITY = re.compile(r"Iab|Ia|Ib|III|II|IV|V")
ALSO = {"167771": "O7III", "188001": "O7.5Iab"}  # what the name does not say (as remembered)


class SpectralType(NamedTuple):
    """``number``: 10 a letter from O0; ``classes``: one luminosity class, or two of which it is
    between, or none that is known.
    """

    number: float
    classes: tuple[str, ...]

    @property
    def is_luminous(self) -> bool:
        """Whether it is of class I or II."""
        return bool(self.classes) and self.classes[0] in ("Ia", "Iab", "Ib", "II")


def parse_type(name: str) -> SpectralType:
    """Type of a template by its name, as ``B3Ib/II (51309)``; number NaN where it has none."""
    said, _, star = name.partition("(")
    said = ALSO.get(star.rstrip(")"), said)
    found = TYPE.match(said.strip())
    if not found:
        return SpectralType(np.nan, ())
    number = 10 * LETTERS.index(found[1]) + float(found[2])
    return SpectralType(number, tuple(LUMINOSITY.findall(said[found.end() :])))


def expected_mk(star: SpectralType) -> float:
    """M_Ks of a star of this type, mag; NaN off O7 to F0, or without a luminosity class.

    Dwarfs from the sequence of Pecaut & Mamajek (2013), others from M_V of Schmidt-Kaler (1982)
    and V - Ks; assumed, and uncertain by some 0.7 mag, 0.3 on the main sequence.
    """
    values = [_of_class(name, star.number) for name in star.classes]
    return float(np.mean(values)) if values else np.nan


def _of_class(name: str, number: float) -> float:
    """Linear between the types of the table; subgiants are half-way from dwarfs to giants."""
    if name == "IV":
        return (_of_class("III", number) + _of_class("V", number)) / 2
    types, magnitudes = _table()[name]
    return float(np.interp(number, types, magnitudes, left=np.nan, right=np.nan))


@cache
def _table() -> dict[str, tuple[list[float], list[float]]]:
    """Luminosity class -> numbers of types, their M_Ks."""
    found: dict[str, tuple[list[float], list[float]]] = {}
    with (REFERENCE / TABLE).open(newline="", encoding="utf-8") as f:
        for row in csv.DictReader(f):
            types, magnitudes = found.setdefault(row["class"], ([], []))
            types.append(parse_type(row["type"]).number)
            magnitudes.append(float(row["m_v"]) - float(row["v_ks"]))
    return found


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
    file: tuple[bytes, str]  # its content and its name


def templates_of(library: Path) -> list[Template]:
    """Each template that has a spectral type from O to M, as a file of LAMOST with noise, in
    memory. NoStars: the library is not there or none.
    """
    names, flux = _read(library)
    rng = np.random.default_rng(SEED)
    found = []
    for i, name in enumerate(names):
        noise = rng.standard_normal(N_PIXEL)
        star = parse_type(name)
        if np.isfinite(star.number):
            found.append(Template(name, star, _file(i + 1, flux[i], noise)))
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


def _file(fiberid: int, flux: NDArray[np.float64], noise: NDArray[np.float64]) -> tuple[bytes, str]:
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
    out = io.BytesIO()
    fits.PrimaryHDU(rows, fits.Header(cards)).writeto(out)
    return out.getvalue(), name


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
    templates = templates_of(folder / LIBRARY)
    found = predicted(models, [template.file for template in templates])
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
