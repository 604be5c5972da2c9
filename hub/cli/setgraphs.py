"""Small graphs of process sets, as columns of their table."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from rich.text import Text

from hub.cli.client import Api
from hub.cli.output import Column
from hub.cli.ranges import Range
from hub.cli.sparks import heading, is_wide, sparks_of, with_scale

SPARKS_FROM = 165
"""Columns that a terminal must have to show small graphs, too."""
SPARK_POINTS, SPARK_NAMES, SPARK_BINS = ("cpu", "memory"), ("cpu %", "memory"), 16


def set_sparks(
    api: Api, device: str, sets: Collection[str], span: Range, *, wanted: bool | None, as_json: bool
) -> list[dict[str, Any]] | None:
    """How CPU and memory of sets went; None where it is not shown.

    Args:
        api: of the hub.
        device: whose sets they are.
        sets: their names.
        span: the time.
        wanted: None for where there is room.
        as_json: a program reads it.
    """
    if not ((as_json or is_wide(SPARKS_FROM)) if wanted is None else wanted) or not sets:
        return None
    found = sparks_of(api, device, span, None, SPARK_POINTS, bins=SPARK_BINS)
    return [row for row in found if row.get("component") in sets]


class SetGraphs:
    """Two columns, and their cells.

    Args:
        range_text: what time they show, as it was typed.
        rows: as the API has them.
    """

    def __init__(self, range_text: str, rows: Sequence[dict[str, Any]]) -> None:
        self._title = heading(range_text)
        self._found = {(row.get("component"), row.get("point")): row for row in rows}

    def columns(self) -> list[Column]:
        """Of CPU and memory, where there is anything to show."""
        return [Column(f"{name}, {self._title}") for name in SPARK_NAMES] if self._found else []

    def cells(self, row: dict[str, Any]) -> list[Text]:
        """Of one set."""
        return (
            [with_scale(self._found.get((row.get("set"), point)), bare=point == "cpu") for point in SPARK_POINTS]
            if self._found
            else []
        )
