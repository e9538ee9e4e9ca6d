"""Spectra of SDSS, BOSS and SDSS-V: spec-*.fits, one file a spectrum, coadded.

Extension 1 has flux, loglam, ivar, and_mask, wdisp a pixel, in vacuum, heliocentric, on a grid of
the same step as ours; extension 2 (SPALL, or SPECOBJ) the row of the pipeline's catalog.
"""

import hashlib
import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from obcat.ingest.errors import Quarantined
from obcat.ingest.instruments.rows import finished, resolution_of, row_of, vacuum
from obcat.ingest.lamost.folder import Found, Reader, read_file
from obcat.ingest.lamost.layouts import opened_fits
from obcat.ingest.lamost.spectrum import FITS, Entry, Spectrum, bounded, list_files, unpacked
from obcat.kernels.grid import LOG_STEP

__all__ = ["SDSS", "read_sdss"]

NEEDED = ("FLUX", "LOGLAM", "IVAR")
# SPPIXMASK: FULLREJECT, NOSKY, BRIGHTSKY, NODATA, BADFLUXFACTOR, BADSKYCHI, REDMONSTER, in every
# exposure; bits of the fibre, and of one exposure alone, are in ivar
MASKED = sum(1 << bit for bit in (18, 22, 23, 24, 26, 27, 28))
NAME = re.compile(r"(?i)spec-([0-9]{1,6})-([0-9]{5})-([0-9]{1,20})\.fits?(?:\.gz)?")
FIBRES = 500  # of a spectrograph of BOSS
IDENTITY = {
    "plate": ("PLATE", "PLATEID", "FIELD", "FIELDID"),
    "mjd": ("MJD",),
    "object": ("CATALOGID", "FIBERID", "FIBER"),
}
POSITION = {
    "ra": ("PLUG_RA", "RACAT", "FIBER_RA", "RA"),
    "dec": ("PLUG_DEC", "DECCAT", "FIBER_DEC", "DEC"),
}
BANDS = "ugriz"  # of SN_MEDIAN

Cards = dict[str, Any]


def read_sdss(stored: bytes, name: str) -> Spectrum:
    """The spectrum of a file, plain or gzip. Raises Quarantined."""
    return bounded(lambda: _parse(stored, name))


def _parse(stored: bytes, name: str) -> Spectrum:
    content = unpacked(stored, name)
    if not content.startswith(FITS):
        raise Quarantined("not_fits", f"begins with {content[:20]!r}")
    with opened_fits(content, sums=True) as hdus:
        pixels = _pixels(hdus)
        cards = dict(hdus[0].header) | _catalog_row(hdus)
    wavelength = 10 ** pixels["LOGLAM"]
    if cards.get("VACUUM", True) is not True:
        wavelength = vacuum(wavelength)
    ivar = np.where(pixels["AND_MASK"].astype(np.int64) & MASKED, 0, pixels["IVAR"])
    row = _row(cards, name)
    sigma = pixels["WDISP"] * LOG_STEP * math.log(10) * wavelength
    row["resolution"] = resolution_of(sigma, wavelength)
    return finished(row, hashlib.sha256(stored).hexdigest(), wavelength, pixels["FLUX"], ivar)


def _pixels(hdus: Any) -> dict[str, np.ndarray]:
    """(p,) float64 columns of extension 1; mask and width 0 where the file has none."""
    names = {n.upper(): n for n in getattr(hdus[1], "columns", ()) and hdus[1].columns.names}
    if missing := [n for n in NEEDED if n not in names]:
        raise Quarantined(
            "unknown_layout", f"extension 1 has no column {', '.join(missing)}; not a spec-*.fits"
        )
    table = hdus[1].data
    return {
        n: np.array(table[names[n]], np.float64) if n in names else np.zeros(len(table))
        for n in (*NEEDED, "AND_MASK", "WDISP")
    }


def _catalog_row(hdus: Any) -> Cards:
    """The one row of extension 2, names in capitals; nothing where there is none."""
    if len(hdus) < 3 or getattr(hdus[2], "columns", None) is None or len(hdus[2].data) != 1:
        return {}
    row = hdus[2].data[0]
    return {name.upper(): _plain(row[name]) for name in hdus[2].columns.names}


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _row(cards: Cards, name: str) -> dict[str, Any]:
    plate, mjd, thing = (_whole(cards, keys) for keys in IDENTITY.values())
    specid = f"{plate:0{_width(cards)}d}-{mjd:05d}-{thing:04d}"
    told = NAME.fullmatch(name)
    if told and [int(x) for x in told.groups()] != [plate, mjd, thing]:
        raise Quarantined("id_mismatch", f"the header is of {specid}, the name is {name[:60]!r}")
    ra, dec = (_number(_first(cards, keys)) for keys in POSITION.values())
    signal = np.atleast_1d(np.asarray(cards.get("SN_MEDIAN", ()), float))
    own = thing <= 2 * FIBRES
    return row_of(
        specid,
        fitsname=f"spec-{specid}.fits",
        layout="sdss",
        data_v=str(cards.get("RUN2D", "")),
        lmjd=mjd,
        planid=str(plate),
        spid=(1 if thing <= FIBRES else 2) if own else 0,
        fiberid=thing if own else 0,
        ra=ra,
        dec=dec,
        z=_number(cards.get("Z")),
        z_err=_number(cards.get("Z_ERR")),
        exptime=_number(cards.get("EXPTIME")),
        helio_rv=_number(cards.get("HELIO_RV")),
        zflag=f"ZWARNING {cards.get('ZWARNING')}",
        **{"class": str(cards.get("CLASS", "")), "subclass": str(cards.get("SUBCLASS", ""))},
        **{f"snr_{band}": value for band, value in zip(BANDS, signal, strict=False)},
    )


def _width(cards: Cards) -> int:
    """Digits of a plate; of a field of SDSS-V, which has CATALOGIDs for fibres, six."""
    return 6 if "CATALOGID" in cards else 4


def _first(cards: Cards, keys: tuple[str, ...]) -> Any:
    return next((cards[key] for key in keys if cards.get(key) not in (None, "")), None)


def _whole(cards: Cards, keys: tuple[str, ...]) -> int:
    value = _first(cards, keys)
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise Quarantined("bad_header", f"{keys[0]} = {value!r}, not a whole number") from error


def _number(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else math.nan


def _read(source: Path, entry: Entry) -> Found:
    return read_file(source / entry.path, read_sdss)


SDSS = Reader(list_files, _read, "-sdss")
