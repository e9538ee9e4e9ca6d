"""The same as one HTML file, with the spectrum and the distance drawn; it loads nothing and runs nothing."""

from collections.abc import Sequence
from html import escape

import duckdb

from obcat.explain.drawing import distance_drawing, spectrum_drawing

__all__ = ["page"]

HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width"><title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 16px/1.4 sans-serif; max-width: 75em; margin: 1em auto; padding: 0 1em }}
h1 {{ font-size: 1.3em }} h2 {{ font-size: 1.05em; margin: 1.5em 0 0.3em }}
pre {{ overflow-x: auto; margin: 0; font-size: 13px }} svg {{ max-width: 100%; height: auto; background: white }}
</style></head><body>
"""


def page(con: duckdb.DuckDBPyConnection, names: dict[str, str], parts: Sequence[str]) -> str:
    """The heading and the sections of a star as HTML; every value is escaped."""
    heading, *sections = parts
    drawings = [spectrum_drawing(con, names["specid"]), distance_drawing(con, names["specid"])]
    body = [f"<h1>{escape(heading)}</h1>", *drawings, *map(as_html, sections)]
    return HEAD.format(title=escape(names["star_id"])) + "\n".join(body) + "\n</body></html>\n"


def as_html(section: str) -> str:
    title, _, text = section.partition("\n")
    return f"<section><h2>{escape(title)}</h2><pre>{escape(text)}</pre></section>"
