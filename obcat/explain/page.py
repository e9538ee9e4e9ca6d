"""The same as one HTML file, with the spectrum and the distance drawn; it loads nothing and runs nothing."""

from collections.abc import Iterable
from html import escape

import duckdb

from obcat.explain.drawing import distance_drawing, spectrum_drawing
from obcat.explain.section import Section

__all__ = ["page"]

HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 15px/1.45 system-ui, sans-serif; max-width: 72em; margin: 1em auto; padding: 0 1em }}
h1 {{ font-size: 1.3em }} h2 {{ font-size: 1.05em; margin: 1.8em 0 0.4em }}
.wide {{ overflow-x: auto }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums }}
th, td {{ text-align: left; vertical-align: top; padding: 0.15em 1.2em 0.15em 0; border-bottom: 1px solid #8884 }}
th, td {{ white-space: nowrap }} .long {{ white-space: normal; min-width: 16em }} .lines .long {{ color: #777 }}
svg {{ max-width: 100%; height: auto; background: white }} figure {{ margin: 1em 0 }}
</style></head><body>
"""


def page(con: duckdb.DuckDBPyConnection, names: dict[str, str], heading: str, sections: Iterable[Section]) -> str:
    """The heading, the drawings and the sections of a star as HTML; every value is escaped."""
    drawings = (spectrum_drawing(con, names["specid"]), distance_drawing(con, names["specid"]))
    body = [f"<h1>{escape(heading)}</h1>"]
    body += [f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>" for caption, drawing in drawings]
    body += [section.html for section in sections]
    return HEAD.format(title=escape(names["star_id"])) + "\n".join(body) + "\n</body></html>\n"
