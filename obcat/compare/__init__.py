"""Compare: a catalog beside another that has columns like it, for example the published one;
tables and a picture.
"""

from pathlib import Path

import matplotlib as mpl

from obcat.compare.differences import by_bins, draw_comparison, flags, number_section, unknown
from obcat.compare.join import CompareError, Joined, join, names
from obcat.evaluate.zero_points import zero_points
from obcat.files import publishing_folder, refusal
from obcat.reading import open_database
from obcat.section import Section, as_text

__all__ = ["CompareError", "compare", "names"]

KIND = "comparison"


def compare(
    database: Path, other: object, name: str, folder: Path, *, by: str | None = None
) -> str:
    """The comparison as text; also writes the folder ``folder``: compare.txt, compare.png and
    compare.pdf.

    It appears by one rename, in place of an earlier comparison.

    Parameters
    ----------
    database : of obcat build
    other : pyarrow Table with columns under our names, as ``ingest.foreign.read_foreign`` reads
        them
    name : what the other catalog is called
    by : fitsname, specid or gaia_id; None: whichever finds most rows

    Raises CompareError (one line): no such key on both sides, nothing matches, nothing to compare,
    not a catalog, ``folder`` cannot be written or holds what is not of a comparison.
    """
    joined = join(database, other, by)
    sections = [
        _counts(joined),
        number_section(joined),
        *by_bins(joined),
        *flags(joined),
        unknown(joined),
        _zero_points(database, joined),
    ]
    said = as_text(sections, f"{joined.heading}, against {name!r}")
    try:
        with publishing_folder(folder, KIND) as partial:
            _write(partial, joined, said, name)
    except OSError as error:
        raise CompareError(refusal(folder, error)) from error
    return said


def _zero_points(database: Path, joined: Joined) -> Section:
    """What each zero point by name, and that of the other catalog, would change."""
    with open_database(database) as survey:
        return zero_points(survey.con, joined.ours, joined.theirs)


def _counts(joined: Joined) -> Section:
    note = (
        f"Joined by {joined.by}; below, ours minus theirs. A key that one side has more than "
        "once joins nothing."
    )
    rows = [(label, f"{n:,}") for label, n in joined.counts.items()]
    return Section("rows", note, ("n",), rows)


def _write(folder: Path, joined: Joined, said: str, name: str) -> None:
    from obcat.report.figures import PDF, image_of
    from obcat.report.style import STYLE

    with mpl.rc_context(STYLE):
        figure = draw_comparison(joined, name)
        (folder / "compare.png").write_bytes(image_of(figure, "png", {"Software": None}))
        figure.set_layout_engine("none")
        (folder / "compare.pdf").write_bytes(image_of(figure, "pdf", PDF))
    (folder / "compare.txt").write_text(said, encoding="utf-8")
