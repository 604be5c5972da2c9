"""What a page becomes: rows of components, and what is wrong (pure)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from collectors.framework.sources.results import Measured, Problem, Result
from collectors.probes.scraping.fetching import Text, shown
from collectors.probes.scraping.page import Found, parse
from common.events import Severity
from common.series import Number
from common.sources import Metric, ScrapeSource

FLAWED, AMBIGUOUS, MISSING, STALE, FAILED = KEYS = (
    "scrape_flawed",
    "scrape_ambiguous",
    "scrape_missing",
    "scrape_stale",
    "scrape_failed",
)
MAX_TOLD = 5
OLD_INTERVALS = 3
LEAST_OLD_S = 300

_LABEL = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


class _Row(Struct):
    values: dict[str, Number | None] = field(default_factory=dict)
    seen: dict[str, Found] = field(default_factory=dict)
    at: float = 0.0


def reading(source: ScrapeSource, text: Text, step: int, now: float) -> Result:
    """Make a result of what was read at epoch second `now`."""
    problems: list[Problem] = []
    flaws = list(text.flaws)
    found: list[Found] = []
    complete = not flaws
    names = {metric.name for metric in source.metrics}
    for where, content in text.texts:
        page = parse(content, names)
        found += page.found
        complete = complete and not page.flaws and not page.cut
        flaws += [f"{shown(where)} {flaw}" for flaw in page.flaws]
        if page.cut:
            flaws.append(f"{shown(where)} has more samples than are read")
        elif not page.lines and not page.flaws:
            flaws.append(f"{shown(where)} has no samples at all; is it a page for Prometheus?")
            complete = False
    if flaws:
        problems.append(_problem(source, FLAWED, flaws))
    rows, double = _rows(source, found)
    if double:
        problems.append(_problem(source, AMBIGUOUS, double))
    missing = sorted({metric.name for metric in source.metrics} - {one.name for one in found})
    if missing and text.texts:
        what = [f"there is no metric {name}" for name in missing]
        problems.append(_problem(source, MISSING, what))
    old_s = max(OLD_INTERVALS * source.interval_s, LEAST_OLD_S)
    if text.oldest is not None and now - text.oldest > old_s:
        told = f"its oldest file was written {now - text.oldest:.0f} s ago; whatever writes it may have stopped"
        problems.append(_problem(source, STALE, [told]))
        rows = {}
        complete = False
    measured = [
        Measured(component=name, values=row.values, taken=row.at or now)
        for name, row in rows.items()
        if name not in source.left_out
    ]
    return Result(source=source.id, step=step, rows=measured, complete=complete, problems=problems)


def failure(source: ScrapeSource, why: str, step: int) -> Result:
    """It could not be read at all."""
    problem = _problem(source, FAILED, [why], Severity.ERROR)
    return Result(source=source.id, step=step, complete=False, problems=[problem])


def _rows(source: ScrapeSource, found: Sequence[Found]) -> tuple[dict[str, _Row], list[str]]:
    """By component, and what cannot be told apart."""
    wanted: dict[str, list[Metric]] = {}
    for metric in source.metrics:
        wanted.setdefault(metric.name, []).append(metric)
    rows: dict[str, _Row] = {}
    double: list[str] = []
    for one in found:
        for metric in wanted[one.name]:
            if any(one.labels.get(label) != value for label, value in metric.labels):
                continue
            row = rows.setdefault(_component(source.name, one.labels), _Row())
            if metric.point in row.seen:
                if _labels(row.seen[metric.point]) != _labels(one):
                    row.values[metric.point] = None
                    double.append(_ambiguous(metric, row.seen[metric.point], one))
                continue
            row.seen[metric.point] = one
            row.values[metric.point] = one.value if math.isfinite(one.value) else None
            row.at = one.at or row.at
    return rows, double


def _component(name: str, labels: Mapping[str, str]) -> str:
    """The name of a metric's component; a label that is not there is empty."""
    return _LABEL.sub(lambda match: labels.get(match[1], ""), name).strip()


def _labels(one: Found) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(one.labels.items()))


def _ambiguous(metric: Metric, first: Found, other: Found) -> str:
    differing = sorted(
        label
        for label in first.labels.keys() | other.labels.keys()
        if first.labels.get(label) != other.labels.get(label)
    )
    return (
        f"point {metric.point} has several samples of {metric.name}, which differ in {', '.join(differing)[:200]}; "
        "say which with 'labels', or make them components with 'name'"
    )


def _problem(source: ScrapeSource, key: str, what: Sequence[str], severity: Severity = Severity.WARNING) -> Problem:
    told = list(dict.fromkeys(what))
    more = f", and {len(told) - MAX_TOLD} more" if len(told) > MAX_TOLD else ""
    summary = f"source {source.id}: {'; '.join(told[:MAX_TOLD])}{more}"
    return Problem(key=f"{key}:{source.id}", summary=summary[:500], severity=severity)
