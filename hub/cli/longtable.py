"""Tables of thousands of rows: rich measures and styles every cell by itself, which takes seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions
from rich.segment import Segment

GAP = "  "
LEAST_WIDTH = 8


class LongTable:
    """A table without colours whose cells are one line each.

    Args:
        titles: of the columns.
        rows: a text for each column, safe to print.
        right: for each column, whether it stands on the right.
        elastic: for each column, whether it gives way when the terminal is narrow.
    """

    def __init__(
        self, titles: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool], elastic: Sequence[bool]
    ) -> None:
        self._rows = [titles, *rows]
        self._right = right
        self._elastic = elastic

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        """Give rich the lines as they are."""
        widths = self._widths(options.max_width)
        for row in self._rows:
            cells = zip(row, widths, self._right, strict=True)
            yield Segment(GAP.join(_fitted(text, width, right=right) for text, width, right in cells).rstrip() + "\n")

    def _widths(self, room: int) -> list[int]:
        """Columns as wide as their widest cells; the widest elastic ones are cut until all of them fit."""
        widths = [max(map(_width, column)) for column in zip(*self._rows, strict=True)]
        over = sum(widths) + len(GAP) * (len(widths) - 1) - room
        while over > 0:
            elastic = [index for index, gives in enumerate(self._elastic) if gives and widths[index] > LEAST_WIDTH]
            if not elastic:
                break
            widths[max(elastic, key=widths.__getitem__)] -= 1
            over -= 1
        return widths


def _width(text: str) -> int:
    return len(text) if text.isascii() else cell_len(text)


def _fitted(text: str, width: int, *, right: bool) -> str:
    own = _width(text)
    if own > width:
        return set_cell_size(text, width - 1) + "…"
    blanks = " " * (width - own)
    return blanks + text if right else text + blanks
