"""The paper's figures and numbers from a catalog, one module a section of the paper,
and the page that holds them.
"""
