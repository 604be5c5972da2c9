"""A source that decodes only rows that differ tells the same of a host as one that decodes everything."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from collectors.framework.processtable import ProcessTable
from collectors.framework.snmp.interfaces import Oid, SnmpValue
from collectors.process import snmprows, source_snmp
from collectors.process.source_snmp import CPU, EVERYTHING, MEMORY, NAME, PARAMETERS, PATH, STATUS, SYS_UPTIME
from common.configs import DeviceConfig, SnmpConfig, SourceKind
from tests.fakes.snmp import FakeSnmpClient, FakeUdpReactor, result_of


class Heedless(FakeSnmpClient):
    """Brings all rows, whatever is known."""

    async def table(self, columns: Any, max_rows: int = 50_000, scalars: Any = (), known: Any = None) -> Any:
        return await super().table(columns, max_rows, scalars)


def source(agent: FakeSnmpClient) -> source_snmp.SnmpSource:
    config = DeviceConfig(device="box", address="192.0.2.1", source=SourceKind.SNMP, interval_s=60, snmp=SnmpConfig())
    return source_snmp.SnmpSource(lambda *_: agent, config, lambda: 5.0, lambda: 1.0)


class Host:
    """Processes that come, go, and are replaced; sometimes cells are missing, or are what they cannot be."""

    def __init__(self, seed: int, processes: int) -> None:
        self.chance = random.Random(seed)
        self.values: dict[Oid, SnmpValue] = {SYS_UPTIME: 100_000}
        for pid in range(1, processes):
            self.start(pid)

    def start(self, pid: int) -> None:
        name = b"name%d" % self.chance.randrange(4)
        row: dict[Oid, SnmpValue] = {
            NAME: name,
            PATH: b"/bin/" + name,
            PARAMETERS: b"-v",
            STATUS: 2,
            CPU: 100,
            MEMORY: 1000,
        }
        self.values |= {(*column, pid): value for column, value in row.items()}

    def end(self, pid: int) -> None:
        for column in EVERYTHING:
            self.values.pop((*column, pid), None)

    def live(self) -> None:
        """What happens between two scans."""
        chance = self.chance
        pids = [oid[-1] for oid in self.values if oid[:-1] == NAME]
        for _ in range(chance.randrange(4)):
            match chance.randrange(7):
                case 0:
                    self.end(chance.choice(pids))
                case 1 | 2:
                    self.start(chance.randrange(1, 90))
                case 3:
                    cpus: list[SnmpValue] = [0, 50, 101, 5000, -1, b"x"]
                    self.values[*CPU, chance.choice(pids)] = chance.choice(cpus)
                case 4:
                    self.values[*STATUS, chance.choice(pids)] = chance.choice([1, 2, 4, 77])
                case 5:
                    self.values.pop((*chance.choice(EVERYTHING), chance.choice(pids)), None)
                case 6:
                    self.values[*chance.choice([NAME, CPU]), *chance.choice([(5, 1), (2**31,)])] = 3
        self.values[SYS_UPTIME] = 5 if chance.randrange(12) == 0 else 100_000


def plain(table: ProcessTable) -> dict[str, Any]:
    return msgspec.structs.asdict(msgspec.structs.replace(table, rows=dict(table.rows.items())))


@pytest.mark.parametrize("many", [0, snmprows.MANY])
@pytest.mark.parametrize("seed", range(20))
def test_tables_are_the_same(seed: int, many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snmprows, "MANY", many)
    host = Host(seed, 40)
    heeding, heedless = FakeSnmpClient(host.values), Heedless(host.values)
    pairs = [(agent, source(agent)) for agent in (heeding, heedless)]
    for number in range(25):
        host.live()
        told = []
        for agent, one in pairs:
            agent.values = host.values
            agent.asked.clear()
            told.append((plain(result_of(FakeUdpReactor.start(one.scan(number % 10 == 9)))), list(agent.asked)))
        assert told[0] == told[1]


def test_what_was_asked_for_by_itself_is_read_again() -> None:
    """The walk names another process than the question after it; the walk after that is right again."""
    host = Host(1, 8)
    agent = FakeSnmpClient(host.values)
    one = source(agent)
    result_of(FakeUdpReactor.start(one.scan(False)))

    class Turned(FakeSnmpClient):
        async def get(self, oids: Any, retries: int | None = None) -> Any:
            values = await super().get(oids, retries)
            return [b"other" if oid[:-1] == NAME else value for oid, value in zip(oids, values, strict=True)]

    host.values[*NAME, 3] = b"fresh"
    turned = Turned(host.values)
    one._open = turned
    assert result_of(FakeUdpReactor.start(one.scan(False))).rows[3].name == "other"
    agent.values = host.values
    one._open = agent
    again = result_of(FakeUdpReactor.start(one.scan(False))).rows[3]
    assert (again.name, again.cpu_s) == ("fresh", 1.0)
