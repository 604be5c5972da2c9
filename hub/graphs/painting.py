"""The hub's drawing process: draws pictures of figures that are in no file.

Started by the hub as `python -m hub.graphs.painting`. Jobs come on its standard input, pictures leave on its standard
output, each with its length in four bytes before it. It may be killed at any moment. The end of the input ends it.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import msgspec
import rrdtool
from msgspec import Struct
from msgspec.structs import replace

from common.errors import NotFoundError, TocsinError
from common.graphdefs import File
from common.graphdrawing import check_zone, compose, paint, warm_up
from common.graphpicture import step_of
from common.graphplots import Series, Whose, plots_from
from common.graphs import Drawing
from common.pipes import serve
from common.series import Layout, SeriesKey
from hub.graphs.tables import CONSOLIDATIONS, MAX_JOB_BYTES, Job, Outcome, Painted, Refused, Row, Table

SPARE = 2
"""Rows of nothing behind the last: librrd may read a little further than it asks."""
PREFIX = "cb//"
"""What makes librrd ask its callback for the figures of a path."""

_decoder = msgspec.msgpack.Decoder(Job)
_encoder = msgspec.msgpack.Encoder()


class Source(Struct, frozen=True):
    """A table as drawing knows the sources of components."""

    key: SeriesKey
    layout: Layout
    file: str


class Tables:
    """The figures of the picture that is being drawn, as librrd asks for them."""

    def __init__(self, tables: Sequence[Table]) -> None:
        self._tables = {f"{PREFIX}{place}": table for place, table in enumerate(tables)}
        self._rows = {
            (path, cf): {-(-at // table.row_s): values for at, values in rows_of(table, cf)}
            for path, table in self._tables.items()
            for cf in CONSOLIDATIONS
        }
        self.paths: dict[str, int] = {}

    def of(self, series: Series) -> tuple[File, int]:
        """The file that stands for a table, and the seconds of its rows."""
        names = frozenset(point.name for point in series.layout.points)
        return File(path=series.file, names=names), self._tables[series.file].row_s

    def fetch(self, *, filename: str, cf: str, start: int, end: int, **_more: Any) -> dict[str, Any]:
        """Rows of a table, each known by its end, from the first that ends after the start.

        Raises:
            ValueError: the start is not at the edge of a row; librrd would read beyond what it gets.
        """
        table = self._tables[filename]
        step_s = table.row_s
        if start % step_s:
            raise ValueError(f"{start} is not at the edge of a row of {step_s} s")
        rows = self._rows[filename, cf]
        nothing = [None] * len(table.layout.points)
        first = start // step_s + 1
        last = -(-end // step_s)
        found = [*(rows.get(place, nothing) for place in range(first, last + 1)), *[nothing] * SPARE]
        columns = {point.name: [row[place] for row in found] for place, point in enumerate(table.layout.points)}
        return {"start": start, "end": (last + SPARE) * step_s, "step": step_s, "data": columns}


def rows_of(table: Table, cf: str) -> list[Row]:
    """The rows of a consolidation."""
    return table.rows.get(cf) or table.rows[CONSOLIDATIONS[0]]


# --- one grid --------------------------------------------------------------------------------------------------------


def aligned(job: Job) -> Job:
    """The same with a start, and a time that it is compared with, at the edge of a row of every table.

    Tables whose rows do not fit into the longest ones are made anew with these.
    """
    row_s = max((table.row_s for table in job.tables), default=1)
    query = job.query
    drawing = query.drawing or Drawing()
    start = query.start - query.start % row_s
    compare_s = max(row_s, round(drawing.compare_s / row_s) * row_s) if drawing.compare_s else 0
    return Job(
        replace(query, start=start, drawing=replace(drawing, compare_s=compare_s)),
        [table if row_s % table.row_s == 0 else coarser(table, row_s) for table in job.tables],
    )


def coarser(table: Table, row_s: int) -> Table:
    """A table with longer rows."""
    return replace(table, row_s=row_s, rows={cf: _folded(rows_of(table, cf), cf, row_s) for cf in CONSOLIDATIONS})


def _folded(rows: Sequence[Row], cf: str, row_s: int) -> list[Row]:
    within: dict[int, list[list[float | None]]] = {}
    for at, values in rows:
        within.setdefault(-(-at // row_s), []).append(values)
    return [
        (
            place * row_s,
            [_one(cf, [value for value in column if value is not None]) for column in zip(*found, strict=True)],
        )
        for place, found in within.items()
    ]


def _one(cf: str, values: Sequence[float]) -> float | None:
    if not values:
        return None
    return {"MIN": min, "MAX": max}.get(cf, fmean)(values)


# --- drawing ---------------------------------------------------------------------------------------------------------


class _Shown:
    """What is being drawn."""

    tables = Tables(())


_shown = _Shown()


def _fetch(**asked: Any) -> dict[str, Any]:
    return _shown.tables.fetch(**asked)


rrdtool.register_fetch_cb(_fetch)  # once, for all pictures: librrd keeps it without holding it


def draw(job: Job) -> bytes:
    """The bytes of a picture.

    Raises:
        NotFoundError: none of its points is there.
        PermanentError: it cannot be drawn.
    """
    job = aligned(job)
    query = job.query
    check_zone(query.drawing.zone if query.drawing else "UTC")
    tables = _shown.tables = Tables(job.tables)
    whose: dict[tuple[str, str, str], list[Source]] = {}
    for place, table in enumerate(job.tables):
        key = SeriesKey(table.device, table.component, table.source)
        of_one = whose.setdefault((table.device, table.component, table.label), [])
        of_one.append(Source(key, table.layout, f"{PREFIX}{place}"))
    plots = plots_from(query, [Whose(*names, sources) for names, sources in whose.items()], tables)
    step_s = step_of(query.start, query.end, query.width)
    return paint(compose(query, plots, step_s))


def respond(data: bytes) -> Outcome:
    """What becomes of one encoded job."""
    try:
        return Painted(draw(_decoder.decode(data)))
    except NotFoundError as error:
        return Refused(error.message, found=False)
    except TocsinError as error:
        return Refused(error.message)
    except Exception:  # noqa: BLE001 - the supervisor of this process: one bad picture ends no other
        sys.stderr.write(traceback.format_exc())
        return Refused("The hub's drawing process failed at this picture; see the hub's log")


def main() -> int:
    """Draw until the input ends."""
    warm_up()
    serve(lambda data: _encoder.encode(respond(data)), MAX_JOB_BYTES)
    return 0


if __name__ == "__main__":
    sys.exit(main())
