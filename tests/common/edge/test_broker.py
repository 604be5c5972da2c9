"""The hardened broker: two of them get on, Twisted's own gets on with one, and a stranger gets nowhere."""

# mypy: allow-untyped-calls
# (trial's assertions and twisted.spread have no types)
from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.spread import banana, pb
from twisted.trial.unittest import SynchronousTestCase

from common.edge.broker import BrokerSettings, HardBroker
from common.edge.expressions import encode
from common.edge.pulse import Pulse
from common.edge.quota import LineQuota
from common.edge.sockets import Traffic
from common.errors import NotFoundError, PermanentError, RemoteError, TransientError
from common.wire import MAX_MESSAGE_BYTES, Alive, FailureCode, WireError, decode_answer
from tests.fakes.edge import Cable, Raw


class Target(pb.Referenceable):
    """What a peer may call."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, bytes]] = []
        self.waits: list[Deferred[bytes]] = []
        self.error: Exception = PermanentError("no")

    async def remote_echo(self, version: int, payload: bytes) -> bytes:
        self.calls.append((version, payload))
        return payload

    async def remote_wait(self, version: int, payload: bytes) -> bytes:
        self.calls.append((version, payload))
        self.waits.append(Deferred())
        return await self.waits[-1]

    async def remote_fail(self, version: int, payload: bytes) -> bytes:
        raise self.error

    def hidden(self, version: int, payload: bytes) -> None:
        raise AssertionError("only remote_ methods may be called")


def make(clock: Clock, *, is_client: bool, lines: LineQuota | None = None, **settings: Any) -> HardBroker:
    broker = HardBroker(
        clock,
        lines or LineQuota(clock),
        is_client=is_client,
        calls="there",
        title="the other side",
        settings=BrokerSettings(**settings),
    )
    broker.serve("there", Target())
    return broker


def target(broker: HardBroker) -> Target:
    found = broker._served[b"there"]
    assert isinstance(found, Target)
    return found


class PairCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.server = make(self.clock, is_client=False)
        self.client = make(self.clock, is_client=True)
        self.cable = Cable(self.clock, self.server, self.client)
        self.cable.pump()
        self.server.trust()
        self.client.trust()

    def call(self, name: str, payload: bytes = b"x", timeout_s: float = 15) -> Deferred[bytes]:
        d = Deferred.fromCoroutine(self.client.call(name, payload, timeout_s))
        self.cable.pump()
        return d

    def refusal(self, answer: bytes) -> RemoteError:
        with pytest.raises(RemoteError) as raised:
            decode_answer(answer, Alive)
        return raised.value


class CallTests(PairCase):
    def test_both_negotiate(self) -> None:
        self.assertTrue(self.successResultOf(self.client.negotiated))
        self.assertTrue(self.successResultOf(self.server.negotiated))

    def test_a_call_arrives_with_its_version_and_its_answer_comes_back(self) -> None:
        self.client.spoken = 7
        self.assertEqual(self.successResultOf(self.call("echo", b"tuple")), b"tuple")
        self.assertEqual(target(self.server).calls, [(7, b"tuple")])

    def test_both_sides_may_call(self) -> None:
        back = Deferred.fromCoroutine(self.server.call("echo", b"y", 15))
        self.cable.pump()
        self.assertEqual(self.successResultOf(back), b"y")

    def test_the_largest_message_crosses_both_ways(self) -> None:
        data = bytes(MAX_MESSAGE_BYTES)
        self.assertEqual(self.successResultOf(self.call("echo", data)), data)

    def test_a_larger_one_is_refused_before_it_is_sent(self) -> None:
        before = self.cable.client.sent
        self.failureResultOf(self.call("echo", bytes(MAX_MESSAGE_BYTES + 1)), WireError)
        self.assertEqual(self.cable.client.sent, before)
        self.assertEqual(self.client._waiting, {})

    def test_a_thousand_calls_at_once_are_answered_in_order(self) -> None:
        answers = [Deferred.fromCoroutine(self.client.call("echo", b"%d" % n, 15)) for n in range(900)]
        self.cable.pump()
        self.assertEqual([self.successResultOf(d) for d in answers], [b"%d" % n for n in range(900)])
        self.assertEqual(self.client._waiting, {})

    def test_a_call_that_is_not_answered_costs_the_connection_and_leaves_nothing(self) -> None:
        late, other = self.call("wait", timeout_s=15), self.call("wait", timeout_s=60)
        self.cable.run(14)
        self.assertNoResult(late)
        self.cable.run(1)
        self.assertIn("wait within 15 s", str(self.failureResultOf(late, TransientError).value))
        self.failureResultOf(other, TransientError)
        self.assertTrue(self.client.disconnected)
        self.assertTrue(self.server.disconnected)
        self.assertEqual(self.client._waiting, {})
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_who_cancels_stops_waiting_and_the_late_answer_hurts_nobody(self) -> None:
        d = self.call("wait")
        d.cancel()
        self.failureResultOf(d)
        target(self.server).waits[0].callback(b"late")
        self.cable.pump()
        self.assertEqual(self.successResultOf(self.call("echo")), b"x")
        self.assertEqual(self.client._waiting, {})

    def test_a_cancelled_call_still_ends_a_connection_that_never_answers(self) -> None:
        d = self.call("wait", timeout_s=15)
        d.cancel()
        self.failureResultOf(d)
        self.cable.run(15)
        self.assertTrue(self.client.disconnected)

    def test_calls_that_wait_fail_when_the_connection_is_lost(self) -> None:
        d = self.call("wait")
        self.server.give_up("enough")
        self.cable.pump()
        self.failureResultOf(d, TransientError)
        self.failureResultOf(self.call("echo"), TransientError)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_an_answer_after_the_end_goes_nowhere(self) -> None:
        self.call("wait").addErrback(lambda _: None)
        (waits,) = target(self.server).waits
        self.client.close("enough")
        self.cable.pump()
        self.assertTrue(self.server.disconnected)
        before = self.cable.server.sent
        waits.callback(b"late")
        self.assertEqual(self.cable.server.sent, before)

    def test_more_calls_than_may_be_in_progress_are_told_so(self) -> None:
        for _ in range(8):
            self.call("wait").addErrback(lambda _: None)
        self.assertEqual(self.refusal(self.successResultOf(self.call("echo"))).code, "busy")
        target(self.server).waits[0].callback(b"")
        self.cable.pump()
        self.assertEqual(self.successResultOf(self.call("echo")), b"x")

    def test_who_asks_is_told_of_the_end_once_and_at_once_when_it_is_over(self) -> None:
        reasons: list[str] = []
        self.client.on_lost(reasons.append)
        self.server.give_up("enough")
        self.cable.pump()
        self.assertEqual(len(reasons), 1)
        self.client.on_lost(reasons.append)
        self.assertEqual(len(reasons), 2)


class ErrorTests(PairCase):
    def fails(self, error: Exception) -> RemoteError:
        target(self.server).error = error
        return self.refusal(self.successResultOf(self.call("fail")))

    def test_errors_of_ours_cross_as_code_and_sentence(self) -> None:
        for error, code in (
            (NotFoundError("no device x"), "not_found"),
            (TransientError("no device x"), "unavailable"),
            (PermanentError("no device x"), "forbidden"),
            (WireError("no device x"), "bad_request"),
            (RemoteError("busy", "no device x"), "busy"),
            (RemoteError("made up", "no device x"), "internal"),
        ):
            found = self.fails(error)
            self.assertEqual((found.code, found.message), (code, "no device x"))

    def test_sentences_are_cut_and_made_fit_for_the_wire(self) -> None:
        self.assertEqual(self.fails(PermanentError("x" * 100_000)).message, "x" * 1000)
        self.assertEqual(self.fails(PermanentError("file \udcff")).message, "file ?")

    def test_a_defect_crosses_as_an_id_that_the_log_knows(self) -> None:
        with capturedLogs() as logs:
            found = self.fails(ZeroDivisionError("secret /etc/shadow"))
        self.assertEqual(found.code, "internal")
        self.assertNotIn("secret", found.message)
        self.assertNotIn("Zero", found.message)
        (logged,) = (event for event in logs if event["log_level"] is LogLevel.critical)
        self.assertIn(logged["id"], found.message)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_an_object_or_method_that_is_not_there_is_refused_in_one_line(self) -> None:
        for name in ("nothing", "hidden", "__init__", "Echo", "echo\n", "x" * 33):
            found = self.refusal(self.successResultOf(self.call(name)))
            self.assertEqual((found.code, found.message), ("bad_request", "there is no such object or method here"))

    def test_the_error_of_a_stock_broker_fails_the_call_and_is_not_read(self) -> None:
        d = self.call("wait")
        self.cable.server.write(encode([b"error", 1, [b"os.system", [b"tuple", b"rm"]]]))
        self.cable.pump()
        self.failureResultOf(d, TransientError)
        self.assertFalse(self.client.lost)


class StrangerCase(SynchronousTestCase):
    """A hub-side broker, and a peer that says what it likes."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.server = make(self.clock, is_client=False)
        self.raw = Raw()
        self.cable = Cable(self.clock, self.server, self.raw)
        self.cable.pump()

    def say(self, *data: bytes) -> None:
        for chunk in data:
            self.cable.client.write(chunk)
        self.cable.pump()

    def greet(self) -> None:
        self.say(encode(b"pb"), encode([b"version", 6]))


class StrangerTests(StrangerCase):
    def test_the_greeting_offers_nothing_but_pb(self) -> None:
        self.assertEqual(bytes(self.raw.heard), encode([b"pb"]))

    def test_silence_is_dropped_after_ten_seconds(self) -> None:
        self.cable.run(9.5)
        self.assertEqual(self.server.lost, "")
        self.cable.run(0.5)
        self.assertIn("not logged in within 10 s", self.server.lost)
        self.assertTrue(self.raw.lost)

    def test_chatter_does_not_stop_the_timer(self) -> None:
        self.greet()
        for _ in range(10):
            self.say(encode([b"decref", 1]))
            self.cable.run(1)
        self.assertIn("not logged in", self.server.lost)

    def test_a_stranger_has_only_so_much_to_say(self) -> None:
        self.greet()
        self.say(encode([b"decref", 1]) * 48)
        self.assertEqual(self.server.lost, "")
        self.say(encode([b"decref", 1]))
        self.assertIn("more than 50 messages before the login", self.server.lost)

    def test_a_peer_that_says_too_much_is_read_more_slowly_and_kept(self) -> None:
        self.greet()
        self.server.trust()
        self.say(encode([b"decref", 1]) * 2000)
        self.assertTrue(self.cable.server.reading)
        self.say(encode([b"decref", 1]) * 1000)
        self.assertFalse(self.cable.server.reading)
        self.cable.run(0.4, 0.1)
        self.assertFalse(self.cable.server.reading)
        self.cable.run(0.2, 0.1)
        self.assertTrue(self.cable.server.reading)
        self.assertEqual(self.server.lost, "")

    def test_a_connection_that_ends_while_it_is_held_leaves_no_timer(self) -> None:
        self.greet()
        self.server.trust()
        self.say(encode([b"decref", 1]) * 3000)
        self.server.close("enough")
        self.cable.pump()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_trust_widens_the_budget(self) -> None:
        self.greet()
        self.server.trust()
        self.say(encode([b"message", 1, b"there", b"echo", 1, [b"tuple", 1, bytes(100_000)], [b"dictionary"]]))
        self.assertEqual(self.server.lost, "")
        self.assertEqual(len(target(self.server).calls), 1)

    def test_arguments_of_another_shape_are_refused_and_never_unjellied(self) -> None:
        self.greet()
        for arguments, keywords in (
            ([b"tuple", b"1", b"x"], [b"dictionary"]),
            ([b"tuple", 1, b"x", 1], [b"dictionary"]),
            ([b"tuple", 1], [b"dictionary"]),
            ([b"list", 1, b"x"], [b"dictionary"]),
            ([b"tuple", 1, [b"reference", 1, b"x"]], [b"dictionary"]),
            ([b"tuple", 1, b"x"], [b"dictionary", [b"k", 1]]),
            ([b"tuple", 1, b"x"], [b"os.system", b"x"]),
            (1, 2),
        ):
            before = len(self.raw.heard)
            self.say(encode([b"message", 1, b"there", b"echo", 1, arguments, keywords]))
            self.assertIn(b"takes an integer and bytes", bytes(self.raw.heard[before:]))
        self.assertEqual(target(self.server).calls, [])

    def test_a_call_that_wants_no_answer_gets_none(self) -> None:
        self.greet()
        before = len(self.raw.heard)
        self.say(encode([b"message", 1, b"there", b"echo", 0, [b"tuple", 1, b"x"], [b"dictionary"]]))
        self.assertEqual((len(target(self.server).calls), len(self.raw.heard)), (1, before))


def nested(depth: int) -> bytes:
    return b"\x01\x80" * depth


def stock(expression: Any) -> bytes:
    """Encode what our own encoder cannot say."""
    writer: Any = banana.Banana()
    sent: list[bytes] = []
    writer.transport = type("T", (), {"write": staticmethod(sent.append)})
    writer.setPrefixLimit(64)
    writer.currentDialect = b"pb"
    writer.sendEncoded(expression)
    return b"".join(sent)


def call_of(argument: Any) -> bytes:
    return stock([b"message", 1, b"root", b"login", 1, [b"tuple", argument], [b"dictionary"]])


def laughs(levels: int) -> Any:
    inner: Any = [b"reference", 1, [b"tuple", b"ha", b"ha"]]
    for n in range(2, levels):
        inner = [b"reference", n, [b"tuple", inner, [b"dereference", n - 1]]]
    return inner


GREETING = encode(b"pb") + encode([b"version", 6])
PAYLOADS: dict[str, Callable[[], bytes]] = {
    "a string of a gigabyte": lambda: GREETING + b"\x00\x28\x6b\x5c\x03\x82" + b"x" * 100_000,
    "a prefix of 65 bytes": lambda: GREETING + b"\x01" * 65,
    "lists that never close": lambda: GREETING + nested(1_000_000),
    "lists before the greeting": lambda: nested(1_000_000),
    "a list of many long strings": lambda: GREETING + b"\x00\x00\x27\x80" + (b"\x00\x00\x27\x82" + b"x" * 655_360) * 3,
    "keys that collide": lambda: (
        GREETING + call_of([b"dictionary", *([n * (2**61 - 1) + 7, 1] for n in range(1, 20_000))])
    ),
    "a billion laughs": lambda: GREETING + call_of(laughs(24)),
    "a deep argument": lambda: GREETING + b"\x07\x80" + encode(b"message") + nested(100_000),
    "didNotUnderstand, again and again": lambda: GREETING + stock([b"didNotUnderstand", b"x" * 600_000]) * 5,
    "five thousand bad calls": lambda: GREETING + call_of(b"x") * 5000,
    "an unknown command": lambda: GREETING + encode([b"format", b"c:"]),
    "an answer to nothing": lambda: GREETING + encode([b"answer", 5, b"x"]),
    "an uncache of nothing": lambda: GREETING + encode([b"uncache", 5]),
    "another version": lambda: GREETING + encode([b"version", 5]),
    "no list": lambda: GREETING + encode(5),
    "an empty list": lambda: GREETING + encode([]),
    "another dialect": lambda: encode(b"none"),
    "http": lambda: b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 10,
    "login, a thousand times": lambda: GREETING + call_of(b"admin") * 1100,
}


@pytest.mark.parametrize("name", PAYLOADS)
def test_attacks_are_dropped_with_little_held_and_little_logged(name: str) -> None:
    clock = Clock()
    server = make(clock, is_client=False)
    raw = Raw()
    cable = Cable(clock, server, raw)
    cable.pump()
    data = PAYLOADS[name]()
    taken = held = 0
    with capturedLogs() as logs:
        for start in range(0, len(data), 32768):
            if server.lost:
                break
            server.dataReceived(data[start : start + 32768])
            taken += 32768
            held = max(held, server._reader.held_bytes)
        assert server.lost, "it was dropped at once, not by the login timer"
        cable.pump()
    assert server.disconnected
    assert taken <= 64 * 1024, "it was dropped at the first reads"
    assert held <= 4096 + 10
    assert len(raw.heard) <= 128 * 1024, "and little was answered"
    lines = [event for event in logs if event["log_level"] >= LogLevel.warn]
    assert len(lines) == 1
    assert len(lines[0]["what"]) < 120
    assert clock.getDelayedCalls() == []


@given(st.lists(st.binary(max_size=60), max_size=12), st.booleans(), st.booleans())
def test_no_bytes_raise_out_of_the_broker(chunks: list[bytes], greets: bool, is_client: bool) -> None:
    clock = Clock()
    broker = make(clock, is_client=is_client, lines=LineQuota(clock, per_minute=0))
    cable = Cable(clock, broker, Raw())
    cable.pump()
    if greets:
        broker.dataReceived(encode([b"pb"]) if is_client else GREETING)
    for chunk in chunks:
        broker.dataReceived(chunk)
    cable.run(10, 5)
    assert broker.disconnected
    assert clock.getDelayedCalls() == []


WORDS = st.sampled_from([b"message", b"answer", b"error", b"decref", b"version", b"there", b"echo", b"wait", b"tuple"])
PIECES = st.recursive(
    WORDS | st.integers(0, 9) | st.binary(max_size=5), lambda inner: st.lists(inner, max_size=6), max_leaves=12
)


@given(st.lists(st.lists(PIECES, max_size=7), max_size=6))
def test_no_well_formed_expression_raises_either(expressions: list[Any]) -> None:
    clock = Clock()
    broker = make(clock, is_client=False, lines=LineQuota(clock, per_minute=0))
    cable = Cable(clock, broker, Raw())
    cable.pump()
    broker.dataReceived(GREETING)
    for expression in expressions:
        broker.dataReceived(encode(expression))
    cable.run(10, 5)
    assert broker.disconnected


class GateTests(StrangerCase):
    def flood(self) -> int:
        """Call and call, read nothing; give the bytes that the hub would take."""
        self.greet()
        self.server.trust()
        self.cable.server.reading = True
        payload = bytes(30_000)
        one = encode([b"message", 1, b"there", b"echo", 1, [b"tuple", 1, payload], [b"dictionary"]])
        self.cable.client.reading = False
        taken = 0
        for _ in range(300):
            self.clock.advance(0.1)
            self.cable.client.write(one)
            before = len(self.cable.client.outbox)
            self.cable.pump()
            taken += before - len(self.cable.client.outbox)
        return taken

    def test_who_does_not_read_is_not_read_either(self) -> None:
        taken = self.flood()
        self.assertFalse(self.cable.server.reading)
        self.assertLess(taken, 2 * 1024 * 1024)
        self.assertLess(len(self.cable.server.outbox), 2 * 1024 * 1024)

    def test_reading_goes_on_when_the_peer_has_read(self) -> None:
        self.flood()
        self.cable.client.reading = True
        self.cable.pump()
        self.assertTrue(self.cable.server.reading)
        self.assertEqual(self.server.lost, "")

    def test_two_full_messages_that_cross_do_not_stop_each_other(self) -> None:
        clock = Clock()
        server, client = make(clock, is_client=False), make(clock, is_client=True)
        cable = Cable(clock, server, client)
        cable.pump()
        for broker in (server, client):
            broker.trust()
        data = bytes(MAX_MESSAGE_BYTES)
        both = [Deferred.fromCoroutine(broker.call("echo", data, 15)) for broker in (server, client)]
        self.assertTrue(cable.server.producer_paused)
        self.assertTrue(cable.client.producer_paused)
        cable.pump()
        for d in both:
            self.assertEqual(self.successResultOf(d), data)


class PulseTests(PairCase):
    def beat(self, broker: HardBroker) -> Pulse:
        async def beat() -> None:
            await broker.call("echo", b"", 60)

        pulse = Pulse(self.clock, broker, beat, 5.0)
        pulse.start()
        return pulse

    def test_a_living_peer_is_kept(self) -> None:
        self.beat(self.client)
        self.cable.run(120)
        self.assertEqual(self.client.lost, "")
        self.assertGreater(len(target(self.server).calls), 20)

    def test_a_cut_cable_is_noticed_by_both_within_25_seconds(self) -> None:
        self.beat(self.client)
        self.beat(self.server)
        self.cable.run(12)
        self.cable.cut()
        self.cable.run(25)
        for broker in (self.client, self.server):
            self.assertIn("no sign of life for 15 s", broker.lost)
            self.assertTrue(broker.disconnected)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_bytes_are_signs_of_life_while_an_answer_waits(self) -> None:
        async def beat() -> None:
            await self.client.call("wait", b"", 60)

        Pulse(self.clock, self.client, beat, 5.0).start()
        for _ in range(10):
            self.cable.run(4)
            self.cable.server.write(encode([b"decref", 1]))
        self.assertEqual(self.client.lost, "")
        self.cable.run(30)
        self.assertTrue(self.client.lost)

    def silent(self, counts: list[Traffic | None], seconds: float) -> str:
        """How a connection fares whose beat is never answered, while the kernel counts this, tick by tick."""

        async def beat() -> None:
            await self.client.call("wait", b"", 600)

        given = iter(counts)
        Pulse(self.clock, self.client, beat, 5.0, lambda: next(given, counts[-1])).start()
        self.cable.run(seconds)
        return self.client.lost

    def test_a_peer_that_takes_in_a_long_message_is_kept_as_long_as_it_does(self) -> None:
        leaving: list[Traffic | None] = [Traffic(n * 5000, 0, leaving=True) for n in range(20)]
        self.assertEqual(self.silent(leaving, 99), "")
        self.cable.run(22)
        self.assertIn("no sign of life for 15 s", self.client.lost)

    def test_parts_of_a_message_of_which_nothing_can_be_read_yet_are_signs_of_life(self) -> None:
        coming: list[Traffic | None] = [Traffic(0, n * 700, leaving=False) for n in range(20)]
        self.assertEqual(self.silent(coming, 99), "")
        self.cable.run(22)
        self.assertIn("no sign of life for 15 s", self.client.lost)

    def test_that_the_kernel_took_the_beat_is_no_sign_of_life(self) -> None:
        taken: list[Traffic | None] = [Traffic(0, 0, leaving=False), Traffic(60, 0, leaving=False)]
        self.assertIn("no sign of life for 15 s", self.silent(taken, 21))

    def test_a_message_that_is_stuck_is_none_either(self) -> None:
        self.assertIn("no sign of life for 15 s", self.silent([Traffic(9, 0, leaving=True)], 21))

    def test_where_nobody_counts_bytes_that_are_read_decide(self) -> None:
        self.assertIn("no sign of life for 15 s", self.silent([None], 21))

    def test_a_peer_that_refuses_the_heartbeat_is_left(self) -> None:
        async def beat() -> None:
            decode_answer(await self.client.call("fail", b"", 60), Alive)

        Pulse(self.clock, self.client, beat, 5.0).start()
        self.cable.run(6)
        self.assertIn("heartbeat refused: no", self.client.lost)

    def test_a_peers_words_cannot_forge_a_log_line(self) -> None:
        target(self.server).error = PermanentError("no\n2026-01-01 all is well \x1b[2J")

        async def beat() -> None:
            decode_answer(await self.client.call("fail", b"", 60), Alive)

        Pulse(self.clock, self.client, beat, 5.0).start()
        with capturedLogs() as logs:
            self.cable.run(6)
        self.assertIn("no?2026-01-01 all is well ?[2J", self.client.lost)
        self.assertFalse(any("\n" in str(event.get("what")) for event in logs))


class StockTests(SynchronousTestCase):
    """It is Perspective Broker: Twisted's own speaks with it."""

    def test_a_stock_client_calls_and_is_answered(self) -> None:
        clock = Clock()
        server = make(clock, is_client=False)
        client: Any = pb.Broker()
        client.factory = type("F", (), {"clientConnectionMade": staticmethod(lambda broker: None)})
        cable = Cable(clock, server, client)
        cable.pump()
        answer = client.remoteForName("there").callRemote("echo", 1, b"hello")
        refused = client.remoteForName("there").callRemote("echo", "hello")
        cable.pump()
        self.assertEqual(self.successResultOf(answer), b"hello")
        with contextlib.suppress(RemoteError):
            decode_answer(self.successResultOf(refused), Alive)
        self.assertEqual(FailureCode.BAD_REQUEST.value, "bad_request")
        self.assertEqual(server.lost, "")
