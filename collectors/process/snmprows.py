"""Columns of HOST-RESOURCES-MIB -> rows of a process table, and which of them are to be asked who they are (pure).

Agents may tell anything: an index that is no process id, a row in one column and not in the other, a number that no
process can have. What cannot be is left out; what is not told is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from collectors.framework.interfaces import Oid, ProcessRow, SnmpValue
from collectors.framework.snmp.values import count, shared_text, text

STATES = {1: "running", 2: "runnable", 3: "notRunnable", 4: "invalid"}
"""By hrSWRunStatus."""
INVALID = 4
MOST_PID = 2**31 - 1
FEW_STRAYS = 16
SOME_STRAYS = 0.25
"""Rows that have figures and no name: some come and go during a walk; more are a column that ended early."""

Column = Mapping[Oid, SnmpValue]


class Columns(Struct, frozen=True):
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


def nameless(columns: Columns) -> str:
    """What shows that the names ended early; empty when nothing does."""
    most = max(len(columns.states), len(columns.cpus))
    named = len(columns.names)
    if most - named <= max(FEW_STRAYS, SOME_STRAYS * named):
        return ""
    return f"the agent names {named} processes, and tells of {most} how they fare"


def rows_of(columns: Columns, before: Mapping[int, ProcessRow]) -> tuple[dict[int, ProcessRow], list[int]]:
    """The rows, and those pids of them whose path and arguments are not known.

    Args:
        columns: of the walk.
        before: rows of the last table: a process with the same name, that has not used less CPU time than there, is the
            one that it was. A row that is the very same is taken over.
    """
    states, cpus, memories = columns.states, columns.cpus, columns.memories
    whole = columns.paths is not None
    rows: dict[int, ProcessRow] = {}
    unknown: list[int] = []
    for index, value in columns.names.items():
        if len(index) != 1 or index[0] > MOST_PID:
            continue
        pid = index[0]
        name = shared_text(value)
        state, ticks, kib = states.get(index), count(cpus.get(index)), count(memories.get(index))
        cpu_s = None if ticks is None else ticks / 100
        memory_bytes = None if kib is None else kib * 1024
        status = STATES.get(state, "unknown") if isinstance(state, int) else "unknown"
        known = before.get(pid)
        if known is not None and (known.name != name or _fell(known.cpu_s, cpu_s)):
            known = None
        path, parameters = ("", "") if known is None else (known.path, known.parameters)
        if whole:
            path, parameters = _read(columns, index, known)
        elif known is None:
            unknown.append(pid)
        if (
            known is not None
            and known.cpu_s == cpu_s
            and known.memory_bytes == memory_bytes
            and known.status == status
            and known.path == path
            and known.parameters == parameters
        ):
            rows[pid] = known
            continue
        rows[pid] = ProcessRow(
            pid=pid,
            name=name,
            path=path,
            parameters=parameters,
            started=None,
            cpu_s=cpu_s,
            memory_bytes=memory_bytes,
            status=status,
            alive=state != INVALID,
        )
    return rows, unknown


def _fell(before_s: float | None, cpu_s: float | None) -> bool:
    return before_s is not None and (cpu_s is None or cpu_s < before_s)


def _read(columns: Columns, index: Oid, known: ProcessRow | None) -> tuple[str, str]:
    """Path and arguments as the walk has them; of a process that is known, what the walk leaves out stays."""
    assert columns.paths is not None
    assert columns.parameters is not None
    path, parameters = columns.paths.get(index), columns.parameters.get(index)
    return (
        known.path if path is None and known is not None else shared_text(path),
        known.parameters if parameters is None and known is not None else text(parameters),
    )


def identify(rows: dict[int, ProcessRow], identities: Mapping[int, Identity | None]) -> None:
    """Put in who processes are that were asked for by themselves.

    One that is gone by now is left out. One with another name than the table has is another process already, whose
    figures are not known.
    """
    for pid, found in identities.items():
        row = rows[pid]
        if found is None:
            del rows[pid]
        elif found.name == row.name:
            rows[pid] = replace(row, path=found.path, parameters=found.parameters)
        else:
            rows[pid] = replace(
                row,
                name=found.name,
                path=found.path,
                parameters=found.parameters,
                cpu_s=None,
                memory_bytes=None,
            )


def identities_of(pids: Iterable[int], values: Sequence[SnmpValue]) -> dict[int, Identity | None]:
    """Who processes are, from name, path and arguments of one after the other; None for one that is gone."""
    found: dict[int, Identity | None] = {}
    for number, pid in enumerate(pids):
        name, path, parameters = values[3 * number : 3 * number + 3]
        gone = name is None and path is None and parameters is None
        found[pid] = None if gone else Identity(shared_text(name), shared_text(path), text(parameters))
    return found
