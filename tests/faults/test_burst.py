# mypy: allow-untyped-calls
"""A hundred thousand changes in ten seconds."""

from __future__ import annotations

import time

import pytest

from tests.faults import figures
from tests.faults.case import FaultCase, devices_document, set_document
from tests.faults.length import LIMIT_S, pick

pytestmark = [pytest.mark.integration, pytest.mark.timeout(LIMIT_S)]

COLLECTORS = 20
EACH = pick(5, 50)
REVISIONS = pick(20, 100)
LASTS_S = pick(3.0, 10.0)
PUSHES, SAME_S, LATE_S = 15, 5.0, 0.25
ALONE_S = 0.2
"""On a machine that is this slow between two revisions, the hub has gathered long enough, and sends the first."""


class BurstTests(FaultCase):
    async def test_a_burst_of_changes(self) -> None:
        """Each revision changes a set that every device has: as many changes as there are devices."""
        names = [f"c{number:02}" for number in range(COLLECTORS)]
        for name in names:
            self.fleet.add(name)
        await self.fleet.all_attached()
        devices = [(f"{name}-{number:02}", name) for name in names for number in range(EACH)]
        await self.hub.live(await self.hub.apply(devices_document(devices)), 60)
        await self.hub.live(await self.hub.apply(set_document("burst", "^first ")), 60)
        before = {name: member.batches for name, member in self.fleet.members.items()}
        began = last_at = time.monotonic()
        alone = 0
        for number in range(REVISIONS):
            await self.hub.apply(set_document("burst", f"^burst{number} "))
            alone += time.monotonic() - last_at > ALONE_S
            last_at = time.monotonic()
            await self.pause(began + LASTS_S * (number + 1) / REVISIONS - time.monotonic())
        ended = time.monotonic()
        figures.told("changes of configs", REVISIONS * len(devices), "")
        figures.at_most("the burst took", ended - began, 1.2 * LASTS_S)
        last = f"^burst{REVISIONS - 1} "
        await self.until(
            "all have the last",
            lambda: all(
                config.process_sets[0].include == last
                for member in self.fleet.members.values()
                for config in member.configs.values()
            ),
            60,
        )
        figures.at_most("all have the last change after the end", time.monotonic() - ended, SAME_S)
        late, busy = self.hub.late_s(began)
        figures.at_most("the hub's loop was late", late, LATE_S, slack=20)
        figures.told("of that, by its own work", busy, "s")
        pushes = max(member.batches - before[name] for name, member in self.fleet.members.items())
        figures.no_more("messages to one collector, beside revisions that came alone", pushes - alone, PUSHES)
        await self.agree()
        self.no_defects()
