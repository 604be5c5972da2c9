"""The API of what collectors know: processes and sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from hub.data.reader import Reader
from hub.web.call import Call
from hub.web.router import Route
from hub.web.shapes import (
    Row,
    Scan,
    SetRow,
    iso,
    process_shape,
    scan_shape,
    set_shape,
)


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

    async def scan(self, call: Call) -> Scanned:
        """Scan a device now."""
        call.only()
        return Scanned(await self._reader.scan_now(call.names["device"]))
