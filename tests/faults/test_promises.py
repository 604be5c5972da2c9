# mypy: allow-untyped-calls
"""What a config that is wrong or cannot be made may never do, and what a collector does without its hub."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from functools import partial
from typing import Any

import pytest

from tests.faults import figures
from tests.faults.case import FaultCase, device_document
from tests.faults.edgeprocess import EdgeProcess
from tests.faults.edgeprogram import REFUSED
from tests.faults.length import LIMIT_S, pick

pytestmark = [pytest.mark.integration, pytest.mark.timeout(LIMIT_S)]

ROUNDS = pick(1, 10)


class PromiseTests(FaultCase):
    async def prepare(self) -> EdgeProcess:
        one = self.edge("edge")
        one.start()
        await self.hub.live(await self.hub.apply(device_document("web1", "edge", 1)))
        await self.until("it runs", lambda: one.runs("web1"))
        return one

    async def goes_on(self, one: EdgeProcess, device: str = "web1") -> None:
        """A device is being collected."""
        before = len(one.runs(device))
        await self.until(f"{device} is collected", lambda: len(one.runs(device)) >= before + 2)

    async def open_events(self, **filters: str) -> list[dict[str, Any]]:
        """Events that are open."""
        return [event for event in await self.hub.events(**filters) if event["state"] in {"new", "acknowledged"}]

    async def event(self, key: str, device: str = "web1") -> dict[str, Any]:
        """The open event of a key, when it is there."""

        async def found() -> list[dict[str, Any]]:
            return [event for event in await self.open_events(device=device) if event["event_key"] == key]

        (event,) = await self.until_so(f"event {key} is open", found)
        assert isinstance(event, dict)
        return event

    async def no_event(self, key: str, device: str = "web1") -> None:
        """Wait until no event of that key is open."""

        async def none() -> bool:
            return not [event for event in await self.open_events(device=device) if event["event_key"] == key]

        await self.until_so(f"event {key} is closed", none)

    async def test_a_rejected_config_leaves_the_last_good_one_running_over_any_kill(self) -> None:
        one = await self.prepare()
        good = one.digests()
        revision = await self.hub.apply(device_document("web1", "edge", 2, REFUSED))
        rejected = await self.event("config_rejected")
        self.assertIn("cannot be counted", rejected["summary"] + rejected["message"])
        for _ in range(ROUNDS):
            for kill_hub, kill_edge in ((False, True), (True, False)):
                if kill_edge:
                    one.kill()
                if kill_hub:
                    self.hub.kill()
                self.assertEqual(one.digests(), good)
                if kill_hub:
                    await self.hub.start()
                if kill_edge:
                    one.start()
                await self.until_so("it is attached", self.is_attached)
                await self.goes_on(one)
                self.assertEqual(one.digests(), good)
                answer = await self.until_so("it is told why", lambda: self.told_why(revision))
                self.assertFalse(answer["live"])
                self.assertEqual((await self.event("config_rejected"))["id"], rejected["id"])
        await self.hub.live(await self.hub.apply(device_document("web1", "edge", 3)))
        await self.no_event("config_rejected")
        await self.edge_agrees(one)
        figures.told("kills that the last good config has outlived", 2 * ROUNDS, "")
        self.no_defects(one)

    @staticmethod
    def ran_since(one: EdgeProcess, began: float) -> bool:
        """Whether it has collected since then."""
        return one.runs("web1")[-1][1] > began

    async def is_attached(self) -> bool:
        found = await self.hub.collectors()
        return bool(found.get("edge", {}).get("connected"))

    async def told_why(self, revision: int) -> dict[str, Any]:
        """What the hub says of a revision, once it says that the collector rejects it."""
        answer: dict[str, Any] = await self.hub.ask("GET", f"revisions/{revision}/live")
        reasons = [row["reason"] for row in answer["behind"]]
        return answer if answer["live"] or any("rejected" in reason for reason in reasons) else {}

    async def test_a_config_that_cannot_be_made_is_no_deletion(self) -> None:
        """The store holds what this hub cannot make a config of, as after a step back to an older version."""
        one = await self.prepare()
        await self.hub.live(await self.hub.apply(device_document("web2", "edge", 1)))
        good = one.digests()
        self.assertEqual(set(good), {"web1", "web2"})
        self.hub.kill()
        with closing(sqlite3.connect(self.hub.folder / "hub.db")) as db, db:
            changed = db.execute(
                "UPDATE documents SET body = replace(body, '\"interval_s\":1', '\"interval_s\":-1') WHERE id = 'web1'"
            )
            self.assertEqual(changed.rowcount, 1)
            (body,) = db.execute("SELECT body FROM documents WHERE id = 'web1'").fetchone()
        self.assertIn("-1", body)
        await self.hub.start()
        failed = await self.event("config_error")
        self.assertIn("web1", failed["summary"])
        await self.until_so("it is attached", self.is_attached)
        await self.goes_on(one)
        await self.hub.apply(device_document("web2", "edge", 2))  # its collector is not waited for by others
        await self.until("the other one changes", lambda: one.digests()["web2"] != good["web2"])
        self.assertEqual(one.digests()["web1"], good["web1"])

        async def only_one_behind() -> bool:
            return [row["device"] for row in (await self.hub.ask("GET", "status"))["behind"]] == ["web1"]

        await self.until_so("the hub has the answer of the collector", only_one_behind)
        status = await self.hub.ask("GET", "status")
        self.assertIn("cannot be made", status["behind"][0]["reason"])
        one.kill()
        one.start()
        await self.goes_on(one)
        self.assertEqual(one.digests()["web1"], good["web1"])
        await self.hub.live(await self.hub.apply(device_document("web1", "edge", 3)))
        await self.no_event("config_error")
        await self.edge_agrees(one)
        self.no_defects(one)

    async def test_without_a_hub_a_collector_that_is_killed_collects_again_and_its_events_wait(self) -> None:
        one = await self.prepare()
        one.per_run(5)
        self.hub.kill()
        for _ in range(ROUNDS):
            began = time.monotonic()
            one.kill()
            one.start()
            await self.until("it collects", partial(self.ran_since, one, began))
            await self.goes_on(one)
        await self.hub.start()
        figures.told("events stored once", await self.stored_once(one, "web1"), "")
        await self.edge_agrees(one)
        self.no_defects(one)
