"""What the scan plan saves: varbinds and requests against a full walk, and what a device costs that does not answer.

The first two parts count, in a network that is no network: the figures are the same each time, and time is that of a
clock that is set by hand. The third one is a real `tocsin-process` on a simulated fleet, twice: with those that answer
alone, and with as many beside that do not, because they do not know the community. TOCSIN_BENCH=long takes 1,000 of
each.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from benchmarks.bench_collector import CYCLES, WARM
from benchmarks.bench_snmp import USER, make_processes
from benchmarks.collectorload import collector, configs, fleet
from collectors.framework.interfaces import CollectorContext
from collectors.framework.networks import Networks, NetworkSettings
from collectors.framework.processtable import ProcessTable
from collectors.framework.scheduler import Scheduler
from collectors.framework.snmp import messages
from collectors.framework.snmp.factory import client_factory
from collectors.framework.snmp.messages import PduType
from collectors.process.source_snmp import EVERYTHING, HR_SYSTEM_UPTIME, SYS_UPTIME, SnmpSource
from collectors.process.task import ProcessTask
from common.configs import AuthProtocol, DeviceConfig, PrivProtocol, SnmpConfig, SnmpVersion, SourceKind
from tests.fakes.hub import FakeHub
from tests.fakes.samples import FakeSampleSink
from tests.fakes.snmp import FakeUdpReactor
from tests.fakes.snmp_agent import Agent, FakeProcess, host_values

Row = tuple[str, float, str, str]

PROCESSES = 300
COUNTED = 100
EVERY = 10
INTERVAL_S = 60
HOUR_S = 3600
ROUND_TRIP_S = 0.02
V3 = SnmpConfig(
    version=SnmpVersion.V3, user=USER.name, auth_protocol=AuthProtocol.SHA256, auth_password=USER.auth_password,
    priv_protocol=PrivProtocol.AES128, priv_password=USER.priv_password,
)  # fmt: skip


# --- what is asked for ------------------------------------------------------------------------------------------------


class Host:
    """A host with processes, some of which are others in each cycle.

    Attributes:
        asked: varbinds that it was asked for, also behind the end of a table.
    """

    def __init__(self, churn: int) -> None:
        self.asked = 0
        self._rng = random.Random(1)
        self._processes = make_processes(PROCESSES)
        self._churn = churn
        self.agent = Agent(host_values(self._processes), users=[USER])
        self._uptime = 100_000

    def go_on(self) -> None:
        """A minute passes: a tenth of the processes work, some end, as many begin."""
        self._uptime += 100 * INTERVAL_S
        for pid in self._rng.sample(sorted(self._processes), self._churn):
            del self._processes[pid]
        while len(self._processes) < PROCESSES:
            pid = self._rng.randrange(40_000, 2**22)
            self._processes[pid] = FakeProcess("job", "/usr/bin/job", f"--number {pid}", cpu_cs=3)
        for pid in list(self._processes)[::10]:
            process = self._processes[pid]
            self._processes[pid] = msgspec.structs.replace(process, cpu_cs=process.cpu_cs + 50)
        self.agent.replace(host_values(self._processes, self._uptime))

    def hear(self, datagram: bytes) -> list[bytes]:
        """Answer, and count what was asked for."""
        _, _, pdu = messages.decode_message(datagram)
        names = len(messages.decode_varbinds(pdu))
        bulk = pdu.kind == PduType.GETBULK
        self.asked += pdu.status + pdu.index * (names - pdu.status) if bulk else names
        answer = self.agent.answer(datagram)
        return [] if answer is None else [answer]


def counted(churn: int, snmp: SnmpConfig) -> tuple[float, float]:
    """Varbinds and requests of a cycle, in the mean over ten full passes."""
    host = Host(churn)
    reactor = FakeUdpReactor(host.hear)
    reactor.delay_s = ROUND_TRIP_S
    config = DeviceConfig(device="x", address="192.0.2.1", source=SourceKind.SNMP, interval_s=INTERVAL_S, snmp=snmp)
    make = client_factory(reactor, reactor, random.Random(1))
    source = SnmpSource(make, config, reactor.seconds, reactor.seconds)
    requests = 0
    for cycle in range(-EVERY, COUNTED):  # the first ones are to learn how much the agent stands
        host.go_on()
        table: ProcessTable = reactor.finish(source.scan(cycle % EVERY == 0), step_s=ROUND_TRIP_S)
        assert table.complete, table.problem
        assert len(table.rows) == PROCESSES
        if cycle < 0:
            host.asked = 0
        else:
            requests += table.requests
    return host.asked / COUNTED, requests / COUNTED


def walked(snmp: SnmpConfig) -> tuple[float, float]:
    """Varbinds and requests of the walk that asks for everything, each time, and for the uptimes before."""
    host = Host(0)
    reactor = FakeUdpReactor(host.hear)
    client = client_factory(reactor, reactor, random.Random(1))("192.0.2.1", snmp)
    for _ in range(EVERY):
        host.asked = 0
        client._rows.clear()  # noqa: SLF001 - one that does not know how long the table is
        table = reactor.finish(client.table(EVERYTHING))
        reactor.finish(client.get([SYS_UPTIME, HR_SYSTEM_UPTIME]))
    return host.asked, table.requests + 1


def asked() -> Iterator[Row]:
    """How much is asked for."""
    for name, snmp in (("v2c", SnmpConfig()), ("v1", SnmpConfig(version=SnmpVersion.V1))):
        all_varbinds, all_requests = walked(snmp)
        yield f"{name}, {PROCESSES} processes: a full walk asks for", all_varbinds, "varbinds", ""
        yield "  in", all_requests, "requests", ""
        for what, churn in (("quiet", 0), ("1 % of its processes new", 3), ("10 % of its processes new", 30)):
            varbinds, requests = counted(churn, snmp)
            yield f"  a cycle of a device, {what}", 100 * varbinds / all_varbinds, "% of them", ""
            yield "    in", requests, "requests", ""


# --- one that does not answer -----------------------------------------------------------------------------------------


class Spent(Struct):
    """What a device cost in an hour."""

    datagrams: int = 0
    held_s: float = 0.0
    cpu_s: float = 0.0
    runs: int = 0


class Nothing:
    """Keeps no events and no states."""

    async def send(self, events: Any, state_key: str = "", state: bytes | None = None) -> None:
        """Do nothing."""

    def load(self, key: str) -> bytes | None:
        """Nothing is known."""
        return None


class Plain(ProcessTask):
    """Tries in each turn, and all that it always asks for: as if there were no plan for those that are silent."""

    @property
    def rests(self) -> bool:
        """Never."""
        return False


class PlainSource(SnmpSource):
    """Does not look first whether anybody answers."""

    async def scan(self, full: bool) -> ProcessTable:  # noqa: FBT001 - the interface has it
        """Ask as ever."""
        self._silent = False
        return await super().scan(full)


def hour(snmp: SnmpConfig, *, answers: bool, task_type: type[ProcessTask] = ProcessTask) -> Spent:
    """An hour of one device, the seventh since it was last well."""
    host = Host(0)
    spent = Spent()

    def network(datagram: bytes) -> list[bytes]:
        spent.datagrams += 1
        answer = host.agent.answer(datagram, reactor.seconds()) if answers else None
        return [] if answer is None else [answer]

    reactor = FakeUdpReactor(network)
    reactor.delay_s = ROUND_TRIP_S
    context = context_of(reactor)
    make = client_factory(reactor, reactor, random.Random(1))
    config = DeviceConfig(device="x", address="192.0.2.1", source=SourceKind.SNMP, interval_s=INTERVAL_S, snmp=snmp)

    def source(found: DeviceConfig, _: ProcessTask) -> SnmpSource:
        kind = PlainSource if task_type is Plain else SnmpSource
        return kind(make, found, reactor.seconds, reactor.seconds)

    task = task_type(config, context, source)
    scheduler = Scheduler(reactor, reactor.seconds)
    record = scheduler.add(task, "x")
    scheduler.startService()
    pass_time(reactor, scheduler, 6 * HOUR_S, spent)
    before, runs = msgspec.structs.replace(spent), record.runs
    cpu = time.process_time()
    pass_time(reactor, scheduler, HOUR_S, spent)
    cpu = time.process_time() - cpu
    return Spent(spent.datagrams - before.datagrams, spent.held_s - before.held_s, cpu, record.runs - runs)


def pass_time(reactor: FakeUdpReactor, scheduler: Scheduler, seconds: float, spent: Spent) -> None:
    """Let time pass from one thing that happens to the next."""
    end = reactor.seconds() + seconds
    while reactor.seconds() < end:
        calls = reactor.getDelayedCalls()
        wait = max(0.0, min([end, *(call.getTime() for call in calls)]) - reactor.seconds())
        spent.held_s += wait * scheduler.running_tasks
        reactor.advance(wait)


def context_of(reactor: FakeUdpReactor) -> CollectorContext:
    """Of a daemon whose disk is nowhere."""
    return CollectorContext(
        clock=reactor,
        wall=reactor.seconds,
        reactor=reactor,
        rng=random.Random(1),
        events=Nothing(),
        states=Nothing(),
        samples=FakeSampleSink(reactor.seconds),
        data_dir=Path(),
        hub_epoch=str,
        send_model=FakeHub().send_model,
        networks=Networks(NetworkSettings()),
    )


def silent() -> Iterator[Row]:
    """An hour of a device that answers, of one that does not, and of one that does not and is asked as ever."""
    for name, snmp in (("v2c", SnmpConfig()), ("v3 SHA-256 AES-128", V3)):
        live = hour(snmp, answers=True)
        for what, spent in (
            ("answers", live),
            ("does not", hour(snmp, answers=False)),
            ("does not, asked as ever", hour(snmp, answers=False, task_type=Plain)),
        ):
            yield f"{name}, an hour of a device that {what}", spent.runs, "runs", ""
            yield "  datagrams sent", spent.datagrams, "", ""
            yield f"  a place is held, answers taking {ROUND_TRIP_S * 1000:g} ms", spent.held_s, "s", ""
            yield "  CPU, of one that answers (its agent's CPU is in it)", spent.cpu_s / live.cpu_s, "times", ""


# --- many of them -----------------------------------------------------------------------------------------------------


def many() -> Iterator[Row]:
    """Those that answer, alone and with as many beside them that do not."""
    devices, interval_s = (1000, 20) if os.environ.get("TOCSIN_BENCH") == "long" else (100, 3)
    with fleet(devices) as (_, endpoints):
        live = configs(endpoints, interval_s, v3=False)
        dead = [
            msgspec.structs.replace(
                config, device=f"dead{number}", snmp=SnmpConfig(port=endpoints[number][1], community="nobody")
            )
            for number, config in enumerate(live)
        ]
        alone = polled(live, interval_s)
        both = polled([*live, *dead], interval_s)
    for name, found in ((f"{devices} devices every {interval_s} s", alone), (f"and {devices} that are silent", both)):
        yield f"{name}: CPU of all processes", found["cpu_ms"], "ms/live run", ""
        yield "  runs of those that answer, of those that were due", found["due"], "%", "100"
        yield "  late runs of those that answer", found["late"], "runs", "0"
    cost = (both["cpu_ms"] - alone["cpu_ms"]) / alone["cpu_ms"]
    yield "one that is silent costs, of one that answers", 100 * cost, "%", ""


def polled(devices: list[DeviceConfig], interval_s: int) -> dict[str, float]:
    """A collector with these devices, for ten cycles once those that are dead are known to be."""
    with collector(devices) as one:
        end = time.monotonic() + 60 + 10 * interval_s
        while time.monotonic() < end and min(live_runs(one.stats()).values(), default=0) < WARM:
            time.sleep(1.0)
        time.sleep(3 * interval_s)
        before, before_stats, begun = one.usage(), one.stats(), time.monotonic()
        time.sleep(CYCLES * interval_s)
        after, after_stats, ended = one.usage(after=True), one.stats(), time.monotonic()
    first, last = live_runs(before_stats), live_runs(after_stats)
    runs = sum(last[name] - first[name] for name in last)
    turns_a_second = len(last) / interval_s
    return {
        "cpu_ms": 1000 * (after.cpu - before.cpu) / (after.at - before.at) / turns_a_second,
        "due": 100 * runs / (ended - begun) / turns_a_second,
        "late": float(sum(live_runs(after_stats, "late").values()) - sum(live_runs(before_stats, "late").values())),
    }


def live_runs(stats: dict[str, Any], what: str = "runs") -> dict[str, int]:
    """A figure of those that answer, by name."""
    return {task["name"]: task[what] for task in stats.get("task_list", []) if not task["device"].startswith("dead")}


def run() -> list[Row]:
    """What, value, unit, aim."""
    return [*asked(), *silent(), *many()]


if __name__ == "__main__":
    for row in run():
        print(*row)
