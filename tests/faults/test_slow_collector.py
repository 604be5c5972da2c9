# mypy: allow-untyped-calls
"""A collector that stands still while many changes go; the others must not feel it."""

from __future__ import annotations

import statistics
import time

import pytest
from twisted.internet.defer import Deferred

from tests.faults import figures
from tests.faults.case import FaultCase, SimCollector, devices_document
from tests.faults.length import LIMIT_S, pick

pytestmark = [pytest.mark.integration, pytest.mark.timeout(LIMIT_S)]

BEAT_S = pick(1.0, 5.0)
LASTS_S = pick(5.0, 290.0)
WARM_S = pick(3.0, 60.0)
EACH = pick(25, 100)
OTHERS = 3
PUSHED_S, DROPPED_S, CONVERGED_S, GROWTH_MIB = 0.5, 6 * BEAT_S, 10.0, 10.0
GATHERED_S = 0.25
"""The hub waits for so long whether there is more to come."""


class SlowCollectorTests(FaultCase):
    broker = link = f"heartbeat_s = {BEAT_S}"

    async def prepare(self, slow: str) -> None:
        self.others = [f"good{number}" for number in range(OTHERS)]
        for name in self.others:
            self.fleet.add(name)
        self.devices = [(f"{name}-{number:03}", name) for name in (slow, *self.others) for number in range(EACH)]
        self.number = 10
        self.seen: list[Deferred[float]] = []
        await self.fleet.all_attached()
        await self.hub.live(await self.change(), 60)

    async def change(self) -> int:
        """Change every device."""
        self.number += 1
        return await self.hub.apply(devices_document(self.devices, self.number))

    async def change_all_the_time(self, seconds: float) -> None:
        """Change all devices again and again, once a second; note when the others have each change."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.monotonic()
            await self.change()
            committed, number = time.monotonic(), self.number
            for name in self.others:
                member = self.fleet.members[name]
                self.seen.append(Deferred.fromCoroutine(self.when(member, f"{name}-000", number, committed)))
            await self.pause(max(0.0, 1.0 - (time.monotonic() - began)))

    async def when(self, member: SimCollector, device: str, number: int, committed: float) -> float:
        """Wait until a device has come to a change; give how long that took."""
        await self.until("it is there", lambda: member.configs[device].interval_s >= number, 60)
        return time.monotonic() - committed

    async def judge_others(self, what: str) -> None:
        """Judge how long the others waited, beside what the hub gathers."""
        seen, self.seen = self.seen, []
        waits = [await each for each in seen]
        p99 = statistics.quantiles(waits, n=100, method="inclusive")[98]
        figures.told(f"changes to live on others, {what}: median", statistics.median(waits), "s")
        figures.at_most(
            f"changes to live on others, {what}: p99 beyond gathering", max(0.0, p99 - GATHERED_S), PUSHED_S
        )

    async def while_it_stands_still(self, gone: str) -> None:
        """Go on with changes; judge memory, the others, and that it is dropped."""
        began, before = time.monotonic(), self.hub.memory_mib
        dropped: list[float] = []
        last = self.number
        meanwhile: list[bool] = []

        async def watch() -> None:
            while (await self.hub.collectors())[gone]["connected"]:
                configs = [self.fleet.members[name].configs[f"{name}-000"] for name in self.others]
                meanwhile.append(all(config.interval_s > last for config in configs))
                await self.pause(0.2)
            dropped.append(time.monotonic() - began)

        watching = Deferred.fromCoroutine(watch())
        await self.change_all_the_time(LASTS_S)
        await watching
        figures.at_most("dropped", dropped[0], DROPPED_S)
        figures.exactly("others had changes before that", any(meanwhile), True)
        await self.judge_others("one stands still")
        figures.at_most("the hub's memory grew", self.hub.memory_mib - before, GROWTH_MIB, "MiB")

    async def test_a_collector_that_is_stopped_still(self) -> None:
        one = self.edge("frozen")
        one.start()
        await self.prepare("frozen")
        await self.change_all_the_time(WARM_S)
        await self.judge_others("all is well")
        one.freeze()
        await self.while_it_stands_still("frozen")
        revision = await self.change()
        one.thaw()
        woken = time.monotonic()
        await self.hub.live(revision)
        figures.at_most("all is live after it wakes", time.monotonic() - woken, CONVERGED_S)
        await self.agree()
        await self.edge_agrees(one)
        self.no_defects(one)

    async def test_a_collector_that_takes_configs_and_never_answers(self) -> None:
        """It beats, so that it stays; only its own configs wait."""
        stuck = self.fleet.add("stuck")
        await self.prepare("stuck")
        stuck.stuck["apply"] = Deferred()
        before = self.hub.memory_mib
        await self.change_all_the_time(LASTS_S / 4)
        await self.judge_others("one never answers")
        figures.at_most("the hub's memory grew", self.hub.memory_mib - before, GROWTH_MIB, "MiB")
        behind = (await self.hub.collectors())["stuck"]["behind"]
        figures.exactly("devices of it that are said to be behind", behind, EACH)
        stuck.stuck.pop("apply").callback(None)
        await self.hub.live(await self.change())
        await self.agree()
        self.no_defects()
