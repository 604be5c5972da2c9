"""The daemon's end of one worker process: it starts it, feeds it, hears it, and starts it again when it ends."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from collectors.framework.data.child import Child
from collectors.framework.running import messages
from collectors.framework.running.asking import Asking
from collectors.framework.running.clerk import Clerk, Desk
from collectors.framework.running.interfaces import Ran, Totals
from collectors.framework.running.messages import Messages, Order
from collectors.framework.running.standing import StandingDecisions
from common.configs import DeviceConfig
from common.errors import TocsinError, TransientError
from common.queries import Decision, Query, Result

MODULE = "collectors.framework.running.workermain"
BATCH = 50
"""Configs that a worker is given at once when it comes up."""
LOOK_S = 1.0
RUN_S = 6.0
STOP_S = 8.0
FIRST_S = 20.0
BAD_LUCK = 3
"""So many ends in a row are no bad luck any more."""

_log = Logger()


class Patience(Struct, frozen=True, kw_only=True):
    """How long a worker is waited for, in seconds.

    Attributes:
        silent_s: without any news for so long it hangs; it says something every second.
        start_s: the same, before its first word.
        query_s: for the answer to a question.
        again_s: to be there again, when it has ended just now and there are configs for it.
    """

    silent_s: float = 10.0
    start_s: float = 60.0
    query_s: float = 8.0
    again_s: float = 3.0


class WorkerProcess:
    """One worker process.

    Attributes:
        number: from 1 on.
        wanted: the configs that it is to run.
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
        self._clock = clock
        self._desk = desk
        self._patience = patience
        self.number = number
        self.name = f"worker {number}"
        self.wanted: dict[str, DeviceConfig] = {}
        self.live = False
        self.ends = 0
        self.ailing = self.trouble = ""
        self._decisions = StandingDecisions()
        self._unsent: dict[str, DeviceConfig] = {}
        self._refused: dict[str, str] = {}  # when it came up
        self._waiters: list[Deferred[None]] = []
        self._asking = Asking(clock, self.name, self.say)
        self._messages = Messages()
        self._clerk = Clerk(desk, self.name, self.say)
        self._begun = self._heard_of = self._has_lived = False
        self._silent_s = 0.0
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
        self.wanted.update(given)
        for device in given:
            self._refused.pop(device, None)
        late = Ran({}, frozenset(given))
        if self.live:
            try:
                refused = await self._start(configs)
            except TransientError as error:
                if self.live:
                    _log.warn("{who} is late with its configs: {reason}", who=self.name, reason=str(error))
                    return late
            else:
                for device in refused:
                    self.wanted.pop(device, None)
                return Ran(refused)
        else:
            self._unsent.update(given)
        if not await self.until_live(self._patience.again_s if self._has_lived else FIRST_S):
            return late
        return Ran({device: self._refused.pop(device) for device in given if device in self._refused})

    def pause(self, devices: Sequence[str]) -> None:
        """Have it leave these out; a process that comes after it does not know them."""
        self._drop(devices)
        self.say(messages.Pause(list(devices)))

    async def remove(self, devices: Sequence[str]) -> bool:
        """Have it end with these; False when it cannot be asked, and their tasks have ended with it."""
        self._drop(devices)
        self._decisions.forget(devices)
        if not self._begun:
            return False
        try:
            await self._asking.ask(messages.Remove(list(devices)), RUN_S)
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
        if not await self.until_live(self._patience.query_s / 2):
            raise TransientError(f"{self.ailing or f'{self.name} is being started'}; ask again")
        result: Result = await self._asking.ask(query, self._patience.query_s)
        return result

    async def tell(self, within_s: float) -> messages.Told:
        """Have it tell its figures.

        Raises:
            TransientError: it does not, or has not begun yet.
        """
        told: messages.Told = await self._asking.ask(messages.Tell(), within_s)
        return told

    def say(self, order: Order) -> bool:
        """Give an order, if it has begun; says whether it has."""
        return self._begun and self._send(order)

    async def until_live(self, within_s: float) -> bool:
        """Wait until it runs all that it is to run; False when it does not in time."""
        if self.live:
            return True
        waiting: Deferred[None] = Deferred()
        self._waiters.append(waiting)
        late = self._clock.callLater(within_s, waiting.cancel)
        try:
            await waiting
        except CancelledError:
            return False
        finally:
            if waiting in self._waiters:
                self._waiters.remove(waiting)
            if late.active():
                late.cancel()
        return self.live

    async def comes_back(self) -> bool:
        """Whether it is there, or is again in a moment."""
        return await self.until_live(self._patience.again_s)

    def look(self) -> None:
        """See whether it still says something; called every `LOOK_S`."""
        if not self._child.running:
            return
        # Counted, not measured: while the daemon itself was held up it heard nothing.
        self._silent_s += LOOK_S
        if self._silent_s > (self._patience.silent_s if self._heard_of else self._patience.start_s):
            self._kill(f"it said nothing for {self._silent_s:.0f} s")

    # --- its process --------------------------------------------------------------------------------------------------

    def _send(self, order: Order) -> bool:
        return self._child.send(messages.encode(order))

    def _drop(self, devices: Sequence[str]) -> None:
        for device in devices:
            self.wanted.pop(device, None)
            self._unsent.pop(device, None)

    def _spawned(self) -> None:
        self._messages = Messages()
        self._clerk = Clerk(self._desk, self.name, self.say)
        self._silent_s, self._heard_of, self._why = 0.0, False, ""

    def _kill(self, why: str) -> None:
        self._why = why
        _log.error("{who} is killed: {why}", who=self.name, why=why)
        self._child.kill()

    def _ended(self, reason: str) -> None:
        self.ends += 1
        self._before, self._now = self.totals, Totals()
        why = self._why or reason.rpartition(": ")[2].rstrip(".")
        self._over(f"{self.name} ended ({why})")
        self.ailing = f"{self.name} ended ({why}), and is started again; {len(self.wanted)} devices wait for it"
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
        if why and clerk is self._clerk:
            self._kill(why)

    async def _bring_up(self, clerk: Clerk) -> None:
        """Begin with a new process, when all that the one before it has sent is on disk."""
        await self._desk.spool.settle()
        if clerk is not self._clerk or not self._send(self._desk.begin(self.number)):
            return
        self._begun = True
        self._unsent, self._refused = dict(self.wanted), {}
        while self._unsent:
            batch = [self._unsent.pop(device) for device in list(self._unsent)[:BATCH]]
            refused = await self._start(batch)
            for config in batch:
                device = config.device
                if device in refused and self.wanted.get(device) is config:  # no other one has come meanwhile
                    self._refused[device] = refused[device]
                    del self.wanted[device]
        for decision in self._decisions.all():
            self.say(messages.Decided(decision))
        self.live = self._has_lived = True
        works = f"{self.name} keeps ending; it works again for now. See the log"
        self.ailing = "" if self._child.failures < BAD_LUCK else works
        waiters, self._waiters = self._waiters, []
        for waiting in waiters:
            waiting.callback(None)
        self._desk.on_change()
        refused, self._refused = self._refused, {}  # those that nobody has waited for
        if refused:
            self._desk.on_refused(refused)

    async def _start(self, configs: Sequence[DeviceConfig]) -> dict[str, str]:
        """Have it run these now; what it refuses, with the reason."""
        started = await self._asking.ask(messages.Run(list(configs)), RUN_S)
        return started.refused if isinstance(started, messages.Started) else {}

    # --- its news -----------------------------------------------------------------------------------------------------

    def _received(self, data: bytes) -> None:
        self._silent_s = 0.0
        try:
            for body in self._messages.bodies(data):
                self._hear(body)
        except messages.MessageError as error:
            self._messages = Messages()
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
                self._heard_of = True
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
