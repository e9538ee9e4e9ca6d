"""LAMOST spectra by HTTP, a few at once:
every file is opened, and must be the one that was asked for.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from string import Formatter
from typing import Any, NamedTuple

import pyarrow as pa
import requests

from obcat._version import __version__
from obcat.ingest.errors import Failed, Quarantined
from obcat.ingest.fetch.ledger import Ledger
from obcat.ingest.fetch.recipe import Lamost, Limits
from obcat.ingest.fetch.tables import Session
from obcat.ingest.fetch.web import Answer, get
from obcat.ingest.lamost.header import Identity, name_identity
from obcat.ingest.lamost.parts import READER_VERSION
from obcat.ingest.lamost.spectrum import MAGIC, Spectrum, read_spectrum

__all__ = ["CHECKS", "Wanted", "fetch_spectra", "wanted_of"]

STEP = "spectra"
CHECKS = (
    f"obcat {__version__} reader {READER_VERSION}"  # what a file of another need not have passed
)
MJD_0 = date(1858, 11, 17)
MOST_WORKERS = 4
BROKEN = ("truncated_gzip", "damaged_gzip", "truncated_fits", "empty", "not_fits", "too_large")


class Wanted(NamedTuple):
    """A spectrum of the list: its name for people, and what is known of it."""

    name: str
    obsid: int | None
    identity: Identity | None

    def fields(self, token: str | None) -> dict[str, str]:
        """What a form of the address may name.
        The folder of a night bears the date before LMJD (LAMOST_FILES 10).
        """
        known: dict[str, str] = {"token": token} if token else {}
        if self.obsid is not None:
            known["obsid"] = str(self.obsid)
        if self.identity is not None:
            night = MJD_0 + timedelta(days=self.identity.lmjd - 1)
            known |= {
                "night": f"{night:%Y%m%d}",
                "planid": self.identity.planid,
                "lmjd": str(self.identity.lmjd),
            }
            known |= {"name": self.identity.fitsname, "spid": f"{self.identity.spid:02d}"}
            known["fiberid"] = f"{self.identity.fiberid:03d}"
        return known


def wanted_of(targets: pa.Table) -> list[Wanted]:
    """The distinct spectra of a list (raw.targets), in its order;
    rows that name no spectrum are passed over.
    """
    rows = targets.select(["obsid", "specid", "fitsname"]).to_pylist()
    found = [Wanted(_name(row), row["obsid"], _identity(row)) for row in rows if any(row.values())]
    return list({wanted.name: wanted for wanted in found}.values())


def _name(row: dict[str, Any]) -> str:
    return row["specid"] or row["fitsname"] or f"obsid {row['obsid']}"


def _identity(row: dict[str, Any]) -> Identity | None:
    if row["fitsname"]:
        return name_identity(row["fitsname"])
    parts = (row["specid"] or "").rsplit("-", 2)
    lmjd, _, planid = parts[0].partition("-")
    return (
        Identity(int(lmjd), planid, int(parts[1]), int(parts[2]))
        if len(parts) == 3 and lmjd.isdigit()
        else None
    )


def _addresses(wanted: Wanted, step: Lamost, hosts: dict[str, str]) -> list[str]:
    """The forms of the address for which everything is known, in order."""
    fields = hosts | wanted.fields(os.environ.get(step.token))
    return [url.format_map(fields) for url in step.urls if _names(url) <= fields.keys()]


def _names(url: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(url) if name}


def fetch_spectra(
    wanted: list[Wanted],
    step: Lamost,
    folder: Path,
    session: Session,
    progress: Callable[[int, int], None],
) -> dict[str, Failed]:
    """Bring what is not there yet below ``folder``; what could not be had, by name."""
    ledger, limits = session.ledger, session.recipe.limits
    done = _still_good(wanted, ledger)
    missing = [w for w in wanted if w.name not in done]
    failures: dict[str, Failed] = {}
    unanswered = 0
    first = [0]

    def ask(one: Wanted) -> Answer:
        if unanswered >= limits.give_up:
            raise Failed("not_tried", f"{unanswered} files before it had no answer")
        return _one(one, _addresses(one, step, session.recipe.hosts), session.files, limits, first)

    with ledger.grouped():
        for n, (one, result) in enumerate(_in_parallel(ask, missing, limits.workers), 1):
            progress(n, len(missing))
            if isinstance(result, Failed):
                failures[one.name] = result
                unanswered += result.reason in ("no_answer", "deadline")
                ledger.put(STEP, one.name, "failed", reason=str(result))
            else:
                unanswered = 0
                _keep(one, result, folder, ledger)
    return {w.name: failures[w.name] for w in wanted if w.name in failures}


def _still_good(wanted: list[Wanted], ledger: Ledger) -> dict[str, Path]:
    """What is done; files that an earlier reader let pass are opened again,
    and forgotten where ours does not.
    """
    done, unchecked = ledger.all_done(STEP), ledger.unchecked(STEP)
    with ledger.grouped():
        for one in wanted:
            if one.name in unchecked & done.keys():
                try:
                    _opened(one, done[one.name].read_bytes())
                    ledger.checked(STEP, one.name)
                except Failed as error:
                    del done[one.name]
                    ledger.forget(STEP, [one.name], error)
    return done


def _in_parallel(
    ask: Callable[[Wanted], Answer], wanted: list[Wanted], workers: int
) -> Iterator[tuple[Wanted, Answer | Failed]]:
    """Results as they come; no more is asked for than is wanted soon,
    so that an interruption ends at once.
    """
    rest = iter(wanted)
    pool = ThreadPoolExecutor(min(workers, MOST_WORKERS))
    try:
        running: dict[Future[Answer], Wanted] = {}
        while True:
            for one in rest:
                running[pool.submit(ask, one)] = one
                if len(running) >= 2 * MOST_WORKERS:
                    break
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                one, error = running.pop(future), future.exception()
                if error and not isinstance(error, Failed):
                    raise error
                yield one, error if isinstance(error, Failed) else future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _one(
    wanted: Wanted, urls: list[str], http: requests.Session, limits: Limits, first: list[int]
) -> Answer:
    """The file under the first form of the address that has it;
    ``first`` remembers which one that was.
    """
    if not urls:
        raise Failed(
            "no_address",
            f"{wanted.name}: no form of the address fits what the list and environment give",
        )
    order = sorted(range(len(urls)), key=lambda i: (i != first[0], i))
    failure = Failed("not_found", wanted.name)
    for i in order:
        try:
            answer = get(http, urls[i], limits, limits.spectrum_cap, partial(_opened, wanted))
        except Failed as error:
            failure = (
                error if error.reason != "not_found" or failure.reason == "not_found" else failure
            )
            continue
        first[0] = i
        return answer
    raise failure


def _opened(wanted: Wanted, body: bytes) -> Spectrum:
    """The spectrum in ``body``. Raises Failed:
    html, damaged, or unasked where it is another than ``wanted``.
    """
    if body[:200].lstrip()[:1] in (b"<", b"{"):
        raise Failed("html", f"{wanted.name}: a web page instead of a spectrum")
    try:
        spectrum = read_spectrum(body, wanted.identity.fitsname if wanted.identity else None)
    except Quarantined as fault:
        reason = (
            "damaged"
            if fault.reason in BROKEN
            else "unasked"
            if fault.reason == "id_mismatch"
            else "unusable"
        )
        raise Failed(reason, f"{wanted.name}: {fault}") from fault
    if not _is(spectrum, wanted):
        raise Failed(
            "unasked",
            f"{wanted.name}: the file is of {spectrum.header['obsid']}, "
            f"{spectrum.header['specid']}",
        )
    return spectrum


def _is(spectrum: Spectrum, wanted: Wanted) -> bool:
    """The reader has compared the names; a header without an obsid (DR1, DR2) leaves it at that."""
    obsid = spectrum.header["obsid"]
    if isinstance(obsid, int) and obsid > 0 and wanted.obsid is not None:
        return obsid == wanted.obsid
    return wanted.identity is not None


def _keep(wanted: Wanted, answer: Answer, folder: Path, ledger: Ledger) -> None:
    own = name_identity(str(answer.read.header["fitsname"]))
    assert own is not None
    name = own.fitsname + (".gz" if answer.body.startswith(MAGIC) else "")
    path = folder / Wanted("", None, own).fields(None)["night"] / own.planid / name
    said = {
        "url": answer.url,
        "http": answer.http,
        "tries": answer.tries,
        "seconds": answer.seconds,
        "rows": 1,
    }
    ledger.keep(STEP, wanted.name, path, answer.body, **said)
