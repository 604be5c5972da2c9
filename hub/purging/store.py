"""What devices left behind, in the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec.structs import asdict
from sqlalchemy import Connection, delete, func, insert, select
from zope.interface import implementer

from hub.model.database import Database
from hub.model.entities import KIND_DEVICE
from hub.model.tables import document_changes, revisions
from hub.purging.interfaces import IRemnantStore, Key, Remnant
from hub.purging.tables import remnants

AT_ONCE = 500

_remnant = remnants.c


@implementer(IRemnantStore)
class SqlRemnantStore:
    """Their part of the database, and what the model's revisions tell."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def remnants(self) -> list[Remnant]:
        """Read all."""
        rows = await self._database.run(lambda connection: connection.execute(select(remnants)).mappings().all())
        return sorted((Remnant(**row) for row in rows), key=lambda one: one.key)

    async def record(self, remnants: Iterable[Remnant], gone: Iterable[Key] = ()) -> None:
        """Write some, and drop some."""
        written, dropped = list(remnants), list(gone)
        if written or dropped:
            await self._database.run(lambda connection: _write(connection, written, dropped))

    async def left(self, devices: Collection[str]) -> Mapping[str, float]:
        """Look for the last revision that removed each."""
        wanted = sorted(devices)
        found: dict[str, float] = {}
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            found.update(await self._database.run(lambda connection, some=some: _left(connection, some)))  # type: ignore[misc]  # mypy knows no defaults of lambdas
        return found


def _write(connection: Connection, written: Sequence[Remnant], dropped: Sequence[Key]) -> None:
    for device, collector, daemon in [*dropped, *(one.key for one in written)]:
        which = (_remnant.device == device) & (_remnant.collector == collector) & (_remnant.daemon == daemon)
        connection.execute(delete(remnants).where(which))
    if written:
        connection.execute(insert(remnants), [asdict(one) for one in written])


def _left(connection: Connection, devices: Sequence[str]) -> dict[str, float]:
    changes = document_changes.c
    query = (
        select(changes.id, func.max(revisions.c.at))
        .join(revisions, revisions.c.number == changes.revision)
        .where((changes.kind == KIND_DEVICE) & changes.after.is_(None) & changes.id.in_(devices))
        .group_by(changes.id)
    )
    return {device: float(at) for device, at in connection.execute(query).all()}
