"""Compare: the statistics of simulated spectra beside those of real ones, printed and written."""

import warnings
from pathlib import Path

from obcat.realism.measures import measure
from obcat.realism.sample import RealismError, read_sample
from obcat.realism.summary import Row, read_rows, summary, write_rows
from obcat.realism.text import page, table

__all__ = ["MOST", "compare", "statistics"]

MOST = 2000  # spectra of a folder that are measured


def statistics(folder: Path, most: int = MOST) -> tuple[list[Row], bool]:
    """Rows of the spectra below folder, and whether all are simulated. RealismError if there are none."""
    sample = read_sample(folder, most)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # rows that are wholly masked have no median
        return summary(measure(sample)), sample.simulated


def compare(spectra: Path, real: Path | None, save: Path | None, write: Path | None, most: int = MOST) -> str:
    """The table of spectra against the real folder, or against the statistics that come with the package.

    save: a CSV file for the real statistics; write: a folder for realism.md and realism.png. RealismError: a folder
    has no spectra, or something cannot be written.
    """
    simulated, is_simulated = statistics(spectra, most)
    reference = statistics(real, most)[0] if real else read_rows()
    try:
        if save:
            write_rows(save, reference)
        if write:
            _write(write, reference, simulated, is_simulated)
    except OSError as error:
        raise RealismError(f"{error.filename}: {error.strerror}; choose a place that can be written") from error
    kind = "simulated" if is_simulated else "given (not simulated)"
    return f"real LAMOST spectra of DR5 to DR10 against {kind} ones: {spectra}\n\n{table(reference, simulated)}\n"


def _write(folder: Path, real: list[Row], simulated: list[Row], is_simulated: bool) -> None:
    from obcat.realism.figure import draw

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "realism.md").write_text(page(real, simulated, is_simulated), encoding="utf-8")
    draw(real, simulated, folder / "realism.png")
