"""The API of series: what is kept, last values, rows over time, how they went."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from common.errors import PermanentError
from common.queries import FetchQuery, Rows
from common.readings import MAX_BINS, StatsQuery, TrailsQuery
from common.series import is_point_name
from hub.data.calendar import Page, Unit, pages, zone_named
from hub.data.rowtext import csv_text
from hub.data.series import SeriesReader
from hub.web.call import Call, File
from hub.web.refusals import bad_request
from hub.web.router import Route
from hub.web.seriesshapes import (
    Fetched,
    Info,
    Kept,
    Leaf,
    Sparklines,
    Statistics,
    Values,
    fetched_shape,
    info_shape,
    kept_shape,
    sparkline_shape,
    statistics_shape,
    values_shape,
)
from hub.web.shapes import iso
from hub.web.spans import span_of

FUNCTIONS = ("AVERAGE", "MIN", "MAX", "LAST", "SUM")
MAX_POINTS = 100
MAX_RESOLUTION_S = 366 * 86400
MAX_FIGURES = 250_000
"""Rows times points in an answer; of more there are pages."""
PAGE_FIGURES = 100_000
CSV = "text/csv"


class SeriesTopic:
    """Passes questions about series on to the collectors."""

    def __init__(self, reader: SeriesReader, wall: Callable[[], float]) -> None:
        self._reader = reader
        self._wall = wall

    def routes(self) -> list[Route]:
        """What this topic answers."""
        return [
            Route("GET", "devices/{device}/series", self.values),
            Route("GET", "devices/{device}/series/kept", self.kept),
            Route("GET", "devices/{device}/series/info", self.info),
            Route("GET", "devices/{device}/series/fetch", self.fetch),
            Route("GET", "devices/{device}/series/stats", self.stats),
            Route("GET", "devices/{device}/series/sparklines", self.sparklines),
        ]

    async def values(self, call: Call) -> Values:
        """Which series there are, with their last values."""
        call.only("component")
        device = call.names["device"]
        return values_shape(device, await self._reader.values(device, call.text("component")), self._wall())

    async def kept(self, call: Call) -> Kept:
        """What is kept of each series; a device without any has an empty list."""
        call.only("component")
        device = call.names["device"]
        return kept_shape(device, await self._reader.kept(device, call.text("component")))

    async def info(self, call: Call) -> Info:
        """All about one series."""
        call.only("component", "source")
        device = call.names["device"]
        found, daemon = await self._reader.info(device, call.wanted("component"), call.text("source") or "")
        return info_shape(device, found, daemon)

    async def fetch(self, call: Call) -> Fetched | File:
        """Rows of a source between two times, by default the last hour."""
        call.only("component", "source", "point", "start", "end", "cf", "resolution_s", "by", "tz", "pages", "after")
        start, end = span_of(call, self._wall())
        leaves = self._leaves(call, start, end)
        resolution_s = call.integer("resolution_s", None, 1, MAX_RESOLUTION_S)
        cf = call.choice("cf", "AVERAGE", FUNCTIONS)
        query = FetchQuery(
            device=call.names["device"],
            component=call.wanted("component"),
            source=call.wanted("source"),
            points=_points(call),
            start=leaves[0].start if leaves else start,
            end=leaves[-1].end if leaves else end,
            cf=cf,
            resolution_s=resolution_s,
            edges=[*dict.fromkeys(edge for leaf in leaves for edge in (leaf.start, leaf.end))],
            after=call.integer("after", 0, 0, 2**33) or 0,
            paged=resolution_s is not None,
        )
        in_pages = call.flag("pages")
        rows = await self._reader.rows(query, PAGE_FIGURES if in_pages else MAX_FIGURES)
        if rows.more and not in_pages:
            raise bad_request(
                "there are too many rows for one answer; ask for a coarser resolution, a shorter time or fewer points, "
                "or with pages=1 for one page after the other"
            )
        zone = call.text("tz") or "UTC"
        document = fetched_shape(query, rows, _leaves_of(rows, leaves, self._wall()), call.text("by"), zone)
        return _csv(document) if call.accepts(CSV) else document

    async def stats(self, call: Call) -> Statistics:
        """What a time comes to for each point, by default the last hour."""
        call.only("component", "source", "point", "start", "end", "percentile")
        start, end = span_of(call, self._wall())
        query = StatsQuery(
            device=call.names["device"],
            component=call.wanted("component"),
            source=call.text("source") or "",
            points=_points(call),
            start=start,
            end=max(end, start + 1),
            percentiles=tuple(_percentile(text) for text in call.all("percentile")) or (95.0,),
        )
        return statistics_shape(query, await self._reader.stats(query))

    async def sparklines(self, call: Call) -> Sparklines:
        """How all points of a device, or those of some names, went, in few figures; by default in the last hour."""
        call.only("component", "point", "start", "end", "bins")
        start, end = span_of(call, self._wall())
        query = TrailsQuery(
            device=call.names["device"],
            component=call.text("component"),
            points=_points(call),
            start=start,
            end=max(end, start + 1),
            bins=call.integer("bins", 30, 1, MAX_BINS) or 30,
        )
        return Sparklines(
            device=query.device,
            start=start,
            end=end,
            sparklines=[sparkline_shape(trail) for trail in await self._reader.trails(query)],
        )

    def _leaves(self, call: Call, start: int, end: int) -> list[Page]:
        """The calendar's leaves that are asked for; none for rows of a resolution."""
        if "by" not in call.query:
            if "tz" in call.query:
                raise bad_request("parameter tz: it goes with by=day, week or month")
            return []
        if "resolution_s" in call.query:
            raise bad_request("parameter by: it cannot be used together with resolution_s")
        unit = Unit(call.choice("by", "day", [unit.value for unit in Unit]))
        try:
            return pages(unit, zone_named(call.text("tz") or "UTC"), start, end)
        except PermanentError as error:
            raise bad_request(error.message) from None


def _points(call: Call) -> list[str]:
    points = list(dict.fromkeys(call.all("point")))
    if len(points) > MAX_POINTS or any(not is_point_name(point) for point in points):
        raise bad_request(f"parameter point: wanted up to {MAX_POINTS} names of 1 to 19 of A-Z a-z 0-9 _ -")
    return points


def _percentile(text: str) -> float:
    try:
        number = float(text) if len(text) <= 20 else -1.0
    except ValueError:
        number = -1.0
    if not 0 <= number <= 100:
        raise bad_request(f"parameter percentile: got {text[:80]!r}, wanted 0 to 100")
    return number


def _leaves_of(rows: Rows, leaves: Sequence[Page], now: float) -> list[Leaf]:
    """Those of the rows that were found, in their order."""
    by_end = {leaf.end: leaf for leaf in leaves}
    return [
        Leaf(
            name=leaf.name,
            start=leaf.start,
            end=leaf.end,
            hours=round((leaf.end - leaf.start) / 3600, 2),
            complete=leaf.end <= now,
        )
        for at, _ in rows.rows
        if (leaf := by_end.get(at)) is not None
    ]


def _csv(document: Fetched) -> File:
    """As `tocsin data fetch` prints it."""
    points = [series.point for series in document.series]
    rows = zip(*(series.rows for series in document.series), strict=True)
    if document.by:
        texts = [[leaf.name, f"{leaf.hours:g}", "yes" if leaf.complete else "no"] for leaf in document.bins]
        header = [document.by, "hours", "complete", *points]
    else:
        texts = [[_second(row[0])] for row in (document.series[0].rows if document.series else [])]
        header = ["time", *points]
    lines = zip(texts, ([value for _, value in row] for row in rows), strict=True)
    return File(f"{CSV}; charset=utf-8", csv_text(header, lines).encode())


def _second(at: int) -> str:
    return (iso(at) or "").replace(".000Z", "Z")
