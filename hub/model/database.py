"""The hub's database: one engine, used from one thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, exc, make_url

from common.errors import SettingsError, TocsinError, TransientError
from hub.model.interfaces import IBackend, IWorker
from hub.model.migrate import prepare, set_epoch
from hub.model.postgres import SCHEMES, PostgresBackend
from hub.model.sqlite import SqliteBackend, sqlite_url

__all__ = ["Database", "sqlite_url"]

T = TypeVar("T")

EXPECTED = "expected a URL such as sqlite:////var/lib/tocsin/hub.db or postgresql://tocsin@db.example.org/tocsin"
PERMISSION_DENIED = "42501"
SETTLE_TRIES = 40
SETTLE_POLL_S = 0.5


class Database:
    """An open database.

    Attributes:
        epoch: id of this store, made when it was created, and anew when it is not what it was.
        is_new: whether the last `open` made it.
        name: what people call it, without a password.
    """

    def __init__(self, url: str, worker: IWorker, new_epoch: Callable[[], str], *, marker: Path | None = None) -> None:
        """Describe a database; `open` opens it.

        Args:
            url: as SQLAlchemy writes it, for example `sqlite:////var/lib/tocsin/hub.db`.
            worker: the thread that does all its work.
            new_epoch: makes the id of a store that is new.
            marker: a file for `expect_new` where the database is no file, beside which it would be.

        Raises:
            SettingsError: the URL cannot be read, or its driver is not installed.
        """
        self._worker = worker
        self._new_epoch = new_epoch
        self._backend = _backend(url, marker)
        self._engine = self._backend.engine
        self.name = str(self._backend.name)
        self.epoch = ""
        self.is_new = False

    def expect_new(self) -> None:
        """Let the next `open` make it although it must exist: this is a first start; it may be cut off and begun again.

        Raises:
            SettingsError: the folder cannot be written.
        """
        self._backend.expect_new()

    async def open(self, *, must_exist: bool = False) -> None:
        """Create it if it is new, check it, and bring its tables up to this version.

        Args:
            must_exist: it is refused when it has gone or is empty; what depends on it would follow an empty model.

        Raises:
            SettingsError: it is damaged, belongs to something else, or cannot be reached.
            TransientError: another hub uses it.
        """
        self.epoch = await self._worker.run(lambda: self._open(must_exist=must_exist))

    async def renew_epoch(self) -> str:
        """Make another epoch, and give it.

        Raises:
            TransientError: as `run`; it has the old one still.
        """
        epoch = self._new_epoch()
        await self.run(lambda connection: set_epoch(connection, epoch))
        self.epoch = epoch
        return epoch

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Do work in one transaction, in the database's thread; an error rolls all of it back.

        Raises:
            TransientError: the database refused, for example because the disk is full, or cannot be reached.
        """
        return await self._worker.run(lambda: self._transact(work))

    async def close(self) -> None:
        """Let go of the file or server."""
        await self._worker.run(self._engine.dispose)

    def _transact(self, work: Callable[[Connection], T]) -> T:
        receipt, connected = "", False
        try:
            with self._engine.connect() as connection:
                connected = True
                with connection.begin() as transaction:
                    result = work(connection)
                    receipt = self._backend.receipt(connection)
                    transaction.commit()
                    return result
        except exc.DBAPIError as error:
            if _is_defect(error):
                raise
            if receipt and error.connection_invalidated and self._was_committed(receipt):
                return result
            if not connected or error.connection_invalidated:
                # Whether work reads or stores is not known here.
                what = f"cannot be reached: {_reason(error)}; nothing was read, and nothing was stored"
            else:
                what = f"refused: {_reason(error)}; nothing was stored"
            raise TransientError(f"the database {self.name} {what}") from error

    def _was_committed(self, receipt: str) -> bool:
        """Find out what became of a commit whose answer was lost; there is nothing else to do before that is known."""
        for _ in range(SETTLE_TRIES):
            known = self._backend.was_committed(receipt)
            if known is not None:
                return bool(known)
            time.sleep(SETTLE_POLL_S)
        raise TransientError(
            f"the connection to the database {self.name} was lost while something was stored, and does not come back: "
            "nobody knows whether it was stored. If the next change is refused, start the hub again"
        )

    def _first_epoch(self) -> str:
        self.is_new = True
        return self._new_epoch()

    def _open(self, *, must_exist: bool) -> str:
        self.is_new = False
        try:
            self._backend.prepare(must_exist)
            with self._engine.begin() as connection:
                self._backend.check(connection, must_exist)
                epoch = prepare(connection, self.name, self._first_epoch)
            self._backend.opened()
            return epoch
        except TocsinError:
            raise
        except (exc.SQLAlchemyError, OSError) as error:
            raise SettingsError(
                f"the database {self.name} cannot be opened: {_reason(error)}{self._backend.advice(error)}"
            ) from error


def _backend(url: str, marker: Path | None) -> IBackend:
    try:
        parsed = make_url(url)
        if parsed.drivername == "sqlite" or parsed.drivername.startswith("sqlite+"):
            return SqliteBackend(parsed)
        if parsed.drivername in SCHEMES:
            return PostgresBackend(parsed, marker)
    except (exc.ArgumentError, exc.NoSuchModuleError, ImportError, ValueError):
        # Their texts may tell a part of the URL, and with it of a password.
        raise SettingsError(f"database: this is no URL of a database that can be used; {EXPECTED}") from None
    raise SettingsError(f"database: {parsed.drivername} is not among the databases that can be used; {EXPECTED}")


def _is_defect(error: exc.DBAPIError) -> bool:
    """Whether the statement is wrong, and not the state of the database."""
    if error.connection_invalidated or getattr(error.orig, "sqlstate", None) == PERMISSION_DENIED:
        return False
    return isinstance(error, (exc.ProgrammingError, exc.InterfaceError))


def _reason(error: BaseException) -> str:
    origin: Any = getattr(error, "orig", None) or error
    return (str(origin).strip() or type(origin).__name__).splitlines()[0]
