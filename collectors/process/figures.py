"""The figures of process sets, from tables (pure). docs/process-rules.md says what they mean."""

from __future__ import annotations

from collections.abc import Mapping

from collectors.framework.interfaces import ProcessRow, ProcessTable
from collectors.process.memory import SetMemory
from common.series import Number

AGENT_CACHE_S = 31.0
"""How long net-snmp gives one reading of the process table, and a little (nsCacheTimeout, 30 s by default)."""


def cpu_percent(before: ProcessTable, table: ProcessTable) -> dict[int, float]:
    """CPU percent by pid from one table to the next; a pid without a base is left out."""
    elapsed_s = table.monotonic - before.monotonic
    if elapsed_s <= 0:
        return {}
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


def from_a_cache(before: ProcessTable, table: ProcessTable) -> bool:
    """Whether an agent has given its last table once more, which says nothing of the time between.

    net-snmp reads the processes anew only when its table is 30 s old. Where no process has used any CPU time for less
    than that, a base that stays is right in either case.
    """
    if table.uptime_s is None or table.monotonic - before.monotonic > AGENT_CACHE_S:
        return False
    return all(row.cpu_s == before.rows[pid].cpu_s for pid, row in table.rows.items() if pid in before.rows)


def set_figures(
    kept: SetMemory, rows: dict[int, ProcessRow], used: Mapping[int, float], at: float
) -> dict[str, Number | None]:
    """The data points of a set at epoch second `at`; None is unknown."""
    started = [row.started if row.started is not None else kept.first_seen.get(pid, at) for pid, row in rows.items()]
    measured = [used[pid] for pid in rows if pid in used]
    memories = [row.memory_bytes for row in rows.values() if row.memory_bytes is not None]
    figures: dict[str, Number | None] = {
        "count": len(rows),
        "cpu": sum(measured) if measured or not rows else None,
        "memory": sum(memories) if memories or not rows else None,
        "restarts": kept.restarts,
        "oldest_s": max(0.0, at - min(started)) if started else None,
        "youngest_s": max(0.0, at - max(started)) if started else None,
    }
    totals: dict[str, int] = {}
    for row in rows.values():
        for point, value in (row.extra or {}).items():
            totals[point] = totals.get(point, 0) + value
    if "data" in totals and "stack" in totals:
        totals["used"] = totals["data"] + totals["stack"]
    figures.update(totals)
    return figures
