"""Small graphs in a line of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from hub.cli.client import Api, path_of
from hub.cli.exits import CommandError, Exit
from hub.cli.figures import NOTHING, measured
from hub.cli.output import console, plural_rows
from hub.cli.ranges import Range

BLOCKS = "▁▂▃▄▅▆▇█"
GAP = "·"
BINS = 24
WIDE_FROM = 110
"""Columns that a terminal must have to show them."""

Sparks = Mapping[tuple[str, str, str], Mapping[str, Any]]
"""By component, source and point."""


def spark(values: Sequence[object]) -> Text:
    """Blocks from the least to the largest of the values, a dot for each gap; a constant is drawn at half height."""
    known = [value for value in values if isinstance(value, int | float)]
    low, high = min(known, default=0.0), max(known, default=0.0)
    text = Text(no_wrap=True)
    for value in values:
        if not isinstance(value, int | float):
            text.append(GAP, style="dim")
        elif high > low:
            text.append(BLOCKS[min(int((value - low) / (high - low) * len(BLOCKS)), len(BLOCKS) - 1)], style="cyan")
        else:
            text.append(BLOCKS[3] if low else BLOCKS[0], style="cyan")
    return text


def with_scale(row: Mapping[str, Any] | None, *, bare: bool = False) -> Text:
    """A small graph, and what its foot and its head stand for; `bare` leaves out a unit that stands elsewhere."""
    values = row.get("values") if row is not None else None
    if not isinstance(values, list) or not any(isinstance(value, int | float) for value in values):
        return Text(NOTHING, style="dim")
    assert row is not None
    return spark(values).append(f" {_scale(row, '' if bare else str(row.get('unit') or ''))}", style="dim")


def _scale(row: Mapping[str, Any], unit: str) -> str:
    """From the least to the largest; a unit that both have is said once."""
    low, high = (measured(_short(row.get(which), unit), unit) for which in ("minimum", "maximum"))
    if low == high:
        return low
    figure, _, same = low.partition(" ")
    return f"{figure if same and high.endswith(f' {same}') else low} – {high}"


def _short(value: object, unit: str) -> object:
    """To three digits, but for what is written with a prefix or in units of time."""
    return float(f"{value:.3g}") if isinstance(value, float) and unit not in {"bytes", "bytes/s", "s"} else value


def is_wide(columns: int = WIDE_FROM) -> bool:
    """Whether somebody looks who has room for them."""
    out = console()
    return out.is_terminal and out.width >= columns


def sparks_of(
    api: Api,
    device: str,
    span: Range,
    component: str | None = None,
    points: Sequence[str] = (),
    *,
    bins: int = BINS,
) -> list[dict[str, Any]]:
    """How points of a device went; none where nobody knows now."""
    try:
        document = api.get(
            path_of("devices", device, "series", "sparklines"),
            {"component": component, "point": list(points), "start": span.start, "end": span.end, "bins": bins},
        )
    except CommandError as error:
        if error.exit_code is Exit.UNREACHABLE:
            raise
        return []
    return plural_rows(document, "sparklines")


def heading(range_text: str) -> str:
    """What a column of them is called: `last 1h`, `yesterday`."""
    return f"last {range_text}" if range_text[:1].isdigit() and range_text[-1:].isalpha() else range_text


def by_point(rows: Sequence[Mapping[str, Any]]) -> Sparks:
    """Find them by what they are of."""
    return {(str(row.get("component")), str(row.get("source")), str(row.get("point"))): row for row in rows}
