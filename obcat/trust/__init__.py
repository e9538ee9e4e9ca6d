"""Old name of obcat.query.trust, for one release."""

from obcat.old_paths import old_paths

__getattr__ = old_paths("obcat.trust", "obcat.query.trust", "NotTrusted check")
