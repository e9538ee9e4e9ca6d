"""What the page knows besides the database: columns with units, quality bits, cookbook, provenance."""

import re
from typing import Any

from obcat.db import SqlFile
from obcat.export.database import TABLES
from obcat.export.published import NOT_REAL, Published
from obcat.schema import SQL, Column

__all__ = ["facts", "recipes", "runs_in_page"]


def facts(catalog: Published) -> dict[str, Any]:
    """Everything as JSON holds it; texts as they are, nothing escaped."""
    return {
        "survey": catalog.survey,
        "simulated": catalog.simulated,
        "warning": NOT_REAL if catalog.simulated else None,
        "rows": catalog.rows.num_rows,
        "columns": [described(c) for c in catalog.columns],
        "bits": [
            {"bit": bit, "name": name, "meaning": meaning} for bit, name, meaning in catalog.bits
        ],
        "recipes": recipes(),
        "provenance": sorted(catalog.provenance.items()),
        "sun_x": catalog.parameters["sun_x"],
    }


def described(column: Column) -> dict[str, Any]:
    decimals = re.fullmatch(r"F\d+\.(\d+)", column.format)
    return {
        "name": column.column,
        "unit": column.unit,
        "decimals": int(decimals[1]) if decimals else None,
        "description": column.description,
    }


def recipes() -> list[dict[str, str]]:
    """The cookbook, by title, without the recipes that need what the page does not have."""
    files = [SqlFile(path) for path in sorted((SQL / "queries").glob("*.sql"))]
    found = [
        {"name": file.path.stem, "title": ", ".join(file.header("Title")), "sql": body(file.text)}
        for file in files
        if runs_in_page(file)
    ]
    return sorted(found, key=lambda recipe: recipe["title"])


def runs_in_page(file: SqlFile) -> bool:
    """Whether every table a recipe reads travels with the page, and it calls no function of Python."""
    return set(file.header("Reads")) <= set(TABLES) and not file.header("UDFs")


def body(text: str) -> str:
    """A recipe under its title: the other lines of its head are for those who keep the cookbook."""
    lines = [
        line
        for line in text.splitlines()
        if not re.match(r"-- (Title|Reads|UDFs|Paper|Grain):", line)
    ]
    title = re.search(r"^-- Title: *(.*)$", text, re.MULTILINE)
    return (
        "\n".join([*([f"-- {title[1]}"] if title else []), *lines])
        .rstrip()
        .removesuffix(";")
        .rstrip()
        + "\n"
    )
