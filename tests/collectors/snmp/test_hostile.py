"""Agents that lie: whatever comes, a pass ends, keeps within bounds, and says what was wrong."""

from __future__ import annotations

import random

import pytest

from collectors.framework.snmp import ber, messages
from collectors.framework.snmp.interfaces import Oid
from collectors.framework.snmp.messages import Pdu, PduType
from collectors.framework.sources.checking import MAX_COMPONENTS
from collectors.snmp import reading
from common.components import MAX_NAME
from common.series import Kind
from tests.collectors.snmp.bench import IN, NAME, OUT, Bench, interfaces, keys_of, source
from tests.fakes.snmp_agent import Agent, tlv, varbind

TRAFFIC = source(walks=(IN, OUT, NAME), points={"in": "$1", "out": "$1 + $2"}, kind=Kind.COUNTER, name="{$3|index}")
LOAD = source("load", gets=((1, 3, 6, 1, 4, 1, 5, 0),), points={"load": "$1"}, component="device")
VALUES = interfaces({number: (f"if{number}", number, number) for number in range(1, 30)})


class Endless(Agent):
    """Its tables have no end: each row is followed by one more."""

    def _one(self, oid: Oid, *, following: bool) -> bytes:
        if not following:
            return super()._one(oid, following=following)
        return varbind((*oid[:11], oid[11] + 1 if len(oid) > 11 else 1), tlv(7, ber.COUNTER64))

    def _bulk(self, asked: list[Oid], single: int, rows: int) -> list[bytes]:
        found = [super(Endless, self)._one(oid, following=True) for oid in asked[:single]]
        for row in range(rows):
            found += [
                varbind((*oid[:11], (oid[11] if len(oid) > 11 else 0) + row + 1), tlv(7, ber.COUNTER64))
                for oid in asked[single:]
            ]
        return found


def test_a_table_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_ROWS", 800)
    bench = Bench({}, [TRAFFIC, LOAD], Endless(VALUES))
    for _ in range(3):
        found = bench.run()
        assert len(found["traffic"].rows) <= 1000
        assert keys_of(found["traffic"])
        bench.wait(60)
    assert found["load"].step == found["traffic"].step


def test_more_rows_than_can_be_kept_are_left_out_and_told() -> None:
    many = MAX_COMPONENTS + 3
    bench = Bench(
        {(*IN, number): tlv(number) for number in range(1, many + 1)},
        [source(walks=(IN,), points={"in": "$1"}, name="{index}")],
    )
    found = bench.run()["traffic"]
    assert (len(found.rows), found.complete, keys_of(found)) == (MAX_COMPONENTS, False, ["snmp_cut:traffic"])
    assert f"{many} rows" in found.problems[0].summary


class Noisy(Agent):
    """Now and then says something else than it should."""

    def __init__(self, seed: int) -> None:
        super().__init__(VALUES)
        self._rng = random.Random(seed)

    def respond(self, pdu: Pdu, version: int) -> bytes:
        rng, answer = self._rng, super().respond(pdu, version)
        what = rng.randrange(8)
        if what == 0:
            return messages.encode_pdu(
                PduType.RESPONSE, pdu.request_id, rng.randrange(-3, 25), rng.randrange(-2, 70), b""
            )
        if what == 1:
            at = rng.randrange(len(answer))
            return answer[:at] + bytes([rng.randrange(256)]) + answer[at + 1 :]
        if what == 2:
            oids = [oid for oid, _, _ in messages.decode_varbinds(pdu)]
            values = [
                tlv(2**64 - 1, ber.COUNTER64),
                tlv(b"\xff" * 400),
                tlv(None, ber.NO_SUCH_OBJECT),
                tlv((1, 3)),
                tlv(-1),
            ]
            body = b"".join(varbind((*oid, *[rng.randrange(9)] * rng.randrange(3)), rng.choice(values)) for oid in oids)
            return messages.encode_pdu(PduType.RESPONSE, pdu.request_id, 0, 0, body)
        return answer

    def answer(self, datagram: bytes, now: float = 0.0) -> bytes | None:
        return None if self._rng.random() < 0.1 else super().answer(datagram, now)


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_whatever_an_agent_says_a_pass_ends_with_readings(first: int) -> None:
    for seed in range(first, first + 50):
        _whatever(seed)


def _whatever(seed: int) -> None:
    bench = Bench({}, [TRAFFIC, LOAD], Noisy(seed))
    for _ in range(4):
        began = bench.reactor.seconds()
        found = bench.run()
        assert set(found) == {"traffic", "load"} or bench.device.rests
        assert bench.reactor.seconds() - began <= bench.device.timeout_s
        for result in found.values():
            names = [row.component for row in result.rows]
            assert len(set(names)) == len(names)
            assert all(len(name) <= MAX_NAME and (name.isprintable() or name == "") for name in names)
            assert all(len(problem.summary) <= 512 for problem in result.problems)
        bench.wait(60)
