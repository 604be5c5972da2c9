# mypy: allow-untyped-calls
# (trial's assertions have no types)
"""A collector daemon whose hub lies: it collects on by its last good configs, and no event of it is lost."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from functools import partial

import pytest
from twisted.internet.defer import Deferred

from common.certificates import ensure_site
from tests.fakes.watching import memory_mib
from tests.faults.case import FaultCase, devices_document
from tests.faults.edgeprocess import EdgeProcess, expected, stored
from tests.faults.figures import at_most, exactly, told
from tests.faults.hostile.falsehub import MOODS, PUSHES, FalseDoor
from tests.faults.length import LIMIT_S, pick

pytestmark = [pytest.mark.integration, pytest.mark.timeout(LIMIT_S)]

NAMES = [f"web{number}" for number in range(5)]
QUICK = (
    "a batch of which the last config is none",
    "a config of a hundred thousand sets",
    "it holds more than there ever was",
    "it stores events of the future",
)
"""Those of the short form."""
WAITS = {"it never answers the login", "it never answers events"}


class FalseHubTests(FaultCase):
    async def test_a_hub_that_lies(self) -> None:
        revision = await self.hub.apply(devices_document([(name, "edge") for name in NAMES], interval_s=1))
        edge = EdgeProcess(self.folder, "edge", self.hub.certificates("edge"), self.hub.port)
        self.addCleanup(edge.kill)
        edge.per_run(3)
        edge.start()
        await self.hub.live(revision)
        await self.until("events come", lambda: stored(self.hub.folder, NAMES[0]))
        held, port = edge.digests(), self.hub.port
        await self.hub.stop()

        assert edge.process is not None
        pid = edge.process.pid
        before = memory_mib(pid)
        door = FalseDoor(ensure_site(self.hub.folder / "pki", time.time))
        self.addCleanup(lambda: Deferred.fromCoroutine(door.close()))
        since = time.monotonic()
        for mood in MOODS if pick(False, True) else QUICK:
            door.mood = mood
            door.cut()
            if door._port is None:
                door.listen(port)
            # Its patience grows with each failure; a new process has all of it.
            edge.kill()
            edge.start()
            logins, pushes = door.logins, door.pushes
            await self.until(f"it logs in: {mood}", partial(door.more_than, logins))
            if mood in PUSHES:
                await self.until(f"it has its say: {mood}", partial(door.has_pushed, pushes))
            await self.pause(pick(0.5, 17.0 if mood in WAITS else 5.0))
            self.assertEqual(edge.digests(), held, mood)
        assert edge.process is not None
        at_most("collector's memory grew", memory_mib(edge.process.pid) - before, 30, "MiB", slack=2)
        await door.close()

        await self.hub.start()
        await self.until("it is attached to the real one", lambda: self.back(edge), 60)
        await self.quiet(edge, *NAMES)
        last = {name: edge.last_number(name) for name in NAMES}
        for name in NAMES:
            wanted = expected(last[name])
            await self.until(f"all events of {name} are stored", partial(self.has_all, name, wanted), 40)
            exactly(f"events of {name} that are stored twice", stored(self.hub.folder, name) - wanted, Counter())
        told("events, each stored once", sum(last.values()), "")
        runs = [at for _, at in edge.runs(NAMES[0]) if at > since]
        longest = max(later - earlier for earlier, later in itertools.pairwise(runs))
        at_most("longest time without a run, restarts included", longest, 4.0)
        self.assertEqual(edge.digests(), held)
        self.assertEqual(edge.defects(), [])
        self.no_defects()

    def has_all(self, name: str, wanted: Counter[str]) -> bool:
        return not wanted - stored(self.hub.folder, name)

    def back(self, edge: EdgeProcess) -> bool:
        return "collector edge attached its daemon" in self.hub.log().rpartition("works (pid")[2]
