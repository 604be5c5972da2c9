"""Columns of HOST-RESOURCES-MIB -> columns of a process table, and who of it is to be asked what it runs (pure).

Agents may tell anything: an index that is no process id, a row in one column and not in the other, a number that no
process can have. What cannot be is left out; what is not told is unknown.

In most scans nearly all processes are those that they were. So whole columns are compared and converted; what is told
of a single process is looked at only where that is of another one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, MutableSequence, Sequence
from typing import Any

from msgspec import Struct

from collectors.framework.snmp.interfaces import Oid, SnmpValue
from collectors.framework.snmp.values import MOST_32_BITS, MOST_TEXT_BYTES, shared_text, text
from collectors.process.columns import NO_MEMORY, UNKNOWN, Columns, Program, program

STATES = {1: "running", 2: "runnable", 3: "notRunnable", 4: "invalid"}
"""By hrSWRunStatus."""
INVALID = 4
MOST_PID = 2**31 - 1
MANY = 256
"""So many processes that are new, gone or otherwise are not put into lists one by one: that goes with their square."""
FEW_STRAYS = 16
SOME_STRAYS = 0.25
"""Rows that have figures and no name: some come and go during a walk; more are a column that ended early."""

Column = Mapping[Oid, SnmpValue]


class _Words(dict[SnmpValue, str]):
    """Words of states; anything else is unknown, and not kept."""

    def __missing__(self, state: SnmpValue) -> str:
        return "unknown"


_WORDS = _Words(STATES.items())


class Walked(Struct, frozen=True):
    """What a walk brought, by row index; paths and parameters are None when they were not asked for."""

    names: Column
    states: Column
    cpus: Column
    memories: Column
    paths: Column | None = None
    parameters: Column | None = None


class Identity(Struct, frozen=True):
    """Who one process is, when it was asked for by itself."""

    name: str
    path: str
    parameters: str
    told: bytes


def nameless(columns: Walked, same: int = 0) -> str:
    """What shows that the names ended early; empty when nothing does. So many rows more are `same` as before."""
    most = max(len(columns.states), len(columns.cpus)) + same
    named = len(columns.names) + same
    if most - named <= max(FEW_STRAYS, SOME_STRAYS * named):
        return ""
    return f"the agent names {named} processes, and tells of {most} how they fare"


class Draft:
    """A table that is being read: columns, in which it is not known yet what some processes run.

    Attributes:
        told: names as the agent tells them.
        programs: None where that is not known.
    """

    def __init__(
        self,
        pids: list[int],
        told: list[bytes],
        programs: list[Program | None],
        cpu_s: MutableSequence[float],
        memory: MutableSequence[int],
        states: list[str],
    ) -> None:
        self.pids = pids
        self.told = told
        self.programs = programs
        self.cpu_s = cpu_s
        self.memory = memory
        self.states = states

    def __len__(self) -> int:
        return len(self.pids)

    def unknown(self) -> list[int]:
        """Those whose path and arguments are not known."""
        return [pid for pid, known in zip(self.pids, self.programs, strict=True) if known is None]

    def columns(self) -> Columns:
        """The table; of what is still not known there is the name alone."""
        programs = [
            program(shared_text(told), "", "", told) if known is None else known
            for known, told in zip(self.programs, self.told, strict=True)
        ]
        return Columns(self.pids, programs, self.cpu_s, self.memory, self.states, STATES[INVALID])

    def identify(self, identities: Mapping[int, Identity | None]) -> None:
        """Put in who processes are that were asked for by themselves.

        One that is gone by now is left out. One with another name than the table has is another process already, whose
        figures are not known.
        """
        places = {pid: at for at, pid in enumerate(self.pids) if pid in identities}
        gone: list[int] = []
        for pid, found in identities.items():
            at = places[pid]
            if found is None:
                gone.append(at)
                continue
            self.programs[at] = program(found.name, found.path, found.parameters, found.told)
            if found.name != shared_text(self.told[at]):
                self.cpu_s[at], self.memory[at] = UNKNOWN, NO_MEMORY
        for at in sorted(gone, reverse=True):
            self.leave_out(at)

    def rows(self) -> Iterable[tuple[Any, ...]]:
        """All of each process but its pid."""
        return zip(self.told, self.programs, self.cpu_s, self.memory, self.states, strict=True)

    def leave_out(self, at: int) -> None:
        """Take one process out."""
        for column in (self.pids, self.told, self.programs, self.cpu_s, self.memory, self.states):
            del column[at]

    def put(self, row: Draft, number: int) -> None:
        """Take one process over from another draft, in place of what is here of its pid."""
        pid = row.pids[number]
        at = bisect_left(self.pids, pid)
        if at < len(self.pids) and self.pids[at] == pid:
            self.told[at], self.programs[at] = row.told[number], row.programs[number]
            self.cpu_s[at], self.memory[at] = row.cpu_s[number], row.memory[number]
            self.states[at] = row.states[number]
            return
        self.pids.insert(at, pid)
        self.told.insert(at, row.told[number])
        self.programs.insert(at, row.programs[number])
        self.cpu_s.insert(at, row.cpu_s[number])
        self.memory.insert(at, row.memory[number])
        self.states.insert(at, row.states[number])


def draft_of(walked: Walked, before: Columns | None) -> Draft:
    """The columns of a table, and who of it is known.

    Args:
        walked: what a walk brought.
        before: the last table: a process with the same name, that has not used less CPU time than there, is the one
            that it was.
    """
    names = walked.names
    indexes = list(names)
    pids = [index[0] for index in indexes if len(index) == 1]
    if len(pids) < len(indexes) or pids != sorted(pids) or (pids and pids[-1] > MOST_PID):
        indexes = sorted(index for index in indexes if len(index) == 1 and index[0] <= MOST_PID)
        pids = [index[0] for index in indexes]
    told = [name[:MOST_TEXT_BYTES] if type(name) is bytes else b"" for name in _column(names, indexes)]
    cpu_s = [
        ticks / 100 if type(ticks) is int and 0 <= ticks <= MOST_32_BITS else UNKNOWN
        for ticks in _column(walked.cpus, indexes)
    ]
    memory = [
        kib * 1024 if type(kib) is int and 0 <= kib <= MOST_32_BITS else NO_MEMORY
        for kib in _column(walked.memories, indexes)
    ]
    states = list(map(_WORDS.__getitem__, _column(walked.states, indexes)))
    draft = Draft(pids, told, [None] * len(pids), cpu_s, memory, states)
    if before is not None:
        known, bases = _aligned(before, tuple(pids))
        draft.programs = [
            one if one is not None and one.told == name and (cpu_s >= base_s or base_s != base_s) else None  # noqa: PLR0124 - unknown
            for one, name, cpu_s, base_s in zip(known, told, draft.cpu_s, bases, strict=True)
        ]
    if walked.paths is not None and walked.parameters is not None:
        paths, parameters = _column(walked.paths, indexes), _column(walked.parameters, indexes)
        draft.programs = [
            _read(known, name, path, arguments)
            for known, name, path, arguments in zip(draft.programs, told, paths, parameters, strict=True)
        ]
    return draft


def put_over(before: Columns, differ: Iterable[int], read: Draft, *, anew: bool) -> Draft:
    """A table of which a walk brought only what differs from the one before.

    Args:
        before: the table before.
        differ: places of those of its rows that were read, or are gone; all others are as they were.
        read: what was read.
        anew: none of the others is known to be the process that it was.
    """
    programs: list[Program | None] = list(before.programs) if not anew else [None] * len(before.pids)
    told = [one.told for one in before.programs]
    draft = Draft(list(before.pids), told, programs, before.cpu_s[:], before.memory[:], list(before.states))
    came = set(read.pids)
    gone = [at for at in sorted(differ, reverse=True) if before.pids[at] not in came]
    if len(gone) + len(came) > MANY:
        rows = dict(zip(draft.pids, draft.rows(), strict=True))
        for at in gone:
            del rows[before.pids[at]]
        rows |= zip(read.pids, read.rows(), strict=True)
        pids = sorted(rows)
        return Draft(pids, *map(list, zip(*[rows[pid] for pid in pids], strict=True))) if rows else read
    for at in gone:
        draft.leave_out(at)
    for number in range(len(read.pids)):
        draft.put(read, number)
    return draft


def _column(column: Column, indexes: list[Oid]) -> list[SnmpValue]:
    """Values in the order of the rows; None where the column has none."""
    return list(column.values()) if list(column) == indexes else [column.get(index) for index in indexes]


def _aligned(before: Columns, pids: tuple[int, ...]) -> tuple[Sequence[Program | None], Sequence[float]]:
    """What each of the processes ran in a table before, and the CPU seconds that it had used."""
    if before.pids == pids:
        return before.programs, before.cpu_s
    if len(pids) < len(before.pids) // 2:
        places = list(map(before.place, pids))
        return [before.programs[at] if at >= 0 else None for at in places], [
            before.cpu_s[at] if at >= 0 else UNKNOWN for at in places
        ]
    programs = dict(zip(before.pids, before.programs, strict=True))
    return [programs.get(pid) for pid in pids], before.cpu.aligned(pids)


def _read(known: Program | None, told: bytes, path: SnmpValue, parameters: SnmpValue) -> Program | None:
    """What a process runs as the walk has it; of one that is known, what the walk leaves out stays.

    One that is not known and of which the walk leaves something out, because a column ended early, is to be asked.
    """
    if known is None:
        return (
            None
            if path is None or parameters is None
            else program(shared_text(told), shared_text(path), text(parameters), told)
        )
    path_now = known.path if path is None else shared_text(path)
    parameters_now = known.parameters if parameters is None else text(parameters)
    if (path_now, parameters_now) == (known.path, known.parameters):
        return known
    return program(known.name, path_now, parameters_now, told)


def identities_of(pids: Iterable[int], values: Sequence[SnmpValue]) -> dict[int, Identity | None]:
    """Who processes are, from name, path and arguments of one after the other; None for one that is gone."""
    found: dict[int, Identity | None] = {}
    for number, pid in enumerate(pids):
        name, path, parameters = values[3 * number : 3 * number + 3]
        gone = name is None and path is None and parameters is None
        told = name[:MOST_TEXT_BYTES] if isinstance(name, bytes) else b""
        found[pid] = None if gone else Identity(shared_text(told), shared_text(path), text(parameters), told)
    return found
