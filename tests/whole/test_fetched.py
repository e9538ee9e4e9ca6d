"""A survey fetched from the archives on loopback, killed three times on the way, gives the catalog
of the local files.

The survey file is the shipped one; only its name, the number of rows published, and where XSTPS-GAC
comes from differ. It costs about as much as one small build: 180 stars, 260 spectra, five starts of
the command. CI runs it again with OBCAT_TEST_STARS=2000.
"""

import random
import re
import signal
import subprocess
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from obcat.ingest.fetch.recipe import HOSTS
from tests.fetch.archives import Archives, hosts_of, serving
from tests.fetch.simulated import archives_of
from tests.whole.small import OBCAT, PARAMETERS, ROOT, Made, built, copy_build, environment, loaded

pytestmark = [pytest.mark.slow, pytest.mark.allow_hosts(["127.0.0.1"])]
SHIPPED = ROOT / "surveys" / "lamost-dr5-ob.toml"
LIMITS = "[fetch.limits]\npoll_first = 0.02\nbackoff = 0.01\nchunk = 100\n"


@pytest.fixture(scope="module")
def archives(files, first) -> Archives:
    return archives_of(files, pq.read_table(first.folder / "raw" / "headers.parquet"))


def shipped(path: Path, files: Path, url: str) -> Path:
    """The shipped survey file for a simulated sky, which has no published catalog,
    and XSTPS-GAC for everybody.
    """
    rows = len((files / "targets.csv").read_text().splitlines()) - 1
    text = SHIPPED.read_text(encoding="utf-8")
    parameters = "\n".join(f"{name} = {value}" for name, value in PARAMETERS.items())
    for old, new in (
        ('name = "lamost-dr5-ob"', 'name = "small"\nsimulated = true'),
        ("rows = 22901", f"rows = {rows}"),
        (re.search(r"\[fetch.published\][^\[]*", text)[0], ""),
        (re.search(r"header_mag_error.*", text)[0], parameters),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    xstps = f'[tables.xstps]\npath = "{files / "xstps.csv"}"\n'
    hosts = hosts_of(url)
    assert HOSTS.keys() <= hosts.keys()  # or it would reach out
    lines = "\n".join(f'{name} = "{host}"' for name, host in hosts.items())
    path.write_text(f"{text}\n{LIMITS}\n[fetch.hosts]\n{lines}\n{xstps}", encoding="utf-8")
    return path


def started(toml: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*OBCAT, "fetch", str(toml)], stderr=subprocess.PIPE, text=True, env=environment()
    )


def killed_at(process: subprocess.Popen[str], archives: Archives, requests: int) -> None:
    while process.poll() is None and len(archives.asked) < requests:
        time.sleep(0.002)
    process.kill()
    _, said = process.communicate()
    assert process.returncode == -signal.SIGKILL, said


def test_fetched_and_killed_three_times(
    first: Made, files: Path, archives: Archives, tmp_path: Path
):
    spectra = len(archives.spectra) // 2
    with serving(archives) as url:
        toml = shipped(tmp_path / "survey.toml", files, url)
        for moment in sorted(random.Random(5).sample(range(5, spectra), 3)):
            killed_at(started(toml), archives, moment)
        last = started(toml)
        _, said = last.communicate(timeout=120)
        assert last.returncode == 0, said
        asked = len(archives.asked)
        again = started(toml)
        _, said = again.communicate(timeout=120)
        assert (again.returncode, len(archives.asked)) == (0, asked), said
    assert not list(tmp_path.rglob("*.part"))
    copy_build(first, tmp_path / "small", "models")
    made = catalog(toml, tmp_path)
    assert made.csv == first.csv


def catalog(toml: Path, root: Path) -> Made:
    from obcat.ingest.survey import ingest

    ingest(loaded(toml), root / "small" / "raw", workers=1)
    return built(toml, root / "small")
