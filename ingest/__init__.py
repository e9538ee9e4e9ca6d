"""Readers, one module a source: they turn what an archive gives into Parquet with the declared
columns.
"""
