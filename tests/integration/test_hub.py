# mypy: allow-untyped-calls
"""The hub as one piece: HTTP on one side, real collectors' links over TLS on the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from common.errors import SettingsError
from common.events import CLASS_PROCESS, Event, Severity
from common.queries import Done, LastValue, Listing, Query, Result
from common.wire import EventBatch, SpooledEvent
from hub.app import make_service
from tests.integration.hubs import Collector, TestHub

pytestmark = pytest.mark.integration

PROCESS_SET = """
kind: ProcessSet
id: nginx
order: 10
include: '^nginx: '
name: nginx
"""


def drive(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., Deferred[None]]:
    """Let trial run a coroutine."""

    @wraps(test)
    def run(self: Any) -> Deferred[None]:
        return Deferred.fromCoroutine(test(self))

    return run


def event(device: str, number: int) -> SpooledEvent:
    made = Event(
        device=device,
        event_class=CLASS_PROCESS,
        severity=Severity.ERROR,
        summary=f"event {number}",
        at=time.time(),
        component=f"c{number}",
        event_key="process_missing",
    )
    return SpooledEvent(number, made)


class HubTests(TestCase):
    timeout = 110

    @drive
    async def setUp(self) -> None:  # type: ignore[override]  # trial waits for a Deferred
        self.hub = TestHub(reactor)
        await self.hub.start()

    @drive
    async def tearDown(self) -> None:  # type: ignore[override]  # the same
        await self.hub.close()

    async def put(self, device: str, collector: str = "local", **properties: Any) -> int:
        body = {"address": "127.0.0.1", "collector": collector, "properties": {"source": "local", **properties}}
        answer = await self.hub.ask("PUT", f"devices/{device}", body)
        self.assertEqual(answer.status, 200, answer.content)
        return int(answer.json["revision"])

    async def live(self, revision: int, wait_s: float = 50) -> dict[str, Any]:
        answer = await self.hub.ask("GET", f"revisions/{revision}/live?wait={wait_s}")
        document: dict[str, Any] = answer.json
        return document

    @drive
    async def test_a_change_is_live_on_its_collector_at_once(self) -> None:
        local, far = Collector(), Collector()
        self.hub.link("local", local)
        self.hub.link("far", far)
        await self.hub.until("both are attached", lambda: local.sessions and far.sessions)
        began = time.monotonic()
        revision = await self.put("web1")
        self.assertEqual(
            await self.live(revision), {"revision": revision, "live": True, "behind": [], "behind_total": 0}
        )
        self.assertLess(time.monotonic() - began, 45)  # not by a time-out; benchmarks tell how fast
        self.assertEqual((list(local.configs), list(far.configs)), (["web1"], []))
        applied = await self.hub.ask(
            "POST",
            "apply",
            {"files": [{"path": "a.yaml", "text": PROCESS_SET}], "message": "m", "author": "a", "dry_run": False},
        )
        self.assertEqual(applied.json["devices"], ["web1"])
        self.assertTrue((await self.live(applied.json["revision"]))["live"])
        self.assertEqual([one.id for one in local.configs["web1"].process_sets], ["nginx"])
        self.assertTrue((await self.hub.ask("GET", "devices/web1")).json["in_sync"])

    @drive
    async def test_a_change_just_before_the_end_is_still_sent(self) -> None:
        local = Collector()
        self.hub.link("local", local)
        self.assertTrue((await self.live(await self.put("web1")))["live"])
        await self.put("web2")
        await self.hub.stop()
        self.assertEqual(sorted(local.configs), ["web1", "web2"])
        await self.hub.start()

    @drive
    async def test_a_device_moves_from_one_collector_to_another_and_leaves(self) -> None:
        local, far = Collector(), Collector()
        self.hub.link("local", local)
        self.hub.link("far", far)
        self.assertTrue((await self.live(await self.put("web1")))["live"])
        self.assertTrue((await self.live(await self.put("web1", "far")))["live"])
        self.assertEqual((list(local.configs), list(far.configs)), ([], ["web1"]))
        removed = await self.hub.ask("DELETE", "devices/web1?message=gone")
        self.assertTrue((await self.live(removed.json["revision"]))["live"])
        self.assertEqual((list(local.configs), list(far.configs)), ([], []))

    @drive
    async def test_an_absent_collector_is_named_and_served_when_it_comes(self) -> None:
        revision = await self.put("web1")
        (behind,) = (await self.live(revision, 0))["behind"]
        self.assertEqual((behind["device"], behind["collector"], behind["daemon"]), ("web1", "local", "process"))
        self.assertIn("never logged in", behind["reason"])
        answer = await self.hub.ask("GET", "devices/web1/processes")
        self.assertEqual((answer.status, answer.json["error"]["code"]), (503, "collector_unavailable"))
        waiting = Deferred.fromCoroutine(self.live(revision))
        self.hub.link("local", Collector())
        self.assertTrue((await waiting)["live"])

    @drive
    async def test_over_a_restart_of_the_hub_events_are_stored_once_and_nothing_is_sent_again(self) -> None:
        local = Collector()
        link = self.hub.link("local", local)
        self.assertTrue((await self.live(await self.put("web1")))["live"])
        self.assertEqual(local.sessions[0].stored_seq, 0)
        batch = EventBatch(spool="s1", events=[event("web1", number) for number in range(1, 51)])
        self.assertEqual((await link.send_events(batch)).seq, 50)
        await self.hub.stop()
        local.batches.clear()
        await self.hub.start()
        await self.hub.until("it is back", lambda: len(local.sessions) == 2)
        self.assertEqual(local.sessions[1].stored_seq, 50)
        self.assertEqual(local.sessions[1].epoch, local.sessions[0].epoch)
        more = EventBatch(spool="s1", events=[event("web1", number) for number in range(40, 61)])
        self.assertEqual((await link.send_events(more)).seq, 60)
        found = await self.hub.ask("GET", "events?device=web1&limit=1000")
        self.assertEqual(
            sorted(row["summary"] for row in found.json["events"]), sorted(f"event {n}" for n in range(1, 61))
        )
        self.assertEqual({row["count"] for row in found.json["events"]}, {1})
        self.assertTrue((await self.live(1))["live"])
        self.assertEqual(local.batches, [])

    @drive
    async def test_a_collector_cannot_raise_or_close_what_is_anothers(self) -> None:
        local, far = Collector(), Collector()
        mine, foreign = self.hub.link("local", local), self.hub.link("far", far)
        self.assertTrue((await self.live(await self.put("web1")))["live"])
        await self.hub.until("far is attached", lambda: far.sessions)
        await mine.send_events(EventBatch(spool="s1", events=[event("web1", 1)]))
        clear = Event(
            device="web1",
            event_class=CLASS_PROCESS,
            severity=Severity.CLEAR,
            summary="all is well",
            at=time.time(),
            component="c1",
            event_key="process_missing",
        )
        stored = await foreign.send_events(EventBatch(spool="s2", events=[SpooledEvent(1, clear), event("web1", 2)]))
        self.assertEqual(stored.seq, 2)
        self.assertEqual(len((await self.hub.ask("GET", "events?device=web1")).json["events"]), 1)
        (claimed,) = (await self.hub.ask("GET", "events?device=far&component=web1%20c2")).json["events"]
        self.assertEqual(claimed["details"]["claimed_device"], "web1")

    @drive
    async def test_a_follower_hears_of_an_event_at_once(self) -> None:
        link = self.hub.link("local", Collector())
        self.assertTrue((await self.live(await self.put("web1")))["live"])
        start = (await self.hub.ask("GET", "events/follow")).json["next"]
        following = Deferred.fromCoroutine(self.hub.ask("GET", f"events/follow?after={start}&wait=50"))
        await deferLater(reactor, 0.1, lambda: None)
        began = time.monotonic()
        await link.send_events(EventBatch(spool="s1", events=[event("web1", 1)]))
        told = await following
        self.assertEqual([row["device"] for row in told.json["events"]], ["web1"])
        self.assertLess(time.monotonic() - began, 45)  # not by a time-out; benchmarks tell how fast

    @drive
    async def test_a_question_goes_to_the_collector_and_its_answer_comes_back(self) -> None:
        local = Collector()
        value = LastValue(
            component="nginx", source="process", point="cpu", kind="gauge", unit="percent", step_s=10, at=1, value=2
        )

        def answers(query: Query) -> Result:
            return Done(3) if type(query).__name__ == "RunNowQuery" else Listing(values=[value], more=False)

        local.answers = answers
        self.hub.link("local", local)
        self.assertTrue((await self.live(await self.put("web1")))["live"])
        series = await self.hub.ask("GET", "devices/web1/series")
        self.assertEqual(series.json["values"][0]["point"], "cpu")
        self.assertEqual((await self.hub.ask("POST", "devices/web1/scan", {})).json, {"done": 3})
        (collector,) = (await self.hub.ask("GET", "collectors")).json["collectors"]
        self.assertEqual((collector["id"], collector["connected"], collector["behind"]), ("local", True, 0))

    @drive
    async def test_events_of_a_removed_device_are_closed(self) -> None:
        link = self.hub.link("local", Collector())
        self.assertTrue((await self.live(await self.put("web1")))["live"])
        await link.send_events(EventBatch(spool="s1", events=[event("web1", 1)]))
        await self.hub.ask("DELETE", "devices/web1")
        await self.hub.until_told("it is closed", "events?device=web1", lambda told: not told["events"])
        (closed,) = (await self.hub.ask("GET", "events?device=web1&state=all")).json["events"]
        self.assertEqual(closed["state"], "closed")

    @drive
    async def test_what_a_collector_left_open_is_closed_when_its_device_has_moved(self) -> None:
        old, new = self.hub.link("local", Collector()), self.hub.link("far", Collector("s2"))
        self.assertTrue((await self.live(await self.put("web1")))["live"])
        await old.send_events(EventBatch(spool="s1", events=[event("web1", 1), event("web1", 2)]))
        self.assertTrue((await self.live(await self.put("web1", "far", interval_s=1)))["live"])
        await new.send_events(EventBatch(spool="s2", events=[SpooledEvent(1, event("web1", 2).event)]))
        # The new one has time to look: an interval, and ten seconds for the scan.
        told = await self.hub.until_told(
            "one is left", "events?device=web1", lambda told: len(told["events"]) == 1, within_s=90
        )
        rows = told["events"]
        self.assertEqual([(row["component"], row["collector"]) for row in rows], [("c2", "far")])
        (closed,) = (await self.hub.ask("GET", "events?device=web1&state=closed")).json["events"]
        self.assertEqual(closed["component"], "c1")
        self.assertEqual(closed["details"]["closed"], "moved to collector far")

    @drive
    async def test_without_the_token_nothing_is_told(self) -> None:
        answer = await self.hub.ask("GET", "status", token=False)
        self.assertEqual((answer.status, answer.json["error"]["code"]), (401, "unauthorized"))
        self.assertEqual((await self.hub.ask("GET", "health", token=False)).status, 200)

    @drive
    async def test_a_port_that_is_taken_ends_the_start_with_a_sentence_and_leaves_nothing_open(self) -> None:
        second = make_service(self.hub.settings, reactor)
        second.startService()
        with pytest.raises(SettingsError, match="Address already in use"):
            await second.ready()
        await second.stopService()
        self.assertEqual((await self.hub.ask("GET", "health", token=False)).status, 200)
