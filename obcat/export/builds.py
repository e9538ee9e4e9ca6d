"""Of which build is a file of a release? Most of its files carry the fingerprint of what they were made from."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import duckdb

from obcat import db

__all__ = ["build_of", "digests_of"]

HEAD = 1 << 18  # bytes
JSON_LIMIT = 1 << 26  # bytes
DATABASE = "SELECT value FROM obcat.meta.provenance WHERE item = 'fingerprint'"
TABLES = "SELECT count(*) FROM system.main.duckdb_tables() WHERE (schema_name, table_name) = ('meta', 'provenance')"


def build_of(path: Path) -> str | None:
    """The fingerprint that a file states, at least its first 16 digits; None where it states none."""
    reader = READERS.get(path.name) or READERS.get(path.suffix)
    return reader(path) if reader else None


def digests_of(provenance: Path) -> dict[str, str]:
    """Name -> checksum of the files of the release that state no build, by its provenance.json, if it is there."""
    found = _loaded(provenance.read_bytes()[:JSON_LIMIT]) if provenance.is_file() else {}
    files = found.get("files")
    return {name: str(stated) for name, stated in files.items()} if isinstance(files, dict) else {}


def _in_head(pattern: str) -> Callable[[Path], str | None]:
    def read(path: Path) -> str | None:
        with path.open("rb") as f:
            found = re.search(pattern.encode("ascii"), f.read(HEAD))
        return found[1].decode("ascii") if found else None

    return read


def _of_parquet(path: Path) -> str | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = (pq.read_metadata(path).metadata or {}).get(b"obcat.fingerprint")
    except (pa.ArrowException, OSError):
        return None
    return found.decode("ascii", errors="replace") if found else None


def _of_models(path: Path) -> str | None:
    """The head of a safetensors file is JSON that holds our JSON; eight bytes before it say how long it is."""
    with path.open("rb") as f:
        size = int.from_bytes(f.read(8), "little")
        head = _loaded(f.read(min(size, JSON_LIMIT)))
    inner = head.get("__metadata__", {})
    return _loaded(inner.get("obcat", "") if isinstance(inner, dict) else "").get("fingerprint")


def _of_json(path: Path) -> str | None:
    return _loaded(path.read_bytes()[:JSON_LIMIT]).get("fingerprint")


def _loaded(text: str | bytes) -> dict:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _of_database(path: Path) -> str | None:
    """Only a table is read, and nothing outside of the file."""
    try:
        with db.connect(path, read_only=True) as con:
            tables = con.execute(TABLES).fetchall()[0][0]
            found = con.execute(DATABASE).fetchall() if tables else []
    except duckdb.Error:
        return None
    return found[0][0] if found else None


READERS: dict[str, Callable[[Path], str | None]] = {
    ".fits": _in_head(r"OBCATFP = '([0-9a-z]+) *'"),
    ".vot": _in_head(r'<INFO name="fingerprint" value="([^"]+)"/>'),
    "ReadMe": _in_head(r"fingerprint\s+([0-9a-z]+)\."),
    "CITATION": _in_head(r"fingerprint\s+([0-9a-z]+)\."),
    ".parquet": _of_parquet,
    ".safetensors": _of_models,
    "provenance.json": _of_json,
    ".duckdb": _of_database,
}
