"""What happened to some devices between two times, from the database."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, and_, or_, select

from hub.events.rows import read
from hub.events.tables import events
from hub.interfaces import EventRecord
from hub.model.database import Database


class EventPast:
    """Reads events by the time at which they stood."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def between(
        self,
        devices: Collection[str],
        components: Collection[str] | None,
        start: float,
        end: float,
        limit: int,
    ) -> list[EventRecord]:
        """Events that stood, or were seen, in a time: the newest of them, the newest first.

        Args:
            devices: whose events.
            components: of these components, and of the devices themselves; None for all.
            start: epoch seconds.
            end: epoch seconds.
            limit: how many at most.

        Raises:
            TransientError: the database cannot be read.
        """
        stood = or_(events.c.closed_at.is_(None), events.c.closed_at >= start)
        wanted = [events.c.device.in_(list(devices)), events.c.first_seen <= end, stood]
        if components is not None:
            wanted.append(events.c.component.in_([*components, ""]))
        query = select(events).where(and_(*wanted)).order_by(events.c.last_seen.desc(), events.c.id.desc())

        def work(connection: Connection) -> list[EventRecord]:
            return read(connection, query.limit(limit))

        return await self._database.run(work)
