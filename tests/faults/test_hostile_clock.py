# mypy: allow-untyped-calls
# (trial's assertions have no types)
"""The clock of hub and collectors is set forward and back: timers, sessions and series do not mind."""

from __future__ import annotations

import itertools
import time
from functools import partial

import pytest
from twisted.internet.threads import deferToThread

from tests.faults.case import FaultCase, devices_document, reactor
from tests.faults.edgeprocess import EdgeProcess, expected, stored
from tests.faults.figures import at_most, exactly, no_more, told
from tests.faults.hostile.clock import FakeClock, ProcessDaemon
from tests.faults.hubprocess import HubProcess
from tests.faults.length import LIMIT_S, pick

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(LIMIT_S),
]

HOUR_S = 3600
YEARS_S = 3653 * 86400
STAY_S = pick(2.0, 60.0)
BACK_S = pick(4.5, 60.0)
"""Long enough to see that no run comes any more, as it is with a timer that goes by a clock that was set back."""
STEPS = pick(10, 100)


class ClockCase(FaultCase):
    broker = "heartbeat_s = 2"

    def make_hub(self) -> HubProcess:
        self.clock = FakeClock(self.folder)
        return HubProcess(reactor, self.folder, self.broker, self.clock.argv)

    async def begin(self) -> None:
        """Two collectors: one whose runs can be told, and one that writes series."""
        await self.hub.apply(devices_document([("here", "edge"), ("box", "series")], interval_s=1))
        revision = await self.hub.apply("kind: ProcessSet\nid: python\ninclude: python\nname: python\n")
        certificates = self.hub.certificates("edge")
        self.counting = EdgeProcess(
            self.folder, "edge", certificates, self.hub.port, link="heartbeat_s = 2", argv=self.clock.argv
        )
        self.addCleanup(self.counting.kill)
        self.counting.per_run(1)
        self.counting.start()
        self.series = ProcessDaemon(self.folder, "series", self.hub.certificates("series"), self.hub.port, self.clock)
        self.addCleanup(self.series.kill)
        self.series.start()
        await self.hub.live(revision)
        await self.until("events are stored", lambda: stored(self.hub.folder, "here"))
        self.since = time.monotonic()

    def sessions(self) -> int:
        return self.hub.log().count("attached its daemon")

    def is_told(self, what: str) -> bool:
        return what in self.hub.log()

    def gaps_s(self, since: float) -> list[float]:
        """Times between runs."""
        runs = [at for _, at in self.counting.runs("here") if at >= since]
        return [later - earlier for earlier, later in itertools.pairwise([since, *runs, time.monotonic()])]

    def runs_of_series(self) -> int:
        return int(sum(task["runs"] for task in self.series.figures()["task_list"]))

    async def stay(self, what: str, seconds: float) -> None:
        """Let a time last, and look that all goes on in it."""
        runs = await deferToThread(self.runs_of_series)
        began = time.monotonic()
        await self.pause(seconds)
        took_s = time.monotonic() - began
        gaps = self.gaps_s(began)
        at_most(f"{what}: longest time without a run", max(gaps), 2.1)
        no_more(f"{what}: runs too few", round(took_s) - len(gaps), 2)
        no_more(f"{what}: runs too many", len(gaps) - 1 - round(took_s * 1.1), 2)
        done = await deferToThread(self.runs_of_series) - runs
        no_more(f"{what}: runs too few, of the one that writes", round(took_s) - done, 2)

    def ahead(self) -> list[str]:
        """Files whose last sample is later than now."""
        return [name for name, last, step in self.series.last_updates() if last > self.clock.now() + step]

    async def has_files(self) -> bool:
        """Whether there are files of series; what waits for its file is written when one asks."""
        await self.hub.ask("GET", "devices/box/series")
        return any(self.series.last_updates())

    async def once(self) -> None:
        """Every event is stored once."""
        await self.quiet(self.counting, "here")
        wanted = expected(self.counting.last_number("here"))
        await self.until("all events are stored", lambda: stored(self.hub.folder, "here") == wanted, 40)
        told("events, each stored once", sum(wanted.values()), "")


class ClockTests(ClockCase):
    async def test_the_clock_goes_an_hour_forward_and_back_and_a_second_back_again_and_again(self) -> None:
        await self.begin()
        sessions = self.sessions()
        for offset_s in pick((HOUR_S, -HOUR_S), (0, HOUR_S, 0, -HOUR_S, 0)):
            self.clock.set(offset_s)
            await self.stay(f"clock {offset_s / 3600:+g} h", BACK_S if offset_s < 0 else STAY_S)
            if offset_s > 0:
                await self.until_so("there are files of series", self.has_files)
                exactly("files with samples of the future", self.ahead(), [])
        began = time.monotonic()
        for step in range(1, STEPS + 1):
            self.clock.set(-step)
            await self.pause(0.1)
        at_most("a second back, again and again: longest time without a run", max(self.gaps_s(began)), 2.1)
        await self.stay("afterwards", STAY_S)
        exactly("sessions that ended", self.sessions() - sessions, 0)
        self.assertTrue(all(row["connected"] for row in (await self.hub.collectors()).values()))
        await self.once()
        self.assertEqual(self.counting.defects(), [])
        self.assertNotIn("Traceback", self.series.log())
        self.no_defects()

    async def test_the_clock_goes_ten_years_forward_and_back(self) -> None:
        await self.begin()
        self.clock.set(YEARS_S)
        # In ten years every certificate has expired, and nobody may be believed any more. Collecting goes on.
        await self.stay("in ten years", STAY_S)
        for name in ("edge", "series"):
            gone = f"daemon process of collector {name} is gone: the certificate of collector {name} has expired"
            await self.until(f"the session of {name} ends", partial(self.is_told, gone), 60)
        await deferToThread(self.series.kill)  # what it holds is written then
        self.assertGreater(max(last for _, last, _ in self.series.last_updates()), time.time() + YEARS_S - 60)
        exactly("files with samples of the future", self.ahead(), [])
        self.series.start()
        await self.until("it collects without a hub", lambda: "works" in self.series.log().rpartition("stops")[2], 60)
        await self.pause(2)
        self.clock.set(0)
        before = self.sessions()
        await self.stay("and back", BACK_S)
        await self.until("both are there again", lambda: self.sessions() >= before + 2, 90)
        await self.once()
        await self.until("no file is locked by samples of the future", lambda: not self.ahead(), 60)
        self.assertEqual(self.counting.defects(), [])
        self.assertNotIn("Traceback", self.series.log())
        self.no_defects()
