"""Walk over the columns of a table, many columns and rows in one request."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from collectors.framework.snmp import ber
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
from collectors.framework.snmp.interfaces import Oid, SnmpValue, Table
from collectors.framework.snmp.messages import PduType, ask_for, ask_for_all
from collectors.framework.snmp.prints import Comparing, Prints
from collectors.framework.snmp.rows import Cursor, Indexes
from collectors.framework.snmp.sizing import Sizing

SLACK_PART = 50
"""A table may have grown by this part, and one row, since it was walked last."""
FEW_ROWS = 10
MOST_BYTES = 64 << 20
"""Of a table: 50,000 rows with all their texts have a fifth of it."""


def _never() -> float:
    """Nobody wants to know when."""
    return 0.0


class Walk:
    """One walk: where it stands in each column, and what to ask next.

    Args:
        expected: rows that the table had when it was walked last; 0 when that is not known.
        known: what its rows looked like then.
        seconds: tells when answers come.

    Attributes:
        scalars: values that were asked for beside the columns; None while they are not known.
    """

    def __init__(
        self,
        columns: Sequence[Oid],
        max_rows: int,
        indexes: Indexes,
        expected: int = 0,
        known: Prints | None = None,
        seconds: Callable[[], float] = _never,
    ) -> None:
        self._cursors = [Cursor(column) for column in columns]
        self._max_rows = max_rows
        self._indexes = indexes
        self._seconds = seconds
        self._expected = expected
        self._against = None if known is None else Comparing(known, columns)
        self.scalars: tuple[SnmpValue, ...] | None = None
        self.answered = False
        self.varbinds = 0
        self.requests = 0
        self._bytes = 0

    def begin_again(self) -> None:
        """Forget all rows."""
        self._bytes = 0
        self._cursors = [Cursor(cursor.column) for cursor in self._cursors]
        if self._against is not None:
            self._against.begin_again()

    def pending(self) -> list[Cursor]:
        """The columns that are not at their end."""
        return [cursor for cursor in self._cursors if not cursor.done]

    @property
    def same(self) -> int:
        """Rows that are as they were, and in no cursor."""
        return 0 if self._against is None else self._against.same

    def rows(self, cursors: Sequence[Cursor], most: int) -> int:
        """How many rows to ask for, of so many at most: what is asked for behind the end of the table is in vain."""
        if not self._expected:
            return most
        left = self._expected + self._expected // SLACK_PART + 1 - len(cursors[0].values) - self.same
        if left <= 0:
            return min(most, FEW_ROWS)
        return math.ceil(left / math.ceil(left / most))

    def take(self, cursors: Sequence[Cursor], reply: Reply) -> int:
        """Accept an answer; return how many varbinds of it were read.

        Raises:
            BadAnswer: what the walk cannot go on from.
        """
        count = reply.take(cursors, self._indexes, self._against)
        if not count:
            raise BadAnswer("an answer without varbinds")
        self.varbinds += count
        now = self._seconds()
        for cursor in cursors:
            if cursor.last:
                cursor.read.append((cursor.last, now))
        self._bytes += reply.size_bytes
        if self._bytes > MOST_BYTES:
            raise BadAnswer(f"more than {MOST_BYTES >> 20} MiB")
        if max(len(cursor.values) for cursor in cursors) + self.same > self._max_rows:
            raise BadAnswer(f"more than {self._max_rows} rows")
        return count

    def table(self, problem: str = "", *, silent: bool = False) -> Table:
        """What was read so far."""
        return Table(
            columns=tuple(cursor.values for cursor in self._cursors),
            complete=not problem,
            problem=problem,
            silent=silent,
            varbinds=self.varbinds,
            requests=self.requests,
            scalars=self.scalars or (),
            read=tuple(cursor.read for cursor in self._cursors) if any(cursor.last for cursor in self._cursors) else (),
            same=self.same,
            differ=None if self._against is None else self._against.differ(),
            prints=None if self._against is None or problem else self._against.prints(),
        )

    def where(self) -> str:
        """The OID that was asked for when something went wrong."""
        pending = self.pending() or self._cursors
        return oid_text(pending[0].column + pending[0].last)


async def walk(walked: Walk, asker: Asker, sizing: Sizing, max_repetitions: int, scalars: Sequence[Oid] = ()) -> Table:
    """Read all columns to their ends.

    Args:
        walked: the walk, at its start.
        sizing: how much to ask for, learnt from this agent.
        asker: speaks with the agent.
        max_repetitions: rows to ask for at most in one GETBULK; 0 for GETNEXT.
        scalars: asked for in the first request; an agent that does not understand it leaves them unknown.

    Raises:
        SnmpTimeout, SnmpAuthError, SnmpConfigError, SnmpError: the very first request failed.
    """
    while cursors := walked.pending():
        cursors = cursors[: sizing.columns(len(cursors))]
        request = _request(walked, cursors, sizing, max_repetitions, scalars)
        beside, scalars = scalars, ()
        try:
            reply = await asker.ask(request)
            walked.requests += reply.tries
            if beside and reply.status:
                if reply.status == TOO_BIG:
                    sizing.too_big(_wanted(request, reply))
                continue
            if beside:
                reply = _take_scalars(walked, beside, reply, sizing)
            if reply.status:
                _heed_status(cursors, request, reply, sizing, asker.agent)
            else:
                _heed_rows(walked, cursors, request, reply, sizing)
            walked.answered |= reply.status != TOO_BIG
        except BadAnswer as wrong:
            if beside:  # perhaps it answers everything as if it were a column
                sizing.alone = True
                walked.scalars = None
                walked.begin_again()
                continue
            return walked.table(f"{asker.agent} sent {wrong.message} (asked for what follows {walked.where()})")
        except (SnmpTimeout, SnmpAuthError, SnmpError) as failed:
            if isinstance(failed, SnmpTimeout):
                sizing.silent()
            if not walked.answered:
                raise
            return walked.table(failed.message, silent=isinstance(failed, SnmpTimeout))
    return walked.table()


def _request(
    walked: Walk, cursors: Sequence[Cursor], sizing: Sizing, max_repetitions: int, scalars: Sequence[Oid]
) -> Request:
    objects = tuple(oid[:-1] for oid in scalars)  # what follows them is their value
    varbinds = ask_for_all(objects) + b"".join([ask_for(cursor.prefix + cursor.suffix) for cursor in cursors])
    rows = walked.rows(cursors, sizing.rows(len(cursors), max_repetitions)) if max_repetitions else 0
    asked = (*objects, *(cursor.column + cursor.last for cursor in cursors))
    kind = PduType.GETBULK if rows else PduType.GETNEXT
    return Request(kind, asked, varbinds, len(cursors), rows, single=len(objects))


def _take_scalars(walked: Walk, scalars: Sequence[Oid], reply: Reply, sizing: Sizing) -> Reply:
    """Take in what stands before the rows; return the answer without it.

    Raises:
        BadAnswer: it does not stand there.
    """
    first, rest = reply.split(len(scalars))
    walked.varbinds += len(first)
    values = [
        value if found == oid and tag not in ber.EXCEPTIONS else None
        for oid, (found, tag, value) in zip(scalars, first, strict=True)
    ]
    if values[0] is None:
        sizing.alone = True
    else:
        walked.scalars = tuple(values)
    return rest


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
