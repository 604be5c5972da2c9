# mypy: allow-untyped-calls
# (trial's assertions have no types)
"""Collectors that are logged in, and lie: only they themselves fare badly, and nothing of others is believed."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import msgspec
import pytest
from twisted.internet.threads import deferToThread

from common.errors import RemoteError
from common.events import CLASS_PROCESS, Event, Severity
from common.queries import Done, Sets
from common.wire import EventBatch, ModelReport, SpooledEvent
from tests.faults.case import FaultCase, device_document, devices_document
from tests.faults.figures import at_most, exactly, no_more, told
from tests.faults.hostile.honest import Honest
from tests.faults.hostile.liar import MOODS, Liar, another_type, status_of, too_much
from tests.faults.hostile.member import FATAL, MEMBERS, Member
from tests.faults.length import LIMIT_S, pick

pytestmark = [pytest.mark.integration, pytest.mark.timeout(LIMIT_S)]

OWN = [f"evil-host{number}" for number in range(20)]
MIB = 1024 * 1024


class MemberCase(FaultCase):
    broker = "heartbeat_s = 1\ntimeout_s = 3"

    async def setUp(self) -> None:  # type: ignore[override]  # trial waits for a coroutine
        await super().setUp()
        self.good = Honest(self)
        await self.good.begin()
        self.since = time.monotonic()

    async def liar(self) -> Liar:
        """A collector of its own devices, that tells the truth until it has a mood."""
        evil = Liar("evil", [self.good.device])
        self.addCleanup(evil.speak)
        self.fleet.members["evil"] = evil
        await self.hub.apply(devices_document([(name, "evil") for name in OWN]))
        await self.log_in(evil)
        await self.agree()
        return evil

    def judge_loop(self, since: float) -> None:
        """Judge how late the hub's loop was by its own work."""
        wall_s, cpu_s = self.hub.late_s(since)
        told("hub's loop was late, by the wall", wall_s, "s")
        at_most("hub's loop was late, by its own CPU time", cpu_s, 0.5, slack=4)

    async def log_in(self, evil: Liar) -> None:
        """Begin a new session, in which it is asked what it holds; at once, with no patience for itself."""
        if evil.link is not None:
            await evil.link.stopService()
        evil.link = self.hub.link("evil", evil)
        evil.link.startService()
        await self.until("the liar is attached", lambda: evil.connected)

    async def change(self, device: str, collector: str, interval_s: int) -> int:
        return await self.hub.apply(device_document(device, collector, interval_s))

    async def row(self, device: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.hub.ask("GET", f"devices/{device}")
        return found


class LieTests(MemberCase):
    async def test_whatever_a_collector_says_of_its_configs_others_get_theirs(self) -> None:
        evil = await self.liar()
        before = self.hub.memory_mib
        waits: list[float] = []
        interval_s = 20
        for mood in MOODS:
            evil.mood = mood
            lies = evil.asked
            await self.log_in(evil)
            await self.change(OWN[1], "evil", interval_s)
            await self.until(f"it lies: {mood}", partial(evil.has_lied_since, lies), 60)
            ends = time.monotonic() + pick(0.3, 8.0)
            while time.monotonic() < ends or not waits:
                interval_s += 1
                await self.change(OWN[0], "evil", interval_s)
                began = time.monotonic()
                await self.change(self.good.device, "good", interval_s)
                await self.until(f"the honest one has it, although {mood}", partial(self.has, interval_s))
                waits.append(time.monotonic() - began)
            self.assertTrue((await self.row(self.good.device))["in_sync"], mood)
            if mood in NOT_LIVE:
                self.assertFalse((await self.row(OWN[0]))["in_sync"], mood)
        worst = sorted(waits)[int(0.99 * (len(waits) - 1))]
        at_most("an honest collector's change, p99, with the quarter that the hub gathers", worst, 0.75)
        at_most("hub's memory grew", self.hub.memory_mib - before, 20, "MiB", slack=1.5)
        told("hub's loop was late", self.hub.late_s(self.since)[0], "s")
        evil.mood = ""
        evil.speak()
        evil.forget()
        await self.log_in(evil)
        await self.agree(60)
        self.good.check(0.5)
        self.no_defects()

    def has(self, interval_s: int) -> bool:
        return self.good.configs[self.good.device].interval_s == interval_s


NOT_LIVE = {
    "it runs something else",
    "it runs something else, and its total is right",
    "it rejects everything",
    "it forgets to answer for some",
    "its pages go in circles",
    "its pages never end",
    "it never answers",
}
"""Moods in which its own devices cannot be called live."""


class ForeignTests(MemberCase):
    seq = 0

    def event(self, device: str, severity: Severity, **changes: Any) -> Event:
        made = Event(
            device=device,
            event_class=CLASS_PROCESS,
            severity=severity,
            summary="a lie",
            at=time.time(),
            component="work",
            event_key="process_missing",
        )
        return msgspec.structs.replace(made, **changes)

    async def send(self, evil: Liar, events: list[Event]) -> None:
        """Hand events over as new ones."""
        assert evil.link is not None
        numbered = [SpooledEvent(self.seq + n, one) for n, one in enumerate(events, 1)]
        self.seq += len(events)
        stored = await evil.link.send_events(EventBatch(spool="lies", events=numbered))
        self.assertEqual(stored.seq, self.seq)

    async def judge(self, evil: Liar) -> None:
        """Raise and close alarms of another's device, and of nobody's; nothing of it may be believed."""
        for device in (self.good.device, "nobody-host", "good"):
            await self.send(evil, [self.event(device, Severity.CRITICAL, component=f"lie-{self.seq}")])
            await self.send(evil, [self.event(device, Severity.CLEAR)])

    async def test_what_a_collector_says_of_others_devices_is_never_believed(self) -> None:
        evil = await self.liar()
        batch = EventBatch(spool="alarms", events=[SpooledEvent(1, self.event(self.good.device, Severity.ERROR))])
        await self.good.session.send_events(batch)
        await self.judge(evil)
        # It says that it holds the other's device, and tries again.
        evil.mood = "it holds what is others'"
        await self.log_in(evil)
        await self.until("it is asked, and told to let go", lambda: evil.asked >= 2)
        await self.judge(evil)
        (alarm,) = [
            one
            for one in await self.hub.events(device=self.good.device)
            if one["component"] == "work" and one["event_key"] == "process_missing"
        ]
        self.assertEqual((alarm["state"], alarm["collector"]), ("new", "good"))
        believed = [one for one in await self.hub.events() if one["collector"] == "evil" and one["device"] != "evil"]
        exactly("events that were believed of a liar", [(one["device"], one["component"]) for one in believed], [])
        kept = await self.hub.events(device="evil")
        exactly("of six lies that raise, kept under its name", len([one for one in kept if "lie" in one["summary"]]), 6)

        # The same for what a modeler says.
        refused = 0
        assert evil.link is not None
        for device in (self.good.device, "nobody-host", "good"):
            try:
                await evil.link.send_model(ModelReport(device=device, at=time.time()))
            except RemoteError as error:
                refused += error.code == "forbidden"
        exactly("models of others' devices that were refused", refused, 3)

        # And for what it answers when it is asked about its own.
        evil.result = lambda _: Sets(sets=[status_of(self.good.device), status_of(OWN[0])], scans=[], more=False)
        shown = await self.hub.ask("GET", "sets")
        self.assertEqual({status["device"] for status in shown["sets"]}, {OWN[0]})
        self.good.check(0.5)
        self.no_defects()

    async def test_answers_without_end_and_of_the_wrong_type_are_refused(self) -> None:
        evil = await self.liar()
        before = self.hub.memory_mib
        questions = (f"devices/{OWN[0]}/processes", f"devices/{OWN[0]}/series", f"sets?device={OWN[0]}")
        for result in (another_type, too_much):
            evil.result = result
            for question in questions:
                with pytest.raises(AssertionError, match=r": (502|503|504|409|404) "):
                    await self.hub.ask("GET", question)
        at_most("hub's memory grew", self.hub.memory_mib - before, 20, "MiB", slack=3)
        evil.result = lambda _: Done(1)
        self.good.check(0.5)
        self.no_defects()


class FloodTests(MemberCase):
    def member(self, name: str, number: int) -> Member:
        made = Member(self.hub.port, self.hub.certificates(name), f"127.15.0.{number}")
        self.addCleanup(made.close)
        return made

    async def test_a_member_that_floods_or_talks_nonsense_harms_itself_alone(self) -> None:
        first = await deferToThread(self.member, "evil", 1)
        self.assertTrue(first.attached)
        await deferToThread(first.say, MEMBERS["events that are none"](), 0.5)
        before, since, log = self.hub.memory_mib, time.monotonic(), len(self.hub.log())
        self.good.forget()
        ended = []
        for number, (name, payload) in enumerate(MEMBERS.items(), 2):
            member = await deferToThread(self.member, "evil", number)
            self.assertTrue(member.attached, name)
            for _ in range(pick(1, 5)):
                if await deferToThread(member.say, payload(), 60.0 if name in FATAL else pick(0.3, 3.0)):
                    ended.append(name)
                    break
        exactly("kinds of nonsense that ended no session", sorted(FATAL.difference(ended)), [])
        for reason in ("bytes in one expression", "items", "nested deeper"):
            self.assertIn(reason, self.hub.log()[log:], "it is cut off by what is announced")
        at_most("hub's memory grew", self.hub.memory_mib - before, 20, "MiB", slack=2)
        self.judge_loop(since)
        at_most("hub's log grew", (len(self.hub.log()) - log) / MIB, 1, "MiB", slack=1)
        self.good.check(0.5)
        self.no_defects()

    async def test_a_member_that_never_reads_ends_with_the_first_call_that_it_does_not_answer(self) -> None:
        before, since = self.hub.memory_mib, time.monotonic()
        self.good.forget()
        members = [await deferToThread(self.member, f"evil{number}", 20 + number) for number in range(pick(3, 10))]
        bad = MEMBERS["events that are none"]()
        shouting = [deferToThread(member.shout, bad, pick(6.0, 30.0)) for member in members]
        sent = 0
        for each in shouting:
            sent += await each
        gone = [f"evil{number} is gone" for number in range(len(members))]
        await self.until("all are gone", lambda: all(f"collector {one}" in self.hub.log() for one in gone), 40)
        told("members sent before they were stopped", sent / MIB, "MiB")
        at_most("hub's memory grew", self.hub.memory_mib - before, 20, "MiB", slack=2)
        self.judge_loop(since)
        no_more("lines in the hub's log", self.hub.log().count("\n"), 500)
        self.good.check(0.5)
        self.no_defects()
