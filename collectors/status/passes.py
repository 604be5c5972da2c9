"""Passes: one reading of everything of this host that is wanted, as values.

Counts are what the kernel has counted; what is a share of a time stands between two passes (`collectors.status.rows`).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from common.sources import Follow, Match


class State(enum.Enum):
    """What became of one thing that was wanted.

    `ABSENT` has not been there since the watch began, `GONE` was there; `STUCK` was asked for and does not answer.
    """

    OK = "ok"
    ABSENT = "absent"
    DENIED = "denied"
    GONE = "gone"
    STUCK = "stuck"
    ERROR = "error"


class ProcessName(Struct, frozen=True, kw_only=True):
    """Which processes are meant.

    Attributes:
        name: looked for in the name of a process and in each of its arguments; never empty.
        follow: who is shown for one that was found.
    """

    name: str
    match: Match = Match.SUBSTRING
    follow: Follow = Follow.FIRST_CHILD


class Wanted(Struct, frozen=True, kw_only=True):
    """What a pass reads.

    Attributes:
        disks: folders.
        every_s: seconds from pass to pass, about.
        further: items of `common.statuspoints` that are read whole; among them `disks` and `interfaces` for all that
            there are beside those that are named.
    """

    disks: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()
    processes: tuple[ProcessName, ...] = ()
    further: frozenset[str] = frozenset()
    every_s: float = 1.0


class Found(Struct, frozen=True, kw_only=True):
    """One thing that was wanted, as a pass found it.

    Attributes:
        at: epoch second when this was read: what is read seldom stands in several passes.
        since: epoch second since when it is in this state.
        sentence: what is wrong; empty when nothing is.
        figures: by name; of what is not `OK` there are none. Names as in `common.statuspoints`, counts as counted,
            and further ones that only the tree shows.
        counts: what series are worked out from, and nobody is shown.
        listed: it is one of all that there are of its item; False for what counts only where somebody names it: a
            folder that nothing is mounted at, a part of a block device.
    """

    state: State
    at: float
    since: float
    sentence: str = ""
    figures: Mapping[str, Any] = {}
    counts: Mapping[str, float] = {}
    listed: bool = True


class ProcessFigures(Struct, frozen=True, kw_only=True):
    """One process; None is unknown.

    Attributes:
        started: tells two processes with one pid apart.
        cpu_s: CPU seconds since its start.
        cpu_percent: of one core, since the last pass; over 100 where it uses more than one.
    """

    pid: int
    started: float | None
    cpu_s: float | None
    cpu_percent: float | None
    cpu_affinity: tuple[int, ...] | None
    memory_percent: float | None
    rss: int | None
    vms: int | None
    shared: int | None


class FoundProcesses(Found, frozen=True, kw_only=True):
    """The processes of one name.

    Attributes:
        processes: by pid, those that are shown; empty when none matches.
        spent_s: CPU seconds that processes of this name have used while they were watched, ended ones too; it only
            grows, until the name is wanted no more.
    """

    processes: Mapping[int, ProcessFigures] = {}
    spent_s: float = 0.0


class Pass(Struct, frozen=True, kw_only=True):
    """One reading.

    Attributes:
        at, monotonic: when it began.
        elapsed_s: since the pass before; None for the first one.
        items: by item of `common.statuspoints` and name; the name of what is the device's own is empty.
        processes: by what was wanted.
        races: processes, or parts of them, that were not read in this pass, by kind (`ended`, `denied`, ...).
        took_s: how long it took, waiting included.
        uptime_s: since this host was started; None where it is not told.
    """

    at: float
    monotonic: float
    elapsed_s: float | None
    items: Mapping[str, Mapping[str, Found]]
    processes: Mapping[ProcessName, FoundProcesses]
    races: Mapping[str, int] = {}
    took_s: float = 0.0
    uptime_s: float | None = None
