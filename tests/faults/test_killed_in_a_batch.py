# mypy: allow-untyped-calls
"""Kill -9 of hub and collector in the middle of a batch: nothing is lost or doubled, or called live that is not.

The proxy counts bytes, so that the blow falls after the first part of a message, wherever that ends.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import pytest

from tests.faults import figures
from tests.faults.case import FaultCase, devices_document, set_document
from tests.faults.chaos import Line
from tests.faults.length import LIMIT_S, pick

pytestmark = [pytest.mark.integration, pytest.mark.timeout(LIMIT_S)]

ROUNDS = pick(2, 24)
DEVICES = [f"web{number:02}" for number in range(pick(20, 60))]
EVENTS_A_RUN = pick(40, 5)
WITHIN_BYTES = 6_000
LATER_S = 0.4


class KilledTests(FaultCase):
    async def prepare(self) -> None:
        self.rng = random.Random(11)
        self.net = self.proxy()
        self.one = self.edge("edge", self.net.port)
        self.one.start()
        self.revision = await self.hub.apply(devices_document([(device, "edge") for device in DEVICES], 1))
        await self.hub.live(self.revision)
        before = self.net.down.passed
        await self.change_everything(-1)
        await self.hub.live(self.revision)
        self.message_bytes = self.net.down.passed - before
        self.assertGreater(self.message_bytes, 300)
        self.one.per_run(EVENTS_A_RUN)

    def arm(self, round_: int, kill: Callable[[Line], object]) -> None:
        """Have a kill fall into a message with configs, and the next time into what the collector says."""
        if round_ % 2:
            self.net.up.after(self.rng.randrange(1, WITHIN_BYTES), kill)
        else:
            self.net.down.after(self.rng.randrange(1, self.message_bytes), kill)

    async def change_everything(self, round_: int) -> None:
        """A revision that concerns all devices."""
        self.revision = await self.hub.apply(set_document("daemons", f"^round{round_} "))

    async def test_the_hub_is_killed_in_the_middle_of_a_batch(self) -> None:
        await self.prepare()
        for round_ in range(ROUNDS):
            dead: list[int] = []

            def kill(_line: Line, dead: list[int] = dead) -> None:
                dead.append(self.hub.pid)
                self.hub.kill()

            await self.change_everything(round_)
            self.arm(round_, kill)
            await self.until("it is killed", partial(bool, dead))
            await self.pause(self.rng.uniform(0, LATER_S))
            await self.hub.start()
            await self.hub.live(self.revision)
            self.assertEqual(
                {config.process_sets[0].include for config in self.one.configs().values()}, {f"^round{round_} "}
            )
        figures.told("kills of the hub", ROUNDS, "")
        figures.told("events stored once", await self.stored_once(self.one, *DEVICES, within_s=90), "")
        await self.edge_agrees(self.one)
        self.no_defects(self.one)

    async def test_the_collector_is_killed_in_the_middle_of_a_batch(self) -> None:
        await self.prepare()
        for round_ in range(ROUNDS):
            dead: list[int] = []

            def kill(_line: Line, dead: list[int] = dead) -> None:
                self.one.kill()
                dead.append(1)

            await self.change_everything(round_)
            self.arm(round_, kill)
            await self.until("it is killed", partial(bool, dead))
            held = self.one.digests()
            self.assertEqual(set(held), set(DEVICES))  # its last good configs, whatever it was in the middle of
            shown = await self.hub.ask("GET", f"revisions/{self.revision}/live")
            if shown["live"]:  # then it is so on disk
                await self.edge_agrees(self.one)
            self.one.start()
            await self.hub.live(self.revision)
        figures.told("kills of the collector", ROUNDS, "")
        figures.told("events stored once", await self.stored_once(self.one, *DEVICES, within_s=90), "")
        await self.edge_agrees(self.one)
        self.no_defects(self.one)
