"""Databases that tests open by a name, of both kinds."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text

import hub.components.tables
import hub.events.tables
import hub.moving.tables
import hub.pools.tables
import hub.purging.tables  # noqa: F401 - these tables belong to the same database
from hub.model.database import Database, sqlite_url
from tests.fakes.stores import InlineWorker, done
from tests.postgres import PostgresServer


class Databases:
    """Those of one test; the same name is the same database. Subclasses say where they are."""

    kind = ""

    def __init__(self) -> None:
        self._open: list[Database] = []

    def url(self, name: str) -> str:
        """Where it is; an empty one is made there if need be."""
        raise NotImplementedError

    def open(self, name: str = "hub", epoch: str = "epoch-1") -> Database:
        """Open one as a hub does."""
        database = Database(self.url(name), InlineWorker(), lambda: epoch)
        self._open.append(database)
        done(database.open())
        return database

    def close(self) -> None:
        """Close all."""
        for database in self._open:
            done(database.close())


class SqliteDatabases(Databases):
    """Files in a folder."""

    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def url(self, name: str) -> str:
        return sqlite_url(self._folder / f"{name}.db")


class PostgresDatabases(Databases):
    """On a server."""

    kind = "postgresql"

    def __init__(self, server: PostgresServer) -> None:
        super().__init__()
        self.server = server
        self._names: dict[str, str] = {}

    def url(self, name: str) -> str:
        return self.server.url(self.real_name(name))

    def real_name(self, name: str) -> str:
        """What it is called on the server."""
        if name not in self._names:
            self._names[name] = self.server.create()
        return self._names[name]

    def open(self, name: str = "hub", epoch: str = "epoch-1") -> Database:
        self.server.wait_until_free(self.real_name(name))
        return super().open(name, epoch)

    def close(self) -> None:
        super().close()
        for name in self._names.values():
            self.server.drop(name)


def refuse_updates(database: Database, table: str) -> None:
    """Have every update of a table fail, until `allow_updates`."""

    def work(connection: Connection) -> None:
        if connection.dialect.name == "sqlite":
            connection.execute(
                text(f"CREATE TRIGGER refuse BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END")
            )
            return
        connection.execute(
            text(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql"
                " AS 'BEGIN RAISE ''no'' USING ERRCODE = ''disk_full''; END'"
            )
        )
        connection.execute(text(f"CREATE TRIGGER refuse BEFORE UPDATE ON {table} EXECUTE FUNCTION refuse()"))

    done(database.run(work))


def allow_updates(database: Database, table: str) -> None:
    """Undo `refuse_updates`."""
    on_table = "" if "sqlite" in database._engine.dialect.name else f" ON {table}"
    done(database.run(lambda connection: connection.execute(text(f"DROP TRIGGER refuse{on_table}"))))
