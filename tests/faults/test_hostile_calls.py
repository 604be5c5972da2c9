# mypy: allow-untyped-calls
# (trial's assertions have no types)
"""Calls that are never answered end in time and leave nothing; what is too large is refused by who would send it."""

from __future__ import annotations

import base64
import os
import random
import shutil
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from collectors.framework.hublink import HubLink
from collectors.framework.linksettings import LinkSettings
from common.certificates import ensure_site, issue_collector
from common.components import ComponentKind, FoundComponent
from common.edge.broker import HardBroker
from common.errors import RemoteError, TocsinError, TransientError
from common.events import Event, Severity
from common.queries import LastValue, Listing, LiveConfigQuery
from common.wire import (
    ConfigBatch,
    EventBatch,
    EventsStored,
    HeldRequest,
    ModelReport,
    PluginOutcome,
    SpooledEvent,
    WireError,
)
from hub.broker.listener import BrokerListener, ListenerSettings
from hub.interfaces import ISession
from tests.fakes.sessions import FakeFrontDesk, FakeHubClient, device_config
from tests.fakes.watching import until
from tests.faults.case import reactor
from tests.faults.figures import at_most, exactly
from tests.faults.length import LIMIT_S, pick

pytestmark = [pytest.mark.integration, pytest.mark.timeout(LIMIT_S)]

TIMEOUT_S = pick(1.5, 15.0)


class StuckDesk(FakeFrontDesk):
    """Keeps who hands something over waiting for ever."""

    stuck = False

    async def events(self, session: ISession, batch: EventBatch) -> EventsStored:
        if self.stuck:
            await Deferred()
        return await super().events(session, batch)

    async def modelled(self, session: ISession, report: ModelReport) -> None:
        if self.stuck:
            await Deferred()
        await super().modelled(session, report)


class StuckClient(FakeHubClient):
    """Keeps the hub waiting for ever, each call by itself."""

    is_stuck = False

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Deferred[None]] = []

    async def _maybe(self, name: str) -> None:
        if self.is_stuck:
            kept: Deferred[None] = Deferred()
            self.kept.append(kept)
            await kept

    def let_go(self) -> None:
        self.is_stuck = False
        for kept in self.kept:
            if not kept.called:
                kept.callback(None)


class CallTests(TestCase):
    timeout = LIMIT_S

    async def setUp(self) -> None:  # type: ignore[override]  # trial waits for a coroutine
        self.folder = Path(tempfile.mkdtemp(prefix="tocsin-faults-"))
        self.addCleanup(shutil.rmtree, self.folder)
        site = ensure_site(self.folder / "pki", time.time)
        self.desk = StuckDesk()
        settings = ListenerSettings(port=0, timeout_s=TIMEOUT_S, heartbeat_s=TIMEOUT_S)
        self.listener = BrokerListener(reactor, reactor, time.time, settings, site, self.desk)
        self.listener.startService()
        self.addCleanup(self.listener.stopService)
        self.client = StuckClient()
        certificates = issue_collector(site, "local", self.folder / "certs")
        link = LinkSettings(
            certificates=certificates, port=self.listener.port, timeout_s=TIMEOUT_S, heartbeat_s=TIMEOUT_S
        )
        self.link = HubLink(reactor, reactor, random.Random(1), link, self.client)
        self.link.startService()
        self.addCleanup(self.link.stopService)
        await self.attached(1)

    async def attached(self, times: int) -> None:
        await until(
            reactor,
            "a session",
            lambda: len(self.client.sessions) >= times and self.desk.sessions and self.link.connected,
        )

    @property
    def session(self) -> Any:
        (found,) = self.desk.sessions.values()
        return found

    def brokers(self) -> list[HardBroker]:
        """Both ends of the session that stands."""
        assert self.link._broker is not None
        return [*self.listener._connections.brokers, self.link._broker]

    async def outcome(self, call: Awaitable[object], ends: list[tuple[float, Exception | None]]) -> None:
        began = time.monotonic()
        try:
            await call
        except TocsinError as error:
            ends.append((time.monotonic() - began, error))
        else:
            ends.append((time.monotonic() - began, None))

    async def all_end(self, calls: list[Awaitable[object]], brokers: list[HardBroker]) -> None:
        """Every call ends in time with a sentence, and nobody waits any more."""
        ends: list[tuple[float, Exception | None]] = []
        working = [Deferred.fromCoroutine(self.outcome(call, ends)) for call in calls]
        for each in working:
            await each
        exactly("calls that ended", len(ends), len(calls))
        exactly("of them, with an answer", sum(error is None for _, error in ends), 0)
        self.assertLessEqual({type(error) for _, error in ends}, {TransientError, RemoteError})
        at_most("the longest took", max(took for took, _ in ends), TIMEOUT_S + 0.2)
        # The other end may have asked something of its own just now, and is told of the end of the session in a moment.
        await until(reactor, "nobody waits any more", lambda: not any(broker._waiting for broker in brokers))
        exactly("entries that are left waiting", sum(len(broker._waiting) for broker in brokers), 0)

    async def test_a_collector_that_never_answers(self) -> None:
        brokers = self.brokers()
        self.client.is_stuck = True
        session = self.session
        batch = ConfigBatch(revision=1, changed=[device_config()], removed=[])
        calls: list[Awaitable[object]] = [session.held(HeldRequest()), session.push(batch), session.push(batch)]
        calls += [session.query(LiveConfigQuery("web1")) for _ in range(20)]
        await self.all_end(calls, brokers)
        self.client.let_go()
        await self.attached(2)

    async def test_a_hub_that_never_answers(self) -> None:
        brokers = self.brokers()
        self.desk.stuck = True
        batch = EventBatch(spool="s1", events=[])
        calls: list[Awaitable[object]] = [self.link.send_events(batch) for _ in range(5)]
        calls.append(self.link.send_model(ModelReport(device="web1", at=1.0)))
        await self.all_end(calls, brokers)
        self.desk.stuck = False
        await self.attached(2)
        self.assertEqual(await self.link.send_events(batch), EventsStored(0))

    async def refused(self, call: Awaitable[object], kind: type[TocsinError]) -> str:
        with self.assertRaises(kind) as raised:
            await call
        return str(raised.exception)

    async def test_what_is_too_large_is_refused_by_its_sender_and_costs_no_session(self) -> None:
        brokers = self.brokers()
        assert self.link._broker is not None
        noise = base64.b85encode(os.urandom(640_000)).decode()
        heard = [broker.heard_at for broker in brokers]
        parts = [noise[start : start + 500] for start in range(0, len(noise), 500)]
        events = [
            Event(device="web1", event_class="/A", severity=Severity.ERROR, summary=part, at=1.0) for part in parts
        ]
        too_large: list[Awaitable[object]] = [
            self.link.send_events(
                EventBatch(spool="s", events=[SpooledEvent(n, one) for n, one in enumerate(events[:1000], 1)])
            ),
            self.link.send_model(ModelReport(device="web1", at=1.0, outcomes=[outcome(parts)])),
            self.session.push(ConfigBatch(revision=1, changed=[], removed=[part[:250] for part in parts])),
        ]
        for call in too_large:
            self.assertIn("may cross", await self.refused(call, WireError))
        self.assertEqual([broker.heard_at for broker in brokers], heard, "nothing of it was sent")

        value = LastValue(component=noise, source="s", point="p", kind="g", unit="", step_s=1, at=1, value=1)
        self.client.answers = lambda _: Listing(values=[value], more=False)
        said = await self.refused(self.session.query(LiveConfigQuery("web1")), RemoteError)
        self.assertIn("the answer does not fit", said)
        exactly("sessions", len(self.client.sessions), 1)
        exactly("entries that are left waiting", sum(len(broker._waiting) for broker in brokers), 0)
        self.assertTrue(self.link.connected)


def outcome(names: list[str]) -> PluginOutcome:
    """More components than cross at once."""
    return PluginOutcome(
        plugin="p",
        components=[
            FoundComponent(kind=ComponentKind.FILESYSTEM, name=name[start : start + 100])
            for name in names
            for start in range(0, 500, 100)
        ],
    )
