"""The templates for hosts, on a real net-snmp agent: all they ask for is there, and says what the kernel says."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.collectors.snmp.bench import Bench, rows_of
from tests.collectors.snmp.shipped import sources_of
from tests.integration.snmpd import COMMUNITY, Snmpd, snmpd

pytestmark = pytest.mark.integration


class RealAgent:
    """Hands datagrams to an agent, and its answers back."""

    def __init__(self, agent: Snmpd) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(30)
        self.socket.connect((agent.address, agent.port))

    def answer(self, datagram: bytes, _now: float) -> bytes:
        self.socket.send(datagram)
        return self.socket.recv(65_535)


def counted() -> list[int]:
    """Octets in and out, and packets out, of the loopback so far."""
    for line in Path("/proc/net/dev").read_text().splitlines():
        name, _, figures = line.partition(":")
        if name.strip() == "lo":
            words = figures.split()
            return [int(words[place]) for place in (0, 8, 9)]
    raise AssertionError("there is no loopback")


def mounts() -> set[str]:
    """Folders where filesystems are mounted now."""
    return {line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()}


TEMPLATES = ("host", "cpu", "memory", "memories", "load", "filesystems", "interfaces", "uptime")


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    before, mounted = counted(), mounts()
    with snmpd() as agent:
        bench = Bench({}, sources_of(*TEMPLATES), agent=RealAgent(agent), community=COMMUNITY)  # type: ignore[arg-type]
        results = bench.run()
    return {"before": before, "after": counted(), "steady": mounted & mounts(), **results}


def test_an_agent_of_a_host_has_all_that_templates_ask_for(found: dict[str, Any]) -> None:
    for source in ("host", "cpu", "memory", "memories", "load", "filesystem", "interface", "uptime"):
        assert [problem.summary for problem in found[source].problems] == []
        assert found[source].complete
        for row in found[source].rows:
            if source == "filesystem" and row.component not in found["steady"]:
                continue  # somebody mounts and unmounts it meanwhile
            unknown = {point for point, value in row.values.items() if value is None}
            assert unknown <= ({"speed"} if row.component == "lo" else set()), f"{source} {row.component}"


def test_the_loopback_has_carried_what_the_kernel_says(found: dict[str, Any]) -> None:
    row = rows_of(found["interface"])["lo"]
    points = ("in_bits", "out_bits", "out_unicast")
    for point, before, after in zip(points, found["before"], found["after"], strict=True):
        assert before <= row[point] <= after, point
    assert (row["admin"], row["down"]) == (1, 0)


def test_the_figures_of_a_host_are_those_of_this_one(found: dict[str, Any]) -> None:
    memory = rows_of(found["memory"])[""]
    assert memory["memory_total"] == pytest.approx(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), rel=0.01)
    room = os.statvfs("/")
    root = rows_of(found["filesystem"]).get("/")
    if root is not None:
        assert root["total"] == pytest.approx(room.f_blocks * room.f_frsize, rel=0.01)
    assert 0 <= rows_of(found["load"])[""]["load15"] < 10_000
