"""The process table of a device, over SNMP (HOST-RESOURCES-MIB, RFC 2790).

Names and figures are read in each cycle, in one walk of several columns, so that a row is one moment. Paths and
arguments are read only for processes that are new, and for all of them every `full_scan_every` cycles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from zope.interface import implementer

from collectors.framework.interfaces import (
    IProcessSource,
    ISnmpClient,
    Oid,
    ProcessRow,
    ProcessTable,
    SnmpClientFactory,
    SnmpValue,
    Table,
)
from collectors.framework.snmp.errors import no_host_resources
from collectors.framework.snmp.values import text
from common.configs import DeviceConfig, SnmpConfig

HR_SYSTEM_UPTIME: Oid = (1, 3, 6, 1, 2, 1, 25, 1, 1, 0)
SYS_UPTIME: Oid = (1, 3, 6, 1, 2, 1, 1, 3, 0)
HR_SW_RUN: Oid = (1, 3, 6, 1, 2, 1, 25, 4, 2, 1)
HR_SW_RUN_PERF: Oid = (1, 3, 6, 1, 2, 1, 25, 5, 1, 1)
NAME, PATH, PARAMETERS, STATUS = (*HR_SW_RUN, 2), (*HR_SW_RUN, 4), (*HR_SW_RUN, 5), (*HR_SW_RUN, 7)
CPU, MEMORY = (*HR_SW_RUN_PERF, 1), (*HR_SW_RUN_PERF, 2)

STATES = {1: "running", 2: "runnable", 3: "notRunnable", 4: "invalid"}
INVALID = 4
GET_AT_ONCE = 20
WALK_FROM = 60
"""So many new processes are read cheaper by walking both columns."""


@implementer(IProcessSource)
class SnmpSource:
    """Scans one device."""

    def __init__(
        self,
        make_client: SnmpClientFactory,
        config: DeviceConfig,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._make_client = make_client
        self._wall = wall
        self._monotonic = monotonic
        self._address = config.address
        self._snmp = config.snmp or SnmpConfig()
        self._open: ISnmpClient | None = None
        self._known: dict[int, tuple[str, str, str, int]] = {}

    def update(self, config: DeviceConfig) -> None:
        """Use another address or credential from the next scan on."""
        snmp = config.snmp or SnmpConfig()
        if (config.address, snmp) != (self._address, self._snmp):
            self._hang_up()
            self._address, self._snmp = config.address, snmp
            self._known.clear()

    async def close(self) -> None:
        """Release the socket."""
        self._hang_up()

    @property
    def _client(self) -> ISnmpClient:
        """The client; made when it is first needed, because settings that cannot work are told by a cycle."""
        if self._open is None:
            self._open = self._make_client(self._address, self._snmp)
        return self._open

    def _hang_up(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    async def alive(self, pids: Sequence[int]) -> frozenset[int]:
        """Which of some processes answer when asked for one by one."""
        asked = list(pids)[:10]
        states = await self._client.get([(*STATUS, pid) for pid in asked])
        return frozenset(
            pid for pid, state in zip(asked, states, strict=True) if isinstance(state, int) and state != INVALID
        )

    async def scan(self, full: bool) -> ProcessTable:  # noqa: FBT001 - the interface has it
        """Read the table once."""
        up, host_up = await self._client.get([SYS_UPTIME, HR_SYSTEM_UPTIME])
        at, monotonic = self._wall(), self._monotonic()
        table = await self._client.table([NAME, STATUS, CPU, MEMORY])
        names = table.columns[0]
        if not names and table.complete:
            raise no_host_resources(self._address, self._snmp)
        requests, varbinds = table.requests + 1, table.varbinds + 2
        more = await self._identify(table, full=full)
        rows = self._rows(table)
        return ProcessTable(
            at=at,
            monotonic=monotonic,
            rows=rows,
            complete=table.complete and not more.problem,
            full=full,
            problem=table.problem or more.problem,
            uptime_s=up / 100 if isinstance(up, int) else None,
            host_uptime_s=host_up / 100 if isinstance(host_up, int) else None,
            varbinds=varbinds + more.varbinds,
            requests=requests + more.requests,
        )

    async def _identify(self, table: Table, *, full: bool) -> Table:
        """Read path and arguments of the processes that are new, or of all."""
        names, _, cpus, _ = table.columns
        known = {} if full else self._known
        seen: dict[int, tuple[str, str, str, int]] = {}
        fresh: list[tuple[int, str, int]] = []
        for index, value in names.items():
            pid = index[0]
            name = text(value)
            cpu = cpus.get(index)
            used = cpu if isinstance(cpu, int) else 0
            before = known.get(pid)
            if before is not None and before[0] == name and used >= before[3]:
                seen[pid] = (name, before[1], before[2], used)
            else:
                fresh.append((pid, name, used))
        more = await (
            self._walk_identities() if len(fresh) >= WALK_FROM else self._get_identities([pid for pid, _, _ in fresh])
        )
        paths, parameters = more.columns
        for pid, name, used in fresh:
            seen[pid] = (name, text(paths.get((pid,))), text(parameters.get((pid,))), used)
        self._known = seen
        return more

    async def _walk_identities(self) -> Table:
        return await self._client.table([PATH, PARAMETERS])

    async def _get_identities(self, pids: list[int]) -> Table:
        paths: dict[Oid, SnmpValue] = {}
        parameters: dict[Oid, SnmpValue] = {}
        requests = 0
        for begin in range(0, len(pids), GET_AT_ONCE):
            part = pids[begin : begin + GET_AT_ONCE]
            values = await self._client.get([(*column, pid) for pid in part for column in (PATH, PARAMETERS)])
            requests += 1
            for number, pid in enumerate(part):
                paths[pid,], parameters[pid,] = values[2 * number], values[2 * number + 1]
        return Table(columns=(paths, parameters), complete=True, varbinds=2 * len(pids), requests=requests)

    def _rows(self, table: Table) -> dict[int, ProcessRow]:
        _, states, cpus, memories = table.columns
        rows: dict[int, ProcessRow] = {}
        for pid, (name, path, parameters, _) in self._known.items():
            index = (pid,)
            state, cpu, memory = states.get(index), cpus.get(index), memories.get(index)
            rows[pid] = ProcessRow(
                pid=pid,
                name=name,
                path=path,
                parameters=parameters,
                started=None,
                cpu_s=cpu / 100 if isinstance(cpu, int) and cpu >= 0 else None,
                memory_bytes=memory * 1024 if isinstance(memory, int) and memory >= 0 else None,
                status=STATES.get(state, "unknown") if isinstance(state, int) else "unknown",
                alive=state != INVALID,
            )
        return rows
