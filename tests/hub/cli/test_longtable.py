"""Tables of many rows: drawn another way, and alike."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from hub.cli.longtable import LongTable
from hub.cli.output import LONG_TABLE_ROWS, Column, table

COLUMNS = (Column("device", elastic=True), Column("class", elastic=True), Column("number", right=True), Column("sync"))


def drawn(rows: int, width: int) -> list[str]:
    cells = [[f"web{n:04}", "/Server/日本" if n % 2 else "\x1b[31m", n, Text("yes", "green")] for n in range(rows)]
    shown = io.StringIO()
    Console(file=shown, width=width).print(table(COLUMNS, cells))
    return [line.rstrip() for line in shown.getvalue().splitlines()]


def test_a_long_table_looks_as_a_short_one() -> None:
    long = drawn(LONG_TABLE_ROWS + 1, 80)
    assert isinstance(table(COLUMNS, [["a", "b", 1, "c"]] * (LONG_TABLE_ROWS + 1)), LongTable)
    assert long[:-1] == drawn(LONG_TABLE_ROWS, 80)
    assert len(long) == LONG_TABLE_ROWS + 2


@pytest.mark.parametrize("width", [34, 30, 20])
def test_a_long_table_gives_way_to_a_narrow_terminal_a_line_for_each_row(width: int) -> None:
    lines = drawn(LONG_TABLE_ROWS + 1, width)
    assert len(lines) == LONG_TABLE_ROWS + 2
    assert max(map(cell_len, lines)) <= width
    assert any("…" in line for line in lines)


def test_columns_that_wrap_are_never_cut() -> None:
    rows = [["a", "b" * 50]] * (LONG_TABLE_ROWS + 1)
    assert not isinstance(table((Column("a"), Column("b", wraps=True)), rows), LongTable)
