"""How a command ends early: an error is one line, a signal is heeded within two seconds.

Python hears a signal only between two of its own steps, and a step may be a query or a product of
matrices that takes minutes. So a thread waits beside the command and ends the process where the
command has not ended by itself; what it leaves is cleared by the next run.
"""

import os
import signal
import sys
import threading
import traceback
from multiprocessing import active_children
from types import FrameType, TracebackType

import click

from obcat.errors import ObcatError, one_line

__all__ = ["PATIENCE", "Stopping", "open_standard_files"]

HEEDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE = 1.5  # seconds in which a command may end by itself
BROKEN_PIPE = 128 + signal.SIGPIPE


class Stopping:
    """A context that turns whatever ends a command early into one line and an exit code.

    128 + signal for a signal; the error's own ``exit_code`` for an ObcatError; 1 for any other.
    With ``debug`` the traceback is shown too.
    """

    def __init__(self, *, debug: bool = False) -> None:
        self.debug = debug
        self._signal = 0
        self._read, self._write = -1, -1
        self._wakeup = -1
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> "Stopping":
        if threading.current_thread() is threading.main_thread():
            self._read, self._write = os.pipe()
            os.set_blocking(self._write, False)
            self._wakeup = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
            self._before = {
                number: signal.signal(number, self._heed)
                for number in HEEDED
                if signal.getsignal(number) != signal.SIG_IGN  # as nohup has it
            }
            threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore()
        if self._signal:
            self._say(_stopped_by(self._signal))
            self._show(error)
            sys.exit(128 + self._signal)
        if error is None or isinstance(
            error, SystemExit | click.exceptions.Exit | click.ClickException | click.Abort
        ):
            return
        if isinstance(error, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python complains once more at its end
            sys.exit(BROKEN_PIPE)
        self._show(error)
        self._say(f"Error: {_said(error)}")
        sys.exit(getattr(error, "exit_code", 1))

    def _heed(self, number: int, _: FrameType | None) -> None:
        self._signal = self._signal or number
        raise KeyboardInterrupt

    def _watch(self) -> None:
        """End the process where the main thread does not come to hear the signal."""
        heard = os.read(self._read, 1)[0]
        while heard and heard not in HEEDED:
            heard = os.read(self._read, 1)[0]
        os.close(self._read)
        if not heard or _joined(threading.main_thread(), PATIENCE):
            return
        for child in active_children():
            child.kill()
        self._say(_stopped_by(heard))
        os._exit(128 + heard)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        if self._before:
            signal.set_wakeup_fd(self._wakeup)
            if not self._signal:
                os.write(self._write, b"\0")  # the thread that watches ends
                os.close(self._write)

    def _show(self, error: BaseException | None) -> None:
        if self.debug and error is not None:
            self._say("".join(traceback.format_exception(error)))

    def _say(self, text: str) -> None:
        if sys.stderr is not None:
            print(text, file=sys.stderr, flush=True)


def _stopped_by(number: int) -> str:
    return f"stopped by {signal.Signals(number).name}; what was there before is unchanged"


def _joined(thread: threading.Thread, seconds: float) -> bool:
    thread.join(seconds)
    return not thread.is_alive()


def _said(error: BaseException) -> str:
    """One line for an error; one that nobody foresaw says its kind, and how to see where it is."""
    if isinstance(error, ObcatError):
        return one_line(error)
    if isinstance(error, OSError) and error.strerror:
        place = "" if error.filename is None else f"{error.filename}: "
        return one_line(f"{place}{error.strerror}")
    if isinstance(error, OSError) and str(error):
        return one_line(error)
    if isinstance(error, MemoryError):
        return "not enough memory; close other programs, or use a machine with more"
    first = (str(error).strip().splitlines() or [""])[0]
    return one_line(f"{type(error).__name__}: {first}; --debug shows where")


def open_standard_files() -> None:
    """Give a closed stdin, stdout or stderr to /dev/null: else the next file opened takes its place."""
    while (handle := os.open(os.devnull, os.O_RDWR)) < 3:
        pass
    os.close(handle)
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))
