"""The fakes keep what the real things promise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from collectors.framework.snmp.errors import SnmpTimeout
from collectors.framework.snmp.interfaces import Oid, SnmpValue, Table
from common.configs import AuthProtocol, PrivProtocol, SnmpConfig
from tests.contracts.snmp import HR_SW_RUN, SYS_LOCATION, SYS_OBJECT_ID, SYS_UP_TIME, SnmpReading
from tests.contracts.snmp_driver import walked_again
from tests.fakes.snmp import FakeSnmpClient, FakeUdpReactor, result_of
from tests.fakes.snmp_agent import Agent, FakeProcess, User, host_values, tlv
from tests.fakes.snmp_served import served
from tests.integration.snmpd import AUTH_PASSWORD, PRIV_PASSWORD, Snmpd

PROCESSES = {pid: FakeProcess(f"name{pid}", "/bin/x", "-v", pid, 2048) for pid in range(10, 500, 7)}
PID = 17
PROCESSES[PID] = FakeProcess("snmpd", "/usr/sbin/snmpd", "-f", 5, 9000)


class FakeReader:
    def __init__(self) -> None:
        names: dict[Oid, SnmpValue] = {
            SYS_UP_TIME: 5,
            SYS_LOCATION: b"a shelf",
            SYS_OBJECT_ID: (1, 3, 6, 1, 4, 1, 8072, 3, 2, 10),
            (1, 3, 6, 1, 2, 1, 1, 9, 1, 2, 1): (1, 3),
        }
        for pid, row in PROCESSES.items():
            for column, value in ((2, row.name.encode()), (4, b"/bin/x"), (5, b"-v"), (7, 2)):
                names[*HR_SW_RUN, column, pid] = value
            names[1, 3, 6, 1, 2, 1, 25, 5, 1, 1, 1, pid] = row.cpu_cs
            names[1, 3, 6, 1, 2, 1, 25, 5, 1, 1, 2, pid] = row.memory_kib
        self.client = FakeSnmpClient(names)

    def get(self, address: str, config: SnmpConfig, oids: Sequence[Oid]) -> list[SnmpValue]:
        return result_of(FakeUdpReactor.start(self.client.get(oids)))

    def table(
        self,
        address: str,
        config: SnmpConfig,
        columns: Sequence[Oid],
        max_rows: int = 50_000,
        scalars: Sequence[Oid] = (),
    ) -> Table:
        return result_of(FakeUdpReactor.start(self.client.table(columns, max_rows, scalars)))

    def table_again(self, address: str, config: SnmpConfig, columns: Sequence[Oid]) -> Table:
        return result_of(FakeUdpReactor.start(walked_again(self.client, columns)))


class TestFakeClient(SnmpReading):
    @pytest.fixture
    def agent(self) -> Snmpd:
        class Standing:
            pid = PID

        return Snmpd("127.0.0.1", 1, Standing(), None, ipv6=False)  # type: ignore[arg-type]  # a process is not needed

    @pytest.fixture
    def reader(self) -> FakeReader:
        return FakeReader()


def test_fake_client_fails_and_is_cut_when_told() -> None:
    reader = FakeReader()
    reader.client.fail = SnmpTimeout("silent")
    with pytest.raises(SnmpTimeout):
        reader.get("", SnmpConfig(), [SYS_UP_TIME])
    reader.client.fail = None
    reader.client.cut = "half of it"
    table = reader.table("", SnmpConfig(), [(*HR_SW_RUN, 2)])
    assert not table.complete
    assert len(table.columns[0]) == len(PROCESSES) // 2


@pytest.fixture
def agent() -> Iterator[Snmpd]:
    """The fake agent behind a real socket, under the name of a real one."""
    user = User("sha256user", AuthProtocol.SHA256, AUTH_PASSWORD, PrivProtocol.AES128, PRIV_PASSWORD)
    with served(Agent({**host_values(PROCESSES), SYS_LOCATION: tlv(b"a shelf")}, "tocsin-test", [user])) as port:
        yield Snmpd("127.0.0.1", port, None, Any, ipv6=False)  # type: ignore[arg-type]  # no process


@pytest.mark.integration
@pytest.mark.parametrize("level", ["v1", "v2c", "v3"])
def test_net_snmp_reads_the_fake_agent(agent: Snmpd, level: str) -> None:
    import subprocess

    credential = [f"-{level}", "-c", "tocsin-test"]
    if level == "v3":
        credential = ["-v3", "-u", "sha256user", "-l", "authPriv", "-a", "SHA-256", "-A", AUTH_PASSWORD]
        credential += ["-x", "AES", "-X", PRIV_PASSWORD]
    where = [f"127.0.0.1:{agent.port}", ".1.3.6.1.2.1.25.4.2.1.2"]
    program = "snmpwalk" if level == "v1" else "snmpbulkwalk"
    command = [program, *credential, "-On", "-Oa", "-m", "", "-t2", *where]
    text = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout
    assert len(text.splitlines()) == len(PROCESSES)
    assert f'.1.3.6.1.2.1.25.4.2.1.2.{PID} = STRING: "snmpd"' in text
