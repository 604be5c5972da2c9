"""Answers of simulated hosts, as our own client, its decoder and pysnmp see them."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder
from pysnmp.proto import api

from collectors.framework.snmp import ber, messages
from collectors.framework.snmp.errors import SnmpAuthError, SnmpTimeout
from collectors.framework.snmp.factory import client_factory
from collectors.framework.snmp.interfaces import Oid, Table
from collectors.framework.snmp.messages import PduType
from collectors.sim import oids
from collectors.sim.host import Host
from collectors.sim.processes import cpu_cs, memory_kib
from collectors.sim.responder import Responder
from collectors.sim.users import User
from collectors.sim.world import World
from common.configs import AuthProtocol, PrivProtocol, SnmpConfig, SnmpVersion
from tests.collectors.sim.worlds import COMMUNITY, RESTLESS, ailing, responder, scenario, world
from tests.fakes.snmp import FakeUdpReactor

T = 12.5
NAME, STATUS, PARAMETERS, CPU, MEMORY = (
    oids.COLUMNS[number] for number in (oids.NAME, oids.STATUS, oids.PARAMETERS, oids.CPU, oids.MEMORY)
)


def request(kind: PduType, *asked: Oid, version: int = 1, single: int = 0, rows: int = 0) -> bytes:
    pdu = messages.encode_pdu(kind, 77, single, rows, messages.ask_for_all(asked))
    return messages.encode_message(version, COMMUNITY.encode(), pdu)


def varbinds(answer: bytes | None) -> list[tuple[Oid, int, Any]]:
    assert answer is not None
    version, community, pdu = messages.decode_message(answer)
    assert (community, pdu.kind, pdu.request_id, pdu.status) == (COMMUNITY.encode(), PduType.RESPONSE, 77, 0)
    assert version in {0, 1}
    return messages.decode_varbinds(pdu)


def by_pysnmp(answer: bytes) -> list[tuple[Oid, Any]]:
    version = api.decodeMessageVersion(answer)
    module = api.PROTOCOL_MODULES[version]
    message, rest = decoder.decode(answer, asn1Spec=module.Message())
    assert not rest
    pdu = module.apiMessage.get_pdu(message)
    return [(tuple(oid), value) for oid, value in module.apiPDU.get_varbinds(pdu)]


class Line:
    """Our own client, talking to a host without a network."""

    def __init__(self, made: World, by: Responder, **config: Any) -> None:
        self.host = made.hosts[0]
        self.reactor = FakeUdpReactor(self._network)
        self._by = by
        self.heard: list[bytes] = []
        settings = SnmpConfig(community=COMMUNITY, **{"retries": 0, "timeout_s": 1.0} | config)
        self.client = client_factory(self.reactor, self.reactor, random.Random(1))("192.0.2.1", settings)

    def _network(self, datagram: bytes) -> list[bytes]:
        self.heard.append(datagram)
        answer = self._by.answer(self.host, datagram, T + self.reactor.seconds())
        return [] if answer is None else [answer]

    def table(self, *columns: Oid) -> Table:
        table: Table = self.reactor.finish(self.client.table(columns))
        return table

    def get(self, *asked: Oid) -> list[Any]:
        values: list[Any] = self.reactor.finish(self.client.get(asked))
        return values


# --- agreement --------------------------------------------------------------------------------------------------------


def row_of(host: Host, pid: int) -> list[Any]:
    process = host.processes[pid]
    return [
        pid,
        process.name.encode(),
        (0, 0),
        process.path.encode()[:128],
        process.parameters.encode()[:128],
        oids.APPLICATION if process.path else oids.OPERATING_SYSTEM,
        oids.RUNNING if process.name == "snmpd" else oids.RUNNABLE,
        cpu_cs(process, T),
        memory_kib(process, T),
    ]


@pytest.mark.parametrize("version", [SnmpVersion.V1, SnmpVersion.V2C])
@pytest.mark.parametrize("most", [1, 7, 50])
def test_our_client_reads_exactly_what_is_there(version: SnmpVersion, most: int) -> None:
    line = Line(world(RESTLESS, processes=60), responder(), version=version, max_repetitions=most)
    table = line.table(*oids.COLUMNS)
    assert (table.complete, table.problem) == (True, "")
    for number, column in enumerate(table.columns):
        assert column == {(pid,): row_of(line.host, pid)[number] for pid in line.host.pids}


def test_pysnmp_and_our_decoder_see_the_same() -> None:
    made = world(RESTLESS, processes=60)
    answer = responder().answer(made.hosts[0], request(PduType.GETBULK, (1, 3), *oids.COLUMNS, single=1, rows=70), T)
    assert answer is not None
    ours = varbinds(answer)
    theirs = by_pysnmp(answer)
    assert len(ours) == len(theirs) == 1 + 9 * 61
    for (oid, _, value), (name, witness) in zip(ours, theirs, strict=True):
        assert oid == name
        if isinstance(value, tuple):
            assert value == tuple(witness)
        elif value is not None:
            assert value == (bytes(witness) if isinstance(value, bytes) else int(witness))


def walked(by: Responder, host: Host, version: int, **bulk: int) -> list[tuple[Oid, int, Any]]:
    """The whole agent, from the first OID to the last, as a command such as snmpwalk reads it."""
    found: list[tuple[Oid, int, Any]] = []
    at: Oid = (1,)
    while True:
        answer = by.answer(host, request(PduType.GETBULK if bulk else PduType.GETNEXT, at, version=version, **bulk), T)
        assert answer is not None
        if messages.decode_message(answer)[2].status:
            return found
        for oid, tag, value in varbinds(answer):
            if tag == ber.END_OF_MIB_VIEW:
                return found
            assert oid > at
            found.append((oid, tag, value))
            at = oid


def test_a_walk_by_getnext_and_one_by_getbulk_see_the_same_in_order() -> None:
    host = world(RESTLESS).hosts[0]
    first = walked(responder(), host, 1)
    assert len(first) == 13 + 9 * 40
    assert walked(responder(), host, 0) == first
    for rows in (1, 3, 10, 200):
        assert walked(responder(), host, 1, rows=rows) == first


def test_columns_at_different_rows_are_answered_each_in_its_place() -> None:
    host = world().hosts[0]
    asked = ((*NAME, host.pids[3]), (*CPU, host.pids[5]), oids.SYS_UPTIME)
    found = varbinds(responder().answer(host, request(PduType.GETBULK, *asked, rows=2), T))
    assert [oid for oid, _, _ in found][:2] == [(*NAME, host.pids[4]), (*CPU, host.pids[6])]
    assert [oid for oid, _, _ in found][3:5] == [(*NAME, host.pids[5]), (*CPU, host.pids[7])]


def test_rows_that_change_are_encoded_anew_and_others_are_the_same_bytes() -> None:
    host = world("programs: [{name: busy, path: /busy, cpu: 50%}]").hosts[0]
    line = responder()
    ask = request(PduType.GETBULK, NAME, CPU, rows=100)
    first, same, later = (varbinds(line.answer(host, ask, t)) for t in (T, T, T + 60))
    assert first == same
    changed = {a[0] for a, b in zip(first, later, strict=True) if a != b}
    busy = next(pid for pid, process in host.processes.items() if process.name == "busy")
    assert (*CPU, busy) in changed
    assert 0 < len(changed) < len(host.pids) / 2


def test_what_is_missing_is_told_by_its_kind() -> None:
    host = world().hosts[0]
    asked = ((*NAME, 99_999), (1, 3, 9, 9), oids.SYS_NAME, (*oids.SYS_NAME[:-1], 5), (*NAME, 1, 2))
    found = varbinds(responder().answer(host, request(PduType.GET, *asked), T))
    assert [tag for _, tag, _ in found] == [
        ber.NO_SUCH_INSTANCE, ber.NO_SUCH_OBJECT, ber.OCTET_STRING, ber.NO_SUCH_INSTANCE, ber.NO_SUCH_INSTANCE,
    ]  # fmt: skip
    answer = responder().answer(host, request(PduType.GET, oids.SYS_NAME, (1, 3, 9), version=0), T)
    assert answer is not None
    assert (messages.decode_message(answer)[2].status, messages.decode_message(answer)[2].index) == (2, 2)


def test_uptimes_and_the_date_go_on() -> None:
    host = world().hosts[0]
    line = Line(world(), responder())
    up, host_up, date = line.get(oids.SYS_UPTIME, oids.HR_SYSTEM_UPTIME, oids.HR_SYSTEM_DATE)
    assert up == int(100 * (T - host.agent_since))
    assert host_up == int(100 * (T - host.host_since)) > up
    assert len(date) == 11
    assert int.from_bytes(date[:2], "big") == 2027


def test_a_leak_grows_and_a_restart_ends_it() -> None:
    made = world(
        "programs: [{name: leaky, path: /l, memory: 10MiB, leaks: {by: 60MiB, per: 1h}, restarts: {every: 2h}}]"
    )
    host = made.hosts[0]
    process = next(one for one in host.processes.values() if one.name == "leaky")
    assert memory_kib(process, 3600) - memory_kib(process, 0) == pytest.approx(60 * 1024, abs=1)
    at = host.next_at
    (fact,) = made.advance(at)
    assert fact.what == "restarted"
    assert memory_kib(host.processes[fact.pid or 0], at) == 10 * 1024


# --- what agents do wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["silent", "restarts", "reboots"])
def test_an_agent_that_says_nothing(name: str) -> None:
    with pytest.raises(SnmpTimeout):
        Line(*ailing(name)).get(oids.SYS_UPTIME)


def test_another_community_is_not_answered() -> None:
    host = world().hosts[0]
    datagram = messages.encode_message(1, b"other", messages.encode_pdu(PduType.GET, 1, 0, 0, b""))
    assert responder().answer(host, datagram, T) is None


def test_a_truncated_table_ends_early_and_looks_complete() -> None:
    line = Line(*ailing("truncated", ", keep: 40%"))
    table = line.table(NAME, CPU)
    assert table.complete
    assert list(table.columns[0]) == [(pid,) for pid in line.host.pids[:16]]
    assert line.get((*STATUS, line.host.pids[-1])) == [oids.RUNNABLE]


def test_a_table_with_the_agent_alone() -> None:
    line = Line(*ailing("only_agent"))
    table = line.table(NAME)
    assert table.complete
    assert list(table.columns[0].values()) == [b"snmpd"]


@pytest.mark.parametrize(("version", "most"), [(SnmpVersion.V1, 50), (SnmpVersion.V2C, 5), (SnmpVersion.V2C, 50)])
def test_a_walk_that_goes_in_circles_is_ended_by_our_client(version: SnmpVersion, most: int) -> None:
    table = Line(*ailing("non_increasing"), version=version, max_repetitions=most).table(NAME, CPU)
    assert not table.complete
    assert "do not increase" in table.problem


def test_answers_that_are_too_big_are_refused_and_smaller_ones_given() -> None:
    made, by = ailing("too_big", ", over: 1KiB")
    answer = by.answer(made.hosts[0], request(PduType.GETBULK, NAME, PARAMETERS, rows=40), T)
    assert answer is not None
    assert messages.decode_message(answer)[2].status == 1
    table = Line(made, by).table(NAME, PARAMETERS, CPU)
    assert table.complete
    assert len(table.columns[0]) == 40


def test_some_requests_are_lost() -> None:
    made, by = ailing("lossy", ", one_in: 3")
    answers = [by.answer(made.hosts[0], request(PduType.GET, oids.SYS_UPTIME), T) for _ in range(9)]
    assert [answer is None for answer in answers] == [False, False, True] * 3


# --- v3 ---------------------------------------------------------------------------------------------------------------

JOE = User(
    name="joe", auth=AuthProtocol.SHA256, auth_password="auth password", priv=PrivProtocol.AES128,
    priv_password="priv password",
)  # fmt: skip
AS_JOE = {
    "version": SnmpVersion.V3, "user": JOE.name, "auth_protocol": JOE.auth, "auth_password": JOE.auth_password,
    "priv_protocol": JOE.priv, "priv_password": JOE.priv_password,
}  # fmt: skip


def test_v3_tells_the_same_as_v2c() -> None:
    by = responder(user=JOE)
    made = world(RESTLESS)
    assert Line(made, by, **AS_JOE).table(*oids.COLUMNS[:7]).columns == Line(made, by).table(*oids.COLUMNS[:7]).columns
    assert JOE.auth_password not in repr(JOE)


def test_a_client_finds_the_agent_again_after_it_was_restarted() -> None:
    text = "agents: {restarts: {every: 1h, for: 5s}}"
    made = world(text)
    line = Line(made, responder(scenario(text), JOE), **AS_JOE)
    assert line.get(oids.SYS_NAME) == [b"sim0001"]
    while line.host.boots == 1:
        made.advance(line.host.next_at)
    line.reactor.advance(line.host.agent_since + 7 - T)
    before = len(line.heard)
    assert line.get(oids.SYS_NAME) == [b"sim0001"]
    assert len(line.heard) == before + 2
    assert line.get(oids.SYS_UPTIME)[0] < 10_000


def test_what_was_signed_for_an_earlier_start_of_the_agent_is_not_believed() -> None:
    line = Line(world(), responder(user=JOE), **AS_JOE)
    line.get(oids.SYS_NAME)
    line.host.boots += 1
    before = len(line.heard)
    assert line.get(oids.SYS_NAME) == [b"sim0001"]
    assert len(line.heard) == before + 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"user": "jim"}, "'jim'"),
        ({"auth_password": "another one"}, "auth_password"),
        ({"priv_protocol": PrivProtocol.NONE, "priv_password": ""}, "authorizationError"),
        ({"priv_password": "another one"}, "priv_password"),
    ],
)
def test_who_is_not_the_user_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SnmpAuthError, match=words):
        Line(world(), responder(user=JOE), **AS_JOE | changes).get(oids.SYS_UPTIME)


# --- whatever comes in ------------------------------------------------------------------------------------------------

SAMPLES = [
    request(PduType.GET, oids.SYS_UPTIME, (*NAME, 1)),
    request(PduType.GETNEXT, NAME, version=0),
    request(PduType.GETBULK, oids.SYS_UPTIME, NAME, CPU, single=1, rows=20),
]


@given(st.binary() | st.tuples(st.sampled_from(SAMPLES), st.integers(0, 60), st.binary(min_size=1, max_size=4)))
def test_no_datagram_is_more_than_an_agent_can_bear(given_: Any) -> None:
    fed(responder(scenario(), JOE), given_)


ASKED_BY_JOE: list[bytes] = []


def asked_by_joe() -> list[bytes]:
    if not ASKED_BY_JOE:
        line = Line(world(), responder(user=JOE), **AS_JOE)
        line.table(NAME)
        ASKED_BY_JOE.extend(line.heard)
    return ASKED_BY_JOE


@given(st.integers(0, 3), st.integers(0, 200), st.binary(min_size=1, max_size=4))
def test_nor_is_one_of_v3(number: int, at: int, change: bytes) -> None:
    samples = asked_by_joe()
    fed(responder(scenario(), JOE), (samples[number % len(samples)], at, change))


def fed(by: Responder, given_: Any) -> None:
    if isinstance(given_, tuple):
        sample, at, change = given_
        given_ = sample[:at] + change + sample[at + len(change) :]
    answer = by.answer(world().hosts[0], given_, T)
    assert answer is None or len(answer) < 65_507


@pytest.mark.parametrize("rows", [0, 1 << 30, -5])
def test_any_number_of_repetitions(rows: int) -> None:
    host = world(processes=2000).hosts[0]
    answer = responder().answer(host, request(PduType.GETBULK, NAME, PARAMETERS, rows=rows), T)
    assert answer is not None
    assert len(answer) < 65_507
    assert bool(varbinds(answer)) is (rows > 0)
