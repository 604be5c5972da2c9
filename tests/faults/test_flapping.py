# mypy: allow-untyped-calls
"""A link that comes and goes, and is bad while it is there."""

from __future__ import annotations

import time

import pytest

from tests.faults import figures
from tests.faults.case import FaultCase, devices_document
from tests.faults.length import LIMIT_S, LONG, pick

pytestmark = [pytest.mark.integration, pytest.mark.timeout(LIMIT_S)]

HELD = pick(300, 2000)
COUNTING = [f"web{number}" for number in range(5)]
EVENTS_A_RUN = pick(10, 20)
PERIOD_S = pick(0.8, 5.0)
LASTS_S = pick(6.0, 300.0)
MAX_GROWTH_MIB = 10.0


class FlappingTests(FaultCase):
    broker = link = f"heartbeat_s = {pick(1.0, 5.0)}"

    async def test_a_link_that_comes_and_goes(self) -> None:
        net = self.proxy()
        one = self.edge("edge", net.port)
        one.start()
        many = self.fleet.add("many", net.port, heartbeat_s=pick(1.0, 5.0))
        names = [(f"host{number:04}", "many") for number in range(HELD)] + [(device, "edge") for device in COUNTING]
        await self.hub.live(await self.hub.apply(devices_document(names, 1)), 60)
        first = many.devices_sent
        self.assertGreaterEqual(first, HELD)
        one.per_run(EVENTS_A_RUN)
        began, changes, cuts, settled = time.monotonic(), 0, 0, 0.0
        before = self.hub.memory_mib
        while time.monotonic() - began < LASTS_S:
            # Down: packets are lost, or the line is cut. Up: delays, as TCP makes them of lost packets.
            if cuts % 2:
                net.silence()
            else:
                net.accepts = False
                net.cut()
            cuts += 1
            await self.hub.apply(devices_document([("host0000", "many")], 20 + changes))
            changes += 1
            await self.pause(PERIOD_S)
            net.accepts = True
            net.heal()
            net.up.jitter_s = net.down.jitter_s = 0.2
            await self.pause(PERIOD_S)
            if not settled and (not LONG or time.monotonic() - began > LASTS_S / 5):
                settled, before = time.monotonic(), self.hub.memory_mib
        figures.told("times that it was down", cuts, "")
        figures.at_most("the hub's memory grew", self.hub.memory_mib - before, MAX_GROWTH_MIB, "MiB")
        net.heal()
        figures.told("events stored once", await self.stored_once(one, *COUNTING, within_s=60), "")
        await self.edge_agrees(one, 60)
        await self.until("both are back", lambda: many.connected, 60)
        await self.agree(60)
        figures.told("sessions of the collector", one.attached(), "")
        resent = many.devices_sent - first
        figures.no_more("configs sent again, beside those that changed", max(0, resent - changes), changes)
        figures.no_more("full comparisons of what is held, beside those that differed", many.pages, 2 * changes)
        figures.exactly("full syncs of the configs, in one epoch", many.devices_sent // HELD, 1)
        self.no_defects(one)
