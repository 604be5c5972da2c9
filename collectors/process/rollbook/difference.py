"""What differs between two scans of a device (pure)."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from collectors.framework.judging.rates import went_back
from collectors.framework.processtable import ProcessRow, ProcessTable
from collectors.process.columns import Columns, fallen
from collectors.process.rollbook.rows import lasting_name

Rows = Mapping[int, ProcessRow]


class Difference(Struct, frozen=True):
    """Pids that ended, that started, and that go on with another command line; a pid used again has done both."""

    gone: list[int]
    new: list[int]
    other: list[int]


def difference(before: Rows, after: Rows) -> Difference | None:
    """What differs; None when nothing does."""
    if isinstance(before, Columns) and isinstance(after, Columns):
        differing = _differing_columns(before, after)
    else:
        differing = _differing_rows(before, after)
    if not differing and len(before) == len(after):
        return None
    gone = [pid for pid in sorted(set(before).difference(after)) if before[pid].alive]
    new: list[int] = []
    other: list[int] = []
    for pid in differing:
        row, old = after[pid], before.get(pid)
        if not row.alive:
            gone += [pid] if old is not None and old.alive else []
        elif old is None or not old.alive:
            new.append(pid)
        elif row.started != old.started or (row.started is None and _fell(old, row)):
            gone.append(pid)
            new.append(pid)
        elif _runs_another(old, row):
            other.append(pid)
    return Difference(gone, new, other) if gone or new or other else None


def _differing_rows(before: Rows, after: Rows) -> list[int]:
    """Pids that are new or not as they were."""
    return [
        pid
        for pid, row in after.items()
        if (old := before.get(pid)) is not row
        and (
            old is None
            or row.started != old.started
            or row.parameters != old.parameters
            or row.path != old.path
            or row.name != old.name
            or row.alive is not old.alive
            or (row.started is None and _fell(old, row))
        )
    ]


def _differing_columns(before: Columns, after: Columns) -> list[int]:
    """The same of tables that are columns, in which what runs is one object wherever it runs."""
    as_before = before.pids == after.pids and before.programs == after.programs and _dead(before) == _dead(after)
    if as_before and not fallen(after, before.cpu):
        return []
    dead = after.dead
    old = dict(zip(before.pids, zip(before.programs, before.cpu_s, before.states, strict=True), strict=True))
    found = []
    for pid, program, cpu_s, state in zip(after.pids, after.programs, after.cpu_s, after.states, strict=True):
        known = old.get(pid)
        if (
            known is None
            or known[0] is not program
            or cpu_s < known[1]
            or (known[2] == before.dead) is not (state == dead)
        ):
            found.append(pid)
    return found


def _dead(columns: Columns) -> list[int]:
    """Pids of those that are not alive."""
    dead, states = columns.dead, columns.states
    return [pid for pid, state in zip(columns.pids, states, strict=True) if state == dead] if dead in states else []


def _runs_another(before: ProcessRow, row: ProcessRow) -> bool:
    """Whether a process goes on with another command line; the kernel's threads change their names all the time."""
    if row.parameters or row.path or before.parameters or before.path:
        return (row.parameters, row.path, row.name) != (before.parameters, before.path, before.name)
    return lasting_name(row.name) != lasting_name(before.name)


def _fell(before: ProcessRow, row: ProcessRow) -> bool:
    """Whether its CPU time fell, by which an agent that tells no start shows that the pid was used again."""
    return row.cpu_s is not None and before.cpu_s is not None and row.cpu_s < before.cpu_s


def rebooted(before: ProcessTable, after: ProcessTable) -> bool:
    """Whether the host says that it was started between two scans: then no process is the same, whatever its pid."""
    both = went_back(before.uptime_s, after.uptime_s), went_back(before.host_uptime_s, after.host_uptime_s)
    return all(both)


def all_anew(before: ProcessTable, after: ProcessTable) -> Difference:
    """Everything has ended, and everything else has started."""
    return Difference(
        [pid for pid, row in before.rows.items() if row.alive],
        [pid for pid, row in after.rows.items() if row.alive],
        [],
    )
