"""The daemon's end of one worker process: it starts it, feeds it, hears it, and starts it again when it ends."""

from __future__ import annotations

import itertools
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from collectors.framework.data.child import Child
from collectors.framework.data.frames import Definition
from collectors.framework.eventspool import EventSpool
from collectors.framework.interfaces import ISampleSink
from collectors.framework.running.interfaces import Ran, Totals
from collectors.framework.running.messages import (
    Answer,
    Ask,
    Beat,
    Begin,
    Decided,
    Forget,
    Keep,
    Kept,
    Line,
    MessageError,
    Messages,
    Model,
    Modelled,
    News,
    Order,
    Pause,
    Remove,
    Run,
    Samples,
    Started,
    Stop,
    Taken,
    Up,
    encode,
    read_news,
)
from collectors.framework.running.standing import StandingDecisions
from collectors.framework.running.words import error_of, log_line
from common.configs import DeviceConfig
from common.edge.answers import failure_of
from common.errors import TocsinError, TransientError
from common.queries import Decision, Query, Result
from common.series import Sample
from common.wire import Failure, ModelReport, ModelTaken

MODULE = "collectors.framework.running.worker"
BATCH = 50
"""Configs that a worker is given at once when it comes up."""
MAX_ASKED = 500
LOOK_S = 1.0
SILENT_S = 10.0
"""Without any news for so long a worker hangs; it says something every second."""
START_S = 60.0
"""The same, before its first word."""
RUN_S = 10.0
QUERY_S = 8.0
STOP_S = 15.0
LIVE_S = 20.0
BAD_LUCK = 3
"""So many ends in a row are no bad luck any more."""

_log = Logger()


class Patience(Struct, frozen=True, kw_only=True):
    """How long a worker is waited for, in seconds; tests have less."""

    silent_s: float = SILENT_S
    start_s: float = START_S
    query_s: float = QUERY_S


class Desk(Struct, frozen=True, kw_only=True):
    """What the daemon does for its workers.

    Attributes:
        begin: what one is told first, by its number.
        on_change: called when one has come up, or ended.
        on_runs: told how many runs have ended, their time together, and that of the longest.
    """

    spool: EventSpool
    samples: ISampleSink
    send_model: Callable[[ModelReport], Awaitable[ModelTaken]]
    begin: Callable[[int], Begin]
    on_change: Callable[[], None]
    on_runs: Callable[[int, float, float], None]


class WorkerProcess:
    """One worker process.

    Attributes:
        number: from 1 on.
        wanted: the configs that it is to run.
        live: whether it runs them all.
        ends: how often it has ended by itself.
        ailing: what is wrong with it, as a sentence; empty when all is well.
        totals: how its tasks fare, with those of the processes before it.
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
        self.ailing = ""
        self._decisions = StandingDecisions()
        self._unsent: dict[str, DeviceConfig] = {}
        self._numbers = itertools.count(1)
        self._asked: dict[int, Deferred[Any]] = {}
        self._waiters: list[Deferred[None]] = []
        self._messages = Messages()
        self._series: dict[int, Definition] = {}
        self._life = 0  # counts its processes: what was begun for one is not for the next
        self._begun = False
        self._heard_of = False
        self._silent_s = 0.0
        self._why = ""
        self._now = self._before = Totals()
        own = ["--daemon", str(os.getpid()), "--name", self.name]
        self._child = Child(
            reactor,
            clock,
            MODULE,
            [*arguments, *own],
            on_data=self._received,
            on_up=self._spawned,
            on_down=self._ended,
            on_steady=self._steady,
        )

    # --- what the daemon wants ----------------------------------------------------------------------------------------

    @property
    def pid(self) -> int | None:
        """Its process id."""
        return self._child.pid

    @property
    def totals(self) -> Totals:
        """How its tasks fare; what only grows has those of its former processes in it."""
        now, before = self._now, self._before
        return msgspec.structs.replace(
            now,
            late_runs=now.late_runs + before.late_runs,
            failed_runs=now.failed_runs + before.failed_runs,
            cpu_s=now.cpu_s + before.cpu_s,
            dropped_samples=now.dropped_samples + before.dropped_samples,
        )

    def start(self) -> None:
        """Keep it running from now on."""
        self._child.start()

    async def stop(self) -> None:
        """Let it end its tasks and hand over all that they said, then end it."""
        if self._begun:
            try:
                await self._ask(Stop(), STOP_S)
            except TocsinError as error:
                _log.warn("{who} did not end in order: {reason}", who=self.name, reason=str(error))
        await self._child.stop(0.5)
        self._over("the daemon stops")

    async def run(self, configs: Sequence[DeviceConfig]) -> Ran:
        """Have it run by these; see `IRunner.run`."""
        life = self._life
        given = {config.device: config for config in configs}
        self.wanted.update(given)
        late = Ran({}, frozenset(given))
        if not self.live:
            self._unsent.update(given)
        else:
            try:
                refused = await self._start(configs)
            except TransientError as error:
                if life == self._life:
                    _log.warn("{who} is late with its configs: {reason}", who=self.name, reason=str(error))
                    return late
            else:
                for device in refused:
                    self.wanted.pop(device, None)
                return Ran(refused)
        return Ran() if await self.until_live(LIVE_S) else late

    def pause(self, devices: Sequence[str]) -> None:
        """Have it leave these out; a process that comes after it does not know them."""
        for device in devices:
            self.wanted.pop(device, None)
            self._unsent.pop(device, None)
        self.say(Pause(list(devices)))

    async def remove(self, devices: Sequence[str]) -> bool:
        """Have it end with these; False when it cannot be asked, and their task has ended with it."""
        for device in devices:
            self.wanted.pop(device, None)
            self._unsent.pop(device, None)
        self._decisions.forget(devices)
        if not self._begun:
            return False
        try:
            await self._ask(Remove(list(devices)), RUN_S)
        except TransientError:
            return False
        return True

    def decided(self, decision: Decision) -> None:
        """Tell it what an operator made of an alarm; also a process that comes after it, until a task has spoken."""
        self._decisions.add(decision)
        if self.live:
            self.say(Decided(decision))

    async def answer(self, query: Query) -> Result:
        """Have it answer.

        Raises:
            TocsinError: what it says, or that it does not.
        """
        if not await self.until_live(self._patience.query_s / 2):
            raise TransientError(f"{self.ailing or f'{self.name} is being started'}; ask again")
        result: Result = await self._ask(query, self._patience.query_s)
        return result

    async def tell(self, what: Any, within_s: float) -> Any:
        """Ask for figures.

        Raises:
            TransientError: it does not answer.
        """
        return await self._ask(what, within_s)

    def say(self, order: Order) -> None:
        """Give an order, if it has begun."""
        if self._begun:
            self._child.send(encode(order))

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

    def look(self) -> None:
        """See whether it still says something; called every `LOOK_S`."""
        if not self._child.running:
            return
        # Counted, not measured: while the daemon itself was held up it heard nothing.
        self._silent_s += LOOK_S
        if self._silent_s > (self._patience.silent_s if self._heard_of else self._patience.start_s):
            self._kill(f"it said nothing for {self._silent_s:.0f} s")

    # --- its process --------------------------------------------------------------------------------------------------

    def _spawned(self) -> None:
        self._messages = Messages()
        self._series = {}
        self._silent_s, self._heard_of, self._begun, self._why = 0.0, False, False, ""

    def _kill(self, why: str) -> None:
        self._why = why
        _log.error("{who} is killed: {why}", who=self.name, why=why)
        self._child.kill()

    def _ended(self, reason: str) -> None:
        self.ends += 1
        self._before, self._now = self.totals, Totals()
        why = self._why or reason.rstrip(".")
        self._over(f"{self.name} ended ({why})")
        self.ailing = f"{self.name} ended ({why}), and is started again; {len(self.wanted)} devices wait for it"
        self._desk.on_change()

    def _over(self, why: str) -> None:
        """Its process is gone: nothing that it was asked will be answered."""
        self._life += 1
        self.live = self._begun = False
        asked, self._asked = self._asked, {}
        for waiting in asked.values():
            if not waiting.called:
                waiting.errback(TransientError(f"{why}; ask again"))

    def _steady(self) -> None:
        if self.live:
            self.ailing = ""
            self._desk.on_change()

    async def _bring_up(self) -> None:
        """Begin with a new process, when all that the one before it has sent is on disk."""
        life = self._life
        await self._desk.spool.settle()
        self._child.send(encode(self._desk.begin(self.number)))
        self._begun = True
        self._unsent = dict(self.wanted)
        while self._unsent:
            batch = [self._unsent.pop(device) for device in list(self._unsent)[:BATCH]]
            for device, reason in (await self._start(batch)).items():
                _log.error("the task of {device} cannot be made: {reason}", device=device, reason=reason)
                self.wanted.pop(device, None)
        if life != self._life:
            return
        for decision in self._decisions.all():
            self.say(Decided(decision))
        self.live = True
        if self._child.failures < BAD_LUCK:
            self.ailing = ""
        else:
            self.ailing = f"{self.name} keeps ending; it works again for now. See the log"
        waiters, self._waiters = self._waiters, []
        for waiting in waiters:
            waiting.callback(None)
        self._desk.on_change()

    async def _brought_up(self) -> None:
        life = self._life
        try:
            await self._bring_up()
        except TocsinError as error:
            if life == self._life:
                self._kill(f"it does not begin: {error}")
        except Exception:  # noqa: BLE001 - the supervisor of one worker
            _log.failure("defect while {who} was brought up", who=self.name)
            if life == self._life:
                self._kill("it could not be brought up")

    async def _start(self, configs: Sequence[DeviceConfig]) -> dict[str, str]:
        """Have it run these now; what it refuses, with the reason."""
        started = await self._ask(Run(list(configs)), RUN_S)
        return dict(started.refused) if isinstance(started, Started) else {}

    # --- questions ----------------------------------------------------------------------------------------------------

    async def _ask(self, what: Any, within_s: float) -> Any:
        if len(self._asked) >= MAX_ASKED:
            raise TransientError(f"{self.name} has too many questions to answer; ask again")
        number = next(self._numbers)
        waiting: Deferred[Any] = Deferred()
        self._asked[number] = waiting
        late = self._clock.callLater(within_s, self._too_late, waiting, within_s)
        try:
            if not self._child.send(encode(Ask(number, what))):
                raise TransientError(f"{self.name} is being started again; ask again")
            return await waiting
        except CancelledError:
            raise TransientError("the question was given up") from None
        finally:
            self._asked.pop(number, None)
            if late.active():
                late.cancel()

    def _too_late(self, waiting: Deferred[Any], within_s: float) -> None:
        if not waiting.called:
            waiting.errback(TransientError(f"{self.name} does not answer within {within_s:g} s; ask again"))

    # --- news ---------------------------------------------------------------------------------------------------------

    def _received(self, data: bytes) -> None:
        self._silent_s = 0.0
        try:
            for body in self._messages.bodies(data):
                self._hear_one(body)
        except MessageError as error:
            self._messages = Messages()
            self._kill(str(error))

    def _hear_one(self, body: bytes) -> None:
        try:
            self._hear(read_news(body))
        except MessageError:
            raise
        except Exception:  # noqa: BLE001 - the supervisor of its news
            _log.failure("defect while news of {who} were heard", who=self.name)

    def _hear(self, news: News) -> None:
        if isinstance(news, Samples):
            self._take(news)
        elif isinstance(news, Keep):
            Deferred.fromCoroutine(self._keep(news))
        elif isinstance(news, Beat):
            self._now = news.totals
            self._desk.on_runs(news.runs, news.run_s, news.longest_s)
        elif isinstance(news, Answer):
            self._answered(news)
        elif isinstance(news, Line):
            log_line(news, self.name)
        elif isinstance(news, Forget):
            self._desk.spool.forget(news.key)
        elif isinstance(news, Model):
            Deferred.fromCoroutine(self._send_model(news))
        elif isinstance(news, Up):
            self._heard_of = True
            Deferred.fromCoroutine(self._brought_up())

    def _take(self, news: Samples) -> None:
        for definition in news.definitions:
            self._series[definition[0]] = definition
        samples = []
        for number, at, values in news.entries:
            _, key, layout = self._series[number]
            named = {point.name: value for point, value in zip(layout.points, values, strict=True)}
            samples.append(Sample(key=key, layout=layout, at=at, values=named))
        self._desk.samples.write(samples)
        self.say(Taken(len(samples)))

    async def _keep(self, news: Keep) -> None:
        """Keep what a task has decided; it goes on when that is durable."""
        life = self._life
        self._decisions.overtaken(news.events)
        refusal = ""
        try:
            await self._desk.spool.send(news.events, news.key, news.state)
        except TransientError as error:
            refusal = str(error)
        except Exception as error:  # noqa: BLE001 - the supervisor of one decision
            _log.failure("defect while events of {who} were kept", who=self.name)
            refusal = f"an error of ours ({type(error).__name__}); the log has more"
        if life == self._life:
            self.say(Kept(news.number, refusal))

    async def _send_model(self, news: Model) -> None:
        life = self._life
        answer: ModelTaken | Failure
        try:
            answer = await self._desk.send_model(news.report)
        except TocsinError as error:
            answer = failure_of(error)
        if life == self._life:
            self.say(Modelled(news.number, answer))

    def _answered(self, news: Answer) -> None:
        waiting = self._asked.get(news.number)
        if waiting is None or waiting.called:
            return
        if isinstance(news.what, Failure):
            waiting.errback(error_of(news.what))
        else:
            waiting.callback(news.what)


def arguments(spec_name: str, folder: Path, reactor: str) -> list[str]:
    """What every worker of a daemon is started with."""
    return ["--spec", spec_name, "--folder", str(folder), "--reactor", reactor]
