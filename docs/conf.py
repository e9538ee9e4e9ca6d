"""Sphinx: the pages in this folder, and those that docs/pages.py makes from the schema,
the SQL and the commands.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import pages  # noqa: E402

import obcat  # noqa: E402

project = "obcat"
author = "the obcat developers"
version = release = obcat.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = f"obcat {release}"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_show_copyright = False
myst_heading_anchors = 3
autodoc_typehints = "signature"
autodoc_member_order = "bysource"


def add_others(app, docname: str, source: list[str]) -> None:
    """The pages that the index does not name stand at the end of its last list."""
    if docname == "index":
        there = sorted(path.stem for path in Path(app.srcdir).glob("*.md"))
        extra = [name for name in there if name not in ("index", *source[0].split())]
        source[0] = source[0].replace("\nothers\n", "\n" + "".join(f"{name}\n" for name in extra))


def setup(app) -> None:
    app.connect("builder-inited", lambda app: pages.write(Path(app.srcdir) / "generated"))
    app.connect("source-read", add_others)
