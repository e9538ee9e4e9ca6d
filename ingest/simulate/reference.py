"""Reference: where the package data lie, and the seeded random streams every part of the simulation draws from."""

from pathlib import Path

import numpy as np

import obcat

__all__ = ["REFERENCE", "stream"]

REFERENCE = Path(obcat.__file__).parent / "data" / "reference"


def stream(seed: int, *key: int) -> np.random.Generator:
    """An independent generator for each key: no draw depends on which process made it, or on how many there are."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
