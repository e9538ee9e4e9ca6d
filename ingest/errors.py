"""What goes wrong on the way in: IngestError stops the run, Quarantined puts one file aside with a
reason; and from an archive: FetchError stops the run, Failed one file or table of it.
"""

from obcat.errors import ObcatError, one_line

__all__ = [
    "FETCH_REASONS",
    "REASONS",
    "Failed",
    "FetchError",
    "IngestError",
    "Quarantined",
    "Reasoned",
    "Stopped",
    "UnreadableError",
    "brief",
]

REASONS = {
    "empty": "the file has no bytes",
    "not_a_file": "a folder, a broken link, a pipe or a device has the name of a spectrum",
    "unreadable": "the operating system or the FITS reader refused it",
    "too_large": "larger than any LAMOST spectrum, on disk or when inflated",
    "not_fits": "neither a gzip stream nor FITS by its first bytes",
    "truncated_gzip": "the gzip stream ends too early",
    "damaged_gzip": "a gzip stream is not valid, fails its checksum, or has bytes after its end "
    "that are not gzip",
    "other_packing": "packed by another program than gzip, which is not read; unpack it",
    "truncated_fits": "the FITS file ends too early",
    "checksum": "CHECKSUM or DATASUM of the header is not that of the content: the file was "
    "changed or damaged",
    "bad_header": "a card that is needed is missing or cannot be read",
    "unknown_layout": "not one of the three LAMOST low-resolution layouts, nor that of the kind of "
    "spectra that the survey names",
    "bad_wavelength": "wavelengths off the LAMOST log-linear grid, or not rising; of other kinds, "
    "too coarse or not in Angstrom",
    "no_pixels": "no pixel of the common grid is covered by good ones",
    "no_star": "a fibre on the sky, or one that the pipeline says is broken",
    "not_vacuum_heliocentric": "VACUUM or HELIO is not true",
    "id_mismatch": "file name, FILENAME, OBSID and the other identifiers of the header disagree",
    "superseded": "another file holds the same spectrum, of a newer release or, in the same "
    "release, first by its name",
    "bad_position": "RA outside 0 to 360, Dec outside -90 to 90, or not finite",
}

FETCH_REASONS = {
    "no_answer": "the host did not answer, or broke off, however often it was asked",
    "refused": "the host answered with an error status",
    "not_found": "the host says that it has no such file, under every form of its address",
    "html": "a web page came with status 200 where a table or a spectrum was asked for",
    "damaged": "what came is not a whole file: cut short, or its checksum is wrong",
    "too_large": "more bytes than such an answer can have",
    "overflow": "the archive cut the table at its row limit",
    "incomplete": "the table has another number of rows than the archive counted, or than "
    "was published",
    "unasked": "the answer is about stars or files that were not asked for, or has rows twice",
    "job_failed": "the archive could not run the query",
    "deadline": "the archive did not finish in the time allowed",
    "unusable": "the table has not the columns, units or ids that are needed, or the spectrum "
    "cannot be read",
    "no_address": "no form of the address can be made from what the list says of this spectrum",
    "not_tried": "an earlier failure made it pointless to ask",
}


class IngestError(ObcatError):
    """The run cannot go on; the message is one line that names what is wrong, where,
    and the remedy.
    """

    exit_code = 2


class UnreadableError(IngestError):
    """A folder or file the whole run needs is missing or cannot be read."""

    exit_code = 3


class Reasoned(Exception):
    """One thing is put aside and the run goes on:
    ``reason`` is a key of a REASONS, ``detail`` says what was found.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class Quarantined(Reasoned):
    """This file gives no spectrum."""


def brief(error: object, length: int = 160) -> str:
    """An error's text on one line, for the end of a message."""
    text = " ".join(str(error).split())
    return text if len(text) <= length else text[: length - 1] + "…"


class FetchError(ObcatError):
    """The run cannot go on; one line that names what is wrong and the remedy."""

    exit_code = 2

    def __init__(self, text: str) -> None:
        super().__init__(one_line(text))


class Stopped(BaseException):
    """A signal: the run ends now, what is done stays done."""


class Failed(Reasoned):
    """One file or table could not be had."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, one_line(detail))
