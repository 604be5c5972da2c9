"""Whether a table over SNMP can be believed: what to look at twice, and whom to ask for one by one (pure).

Agents tell tables that end early as if they were complete. What they leave out still answers when it is asked for.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection

from collectors.framework.processtable import ProcessTable
from collectors.process.columns import Columns
from collectors.process.memory import DeviceMemory
from collectors.process.starts import Starts

SHRUNK = 0.5
"""A table with fewer than this part of the rows of the last one is read again before anything is said."""
ASK_ALIVE = 10
OTHERS = 4
"""Of those that are asked for, how many may be of no set: also where all of a set is gone, others tell of the table."""


def has_shrunk(memory: DeviceMemory, table: ProcessTable) -> bool:
    """Whether most of the last table is gone."""
    return len(table.rows) < SHRUNK * memory.rows


def changed_hands(memory: DeviceMemory, table: ProcessTable, gone: Collection[str]) -> bool:
    """Whether processes of sets that are gone are there as somebody else: used again, or misread once."""
    rows, known = table.rows, memory.sets
    return any(pid in rows and rows[pid].alive for name in gone if name in known for pid in known[name].pids)


def whom_to_ask(memory: DeviceMemory, table: ProcessTable, gone: Collection[str]) -> list[int]:
    """Processes that this table does not have, and that would be alive if it ended early; none if nothing is strange.

    Strange is that a set is gone, that most of the table is, or that a set has lost processes behind the last row: a
    table that ends early has lost its largest pids. `gone` are the expected sets of which the table has nothing.
    """
    rows = table.rows
    last = (rows.pids[-1] if rows else 0) if isinstance(rows, Columns) else max(rows, default=0)
    known = memory.sets
    lost = {pid for name in gone if name in known for pid in known[name].pids if pid not in rows}
    for kept in known.values():
        pids = kept.pids
        lost.update(pids.after(last) if isinstance(pids, Starts) else (pid for pid in pids if pid > last))
    if not lost and not gone and not has_shrunk(memory, table):
        return []
    others = heapq.nlargest(OTHERS, (pid for pid in memory.cpu_s if pid not in rows and pid not in lost))
    return [*heapq.nlargest(ASK_ALIVE - len(others), lost), *others]
