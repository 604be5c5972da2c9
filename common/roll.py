"""The roll: what a collector says of the processes and process sets of a device.

These are the shapes of docs/contract.md (`Process`, `Set status`); they cross PB and the JSON API alike.
"""

from __future__ import annotations

import enum

from msgspec import Struct


class SetState(enum.Enum):
    """What is known of a process set; unknown while the device cannot be read."""

    UP = "up"
    MISSING = "missing"
    RESTARTING = "restarting"
    UNKNOWN = "unknown"


class Process(Struct, frozen=True, kw_only=True):
    """One row of the last process table.

    Attributes:
        set: id of the process set that took it; None when none did.
        started_at: epoch seconds; over SNMP the moment it was first seen. None when it is not known.
        cpu_percent: of one CPU, since the scan before; None for a process seen once.
        memory_bytes: resident; None when the agent does not tell.
        state: `running`, `runnable`, `notRunnable`, `invalid` (SNMP) or psutil's word (local).
    """

    pid: int
    set: str | None
    name: str
    command: str
    started_at: float | None
    cpu_percent: float | None
    memory_bytes: int | None
    state: str


class CommandLine(Struct, frozen=True):
    """The text that definitions are matched against, whole.

    Attributes:
        arguments: how many characters at its end are the process's arguments.
    """

    text: str
    arguments: int


class SetStatus(Struct, frozen=True, kw_only=True):
    """Where a process set on a device stands after its last scan.

    Attributes:
        set: the set's id on the device: the name that its definition's template gave.
        definition: id of the process set definition.
        since: epoch seconds since when `state` holds.
        fault: what is wrong although it is up: `too few` or `too many` processes; empty when nothing is.
    """

    device: str
    set: str
    definition: str
    state: SetState
    count: int
    pids: tuple[int, ...]
    cpu_percent: float | None
    memory_bytes: int | None
    restarts: int
    since: float
    fault: str = ""


class DeviceScan(Struct, frozen=True, kw_only=True):
    """How the last cycle of a device went.

    Attributes:
        at: epoch seconds of the last good scan; None when there was none yet.
        problem: sentence of the event that is open for the device as a whole; empty when it can be read.
        process_events: whether the collector is told of its processes as things happen, and why not; empty for devices
            other than the collector's own host.
    """

    device: str
    at: float | None
    processes: int
    duration_s: float
    problem: str
    process_events: str = ""


class RollGap(Struct, frozen=True, kw_only=True):
    """A time of which a roll book does not know who ran.

    Attributes:
        start, end: epoch seconds of the last scan before it and of the first one after it; None where there is none.
        why: `stopped` the device was not collected here, `unreadable`, `late` no scan was made, `clock` the clock was
            set, `full` there were more changes than the book takes, `disk` it could not be written, `off`, `none`
            nothing is kept of that time.
        problem: why it was unreadable.
    """

    start: float | None
    end: float | None
    why: str
    problem: str = ""


class RollRow(Struct, frozen=True, kw_only=True):
    """A process that a roll book has.

    Attributes:
        set: the process set that had it then; None when none did.
        command: its command line, masked and perhaps cut.
        started_at: epoch seconds; None where the agent does not tell.
        seen_after, seen_at: epoch seconds of the scan that did not show it yet and of the first one that did; None
            when it ran before the book looked.
    """

    pid: int
    set: str | None
    name: str
    command: str
    started_at: float | None
    seen_after: float | None
    seen_at: float | None


class RollChange(Struct, frozen=True, kw_only=True):
    """What a roll book has of a process that started, ended, or went on with another command line.

    Attributes:
        what: `started`, `ended` or `changed`.
        at: epoch seconds, exactly; None where it is only known between which scans it was.
        after, by: epoch seconds of these scans.
        gap: there is a time between them of which nothing is known.
    """

    what: str
    at: float | None
    after: float | None
    by: float
    process: RollRow
    gap: bool = False
