"""What a value costs a collector of any kind that hands in readings of sources: from its reading to bytes in the spool.

1,000 components of 20 points each, as a large switch or a page of metrics has them: half of the points are counters,
two more are derived, and two thresholds, none of them violated, judge each component. All of it is done in one thread.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import msgpack

from benchmarks.cputime import cost
from collectors.framework.data.spool.intake import Intake
from collectors.framework.interfaces import CollectorContext
from collectors.framework.samplespool import SampleSpool
from collectors.framework.sources.checking import check
from collectors.framework.sources.plans import SourcePlan
from collectors.framework.sources.results import Measured, Result
from collectors.framework.sources.taking import SourceTaker
from common.configs import DeviceConfig, SourceKind
from common.events import CLASS_SNMP, Severity
from common.judged import DerivedConfig, Level, ThresholdConfig
from common.series import Kind, Point, Sample
from common.sources import PluginSource
from tests.fakes.events import FakeEventSink

Row = tuple[str, float, str, str]

COMPONENTS, COUNTERS, GAUGES, CYCLES, STEP_S = 1000, 10, 10, 12, 60
POINTS = (
    *(Point(name=f"count{n}", kind=Kind.COUNTER, unit="bytes", minimum=0) for n in range(COUNTERS)),
    *(Point(name=f"value{n}", minimum=0, maximum=1e12) for n in range(GAUGES)),
)
DERIVED = (
    DerivedConfig(point="both", expression="count0 + count1", unit="bytes/s"),
    DerivedConfig(point="share", expression="100 * value0 / value1", unit="percent"),
)
THRESHOLDS = tuple(
    ThresholdConfig(id=point, points=(point,), levels=(Level(severity=Severity.WARNING, maximum=1e12),))
    for point in ("both", "value2")
)


class Sink:
    """Takes samples as a daemon does, and has them wait for the spool."""

    def __init__(self) -> None:
        self.intake = Intake()
        self.waiting: list[Sample] = []
        self.dropped = 0

    def write(self, samples: Any) -> None:
        """Keep them for `accept`, so that each part has its own figure."""
        self.waiting = samples


def run() -> list[Row]:
    """The usual source, and one of gauges of which nothing is judged."""
    with tempfile.TemporaryDirectory() as folder:
        return [
            *of_source("counters, derived, thresholds", Path(folder) / "all", THRESHOLDS, DERIVED, POINTS, "under 4"),
            *of_source("gauges, nothing judged", Path(folder) / "plain", (), (), _gauges(), "under 2"),
        ]


def _gauges() -> tuple[Point, ...]:
    return tuple(Point(name=f"value{n}") for n in range(COUNTERS + GAUGES))


def of_source(
    what: str,
    folder: Path,
    thresholds: tuple[ThresholdConfig, ...],
    derived: tuple[DerivedConfig, ...],
    points: tuple[Point, ...],
    aim: str,
) -> list[Row]:
    """Some cycles of a source, by part; the least of each, which is the one that was disturbed least."""
    source = PluginSource(
        id="it", template="it", interval_s=STEP_S, points=points, derived=derived, thresholds=thresholds, service="it"
    )
    config = DeviceConfig(
        device="web1", address="127.0.0.1", source=SourceKind.SNMP, interval_s=STEP_S, sources=(source,)
    )
    sink, events = Sink(), FakeEventSink()
    context = CollectorContext(
        clock=None,
        wall=time.time,
        reactor=None,
        rng=random.Random(1),
        events=events,
        states=events,
        samples=sink,
        data_dir=folder,
        hub_epoch=str,
        send_model=None,  # type: ignore[arg-type]  # nothing is modelled
    )
    taker, plan = SourceTaker("it", CLASS_SNMP, context, config), SourcePlan(config, source)
    spool = SampleSpool(folder)
    spool.open()
    least: dict[str, float] = {}

    def spent(part: str, work: Callable[[], object]) -> None:
        least[part] = min(least.get(part, float("inf")), cost(work))

    first = int(time.time() // STEP_S) * STEP_S - CYCLES * STEP_S
    for cycle in range(CYCLES):
        result = reading(points, first + cycle * STEP_S, cycle)
        values = [list(row.values.values()) for row in result.rows]
        spent("base", lambda values=values: msgpack.encode(values))  # type: ignore[misc]  # bound on purpose
        spent("check", lambda result=result: check(result, plan, (), "web1", time.time()))  # type: ignore[misc]  # as above
        spent("take", lambda result=result: _at_once(taker.take([result])))  # type: ignore[misc]  # as above
        assert len(sink.waiting) == COMPONENTS
        spent("accept", lambda: sink.intake.accept(sink.waiting, time.time()))
        spent("spool", lambda: spool.append(sink.intake.series, sink.intake.take()))
    spool.close()
    assert not sink.intake.drops
    assert not events.sent
    per = 1e6 / COMPONENTS / len(points)
    whole = least["take"] + least["accept"] + least["spool"]
    us = "us CPU/value"
    return [
        (f"{COMPONENTS} components of {len(points)} points: {what}", whole * per, us, aim),
        ("  looked at, judged, derived, made samples", least["take"] * per, us, ""),
        ("    of it looked at", least["check"] * per, us, ""),
        ("  counters made rates, accepted", least["accept"] * per, us, ""),
        ("  to bytes in the spool, and to disk", least["spool"] * per, us, ""),
        ("  the baseline: the same values packed once", least["base"] * per, us, ""),
    ]


def reading(points: tuple[Point, ...], step: int, cycle: int) -> Result:
    """A reading of all components; no two values of it are alike."""
    rng = random.Random(cycle)
    rows = [
        Measured(
            component=f"port{number}",
            values={
                point.name: cycle * 10**6 + number if point.kind is Kind.COUNTER else rng.uniform(1, 10**9)
                for point in points
            },
            taken=step + 1.0,
            uptime_s=1000.0 + cycle * STEP_S,
            discontinuity=number,
        )
        for number in range(COMPONENTS)
    ]
    return Result(source="it", step=step, rows=rows)


def _at_once(work: Any) -> None:
    """Run what waits for nothing."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise RuntimeError("taking a reading waited for something")
