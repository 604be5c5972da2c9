"""Whose processes a table shows (pure)."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from collectors.framework.processtable import ProcessRow, ProcessTable
from collectors.process.columns import Columns, Part
from common.masking import Masker, masker
from common.matching import Matcher, SetName, arguments_of, printable
from common.roll import CommandLine, Process

Members = dict[str, Mapping[int, ProcessRow]]
"""Living processes by component and pid."""
BYTE = 256
"""So many numbers a byte has."""


class Owners(Mapping[int, SetName]):
    """Which set has which living process of a table that is columns.

    Attributes:
        taken: which set takes what each process runs, in the order of the columns: its place in `names`.
        names: of the sets; None for those that no set takes.
    """

    __slots__ = ("columns", "names", "taken")

    def __init__(self, columns: Columns, names: tuple[SetName | None, ...], taken: Sequence[int]) -> None:
        self.columns = columns
        self.names = names
        self.taken = taken

    def __getitem__(self, pid: int) -> SetName:
        at = self.columns.place(pid)
        name = self.names[self.taken[at]] if at >= 0 and self.columns.states[at] != self.columns.dead else None
        if name is None:
            raise KeyError(pid)
        return name

    def __iter__(self) -> Iterator[int]:
        return (self.columns.pids[at] for places in self.places().values() for at in places)

    def __len__(self) -> int:
        return sum(map(len, self.places().values()))

    def places(self) -> dict[str, list[int]]:
        """Where the processes of each set stand, by component."""
        states, dead = self.columns.states, self.columns.dead
        found: list[list[int]] = [[] for _ in self.names]
        for at, number in enumerate(self.taken):
            found[number].append(at)
        if dead in states:
            found = [[at for at in places if states[at] != dead] for places in found]
        return {
            name.component: places
            for name, places in zip(self.names, found, strict=True)
            if name is not None and places
        }

    def members(self) -> Members:
        """Living processes by component and pid."""
        return {component: Part(self.columns, places) for component, places in self.places().items()}


class Matched(Struct):
    """A table with what was made of it.

    Attributes:
        names: of the sets that are there, by component.
        owners: by pid, of living processes.
        left_out: sets of which this table has nothing but Tocsin's own daemons, which are in no set here.
    """

    table: ProcessTable
    members: Members
    names: dict[str, SetName]
    owners: Mapping[int, SetName]
    left_out: frozenset[str] = frozenset()


class View(Struct, kw_only=True):
    """A scan with what was made of it; the rows that people see are made when somebody looks."""

    table: ProcessTable
    owners: Mapping[int, SetName]
    used: Mapping[int, float]

    def processes(self, secrets: Masker | None = None) -> list[Process]:
        """The process table, in order of pid, without what looks like a secret."""
        mask = (secrets or masker()).mask
        owners = self.owners
        return [
            Process(
                pid=pid,
                set=owners[pid].component if pid in owners else None,
                name=printable(mask(row.name), 100),
                command=printable(mask(row.line), 500),
                started_at=row.started,
                cpu_percent=self.used.get(pid),
                memory_bytes=row.memory_bytes,
                state=row.status,
            )
            for pid, row in sorted(self.table.rows.items())
        ]

    def members(self) -> Members:
        """Living processes by component and pid."""
        if isinstance(self.owners, Owners):
            return self.owners.members()
        found: dict[str, dict[int, ProcessRow]] = {}
        for pid, name in self.owners.items():
            found.setdefault(name.component, {})[pid] = self.table.rows[pid]
        return dict(found)

    def of(self, component: str) -> dict[int, ProcessRow]:
        """The living processes of one set, by pid."""
        return dict(self.members().get(component, {}).items())

    def line(self, pid: int, secrets: Masker | None = None) -> CommandLine | None:
        """The whole text that a process was matched by, but for what looks like a secret; None when it does not run."""
        row = self.table.rows[pid]
        text = row.line
        if not row.alive:
            return None
        arguments = arguments_of(text, row.parameters)
        masked = (secrets or masker()).mask(text)
        return CommandLine(masked, min(max(arguments + len(masked) - len(text), 0), len(masked)))


def members_of(table: ProcessTable, matcher: Matcher, before: Owners | None = None) -> Matched:
    """Which set takes which process.

    Args:
        table: what was scanned.
        matcher: of the device.
        before: what the same matcher made of the table before; what is in both is not matched again.
    """
    rows = table.rows
    if isinstance(rows, Columns):
        owners = _owners(rows, matcher, before)
        members = owners.members()
        names = {component: owners[next(iter(part))] for component, part in members.items()}
        return Matched(table, members, names, owners)
    found: dict[int, SetName] = {}
    grouped: dict[str, dict[int, ProcessRow]] = {}
    own: set[str] = set()
    for pid, row in rows.items():
        name = matcher.match(row.line)
        if name is None or not row.alive:
            continue
        if row.own:
            own.add(name.component)
            continue
        found[pid] = name
        grouped.setdefault(name.component, {})[pid] = row
    names = {name.component: name for name in found.values()}
    return Matched(table, dict(grouped), names, found, frozenset(own.difference(grouped)))


def _owners(rows: Columns, matcher: Matcher, before: Owners | None) -> Owners:
    programs, known = rows.programs, {}
    places: dict[SetName | None, int] = {}
    if before is not None:
        if before.columns.programs == programs:
            return Owners(rows, before.names, before.taken)
        known = dict(zip(before.columns.programs, before.taken, strict=True))
        places = {name: number for number, name in enumerate(before.names)}
    taken = [
        known[one] if one in known else places.setdefault(matcher.match_program(one), len(places)) for one in programs
    ]
    return Owners(rows, tuple(places), bytes(taken) if len(places) <= BYTE else array("I", taken))
