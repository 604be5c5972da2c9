"""What differs between two scans of a device (pure)."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from collectors.framework.interfaces import ProcessRow

Rows = Mapping[int, ProcessRow]


class Difference(Struct, frozen=True):
    """Pids that ended, that started, and that go on with another command line; a pid used again has done both."""

    gone: list[int]
    new: list[int]
    other: list[int]


def difference(before: Rows, after: Rows) -> Difference | None:
    """What differs; None when nothing does."""
    differing = [
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
    if not differing and len(before) == len(after):
        return None
    gone = [pid for pid, old in before.items() if old.alive and not _runs(after, pid)]
    new: list[int] = []
    other: list[int] = []
    for pid in differing:
        row, before_it = after[pid], before.get(pid)
        if not row.alive:
            continue
        if before_it is None or not before_it.alive:
            new.append(pid)
        elif row.started != before_it.started or (row.started is None and _fell(before_it, row)):
            gone.append(pid)
            new.append(pid)
        else:
            other.append(pid)
    return Difference(gone, new, other) if gone or new or other else None


def _runs(rows: Rows, pid: int) -> bool:
    row = rows.get(pid)
    return row is not None and row.alive


def _fell(before: ProcessRow, row: ProcessRow) -> bool:
    """Whether its CPU time fell, by which an agent that tells no start shows that the pid was used again."""
    return row.cpu_s is not None and before.cpu_s is not None and row.cpu_s < before.cpu_s
