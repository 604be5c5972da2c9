"""Both SNMP engines against a real net-snmp agent, and our own against net-snmp's own commands."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from collectors.framework.snmp.errors import SnmpAuthError, SnmpTimeout
from collectors.framework.snmp.interfaces import Oid, Table
from common.configs import SnmpEngine
from tests.contracts.snmp import HR_SW_RUN, SYS_UP_TIME, SnmpReading, SnmpRefusals, silent_port
from tests.contracts.snmp_driver import Driver
from tests.integration.snmpd import Snmpd, snmpd

__all__ = ["silent_port"]

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def agent() -> Iterator[Snmpd]:
    with snmpd() as running:
        yield running


@pytest.fixture(scope="module")
def own() -> Iterator[Driver]:
    driver = Driver(SnmpEngine.OWN)
    yield driver
    driver.close()


@pytest.fixture(scope="module")
def pysnmp() -> Iterator[Driver]:
    driver = Driver(SnmpEngine.PYSNMP)
    yield driver
    driver.close()


class TestOwnEngine(SnmpReading, SnmpRefusals):
    @pytest.fixture
    def reader(self, own: Driver) -> Driver:
        return own


class TestPysnmpEngine(SnmpReading, SnmpRefusals):
    wrong_privacy = (SnmpAuthError, SnmpTimeout)  # it cannot tell silence from a wrong key
    hears_icmp = False

    @pytest.fixture
    def reader(self, pysnmp: Driver) -> Driver:
        return pysnmp


@pytest.mark.parametrize("engine", ["own", "pysnmp"])
def test_names_and_ipv6_addresses(agent: Snmpd, own: Driver, pysnmp: Driver, engine: str) -> None:
    reader = own if engine == "own" else pysnmp
    for address in ("localhost", *(["::1", "0:0:0:0:0:0:0:1"] if agent.ipv6 else [])):
        assert isinstance(reader.get(address, agent.v2c(), [SYS_UP_TIME])[0], int)


# --- against snmpbulkwalk ---------------------------------------------------------------------------------------------

STABLE_COLUMNS: list[Oid] = [(*HR_SW_RUN, column) for column in range(1, 8)]
LINE = re.compile(r"^\.([0-9.]+) = (?:(INTEGER|OID|Hex-STRING|STRING|Gauge32|Counter32|Timeticks): )?(.*)$", re.DOTALL)


def walked(agent: Snmpd, column: Oid) -> dict[Oid, object]:
    """A column as snmpbulkwalk shows it, strings in hexadecimal."""
    text = agent.command("snmpbulkwalk", "-Onx", "-Cr40", ".".join(map(str, column)))
    found: dict[Oid, object] = {}
    for line in re.split(r"\n(?=\.1)", text.strip()):
        match = LINE.match(line)
        assert match, line
        oid = tuple(map(int, match[1].split(".")))
        value: object
        match match[2]:
            case "Hex-STRING":
                value = bytes.fromhex(match[3])
            case "OID":
                value = tuple(map(int, match[3].lstrip(".").split(".")))
            case "INTEGER" | "Gauge32" | "Counter32":
                value = int(match[3])
            case _:
                value = match[3].strip('"').encode()
        found[oid[len(column) :]] = value
    return found


def test_own_engine_and_snmpbulkwalk_agree_on_a_whole_real_table(own: Driver) -> None:
    """Rows that are the same before and after must be the same in between; no other row may appear."""
    strange = [b'strange \xff\n "name"' + b"y" * 200, b"600"]
    with subprocess.Popen(strange, executable="/bin/sleep") as child:
        try:
            with snmpd() as agent:  # a fresh one: it keeps a table for half a minute
                before = [walked(agent, column) for column in STABLE_COLUMNS]
                assert before[1][child.pid,] == b"sleep"
                for config in (agent.v1(), agent.v2c(), agent.sha256_aes()):
                    table = own.table(agent.address, config, STABLE_COLUMNS)
                    assert table.complete
                    compare(table, before, [walked(agent, column) for column in STABLE_COLUMNS])
        finally:
            child.terminate()


def compare(table: Table, before: list[dict[Oid, object]], after: list[dict[Oid, object]]) -> None:
    compared = 0
    for ours, first, last in zip(table.columns, before, after, strict=True):
        assert set(ours) <= set(first) | set(last)
        steady = {index: value for index, value in first.items() if last.get(index, ...) == value}
        assert {index: ours.get(index) for index in steady} == steady
        compared += len(steady)
    assert compared > 7 * 5
