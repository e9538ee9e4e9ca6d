"""A world of six stars: archives on loopback, and a survey file that names them;
nothing else can be reached.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from obcat.ingest.fetch import recipe
from tests.fetch.archives import Archives, hosts_of, serving
from tests.fetch.world import LOOPBACK, World, archives

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.allow_hosts([LOOPBACK]))


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[Archives, str]]:
    made = archives()
    with serving(made) as url:
        yield made, url


@pytest.fixture
def world(served, tmp_path, monkeypatch) -> World:
    made, url = served
    made.reset()
    made.jobs.clear()
    assert recipe.HOSTS.keys() <= hosts_of(url).keys()  # or it would reach out
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert os.environ.get("LAMOST_TOKEN") is None
    return World(made, url, tmp_path)
