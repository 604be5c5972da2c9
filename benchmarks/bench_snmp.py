"""What one read of a process table costs the collector in CPU, for each SNMP engine.

The agent is simulated in a process of its own, the client runs in another; only the client's CPU is counted. A part of
the agent's CPU times change from table to table, as they do on a real host.

Usage of the parts by hand: python -m benchmarks.bench_snmp serve PROCESSES, and
python -m benchmarks.bench_snmp read ENGINE LEVEL COLUMNS DEVICES ROUNDS PORT.
"""

from __future__ import annotations

import contextlib
import json
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from collectors.framework.snmp.factory import client_factory
from collectors.framework.snmp.interfaces import ISnmpClient, Oid
from common.configs import AuthProtocol, PrivProtocol, SnmpConfig, SnmpEngine, SnmpVersion
from tests.fakes.snmp_agent import HR_SW_RUN, HR_SW_RUN_PERF, Agent, FakeProcess, User, host_values, tlv

COMMUNITY = "public"
USER = User("bench", AuthProtocol.SHA256, "auth password", PrivProtocol.AES128, "priv password")
CPU: Oid = (*HR_SW_RUN_PERF, 1)
COLUMNS: dict[int, list[Oid]] = {
    4: [(*HR_SW_RUN, 2), (*HR_SW_RUN, 7), CPU, (*HR_SW_RUN_PERF, 2)],
    6: [(*HR_SW_RUN, 2), (*HR_SW_RUN, 4), (*HR_SW_RUN, 5), (*HR_SW_RUN, 7), CPU, (*HR_SW_RUN_PERF, 2)],
}
BUSY_SHARE = 10  # every tenth process has used CPU since the last table
CHUNKS = 5
NAMES = ("postgres", "nginx", "sshd", "python3", "java", "systemd-journald", "kworker/0:1-events", "cron", "php-fpm")


class SimulatedAgent(Struct, frozen=True):
    """A simulated agent that runs in another process."""

    address: str
    port: int
    pid: int
    processes: int

    def config(self, **changes: Any) -> SnmpConfig:
        """v2c settings for it."""
        return msgspec.structs.replace(SnmpConfig(port=self.port, community=COMMUNITY), **changes)

    def config_v3(self, **changes: Any) -> SnmpConfig:
        """v3 settings for it: SHA-256, AES-128."""
        config = SnmpConfig(
            version=SnmpVersion.V3,
            port=self.port,
            user=USER.name,
            auth_protocol=USER.auth,
            auth_password=USER.auth_password,
            priv_protocol=USER.priv,
            priv_password=USER.priv_password,
        )
        return msgspec.structs.replace(config, **changes)


@contextlib.contextmanager
def start_simulated_agent(processes: int = 300) -> Iterator[SimulatedAgent]:
    """Run an agent with so many processes until the block is left.

    It serves sysUpTime, hrSystemUptime, hrSWRunTable and hrSWRunPerfTable over v1, v2c and v3.
    """
    command = [sys.executable, "-m", "benchmarks.bench_snmp", "serve", str(processes)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as agent:
        assert agent.stdin is not None
        assert agent.stdout is not None
        try:
            yield SimulatedAgent("127.0.0.1", int(agent.stdout.readline()), agent.pid, processes)
        finally:
            agent.stdin.close()  # it ends by itself then, as it does when this process is killed
            agent.wait(10)


def make_processes(count: int) -> dict[int, FakeProcess]:
    """Processes as a server has them: pids all over the range, some long command lines."""
    rng = random.Random(7)
    pids = sorted(rng.sample(range(1, 40_000), count))
    found = {}
    for number, pid in enumerate(pids):
        name = NAMES[number % len(NAMES)]
        found[pid] = FakeProcess(
            name=name,
            path=f"/usr/sbin/{name}" if number % 3 else "",
            parameters=f"--config /etc/{name}/{name}.conf --worker {number}" if number % 3 else "",
            cpu_cs=rng.randrange(300_000),
            memory_kib=rng.randrange(500, 900_000),
        )
    return found


class BusyAgent(Agent):
    """An agent whose processes use CPU between one table and the next."""

    def __init__(self, processes: dict[int, FakeProcess]) -> None:
        super().__init__(host_values(processes), COMMUNITY, [USER])
        self._busy = {pid: process.cpu_cs for pid, process in list(processes.items())[::BUSY_SHARE]}

    def _bulk(self, asked: list[Oid], single: int, rows: int) -> list[bytes]:
        if CPU in asked:
            for pid, used in self._busy.items():
                self._busy[pid] = used + pid % 97
                self.set((*CPU, pid), tlv(self._busy[pid]))
        return super()._bulk(asked, single, rows)


def serve(processes: int) -> None:
    """Answer on a port that the kernel chooses, told on stdout, until stdin ends."""
    agent = BusyAgent(make_processes(processes))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        print(listening.getsockname()[1], flush=True)
        threading.Thread(target=_answer_all, args=(listening, agent), daemon=True).start()
        sys.stdin.read()


def _answer_all(listening: socket.socket, agent: Agent) -> None:
    while True:
        datagram, source = listening.recvfrom(65_535)
        answer = agent.answer(datagram, time.monotonic())
        if answer is not None:
            listening.sendto(answer, source)


# --- measuring --------------------------------------------------------------------------------------------------------


def read(engine: SnmpEngine, agent: SimulatedAgent, level: str, columns: int, devices: int, rounds: int) -> float:
    """CPU ms of this process for one table; takes over the process, because it runs a reactor."""
    from twisted.internet import asyncioreactor, epollreactor

    (asyncioreactor if engine is SnmpEngine.PYSNMP else epollreactor).install()
    from twisted.internet import reactor as installed
    from twisted.internet.defer import Deferred, gatherResults

    reactor: Any = installed
    config = agent.config(engine=engine) if level == "v2c" else agent.config_v3(engine=engine)
    factory = client_factory(reactor, reactor, random.SystemRandom())
    clients = [factory(agent.address, config) for _ in range(devices)]
    best: list[float] = []

    async def one(client: ISnmpClient, times: int) -> None:
        for _ in range(times):
            table = await client.table(COLUMNS[columns])
            assert table.complete, table.problem
            assert [len(column) for column in table.columns] == [agent.processes] * columns

    async def measure() -> None:
        for chunk in range(1 + CHUNKS):
            times = 3 if not chunk else rounds
            started = time.process_time()
            await gatherResults([Deferred.fromCoroutine(one(client, times)) for client in clients])
            if chunk:
                best.append((time.process_time() - started) / times / devices)
        for client in clients:
            client.close()

    failures: list[Any] = []
    reactor.callWhenRunning(
        lambda: Deferred.fromCoroutine(measure()).addErrback(failures.append).addBoth(lambda _: reactor.stop())
    )
    reactor.run()
    if failures:
        failures[0].raiseException()
    return min(best) * 1000


def cpu_ms(agent: SimulatedAgent, engine: SnmpEngine, level: str, columns: int, devices: int, rounds: int) -> float:
    """`read` in a process of its own."""
    words = [engine.value, level, columns, devices, rounds, agent.port, agent.processes]
    command = [sys.executable, "-m", "benchmarks.bench_snmp", "read", *map(str, words)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    return float(json.loads(answer.stdout))


def run() -> list[tuple[str, float, str, str]]:
    """What, value, unit, aim."""
    rows: list[tuple[str, float, str, str]] = []
    own, other = SnmpEngine.OWN, SnmpEngine.PYSNMP
    with start_simulated_agent() as agent:
        for columns, aim in ((6, "1.3 to 2"), (4, "under 1.5")):
            varbinds = columns * agent.processes
            for level, name in (("v2c", "v2c"), ("v3", "v3 SHA-256 AES-128")):
                value = cpu_ms(agent, own, level, columns, 1, 40)
                rows.append((f"own engine, {name}, {varbinds} varbinds", value, "CPU ms/table", aim))
        crowd = cpu_ms(agent, own, "v2c", 6, 50, 2)
        rows.append(("own engine, v2c, 1800 varbinds, 50 devices at once", crowd, "CPU ms/table", ""))
        for level, name in (("v2c", "v2c"), ("v3", "v3 SHA-256 AES-128")):
            slow = cpu_ms(agent, other, level, 6, 1, 1)
            rows.append((f"pysnmp, {name}, 1800 varbinds", slow, "CPU ms/table", "the witness"))
    rows.append(("pysnmp costs, of the own engine, v2c", rows[-2][1] / rows[0][1], "times", ""))
    return rows


def main(arguments: list[str]) -> int:
    """Serve, read, or print all figures."""
    if arguments[:1] == ["serve"]:
        serve(int(arguments[1]))
    elif arguments[:1] == ["read"]:
        engine, level, columns, devices, rounds, port, processes = arguments[1:]
        agent = SimulatedAgent("127.0.0.1", int(port), 0, int(processes))
        print(json.dumps(read(SnmpEngine(engine), agent, level, int(columns), int(devices), int(rounds))))
    else:
        for what, value, unit, aim in run():
            print(f"{what}: {value:.3g} {unit}" + (f" (aim {aim})" if aim else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
