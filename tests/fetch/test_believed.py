"""What is not believed: documents that reach out of themselves, text that commands a terminal,
what was right once.
"""

import json
import re
import unicodedata

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from obcat.errors import one_line
from obcat.ingest.errors import Failed, FetchError
from obcat.ingest.fetch import spectra, tables
from obcat.ingest.fetch.star_tables import table_of
from tests.fetch.hosts import hosting, whole
from tests.fetch.votables import votable_of
from tests.fetch.world import N_STARS, World, fakes, html, instead, obsid_of
from tests.lamost_files import Fake

LIST = {"ObsID": [7], "specid": ["55863-X-01-001"], "RAJ2000": [105.0], "DEJ2000": [20.0]}
RIGHT = votable_of(pa.table(LIST), {"RAJ2000": "deg", "DEJ2000": "deg"})
TABLE = RIGHT[RIGHT.index(b"<TABLE") : RIGHT.index(b"</RESOURCE>")]
DATA = re.compile(rb"<TABLEDATA>.*</TABLEDATA>", re.DOTALL)


def streamed(stream: str) -> bytes:
    return DATA.sub(f"<BINARY2>{stream}</BINARY2>".encode(), RIGHT)


def declaring(doctype: str, encoding: str = "utf-8") -> bytes:
    text = RIGHT.decode().replace("UTF-8", encoding).replace("<VOTABLE", f"{doctype}<VOTABLE", 1)
    return text.encode(encoding)


def documents(outside: str) -> dict[str, bytes]:
    """Each would be read by a parser that trusts it;
    ``outside`` is a host that must never be asked.
    """
    deep = RIGHT.replace(b"<RESOURCE", b"<RESOURCE>" * 9000 + b"<RESOURCE", 1)
    return {
        "a file": streamed('<STREAM href="file:///etc/hostname"/>'),
        "a device": streamed('<STREAM href="file:///dev/zero"/>'),
        "a host": streamed(f'<STREAM href="{outside}/data"/>'),
        "a host, packed": streamed(f'<STREAM encoding="gzip" href="{outside}/data"/>'),
        "packed": streamed('<STREAM encoding="gzip">AAAA</STREAM>'),
        "a host by another name": streamed(
            f'<v:STREAM xmlns:v="http://www.ivoa.net/xml/v" href="{outside}/"/>'
        ),
        "a FITS file elsewhere": DATA.sub(
            f'<FITS><STREAM href="{outside}/x.fits"/></FITS>'.encode(), RIGHT
        ),
        "a DTD": declaring("<!DOCTYPE VOTABLE>"),
        "a DTD elsewhere": declaring(f'<!DOCTYPE VOTABLE SYSTEM "{outside}/votable.dtd">'),
        "a default attribute": declaring(
            '<!DOCTYPE VOTABLE [<!ATTLIST FIELD unit CDATA "arcsec">]>'
        ),
        "an entity": declaring('<!DOCTYPE VOTABLE [<!ENTITY x SYSTEM "file:///etc/hostname">]>'),
        "an entity in UTF-16": declaring('<!DOCTYPE VOTABLE [<!ENTITY x "y">]>', "utf-16"),
        "a DTD in UTF-16": declaring("<!DOCTYPE VOTABLE>", "utf-16"),
        "elements without end": deep.replace(b"</VOTABLE>", b"</RESOURCE>" * 9000 + b"</VOTABLE>"),
        "rows that are not there": RIGHT.replace(b"<TABLE ", b'<TABLE nrows="2000000000" '),
        "a row that is not there": RIGHT.replace(b"<TABLE ", b'<TABLE nrows="2" '),
        "fewer rows": RIGHT.replace(b"<TABLE ", b'<TABLE nrows="0" '),
        "rows below none": RIGHT.replace(b"<TABLE ", b'<TABLE nrows="-1" '),
        "a wide cell": RIGHT.replace(
            b'datatype="double"', b'datatype="double" arraysize="300000000"', 1
        ),
        "a wider cell": RIGHT.replace(
            b'datatype="double"', b'datatype="double" arraysize="99999x99999x9"', 1
        ),
        "no end": RIGHT.replace(b"</RESOURCE>", b""),
        "two documents": RIGHT + RIGHT,
        "a table too many": RIGHT.replace(b"</RESOURCE>", TABLE + b"</RESOURCE>"),
        "no type": RIGHT.replace(b'datatype="double"', b"", 1),
        "a cell too few": RIGHT.replace(b"<TD>20.0</TD>", b""),
        "a cell too many": RIGHT.replace(b"<TD>20.0</TD>", b"<TD>20.0</TD><TD>1</TD>"),
        "an unknown type": RIGHT.replace(b'datatype="double"', b'datatype="triple"', 1),
        "text for a number": RIGHT.replace(b"<TD>105.0</TD>", b"<TD>about 105</TD>"),
        "a number for Python alone": RIGHT.replace(b"<TD>105.0</TD>", b"<TD>105_0</TD>"),
        "an integer for Python alone": RIGHT.replace(b"<TD>7</TD>", b"<TD>7_0</TD>"),
        "digits of another script": RIGHT.replace(
            b"<TD>7</TD>", "<TD>\N{DEVANAGARI DIGIT SEVEN}</TD>".encode()
        ),
        "an empty integer": RIGHT.replace(b"<TD>7</TD>", b"<TD>e</TD>"),
    }


def test_the_document_without_a_fault():
    assert table_of(RIGHT, "here")[0].to_pydict() == LIST


@pytest.mark.parametrize("fault", documents(""))
def test_a_document_that_is_refused(fault):
    with hosting(whole(b"inside")) as host, pytest.raises(Failed) as refused:
        table_of(documents(host.url)[fault], "here")
    assert refused.value.reason == "damaged"
    assert not host.asked


@pytest.mark.parametrize(
    "fault", ["a file", "a host", "a DTD", "rows that are not there", "elements without end"]
)
def test_nothing_of_it_reaches_the_disk(world, fault):
    with hosting(whole(b"inside")) as host:
        world.hook("viz-bin", instead(documents(host.url)[fault]), -1)
        done = world.fetch("targets", targets={"rows": 1})
        assert not host.asked
    assert done.output.splitlines()[-1].startswith("Error: targets: damaged: ")
    assert not world.contents()


@pytest.mark.parametrize("pattern", [r"GET /tap/async/\d+$", "/tap/sync"])
def test_a_document_of_a_job_that_declares_entities(world, pattern):
    world.hook(
        pattern,
        lambda reply: instead(reply.body.replace(b"?>", b'?><!DOCTYPE a [<!ENTITY x "y">]>', 1))(
            reply
        ),
        -1,
    )
    assert "declares XML entities" in world.fetch("gaia_dr2").output


# ---- text

ESCAPES = "\x1b[31m\x1b]0;owned\x07 \x9b31m \u202eevil\u2066 \u200b\ufeff \r\n\x00\x7f\u2028"


def harmless(text: str) -> bool:
    return all(
        c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Zl", "Zp", "Cs") for c in text
    )


def test_what_a_terminal_would_obey_is_named():
    assert one_line("\x1b[31mred\x9b\u202e\ttab\r\n") == r"\x1b[31mred\x9b\u202e tab"
    assert one_line("5°, ‘quoted’, … é 星") == "5°, ‘quoted’, … é 星"
    assert harmless(one_line(ESCAPES))
    assert harmless(str(Failed("refused", ESCAPES)) + str(FetchError(ESCAPES)))


def error_of(text: str) -> bytes:
    return votable_of(pa.table({"a": [1]})).replace(
        b'value="OK"/>', b'value="ERROR">' + text.encode("utf-8", "surrogatepass") + b"</INFO>"
    )


SAID = (
    ESCAPES.replace("\x00", "").replace("\x1b", "").replace("\x07", "")
)  # what XML may hold, and what it may not
TOLD = {
    "list": ("viz-bin", "targets", error_of(ESCAPES)),
    "list, as XML": ("viz-bin", "targets", error_of(SAID)),
    "bytes": ("viz-bin", "targets", error_of("x").replace(b">x<", b">\x9b31m\xff\xfe\x1b[2J<")),
    "match": ("POST /xmatch", "apass", error_of(ESCAPES)),
    "count": ("/tap/sync", "gaia_dr2", error_of(ESCAPES)),
    "result": ("results/result", "gaia_dr2", error_of(ESCAPES)),
    "column": ("results/result", "gaia_dr2", votable_of(pa.table({"star_id": [1],
    "\x9b31m\u202e": [1]}))), "unit": ("viz-bin", "targets",
    RIGHT.replace(b'unit="deg"', b'unit="\xc2\x9b31m"', 1)), }  # fmt: skip


@pytest.mark.parametrize("where", TOLD)
def test_text_of_an_archive_commands_no_terminal(world, where):
    pattern, step, body = TOLD[where]
    world.hook(pattern, instead(body), -1)
    done = world.fetch(step, targets={"rows": 1})
    assert done.exit_code in (1, 2)
    assert harmless(done.output), ascii(done.output)
    missing = world.data / "missing.tsv"
    assert not missing.exists() or harmless(missing.read_text().replace("\t", " "))
    assert harmless(
        json.dumps([row["reason"] or "" for row in world.ledger(step)], ensure_ascii=False)
    )


def test_a_job_that_says_why_with_escapes(world):
    def failed(job) -> str:
        job.message = "no such thing \x9b31m \u202e"
        return "ERROR"

    world.archives.fate = failed
    done = world.fetch("gaia_dr2")
    assert "job_failed: " in done.output
    assert harmless(done.output), ascii(done.output)


def test_names_of_a_list_command_no_terminal(world, monkeypatch):
    """The list is another's text too; its reader takes such a name for none today,
    and need not tomorrow.
    """
    monkeypatch.setattr(spectra, "_name", lambda row: f"{row['specid']}\x9b\u202e")
    done = world.fetch("spectra", spectra={"urls": ["{dr5}/id/no{obsid}"]})
    assert r"-011\x9b\u202e: not_found: " in done.output
    assert harmless(done.output), ascii(done.output)
    assert harmless((world.data / "missing.tsv").read_text().replace("\t", " "))


def test_a_status_line_with_escapes(world):
    with hosting(
        lambda line: line.send(b"HTTP/1.1 500 \x1b]0;owned\x07\x9b31m\r\nContent-Length: 0\r\n\r\n")
    ) as host:
        world.hosts = {"dr5": host.url}
        done = world.fetch("spectra", spectra={"urls": ["{dr5}/{obsid}"]})
    assert "HTTP 500" in done.output
    assert harmless(done.output)


# ---- what came wrong once


def test_parts_that_do_not_fit_together_are_asked_for_again(world):
    """One answer has another unit than the other:
    each is right by itself, and both stayed done for ever.
    """
    world.hook(
        "results/result", lambda r: instead(r.body.replace(b'unit="mas"', b'unit="arcsec"'))(r), 0
    )
    hook = world.archives.hooks[0]
    bodies = iter([0, 0, 0, 1])  # two counts, two answers: the last is other
    original = hook.change
    hook.times, hook.change = -1, lambda reply: original(reply) if next(bodies, 0) else reply
    done = world.fetch("gaia_dr2")
    assert "unusable: gaia_dr2: columns or units differ between two answers" in done.output
    world.archives.hooks.clear()
    done = world.fetch("gaia_dr2")
    assert done.exit_code == 0, done.output
    assert pq.read_table(world.data / "gaia_dr2.parquet").num_rows == N_STARS + 1


def test_another_number_of_rows_was_published_since(world):
    """The user corrects ``rows``: what is there has the old number."""
    world.archives.result = lambda table: table.slice(1)
    assert world.fetch("targets", targets={"rows": 7}).exit_code == 0
    world.archives.reset()
    done = world.fetch("targets")
    assert (done.exit_code, world.asked("viz-bin")) == (0, 1), done.output
    assert world.ledger("targets")[0]["rows"] == len(fakes())


@pytest.mark.parametrize(
    ("step", "pattern"),
    [("targets", "viz-bin"), ("apass", "POST /xmatch"), ("gaia_dr2", "results")],
)
def test_a_table_that_an_earlier_check_let_pass(world, monkeypatch, step, pattern):
    with monkeypatch.context() as patched:
        patched.setattr(tables, "_check_readable", lambda *given: None)
        world.archives.units_now |= dict.fromkeys(
            ("RAJ2000", "DEJ2000", "Vmag", "parallax"), "furlong"
        )
        world.fetch(step)  # of a list, nothing more can be done
        assert {row["status"] for row in world.ledger(step)} == {"done"}
    world.archives.reset()
    assert world.fetch(step).exit_code == 0
    assert world.asked(pattern)
    asked = len(world.archives.asked)
    assert world.fetch(step).exit_code == 0
    assert len(world.archives.asked) == asked


def test_a_spectrum_that_an_earlier_reader_let_pass(world: World, monkeypatch):
    """It did not compare the number: a list of obsids alone,
    and the file of another under one of them.
    """
    world.columns = "ObsID, RAJ2000, DEJ2000"
    urls = {"urls": ["{dr5}/id/{obsid}"]}
    path = f"lamost/id/{obsid_of(fakes()[0])}"
    world.hook(path, instead(Fake(spid=9, fiberid=99, seed=77, n=3820).packed()), -1)
    with monkeypatch.context() as patched:
        patched.setattr("obcat.ingest.fetch.CHECKS", "obcat 0.0.1 reader 0")
        patched.setattr(spectra, "_is", lambda spectrum, wanted: True)
        assert world.fetch("spectra", spectra=urls).exit_code == 0
    world.archives.reset()
    assert world.fetch("spectra", spectra=urls).exit_code == 0
    assert [request for request in world.archives.asked if "lamost" in request] == [f"GET /{path}"]
    world.archives.asked.clear()
    assert world.fetch("spectra", spectra=urls).exit_code == 0
    assert not world.archives.asked


def test_a_page_that_comes_once_is_not_the_answer_for_ever(world):
    world.hook("viz-bin|xmatch|tap/sync|lamost", html, -1)
    assert world.fetch("targets").exit_code == 2
    world.archives.hooks.clear()
    assert world.fetch("targets", "apass", "gaia_dr2", "spectra").exit_code == 0
