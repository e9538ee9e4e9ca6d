"""VizieR and the CDS cross-match service through astroquery, whose bytes are checked before anything reads them."""

import io
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import requests

from obcat.fetch.answer import check_bytes
from obcat.fetch.errors import Failed
from obcat.fetch.recipe import Limits
from obcat.fetch.web import answered, kind, pause, session

if TYPE_CHECKING:
    from astropy.table import Table

__all__ = ["cross_matched", "vizier_table"]


def vizier_table(server: str, table: str, limits: Limits) -> bytes:
    """All rows and columns of a table of VizieR, as the VOTable that came. Raises Failed."""
    from astroquery import cache_conf

    with redirect_stdout(io.StringIO()):
        from astroquery.vizier import VizierClass

    class Client(VizierClass):
        def _server_to_url(self, return_type: str = "votable") -> str:
            return f"{server}/viz-bin/{return_type}"  # the client knows https only

    with cache_conf.set_temp("cache_active", False):
        client = Client(columns=["**"], row_limit=-1, timeout=limits.download)
        return _answer(lambda: client.get_catalogs_async(table), client._session, f"{server} {table}", limits)


def cross_matched(url: str, table: str, stars: "Table", radius: float, limits: Limits) -> bytes:
    """Rows of a table of VizieR within ``radius`` (arcsec) of stars, as the VOTable that came. Raises Failed."""
    import astropy.units as u
    from astroquery import cache_conf

    with redirect_stdout(io.StringIO()):
        from astroquery.xmatch import XMatchClass

    class Client(XMatchClass):
        listed: list[str] | None = None

        def get_available_tables(self, *, cache: bool = False) -> list[str]:
            if self.listed is None:  # the client asks for the long list twice
                self.listed = super().get_available_tables(cache=cache)
            return self.listed

    with cache_conf.set_temp("cache_active", False):
        client = Client()
        client.URL, client.TIMEOUT = url, limits.download

        def ask() -> requests.Response:
            names = {"colRA1": "star_ra", "colDec1": "star_dec"}
            return client.query_async(stars, f"vizier:{table}", radius * u.arcsec, cache=False, **names)

        return _answer(ask, client._session, f"{url} {table}", limits)


def _answer(ask: Callable[[], requests.Response], http: requests.Session, where: str, limits: Limits) -> bytes:
    """The body of a client's answer, asked for again while it breaks off."""
    session(limits, http, whole=True)
    statuses: list[int] = []
    http.hooks["response"].append(lambda response, *_, **__: statuses.append(response.status_code))
    for tried in range(1, limits.tries + 1):
        try:
            return _once(ask, statuses, where)
        except Failed as error:
            if tried == limits.tries or error.reason not in ("no_answer", "damaged", "html"):
                raise
        pause(limits, tried)
    raise AssertionError("tries is at least 1")


def _once(ask: Callable[[], requests.Response], statuses: list[int], where: str) -> bytes:
    """The clients hide what the server said behind errors of their own, so its status is listened to."""
    try:
        response = ask()
    except (requests.RequestException, ValueError, KeyError) as error:
        status = statuses[-1] if statuses else 200
        if status >= 400:
            raise Failed("refused", f"{where}: HTTP {status}, {kind(error)}") from error
        reason = "no_answer" if isinstance(error, requests.RequestException) else "refused"
        raise Failed(reason, f"{where}: {kind(error)}") from error
    answered(response)
    check_bytes(response.content, where)
    return response.content
