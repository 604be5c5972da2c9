from __future__ import annotations

import errno
import random

import msgspec
import pytest
from twisted.internet.defer import CancelledError

from collectors.framework.snmp import ber, messages
from collectors.framework.snmp.errors import SnmpConfigError, SnmpError, SnmpTimeout
from collectors.framework.snmp.factory import asyncio_reactor_needed, client_factory
from collectors.framework.snmp.interfaces import ISnmpClient, Oid, Table
from collectors.framework.snmp.messages import Pdu, PduType
from collectors.framework.snmp.sizing import START_VARBINDS
from common.configs import DeviceConfig, SnmpConfig, SnmpEngine, SnmpVersion, SourceKind
from tests.fakes.snmp import AGENT, FakeUdpReactor, result_of
from tests.fakes.snmp_agent import (
    HR_SW_RUN,
    HR_SW_RUN_PERF,
    SYS_UP_TIME,
    Agent,
    FakeProcess,
    host_values,
    tlv,
)

COLUMNS: list[Oid] = [(*HR_SW_RUN, 2), (*HR_SW_RUN, 4), (*HR_SW_RUN, 5), (*HR_SW_RUN, 7), (*HR_SW_RUN_PERF, 1)]
PROCESSES = {
    pid: FakeProcess(f"name{pid}", f"/bin/name{pid}", "-x " * (pid % 60), pid * 7) for pid in range(3, 60_000, 300)
}
CONFIG = SnmpConfig(timeout_s=2.0, retries=2)


class Bench:
    """A client, the agent it speaks with, and the network between them."""

    def __init__(self, config: SnmpConfig = CONFIG, agent: Agent | None = None, host: str = AGENT[0]) -> None:
        self.agent = agent or Agent(host_values(PROCESSES))
        self.reactor = FakeUdpReactor(self.through)
        self.lose: set[int] = set()
        self.requests: list[Pdu] = []
        factory = client_factory(self.reactor, self.reactor, random.Random(1))
        self.client: ISnmpClient = factory(host, config)

    def through(self, datagram: bytes) -> list[bytes]:
        _, _, pdu = messages.decode_message(datagram)
        self.requests.append(pdu)
        if len(self.requests) in self.lose:
            return []
        answer = self.agent.answer(datagram, self.reactor.seconds())
        return [] if answer is None else [answer]

    def get(self, *oids: Oid) -> list[object]:
        return list(self.reactor.finish(self.client.get(oids)))

    def table(self, columns: list[Oid] = COLUMNS, max_rows: int = 50_000) -> Table:
        found: Table = self.reactor.finish(self.client.table(columns, max_rows))
        return found


def expected(pids: list[int]) -> list[dict[Oid, object]]:
    rows = [(pid, PROCESSES[pid]) for pid in pids]
    return [
        {(pid,): row.name.encode() for pid, row in rows},
        {(pid,): row.path.encode() for pid, row in rows},
        {(pid,): row.parameters.encode()[:128] for pid, row in rows},
        {(pid,): 2 for pid, _ in rows},
        {(pid,): row.cpu_cs for pid, row in rows},
    ]


@pytest.mark.parametrize("version", [SnmpVersion.V1, SnmpVersion.V2C])
def test_table_holds_every_row_of_every_column(version: SnmpVersion) -> None:
    bench = Bench(msgspec.structs.replace(CONFIG, version=version))
    table = bench.table()
    assert (table.complete, table.problem) == (True, "")
    assert list(table.columns) == expected(sorted(PROCESSES))
    assert table.requests == len(bench.requests)
    kinds = {pdu.kind for pdu in bench.requests}
    assert kinds == {PduType.GETNEXT if version is SnmpVersion.V1 else PduType.GETBULK}


def test_requests_start_small_and_grow_up_to_the_repetitions_that_are_allowed() -> None:
    bench = Bench()
    bench.table()
    rows = [pdu.index for pdu in bench.requests]
    assert rows[0] == START_VARBINDS // len(COLUMNS)
    assert rows == sorted(rows)
    assert max(rows) == CONFIG.max_repetitions
    first = len(rows)
    bench.table()
    assert len(bench.requests) - first < first  # what was learnt is kept


def test_too_big_halves_the_repetitions_and_is_remembered() -> None:
    agent = Agent(host_values(PROCESSES), max_bytes=2500)
    agent.cut_bulk = False
    bench = Bench(agent=agent)
    assert list(bench.table().columns) == expected(sorted(PROCESSES))
    before = len(bench.requests)
    assert bench.table().complete
    assert max(pdu.index for pdu in bench.requests[before:]) < max(pdu.index for pdu in bench.requests[:before])


def test_columns_are_asked_in_turn_when_a_row_of_all_is_too_big() -> None:
    agent = Agent(host_values(PROCESSES), max_bytes=180)
    agent.cut_bulk = False
    bench = Bench(agent=agent)
    assert list(bench.table().columns) == expected(sorted(PROCESSES))


def test_one_value_too_big_is_an_error_not_a_loop() -> None:
    agent = Agent(host_values(PROCESSES), max_bytes=5)
    agent.cut_bulk = False
    bench = Bench(agent=agent)
    with pytest.raises(SnmpError, match="tooBig"):
        bench.table()
    with pytest.raises(SnmpError, match="tooBig"):
        bench.get(SYS_UP_TIME)
    assert len(bench.requests) < 20


def test_answers_that_the_agent_cuts_short_lose_no_row() -> None:
    bench = Bench(agent=Agent(host_values(PROCESSES), max_bytes=700))
    assert list(bench.table().columns) == expected(sorted(PROCESSES))


def test_table_at_the_end_of_the_mib_ends() -> None:
    values = {oid: value for oid, value in host_values(PROCESSES).items() if oid[: len(HR_SW_RUN)] == HR_SW_RUN}
    for version in (SnmpVersion.V1, SnmpVersion.V2C):
        bench = Bench(msgspec.structs.replace(CONFIG, version=version), Agent(values))
        table = bench.table([(*HR_SW_RUN, 7), (*HR_SW_RUN, 2)])
        assert table.complete
        assert [len(column) for column in table.columns] == [len(PROCESSES)] * 2


def test_table_that_is_not_there_is_empty_and_complete() -> None:
    for version in (SnmpVersion.V1, SnmpVersion.V2C):
        bench = Bench(msgspec.structs.replace(CONFIG, version=version), Agent({SYS_UP_TIME: tlv(5)}))
        assert bench.table() == Table(
            columns=({},) * 5, complete=True, varbinds=bench.table().varbinds, requests=1
        ) or (version is SnmpVersion.V1)
        assert bench.table().complete


def test_no_columns_are_no_request() -> None:
    bench = Bench()
    assert bench.table([]) == Table(columns=(), complete=True)
    assert not bench.requests


def test_walk_ends_at_the_row_cap() -> None:
    table = Bench().table(max_rows=50)
    assert not table.complete
    assert "more than 50 rows" in table.problem
    assert 50 < len(table.columns[0]) <= 50 + CONFIG.max_repetitions


@pytest.mark.parametrize("version", [SnmpVersion.V1, SnmpVersion.V2C])
def test_get_tells_what_is_missing(version: SnmpVersion) -> None:
    bench = Bench(msgspec.structs.replace(CONFIG, version=version))
    nothing, name = (*SYS_UP_TIME[:-2], 99, 0), (*HR_SW_RUN, 2, 303)
    assert bench.get(nothing, SYS_UP_TIME, nothing, name) == [None, 100_000, None, b"name303"]
    assert bench.get(nothing) == [None]
    assert bench.get() == []


def test_get_of_many_values_is_asked_in_parts() -> None:
    oids = [(*HR_SW_RUN, 2, pid) for pid in PROCESSES]
    bench = Bench()
    assert bench.get(*oids) == [f"name{pid}".encode() for pid in PROCESSES]
    small = Bench(agent=Agent(host_values(PROCESSES), max_bytes=300))
    assert small.get(*oids) == [f"name{pid}".encode() for pid in PROCESSES]


def answer_all_with_status(agent: Agent, status: int, index: int) -> None:
    def respond(pdu: Pdu, version: int) -> bytes:
        return messages.encode_pdu(PduType.RESPONSE, pdu.request_id, status, index, b"")

    agent.respond = respond  # type: ignore[method-assign]


@pytest.mark.parametrize("status", [5, 6, 13, 16, 99])
def test_error_status_is_an_error_that_names_it(status: int) -> None:
    bench = Bench()
    answer_all_with_status(bench.agent, status, 1)
    for ask in (lambda: bench.get(SYS_UP_TIME), bench.table):
        with pytest.raises(Exception, match=r"genErr|noAccess|resourceUnavailable|authorizationError|99") as caught:
            ask()
        assert "192.0.2.1:161" in str(caught.value)
        assert type(caught.value).__name__ == ("SnmpAuthError" if status == 16 else "SnmpError")


def test_negative_error_status_is_an_error() -> None:
    bench = Bench()
    answer_all_with_status(bench.agent, -5, -9)
    with pytest.raises(SnmpError, match="-5"):
        bench.get(SYS_UP_TIME)


# --- time -------------------------------------------------------------------------------------------------------------


def test_silence_is_a_timeout_after_all_tries() -> None:
    bench = Bench()
    bench.lose = set(range(100))
    with pytest.raises(
        SnmpTimeout, match=r"192\.0\.2\.1:161.*GET.*1\.3\.6\.1\.2\.1\.1\.3\.0.*3 tries of 2 s.*community"
    ):
        bench.get(SYS_UP_TIME)
    assert len(bench.requests) == 3
    assert bench.reactor.seconds() == pytest.approx(6.0, abs=0.2)
    assert not bench.reactor.getDelayedCalls()


def test_lost_answers_are_asked_for_again() -> None:
    bench = Bench()
    bench.lose = {1, 3, 4}
    table = bench.table()
    assert list(table.columns) == expected(sorted(PROCESSES))
    assert table.requests == len(bench.requests)


def test_large_answers_that_are_always_lost_are_asked_for_in_smaller_parts() -> None:
    agent = Agent(host_values(PROCESSES))
    bench = Bench(agent=agent)

    def fragments_are_dropped(datagram: bytes) -> list[bytes]:
        bench.requests.append(messages.decode_message(datagram)[2])
        answer = agent.answer(datagram)
        return [answer] if answer is not None and len(answer) < 3000 else []

    bench.reactor.network = fragments_are_dropped
    assert list(bench.table().columns) == expected(sorted(PROCESSES))
    before, started = len(bench.requests), bench.reactor.seconds()
    assert bench.table().complete
    assert bench.reactor.seconds() - started < 2.0  # remembered: not lost again
    assert len(bench.requests) > before


def test_late_answer_to_the_first_try_counts_while_the_second_runs() -> None:
    bench = Bench()
    bench.reactor.delay_s = 2.5
    assert bench.get(SYS_UP_TIME) == [100_000]
    assert bench.reactor.seconds() < 3.0
    assert bench.table([COLUMNS[3]]).complete


def test_timeout_within_a_walk_keeps_what_was_read() -> None:
    bench = Bench()
    bench.lose = set(range(4, 1000))
    table = bench.table()
    assert not table.complete
    assert "No answer from 192.0.2.1:161" in table.problem
    assert 0 < len(table.columns[0]) < len(PROCESSES)
    assert table.requests >= 3


def test_one_request_is_in_flight_at_a_time() -> None:
    bench = Bench()
    bench.lose = set(range(100))
    waiting = [bench.reactor.start(bench.client.get([SYS_UP_TIME])) for _ in range(3)]
    bench.reactor.advance(1.9)
    assert len(bench.requests) == 1
    bench.client.close()
    for deferred in waiting:
        with pytest.raises(SnmpTimeout, match="closed"):
            result_of(deferred)
    assert len(bench.requests) == 1
    assert not bench.reactor.ports[0].open


def test_cancelled_run_leaves_nothing_behind_and_the_client_works_on() -> None:
    bench = Bench()
    bench.lose = {1}
    running = bench.reactor.start(bench.client.table(COLUMNS))
    running.cancel()
    with pytest.raises(CancelledError):
        result_of(running)
    assert not bench.reactor.getDelayedCalls()
    assert bench.get(SYS_UP_TIME) == [100_000]


# --- sockets and names ------------------------------------------------------------------------------------------------


def test_refused_port_is_known_at_once() -> None:
    bench = Bench()

    def refuse(_: bytes) -> list[bytes]:
        bench.reactor.callLater(0.01, bench.reactor.ports[0].protocol.connectionRefused)
        return []

    bench.reactor.network = refuse
    with pytest.raises(SnmpTimeout, match=r"Nothing listens at 192\.0\.2\.1:161"):
        bench.get(SYS_UP_TIME)
    assert bench.reactor.seconds() < 0.2


@pytest.mark.parametrize("number", [errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EPERM])
def test_network_that_does_not_send_is_a_sentence(number: int) -> None:
    bench = Bench()
    bench.reactor.send_error = OSError(number, "Network is unreachable")
    with pytest.raises(SnmpTimeout, match=r"192\.0\.2\.1:161.*Network is unreachable"):
        bench.get(SYS_UP_TIME)
    bench.reactor.send_error = None
    assert bench.get(SYS_UP_TIME) == [100_000]
    assert not bench.reactor.getDelayedCalls()


def test_socket_that_the_network_closes_is_opened_again() -> None:
    bench = Bench()
    assert bench.get(SYS_UP_TIME) == [100_000]
    bench.reactor.ports[0].stopListening()
    bench.reactor.advance(0)
    assert bench.get(SYS_UP_TIME) == [100_000]
    assert len(bench.reactor.ports) == 2


def test_closed_client_says_so() -> None:
    bench = Bench()
    bench.client.close()
    bench.client.close()
    with pytest.raises(SnmpTimeout, match="closed"):
        bench.get(SYS_UP_TIME)


def test_names_are_resolved() -> None:
    bench = Bench(host="web1")
    bench.reactor.nameResolver.names["web1"] = AGENT[0]
    assert bench.get(SYS_UP_TIME) == [100_000]
    assert bench.reactor.ports[0].peer == AGENT


@pytest.mark.parametrize("host", ["nowhere", "two words", "", "a" * 300])
def test_unknown_name_is_a_mistake_of_the_settings(host: str) -> None:
    with pytest.raises(SnmpConfigError, match="address"):
        Bench(host=host).get(SYS_UP_TIME)


def test_name_service_that_is_silent_is_a_timeout() -> None:
    bench = Bench(host="web1")
    bench.reactor.nameResolver.silent.add("web1")
    with pytest.raises(SnmpTimeout, match="web1 could not be resolved within 5 s"):
        bench.get(SYS_UP_TIME)
    bench.reactor.nameResolver.silent.clear()
    bench.reactor.nameResolver.names["web1"] = AGENT[0]
    assert bench.get(SYS_UP_TIME) == [100_000]


def test_ipv6_addresses_match_however_they_are_written() -> None:
    bench = Bench(host="2001:DB8:0::1")
    bench.agent.community = b"public"
    assert bench.get(SYS_UP_TIME) == [100_000]
    assert bench.reactor.ports[0].peer == ("2001:db8::1", 161)
    bench.lose = set(range(100))
    with pytest.raises(SnmpTimeout, match=r"\[2001:DB8:0::1\]:161"):
        bench.get(SYS_UP_TIME)


# --- engines ----------------------------------------------------------------------------------------------------------


def test_pysnmp_on_another_reactor_is_refused_with_a_sentence() -> None:
    config = msgspec.structs.replace(CONFIG, engine=SnmpEngine.PYSNMP)
    with pytest.raises(SnmpConfigError, match=r"192\.0\.2\.1:161.*asyncio reactor"):
        Bench(config)


def test_asyncio_reactor_is_needed_for_pysnmp_alone() -> None:
    own = DeviceConfig(device="a", address="h", source=SourceKind.SNMP, interval_s=60, snmp=CONFIG)
    local = DeviceConfig(device="b", address="", source=SourceKind.LOCAL, interval_s=60)
    theirs = msgspec.structs.replace(own, snmp=msgspec.structs.replace(CONFIG, engine=SnmpEngine.PYSNMP))
    assert not asyncio_reactor_needed([])
    assert not asyncio_reactor_needed([own, local])
    assert asyncio_reactor_needed([own, theirs, local])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "needs a user"),
        ({"user": "u", "auth_protocol": "sha1", "auth_password": "short"}, "auth_password has 5 characters"),
        ({"user": "u", "priv_protocol": "aes128", "priv_password": "long enough"}, "no privacy without"),
    ],
)
def test_v3_settings_that_cannot_work_are_refused(changes: dict[str, str], sentence: str) -> None:
    config = msgspec.convert({"version": "3", **changes}, SnmpConfig)
    with pytest.raises(SnmpConfigError, match=sentence):
        Bench(config)


def test_request_ids_are_random_and_of_31_bits() -> None:
    bench = Bench()
    bench.table()
    ids = [pdu.request_id for pdu in bench.requests]
    assert len(set(ids)) == len(ids)
    assert all(0 <= number < 2**31 for number in ids)
    assert max(ids) > 2**28
    assert ber.encode_int(max(ids))
