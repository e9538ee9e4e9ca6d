"""Six stars, eight spectra, and what the archives know of them; faults to plant on the way."""

import gzip
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from click.testing import CliRunner, Result
from pyarrow.csv import write_csv

from obcat.cli import main
from tests.fetch.archives import Archives, Hook, Reply, hosts_of
from tests.lamost_files import Fake

LOOPBACK = "127.0.0.1"
N_STARS = 6
GAIA = 2_000_000_000_000_000_003  # no double holds it
NOT_FETCHED = (".lock", "downloads.duckdb", "list.csv", "missing.tsv")
LIMITS = {
    "connect": 1.0, "read": 0.5, "download": 2.0, "job": 2.0, "pending": 0.15, "poll_first": 0.01,
    "poll_most": 0.05, "tries": 3, "backoff": 0.01, "workers": 2, "chunk": 4, "give_up": 3,
}  # fmt: skip
QUERY = """
SELECT s.star_id, g.source_id, g.ra, g.dec, g.parallax, g.parallax_error, g.phot_g_mean_mag, r.ruwe,
  DISTANCE(POINT('ICRS', s.star_ra, s.star_dec), POINT('ICRS', g.ra, g.dec)) * 3600. AS sep
FROM tap_upload.stars AS s
JOIN gaiadr2.gaia_source AS g
  ON 1 = CONTAINS(POINT('ICRS', g.ra, g.dec), CIRCLE('ICRS', s.star_ra, s.star_dec, 3. / 3600.))
LEFT OUTER JOIN gaiadr2.ruwe AS r ON r.source_id = g.source_id
"""
STEPS = {
    "targets": {"from": "vizier", "table": "J/list", "rows": 8},
    "gaia_dr2": {"from": "tap", "host": "gaia", "query": QUERY},
    "apass": {"from": "xmatch", "table": "II/336/apass9", "radius": 3.0},
    "spectra": {
        "from": "lamost",
        "urls": [
            "{dr5}/sas/{night}/{planid}/{name}.gz",
            "{dr5}/spectrum/fits/{obsid}?token={token}",
            "{dr5}/id/{obsid}",
        ],
    },
}
FILES = {"targets": "targets.vot", "gaia_dr2": "gaia_dr2.parquet", "apass": "apass.parquet"}


def fakes() -> list[Fake]:
    """Eight spectra; stars 0 and 1 have two."""
    return [Fake(spid=1 + n // N_STARS, fiberid=11 + n % N_STARS, seed=n, n=3820) for n in range(8)]


def archives() -> Archives:
    ra, dec = [105.0 + 0.1 * n for n in range(N_STARS)], [20.0 + 0.1 * n for n in range(N_STARS)]
    spectra = [(f, n % N_STARS) for n, f in enumerate(fakes())]
    listed = {
        "ObsID": [obsid_of(f) for f, _ in spectra],
        "specid": [f.specid for f, _ in spectra],
        "RAJ2000": [ra[i] for _, i in spectra],
        "DEJ2000": [dec[i] for _, i in spectra],
    }
    gaia = {
        "source_id": [GAIA + n for n in range(N_STARS + 1)],
        "ra": [*ra, ra[0] + 5e-4],
        "dec": [*dec, dec[0]],
        "parallax": [0.5 + 0.1 * n for n in range(N_STARS)] + [None],
        "parallax_error": [0.03] * N_STARS + [None],
        "phot_g_mean_mag": [12.0 + 0.5 * n for n in range(N_STARS + 1)],
    }
    ruwe = {"source_id": gaia["source_id"][:-1], "ruwe": [1.0] * N_STARS}
    apass = {"RAJ2000": ra[:-1], "DEJ2000": dec[:-1], "Vmag": [12.5] * 5, "e_Vmag": [0.02] * 5}
    units = {
        "RAJ2000": "deg",
        "DEJ2000": "deg",
        "ra": "deg",
        "dec": "deg",
        "Vmag": "mag",
        "e_Vmag": "mag",
    }
    units |= {"parallax": "mas", "parallax_error": "mas", "phot_g_mean_mag": "mag"}
    tables = {
        "J/list": listed,
        "gaiadr2.gaia_source": gaia,
        "gaiadr2.ruwe": ruwe,
        "II/336/apass9": apass,
    }
    return Archives(
        {name: (pa.table(columns), units) for name, columns in tables.items()}, files_of(spectra)
    )


def files_of(spectra: list[tuple[Fake, int]]) -> dict[str, Path]:
    """By file name and by obsid."""
    folder = Path(tempfile.mkdtemp())
    paths = {f.write(folder): f for f, _ in spectra}
    return {path.name: path for path in paths} | {
        str(obsid_of(f)): path for path, f in paths.items()
    }


def obsid_of(fake: Fake) -> int:
    return int(fake.science()["OBSID"])


def csv_of(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    write_csv(table, sink)
    return sink.getvalue().to_pybytes()


def toml(value: Any) -> str:
    return (
        f'"""{value}"""'
        if isinstance(value, str) and "\n" in value
        else repr(value).replace("'", '"')
    )


class Killed(BaseException):
    """Stands for a kill: nobody catches it."""


@dataclass
class World:
    """The archives at ``url``, and a folder to fetch to."""

    archives: Archives
    url: str
    folder: Path
    columns: str = "*"  # of the user's list
    hosts: dict[str, str] = field(default_factory=dict)  # that are somewhere else

    def survey(
        self, *steps: str, limits: dict[str, Any] | None = None, **changes: dict[str, Any]
    ) -> Path:
        """A survey file with some of the steps, or all; changes by step."""
        names = steps or tuple(STEPS)
        lines = ['name = "world"', 'spectra = "world/spectra"']
        lines += [f'[tables.{n}]\npath = "world/{FILES[n]}"' for n in names if n in FILES]
        sections = {n: STEPS[n] | changes.get(n, {}) for n in names}
        sections |= {"hosts": hosts_of(self.url) | self.hosts, "limits": LIMITS | (limits or {})}
        for name, section in sections.items():
            lines += [
                f"[fetch.{name}]",
                *(f"{key} = {toml(value)}" for key, value in section.items()),
            ]
        path = self.folder / "world.toml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def fetch(self, *steps: str, options: tuple[str, ...] = (), **changes: Any) -> Result:
        """Run the command; without the step targets the list is a file of the user's."""
        path = self.survey(*steps, **changes)
        if "targets" not in steps:
            self.data.mkdir(exist_ok=True)
            (self.data / "list.csv").write_bytes(
                csv_of(self.archives.query(f'SELECT {self.columns} FROM "J/list"'))
            )
            path.write_text(path.read_text() + '[tables.targets]\npath = "world/list.csv"\n')
        return CliRunner().invoke(main, ["fetch", str(path), *options], catch_exceptions=False)

    def hook(self, pattern: str, change: Callable[[Reply], Reply], times: int = 1) -> None:
        self.archives.hooks.append(Hook(pattern, change, times))

    def asked(self, pattern: str) -> int:
        return sum(pattern in request for request in self.archives.asked)

    @property
    def data(self) -> Path:
        return self.folder / "world"

    def ledger(self, step: str) -> list[dict[str, Any]]:
        with duckdb.connect(str(self.data / "downloads.duckdb"), read_only=True) as con:
            return (
                con.sql(f"FROM downloads WHERE step = '{step}' ORDER BY item")
                .to_arrow_table()
                .to_pylist()
            )

    def contents(self) -> dict[str, bytes]:
        """Everything that was fetched, by path, but for the ledger."""
        files = [p for p in self.data.rglob("*") if p.is_file() and p.name not in NOT_FETCHED]
        return {str(p.relative_to(self.data)): p.read_bytes() for p in sorted(files)}


# ---- faults: each makes another reply of the archive's own


def status(code: int, **headers: str) -> Callable[[Reply], Reply]:
    return lambda reply: Reply(code, b"<html><body>come back later</body></html>", headers)


def html(reply: Reply) -> Reply:
    return Reply(
        200,
        b"<!DOCTYPE html>\n<html><body>Please log in</body></html>",
        {"Content-Type": "text/html"},
    )


def cut(reply: Reply) -> Reply:
    return Reply(reply.status, reply.body, reply.headers, cut=len(reply.body) // 2)


def shorter(reply: Reply) -> Reply:
    """Cut, and the length says so: nothing on the wire betrays it."""
    return Reply(reply.status, reply.body[: len(reply.body) // 2], reply.headers)


def hang(reply: Reply) -> Reply:
    return Reply(reply.status, reply.body, reply.headers, drip=3.0)


# faults of the network, and how often one may come before nobody waits any more
PASSING = {"cut": (cut, 2), "cut unseen": (shorter, 2), "hang": (hang, 1)}


def hurried(change: Callable[[Reply], Reply]) -> dict[str, float]:
    """Limits: what drips is waited for until the end."""
    return {"download": 1.0} if change is drip else {}


def drip(reply: Reply) -> Reply:
    return Reply(reply.status, reply.body, reply.headers, drip=0.1)


# the same for ever: what the fetch calls them, and a word of what it says
STAYING = {
    "503": (status(503), "refused", "HTTP 503"),
    "403": (status(403), "refused", "HTTP 403"),
    "cut": (cut, "no_answer", "IncompleteRead"),
    "drip": (drip, "deadline", "still sending"),
    "html": (html, "html", "web page"),
}


def flipped(reply: Reply) -> Reply:
    body = bytearray(reply.body)
    body[len(body) // 2] ^= 16
    return Reply(reply.status, bytes(body), reply.headers)


def bomb(reply: Reply) -> Reply:
    return Reply(reply.status, gzip.compress(b"\0" * 10_000_001), reply.headers)


def instead(other: bytes) -> Callable[[Reply], Reply]:
    return lambda reply: Reply(200, other, reply.headers)


def redirect(target: str) -> Callable[[Reply], Reply]:
    return lambda reply: Reply(302, b"", {"Location": target})
