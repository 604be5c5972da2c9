"""Runs the task of a device through a capture, from nothing: the same readings give the same events, every time."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct
from twisted.internet.task import Clock
from zope.interface import implementer

from collectors.framework.captures.replaying import Replay, Tape
from collectors.framework.interfaces import CollectorContext, CollectorSpec, IEventSink, ISampleSink, IStateStore, ITask
from common.configs import DeviceConfig
from common.errors import SettingsError, TocsinError
from common.events import Event
from common.series import Sample, snap
from common.wire import ModelReport, ModelTaken


class Run(Struct, frozen=True):
    """One run on a capture.

    Attributes:
        at: epoch seconds of its reading.
        problem: why it failed; empty when it did not.
    """

    device: str
    at: float
    events: tuple[Event, ...]
    samples: tuple[Sample, ...]
    problem: str = ""

    def lines(self) -> list[str]:
        """The run in words, the same for the same run."""
        stamp = datetime.fromtimestamp(self.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        lines = [f"{stamp}  {self.device}" + (f"  failed: {_safe(self.problem)}" if self.problem else "")]
        for event in self.events:
            what = f"{event.severity.name.lower():<8} {event.event_class} {event.event_key}"
            lines.append(f"  event   {what}  {_safe(event.component) or '(the device)'}: {_safe(event.summary)}")
        for sample in sorted(self.samples, key=lambda sample: sample.key):
            figures = " ".join(f"{name}={_figure(value)}" for name, value in sorted(sample.values.items()))
            lines.append(f"  sample  {_safe(sample.key.component)}  {figures}")
        return lines


@implementer(IEventSink, IStateStore, ISampleSink)
class Kept:
    """Keeps everything in memory, and begins with nothing."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.samples: list[Sample] = []
        self._states: dict[str, bytes] = {}

    async def send(self, events: Sequence[Event], state_key: str = "", state: bytes | None = None) -> None:
        """Keep events and a state."""
        self.events += events
        if state is not None:
            self._states[state_key] = state

    def load(self, key: str) -> bytes | None:
        """The last state under a key."""
        return self._states.get(key)

    def forget(self, key: str) -> None:
        """Drop a state."""
        self._states.pop(key, None)

    def write(self, samples: Sequence[Sample]) -> None:
        """Keep samples."""
        self.samples += samples

    async def send_model(self, _report: ModelReport) -> ModelTaken:
        """Take a report."""
        return ModelTaken()

    def take(self) -> tuple[tuple[Event, ...], tuple[Sample, ...]]:
        """What was kept since it was taken last."""
        taken = tuple(self.events), tuple(self.samples)
        self.events, self.samples = [], []
        return taken


async def run_through(
    spec: CollectorSpec, config: DeviceConfig, tape: Tape, reactor: Any = None, data_dir: Path = Path()
) -> list[Run]:
    """Run the device's task once for each run of the tape, at the time of the tape.

    Args:
        spec: whose task.
        config: what the device is judged by.
        tape: its readings, at their beginning.
        reactor: for what a collector wants of one beside reading; nothing here needs it.
        data_dir: folder of the daemon; nothing is written there.

    Raises:
        SettingsError: this collector cannot be run on a capture alone, or the config cannot be run.
    """
    if not spec.runs_on_captures:
        raise SettingsError(f"{spec.program} can only look at one reading: use --once --replay DIR")
    kept, clock = Kept(), Clock()
    context = CollectorContext(
        clock=clock,
        wall=lambda: tape.reading.at,
        reactor=reactor,
        rng=random.Random(0),  # noqa: S311 - the same every time
        events=kept,
        states=kept,
        samples=kept,
        data_dir=data_dir,
        hub_epoch=str,
        send_model=kept.send_model,
        tap=Replay(tape),
    )
    collector = spec.make_collector(context)
    try:
        collector.validate(config)
    except TocsinError as error:
        raise SettingsError(error.message, error.details) from None
    task: ITask = collector.make_task(config)
    runs: list[Run] = []
    try:
        while tape.next_run():
            at = tape.reading.at
            clock.rightNow = tape.reading.monotonic_s
            problem = ""
            try:
                await task.run(snap(at, config.interval_s))
            except SettingsError:
                raise
            except TocsinError as error:
                problem = error.message
            runs.append(Run(config.device, at, *kept.take(), problem))
    finally:
        await task.close()
    return runs


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.10g}"


def _safe(text: str) -> str:
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
