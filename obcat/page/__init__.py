"""One HTML file to look at: the whole catalog, a database engine, plots and some spectra;
it needs no network.
"""

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import jinja2
from markupsafe import Markup

from obcat.errors import ObcatError
from obcat.export import Published, ReleaseError, modes_in, opened, read_from
from obcat.export import database as duck
from obcat.files import publishing, refusal
from obcat.page import facts
from obcat.page.facts import NoSuchStar, Photometry, Points, Spectra, coded, expressions
from obcat.page.facts import read_photometry as read_photometry
from obcat.page.facts import read_points as read_points
from obcat.page.facts import read_spectra as read_spectra
from obcat.reading import CATALOGS

__all__ = ["BUNDLE", "TEMPLATE", "PageError", "data", "page", "policy", "text"]

BUNDLE = Path(__file__).parent / "bundle"
TEMPLATE = Path(__file__).parent / "templates" / "page.html"


def text(name: str) -> str:
    return data(name).decode("utf-8")


def data(name: str) -> bytes:
    """A file of the bundle; FileNotFoundError names it."""
    return (BUNDLE / name).read_bytes()


LEVEL = 6  # higher ones take ten times longer on spectra, for one per cent


class PageError(ObcatError):
    """There is no catalog to show, or nowhere to write the page; one line."""


def page(database: Path, out: Path, n_spectra: int = 2000, first: Sequence[str] = ()) -> Path:
    """Write the page of a finished database to ``out``, with the spectra of at most ``n_spectra``
    stars.

    ``first`` names stars (star_id or specid) whose spectra come before those that the rule of the
    page chooses. The same catalog gives the same bytes, but for those of the DuckDB file in it, and
    all of it is of one state of the database. Raises PageError where there is no catalog, a value
    cannot be published, a star is not known, or ``out`` cannot be written; then an earlier page is
    not touched.
    """
    try:
        with publishing(out) as partial:
            copy = partial.with_name(f"{out.name}.duckdb")
            with opened(database, copy) as con:
                modes = modes_in(con, "both", database)
                catalogs = [read_from(con, database, CATALOGS[mode]) for mode in modes]
                spectra = read_spectra(con, n_spectra, first)
                photometry = read_photometry(con)
                pieces = _assembled(catalogs, spectra, photometry, *_released(con, copy, catalogs))
            del catalogs, spectra, photometry
            with partial.open("w", encoding="utf-8") as file:
                file.writelines(pieces)
    except (NoSuchStar, ReleaseError) as error:
        raise PageError(error) from error
    except OSError as error:
        raise PageError(refusal(out, error)) from error
    return out


def _released(
    con: duckdb.DuckDBPyConnection, path: Path, catalogs: Sequence[Published]
) -> tuple[bytes, Points]:
    """The database as a release has it, for older engines, packed, and what the plots draw of it;
    written to ``path``.
    """
    duck.write_from(con, path, *catalogs)
    return _packed(path.read_bytes()), read_points(path)


def _assembled(
    catalogs: Sequence[Published],
    spectra: Spectra,
    photometry: Photometry,
    database: bytes,
    points: Points,
) -> Iterator[str]:
    """The page as text, in pieces. What comes from the catalog is JSON or base64, or escaped."""
    catalog, best = catalogs[0], len(catalogs) > 1
    script, style = text("page.js"), text("page.css")
    known = facts.facts(*catalogs) | {"spectra": spectra.head(), "points": expressions(best=best)}
    known |= {"photometry": photometry.head()}
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).generate(
        policy=policy(script, style),
        title=f"{'SIMULATED: ' if catalog.simulated else ''}{catalog.survey}, catalog of O "
        "and B stars",
        survey=catalog.survey,
        warning=known["warning"].removeprefix("SIMULATED: ") if known["warning"] else None,
        facts_line=_facts_line(catalog),
        left_out=_left_out(points),
        best=best,
        style=Markup(style),
        script=Markup(script),
        facts=Markup(_as_json(known)),
        payloads={
            "worker": _encoded(data("worker.js.gz")),
            "engine": _encoded(data("engine.wasm.gz")),
            "points": _encoded(_packed(points.code())),
            "names": _encoded(_packed(points.listed())),
            "database": _encoded(database),
            "spectra": _encoded(_packed(spectra.code())),
            "coarse": _encoded(_packed(spectra.coarse_code())),
            "photometry": _encoded(_packed(_of_drawn(photometry, points))),
            "licence-texts": _encoded(_packed(data("LICENCES.txt"))),
        }.items(),
    )


def _of_drawn(photometry: Photometry, points: Points) -> bytes:
    return coded(photometry.magnitudes[points.drawn]) if photometry.bands else b""


def _left_out(points: Points) -> str | None:
    """What the plots do not draw, in a sentence; None where they draw everything."""
    shown, all_of_them = int(points.drawn.sum()), len(points.drawn)
    if shown == all_of_them:
        return None
    return (
        f"The plots draw {shown:,} of {all_of_them:,} stars, an even sample: more would not follow "
        "a drag. SQL, the search and the panel of a star have all."
    )


def _facts_line(catalog: Published) -> str:
    made = catalog.provenance.get
    parts = [
        f"{catalog.rows.num_rows:,} spectra",
        f"LAMOST {made('release')}" if made("release") else "",
        f"obcat {made('obcat', '')}",
        f"fingerprint {made('fingerprint', '')[:12]}",
        catalog.lent or "",
    ]
    return " · ".join(part for part in parts if part)


def policy(script: str, style: str) -> str:
    """The content security policy: this very script and style, a worker made of them,
    and nothing else at all.
    """
    allowed = {
        "default-src": "'none'",
        "script-src": f"'{_hashed(script)}' 'wasm-unsafe-eval' blob:",
        "worker-src": "blob:",
        "style-src": f"'{_hashed(style)}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in allowed.items())


def _hashed(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _as_json(value: Any) -> str:
    """JSON that can stand in a script element: nothing in it can end the element."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _packed(data: bytes) -> bytes:
    return gzip.compress(data, LEVEL, mtime=0)


def _encoded(data: bytes) -> Markup:
    return Markup(base64.b64encode(data).decode("ascii"))
