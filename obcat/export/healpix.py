"""The sky of a release: a MOC of the cells that hold a star, and the rows in HEALPix cells as HATS
wants them.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from obcat.checksums import NoSums, notes_of
from obcat.export import NOT_REAL, Published, ReleaseError, read
from obcat.export.plain import described_rows
from obcat.files import publishing_folder, refusal

__all__ = ["write_catalog", "write_hats", "write_moc"]

KIND = "catalog of partitions"
FINEST = 29  # order that HATS keeps a row's cell at
MOC_ORDER = 6  # cells of 0.9 degrees
MOST = 500_000  # rows of a partition
GROUP = 65_536  # rows of a row group, which are in memory at a time
CELL = "_healpix_29"

Cells = NDArray[np.int64]


def _cells(catalog: Published, order: int) -> Cells:
    """(n,) the nested HEALPix cell of each row."""
    from astropy import units
    from astropy_healpix import HEALPix

    ra, dec = (catalog.rows[name].to_numpy() * units.deg for name in ("ra", "dec"))
    return HEALPix(2**order, order="nested").lonlat_to_healpix(ra, dec).astype(np.int64)


def write_moc(path: Path, catalog: Published) -> None:
    """Write the cells of 0.9 degrees that hold a star as a MOC (IVOA MOC 2.0, NUNIQ); four that
    make a larger one are that one.
    """
    from astropy.io import fits

    unique = [(4 ** (order + 1) + cells) for order, cells in _merged(_cells(catalog, MOC_ORDER))]
    rows = np.sort(np.concatenate([*unique, np.array([], np.int64)]))
    table = fits.BinTableHDU.from_columns([fits.Column("UNIQ", "K", array=rows)])
    table.header.update(
        MOCVERS="2.0", MOCDIM="SPACE", ORDERING="NUNIQ", COORDSYS="C", MOCORD_S=MOC_ORDER,
        MOCORDER=MOC_ORDER, MOCTOOL="obcat", MOCID=catalog.file, PIXTYPE="HEALPIX",
        OBCATFP=catalog.provenance.get("fingerprint", "")[:16],
        SIMULATD=catalog.simulated,
    )  # fmt: skip
    for sentence in (NOT_REAL if catalog.simulated else None, catalog.lent):
        if sentence:
            table.header.add_comment(sentence)
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path)


def _merged(cells: Cells) -> list[tuple[int, Cells]]:
    """(order, cells) from the finest, without those of which a larger cell is full."""
    found, left = [], np.unique(cells)
    for order in range(MOC_ORDER, 0, -1):
        parents, count = np.unique(left >> 2, return_counts=True)
        full = parents[count == 4]
        found.append((order, left[~np.isin(left >> 2, full)]))
        left = full
    return [*found, (0, left)]


def write_hats(folder: Path, catalog: Published) -> None:
    """Write the rows as a HATS catalog: a Parquet file for each cell of the sky, the cells so large
    that none holds too many rows. The same catalog gives the same bytes.
    """
    cells = _cells(catalog, FINEST)
    order = np.argsort(cells, kind="stable")  # rows are in the order of specid
    rows, field = described_rows(catalog), pa.field(CELL, pa.int64(), nullable=False)
    schema = rows.schema.insert(0, field)
    written, named = [], []
    (folder / "dataset").mkdir(parents=True)
    for level, cell in _partitions(cells[order]):
        inside = order[cells[order] >> 2 * (FINEST - level) == cell]
        name = f"Norder={level}/Dir={cell // 10_000 * 10_000}/Npix={cell}.parquet"
        parts = (
            rows.take(at).add_column(0, field, pa.array(cells[at]))
            for at in np.split(inside, range(GROUP, len(inside), GROUP))
        )
        written.append(_write_part(folder / "dataset", name, schema, parts))
        named.append((level, cell))
    pq.write_metadata(schema, folder / "dataset/_common_metadata")
    pq.write_metadata(schema, folder / "dataset/_metadata", metadata_collector=written)
    _write_words(folder, catalog, named)


def _partitions(cells: Cells) -> list[tuple[int, int]]:
    """(order, cell) of the largest cells that hold MOST rows or fewer; every row is in one."""
    found: list[tuple[int, int]] = []
    for order in range(FINEST + 1):
        at, count = np.unique(cells >> 2 * (FINEST - order), return_counts=True)
        small = at[(count <= MOST) | (order == FINEST)]
        found += [(order, int(cell)) for cell in small]
        cells = cells[~np.isin(cells >> 2 * (FINEST - order), small)]
    return found


def _write_part(
    folder: Path, name: str, schema: pa.Schema, parts: Iterable[pa.Table]
) -> pq.FileMetaData:
    """Write a file, a row group at a time."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    collected: list[pq.FileMetaData] = []
    with pq.ParquetWriter(
        path, schema, compression="zstd", write_page_checksum=True, metadata_collector=collected
    ) as file:
        for rows in parts:
            file.write_table(rows)
    collected[0].set_file_path(name)
    return collected[0]


def _write_words(folder: Path, catalog: Published, named: list[tuple[int, int]]) -> None:
    lines = ["Norder,Npix", *(f"{order},{cell}" for order, cell in named)]
    (folder / "partition_info.csv").write_text("\n".join(lines) + "\n", encoding="ascii")
    said = {
        "obs_collection": catalog.file,
        "obs_title": "SIMULATED hot stars" if catalog.simulated else "Hot stars",
        "dataproduct_type": "object",
        "hats_nrows": catalog.rows.num_rows,
        "hats_col_ra": "ra",
        "hats_col_dec": "dec",
        "hats_col_healpix": CELL,
        "hats_col_healpix_order": FINEST,
        "hats_max_rows": MOST,
        "hats_order": max((order for order, _ in named), default=0),
        "hats_npix_suffix": ".parquet",
        "hats_builder": f"obcat {catalog.provenance.get('obcat', '')}".strip(),
        "hats_version": "v0.1",
        **({"obcat_models_from": catalog.provenance["models_from"]} if catalog.lent else {}),
        "obcat_fingerprint": catalog.provenance.get("fingerprint", ""),
    }
    text = "".join(f"{name}={value}\n" for name, value in said.items())
    for name in ("hats.properties", "properties"):
        (folder / name).write_text(text, encoding="ascii")


def write_catalog(folder: Path, fingerprint: str) -> bool:
    """Write ``folder/catalog`` of ``folder/obcat.duckdb``: `catalog.ob_stars` as HATS; False where
    that of this ``fingerprint`` is there. Raises ReleaseError where the folder holds anything else.
    """
    place = folder / "catalog"
    try:
        if notes_of(place).get("fingerprint") == fingerprint:
            return False
    except NoSums:
        pass
    try:
        with publishing_folder(place, KIND, facts={"fingerprint": fingerprint}) as partial:
            write_hats(partial, read(folder / "obcat.duckdb"))
    except OSError as error:
        raise ReleaseError(refusal(place, error)) from error
    return True
