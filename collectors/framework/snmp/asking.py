"""What the client asks of an engine, and what it gets: the line between walking tables and speaking SNMP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from collectors.framework.snmp.interfaces import Oid, SnmpValue
from collectors.framework.snmp.messages import PduType
from collectors.framework.snmp.prints import Comparing
from collectors.framework.snmp.rows import Cursor, Indexes
from collectors.framework.snmp.sizing import rows_of_try


class Request(Struct, frozen=True):
    """One question, whoever protects and sends it.

    Attributes:
        varbinds: the same OIDs as `asked`, encoded; `columns` of them.
        rows: max-repetitions; 0 for what is no GETBULK.
        single: so many varbinds stand before those of the columns, and are answered once.
        retries: in place of those that the config says.
    """

    kind: PduType
    asked: tuple[Oid, ...]
    varbinds: bytes
    columns: int
    rows: int = 0
    single: int = 0
    retries: int | None = None

    def rows_of_try(self, tries: int) -> int:
        """max-repetitions of the request that follows `tries` unanswered ones."""
        return rows_of_try(self.rows, self.columns, tries) if self.rows else 0


class Reply(Protocol):
    """One answer; `status` may be an error."""

    @property
    def status(self) -> int:
        """error-status."""

    @property
    def index(self) -> int:
        """error-index."""

    @property
    def tries(self) -> int:
        """How many requests it took."""

    @property
    def size_bytes(self) -> int:
        """Size of the varbinds, about."""

    def take(self, cursors: Sequence[Cursor], indexes: Indexes, against: Comparing | None = None) -> int:
        """Hand the varbinds to cursors, round and round; tell how many were read.

        Rows that are as they were may be passed over, which `against` notes.

        Raises:
            BadAnswer: one is malformed or not in its place; those before it are taken.
        """

    def varbinds(self) -> list[tuple[Oid, int, SnmpValue]]:
        """OID, type and value of each varbind.

        Raises:
            BadAnswer: one is malformed.
        """

    def split(self, count: int) -> tuple[list[tuple[Oid, int, SnmpValue]], Reply]:
        """The first varbinds, and an answer that has only the others.

        Raises:
            BadAnswer: one of the first is malformed, or missing.
        """


class Asker(Protocol):
    """An engine that speaks with one agent."""

    @property
    def agent(self) -> str:
        """Host and port, for messages."""

    async def ask(self, request: Request) -> Reply:
        """Send a request until it is answered.

        Raises:
            SnmpTimeout, SnmpAuthError, SnmpConfigError, SnmpError: see ISnmpClient.
        """

    def close(self) -> None:
        """Release sockets; a request in flight fails."""
