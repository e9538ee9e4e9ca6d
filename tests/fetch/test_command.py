"""The command: its plan, its errors, and that nothing of it reaches out before it is asked to,
or beyond loopback.
"""

import subprocess
import sys
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner
from pytest_socket import SocketConnectBlockedError

from obcat.cli import main
from obcat.ingest.fetch.archives import count_query, output_names
from obcat.ingest.fetch.ledger import publish
from obcat.ingest.fetch.web import redacted
from tests.fetch.world import N_STARS, QUERY, fakes, status

ROOT = Path(__file__).parents[2]
SURVEYS = sorted(
    path
    for path in (ROOT / "surveys").glob("*.toml")
    if "[fetch." in path.read_text(encoding="utf-8")
)
OFFLINE = """
import socket, sys
def refuse(*given):
    raise SystemExit("a socket was opened")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
import importlib, pkgutil
import obcat.ingest.fetch
for module in pkgutil.iter_modules(obcat.ingest.fetch.__path__):
    importlib.import_module(f"obcat.ingest.fetch.{module.name}")
assert not {"astroquery", "pyvo", "astropy_healpix"} & set(sys.modules), sys.modules.keys()
"""


def run(*arguments: str | Path):
    return CliRunner().invoke(main, ["fetch", *map(str, arguments)], catch_exceptions=False)


def test_nothing_but_loopback_can_be_reached():
    with pytest.warns(UserWarning, match=r"192\.0\.2\.1"), pytest.raises(SocketConnectBlockedError):
        requests.get("http://192.0.2.1/", timeout=1)


def test_importing_contacts_nobody_and_prints_nothing():
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.disable_socket
@pytest.mark.parametrize("path", SURVEYS, ids=lambda path: path.stem)
def test_the_plan_of_every_survey_is_printed_without_asking_anybody(path, tmp_path):
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    done = run(copy, "--dry-run")
    assert done.exit_code == 0, done.output
    assert "to download: " in done.output
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name]


def test_the_plan_of_dr5(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    said = run("lamost-dr5-ob", "--dry-run").output
    for text in (
        "22,901 spectra of 16,032 stars", "J/ApJS/241/32/table3", "rows expected: 22,901", "gaiadr2.gaia_source",
        "SELECT COUNT(*) AS n FROM tap_upload.stars", "gaiadr2.ruwe", "tmass_best_neighbour", "vizier:II/246/out",
        "vizier:II/336/apass9", "J/A+A/662/A66", "J/ApJS/253/22", "http://dr5.lamost.org/v3/sas/fits/{night}/{planid}",
        "9 jobs of at most 2,000", "gea.esac.esa.int", "22,901 spectra of 45,000 bytes",
    ):  # fmt: skip
        assert text in said, text


def test_the_plan_knows_the_list_once_it_is_there(world):
    world.fetch("targets")
    asked = len(world.archives.asked)
    done = run(world.folder / "world.toml", "--dry-run", "--limit", "3")
    assert "3 spectra of 3 stars (read from targets.vot)" in done.output
    assert (
        f"{len(fakes())} spectra of {N_STARS} stars"
        in run(world.folder / "world.toml", "--dry-run").output
    )
    assert len(world.archives.asked) == asked


def test_a_name_is_a_survey_of_the_package(tmp_path, monkeypatch):
    """Outside of a checkout the package's own file is copied to surveys/,
    where its data will be.
    """
    monkeypatch.chdir(tmp_path)
    assert run("lamost-dr5-ob", "--dry-run").exit_code == 0
    assert (tmp_path / "surveys" / "lamost-dr5-ob.toml").read_bytes() == (
        ROOT / "surveys/lamost-dr5-ob.toml"
    ).read_bytes()
    done = run("lamost-dr99", "--dry-run")
    assert done.exit_code == 2
    assert (
        done.output
        == "Error: lamost-dr99: no such file, nor surveys/lamost-dr99.toml; give a survey's "
        "TOML file\n"
    )


WRONG = {
    "nothing": ("", "no section [fetch.…]"),
    "from": (
        '[fetch.targets]\nfrom = "vizir"\ntable = "x"',
        "fetch.targets: Invalid value 'vizir'",
    ),
    "key": (
        '[fetch.targets]\nfrom = "vizier"\ntabel = "x"',
        "fetch.targets: Object contains unknown field `tabel`",
    ),
    "host": (
        '[fetch.gaia_dr2]\nfrom = "tap"\nhost = "giaa"\nquery = "x"',
        "fetch.gaia_dr2.host: no such host",
    ),
    "name": (
        '[fetch.other]\nfrom = "vizier"\ntable = "x"',
        "fetch.other: no table of a survey has this name",
    ),
    "spectra": (
        '[fetch.spectra]\nfrom = "vizier"\ntable = "x"',
        'fetch.spectra: spectra come from = "lamost"',
    ),
    "limit": (
        '[fetch.limits]\nworkers = "2"\n[fetch.targets]\nfrom="vizier"\ntable="x"',
        "fetch.limits: Expected `int`",
    ),
}


@pytest.mark.parametrize("fault", WRONG)
def test_faults_of_the_file(tmp_path, fault):
    text, said = WRONG[fault]
    path = tmp_path / "s.toml"
    path.write_text(f'name = "s"\n{text}\n')
    done = run(path, "--dry-run")
    assert done.exit_code == 2
    assert done.output.startswith(f"Error: {path}: ")
    assert said in done.output


def test_a_step_for_a_table_that_the_survey_does_not_name(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text('name = "s"\n[fetch.apass]\nfrom = "xmatch"\ntable = "x"\nradius = 3\n')
    assert "fetch.apass: the survey has no [tables.apass]" in run(path).output


def test_a_file_of_the_users_that_is_not_there(world):
    world.fetch("apass")
    path = world.folder / "world.toml"
    path.write_text(path.read_text() + '[tables.xstps]\npath = "xstps.csv"\n')
    done = run(path)
    assert done.exit_code == 1
    assert (
        f"missing: xstps table: no file {world.folder / 'xstps.csv'}: give it, or take "
        "[tables.xstps] out" in done.output
    )


def test_two_at_once_are_refused(world):
    from obcat.machine import locked

    world.survey("targets")
    with locked(world.data):
        assert (
            "another obcat command is using this folder" in run(world.folder / "world.toml").output
        )


def test_a_damaged_ledger_is_named(world):
    world.fetch("apass")
    (world.data / "downloads.duckdb").write_bytes(b"nothing of the kind")
    done = run(world.folder / "world.toml")
    assert done.exit_code == 2
    assert "downloads.duckdb: " in done.output
    assert "move it away" in done.output


def test_counting_keeps_the_from():
    counted = count_query("SELECT a.x, (SELECT max(b.y) FROM b) AS y FROM t AS a\nWHERE a.x > 1")
    assert counted == "SELECT COUNT(*) AS n FROM t AS a\nWHERE a.x > 1"


def test_names_of_what_is_selected():
    assert output_names(QUERY) == {
        "star_id", "source_id", "ra", "dec", "parallax", "parallax_error", "phot_g_mean_mag",
        "ruwe", "sep", }  # fmt: skip


def test_the_docs_say_what_the_plan_prints(monkeypatch):
    monkeypatch.chdir(ROOT)
    text = (ROOT / "docs" / "fetch.md").read_text(encoding="utf-8")
    totals = run("lamost-dr5-ob", "--dry-run").output.splitlines()[-3:]
    assert "\n".join(totals) in text
    from obcat.ingest.fetch.recipe import Limits

    limits = Limits()
    assert (limits.chunk, limits.workers, limits.tries, limits.give_up) == (
        2000,
        3,
        5,
        20,
    )  # as the docs say


def test_a_table_of_a_part_never_stands_for_the_whole(world):
    """A try with a few stars, then the whole list while the archive is down:
    the old table does not keep the name.
    """
    assert world.fetch("gaia_dr2", options=("--limit", "2")).exit_code == 0
    world.hook("POST /tap/async", status(503), -1)
    assert world.fetch("gaia_dr2").exit_code == 1
    assert "gaia_dr2.parquet" not in world.contents()
    assert "gaia_dr2.parquet.old" in world.contents()


def test_a_file_is_whole_or_not_there(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        publish(tmp_path / "a.fits", b"half of it")
    assert [path.name for path in tmp_path.iterdir()] == []


def test_a_list_without_positions_is_enough_for_spectra_alone(world):
    world.columns = "specid"
    assert world.fetch("spectra").exit_code == 0
    done = world.fetch("spectra", "apass")
    assert done.exit_code == 2
    assert (
        done.output
        == "Error: tables.targets: the list of targets has no positions (ra, dec) to ask other "
        "archives for\n"
    )


def test_secrets_are_taken_out():
    assert redacted("http://h/x?token=abc&y=1 password=q") == "http://h/x?token=…&y=1 password=…"
