"""A real modeler: of this host, and of a real snmpd that tells of this host too."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from collectors.framework.configcache import ConfigCache
from collectors.framework.snmp.ber import TIMETICKS
from collectors.modeler.plugins import identity
from collectors.modeler.read_snmp import SYS_UPTIME
from collectors.modeler.task import FAILED
from common.configs import DeviceConfig, ModelConfig, ProcessSetConfig, SnmpConfig, SourceKind
from tests.fakes.snmp_agent import Agent, tlv
from tests.fakes.snmp_served import served
from tests.integration.snmpd import NARROW_COMMUNITY, Snmpd, snmpd
from tests.integration.stack import BIN, Stack, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300), pytest.mark.xdist_group("stack")]

AGENT = ProcessSetConfig(id="agent", title="agent", order=0, include="^snmpd ", name="agent")


@pytest.fixture(scope="module")
def agent() -> Iterator[Snmpd]:
    with snmpd() as running:
        yield running


def over_snmp(agent: Snmpd, snmp: SnmpConfig) -> DeviceConfig:
    return DeviceConfig(
        device="box",
        address=agent.address,
        source=SourceKind.SNMP,
        interval_s=43_200,
        snmp=snmp,
        process_sets=(AGENT,),
        model=ModelConfig(),
    )


def once(folder: Path, config: DeviceConfig, *options: str) -> list[str]:
    """What `tocsin-modeler run --once` prints."""
    settings = folder / "modeler.toml"
    settings.write_text(f'folder = "{folder}/data"\n')
    ConfigCache(folder / "data" / "configs").replace([config], [])
    done = subprocess.run(
        [sys.executable, "-m", "collectors.modeler.main", "run", "--once", "--config", str(settings), *options],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def told(lines: list[str], kind: str) -> set[str]:
    """The names of components of a kind."""
    return {line.split(": ")[0].removeprefix(f"  {kind} ") for line in lines if line.startswith(f"  {kind} ")}


def interfaces() -> set[str]:
    return {name for _, name in socket.if_nameindex()}


def cpus() -> set[str]:
    return {f"cpu {n}" for n in range(psutil.cpu_count() or 0)}


@pytest.mark.parametrize("version", ["v1", "v2c", "v3"])
def test_a_host_over_snmp(agent: Snmpd, tmp_path: Path, version: str) -> None:
    snmp = {"v1": agent.v1(), "v2c": agent.v2c(), "v3": agent.sha256_aes()}[version]
    lines = once(tmp_path, over_snmp(agent, snmp))
    assert "  sysLocation: a shelf" in lines
    assert any(line.startswith("  sysDescr: Linux ") for line in lines)
    assert told(lines, "process_set") == {"agent"}
    assert told(lines, "interface") == interfaces()
    assert "/" in told(lines, "filesystem")
    assert told(lines, "cpu") == cpus()
    assert f"  memory physical: total_bytes {psutil.virtual_memory().total}" in lines
    assert not [line for line in lines if "nothing can be said" in line]


def test_an_agent_that_shows_but_the_system_group_is_believed_in_that_alone(agent: Snmpd, tmp_path: Path) -> None:
    lines = once(tmp_path, over_snmp(agent, agent.v2c(NARROW_COMMUNITY)))
    assert "  sysContact: nobody" in lines
    silent = {line.partition(":")[0] for line in lines if ": nothing can be said: the device shows" in line}
    assert silent == {"processes", "interfaces", "filesystems", "hardware"}


def test_this_host(agent: Snmpd, tmp_path: Path) -> None:
    here = DeviceConfig(device="here", address="", source=SourceKind.LOCAL, interval_s=43_200, process_sets=(AGENT,))
    lines = once(tmp_path, here, "-d", "here", "--show-tables", "--show-processes")
    assert f"  kernel: {os.uname().release}" in lines
    assert told(lines, "process_set") == {"agent"}
    assert told(lines, "interface") == interfaces()
    assert f"  filesystem /: total_bytes {psutil.disk_usage('/').total}, " in "\n".join(lines)
    assert told(lines, "cpu") == cpus()
    assert any(line.startswith(f"  {'agent':<20}  snmpd ") for line in lines)
    assert any(line.startswith("  InterfaceRow(name='lo'") for line in lines)


def test_a_hub_asks_and_a_silent_device_answers_too(tmp_path: Path) -> None:
    stack = Stack(tmp_path, "--host-name", "here", "--interval", "5")
    try:
        with snmpd() as agent:
            stack.start()
            stack.apply(
                f"kind: Device\nid: box\naddress: {agent.address}\n"
                f"properties: {{snmp_port: {agent.port}, snmp_community: tocsin-test, snmp_retries: 4}}\n"
            )
            stack.tocsin("model", "box", "--wait")
            listed = stack.tocsin("component", "list", "box").stdout
            assert all(name in listed for name in interfaces())
        failed = stack.tocsin("model", "box", "--wait", check=False)
        assert failed.returncode != 0
        assert "box: " in failed.stderr
        events = wait_for("an event tells", lambda: [e for e in stack.events(device="box") if e["event_key"] == FAILED])
        assert events[0]["event_class"] == "/Status/Model"
        assert stack.tocsin("component", "list", "box").stdout == listed
    finally:
        stack.stop()
    ended = subprocess.run(
        [str(BIN / "tocsin-modeler"), "status", "--config", str(tmp_path / "etc" / "modeler.toml")],
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 3  # it has ended with the others


def test_a_modeler_that_is_killed_is_answered_for(tmp_path: Path) -> None:
    """Some devices answer, the others are silent; whoever asked for all of them learns what became of each."""
    stack = Stack(tmp_path, "--host-name", "here", "--interval", "5")

    def modelled(device: str) -> str:
        return str(stack.ask(f"devices/{device}")["modelled_at"] or "")

    table = {SYS_UPTIME: tlv(100, TIMETICKS), identity.SCALARS["sysName"]: tlv(b"box")}
    with served(Agent(table)) as port, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        ports = [port if number % 2 else silent.getsockname()[1] for number in range(20)]
        try:
            stack.start()
            stack.apply(
                "---\n".join(
                    f"kind: Device\nid: d{number}\naddress: 127.0.0.1\n"
                    f"properties: {{snmp_port: {port}, snmp_timeout_s: 20, snmp_retries: 3}}\n"
                    for number, port in enumerate(ports)
                )
            )
            answering = [f"d{number}" for number in range(1, 20, 2)]
            wait_for("half of the devices are modelled", lambda: all(modelled(d) for d in answering))
            before = {device: modelled(device) for device in answering}
            time.sleep(1.1)  # the time of a modelling is told to the second
            asking = subprocess.Popen(
                [str(BIN / "tocsin"), "model", "--all", "--json"], stdout=subprocess.PIPE, text=True, env=stack.env
            )
            wait_for("half of the devices are modelled anew", lambda: all(modelled(d) > before[d] for d in before))
            stack.kill_daemon("modeler")
            told, _ = asking.communicate(timeout=90)
        finally:
            stack.stop()
    problems = {row["device"]: row["problem"] for row in json.loads(told)["answers"]}
    assert asking.returncode == 5
    assert len(problems) == 21  # with this host
    for number in range(20):
        assert ("went away before it had answered" in problems[f"d{number}"]) is not bool(number % 2), problems
