"""Who imports whom: ``python docs/rooms.py`` writes docs/rooms.md and its drawing, docs/rooms.svg,
from the imports.

A room is a folder of obcat/, or a module that stands in none. What is imported in a function
counts; ``errors``, which all but ``kernels`` use, is left out.
"""

import ast
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

import obcat

__all__ = ["drawing", "imports", "page"]

PACKAGE = Path(obcat.__file__).parent
FACE = "obcat"
LEFT_OUT = ("errors",)
WIDTH, HEIGHT, MARGIN, BOX, ROW = 1200, 34, 20, 8.2, 84  # pixels; BOX: of a letter

Rooms = dict[str, set[str]]

HEAD = """\
# The rooms

Who imports whom in `obcat/`. A dark box is a folder, a light one a module; each stands above all that it imports, and a
line is left out where a longer way says the same. There is no circle. `tests/unit` has a list of what each may import.

![The rooms of obcat, each above those it imports](rooms.svg)

*Made by `python docs/rooms.py` (`make index`) from the imports; a test compares.*

| room | answers | imports | imported by |
| --- | --- | --- | --- |
"""


def imports() -> Rooms:
    """Room -> the rooms that it imports; ``obcat`` is obcat/__init__.py."""
    found: Rooms = {}
    for path in _modules():
        room = _room(path.relative_to(PACKAGE).with_suffix("").parts)
        used = {_room(parts) for parts in _imported(path)}
        found.setdefault(room, set()).update(used - {room, *LEFT_OUT})
    return {room: used for room, used in sorted(found.items()) if room not in LEFT_OUT}


def _modules() -> list[Path]:
    # ingest is a link to a folder beside the package
    found = {path for part in (".", "ingest") for path in (PACKAGE / part).rglob("*.py")}
    return sorted({PACKAGE / path.relative_to(PACKAGE) for path in found})


def _room(parts: tuple[str, ...]) -> str:
    if parts[0] == "__init__":
        return FACE
    return "ingest/fetch" if parts[:2] == ("ingest", "fetch") else parts[0]


def _imported(path: Path) -> Iterator[tuple[str, ...]]:
    """What stands behind ``obcat.`` of every import, up to the name of a module or folder."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for first, *rest in (name.split(".") for name in names):
            if first == "obcat" and rest not in ([], ["__version__"]):  # who asks for the version
                there = any(PACKAGE.glob(f"{rest[0]}*"))
                yield tuple(rest) if there else ("__init__",)


def _floors(rooms: Mapping[str, set[str]]) -> dict[str, int]:
    """Room -> 0 where it imports none, else one more than the highest that it imports."""
    floors: dict[str, int] = {}

    def floor(room: str) -> int:
        if room not in floors:
            floors[room] = 1 + max((floor(used) for used in rooms[room]), default=-1)
        return floors[room]

    return {room: floor(room) for room in rooms}


def _shortest(rooms: Mapping[str, set[str]]) -> Rooms:
    """The imports without those that follow from others."""

    def below(room: str) -> set[str]:
        return {x for used in rooms[room] for x in {used, *below(used)}}

    return {
        room: {used for used in uses if not any(used in below(other) for other in uses)}
        for room, uses in rooms.items()
    }


def _width(room: str) -> float:
    return BOX * len(room) + 20


def _places(rooms: Mapping[str, set[str]]) -> dict[str, tuple[float, float]]:
    """Room -> middle of its box: floor by floor from below, near the middle of what it imports."""
    floors, places = _floors(rooms), dict[str, tuple[float, float]]()
    top = max(floors.values())
    for level in range(top + 1):
        row = [room for room in rooms if floors[room] == level]
        row.sort(key=lambda room: (_middle(rooms[room], places), room))
        gap = (WIDTH - sum(map(_width, row))) / (len(row) + 1)
        x = gap
        for room in row:
            places[room] = (x + _width(room) / 2, MARGIN + HEIGHT / 2 + (top - level) * ROW)
            x += _width(room) + gap
    return places


def _middle(used: set[str], places: Mapping[str, tuple[float, float]]) -> float:
    return sum(places[room][0] for room in sorted(used)) / len(used) if used else 0.0


def drawing(rooms: Mapping[str, set[str]]) -> str:
    """SVG."""
    places = _places(rooms)
    height = max(y for _, y in places.values()) + HEIGHT / 2 + MARGIN
    lines = [
        _line(places[room], places[used])
        for room, uses in _shortest(rooms).items()
        for used in sorted(uses)
    ]
    boxes = [_box(room, *places[room]) for room in rooms]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}"'
    style = 'font-family="monospace" font-size="13" text-anchor="middle"'
    ground = f'<rect width="{WIDTH}" height="{height:.0f}" fill="#ffffff"/>'
    return "\n".join([f"{head} {style}>", ground, *lines, *boxes, "</svg>", ""])


def _line(above: tuple[float, float], below: tuple[float, float]) -> str:
    (x, y), (to_x, to_y) = above, below
    start, end = y + HEIGHT / 2, to_y - HEIGHT / 2
    bend = (end - start) * 0.5
    way = f"M{x:.0f} {start:.0f}C{x:.0f} {start + bend:.0f} {to_x:.0f} {end - bend:.0f}"
    return f'<path d="{way} {to_x:.0f} {end:.0f}" fill="none" stroke="#8c9aa8"/>'


def _box(room: str, x: float, y: float) -> str:
    folder = (PACKAGE / room).is_dir()
    fill, ink = ("#1f5f8b", "#ffffff") if folder or room == FACE else ("#dfe9f0", "#102030")
    left, top, width = x - _width(room) / 2, y - HEIGHT / 2, _width(room)
    return (
        f'<rect x="{left:.0f}" y="{top:.0f}" width="{width:.0f}" height="{HEIGHT}" rx="4" '
        f'fill="{fill}"/><text x="{x:.0f}" y="{y + 4:.0f}" fill="{ink}">{escape(room)}</text>'
    )


def page(rooms: Mapping[str, set[str]]) -> str:
    """Markdown: the drawing, and a row for each room, the highest first."""
    floors = _floors(rooms)
    ordered = sorted(rooms, key=lambda room: (-floors[room], room))
    return HEAD + "".join(_row(room, rooms) for room in ordered)


def _row(room: str, rooms: Mapping[str, set[str]]) -> str:
    users = [other for other in rooms if room in rooms[other]]
    cells = (", ".join(f"`{x}`" for x in sorted(found)) for found in (rooms[room], users))
    return f"| `{room}` | {_purpose(room)} | {' | '.join(cells)} |\n"


def _purpose(room: str) -> str:
    """The first paragraph of its docstring; where a folder has none, that of its run.py."""
    place = PACKAGE if room == FACE else PACKAGE / room
    paths = (place / "__init__.py", place / "run.py", PACKAGE / f"{room}.py")
    path = next(path for path in paths if path.is_file())
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return said.partition("\n\n")[0].replace("\n", " ").replace("|", "/").rstrip(".")


if __name__ == "__main__":
    here = Path(__file__).parent
    (here / "rooms.md").write_text(page(imports()), encoding="utf-8")
    (here / "rooms.svg").write_text(drawing(imports()), encoding="utf-8")
