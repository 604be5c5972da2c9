"""A host that changes between two modellings: what it loses is absent, what is renamed keeps its history."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collectors.framework.snmp.interfaces import Oid
from tests.fakes.snmp_agent import Agent, FakeProcess, host_values, tlv
from tests.fakes.snmp_served import served
from tests.integration.stack import Stack, running_stack, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300), pytest.mark.xdist_group("stack")]

IF_ENTRY: Oid = (1, 3, 6, 1, 2, 1, 2, 2, 1)
IF_X_ENTRY: Oid = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
COUNTER64 = 0x46

SITE = """
kind: ProcessSet
id: shop
title: {title}
include: '^/opt/shop/bin/shop '
---
kind: ProcessSet
id: queue
include: '^/opt/queue( |$)'
thresholds:
  many: {{points: [count], maximum: 1, severity: warning}}
---
kind: Device
id: box
address: 127.0.0.1
properties: {{snmp_port: {port}, interval_s: 1, snmp_retries: {retries}}}
"""


class Host:
    """What the agent tells of its host."""

    def __init__(self) -> None:
        self.interfaces = {2: "eth0", 3: "eth1"}
        self.processes = {
            10: FakeProcess("shop", "/opt/shop/bin/shop", "--port 1"),
            11: FakeProcess("queue", "/opt/queue", ""),
        }
        self.agent = Agent({})
        self.tell()

    def tell(self) -> None:
        """Have the agent tell what is so now."""
        values: dict[Oid, bytes] = host_values(self.processes)
        for index, name in self.interfaces.items():
            mac = bytes((2, 0, 0, 0, 0, index))
            entry = {1: index, 2: name.encode(), 3: 6, 4: 1500, 5: 10**9, 6: mac, 7: 1, 8: 1}
            values |= {(*IF_ENTRY, column, index): tlv(value) for column, value in entry.items()}  # type: ignore[arg-type]
            values |= {(*IF_X_ENTRY, 1, index): tlv(name.encode()), (*IF_X_ENTRY, 15, index): tlv(1000)}
        self.agent.replace(values)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack("--host-name", "here", "--interval", "60") as running:
        yield running


def components(stack: Stack) -> dict[str, str]:
    found = stack.json("component", "list", "box")["components"]
    return {f"{one['kind']}/{one['name']}": one["state"] for one in found}


def rows(stack: Stack, name: str) -> list[Any]:
    done = stack.tocsin("data", "fetch", "box", name, "count", "--range", "5m", "--json", check=False)
    if done.returncode:  # there is no file yet, or none of that name
        return []
    fetched = json.loads(done.stdout)
    return [value for _, value in fetched["series"][0]["rows"] if value is not None]


def test_what_a_host_loses_is_absent_and_its_history_stays(stack: Stack, tmp_path: Path) -> None:
    host = Host()
    with served(host.agent) as port:
        stack.apply(SITE.format(title="Shop", port=port, retries=4))
        stack.tocsin("model", "box", "--wait")  # a new device is modelled soon anyway
        assert components(stack) == dict.fromkeys(
            ("interface/eth0", "interface/eth1", "process_set/Shop", "process_set/queue"), "present"
        )
        wait_for("figures of the shop", lambda: len(rows(stack, "Shop")) > 3)

        # It loses an interface and a process set: a dry run says so and changes nothing, then it is so.
        del host.interfaces[3], host.processes[10]
        host.tell()
        tried = stack.tocsin("model", "box", "--dry-run").stdout
        assert "box: - interface eth1 was not seen" in tried
        assert components(stack)["interface/eth1"] == "present"
        stack.tocsin("model", "box", "--wait")
        assert components(stack) == {
            "interface/eth0": "present",
            "interface/eth1": "absent",
            "process_set/Shop": "absent",
            "process_set/queue": "present",
        }
        picture = tmp_path / "shop.png"
        stack.tocsin("graph", "box", "Shop", "count", "--range", "5m", "-o", str(picture))
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert rows(stack, "Shop")
        alarm = wait_for(
            "the alarm", lambda: [one for one in stack.events(device="box") if one["event_key"] == "process_missing"]
        )
        assert [one["component"] for one in alarm] == ["Shop"]

        # A threshold of the other set rings, and closes.
        host.processes[12] = FakeProcess("queue", "/opt/queue", "--more")
        host.tell()
        wait_for("the threshold", lambda: [one for one in stack.events(device="box") if one["component"] == "queue"])
        (rung,) = [one for one in stack.events(device="box") if one["component"] == "queue"]
        assert (rung["severity_name"], rung["event_key"]) == ("warning", "threshold:many:count")
        del host.processes[12]
        host.tell()
        wait_for("its end", lambda: not [one for one in stack.events(device="box") if one["component"] == "queue"])

        # It comes back under another name: the same component, with all its history.
        host.processes[20] = FakeProcess("shop", "/opt/shop/bin/shop", "--port 1")
        host.interfaces[3] = "eth1"
        host.tell()
        before = len(rows(stack, "Shop"))
        stack.apply(SITE.format(title="Store", port=port, retries=4))
        stack.tocsin("model", "box", "--wait")
        assert components(stack) == dict.fromkeys(
            ("interface/eth0", "interface/eth1", "process_set/Store", "process_set/queue"), "present"
        )
        wait_for("new figures under the new name", lambda: len(rows(stack, "Store")) > before)


def test_a_walk_that_is_cut_changes_nothing(stack: Stack) -> None:
    host = Host()
    with served(host.agent) as port:
        torn = SITE.replace("id: box", "id: torn")
        stack.apply(torn.format(title="Shop", port=port, retries=4))
        stack.tocsin("model", "torn", "--wait")
        before = stack.json("component", "list", "torn")["components"]
        # It is silent, and what it would say is less than before.
        stack.apply(torn.format(title="Shop", port=port, retries=0))
        host.agent.community = b"another"
        host.interfaces = {}
        host.tell()
        failed = stack.tocsin("model", "torn", check=False)
        assert failed.returncode == 1
        assert stack.json("component", "list", "torn")["components"] == before
