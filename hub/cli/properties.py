"""Where the properties of a device come from, for people."""

from __future__ import annotations

from typing import Any

from rich.text import Text

from hub.cli.client import Api, path_of
from hub.cli.figures import NOTHING, safe, written
from hub.cli.output import Column, emit, plural_rows, show, table

DEFAULT = "default"


def show_properties(api: Api, device: str, component: str | None = None, *, as_json: bool) -> None:
    """Print every property that holds for a device, or a part of it: value, who says it, and whom that overrides."""
    document = api.get(path_of("devices", device, "properties"), {"component": component})
    if as_json:
        emit(document)
        return
    columns = (
        Column("property"),
        Column("value", elastic=True),
        Column("from"),
        Column("instead of", wraps=True),
    )
    show(table(columns, [_row(row) for row in plural_rows(document, "properties")]))


def _row(row: dict[str, Any]) -> list[object]:
    origin = str(row.get("origin"))
    style = "dim" if origin == DEFAULT else ""
    overrides = [f"{_value(said, row)} ({said.get('origin')})" for said in row.get("overrides") or []]
    return [
        Text(safe(row.get("name"))),
        Text(safe(_value(row, row)), style=style),
        Text(safe(origin), style=style),
        ", ".join(overrides),
    ]


def _value(said: dict[str, Any], row: dict[str, Any]) -> str:
    value = said.get("value")
    if value == "":
        return NOTHING
    unit = str(row.get("unit") or "")
    return f"{written(value)} {unit}".strip()
