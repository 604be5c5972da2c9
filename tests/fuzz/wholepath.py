"""Everything between a datagram and what people see, under the real scheduler, in simulated time."""

from __future__ import annotations

import contextlib
import math
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, globalLogPublisher
from zope.interface import implementer

from collectors.framework.captures.run import Kept
from collectors.framework.eventbytes import encode_event
from collectors.framework.interfaces import CollectorContext, NoTap
from collectors.framework.scheduler import Scheduler
from collectors.framework.snmp.factory import client_factory
from collectors.framework.task import Outcome
from collectors.process.collector import ProcessCollector
from collectors.process.task import state_key
from common.configs import DeviceConfig, ProcessSetConfig, SnmpConfig, SourceKind
from common.events import Event, Severity
from common.queries import ProcessesQuery, SetsQuery
from common.series import Sample
from common.wire import MAX_MESSAGE_BYTES, encode
from tests.fakes.snmp import Answer, FakeUdpReactor, result_of

BEGAN = 1_800_000_000.0
DEVICE = "host"
MOST_EVENT_BYTES = 32 * 1024
MOST_CYCLES_SKIPPED = 20
"""A device that does not answer is asked less often."""
MOST_STATE_BYTES = 4 * 1024 * 1024
SETS = ("nginx", "postgres", "orders")
SNMP = DeviceConfig(
    device=DEVICE,
    address="192.0.2.1",
    source=SourceKind.SNMP,
    interval_s=60,
    snmp=SnmpConfig(timeout_s=1.0, retries=1),
    process_sets=tuple(
        ProcessSetConfig(
            id=name, title=name, order=order, include=rf"\b{name}\b", name=name, required=True,
            restart_severity=Severity.INFO,
        )
        for order, name in enumerate(SETS)
    ),
    full_scan_every=3,
)  # fmt: skip

Agent = Callable[[bytes, float], Sequence[Answer]]
"""(datagram, seconds since the beginning) -> what comes back."""


class Cycle(Struct):
    """What came of a run of the task.

    Attributes:
        took_s: simulated seconds.
        good: its table was believed.
    """

    outcome: Outcome
    error: str
    took_s: float
    good: bool
    events: tuple[Event, ...]
    samples: tuple[Sample, ...]

    @property
    def told(self) -> list[tuple[str, str, int]]:
        """Component, key and severity of each event."""
        return [(event.component, event.event_key, event.severity.value) for event in self.events]


class OwnClients(NoTap):
    """Gives clients whose request ids are the same every time."""

    def __init__(self, make: Any) -> None:
        self._make = make

    def clients(self, _config: DeviceConfig, _make: Any) -> Any:
        """The clients of a device."""
        return self._make


class WholePath:
    """A collector with one device, on a network of our own.

    Args:
        agent: answers, with whatever it likes.
        make_task: makes the task of a device that is not read over SNMP, from (config, context).
    """

    def __init__(
        self, agent: Agent, config: DeviceConfig = SNMP, seed: int = 1, make_task: Callable[..., Any] | None = None
    ) -> None:
        self._agent = agent
        self.config = config
        self.reactor = reactor = FakeUdpReactor(self._network)
        self.kept = Kept()
        self.context = CollectorContext(
            clock=reactor, wall=self.wall, reactor=reactor, rng=random.Random(seed), events=self.kept,
            states=self.kept, samples=self.kept, data_dir=Path("/nonexistent"), hub_epoch=str,
            send_model=self.kept.send_model, tap=OwnClients(client_factory(reactor, reactor, random.Random(seed))),
        )  # fmt: skip
        self.collector = ProcessCollector(self.context)
        self.collector.validate(config)
        self.task: Any = self.collector.make_task(config) if make_task is None else make_task(config, self.context)
        self._scheduler = Scheduler(reactor, self.wall)
        self._scheduler.startService()
        self._scheduler.add(self.task, config.device)
        self.record = self._scheduler.record(self.task.name)

    def wall(self) -> float:
        """Epoch seconds."""
        return BEGAN + float(self.reactor.seconds())

    def cycle(self) -> Cycle:
        """Let time pass until the task has run once more."""
        runs, before = self.record.runs, self.task.scan.at
        latest = self.reactor.seconds() + MOST_CYCLES_SKIPPED * self.config.interval_s + self.task.timeout_s
        while self.record.runs == runs:
            self.reactor.advance(0)
            waiting = [call.getTime() for call in self.reactor.getDelayedCalls()]
            if self.record.runs == runs and waiting:
                self.reactor.advance(max(0.0, min(waiting) - self.reactor.seconds()))
            assert self.reactor.seconds() < latest, "the task does not end"
        events, samples = self.kept.take()
        outcome, at = self.record.last_outcome, self.task.scan.at
        assert outcome is not None
        took_s = self.record.last_duration_s or 0.0
        made = Cycle(outcome, self.record.last_error, took_s, at is not None and at != before, events, samples)
        self.check(made)
        return made

    def check(self, cycle: Cycle) -> None:
        """What holds whatever the device does.

        Raises:
            AssertionError: it does not.
        """
        assert cycle.outcome in {Outcome.GOOD, Outcome.FAILED, Outcome.TIMED_OUT}, (cycle.outcome, cycle.error)
        assert cycle.took_s <= self.task.timeout_s + 1.0
        for event in cycle.events:
            assert len(encode_event(event)) <= MOST_EVENT_BYTES
            assert fit_to_be_seen(event.summary + event.message + event.component), event
        for sample in cycle.samples:
            values = [value for value in sample.values.values() if value is not None]
            assert all(math.isfinite(value) for value in values)
        state = self.kept.load(state_key(self.config.device))
        assert state is None or len(state) <= MOST_STATE_BYTES

    def look(self) -> list[str]:
        """What `run --once --show-processes --show-tables` prints, from where the task stands."""
        made = self.collector.once(self.config, show_processes=True, show_tables=True)
        lines: list[str] = self.reactor.finish(made)
        assert all(fit_to_be_seen(line) for line in lines)
        return lines

    def answers(self) -> tuple[Any, Any]:
        """The process table and the sets, as they cross to the hub."""
        table = now(self.collector.answer(ProcessesQuery(device=self.config.device, lines=True)))
        sets = now(self.collector.answer(SetsQuery(devices=[self.config.device])))
        assert len(encode(table)) <= MAX_MESSAGE_BYTES
        assert len(encode(sets)) <= MAX_MESSAGE_BYTES
        assert all(fit_to_be_seen(row.name + row.command) for row in table.rows)
        return table, sets

    def close(self) -> None:
        """End."""
        stopped = self._scheduler.stopService()
        while not stopped.called:
            self.reactor.advance(1.0)

    def _network(self, datagram: bytes) -> Sequence[Answer]:
        return self._agent(datagram, float(self.reactor.seconds()))


def now(awaitable: Any) -> Any:
    """The result of what waits for nothing."""
    return result_of(Deferred.fromCoroutine(awaitable))


def fit_to_be_seen(text: str) -> bool:
    """Whether a terminal takes no orders from it."""
    return all(letter.isprintable() for letter in text)


@contextlib.contextmanager
def no_traceback() -> Iterator[None]:
    """Nothing that is logged here may be a failure."""
    found: list[str] = []

    @implementer(ILogObserver)
    def observe(event: Any) -> None:
        if event.get("log_failure") is not None:
            found.append(f"{event.get('log_format')}: {event['log_failure'].getTraceback()}")

    globalLogPublisher.addObserver(observe)
    try:
        yield
    finally:
        globalLogPublisher.removeObserver(observe)
    assert not found, found[0]
