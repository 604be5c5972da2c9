"""Moves in the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import asdict
from sqlalchemy import Connection, bindparam, delete, insert, select
from zope.interface import implementer

from hub.model.database import Database
from hub.moving.interfaces import IMoveStore, Key, Move
from hub.moving.tables import device_moves

DONE_KEPT = 1000

_move = device_moves.c
_gone = delete(device_moves).where(
    (_move.device == bindparam("of_device"))
    & (_move.source == bindparam("at_source"))
    & (_move.daemon == bindparam("of_daemon"))
)


@implementer(IMoveStore)
class SqlMoveStore:
    """The moves' part of the database."""

    def __init__(self, database: Database, done_kept: int = DONE_KEPT) -> None:
        self._database = database
        self._done_kept = done_kept

    async def moves(self) -> list[Move]:
        """Read all."""
        query = select(device_moves).order_by(_move.since, _move.device, _move.source, _move.daemon)
        rows = await self._database.run(lambda connection: connection.execute(query).mappings().all())
        return [Move(**row) for row in rows]

    async def record(self, moves: Iterable[Move], gone: Iterable[Key] = ()) -> None:
        """Write some, and drop some."""
        written, dropped = list(moves), list(gone)
        await self._database.run(lambda connection: self._write(connection, written, dropped))

    def _write(self, connection: Connection, moves: Sequence[Move], gone: Sequence[Key]) -> None:
        _delete(connection, [*gone, *(move.key for move in moves)])
        if moves:
            connection.execute(insert(device_moves), [asdict(move) for move in moves])
        if any(move.done_at is not None for move in moves):
            old = (
                select(_move.device, _move.source, _move.daemon)
                .where(_move.done_at.is_not(None))
                .order_by(_move.done_at.desc(), _move.device, _move.source, _move.daemon)
                .offset(self._done_kept)
            )
            _delete(connection, [(device, source, daemon) for device, source, daemon in connection.execute(old).all()])


def _delete(connection: Connection, keys: Sequence[Key]) -> None:
    if keys:
        connection.execute(_gone, [{"of_device": one[0], "at_source": one[1], "of_daemon": one[2]} for one in keys])
