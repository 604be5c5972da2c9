"""Absent members and moved devices in the database."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, select
from zope.interface import implementer

from hub.model.database import Database
from hub.pools.interfaces import Absence, Entry, IPoolStore, Move
from hub.pools.tables import pool_absences, pool_moves

MOVES_KEPT = 10_000

_absent = pool_absences.c
_move = pool_moves.c


@implementer(IPoolStore)
class SqlPoolStore:
    """The pools' part of the database."""

    def __init__(self, database: Database, moves_kept: int = MOVES_KEPT) -> None:
        self._database = database
        self._moves_kept = moves_kept

    async def absences(self) -> list[Absence]:
        """Read who is absent."""
        query = select(_absent.pool, _absent.collector, _absent.since).order_by(_absent.pool, _absent.collector)
        rows = await self._database.run(lambda connection: connection.execute(query).all())
        return [Absence(*row) for row in rows]

    async def record(self, entry: Entry) -> None:
        """Write an entry."""
        await self._database.run(lambda connection: self._write(connection, entry))

    async def moves(self, pool: str, limit: int) -> Sequence[Move]:
        """Read the last moves."""
        columns = _move.at, _move.pool, _move.source, _move.target, _move.devices, _move.why
        query = select(*columns).where(_move.pool == pool).order_by(_move.id.desc()).limit(limit)
        rows = await self._database.run(lambda connection: connection.execute(query).mappings().all())
        return [Move(**row) for row in rows]

    def _write(self, connection: Connection, entry: Entry) -> None:
        for pool, collector in [*entry.back, *((one.pool, one.collector) for one in entry.gone)]:
            connection.execute(delete(pool_absences).where((_absent.pool == pool) & (_absent.collector == collector)))
        if entry.gone:
            connection.execute(
                insert(pool_absences),
                [{"pool": one.pool, "collector": one.collector, "since": one.since} for one in entry.gone],
            )
        if not entry.moves:
            return
        last = connection.execute(select(func.max(_move.id))).scalar() or 0
        connection.execute(
            insert(pool_moves),
            [
                {
                    "id": number,
                    "at": move.at,
                    "pool": move.pool,
                    "source": move.source,
                    "target": move.target,
                    "devices": move.devices,
                    "why": move.why,
                }
                for number, move in enumerate(entry.moves, last + 1)
            ],
        )
        connection.execute(delete(pool_moves).where(_move.id <= last + len(entry.moves) - self._moves_kept))
