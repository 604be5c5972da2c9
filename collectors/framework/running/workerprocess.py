"""The daemon's end of one worker process: it starts it, feeds it, hears it, and starts it again when it ends."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from collectors.framework.data.child import Child
from collectors.framework.running import messages
from collectors.framework.running.asking import Asking
from collectors.framework.running.clerk import Clerk, Desk
from collectors.framework.running.interfaces import Ran, Totals
from collectors.framework.running.messages import MAX_BYTES, Order
from collectors.framework.running.patience import Patience, Silence, Waiting
from collectors.framework.running.standing import StandingDecisions
from collectors.framework.running.workload import Workload
from common.configs import DeviceConfig
from common.errors import TocsinError, TransientError
from common.pipes import MessageError, Messages
from common.queries import Decision, Query, Result

MODULE = "collectors.framework.running.workermain"
BATCH = 50
"""Configs that a worker is given at once when it comes up."""
BEGIN_S = 60.0
"""For one batch of them; a process that hangs is noticed long before."""
STOP_S = 8.0
BAD_LUCK = 3
"""So many ends in a row are no bad luck any more."""

_log = Logger()


class WorkerProcess:
    """One worker process.

    Attributes:
        number: from 1 on.
        patience: how long it is waited for.
        load: the configs that it is to run.
        live: whether it runs them all.
        ends: how often it has ended by itself.
        ailing: what is wrong with it, as a sentence; empty when all is well.
        trouble: what ails the files that its collector keeps.
    """

    def __init__(
        self,
        reactor: Any,
        clock: IReactorTime,
        number: int,
        arguments: Sequence[str],
        desk: Desk,
        patience: Patience,
    ) -> None:
        self._desk = desk
        self.patience = patience
        self.number = number
        self.name = f"worker {number}"
        self.load = Workload()
        self.live = False
        self.ends = 0
        self.ailing = self.trouble = ""
        self._decisions = StandingDecisions()
        self._until_live = Waiting(clock)
        self._asking = Asking(clock, self.name, self.say)
        self._messages = Messages(MAX_BYTES)
        self._clerk = Clerk(desk, self.name, self.say)
        self._begun = self._has_lived = False
        self._silence = Silence(patience)
        self._why = ""
        self._now = self._before = Totals()
        self._child = Child(
            reactor,
            clock,
            MODULE,
            [*arguments, "--daemon", str(os.getpid()), "--name", self.name],
            on_data=self._received,
            on_up=self._spawned,
            on_down=self._ended,
            on_steady=self._steady,
        )

    @property
    def pid(self) -> int | None:
        """Its process id."""
        return self._child.pid

    @property
    def totals(self) -> Totals:
        """How its tasks fare; what only grows has that of the processes before it."""
        now, before = self._now, self._before
        grown = ("late_runs", "failed_runs", "cpu_s", "dropped_samples")
        return msgspec.structs.replace(now, **{name: getattr(now, name) + getattr(before, name) for name in grown})

    # --- what the daemon wants ----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Keep it running from now on."""
        self._child.start()

    async def stop(self) -> None:
        """Let it end its tasks and hand over all that they said, then end it."""
        if self._begun:
            try:
                await self._asking.ask(messages.Stop(), STOP_S)
            except TocsinError as error:
                _log.warn("{who} did not end in order: {reason}", who=self.name, reason=str(error))
        await self._child.stop(0.5)
        self._over("the daemon stops")

    async def run(self, configs: Sequence[DeviceConfig]) -> Ran:
        """Have it run by these; see `IRunner.run`."""
        given = {config.device: config for config in configs}
        self.load.take(given, later=not self.live)
        late = Ran({}, frozenset(given))
        if self.live:
            try:
                await self._start(given, self.patience.run_s)
            except TransientError as error:
                if self.live:
                    _log.warn("{who} is late with its configs: {reason}", who=self.name, reason=str(error))
                    return late
            else:
                return Ran(self.load.refused(given))
        if not await self.until_live(self.patience.again_s if self._has_lived else self.patience.first_s):
            return late
        return Ran(self.load.refused(given))

    def pause(self, devices: Sequence[str]) -> None:
        """Have it leave these out; a process that comes after it does not know them."""
        self.load.drop(devices)
        self.say(messages.Pause(list(devices)))

    async def remove(self, devices: Sequence[str]) -> bool:
        """Have it end with these; False when it cannot be asked, and their tasks have ended with it."""
        self.load.drop(devices)
        self._decisions.forget(devices)
        if not self._begun:
            return False
        try:
            await self._asking.ask(messages.Remove(list(devices)), self.patience.run_s)
        except TransientError:
            return False
        return True

    def decided(self, decision: Decision) -> None:
        """Tell it what an operator made of an alarm; also a process that comes after it, until a task has spoken."""
        self._decisions.add(decision)
        if self.live:
            self.say(messages.Decided(decision))

    async def answer(self, query: Query) -> Result:
        """Have it answer.

        Raises:
            TocsinError: what it says, or that it does not.
        """
        if not await self.until_live(self.patience.query_s / 2):
            raise TransientError(f"{self.ailing or f'{self.name} is being started'}; ask again")
        result: Result = await self._asking.ask(query, self.patience.query_s)
        return result

    async def tell(self) -> messages.Told:
        """Have it tell its figures.

        Raises:
            TransientError: it does not, or has not begun yet.
        """
        told: messages.Told = await self._asking.ask(messages.Tell(), self.patience.tell_s)
        return told

    def say(self, order: Order) -> bool:
        """Give an order, if it has begun; says whether it has."""
        return self._begun and self._send(order)

    async def until_live(self, within_s: float) -> bool:
        """Wait until it runs all that it is to run; False when it does not in time."""
        if not self.live:
            await self._until_live.wait(within_s)
        return self.live

    async def comes_back(self) -> bool:
        """Whether it is there, or is again in a moment."""
        return await self.until_live(self.patience.again_s)

    def look(self) -> None:
        """See whether it still says something; called every `LOOK_S`."""
        why = self._silence.passed() if self._child.running else ""
        if why:
            self._kill(why)

    # --- its process --------------------------------------------------------------------------------------------------

    def _send(self, order: Order) -> bool:
        return self._child.send(messages.encode(order))

    def _spawned(self) -> None:
        self._messages = Messages(MAX_BYTES)
        self._clerk = Clerk(self._desk, self.name, self.say)
        self._silence.begin()
        self._why = ""

    def _kill(self, why: str) -> None:
        self._why = why
        _log.error("{who} is killed: {why}", who=self.name, why=why)
        self._child.kill()

    def _ended(self, reason: str) -> None:
        self.ends += 1
        self._before, self._now = self.totals, Totals()
        why = self._why or reason.rpartition(": ")[2].rstrip(".")
        self._over(f"{self.name} ended: {why}")
        self.ailing = f"{self.name} ended, {why}; it is started again, and {len(self.load.wanted)} devices wait for it"
        self._desk.on_change()

    def _over(self, why: str) -> None:
        """Its process is gone."""
        self.live = self._begun = False
        self.trouble = ""
        self._clerk.close()
        self._asking.give_up(why)

    def _steady(self) -> None:
        if self.live:
            self.ailing = ""
            self._desk.on_change()

    async def _came_up(self) -> None:
        clerk = self._clerk
        why = ""
        try:
            await self._bring_up(clerk)
        except TocsinError as error:
            why = f"it does not begin: {error}"
        except Exception:  # noqa: BLE001 - the supervisor of one worker
            _log.failure("defect while {who} was brought up", who=self.name)
            why = "it could not be brought up"
        if why and clerk is self._clerk and self._child.running:  # it may have ended meanwhile
            self._kill(why)

    async def _bring_up(self, clerk: Clerk) -> None:
        """Begin with a new process, when all that the one before it has sent is on disk."""
        await self._desk.spool.settle()
        if clerk is not self._clerk or not self._send(self._desk.begin(self.number)):
            return
        self._begun = True
        self.load.begin()
        while batch := self.load.next(BATCH):
            await self._start(batch, BEGIN_S)
        for decision in self._decisions.all():
            self.say(messages.Decided(decision))
        self.live = self._has_lived = True
        works = f"{self.name} keeps ending; it works again for now. See the log"
        self.ailing = "" if self._child.failures < BAD_LUCK else works
        self._until_live.come()
        self._desk.on_change()
        self._tell_refused()

    async def _start(self, configs: Mapping[str, DeviceConfig], within_s: float) -> None:
        """Have it run these now; what it refuses is noted, also when it says so too late."""

        def judged(started: Any) -> None:
            if isinstance(started, messages.Started):
                self.load.judged(configs, started.refused)

        def too_late(started: Any) -> None:
            judged(started)
            self._tell_refused()

        judged(await self._asking.ask(messages.Run(list(configs.values())), within_s, too_late))

    def _tell_refused(self) -> None:
        refused = self.load.all_refused()  # those that nobody waits for
        if refused:
            self._desk.on_refused(refused)

    # --- its news -----------------------------------------------------------------------------------------------------

    def _received(self, data: bytes) -> None:
        self._silence.heard()
        try:
            for body in self._messages.bodies(data):
                self._hear(body)
        except MessageError as error:
            self._messages = Messages(MAX_BYTES)
            self._kill(str(error))

    def _hear(self, body: bytes) -> None:
        news = messages.read_news(body)
        try:
            if isinstance(news, messages.Beat):
                self._now = news.totals
                self._desk.on_runs(news.runs, news.run_s, news.longest_s)
            elif isinstance(news, messages.Answer):
                self._asking.answered(news)
            elif isinstance(news, messages.Trouble):
                self.trouble = news.sentence
                self._desk.on_change()
            elif isinstance(news, messages.Up):
                Deferred.fromCoroutine(self._came_up())
            else:
                if isinstance(news, messages.Keep):
                    self._decisions.overtaken(news.events)
                self._clerk.take(news)
        except Exception:  # noqa: BLE001 - the supervisor of its news
            _log.failure("defect while news of {who} were heard", who=self.name)


def arguments(spec_name: str, folder: Path, reactor: str) -> list[str]:
    """What every worker of a daemon is started with."""
    return ["--spec", spec_name, "--folder", str(folder), "--reactor", reactor]
