"""The package CDS asks for: a fixed-width table, a ReadMe that describes it byte by byte,
and a checker of such.
"""
