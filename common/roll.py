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
    """

    device: str
    at: float | None
    processes: int
    duration_s: float
    problem: str
