"""The status tree as tables: a table for things of a kind, names and values for what is single (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from hub.cli.figures import NOTHING, local_time, measured, written
from hub.cli.output import Column, cell, facts, table

Node = Mapping[str, Any]
"""A branch, or a leaf as it is with metadata."""
PROBLEM = "problem"
MAX_ROWS = 2000
_SHORT = frozenset({"bytes", "percent", "s", "ms", "celsius", "rpm"})
"""Units that stand in a table; others only say again what the column does."""


def is_leaf(node: object) -> bool:
    """Whether it is a leaf: an object that says whether it can be written."""
    return isinstance(node, dict) and isinstance(node.get("writeable"), bool)


def sections(node: Node, path: str) -> Iterator[RenderableType]:
    """A branch or a leaf, a heading and a table for each part of it.

    Args:
        node: as it is with metadata.
        path: that led to it; empty for the whole tree.
    """
    if is_leaf(node):
        yield Text.assemble(value_text(node), f"  {_about(node)}")
        return
    leaves = {name: part for name, part in node.items() if is_leaf(part)}
    branches = {name: part for name, part in node.items() if isinstance(part, dict) and not is_leaf(part)}
    rows = {name: part for name, part in branches.items() if path and part and all(map(is_leaf, part.values()))}
    if leaves or rows or not branches:
        yield _heading(path or "/")
    if not node:
        yield Text("nothing", style="dim")
    if leaves:
        yield facts([(name, _fact(name, leaf)) for name, leaf in leaves.items()])
    if rows:
        yield _rows(rows)
    if leaves or rows or not branches:
        yield Text("")
    for name, part in branches.items():
        if name not in rows:
            yield from sections(part, f"{path}/{name}" if path else name)


def value_text(leaf: Node, *, short: bool = False) -> Text:
    """A value with its unit; in short without such units as a column says."""
    value, units = leaf.get("value"), str(leaf.get("units") or "")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return cell(NOTHING, "dim") if value is None else cell(written(value))
    if units == "epoch s":
        return cell(local_time(float(value)))
    if short and units not in _SHORT:
        units = ""
    return cell(measured(value, "%" if units == "percent" else units))


def ages(node: Node) -> list[float]:
    """How old the values in it are, in seconds."""
    if is_leaf(node):
        age = node.get("age_s")
        return [float(age)] if isinstance(age, int | float) else []
    return [age for part in node.values() if isinstance(part, dict) for age in ages(part)]


def _rows(things: Mapping[str, Node]) -> RenderableType:
    """Things with the same leaves, a row for each; what is wrong with one stands at the end of its row."""
    names = dict.fromkeys(name for leaves in things.values() for name in leaves if name != PROBLEM)
    problems = any(PROBLEM in leaves for leaves in things.values())
    columns = [Column("", elastic=True), *(Column(name, right=True) for name in names)]
    columns += [Column(PROBLEM, wraps=True)] if problems else []
    shown = list(things.items())[:MAX_ROWS]
    return table(columns, [_row(name, leaves, names, problems=problems) for name, leaves in shown])


def _row(name: str, leaves: Node, names: Mapping[str, None], *, problems: bool) -> Sequence[object]:
    problem = leaves.get(PROBLEM)
    cells: list[object] = [cell(name, "bold" if problem else "")]
    cells += [value_text(leaves[one], short=True) if one in leaves else cell(NOTHING, "dim") for one in names]
    if problems:
        cells.append(Text(value_text(problem).plain, style="yellow") if problem else "")
    return cells


def _heading(path: str) -> Text:
    return cell(path, "bold cyan")


def _fact(name: str, leaf: Node) -> Text:
    if name == PROBLEM:
        return Text(value_text(leaf).plain, style="yellow")
    return Text.assemble(value_text(leaf), "  ", cell(leaf.get("description") or "", "dim"))


def _about(leaf: Node) -> Text:
    reason = leaf.get("reason")
    return cell(reason, "yellow") if reason else cell(leaf.get("description") or "", "dim")
