"""All benchmarks, each in a process of its own with one thread: ratios to the limit or to the
obvious peer.

python bench/run.py [name ...]
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from timing import THREADS

FOLDER = Path(__file__).parent
NAMES = (
    "simulate",
    "reading",
    "loading",
    "udf",
    "covariance",
    "normalise",
    "network",
    "distances",
    "crossmatch",
    "page",
)
TIMEOUT = 600  # seconds by the clock: what hangs is ended, what a loaded machine slows down is not


def run(name: str) -> bool:
    """Whether the benchmark ended well and in time; its output goes where ours goes."""
    start = time.monotonic()
    print(f"== {name}", flush=True)
    command = [sys.executable, str(FOLDER / f"{name}.py")]
    try:
        code = subprocess.run(
            command, env=os.environ | dict.fromkeys(THREADS, "1"), timeout=TIMEOUT, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        code = -1
    print(
        f"== {name}: {f'FAILED ({code})' if code else 'done'} after "
        f"{time.monotonic() - start:.0f} s\n",
        flush=True,
    )
    return code == 0


def main() -> int:
    names = sys.argv[1:] or NAMES
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"no benchmark {unknown[0]}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    went_well = [run(name) for name in names]
    return 0 if all(went_well) else 1


if __name__ == "__main__":
    sys.exit(main())
