"""Carries out plans: asks one agent, and learns how it is best asked."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004 - Twisted's, raised by addTimeout
from twisted.internet.interfaces import IReactorTime

from collectors.framework.snmp.backoff import PROBE_RETRIES
from collectors.framework.snmp.errors import SnmpAuthError, SnmpConfigError, SnmpError, SnmpTimeout
from collectors.framework.snmp.interfaces import ISnmpClient, Oid, SnmpValue, Table
from collectors.framework.snmp.values import count
from collectors.snmp.plan import Plan, Walk, plan
from collectors.snmp.readings import Column, Readings, Uptime, Value
from collectors.snmp.recipe import Asked

SYS_UPTIME: Oid = (1, 3, 6, 1, 2, 1, 1, 3, 0)
MOST_ROWS = 20_000
"""Of a table; a walk that goes on beyond is given up."""
APART_S = 3600.0
"""So long columns are walked by themselves after something was wrong with one of them."""
MOST_LEARNT = 10_000
SLOW = "the pass took longer than {:g} s, and was ended there: have it read less, or less often"

T = TypeVar("T")


class AgentReader:
    """Reads one agent; as long as there is one of it, what was learnt of it goes on.

    Args:
        clock: monotonic.
        wall: epoch seconds.
    """

    def __init__(self, clock: IReactorTime, wall: Callable[[], float]) -> None:
        self._clock = clock
        self._wall = wall
        self._rows: dict[Oid, int] = {}
        self._apart: dict[Oid, float] = {}
        self._no_uptime_until = float("-inf")

    def forget(self) -> None:
        """It may be another agent now."""
        self._rows.clear()
        self._apart.clear()
        self._no_uptime_until = float("-inf")

    async def read(
        self, client: ISnmpClient, sources: Sequence[Sequence[Asked]], limit_s: float, *, silent: bool = False
    ) -> Readings:
        """One pass: all these objects, each once.

        Args:
            client: speaks with the agent.
            sources: what each source wants.
            limit_s: what is not read then is left.
            silent: it did not answer when it was asked last; one request finds out whether it does now.

        Raises:
            SnmpTimeout, SnmpAuthError, SnmpConfigError: it does not answer at all.
        """
        now = self._clock.seconds()
        self._apart = {column: until for column, until in self._apart.items() if until > now}
        if len(self._rows) > MOST_LEARNT:
            self._rows.clear()
        planned = plan(sources, self._rows, self._apart)
        done = _Pass(self._clock, self._wall, now + limit_s, limit_s)
        if silent:
            with contextlib.suppress(SnmpError):  # whatever it answers, it does
                await client.get([SYS_UPTIME], PROBE_RETRIES)
            done.answered = True
        beside: tuple[Oid, ...] = planned.beside
        for walk in planned.walks:
            if done.readings.stopped:
                break
            await self._walk(client, walk, beside, done)
            beside = ()
        for oids in planned.gets:
            if done.readings.stopped:
                break
            await self._get(client, oids, done)
        done.readings.at = self._wall()
        _take_apart(planned, done.readings)
        return done.readings

    async def _walk(self, client: ISnmpClient, walk: Walk, beside: Sequence[Oid], done: _Pass) -> None:
        scalars = self._with_uptime(beside)
        try:
            table: Table = await done.in_time(client.table(walk.columns, max_rows=MOST_ROWS, scalars=scalars))
        except SnmpError as error:
            self._failed(walk, {}, error.message, done)
            await self._get(client, beside, done)
            return
        except (SnmpTimeout, SnmpAuthError, SnmpConfigError) as error:
            done.stop(error)
            return
        done.answered = True
        shift_s = self._wall() - self._clock.seconds()
        values = dict(zip(scalars, table.scalars, strict=False))
        first = table.read[0][0][1] + shift_s if table.read and table.read[0] else self._wall()
        done.uptime = self._uptime(values, first, done.uptime)
        for oid in beside:
            done.readings.values[oid] = Value(values.get(oid), first, done.uptime)
        if not table.complete and not table.silent:
            self._failed(walk, dict(zip(walk.columns, table.columns, strict=True)), table.problem, done)
            return
        read = table.read or ((),) * len(walk.columns)
        for oid, rows, came in zip(walk.columns, table.columns, read, strict=True):
            moments = [(last, at + shift_s) for last, at in came]
            done.readings.columns[oid] = Column(rows, moments, done.uptime, table.problem)
            if table.complete:
                self._rows[oid] = len(rows)
        if table.silent:
            done.readings.stopped = table.problem

    def _failed(self, walk: Walk, rows: Mapping[Oid, Any], problem: str, done: _Pass) -> None:
        """Something is wrong with one of these columns; which one is seen when they are walked by themselves."""
        done.answered = True
        alone = len(walk.columns) == 1
        for oid in walk.columns:
            done.readings.columns[oid] = Column(rows.get(oid, {}), (), done.uptime, problem, refused=alone)
            if not alone:
                self._apart[oid] = self._clock.seconds() + APART_S

    async def _get(self, client: ISnmpClient, oids: Sequence[Oid], done: _Pass) -> None:
        """Values; those that an agent cannot be asked for together, in halves."""
        if not oids or done.readings.stopped:
            return
        asked = self._with_uptime(oids)
        try:
            found: list[SnmpValue] = await done.in_time(client.get(asked))
        except SnmpError as error:
            done.answered = True
            if len(oids) > 1:
                await self._get(client, oids[: len(oids) // 2], done)
                await self._get(client, oids[len(oids) // 2 :], done)
            else:
                done.readings.values[oids[0]] = Value(None, self._wall(), done.uptime, error.message)
            return
        except (SnmpTimeout, SnmpAuthError, SnmpConfigError) as error:
            done.stop(error)
            return
        done.answered = True
        at = self._wall()
        values = dict(zip(asked, found, strict=True))
        done.uptime = self._uptime(values, at, done.uptime)
        for oid in oids:
            done.readings.values[oid] = Value(values[oid], at, done.uptime)

    def _with_uptime(self, oids: Sequence[Oid]) -> tuple[Oid, ...]:
        if SYS_UPTIME in oids or self._clock.seconds() < self._no_uptime_until:
            return tuple(oids)
        return (SYS_UPTIME, *oids)

    def _uptime(self, values: Mapping[Oid, SnmpValue], at: float, before: Uptime) -> Uptime:
        if SYS_UPTIME not in values:
            return before
        ticks = count(values[SYS_UPTIME])
        if ticks is None:
            self._no_uptime_until = self._clock.seconds() + APART_S
            return before
        return Uptime(ticks / 100, at)


class _Pass:
    """One pass, while it goes on.

    Attributes:
        answered: the agent did, to anything.
        uptime: what it said last.
    """

    def __init__(self, clock: IReactorTime, wall: Callable[[], float], until: float, limit_s: float) -> None:
        self._clock = clock
        self._until = until
        self._limit_s = limit_s
        self.readings = Readings(at=wall())
        self.answered = False
        self.uptime = Uptime()

    async def in_time(self, asking: Awaitable[T]) -> T:
        """What is asked for, unless the pass takes too long for it.

        Raises:
            SnmpTimeout: it does.
        """
        waiting: Deferred[T] = Deferred.fromCoroutine(asking)  # type: ignore[arg-type]  # clients have coroutines
        waiting.addTimeout(max(self._until - self._clock.seconds(), 0.0), self._clock)
        try:
            return await waiting
        except TimeoutError:
            self.answered = True  # silence would have been known sooner
            raise SnmpTimeout(SLOW.format(self._limit_s)) from None

    def stop(self, error: SnmpTimeout | SnmpAuthError | SnmpConfigError) -> None:
        """Nothing more is asked.

        Raises:
            SnmpTimeout, SnmpAuthError, SnmpConfigError: nothing was answered at all.
        """
        if not self.answered:
            raise error
        self.readings.stopped = error.message


def _take_apart(planned: Plan, readings: Readings) -> None:
    """Columns and values that came with a longer walk."""
    for oid, top in planned.below.items():
        column = readings.columns.get(top)
        if column is not None:
            rest, rows = oid[len(top) :], column.rows
            readings.columns[oid] = Column(
                {index[len(rest) :]: value for index, value in rows.items() if index[: len(rest)] == rest != index},
                [(last[len(rest) :] if last[: len(rest)] == rest else (), at) for last, at in column.read],
                column.uptime,
                column.problem,
                column.refused,
            )
    for oid, top in planned.within.items():
        column = readings.columns.get(top)
        if column is not None and (not column.problem or oid[len(top) :] in column.rows):
            index = oid[len(top) :]
            at = column.taken([index], readings.at)[0]
            readings.values[oid] = Value(column.rows.get(index), at, column.uptime)
