"""Walk over the columns of a table, many columns and rows in one request."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.framework.interfaces import Oid, Table
from collectors.framework.snmp.asking import Asker, Reply, Request
from collectors.framework.snmp.errors import (
    NO_SUCH_NAME,
    TOO_BIG,
    BadAnswer,
    SnmpAuthError,
    SnmpError,
    SnmpTimeout,
    oid_text,
    status_error,
)
from collectors.framework.snmp.messages import PduType, ask_for
from collectors.framework.snmp.rows import Cursor, Indexes
from collectors.framework.snmp.sizing import Sizing


class Walk:
    """One walk: where it stands in each column, and what to ask next."""

    def __init__(self, columns: Sequence[Oid], max_rows: int, indexes: Indexes) -> None:
        self._cursors = [Cursor(column) for column in columns]
        self._max_rows = max_rows
        self._indexes = indexes
        self.answered = False
        self.varbinds = 0
        self.requests = 0

    def pending(self) -> list[Cursor]:
        """The columns that are not at their end."""
        return [cursor for cursor in self._cursors if not cursor.done]

    def take(self, cursors: Sequence[Cursor], reply: Reply) -> int:
        """Accept an answer; return how many varbinds of it were read.

        Raises:
            BadAnswer: what the walk cannot go on from.
        """
        count = reply.take(cursors, self._indexes)
        if not count:
            raise BadAnswer("an answer without varbinds")
        self.varbinds += count
        if max(len(cursor.values) for cursor in cursors) > self._max_rows:
            raise BadAnswer(f"more than {self._max_rows} rows")
        return count

    def table(self, problem: str = "") -> Table:
        """What was read so far."""
        return Table(
            columns=tuple(cursor.values for cursor in self._cursors),
            complete=not problem,
            problem=problem,
            varbinds=self.varbinds,
            requests=self.requests,
        )

    def where(self) -> str:
        """The OID that was asked for when something went wrong."""
        pending = self.pending() or self._cursors
        return oid_text(pending[0].column + pending[0].last)


async def walk(walked: Walk, asker: Asker, sizing: Sizing, max_repetitions: int) -> Table:
    """Read all columns to their ends.

    Args:
        walked: the walk, at its start.
        sizing: how much to ask for, learnt from this agent.
        asker: speaks with the agent.
        max_repetitions: rows to ask for at most in one GETBULK; 0 for GETNEXT.

    Raises:
        SnmpTimeout, SnmpAuthError, SnmpConfigError, SnmpError: the very first request failed.
    """
    while cursors := walked.pending():
        cursors = cursors[: sizing.columns(len(cursors))]
        request = _request(cursors, sizing, max_repetitions)
        try:
            reply = await asker.ask(request)
            walked.requests += reply.tries
            if reply.status:
                _heed_status(cursors, request, reply, sizing, asker.agent)
            else:
                _heed_rows(walked, cursors, request, reply, sizing)
            walked.answered |= reply.status != TOO_BIG
        except BadAnswer as wrong:
            return walked.table(f"{asker.agent} sent {wrong.message} (asked for what follows {walked.where()})")
        except (SnmpTimeout, SnmpAuthError, SnmpError) as failed:
            if not walked.answered:
                raise
            return walked.table(failed.message)
    return walked.table()


def _request(cursors: Sequence[Cursor], sizing: Sizing, max_repetitions: int) -> Request:
    varbinds = b"".join([ask_for(cursor.prefix + cursor.suffix) for cursor in cursors])
    rows = sizing.rows(len(cursors), max_repetitions) if max_repetitions else 0
    asked = tuple(cursor.column + cursor.last for cursor in cursors)
    return Request(PduType.GETBULK if rows else PduType.GETNEXT, asked, varbinds, len(cursors), rows)


def _heed_status(cursors: Sequence[Cursor], request: Request, reply: Reply, sizing: Sizing, agent: str) -> None:
    """Learn from an answer that is an error.

    Raises:
        SnmpError, SnmpAuthError: the walk cannot go on.
    """
    if reply.status == TOO_BIG and sizing.too_big(_wanted(request, reply)):
        return
    if reply.status == NO_SUCH_NAME and not request.rows and 1 <= reply.index <= len(cursors):
        cursors[reply.index - 1].done = True  # how v1 says that the MIB ends here
        return
    raise status_error(agent, request.asked, reply.status, reply.index)


def _heed_rows(walked: Walk, cursors: Sequence[Cursor], request: Request, reply: Reply, sizing: Sizing) -> None:
    """Take an answer in, and learn how much may be asked for.

    Raises:
        BadAnswer: the walk cannot go on.
    """
    if reply.tries > 1:
        sizing.lost(request.columns * (request.rows or 1))
    wanted = _wanted(request, reply)
    if walked.take(cursors, reply) >= wanted:
        sizing.came_whole(wanted, reply.size_bytes)


def _wanted(request: Request, reply: Reply) -> int:
    """How many varbinds the request that was answered had asked for."""
    return request.columns * (request.rows_of_try(reply.tries - 1) or 1)
