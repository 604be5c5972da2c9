"""The figures of process sets, from tables (pure). docs/process-rules.md says what they mean."""

from __future__ import annotations

from collections.abc import Mapping

from collectors.framework.processtable import ProcessRow, ProcessTable
from collectors.process.columns import Columns, Part, percents, same_cpu
from collectors.process.memory import SetMemory
from collectors.process.starts import Starts
from common.series import Number

AGENT_CACHE_S = 31.0
"""How long net-snmp gives one reading of the process table, and a little (nsCacheTimeout, 30 s by default)."""

SHORTEST_S = 1.0
"""CPU time is told in hundredths of a second: in less time than this, a few of them are a high percentage."""


def cpu_percent(before: ProcessTable, table: ProcessTable) -> Mapping[int, float]:
    """CPU percent by pid from one table to the next; a pid without a base is left out."""
    elapsed_s = table.monotonic - before.monotonic
    if elapsed_s <= 0:
        return {}
    if isinstance(before.rows, Columns) and isinstance(table.rows, Columns):
        return percents(before.rows, table.rows, elapsed_s)
    used: dict[int, float] = {}
    for pid, row in table.rows.items():
        if row.cpu_s is None:
            continue
        base: float | None = None
        if row.started is not None and row.started > before.at:
            base = 0.0
        elif (earlier := before.rows.get(pid)) is not None:
            base = earlier.cpu_s
        if base is not None and row.cpu_s >= base:
            used[pid] = 100.0 * (row.cpu_s - base) / elapsed_s
    return used


def cpu_seconds(table: ProcessTable) -> Mapping[int, float]:
    """CPU seconds by pid, where they are known and the starts are not: without a start they tell who is another one."""
    if isinstance(table.rows, Columns):
        return table.rows.cpu
    return {pid: row.cpu_s for pid, row in table.rows.items() if row.started is None and row.cpu_s is not None}


def started_of(
    rows: Mapping[int, ProcessRow], before: Mapping[int, float | None], at: float
) -> Mapping[int, float | None]:
    """When processes were started, or, where that is not told, seen first; what is `before` itself is not made anew."""
    if isinstance(rows, Part):
        if isinstance(before, Starts) and before.are_of(rows.pids):
            return before
        return Starts(rows.pids, [before.get(pid) or at for pid in rows.pids])
    return {pid: before.get(pid) or at if row.started is None else row.started for pid, row in rows.items()}


def from_a_cache(before: ProcessTable, table: ProcessTable) -> bool:
    """Whether an agent has given its last table once more, which says nothing of the time between.

    net-snmp reads the processes anew only when its table is 30 s old. Where no process has used any CPU time for less
    than that, a base that stays is right in either case.
    """
    if table.uptime_s is None or table.monotonic - before.monotonic > AGENT_CACHE_S:
        return False
    if isinstance(before.rows, Columns) and isinstance(table.rows, Columns):
        return same_cpu(before.rows, table.rows)
    return all(row.cpu_s == before.rows[pid].cpu_s for pid, row in table.rows.items() if pid in before.rows)


def set_figures(
    kept: SetMemory, rows: Mapping[int, ProcessRow], used: Mapping[int, float], at: float
) -> dict[str, Number | None]:
    """The data points of a set at epoch second `at`; None is unknown."""
    if isinstance(rows, Part):
        pids = rows.pids
        known = kept.pids.values_of(pids) if isinstance(kept.pids, Starts) else map(kept.pids.get, pids)
        started = [when or at for when in known]
        memories = rows.memories()
        measured = rows.figures(used)
    else:
        born = ((pid, row.started) for pid, row in rows.items())
        started = [kept.pids.get(pid) or at if when is None else when for pid, when in born]
        memories = [row.memory_bytes for row in rows.values() if row.memory_bytes is not None]
        measured = [used[pid] for pid in rows if pid in used]
    figures: dict[str, Number | None] = {
        "count": len(rows),
        "cpu": sum(measured) if measured or not rows else None,
        "memory": sum(memories) if memories or not rows else None,
        "restarts": kept.restarts,
        "oldest_s": max(0.0, at - min(started)) if started else None,
        "youngest_s": max(0.0, at - max(started)) if started else None,
    }
    if not isinstance(rows, Part):
        figures.update(_totals(rows))
    return figures


def _totals(rows: Mapping[int, ProcessRow]) -> dict[str, int]:
    """What this host alone tells, summed up."""
    totals: dict[str, int] = {}
    for row in rows.values():
        for point, value in (row.extra or {}).items():
            totals[point] = totals.get(point, 0) + value
    if "data" in totals and "stack" in totals:
        totals["used"] = totals["data"] + totals["stack"]
    return totals
