# mypy: allow-untyped-calls
"""Connections that are cut short, slow, garbled, half closed or played again: both sides agree when it is over.

There are always events under way; in every other round there is a change that concerns every device, too.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.faults import figures
from tests.faults.case import FaultCase, devices_document, set_document
from tests.faults.chaos import ChaosProxy, Parrot, Way
from tests.faults.length import LIMIT_S, LONG, pick

pytestmark = [pytest.mark.integration, pytest.mark.timeout(LIMIT_S)]

ROUNDS = pick(1, 2)
DEVICES = [f"web{number:02}" for number in range(pick(20, 60))]
EVENTS_A_RUN = pick(40, 5)
MOST_BYTES = 2000

Fault = Callable[[ChaosProxy, Way, random.Random], None]


def cut(_net: ChaosProxy, way: Way, rng: random.Random) -> None:
    """A reset, somewhere in a message."""
    way.after(rng.randrange(1, MOST_BYTES), lambda line: line.cut())


def half_closed(_net: ChaosProxy, way: Way, rng: random.Random) -> None:
    """The hub is told that the collector says no more, which TLS has not said."""
    way.after(rng.randrange(1, MOST_BYTES), lambda line: line.half_close())


def garbled(_net: ChaosProxy, way: Way, _rng: random.Random) -> None:
    """A bit is turned on the way."""
    way.corrupt = 1


def slow(net: ChaosProxy, _way: Way, rng: random.Random) -> None:
    """Both ways take a while, and never the same."""
    net.up.delay_s = net.down.delay_s = rng.uniform(0.1, 0.4)
    net.up.jitter_s = net.down.jitter_s = 0.4


def swallowed(_net: ChaosProxy, way: Way, rng: random.Random) -> None:
    """A box in the middle forgets some bytes, and passes the next ones."""

    def forget(_line: Any) -> None:
        """`after` has dropped what came with the last byte; what follows passes."""

    way.after(rng.randrange(1, MOST_BYTES), forget)


FAULTS: tuple[Fault, ...] = (cut, half_closed, garbled, slow, swallowed)
BRIEFLY = ((cut, True, False), (garbled, False, True), (slow, True, True))
"""What the short form tries, whether on the way up, and whether there are changes."""


def all_ended(parrots: list[Parrot]) -> bool:
    """Whether all have been turned away."""
    return all(parrot.ended for parrot in parrots)


class BadNetworkTests(FaultCase):
    broker = link = "heartbeat_s = 1.0"

    async def prepare(self) -> None:
        self.net = self.proxy()
        self.one = self.edge("edge", self.net.port)
        self.one.start()
        await self.hub.live(await self.hub.apply(devices_document([(device, "edge") for device in DEVICES], 1)))
        self.one.per_run(EVENTS_A_RUN)

    async def test_both_sides_agree_after_each_fault(self) -> None:
        """The fault falls on configs and their answers, or on events, as `changes` says."""
        await self.prepare()
        rng = random.Random(23)
        every = [(fault, up, changes) for fault in FAULTS for up in (True, False) for changes in (True, False)]
        happened = 0
        for number, (fault, up, changes) in enumerate(every * ROUNDS if LONG else BRIEFLY):
            if number % pick(1, 4) == 0:  # a daemon that starts anew does not wait longer after each failure
                sessions = self.one.attached()
                self.one.kill()
                self.one.start()
                await self.until("it is back", partial(self.came_back, sessions))
            sessions, spoken = self.one.attached(), self.net.up.passed
            fault(self.net, self.net.up if up else self.net.down, rng)
            if changes:
                await self.hub.live(await self.hub.apply(set_document("daemons", f"^round{number} ")), 90)
                found = {config.process_sets[0].include for config in self.one.configs().values()}
                self.assertEqual(found, {f"^round{number} "}, fault.__name__)
            if fault is slow:
                await self.until("much is said", partial(self.has_said, spoken + MOST_BYTES))
            else:
                await self.until("the fault happens", partial(self.came_back, sessions), 90)
            happened += 1
            self.net.heal()
        figures.told("faults that happened", happened, "")
        figures.told("events stored once", await self.stored_once(self.one, *DEVICES, within_s=60), "")
        await self.edge_agrees(self.one)
        self.no_defects(self.one)

    async def test_what_a_collector_has_said_cannot_be_said_again_by_another(self) -> None:
        """Somebody who has recorded a connection plays it again, while it stands and when it is gone."""
        await self.prepare()
        await self.until("there is a line", lambda: self.net.up.passed > 4 * MOST_BYTES)
        (line,) = self.net.lines
        sessions = self.one.attached()
        for stands in (True, False):
            parrots = [await self.net.replay(line) for _ in range(pick(3, 50))]
            await self.until("all are turned away", partial(all_ended, parrots))
            connected = (await self.hub.collectors())["edge"]["connected"]
            self.assertEqual(connected, stands)
            if stands:
                self.assertEqual(self.one.attached(), sessions)  # nobody took its seat
                self.one.kill()
                await self.until_so("it is missed", self.is_gone)
        self.one.start()
        figures.told("events stored once", await self.stored_once(self.one, *DEVICES), "")
        await self.edge_agrees(self.one)
        self.no_defects(self.one)

    def has_said(self, count: int) -> bool:
        """Whether the collector has said so many bytes."""
        return self.net.up.passed >= count

    def came_back(self, sessions: int) -> bool:
        """Whether it has logged in once more."""
        return self.one.attached() > sessions

    async def is_there(self) -> bool:
        return bool((await self.hub.collectors())["edge"]["connected"])

    async def is_gone(self) -> bool:
        return not await self.is_there()
