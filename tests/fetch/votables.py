"""VOTables and UWS documents as archives write them, and uploads as they read them."""

import io
import re
from xml.sax.saxutils import escape, quoteattr

import pyarrow as pa
from astropy.io import votable

TYPES = {
    "int64": "long", "int32": "int", "int16": "short", "double": "double", "float": "float",
    "bool": "boolean", }  # fmt: skip
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<VOTABLE version="1.4" '
    'xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
    '<RESOURCE type="results">\n<INFO name="QUERY_STATUS" value="OK"/>\n'
)
OVERFLOW = '<INFO name="QUERY_STATUS" value="OVERFLOW"/>'


def votable_of(
    table: pa.Table, units: dict[str, str] | None = None, *, overflow: bool = False
) -> bytes:
    fields = "".join(field(f, (units or {}).get(f.name, "")) for f in table.schema)
    columns = [[cell(v) for v in table[name].to_pylist()] for name in table.column_names]
    rows = "\n".join(f"<TR>{''.join(row)}</TR>" for row in zip(*columns, strict=True))
    end = f"</TABLEDATA></DATA></TABLE>{OVERFLOW if overflow else ''}</RESOURCE></VOTABLE>\n"
    return f"{HEAD}<TABLE name='result'>{fields}<DATA><TABLEDATA>\n{rows}\n{end}".encode()


def field(f: pa.Field, unit: str) -> str:
    kind = TYPES.get(str(f.type))
    types = f'datatype="{kind}"' if kind else 'datatype="char" arraysize="*"'
    identifier = re.sub(r"\W", "_", f.name)
    return (
        f"<FIELD ID={quoteattr('c_' + identifier)} name={quoteattr(f.name)} {types} "
        f"unit={quoteattr(unit)}/>"
    )


def cell(value: object) -> str:
    return "<TD/>" if value is None or value != value else f"<TD>{escape(str(value))}</TD>"


def error_document(message: str) -> bytes:
    return (
        '<?xml version="1.0"?><VOTABLE version="1.4" '
        'xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE '
        'type="results"><INFO name="QUERY_STATUS" '
        f'value="ERROR">{escape(message)}</INFO></RESOURCE></VOTABLE>'
    ).encode()


def table_of(document: bytes) -> pa.Table:
    """An upload; its strings and numbers as they came."""
    return pa.table({f.name: a for f, a in arrays(votable.parse(io.BytesIO(document)))})


def arrays(document):
    table = document.get_first_table()
    return [(f, pa.array(table.array[f.ID].filled())) for f in table.fields]


def job_document(job_id: str, phase: str, message: str = "") -> bytes:
    """A UWS 1.1 job; it has a result when it is COMPLETED."""
    results = (
        f'<uws:result id="result" xlink:href="/tap/async/{job_id}/results/result"/>'
        if phase == "COMPLETED"
        else ""
    )
    error = (
        '<uws:errorSummary type="fatal" '
        f'hasDetail="false"><uws:message>{escape(message)}</uws:message>'
        if message
        else ""
    )
    return (
        '<?xml version="1.0"?><uws:job xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" version="1.1" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink"><uws:jobId>{job_id}</uws:jobId><uws:phase>{phase}</uws:phase>'
        "<uws:executionDuration>0</uws:executionDuration><uws:parameters/>"
        f"<uws:results>{results}</uws:results>{error + '</uws:errorSummary>' if error else ''}</uws:job>"
    ).encode()


def parts_of(body: bytes, content_type: str) -> dict[str, bytes]:
    """The parts of multipart/form-data by name, split by hand:
    a boundary may hold characters that email refuses.
    """
    boundary = re.search(r'boundary="?([^";]+)"?', content_type)
    assert boundary
    found = {}
    for part in body.split(b"--" + boundary[1].encode())[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]+)"', head)
        assert name
        found[name[1].decode()] = content.removesuffix(b"\r\n")
    return found
