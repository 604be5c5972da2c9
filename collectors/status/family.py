"""Which processes are shown for those that were found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from collectors.framework.processtable import ProcessRow
from common.sources import Follow

NOT_SHOWN = frozenset({"zombie", "stopped", "dead"})


class Family:
    """Parents and children of one table."""

    def __init__(self, rows: Mapping[int, ProcessRow]) -> None:
        self._rows = rows
        self._children: dict[int, list[ProcessRow]] | None = None

    def shown(self, found: Iterable[ProcessRow], follow: Follow) -> dict[int, ProcessRow]:
        """Who stands for the processes that were found, by pid.

        That is themselves, the first child of each that has one, or they and all that descend from them. Tocsin's own
        daemons, and what has ended or is stopped, are never shown.
        """
        shown: dict[int, ProcessRow] = {}
        for row in found:
            if row.own:
                continue
            if follow is Follow.SELF:
                ones: Iterable[ProcessRow] = (row,)
            elif follow is Follow.FIRST_CHILD:
                ones = (self._first_child(row) or row,)
            else:
                ones = self._tree(row).values()
            shown.update((one.pid, one) for one in ones if _may_be_shown(one))
        return shown

    def below(self, found: Iterable[ProcessRow]) -> set[int]:
        """Those that were found, and all that descend from them."""
        pids: set[int] = set()
        for row in found:
            if row.pid not in pids:
                pids.update(self._tree(row))
        return pids

    def _first_child(self, row: ProcessRow) -> ProcessRow | None:
        """The oldest child that may be shown."""
        children = [child for child in self._of(row.pid) if _may_be_shown(child)]
        return min(children, key=lambda child: (child.started or 0.0, child.pid), default=None)

    def _tree(self, row: ProcessRow) -> dict[int, ProcessRow]:
        found = {row.pid: row}
        waiting = [row.pid]
        while waiting:
            for child in self._of(waiting.pop()):
                if child.pid not in found:
                    found[child.pid] = child
                    waiting.append(child.pid)
        return found

    def _of(self, pid: int) -> list[ProcessRow]:
        if self._children is None:
            self._children = {}
            for row in self._rows.values():
                if row.parent is not None and row.parent != row.pid:
                    self._children.setdefault(row.parent, []).append(row)
        return self._children.get(pid, [])


def _may_be_shown(row: ProcessRow) -> bool:
    return not row.own and row.status not in NOT_SHOWN
