"""`run --once` of a collector of the kit: all jobs of a device, and what came of them, in lines."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.framework.interfaces import CollectorContext
from collectors.framework.kit.collector import Collector
from collectors.framework.kit.devicejobs import DeviceJobs
from collectors.framework.kit.duesets import words
from collectors.framework.kit.jobs import Due
from collectors.framework.sources.results import Result
from collectors.framework.sources.taking import SourceTaker, Taken
from common.configs import DeviceConfig
from common.errors import TocsinError
from common.events import Event, Severity
from common.matching import printable
from common.quantities import quantity
from common.series import Kind, Number, Point, Sample

MAX_ROWS = 1_000


async def look(collector: Collector, taker: SourceTaker, context: CollectorContext, config: DeviceConfig) -> list[str]:
    """Do all jobs once, one after the other; nothing is written, sent or kept where the context keeps nothing."""
    jobs = DeviceJobs(collector.name, context, taker)
    jobs.refresh(config, collector.jobs)
    lines = [f"{config.device}: {len(jobs.tasks)} jobs" if len(jobs.tasks) != 1 else f"{config.device}: 1 job"]
    lines += [f"  {_severity(one.severity)} {one.summary}" for one in await taker.settle()]
    for task in jobs.tasks.values():
        now = context.wall()
        due = Due(steps=task.turns.take(now), at=now)
        lines.append(f"job {task.job.id or collector.name}, every {words(due.steps)}")
        try:
            results = await task.job.run(due) or ()
        except TocsinError as error:
            lines.append(f"  failed: {error}")
            continue
        lines += _told(results, await taker.take(results, task.job.id, interval_s=min(due.steps)), config)
    return lines


def _told(results: Sequence[Result], taken: Taken, config: DeviceConfig) -> list[str]:
    """What was read, and what became of it."""
    written = {(sample.key.source, sample.key.component, sample.at): sample for sample in taken.samples}
    lines: list[str] = []
    for result in results:
        what = f"source {printable(result.source, 100)}{f', {printable(result.part, 100)}' if result.part else ''}"
        cut = "" if result.complete else ", not all of it"
        count = f"{len(result.rows)} rows" if len(result.rows) != 1 else "1 row"
        lines.append(f"  {what}: {count}{cut}")
        for row in result.rows[:MAX_ROWS]:
            sample = written.get((result.source, row.component, result.step))
            if sample is not None:
                lines.append(f"    {printable(row.component, 255) or config.device}: {_values(sample)}")
        if len(result.rows) > MAX_ROWS:
            lines.append(f"    and {len(result.rows) - MAX_ROWS} more")
    lines += [f"  left out: {one}" for one in taken.refused]
    lines += [f"  threshold: {one.line()}" for one in taken.violations]
    lines += [f"  event: {_severity(event.severity)} {_about(event)}{event.summary}" for event in taken.events]
    return lines


def _values(sample: Sample) -> str:
    """Each point with its unit, of a counter the count."""
    return ", ".join(f"{point.name} {_value(point, sample.values.get(point.name))}" for point in sample.layout.points)


def _value(point: Point, value: Number | None) -> str:
    if value is None:
        return "unknown"
    return quantity(value, point.unit) if point.kind is Kind.GAUGE else f"{value} {point.counted_unit}".rstrip()


def _severity(severity: int) -> str:
    return Severity(severity).label


def _about(event: Event) -> str:
    return f"{printable(event.component, 255)}: " if event.component else ""
