"""Values that ride in the first request of a walk, and agents that do not understand that."""

from __future__ import annotations

import math
import random

import msgspec
import pytest

from collectors.framework.snmp import messages
from collectors.framework.snmp.errors import SnmpTimeout
from collectors.framework.snmp.factory import client_factory
from collectors.framework.snmp.interfaces import Oid
from collectors.framework.snmp.messages import Pdu, PduType
from collectors.framework.snmp.sizing import FORGIVE_AFTER
from common.configs import SnmpConfig, SnmpVersion
from tests.collectors.framework.snmp.test_client import COLUMNS, CONFIG, PROCESSES, Bench, expected
from tests.fakes.snmp import AGENT, FakeUdpReactor
from tests.fakes.snmp_agent import HR_SYSTEM_UPTIME, SYS_UP_TIME, Agent, host_values

SCALARS: list[Oid] = [SYS_UP_TIME, HR_SYSTEM_UPTIME]
ROWS = expected(sorted(PROCESSES))


class AllRepeat(Agent):
    """Takes everything that is asked for as a column."""

    def _bulk(self, asked: list[Oid], single: int, rows: int) -> list[bytes]:
        return super()._bulk(asked, 0, rows)


class NoneFirst(Agent):
    """Leaves out what should be answered once."""

    def _bulk(self, asked: list[Oid], single: int, rows: int) -> list[bytes]:
        return super()._bulk(asked[single:], 0, rows)


def walked(bench: Bench) -> tuple[list[Pdu], object]:
    before = len(bench.requests)
    table = bench.reactor.finish(bench.client.table(COLUMNS, scalars=SCALARS))
    assert (table.complete, table.problem) == (True, "")
    assert list(table.columns) == ROWS
    assert table.requests == len(bench.requests) - before
    return bench.requests[before:], table.scalars


@pytest.mark.parametrize("version", [SnmpVersion.V1, SnmpVersion.V2C])
def test_they_cost_no_request(version: SnmpVersion) -> None:
    config = msgspec.structs.replace(CONFIG, version=version)
    alone, beside = Bench(config), Bench(config)
    without = alone.table()
    asked, values = walked(beside)
    assert values == (100_000, 200_000)
    assert len(asked) == without.requests
    assert PduType.GET not in {pdu.kind for pdu in asked}


def test_what_the_agent_does_not_have_is_none() -> None:
    values = {oid: value for oid, value in host_values(PROCESSES).items() if oid != HR_SYSTEM_UPTIME}
    asked, found = walked(Bench(agent=Agent(values)))
    assert found == (100_000, None)
    assert PduType.GET not in {pdu.kind for pdu in asked}


@pytest.mark.parametrize("kind", [AllRepeat, NoneFirst])
def test_an_agent_that_does_not_understand_is_asked_apart_from_then_on(kind: type[Agent]) -> None:
    bench = Bench(agent=kind(host_values(PROCESSES)))
    _, values = walked(bench)
    assert values == (100_000, 200_000)
    asked, values = walked(bench)
    assert values == (100_000, 200_000)
    assert [pdu.kind for pdu in asked].count(PduType.GET) == 1
    assert {pdu.status for pdu in asked} == {0}  # no GETBULK with non-repeaters any more
    bench.client.sizing.whole_answers = FORGIVE_AFTER - 1
    walked(bench)
    assert not bench.client.sizing.alone  # it is tried again some time


def test_an_agent_that_lacks_even_its_uptime_is_asked_apart() -> None:
    values = {oid: value for oid, value in host_values(PROCESSES).items() if oid != SYS_UP_TIME}
    _, found = walked(Bench(agent=Agent(values)))
    assert found == (None, 200_000)


def test_too_big_with_them_is_tried_without() -> None:
    agent = Agent(host_values(PROCESSES), max_bytes=600)
    agent.cut_bulk = False
    bench = Bench(agent=agent)
    assert walked(bench)[1] == (100_000, 200_000)
    assert not bench.client.sizing.alone


def test_fewer_tries_than_the_config_says() -> None:
    bench = Bench()
    bench.lose = set(range(100))
    with pytest.raises(SnmpTimeout, match="2 tries"):
        bench.reactor.finish(bench.client.get([SYS_UP_TIME], 1))
    assert len(bench.requests) == 2


# --- what is learnt, and kept -----------------------------------------------------------------------------------------


def small_path(limit: list[int], agent: Agent, sizes: list[int]) -> FakeUdpReactor:
    """A network that drops answers over a size."""

    def through(datagram: bytes) -> list[bytes]:
        answer = agent.answer(datagram)
        sizes.append(0 if answer is None else len(answer))
        return [answer] if answer is not None and len(answer) <= limit[0] else []

    return FakeUdpReactor(through)


def test_what_one_client_has_learnt_serves_the_next() -> None:
    agent = Agent(host_values(PROCESSES), max_bytes=2500)
    agent.cut_bulk = False
    bench = Bench(agent=agent)
    bench.table()
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(bench.client.sizing), type=type(bench.client.sizing))
    again = Bench(agent=agent)
    again.client.sizing = kept
    before = agent.answered
    table = again.table()
    assert list(table.columns) == ROWS
    assert table.requests == agent.answered - before
    rows = [pdu.index for pdu in again.requests]
    assert max(rows) < max(pdu.index for pdu in bench.requests)  # nothing that is too big is asked for again


def test_a_path_that_carries_less_than_before_is_found_out_by_the_next_walk() -> None:
    agent = Agent(host_values(PROCESSES))
    limit = [60_000]
    sizes: list[int] = []
    reactor = small_path(limit, agent, sizes)
    client = client_factory(reactor, reactor, random.Random(1))(AGENT[0], SnmpConfig(timeout_s=0.5, retries=0))
    reactor.finish(client.table(COLUMNS))
    assert max(sizes) > 3000
    limit[0] = 1400  # another route, that drops fragments
    with pytest.raises(SnmpTimeout):
        reactor.finish(client.table(COLUMNS))
    assert reactor.finish(client.table(COLUMNS[:2])).columns[0] != {}


def test_silence_never_makes_a_request_smaller_than_a_row() -> None:
    bench = Bench(msgspec.structs.replace(CONFIG, retries=0, timeout_s=0.1))
    bench.lose = set(range(1000))
    for _ in range(20):
        with pytest.raises(SnmpTimeout):
            bench.table()
    bench.lose.clear()
    before = len(bench.requests)
    assert list(bench.table().columns) == ROWS
    _, _, first = messages.decode_message(bench.reactor.sent[before])
    assert (first.index, len(messages.decode_varbinds(first))) == (1, len(COLUMNS))  # one whole row


def rows_asked(bench: Bench, count: int) -> list[int]:
    """Rows that the next walk asks for, request by request, of a table that has so many."""
    pids = range(1, count + 1)
    bench.agent.replace(host_values(dict.fromkeys(pids, PROCESSES[303])))
    before = len(bench.requests)
    assert bench.table().columns[0].keys() == {(pid,) for pid in pids}
    return [pdu.index for pdu in bench.requests[before:]]


@pytest.mark.parametrize("count", [1, 7, 50, 51, 149, 150, 199])
def test_a_table_that_is_known_is_not_asked_for_beyond_its_end(count: int) -> None:
    bench = Bench()
    for _ in range(6):
        rows = rows_asked(bench, count)
    slack = count // 50 + 1
    assert sum(rows) <= count + slack + len(rows)
    assert len(rows) <= math.ceil((count + slack) / CONFIG.max_repetitions)


def test_a_table_that_grew_or_shrank_is_read_to_its_end() -> None:
    bench = Bench()
    for count in (100, 101, 140, 30, 31, 200, 0, 5):
        rows_asked(bench, count)
