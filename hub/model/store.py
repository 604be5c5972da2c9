"""Documents and revisions on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from zope.interface import implementer

from common.errors import TransientError
from hub.interfaces import DocumentChange, IModelStore, Revision
from hub.model.database import Database
from hub.model.tables import document_changes, documents, revisions


@implementer(IModelStore)
class SqlModelStore:
    """The model's part of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._newest: int | None = None

    async def epoch(self) -> str:
        """Id of the database."""
        return self._database.epoch

    async def load(self) -> tuple[int, list[tuple[str, str, str]]]:
        """Read the newest revision's number and all documents."""
        newest, rows = await self._database.run(_load)
        self._newest = newest
        return newest, rows

    async def commit(
        self, at: float, author: str, text: str, summary: str, changes: Sequence[DocumentChange]
    ) -> Revision:
        """Write a revision and what it changes."""
        revision = await self._database.run(
            lambda connection: self._commit(connection, at, author, text, summary, changes)
        )
        self._newest = revision.number
        return revision

    async def revisions(self, limit: int) -> list[Revision]:
        """Read the newest revisions."""
        query = select(revisions).order_by(revisions.c.number.desc()).limit(limit)
        rows = await self._database.run(lambda connection: connection.execute(query).mappings().all())
        return [Revision(**row) for row in rows]

    async def revision(self, number: int) -> Revision | None:
        """Read one revision."""
        query = select(revisions).where(revisions.c.number == number)
        row = await self._database.run(lambda connection: connection.execute(query).mappings().one_or_none())
        return None if row is None else Revision(**row)

    async def changes_of(self, number: int) -> list[DocumentChange]:
        """Read what a revision changed."""
        table = document_changes.c
        query = select(table.kind, table.id, table.before, table.after).where(table.revision == number)
        rows = await self._database.run(lambda connection: connection.execute(query).mappings().all())
        return sorted((DocumentChange(**row) for row in rows), key=lambda change: (change.kind, change.id))

    async def undone(self, number: int) -> list[tuple[str, str, str | None]]:
        """Read the documents that later revisions changed, as they were at this one."""
        table = document_changes.c
        first = (
            select(table.kind, table.id, func.min(table.revision).label("revision"))
            .where(table.revision > number)
            .group_by(table.kind, table.id)
            .subquery()
        )
        is_first = (table.revision == first.c.revision) & (table.kind == first.c.kind) & (table.id == first.c.id)
        query = select(table.kind, table.id, table.before).join(first, is_first)
        rows = await self._database.run(lambda connection: connection.execute(query).all())
        return sorted(((kind, id_, before) for kind, id_, before in rows), key=lambda row: row[:2])

    async def rewrite(self, change: Callable[[str, str, str], str]) -> int:
        """Put other bodies in the place of those that are stored."""
        return await self._database.run(lambda connection: _rewrite(connection, change))

    def _commit(
        self,
        connection: Connection,
        at: float,
        author: str,
        text: str,
        summary: str,
        changes: Sequence[DocumentChange],
    ) -> Revision:
        newest = _newest(connection)
        if self._newest not in {None, newest}:
            raise TransientError(
                f"the model in the database is at revision {newest}, not at {self._newest}: another hub writes to it. "
                "Stop one of the two, and start the other again"
            )
        revision = Revision(number=newest + 1, at=at, author=author, text=text, summary=summary)
        connection.execute(
            insert(revisions).values(number=revision.number, at=at, author=author, text=text, summary=summary)
        )
        _write(connection, revision.number, changes)
        return revision


def _load(connection: Connection) -> tuple[int, list[tuple[str, str, str]]]:
    # Sorted here: a server sorts texts by the rules of some language.
    rows = connection.execute(select(documents.c.kind, documents.c.id, documents.c.body))
    return _newest(connection), sorted((kind, id_, body) for kind, id_, body in rows)


def _rewrite(connection: Connection, change: Callable[[str, str, str], str]) -> int:
    table = documents.c
    rows = [
        {"k": kind, "i": id_, "body": new}
        for kind, id_, body in connection.execute(select(table.kind, table.id, table.body)).all()
        if (new := change(kind, id_, body)) != body
    ]
    if rows:
        which = (table.kind == bindparam("k")) & (table.id == bindparam("i"))
        connection.execute(update(documents).where(which), rows)
    for column in (document_changes.c.before, document_changes.c.after):
        past = document_changes.c
        found = connection.execute(select(past.revision, past.kind, past.id, column).where(column.is_not(None))).all()
        changed = [
            {"r": revision, "k": kind, "i": id_, column.name: new}
            for revision, kind, id_, body in found
            if (new := change(kind, id_, body)) != body
        ]
        if changed:
            which = (past.revision == bindparam("r")) & (past.kind == bindparam("k")) & (past.id == bindparam("i"))
            connection.execute(update(document_changes).where(which), changed)
    return len(rows)


def _newest(connection: Connection) -> int:
    return connection.execute(select(func.max(revisions.c.number))).scalar() or 0


def _write(connection: Connection, revision: int, changes: Sequence[DocumentChange]) -> None:
    rows = [
        {"kind": change.kind, "id": change.id, "before": change.before, "after": change.after} for change in changes
    ]
    if rows:
        connection.execute(insert(document_changes), [{"revision": revision, **row} for row in rows])
    gone = [{"k": row["kind"], "i": row["id"]} for row in rows if row["after"] is None]
    if gone:
        which = (documents.c.kind == bindparam("k")) & (documents.c.id == bindparam("i"))
        connection.execute(delete(documents).where(which), gone)
    new = [
        {"revision": revision, "kind": row["kind"], "id": row["id"], "body": row["after"]}
        for row in rows
        if row["before"] is None and row["after"] is not None
    ]
    if new:
        connection.execute(insert(documents), new)
    changed = [
        {"k": row["kind"], "i": row["id"], "revision": revision, "body": row["after"]}
        for row in rows
        if row["before"] is not None and row["after"] is not None
    ]
    if changed:
        which = (documents.c.kind == bindparam("k")) & (documents.c.id == bindparam("i"))
        connection.execute(update(documents).where(which), changed)
