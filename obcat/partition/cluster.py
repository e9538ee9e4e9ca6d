"""Where commands run that build partitions: processes of this machine, or of the workers of a Dask
scheduler. Each is a process of its own, that ends when whoever started it does.
"""

import json
import logging
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from signal import Signals
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from obcat._version import __version__
from obcat.build.fitting import PACKAGES, TRAINING, code_hash
from obcat.checksums import digest
from obcat.errors import no_room, one_line
from obcat.partition import PartitionFailed, arithmetic, home_of

__all__ = ["Cluster", "Command", "Ended", "conditions", "most_at_once", "opened", "tell_conditions"]

LOCAL = re.compile(r"local:([1-9][0-9]{0,3})")
DASK = re.compile(r"dask:([1-9][0-9]{0,3})")
ADDRESS = re.compile(r"(?:tcp|tls)://[^/]+:[0-9]+")
GIVE = (
    "local:N, N processes of this machine; dask:N, N workers of a Dask scheduler here; or "
    "tls://HOST:PORT, where one runs"
)
TROUBLE = (OSError, RuntimeError, ValueError, TypeError, ImportError, AttributeError)
ANSWERS = 30  # seconds in which a scheduler and its first worker answer
SAID = 20_000  # letters of what a process said that are kept
MALLOC = "MALLOC_TRIM_THRESHOLD_"  # Dask sets it for its workers: 1.65 times the CPU
# ends when its parent does, however that ends: then nobody holds the other end of its input
FOLLOWING = (
    "import os, threading; "
    "threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start(); "
    "from obcat.cli import main; main()"
)
CONDITIONS = "from obcat.partition.cluster import tell_conditions; tell_conditions()"
LAST_DIGITS = "the last digits of sums (OPENBLAS_CORETYPE)"
STEP = re.compile(r"^(?:step )?(\d\d_\w+/\d\d_\w+)\b", re.MULTILINE)


class Command(NamedTuple):
    """A partition, and the words of `obcat` that build it: what an array job would run."""

    name: str
    words: tuple[str, ...]


class Ended(NamedTuple):
    """How a command ended: its exit code, the end of what it said, on which machine."""

    code: int
    said: str
    host: str

    @property
    def reason(self) -> str:
        """In one line."""
        errors = [line for line in self.said.splitlines() if line.startswith("Error: ")]
        if self.code < 0:
            why = ": out of memory, or of threads" if no_room(self.said) else ""
            return f"killed by {Signals(-self.code).name}{why}"
        return errors[-1].removeprefix("Error: ") if errors else f"exit code {self.code}"

    @property
    def step(self) -> str:
        """The step that failed, or the last that was done before it was killed."""
        named = [m for m in STEP.finditer(self.said) if m[0].startswith("step ")]
        if named:
            return f"in {named[-1][1]}"
        done = STEP.findall(self.said)
        return f"after {done[-1]}" if done else "before its first step"

    @property
    def trace(self) -> str:
        _, found, trace = self.said.partition("Traceback (most recent call last)")
        return found + trace


class Cluster(Protocol):
    """What runs commands: so many at a time as ``room`` says."""

    def room(self) -> int: ...

    def start(self, command: Command) -> Any: ...

    def ended(self, running: Sequence[Any], seconds: float) -> list[tuple[Any, Ended]]:
        """Those that have ended, within so many seconds."""
        ...

    def stop(self, handle: Any) -> None: ...

    def close(self) -> None: ...


def opened(
    address: str, folder: Path, *, insecure: bool = False, training: bool = False
) -> Cluster:
    """The cluster at an address: local:N, N processes of this machine; dask:N, N workers of a Dask
    scheduler that is started here; tls://HOST:PORT, or tcp:// on this machine, a scheduler that
    runs. Any other only where ``insecure``: who can reach it can run anything there.

    Raises PartitionFailed for another address, where nobody answers, and where a worker has other
    code, libraries or processors than this process, or does not see ``folder``.
    """
    if found := LOCAL.fullmatch(address):
        return _Here(int(found[1]))
    _require_dask(address)
    if found := DASK.fullmatch(address):
        cluster = _Dask(address, *_dask_here(int(found[1])))
    elif not ADDRESS.fullmatch(address):
        raise PartitionFailed(f"--cluster {address}: give {GIVE}")
    else:
        if not (insecure or address.startswith("tls://") or _is_here(address)):
            raise PartitionFailed(
                f"--cluster {address}: not encrypted, and whoever reaches that scheduler can run "
                "anything as you; give tls://, or --insecure where nobody else can reach it"
            )
        cluster = _Dask(address, *_dask_at(address))
    with ExitStack() as stack:
        stack.callback(cluster.close)
        cluster.check(folder, training=training)
        stack.pop_all()
    return cluster


def most_at_once(address: str) -> int:
    """Partitions that are built at a time, as far as the address tells."""
    found = LOCAL.fullmatch(address) or DASK.fullmatch(address)
    return int(found[1]) if found else sys.maxsize


def _require_dask(address: str) -> None:
    absent = [name for name in ("distributed", "cryptography") if find_spec(name) is None]
    if absent:
        raise PartitionFailed(
            f'--cluster {address}: needs {", ".join(absent)}: pip install "obcat[cluster]"; '
            "local:N, N processes of this machine, needs nothing"
        )


def _is_here(address: str) -> bool:
    return urlsplit(address).hostname in ("127.0.0.1", "::1", "localhost")


def _dask_here(workers: int) -> tuple[Any, ...]:
    """A client, and what is to be closed besides: a scheduler on loopback, its certificates those
    of this run, with workers that have no page of their own.
    """
    import dask
    from distributed import Client, LocalCluster
    from distributed.security import Security

    with dask.config.set(
        {
            "distributed.scheduler.http.routes": [],
            "distributed.worker.http.routes": [],
            "distributed.scheduler.worker-ttl": "60s",
            "distributed.nanny.pre-spawn-environ": {},
        }
    ):
        scratch = TemporaryDirectory(prefix="obcat-dask-")
        cluster = LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, memory_limit=0,
            host="127.0.0.1", dashboard_address=None, security=Security.temporary(),
            local_directory=scratch.name, silence_logs=logging.ERROR,
        )  # fmt: skip
        return Client(cluster), cluster.close, scratch.cleanup


def _dask_at(address: str) -> tuple[Any, ...]:
    from distributed import Client

    try:
        return (Client(address, timeout=ANSWERS, set_as_default=False),)
    except (OSError, TypeError, ValueError, RuntimeError) as error:
        raise PartitionFailed(
            f"--cluster {address}: no scheduler answers ({one_line(error)}); of tls:// the "
            "certificates stand in Dask's settings, distributed.comm.tls"
        ) from error


def _started(command: Command) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", FOLLOWING, *command.words],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env={name: value for name, value in os.environ.items() if name != MALLOC},
        process_group=0,
    )


def _heard(process: "subprocess.Popen[str]") -> Ended:
    with process:
        assert process.stderr
        said = ""
        for line in process.stderr:
            said = (said + line)[-SAID:]
    return Ended(process.returncode, said, socket.gethostname())


class _Here:
    """Processes of this machine, each heard by a thread."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._threads = ThreadPoolExecutor(10_000)  # as many as there are processes
        self._processes: dict[Future[Ended], subprocess.Popen[str]] = {}

    def room(self) -> int:
        return self._workers

    def start(self, command: Command) -> Future[Ended]:
        process = _started(command)
        handle = self._threads.submit(_heard, process)
        self._processes[handle] = process
        return handle

    def ended(
        self, running: Sequence[Future[Ended]], seconds: float
    ) -> list[tuple[Future[Ended], Ended]]:
        done, _ = wait(running, seconds, FIRST_COMPLETED)
        return [(handle, handle.result()) for handle in running if handle in done]

    def stop(self, handle: Future[Ended]) -> None:
        self._processes[handle].kill()

    def close(self) -> None:
        for process in self._processes.values():
            process.kill()
        self._threads.shutdown()


class _Dask:
    """Workers of a Dask scheduler: each of their threads waits for one command. What a command
    made is in files, so that a worker has nothing to lose.
    """

    def __init__(self, address: str, client: Any, *closing: Callable[[], object]) -> None:
        self._address, self._client = address, client
        self._closing = (client.close, *closing)
        self._count = 0

    def check(self, folder: Path, *, training: bool) -> None:
        """PartitionFailed where a worker differs from this process in what decides a catalog."""
        here = conditions(folder.absolute(), training=training)
        with self._heard():
            self._client.wait_for_workers(1, timeout=ANSWERS)
            there = self._client.run(conditions, folder.absolute(), training=training)
        for worker, said in there.items():
            other = [name for name in here if here[name] != said.get(name)]
            if other:
                name = other[0]
                raise PartitionFailed(
                    f"--cluster {self._address}: worker {worker} differs in {name}: "
                    f"{said.get(name, 'none')} there, {here[name]} here; all must be equal"
                )

    @contextmanager
    def _heard(self) -> Iterator[None]:
        """What Dask says goes wrong, in one line."""
        try:
            yield
        except TROUBLE as error:
            raise PartitionFailed(
                f"--cluster {self._address}: {type(error).__name__}: {one_line(error)}; what is "
                "built is kept, and the same command goes on"
            ) from error

    def room(self) -> int:
        with self._heard():
            return max(1, sum(self._client.nthreads().values()))

    def start(self, command: Command) -> Any:
        self._count += 1
        key = f"{command.name}-{self._count}-{os.getpid()}"
        with self._heard():
            return self._client.submit(_run, command, key=key, pure=False)

    def ended(self, running: Sequence[Any], seconds: float) -> list[tuple[Any, Ended]]:
        done = [handle for handle in running if handle.done()]
        if not done:
            time.sleep(seconds)
        return [(handle, _ended_of(handle)) for handle in done]

    def stop(self, handle: Any) -> None:
        """Nobody waits for it; the process goes on, and finds that another was first."""
        handle.cancel()

    def close(self) -> None:
        for close in self._closing:
            close()


def _run(command: Command) -> Ended:
    return _heard(_started(command))


def _ended_of(handle: Any) -> Ended:
    """Of a worker that died Dask alone can say how it ended."""
    if handle.status == "finished":
        return Ended(*handle.result())
    error = handle.exception() if handle.status == "error" else handle.status
    return Ended(1, f"Error: {type(error).__name__}: {one_line(error)}", "")


def conditions(folder: Path, *, training: bool) -> dict[str, str]:
    """What must be equal wherever a partition is built: code, libraries, the last digits of sums,
    and the folder; as a command that is started here finds it.
    """
    words = [sys.executable, "-c", CONDITIONS, str(folder), "training" if training else ""]
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL")}
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env=os.environ | threads
    )
    if done.returncode:
        return {"obcat": one_line(done.stderr.strip().rpartition("\n")[2])}
    found: dict[str, str] = json.loads(done.stdout)
    return found


def tell_conditions() -> None:
    """Print them, as JSON: the command CONDITIONS."""
    folder, training = sys.argv[1:]
    packages = (*PACKAGES, *TRAINING) if training else PACKAGES
    sums = home_of(Path(folder), "plan") / "SHA256SUMS"
    found = {
        "Python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "obcat": __version__,
        **{name: _version(name) for name in packages},
        "the code of obcat": code_hash("obcat.partition.launch", "obcat.build.run")[:16],
        LAST_DIGITS: arithmetic()[:16],
        f"the file {sums}": digest(sums)[:16] if sums.is_file() else "none",
    }
    sys.stdout.write(json.dumps(found))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
