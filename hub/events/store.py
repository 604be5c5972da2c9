"""Events in the database, each stored once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, select, update
from twisted.logger import Logger
from zope.interface import implementer

from common.errors import PermanentError
from common.events import CLASS_DAEMON, Event, State, fingerprint
from common.wire import SpooledEvent
from hub.events.holders import NOTHING, Stood, has, told
from hub.events.rows import (
    CHANGE,
    RECORD,
    counter,
    decided_by_operator,
    had_by,
    matching,
    open_by_fingerprint,
    read,
    told_by,
    write,
)
from hub.events.rules import AgePolicy, Sighting, absorb, ages, cease, close, decide, fresh, is_open, leave_behind
from hub.events.tables import daemons, events, spools
from hub.interfaces import EventFilter, EventRecord, IEventStore
from hub.model.database import Database

T = TypeVar("T")

PURGE_AT_ONCE = 1000
OPERATOR_STATES = frozenset({State.NEW, State.ACKNOWLEDGED, State.CLOSED})


class KnownDaemon(Struct, frozen=True, kw_only=True):
    """A collector daemon that has logged in at some time; times are epoch seconds."""

    collector: str
    daemon: str
    first_seen: float
    last_seen: float


class Tidied(Struct, frozen=True):
    """What a round of tidying did."""

    aged: int
    purged: int


@implementer(IEventStore)
class SqlEventStore:
    """The events' part of the database."""

    log = Logger()

    def __init__(self, database: Database, wall: Callable[[], float], policy: AgePolicy | None = None) -> None:
        self._database = database
        self._wall = wall
        self._policy = policy or AgePolicy()
        self._observers: list[Callable[[int], None]] = []

    def observe(self, observer: Callable[[int], None]) -> None:
        """Call back with the newest change number after each commit that changed an event."""
        self._observers.append(observer)

    # --- from collectors, and from the hub itself ---------------------------------------------------------------------

    async def stored_seq(self, collector: str, daemon: str, spool: str) -> int:
        """Read how far a spool is stored."""
        return await self._database.run(lambda connection: _position(connection, collector, daemon, spool) or 0)

    async def store(
        self, collector: str, daemon: str, spool: str, events: Sequence[SpooledEvent], late: Collection[str] = ()
    ) -> int:
        """Store what is new; the spool's position goes into the same transaction."""
        now = self._wall()

        def work(connection: Connection) -> tuple[int, int]:
            before = _position(connection, collector, daemon, spool)
            new = fresh(before or 0, events)
            if not new:
                return before or 0, 0
            seen = (_sighting(item.event, collector, daemon, now) for item in new)
            change = _absorb(connection, [replace(one, late=one.event.device in late) for one in seen])[1]
            _set_position(connection, (collector, daemon, spool), new[-1].seq, now, known=before is not None)
            return new[-1].seq, change

        held, change = await self._database.run(work)
        self._changed(change)
        return held

    async def add(self, event: Event, collector: str, daemon: str) -> int:
        """Store an event that came without a spool."""
        sighting = _sighting(event, collector, daemon, self._wall())
        touched, change = await self._database.run(lambda connection: _absorb(connection, [sighting]))
        self._changed(change)
        return touched[0].id if touched else 0

    # --- reading ------------------------------------------------------------------------------------------------------

    async def find(self, filter: EventFilter) -> list[EventRecord]:  # noqa: A002 - the interface's name
        """List events."""
        query = select(events).where(*matching(filter)).order_by(events.c.last_seen.desc(), events.c.id.desc())
        return await self._database.run(lambda connection: read(connection, query.limit(filter.limit)))

    async def get(self, event_id: int) -> EventRecord | None:
        """Read one event."""
        return await self._database.run(lambda connection: _get(connection, event_id))

    async def changes(self, after: int, limit: int) -> tuple[int, list[EventRecord]]:
        """List what changed after a number; for a number that is not of this store, tell only where it is now."""

        def work(connection: Connection) -> tuple[int, list[EventRecord]]:
            newest = counter(connection, CHANGE)
            if not 0 <= after < newest or limit <= 0:
                return newest, []
            query = select(events).where(events.c.change > after).order_by(events.c.change).limit(limit)
            rows = connection.execute(select(query.subquery().c.change)).scalars().all()
            return (max(rows) if len(rows) == limit else newest), read(connection, query)

        return await self._database.run(work)

    async def decided(self, collector: str, daemon: str) -> list[EventRecord]:
        """The alarms of a daemon that an operator has closed and that it has not raised again, or has opened again."""
        theirs = told_by(collector, daemon)
        query = (
            select(events)
            .where(decided_by_operator(), theirs, events.c.event_key.not_in(sorted(self._policy.keys)))
            .where(events.c.state.in_([State.NEW.value, State.CLOSED.value]))
            .order_by(events.c.id)
        )

        def work(connection: Connection) -> list[EventRecord]:
            last = {record.fingerprint: record for record in read(connection, query) if has(record, daemon)}
            now_open = open_by_fingerprint(connection, last)
            return [
                record
                for print_, record in last.items()
                if is_open(record) or print_ not in now_open or not _is_of(now_open[print_], collector, daemon)
            ]

        return await self._database.run(work)

    async def still_open(self, collector: str, daemon: str) -> list[EventRecord]:
        """The alarms of a daemon that are open; what merely happened is left out."""
        theirs = told_by(collector, daemon)
        query = (
            select(events)
            .where(events.c.open_fingerprint.is_not(None), theirs, events.c.event_key.not_in(sorted(self._policy.keys)))
            .order_by(events.c.id)
        )
        found = await self._database.run(lambda connection: read(connection, query))
        return [record for record in found if has(record, daemon)]

    async def open_counts(self) -> dict[str, dict[int, int]]:
        """Count the open events of each device by severity."""
        query = (
            select(events.c.device, events.c.severity, func.count())
            .where(events.c.open_fingerprint.is_not(None))
            .group_by(events.c.device, events.c.severity)
        )
        counts: dict[str, dict[int, int]] = {}
        for device, severity, number in await self._database.run(lambda c: c.execute(query).all()):
            counts.setdefault(device, {})[severity] = number
        return counts

    # --- operators ----------------------------------------------------------------------------------------------------

    async def set_state(self, event_id: int, state: str, by: str, at: float) -> EventRecord | None:
        """Acknowledge, close or reopen.

        Raises:
            PermanentError: the event's state does not allow it.
        """
        wanted = State(state)
        if wanted not in OPERATOR_STATES:
            raise PermanentError(f"an event becomes {state} by itself; it can be acknowledged, closed or reopened")

        def work(connection: Connection) -> tuple[EventRecord | None, int]:
            record = _get(connection, event_id)
            if record is None:
                return None, 0
            if wanted is State.NEW and not is_open(record):
                _refuse_second_open(connection, record)
            decided = decide(record, wanted, by, at)
            return decided, write(connection, [decided]) if decided != record else 0

        decided, change = await self._database.run(work)
        self._changed(change)
        return decided

    async def close_devices(self, devices: Iterable[str], by: str, at: float) -> int:
        """Close what is open of devices that are not watched any more; return how many events that were."""
        wanted = list(devices)
        if not wanted:
            return 0
        return await self._end(events.c.device.in_(wanted), lambda record: decide(record, State.CLOSED, by, at))

    async def close_of(self, devices: Iterable[str], daemon: str, by: str, at: float) -> int:
        """Close what daemons of a name have open of devices, not of themselves; return how many events that were."""
        which = events.c.device.in_(list(devices)) & had_by(daemon) & (events.c.event_class != CLASS_DAEMON)
        return await self._end(which, lambda record: cease(record, daemon, by, at))

    async def retire(self, collector: str, daemon: str, by: str, at: float) -> int:
        """Close what a daemon has open that will not come back, if no other has it; return how many events changed."""
        return await self._end(told_by(collector, daemon), lambda record: cease(record, daemon, by, at))

    async def standing(self, devices: Collection[str], daemon: str) -> Stood:
        """Read what daemons of a name have open of some devices, as it was told last."""
        query = select(events).where(events.c.open_fingerprint.is_not(None), had_by(daemon))
        query = query.where(events.c.device.in_(list(devices)))
        found = await self._database.run(lambda connection: read(connection, query))
        return {(one.id, daemon): seen for one in found if (seen := told(one, daemon)) is not None}

    async def leave_behind(self, devices: Mapping[str, str], by: str, at: float, stood: Stood = NOTHING) -> int:
        """Close what other collectors have left open of devices that moved; return how many events that were.

        Args:
            devices: the collector of each that moved.
            by: who closes; what was raised by that one itself stays.
            at: epoch seconds.
            stood: what daemons of a collector had open when it got a device anew: what such a one has not told of since
                is left behind, too.
        """
        if not devices:
            return 0
        return await self._end(
            events.c.device.in_(list(devices)),
            lambda record: leave_behind(record, devices[record.device], by, at, stood),
        )

    async def reporters(self) -> list[tuple[str, str]]:
        """Device and collector of all open events, each pair once."""
        query = select(events.c.device, events.c.collector).where(events.c.open_fingerprint.is_not(None)).distinct()
        rows = await self._database.run(lambda connection: connection.execute(query).all())
        return sorted((device, collector) for device, collector in rows)

    async def tellers(self) -> list[tuple[str, str]]:
        """Device and daemon of all open events, each pair once."""
        query = select(events.c.device, events.c.daemon, events.c.others).where(events.c.open_fingerprint.is_not(None))
        rows = await self._database.run(lambda connection: connection.execute(query.distinct()).all())
        return sorted(
            {(device, one) for device, daemon, others in rows for one in (daemon, *msgspec.json.decode(others))}
        )

    # --- tidying ------------------------------------------------------------------------------------------------------

    async def tidy(self) -> Tidied:
        """Age out what merely happened, and drop closed events that are old enough; to be called every few minutes."""
        now, policy = self._wall(), self._policy
        due = events.c.event_key.in_(sorted(policy.keys)) & (events.c.last_seen <= now - policy.after_s)
        aged = await self._end(
            due, lambda record: close(record, now, State.AGED) if ages(record, now, policy) else record
        )
        old = select(events.c.id).where(events.c.closed_at < now - policy.keep_closed_s).limit(PURGE_AT_ONCE)
        purge = delete(events).where(events.c.id.in_(old))
        purged = 0
        while True:
            done = await self._database.run(lambda connection: connection.execute(purge).rowcount)
            purged += done
            if done < PURGE_AT_ONCE:
                return Tidied(aged=aged, purged=purged)

    # --- daemons ------------------------------------------------------------------------------------------------------

    async def note_daemon(self, collector: str, daemon: str, at: float) -> None:
        """Remember that a daemon was there."""
        mine = (daemons.c.collector == collector) & (daemons.c.daemon == daemon)

        def work(connection: Connection) -> None:
            if connection.execute(update(daemons).where(mine).values(last_seen=at)).rowcount == 0:
                connection.execute(
                    insert(daemons).values(collector=collector, daemon=daemon, first_seen=at, last_seen=at)
                )

        await self._database.run(work)

    async def note_seen(self, seen: Iterable[tuple[str, str, float]]) -> None:
        """Remember when known daemons were seen last: collector, daemon, epoch seconds; never an earlier time."""
        rows = [{"of": collector, "named": daemon, "at": at} for collector, daemon, at in seen]
        mine = (daemons.c.collector == bindparam("of")) & (daemons.c.daemon == bindparam("named"))
        newer = update(daemons).where(mine, daemons.c.last_seen < bindparam("at")).values(last_seen=bindparam("at"))
        if rows:
            await self._database.run(lambda connection: connection.execute(newer, rows))

    async def daemons(self) -> list[KnownDaemon]:
        """All daemons that were ever there."""
        rows = await self._database.run(lambda connection: connection.execute(select(daemons)).mappings().all())
        return sorted((KnownDaemon(**row) for row in rows), key=lambda seat: (seat.collector, seat.daemon))

    async def forget_daemon(self, collector: str, daemon: str) -> None:
        """Drop a daemon that will not come back."""
        mine = (daemons.c.collector == collector) & (daemons.c.daemon == daemon)
        await self._database.run(lambda connection: connection.execute(delete(daemons).where(mine)))

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _end(self, which: ColumnElement[bool], become: Callable[[EventRecord], EventRecord]) -> int:
        def work(connection: Connection) -> tuple[int, int]:
            found = read(connection, select(events).where(events.c.open_fingerprint.is_not(None), which))
            ended = [after for before in found if (after := become(before)) != before]
            return len(ended), write(connection, ended) if ended else 0

        number, change = await self._database.run(work)
        self._changed(change)
        return number

    def _changed(self, change: int) -> None:
        if not change:
            return
        for observer in self._observers:
            try:
                observer(change)
            except Exception:  # noqa: BLE001 - the supervisor of observers: the event is stored all the same
                self.log.failure("error in an observer of events")


def _sighting(event: Event, collector: str, daemon: str, now: float) -> Sighting:
    return Sighting(event=event, fingerprint=fingerprint(event), collector=collector, daemon=daemon, now=now)


def _absorb(connection: Connection, sightings: Sequence[Sighting]) -> tuple[list[EventRecord], int]:
    """Apply events to what is open; return the records touched, and the last change number (0: nothing changed)."""
    known = open_by_fingerprint(connection, (sighting.fingerprint for sighting in sightings))
    touched = absorb(known, sightings, counter(connection, RECORD) + 1)
    return touched, write(connection, touched) if touched else 0


def _is_of(record: EventRecord, collector: str, daemon: str) -> bool:
    return record.collector == collector and has(record, daemon)


def _get(connection: Connection, event_id: int) -> EventRecord | None:
    found = read(connection, select(events).where(events.c.id == event_id))
    return found[0] if found else None


def _refuse_second_open(connection: Connection, record: EventRecord) -> None:
    other = open_by_fingerprint(connection, [record.fingerprint]).get(record.fingerprint)
    if other is not None:
        raise PermanentError(f"event {record.id} stays closed: the same alarm is open again as event {other.id}")


def _position(connection: Connection, collector: str, daemon: str, spool: str) -> int | None:
    return connection.execute(select(spools.c.seq).where(_mine(collector, daemon, spool))).scalar()


def _set_position(connection: Connection, key: tuple[str, str, str], seq: int, at: float, *, known: bool) -> None:
    if known:
        connection.execute(update(spools).where(_mine(*key)).values(seq=seq, at=at))
    else:
        collector, daemon, spool = key
        connection.execute(insert(spools).values(collector=collector, daemon=daemon, spool=spool, seq=seq, at=at))


def _mine(collector: str, daemon: str, spool: str) -> ColumnElement[bool]:
    return (spools.c.collector == collector) & (spools.c.daemon == daemon) & (spools.c.spool == spool)
