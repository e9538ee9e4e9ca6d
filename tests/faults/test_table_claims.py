"""What a table claims or names and does not hold:
no reader follows it, or makes anything of its size.
"""

import base64
import resource
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from obcat.ingest.errors import IngestError
from obcat.ingest.tables.read import read_table

FIELDS = '<FIELD name="obsid" datatype="long"/><FIELD name="name" datatype="char" arraysize="*"/>'
TABLE = (
    '<?xml version="1.0"?><VOTABLE '
    'version="1.4"><RESOURCE><TABLE{}>{}<DATA>{}</DATA></TABLE></RESOURCE></VOTABLE>'
)
CELLS = "<TABLEDATA><TR><TD>5</TD><TD>k</TD></TR></TABLEDATA>"
SECONDS, MEGABYTES = 10, 400


def refused(path: Path, content: bytes | str) -> str:
    """The one line with which a file is refused, in little time and memory."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(IngestError) as caught:
        read_table(path)
    assert time.monotonic() - started < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEGABYTES * 1024
    assert str(caught.value).startswith(f"{path.name}: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@contextmanager
def host() -> Iterator[tuple[str, list[str]]]:
    """A web server on this machine, and what it is asked."""
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("form", ["BINARY", "BINARY2", "FITS", "PARQUET"])
@pytest.mark.parametrize("prefix", ["", "vot:"])
def test_no_stream_is_followed_to_a_file(form, prefix, tmp_path):
    (tmp_path / "secret").write_bytes(struct.pack(">qI", 5, 6) + b"secret")
    stream = (
        f'<{prefix}{form}><{prefix}STREAM\n encoding="none" '
        f'href="file://{tmp_path / "secret"}"/></{prefix}{form}>'
    )
    space = ' xmlns:vot="http://www.ivoa.net/xml/VOTable/v1.3"'
    said = refused(tmp_path / "t.vot", TABLE.format(space, FIELDS, stream))
    assert "its data are elsewhere (STREAM href='file://" in said


@pytest.mark.parametrize(
    "where", ["file:///dev/zero", "/dev/zero", "file:///dev/stdin", "ftp://localhost/x", "x.bin"]
)
def test_no_stream_is_followed_to_what_has_no_end(where, tmp_path):
    stream = f'<BINARY><STREAM xx=">" href="{where}"/></BINARY>'
    assert "no reference out of a file is followed" in refused(
        tmp_path / "t.vot", TABLE.format("", FIELDS, stream)
    )


@pytest.mark.enable_socket
def test_no_host_is_asked(tmp_path):
    with host() as (url, asked):
        stream = f'<BINARY2><STREAM href="{url}/inside?token"/></BINARY2>'
        refused(tmp_path / "t.vot", TABLE.format("", FIELDS, stream))
        dtd = f'<?xml version="1.0"?><!DOCTYPE VOTABLE SYSTEM "{url}/votable.dtd"><VOTABLE/>'
        refused(tmp_path / "d.vot", dtd)
    assert asked == []


@pytest.mark.parametrize(
    "dtd",
    [
        '<!DOCTYPE VOTABLE SYSTEM "votable.dtd">',
        '<!DOCTYPE VOTABLE [<!ATTLIST FIELD unit CDATA "arcsec">]>',
        "<!DOCTYPE VOTABLE>",
    ],
)
def test_document_types_are_refused_whole(dtd, tmp_path):
    content = TABLE.format("", FIELDS, CELLS).replace("?>", f"?>{dtd}", 1)
    assert "(a DTD)" in refused(tmp_path / "t.vot", content)


@pytest.mark.parametrize("nrows", ["2", "999999999", "99999999999999999999", "-1", "1e9"])
@pytest.mark.parametrize("data", ["cells", "stream"])
def test_rows_that_a_votable_claims_and_has_not(nrows, data, tmp_path):
    row = base64.b64encode(struct.pack(">qI", 5, 1) + b"k").decode()
    body = (
        CELLS if data == "cells" else f'<BINARY><STREAM encoding="base64">{row}</STREAM></BINARY>'
    )
    if data == "stream" and nrows == "2":
        nrows = "200"  # two rows might be there by their size
    said = refused(tmp_path / "t.vot", TABLE.format(f' nrows="{nrows}"', FIELDS, body))
    assert "rows and holds fewer" in said


def test_what_a_votable_claims_rightly_is_read(tmp_path):
    (tmp_path / "t.vot").write_text(TABLE.format(' nrows="1"', FIELDS, CELLS))
    assert read_table(tmp_path / "t.vot").table.to_pydict() == {"obsid": [5], "name": ["k"]}


@pytest.mark.parametrize("size", ["2000000000", "50000x50000", "99999999999999999999"])
def test_widths_that_a_votable_claims(size, tmp_path):
    fields = FIELDS.replace('arraysize="*"', f'arraysize="{size}"')
    assert "column 'name' has arraysize" in refused(
        tmp_path / "t.vot", TABLE.format("", fields, CELLS)
    )


@pytest.mark.parametrize("tag", ["RESOURCE", "GROUP", "OPTION"])
def test_nesting_without_end(tag, tmp_path):
    content = f"<VOTABLE>{f'<{tag}>' * 100_000}{f'</{tag}>' * 100_000}</VOTABLE>"
    assert "deep within each other" in refused(tmp_path / "t.vot", content)


def test_columns_without_end(tmp_path):
    fields = "".join(f'<FIELD name="x{i}" datatype="int"/>' for i in range(30_000))
    assert "30,000 columns" in refused(tmp_path / "t.vot", TABLE.format("", fields, CELLS))


def whole_fits() -> bytes:
    columns = [
        fits.Column("obsid", "K", array=np.arange(9)),
        fits.Column("teff", "D", array=np.full(9, 1e4)),
    ]
    hdu = fits.BinTableHDU.from_columns(columns)
    body = hdu.data.tobytes()
    return (
        fits.PrimaryHDU().header.tostring().encode()
        + hdu.header.tostring().encode()
        + body.ljust(2880, b"\0")
    )


@pytest.mark.parametrize("keyword", ["TFIELDS", "NAXIS1", "NAXIS2", "PCOUNT", "GCOUNT", "NAXIS"])
@pytest.mark.parametrize("claim", ["99999999999999999999", "2147483647", "-1", "100000"])
def test_sizes_that_a_fits_header_claims(keyword, claim, tmp_path):
    data = whole_fits()
    at = data.index(f"{keyword:<8}=".encode(), 2880)
    content = data[: at + 10] + claim.rjust(20).encode() + data[at + 30 :]
    assert "damaged FITS" in refused(tmp_path / "t.fits", content)


def test_a_fits_header_without_end_or_with_rows_of_nothing(tmp_path):
    endless = (
        whole_fits()[:2880] + b"XTENSION= 'BINTABLE'".ljust(80) + b"COMMENT ".ljust(80) * 50_000
    )
    assert "damaged FITS" in refused(tmp_path / "t.fits", endless)
    data = whole_fits().replace(
        b"NAXIS1  =                   16", b"NAXIS1  =                    0"
    )
    data = data.replace(b"NAXIS2  =                    9", b"NAXIS2  =                 5000")
    assert "damaged FITS" in refused(tmp_path / "u.fits", data)


def test_columns_wider_than_the_rows(tmp_path):
    assert "damaged FITS" in refused(
        tmp_path / "t.fits", whole_fits().replace(b"= 'D       '", b"= '999999D'")
    )


def test_gzip_bombs(tmp_path):
    import gzip

    header = b"source_id,ra,dec\n"
    assert "larger than" in refused(
        tmp_path / "t.csv.gz", gzip.compress(header + b"\n" * 300_000_000, 9)
    )


def test_rows_that_parquet_claims(tmp_path):
    import io

    out = io.BytesIO()
    column = pa.repeat(pa.scalar(None, pa.int64()), 20_000_000)
    table = pa.Table.from_arrays([column] * 10, [f"x{i}" for i in range(10)])
    pq.write_table(table, out, compression="zstd")
    del table, column
    assert "its header claims 20,000,000 rows" in refused(tmp_path / "t.parquet", out.getvalue())


@pytest.mark.parametrize("depth", [50_000])
def test_yaml_that_nests_without_end(depth, tmp_path):
    content = f"# %ECSV 1.0\n# ---\n# datatype: {'[' * depth}\na b\n1 2\n"
    assert "damaged ECSV header" in refused(tmp_path / "t.ecsv", content)
