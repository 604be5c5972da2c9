# mypy: allow-untyped-calls
# (trial's assertions have no types)
"""The collector's end: it finds the hub, logs in, comes back after every kind of end, and storms nobody."""

from __future__ import annotations

import itertools
import random
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.error import DNSLookupError
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import capturedLogs
from twisted.spread import pb
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from collectors.framework.hublink import LONGEST_STREAK, LOOK_S, MAX_BACKOFF_S, LinkState, backoff_s
from collectors.framework.interfaces import IHub, IHubClient
from common.certificates import Site, ensure_site, hub_tls_options, issue_collector, revoke_collector, with_tls
from common.edge.authority import issue
from common.edge.broker import GOODBYE_S, HardBroker
from common.edge.pem import Pair
from common.errors import PermanentError, RemoteError, TransientError
from common.queries import Done, LiveConfigQuery
from common.wire import (
    Alive,
    Attached,
    ConfigBatch,
    ConfigsApplied,
    EventBatch,
    EventsStored,
    Failure,
    FailureCode,
    HeldRequest,
    decode_answer,
    encode,
)
from tests.fakes.edge_site import Edge
from tests.fakes.sessions import FakeHubClient

EMPTY = EventBatch(spool="s1", events=[])


@given(st.integers(0, 10_000), st.integers(0, 100))
def test_full_jitter_lies_between_nothing_and_twice_as_much_each_time(seed: int, failures: int) -> None:
    assert 0 <= backoff_s(random.Random(seed), failures) <= min(MAX_BACKOFF_S, 2.0 ** min(failures, LONGEST_STREAK))


def test_many_collectors_spread_over_the_whole_time() -> None:
    waits = [backoff_s(random.Random(n), 9) for n in range(500)]
    assert min(waits) < 1
    assert max(waits) > 29
    assert 13 < sum(waits) / len(waits) < 17


class LinkCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.edge = Edge()
        self.addCleanup(self.edge.close)
        self.client = FakeHubClient()
        self.link = self.edge.link(self.client)
        self.endpoint = self.edge.endpoint(self.link)

    def begin(self, seconds: float = 1.0) -> None:
        self.link.startService()
        self.edge.run(seconds)

    def send(self) -> Deferred[EventsStored]:
        d = Deferred.fromCoroutine(self.link.send_events(EMPTY))
        self.edge.run(0.5)
        return d


class SessionTests(LinkCase):
    def test_it_keeps_the_contracts(self) -> None:
        verifyObject(IHub, self.link)
        verifyObject(IHubClient, self.client)

    def test_it_logs_in_when_banana_has_negotiated(self) -> None:
        self.begin()
        self.assertTrue(self.link.connected)
        self.assertEqual((self.link.state, self.link.reason), (LinkState.ATTACHED, ""))
        self.assertEqual([answer.collector for answer in self.client.sessions], ["local"])

    def test_events_are_handed_over(self) -> None:
        self.begin()
        self.assertEqual(self.successResultOf(self.send()), EventsStored(0))

    def test_without_a_session_events_stay(self) -> None:
        error = self.failureResultOf(self.send(), TransientError).value
        self.assertIn("no session with the hub: not started", error.message)

    def test_what_the_hub_cannot_store_now_is_transient_and_what_it_refuses_is_not(self) -> None:
        self.begin()
        for raised, expected in (
            (TransientError("the disk is full"), TransientError),
            (RuntimeError("a defect"), TransientError),
            (PermanentError("no"), RemoteError),
        ):
            self.edge.desk.fails["events"] = raised
            self.failureResultOf(self.send(), expected)
        self.assertTrue(self.link.connected)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_to_begin_anew_ends_the_session_or_the_login_that_waits(self) -> None:
        hold: Deferred[None] = Deferred()
        self.edge.desk.hold = hold
        self.begin()
        self.assertEqual((self.link.connected, len(self.edge.desk.sessions)), (False, 1))
        self.link.begin_anew("something else is held now")
        self.edge.desk.hold = None
        hold.callback(None)
        self.edge.run(3)
        self.assertEqual((self.link.connected, len(self.endpoint.attempts)), (True, 2))
        self.link.begin_anew("and again")
        self.edge.run(6)
        self.assertEqual((self.link.connected, len(self.endpoint.attempts)), (True, 3))
        self.assertEqual((len(self.client.sessions), len(self.client.ends)), (2, 1))

    def test_a_session_that_ends_is_told_and_begun_again(self) -> None:
        self.begin()
        (session,) = self.edge.desk.sessions.values()
        session.abort("enough")
        self.edge.pump()
        self.assertEqual(self.client.ends, ["the connection was lost"])
        self.assertFalse(self.link.connected)
        self.edge.run(3)
        self.assertEqual(len(self.client.sessions), 2)
        self.assertTrue(self.link.connected)

    def test_stopping_ends_the_session_and_every_timer(self) -> None:
        self.begin()
        stopped = self.link.stopService()
        self.edge.pump()
        self.successResultOf(stopped)
        self.edge.pump()
        self.assertEqual(self.link.state, LinkState.STOPPED)
        self.assertEqual(self.client.ends, ["the daemon stops"])
        self.assertEqual(self.edge.clock.getDelayedCalls(), [])
        self.assertEqual([reason for _, reason in self.edge.desk.gone], ["it was stopped"])

    def test_a_hub_that_is_out_of_reach_keeps_no_daemon_from_stopping(self) -> None:
        self.begin()
        self.edge.cables[-1].cut()
        stopped = self.link.stopService()
        self.edge.run(GOODBYE_S - 0.5)
        self.assertNoResult(stopped)
        self.edge.run(1)
        self.successResultOf(stopped)
        self.assertEqual(self.client.ends, ["the daemon stops"])

    def test_one_that_dies_is_not_taken_for_one_that_was_stopped(self) -> None:
        for end in ("loseConnection", "abortConnection"):  # what the kernel does for a process that was killed
            self.link = self.edge.link(self.client, end.lower())
            self.begin()
            getattr(self.edge.cables[-1].client, end)()
            self.edge.pump()
            self.assertEqual(self.edge.desk.gone[-1][1], "the connection was lost")
            self.link.stopService()

    def test_stopping_works_in_every_state(self) -> None:
        for silent, down, seconds in ((True, False, 1.0), (False, True, 1.0), (False, False, 0.0)):
            link = self.edge.link(FakeHubClient(), f"c{silent}{down}")
            self.edge.endpoint(link).silent, self.edge.endpoint(link).down = silent, down
            link.startService()
            self.edge.run(seconds)
            stopped = link.stopService()
            self.edge.pump()
            self.successResultOf(stopped)
            self.assertEqual(link.state, LinkState.STOPPED)
        never = self.edge.link(FakeHubClient(), "never")
        self.successResultOf(never.stopService())

    def test_a_client_that_fails_at_its_login_does_not_end_the_link(self) -> None:
        def defect(answer: Attached) -> None:
            raise ZeroDivisionError

        self.client.attached = defect  # type: ignore[method-assign]  # a defect on purpose
        self.begin(2)
        self.assertGreaterEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertFalse(self.link.connected)
        del self.client.attached
        self.edge.run(40)
        self.assertTrue(self.link.connected)


class ReconnectTests(LinkCase):
    def waits(self) -> list[float]:
        attempts = self.endpoint.attempts
        return [later - earlier for earlier, later in itertools.pairwise(attempts)]

    def test_a_hub_that_is_down_is_tried_with_growing_pauses_and_one_log_line(self) -> None:
        self.endpoint.down = True
        with capturedLogs() as logs:
            self.begin(300)
        self.assertGreater(len(self.waits()), 10)
        self.assertLess(max(self.waits()), 31)
        self.assertGreater(max(self.waits()), 10)
        told = [event for event in logs if "no session" in str(event.get("log_format"))]
        self.assertEqual([event["reason"] for event in told], ["connection was refused by other side"])
        self.endpoint.down = False
        self.edge.run(31)
        self.assertTrue(self.link.connected)

    def test_a_hub_that_accepts_and_says_nothing_is_given_up_on(self) -> None:
        self.endpoint.silent = True
        self.begin(14)
        self.assertEqual(len(self.endpoint.attempts), 1)
        self.edge.run(20)
        self.assertGreater(len(self.endpoint.attempts), 1)
        self.assertIn("does not answer", self.link.reason)

    def test_a_refused_login_waits_longer_and_longer(self) -> None:
        self.edge.desk.fails["attached"] = PermanentError("collector local is disabled")
        with capturedLogs() as logs:
            self.begin(300)
        self.assertEqual(self.link.reason, "collector local is disabled")
        self.assertGreater(max(self.waits()), 10)
        self.assertLess(len(self.waits()), 60)
        self.assertEqual(len([e for e in logs if "no session" in str(e.get("log_format"))]), 1)

    def test_a_session_that_dies_young_does_not_count_as_a_success(self) -> None:
        self.begin()
        for _ in range(200):
            for session in list(self.edge.desk.sessions.values()):
                session.abort("enough")
            self.edge.run(1)
        self.assertGreater(max(self.waits()), 8)
        self.assertLess(len(self.waits()), 60)

    def test_a_session_that_stood_is_begun_again_at_once(self) -> None:
        self.begin(40)
        (session,) = self.edge.desk.sessions.values()
        session.abort("enough")
        self.edge.run(1.5)
        self.assertEqual(len(self.client.sessions), 2)

    def test_a_certificate_issued_anew_works_without_a_restart(self) -> None:
        self.begin()
        revoke_collector(self.edge.site, "local")
        self.edge.run(60)
        self.assertFalse(self.link.connected)
        self.assertIn("revoked", self.link.reason)
        issue_collector(self.edge.site, "local", self.edge.folder / "certs" / "local")
        self.edge.run(60)
        self.assertTrue(self.link.connected)

    def test_another_certificate_is_tried_at_once_and_only_once(self) -> None:
        self.begin()
        revoke_collector(self.edge.site, "local")
        for _ in range(3):
            self.edge.run(40)
            at = self.edge.clock.seconds()
            issue_collector(self.edge.site, "local", self.edge.folder / "certs" / "local")
            revoke_collector(self.edge.site, "local")
            self.edge.run(LOOK_S + 0.5)
            self.assertEqual(len([one for one in self.endpoint.attempts if one > at]), 1)
        issue_collector(self.edge.site, "local", self.edge.folder / "certs" / "local")
        self.edge.run(LOOK_S + 3)
        self.assertTrue(self.link.connected)

    def test_certificates_that_are_not_there_yet_are_named_and_waited_for(self) -> None:
        folder = self.edge.folder / "certs" / "late"
        link = self.edge.link(FakeHubClient(), folder=folder)
        link.startService()
        self.edge.run(5)
        self.assertIn(f"{folder / 'collector.crt'} is missing", link.reason)
        self.assertEqual(self.edge.endpoint(link).attempts, [])
        issue_collector(self.edge.site, "late", folder)
        self.edge.run(31)
        self.assertTrue(link.connected)

    def test_a_cut_cable_is_noticed_by_both_sides_and_healed(self) -> None:
        self.begin(7)
        self.edge.cables[-1].cut()
        self.edge.run(25)
        self.assertEqual(self.client.ends, ["no sign of life for 15 s"])
        self.assertEqual([reason for _, reason in self.edge.desk.gone][:1], ["no sign of life for 15 s"])
        self.edge.run(31)
        self.assertTrue(self.link.connected)
        self.assertEqual(len(self.edge.desk.sessions), 1)

    def test_a_cable_cut_in_one_direction_is_noticed_by_both_sides(self) -> None:
        for direction in ("server", "client"):
            edge = Edge()
            self.addCleanup(edge.close)
            client = FakeHubClient()
            link = edge.link(client)
            link.startService()
            edge.run(7)
            getattr(edge.cables[-1], direction).swallows = True
            edge.run(25)
            self.assertEqual(len(client.ends), 1, direction)
            self.assertEqual(len(edge.desk.gone), 1, direction)

    def test_what_was_long_on_its_way_does_not_tell_that_the_hub_lives_now(self) -> None:
        """A lease is counted from there: a process that was stopped wakes up with words of the hub in its buffers."""
        self.assertIsNone(self.link.heard_at)
        self.begin(7)
        asked = self.link.heard_at
        assert asked is not None
        self.assertLessEqual(asked, 6)
        self.edge.cables[-1].client.reading = False
        self.edge.run(12)
        self.assertEqual(self.link.heard_at, asked)
        self.edge.cables[-1].client.reading = True
        self.edge.run(0.5)
        heard = self.link.heard_at
        assert heard is not None
        self.assertGreater(heard, asked)
        self.assertLessEqual(heard, 11, "when the beat was sent that has been answered")
        self.endpoint.down = True
        self.edge.cables[-1].cut()
        self.edge.run(25)
        self.assertFalse(self.link.connected)
        self.assertEqual(self.link.heard_at, heard, "the end of a session tells nothing")

    def test_a_call_in_the_dark_ends_in_15_seconds(self) -> None:
        self.begin(1)
        self.edge.cables[-1].cut()
        sent = self.send()
        self.edge.run(14)
        self.assertNoResult(sent)
        self.edge.run(1)
        self.failureResultOf(sent, TransientError)


class SeveralHubsTests(LinkCase):
    """The first hub is not what it should be; the second is."""

    def setUp(self) -> None:
        super().setUp()
        self.link = self.edge.link(self.client, "several", addresses=("hub1:4747", "::1"))
        self.first, self.second = self.edge.endpoint(self.link, "hub1"), self.edge.endpoint(self.link, "::1")

    def said(self, seconds: float) -> list[str]:
        """Begin, let time pass, and give the lines of the log about hubs."""
        with capturedLogs() as logs:
            self.begin(seconds)
        told = [event for event in logs if "hub at {hub}" in str(event.get("log_format"))]
        return [f"{event['hub']}: {event.get('reason', 'attached')}" for event in told]

    def test_the_first_is_taken_when_it_is_there(self) -> None:
        self.assertEqual(self.said(3), ["hub1 port 4747: attached"])
        self.assertEqual(self.second.attempts, [])

    def test_its_standing_names_each_hub_that_was_tried_and_the_one_that_it_is_with(self) -> None:
        self.first.down, self.second.fails = True, DNSLookupError("::1")
        self.assertEqual(self.link.standing(), "stopped: not started")
        self.begin(20)
        both = "hub1 port 4747: connection was refused by other side; ::1 port 8789: the name of the host cannot be"
        self.assertIn(both, self.link.standing())
        self.second.fails = None
        self.edge.run(60)
        self.assertEqual(self.link.standing(), "attached to ::1 port 8789")

    def test_a_hub_that_is_down_is_passed_over_within_two_seconds(self) -> None:
        self.first.down = True
        said = self.said(3)
        self.assertEqual(said, ["hub1 port 4747: connection was refused by other side", "::1 port 8789: attached"])

    def test_a_name_that_cannot_be_resolved_is_passed_over(self) -> None:
        self.first.fails = DNSLookupError("hub1")
        self.assertEqual(
            self.said(3), ["hub1 port 4747: the name of the host cannot be resolved", "::1 port 8789: attached"]
        )

    def test_a_hub_of_another_site_is_passed_over(self) -> None:
        other = ensure_site(self.edge.folder / "other", self.edge.wall)
        self.first.door = self.edge.make_listener(other)._door
        said = self.said(3)
        self.assertIn("TLS: certificate verify failed", said[0])
        self.assertEqual(said[1], "::1 port 8789: attached")

    def test_one_that_accepts_and_never_speaks_is_passed_over(self) -> None:
        self.first.door = Factory.forProtocol(Protocol)
        said = self.said(20)
        self.assertEqual(len(said), 2)
        self.assertIn("not logged in within 10 s", said[0])
        self.assertEqual(said[1], "::1 port 8789: attached")

    def test_one_that_refuses_the_login_is_passed_over(self) -> None:
        async def refuses(version: int, payload: bytes) -> bytes:
            return encode(Failure(FailureCode.VERSION, "update the collector"))

        def make() -> HardBroker:
            hub: Any = OddHub()
            hub.remote_attach = refuses
            broker = HardBroker(self.edge.clock, None, is_client=False, calls="collector", title="the collector")
            broker.serve("hub", hub)
            return broker

        options = hub_tls_options(self.edge.site)
        self.first.door = with_tls(options, Factory.forProtocol(make), self.edge.clock, is_client=False)
        self.assertEqual(self.said(3), ["hub1 port 4747: update the collector", "::1 port 8789: attached"])

    def test_the_one_that_worked_is_tried_first_when_it_ends(self) -> None:
        self.first.down = True
        self.begin(40)
        self.first.down = False
        (session,) = self.edge.desk.sessions.values()
        session.abort("enough")
        self.edge.run(3)
        self.assertTrue(self.link.connected)
        self.assertEqual((len(self.first.attempts), len(self.second.attempts)), (1, 2))

    def test_when_it_is_gone_the_other_takes_its_place(self) -> None:
        self.begin(40)
        self.first.down = True
        (session,) = self.edge.desk.sessions.values()
        session.abort("enough")
        self.edge.run(5)
        self.assertTrue(self.link.connected)
        self.assertEqual(len(self.second.attempts), 1)

    def test_all_that_are_down_are_tried_with_growing_pauses_and_a_line_for_each_reason(self) -> None:
        self.first.down, self.second.fails = True, DNSLookupError("::1")
        said = self.said(300)
        self.assertEqual(len(said), 2)
        attempts = sorted(self.first.attempts + self.second.attempts)
        pauses = [later - earlier for earlier, later in itertools.pairwise(attempts)]
        self.assertGreater(max(pauses), 10)
        self.assertLessEqual(max(pauses), 31)
        self.assertLess(abs(len(self.first.attempts) - len(self.second.attempts)), 2)


class TlsTests(LinkCase):
    def test_a_hub_of_another_site_is_not_spoken_to(self) -> None:
        other = ensure_site(self.edge.folder / "other", self.edge.wall)
        self.edge.listener = self.edge.make_listener(other)
        self.begin()
        self.assertIn("TLS: certificate verify failed", self.link.reason)
        self.assertEqual(self.edge.desk.sessions, {})

    def test_a_hub_by_another_name_is_not_spoken_to(self) -> None:
        link = self.edge.link(FakeHubClient(), "named", hub_name="other.example.org")
        link.startService()
        self.edge.run(1)
        self.assertIn("bears another name", link.reason)
        self.assertEqual(self.edge.desk.sessions, {})

    def test_a_collector_cannot_play_the_hub(self) -> None:
        for usage in (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH):
            site = _site_of_a_collector(self.edge.site, usage)
            self.edge.listener = self.edge.make_listener(site)
            link = self.edge.link(FakeHubClient())
            link.startService()
            self.edge.run(1)
            self.assertIn("TLS", link.reason)
            self.assertFalse(link.connected)
            link.stopService()
        self.flushLoggedErrors(ValueError)  # Twisted cannot parse the name, and lets it pass: we do not
        self.assertEqual(self.edge.desk.sessions, {})


def _site_of_a_collector(site: Site, usage: Any) -> Site:
    """The site, with a collector's certificate where the hub's should be."""
    key = ec.generate_private_key(ec.SECP256R1())
    uri = x509.UniformResourceIdentifier("urn:tocsin:collector:bad")
    return Site(
        site.pki, site.ca, Pair(issue(site.ca, key.public_key(), "bad", [uri], usage, 1, site.wall()), key), site.wall
    )


class OddHub(pb.Referenceable):
    """A hub that answers the login as the test says."""

    def __init__(self) -> None:
        self.answer: bytes = b""

    async def remote_attach(self, version: int, payload: bytes) -> bytes:
        return self.answer

    async def remote_events(self, version: int, payload: bytes) -> bytes:
        return self.answer

    async def remote_heartbeat(self, version: int, payload: bytes) -> bytes:
        return encode(Alive())


class OddHubTests(LinkCase):
    """What the link makes of a hub that is newer, older or out of its mind."""

    def setUp(self) -> None:
        super().setUp()
        self.hub = OddHub()
        self.brokers: list[HardBroker] = []

        def make() -> HardBroker:
            broker = HardBroker(self.edge.clock, None, is_client=False, calls="collector", title="the collector")
            broker.serve("hub", self.hub)
            self.brokers.append(broker)
            return broker

        options = hub_tls_options(self.edge.site)
        listener: Any = self.edge.listener
        listener._door = with_tls(options, Factory.forProtocol(make), self.edge.clock, is_client=False)
        self.good = encode(Attached(collector="local", version=1, epoch="e", stored_seq=0))

    def ask(self, name: str, payload: bytes) -> Deferred[bytes]:
        d = Deferred.fromCoroutine(self.brokers[-1].call(name, payload, 15))
        self.edge.run(0.5)
        return d

    def test_an_answer_of_another_type_or_version_is_no_session(self) -> None:
        for answer, says in (
            (encode(Done(1)), "Attached"),
            (b"", "0 bytes"),
            (encode(Attached(collector="local", version=9, epoch="e", stored_seq=0)), "version 9"),
            (encode(Failure(FailureCode.VERSION, "update the collector")), "update the collector"),
        ):
            self.hub.answer = answer
            link = self.edge.link(FakeHubClient(), "odd")
            link.startService()
            self.edge.run(0.5)
            self.assertIn(says, link.reason)
            self.assertFalse(link.connected)
            link.stopService()
            self.edge.pump()

    def test_an_answer_to_events_that_is_none_ends_the_session(self) -> None:
        self.hub.answer = self.good
        self.begin()
        self.assertIn("cannot be read", str(self.failureResultOf(self.send(), TransientError).value))
        self.assertEqual(len(self.client.ends), 1)

    def test_nothing_is_done_for_a_hub_that_asks_before_it_has_answered(self) -> None:
        broker_asked: list[Deferred[bytes]] = []

        async def attach(version: int, payload: bytes) -> bytes:
            broker_asked.append(Deferred.fromCoroutine(self.brokers[-1].call("held", encode(HeldRequest()), 15)))
            return self.good

        self.hub.remote_attach = attach  # type: ignore[method-assign]  # a hub that hurries
        self.begin()
        with self.assertRaises(RemoteError) as raised:
            decode_answer(self.successResultOf(broker_asked[0]), Alive)
        self.assertEqual(raised.exception.code, "not_attached")

    def test_requests_that_cannot_be_read_are_refused_by_name(self) -> None:
        self.hub.answer = self.good
        self.begin()
        for name, says in (("held", "HeldRequest"), ("configs", "ConfigBatch"), ("query", "query"), ("ping", "Alive")):
            with self.assertRaises(RemoteError) as raised:
                decode_answer(self.successResultOf(self.ask(name, b"\x00\xc1")), Alive)
            self.assertEqual(raised.exception.code, "bad_request")
            self.assertIn(says, raised.exception.message)
        self.assertTrue(self.link.connected)

    def test_one_batch_of_configs_is_applied_at_a_time(self) -> None:
        self.hub.answer = self.good
        self.begin()
        self.client.stuck["apply"] = Deferred()
        batch = encode(ConfigBatch(revision=1, changed=[], removed=[]))
        first, second = self.ask("configs", batch), self.ask("configs", batch)
        with self.assertRaises(RemoteError) as raised:
            decode_answer(self.successResultOf(second), Alive)
        self.assertEqual(raised.exception.code, "busy")
        self.client.stuck.pop("apply").callback(None)
        self.edge.pump()
        self.successResultOf(first)
        self.successResultOf(self.ask("configs", batch))

    def test_a_config_of_a_form_that_comes_later_is_refused_alone(self) -> None:
        self.hub.answer = self.good
        self.begin()
        batch = {"type": "ConfigBatch", "revision": 1, "removed": [], "changed": [{"device": "web1", "new": []}]}
        answer = self.successResultOf(self.ask("configs", b"\x00" + msgspec.msgpack.encode(batch)))
        (rejected,) = decode_answer(answer, ConfigsApplied).rejected
        self.assertEqual(rejected.device, "web1")
        self.assertIn("update it", rejected.reason)

    def test_a_defect_of_the_client_is_an_id_for_the_hub_and_a_traceback_for_the_log(self) -> None:
        self.hub.answer = self.good
        self.begin()
        self.client.fails["answer"] = ZeroDivisionError("secret")
        with self.assertRaises(RemoteError) as raised:
            decode_answer(self.successResultOf(self.ask("query", encode(LiveConfigQuery("x")))), Done)
        self.assertEqual(raised.exception.code, "internal")
        self.assertNotIn("secret", raised.exception.message)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
