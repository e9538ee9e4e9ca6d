"""The version of obcat, where every module may ask for it without the whole face."""

__all__ = ["__version__"]

__version__ = "0.1.0"
