"""What pings say of a device."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from collectors.snmp.gate import DOWN, FAILED, Gate
from collectors.snmp.ping import PingReading
from common.events import CLASS_PING, Severity
from common.sources import PingSource

GOOD, LOSSY, NONE = PingReading(3, 3, (0.1,) * 3), PingReading(3, 1, (0.1,)), PingReading(3, 0)


def source(**changes: Any) -> PingSource:
    return replace(PingSource(id="ping", template="ping", interval_s=60, confirm=2), **changes)


def closed(gate: Gate) -> bool:
    return gate.closed


def test_a_device_is_down_after_so_many_readings_without_an_answer_and_there_with_one() -> None:
    gate, ping = Gate(), source()
    assert gate.heed(ping, NONE, "web1") == ()
    assert not closed(gate)
    [problem] = gate.heed(ping, NONE, "web1")
    assert (problem.key, problem.event_class, problem.severity) == (DOWN, CLASS_PING, Severity.CRITICAL)
    assert problem.summary == "web1 does not answer to pings: none of 3 echoes was answered"
    assert closed(gate)
    assert gate.heed(ping, LOSSY, "web1") == ()
    assert not closed(gate)


def test_one_answer_begins_the_count_anew() -> None:
    gate, ping = Gate(), source()
    for reading in (NONE, LOSSY, NONE, GOOD, NONE):
        assert gate.heed(ping, reading, "web1") == ()
        assert not closed(gate)


def test_a_source_that_does_not_gate_only_tells() -> None:
    gate, ping = Gate(), source(gates=False, confirm=1)
    [problem] = gate.heed(ping, NONE, "web1")
    assert problem.message == ""
    assert not closed(gate)
    gate.keep([source(gates=True, confirm=1)])
    assert closed(gate)


def test_what_was_down_before_stays_so_until_it_answers() -> None:
    gate, ping = Gate({"ping"}), source()
    assert closed(gate)
    assert len(gate.heed(ping, NONE, "web1")) == 1
    assert closed(gate)
    gate.heed(ping, GOOD, "web1")
    assert not closed(gate)


def test_a_source_that_is_gone_closes_nothing() -> None:
    gate = Gate({"ping", "other"})
    gate.keep([source(id="third")])
    assert not closed(gate)
    assert gate.problems("ping") == ()


def test_what_the_own_network_says_is_passed_on() -> None:
    gate = Gate()
    [problem] = gate.heed(source(confirm=1), PingReading(1, 0, (), "Network is unreachable"), "10.0.0.1")
    assert problem.summary == (
        "10.0.0.1 does not answer to pings: its echo was not answered; this host's network says: Network is unreachable"
    )


def test_where_no_echo_can_be_sent_nothing_is_known_and_nothing_closed() -> None:
    gate = Gate({"ping"})
    [problem] = gate.cannot(source(), "set this and that")
    assert (problem.key, problem.event_class, problem.summary) == (FAILED, CLASS_PING, "set this and that")
    assert not closed(gate)
    assert gate.problems("ping") == ()
