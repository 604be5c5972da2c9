"""What a simulated agent tells of a capture, now: reading after reading at their pace, or one of them."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import Any, Protocol

from collectors.framework.captures.reading import Origin, Reading, Scanned, Typed, completed
from collectors.framework.processtable import ProcessRow
from collectors.framework.snmp import ber
from collectors.framework.snmp.interfaces import Oid
from collectors.sim import oids
from common.errors import SettingsError

_STATUS = {"running": oids.RUNNING, "notRunnable": 3, "zombie": oids.INVALID, "dead": oids.INVALID, "invalid": 4}


class View:
    """The values of one reading, in order."""

    def __init__(self, values: dict[Oid, Typed]) -> None:
        self.values = values
        self.oids = sorted(values)

    def following(self, oid: Oid) -> Oid | None:
        """The OID behind another one; None at the end."""
        at = bisect.bisect_right(self.oids, oid)
        return self.oids[at] if at < len(self.oids) else None


class IServed(Protocol):
    """What an agent tells."""

    def view(self, t: float) -> View | None:
        """What is told, t seconds after the beginning; None while the agent is silent."""


class Served:
    """The readings of one device.

    Args:
        readings: in order; those without an answer (the agent was silent) are told as silence.
        only: number of the one that is served all the time, from 1; None to go through all of them.
        again: begin anew behind the last one; otherwise that one stays.

    Raises:
        SettingsError: there is no such reading, or none with anything to tell.
    """

    def __init__(self, readings: Sequence[Reading], only: int | None = None, *, again: bool = False) -> None:
        if only is not None and not 1 <= only <= len(readings):
            raise SettingsError(f"--reading {only}: there are {len(readings)} readings of {readings[0].device}")
        chosen = range(len(readings)) if only is None else range(only - 1, only)
        self._readings = readings
        self._chosen = list(chosen)
        begin = readings[self._chosen[0]].at
        self._starts = [readings[number].at - begin for number in self._chosen]
        pauses = [later - sooner for sooner, later in zip(self._starts, self._starts[1:], strict=False)]
        self._whole_s = self._starts[-1] + (sorted(pauses)[len(pauses) // 2] if pauses else 0.0)
        self._again = again
        self._views: dict[int, View | None] = {}
        if all(self._view(number) is None for number in self._chosen):
            raise SettingsError(f"the capture of {readings[0].device} has nothing to tell: all that was asked failed")

    def view(self, t: float) -> View | None:
        """What is told, t seconds after the beginning; None while the agent is silent."""
        if self._again and self._whole_s > 0:
            t %= self._whole_s
        place = max(bisect.bisect_right(self._starts, t) - 1, 0)
        return self._view(self._chosen[place])

    def _view(self, number: int) -> View | None:
        if number not in self._views:
            if len(self._views) > 3:
                self._views.clear()
            reading = self._readings[number]
            values = local_values(reading) if reading.origin is Origin.LOCAL else completed(self._readings, number)
            self._views[number] = View(values) if values else None
        return self._views[number]


def local_values(reading: Reading) -> dict[Oid, Typed]:
    """A scan of a host without an agent, as its agent would tell it."""
    rows = [row for section in reading.sections if isinstance(section, Scanned) for row in section.rows]
    values: dict[Oid, Typed] = {
        oids.SYS_DESCR: Typed(ber.OCTET_STRING, b"a capture of processes, made without SNMP"),
        oids.SYS_OBJECT_ID: Typed(ber.OBJECT_IDENTIFIER, oids.NET_SNMP_LINUX),
        oids.SYS_UPTIME: Typed(ber.TIMETICKS, int(100 * reading.monotonic_s) & 0xFFFFFFFF),
        oids.SYS_NAME: Typed(ber.OCTET_STRING, reading.device.encode()),
        oids.HR_SYSTEM_UPTIME: Typed(ber.TIMETICKS, int(100 * reading.monotonic_s) & 0xFFFFFFFF),
        oids.HR_SYSTEM_PROCESSES: Typed(ber.GAUGE32, len(rows)),
    }
    for row in rows:
        for column, typed in zip(oids.COLUMNS, _cells(row), strict=True):
            values[*column, row.pid] = typed
    return values


def _cells(row: ProcessRow) -> list[Typed]:
    def text(value: str, most: int) -> Typed:
        return Typed(ber.OCTET_STRING, value.encode("utf-8", "replace")[:most])

    def number(value: Any) -> Typed:
        return Typed(ber.INTEGER, min(max(int(value), 0), 0x7FFFFFFF))

    return [
        number(row.pid),
        text(row.name, oids.MOST_NAME_BYTES),
        Typed(ber.OBJECT_IDENTIFIER, (0, 0)),
        text(row.path, oids.MOST_PARAMETERS_BYTES),
        text(row.parameters, oids.MOST_PARAMETERS_BYTES),
        number(oids.APPLICATION if row.path else oids.OPERATING_SYSTEM),
        number(_STATUS.get(row.status, oids.RUNNABLE) if row.alive else oids.INVALID),
        number(100 * (row.cpu_s or 0)),
        number((row.memory_bytes or 0) // 1024),
    ]
