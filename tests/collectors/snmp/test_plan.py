"""What is asked for: each object once, in few requests; and what is read by it is what is there."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import example, given, settings
from hypothesis import strategies as st

from collectors.framework.snmp.factory import client_factory
from collectors.framework.snmp.interfaces import Oid
from collectors.snmp.plan import MOST_COLUMNS, Walk, plan
from collectors.snmp.reading import SYS_UPTIME, AgentReader
from collectors.snmp.readings import Readings
from collectors.snmp.recipe import Asked
from common.configs import SnmpConfig, SnmpVersion
from tests.fakes.snmp import FakeUdpReactor
from tests.fakes.snmp_agent import Agent, tlv

oids = st.lists(st.integers(0, 3), min_size=1, max_size=5).map(lambda end: (1, 3, 7, *end))
objects = st.builds(Asked, oids, st.booleans())
sources = st.lists(st.lists(objects, max_size=6), max_size=5)
values = st.dictionaries(
    st.lists(st.integers(0, 3), min_size=1, max_size=7).map(lambda end: (1, 3, 7, *end)), st.integers(0, 99)
)


@given(sources, st.dictionaries(oids, st.integers(0, 60)), st.frozensets(oids))
@settings(deadline=None)
def test_each_object_is_asked_for_once(wanted: list[list[Asked]], rows: dict[Oid, int], apart: frozenset[Oid]) -> None:
    planned = plan(wanted, rows, apart)
    walked = [column for walk in planned.walks for column in walk.columns]
    got = [*planned.beside, *(oid for oids in planned.gets for oid in oids)]
    assert max(Counter(walked).values(), default=1) == max(Counter(got).values(), default=1) == 1
    assert {*walked, *planned.below} == {one.oid for source in wanted for one in source if one.walk}
    assert {*got, *planned.within} == {one.oid for source in wanted for one in source if not one.walk}
    for oid, top in (planned.below | planned.within).items():
        assert top in walked
        assert top == oid[: len(top)] != oid
    assert all(one[: len(other)] != other for one in walked for other in walked if one is not other)
    assert all(len(walk.columns) == 1 for walk in planned.walks if apart & set(walk.columns))
    assert all(len(walk.columns) <= MOST_COLUMNS for walk in planned.walks)


def read(
    there: dict[Oid, int], wanted: list[list[Asked]], times: int = 1, version: SnmpVersion = SnmpVersion.V2C
) -> tuple[Readings, int]:
    """What the last of so many passes over an agent brings, and how many requests it takes."""
    agent = Agent({oid: tlv(value) for oid, value in {**there, SYS_UPTIME: 500}.items()})
    reactor = FakeUdpReactor(lambda datagram: [agent.answer(datagram) or b""])
    client = client_factory(reactor, reactor, random.Random(1))("192.0.2.1", SnmpConfig(version=version))
    reader = AgentReader(reactor, reactor.seconds)
    for _ in range(times):
        agent.answered = 0
        found = reactor.finish(reader.read(client, wanted, 60.0))
    return found, agent.answered


@given(values, sources, st.integers(1, 2), st.sampled_from([SnmpVersion.V1, SnmpVersion.V2C]))
@settings(max_examples=60, deadline=None)
@example(
    {(1, 3, 7, 0, 0): 0}, [[Asked((1, 3, 7, 0), walk=True), Asked((1, 3, 7, 0, 0), walk=True)]], 1, SnmpVersion.V2C
)
def test_what_is_read_is_what_is_there(
    there: dict[Oid, int], wanted: list[list[Asked]], times: int, version: SnmpVersion
) -> None:
    found, _ = read(there, wanted, times, version)
    for one in (one for source in wanted for one in source):
        size = len(one.oid)
        if one.walk:
            rows = {oid[size:]: value for oid, value in there.items() if oid[:size] == one.oid and len(oid) > size}
            assert dict(found.columns[one.oid].rows) == rows
        else:
            assert found.values[one.oid].value == there.get(one.oid)
    assert found.stopped == ""


def column(table: int, number: int) -> Asked:
    return Asked((1, 3, 6, 1, 2, table, 1, number), walk=True)


def test_tables_of_one_source_and_columns_of_one_table_go_together() -> None:
    one, other = [column(1, 2), column(2, 5)], [column(1, 3), column(7, 1)]
    planned = plan([one, other, [column(9, 1)]], {})
    assert sorted(len(walk.columns) for walk in planned.walks) == [1, 4]


def test_tables_that_are_known_go_together_when_they_are_alike() -> None:
    wanted = [[column(1, 2), column(1, 3)], [column(2, 1)], [column(3, 1)]]
    rows = {column(1, 2).oid: 1000, column(1, 3).oid: 1000, column(2, 1).oid: 995, column(3, 1).oid: 4}
    walks = plan(wanted, rows).walks
    assert walks == (Walk((column(1, 2).oid, column(1, 3).oid, column(2, 1).oid)), Walk((column(3, 1).oid,)))


def test_small_tables_are_one_request() -> None:
    there = {(*column(table, 1).oid, row): row for table in range(1, 6) for row in range(table)}
    wanted = [[column(table, 1)] for table in range(1, 6)]
    assert read(there, wanted, 1)[1] == 5
    assert read(there, wanted, 2)[1] == 1
