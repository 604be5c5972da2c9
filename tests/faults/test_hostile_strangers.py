# mypy: allow-untyped-calls
# (trial's assertions have no types)
"""Who has not logged in: whatever they say, from however many connections, costs the hub little and others nothing."""

from __future__ import annotations

import sys
import time

import msgspec
import pytest
from twisted.internet.utils import getProcessOutputAndValue

from tests.faults.case import FaultCase
from tests.faults.figures import at_most, exactly, no_more, told
from tests.faults.hostile.attacker import WAYS, Outcome, Plan
from tests.faults.hostile.honest import Honest
from tests.faults.hostile.payloads import PATIENT, STRANGERS
from tests.faults.hubprocess import ROOT, environment
from tests.faults.length import LIMIT_S, pick

pytestmark = [pytest.mark.integration, pytest.mark.timeout(LIMIT_S)]

MIB = 1024 * 1024
LOGIN_S = pick(1.0, 10.0)


class StrangerTests(FaultCase):
    broker = f"login_s = {LOGIN_S}"

    async def attack(self, seconds: float) -> Outcome:
        """Have the attacker's process at it; give what it saw."""
        plan = Plan(
            port=self.hub.port,
            seconds=seconds,
            connections=50,
            patience_s=LOGIN_S + 30,
            certificates=str(self.hub.certificates("stranger")),
        )
        path = self.folder / "plan.json"
        path.write_bytes(msgspec.json.encode(plan))
        out, err, status = await getProcessOutputAndValue(
            sys.executable, ["-m", "tests.faults.hostile.attacker", str(path)], env=environment(), path=str(ROOT)
        )
        self.assertEqual(status, 0, err.decode()[-2000:])
        return msgspec.json.decode(out, type=Outcome)

    async def test_strangers_cost_little_whatever_they_say(self) -> None:
        good = Honest(self)
        await good.begin()
        await self.attack(pick(1.0, 5.0))  # what is allocated once and for all
        before, log, since = self.hub.memory_mib, len(self.hub.log()), time.monotonic()
        good.forget()
        seen = await self.attack(pick(3.0, 60.0))
        at_most("hub's memory grew", self.hub.memory_mib - before, 50, "MiB", slack=1.5)
        wall_s, cpu_s = self.hub.late_s(since)
        told("hub's loop was late, by the wall", wall_s, "s")
        at_most("hub's loop was late, by its own CPU time", cpu_s, 0.2)
        at_most("hub's log grew", (len(self.hub.log()) - log) / MIB, 1, "MiB", slack=1)
        lines = self.hub.log()[log:].count("\n")
        no_more("lines in it, of 300 and 5 a second", lines, 300 + round(6 * (time.monotonic() - since)) + 20)
        told("attacks", seen.attacks, "connections")
        told("attackers sent", seen.sent_bytes / MIB, "MiB")
        exactly("connections that the hub did not end", seen.kept, 0)
        at_most("a connection stood", seen.longest_s, LOGIN_S + 1)
        exactly("connections without a certificate that heard a word", seen.leaked, 0)
        exactly("strangers that were let in", seen.attached, 0)
        self.assertTrue(set(seen.said) | PATIENT == set(STRANGERS), seen.said)
        self.assertGreater(min(seen.by_way[way] for way in WAYS), len(STRANGERS))
        good.check(1.0)
        await self.agree()
        self.no_defects()
