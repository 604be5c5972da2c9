"""What templates make of what power supplies and printers say."""

from __future__ import annotations

import pytest

from collectors.framework.snmp import ber
from collectors.framework.snmp.interfaces import Oid
from collectors.sim import appliances
from tests.collectors.snmp.bench import Bench, rows_of
from tests.collectors.snmp.shipped import sources_of
from tests.fakes.snmp_agent import SYS_UP_TIME, tlv

UPTIME = {SYS_UP_TIME: tlv(100_000, ber.TIMETICKS)}
IF, IF_X = (1, 3, 6, 1, 2, 1, 2, 2, 1), (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)


def test_a_power_supply_says_when_it_lives_on_its_battery() -> None:
    ups = appliances.Ups(seed=1)
    bench = Bench(UPTIME | ups.values(0), sources_of("ups"))
    found = bench.run()["ups"]
    values = rows_of(found)[""]
    assert found.problems == []
    assert (values["on_battery"], values["battery_low"], values["alarms"]) == (0, 0, 0)
    assert values["charge"] == 100
    assert 220 < values["input_voltage"] < 240
    assert 49 < values["input_frequency"] < 51
    out = ups.outage_s[0] + 60
    bench.agent.replace(UPTIME | ups.values(out))
    values = rows_of(bench.run()["ups"])[""]
    assert (values["on_battery"], values["battery_s"], values["alarms"]) == (1, 60, 1)
    assert values["input_voltage"] == 0
    assert values["charge"] < 100
    assert values["remaining"] % 60 == 0


def test_the_levels_of_supplies_are_percent_or_unknown() -> None:
    printer = appliances.Printer(seed=1)
    bench = Bench(UPTIME | printer.values(0), sources_of("printer-supplies", "printer-trays", "printer"))
    found = bench.run()
    supplies = rows_of(found["supply"])
    assert supplies["Black Toner Cartridge"]["level"] == pytest.approx(80, abs=20)
    assert supplies["Waste Toner Box"] == {"level": None, "some_left": 1, "empty": 0}  # only that there is room
    assert supplies["Drum Unit"]["level"] == pytest.approx(60, abs=30)  # in percent, without a capacity
    assert supplies["Maintenance Kit"] == {"level": None, "some_left": 0, "empty": 0}
    trays = rows_of(found["tray"])
    assert trays["Tray 1"]["level"] is not None
    assert trays["Manual Feed"] == {"level": None, "some_left": 1, "empty": 0}
    values = rows_of(found["printer"])[""]
    assert values["pages"] == values["pages_ever"] > 0
    assert [found[one].problems for one in ("supply", "tray", "printer")] == [[], [], []]


def interface(index: int, name: bytes, *, admin: int, oper: int, changed_cs: int, mbit_s: int) -> dict[Oid, bytes]:
    values: dict[Oid, bytes] = {(*IF_X, 1, index): tlv(name), (*IF, 2, index): tlv(name)}
    values |= {(*IF_X, column, index): tlv(index, ber.COUNTER64) for column in range(6, 14)}
    values |= {(*IF, column, index): tlv(0, ber.COUNTER32) for column in (13, 14, 19, 20)}
    values[*IF_X, 15, index] = tlv(mbit_s, ber.GAUGE32)
    values[*IF_X, 19, index] = tlv(0, ber.TIMETICKS)
    values[*IF, 5, index] = tlv(56_000, ber.GAUGE32)
    values |= {(*IF, 3, index): tlv(6), (*IF, 7, index): tlv(admin), (*IF, 8, index): tlv(oper)}
    values[*IF, 9, index] = tlv(changed_cs, ber.TIMETICKS)
    return values


def test_an_interface_has_gone_down_that_is_switched_on_and_was_up_since_the_agent_began() -> None:
    values = UPTIME | interface(1, b"up", admin=1, oper=1, changed_cs=90_000, mbit_s=10_000)
    values |= interface(2, b"gone", admin=1, oper=2, changed_cs=90_000, mbit_s=1000)
    values |= interface(3, b"never", admin=1, oper=2, changed_cs=0, mbit_s=0)
    values |= interface(4, b"off", admin=2, oper=2, changed_cs=90_000, mbit_s=1000)
    values |= interface(5, b"lower", admin=1, oper=7, changed_cs=90_000, mbit_s=1000)
    found = Bench(values, sources_of("interfaces")).run()["interface"]
    assert found.problems == []
    rows = rows_of(found)
    assert {name: (row["down"], row["gone_down"]) for name, row in rows.items()} == {
        "up": (0, 0),
        "gone": (1, 1),
        "never": (1, 0),
        "off": (0, 0),
        "lower": (1, 1),
    }
    assert {name: row["speed"] for name, row in rows.items() if name in {"up", "never"}} == {
        "up": 10_000_000_000,
        "never": 56_000,
    }
    assert rows["up"]["in_bits"] == 1  # octets, of which a rate in bits is made


def test_an_interface_that_is_inserted_leaves_the_others_what_they_were() -> None:
    first = UPTIME | interface(1, b"eth0", admin=1, oper=1, changed_cs=0, mbit_s=1000)
    first |= interface(9, b"eth9", admin=1, oper=1, changed_cs=0, mbit_s=1000)
    bench = Bench(first, sources_of("interfaces"))
    before = {row.component: row for row in bench.run()["interface"].rows}
    bench.agent.replace(first | interface(5, b"new", admin=1, oper=1, changed_cs=0, mbit_s=1000))
    after = {row.component: row for row in bench.run()["interface"].rows}
    assert after.keys() - before.keys() == {"new"}
    for name, row in before.items():
        assert (after[name].discontinuity, after[name].values) == (row.discontinuity, row.values)
