"""The figures of a daemon, as somebody reads them at a terminal (pure). Their names say their units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from common.matching import printable
from common.quantities import quantity

MOST_TEXT = 300
MOST_ITEMS = 20


def lines_of(figures: Mapping[str, Any], indent: str = "") -> list[str]:
    """A line for each figure, more for each group of them; what is empty is left out."""
    shown = {name: value for name, value in figures.items() if value not in (None, "", {}, [])}
    width = max((len(_title(name)) for name in shown), default=0)
    lines: list[str] = []
    for name, value in shown.items():
        if isinstance(value, Mapping):
            within = lines_of(value, indent + "  ")
            lines += [f"{indent}{_title(name)}", *within] if within else []
        elif isinstance(value, Sequence) and not isinstance(value, str):
            lines += _items(name, value, indent)
        else:
            lines.append(f"{indent}{_title(name):<{width}}  {figure(name, value)}")
    return lines


def figure(name: str, value: Any) -> str:
    """One figure in words, by what the end of its name says of it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        if name.endswith("_bytes"):
            return quantity(value, "bytes")
        if name.endswith("_at"):
            return _moment(value)
        if name.endswith("_s"):
            return quantity(value, "s")
        return f"{value:,}" if isinstance(value, int) else quantity(value, "")
    return printable(str(value), MOST_TEXT)


def columns(rows: Iterable[Sequence[str]], indent: str = "  ", *, right: frozenset[int] = frozenset()) -> list[str]:
    """Rows as aligned columns; those of the numbers in `right` end below each other."""
    kept = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*kept, strict=True)]
    return [
        indent
        + "  ".join(
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in kept
    ]


def _title(name: str) -> str:
    for unit in ("_bytes", "_at", "_s"):
        name = name.removesuffix(unit)
    return printable(name.replace("_", " "), 60)


def _items(name: str, values: Sequence[Any], indent: str) -> list[str]:
    if not any(isinstance(value, Mapping) for value in values):
        more = f" and {len(values) - MOST_ITEMS} more" if len(values) > MOST_ITEMS else ""
        return [f"{indent}{_title(name)}  {', '.join(figure(name, value) for value in values[:MOST_ITEMS])}{more}"]
    lines = [f"{indent}{_title(name)}"]
    for value in values[:MOST_ITEMS]:
        within = lines_of(value, indent + "    ") if isinstance(value, Mapping) else [f"{indent}    {value}"]
        if within:
            lines += [f"{indent}  - {within[0].strip()}", *within[1:]]
    if len(values) > MOST_ITEMS:
        lines.append(f"{indent}  and {len(values) - MOST_ITEMS} more")
    return lines


def _moment(value: float) -> str:
    try:
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return str(value)
