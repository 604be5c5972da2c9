"""The hub's database as a file of SQLite."""

from __future__ import annotations

import os
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, exc, text
from sqlalchemy.engine import URL
from twisted.logger import Logger
from zope.interface import implementer

from common.errors import SettingsError
from hub.model.interfaces import IBackend
from hub.model.migrate import set_run
from hub.model.restoring import finish
from hub.model.sqlitefile import MAGIC, RunNote, look_with_log

CHECK_UP_TO_BYTES = 256 * 1024 * 1024
BUSY_TIMEOUT_MS = 5000


def sqlite_url(path: Path) -> str:
    """The URL of a database file."""
    return URL.create("sqlite", database=str(path)).render_as_string()


@implementer(IBackend)
class SqliteBackend:
    """One file, readable by its owner alone; or none, in memory, for tests.

    Attributes:
        name: the file.
        engine: to connect by.
    """

    log = Logger()

    def __init__(self, url: URL) -> None:
        self._looked_through = False
        self._path = None if url.database in {None, "", ":memory:"} else Path(url.database or "")
        self.name = str(self._path or url.render_as_string())
        self.engine: Engine = create_engine(url, hide_parameters=True)
        event.listen(self.engine, "connect", _set_up)
        event.listen(self.engine, "begin", _begin)

    def expect_new(self) -> None:
        """Note it in a file beside the database, so that a first start that is cut off may be begun again."""
        if self._path is None:
            return
        try:
            _being_made(self._path).touch(mode=0o600)
        except OSError as error:
            raise SettingsError(f"the database {self.name} cannot be made: {error.strerror or error}") from None

    def prepare(self, must_exist: bool) -> None:  # noqa: FBT001 - as the interface has it
        """Make the file; refuse what is no SQLite database."""
        if self._path is not None:
            finish(self._path)
            _check_file(self._path, must_exist=must_exist)
            self._looked_through = look_with_log(self._path)

    def check(self, connection: Connection, must_exist: bool) -> None:  # noqa: ARG002, FBT001 - the file was looked at
        """Look for damage; a very large file is not read through, so that the hub starts in time."""
        if self._path is None:
            return
        RunNote(self._path).remove()  # it has had its say, and what is written now may not reach file and note at once
        if self._looked_through or self._path.stat().st_size > CHECK_UP_TO_BYTES:
            return
        found = connection.execute(text("PRAGMA quick_check(1)")).scalar()
        if found != "ok":
            raise SettingsError(
                f"the database {self.name} is damaged ({found}). Put a backup in its place: `tocsin-hub restore FILE`"
            )

    def opened(self) -> None:
        """Take the note of `expect_new` away, and note which run this is."""
        if self._path is not None:
            _being_made(self._path).unlink(missing_ok=True)
            self._note_run(RunNote(self._path))

    def advice(self, error: Exception) -> str:
        """A backup, if it is damaged."""
        origin = getattr(error, "orig", None)
        damaged = isinstance(origin, sqlite3.DatabaseError) and not isinstance(origin, sqlite3.OperationalError)
        return ". Put a backup in its place: `tocsin-hub restore FILE`" if damaged else ""

    def receipt(self, connection: Connection) -> str:  # noqa: ARG002 - a file has no connection that can be lost
        """Nothing: a commit says what became of it."""
        return ""

    def was_committed(self, receipt: str) -> bool | None:  # noqa: ARG002 - never asked
        """Never in doubt."""
        return None

    def _note_run(self, note: RunNote) -> None:
        """Note the run in the file itself, not in its log, and beside it; without that the next start knows less."""
        run = uuid.uuid4().hex
        try:
            with self.engine.begin() as connection:
                set_run(connection, run)
            with closing(self.engine.raw_connection()) as pooled:
                busy = pooled.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            if not busy:
                note.write(run)
        except (exc.SQLAlchemyError, sqlite3.Error, SettingsError) as error:
            self.log.warn("the run of {name} cannot be noted: {error}", name=self.name, error=str(error))  # noqa: G010 - its name


def _set_up(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own idea of when a transaction begins leaves SELECT and CREATE TABLE outside; we say BEGIN ourselves.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")  # a secret that was replaced is not left in a free page


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _being_made(path: Path) -> Path:
    """A file that is there from before the database is made until its tables are: only then may it be empty."""
    return path.with_name(f"{path.name}.new")


def _check_file(path: Path, *, must_exist: bool) -> None:
    """Make the file, readable by its owner alone; refuse what is no SQLite database."""
    if path.is_dir():
        raise SettingsError(f"the database {path} is a folder; expected a file")
    marker = _being_made(path)
    if must_exist and not marker.exists() and (not path.exists() or path.stat().st_size == 0):
        raise SettingsError(
            f"the database {path} is {'empty' if path.exists() else 'gone'}, although this hub has run before. "
            f"Put a backup in its place (`tocsin-hub restore FILE`); or make an empty file {marker}, to begin with an "
            "empty model: collectors then drop what they watch"
        )
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(handle, 0o600)
        start = os.read(handle, len(MAGIC))
    finally:
        os.close(handle)
    if start not in {b"", MAGIC}:
        raise SettingsError(
            f"the database {path} is damaged, or no SQLite file at all. Put a backup in its place "
            "(`tocsin-hub restore FILE`), or name another file"
        )
