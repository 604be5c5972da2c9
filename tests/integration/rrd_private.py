"""A reactor of its own for one test, and the data part of a collector on it."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.epollreactor import EPollReactor

from collectors.framework.data.writing.holding import HOLD_S
from collectors.framework.rrdreader import Reader
from collectors.framework.samplewriter import SampleWriter
from common.series import Kind, Layout, Point, Sample, SeriesKey

T = TypeVar("T")
LAYOUT = Layout(
    points=(
        Point(name="cpu", unit="percent"),
        Point(name="memory", unit="bytes"),
        Point(name="count", unit="processes"),
        Point(name="restarts", kind=Kind.DERIVE, minimum=0.0, unit="restarts"),
    ),
    step_s=10,
)


def on_reactor(work: Callable[[Any], Awaitable[T]], within_s: float = 100.0) -> T:
    """Run a coroutine on a reactor made for it."""
    reactor: Any = EPollReactor()  # type: ignore[no-untyped-call]  # Twisted has no types here
    outcome: list[Any] = []

    def start() -> None:
        done: Deferred[Any] = Deferred.fromCoroutine(work(reactor))  # type: ignore[arg-type]  # any awaitable will do
        done.addTimeout(within_s, reactor)
        done.addBoth(outcome.append)
        done.addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(start)
    reactor.run()
    result = outcome[0]
    if hasattr(result, "raiseException"):
        result.raiseException()
    return result  # type: ignore[no-any-return]  # what the coroutine returned


def sleep(reactor: Any, seconds: float) -> Deferred[None]:
    done: Deferred[None] = Deferred()
    reactor.callLater(seconds, done.callback, None)
    return done


async def until(reactor: Any, what: str, check: Callable[[], Any], within_s: float = 60.0) -> Any:
    deadline = time.monotonic() + within_s
    while not (answer := check()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {within_s} s")
        await sleep(reactor, 0.05)
    return answer


def sample(component: str, at: int, layout: Layout = LAYOUT, device: str = "web1", **values: Any) -> Sample:
    return Sample(key=SeriesKey(device, component, "process"), layout=layout, at=at, values=values)


class DataPart:
    """SampleWriter and Reader of one daemon, on a folder of their own."""

    def __init__(self, reactor: Any, data_dir: Path, hold_s: float = HOLD_S) -> None:
        self.problems: list[str] = []
        self.dir = data_dir
        self.writer = SampleWriter(reactor, reactor, time.time, data_dir, self.problems.append, hold_s=hold_s)
        self.reader = Reader(reactor, reactor, data_dir, self.writer)

    def start(self) -> DataPart:
        self.writer.startService()
        self.reader.startService()
        return self

    async def stop(self) -> None:
        await self.reader.stopService()
        await self.writer.stopService()


def folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="tocsin-data-"))


PYTHON = sys.executable
