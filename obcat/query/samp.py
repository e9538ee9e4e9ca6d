"""A table to a program that shows it, TOPCAT or Aladin, by the protocol SAMP of the VO."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from obcat.errors import ObcatError
from obcat.query.isolated import Bounds, asked

__all__ = ["NotSent", "send", "send_catalog"]

LOAD = "table.load.votable"
SECONDS = 60  # that a program may take to load the table


class NotSent(ObcatError):
    """Nobody took the table; one line that says why."""


def send(database: Path, query: str, to: str, name: str, bounds: Bounds | None = None) -> list[str]:
    """Send the answer to a query, with units, UCDs and descriptions of its columns, to every
    program whose name holds ``to``, whatever its case; the names of those that took it.

    Raises NotSent where there is no hub (start TOPCAT or Aladin), no such program, or one that does
    not take the table; QueryRefused as a query does.
    """
    with _client() as client:
        wanted = _receivers(client, to)
        with TemporaryDirectory(prefix="obcat-") as folder:
            path = Path(folder).resolve() / "table.vot"
            with asked(database, query, "votable", bounds or Bounds(), out=path):
                pass
            for address in wanted:
                _call(client, address, path, name)
        return sorted(wanted.values())


def send_catalog(
    catalog: Any, to: str = "topcat", query: str = "", *, mode: str = "paper"
) -> list[str]:
    """Send the catalog of a mode, or the answer to a query, to a program by SAMP, with units, UCDs
    and descriptions; the names of the programs that took it.

    Raises obcat.query.samp.NotSent where no such program is running, QueryRefused as ``sql``.

    Examples
    --------
    >>> import obcat
    >>> cat = obcat.open("build/simulated")
    >>> cat.send("topcat", "FROM catalog.ob_stars WHERE uniqflag = 1")  # doctest: +SKIP
    ['topcat']
    """
    what = query or f"FROM {catalog._catalog(mode)} ORDER BY specid"
    return send(catalog.path, what, to, f"obcat {catalog.name}")


@contextmanager
def _client() -> Iterator[Any]:
    from pyvo.samp import SAMPHubError, SAMPIntegratedClient

    client = SAMPIntegratedClient(name="obcat", description="Catalogs of hot stars")
    try:
        client.connect()
    except (SAMPHubError, OSError) as error:
        raise NotSent("no SAMP hub is running: start TOPCAT or Aladin, and try again") from error
    try:
        yield client
    finally:
        client.disconnect()


def _receivers(client: Any, to: str) -> dict[str, str]:
    """Address -> name of the programs that load tables and are called so."""
    there = {
        a: client.get_metadata(a).get("samp.name", a) for a in client.get_subscribed_clients(LOAD)
    }
    wanted = {a: name for a, name in there.items() if to.casefold() in name.casefold()}
    if not wanted:
        known = ", ".join(sorted(there.values())) or "none"
        raise NotSent(f"no program {to!r} takes tables by SAMP now; there are: {known}")
    return wanted


def _call(client: Any, address: str, path: Path, name: str) -> None:
    from pyvo.samp import SAMPProxyError

    message = {"samp.mtype": LOAD,
               "samp.params": {"url": path.as_uri(), "table-id": name, "name": name}}  # fmt: skip
    try:
        answer = client.call_and_wait(address, message, str(SECONDS))
    except SAMPProxyError as error:
        raise NotSent(f"{client.get_metadata(address)['samp.name']}: {error}") from error
    if answer["samp.status"] != "samp.ok":
        why = answer.get("samp.error", {}).get("samp.errortxt", answer["samp.status"])
        raise NotSent(f"{client.get_metadata(address)['samp.name']}: {why}")
