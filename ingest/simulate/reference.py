"""Reference: where the package data of the simulation lie."""

from pathlib import Path

import obcat

__all__ = ["REFERENCE"]

REFERENCE = Path(obcat.__file__).parent / "data" / "reference"
