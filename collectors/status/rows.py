"""What series get of passes: a row for each component, with shares of the time between two passes (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from collectors.framework.sources.results import Measured
from collectors.status.passes import Found, FoundProcesses, Pass, ProcessFigures, ProcessName
from collectors.status.shares import cpu_shares
from common.series import Number
from common.sources import StatusSource
from common.statuspoints import ITEMS

_NOTHING: Mapping[str, Found] = {}
Values = dict[str, Number | None]


def rows_of(source: StatusSource, now: Pass, before: Pass | None) -> Sequence[Measured]:
    """The rows of a source: those of its names (all that the item has, without names) that were read.

    Args:
        source: an item, with the names that are wanted of it.
        now: the newest pass.
        before: the pass that stood at the end of the step before, for shares of the time since (CPU); None when there
            is none, then they are unknown.
    """
    item = ITEMS.get(source.item)
    if item is None:
        return ()
    if source.item == "processes":
        return [row for name in names_of(source) for row in _of_name(name, now, before)]
    found = now.items.get(source.item, _NOTHING)
    points = [point.name for point in item.points]
    rows = []
    for name in source.only or found:
        one = found.get(name)
        if one is None or not one.figures or not (source.only or one.listed):
            continue
        figures = _shares(source.item, name, one, before) if one.counts and "index" not in one.counts else one.figures
        rows.append(
            Measured(
                component=name,
                values={point: figures.get(point) for point in points},
                taken=one.at,
                uptime_s=now.uptime_s,
                discontinuity=one.counts.get("index"),
            )
        )
    return rows


def names_of(source: StatusSource) -> Sequence[ProcessName]:
    """The names of processes that a source wants."""
    return [ProcessName(name=name, match=source.match, follow=source.follow) for name in source.only]


def _shares(item: str, name: str, one: Found, before: Pass | None) -> Mapping[str, Any]:
    was = before.items.get(item, _NOTHING).get(name) if before is not None else None
    return cpu_shares(was.counts if was is not None else {}, one.counts)


def _of_name(name: ProcessName, now: Pass, before: Pass | None) -> Iterable[Measured]:
    found = now.processes.get(name)
    if found is None or not found.figures:
        return
    was = before.processes.get(name) if before is not None else None
    time_s = now.monotonic - before.monotonic if before is not None else 0.0
    cpu = _cpu(found, was, time_s) if was is not None and time_s > 0 else dict.fromkeys(("cpu_sum", "cpu_max"))
    yield Measured(component=name.name, values={**found.figures, **cpu}, taken=found.at, uptime_s=now.uptime_s)


def _cpu(found: FoundProcesses, was: FoundProcesses, time_s: float) -> Values:
    """Percent of the whole step, of processes that have ended in it, too."""
    spent = [_spent(one, was) for one in found.processes.values()]
    most = max((one for one in spent if one is not None), default=0.0)
    total = max(found.spent_s - was.spent_s, 0.0)
    return {"cpu_sum": 100.0 * total / time_s, "cpu_max": 100.0 * min(most, total) / time_s}


def _spent(one: ProcessFigures, was: FoundProcesses) -> float | None:
    """CPU seconds of a process since then; of one that is new since, all of them."""
    earlier = was.processes.get(one.pid)
    if one.cpu_s is None or earlier is None or earlier.started != one.started:
        return one.cpu_s
    return max(0.0, one.cpu_s - (earlier.cpu_s or 0.0))
