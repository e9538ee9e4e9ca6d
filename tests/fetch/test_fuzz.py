"""Answers with bytes flipped, cut, doubled, swapped, put in, by fixed seeds: refused by name, or
without a change.

What no client can see is left out: a digit of a number in a table that became another digit on the
way.
"""

import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from pyvo.dal import AsyncTAPJob

from obcat.ingest.errors import Failed
from obcat.ingest.fetch import archives, star_tables, tables, web
from obcat.ingest.fetch.recipe import Limits
from obcat.ingest.fetch.spectra import Wanted, _opened
from obcat.ingest.lamost.header import name_identity
from tests.fetch.hosts import Act, Host, Line, head, hosting
from tests.fetch.votables import job_document, votable_of
from tests.fetch.world import GAIA, fakes, obsid_of

pytestmark = pytest.mark.slow
LIMITS = Limits(
    connect=1.0,
    read=0.3,
    download=0.6,
    tries=1,
    backoff=0.0,
    job=1.0,
    poll_first=0.05,
    table_cap=2_000_000,
)
SLOWEST = 5.0  # seconds
CELL = re.compile(rb"(?<=<TD>)[^<]+(?=</TD>)")
NUMBERS = [b"0", b"-1", b"99999999999999999999", b"1e9", b"\xff", b""]


def mutant(seed: int, answer: bytes) -> bytes:
    """One or a few changes of an answer."""
    chance = random.Random(seed)
    changed = bytearray(answer)
    for _ in range(chance.choice([1, 1, 1, 2, 5])):
        chance.choice(CHANGES)(chance, changed)
    return bytes(changed)


def _place(chance: random.Random, data: bytearray) -> int:
    """Half of the places are in the head, which is short; none within a cell."""
    end = data.find(b"\r\n\r\n") + 4
    place = chance.randrange(end if end > 4 and chance.random() < 0.5 else max(len(data), 1))
    return next(
        (cell.end() for cell in CELL.finditer(data) if cell.start() <= place < cell.end()), place
    )


def _flip(chance: random.Random, data: bytearray) -> None:
    if data:
        data[_place(chance, data)] ^= 1 << chance.randrange(8)


def _cut(chance: random.Random, data: bytearray) -> None:
    del data[_place(chance, data) :]


def _lose(chance: random.Random, data: bytearray) -> None:
    i = _place(chance, data)
    del data[i : i + chance.choice([1, 2, 16, 300])]


def _double(chance: random.Random, data: bytearray) -> None:
    i = _place(chance, data)
    data[i:i] = data[i : i + chance.choice([1, 2, 16, 300, 5000])]


def _insert(chance: random.Random, data: bytearray) -> None:
    i = _place(chance, data)
    data[i:i] = chance.choice(
        [
            b"\0",
            b"\r\n",
            b"\x1b[31m",
            b"<",
            b"&x;",
            b"HTTP/1.1 200 OK\r\n\r\n",
            chance.randbytes(40),
        ]
    )


def _number(chance: random.Random, data: bytearray) -> None:
    """Of the head."""
    found = list(re.finditer(rb"\d+", bytes(data[: data.find(b"\r\n\r\n") + 1])))
    if found:
        one = chance.choice(found)
        data[one.start() : one.end()] = chance.choice(NUMBERS)


CHANGES = [_flip, _flip, _flip, _cut, _lose, _double, _insert, _number]


def raw(body: bytes, *, chunked: bool = False) -> bytes:
    if not chunked:
        return head("200 OK", f"Content-Length: {len(body)}", "Content-Type: text/xml") + body
    pieces = [body[i : i + 700] for i in range(0, len(body), 700)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return head("200 OK", "Transfer-Encoding: chunked") + framed + b"0\r\n\r\n"


def serving(answer: bytes) -> Act:
    def act(line: Line) -> None:
        line.send(answer)

    return act


def fuzzed(
    seeds: range, answer: bytes, ask: Callable[[Host], Any], same: Callable[[Any], bool]
) -> None:
    """None accepted that is not the same, none slow;
    whatever is raised but Failed fails the test as it is.
    """
    accepted, changed, said = 0, [], []
    for seed in seeds:
        started = time.monotonic()
        with hosting(serving(mutant(seed, answer))) as host:
            try:
                found = ask(host)
            except Failed as error:
                said.append(str(error))
            else:
                accepted += 1
                changed += [] if same(found) else [seed]
        assert time.monotonic() - started < SLOWEST, seed
    assert not changed
    assert all(line.isprintable() for line in said)
    assert accepted < len(seeds) / 2  # or nothing was changed


def asked_for(host: Host, check: Callable[[bytes], Any]) -> web.Answer:
    with web.http_session(LIMITS, [host.url]) as http:
        return web.get(http, f"{host.url}/x", LIMITS, LIMITS.table_cap, check)


@pytest.mark.parametrize("part", range(4))
def test_spectra(part):
    one = fakes()[part]
    wanted = Wanted(one.specid, obsid_of(one), name_identity(one.name))
    right = _opened(wanted, one.packed())

    def same(answer: web.Answer) -> bool:
        read = answer.read
        return read.header == right.header and all(
            a.tobytes() == b.tobytes() if hasattr(a, "tobytes") else str(a) == str(b)
            for a, b in zip(vars_of(read), vars_of(right), strict=True)
        )

    answer = raw(one.packed(), chunked=part % 2 == 1)
    fuzzed(
        range(100 * part, 100 * part + 100),
        answer,
        lambda host: asked_for(host, lambda b: _opened(wanted, b)),
        same,
    )


def vars_of(spectrum: Any) -> list[Any]:
    return [getattr(spectrum, name) for name in spectrum._fields if name != "header"]


N = 4
SELECT = (
    "SELECT s.star_id, g.source_id, g.ra, g.dec, g.parallax, g.parallax_error, "
    "g.phot_g_mean_mag FROM t AS s"
)
COLUMNS: dict[str, list[Any]] = {
    "star_id": list(range(1, N + 1)), "source_id": [GAIA + n for n in range(N)],
    "ra": [105.0 + n for n in range(N)], "dec": [20.0] * N, "parallax": [0.5] * N,
    "parallax_error": [0.03] * N, "phot_g_mean_mag": [12.0] * N, }  # fmt: skip
UNITS = {
    "ra": "deg",
    "dec": "deg",
    "parallax": "mas",
    "parallax_error": "mas",
    "phot_g_mean_mag": "mag",
}
VOTABLE = votable_of(pa.table(COLUMNS), UNITS)


def as_ingest_reads(body: bytes, folder: Path) -> pa.Table:
    """All that a table must pass on its way from a job."""
    table, _ = star_tables.table_of(body, "x")
    if table.num_rows != N:
        raise Failed("incomplete", "x")
    star_tables.check_stars(table, COLUMNS["star_id"], "x")
    tables._check_names(table, SELECT, "x")
    here = SimpleNamespace(ledger=SimpleNamespace(folder=folder))
    tables._check_readable("gaia_dr2", body, ".vot", {}, here)
    path = folder / "gaia_dr2.vot"
    path.write_bytes(body)
    return tables._ingested("gaia_dr2", path, {}, folder)


@pytest.mark.parametrize("part", range(3))
def test_tables_of_jobs(part, tmp_path):
    right = as_ingest_reads(VOTABLE, tmp_path)

    def ask(host: Host) -> pa.Table:
        body = asked_for(host, lambda b: star_tables.check_bytes(b, "x")).body
        return as_ingest_reads(body, tmp_path)

    fuzzed(
        range(1000 + 100 * part, 1100 + 100 * part),
        raw(VOTABLE, chunked=part == 1),
        ask,
        right.equals,
    )


def service(host: Host, http: Any) -> archives.Service:
    return archives.Service(host.url, LIMITS, http, http)


def test_counts():
    def ask(host: Host) -> int:
        with web.http_session(LIMITS, [host.url], whole=True) as http:
            return archives.count(service(host, http), "SELECT COUNT(*) AS n FROM t")

    fuzzed(range(2000, 2100), raw(votable_of(pa.table({"n": [31]}))), ask, lambda n: n == 31)


def test_columns_of_an_archive():
    known = pa.table({"table_name": ["t", "t"], "column_name": ["a", "b"]})

    def ask(host: Host) -> None:
        with web.http_session(LIMITS, [host.url], whole=True) as http:
            archives.check_columns(service(host, http), "SELECT s.a, s.b FROM t AS s")

    fuzzed(range(3000, 3060), raw(votable_of(known)), ask, lambda nothing: nothing is None)


def test_jobs():
    def ask(host: Host) -> None:
        row = {"job": f"{host.url}/tap/async/1", "status": "running"}
        with web.http_session(LIMITS, [host.url], whole=True) as http:
            job = archives._resumed(service(host, http), row)
            if job is not None:
                archives._wait(job, LIMITS)
                archives._result(service(host, http), job)

    fuzzed(range(4000, 4060), raw(job_document("1", "COMPLETED")), ask, lambda nothing: True)


def test_jobs_that_failed():
    def ask(host: Host) -> None:
        with web.http_session(LIMITS, [host.url], whole=True) as http:
            url = f"{host.url}/tap/async/1"
            archives._wait(
                archives._asked(lambda: AsyncTAPJob(url, session=http, delete=False), url, LIMITS),
                LIMITS,
            )

    fuzzed(
        range(4100, 4160), raw(job_document("1", "ERROR", "why it did")), ask, lambda nothing: False
    )


def values_of(found: tuple[pa.Table, dict[str, str]]) -> list[list[Any]]:
    """Names of columns are held against what the survey says of them by ingest."""
    return [list(row.values()) for row in found[0].to_pylist()]


def test_lists_of_vizier():
    answer = raw(votable_of(pa.table({"ObsID": [7], "RAJ2000": [105.0]}), {"RAJ2000": "deg"}))

    def ask(host: Host) -> Any:
        return star_tables.table_of(archives.vizier_table(host.url, "J/x", LIMITS), "x")

    fuzzed(range(5000, 5060), answer, ask, lambda found: values_of(found) == [[7, 105.0]])


def test_matches():
    answer = raw(
        votable_of(
            pa.table({"angDist": [0.1], **{n: COLUMNS[n][:1] for n in ("star_id", "ra", "dec")}})
        )
    )
    sent = star_tables.Chunk(
        *(pa.array(COLUMNS[n][:1]).to_numpy() for n in ("star_id", "ra", "dec"))
    ).table()

    def ask(host: Host) -> Any:
        return star_tables.table_of(archives.cross_matched(host.url, "J/x", sent, 3.0, LIMITS), "x")

    fuzzed(
        range(6000, 6060), answer, ask, lambda found: values_of(found) == [[0.1, 1, 105.0, 20.0]]
    )
