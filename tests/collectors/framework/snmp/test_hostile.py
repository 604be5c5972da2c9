"""Agents that lie: whatever they send, the client ends in time, with an error of its own family or a partial table."""

from __future__ import annotations

import contextlib
import functools
import gc
import random
import time
from collections.abc import Callable, Iterator, Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.framework.snmp import ber, messages
from collectors.framework.snmp.errors import SnmpError, SnmpTimeout
from collectors.framework.snmp.factory import client_factory
from collectors.framework.snmp.interfaces import Oid, Table
from collectors.framework.snmp.messages import Pdu, PduType
from common.configs import SnmpConfig, SnmpVersion
from tests.collectors.framework.snmp.test_client import COLUMNS, PROCESSES
from tests.fakes.snmp import AGENT, Answer, FakeUdpReactor
from tests.fakes.snmp_agent import SYS_UP_TIME, Agent, host_values, tlv, varbind

CONFIG = SnmpConfig(timeout_s=1.0, retries=1)
COLUMN = COLUMNS[0]
HONEST = Agent(host_values(PROCESSES))

Liar = Callable[[bytes, Pdu], Sequence[Answer]]


def response(pdu: Pdu, varbinds: bytes, request_id: int | None = None, community: bytes = b"public") -> bytes:
    number = pdu.request_id if request_id is None else request_id
    return messages.encode_message(1, community, messages.encode_pdu(PduType.RESPONSE, number, 0, 0, varbinds))


def honest(datagram: bytes) -> bytes:
    answer = HONEST.answer(datagram)
    assert answer is not None
    return answer


class Visit:
    """A client that reads from a liar."""

    def __init__(self, liar: Liar, config: SnmpConfig = CONFIG) -> None:
        self.reactor = FakeUdpReactor(lambda datagram: liar(datagram, messages.decode_message(datagram)[2]))
        factory = client_factory(self.reactor, self.reactor, random.Random(2))
        self.client = factory(AGENT[0], config)

    def table(self, columns: Sequence[Oid] = (COLUMN,), max_rows: int = 1000) -> Table:
        found: Table = self.reactor.finish(self.client.table(columns, max_rows))
        return found

    def get(self, *oids: Oid) -> object:
        return self.reactor.finish(self.client.get(oids))


@contextlib.contextmanager
def little_work() -> Iterator[None]:
    """What is done in here takes this thread mostly less than 1 ms of the processor; garbage is not its own."""
    gc.disable()
    try:
        started = time.thread_time()
        yield
        assert time.thread_time() - started < 0.1
    finally:
        gc.enable()


def rows_of(indexes: Sequence[int], column: Oid = COLUMN) -> bytes:
    return b"".join(varbind((*column, index), tlv(b"x")) for index in indexes)


@pytest.mark.parametrize(
    ("what", "indexes"),
    [
        ("goes back", [5, 4]),
        ("repeats a row", [5, 5]),
        ("zig-zags", [1, 3, 2, 4]),
        ("repeats a row of larger numbers", [70_000, 70_000]),
    ],
)
def test_oids_that_do_not_increase_end_the_walk(what: str, indexes: list[int]) -> None:
    visit = Visit(lambda _, pdu: [response(pdu, rows_of(indexes))])
    table = visit.table()
    assert not table.complete, what
    assert "do not increase" in table.problem
    assert AGENT[0] in table.problem
    assert len(visit.reactor.sent) == 1


def test_agent_that_answers_each_request_with_the_same_row_is_left() -> None:
    table = Visit(lambda _, pdu: [response(pdu, rows_of([7]))]).table()
    assert not table.complete
    assert table.columns == ({(7,): b"x"},)
    assert table.requests == 2


def test_oid_before_the_column_does_not_pass_for_its_end() -> None:
    table = Visit(lambda _, pdu: [response(pdu, rows_of([1, 2]) + varbind(SYS_UP_TIME, tlv(1)))]).table()
    assert not table.complete
    assert len(table.columns[0]) == 2


def test_a_table_of_huge_texts_ends_at_what_a_table_can_be_and_not_with_the_memory() -> None:
    last = [0]
    huge = tlv(b"x" * 60_000)

    def endless(_: bytes, pdu: Pdu) -> list[bytes]:
        last[0] += 1
        return [response(pdu, varbind((*COLUMN, last[0]), huge))]

    table = Visit(endless).table(max_rows=50_000)
    assert not table.complete
    assert "more than 64 MiB" in table.problem
    assert len(table.columns[0]) < 1200


@pytest.mark.parametrize("rows_a_time", [1, 40])
def test_endless_table_ends_at_the_cap(rows_a_time: int) -> None:
    last = [0]

    def endless(_: bytes, pdu: Pdu) -> list[bytes]:
        first = last[0]
        last[0] += rows_a_time
        return [response(pdu, rows_of(range(first + 1, first + rows_a_time + 1)))]

    visit = Visit(endless)
    table = visit.table(max_rows=1000)
    assert not table.complete
    assert "1000 rows" in table.problem
    assert len(visit.reactor.sent) <= 1001
    assert len(table.columns[0]) <= 1000 + rows_a_time


def test_answer_without_varbinds_ends_the_walk() -> None:
    visit = Visit(lambda _, pdu: [response(pdu, b"")])
    assert "without varbinds" in visit.table().problem
    assert len(visit.reactor.sent) == 1
    with pytest.raises(SnmpError, match="other OIDs"):
        visit.get(SYS_UP_TIME)


def test_too_big_for_ever_ends() -> None:
    def too_big(_: bytes, pdu: Pdu) -> list[bytes]:
        pdu_bytes = messages.encode_pdu(PduType.RESPONSE, pdu.request_id, 1, 0, b"")
        return [messages.encode_message(1, b"public", pdu_bytes)]

    visit = Visit(too_big)
    with pytest.raises(SnmpError, match="tooBig"):
        visit.table(COLUMNS)
    assert len(visit.reactor.sent) < 20


@pytest.mark.parametrize(
    ("what", "forge"),
    [
        ("another request id", lambda _, pdu: [response(pdu, rows_of([1]), request_id=pdu.request_id ^ 1)]),
        ("a negative request id", lambda _, pdu: [response(pdu, rows_of([1]), request_id=-pdu.request_id)]),
        ("another host", lambda _, pdu: [(response(pdu, rows_of([1])), ("192.0.2.66", 161))]),
        ("another port", lambda _, pdu: [(response(pdu, rows_of([1])), (AGENT[0], 1610))]),
        ("another community", lambda _, pdu: [response(pdu, rows_of([1]), community=b"private")]),
        ("its own request", lambda datagram, _: [datagram]),
        (
            "another version",
            lambda _, pdu: [
                messages.encode_message(0, b"public", messages.encode_pdu(0xA2, pdu.request_id, 0, 0, b""))
            ],
        ),
        (
            "a report",
            lambda _, pdu: [
                messages.encode_message(1, b"public", messages.encode_pdu(0xA8, pdu.request_id, 0, 0, b""))
            ],
        ),
        ("nothing", lambda *_: [b""]),
        ("text", lambda *_: [b"HTTP/1.1 400 Bad Request\r\n\r\n"]),
        ("an answer cut short", lambda _, pdu: [response(pdu, rows_of([1]))[:-1]]),
        ("huge length", lambda *_: [bytes.fromhex("30847fffffff0201")]),
        ("indefinite length", lambda *_: [bytes.fromhex("3080020101")]),
        ("deep nesting", lambda *_: [b"\x30\x82\xff\x00" * 16_000]),
    ],
)
def test_datagram_that_is_no_answer_is_passed_over(what: str, forge: Liar) -> None:
    visit = Visit(forge)
    with pytest.raises(SnmpTimeout) as caught:
        visit.table()
    assert AGENT[0] in str(caught.value), what
    both = Visit(lambda datagram, pdu: [*forge(datagram, pdu), honest(datagram)])
    assert both.get(SYS_UP_TIME) == [100_000], what
    assert both.reactor.seconds() < 0.5, what


def test_silence_after_rubbish_says_what_came() -> None:
    with pytest.raises(SnmpTimeout, match=r"2 datagrams came that were no answer, the last an element"):
        Visit(lambda *_: [b"rubbish"]).get(SYS_UP_TIME)


BAD_VARBINDS = {
    "cut short": rows_of([1])[:-1],
    "no sequence": tlv(5),
    "no OID": ber.encode_tlv(0x30, tlv(5) + tlv(5)),
    "no value": ber.encode_tlv(0x30, ber.encode_tlv(6, ber.encode_oid((*COLUMN, 1)))),
    "two values": ber.encode_tlv(0x30, ber.encode_tlv(6, ber.encode_oid((*COLUMN, 1))) + tlv(1) + tlv(2)),
    "unknown type": varbind((*COLUMN, 1), bytes((0x09, 1, 0))),
    "sequence for a value": varbind((*COLUMN, 1), bytes((0x30, 0))),
    "empty integer": varbind((*COLUMN, 1), bytes((0x02, 0))),
    "integer of 30 KB": varbind((*COLUMN, 1), ber.encode_tlv(2, b"\1" * 30_000)),
    "OID of 50 KB": ber.encode_tlv(0x30, ber.encode_tlv(6, b"\1" * 50_000) + tlv(1)),
    "OID of one endless number": ber.encode_tlv(0x30, ber.encode_tlv(6, b"\xff" * 50_000) + tlv(1)),
    "OID with padding": ber.encode_tlv(0x30, ber.encode_tlv(6, ber.encode_oid(COLUMN) + b"\x80\x01") + tlv(1)),
    "noSuchInstance in a walk": varbind((*COLUMN, 1), bytes((0x81, 0))),
}


@pytest.mark.parametrize("what", BAD_VARBINDS)
@pytest.mark.parametrize("good_rows", [0, 3])
def test_varbind_that_makes_no_sense_ends_the_walk(what: str, good_rows: int) -> None:
    bad = BAD_VARBINDS[what].replace(ber.encode_oid((*COLUMN, 1)), ber.encode_oid((*COLUMN, 9)))
    wire = rows_of(range(1, good_rows + 1)) + bad
    with little_work():
        table = Visit(lambda _, pdu: [response(pdu, wire)]).table()
    assert not table.complete
    assert len(table.columns[0]) == good_rows
    assert AGENT[0] in table.problem


@pytest.mark.parametrize("what", [name for name in BAD_VARBINDS if "walk" not in name])
def test_varbind_that_makes_no_sense_fails_a_get(what: str) -> None:
    with pytest.raises(SnmpError, match=r"192\.0\.2\.1:161"):
        Visit(lambda _, pdu: [response(pdu, BAD_VARBINDS[what])]).get((*COLUMN, 1))


def test_value_of_another_oid_is_not_taken_for_the_one_asked() -> None:
    for wire in (rows_of([2]), rows_of([1, 2]), b""):
        said = functools.partial(lambda varbinds, _, pdu: [response(pdu, varbinds)], wire)
        with pytest.raises(SnmpError, match="other OIDs"):
            Visit(said).get((*COLUMN, 1))


def test_string_of_64_kilobytes_is_read() -> None:
    big = b"x" * 65_000
    values = {(*COLUMN, 1): tlv(big), (*COLUMN, 2): tlv(b"small")}
    agent = Agent(values, max_bytes=65_300)
    visit = Visit(lambda datagram, _: [agent.answer(datagram) or b""])
    table = visit.table()
    assert table.complete
    assert table.columns == ({(1,): big, (2,): b"small"},)


def test_length_over_64_kilobytes_that_is_no_message_is_passed_over() -> None:
    with pytest.raises(SnmpTimeout):
        Visit(lambda *_: [b"\x30\x83\x01\x00\x00" + b"\0" * 0x10000]).get(SYS_UP_TIME)


def test_answer_over_64_kilobytes_is_read_like_any_other() -> None:
    count = 5000
    wire = rows_of(range(1, count)) + varbind((1, 4), tlv(1))
    assert len(wire) > 0x10000

    def wide(tag: int, content: bytes) -> bytes:
        return bytes((tag, 0x83)) + len(content).to_bytes(3, "big") + content

    def answer(_: bytes, pdu: Pdu) -> list[bytes]:
        numbers = tlv(pdu.request_id) + tlv(0) + tlv(0)
        return [wide(0x30, tlv(1) + tlv(b"public") + wide(0xA2, numbers + wide(0x30, wire)))]

    table = Visit(answer).table(max_rows=10_000)
    assert table.complete
    assert len(table.columns[0]) == count - 1


def test_values_of_wrong_types_are_handed_on_as_they_are() -> None:
    wire = varbind((*COLUMN, 1), tlv(-5)) + varbind((*COLUMN, 2), tlv((1, 3))) + varbind((1, 4), tlv(1))
    assert Visit(lambda _, pdu: [response(pdu, wire)]).table().columns == ({(1,): -5, (2,): (1, 3)},)


def test_more_rows_than_asked_are_taken_in_order() -> None:
    wire = rows_of(range(1, 900)) + varbind((1, 4), tlv(1))
    table = Visit(lambda _, pdu: [response(pdu, wire)]).table()
    assert table.complete
    assert len(table.columns[0]) == 899


def test_v1_error_index_out_of_range_ends_the_walk() -> None:
    def lie(_: bytes, pdu: Pdu) -> list[bytes]:
        body = messages.encode_pdu(PduType.RESPONSE, pdu.request_id, 2, 99, b"")
        return [messages.encode_message(0, b"public", body)]

    visit = Visit(lie, msgspec.structs.replace(CONFIG, version=SnmpVersion.V1))
    with pytest.raises(SnmpError, match="noSuchName"):
        visit.table(COLUMNS)
    with pytest.raises(SnmpError, match="noSuchName"):
        visit.get(SYS_UP_TIME)


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["set", "insert", "delete", "cut", "repeat"]), st.integers(0, 1 << 16), st.integers(0, 255)
    ),
    min_size=1,
    max_size=6,
)


def mutate(answer: bytes, changes: Sequence[tuple[str, int, int]]) -> bytes:
    data = bytearray(answer)
    for how, place, byte in changes:
        at = place % (len(data) or 1)
        match how:
            case "set" if data:
                data[at] = byte
            case "insert":
                data.insert(at, byte)
            case "delete":
                del data[at : at + byte % 9]
            case "cut":
                del data[at:]
            case "repeat":
                data[at:at] = data[at : at + byte]
    return bytes(data)


@settings(max_examples=400)
@given(st.integers(0, 5), CHANGES)
def test_mutated_answers_give_a_table_or_an_error_of_ours(which: int, changes: list[tuple[str, int, int]]) -> None:
    """Only errors of the SNMP family escape, and what is called complete has rows in order."""

    seen: list[bytes] = []

    def lie(datagram: bytes, _: Pdu) -> list[bytes]:
        seen.append(honest(datagram))
        return [mutate(seen[-1], changes) if len(seen) == which + 1 else seen[-1]]

    try:
        table = Visit(lie).table(COLUMNS)
    except (SnmpError, SnmpTimeout) as error:
        said = str(error)
    else:
        said = table.problem or AGENT[0]
        for column in table.columns:
            assert list(column) == sorted(column)
    assert AGENT[0] in said
    assert len(seen) <= 2 * len(PROCESSES) * len(COLUMNS)
