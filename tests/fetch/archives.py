"""The archives on loopback: TAP with jobs and uploads over DuckDB, VizieR, the CDS cross-match,
LAMOST's files.

A fault is a hook: the first whose pattern is found in "METHOD path" and that is not used up answers
in place of, or around, the archive.
"""

import csv
import io
import itertools
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import duckdb
import pyarrow as pa

from tests.fetch.votables import error_document, job_document, parts_of, table_of, votable_of

MACROS = """
CREATE MACRO sky_point(frame, ra, dec) AS {'ra': ra, 'dec': dec};
CREATE MACRO sky_circle(frame, ra, dec, radius) AS {'ra': ra, 'dec': dec, 'radius': radius};
CREATE MACRO sky_distance(p, q) AS degrees(2 * asin(least(1.0, sqrt(
    sin(radians(q.dec - p.dec) / 2) ** 2
    + cos(radians(p.dec)) * cos(radians(q.dec)) * sin(radians(q.ra - p.ra) / 2) ** 2))));
CREATE MACRO sky_contains(p, c) AS
    CASE WHEN abs(p.dec - c.dec) <= c.radius THEN (sky_distance(p, c) <= c.radius)::INT END;
"""
XMATCH = """
SELECT sky_distance({{'ra': s.star_ra, 'dec': s.star_dec}}, {{'ra': t.{ra}, 'dec': t.{dec}}}) * 3600 AS "angDist",
    s.*, t.* FROM {upload} AS s JOIN {table} AS t ON abs(t.{dec} - s.star_dec) <= {radius} / 3600.
    AND sky_distance({{'ra': s.star_ra, 'dec': s.star_dec}}, {{'ra': t.{ra}, 'dec': t.{dec}}}) * 3600 <= {radius}
"""


@dataclass
class Reply:
    """What goes back; ``cut`` sends so many bytes of the body and hangs up,
    ``drip`` waits between bits of it.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    drip: float = 0.0


@dataclass
class Hook:
    """``change`` makes another reply of the archive's own, ``times`` times (-1: always)."""

    pattern: str
    change: Callable[[Reply], Reply]
    times: int = 1


@dataclass
class Job:
    query: str
    maxrec: int | None
    uploads: dict[str, str]
    phase: str = "PENDING"
    message: str = ""
    result: bytes = b""


class Archives:
    """``result``: makes another table of the one that a TAP query or cross-match gave;
    ``fate``: of a job that runs.
    """

    def __init__(
        self, tables: dict[str, tuple[pa.Table, dict[str, str]]], spectra: dict[str, Path]
    ) -> None:
        self.con = duckdb.connect()
        self.con.execute("SET enable_progress_bar = false")
        self.con.execute(MACROS)
        self.units: dict[str, str] = {}
        self.lock = threading.Lock()
        self.spectra = spectra
        self.jobs: dict[str, Job] = {}
        self.numbers = itertools.count(1)
        self.columns: list[tuple[str, str]] = []
        for name, (table, units) in tables.items():
            self.add(name, table, units)
        self.reset()

    def reset(self) -> None:
        self.hooks: list[Hook] = []
        self.asked: list[str] = []
        self.fate: Callable[[Job], str] = lambda job: "COMPLETED"
        self.result: Callable[[pa.Table], pa.Table] = lambda table: table
        self.units_now = dict(self.units)
        self.row_limit = 1_000_000

    def add(self, name: str, table: pa.Table, units: dict[str, str]) -> None:
        self.columns += [(name, column) for column in table.column_names]
        self.units |= units
        self.con.register("incoming", table)
        schema, dot, last = name.partition(".")
        if dot and "/" not in name:
            self.con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            self.con.execute(f"CREATE TABLE {schema}.{last} AS FROM incoming")
        else:
            self.con.execute(f'CREATE TABLE "{name}" AS FROM incoming')
        self.con.unregister("incoming")

    def query(self, sql: str) -> pa.Table:
        with self.lock:
            return self.con.sql(sql).to_arrow_table()

    # ---- TAP

    def adql(self, query: str, uploads: dict[str, str]) -> pa.Table:
        if "tap_schema.columns" in query:
            wanted = set(re.findall(r"'([^']*)'", query))
            names = [(t, c) for t, c in self.columns if t in wanted]
            return pa.table(
                {"table_name": [t for t, _ in names], "column_name": [c for _, c in names]}
            )
        for name in ("POINT", "CIRCLE", "DISTANCE", "CONTAINS"):
            query = re.sub(rf"\b{name}\(", f"sky_{name.lower()}(", query)
        for name, table in uploads.items():
            query = query.replace(f"tap_upload.{name}", table)
        return self.query(query)

    def document(self, query: str, maxrec: int | None, uploads: dict[str, str]) -> bytes:
        table = self.adql(query, uploads)
        if "COUNT(*)" not in query and "tap_schema" not in query:
            table = self.result(table)
        most = min(self.row_limit, self.row_limit if maxrec is None else maxrec)
        return votable_of(table.slice(0, most), self.units_now, overflow=table.num_rows > most)

    def tap(self, request: "Request") -> Reply:
        path = request.path.removeprefix("/tap")
        if path == "/sync":
            return self.sync(request)
        if path == "/async":
            return self.submitted(request)
        job_id, _, what = path.removeprefix("/async/").partition("/")
        job = self.jobs.get(job_id)
        if job is None:
            return Reply(404, b"no such job")
        if request.method == "DELETE":
            del self.jobs[job_id]
            return Reply(303, headers={"Location": "/tap/async"})
        if what == "phase" and request.method == "POST":
            return self.phased(job_id, job, request.form["PHASE"])
        if what == "results/result":
            return Reply(body=job.result, headers={"Content-Type": "application/x-votable+xml"})
        return Reply(
            body=job_document(job_id, job.phase, job.message), headers={"Content-Type": "text/xml"}
        )

    def sync(self, request: "Request") -> Reply:
        try:
            body = self.document(request.form["QUERY"], number(request.form.get("MAXREC")), {})
        except duckdb.Error as error:
            return Reply(
                400, error_document(str(error)), {"Content-Type": "application/x-votable+xml"}
            )
        return Reply(body=body, headers={"Content-Type": "application/x-votable+xml"})

    def submitted(self, request: "Request") -> Reply:
        job_id = str(next(self.numbers))
        uploads = {}
        for item in filter(None, request.form.get("UPLOAD", "").split(";")):
            name, _, part = item.partition(",")
            uploads[name] = self.uploaded(table_of(request.files[part.removeprefix("param:")]))
        self.jobs[job_id] = Job(request.form["QUERY"], number(request.form.get("MAXREC")), uploads)
        return Reply(303, headers={"Location": f"/tap/async/{job_id}"})

    def uploaded(self, table: pa.Table) -> str:
        name = f"upload_{next(self.numbers)}"
        with self.lock:
            self.con.register(name, table)
        return name

    def phased(self, job_id: str, job: Job, phase: str) -> Reply:
        if phase == "ABORT":
            job.phase = "ABORTED"
        elif phase == "RUN":
            job.phase = self.fate(job)
            try:
                job.result = (
                    self.document(job.query, job.maxrec, job.uploads)
                    if job.phase == "COMPLETED"
                    else b""
                )
            except duckdb.Error as error:
                job.phase, job.message = "ERROR", str(error).splitlines()[0]
        return Reply(303, headers={"Location": f"/tap/async/{job_id}"})

    # ---- CDS

    def vizier(self, request: "Request") -> Reply:
        asked = dict(line.partition("=")[::2] for line in request.body.decode().splitlines())
        if "-out.all" not in asked or asked["-out.max"] != "unlimited":
            return Reply(
                body=votable_of(self.query(f'FROM "{asked["-source"]}" LIMIT 50'), self.units_now)
            )
        table = self.result(self.query(f'FROM "{asked["-source"]}"'))
        return Reply(body=votable_of(table, self.units_now), headers={"Content-Type": "text/xml"})

    def xmatch(self, request: "Request") -> Reply:
        if request.path.endswith("/tables"):
            return Reply(body="\n".join({t for t, _ in self.columns if "/" in t}).encode())
        assert request.form["cat2"].startswith("vizier:")
        assert (request.form["colRA1"], request.form["colDec1"]) == ("star_ra", "star_dec")
        rows = list(csv.DictReader(io.StringIO(request.files["cat1"].decode())))
        kinds = {"star_id": int, "star_ra": float, "star_dec": float}
        sent = pa.table({name: [kind(row[name]) for row in rows] for name, kind in kinds.items()})
        name = request.form["cat2"].removeprefix("vizier:")
        ra, dec = ("RAJ2000", "DEJ2000") if (name, "RAJ2000") in self.columns else ("ra", "dec")
        words = {
            "table": f'"{name}"',
            "radius": request.form["distMaxArcsec"],
            "ra": ra,
            "dec": dec,
        }
        table = self.query(XMATCH.format(upload=self.uploaded(sent), **words))
        return Reply(
            body=votable_of(self.result(table), self.units_now),
            headers={"Content-Type": "text/xml"},
        )

    # ---- LAMOST

    def lamost(self, request: "Request") -> Reply:
        path = self.spectra.get(request.path.rpartition("/")[2])
        if path is None:
            return Reply(404, b"<html>no such spectrum</html>")
        return Reply(body=path.read_bytes(), headers={"Content-Type": "application/x-gzip"})

    def answer(self, request: "Request") -> Reply:
        self.asked.append(f"{request.method} {request.target}")
        first = request.path.split("/")[1]
        known = {
            "tap": self.tap,
            "viz-bin": self.vizier,
            "xmatch": self.xmatch,
            "lamost": self.lamost,
        }
        reply = known[first](request) if first in known else Reply(404)
        for hook in self.hooks:
            if hook.times and re.search(hook.pattern, f"{request.method} {request.target}"):
                hook.times -= 1
                return hook.change(reply)
        return reply


@dataclass
class Request:
    method: str
    target: str
    body: bytes
    content_type: str

    def __post_init__(self) -> None:
        self.path = urlsplit(self.target).path
        self.files: dict[str, bytes] = {}
        self.form = {k: v[0] for k, v in parse_qs(urlsplit(self.target).query).items()}
        if self.content_type.startswith("multipart/"):
            self.files = parts_of(self.body, self.content_type)
            self.form |= {
                k: v.decode() for k, v in self.files.items() if k not in ("stars", "cat1")
            }
        elif "urlencoded" in self.content_type:
            self.form |= {k: v[0] for k, v in parse_qs(self.body.decode()).items()}


def number(text: str | None) -> int | None:
    return int(text) if text else None


def handler(archives: Archives) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = (
            -1
        )  # head and body in one packet, or every answer waits 40 ms for an acknowledgement
        disable_nagle_algorithm = True

        def log_message(self, *args: object) -> None:
            pass

        def reply(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            request = Request(
                self.command,
                self.path,
                self.rfile.read(length),
                self.headers.get("Content-Type", ""),
            )
            send(self, archives.answer(request))

        do_GET = do_POST = do_DELETE = reply

    return Handler


def send(to: BaseHTTPRequestHandler, reply: Reply) -> None:
    to.send_response(reply.status)
    for name, value in reply.headers.items():
        to.send_header(name, value)
    to.send_header("Content-Length", str(len(reply.body)))
    to.end_headers()
    if reply.cut is not None:
        to.wfile.write(reply.body[: reply.cut])
        to.close_connection = True
    elif reply.drip:
        for i in range(len(reply.body)):
            to.wfile.write(reply.body[i : i + 1])
            to.wfile.flush()
            time.sleep(reply.drip)
    else:
        to.wfile.write(reply.body)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no fault of the server's."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def serving(archives: Archives) -> Iterator[str]:
    """The archives at an address like http://127.0.0.1:1234."""
    server = Server(("127.0.0.1", 0), handler(archives))
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def hosts_of(url: str) -> dict[str, str]:
    """The hosts of a recipe, all of them this server."""
    lamost = dict.fromkeys(("dr5", "dr7", "lamost"), f"{url}/lamost")
    return {
        "gaia": f"{url}/tap",
        "tapvizier": f"{url}/tap",
        "vizier": url,
        "xmatch": f"{url}/xmatch/api/v1/sync",
    } | lamost
