"""Everything a survey names, read into build/<survey>/raw; and what came of each table: its rows,
those that belong to a spectrum, our columns found and not found.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from obcat.ingest import lamost, tables
from obcat.ingest.errors import IngestError
from obcat.ingest.instruments import reader_of
from obcat.ingest.sources import SOURCES
from obcat.ingest.tables import store
from obcat.survey import TRAINING, Survey

__all__ = ["blocks", "ingest"]

NEAR = (
    10.0  # arcsec within which a row is counted as a spectrum's; whose it is, sql/30_sample decides
)
IDS = ("specid", "obsid", "fitsname")
GAIA = ("gaia_dr2", "gaia_dr3")
WITHOUT_STARS = ("zero_point",)
MAY_BE_EMPTY = ("xstps", "ps1", "apass")  # surveys of a part of the sky
ZERO_POINT = (
    "phot_g_mean_mag", "nu_eff_used_in_astrometry", "pseudocolour", "ecl_lat",
    "astrometric_params_solved",
)  # fmt: skip


class _Belonging(NamedTuple):
    """(rows,) whether a row belongs to a spectrum; (spectra,) whether a spectrum has a row."""

    rows: NDArray[np.bool_]
    spectra: NDArray[np.bool_]


def blocks(names: Iterable[str], raw: Path, *, allow_empty: bool = False) -> list[str]:
    """Lines about each of the tables ``names`` in ``raw``, after the spectra were read.

    A table that has rows, of which none belongs to a spectrum, stops with IngestError, and is taken
    back, so that no build uses it, unless ``allow_empty``.
    """
    lines, faults = [], []
    for name in (n for n in SOURCES if n in names):
        headers = raw / name / "headers.parquet" if name == TRAINING else raw / "headers.parquet"
        spectra = pq.ParquetFile(headers).read(columns=[*IDS, "ra", "dec"])
        table = _keys(raw / f"{name}.parquet")
        said = store.provenance(raw / f"{name}.parquet")
        found = _belonging(name, table, spectra, raw)
        lines += _block(name, said, found)
        given = said["counts"]["rows_read"] or name not in MAY_BE_EMPTY
        if spectra.num_rows and given and found is not None and not found.rows.any():
            faults.append((name, f"{said['file']}: {_why_none(name, table, spectra)}"))
    if faults and not allow_empty:
        for name, _ in faults:
            (raw / f"{name}.parquet").unlink()
        more = (
            f" (and so tables.{', tables.'.join(n for n, _ in faults[1:])})"
            if len(faults) > 1
            else ""
        )
        raise IngestError(
            f"tables.{faults[0][0]}: {faults[0][1]}{more}; or allow it with --allow-empty"
        )
    return lines


def _keys(path: Path) -> pa.Table:
    """The columns that say whose a row is."""
    file = pq.ParquetFile(path)
    return file.read(
        columns=[c for c in (*IDS, "source_id", "ra", "dec") if c in file.schema_arrow.names]
    )


def _belonging(name: str, table: pa.Table, spectra: pa.Table, raw: Path) -> _Belonging | None:
    """By identifiers, by the Gaia source near a spectrum, by position;
    None for a table that is of no stars.
    """
    if name in WITHOUT_STARS:
        return None
    found = _Belonging(np.zeros(table.num_rows, bool), np.zeros(spectra.num_rows, bool))
    for key in (k for k in IDS if k in table.column_names):
        found = _or(found, _alike(table[key], spectra[key]))
    if name not in (*GAIA, "targets", TRAINING) and "source_id" in table.column_names:
        for release in GAIA:
            gaia = _keys(raw / f"{release}.parquet")
            near = _near(gaia, spectra).rows
            rows = _in(table["source_id"], gaia["source_id"].filter(pa.array(near)))
            found = _or(found, _Belonging(rows, np.zeros(spectra.num_rows, bool)))
    return _or(found, _near(table, spectra)) if "ra" in table.column_names else found


def _or(a: _Belonging, b: _Belonging) -> _Belonging:
    return _Belonging(a.rows | b.rows, a.spectra | b.spectra)


def _alike(rows: pa.ChunkedArray, spectra: pa.ChunkedArray) -> _Belonging:
    return _Belonging(_in(rows, spectra), _in(spectra, rows))


def _in(values: pa.ChunkedArray, others: pa.ChunkedArray) -> NDArray[np.bool_]:
    known = pc.and_(pc.is_valid(values), pc.is_in(values, others.drop_null().combine_chunks()))
    return known.to_numpy()


def _near(table: pa.Table, spectra: pa.Table, radius: float = NEAR) -> _Belonging:
    from scipy.spatial import cKDTree

    (rows, row), (stars, star) = _along_the_sky(table), _along_the_sky(spectra)
    chord = 2 * np.sin(np.radians(radius / 3600) / 2)
    found = _Belonging(np.zeros(table.num_rows, bool), np.zeros(spectra.num_rows, bool))
    if len(rows) and len(stars):
        near = np.isfinite(cKDTree(stars).query(rows, distance_upper_bound=chord)[0])
        found.rows[row] = near
        if near.any():
            back = cKDTree(rows[near]).query(stars, distance_upper_bound=chord)[0]
            found.spectra[star] = np.isfinite(back)
    return found


def _along_the_sky(table: pa.Table) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Unit vectors (n, 3) of the positions of a table, and their rows (n,), strip by strip: what
    is asked for one after another then lies together in memory, which takes less time.
    """
    ra, dec = (table[c].to_numpy().astype(float) for c in ("ra", "dec"))
    there = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
    along = there[np.lexsort((ra[there], np.floor(2 * dec[there])))]
    return tables.unit_vectors(ra[along], dec[along]), along


def _why_none(name: str, table: pa.Table, spectra: pa.Table) -> str:
    """What would have to be otherwise for rows to belong to spectra."""
    if not table.num_rows:
        return "has no rows"
    keys = [
        k
        for k in (*IDS, "source_id", "ra")
        if k in table.column_names and table[k].null_count < table.num_rows
    ]
    by = ", ".join("position" if k == "ra" else k for k in keys)
    said = (
        f"none of its {table.num_rows:,} rows belongs to a spectrum (tried "
        f"{by or 'nothing: no row says which'})"
    )
    if "ra" in keys:
        ra, dec = (table[c].to_numpy() for c in ("ra", "dec"))
        others: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {
            'right ascension is in hours: columns = { ra = "theirs [hourangle]" }': (ra * 15, dec),
            'they are in radians: columns = { ra = "theirs [rad]", dec = "theirs [rad]" }': (
                np.degrees(ra),
                np.degrees(dec),
            ),
            "right ascension and declination are exchanged": (dec, ra),
        }
        others |= {f"positions are {frame}; give ICRS": p for frame, p in _of_frames(ra, dec)}
        for what, (x, y) in others.items():
            if _near(pa.table({"ra": x, "dec": y}), spectra).rows.any():
                return f"{said}: {what}"
    if name == "targets" and keys == ["source_id"]:
        return (
            f"{said}: a Gaia source alone names no spectrum; give specid, obsid, fitsname "
            "or position"
        )
    return f"{said}; is it the table of this survey?"


def _of_frames(
    ra: NDArray[np.float64], dec: NDArray[np.float64]
) -> Iterator[tuple[str, tuple[NDArray[np.float64], NDArray[np.float64]]]]:
    """ICRS positions, (n,) degrees each, if the given ones were of another frame."""
    from astropy import units as u
    from astropy.coordinates import FK4, FK5, Galactic, SkyCoord

    there = (np.abs(dec) <= 90) & np.isfinite(ra)
    frames = {"galactic": Galactic(), "of equinox B1950": FK4(equinox="B1950")}
    for name, frame in (frames | {"of the equinox of date": FK5(equinox="J2015")}).items():
        icrs = SkyCoord(ra[there] * u.deg, dec[there] * u.deg, frame=frame).icrs
        yield name, (icrs.ra.deg, icrs.dec.deg)


def _block(name: str, said: dict[str, Any], found: _Belonging | None) -> list[str]:
    """Rows; which column became which; what was not found, not taken, unknown."""
    counts, report = said["counts"], said["report"]
    why = [f"{n:,} rejected: {reason}" for reason, n in report["rejected"].items()]
    why += [f"{counts[k]:,} {words}" for k, words in _COUNTS.items() if counts[k]]
    rows = f"{name}: {counts['rows_read']:,} rows of {said['file']}, {counts['rows']:,} kept"
    rows += f" ({', '.join(why)})" if why else ""
    if found is not None:
        rows += (
            f", {found.rows.sum():,} belong to a spectrum; {found.spectra.sum():,} of "
            f"{len(found.spectra):,} spectra"
        )
        rows += " have one"
    lines = [rows]
    if parts := report.get("partitions"):
        lines += _line("partitions", [f"{parts[0]:,} of {parts[1]:,} read, for rows near spectra"])
    ours = [c.column for c in SOURCES[name].columns]
    called, computed, unknown = said["mapping"], report["computed"], report["unknown"]
    alike = sorted(report["alike"].items(), key=lambda item: ours.index(item[1]))
    lines += _line(
        "columns", [c if c == called[c] else f"{c} = {called[c]}" for c in ours if c in called]
    )
    lines += _line("computed", [f"{c} ({computed[c]})" for c in ours if c in computed])
    lines += _line("not found", report["missing"])
    lines += _line("not taken", [f"{theirs} for {column}" for theirs, column in alike])
    lines += _line("unknown (NULL)", [_rows_of(c, *unknown[c]) for c in ours if c in unknown])
    lacking = [c for c in ZERO_POINT if c in report["missing"]]
    if name == "gaia_dr3" and lacking:
        lines.append(
            f"  parallax zero point: unknown without {', '.join(lacking)}, unless "
            "tables.zero_point gives one"
        )
    return lines


_COUNTS = {
    "merged": "there twice",
    "passed_over": "of another table",
    "text_changed": "texts without control characters",
}


def _rows_of(column: str, n: int, sentinels: int) -> str:
    return f"{column} in {n:,} rows" + (
        f" ({sentinels:,} as a number like -9999)" if sentinels else ""
    )


def _line(what: str, words: list[str]) -> list[str]:
    return [f"  {what}: {', '.join(words)}"] if words else []


NO_SNR = (99.0, 999.0)  # ceilings of LAMOST headers, as in meta.header_snr
MIXED = 1.5  # the fibres of one instrument differ by less
CONTRADICTS = 2.0  # as meta.parameters.snr_contradiction


def ingest(
    survey: Survey,
    raw: Path,
    *,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
    again: bool = False,
    keep: bool = False,
    allow_empty: bool = False,
) -> list[str]:
    """Read spectra and tables; only what is new or changed, or with ``again`` everything. Returns
    lines of counts. With ``keep`` spectra stay whose files are gone.

    Raises IngestError, one line, where a table cannot be used or no row of it belongs to a
    spectrum, unless ``allow_empty``.
    """
    try:
        return _ingest(survey, raw, workers, progress, again, keep, allow_empty=allow_empty)
    except OSError as error:
        place = error.filename or raw
        raise IngestError(
            f"{place}: {error.strerror or error}; free space or repair it, run again"
        ) from error
    except pa.ArrowException as error:
        said = " ".join(str(error).split())[:160]
        raise IngestError(
            f"{raw}: damaged Parquet ({said}); `obcat ingest --again` makes it anew"
        ) from error


def _ingest(
    survey: Survey,
    raw: Path,
    workers: int,
    progress: Callable[[int, int], None] | None,
    again: bool,
    keep: bool,
    *,
    allow_empty: bool,
) -> list[str]:
    raw.mkdir(parents=True, exist_ok=True)
    if again:
        for path in raw.glob("*.parquet"):
            path.unlink()
    given = {name: (table.path, table.columns) for name, table in survey.tables.items()}
    hats = [name for name, table in survey.tables.items() if table.hats]
    tables.ingest_all({n: t for n, t in given.items() if n not in hats}, raw, later=hats)
    reader = reader_of(survey.reading)
    flags = {"again": again, "keep": keep}
    counts = lamost.ingest(
        survey.spectra, raw, workers=workers, progress=progress, reader=reader, **flags
    )
    _one_resolution(raw)
    training = _ingest_training(survey, raw / TRAINING, workers, progress, again=again)
    for name in sorted(hats):  # Gaia first: whose best neighbours are asked for
        tables.ingest_near(
            name, survey.tables[name].path, raw, _near_spectra(survey, raw, name),
            columns=survey.tables[name].columns,
        )  # fmt: skip
    if hats:
        store.merge_rejected(list(SOURCES), raw)
    matches = blocks(given, raw, allow_empty=allow_empty)
    return [*matches, f"spectra: {_counted(counts)}", *training, *_remarks(raw, counts)]


def _near_spectra(survey: Survey, raw: Path, name: str) -> tables.Near:
    """Around every spectrum, as far as a build could ask; and sources by name: of Gaia those that a
    list gives, of others the best neighbours of Gaia's.
    """
    spectra = pq.ParquetFile(raw / "headers.parquet").read(columns=["ra", "dec"])
    listing = ("targets", TRAINING) if name in GAIA else GAIA
    ids = [_keys(raw / f"{n}.parquet")["source_id"].drop_null().to_numpy() for n in listing]
    epoch, radius = (survey.number(key) for key in ("position_epoch", "match_radius"))
    return tables.Near(
        _along_the_sky(spectra)[0],
        np.unique(np.concatenate(ids)).astype(np.int64),
        epoch,
        max(NEAR, radius + 1),
    )


def _ingest_training(
    survey: Survey,
    folder: Path,
    workers: int,
    progress: Callable[[int, int], None] | None,
    *,
    again: bool,
) -> list[str]:
    """Spectra of the training stars, in a store of their own; what an earlier survey file left of
    one is removed.
    """
    table = survey.tables.get(TRAINING)
    if table is None or table.spectra is None:
        shutil.rmtree(folder, ignore_errors=True)
        return []
    reader = reader_of(survey.reading)
    counts = lamost.ingest(
        table.spectra, folder, workers=workers, progress=progress, again=again, reader=reader
    )
    return [f"spectra of training stars: {_counted(counts)}"]


def _remarks(raw: Path, counts: dict[str, int]) -> list[str]:
    """What else there is to say of the spectra:
    where files set aside are listed, errors that cannot be.
    """
    pairs = counts.get("superseded", 0)
    listed = (
        f"spectra: {pairs:,} set aside for a newer file of the same spectrum, all listed "
        f"in {raw / lamost.PAIRS}"
    )
    return [*([listed] if pairs else []), *_contradiction(raw)]


def _one_resolution(raw: Path) -> None:
    """IngestError where the spectra are of several resolutions: eigenspectra would tell
    instruments apart, not stars.
    """
    with pq.ParquetFile(raw / "headers.parquet") as file:
        known = file.read(columns=["resolution"])["resolution"].drop_null().to_numpy()
    if not known.size:
        return
    low, high = np.quantile(known, (0.02, 0.98))
    if high > MIXED * low:
        raise IngestError(
            f"{raw}: spectra of resolutions from {low:.0f} to {high:.0f} in one survey; make a "
            "survey of each instrument"
        )


def _contradiction(raw: Path) -> list[str]:
    """A line where inverse variances contradict the S/N of most headers:
    no star's error can be right then.
    """
    names = ["snr_g", "snr_g_computed"]
    with pq.ParquetFile(raw / "headers.parquet") as file:
        headers = file.read(columns=names)
    told, found = (headers[name].to_numpy(zero_copy_only=False) for name in names)
    known = np.isfinite(found) & (told > 0) & ~np.isin(told, NO_SNR)
    if not known.any():
        return []
    ratio = float(np.median(found[known] / told[known]))
    if 1 / CONTRADICTS <= ratio <= CONTRADICTS:
        return []
    many = (
        f"{known.sum():,} spectra: S/N from flux and inverse variance is {ratio:.3g} times "
        "that of the headers"
    )
    return [f"{many} (median): is it the inverse variance of this flux?"]


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{n:,} {what}" for what, n in counts.items() if n) or "nothing"
