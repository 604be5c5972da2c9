"""The API of what collectors know: processes, sets, series, pictures."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from msgspec import Struct

from common.queries import FetchQuery, GraphQuery
from hub.data.reader import Reader
from hub.web.call import Call, File
from hub.web.refusals import bad_request
from hub.web.router import Route
from hub.web.shapes import (
    Row,
    Scan,
    Series,
    SetRow,
    Value,
    iso,
    process_shape,
    scan_shape,
    series_shapes,
    set_shape,
    value_shape,
)

HOUR_S = 3600.0
FUNCTIONS = ("AVERAGE", "MIN", "MAX")
PICTURES = {"png": "image/png", "svg": "image/svg+xml"}
MAX_POINTS = 100
MAX_RESOLUTION_S = 366 * 86400

_POINT = re.compile(r"[A-Za-z0-9_-]{1,19}")


class Processes(Struct, frozen=True):
    """A process table; `at` is the time of the scan, null before the first."""

    device: str
    at: str | None
    processes: list[Row]


class Sets(Struct, frozen=True):
    """Process sets and scans; `problems` says by collector why some are missing."""

    sets: list[SetRow]
    scans: list[Scan]
    problems: dict[str, str]


class Values(Struct, frozen=True):
    """Last values."""

    device: str
    values: list[Value]


class Fetched(Struct, frozen=True, kw_only=True):
    """Rows of one source, by point."""

    device: str
    component: str
    source: str
    cf: str
    step_s: int
    start: int
    end: int
    series: list[Series]


class Scanned(Struct, frozen=True):
    """How many scans were begun."""

    done: int


class DataTopic:
    """Passes questions on to the collectors."""

    def __init__(self, reader: Reader, devices: Callable[[], Sequence[str]], wall: Callable[[], float]) -> None:
        self._reader = reader
        self._devices = devices
        self._wall = wall

    def routes(self) -> list[Route]:
        """What this topic answers."""
        return [
            Route("GET", "sets", self.sets),
            Route("GET", "devices/{device}/processes", self.processes),
            Route("GET", "devices/{device}/series", self.values),
            Route("GET", "devices/{device}/series/fetch", self.fetch),
            Route("GET", "devices/{device}/graph", self.graph),
            Route("POST", "devices/{device}/scan", self.scan),
        ]

    async def processes(self, call: Call) -> Processes:
        """The last process table."""
        call.only("set")
        device = call.names["device"]
        table = await self._reader.processes(device, call.text("set"))
        return Processes(device, iso(table.at), [process_shape(row) for row in table.rows])

    async def sets(self, call: Call) -> Sets:
        """Process sets of some devices, or of all; of all, a collector that is away only leaves a gap."""
        call.only("device")
        named = list(dict.fromkeys(call.all("device")))
        report = await self._reader.sets(named or self._devices(), strict=bool(named))
        return Sets(
            [set_shape(status) for status in report.sets], [scan_shape(scan) for scan in report.scans], report.problems
        )

    async def values(self, call: Call) -> Values:
        """Which series there are, with their last values."""
        call.only("component")
        device = call.names["device"]
        found = await self._reader.listing(device, call.text("component"))
        now = self._wall()
        return Values(device, [value_shape(value, now) for value in found])

    async def fetch(self, call: Call) -> Fetched:
        """Rows of a source between two times, by default the last hour."""
        call.only("component", "source", "point", "start", "end", "cf", "resolution_s")
        device, component, source = call.names["device"], call.wanted("component"), call.wanted("source")
        points = list(dict.fromkeys(call.all("point")))
        if len(points) > MAX_POINTS or any(not _POINT.fullmatch(point) for point in points):
            raise bad_request(f"parameter point: wanted up to {MAX_POINTS} names of 1 to 19 of A-Z a-z 0-9 _ -")
        start, end = self._span(call)
        query = FetchQuery(
            device=device,
            component=component,
            source=source,
            points=points,
            start=start,
            end=end,
            cf=call.choice("cf", "AVERAGE", FUNCTIONS),
            resolution_s=call.integer("resolution_s", None, 1, MAX_RESOLUTION_S),
        )
        rows = await self._reader.fetch(query)
        return Fetched(
            device=device,
            component=component,
            source=source,
            cf=rows.cf,
            step_s=rows.step_s,
            start=rows.start,
            end=rows.end,
            series=series_shapes(device, component, source, rows),
        )

    async def graph(self, call: Call) -> File:
        """A picture; a script in an SVG would be held back by the headers all the same."""
        call.only("component", "graph", "start", "end", "format", "width", "height")
        start, end = self._span(call)
        query = GraphQuery(
            device=call.names["device"],
            component=call.text("component"),
            graph=(call.text("graph") or "")[:255],
            start=start,
            end=end,
            form=call.choice("format", "png", PICTURES),
            width=call.integer("width", 720, 100, 4000) or 720,
            height=call.integer("height", 200, 50, 2000) or 200,
        )
        picture = await self._reader.graph(query)
        return File(PICTURES[query.form], picture.data)

    async def scan(self, call: Call) -> Scanned:
        """Scan a device now."""
        call.only()
        return Scanned(await self._reader.scan_now(call.names["device"]))

    def _span(self, call: Call) -> tuple[int, int]:
        end = call.moment("end")
        end = self._wall() if end is None else end
        start = call.moment("start")
        start = end - HOUR_S if start is None else start
        if start >= end:
            raise bad_request("parameter start: it must be before end")
        return int(start), int(end)
