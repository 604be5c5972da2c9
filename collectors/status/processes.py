"""Processes by name: one scan of the process table for all names, and figures of those that are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import psutil
from msgspec import Struct

from collectors.framework.interfaces import IProcessSource
from collectors.framework.local.host import LocalHost
from collectors.framework.local.outcomes import Kind, kind_of
from collectors.framework.processtable import ProcessRow, ProcessTable
from collectors.status.asleep import Asleep
from collectors.status.family import Family
from collectors.status.names import Names
from collectors.status.passes import ProcessFigures, ProcessName
from common.configs import DeviceConfig, SourceKind
from common.sources import Follow

FULL_EVERY_S = 60.0
"""After so long all names and arguments are read again: a process may change its title without a trace."""
LEAST_AGE_S = 0.05
"""CPU time is counted in hundredths of a second: what a process has used of a shorter time says nothing."""


class Sizes(Struct, frozen=True):
    """Memory of a process, in bytes."""

    rss: int | None
    vms: int | None
    shared: int | None


class OfName(Struct, frozen=True, kw_only=True):
    """The processes of one name: those that are shown, and CPU seconds that they have used while they were watched."""

    processes: Mapping[int, ProcessFigures]
    spent_s: float


class Reading(Struct, frozen=True, kw_only=True):
    """One scan.

    Attributes:
        races: what could not be read, by kind.
        problem: why the table is not whole; empty when it is.
    """

    names: Mapping[ProcessName, OfName]
    races: Mapping[str, int]
    problem: str


class Ways(Struct, frozen=True, kw_only=True):
    """How a system tells what no table has; errors are those of the system, or of psutil.

    Attributes:
        arguments: of a process.
        sizes: memory of one.
        affinity: processors that it may run on; None where there is no such thing.
        age_s: seconds since its start.
        memory_bytes: of this host.
    """

    arguments: Callable[[int], Sequence[str]]
    sizes: Callable[[int], Sizes]
    affinity: Callable[[int], Iterable[int]] | None
    age_s: Callable[[ProcessRow], float]
    memory_bytes: Callable[[], int]


class ProcessReader:
    """Finds processes by name, scan after scan.

    Args:
        source: of this host.
        host: what the source counts with.
        ways: to what the source does not tell.
        asleep: where the source asks whom it may leave out; None for one that reads all in each scan.
    """

    def __init__(self, source: IProcessSource, host: LocalHost, ways: Ways, asleep: Asleep | None = None) -> None:
        self._source = source
        self._asleep = asleep or Asleep(turn_s=0.0)
        self._outcomes = host.outcomes
        self._ways = ways
        self._every_s = 0.0
        self._wanted: tuple[ProcessName, ...] = ()
        self._names = Names((), ways.arguments)
        self._hits: dict[int, tuple[ProcessRow, tuple[int, ...]]] = {}
        self._sizes: dict[int, tuple[ProcessRow, Sizes]] = {}
        self._spent: dict[ProcessName, float] = {}
        self._last: ProcessTable | None = None
        self._last_full: float | None = None
        self._memory_bytes = 0
        self._doubt = False

    def read(self, wanted: tuple[ProcessName, ...], every_s: float) -> Reading:
        """Scan, for all names at once; the next scan comes in about `every_s`."""
        before = self._counted()
        if every_s != self._every_s:
            self._every_s = every_s
            self._source.update(_config(every_s))
            self._asleep.wake()
        if wanted != self._wanted:
            self._want(wanted)
        table = self._scan()
        matched = self._matched(table)
        family = Family(table.rows)
        shown = {name: family.shown(rows, name.follow) for name, rows in matched.items()}
        figures = self._figures(table, {pid: row for rows in shown.values() for pid, row in rows.items()})
        self._asleep.scanned(table.monotonic, table.rows.keys(), _near(family, matched), every_s)
        if table.problem:  # else it would be over, and come again, with each turn of whoever has it
            self._asleep.wake()
        names = {name: self._of_name(name, rows, figures) for name, rows in shown.items()}
        self._last = table
        after = self._counted()
        races = {kind.value: after[kind] - before[kind] for kind in Kind if after[kind] > before[kind]}
        return Reading(names=names, races=races, problem=table.problem)

    def _want(self, wanted: tuple[ProcessName, ...]) -> None:
        self._wanted = wanted
        self._names = Names(wanted, self._arguments)
        self._hits = {}
        self._asleep.wake()
        self._spent = {name: spent for name, spent in self._spent.items() if name in wanted}

    def _scan(self) -> ProcessTable:
        last = self._last
        full = last is None or self._last_full is None or last.monotonic - self._last_full >= FULL_EVERY_S
        if full:
            self._asleep.wake()
        table: ProcessTable = at_once(self._source.scan(full))
        if full:
            self._last_full = table.monotonic
            self._memory_bytes = self._ways.memory_bytes()
        return table

    # --- who is meant -------------------------------------------------------------------------------------------------

    def _matched(self, table: ProcessTable) -> dict[ProcessName, list[ProcessRow]]:
        """What each name means; what was found of a process that has not changed stands."""
        matched: list[list[ProcessRow]] = [[] for _ in self._wanted]
        known, seen = self._hits, {}
        for pid, row in table.rows.items():
            entry = known.get(pid)
            if entry is None or entry[0] is not row:
                self._doubt = False
                same = entry is not None and _is_same_program(entry[0], row)
                entry = (row, entry[1] if entry is not None and same else self._names.of(row))
                if self._doubt:
                    for number in entry[1]:
                        matched[number].append(row)
                    continue
            seen[pid] = entry
            for number in entry[1]:
                matched[number].append(row)
        self._hits = seen
        return dict(zip(self._wanted, matched, strict=True))

    def _arguments(self, pid: int) -> Sequence[str]:
        """None for those of a process that does not let them be read, which is asked again next time."""
        try:
            return self._ways.arguments(pid)
        except (OSError, psutil.Error, ValueError) as error:
            self._outcomes.part(error)
            self._doubt = True
            return ()

    # --- figures ------------------------------------------------------------------------------------------------------

    def _figures(self, table: ProcessTable, rows: Mapping[int, ProcessRow]) -> dict[int, tuple[ProcessFigures, float]]:
        """Figures of processes, each with its CPU seconds since the last scan; without those that have just ended."""
        found = {}
        sizes: dict[int, tuple[ProcessRow, Sizes]] = {}
        for pid, row in rows.items():
            try:
                known = self._sizes.get(pid)
                size = known[1] if known is not None and known[0] is row else self._part(self._ways.sizes, pid)
                affinity = self._part(self._ways.affinity, pid) if self._ways.affinity is not None else None
            except (OSError, psutil.Error) as error:
                self._outcomes.part(error)
                continue
            if size is not None:
                sizes[pid] = (row, size)
            spent_s, over_s = self._spent_of(row, self._asleep.elapsed_s(pid, table.monotonic))
            rss = size.rss if size is not None else row.memory_bytes
            figures = ProcessFigures(
                pid=pid,
                started=row.started,
                cpu_s=row.cpu_s,
                cpu_percent=100.0 * spent_s / over_s if spent_s is not None else None,
                cpu_affinity=None if affinity is None else tuple(sorted(affinity)),
                memory_percent=100.0 * rss / self._memory_bytes if rss is not None and self._memory_bytes else None,
                rss=rss,
                vms=size.vms if size is not None else None,
                shared=size.shared if size is not None else None,
            )
            found[pid] = (figures, spent_s or 0.0)
        self._sizes = sizes
        return found

    def _part(self, ask: Callable[[int], Any], pid: int) -> Any:
        """What is told of a process; None for what belongs to others or makes no sense.

        Raises:
            OSError, psutil.Error: it has ended.
        """
        try:
            return ask(pid)
        except (OSError, psutil.Error, ValueError) as error:
            if kind_of(error) is Kind.ENDED:
                raise
            self._outcomes.part(error)
            return None

    def _spent_of(self, row: ProcessRow, elapsed_s: float) -> tuple[float | None, float]:
        """CPU seconds of a process since it was read last, and of what time: a new one's begins with its start."""
        if self._last is None or row.cpu_s is None or elapsed_s <= 0:
            return None, 1.0
        was = self._last.rows.get(row.pid)
        if was is not None and was.started == row.started:
            return (None if was.cpu_s is None else max(0.0, row.cpu_s - was.cpu_s)), elapsed_s
        if not self._last.complete:
            return None, 1.0
        return row.cpu_s, min(elapsed_s, max(LEAST_AGE_S, self._ways.age_s(row)))

    def _of_name(
        self,
        name: ProcessName,
        rows: Mapping[int, ProcessRow],
        figures: Mapping[int, tuple[ProcessFigures, float]],
    ) -> OfName:
        found = {pid: figures[pid] for pid in sorted(rows) if pid in figures}
        spent_s = self._spent.get(name, 0.0)
        spent_s += sum(spent for _, spent in found.values())
        self._spent[name] = spent_s
        return OfName(processes={pid: one for pid, (one, _) in found.items()}, spent_s=spent_s)

    def _counted(self) -> dict[Kind, int]:
        return {kind: self._outcomes.processes[kind] + self._outcomes.parts[kind] for kind in Kind}


def summary(processes: Iterable[ProcessFigures]) -> dict[str, float | int | None]:
    """The points of a name. What no process tells is unknown, and 0 where there is no process."""
    ones = list(processes)

    def over(name: str, combine: Callable[[list[Any]], Any]) -> Any:
        told = [value for one in ones if (value := getattr(one, name)) is not None]
        return combine(told) if told else None if ones else 0

    return {
        "count": len(ones),
        "cpu_sum": over("cpu_percent", sum),
        "cpu_max": over("cpu_percent", max),
        "rss_sum": over("rss", sum),
        "rss_max": over("rss", max),
        "vms_sum": over("vms", sum),
        "vms_max": over("vms", max),
        "shared_sum": over("shared", sum),
        "memory_percent": over("memory_percent", sum),
    }


def _near(family: Family, matched: Mapping[ProcessName, Iterable[ProcessRow]]) -> set[int]:
    """Those that were found, and whoever may be shown for them."""
    near = {row.pid for rows in matched.values() for row in rows}
    for name, rows in matched.items():
        if name.follow is not Follow.SELF:
            near |= family.below(rows)
    return near


def _config(every_s: float) -> DeviceConfig:
    """What a source goes by: of frequent scans files are kept open."""
    return DeviceConfig(
        device="this host",
        address="",
        source=SourceKind.LOCAL,
        interval_s=max(1, min(86400, int(every_s))),
        exclude_own=True,
    )


def at_once(work: Any) -> Any:
    """The result of a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    work.close()
    raise RuntimeError("what reads the processes of this host must not wait")


def _is_same_program(was: ProcessRow, row: ProcessRow) -> bool:
    return (
        was.started == row.started
        and was.name == row.name
        and was.parameters == row.parameters
        and was.path == row.path
    )
