"""The seams of the model's room."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection
from zope.interface import Attribute, Interface

T = TypeVar("T")


class IWorker(Interface):
    """Does work that blocks, one piece after the other, in the order in which it was given."""

    async def run(work: Callable[[], T]) -> T:
        """Do a piece of work and return its result, or raise what it raised.

        Raises:
            TransientError: too much is waiting already; the work was not begun.
        """


class IBackend(Interface):
    """What one kind of database does in its own way; all but `expect_new` is called in the database's thread."""

    name = Attribute("what people call the database; no password is in it")
    engine = Attribute("SQLAlchemy's engine; it keeps one connection")

    def expect_new() -> None:
        """Let an empty database be accepted although it must not be empty, until `opened` is called.

        Raises:
            SettingsError: this cannot be noted on disk.
        """

    def prepare(must_exist: bool) -> None:
        """Look at it before the first connection.

        Raises:
            SettingsError: it cannot be used as it is.
        """

    def check(connection: Connection, must_exist: bool) -> None:
        """Look at it through the first connection, in the transaction that makes the tables.

        Raises:
            SettingsError: it is damaged, or empty where it must not be, or of a kind that cannot hold our texts.
        """

    def opened() -> None:
        """Its tables are there: from now on it must not be empty."""

    def advice(error: Exception) -> str:
        """What to do when it could not be opened, as the end of a sentence; may be empty."""

    def receipt(connection: Connection) -> str:
        """What to ask `was_committed` by if the connection is lost during the commit that follows; may be empty."""

    def was_committed(receipt: str) -> bool | None:
        """Whether a transaction was committed, asked over a new connection; None while it cannot be told."""
