"""`tocsin graph --list`: which graphs a device has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub.cli.client import Api, path_of
from hub.cli.exits import not_found
from hub.cli.figures import NOTHING
from hub.cli.output import Column, emit, note, plural_rows, show, table

_COLUMNS = (
    Column("component", elastic=True),
    Column("graph"),
    Column("title", elastic=True),
    Column("points", wraps=True),
    Column("from"),
)
WHOLE = "(all)"
BUILT_IN = "built in"

Row = dict[str, Any]


def graph_rows(api: Api, device: str, components: Sequence[str]) -> tuple[list[Row], str]:
    """The graphs of a device, or of some of its components, and why they are not all known; else empty.

    Raises:
        CommandError: exit code 3: there is no such device or component.
    """
    path = path_of("devices", device, "graphs")
    asked = [api.get(path, {"component": one}) for one in components] or [api.get(path)]
    problems = dict.fromkeys(str(document.get("problem") or "") for document in asked)
    return [row for document in asked for row in plural_rows(document, "graphs")], " ".join(problems)


def show_graphs(api: Api, device: str, components: Sequence[str], *, as_json: bool) -> None:
    """Print them.

    Raises:
        CommandError: exit code 3: there are none.
    """
    rows, problem = graph_rows(api, device, components)
    if not rows and not problem:
        raise not_found(f"{device} has no graphs yet; the first sample makes its series")
    if as_json:
        emit({"device": device, "graphs": rows, "problem": problem})
        return
    cells = [[_whose(row), row.get("graph"), row.get("title"), _points(row), _origin(row)] for row in rows]
    show(table(_COLUMNS, cells))
    if problem:
        note(f"What is kept is not known: {problem}")


def _whose(row: Row) -> object:
    component = row.get("component")
    return WHOLE if component is None else component or NOTHING


def _points(row: Row) -> str:
    points = [str(one) for one in row.get("points") or []]
    return ", ".join([*points, *(f"{one} (not there)" for one in row.get("missing") or [])])


def _origin(row: Row) -> str:
    return f"template {row['template']}" if row.get("template") else BUILT_IN
