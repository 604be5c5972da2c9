# mypy: allow-untyped-calls
"""An alarm that the hub has raised, closed by an operator while it goes on, and opened again when it is over."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from common.errors import PermanentError
from tests.integration.hubs import Collector, TestHub
from tests.integration.test_hub import drive

pytestmark = pytest.mark.integration


class OwnAlarmTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.hub = TestHub(reactor)

    @drive
    async def tearDown(self) -> None:  # type: ignore[override]  # trial waits for a Deferred
        await self.hub.close()

    async def open(self, *ids: int) -> list[dict[str, Any]]:
        """Wait until exactly these events of the refused config are open."""
        for _ in range(400):
            found = (await self.hub.ask("GET", "events?device=web1")).json["events"]
            if [one["id"] for one in found if one["event_key"] == "config_refused"] == [*ids]:
                return list(found)
            await deferLater(reactor, 0.05, lambda: None)
        raise AssertionError(found)

    @drive
    async def test_the_hub_says_again_how_it_stands(self) -> None:
        await self.hub.start()
        local = Collector()
        local.fails["apply"] = PermanentError("this is not understood here")
        self.hub.link("local", local)
        await self.hub.until("it is attached", lambda: local.sessions)
        body = {"address": "127.0.0.1", "collector": "local", "properties": {"source": "local"}}
        await self.hub.ask("PUT", "devices/web1", body)
        (first,) = await self.open(1)

        await self.hub.ask("POST", f"events/{first['id']}/close", {})
        (second,) = await self.open(2)
        self.assertEqual((second["summary"], second["severity"]), (first["summary"], first["severity"]))

        local.fails.clear()
        await self.hub.ask("PUT", "devices/web1", {**body, "address": "127.0.0.2"})
        await self.open()
        answer = await self.hub.ask("POST", f"events/{second['id']}/reopen", {})
        self.assertEqual((answer.status, answer.json["state"]), (200, "new"))
        await self.open()
