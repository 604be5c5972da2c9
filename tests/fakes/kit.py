"""What a collector of the kit is made and tried with: a context in memory, and a collector whose jobs a test says."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from twisted.internet.task import Clock

from collectors.framework.interfaces import CollectorContext
from collectors.framework.kit.collector import Collector
from collectors.framework.kit.jobs import Due, Job
from collectors.framework.sources.results import Measured, Result
from common.configs import DeviceConfig, SourceKind
from common.events import Severity
from common.judged import Level, ThresholdConfig
from common.series import Point
from common.sources import PluginSource
from tests.fakes.events import FakeEventSink
from tests.fakes.samples import FakeSampleSink

NOW = 1_800_000_000.0
"""A whole number of hours, and of 90 s."""


class Kit:
    """A context and all that is behind it.

    Attributes:
        sink: what was sent, and what is remembered.
        hub: id of the hub's store.
    """

    def __init__(self) -> None:
        self.clock = Clock()
        self.hub = "hub-1"
        self.set_by = 0.0  # how far the wall clock was set away
        self.sink = FakeEventSink()
        self.samples = FakeSampleSink(self.wall)
        self.context = CollectorContext(
            clock=self.clock,
            wall=self.wall,
            reactor=self.clock,
            rng=random.Random(1),
            events=self.sink,
            states=self.sink,
            samples=self.samples,
            data_dir=Path("nowhere"),
            hub_epoch=lambda: self.hub,
            send_model=_nothing,
        )

    def wall(self) -> float:
        return NOW + self.clock.seconds() + self.set_by

    def told(self) -> list[tuple[str, str, str]]:
        """Events so far: severity, component, key."""
        return [(event.severity.label, event.component, event.event_key) for event in self.sink.sent]


async def _nothing(_report: Any) -> Any:
    raise NotImplementedError


class FakeJobs(Collector):
    """Its jobs are those that `wanted` gives.

    Attributes:
        made: the last one.
        runs: of each job, the steps of its runs.
    """

    name: ClassVar[str] = "fake"
    made: ClassVar[FakeJobs]

    def __init__(self, context: CollectorContext) -> None:
        super().__init__(context)
        type(self).made = self
        self.wanted: Callable[[DeviceConfig], Iterable[Job]] = lambda _: ()
        self.runs: dict[str, list[dict[int, int]]] = {}
        self.forgotten: list[str] = []
        self.mistakes: list[str] = []

    def jobs(self, config: DeviceConfig) -> Iterable[Job]:
        return self.wanted(config)

    def check(self, config: DeviceConfig) -> list[str]:
        return self.mistakes

    def forget(self, device: str) -> None:
        self.forgotten.append(device)

    def figures(self) -> dict[str, Any]:
        return {"asked": sum(map(len, self.runs.values()))}

    def job(self, id_: str, *intervals: int | str, behave: Callable[[Due], Any] | None = None, **fields: Any) -> Job:
        """A job that notes its runs; `behave` gives what it reads, or an awaitable of that."""

        async def run(due: Due) -> Sequence[Result]:
            self.runs.setdefault(id_, []).append(dict(due.steps))
            found = behave(due) if behave is not None else ()
            return found if isinstance(found, Sequence) else await found

        return Job(id=id_, intervals=intervals, run=run, **fields)


def source(id_: str = "queue", interval_s: int = 60, **fields: Any) -> PluginSource:
    """A source with the point `length`; more than 50 of it are an error."""
    fields.setdefault("points", (Point(name="length", unit="jobs"),))
    fields.setdefault("thresholds", (limit("high", 50),))
    return PluginSource(service="fake", id=id_, template="t", interval_s=interval_s, **fields)


def limit(id_: str, maximum: float, *points: str, **fields: Any) -> ThresholdConfig:
    fields.setdefault("levels", (Level(severity=Severity.ERROR, maximum=maximum),))
    return ThresholdConfig(id=id_, points=points or ("length",), **fields)


def device(*sources: Any, id_: str = "web1", **fields: Any) -> DeviceConfig:
    return DeviceConfig(device=id_, address="", source=SourceKind.LOCAL, interval_s=60, sources=sources, **fields)


def reading(step: float, source_: str = "queue", /, **lengths: Any) -> Result:
    """A reading of components, each with its `length`; `_` is the device itself."""
    rows = [
        Measured(component="" if name == "_" else name, values={"length": value}) for name, value in lengths.items()
    ]
    return Result(source=source_, step=int(step), rows=rows)
