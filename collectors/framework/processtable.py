"""A process table as a source saw it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from collectors.framework.processevents.values import Happened
from common.matching import command_line


class ProcessRow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One process as a source saw it.

    Attributes:
        started: what tells two processes with one pid apart, and, for the local source, epoch seconds of the start;
            None over SNMP.
        cpu_s: CPU seconds used since its start.
        status: 'running', 'zombie', ... as in `roll.Process.state`.
        extra: further local figures by point name.
        parent: its parent's pid; None over SNMP.
        user: name of whom it runs as, or the number when there is no name; of local processes that are watched alone.
        replaced: its program was replaced or removed on disk after it was started; as `user`, else False.
        own: it is one of Tocsin's own daemons, and the config excludes these: no set takes it.
    """

    pid: int
    name: str
    path: str
    parameters: str
    started: float | None
    cpu_s: float | None
    memory_bytes: int | None
    status: str
    alive: bool
    extra: dict[str, int] | None = None
    parent: int | None = None
    user: str | None = None
    replaced: bool = False
    own: bool = False

    @property
    def line(self) -> str:
        """The text that it is matched by."""
        return command_line(self.path, self.name, self.parameters)


class ProcessTable(Struct, frozen=True, kw_only=True):
    """One scan.

    Attributes:
        at: epoch seconds; `monotonic` is the same moment on the monotonic clock.
        rows: by pid.
        complete: False when the walk ended early; `problem` says how.
        full: names and arguments of every row were read anew.
        uptime_s: sysUpTime in seconds, None for the local source.
        host_uptime_s: hrSystemUptime in seconds, None when the agent has none.
        varbinds, requests: what it cost.
        happened: what process events have told since the scan before; None where they were not listened to all the
            time.
        woken: this scan is out of turn, because of what process events have told.
    """

    at: float
    monotonic: float
    rows: Mapping[int, ProcessRow]
    complete: bool
    full: bool
    problem: str = ""
    uptime_s: float | None = None
    host_uptime_s: float | None = None
    varbinds: int = 0
    requests: int = 0
    happened: Happened | None = None
    woken: bool = False
