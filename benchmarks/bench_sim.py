"""What a simulated fleet can serve: answers a second of one core, CPU for a scan of a device, memory for each device.

CPU is that of the fleet alone, which runs in a process of its own; who asks runs here.
"""

from __future__ import annotations

import contextlib
import json
import random
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from collectors.framework.snmp import messages
from collectors.framework.snmp.factory import client_factory
from collectors.framework.snmp.messages import PduType
from collectors.sim import oids
from collectors.sim.default import DEFAULT
from collectors.sim.host import Host
from collectors.sim.responder import Responder
from collectors.sim.scenario import Scenario, read_scenario
from collectors.sim.secured import Secured
from collectors.sim.users import User
from collectors.sim.world import World
from common.configs import AuthProtocol, PrivProtocol, SnmpConfig, SnmpVersion
from tests.fakes.snmp import FakeUdpReactor

Row = tuple[str, float, str, str]
PROCESSES = 150
HOT = [oids.COLUMNS[number] for number in (oids.NAME, oids.STATUS, oids.CPU, oids.MEMORY)]
SECONDS = 4.0
IN_FLIGHT = 64


def request(rows: int, columns: list[tuple[int, ...]], after: tuple[int, ...] = ()) -> bytes:
    """A GETBULK of some columns."""
    asked = messages.ask_for_all([column + after for column in columns])
    return messages.encode_message(1, b"public", messages.encode_pdu(PduType.GETBULK, 5, 0, rows, asked))


def us(responder: Responder, world: World, datagrams: list[bytes]) -> float:
    """CPU microseconds of an answer."""
    begun, count = time.process_time(), 0
    t = 1.0
    while time.process_time() - begun < 1.0:
        for host in world.hosts:
            for datagram in datagrams:
                answer = responder.answer(host, datagram, t)
                assert answer is not None
                count += 1
        t += 60.0
    return 1e6 * (time.process_time() - begun) / count


def us_v3(user: User, world: World) -> tuple[float, float]:
    """CPU microseconds of an answer to a message that was signed and enciphered, and how many varbinds it has."""
    responder = Responder("", Scenario().agents, 0.0, Secured(user))
    config = SnmpConfig(
        version=SnmpVersion.V3, user=user.name, auth_protocol=user.auth, auth_password=user.auth_password,
        priv_protocol=user.priv, priv_password=user.priv_password,
    )  # fmt: skip
    asked: list[tuple[Host, bytes]] = []
    for host in world.hosts:
        heard: list[bytes] = []

        def network(datagram: bytes, host: Host = host, heard: list[bytes] = heard) -> list[bytes]:
            heard.append(datagram)
            answer = responder.answer(host, datagram, 1.0)
            return [] if answer is None else [answer]

        reactor = FakeUdpReactor(network)
        client = client_factory(reactor, reactor, random.Random(1))("192.0.2.1", config)
        reactor.finish(client.table(HOT))
        asked += [(host, datagram) for datagram in heard[1:-1]]  # discovery before, the end of the table behind
    begun, count, before = time.process_time(), 0, responder.varbinds
    while time.process_time() - begun < 1.0:
        for host, datagram in asked:
            assert responder.answer(host, datagram, 1.0) is not None
            count += 1
    return 1e6 * (time.process_time() - begun) / count, (responder.varbinds - before) / count


@contextlib.contextmanager
def fleet(devices: int, processes: int = PROCESSES) -> Iterator[tuple[psutil.Process, list[tuple[str, int]]]]:
    """A fleet in a process of its own, with the default scenario's programs and well agents."""
    with tempfile.TemporaryDirectory() as folder:
        scenario, truth = Path(folder) / "s.yaml", Path(folder) / "t.jsonl"
        scenario.write_text(DEFAULT.partition("\nagents:")[0] + "\n")
        words = ["--devices", devices, "--processes", processes, "--listen", "127.0.0.1:0", "--by-port"]
        words += ["--scenario", scenario, "--truth", truth]
        command = [sys.executable, "-m", "collectors.sim.main", "fleet", *map(str, words)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
            assert program.stdout is not None
            program.stdout.readline()
            facts = [json.loads(line) for line in truth.read_text().splitlines()]
            try:
                yield psutil.Process(program.pid), [(f["address"], f["port"]) for f in facts if f["what"] == "device"]
            finally:
                program.terminate()


def cpu_s(process: psutil.Process) -> float:
    """CPU time of a process so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def flood(endpoints: list[tuple[str, int]], datagrams: list[bytes]) -> int:
    """Ask as fast as answers come, for a while; returns how many came."""
    asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asking.setblocking(False)  # noqa: FBT003 - it has no other form
    poll = select.poll()
    poll.register(asking, select.POLLIN)
    end, sent, got = time.monotonic() + SECONDS, 0, 0
    while time.monotonic() < end:
        while sent - got < IN_FLIGHT:
            asking.sendto(datagrams[sent % len(datagrams)], endpoints[sent // len(datagrams) % len(endpoints)])
            sent += 1
        if not poll.poll(200):
            sent = got  # some were lost
        with contextlib.suppress(BlockingIOError):
            while True:
                asking.recv(65_535)
                got += 1
    asking.close()
    return got


def run() -> list[Row]:
    """What, value, unit, aim."""
    rows: list[Row] = []
    world = World(read_scenario(DEFAULT.partition("\nagents:")[0], "default"), 20, PROCESSES, 1)
    responder = Responder("public", Scenario().agents, 0.0)
    pids = [host.pids[0] for host in world.hosts]
    assert len(set(pids)) == 1
    fifty = request(13, HOT, (1,))
    rows.append(("an answer of 52 varbinds, 4 columns, encoding alone", us(responder, world, [fifty]), "CPU us", ""))
    single = request(50, HOT[:1], (1,))
    rows.append(("an answer of 50 varbinds, 1 column, encoding alone", us(responder, world, [single]), "CPU us", ""))
    user = User(
        name="joe", auth=AuthProtocol.SHA256, auth_password="a password", priv=PrivProtocol.AES128,
        priv_password="a password",
    )  # fmt: skip
    cost, size = us_v3(user, world)
    rows.append((f"an answer of {size:.0f} varbinds over v3 SHA-256 AES-128, alone", cost, "CPU us", ""))
    with fleet(200) as (process, endpoints):
        for what, datagrams, varbinds in (
            ("52 varbinds", [fifty], 52),
            ("2 varbinds", [request(1, HOT[:2], (1,))], 2),
        ):
            begun, wall = cpu_s(process), time.monotonic()
            got = flood(endpoints, datagrams)
            used, took = cpu_s(process) - begun, time.monotonic() - wall
            rows += [
                (f"answers of {what}, through sockets", got / used, "1/CPU s", ""),
                ("  that is, varbinds", got * varbinds / used, "1/CPU s", ""),
                ("  in this run, with who asks on the same machine", got / took, "1/s", ""),
            ]
        # A scan as the process collector does it: uptimes, then four columns of all rows, 12 rows at a time.
        host = World(read_scenario(DEFAULT.partition("\nagents:")[0], "default"), 1, PROCESSES, 1).hosts[0]
        ask = messages.ask_for_all([oids.SYS_UPTIME, oids.HR_SYSTEM_UPTIME])
        scan = [messages.encode_message(1, b"public", messages.encode_pdu(PduType.GET, 5, 0, 0, ask))]
        scan += [request(25, HOT, (pid,)) for pid in [0, *host.pids[24::25]]]
        begun = cpu_s(process)
        got = flood(endpoints, scan)
        each = (cpu_s(process) - begun) / got * len(scan)
        rows.append((f"a scan of a device, {PROCESSES} processes, {len(scan)} requests", 1000 * each, "CPU ms", ""))
        rows.append(("  devices that one core can simulate at 60 s", 60 / each, "devices", ""))
    with fleet(1) as (small, _), fleet(2000) as (large, _):
        memory = (large.memory_info().rss - small.memory_info().rss) / 1999
        rows.append((f"memory of a device, {PROCESSES} processes, not asked yet", memory / 1024, "KB/device", ""))
    with fleet(1) as (small, one), fleet(500) as (large, endpoints):
        for where in (one, endpoints):
            flood(where, [request(50, HOT, (pid,)) for pid in (0, host.pids[49], host.pids[99])])
        memory = (large.memory_info().rss - small.memory_info().rss) / 499
        rows.append((f"memory of a device, {PROCESSES} processes, scanned", memory / 1024, "KB/device", ""))
    return rows


if __name__ == "__main__":
    for row in run():
        print(*row)
