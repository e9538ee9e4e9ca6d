"""The section [fetch] of a survey file: which archive gives which table, by what query; hosts;
limits.
"""

from pathlib import Path
from typing import Any

import msgspec

from obcat.ingest.errors import FetchError
from obcat.survey import TABLES, Survey

__all__ = ["Lamost", "Limits", "Recipe", "Step", "Tap", "Vizier", "XMatch", "read"]

HOSTS = {  # the archives' own addresses; [fetch.hosts] replaces them
    "gaia": "https://gea.esac.esa.int/tap-server/tap",
    "tapvizier": "https://tapvizier.cds.unistra.fr/TAPVizieR/tap",
    "vizier": "https://vizier.cds.unistra.fr",
    "xmatch": "http://cdsxmatch.u-strasbg.fr/xmatch/api/v1/sync",
    "dr5": "http://dr5.lamost.org",
    "dr7": "https://dr7.lamost.org",
    "lamost": "https://www.lamost.org",
}
SPECTRA = "spectra"


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds, numbers and sizes within which an archive must answer;
    all but the sizes are courtesy (assumed).
    """

    connect: float = 10.0
    read: float = 60.0
    download: float = 600.0  # one answer, from the first byte to the last
    job: float = 7200.0  # one job, from its start to its end
    pending: float = 60.0  # a job that waits this long is started once more
    poll_first: float = 1.0
    poll_most: float = 30.0
    tries: int = 5
    backoff: float = 1.0  # the second try waits 0 to 1 of these, the third 2, then 4, 8
    retry_after_most: float = 600.0
    workers: int = 3
    chunk: int = 2000  # positions in one upload
    give_up: int = 20  # files in a row for which no host answers
    table_cap: int = 500_000_000
    spectrum_cap: int = 10_000_000


class Vizier(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="from", tag="vizier"
):
    """A whole table of VizieR. ``rows``: how many were published;
    without it TAPVizieR is asked to count.
    """

    table: str
    rows: int | None = None
    host: str = "vizier"
    count_host: str = "tapvizier"
    path: Path | None = None


class XMatch(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="from", tag="xmatch"
):
    """What a table of VizieR has within ``radius`` (arcsec) of the stars,
    from the CDS cross-match service.
    """

    table: str
    radius: float
    host: str = "xmatch"
    path: Path | None = None


class Tap(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="from", tag="tap"):
    """An ADQL query over ``tap_upload.stars`` (star_id, star_ra, star_dec):
    counted, then run, in asynchronous jobs.
    """

    query: str
    host: str
    path: Path | None = None


class Lamost(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="from", tag="lamost"
):
    """Spectra, one file each. ``urls``: forms of the address, the first that works is tried first
    from then on;
    ``token``: the environment variable that holds a token, where a form has ``{token}``."""

    urls: list[str]
    token: str = "LAMOST_TOKEN"


Step = Vizier | XMatch | Tap | Lamost


class Recipe(msgspec.Struct, frozen=True):
    """The steps by name, ``targets`` first and ``spectra`` last, hosts by name, and limits."""

    steps: dict[str, Step]
    hosts: dict[str, str]
    limits: Limits

    def shown(self, url: str) -> str:
        """A form of an address with its host."""
        for name, host in self.hosts.items():
            url = url.replace("{" + name + "}", host)
        return url

    def named(self) -> list[str]:
        """Every address that the survey gives."""
        forms = [
            url for step in self.steps.values() if isinstance(step, Lamost) for url in step.urls
        ]
        return [*self.hosts.values(), *map(self.shown, forms)]


def read(survey: Survey, path: Path) -> Recipe:
    """The section [fetch] of a survey, whose file is ``path``. Raises FetchError, one line."""
    section = dict(survey.fetch)
    hosts = HOSTS | _converted(section.pop("hosts", {}), dict[str, str], "fetch.hosts", path)
    limits = _converted(section.pop("limits", {}), Limits, "fetch.limits", path)
    steps = {name: _converted(step, Step, f"fetch.{name}", path) for name, step in section.items()}
    if not steps:
        raise FetchError(
            f"{path}: no section [fetch.…], so there is nothing to fetch; surveys/ has examples"
        )
    for name, step in steps.items():
        _check(name, step, hosts, survey, path)
    hosts = {name: host.rstrip("/") for name, host in hosts.items()}
    return Recipe(dict(sorted(steps.items(), key=_order)), hosts, limits)


def _converted(value: object, kind: Any, where: str, path: Path) -> Any:
    def decode(kind: type, value: object) -> object:
        return kind(value)

    try:
        return msgspec.convert(value, kind, dec_hook=decode)
    except (msgspec.ValidationError, TypeError) as error:
        raise FetchError(f"{path}: {where}: {error}") from error


def _check(name: str, step: Step, hosts: dict[str, str], survey: Survey, path: Path) -> None:
    if (name == SPECTRA) != isinstance(step, Lamost):
        raise FetchError(
            f'{path}: fetch.{name}: spectra come from = "lamost", and nothing else does'
        )
    if isinstance(step, Lamost):
        return
    if step.host not in hosts:
        raise FetchError(
            f"{path}: fetch.{name}.host: no such host; known are {', '.join(sorted(hosts))}"
        )
    if name not in TABLES and step.path is None:
        raise FetchError(
            f"{path}: fetch.{name}: no table of a survey has this name; give path = where to put it"
        )
    if name in TABLES and name not in survey.tables:
        raise FetchError(
            f"{path}: fetch.{name}: the survey has no [tables.{name}] to say where the table goes"
        )


def _order(item: tuple[str, Step]) -> int:
    return {"targets": 0, SPECTRA: 2}.get(item[0], 1)
