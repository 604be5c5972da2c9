"""Rows of a file, as they stand in it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import rrdtool
from msgspec import Struct

from collectors.framework.data.index import Series
from collectors.framework.data.reading.folding import Row, Segment
from common import rrd
from common.errors import PermanentError
from common.series import SeriesKey

MAX_ROWS = 5000
MAX_FIGURES = 20_000
"""Rows times points: what fits one message of the wire."""

CHUNK_FIGURES = 50_000
"""Rows times points: read at once, so that a long time is not in memory as a whole."""

Kept = Sequence[tuple[int, int]]
"""Seconds a row, and seconds kept, of each archive of a file, finest first."""


def whose(key: SeriesKey) -> str:
    """A series as a part of a sentence."""
    return f"Source {key.source!r} of component {key.component!r} of {key.device!r}"


def choose_resolution(kept: Kept, start: int, end: int, now: float, wanted_s: int | None, max_rows: int) -> int:
    """The seconds a row to read: one that the file keeps, reaches back to the start, and gives few enough rows.

    Without a wish the finest such one, else the nearest to the wish.
    """
    few = [(seconds, span) for seconds, span in kept if (end - start) / seconds + 1 <= max_rows] or [kept[-1]]
    fitting = [seconds for seconds, span in few if now - span <= start] or [few[-1][0]]
    return min(fitting, key=lambda seconds: abs(seconds - wanted_s)) if wanted_s else fitting[0]


def unreadable(series: Series, error: Exception) -> PermanentError:
    """The error of a file that rrdtool cannot read."""
    return PermanentError(f"{whose(series.key)} cannot be read: {error}")


def _finite(value: Any) -> float | None:
    return value if value is not None and math.isfinite(value) else None


class Stored(Struct, frozen=True):
    """A file, or a copy of one, as it is read.

    Attributes:
        file: path.
        kept: what each archive is.
        last: epoch second of its newest sample.
        names: of its points, in order.
        info: as rrdtool has it.
    """

    file: str
    kept: Kept
    last: int
    names: tuple[str, ...]
    info: Mapping[str, Any]

    def oldest(self, step_s: int) -> int:
        """Epoch second that the oldest row of an archive begins after."""
        return self.last // step_s * step_s - dict(self.kept)[step_s]


def stored(series: Series, file: str = "") -> Stored:
    """The file of a series, or a copy of it.

    Raises:
        PermanentError: rrdtool cannot read it.
    """
    path = file or series.file
    try:
        info = rrdtool.info(path)
    except rrdtool.OperationalError as error:
        raise unreadable(series, error) from None
    numbered = {int(info[key]): key[3:-7] for key in info if key.startswith("ds[") and key.endswith("].index")}
    names = tuple(numbered[index] for index in sorted(numbered))
    return Stored(path, rrd.held_resolutions(info), int(info["last_update"]), names, info)


def rows_in(series: Series, held: Stored, cf: str, parts: Sequence[Segment], places: Sequence[int]) -> Iterator[Row]:
    """Rows of some parts of a time, in order; of each the figures at these places.

    Raises:
        PermanentError: rrdtool cannot read them.
    """
    most = max(1, CHUNK_FIGURES // max(1, len(held.names)))
    for part in parts:
        for begin in range(part.start, part.end, most * part.step_s):
            end = min(part.end, begin + most * part.step_s)
            yield from _chunk(series, held, cf, Segment(part.step_s, begin, end), places)


def _chunk(series: Series, held: Stored, cf: str, part: Segment, places: Sequence[int]) -> Iterator[Row]:
    # rrdtool counts the row that an end lies in; so asked, the last one is that which ends there.
    options = [cf, "--resolution", str(part.step_s), "--start", str(part.start), "--end", str(part.end - 1)]
    try:
        (begin, _, step_s), _, rows = rrdtool.fetch(held.file, *options)
    except rrdtool.OperationalError as error:
        raise unreadable(series, error) from None
    if step_s != part.step_s:
        raise PermanentError(f"{whose(series.key)} was made anew while it was read; ask again")
    for index, row in enumerate(rows, 1):
        at = begin + index * step_s
        if part.start < at <= part.end:
            yield at, step_s, [_finite(row[place]) for place in places]
