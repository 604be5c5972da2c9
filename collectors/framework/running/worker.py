"""What a worker process does with its orders: it runs the tasks of some of a daemon's devices.

All that these want kept goes to the daemon, so nothing else has to be saved.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import time
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from collectors.framework.interfaces import CollectorContext, CollectorSpec
from collectors.framework.networks import Networks
from collectors.framework.running.inprocess import InProcess, in_process
from collectors.framework.running.messages import (
    Answer,
    Ask,
    Beat,
    Begin,
    Debug,
    Decided,
    Epoch,
    Finished,
    Kept,
    Model,
    Modelled,
    Order,
    Pause,
    Remove,
    Run,
    RunNow,
    Started,
    Stop,
    Taken,
    Taught,
    Tell,
    Told,
    Trouble,
)
from collectors.framework.running.settings import read_settings
from collectors.framework.running.sinks import DaemonSamples, DaemonSpool
from collectors.framework.running.words import LogWords, error_of
from collectors.framework.selfstats import resident_bytes
from collectors.framework.spooldb import state_in
from collectors.framework.task import TaskRecord, time_of_run
from common.edge.answers import failure_of
from common.errors import TocsinError, TransientError
from common.wire import Failure, FailureCode, ModelReport, ModelTaken

SETTLE_S = 5.0

_log = Logger()


class Worker:
    """The parts of a worker process.

    Args:
        folder: of the daemon.
        say: sends news to the daemon.
        words: what is said to the log.
    """

    def __init__(self, spec: CollectorSpec, folder: Path, reactor: Any, say: Any, words: LogWords) -> None:
        self._spec = spec
        self._folder = folder
        self._reactor = reactor
        self._say = say
        self._words = words
        self._spool = DaemonSpool(say, self._read_state)
        self._samples = DaemonSamples(say, time.time)
        self._epoch = ""
        self._runner: InProcess | None = None
        self._runs: list[float] = []
        self._numbers = itertools.count(1)
        self._reports: dict[int, Deferred[ModelTaken]] = {}
        self._beats = LoopingCall(self._beat)
        self._beats.clock = reactor

    def heard(self, order: Order) -> None:
        """Do what the daemon wants."""
        if isinstance(order, Ask):
            Deferred.fromCoroutine(self._answer(order))
        elif isinstance(order, Kept):
            self._spool.kept(order.number, order.refusal)
        elif isinstance(order, Taken):
            self._samples.taken(order.samples)
        elif isinstance(order, Begin):
            self._begin(order)
        elif isinstance(order, Pause):
            self._tasks.pause(order.devices)
        elif isinstance(order, RunNow):
            self._tasks.run_now(order.devices)
        elif isinstance(order, Decided):
            self._tasks.decided(order.decision)
        elif isinstance(order, Taught):
            self._tasks.learned(order.learned)
        elif isinstance(order, Epoch):
            self._epoch = order.epoch
        elif isinstance(order, Debug):
            self._words.debug = order.on
        else:
            self._modelled(order)

    # --- the parts ----------------------------------------------------------------------------------------------------

    @property
    def _tasks(self) -> InProcess:
        assert self._runner is not None, "the daemon has not said how to begin"
        return self._runner

    def _begin(self, order: Begin) -> None:
        settings = read_settings(order.settings, self._spec)
        self._epoch = order.epoch
        self._words.level = settings.log.level
        self._words.debug = order.debug
        context = CollectorContext(
            clock=self._reactor,
            wall=time.time,
            reactor=self._reactor,
            rng=random.SystemRandom(),
            events=self._spool,
            states=self._spool,
            samples=self._samples,
            data_dir=self._folder,
            keeps_files=True,
            on_problem=lambda sentence: self._say(Trouble(sentence)),
            hub_epoch=lambda: self._epoch,
            send_model=self._send_model,
            networks=Networks(settings.networks, order.parallel / settings.parallel),
            settings=settings,
        )
        self._runner = in_process(self._spec, context, order.parallel, self._observe)
        self._runner.startService()
        self._beats.start(order.beat_s, now=False).addErrback(lambda failure: _log.failure("beats end", failure))

    def _observe(self, record: TaskRecord, what: str, _old: object, new: object) -> None:
        run_s = time_of_run(record, what, new)
        if run_s is not None:
            self._runs.append(run_s)

    def _read_state(self, key: str) -> bytes | None:
        try:
            return state_in(self._folder / "spool.db", key)
        except TransientError as error:
            _log.error("state {key} cannot be read: {error}", key=key, error=str(error))
            return None

    def _beat(self) -> None:
        runs, self._runs = self._runs, []
        totals = msgspec.structs.replace(
            self._tasks.totals(),
            cpu_s=sum(os.times()[:2]),
            memory_bytes=resident_bytes() or 0,
            dropped_samples=self._samples.dropped,
        )
        self._say(Beat(totals=totals, runs=len(runs), run_s=sum(runs), longest_s=max(runs, default=0.0)))

    # --- answers ------------------------------------------------------------------------------------------------------

    async def _answer(self, order: Ask) -> None:
        answer: Any
        try:
            answer = await self._do(order.what)
        except TocsinError as error:
            answer = failure_of(error)
        except Exception as error:  # noqa: BLE001 - the supervisor of one question
            _log.failure("defect while answering a {name}", name=type(order.what).__name__)
            answer = Failure(FailureCode.INTERNAL, f"an error of ours ({type(error).__name__}); the log has more")
        self._say(Answer(order.number, answer))

    async def _do(self, what: Any) -> Any:
        if isinstance(what, Run):
            return Started((await self._tasks.run(what.configs)).refused)
        if isinstance(what, Remove):
            await self._tasks.remove(what.devices)
            return Finished()
        if isinstance(what, Tell):
            figures = await self._tasks.figures()
            tasks = figures.pop("task_list")
            return Told(tasks, msgspec.json.encode(figures, enc_hook=str))
        if isinstance(what, Stop):
            return await self._stop()
        return await self._tasks.answer(what)

    async def _stop(self) -> Finished:
        """End the tasks, then wait for the daemon to keep what they said."""
        if self._runner is not None:
            await self._runner.stopService()
        if self._beats.running:
            self._beat()
            self._beats.stop()
        settled: Deferred[None] = Deferred.fromCoroutine(self._spool.settled())
        settled.addTimeout(SETTLE_S, self._reactor)
        with contextlib.suppress(Exception):
            await settled
        return Finished()

    # --- reports to the hub -------------------------------------------------------------------------------------------

    async def _send_model(self, report: ModelReport) -> ModelTaken:
        number = next(self._numbers)
        answered: Deferred[ModelTaken] = Deferred()
        self._reports[number] = answered
        self._say(Model(number, report))
        return await answered

    def _modelled(self, order: Modelled) -> None:
        answered = self._reports.pop(order.number)
        if isinstance(order.answer, Failure):
            answered.errback(error_of(order.answer))
        else:
            answered.callback(order.answer)
