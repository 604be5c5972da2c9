"""Gives a collector what was recorded, in place of the network and of this host."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from zope.interface import implementer

from collectors.framework.captures.reading import (
    SYS_UPTIME,
    Failure,
    Got,
    Origin,
    Probed,
    Reading,
    Scanned,
    Section,
    Typed,
    Walked,
    completed,
)
from collectors.framework.interfaces import IProcessSource, ITap
from collectors.framework.processtable import ProcessTable
from collectors.framework.snmp.interfaces import ISnmpClient, Oid, SnmpClientFactory, SnmpValue, Table
from collectors.framework.snmp.prints import Prints
from collectors.framework.snmp.sizing import Sizing
from common.configs import DeviceConfig, SnmpConfig
from common.errors import SettingsError

SAME_RUN = 0.5
"""Readings closer together than this part of the interval belong to one run: the second one was a look to make sure."""


class Tape:
    """The readings of one device, and where we are in them.

    Attributes:
        reading: the one that is read from now.
    """

    def __init__(self, readings: Sequence[Reading], interval_s: float) -> None:
        self._readings = list(readings)
        self._interval_s = interval_s
        self._at = -1
        self._asked = False
        self._left: list[Section] = []
        self._values: dict[Oid, Typed] | None = None

    @property
    def values(self) -> dict[Oid, Typed]:
        """All that is known of the agent at the reading of now."""
        if self._values is None:
            self._values = completed(self._readings, max(self._at, 0))
        return self._values

    @property
    def reading(self) -> Reading:
        """The reading of now."""
        return self._readings[max(self._at, 0)]

    def next_run(self) -> bool:
        """Go on to the reading that the next run begins with; False when there is none."""
        if self._at + 1 >= len(self._readings):
            return False
        self._go(self._at + 1)
        return True

    def begin(self) -> None:
        """Somebody begins to read; who does so twice in one run is given the second reading of it, if there is one."""
        if self._at < 0:
            self.next_run()
        elif self._asked:
            following = self._readings[self._at + 1 : self._at + 2]
            soon = following and following[0].at - self.reading.at < SAME_RUN * self._interval_s
            self._go(self._at + 1 if soon else self._at)
        self._asked = True

    def take(self, section: Section) -> Section:
        """Mark a section as used, so that the same question gets the next answer."""
        self._left.remove(section)
        return section

    @property
    def left(self) -> list[Section]:
        """Sections that nobody has asked for yet."""
        return self._left

    def _go(self, at: int) -> None:
        self._at = at
        self._asked = False
        self._values = None
        self._left = list(self._readings[at].sections)


@implementer(ITap)
class Replay:
    """Replays one device."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def clients(self, config: DeviceConfig, make: SnmpClientFactory) -> SnmpClientFactory:  # noqa: ARG002 - no network
        """See ITap."""
        self._must_be(Origin.SNMP, config)

        def made(_address: str, _snmp: SnmpConfig) -> ISnmpClient:
            return ReplayClient(self._tape)

        return made

    def source(self, config: DeviceConfig, source: IProcessSource) -> IProcessSource:  # noqa: ARG002 - not this host
        """See ITap."""
        self._must_be(Origin.LOCAL, config)
        return ReplaySource(self._tape)

    def _must_be(self, origin: Origin, config: DeviceConfig) -> None:
        found = self._tape.reading.origin
        if found is not origin:
            raise SettingsError(
                f"the capture of {config.device} was made with the source {found.value}, and its config says "
                f"{origin.value}; use the config.json that was recorded with it"
            )


@implementer(ISnmpClient)
class ReplayClient:
    """Answers from a tape: with the very answer to a question, or else with what the reading tells of it."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self.sizing = Sizing()

    async def get(self, oids: Sequence[Oid], retries: int | None = None) -> list[SnmpValue]:  # noqa: ARG002 - no network
        """See ISnmpClient."""
        asked = list(oids)
        if SYS_UPTIME in asked:
            self._tape.begin()
        for section in self._tape.left:
            if isinstance(section, Got) and list(section.values) == asked:
                self._tape.take(section)
                _raise(section.failure)
                return [None if typed is None else typed.value for typed in section.values.values()]
        found = [self._value(oid) for oid in asked]
        if all(typed is None for typed in found):
            self._raise_any()
        return [None if typed is None else typed.value for typed in found]

    async def table(
        self,
        columns: Sequence[Oid],
        max_rows: int = 50_000,
        scalars: Sequence[Oid] = (),
        known: Prints | None = None,  # noqa: ARG002  nothing is decoded here
    ) -> Table:
        """See ISnmpClient."""
        values = tuple(await self.get(scalars)) if scalars else ()
        return replace(self._walk(tuple(columns), max_rows), scalars=values)

    def _walk(self, asked: tuple[Oid, ...], max_rows: int) -> Table:
        for section in self._tape.left:
            if isinstance(section, Walked) and section.columns == asked:
                self._tape.take(section)
                _raise(section.failure)
                return _table(section, max_rows)
        return _table(self._gathered(asked), max_rows)

    def close(self) -> None:
        """See ISnmpClient."""

    def _gathered(self, asked: tuple[Oid, ...]) -> Walked:
        """Columns that were read otherwise than they are asked for now."""
        walks = [section for section in self._tape.reading.sections if isinstance(section, Walked)]
        rows: list[dict[Oid, Typed]] = []
        problems: list[str] = []
        for column in asked:
            walk = next((walk for walk in walks if column in walk.columns and walk.failure is None), None)
            if walk is None:
                rows.append(self._below(column))
            else:
                rows.append(walk.rows[walk.columns.index(column)])
                problems.append(walk.problem)
        if not any(rows):
            self._raise_any()
        return Walked(columns=asked, rows=tuple(rows), problem=next(filter(None, problems), ""))

    def _below(self, column: Oid) -> dict[Oid, Typed]:
        """Rows of a column that was not walked, as far as they are known."""
        size = len(column)
        return {
            oid[size:]: typed for oid, typed in self._tape.values.items() if oid[:size] == column and len(oid) > size
        }

    def _value(self, oid: Oid) -> Typed | None:
        for section in self._tape.reading.sections:
            if isinstance(section, Got) and section.values.get(oid) is not None:
                return section.values[oid]
        return self._tape.values.get(oid)

    def _raise_any(self) -> None:
        """Nothing is known of what was asked: if the agent failed at something else, it fails at this."""
        for section in self._tape.reading.sections:
            if isinstance(section, Got | Walked):
                _raise(section.failure)


@implementer(IProcessSource)
class ReplaySource:
    """Gives back scans of the host that was recorded."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    async def scan(self, full: bool) -> ProcessTable:  # noqa: FBT001 - the interface has it
        """See IProcessSource."""
        self._tape.begin()
        reading = self._tape.reading
        scanned = next((section for section in reading.sections if isinstance(section, Scanned)), None)
        if scanned is None:
            raise SettingsError(f'a reading of {reading.device} has no processes: wanted a line with "processes"')
        return ProcessTable(
            at=reading.at,
            monotonic=reading.monotonic_s,
            rows={row.pid: row for row in scanned.rows},
            complete=not scanned.problem,
            full=full,
            problem=scanned.problem,
        )

    async def alive(self, pids: Sequence[int]) -> frozenset[int]:
        """See IProcessSource."""
        told: dict[int, bool] = {}
        for section in self._tape.reading.sections:
            if isinstance(section, Scanned):
                told |= {row.pid: row.alive for row in section.rows}
        for section in self._tape.reading.sections:
            if isinstance(section, Probed):
                told |= section.alive
        return frozenset(pid for pid in pids if told.get(pid))

    def update(self, config: DeviceConfig) -> None:
        """See IProcessSource."""

    async def close(self) -> None:
        """See IProcessSource."""


def _raise(failure: Failure | None) -> None:
    if failure is not None:
        raise failure.error()


def _table(section: Walked, max_rows: int) -> Table:
    columns = tuple({index: rows[index].value for index in sorted(rows)[:max_rows]} for rows in section.rows)
    over = any(len(rows) > max_rows for rows in section.rows)
    problem = f"more than {max_rows} rows" if over else section.problem
    count = sum(map(len, columns))
    return Table(
        columns=columns,
        complete=not problem,
        problem=problem,
        varbinds=section.varbinds or count,
        requests=section.requests or 1,
    )
