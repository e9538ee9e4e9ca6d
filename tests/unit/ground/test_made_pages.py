"""Pages in the repository that a command makes: the index of sql/, the drawing of the rooms.
`make index` makes them.
"""

import re
import runpy
from pathlib import Path

import pytest

from obcat.evaluate.aims import read_before
from obcat.schema import SQL

ROOT = Path(__file__).parents[3]
INDEX = runpy.run_path(str(ROOT / "docs" / "sql_index.py"))
ROOMS = runpy.run_path(str(ROOT / "docs" / "rooms.py"))
SMALL = {"a": {"b", "c"}, "b": {"c"}, "c": set()}


def test_index_of_sql_is_that_of_its_files():
    text = (ROOT / "sql" / "README.md").read_text(encoding="utf-8")
    assert text == INDEX["index_text"](), "run: make index"


def test_index_links_every_file_once():
    linked = re.findall(r"\]\((\w+/\w+\.sql)\)", INDEX["index_text"]())
    there = {path.relative_to(SQL).as_posix() for path in SQL.glob("*/*.sql")}
    assert sorted(linked) == sorted(there)


def test_rooms_are_those_of_the_imports():
    rooms = ROOMS["imports"]()
    said = {"rooms.md": ROOMS["page"](rooms), "rooms.svg": ROOMS["drawing"](rooms)}
    for name, text in said.items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == text, "run: make index"


def test_a_room_stands_above_what_it_imports():
    text = ROOMS["drawing"](SMALL)
    heights = {room: float(re.search(rf'y="(\d+)" fill="#\w+">{room}<', text)[1]) for room in SMALL}
    assert heights["a"] < heights["b"] < heights["c"]
    assert text.count("<path") == 2  # a to c follows from the others


def test_imports_are_seen():
    rooms = ROOMS["imports"]()
    assert rooms["kernels"] == set()
    assert "fit" in rooms["models"]
    known = {"_version", "catalog", "explain", "models", "prediction", "query", "reading"}
    assert known == rooms["obcat"]
    assert "cli" not in {used for uses in rooms.values() for used in uses}


@pytest.mark.parametrize("page", ["page", "drawing"])
def test_a_new_import_changes_the_page(page):
    rooms = ROOMS["imports"]()
    assert ROOMS[page](rooms) != ROOMS[page](rooms | {"kernels": {"data"}})


def test_numbers_of_the_method_stand_beside_what_was_before():
    """Each number measured before is a row of the page's table, with that value."""
    page = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    table = page.partition("<!-- aims -->")[2].partition("<!-- /aims -->")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    said = {row[0]: row[2] for row in rows if len(row) == 4}
    before = read_before()
    assert before
    assert {name: said.get(name) for name in before} == before


def test_a_table_is_put_between_its_marks():
    placed = runpy.run_path(str(ROOT / "docs" / "placed.py"))["placed"]
    page = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n"
    assert placed(page, "x", "new \\1\n") == "a\n<!-- x -->\nnew \\1\n<!-- /x -->\nb\n"
    with pytest.raises(SystemExit, match="has no marks"):
        placed(page, "y", "")
