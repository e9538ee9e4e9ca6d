"""As the command obcat does: a second level of threads would change the last bits of sums.

Named by -p in pyproject.toml, so that it comes before plugins that load numpy.
"""

import os
import sys

# a module compiled once is not compiled again in each of the hundreds of processes that tests start
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"
