# mypy: allow-untyped-calls
"""A large snapshot over a thin line, beside collectors that have good ones."""

from __future__ import annotations

import random
import statistics
import string
import time
from functools import partial

import pytest
from twisted.internet.defer import Deferred

from common.digests import digest
from common.errors import NotFoundError
from common.queries import LiveConfig, LiveConfigQuery, Query, Result
from tests.faults import figures
from tests.faults.case import FaultCase, SimCollector, device_document
from tests.faults.length import LIMIT_S, pick

pytestmark = [pytest.mark.integration, pytest.mark.timeout(LIMIT_S)]

BITS_PER_S = 64_000
DEVICES = pick(30, 640)
RANDOM_BYTES = 4000
"""In each config, of letters and digits: three quarters of it are left when it is packed."""
TIMEOUT_S, BEAT_S = pick(8.0, 15.0), pick(1.0, 5.0)
PUSHED_S, GATHERED_S, ASKED_S = 0.5, 0.25, pick(4.0, 8.0)


def own_document(device: str, collector: str, rng: random.Random) -> str:
    """YAML of a device in a group of its own, with a process set that no other has."""
    text = "".join(rng.choices(string.ascii_letters + string.digits, k=RANDOM_BYTES))
    group = f"group-{device}"
    return (
        f"{device_document(device, collector)}groups: [{group}]\n---\n"
        f"kind: Group\nid: {group}\n---\n"
        f"kind: ProcessSet\nid: set-{device}\ninclude: '^{text} '\napplies_to: [{group}]\n"
    )


class ThinLinkTests(FaultCase):
    broker = f"timeout_s = {TIMEOUT_S}\nheartbeat_s = {BEAT_S}"

    async def test_a_large_snapshot_over_a_thin_line(self) -> None:
        rng = random.Random(41)
        net = self.proxy()
        thin = self.fleet.add("thin", net.port, timeout_s=TIMEOUT_S, heartbeat_s=BEAT_S)
        good = self.fleet.add("good")
        await self.fleet.all_attached()

        def answers(query: Query) -> Result:
            if not isinstance(query, LiveConfigQuery):
                raise NotFoundError("not this one")
            config = thin.configs[query.device]
            return LiveConfig(config=config, digest=digest(config))

        thin.answers = answers
        await self.hub.live(await self.hub.apply(device_document("near", "good")))
        net.down.bits_per_s = net.up.bits_per_s = BITS_PER_S
        self.assertEqual(len(thin.sessions), 1)
        passed, began, before = net.down.passed, time.monotonic(), self.hub.memory_mib
        texts = [own_document(f"far{number:03}", "thin", rng) for number in range(DEVICES)]
        for first in range(0, DEVICES, 80):
            revision = await self.hub.apply("---\n".join(texts[first : first + 80]))
        beside = Deferred.fromCoroutine(self.beside(good))
        asking = Deferred.fromCoroutine(self.ask_now_and_then(thin))
        await self.until("the first are there", lambda: thin.configs, 60)
        figures.told("the first configs are there after", time.monotonic() - began, "s")
        await self.until("half of them are there", lambda: len(thin.configs) >= DEVICES // 2, 600)
        net.cut()
        await self.hub.live(revision, 900)
        self.done = True
        wire = (net.down.passed - passed) / 1024
        took = time.monotonic() - began
        figures.told("snapshot, as it crossed", wire, "KiB")
        figures.told("all are there after", took, "s")
        figures.at_most("as a multiple of what the line takes", took / (wire * 1024 * 8 / BITS_PER_S), 1.5, "times")
        figures.exactly("sessions: one, and one more after the line was cut in the middle", len(thin.sessions), 2)
        figures.no_more("configs that were sent twice for it", thin.devices_sent - DEVICES, max(10, DEVICES // 10))
        waits: list[float] = await beside
        p99 = statistics.quantiles(waits, n=100, method="inclusive")[98]
        figures.at_most(
            "changes to live on another collector: p99 beyond gathering", max(0.0, p99 - GATHERED_S), PUSHED_S
        )
        asked: list[float] = await asking
        figures.at_most("a question to the collector meanwhile was answered after", max(asked), ASKED_S)
        figures.told("the hub's memory grew", self.hub.memory_mib - before, "MiB")
        await self.agree(60)
        self.no_defects()

    done = False

    async def beside(self, good: SimCollector) -> list[float]:
        """Change a device of another collector, until all is done; give how long each change took."""
        waits: list[float] = []
        interval_s = 20
        while not self.done:
            interval_s += 1
            await self.hub.apply(device_document("near", "good", interval_s))
            committed = time.monotonic()
            await self.until("it is there", partial(self.runs_at, good, interval_s))
            waits.append(time.monotonic() - committed)
            await self.pause(0.5)
        return waits

    @staticmethod
    def runs_at(good: SimCollector, interval_s: int) -> bool:
        """Whether a change has come."""
        return good.configs["near"].interval_s == interval_s

    async def ask_now_and_then(self, thin: SimCollector) -> list[float]:
        """Ask over the thin line what runs, while it is there; give how long each answer took."""
        waits: list[float] = [0.0]
        while not self.done:
            if thin.connected and thin.configs:
                device, ends = next(iter(thin.configs)), len(thin.ends)
                began = time.monotonic()
                try:
                    await self.hub.ask("GET", f"configs/process/{device}?live=1")
                except AssertionError:
                    if len(thin.ends) == ends and not self.done:  # the line was not cut meanwhile
                        raise
                else:
                    waits.append(time.monotonic() - began)
            await self.pause(1.0)
        return waits
