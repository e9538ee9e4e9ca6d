"""As the command obcat does: a second level of threads would change the last bits of sums.

Named by -p in pyproject.toml, so that it comes before plugins that load numpy.
"""

import os

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"
