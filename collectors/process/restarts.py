"""What was started anew: agent, host, processes (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from collectors.framework.judging.rates import went_back
from collectors.framework.processtable import ProcessRow, ProcessTable
from collectors.process.columns import Columns, Part, fallen
from collectors.process.memory import DeviceMemory, SetMemory
from collectors.process.starts import Starts


def restarted(before: DeviceMemory, table: ProcessTable) -> str:
    """`agent`, `host`, or empty when sysUpTime went on, or wrapped after 497 days."""
    if not went_back(before.uptime_s, table.uptime_s):
        return ""
    if (
        before.host_uptime_s is not None
        and table.host_uptime_s is not None
        and table.host_uptime_s < before.host_uptime_s
    ):
        return "host"
    return "agent"


def used_again(rows: Mapping[int, ProcessRow], cpu_s: Mapping[int, float]) -> list[int]:
    """Pids that were used again, as far as CPU seconds show it that are less than before."""
    if isinstance(rows, Columns):
        return fallen(rows, cpu_s)
    return [
        pid
        for pid, row in rows.items()
        if row.started is None and row.cpu_s is not None and (base := cpu_s.get(pid)) is not None and row.cpu_s < base
    ]


def restarts_of(
    kept: SetMemory, rows: Mapping[int, ProcessRow], again: Sequence[int], *, base_lost: bool
) -> tuple[int, list[int], list[int]]:
    """How many restarts, which pids went, which came; `again` are those of the table that were used again."""
    if base_lost or kept.missing:
        return 0, [], []
    before: Mapping[int, float | None] = kept.pids or dict.fromkeys(kept.lost)
    gone = new = []
    if not _are_of(before, rows):
        pids = list(rows)
        gone, new = sorted(before.keys() - pids), sorted(set(pids) - before.keys())
    if kept.missing_scans:  # a gap that was too short for an alarm
        return min(len(before), len(rows)), gone, new
    reused = [pid for pid in again if pid in before and pid in rows]
    if not isinstance(rows, Part):
        reused += [pid for pid, row in rows.items() if _other(before.get(pid), row.started)]
    return min(len(gone), len(new)) + len(reused), gone + reused, new + reused


def _are_of(before: Mapping[int, float | None], rows: Mapping[int, ProcessRow]) -> bool:
    """Whether the processes are those that were there before, in their order."""
    if isinstance(before, Starts) and isinstance(rows, Part):
        return before.are_of(rows.pids)
    return list(rows) == list(before)


def _other(before: float | None, started: float | None) -> bool:
    return before is not None and started is not None and abs(started - before) > 1.0
