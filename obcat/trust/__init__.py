"""Old name of obcat.reading, for one release."""

from obcat.errors import old_paths

__getattr__ = old_paths("obcat.trust", "obcat.reading", "NotTrusted check")
