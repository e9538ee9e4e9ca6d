"""Everything a survey names, read into build/<survey>/raw."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from obcat.ingest import lamost, tables
from obcat.ingest.errors import IngestError
from obcat.ingest.instruments import reader_of
from obcat.ingest.lamost import parts
from obcat.ingest.tables import matched
from obcat.survey import TRAINING, Survey

__all__ = ["ingest"]

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
    allow_empty: bool = False,
) -> list[str]:
    """Read spectra and tables; only what is new or changed, or with ``again`` everything. Returns
    lines of counts.

    Raises IngestError, one line, where a table cannot be used or no row of it belongs to a
    spectrum, unless ``allow_empty``.
    """
    try:
        return _ingest(survey, raw, workers, progress, again=again, allow_empty=allow_empty)
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
    *,
    again: bool,
    allow_empty: bool,
) -> list[str]:
    raw.mkdir(parents=True, exist_ok=True)
    if again:
        for path in raw.glob("*.parquet"):
            path.unlink()
    given = {name: (table.path, table.columns) for name, table in survey.tables.items()}
    tables.ingest_all(given, raw)
    reader = reader_of(survey.reading)
    counts = lamost.ingest(
        survey.spectra, raw, workers=workers, progress=progress, again=again, reader=reader
    )
    _one_resolution(raw)
    training = _ingest_training(survey, raw / TRAINING, workers, progress, again=again)
    blocks = matched.blocks(given, raw, allow_empty=allow_empty)
    return [*blocks, f"spectra: {_counted(counts)}", *training, *_remarks(raw, counts)]


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
    headers = parts.read_table(raw / "headers.parquet", "raw.headers")
    known = headers["resolution"].drop_null().to_numpy()
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
    headers = parts.read_table(raw / "headers.parquet", "raw.headers")
    told, found = (
        headers[name].to_numpy(zero_copy_only=False) for name in ("snr_g", "snr_g_computed")
    )
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
