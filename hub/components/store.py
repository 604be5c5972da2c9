"""Components in the database, a row for each device."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, bindparam, delete, insert, select
from zope.interface import implementer

from hub.components.interfaces import IComponentStore, StoredComponents
from hub.components.tables import device_components
from hub.model.database import Database

_table = device_components.c
_delete = delete(device_components).where(_table.device == bindparam("name"))


@implementer(IComponentStore)
class SqlComponentStore:
    """The components' part of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, after: str, limit: int) -> list[StoredComponents]:
        """Read the next devices."""
        query = select(_table.device, _table.modelled_at, _table.body).where(_table.device > after)
        rows = await self._database.run(
            lambda connection: connection.execute(query.order_by(_table.device).limit(limit)).all()
        )
        return [StoredComponents(*row) for row in rows]

    async def store(self, rows: Sequence[StoredComponents], gone: Collection[str]) -> None:
        """Write some devices, and remove others."""
        await self._database.run(lambda connection: _write(connection, rows, gone))


def _write(connection: Connection, rows: Sequence[StoredComponents], gone: Collection[str]) -> None:
    named = [{"name": name} for name in dict.fromkeys([*gone, *(row.device for row in rows)])]
    if named:
        connection.execute(_delete, named)
    if rows:
        connection.execute(
            insert(device_components),
            [{"device": row.device, "modelled_at": row.modelled_at, "body": row.body} for row in rows],
        )
