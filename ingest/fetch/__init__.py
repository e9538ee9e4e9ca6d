"""Bring what a survey names from the archives to disk: resumable, provably complete, polite.

Nothing here contacts a host when it is imported; the archives' clients are imported where they are
used.
"""
