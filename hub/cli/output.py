"""What reaches the terminal: tables and sentences for people, one JSON document for programs.

All text of monitored hosts passes through `hub.cli.figures.safe` here, and never through rich's markup.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import IO, Any

from msgspec import Struct
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from hub.cli.figures import safe
from hub.cli.longtable import LongTable

PIPED_WIDTH = 400
PROGRESS_AFTER_S = 1.0
LONG_TABLE_ROWS = 500
"""Beyond them a table has no colours, and does not take seconds to print."""

SEVERITY_STYLES = {
    "critical": "bold white on red",
    "error": "bold red",
    "warning": "yellow",
    "info": "cyan",
    "debug": "dim",
    "clear": "green",
}
STATE_STYLES = {
    "too few": "bold red",
    "too many": "bold red",
    "up": "green",
    "missing": "bold red",
    "restarting": "yellow",
    "unknown": "dim",
}
STATE_MARKS = {"too few": "▼", "too many": "▲", "up": "●", "missing": "✖", "restarting": "↻", "unknown": "○"}


class Column(Struct, frozen=True):
    """A column of a table.

    Attributes:
        right: figures stand on the right.
        elastic: gives way, and is cut with an ellipsis, when the terminal is narrow.
        wraps: gives way, and goes on in the next line, when the terminal is narrow.
        least: width that it has at least, so that tables below each other are in line and do not jump.
    """

    title: str
    right: bool = False
    elastic: bool = False
    wraps: bool = False
    least: int | None = None


def console(file: IO[str] | None = None) -> Console:
    """A console for standard output that interprets nothing; wide and plain where nobody looks."""
    stream = sys.stdout if file is None else file
    width = None if stream.isatty() else PIPED_WIDTH
    return Console(file=stream, markup=False, highlight=False, emoji=False, width=width, soft_wrap=False)


def emit(document: object) -> None:
    """Print a JSON document, pure ASCII, so that no text of a host can touch the terminal."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=True) + "\n")


def emit_line(document: object) -> None:
    """Print one document of a stream on a line of its own, at once."""
    sys.stdout.write(json.dumps(document, ensure_ascii=True) + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """Print a sentence that is the command's result."""
    sys.stdout.write(safe_lines(text) + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Print a remark that is not part of the result."""
    sys.stderr.write(safe_lines(text) + "\n")
    sys.stderr.flush()


def show(*parts: RenderableType) -> None:
    """Print tables and texts; what is piped has no blanks at the ends of its lines."""
    out = console()
    if out.is_terminal:
        out.print(*parts, sep="\n")
        return
    with out.capture() as captured:
        out.print(*parts, sep="\n")
    sys.stdout.write("".join(line.rstrip() + "\n" for line in captured.get().splitlines()))


def show_lines(lines: Iterable[Text]) -> None:
    """Print lines as they are, however long; what is piped has no colours."""
    out = console()
    for line in lines:
        out.print(line, soft_wrap=True)


def is_narrow() -> bool:
    """Whether the terminal has too few columns for what is nice to know only."""
    return console().width < 100


def safe_lines(text: str) -> str:
    """As `safe`, but line ends stay."""
    return "\n".join(safe(line) for line in text.split("\n"))


def cell(value: object, style: str = "") -> Text:
    """One line of foreign text."""
    return Text(safe(value), style=style, no_wrap=True, overflow="ellipsis")


def severity_cell(name: object) -> Text:
    """A severity in its colour."""
    return cell(name, SEVERITY_STYLES.get(str(name), ""))


def state_cell(state: object) -> Text:
    """A set's state, told by mark, word and colour alike."""
    name = str(state)
    return cell(f"{STATE_MARKS.get(name, '?')} {name}", STATE_STYLES.get(name, ""))


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[object]], *, without: Sequence[str] = ()
) -> RenderableType:
    """A table without lines; a cell that is a `Text` stays as it is.

    Args:
        columns: all that there may be.
        rows: a value for each column.
        without: titles of the columns that are left out.
    """
    kept = [index for index, column in enumerate(columns) if column.title not in without]
    if len(rows) > LONG_TABLE_ROWS and not any(column.wraps or column.least for column in columns):
        return _long([columns[index] for index in kept], [[row[index] for index in kept] for row in rows])
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", collapse_padding=True)
    for column in (columns[index] for index in kept):
        made.add_column(
            Text(column.title.upper(), style="dim"),
            justify="right" if column.right else "left",
            no_wrap=not (column.elastic or column.wraps),
            overflow="fold" if column.wraps else "ellipsis",
            min_width=column.least or (min(8, len(column.title)) if column.elastic else None),
        )
    for row in rows:
        made.add_row(*(_cell_of(columns[index], row[index]) for index in kept))
    return made


def _long(columns: Sequence[Column], rows: Sequence[Sequence[object]]) -> LongTable:
    return LongTable(
        [column.title.upper() for column in columns],
        [[value.plain if isinstance(value, Text) else safe(value) for value in row] for row in rows],
        [column.right for column in columns],
        [column.elastic for column in columns],
    )


def _cell_of(column: Column, value: object) -> Text:
    if isinstance(value, Text):
        return value
    return Text(safe(value), overflow="fold") if column.wraps else cell(value)


def facts(pairs: Sequence[tuple[str, object]]) -> Table:
    """Names and values, one pair a line."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in pairs:
        made.add_row(Text(safe(name), style="dim"), value if isinstance(value, Text) else Text(safe(value)))
    return made


def plural_rows(document: Any, name: str) -> list[dict[str, Any]]:
    """The list of objects under a name in a document; empty when there is none."""
    rows = document.get(name) if isinstance(document, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
