"""Pings on a clock: which answers count, and how fast echoes go out."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace
from twisted.internet.defer import Deferred

from collectors.snmp import echo
from collectors.snmp.echosocket import Came, EchoSocket, PingImpossibleError
from collectors.snmp.ping import BURST, Pinger, PingReading
from common.pingpoints import POINTS
from common.sources import PingSource
from tests.fakes.snmp import FakeUdpReactor, result_of

HOST = "192.0.2.7"


def source(**changes: Any) -> PingSource:
    return replace(PingSource(id="ping", template="ping", interval_s=60, packets=3, gap_s=1.0), **changes)


class FakeEchoSocket:
    """Keeps what is sent; what `comes` is handed out."""

    request, reply, identifier = echo.V4_REQUEST, echo.V4_REPLY, 4711

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, str]] = []
        self.comes: list[Came] = []
        self.errors: list[OSError] = []
        self.open = True

    def fileno(self) -> int:
        return -1

    def send(self, packet: bytes, address: str) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append((packet, address))

    def receive(self) -> Came | None:
        return self.comes.pop(0) if self.comes else None

    def close(self) -> None:
        self.open = False


class Reactor(FakeUdpReactor):
    """One that reads from a socket when it is told to."""

    ear: Any = None

    def addReader(self, ear: Any) -> None:
        self.ear = ear

    def removeReader(self, ear: Any) -> None:
        assert ear is self.ear


class Wire:
    """A pinger on a clock, with a socket of ours."""

    def __init__(self, **options: Any) -> None:
        self.reactor = Reactor()
        self.socket = FakeEchoSocket()
        self.pinger = Pinger(self.reactor, open_socket=lambda _six: self.socket, **options)

    def ask(self, its: PingSource, address: str = HOST) -> Deferred[PingReading]:
        return Deferred.fromCoroutine(self.pinger.reading(its, address))

    def reply(self, number: int, **changes: Any) -> Came:
        """What answers an echo that was sent."""
        packet, address = self.socket.sent[number]
        _, _, _, identifier, sequence = struct.unpack_from("!BBHHH", packet)
        words = {"identifier": identifier, "sequence": sequence, "cookie": packet[8:24], "type": 0} | changes
        head = struct.pack("!BBHHH", words["type"], 0, 0, words["identifier"], words["sequence"])
        return Came(head + words["cookie"], words.get("source", address), words.get("waited_s", 0.0))

    def come(self, *came: Came) -> None:
        self.socket.comes += came
        self.reactor.ear.doRead()


def test_times_are_those_of_the_answers_and_the_loss_that_of_the_others() -> None:
    wire = Wire()
    done = wire.ask(source())
    wire.reactor.advance(0.010)
    wire.come(wire.reply(0))
    wire.reactor.advance(0.990)
    wire.reactor.advance(0.030)
    wire.come(wire.reply(1))
    wire.reactor.advance(0.970)
    assert len(wire.socket.sent) == 3
    wire.reactor.advance(1.9)
    assert not done.called
    wire.reactor.advance(0.1)
    reading = result_of(done)
    assert (reading.sent, reading.answered) == (3, 2)
    assert reading.rtts_s == pytest.approx((0.010, 0.030))
    values = reading.values()
    assert set(values) == set(POINTS)
    assert values == pytest.approx({"loss": 100 / 3, "rtt_min": 0.010, "rtt_avg": 0.020, "rtt_max": 0.030})
    assert not wire.reactor.getDelayedCalls()


def test_nothing_answered_is_a_loss_of_100_and_no_time() -> None:
    wire = Wire()
    done = wire.ask(source(packets=1))
    wire.reactor.advance(2)
    assert result_of(done).values() == {"loss": 100, "rtt_min": None, "rtt_avg": None, "rtt_max": None}


@pytest.mark.parametrize(
    "changes",
    [
        {"identifier": 4712},
        {"sequence": 77},
        {"cookie": bytes(16)},
        {"source": "192.0.2.8"},
        {"type": 8},
        {"cookie": b"short"},
    ],
)
def test_what_is_no_answer_to_the_echo_counts_for_nothing(changes: dict[str, Any]) -> None:
    wire = Wire()
    done = wire.ask(source(packets=1))
    wire.come(wire.reply(0, **changes))
    assert wire.pinger.strays == 1
    wire.reactor.advance(2)
    assert result_of(done).answered == 0


def test_an_answer_counts_once_and_a_late_one_never() -> None:
    wire = Wire()
    done = wire.ask(source(packets=2, gap_s=0.01))
    wire.come(wire.reply(0), wire.reply(0))
    wire.reactor.pump([0.01, 0.01, 0.98])
    assert not done.called
    wire.reactor.advance(1.5)
    reading = result_of(done)
    assert (reading.sent, reading.answered) == (2, 1)
    again = wire.ask(source(packets=1))
    wire.come(wire.reply(1))
    wire.reactor.advance(2)
    assert result_of(again).answered == 0
    assert wire.pinger.strays == 2


def test_what_has_waited_to_be_read_is_not_the_hosts_fault() -> None:
    wire = Wire()
    done = wire.ask(source(packets=1))
    wire.socket.comes.append(wire.reply(0, waited_s=4.98))
    wire.reactor.advance(5)  # the reactor was busy: the end of its time comes before it is read
    assert result_of(done).rtts_s == pytest.approx((0.02,))


def test_an_answer_that_came_too_late_is_none_though_it_is_read_before_its_time_is_up() -> None:
    wire = Wire()
    done = wire.ask(source(packets=1))
    wire.reactor.rightNow += 5  # the reactor was busy, and looks at its sockets first
    wire.come(wire.reply(0, waited_s=1))
    assert result_of(done).answered == 0


def test_echoes_of_many_devices_go_out_at_a_bounded_rate() -> None:
    wire = Wire(rate=100)
    readings = [wire.ask(source(packets=1), f"192.0.2.{number}") for number in range(100)]
    assert len(wire.socket.sent) == 1
    for _ in range(10):
        before = len(wire.socket.sent)
        wire.reactor.advance(BURST / 100)
        assert len(wire.socket.sent) - before <= BURST
    assert len(wire.socket.sent) == 100
    wire.come(*(wire.reply(number) for number in range(len(readings))))
    assert [result_of(done).answered for done in readings] == [1] * 100


def test_a_network_that_takes_nothing_is_told_and_a_full_queue_waited_for() -> None:
    wire = Wire()
    wire.socket.errors = [OSError(101, "Network is unreachable")]
    assert result_of(wire.ask(source(packets=1))) == PingReading(1, 0, (), "Network is unreachable")
    wire.reactor.advance(1)
    wire.socket.errors = [BlockingIOError(11, "again"), OSError(105, "No buffer space available")]
    done = wire.ask(source(packets=1))
    wire.reactor.pump([0.02] * 3)
    wire.come(wire.reply(0))
    assert result_of(done).answered == 1


def test_a_reading_that_is_given_up_leaves_nothing_behind() -> None:
    wire = Wire()
    done = wire.ask(source())
    done.addErrback(lambda _: None)
    done.cancel()
    wire.reactor.advance(BURST / 1000)
    assert not wire.reactor.getDelayedCalls()
    wire.come(wire.reply(0))
    assert wire.pinger.strays == 1


def test_a_pinger_that_is_closed_ends_what_goes_on() -> None:
    wire = Wire()
    done = wire.ask(source())
    wire.pinger.close()
    wire.reactor.advance(3)
    assert result_of(done).answered == 0
    assert not wire.socket.open


def test_the_checksum_is_that_of_the_rfc() -> None:
    packet = echo.request(echo.V4_REQUEST, 1, 2, b"0123456789abcdef")
    assert echo.checksum(packet) == 0
    assert len(packet) == 64


@contextlib.contextmanager
def opened(*, six: bool) -> Iterator[EchoSocket]:
    try:
        made = EchoSocket(six=six, rng=random.Random(1))
    except PingImpossibleError as error:
        pytest.skip(error.message)
    yield made
    made.close()


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_kernel_answers_on_the_loopback(address: str) -> None:
    with opened(six=":" in address) as real:
        cookie = random.Random(2).randbytes(16)
        packet = echo.request(real.request, real.identifier, 9, cookie)
        try:
            real.send(packet, address)
        except OSError as error:
            pytest.skip(f"this host has no {address}: {error}")
        end = time.monotonic() + 30
        while time.monotonic() < end:
            came = real.receive()
            answer = echo.answer(real.reply, came.packet) if came is not None else None
            if came is not None and answer is not None and answer.cookie == cookie:
                break
        else:
            pytest.fail("the kernel does not answer")
        assert answer == echo.Answer(real.identifier, 9, cookie)
        assert came.source == address
        assert 0 <= came.waited_s < 30


def test_who_may_send_nothing_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_words: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(PingImpossibleError, match=r"ping_group_range.*CAP_NET_RAW"):
        EchoSocket(six=False, rng=random.Random(1))
