"""Appliances that are not there: the same again from one seed, and counters that only grow."""

from __future__ import annotations

import pytest

from collectors.framework.snmp import ber
from collectors.sim.appliance import Moving
from collectors.sim.appliances import DAY_S, Printer, Switch, Ups

COUNTERS = {ber.COUNTER64}


@pytest.mark.parametrize("make", [Switch, Ups, Printer])
def test_one_seed_tells_the_same_and_another_something_else(make: type[Switch | Ups | Printer]) -> None:
    assert make(seed=1).values(5000) == make(seed=1).values(5000)
    assert make(seed=1).values(5000) != make(seed=2).values(5000)


def test_counters_of_a_switch_only_grow() -> None:
    switch = Switch(seed=1, ports=3)
    before = Moving("switch", switch.values).view(0).values
    seen = 0
    for t in range(3600, 2 * DAY_S, 3600):
        after = Moving("switch", switch.values).view(t).values
        assert after.keys() == before.keys()
        for oid, typed in after.items():
            if typed.tag in COUNTERS:
                was = before[oid].value
                assert isinstance(typed.value, int)
                assert isinstance(was, int)
                assert typed.value >= was
                seen += typed.value > was
        before = after
    assert seen > 100


def test_what_is_told_moves_once_a_second() -> None:
    moving = Moving("ups", Ups(seed=1).values, faster=3600)
    assert moving.view(1.9) is moving.view(1.1)
    assert moving.view(3.0).values != moving.view(1.1).values


def test_the_line_of_a_power_supply_comes_back() -> None:
    ups = Ups(seed=3)
    charge = (1, 3, 6, 1, 2, 1, 33, 1, 2, 4, 0)
    source = (1, 3, 6, 1, 2, 1, 33, 1, 4, 1, 0)
    told = [Moving("ups", ups.values).view(t).values for t in range(0, DAY_S, 60)]
    assert {values[source].value for values in told} == {3, 5}
    assert min(int(str(values[charge].value)) for values in told) < 95
    assert told[-1][charge].value == 100 or told[0][charge].value == 100
