"""The API of what collectors know: processes, sets, series."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from msgspec import Struct

from common.queries import FetchQuery
from hub.data.reader import Reader
from hub.web.call import Call
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
from hub.web.spans import span_of

FUNCTIONS = ("AVERAGE", "MIN", "MAX")
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
        start, end = span_of(call, self._wall())
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

    async def scan(self, call: Call) -> Scanned:
        """Scan a device now."""
        call.only()
        return Scanned(await self._reader.scan_now(call.names["device"]))
