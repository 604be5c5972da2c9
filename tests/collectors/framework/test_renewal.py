# mypy: allow-untyped-calls
"""Certificates renew themselves, through a whole edge: real files, real TLS, a clock that the test moves."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from cryptography import x509
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from collectors.framework.renewal import LOOK_EVERY_S, TRY_AGAIN_S, Renewal
from common.certificates import (
    collector_name,
    due_at,
    ends_at,
    issue_collector,
    registered,
    revoke_collector,
)
from common.edge.authority import sign_collector
from common.edge.certificate import DAY_S
from common.edge.collectorfiles import load_collector, renewing
from common.edge.pem import new_key, pem
from common.edge.requests import read_request
from common.errors import RemoteError, TransientError
from common.wire import Renew, Renewed
from tests.fakes.edge_site import Edge
from tests.fakes.sessions import FakeHubClient

Ask = Callable[[Renew], Awaitable[Renewed]]


class RenewalCase(SynchronousTestCase):
    days = 90.0

    def setUp(self) -> None:
        self.edge = Edge()
        self.addCleanup(self.edge.close)
        self.folder = self.edge.folder / "certs" / "far"
        site = msgspec.structs.replace(self.edge.site, collector_days=self.days)
        issue_collector(site, "far", self.folder)
        self.first = self.certificate()
        self.problems: list[str] = []

    def certificate(self) -> x509.Certificate:
        return load_collector(self.folder)[0].certificate

    def renewal(self, ask: Ask) -> Renewal:
        def problem(sentence: str) -> None:
            if sentence or self.problems:
                self.problems.append(sentence)

        made = Renewal(self.edge.clock, random.Random(3), self.edge.wall, self.folder, ask, problem)
        made.startService()
        self.addCleanup(made.stopService)
        return made

    def until(self, at: float) -> None:
        """Let the clock go to an epoch second, without anybody who talks meanwhile."""
        self.edge.clock.advance(max(0.0, at - self.edge.wall()))


class LinkedTests(RenewalCase):
    days = 0.003  # four minutes: OpenSSL has a clock of its own, to which what is issued now must not be in the future

    def test_in_its_last_third_it_is_renewed_over_the_session_and_the_session_stands(self) -> None:
        client = FakeHubClient()
        link = self.edge.link(client, "far", self.folder)
        link.startService()
        renewal = self.renewal(link.renew)
        self.edge.run(due_at(self.first) - self.edge.wall() - 5)
        self.assertEqual(self.certificate(), self.first)
        self.edge.run(60 + self.days * DAY_S / 3 / 20)
        second = self.certificate()
        self.assertGreater(ends_at(second), ends_at(self.first) + 100 * DAY_S)
        self.assertEqual(renewal.ends_at, ends_at(second))
        self.assertNotEqual(second.public_key(), self.first.public_key())
        self.assertEqual(collector_name(self.edge.site, second), "far")
        self.assertTrue(link.connected)
        self.assertEqual(len(client.sessions), 1, "it has disturbed no session")
        self.assertEqual(self.problems, [])

    def test_the_next_login_is_with_the_new_one_and_the_end_of_the_old_ends_its_session(self) -> None:
        client = FakeHubClient()
        link = self.edge.link(client, "far", self.folder)
        link.startService()
        self.renewal(link.renew)
        self.edge.run(ends_at(self.first) - self.edge.wall() + 60)
        self.assertTrue(link.connected)
        self.assertEqual(len(client.sessions), 2)
        entry = registered(self.edge.site, "far")
        assert entry is not None
        self.assertIsNotNone(entry.in_use_since)

    def test_of_two_daemons_one_asks_and_both_go_on(self) -> None:
        clients, asked = [FakeHubClient(), FakeHubClient()], []
        for number, client in enumerate(clients):
            client.daemon = ("process", "modeler")[number]
            link = self.edge.link(client, "far", self.folder)
            link.startService()

            async def ask(request: Renew, renew: Ask = link.renew) -> Renewed:
                asked.append(request)
                return await renew(request)

            self.renewal(ask)
        self.edge.run(due_at(self.first) - self.edge.wall() + 60)
        self.assertNotEqual(self.certificate(), self.first)
        self.assertEqual(len(asked), 1)
        self.assertEqual([len(client.sessions) for client in clients], [1, 1])
        self.assertEqual(len(self.edge.desk.sessions), 2)


class AskTests(RenewalCase):
    """What it makes of answers."""

    asked = 0

    async def sign(self, request: Renew) -> Renewed:
        self.asked += 1
        public = read_request(request.request, "far")
        return Renewed(pem(sign_collector(self.edge.site, "far", public)).decode())

    def test_nothing_is_asked_before_it_is_time(self) -> None:
        renewal = self.renewal(self.sign)
        for _ in range(58 * 24):
            self.edge.clock.advance(LOOK_EVERY_S)
        self.assertEqual(self.asked, 0)
        self.assertEqual(renewal.ends_at, ends_at(self.first))

    def test_while_another_daemon_asks_it_waits_and_then_finds_it_done(self) -> None:
        self.until(due_at(self.first) + 10)
        with renewing(self.folder) as is_mine:
            self.assertTrue(is_mine)
            self.renewal(self.sign)
            self.edge.clock.advance(3600)
            self.assertEqual(self.asked, 0)
        for _ in range(10):
            self.edge.clock.advance(600)
        self.assertEqual(self.asked, 1)

    def test_no_session_is_no_problem_before_half_of_the_time_is_gone(self) -> None:
        async def away(_request: Renew) -> Renewed:
            raise TransientError("no session with the hub: it does not answer")

        self.until(due_at(self.first) + 10)
        self.renewal(away)
        for _ in range(14 * 24 * 6):
            self.edge.clock.advance(600)
        self.assertEqual(self.problems, [])
        for _ in range(2 * 24 * 6):
            self.edge.clock.advance(600)
        self.assertIn("cannot be renewed: no session with the hub", self.problems[0])

    def test_one_that_has_ended_is_tried_no_more_often_than_any_other(self) -> None:
        tries: list[float] = []

        async def away(_request: Renew) -> Renewed:
            tries.append(self.edge.clock.seconds())
            raise TransientError("no session with the hub: its certificate has expired")

        self.until(ends_at(self.first) + 10)
        self.renewal(away)
        for _ in range(3600):
            self.edge.clock.advance(1)
        self.assertEqual([at - tries[0] for at in tries], [TRY_AGAIN_S * n for n in range(7)])
        self.assertIn("cannot be renewed: no session with the hub", self.problems[-1])

    def test_a_hub_that_does_not_know_how_is_told_at_once_and_it_is_tried_again(self) -> None:
        answers: list[Exception | None] = [RemoteError("bad_request", "there is no such object or method here"), None]

        async def ask(request: Renew) -> Renewed:
            error = answers.pop(0)
            if error is not None:
                raise error
            return await self.sign(request)

        self.until(due_at(self.first) + 10)
        self.renewal(ask)
        self.assertIn("may have to be updated", self.problems[-1])
        self.assertIn("the certificate ends 20", self.problems[-1])
        self.edge.clock.advance(600)
        self.assertEqual(self.problems[-1], "")
        self.assertNotEqual(self.certificate(), self.first)

    def test_a_folder_that_cannot_be_written_is_told_before_the_hub_is_asked(self) -> None:
        self.until(due_at(self.first) + 10)
        (self.folder / ".probe").mkdir()
        (self.folder / ".probe" / "x").touch()
        (self.folder / "..probe.new").mkdir()
        self.renewal(self.sign)
        self.assertEqual(self.asked, 0)
        self.assertIn("the daemon must be able to write there", self.problems[-1])
        self.assertEqual(self.certificate(), self.first)

    def test_a_hub_that_gives_what_was_not_asked_for_changes_nothing(self) -> None:
        site, other = self.edge.site, new_key().public_key()

        def stolen(_request: Renew) -> x509.Certificate:
            return sign_collector(site, "far", other)

        def renamed(request: Renew) -> x509.Certificate:
            return sign_collector(site, "near", read_request(request.request, "far"))

        for make in (stolen, renamed, None):

            async def ask(request: Renew, make: Callable[[Renew], x509.Certificate] | None = make) -> Renewed:
                return Renewed("rubbish" if make is None else pem(make(request)).decode())

            self.until(due_at(self.first) + 10)
            renewal = self.renewal(ask)
            self.assertIn("the hub gave a certificate", self.problems[-1])
            self.assertEqual(self.certificate(), self.first)
            renewal.stopService()

    def test_an_answer_that_is_lost_leaves_the_old_one_and_it_asks_again(self) -> None:
        lost: list[Deferred[Renewed]] = []

        def ask(request: Renew) -> Awaitable[Renewed]:
            if lost:
                return self.sign(request)
            lost.append(Deferred())
            return lost[0]

        self.until(due_at(self.first) + 10)
        self.renewal(ask)
        lost[0].errback(TransientError("the connection to the hub ended"))
        self.assertEqual(self.certificate(), self.first)
        self.edge.clock.advance(600)
        self.assertNotEqual(self.certificate(), self.first)

    def test_missing_files_and_a_stop_in_the_middle_are_quiet(self) -> None:
        waiting: Deferred[Renewed] = Deferred()
        self.until(due_at(self.first) + 10)
        renewal = self.renewal(lambda _: waiting)
        renewal.stopService()
        with renewing(self.folder) as is_mine:
            self.assertTrue(is_mine, "the lock is free again")
        (self.folder / "collector.crt").unlink()
        other = self.renewal(self.sign)
        self.edge.clock.advance(3600)
        self.assertIsNone(other.ends_at)
        self.assertEqual(self.problems, [])

    def test_a_revoked_one_is_not_renewed(self) -> None:
        client = FakeHubClient()
        link = self.edge.link(client, "far", self.folder)
        link.startService()
        self.edge.run(2)
        self.assertTrue(link.connected)
        revoke_collector(self.edge.site, "far")
        asked = Deferred.fromCoroutine(link.renew(Renew("x")))
        self.edge.run(1)
        self.failureResultOf(asked)
        self.assertIsNone(registered(self.edge.site, "far"))


def test_the_folder_is_the_lock(tmp_path: Path) -> None:
    with renewing(tmp_path) as first, renewing(tmp_path) as second:
        assert (first, second) == (True, False)
    with renewing(tmp_path) as third:
        assert third
