"""The command obcat: what its commands share, and how they end early.

An error is one line, a signal is heeded within two seconds. Python hears a signal only between two
of its own steps, and a step may be a query or a product of matrices that takes minutes. So a thread
waits beside the command and ends the process where the command has not ended by itself; what it
leaves is cleared by the next run.
"""

import errno
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import ExtensionFileLoader
from multiprocessing import active_children
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import click

from obcat.errors import FULL, one_line, told

__all__ = ["PATIENCE", "Stopping", "open_standard_files"]

HEEDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE = 1.5  # seconds in which a command may end by itself
SOON = 0.02  # seconds after which a signal that came while a library was loaded is looked at again
# multiprocessing's helper clears what a process that ends at once leaves, and tells of it: no news
CLEARING = "ignore:resource_tracker:UserWarning"
WARNINGS = "PYTHONWARNINGS"
LOADERS = {ExtensionFileLoader.create_module.__code__, ExtensionFileLoader.exec_module.__code__}
BROKEN_PIPE = 128 + signal.SIGPIPE


class Stopping:
    """A context that turns whatever ends a command early into one line and an exit code.

    128 + signal for a signal; the error's own ``exit_code`` for an ObcatError; 1 for any other.
    With ``debug`` the traceback is shown too.
    """

    def __init__(self, *, debug: bool = False) -> None:
        self.debug = debug
        self._signal = 0
        self._once = threading.Lock()
        self._read, self._write = -1, -1
        self._wakeup = -1
        self._before: dict[signal.Signals, object] = {}
        self._unraisable = sys.unraisablehook
        self._warnings = os.environ.get(WARNINGS, "")

    def __enter__(self) -> "Stopping":
        if threading.current_thread() is threading.main_thread():
            self._read, self._write = os.pipe()
            os.set_blocking(self._write, False)
            self._wakeup = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
            self._before = {
                number: signal.signal(number, self._heed)
                for number in (*HEEDED, signal.SIGALRM)
                if signal.getsignal(number) != signal.SIG_IGN  # as nohup has it
            }
            sys.unraisablehook = self._unraised
            os.environ[WARNINGS] = f"{self._warnings},{CLEARING}".lstrip(",")
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
            self._end(self._signal)
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
        self._say(f"Error: {told(error)}")
        sys.exit(getattr(error, "exit_code", 1))

    def _heed(self, number: int, frame: FrameType | None) -> None:
        self._signal = self._signal or number
        if loading(frame):
            signal.setitimer(signal.ITIMER_REAL, SOON)
            return
        raise KeyboardInterrupt

    def _unraised(self, what: "sys.UnraisableHookArgs") -> None:
        """Of a signal in a finalizer, which Python shows and forgets: ``_watch`` heeds it."""
        if not (self._signal and issubclass(what.exc_type, KeyboardInterrupt)):
            self._unraisable(what)

    def _watch(self) -> None:
        """End the process where the main thread does not come to hear the signal."""
        heard = os.read(self._read, 1)[0]
        while heard and heard not in HEEDED:
            heard = os.read(self._read, 1)[0]
        if not heard:
            os.close(self._read)  # else not: a second signal is written there too
            return
        if _joined(threading.main_thread(), PATIENCE):
            return
        for child in active_children():
            child.kill()
        self._end(heard)
        os._exit(128 + heard)

    def _end(self, number: int) -> None:
        """Say so once: a child that ``_watch`` kills may be what the main thread waited for."""
        if self._once.acquire(blocking=False):
            self._say(_stopped_by(number))

    def _restore(self) -> None:
        if self._signal:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        if self._before:
            sys.unraisablehook = self._unraisable
            os.environ[WARNINGS] = self._warnings
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


def loading(frame: FrameType | None) -> bool:
    """Whether Python is at work for a compiled library that is being loaded.

    An exception raised there, as by a signal, makes some of them abort the process.
    """
    while frame is not None and frame.f_code not in LOADERS:
        frame = frame.f_back
    return frame is not None


def _stopped_by(number: int) -> str:
    return f"stopped by {signal.Signals(number).name}; what was there before is unchanged"


def _joined(thread: threading.Thread, seconds: float) -> bool:
    thread.join(seconds)
    return not thread.is_alive()


@contextmanager
def naming(place: Path) -> Iterator[None]:
    """An error of the system that names no file, as that of a full disk, names this place."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.strerror:
            error.filename = str(place)
        elif error.filename is None and FULL in str(error):  # in the words of a library
            raise OSError(errno.ENOSPC, FULL, str(place)) from error
        raise


def open_standard_files() -> None:
    """Give a closed stdin, stdout or stderr to /dev/null:
    else the next file opened takes its place.
    """
    while (handle := os.open(os.devnull, os.O_RDWR)) < 3:
        pass
    os.close(handle)
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))


Command = Callable[..., Any]

SURVEY = click.argument("survey", type=click.Path(path_type=Path))
BUILD = click.option(
    "--build",
    "root",
    type=click.Path(path_type=Path),
    default=Path("build"),
    show_default=True,
    help="Folder of builds; a survey is built in a folder of its name below it.",
)
SPECTRA = 65_536  # of a partition at most: two gigabytes, some minutes
FILE = "obcat.duckdb"  # of a build, and of a release
TRUSTED = "obcat.trust"  # key of what --trust said


def _remember(context: click.Context, _: click.Parameter, trust: bool) -> None:
    context.meta[TRUSTED] = trust


def refuse_untrusted(database: Path | None, where: str = "") -> None:
    """Stops with one line where the database is neither of a build nor of a release, and --trust
    was not given.

    ``where`` stands before what is said: the setting that names the database.
    """
    from obcat.reading import NotTrusted, check

    try:
        if database is not None and not click.get_current_context().meta[TRUSTED]:
            check(database)
    except (NotTrusted, OSError) as error:
        raise NotTrusted(f"{where}{error}") from error


def trusted(_: click.Context, __: click.Parameter, database: Path | None) -> Path | None:
    refuse_untrusted(database)
    return database


def _all_trusted(
    _: click.Context, __: click.Parameter, databases: tuple[Path, ...]
) -> tuple[Path, ...]:
    for database in databases:
        refuse_untrusted(database)
    return databases


TRUST = click.option(
    "--trust",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_remember,
    help="Open a database though it is neither of a build nor of a release that is whole.",
)


class _Database(click.Path):
    """A database, the folder that holds it, or the name of a survey that was built below here."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        given = Path(value)
        built = Path("build") / given
        if not given.exists() and len(given.parts) == 1 and (built / FILE).is_file():
            given = built
        if given.is_dir():
            given /= FILE
        return super().convert(given, param, ctx)


def database_argument(
    *, required: bool = True, several: bool = False
) -> Callable[[Command], Command]:
    """The argument DATABASE, or DATABASES, opened only if it is ours or with --trust."""
    path = _Database(path_type=Path, exists=True)
    if several:
        argument = click.argument(
            "databases", metavar="DATABASE...", type=path, nargs=-1, required=required,
            callback=_all_trusted,
        )  # fmt: skip
    else:
        argument = click.argument("database", type=path, required=required, callback=trusted)

    def decorated(command: Command) -> Command:
        return argument(TRUST(command))

    return decorated


DATABASE = database_argument()


def number_option(
    *names: str, default: float, least: float, most: float | None = None, text: str
) -> Callable[[Command], Command]:
    """An option that is a number of the kind of its default, within limits, shown in the help."""
    kind = click.IntRange if isinstance(default, int) else click.FloatRange
    limits = kind(min=least, max=most)  # type: ignore[arg-type]
    return click.option(*names, default=default, show_default=True, type=limits, help=text)


def path_option(name: str, text: str, **kind: Any) -> Callable[[Command], Command]:
    """An option that is a file or a folder; ``kind`` as for click.Path."""
    return click.option(name, type=click.Path(path_type=Path, **kind), help=text)


JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for a program.")


def echo_json(said: Any) -> None:
    click.echo(json.dumps(said, indent=1, default=str))


def say(text: str) -> None:
    click.echo(one_line(text) if "\n" not in text else text, err=True)


@contextmanager
def reading(database: Path) -> Iterator[None]:
    """Stops with one line where DATABASE is none, or none of ours, or too large for the engine."""
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise click.ClickException(
            f"{database}: {str(error).splitlines()[0]}: the catalog is too large for the memory "
            "that this command gives the engine; ask `obcat sql`, or build a survey of fewer stars"
        ) from error
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise click.ClickException(
            f"{database}: {reason}; give a database made by `obcat build`"
        ) from error


SECTIONS = {
    "Make a catalog": ("demo", "simulate", "fetch", "ingest", "build"),
    "Past one machine": ("partition", "merge"),
    "Ask it": ("sql", "explain", "sample", "status"),
    "Without a survey": ("predict", "models"),
    "Give it away": ("export", "verify", "check-cds", "page"),
    "Judge it": ("check", "evaluate", "report", "figure", "compare", "realism"),
}


class Commands(click.Group):
    """The commands in sections, all ending alike: an error is one line, a signal an exit code."""

    def __call__(self, *words: Any, **settings: Any) -> Any:
        from obcat.machine import keep_memory, without_pandas

        keep_memory()  # here the process is ours alone
        without_pandas()
        return super().__call__(*words, **settings)

    def main(self, *words: Any, **settings: Any) -> Any:
        open_standard_files()
        return super().main(*words, **settings)

    def invoke(self, ctx: click.Context) -> Any:
        from obcat.machine import check_address_space

        with Stopping(debug=ctx.params["debug"]):
            check_address_space()
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        known = [name for names in SECTIONS.values() for name in names]
        further = tuple(name for name in self.list_commands(ctx) if name not in known)
        for title, names in {**SECTIONS, "Further": further}.items():
            found = [(name, self.commands[name]) for name in names if name in self.commands]
            if found:
                with formatter.section(title):
                    formatter.write_dl([(name, c.get_short_help_str(100)) for name, c in found])


@click.group(
    cls=Commands, context_settings={"max_content_width": 120, "help_option_names": ["-h", "--help"]}
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="obcat")
def main(*, debug: bool) -> None:
    """Absolute magnitudes, extinctions, distances,
    binarity and emission of O and B stars (Xiang et al. 2021).
    """
    # DuckDB and the reader processes use the cores; a second level of threads would change the last
    # bits of sums.
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = "1"


def load(path: Path):
    from obcat.schema import columns_of
    from obcat.survey import load

    return load(path, [c.column for c in columns_of("meta.parameters")])


def say_outcome(database: Path, started: float, *, made: bool) -> None:
    if made:
        from obcat.query.sql import outcome

        for line in outcome(database):
            say(line)
    done = f"built in {time.monotonic() - started:.0f} s" if made else "nothing has changed"
    say(f"{database}: {done}")
