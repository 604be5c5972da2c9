"""The process table of a device, over SNMP (HOST-RESOURCES-MIB, RFC 2790).

Names and figures are read in each cycle, in one walk of several columns that brings the uptimes, too: a row is one
moment. Paths and arguments are read of processes that are new, and in the same walk of all of them when a full pass is
asked for, or whenever it is in doubt that processes are still those that they were. docs/process-rules.md has the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from zope.interface import implementer

from collectors.framework.interfaces import IProcessSource
from collectors.framework.judging.rates import went_back
from collectors.framework.processtable import ProcessTable
from collectors.framework.snmp.backoff import PROBE_RETRIES
from collectors.framework.snmp.errors import SnmpAuthError, SnmpError, SnmpTimeout, no_host_resources
from collectors.framework.snmp.interfaces import ISnmpClient, Oid, SnmpClientFactory, SnmpValue, Table
from collectors.framework.snmp.prints import Prints
from collectors.framework.snmp.sizing import Sizing
from collectors.framework.snmp.values import count
from collectors.process.backoff import in_time
from collectors.process.columns import Columns
from collectors.process.evidence.host import ASKED, IHostFacts, snmp_host
from collectors.process.snmprows import INVALID, Draft, Walked, draft_of, identities_of, nameless, put_over
from common.configs import DeviceConfig, SnmpConfig, SnmpVersion
from common.errors import TocsinError
from common.evidence import HostEvidence

HR_SYSTEM_UPTIME: Oid = (1, 3, 6, 1, 2, 1, 25, 1, 1, 0)
SYS_UPTIME: Oid = (1, 3, 6, 1, 2, 1, 1, 3, 0)
HR_SW_RUN: Oid = (1, 3, 6, 1, 2, 1, 25, 4, 2, 1)
HR_SW_RUN_PERF: Oid = (1, 3, 6, 1, 2, 1, 25, 5, 1, 1)
NAME, PATH, PARAMETERS, STATUS = (*HR_SW_RUN, 2), (*HR_SW_RUN, 4), (*HR_SW_RUN, 5), (*HR_SW_RUN, 7)
CPU, MEMORY = (*HR_SW_RUN_PERF, 1), (*HR_SW_RUN_PERF, 2)
FIGURES = [NAME, STATUS, CPU, MEMORY]
NO_PRINTS = Prints(FIGURES)
IDENTITY = [NAME, PATH, PARAMETERS]
EVERYTHING = [NAME, STATUS, CPU, MEMORY, PATH, PARAMETERS]

GET_AT_ONCE = 20
WALK_FROM = 60
"""So many new processes are read cheaper by walking their columns, if they are many of all."""
MOST_COMPARED = 10_000
"""Of larger tables all is read anew in each cycle: putting what differs over what was there takes longer than that."""


@implementer(IProcessSource, IHostFacts)
class SnmpSource:
    """Scans one device.

    Args:
        recall: gives what is kept of how much the agent stands; changed in place by what is learnt.
        silent: the device did not answer when it was asked last.
    """

    def __init__(
        self,
        make_client: SnmpClientFactory,
        config: DeviceConfig,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
        recall: Callable[[], Sizing] | None = None,
        *,
        silent: bool = False,
    ) -> None:
        self._make_client = make_client
        self._wall = wall
        self._monotonic = monotonic
        self._address = config.address
        self._snmp = in_time(config.snmp or SnmpConfig(), config.interval_s)
        self._recall = recall
        self._silent = silent
        self._open: ISnmpClient | None = None
        self._rows: Columns | None = None
        self._prints = NO_PRINTS
        self._uptime_s: float | None = None

    def update(self, config: DeviceConfig) -> None:
        """Use another address or credential from the next scan on."""
        snmp = in_time(config.snmp or SnmpConfig(), config.interval_s)
        if (config.address, snmp) != (self._address, self._snmp):
            self._hang_up()
            self._address, self._snmp = config.address, snmp
            self._forget()

    async def close(self) -> None:
        """Release the socket."""
        self._hang_up()

    @property
    def _client(self) -> ISnmpClient:
        """The client; made when it is first needed, because settings that cannot work are told by a cycle."""
        if self._open is None:
            self._open = self._make_client(self._address, self._snmp)
        if self._recall is not None:
            self._open.sizing = self._recall()
        return self._open

    def _hang_up(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _forget(self) -> None:
        """Take no process for the one that it was."""
        self._rows, self._prints = None, NO_PRINTS
        self._uptime_s = None

    async def alive(self, pids: Sequence[int]) -> frozenset[int]:
        """Which of some processes answer when asked for one by one."""
        asked = list(pids)[:10]
        states = await self._client.get([(*STATUS, pid) for pid in asked])
        return frozenset(
            pid for pid, state in zip(asked, states, strict=True) if isinstance(state, int) and state != INVALID
        )

    async def host(self) -> HostEvidence:
        """How the host is, by one GET."""
        return snmp_host(await self._client.get(ASKED, 0))

    async def scan(self, full: bool) -> ProcessTable:  # noqa: FBT001 - the interface has it
        """Read the table once."""
        try:
            if self._silent:
                await self._client.get([SYS_UPTIME], PROBE_RETRIES)
            found, rows, prints = await self._scan(full=full or not self._rows)
        except TocsinError as error:
            self._silent = isinstance(error, SnmpTimeout | SnmpAuthError)
            self._forget()
            raise
        self._silent = False
        self._rows, self._prints, self._uptime_s = rows, prints, found.uptime_s
        if not found.complete:
            self._forget()
        return found

    async def _scan(self, *, full: bool) -> tuple[ProcessTable, Columns, Prints]:
        walked = EVERYTHING if full else FIGURES
        table = await self._client.table(walked, scalars=[SYS_UPTIME, HR_SYSTEM_UPTIME], known=self._prints)
        at, monotonic = self._wall(), self._monotonic()
        read = Walked(*table.columns)
        problem = table.problem or nameless(read, table.same)
        if not read.names and not table.same and not problem:
            raise no_host_resources(self._address, self._snmp)
        uptime_s, host_uptime_s = map(_seconds, table.scalars or (None, None))
        anew = went_back(self._uptime_s, uptime_s)
        before = self._rows
        draft = draft_of(read, None if anew else before)
        if before is not None and table.differ is not None:
            draft = put_over(before, table.differ, draft, anew=anew)
        if not draft and not problem:
            raise SnmpError(f"The agent at {self._address} tells of processes, and none of them has a process id.")
        unknown = draft.unknown()
        more = await self._identify(draft, unknown) if unknown and not problem else Table(columns=(), complete=True)
        rows = draft.columns()
        found = ProcessTable(
            at=at,
            monotonic=monotonic,
            rows=rows,
            complete=not problem and more.complete,
            full=full or anew,
            problem=problem or more.problem,
            uptime_s=uptime_s,
            host_uptime_s=host_uptime_s,
            varbinds=table.varbinds + more.varbinds,
            requests=table.requests + more.requests,
        )
        # What was asked for by itself need not be what the walk had: such a row is decoded once more.
        if table.prints is None or len(rows) > MOST_COMPARED:
            return found, rows, NO_PRINTS
        return found, rows, table.prints.over(rows.pids, frozenset(unknown))

    async def _identify(self, draft: Draft, unknown: list[int]) -> Table:
        """Read who some processes are; tell what it cost, and why not all were read."""
        walks = self._snmp.version is not SnmpVersion.V1 and len(unknown) >= max(WALK_FROM, len(draft) // 2)
        try:
            if walks:
                return await self._walk_identities(draft, unknown)
            return await self._get_identities(draft, unknown)
        except SnmpTimeout as silence:
            return Table(columns=(), complete=False, problem=silence.message)

    async def _walk_identities(self, draft: Draft, unknown: list[int]) -> Table:
        table = await self._client.table(IDENTITY)
        values = [column.get((pid,)) for pid in unknown for column in table.columns]
        if table.complete:
            draft.identify(identities_of(unknown, values))
        return table

    async def _get_identities(self, draft: Draft, unknown: list[int]) -> Table:
        requests = 0
        for begin in range(0, len(unknown), GET_AT_ONCE):
            part = unknown[begin : begin + GET_AT_ONCE]
            values = await self._client.get([(*column, pid) for pid in part for column in IDENTITY])
            draft.identify(identities_of(part, values))
            requests += 1
        return Table(columns=(), complete=True, varbinds=len(IDENTITY) * len(unknown), requests=requests)


def _seconds(value: SnmpValue) -> float | None:
    """TimeTicks in seconds."""
    ticks = count(value)
    return None if ticks is None else ticks / 100
