"""The one family of errors that stop a command, each of one line; and text made fit for a terminal."""

import re
import unicodedata

__all__ = ["ObcatError", "one_line"]

# what moves, colours or reorders text: C0 and C1 controls, and the marks of writing direction
_MARKS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSEEN = re.compile(f"[\x00-\x1f\x7f-\x9f\u2028\u2029{_MARKS}]")


class ObcatError(Exception):
    """What stops a command: one line that names what is wrong, where, and the mend.

    ``exit_code`` is that of the command: 1 where something failed, 2 where what was given cannot
    be used, 3 where it cannot be read.
    """

    exit_code = 1


def one_line(text: object) -> str:
    """The text on one line, its white space single and every control character as an escape."""
    line = " ".join(str(text).split())
    return _UNSEEN.sub(_escape, unicodedata.normalize("NFC", line))


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
