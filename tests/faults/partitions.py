# mypy: allow-untyped-calls
"""What is tried when nothing passes between a collector and its hub, whatever lies between them."""

from __future__ import annotations

import itertools
import time

from tests.faults import figures
from tests.faults.case import FaultCase, devices_document
from tests.faults.edgeprocess import EdgeProcess, stored
from tests.faults.length import pick

BEAT_S = pick(1.0, 5.0)
NOTICED_S = 5 * BEAT_S
BACK_S = 35.0
DEVICES = [f"web{number}" for number in range(5)]
EVENTS_A_RUN = 4


class Partitions(FaultCase):
    """What is tried; a subclass says what lies between the two, and how long nothing passes."""

    broker = link = f"heartbeat_s = {BEAT_S}"
    lasts_s = 0.0
    one: EdgeProcess

    def between(self) -> EdgeProcess:
        """Put the network there, and give a daemon that connects through it."""
        raise NotImplementedError

    def silence(self, *, up: bool, down: bool) -> None:
        """Let nothing pass."""
        raise NotImplementedError

    def over(self) -> None:
        """Let everything pass again."""
        raise NotImplementedError

    async def prepare(self) -> None:
        self.one = self.between()
        self.one.start()
        await self.hub.live(await self.hub.apply(devices_document([(device, "edge") for device in DEVICES], 1)))
        self.one.per_run(EVENTS_A_RUN)
        await self.until("events arrive", lambda: all(stored(self.hub.folder, device) for device in DEVICES))

    async def both_notice(self) -> None:
        """Wait until both sides know; judge how long that took."""
        began = time.monotonic()
        before = self.one.detached()
        known: dict[str, float] = {}
        while len(known) < 2:
            if not (await self.hub.collectors())["edge"]["connected"]:
                known.setdefault("hub", time.monotonic() - began)
            if self.one.detached() > before:
                known.setdefault("collector", time.monotonic() - began)
            self.assertLess(time.monotonic() - began, 100)
            await self.pause(0.05)
        figures.at_most("the hub notices", known["hub"], NOTICED_S, slack=2)
        figures.at_most("the collector notices", known["collector"], NOTICED_S, slack=2)

    async def heal(self) -> None:
        """Let it be over; judge how long they take to be as before."""
        sessions = self.one.attached()
        raised, before = sum(self.one.last_number(device) for device in DEVICES), self.stored()
        began = time.monotonic()
        self.over()
        await self.until("it is back", lambda: self.one.attached() > sessions, BACK_S * 2)
        attached = time.monotonic()
        figures.at_most("back after it is over", attached - began, BACK_S)
        await self.until("the backlog is drained", lambda: self.stored() >= raised, 60)
        live = EVENTS_A_RUN * len(DEVICES)
        drained = (raised - before) / (time.monotonic() - attached)
        figures.told("events that waited", raised - before, "")
        figures.at_least("drained, as a multiple of the rate they come at", drained / live, 5, "times", slack=25)

    def stored(self) -> int:
        return sum(len(stored(self.hub.folder, device)) for device in DEVICES)

    async def nothing_is_lost_or_doubled(self) -> None:
        figures.told("events stored once, each", await self.stored_once(self.one, *DEVICES), "")
        self.assertEqual(len(await self.hub.collectors()), 1)
        self.assertTrue((await self.hub.collectors())["edge"]["connected"])
        end = time.monotonic() + 30
        while (found := await self.hub.figures())["connections"] != 1 and time.monotonic() < end:
            await self.pause(0.2)
        figures.exactly("sessions at the end", found["daemons_connected"], 1)
        figures.exactly("connections at the end", found["connections"], 1)
        await self.edge_agrees(self.one)
        self.no_defects(self.one)

    def longest_gap_s(self, one: EdgeProcess, since: float) -> float:
        """The longest time between two runs of any device since then."""
        gaps = [0.0]
        for device in DEVICES:
            times = [at for _, at in one.runs(device) if at >= since]
            gaps += [later - earlier for earlier, later in itertools.pairwise(times)]
        return max(gaps)

    async def both_ways(self) -> None:
        await self.prepare()
        began = time.monotonic()
        self.silence(up=True, down=True)
        await self.both_notice()
        await self.pause(self.lasts_s)
        await self.heal()
        figures.at_most(
            "longest time between two runs of a device (interval 1 s)", self.longest_gap_s(self.one, began), 2
        )
        await self.nothing_is_lost_or_doubled()

    async def one_way(self, *, up: bool) -> None:
        await self.prepare()
        self.silence(up=up, down=not up)
        await self.both_notice()
        await self.pause(self.lasts_s / 4)
        await self.heal()
        await self.nothing_is_lost_or_doubled()
