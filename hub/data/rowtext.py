"""Rows as comma-separated values (pure)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from common.series import Number

_END = "\r\n"
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(header: Sequence[str], rows: Iterable[tuple[Sequence[str], Sequence[Number | None]]]) -> str:
    """Lines of a table: first cells that are texts, then figures; what is unknown is empty.

    A text that a spreadsheet would take for a formula has an apostrophe before it.

    Args:
        header: of all columns; none for no header.
        rows: texts and figures of each line.
    """
    sink = _Lines()
    writer = csv.writer(sink, lineterminator=_END)
    if header:
        writer.writerow(map(_text, header))
    writer.writerows(
        [*map(_text, texts), *("" if value is None else value for value in values)] for texts, values in rows
    )
    return sink.getvalue()


class _Lines(io.StringIO):
    """Ends lines as is usual here; the writer has to think of both characters, or it would leave one unquoted."""

    def write(self, text: str, /) -> int:
        return super().write(text.removesuffix(_END) + "\n")


def _text(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
