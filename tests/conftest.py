import os
from pathlib import Path

import pytest

# as the command obcat does: a second level of threads would change the last bits of sums
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def real() -> Path:
    """Folder of the real LAMOST spectra: $OBCAT_REAL, or shared/real beside the checkout."""
    folder = Path(os.environ.get("OBCAT_REAL", ROOT.parent / "shared" / "real"))
    if not (folder / "spectra").is_dir():
        pytest.skip(f"no real LAMOST spectra in {folder}: set OBCAT_REAL to their folder")
    return folder
