# mypy: allow-untyped-calls
# (trial's assertions have no types)
"""More connections than there are collectors: they are gone in time, cost little, and keep nobody out."""

from __future__ import annotations

import contextlib
import os
import resource
import time
from pathlib import Path

import pytest
from twisted.internet.threads import deferToThread

from tests.faults.case import FaultCase
from tests.faults.figures import at_most, exactly, no_more, told
from tests.faults.hostile.crowd import Crowd
from tests.faults.hostile.honest import Honest
from tests.faults.hostile.stranger import log_in
from tests.faults.length import LIMIT_S, pick

pytestmark = [pytest.mark.integration, pytest.mark.timeout(LIMIT_S)]

SILENT, JUNK = pick((200, 100), (2000, 1000))
LOGIN_S = pick(2.0, 10.0)
FILES = 256


class CrowdCase(FaultCase):
    def crowd(self) -> Crowd:
        made = Crowd(self.hub.port)
        self.addCleanup(made.leave)
        return made

    async def attach_s(self, address: str) -> float:
        """How long a collector needs to log in."""
        began = time.monotonic()
        self.assertEqual(
            await deferToThread(log_in, self.hub.port, self.hub.certificates("late"), address, LOGIN_S + 60), ""
        )
        return time.monotonic() - began

    async def gets_in(self, address: str) -> bool:
        """Try to log in, as a daemon does that comes again when it was turned away."""
        with contextlib.suppress(OSError):
            return not await deferToThread(log_in, self.hub.port, self.hub.certificates("late"), address)
        return False

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.hub.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def open_files(self) -> int:
        return sum(1 for _ in Path(f"/proc/{self.hub.pid}/fd").iterdir())

    async def come_and_go(self) -> None:
        good = Honest(self)
        await good.begin()
        await self.attach_s("127.14.0.1")  # what is allocated once and for all
        crowd = self.crowd()
        before, since = self.hub.memory_mib, time.monotonic()
        waits = []
        for part in range(10):
            await deferToThread(crowd.join, SILENT // 10, junk=False)
            await deferToThread(crowd.join, JUNK // 10, junk=True)
            waits.append(await self.attach_s(f"127.14.1.{part + 1}"))
            await deferToThread(crowd.look)
        grown = self.hub.memory_mib - before
        watching = deferToThread(crowd.watch, LOGIN_S + 60)
        waits += [await self.attach_s(f"127.14.2.{part + 1}") for part in range(5)]
        await watching
        exactly("connections that the hub did not end", crowd.size, 0)
        exactly("connections", len(crowd.stood_s), SILENT + JUNK)
        at_most("a connection stood", max(crowd.stood_s), LOGIN_S + 1)
        at_most("memory for each", grown * 1024 / (SILENT + JUNK), 60, "KiB", slack=3)
        at_most("a collector's login meanwhile", max(waits), 1.0)
        told("hub's loop was late", self.hub.late_s(since)[0], "s")
        no_more("lines in the hub's log", self.hub.log().count("\n"), 700)
        good.check(1.0)
        self.no_defects()


class AllAreAdmittedTests(CrowdCase):
    broker = f"login_s = {LOGIN_S}\nmax_strangers = {SILENT + JUNK + 100}"

    async def test_a_crowd_of_strangers_is_gone_in_time(self) -> None:
        await self.come_and_go()


class TheEldestGoTests(CrowdCase):
    broker = f"login_s = {LOGIN_S}\nmax_strangers = {pick(64, 256)}"

    async def test_a_crowd_larger_than_the_room_for_strangers_keeps_no_collector_out(self) -> None:
        await self.come_and_go()


class FewFilesTests(CrowdCase):
    broker = "login_s = 100\nmax_strangers = 2000"

    async def test_a_hub_that_may_open_no_more_files_keeps_its_sessions_and_recovers(self) -> None:
        good = Honest(self)
        await good.begin()
        resource.prlimit(self.hub.pid, resource.RLIMIT_NOFILE, (FILES, FILES))
        crowd = self.crowd()
        good.forget()
        await deferToThread(crowd.join, 600, junk=False)
        used, began = self.cpu_s(), time.monotonic()
        events = good.seq
        await self.pause(1.0)
        no_more("open files of the hub", self.open_files(), FILES)
        self.assertGreater(self.open_files(), FILES - 30)
        await self.until("the session goes on", lambda: good.seq > events)
        told("hub's share of a CPU meanwhile", 100 * (self.cpu_s() - used) / (time.monotonic() - began), "%")
        crowd.leave()
        began = time.monotonic()
        await self.until_so("a collector gets in", lambda: self.gets_in("127.14.3.1"))
        at_most("a collector gets in again after", time.monotonic() - began, 2.0)
        no_more("lines in the hub's log", self.hub.log().count("\n"), 1000)
        good.check(1.0)
        await self.agree()
        self.no_defects()
