"""Absolute magnitudes, extinctions, distances and binarity of O and B stars (Xiang et al. 2021)."""

__version__ = "0.1.0"
