# mypy: allow-untyped-calls
"""The hub is killed and comes back, and all its collectors with it."""

from __future__ import annotations

import time

import pytest

from tests.faults import figures
from tests.faults.case import FaultCase, devices_document
from tests.faults.length import LIMIT_S, pick

pytestmark = [pytest.mark.integration, pytest.mark.timeout(LIMIT_S)]

COLLECTORS = pick(60, 500)
DEVICES_EACH = 2
ATTACHED_S, LATE_S, MEMORY_MIB = 30.0, 0.25, 150.0


class RestartTests(FaultCase):
    async def test_all_collectors_come_back_after_kill_9_of_the_hub(self) -> None:
        names = [f"c{number:03}" for number in range(COLLECTORS)]
        for number, name in enumerate(names):
            self.fleet.add(name, source=f"127.0.{1 + number // 200}.{1 + number % 200}")
        await self.fleet.all_attached(120)
        devices = [(f"{name}-{number}", name) for name in names for number in range(DEVICES_EACH)]
        await self.hub.live(await self.hub.apply(devices_document(devices)), 120)
        before = {name: (member.batches, member.pages) for name, member in self.fleet.members.items()}
        self.assertGreaterEqual(min(batches for batches, _ in before.values()), 1)

        self.hub.kill()
        await self.until("all have noticed", lambda: len(self.fleet.absent()) == COLLECTORS, 60)
        await self.hub.start()
        back = time.monotonic()
        await self.fleet.all_attached(120)
        figures.told("collectors", COLLECTORS, "")
        figures.at_most("all attached after the hub answers", time.monotonic() - back, ATTACHED_S)
        await self.agree(60)
        late, busy = self.hub.late_s(back)
        figures.at_most("the hub's loop was late", late, LATE_S, slack=20)
        figures.told("of that, by its own work", busy, "s")
        figures.at_most("the hub's memory", self.hub.memory_mib, MEMORY_MIB, "MiB", slack=1)
        after = {name: (member.batches, member.pages) for name, member in self.fleet.members.items()}
        figures.exactly(
            "collectors that were sent configs again", sum(after[name] != before[name] for name in names), 0
        )
        end = time.monotonic() + 30  # of attempts that were given up
        while (found := await self.hub.figures())["connections"] != COLLECTORS and time.monotonic() < end:
            await self.pause(0.2)
        figures.exactly("connections at the end", found["connections"], COLLECTORS)
        self.no_defects()
