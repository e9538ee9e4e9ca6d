"""Package data: where the model tables and spectra lie that simulation and build read."""

from pathlib import Path

__all__ = ["REFERENCE"]

REFERENCE = Path(__file__).parent / "reference"
