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
from operator import lt

from collectors.framework.processtable import ProcessRow
from collectors.process.words import Words
from common.matching import command_line
from common.textcache import TextCache

UNKNOWN = math.nan
"""CPU seconds that are not known; every comparison with them is false."""
NO_MEMORY = -1
"""Bytes of memory that are not known."""
MOST_PROGRAMS, MOST_CHARACTERS = 50_000, 16 << 20


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


_programs: TextCache[tuple[str, str, str, bytes], Program] = TextCache(MOST_PROGRAMS, MOST_CHARACTERS)


def program(name: str, path: str, parameters: str, told: bytes) -> Program:
    """What a process runs; the same object for the same, as long as they are not too many."""
    key = name, path, parameters, told
    found = _programs.get(key)
    if found is None:
        characters = len(name) + len(path) + len(parameters) + len(told)
        found = _programs.keep(key, Program(*key), characters)
    return found


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
        self.states = Words(states)
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

    @property
    def cpu(self) -> ByPid:
        """CPU seconds by pid."""
        return ByPid(self.pids, self.cpu_s)


class Part(Mapping[int, ProcessRow]):
    """Some of the processes of a table.

    Attributes:
        places: where they stand in its columns, rising.
    """

    __slots__ = ("columns", "pids", "places")

    def __init__(self, columns: Columns, places: Sequence[int]) -> None:
        self.columns = columns
        self.places = places
        self.pids = [columns.pids[at] for at in places]

    def __getitem__(self, pid: int) -> ProcessRow:
        if pid not in self:
            raise KeyError(pid)
        return self.columns[pid]

    def __contains__(self, pid: object) -> bool:
        return pid in self.pids

    def __iter__(self) -> Iterator[int]:
        return iter(self.pids)

    def __len__(self) -> int:
        return len(self.pids)

    def values(self) -> ValuesView[ProcessRow]:
        """The rows, made now."""
        return _as_dict(self.columns, self.places).values()

    def items(self) -> ItemsView[int, ProcessRow]:
        """The rows by pid, made now."""
        return _as_dict(self.columns, self.places).items()

    def memories(self) -> list[int]:
        """Bytes of memory, where they are known."""
        memory = self.columns.memory
        return [memory[at] for at in self.places if memory[at] != NO_MEMORY]

    def figures(self, by_pid: Mapping[int, float]) -> list[float]:
        """Figures of its processes, where they are known."""
        if isinstance(by_pid, ByPid) and by_pid.pids is self.columns.pids:
            column = by_pid.figures
            return [found for at in self.places if (found := column[at]) == found]
        return [by_pid[pid] for pid in self.pids if pid in by_pid]


class ByPid(Mapping[int, float]):
    """A column of figures, such as CPU seconds, by pid where they are known.

    Attributes:
        pids: rising.
        figures: in their order; `UNKNOWN` where it is not known.
    """

    __slots__ = ("figures", "pids")

    def __init__(self, pids: tuple[int, ...], figures: Sequence[float]) -> None:
        self.pids = pids
        self.figures = figures

    def known(self) -> dict[int, float]:
        """Those that are known."""
        return {pid: figure for pid, figure in zip(self.pids, self.figures, strict=True) if not math.isnan(figure)}

    def aligned(self, pids: tuple[int, ...]) -> Sequence[float]:
        """Those of some processes, in their order; unknown where a process is not there."""
        if pids == self.pids:
            return self.figures
        found = dict(zip(self.pids, self.figures, strict=True))
        return [found.get(pid, UNKNOWN) for pid in pids]

    def __getitem__(self, pid: int) -> float:
        at = bisect_left(self.pids, pid)
        if at == len(self.pids) or self.pids[at] != pid or math.isnan(self.figures[at]):
            raise KeyError(pid)
        return self.figures[at]

    def __iter__(self) -> Iterator[int]:
        return iter(self.known())

    def __len__(self) -> int:
        return len(self.known())


def percents(before: Columns, now: Columns, elapsed_s: float) -> ByPid:
    """CPU percent from one table to the next; unknown without a base."""
    pairs = zip(now.cpu_s, before.cpu.aligned(now.pids), strict=True)
    figures = [100.0 * (used - base) / elapsed_s if used >= base else UNKNOWN for used, base in pairs]
    return ByPid(now.pids, array("d", figures))


def fallen(now: Columns, before: Mapping[int, float]) -> list[int]:
    """Processes that have used less CPU time than before: their pids were used again."""
    bases = before.aligned(now.pids) if isinstance(before, ByPid) else [before.get(pid, UNKNOWN) for pid in now.pids]
    if not any(map(lt, now.cpu_s, bases)):
        return []
    return [pid for pid, used, base in zip(now.pids, now.cpu_s, bases, strict=True) if used < base]


def same_cpu(before: Columns, now: Columns) -> bool:
    """Whether every process of both tables has used as much CPU time in the one as in the other."""
    if before.pids == now.pids:
        return before.cpu_s.tobytes() == now.cpu_s.tobytes()
    known = dict(zip(before.pids, before.cpu_s, strict=True))
    both = ((used, known[pid]) for pid, used in zip(now.pids, now.cpu_s, strict=True) if pid in known)
    return all(used == base or (math.isnan(used) and math.isnan(base)) for used, base in both)


def _as_dict(columns: Columns, places: Sequence[int] | None = None) -> dict[int, ProcessRow]:
    return {columns.pids[at]: columns.row(at) for at in (range(len(columns)) if places is None else places)}
