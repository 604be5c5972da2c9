# mypy: allow-untyped-calls
"""Nothing passes between a collector and its hub, or only one way, and nobody is told."""

from __future__ import annotations

import time

import pytest

from tests.faults import figures, partitions
from tests.faults.case import devices_document
from tests.faults.edgeprocess import EdgeProcess
from tests.faults.length import LIMIT_S, pick

pytestmark = [pytest.mark.integration, pytest.mark.timeout(LIMIT_S)]


class PartitionTests(partitions.Partitions):
    lasts_s = pick(2.0, 60.0)

    def between(self) -> EdgeProcess:
        self.net = self.proxy()
        return self.edge("edge", self.net.port)

    def silence(self, *, up: bool, down: bool) -> None:
        self.net.silence(up=up, down=down)

    def over(self) -> None:
        self.net.heal()

    async def test_a_partition_both_ways(self) -> None:
        await self.both_ways()

    async def test_only_the_hub_hears_nothing(self) -> None:
        await self.one_way(up=True)

    async def test_only_the_collector_hears_nothing(self) -> None:
        await self.one_way(up=False)

    async def test_a_second_session_of_the_same_daemon_ends_the_first(self) -> None:
        """As after a half-open connection that the hub has not noticed, or a copied machine."""
        net = self.proxy()
        first = self.fleet.add("twin", net.port)
        await self.hub.live(await self.hub.apply(devices_document([("web1", "twin")])))
        net.silence(up=True, down=True)  # the hub is told nothing of the end of the first
        net.accepts = False  # and nothing of its return, if that comes while we look
        assert first.link is not None
        self.addCleanup(first.link.stopService)
        second = self.fleet.add("twin")
        began = time.monotonic()
        await self.until("the second has the seat", lambda: second.connected)
        figures.at_most("a new session takes over", time.monotonic() - began, 5)
        await self.agree()
        found = await self.hub.figures()
        figures.exactly("sessions of that daemon", found["daemons_connected"], 1)
        figures.exactly("connections of it", found["connections"], 1)
        self.assertIn("logged in again", self.hub.log())
        self.no_defects()
