"""What goes wrong on the way from an archive:
FetchError stops the run, Failed one file or table of it.
"""

from obcat.errors import ObcatError, one_line
from obcat.ingest.errors import Reasoned

__all__ = ["REASONS", "Failed", "FetchError", "Stopped"]

REASONS = {
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
