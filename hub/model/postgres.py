"""The hub's database on a PostgreSQL server."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sqlalchemy import Connection, Engine, bindparam, create_engine, event, exc, inspect, text
from sqlalchemy.engine import URL
from zope.interface import implementer

from common.errors import SettingsError, TransientError
from hub.model.interfaces import IBackend

DRIVER = "postgresql+psycopg"
SCHEMES = frozenset({"postgresql", "postgres", DRIVER})
OLDEST = 13
LOCK_WAIT_S = 1
NUL_INSTEAD = "\ufffd"

# What libpq does unless the URL says otherwise: a server that has gone is noticed within a minute, and one that only
# copies another one is left alone. https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
CONNECT: dict[str, str | int] = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "target_session_attrs": "read-write",
    "client_encoding": "utf8",
}

# Of a session: the same from the server's side, so that the lock of a hub whose machine died is free within a minute;
# and somebody else's lock on a table is waited for as long as SQLite waits for a file.
SESSION = {
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "lock_timeout": "5s",
}

# The second number is the schema's: hubs in schemas of their own may share a database.
OWNED = "1414482803, hashtext(coalesce(current_schema(), ''))"

_HOLDER = """
SELECT activity.application_name, host(activity.client_addr)
FROM pg_locks AS held JOIN pg_stat_activity AS activity USING (pid)
WHERE held.locktype = 'advisory' AND held.granted AND held.classid = 1414482803 AND held.objsubid = 2
AND activity.datname = current_database() LIMIT 1
"""


@implementer(IBackend)
class PostgresBackend:
    """One database of a server, which belongs to one hub at a time.

    A lock of the session keeps a second hub out; it goes with the connection, however that ends.

    Attributes:
        name: its URL, without password and options.
        engine: to connect by.
    """

    def __init__(self, url: URL, marker: Path | None) -> None:
        """Describe it.

        Args:
            url: with any of the schemes; its driver is ours in any case.
            marker: a file that is there while the database may be empty.

        Raises:
            SettingsError: the URL cannot be right.
        """
        if "@" in (url.host or ""):
            raise SettingsError("database: a @ in the URL's password must be written %40")
        self._marker = marker
        self.name = _without_secrets(url)
        defaults = CONNECT | {"fallback_application_name": f"tocsin-hub, process {os.getpid()} of {_host()}"}
        self.engine: Engine = create_engine(
            url.set(drivername=DRIVER),
            connect_args={key: value for key, value in defaults.items() if key not in url.query},
            isolation_level="REPEATABLE READ",
            pool_size=1,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,
        )
        event.listen(self.engine, "connect", self._set_up)

    def expect_new(self) -> None:
        """Note it in a file, so that a first start that is cut off may be begun again."""
        if self._marker is None:
            return
        try:
            self._marker.touch(mode=0o600)
        except OSError as error:
            raise SettingsError(f"{self._marker} cannot be made: {error.strerror or error}") from None

    def prepare(self, must_exist: bool) -> None:  # noqa: FBT001 - as the interface has it
        """Nothing can be known before the first connection."""

    def check(self, connection: Connection, must_exist: bool) -> None:  # noqa: FBT001 - as the interface has it
        """Refuse what cannot hold our texts, and an empty database where something depends on it."""
        version: Any = connection.dialect.server_version_info
        if version[0] < OLDEST:
            raise SettingsError(f"the database {self.name} is of PostgreSQL {version[0]}; {OLDEST} or later is wanted")
        encoding = connection.execute(text("SHOW server_encoding")).scalar()
        if encoding != "UTF8":
            raise SettingsError(
                f"the database {self.name} is encoded as {encoding}, which cannot hold all texts; make one with "
                "createdb --encoding=UTF8 --template=template0"
            )
        expected = self._marker is None or self._marker.exists()
        if must_exist and not expected and not inspect(connection).get_table_names():
            raise SettingsError(
                f"the database {self.name} is empty, although this hub has run before. Put a backup in its place; or "
                f"make an empty file {self._marker}, to begin with an empty model: collectors then drop what they watch"
            )

    def opened(self) -> None:
        """Take the note of `expect_new` away."""
        if self._marker is not None:
            self._marker.unlink(missing_ok=True)

    def advice(self, error: Exception) -> str:
        """What PostgreSQL 15 and later need, if that is missing."""
        denied = getattr(getattr(error, "orig", None), "sqlstate", None) == "42501"
        return ". The database must belong to the hub's user: createdb --owner=USER DATABASE" if denied else ""

    def receipt(self, connection: Connection) -> str:
        """The transaction's number on the server; none if it has written nothing."""
        number = connection.execute(text("SELECT CAST(pg_current_xact_id_if_assigned() AS text)")).scalar()
        return "" if number is None else str(number)

    def was_committed(self, receipt: str) -> bool | None:
        """Ask the server; it knows for long after a restart."""
        query = text("SELECT pg_xact_status(CAST(CAST(:number AS text) AS xid8))").bindparams(
            bindparam("number", receipt)
        )
        try:
            with self.engine.connect() as connection:
                status = connection.execute(query).scalar()
        except (exc.SQLAlchemyError, TransientError):
            return None
        return None if status == "in progress" else status == "committed"

    def _set_up(self, connection: Any, _record: object) -> None:
        """Make a new connection ours."""
        from psycopg import errors
        from psycopg.types.string import StrDumperUnknown

        class Dumper(StrDumperUnknown):
            """Text as PostgreSQL can store it: without the character 0."""

            def dump(self, obj: str) -> Any:
                return super().dump(obj.replace("\0", NUL_INSTEAD) if "\0" in obj else obj)

        connection.adapters.register_dumper(str, Dumper)
        try:
            with connection.transaction():
                settings = dict(SESSION)
                if connection.execute("SHOW synchronous_commit").fetchone() == ("off",):
                    settings["synchronous_commit"] = "on"  # what we have said to be stored must be
                for name, value in (*settings.items(), ("lock_timeout", f"{LOCK_WAIT_S}s")):
                    connection.execute("SELECT set_config(%s, %s, false)", (name, value))
                connection.execute(f"SELECT pg_advisory_lock({OWNED})")
                connection.execute("SELECT set_config('lock_timeout', %s, false)", (SESSION["lock_timeout"],))
        except errors.LockNotAvailable:
            holder = connection.execute(_HOLDER).fetchone()
            connection.close()
            raise TransientError(f"the database {self.name} is in use by another hub{_described(holder)}") from None
        except BaseException:
            connection.close()
            raise


def _without_secrets(url: URL) -> str:
    query = {key: value for key, value in url.query.items() if key in {"host", "port", "service"}}
    shown = URL.create("postgresql", url.username, None, url.host, url.port, url.database, query)
    return unquote(shown.render_as_string())


def _described(holder: tuple[str, str | None] | None) -> str:
    """Who holds the lock, in brackets: application and address, as far as they are known."""
    known = [part for part in holder or () if part]
    return f" ({', '.join(known)})" if known else ""


def _host() -> str:
    return socket.gethostname()[:30]
