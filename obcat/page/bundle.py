"""The front end as it was built by `npm run build` in obcat/page/web: it travels with the package."""

from pathlib import Path

__all__ = ["BUNDLE", "data", "text"]

BUNDLE = Path(__file__).parent / "bundle"


def text(name: str) -> str:
    return data(name).decode("utf-8")


def data(name: str) -> bytes:
    """A file of the bundle; FileNotFoundError names it."""
    return (BUNDLE / name).read_bytes()
