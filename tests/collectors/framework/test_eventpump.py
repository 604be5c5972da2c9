# mypy: allow-untyped-calls
# (trial's assertions have no types)
"""The pump: every event arrives once, in order, whatever breaks."""

from __future__ import annotations

import random
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from collectors.framework.eventpump import MAX_BATCH, EventPump
from collectors.framework.eventspool import EventSpool
from common.errors import RemoteError, TransientError
from common.events import Event
from tests.contracts.hub import HubContract
from tests.fakes.edge_site import Edge
from tests.fakes.events import InlineWorker, event
from tests.fakes.hub import FakeHub
from tests.fakes.sessions import FakeHubClient


class TestFakeHub(HubContract):
    def make_hub(self) -> Any:
        return FakeHub()

    def turn(self) -> None:
        pass

    def cut(self, hub: Any) -> None:
        hub.connected = False


class TestHubLink(HubContract):
    """The real link, to a real listener, over TLS in memory."""

    edge: Edge

    def setup_method(self) -> None:
        self.edge = Edge()

    def teardown_method(self) -> None:
        self.edge.close()

    def make_hub(self) -> Any:
        link = self.edge.link(FakeHubClient())
        link.startService()
        self.edge.run(1)
        return link

    def turn(self) -> None:
        self.edge.run(1)

    def cut(self, hub: Any) -> None:
        hub.stopService()
        self.edge.run(1)


class World:
    """A spool, a pump and a hub on one clock."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tocsin-pump-"))
        self.clock = Clock()
        self.hub = FakeHub()
        self.told: list[str] = []
        self.sent = 0
        self.start()

    def start(self) -> None:
        self.worker = InlineWorker()
        self.spool = EventSpool(self.clock, self.worker, self.folder / "spool.db", lambda: "local", lambda: 1.8e9)
        self.spool.startService()
        self.pump = EventPump(
            self.clock,
            random.Random(3),
            self.spool,
            self.hub,
            lambda: "local",
            lambda: 1.8e9,
            on_problem=self.told.append,
        )

    def kill(self) -> None:
        """End as by SIGKILL, and start again."""
        self.pump.detached()
        self.spool._db.close()
        self.start()

    def attach(self) -> None:
        self.hub.connected = True
        self.pump.attached(self.hub.seq(self.spool.spool), self.spool.spool)

    def detach(self) -> None:
        self.hub.connected = False
        self.pump.detached()

    def send(self, count: int = 1) -> list[Event]:
        events = [event(self.sent + number + 1) for number in range(count)]
        self.sent += count
        d = Deferred.fromCoroutine(self.spool.send(events))
        self.clock.pump([0.02] * 2)
        assert d.called
        return events

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.clock.advance(1)

    def close(self) -> None:
        self.pump.detached()
        self.spool.stopService()
        shutil.rmtree(self.folder)


class PumpCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.addCleanup(self.world.close)
        self.hub = self.world.hub

    def arrived(self) -> list[int]:
        return [int(str(one.details["number"])) for one in self.hub.events() if "number" in one.details]


class SendTests(PumpCase):
    def test_what_waited_and_what_comes_later_arrives(self) -> None:
        self.world.send(3)
        self.world.attach()
        self.assertEqual(self.arrived(), [1, 2, 3])
        self.world.send(2)
        self.assertEqual(self.arrived(), [1, 2, 3, 4, 5])
        self.assertEqual(self.world.spool.queued, 0)
        self.assertEqual(self.world.pump.figures.sent, 5)

    def test_nothing_is_sent_without_a_session(self) -> None:
        self.world.send(3)
        self.world.run(100)
        self.assertEqual(self.hub.batches, [])
        self.world.attach()
        self.world.detach()
        self.world.send(1)
        self.world.run(100)
        self.assertEqual(self.arrived(), [1, 2, 3])

    def test_there_is_one_batch_in_flight(self) -> None:
        self.hub.hold = Deferred()
        self.world.attach()
        for _ in range(5):
            self.world.send(10)
        self.assertEqual(self.hub.in_flight, 1)
        hold, self.hub.hold = self.hub.hold, None
        hold.callback(None)
        self.assertEqual(self.arrived(), list(range(1, 51)))
        self.assertEqual(self.hub.most_in_flight, 1)

    def test_many_go_in_batches(self) -> None:
        self.world.send(3 * MAX_BATCH + 1)
        self.world.attach()
        self.assertEqual(len(self.arrived()), 3 * MAX_BATCH + 1)
        self.assertLessEqual(len(self.hub.batches), 20)
        self.assertTrue(all(len(batch.events) <= MAX_BATCH for batch in self.hub.batches))

    def test_a_hub_that_cannot_store_now_is_tried_again_and_that_is_said(self) -> None:
        self.hub.fails = [TransientError("the store is full")] * 3
        self.world.attach()
        self.world.send(2)
        self.assertIn("the store is full", self.world.told[0])
        self.world.run(60)
        self.assertEqual(self.arrived(), [1, 2])
        self.assertEqual(self.world.told[-1], "")

    def test_a_refusal_that_is_not_about_the_events_drops_none(self) -> None:
        self.hub.fails = [RemoteError("forbidden", "no"), RemoteError("version", "no"), RemoteError("internal", "no")]
        self.world.attach()
        self.world.send(2)
        self.world.run(90)
        self.assertEqual(self.arrived(), [1, 2])
        self.assertEqual(self.world.pump.figures.refused, 0)

    def test_an_answer_that_is_lost_doubles_nothing(self) -> None:
        self.hub.loses_answers = 1
        self.world.attach()
        self.world.send(3)
        self.world.detach()
        self.world.send(2)
        self.world.attach()
        self.assertEqual(self.arrived(), [1, 2, 3, 4, 5])

    def test_a_session_that_ends_in_a_call_doubles_nothing(self) -> None:
        self.hub.hold = Deferred()
        self.world.attach()
        self.world.send(3)
        self.world.detach()
        self.hub.hold = None
        self.world.attach()
        self.assertEqual(self.arrived(), [1, 2, 3])


class RefusalTests(PumpCase):
    def test_a_poisonous_event_is_found_replaced_and_counted_and_the_others_arrive(self) -> None:
        self.hub.poison = lambda one: one.details.get("number") in {7, 60, 61}
        self.world.send(100)
        self.world.attach()
        self.world.run(10)
        self.assertEqual(self.arrived(), [number for number in range(1, 101) if number not in {7, 60, 61}])
        refused = [one for one in self.hub.events() if one.event_key == "event_refused"]
        self.assertEqual(len(refused), 3)
        self.assertEqual({one.device for one in refused}, {"local"})
        self.assertIn("not what it should be", refused[0].summary)
        self.assertEqual(self.hub.events().index(refused[0]), 6)
        self.assertEqual(self.world.pump.figures.refused, 3)
        self.assertLess(len(self.hub.batches), 80)
        self.flushLoggedErrors()

    def test_a_hub_that_refuses_everything_is_a_problem_and_loses_one_event_at_most(self) -> None:
        self.hub.poison = lambda _: True
        self.world.send(10)
        self.world.attach()
        self.world.run(300)
        self.assertEqual(self.world.pump.figures.refused, 1)
        self.assertIn("even the plainest event", self.world.told[-1])
        self.hub.poison = lambda _: False
        self.world.run(60)
        self.assertEqual(self.arrived(), list(range(2, 11)))


class MemoryTests(PumpCase):
    def test_a_hub_restored_from_a_backup_gets_what_is_here_and_an_event_says_what_it_lost(self) -> None:
        self.world.attach()
        self.world.send(5)
        self.world.detach()
        old = self.world.spool.spool
        del self.hub.stored[old][2:]
        self.world.send(2)
        self.world.attach()
        self.world.run(1)
        self.assertEqual(self.arrived(), [1, 2, 6, 7])
        (lost,) = [one for one in self.hub.events() if one.event_key == "events_lost"]
        self.assertIn("it lost 3", lost.summary)

    def test_of_a_hub_that_has_said_itself_that_it_was_restored_no_event_is_raised(self) -> None:
        self.world.attach()
        self.world.send(5)
        self.world.detach()
        del self.hub.stored[self.world.spool.spool][2:]
        self.world.send(2)
        self.hub.connected = True
        self.world.pump.attached(self.hub.seq(self.world.spool.spool), self.world.spool.spool, other_store=True)
        self.world.run(1)
        self.assertEqual(self.arrived(), [1, 2, 6, 7])
        self.assertEqual([one for one in self.hub.events() if one.event_key == "events_lost"], [])

    def test_what_the_hub_has_confirmed_is_known_over_a_restart_and_begins_anew_with_the_numbers(self) -> None:
        self.world.attach()
        self.world.send(5)
        self.world.detach()
        self.assertEqual(self.world.spool.confirmed, 5)
        self.world.kill()
        self.assertEqual(self.world.spool.confirmed, 5)
        del self.hub.stored[self.world.spool.spool][2:]
        self.world.attach()
        self.world.run(1)
        self.assertEqual(self.world.spool.confirmed, len(self.hub.stored[self.world.spool.spool]))

    def test_a_hub_that_loses_its_memory_in_a_session_is_noticed(self) -> None:
        self.world.attach()
        self.world.send(5)
        self.hub.stored.clear()
        self.world.send(2)
        self.world.run(5)
        self.assertEqual(self.arrived(), [6, 7])

    def test_a_hub_that_stores_nothing_is_tried_again(self) -> None:
        class Lazy(FakeHub):
            lazy = 3

            def _store(self, batch: Any) -> Any:
                if self.lazy:
                    self.lazy -= 1
                    self.batches.append(batch)
                    return type(super()._store(type(batch)(spool=batch.spool, events=[])))(batch.events[0].seq - 1)
                return super()._store(batch)

        lazy = Lazy()
        self.world.pump._hub = lazy
        self.world.hub = lazy
        self.world.attach()
        self.world.send(2)
        self.world.run(60)
        self.assertEqual(len(lazy.events()), 2)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_every_event_arrives_once_and_in_order_over_any_mixture_of_failures(seed: int) -> None:
    rng = random.Random(seed)
    world = World()
    try:
        for _ in range(40):
            match rng.randrange(7):
                case 0 | 1 | 2:
                    world.send(rng.randrange(1, 40))
                case 3:
                    world.detach()
                case 4:
                    world.attach()
                case 5:
                    world.hub.loses_answers += rng.randrange(3)
                    world.hub.fails += [TransientError("busy")] * rng.randrange(3)
                case 6:
                    world.kill()
            world.run(rng.randrange(3))
        world.hub.fails, world.hub.loses_answers = [], 0
        world.attach()
        world.run(5)
        assert [one.details["number"] for one in world.hub.events()] == list(range(1, world.sent + 1))
        assert world.spool.queued == 0
    finally:
        world.close()
