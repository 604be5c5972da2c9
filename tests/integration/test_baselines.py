"""From samples to the alarm of a baseline, with the real writer and reader processes, over a kill of either."""

from __future__ import annotations

import math
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collectors.framework.judging.baselinerounds import BaselineRounds
from collectors.framework.judging.baselines import Learned, learning
from collectors.framework.judging.componentwatches import Watches
from collectors.framework.judging.thresholdbook import Reading, ThresholdBook
from common.configs import DeviceConfig, SourceKind
from common.events import Event, Severity
from common.judged import BaselineConfig, Level, ScansOf, ThresholdConfig, ThresholdForm
from common.series import Layout, Pace, Point, Sample, SeriesKey
from tests.integration.rrd_private import DataPart, on_reactor, sleep, until

pytestmark = pytest.mark.integration

PART_S, SEASON_S = 300, 3600
POINTS = (Point(name="cpu", unit="percent", minimum=0.0),)
ODD = ThresholdConfig(
    id="odd",
    points=("cpu",),
    form=ThresholdForm.BASELINE,
    scans=ScansOf(3, 5),
    levels=(Level(severity=Severity.ERROR),),
    baseline=BaselineConfig(season_s=SEASON_S, pace=Pace.SLOW, least=20, learn_s=8 * SEASON_S),
)
CONFIG = DeviceConfig(device="web1", address="", source=SourceKind.LOCAL, interval_s=PART_S, thresholds=(ODD,))
LAYOUT = learning(Layout(points=POINTS, step_s=PART_S), CONFIG.thresholds, "nginx")


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="tocsin-baselines-"))
    yield path
    shutil.rmtree(path)


class Collector:
    """Samples of nginx that end now, and who judges what is learned of them."""

    def __init__(self, reactor: Any, folder: Path) -> None:
        self.reactor = reactor
        self.part = DataPart(reactor, folder).start()
        self.book = ThresholdBook(CONFIG, POINTS)
        self.memory: Watches = {}
        self.told: list[Mapping[str, Sequence[Learned]]] = []
        self.rounds = BaselineRounds(reactor, self.wall, lambda: [CONFIG], self.part.reader.lessons, self.told.append)
        self.begin = (int(time.time()) // PART_S - 24 * 12) * PART_S
        self.parts = 0

    def wall(self) -> float:
        return self.begin + self.parts * PART_S + PART_S + 10.0

    def live(self, count: int, more: float = 0.0) -> None:
        samples = []
        for _ in range(count):
            self.parts += 1
            value = 50 + 20 * math.sin(2 * math.pi * self.parts / 12) + self.parts % 3 + more
            at = self.begin + self.parts * PART_S
            samples.append(
                Sample(key=SeriesKey("web1", "nginx", "process"), layout=LAYOUT, at=at, values={"cpu": value})
            )
        self.part.writer.write(samples)

    async def answered(self) -> bool:
        await self.rounds._round()  # not every ten seconds
        return bool(self.told)

    async def hear(self) -> list[Event]:
        """A scan, after a round that knows all samples, and was answered: both processes may be about to start."""
        self.told.clear()
        deadline = time.monotonic() + 60
        while not (await self.part.writer.fresh() and await self.answered()):
            assert time.monotonic() < deadline, "no answer"
            await sleep(self.reactor, 0.05)
        (news,) = self.told
        self.memory = msgspec.msgpack.decode(msgspec.msgpack.encode(self.memory), type=Watches)
        at = self.begin + (self.parts + 1) * PART_S
        reading = Reading("nginx", "nginx", {"cpu": 1.0}, learned=news["web1"])
        return self.book.judge(self.memory, [reading], at, at).events


def test_an_alarm_opens_when_the_value_is_not_as_its_past_makes_likely_and_closes_when_it_is_again(
    folder: Path,
) -> None:
    async def work(reactor: Any) -> None:
        collector = Collector(reactor, folder)
        collector.rounds.running = 1
        collector.live(12 * 20)
        assert await collector.hear() == []
        collector.live(2, more=60)
        assert await collector.hear() == []
        pid = collector.part.writer.writer_pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until(reactor, "another writer", lambda: collector.part.writer.writer_pid not in {None, pid})
        collector.live(2, more=60)
        (event,) = await collector.hear()
        assert event.severity is Severity.ERROR
        assert event.summary.startswith("cpu of nginx is 1")
        assert " at this time (for 3 of the last 5 parts)" in event.summary
        low, high, value = (event.details[name] for name in ("expected_low", "expected_high", "value"))
        assert isinstance(low, float)
        assert isinstance(high, float)
        assert isinstance(value, float)
        assert 0 < low < high < value
        reader = collector.part.reader.pid
        assert reader is not None
        os.kill(reader, signal.SIGKILL)
        await until(reactor, "another reader", lambda: collector.part.reader.pid not in {None, reader})
        collector.live(4)
        (over,) = await collector.hear()
        assert over.severity is Severity.CLEAR
        assert "as expected again" in over.summary
        await collector.part.stop()
        assert collector.part.problems == []

    on_reactor(work)
