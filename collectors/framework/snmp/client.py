"""Reads values and tables of one agent, one request at a time, over either engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.defer import DeferredLock
from zope.interface import implementer

from collectors.framework.snmp import messages
from collectors.framework.snmp.asking import Asker, Reply, Request
from collectors.framework.snmp.errors import NO_SUCH_NAME, TOO_BIG, BadAnswer, SnmpError, oids_text, status_error
from collectors.framework.snmp.interfaces import ISnmpClient, Oid, SnmpValue, Table
from collectors.framework.snmp.messages import PduType
from collectors.framework.snmp.prints import Prints
from collectors.framework.snmp.rows import Indexes
from collectors.framework.snmp.sizing import ROW_VARBINDS, Sizing
from collectors.framework.snmp.walk import Walk, walk
from common.configs import SnmpConfig, SnmpVersion

MOST_OIDS_OF_A_GET = 60


@implementer(ISnmpClient)
class SnmpClient:
    """See ISnmpClient.

    Args:
        asker: speaks with the agent; closed with the client.
        indexes: shared by all clients of a daemon.
        seconds: monotonic, for when answers came.
    """

    def __init__(
        self, asker: Asker, config: SnmpConfig, indexes: Indexes, seconds: Callable[[], float] = lambda: 0.0
    ) -> None:
        self._asker = asker
        self._seconds = seconds
        self._most_rows = 0 if config.version is SnmpVersion.V1 else config.max_repetitions
        self._indexes = indexes
        self.sizing = Sizing()
        self._lock = DeferredLock()
        self._rows: dict[tuple[Oid, ...], int] = {}  # of tables that were walked, by their first column

    async def get(self, oids: Sequence[Oid], retries: int | None = None) -> list[SnmpValue]:
        """See ISnmpClient."""
        values: list[SnmpValue] = []
        async with self._lock:
            while len(values) < len(oids):
                most = min(MOST_OIDS_OF_A_GET, self.sizing.budget)
                values += await self._get(tuple(oids[len(values) : len(values) + most]), retries)
        return values

    async def table(
        self,
        columns: Sequence[Oid],
        max_rows: int = 50_000,
        scalars: Sequence[Oid] = (),
        known: Prints | None = None,
    ) -> Table:
        """See ISnmpClient."""
        walked = Walk(columns, max_rows, self._indexes, self._rows.get(tuple(columns[:1]), 0), known, self._seconds)
        async with self._lock:
            if scalars and (self.sizing.alone or not columns):
                await self._get_scalars(walked, scalars)
            beside = scalars if walked.scalars is None else ()
            table = await walk(walked, self._asker, self.sizing, self._most_rows, beside)
            if table.complete and columns:
                self._rows[tuple(columns[:1])] = len(table.columns[0]) + table.same
            if scalars and walked.scalars is None and table.complete:
                await self._get_scalars(walked, scalars)
                return walked.table()
            return table

    def close(self) -> None:
        """See ISnmpClient."""
        self._asker.close()

    def watch(self, seen: Callable[[Reply], None]) -> None:
        """Have every answer told as it came, with the types that values lose here."""
        self._asker = WatchedAsker(self._asker, seen)

    async def _get_scalars(self, walked: Walk, scalars: Sequence[Oid]) -> None:
        walked.scalars = tuple(await self._get(tuple(scalars)))
        walked.varbinds += len(scalars)
        walked.requests += 1

    async def _get(self, oids: tuple[Oid, ...], retries: int | None = None) -> list[SnmpValue]:
        request = Request(PduType.GET, oids, messages.ask_for_all(oids), len(oids), retries=retries)
        reply = await self._asker.ask(request)
        if reply.status == TOO_BIG and len(oids) > 1:
            if len(oids) > ROW_VARBINDS:  # less than that is one value that is large, not an agent that is small
                self.sizing.too_big(len(oids))
            half = len(oids) // 2
            return await self._get(oids[:half]) + await self._get(oids[half:])
        if reply.status == NO_SUCH_NAME and 1 <= reply.index <= len(oids):
            at = reply.index - 1  # v1 names the first one that it does not have, and answers none of the others
            others = oids[:at] + oids[at + 1 :]
            values = await self._get(others) if others else []
            return [*values[:at], None, *values[at:]]
        if reply.status:
            raise status_error(self._asker.agent, oids, reply.status, reply.index)
        try:
            return values_of(reply, oids)
        except BadAnswer as wrong:
            raise SnmpError(f"{self._asker.agent} sent {wrong.message} when asked for {oids_text(oids)}.") from wrong


class WatchedAsker:
    """An asker whose answers somebody else sees, too."""

    def __init__(self, asker: Asker, seen: Callable[[Reply], None]) -> None:
        self._asker = asker
        self._seen = seen

    @property
    def agent(self) -> str:
        """See Asker."""
        return self._asker.agent

    async def ask(self, request: Request) -> Reply:
        """See Asker."""
        reply = await self._asker.ask(request)
        self._seen(reply)
        return reply

    def close(self) -> None:
        """See Asker."""
        self._asker.close()


def values_of(reply: Reply, oids: Sequence[Oid]) -> list[SnmpValue]:
    """The values of an answer to a GET.

    Raises:
        BadAnswer: it holds something else than the OIDs that were asked for, in their order.
    """
    varbinds = reply.varbinds()
    if [oid for oid, _, _ in varbinds] != list(oids):
        raise BadAnswer("values of other OIDs")
    return [value for _, _, value in varbinds]
