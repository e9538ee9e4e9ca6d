"""Fake LAMOST files of every layout and dialect, written card by card, for planting faults."""

import gzip
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from obcat.ingest.lamost.header import Identity

N = 3909
DIALECTS = ("dr1", "dr2", "dr3", "dr5", "dr8", "dr10")
EXTEN0 = {
    "dr1": "Flux Inverse Subcontinuum Andmask Ormask",
    "dr2": "Flux Inverse Wavelength Andmask Ormask",
    "dr3": "Flux, Inverse, Wavelength, Andmask, Ormask",
    "dr5": "Flux, Inverse, Wavelength, Andmask, Ormask",
    "dr8": "Flux, Inverse, Wavelength, Andmask, Ormask",
}
RELEASE = {"dr3": "LAMOST DR3", "dr5": "LAMOST DR5", "dr8": "LAMOST DR8", "dr10": "LAMOST DR10"}


@dataclass
class Fake:
    """One file: change what you like, then take ``content()``, ``packed()`` or ``write()`` it."""

    dialect: str = "dr5"
    n: int = N
    coeff0: float = 3.5682
    coeff1: float = 1e-4
    lmjd: int = 55863
    planid: str = "GAC_105N29_B1"
    spid: int = 1
    fiberid: int = 11
    seed: int = 1
    cards: dict[str, Any] = field(default_factory=dict)  # added or replaced; None leaves a card out
    arrays: dict[str, np.ndarray] = field(
        default_factory=dict
    )  # flux ivar wavelength andmask ormask, (n,)

    def __post_init__(self) -> None:
        noise = np.random.default_rng(self.seed)
        flux = 1000 + 100 * noise.standard_normal(self.n)
        self.arrays = {
            "flux": flux,
            "ivar": noise.uniform(0.005, 0.02, self.n),
            "wavelength": flux - 1000
            if self.dialect == "dr1"
            else 10 ** (self.coeff0 + self.coeff1 * np.arange(self.n)),
            "andmask": np.zeros(self.n),
            "ormask": np.zeros(self.n),
        } | self.arrays

    def identity(self) -> Identity:
        return Identity(self.lmjd, self.planid, self.spid, self.fiberid)

    @property
    def name(self) -> str:
        return self.identity().fitsname

    @property
    def specid(self) -> str:
        return self.identity().specid

    def content(self) -> bytes:
        primary = structure(self.dialect, self.n) | self.science() | self.cards
        rows = np.stack(list(self.arrays.values()))
        if self.dialect != "dr10":
            return header(primary) + padded(
                rows.astype(">f8" if self.dialect == "dr2" else ">f4").tobytes()
            )
        names = ["FLUX", "IVAR", "WAVELENGTH", "ANDMASK", "ORMASK", "NORMALIZATION"]
        data = np.concatenate([rows, rows[:1] / 1000]).astype(">f4").tobytes()
        return header(primary) + header(table(names, self.n)) + padded(data)

    def packed(self) -> bytes:
        return gzip.compress(self.content(), compresslevel=1, mtime=0)

    def write(self, folder: Path, name: str | None = None) -> Path:
        """Into ``folder``; a name that ends in .gz is packed. The default name has .fits.gz."""
        path = folder / (name or f"{self.name}.gz")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.packed() if path.suffix == ".gz" else self.content())
        return path

    def science(self) -> dict[str, Any]:
        cards = {
            "FILENAME": self.name,
            "LMJD": self.lmjd,
            "MJD": self.lmjd - 1,
            "PLANID": self.planid,
            "RA": 105.383300,
            "DEC": 27.611422,
            "DESIG": "LAMOST J070131.99+273641.1",
            "FIBERID": f"{self.fiberid}" if self.dialect == "dr2" else self.fiberid,
            "SPID": self.spid,
            "NEXP": 3,
            "EXPTIME": 1800.0,
            "HELIO": True,
            "HELIO_RV": -27.66897,
            "VACUUM": True,
            "COEFF0": self.coeff0,
            "COEFF1": self.coeff1,
            "VERSPIPE": "v2.9.7",
            "CLASS": "STAR",
            "SUBCLASS": "A0",
            "Z": -0.00000315,
            "Z_ERR": 0.00007014,
        }
        return cards | self.dialect_cards()

    def dialect_cards(self) -> dict[str, Any]:
        old, new = self.dialect in ("dr1", "dr2"), self.dialect == "dr10"
        signal = dict(zip("UGRIZ", (0.30, 3.41, 8.41, 9.99, 5.72), strict=True))
        cards = {f"{'SN_' if old else 'SNR'}{band}": value for band, value in signal.items()}
        cards |= dict(
            zip(
                ("OBJSOURC", "T_INFO", "T_FROM") if old else ("TSOURCE", "TCOMMENT", "TFROM"),
                ("PILOT", "xuyi_r", "-"),
                strict=True,
            )
        )
        cards |= {"FIB_TYPE" if new else "FIBERTYP": "Obj", "FIB_MASK" if new else "FIBERMAS": 0}
        if new:
            cards |= {f"MAG_PS_{band}": 15.01 for band in "GRIZY"}
        else:
            magnitudes = (99.0, 15.55, 15.04, 14.74, 99.0, 99.0, 99.0)
            cards |= {"MAGTYPE": "ugrizjh"} | {
                f"MAG{i}": value for i, value in enumerate(magnitudes, 1)
            }
        if self.dialect == "dr2":
            cards["Z_FROM"] = "LASP"
        if self.dialect in RELEASE:
            cards |= {
                "DATA_V": RELEASE[self.dialect],
                "OBSID": 1_500_000 + 1000 * self.spid + self.fiberid,
            }
            cards |= {"ZFLAG": "PIPELINE", "OFFSET": False}
        return cards


def structure(dialect: str, n: int) -> dict[str, Any]:
    bitpix = {"dr2": -64, "dr10": 16}.get(dialect, -32)
    cards = {
        "SIMPLE": True,
        "BITPIX": bitpix,
        "NAXIS": 0 if dialect == "dr10" else 2,
        "NAXIS1": n,
        "NAXIS2": 5,
    }
    return cards | {"EXTEND": True} | ({"EXTEN0": EXTEN0[dialect]} if dialect in EXTEN0 else {})


def table(names: list[str], n: int) -> dict[str, Any]:
    cards = {
        "XTENSION": "BINTABLE",
        "BITPIX": 8,
        "NAXIS": 2,
        "NAXIS1": 4 * n * len(names),
        "NAXIS2": 1,
    }
    cards |= {"PCOUNT": 0, "GCOUNT": 1, "TFIELDS": len(names), "EXTNAME": "COADD"}
    cards |= {f"TTYPE{i}": name for i, name in enumerate(names, 1)}
    return cards | {f"TFORM{i}": f"{n}E" for i in range(1, len(names) + 1)}


def header(cards: dict[str, Any]) -> bytes:
    lines = [card(key, value) for key, value in cards.items() if value is not None]
    return padded("".join([*lines, "END".ljust(80)]).encode("latin-1"), b" ")


def card(key: str, value: Any) -> str:
    """One card as IDL's MWRFITS writes it; a bytes value is put in as it is."""
    if isinstance(value, bytes):
        shown = value.decode("latin-1")
    elif isinstance(value, bool):
        shown = f"{'T' if value else 'F':>20}"
    elif isinstance(value, str):
        shown = "'" + value.replace("'", "''").ljust(8) + "'"
    else:
        shown = f"{value!r:>20}"
    return f"{key:8}= {shown:20} / a comment"[:80].ljust(80)


def padded(data: bytes, fill: bytes = b"\0") -> bytes:
    return data + fill * (-len(data) % 2880)
