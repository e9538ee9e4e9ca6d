import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def real() -> Path:
    """Folder of the real LAMOST spectra: $OBCAT_REAL, or shared/real beside the checkout."""
    folder = Path(os.environ.get("OBCAT_REAL", ROOT.parent / "shared" / "real"))
    if not (folder / "spectra").is_dir():
        pytest.skip(f"no real LAMOST spectra in {folder}: set OBCAT_REAL to their folder")
    return folder
