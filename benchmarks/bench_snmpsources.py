"""What reading sources over SNMP costs the collector in CPU: 1,000 interfaces of a switch, and 100 switches of 24.

The agent is simulated in a process of its own, the collector's part runs in another; only that one's CPU is counted.
The baseline is the bare client, which walks the same columns in the same process and makes nothing of them.

Usage of the parts by hand: python -m benchmarks.bench_snmpsources serve PORTS, and
python -m benchmarks.bench_snmpsources read DEVICES ROUNDS PORT.
"""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from collectors.framework.interfaces import CollectorContext
from collectors.framework.kit import Due
from collectors.framework.snmp import ber
from collectors.framework.snmp.factory import client_factory
from collectors.framework.sources.taking import SourceTaker
from collectors.sim.appliances import Switch
from collectors.snmp.device import Device
from collectors.snmp.echosocket import PingImpossibleError
from collectors.snmp.ping import Pinger
from collectors.snmp.recipe import oid_of
from common.configs import DeviceConfig, SnmpConfig, SourceKind
from common.events import CLASS_SNMP
from common.sources import PingSource, SnmpSource
from tests.collectors.snmp.shipped import sources_of
from tests.fakes.events import FakeEventSink
from tests.fakes.samples import FakeSampleSink
from tests.fakes.snmp_agent import SYS_UP_TIME, Agent, tlv

STEP_S = 60
PINGED, ECHOES = 1000, 3


def serve(ports: int) -> None:
    """Answer on a port that the kernel chooses, told on stdout, until stdin ends; then tell what was asked."""
    agent = Agent(Switch(1, ports).values(0) | {SYS_UP_TIME: tlv(100_000, ber.TIMETICKS)})
    counts = {"pdus": 0, "bytes_in": 0, "bytes_out": 0}

    def answer_all(listening: socket.socket) -> None:
        while True:
            datagram, source = listening.recvfrom(65_535)
            answer = agent.answer(datagram, time.monotonic())
            if answer is not None:
                listening.sendto(answer, source)
                counts["pdus"] += 1
                counts["bytes_in"] += len(datagram)
                counts["bytes_out"] += len(answer)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        listening.bind(("127.0.0.1", 0))
        print(listening.getsockname()[1], flush=True)
        threading.Thread(target=answer_all, args=(listening,), daemon=True).start()
        sys.stdin.read()
        print(json.dumps(counts), flush=True)


def read(devices: int, rounds: int, port: int) -> dict[str, float]:
    """CPU ms of this process for one cycle, by what is done; takes over the process, because it runs a reactor."""
    from twisted.internet import reactor as installed
    from twisted.internet.defer import Deferred, gatherResults

    reactor: Any = installed
    sink, samples = FakeEventSink(), FakeSampleSink(time.time)
    context = CollectorContext(
        clock=reactor,
        wall=time.time,
        reactor=reactor,
        rng=random.Random(1),
        events=sink,
        states=sink,
        samples=samples,
        data_dir=Path("/nowhere"),
        hub_epoch=str,
        send_model=None,  # type: ignore[arg-type]  # nothing is modelled
    )
    sources = tuple(sources_of("interfaces"))
    (source,) = (one for one in sources if isinstance(one, SnmpSource))
    snmp = SnmpConfig(port=port, timeout_s=20.0, retries=1)
    clients = client_factory(reactor, reactor, random.SystemRandom())
    configs = [
        DeviceConfig(
            device=f"sw{number}",
            address="127.0.0.1",
            source=SourceKind.SNMP,
            interval_s=STEP_S,
            snmp=snmp,
            sources=sources,
        )
        for number in range(devices)
    ]
    made = [Device(config, context, clients, Pinger(reactor)) for config in configs]
    takers = [SourceTaker("snmp", CLASS_SNMP, context, config) for config in configs]
    bare = [clients("127.0.0.1", snmp) for _ in range(devices)]
    columns = [oid_of(one.oid) for one in source.oids]
    cost = {"read": float("inf"), "take": float("inf"), "bare": float("inf")}
    step = int(time.time() // STEP_S) * STEP_S

    def least(what: str, began: float) -> None:
        cost[what] = min(cost[what], (time.process_time() - began) * 1000)

    async def measure() -> None:
        for number in range(rounds + 1):
            at = step - (rounds - number) * STEP_S
            began = time.process_time()
            due = Due(steps={STEP_S: at}, at=float(at))
            found = await gatherResults([Deferred.fromCoroutine(one.run(due)) for one in made])
            if number:
                least("read", began)
            began = time.process_time()
            for taker, results in zip(takers, found, strict=True):
                assert not any(result.problems for result in results), results[0].problems
                await taker.take(results)
            if number:
                least("take", began)
            began = time.process_time()
            await gatherResults([Deferred.fromCoroutine(one.table(columns)) for one in bare])
            if number:
                least("bare", began)

    failures: list[Any] = []
    reactor.callWhenRunning(
        lambda: Deferred.fromCoroutine(measure()).addErrback(failures.append).addBoth(lambda _: reactor.stop())
    )
    reactor.run()
    if failures:
        failures[0].raiseException()
    return cost


def ping() -> float:
    """CPU ms for pinging many devices once; takes over the process."""
    from twisted.internet import reactor as installed
    from twisted.internet.defer import Deferred, gatherResults

    reactor: Any = installed
    pinger = Pinger(reactor)
    failures: list[Any] = []
    source = PingSource(id="ping", template="ping", interval_s=STEP_S, packets=ECHOES, gap_s=0.5)

    async def measure() -> None:
        addresses = [f"127.0.{number // 250}.{number % 250 + 1}" for number in range(PINGED)]
        found = await gatherResults([Deferred.fromCoroutine(pinger.reading(source, one)) for one in addresses])
        assert sum(one.answered for one in found) > 0.9 * PINGED * ECHOES

    began = time.process_time()
    reactor.callWhenRunning(
        lambda: Deferred.fromCoroutine(measure()).addErrback(failures.append).addBoth(lambda _: reactor.stop())
    )
    reactor.run()
    if failures:
        if failures[0].check(PingImpossibleError):
            return float("nan")
        failures[0].raiseException()
    return (time.process_time() - began) * 1000


def _of(*words: object) -> str:
    command = [sys.executable, "-m", "benchmarks.bench_snmpsources", *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout


def _fleet(devices: int, ports: int, rounds: int) -> list[tuple[str, float, str, str]]:
    command = [sys.executable, "-m", "benchmarks.bench_snmpsources", "serve", str(ports)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as agent:
        assert agent.stdin is not None
        assert agent.stdout is not None
        port = int(agent.stdout.readline())
        cost = json.loads(_of("read", devices, rounds, port))
        agent.stdin.close()  # it ends by itself then, as it does when this process is killed
        counts = json.loads(agent.stdout.readline())
        agent.wait(10)
    what = f"{devices} x {ports} interfaces" if devices > 1 else f"{ports} interfaces"
    cycles = 2 * (rounds + 1)  # those of the bare client are counted as well
    whole = cost["read"] + cost["take"]
    return [
        (f"{what}, read: rows of points", cost["read"], "CPU ms/cycle", ""),
        (f"{what}, taken: judged, derived, samples", cost["take"], "CPU ms/cycle", ""),
        (f"{what}, of a core at a cycle a minute", whole / STEP_S / 10, "percent", ""),
        (f"{what}, the bare client walks the same columns", cost["bare"], "CPU ms/cycle", "the baseline"),
        (f"{what}, read costs, of the bare client", cost["read"] / cost["bare"], "times", "under 2.5"),
        (f"{what}, requests", counts["pdus"] / cycles, "PDUs/cycle", ""),
        (f"{what}, answers", counts["bytes_out"] / cycles / 1024, "KiB/cycle", ""),
    ]


def run() -> list[tuple[str, float, str, str]]:
    """What, value, unit, aim."""
    rows = [*_fleet(1, 1000, 5), *_fleet(100, 24, 3)]
    echoes = float(_of("ping"))
    return [*rows, (f"{PINGED} devices pinged with {ECHOES} echoes each", echoes, "CPU ms/cycle", "")]


def main(arguments: list[str]) -> int:
    """Serve, read, ping, or print all figures."""
    if arguments[:1] == ["serve"]:
        serve(int(arguments[1]))
    elif arguments[:1] == ["read"]:
        print(json.dumps(read(*map(int, arguments[1:4]))))
    elif arguments[:1] == ["ping"]:
        print(ping())
    else:
        for what, value, unit, aim in run():
            print(f"{what}: {value:.3g} {unit}" + (f" (aim {aim})" if aim else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
