"""Which spectrum a file is: LMJD, PLANID, SPID and FIBERID of its header, and whether its names agree."""

import re
from typing import NamedTuple

from obcat.ingest.cards import Cards, integer, text
from obcat.ingest.errors import Quarantined

__all__ = ["Identity", "identify"]

# letters of a release may be added to the name by whoever stored the file (..._dr7.fits.gz)
NAME = re.compile(r"(?i)spec-([0-9]+)-([A-Za-z0-9_+-]+)_sp([0-9]+)-([0-9]+)(?:_[A-Za-z0-9]+)?\.fits(?:\.gz)?")
PLANID = re.compile(r"[A-Za-z0-9_+-]+")
LIMITS = {"LMJD": 99_999, "SPID": 99, "FIBERID": 999}  # what the digits of specid hold
OBSID_MODULUS = 100_000  # OBSID ends in 1000 SPID + FIBERID


class Identity(NamedTuple):
    lmjd: int
    planid: str
    spid: int
    fiberid: int

    @property
    def specid(self) -> str:
        return f"{self.lmjd}-{self.planid}-{self.spid:02d}-{self.fiberid:03d}"

    @property
    def fitsname(self) -> str:
        return f"spec-{self.lmjd}-{self.planid}_sp{self.spid:02d}-{self.fiberid:03d}.fits"


def identify(cards: Cards, name: str | None) -> Identity:
    """The identity in the header, which the name on disk, FILENAME and OBSID must not contradict.

    A name on disk that is no LAMOST name says nothing, but then FILENAME must. An OBSID <= 0 (an overflow, seen in
    DR3) or missing (DR1, DR2) says nothing. Raises Quarantined: bad_header or id_mismatch.
    """
    own = header_identity(cards)
    names = [parsed for parsed in map(name_identity, (name, text(cards, "FILENAME"))) if parsed]
    if not names:
        raise Quarantined("id_mismatch", f"neither {name!r} nor FILENAME is a LAMOST file name")
    for other in names:
        if other != own:
            raise Quarantined("id_mismatch", f"the header is of {own.specid}, the name of {other.specid}")
    obsid = cards.get("OBSID")
    if isinstance(obsid, int) and obsid > 0 and obsid % OBSID_MODULUS != 1000 * own.spid + own.fiberid:
        raise Quarantined("id_mismatch", f"the header is of {own.specid}, OBSID {obsid} of another fibre")
    return own


def header_identity(cards: Cards) -> Identity:
    values = {key: integer(cards, key) for key in LIMITS}
    planid = text(cards, "PLANID") or ""
    for key, limit in LIMITS.items():
        if not 0 < values[key] <= limit:
            raise Quarantined("bad_header", f"{key} = {values[key]}")
    if not PLANID.fullmatch(planid):
        raise Quarantined("bad_header", f"PLANID = {planid!r}")
    return Identity(values["LMJD"], planid, values["SPID"], values["FIBERID"])


def name_identity(name: str | None) -> Identity | None:
    match = NAME.fullmatch(name or "")
    return Identity(int(match[1]), match[2], int(match[3]), int(match[4])) if match else None
