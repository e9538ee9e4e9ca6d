"""Package data: the tables and spectra that simulation and build read, and the models that predict
uses where none are named."""

from pathlib import Path

__all__ = ["PORTABLE", "REFERENCE"]

REFERENCE = Path(__file__).parent / "reference"
PORTABLE = Path(__file__).parent / "portable" / "models.safetensors"
