"""One HTML file to look at: the whole catalog, a database engine, plots and some spectra;
it needs no network.
"""

from obcat.page.document import PageError, page

__all__ = ["PageError", "page"]
