"""The hub's end: who may log in, what a session does, what an authenticated liar gets."""

# mypy: allow-untyped-calls
# (trial's assertions and twisted.spread have no types)
from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import msgspec
from cryptography.x509.oid import ExtendedKeyUsageOID
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.logger import LogLevel, capturedLogs
from twisted.spread import pb
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from common.certificates import (
    collector_tls_options,
    ensure_site,
    issue_collector,
    revoke_collector,
    with_tls,
)
from common.digests import digest
from common.durable import write_whole
from common.edge.authority import issue
from common.edge.broker import HardBroker
from common.edge.certificate import collector_uri
from common.edge.collectorfiles import store_collector
from common.edge.expressions import encode as expression
from common.edge.pem import new_key, pem
from common.errors import PermanentError, RemoteError, TransientError
from common.events import CLASS_PROCESS, Event, Severity
from common.moving import PieceQuery
from common.queries import Done, LiveConfigQuery, Picture
from common.wire import (
    Alive,
    Attach,
    Attached,
    ConfigBatch,
    EventBatch,
    EventsStored,
    Failure,
    FailureCode,
    Heartbeat,
    HeldRequest,
    ModelReport,
    SpooledEvent,
    TaskCounts,
    decode_answer,
    encode,
)
from hub.broker.perspective import SessionSettings
from hub.interfaces import IFrontDesk, ISession
from tests.fakes.edge import Cable
from tests.fakes.edge_site import Edge
from tests.fakes.sessions import FakeFrontDesk, FakeHubClient, device_config

CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH


def batch(*numbers: int) -> EventBatch:
    return EventBatch(
        spool="s1",
        events=[
            SpooledEvent(n, Event(device="d", event_class=CLASS_PROCESS, severity=Severity.ERROR, summary="x", at=1.0))
            for n in numbers
        ],
    )


class Ponger(pb.Referenceable):
    """A collector that only shows that it lives."""

    async def remote_ping(self, _version: int, _payload: bytes) -> bytes:
        return encode(Alive())


class EdgeCase(SynchronousTestCase):
    settings: ClassVar[dict[str, Any]] = {}

    def setUp(self) -> None:
        self.edge = Edge(**self.settings)
        self.addCleanup(self.edge.close)
        self.desk = self.edge.desk

    def certificates(self, name: str = "local") -> Path:
        return issue_collector(self.edge.site, name, self.edge.folder / "certs" / name)

    def connect(self, folder: Path, host: str = "192.0.2.1") -> HardBroker:
        """Connect a bare broker with somebody's certificate; it does only what the test tells it."""
        options = collector_tls_options(folder, self.edge.wall)
        broker = HardBroker(self.edge.clock, None, is_client=True, calls="hub", title="the hub")
        client = with_tls(options, Factory.forProtocol(lambda: broker), self.edge.clock, is_client=True)
        server = self.edge.listener._door.buildProtocol(IPv4Address("TCP", host, 4000))
        self.edge.cables.append(Cable(self.edge.clock, server, client.buildProtocol(None), host))
        self.edge.pump()
        return broker

    def ask(self, broker: HardBroker, name: str, payload: bytes) -> Deferred[bytes]:
        d = Deferred.fromCoroutine(broker.call(name, payload, 15))
        self.edge.pump()
        return d

    def answer(self, broker: HardBroker, name: str, payload: bytes, type_: Any) -> Any:
        return decode_answer(self.successResultOf(self.ask(broker, name, payload)), type_)

    def refusal(self, broker: HardBroker, name: str, payload: bytes) -> RemoteError:
        with self.assertRaises(RemoteError) as raised:
            self.answer(broker, name, payload, Alive)
        found: RemoteError = raised.exception
        return found

    def attach(self, broker: HardBroker, **changes: Any) -> Attached:
        fields = {
            "daemon": "process",
            "host": "box",
            "software": "0.1",
            "oldest": 1,
            "newest": 1,
            "spool": "s1",
            "started_at": 1.0,
        }
        found: Attached = self.answer(broker, "attach", encode(Attach(**{**fields, **changes})), Attached)
        broker.trust()
        self.edge.run(0.5)
        return found


class LoginTests(EdgeCase):
    def test_the_fakes_keep_the_contract(self) -> None:
        verifyObject(IFrontDesk, FakeFrontDesk())

    def test_a_collector_is_who_its_certificate_says(self) -> None:
        answer = self.attach(self.connect(self.certificates("eu1")))
        self.assertEqual((answer.collector, answer.version, answer.epoch), ("eu1", 1, "e1"))
        (session,) = self.desk.sessions.values()
        verifyObject(ISession, session)
        self.assertEqual((session.collector, session.daemon, session.host), ("eu1", "process", "box"))
        self.assertEqual(session.since, self.edge.start)

    def test_nothing_is_answered_before_the_login(self) -> None:
        broker = self.connect(self.certificates())
        for name, message in (
            ("events", batch(1)),
            ("heartbeat", Heartbeat(counts=TaskCounts())),
            ("modelled", ModelReport(device="d", at=1.0)),
        ):
            self.assertEqual(self.refusal(broker, name, encode(message)).code, "not_attached")
        self.assertEqual((self.desk.batches, self.desk.beats, self.desk.reports), ([], [], []))

    def test_nobody_bears_the_hubs_own_name(self) -> None:
        request = Attach(daemon="hub", host="box", software="0.1", oldest=1, newest=1, spool="s1", started_at=1.0)
        found = self.refusal(self.connect(self.certificates()), "attach", encode(request))
        self.assertEqual(found.code, "bad_request")
        self.assertIn("no daemon can be called hub", found.message)
        with self.assertRaisesRegex(PermanentError, "no collector can be called hub"):
            self.certificates("hub")
        self.assertEqual(self.desk.sessions, {})

    def test_one_that_was_called_hub_before_that_was_refused_gets_in_no_more(self) -> None:
        site, key, folder = self.edge.site, new_key(), self.edge.folder / "certs" / "old"
        made = issue(site.ca, key.public_key(), "hub", [collector_uri("hub")], CLIENT_AUTH, 90, self.edge.wall())
        write_whole(site.pki / "issued" / "hub.crt", pem(made), 0o644)
        store_collector(folder, site.ca.certificate, key, made)
        request = Attach(daemon="process", host="box", software="0.1", oldest=1, newest=1, spool="s1", started_at=1.0)
        found = self.refusal(self.connect(folder), "attach", encode(request))
        self.assertEqual(found.code, "forbidden")
        self.assertIn("no collector can be called hub", found.message)
        self.assertTrue(revoke_collector(site, "hub"))

    def test_a_login_is_tried_once_for_each_connection(self) -> None:
        broker = self.connect(self.certificates())
        self.attach(broker)
        self.assertIn("once", self.refusal(broker, "attach", b"\x00\x80").message)

    def test_versions_that_do_not_meet_are_refused_with_who_is_behind(self) -> None:
        for versions, behind in (((7, 9), "update this hub"), ((0, 0), "update collector eu1")):
            broker = self.connect(self.certificates("eu1"))
            with self.assertRaises(RemoteError) as raised:
                self.attach(broker, oldest=versions[0], newest=versions[1])
            self.assertEqual(raised.exception.code, "version")
            self.assertIn(behind, raised.exception.message)
        self.assertEqual(self.desk.sessions, {})

    def test_a_call_in_another_version_than_agreed_is_refused(self) -> None:
        broker = self.connect(self.certificates())
        self.attach(broker)
        broker.spoken = 2
        self.assertEqual(self.refusal(broker, "heartbeat", encode(Heartbeat(counts=TaskCounts()))).code, "version")

    def test_what_the_desk_refuses_is_told_to_the_collector_and_the_log(self) -> None:
        self.desk.fails["attached"] = PermanentError("collector eu1 is disabled; enable it on the hub" + "é" * 5000)
        with capturedLogs() as logs, self.assertRaises(RemoteError) as raised:
            self.attach(self.connect(self.certificates("eu1")))
        self.assertEqual(raised.exception.code, "forbidden")
        self.assertIn("is disabled", raised.exception.message)
        self.assertTrue(any("is disabled" in event.get("what", "") for event in logs))

    def test_a_login_that_cannot_be_read_is_named_and_not_repeated_in_the_log(self) -> None:
        with capturedLogs() as logs:
            error = self.refusal(self.connect(self.certificates()), "attach", b"\x00\x81\xa4type\xa5\x1b[31m")
        self.assertEqual(error.code, "bad_request")
        self.assertFalse(any("\x1b" in str(event.get("what")) for event in logs))

    def test_a_daemons_name_cannot_forge_log_lines(self) -> None:
        with self.assertRaises(RemoteError):
            self.attach(self.connect(self.certificates()), daemon="x\nall is well")
        self.assertEqual(self.desk.sessions, {})

    def test_revoked_and_replaced_certificates_are_refused(self) -> None:
        old = self.certificates()
        kept = self.edge.folder / "kept"
        old.rename(kept)
        self.certificates()
        with self.assertRaises(RemoteError) as raised:
            self.attach(self.connect(kept))
        self.assertIn("replaced", raised.exception.message)
        revoke_collector(self.edge.site, "local")
        with self.assertRaises(RemoteError) as raised:
            self.attach(self.connect(old))
        self.assertIn("revoked", raised.exception.message)

    def test_a_certificate_revoked_in_mid_session_ends_it_though_the_peer_sends_no_heartbeat(self) -> None:
        broker = self.connect(self.certificates())
        broker.serve("collector", Ponger())
        self.attach(broker)
        self.edge.run(30)
        self.assertEqual(broker.lost, "", "whoever answers lives")
        revoke_collector(self.edge.site, "local")
        self.edge.run(SessionSettings().heartbeat_s + 1)
        self.assertTrue(broker.disconnected)
        self.assertIn("revoked", self.desk.gone[0][1])

    def test_a_certificate_that_ends_in_mid_session_ends_it_too(self) -> None:
        site = msgspec.structs.replace(self.edge.site, collector_days=60 / 86400)
        broker = self.connect(issue_collector(site, "local", self.edge.folder / "certs" / "short"))
        broker.serve("collector", Ponger())
        self.attach(broker)
        self.edge.run(50)
        self.assertEqual(broker.lost, "")
        self.edge.run(10 + SessionSettings().heartbeat_s + 1)
        self.assertTrue(broker.disconnected)
        self.assertIn("has expired", self.desk.gone[0][1])

    def test_a_new_session_aborts_the_old_one(self) -> None:
        folder = self.certificates()
        first, second = self.connect(folder), self.connect(folder)
        self.attach(first)
        self.attach(second)
        self.assertTrue(first.disconnected)
        self.assertEqual(second.lost, "")
        self.assertEqual(len(self.desk.sessions), 1)
        self.assertEqual([reason for _, reason in self.desk.gone], ["the same daemon has logged in again"])

    def test_two_daemons_of_one_collector_have_a_session_each(self) -> None:
        folder = self.certificates()
        for daemon in ("process", "snmp"):
            self.attach(self.connect(folder), daemon=daemon)
        self.assertEqual(len(self.desk.sessions), 2)

    def test_a_connection_lost_during_the_login_is_detached_too(self) -> None:
        self.desk.hold = Deferred()
        broker = self.connect(self.certificates())
        self.ask(broker, "attach", encode(FakeHubClient().attach_request())).addErrback(lambda _: None)
        broker.close("gone")
        self.edge.pump()
        self.desk.hold.callback(None)
        self.assertEqual(len(self.desk.gone), 1)
        self.assertEqual(self.desk.sessions, {})

    def test_a_desk_that_never_answers_does_not_hold_a_connection_for_ever(self) -> None:
        self.desk.hold = Deferred()
        broker = self.connect(self.certificates())
        self.ask(broker, "attach", encode(FakeHubClient().attach_request())).addErrback(lambda _: None)
        self.edge.run(11)
        self.assertTrue(broker.disconnected)


class Silent:
    """A peer over TCP that never says a word."""

    lost = False

    def makeConnection(self, transport: Any) -> None:
        self.transport = transport

    def dataReceived(self, data: bytes) -> None:
        raise AssertionError("nothing is said to who says nothing")

    def connectionLost(self, reason: Any) -> None:
        self.lost = True


class DoorTests(EdgeCase):
    settings: ClassVar[dict[str, Any]] = {
        "max_connections": 8,
        "max_strangers": 4,
        "connections_burst": 7,
        "connections_per_s": 1.0,
    }

    def silent(self, host: str = "192.0.2.66") -> Silent | None:
        server = self.edge.listener._door.buildProtocol(IPv4Address("TCP", host, 4000))
        if server is None:
            return None
        peer = Silent()
        self.edge.cables.append(Cable(self.edge.clock, server, peer, host))
        return peer

    def test_silent_connections_are_gone_after_ten_seconds(self) -> None:
        peers = [self.silent() for _ in range(3)]
        self.edge.run(10.5)
        self.assertEqual([peer.lost for peer in peers if peer], [True] * 3)
        self.assertEqual(self.edge.listener.connections, 0)

    def test_the_eldest_stranger_makes_room_and_a_real_collector_gets_in(self) -> None:
        peers = [self.silent() for _ in range(6)]
        self.edge.pump()
        self.assertEqual([peer.lost for peer in peers if peer], [True, True, False, False, False, False])
        self.attach(self.connect(self.certificates()))
        self.assertEqual(len(self.desk.sessions), 1)

    def test_who_has_logged_in_never_makes_room(self) -> None:
        broker = self.connect(self.certificates())
        self.attach(broker)
        for _ in range(6):
            self.silent()
        self.edge.pump()
        self.assertEqual(broker.lost, "")

    def test_an_address_that_connects_too_often_is_turned_away_and_others_are_not(self) -> None:
        with capturedLogs() as logs:
            peers = [self.silent() for _ in range(200)]
            self.edge.pump()
        self.assertEqual(sum(peer is not None for peer in peers), 7)
        self.assertLessEqual(len([event for event in logs if event["log_level"] is LogLevel.warn]), 12)
        self.assertIsNotNone(self.silent("192.0.2.1"))

    def test_there_are_never_more_connections_than_may_be(self) -> None:
        for n in range(6):
            self.attach(self.connect(self.certificates(f"c{n}"), host=f"192.0.2.{n}"))
        self.assertIsNotNone(self.silent("192.0.2.50"))
        self.assertIsNotNone(self.silent("192.0.2.51"))
        self.assertIsNone(self.silent("192.0.2.52"))


class SessionTests(EdgeCase):
    """A session against the real link of a collector."""

    def setUp(self) -> None:
        super().setUp()
        self.client = FakeHubClient()
        self.link = self.edge.link(self.client)
        self.link.startService()
        self.edge.run(1)
        (self.session,) = self.desk.sessions.values()

    def do(self, awaitable: Any) -> Deferred[Any]:
        d = Deferred.fromCoroutine(awaitable)
        self.edge.run(0.5)
        return d

    def test_configs_are_pushed_and_told(self) -> None:
        config = device_config()
        pushed = self.successResultOf(self.do(self.session.push(ConfigBatch(revision=3, changed=[config], removed=[]))))
        self.assertEqual(pushed.live, {"web1": digest(config)})
        held = self.successResultOf(self.do(self.session.held(HeldRequest())))
        self.assertEqual((held.configs, held.all), ([("web1", digest(config))], pushed.all))

    def test_queries_are_answered_by_type(self) -> None:
        self.assertEqual(self.successResultOf(self.do(self.session.query(LiveConfigQuery("web1")))), Done(1))

    def test_what_the_desk_asks_while_it_registers_comes_after_the_answer(self) -> None:
        asked: list[Deferred[Any]] = []
        self.desk.on_attached = lambda session: asked.append(Deferred.fromCoroutine(session.held(HeldRequest())))
        other = FakeHubClient()
        self.edge.link(other, "other").startService()
        self.edge.run(1)
        self.assertEqual(self.successResultOf(asked[0]).configs, [])
        self.assertEqual(len(other.sessions), 1)

    def test_one_push_is_in_flight_and_queries_pass_it(self) -> None:
        self.client.stuck["apply"] = Deferred()
        first = self.do(self.session.push(ConfigBatch(revision=1, changed=[device_config("a")], removed=[])))
        second = self.do(self.session.push(ConfigBatch(revision=2, changed=[device_config("b")], removed=[])))
        self.assertEqual(self.successResultOf(self.do(self.session.query(LiveConfigQuery("a")))), Done(1))
        self.assertEqual(self.client.configs, {})
        self.client.stuck.pop("apply").callback(None)
        self.edge.run(1)
        self.assertEqual(set(self.successResultOf(first).live), {"a"})
        self.assertEqual(set(self.successResultOf(second).live), {"b"})

    def test_one_part_of_something_large_is_in_flight_and_neither_waits_for_questions_nor_holds_them_up(self) -> None:
        parts = [PieceQuery(device="web1", file="0" * 32, version="1", offset=n, size=1) for n in range(2)]
        self.client.stuck["answer"] = Deferred()
        first, second = (self.do(self.session.carry(part)) for part in parts)
        asked = [self.do(self.session.query(LiveConfigQuery(str(n)))) for n in range(3)]
        self.assertEqual(self.client.queries, [parts[0], *(LiveConfigQuery(str(n)) for n in range(3))])
        pushed = self.do(self.session.push(ConfigBatch(revision=1, changed=[device_config("a")], removed=[])))
        self.assertEqual(set(self.successResultOf(pushed).live), {"a"})
        self.client.stuck.pop("answer").callback(None)
        self.edge.run(1)
        self.assertEqual([self.successResultOf(one) for one in (first, second, *asked)], [Done(1)] * 5)
        self.assertEqual(self.client.queries[-1], parts[1])

    def test_a_push_that_is_not_answered_ends_the_session_in_15_seconds(self) -> None:
        self.client.stuck["apply"] = Deferred()
        pushed = self.do(self.session.push(ConfigBatch(revision=1, changed=[], removed=[])))
        waiting = self.do(self.session.held(HeldRequest()))
        self.edge.run(13.5)
        self.assertNoResult(pushed)
        self.edge.run(1.5)
        self.failureResultOf(pushed, TransientError)
        self.failureResultOf(waiting, TransientError)
        self.assertIn(self.session, [session for session, _ in self.desk.gone])

    def test_a_query_that_takes_too_long_is_refused_and_the_session_lives(self) -> None:
        self.client.stuck["answer"] = Deferred()
        asked = self.do(self.session.query(LiveConfigQuery("web1")))
        self.edge.run(12)
        error = self.failureResultOf(asked, RemoteError).value
        self.assertEqual(error.code, "unavailable")
        self.assertIn("LiveConfigQuery took longer than 12 s", error.message)
        self.assertEqual(self.desk.gone, [])

    def test_what_the_collector_could_not_store_is_transient_and_what_it_refuses_is_not(self) -> None:
        empty = ConfigBatch(revision=1, changed=[], removed=[])
        self.client.fails["apply"] = TransientError("the disk is full")
        self.assertIn("disk", str(self.failureResultOf(self.do(self.session.push(empty)), TransientError).value))
        self.client.fails["apply"] = PermanentError("no")
        self.assertEqual(self.failureResultOf(self.do(self.session.push(empty)), RemoteError).value.code, "forbidden")

    def test_an_answer_too_large_to_cross_is_refused_by_the_collector(self) -> None:
        noise = bytes(range(256)) * 20_000
        self.client.answers = lambda _: Picture(form="png", data=noise)
        error = self.failureResultOf(self.do(self.session.query(LiveConfigQuery("x"))), RemoteError).value
        self.assertEqual(error.code, "too_large")
        self.assertEqual(self.desk.gone, [])

    def test_heartbeats_bring_figures_and_a_sign_of_life(self) -> None:
        self.successResultOf(self.do(self.session.push(ConfigBatch(revision=1, changed=[device_config()], removed=[]))))
        self.edge.run(30)
        self.assertEqual(self.session.counts.devices, 1)
        self.assertGreaterEqual(len(self.desk.beats), 5)
        self.assertLess(self.edge.wall() - self.session.last_seen, 6)

    def test_a_session_ends_once_and_then_fails_all_calls(self) -> None:
        self.session.abort("enough")
        self.session.abort("enough again")
        self.edge.pump()
        self.assertEqual([reason for _, reason in self.desk.gone], ["enough"])
        self.failureResultOf(self.do(self.session.held(HeldRequest())), TransientError)
        self.failureResultOf(self.do(self.session.query(LiveConfigQuery("x"))), TransientError)

    def test_events_go_to_the_desk_under_the_certificates_name(self) -> None:
        self.assertEqual(self.successResultOf(self.do(self.link.send_events(batch(1, 2)))), EventsStored(2))
        self.assertEqual(self.desk.batches[0][0], "local")


class Liar(EdgeCase):
    """It has a certificate, and good intentions it has not."""

    def setUp(self) -> None:
        super().setUp()
        self.good = FakeHubClient()
        self.edge.link(self.good, "good").startService()
        self.liar = self.connect(self.certificates("liar"), host="192.0.2.66")
        self.attach(self.liar)
        self.session = self.desk.sessions["liar", "process"]

    def say(self, *parts: Any) -> None:
        self.liar.sendEncoded(parts)
        self.edge.pump()

    def assert_only_the_liar_fell(self) -> None:
        self.assertTrue(self.liar.disconnected)
        self.assertEqual([session.collector for session, _ in self.desk.gone], ["liar"])
        good = Deferred.fromCoroutine(self.desk.sessions["good", "process"].query(LiveConfigQuery("x")))
        self.edge.run(0.5)
        self.assertEqual(self.successResultOf(good), Done(1))


class LiarTests(Liar):
    def test_junk_payloads_are_refused_by_what_is_wrong_and_cost_nothing(self) -> None:
        for payload, says in (
            (b"", "EventBatch: 0 bytes"),
            (b"\x07", "form byte 7"),
            (b"\x00\xff\xff", "EventBatch"),
            (b"\x01\x28\xb5\x2f\xfd", "EventBatch"),
            (encode(Alive()), "EventBatch"),
            (b"\x00" + b"\xdf\xff\xff\xff\xff", "EventBatch"),
            (b"\x00" + b"\x91" * 100_000, "EventBatch"),
        ):
            error = self.refusal(self.liar, "events", payload)
            self.assertEqual(error.code, "bad_request")
            self.assertIn(says, error.message)
        self.assertEqual(self.desk.batches, [])
        self.assertEqual(self.liar.lost, "")

    def test_an_answer_to_nothing_costs_the_session(self) -> None:
        self.say(b"answer", 999, b"x")
        self.assert_only_the_liar_fell()

    def test_a_message_beyond_the_limit_costs_the_session(self) -> None:
        self.liar.transport.write(expression([b"message", 1, b"hub", b"events", 1])[:-1])
        self.liar.transport.write(expression(bytes(400_000)))
        self.edge.run(0.5)
        self.assert_only_the_liar_fell()

    def test_an_answer_of_another_type_costs_the_session(self) -> None:
        class Wrong(pb.Referenceable):
            async def remote_held(self, version: int, payload: bytes) -> bytes:
                return encode(Done(1))

        self.liar.serve("collector", Wrong())
        asked = Deferred.fromCoroutine(self.session.held(HeldRequest()))
        self.edge.run(0.5)
        self.assertIn("cannot be read", str(self.failureResultOf(asked, TransientError).value))
        self.assert_only_the_liar_fell()

    def test_a_refusal_that_is_no_code_of_ours_is_still_a_refusal(self) -> None:
        class Refuses(pb.Referenceable):
            async def remote_query(self, version: int, payload: bytes) -> bytes:
                return encode(Failure(FailureCode.INTERNAL, "x" * 4000, ["y" * 4000] * 50))

        self.liar.serve("collector", Refuses())
        asked = Deferred.fromCoroutine(self.session.query(LiveConfigQuery("x")))
        self.edge.run(0.5)
        self.assertEqual(self.failureResultOf(asked, RemoteError).value.code, "internal")

    def test_a_flood_is_read_slowly_and_nobody_else_waits(self) -> None:
        cable = self.edge.cables[-1]
        for _ in range(6000):
            self.liar.sendEncoded([b"decref", 1])
        self.edge.pump()
        self.assertFalse(cable.server.reading)
        good = Deferred.fromCoroutine(self.desk.sessions["good", "process"].query(LiveConfigQuery("x")))
        self.edge.pump()
        self.assertEqual(self.successResultOf(good), Done(1))
        self.edge.run(3)
        self.assertTrue(cable.server.reading)

    def test_one_that_answers_no_ping_is_left_after_its_last_byte(self) -> None:
        self.edge.run(25)
        self.assert_only_the_liar_fell()

    def test_one_that_never_reads_is_not_read_and_is_left(self) -> None:
        cable = self.edge.cables[-1]
        cable.client.reading = False
        for n in range(200):
            self.liar.sendEncoded([b"message", n, b"hub", b"events", 1, [b"tuple", 1, b"\x07" * 9000], [b"dictionary"]])
            if n % 20 == 0:
                self.edge.run(0.5)
        self.edge.run(30)
        self.assertLess(len(cable.server.outbox), 2 * 1024 * 1024)
        self.assertTrue(cable.server.closed)


class OtherSiteTests(EdgeCase):
    def test_a_certificate_of_another_site_reaches_no_decoder_and_is_noted_once(self) -> None:
        other = ensure_site(self.edge.folder / "other", self.edge.wall)
        folder = issue_collector(other, "local", self.edge.folder / "foreign")
        (folder / "ca.crt").write_bytes((self.edge.site.pki / "ca.crt").read_bytes())
        with capturedLogs() as logs:
            client = FakeHubClient()
            link = self.edge.link(client, folder=folder)
            link.startService()
            self.edge.run(0.5)
        self.assertIn("not issued by ca.crt", link.reason)
        self.assertEqual(self.desk.sessions, {})
        self.assertTrue(any("not issued" in str(event.get("reason")) for event in logs))
