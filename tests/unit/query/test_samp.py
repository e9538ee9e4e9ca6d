"""SAMP with a hub of the test's own: a program gets the table, with units, UCDs and descriptions."""

import io
from pathlib import Path

import pytest
from astropy.table import Table
from click.testing import CliRunner
from pyvo.samp import SAMPHubServer, SAMPIntegratedClient
from release_rows import rows_of, store

import obcat
from obcat.cli import main
from obcat.query.formats import NotSent, send

pytestmark = pytest.mark.usefixtures("socket_enabled")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    lock = tmp_path / "hub"
    started = SAMPHubServer(lockfile=str(lock), web_profile=False, addr="127.0.0.1")
    started.start()
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{lock.as_uri()}")
    yield started
    started.stop()


class Program(SAMPIntegratedClient):
    """A program that loads tables, as TOPCAT does."""

    def __init__(self, name: str, answer: str = "samp.ok") -> None:
        super().__init__(name=name)
        self.loaded: list[tuple[str, bytes]] = []
        self.answer = answer
        self.connect()
        self.bind_receive_call("table.load.votable", self.load)

    def load(self, key, sender, message, mtype, params, extra) -> None:
        self.loaded.append(
            (params["name"], Path(params["url"].removeprefix("file://")).read_bytes())
        )
        reply = {"samp.status": self.answer, "samp.result": {}}
        self.reply(message, reply | {"samp.error": {"samp.errortxt": "too wide"}})


@pytest.fixture
def made(database) -> Path:
    store(database, rows_of(5))
    return database


def test_a_program_gets_the_table_and_what_its_columns_mean(hub, made):
    topcat, other = Program("TOPCAT"), Program("Aladin")
    query = "SELECT specid, dis, gaia_id FROM catalog.ob_stars ORDER BY specid"
    try:
        done = CliRunner().invoke(main, ["sql", str(made), "--trust", query, "--to", "topcat"])
        assert (done.exit_code, done.stderr) == (0, "TOPCAT has it\n")
        with obcat.open(made, trust=True) as catalog:
            assert catalog.send("topcat") == ["TOPCAT"]
    finally:
        topcat.disconnect()
        other.disconnect()
    (_, first), (name, whole) = topcat.loaded
    table = Table.read(io.BytesIO(first), format="votable")
    assert (len(table), str(table["dis"].unit)) == (5, "kpc")
    assert table["dis"].meta["ucd"] == "pos.distance"
    assert table["dis"].description
    assert name.startswith("obcat ")
    assert b'name="binary_flag"' in whole
    assert other.loaded == []


def test_what_stops_it_is_one_line(hub, made):
    with pytest.raises(
        NotSent, match="no program 'topcat' takes tables by SAMP now; there are: none"
    ):
        send(made, "SELECT 1 AS one", "topcat", "x")
    topcat = Program("TOPCAT", "samp.error")
    try:
        with pytest.raises(NotSent, match="TOPCAT: too wide"):
            send(made, "SELECT 1 AS one", "topcat", "x")
    finally:
        topcat.disconnect()
    hub.stop()
    with pytest.raises(NotSent, match="no SAMP hub is running"):
        send(made, "SELECT 1 AS one", "topcat", "x")
