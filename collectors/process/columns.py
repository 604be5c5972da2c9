"""A process table as columns, in place of an object for each process (pure).

A collector keeps the last table of each of its devices. As rows, with their numbers and texts, one of 300 processes
takes some 200 KB, and making them anew is a good part of what a cycle costs. As columns it takes 12 KB, and most of
what a cycle asks is a comparison of whole columns. The rows are made when somebody asks for them, and not kept.

What a process runs is a `Program`: the same object for all processes, of all devices, that run the same.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import ItemsView, Iterator, Mapping, Sequence, ValuesView
from functools import lru_cache

from collectors.framework.interfaces import ProcessRow
from common.matching import command_line

UNKNOWN = math.nan
"""CPU seconds that are not known; every comparison with them is false."""
NO_MEMORY = -1
"""Bytes of memory that are not known."""
MOST_PROGRAMS = 50_000


class Program:
    """What a process runs.

    Attributes:
        told: its name as the agent tells it, so that it need not be decoded again.
    """

    __slots__ = ("name", "parameters", "path", "told")

    def __init__(self, name: str, path: str, parameters: str, told: bytes) -> None:
        self.name = name
        self.path = path
        self.parameters = parameters
        self.told = told

    @property
    def line(self) -> str:
        """The text that is matched."""
        return command_line(self.path, self.name, self.parameters)


program = lru_cache(MOST_PROGRAMS)(Program)
"""What a process runs, from name, path, parameters, and name as told; the same object for the same, as long as they are
not too many."""


class Columns(Mapping[int, ProcessRow]):
    """The processes of a table, or some of them.

    Every sequence has one entry for each process, in the order of pids.

    Attributes:
        pids: rising.
        programs: what each runs.
        cpu_s: `UNKNOWN` where it is not known.
        memory: bytes; `NO_MEMORY` where they are not known.
        states: words as in `ProcessRow.status`.
        dead: the word of those that are not alive.
    """

    __slots__ = ("cpu_s", "dead", "memory", "pids", "programs", "states")

    def __init__(
        self,
        pids: Sequence[int],
        programs: Sequence[Program],
        cpu_s: Sequence[float],
        memory: Sequence[int],
        states: Sequence[str],
        dead: str,
    ) -> None:
        self.pids = tuple(pids)
        self.programs = tuple(programs)
        self.cpu_s = array("d", cpu_s)
        self.memory = array("q", memory)
        self.states = tuple(states)
        self.dead = dead

    def place(self, pid: int) -> int:
        """Where a process stands in the columns; -1 when it is not there."""
        at = bisect_left(self.pids, pid)
        return at if at < len(self.pids) and self.pids[at] == pid else -1

    def row(self, at: int) -> ProcessRow:
        """The process at a place."""
        program, cpu_s, memory, status = self.programs[at], self.cpu_s[at], self.memory[at], self.states[at]
        return ProcessRow(
            pid=self.pids[at],
            name=program.name,
            path=program.path,
            parameters=program.parameters,
            started=None,
            cpu_s=None if math.isnan(cpu_s) else cpu_s,
            memory_bytes=memory if memory != NO_MEMORY else None,
            status=status,
            alive=status != self.dead,
        )

    def __getitem__(self, pid: int) -> ProcessRow:
        at = self.place(pid)
        if at < 0:
            raise KeyError(pid)
        return self.row(at)

    def __contains__(self, pid: object) -> bool:
        return type(pid) is int and self.place(pid) >= 0

    def __iter__(self) -> Iterator[int]:
        return iter(self.pids)

    def __len__(self) -> int:
        return len(self.pids)

    def values(self) -> ValuesView[ProcessRow]:
        """The rows, made now."""
        return _as_dict(self).values()

    def items(self) -> ItemsView[int, ProcessRow]:
        """The rows by pid, made now."""
        return _as_dict(self).items()

    def cpu_by_pid(self) -> dict[int, float]:
        """CPU seconds where they are known."""
        return {pid: cpu_s for pid, cpu_s in zip(self.pids, self.cpu_s, strict=True) if not math.isnan(cpu_s)}


def _as_dict(columns: Columns) -> dict[int, ProcessRow]:
    return {pid: columns.row(at) for at, pid in enumerate(columns.pids)}
