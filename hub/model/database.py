"""The hub's database: one engine, used from one thread."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, exc, make_url, text
from sqlalchemy.engine import URL

from common.errors import SettingsError, TocsinError, TransientError
from hub.model.interfaces import IWorker
from hub.model.migrate import prepare

T = TypeVar("T")

CHECK_UP_TO_BYTES = 256 * 1024 * 1024
SQLITE_MAGIC = b"SQLite format 3\0"
BUSY_TIMEOUT_MS = 5000


def sqlite_url(path: Path) -> str:
    """The URL of a database file."""
    return URL.create("sqlite", database=str(path)).render_as_string()


class Database:
    """An open database.

    Attributes:
        epoch: id of this store, made when it was created.
        name: what people call it, without a password.
    """

    def __init__(self, url: str, worker: IWorker, new_epoch: Callable[[], str]) -> None:
        """Describe a database; `open` opens it.

        Args:
            url: as SQLAlchemy writes it, for example `sqlite:////var/lib/tocsin/hub.db`.
            worker: the thread that does all its work.
            new_epoch: makes the id of a store that is new.

        Raises:
            SettingsError: the URL cannot be read, or its driver is not installed.
        """
        self._worker = worker
        self._new_epoch = new_epoch
        try:
            self._url = make_url(url)
            self._engine = _engine(self._url)
        except (exc.ArgumentError, exc.NoSuchModuleError, ImportError) as error:
            raise SettingsError(
                f"database: {_first_line(error)}; expected a URL such as sqlite:////var/lib/tocsin/hub.db"
            ) from None
        self.name = self._file or self._url.render_as_string(hide_password=True)
        self.epoch = ""

    @property
    def _file(self) -> str:
        is_file = self._url.get_backend_name() == "sqlite" and self._url.database not in {None, "", ":memory:"}
        return self._url.database or "" if is_file else ""

    def expect_new(self) -> None:
        """Let the next `open` make it although it must exist: this is a first start; it may be cut off and begun again.

        Raises:
            SettingsError: the folder cannot be written.
        """
        if not self._file:
            return
        try:
            _being_made(Path(self._file)).touch(mode=0o600)
        except OSError as error:
            raise SettingsError(f"the database {self.name} cannot be made: {error.strerror or error}") from None

    async def open(self, *, must_exist: bool = False) -> None:
        """Create it if it is new, check it, and bring its tables up to this version.

        Args:
            must_exist: it is refused when it has gone or is empty; what depends on it would follow an empty model.

        Raises:
            SettingsError: it is damaged, belongs to something else, or cannot be reached.
        """
        self.epoch = await self._worker.run(lambda: self._open(must_exist=must_exist))

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Do work in one transaction, in the database's thread; an error rolls all of it back.

        Raises:
            TransientError: the database refused, for example because the disk is full.
        """
        return await self._worker.run(lambda: self._transact(work))

    async def close(self) -> None:
        """Let go of the file or server."""
        await self._worker.run(self._engine.dispose)

    def _transact(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._engine.begin() as connection:
                return work(connection)
        except exc.DBAPIError as error:
            if isinstance(error, (exc.ProgrammingError, exc.InterfaceError)):
                raise
            raise TransientError(f"the database {self.name} refused: {_reason(error)}; nothing was stored") from error

    def _open(self, *, must_exist: bool) -> str:
        try:
            if self._file:
                _check_file(Path(self._file), must_exist=must_exist)
            with self._engine.begin() as connection:
                if self._file:
                    _check_pages(connection, Path(self._file))
                epoch = prepare(connection, self.name, self._new_epoch)
            if self._file:
                _being_made(Path(self._file)).unlink(missing_ok=True)
            return epoch
        except TocsinError:
            raise
        except (exc.SQLAlchemyError, OSError) as error:
            advice = ". Put a backup in its place" if _is_damage(error) else ""
            raise SettingsError(f"the database {self.name} cannot be opened: {_reason(error)}{advice}") from error


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_size=1, max_overflow=0, pool_pre_ping=True)
    engine = create_engine(url)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own idea of when a transaction begins leaves SELECT and CREATE TABLE outside; we say BEGIN ourselves.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")  # a secret that was replaced is not left in a free page


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _being_made(path: Path) -> Path:
    """A file that is there from before the database is made until its tables are: only then may it be empty."""
    return path.with_name(f"{path.name}.new")


def _is_damage(error: Exception) -> bool:
    origin = getattr(error, "orig", None)
    return isinstance(origin, sqlite3.DatabaseError) and not isinstance(origin, sqlite3.OperationalError)


def _check_file(path: Path, *, must_exist: bool) -> None:
    """Make the file, readable by its owner alone; refuse what is no SQLite database."""
    if path.is_dir():
        raise SettingsError(f"the database {path} is a folder; expected a file")
    marker = _being_made(path)
    if must_exist and not marker.exists() and (not path.exists() or path.stat().st_size == 0):
        raise SettingsError(
            f"the database {path} is {'empty' if path.exists() else 'gone'}, although this hub has run before. "
            f"Put a backup in its place; or make an empty file {marker}, to begin with an empty model: "
            "collectors then drop what they watch"
        )
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(handle, 0o600)
        start = os.read(handle, len(SQLITE_MAGIC))
    finally:
        os.close(handle)
    if start not in {b"", SQLITE_MAGIC}:
        raise SettingsError(
            f"the database {path} is damaged, or no SQLite file at all. Put a backup in its place, or name another file"
        )


def _check_pages(connection: Connection, path: Path) -> None:
    """Look for damage; a very large file is not read through, so that the hub starts in time."""
    if path.stat().st_size > CHECK_UP_TO_BYTES:
        return
    found = connection.execute(text("PRAGMA quick_check(1)")).scalar()
    if found != "ok":
        raise SettingsError(f"the database {path} is damaged ({found}). Put a backup in its place")


def _reason(error: BaseException) -> str:
    origin: Any = getattr(error, "orig", None) or error
    return _first_line(origin)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
