"""`tocsin graph --list`: which graphs a device has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from hub.cli.client import Api, path_of
from hub.cli.exits import not_found
from hub.cli.figures import NOTHING
from hub.cli.output import Column, cell, emit, note, plural_rows, show, table

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


def worth_a_picture(rows: Sequence[Row]) -> list[Row]:
    """Without single points of components that have other graphs: each can be drawn by its name all the same."""
    others = {row.get("component") for row in rows if not row.get("single")}
    return [row for row in rows if not row.get("single") or row.get("component") not in others]


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
    show(table(_COLUMNS, list(_cells(rows))))
    if problem:
        note(f"What is kept is not known: {problem}")


def _cells(rows: Sequence[Row]) -> Iterator[list[object]]:
    """A row for each graph; points that are drawn by themselves are one row behind the others of their component."""
    shown = {id(row) for row in worth_a_picture(rows)}
    for component, of_one in groupby(rows, key=lambda row: row.get("component")):
        points = []
        for row in of_one:
            if id(row) in shown:
                yield [_whose(component), row.get("graph"), row.get("title"), _points(row), _origin(row)]
            else:
                points.append(str(row.get("graph")))
        if points:
            yield [_whose(component), cell("NAME", "dim"), "one by itself", ", ".join(points), BUILT_IN]


def _whose(component: object) -> object:
    return WHOLE if component is None else component or NOTHING


def _points(row: Row) -> str:
    points = [str(one) for one in row.get("points") or []]
    return ", ".join([*points, *(f"{one} (not there)" for one in row.get("missing") or [])])


def _origin(row: Row) -> str:
    return f"template {row['template']}" if row.get("template") else BUILT_IN
