"""What is remembered of a device from scan to scan, and over restarts of the daemon."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct, field

from collectors.framework.judging.componentwatches import Watches, forget_alarms, share
from collectors.framework.snmp.sizing import Sizing
from collectors.process.columns import ByPid
from collectors.process.starts import NOBODY, Starts
from common.masking import Masker, masker


class Ends(Struct):
    """What process events have told of a set.

    Attributes:
        runs: processes that have ended; `failed_runs` of them otherwise than with exit code 0.
        vacant: epoch seconds at which processes ended whose places nothing has taken yet, within an interval.
        reason: why its processes ended, the last time that some did.
        exits: the same for each of them.
    """

    runs: int = 0
    failed_runs: int = 0
    vacant: list[float] = field(default_factory=list)
    reason: str = ""
    exits: list[str | int] = field(default_factory=list)


_NO_ALARMS: dict[str, int] = {}


def no_alarms() -> Mapping[str, int]:
    """What nearly all sets have of alarms: one object for all of them, which nobody changes."""
    return _NO_ALARMS


class SetMemory(Struct, omit_defaults=True, gc=False):
    """A process set, as the last good scan left it.

    Attributes:
        pids: with when each was started (local), or seen first (SNMP); epoch seconds.
        missing_scans: scans in a row without a process; 0 while it is up.
        early: the first of them was out of turn: it is not among those that `confirm` asks for, if that is more than 1.
        lost: pids before it went missing.
        alarms: severity by event key of what is open at the hub.
        restart_times: epoch seconds of the restarts in the flap window, the newest last.
        line: last command line seen, as it was matched.
        expected: the modeler had seen it when it was last looked for.
        series: what its samples are kept under; empty for its name.
        renewed_at: epoch seconds of the last scan in which at least half of its processes were restarted; 0 for never.
        users: whom it has run as when nothing was wrong; `users_since` is the epoch second of the first scan with them.
        strangers: whom it runs as instead, while that is strange.
        stale: pids whose program was replaced on disk, but for those that an operator has `accepted`.
        strange, replaced: epoch second of the first scan in a row that found it so.
        twice: scans in a row in which it ran more often than it may.
        ends: what process events have told of it; None where there were none yet.
    """

    definition: str
    since: float
    pids: Mapping[int, float | None] = NOBODY
    missing: bool = False
    missing_scans: int = 0
    lost: Sequence[int] = ()
    restarts: int = 0
    alarms: Mapping[str, int] = field(default_factory=no_alarms)
    restart_times: Sequence[float] = ()
    line: str = ""
    seen: bool = False
    expected: bool = False
    series: str = ""
    renewed_at: float = 0.0
    users: Sequence[str] = ()
    users_since: float = 0.0
    strangers: Sequence[str] = ()
    strange: float | None = None
    stale: Sequence[int] = ()
    replaced: float | None = None
    accepted: Sequence[int] = ()
    twice: int = 0
    early: bool = False
    ends: Ends | None = None

    def opened(self, key: str, severity: int) -> None:
        """An alarm is open at the hub."""
        self.alarms = {**self.alarms, key: severity}

    def closed(self, key: str) -> bool:
        """An alarm is open no more; False when it was not."""
        if key not in self.alarms:
            return False
        self.alarms = {one: severity for one, severity in self.alarms.items() if one != key} or no_alarms()
        return True


class DeviceMemory(Struct):
    """A device, as the last good scan left it.

    Attributes:
        cpu_s: CPU seconds by pid, of the last scan, over SNMP: a pid that has used less was used again.
        alarms: keys of open events of the device itself.
        rows: how many processes the last complete table had.
        hub: id of the hub's store that the alarms are open in; empty when it is not known.
        thresholds: what is remembered of them, by component.
        definitions: digest of the definitions that the sets are of; command lines that were masked when they were kept
            cannot always tell it.
        sizing: how much the agent and the path to it stand, over SNMP.
        flaws: what was said to be wrong with derived points; empty when nothing was.
    """

    sets: dict[str, SetMemory] = field(default_factory=dict)
    scanned_at: float | None = None
    uptime_s: float | None = None
    host_uptime_s: float | None = None
    rows: int = 0
    alarms: dict[str, int] = field(default_factory=dict)
    cpu_s: Mapping[int, float] = field(default_factory=dict)
    hub: str = ""
    thresholds: Watches = field(default_factory=dict)
    definitions: str = ""
    sizing: Sizing = field(default_factory=Sizing)
    flaws: str = ""

    def forget_alarms(self) -> None:
        """Nothing has been said: whatever is wrong is to be said anew."""
        self.alarms.clear()
        self.flaws = ""
        for kept in self.sets.values():
            kept.alarms = no_alarms()
        forget_alarms(self.thresholds)


def dump(memory: DeviceMemory, secrets: Masker | None = None) -> bytes:
    """As bytes, to be kept; without what looks like a secret in command lines."""
    mask = (secrets or masker()).mask
    lines = {component: kept.line for component, kept in memory.sets.items()}
    for kept in memory.sets.values():
        kept.line = mask(kept.line)
    try:
        return msgspec.msgpack.encode(memory, enc_hook=_plain)
    finally:
        for component, line in lines.items():
            memory.sets[component].line = line


def _plain(value: object) -> object:
    """What is kept of columns."""
    assert isinstance(value, ByPid | Starts)
    return value.known() if isinstance(value, ByPid) else dict(value)


def load(data: bytes | None) -> DeviceMemory:
    """From bytes; a memory of another shape is forgotten rather than trusted."""
    if data is None:
        return DeviceMemory()
    try:
        memory = msgspec.msgpack.decode(data, type=DeviceMemory)
        if any(None in kept.pids.values() for kept in memory.sets.values()):
            _take_ages(memory, msgspec.msgpack.decode(data, type=_Ages))
    except msgspec.MsgspecError:
        return DeviceMemory()
    share(memory.thresholds)
    for kept in memory.sets.values():
        kept.alarms = kept.alarms or no_alarms()
        kept.line = sys.intern(kept.line)
    return memory


class _AgesOfSet(Struct):
    first_seen: dict[int, float] = field(default_factory=dict)


class _Ages(Struct):
    """What was kept apart once: when the processes of sets were seen first."""

    sets: dict[str, _AgesOfSet] = field(default_factory=dict)


def _take_ages(memory: DeviceMemory, ages: _Ages) -> None:
    for component, kept in memory.sets.items():
        seen = ages.sets[component].first_seen
        kept.pids = {pid: seen.get(pid) if at is None else at for pid, at in kept.pids.items()}
