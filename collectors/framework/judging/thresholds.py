"""One threshold and one value: is it violated, for how long, and is there anything to say (pure).

docs/process-rules.md has the rules. What is remembered of a threshold on one point is a `Watch`; a value and a watch
give the next watch, and a `Verdict` when there is something to say.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from collectors.framework.judging.trend import Outlook
from collectors.framework.judging.watches import CALM, Side, Watch, counted, counted_among, enough, right_among
from common.arithmetic import LARGEST
from common.events import Severity
from common.judged import Level, ThresholdConfig, ThresholdForm
from common.series import Number


class Likely(Struct, frozen=True):
    """Between which values, themselves included, a value is as expected."""

    low: float
    high: float


class Verdict(Struct, frozen=True):
    """What there is to say.

    Attributes:
        severity: `Severity.CLEAR` when it is over.
        value: None where that there is none is what there is to say.
        level: what is violated; None when nothing is.
        before: value before a change.
        outlook: of a trend.
        likely: of a baseline; None where it begins to learn anew.
    """

    severity: Severity
    value: Number | None
    level: Level | None = None
    side: Side = Side.NONE
    before: Number | None = None
    outlook: Outlook | None = None
    likely: Likely | None = None


Found = tuple[Level, Side, bool] | None
"""The level that is violated, and how; the last says whether outright, or only not yet left."""


def side_of(form: ThresholdForm, level: Level, value: Number) -> Side:
    """How a value violates a level; the bounds themselves are right."""
    low, high = level.minimum, level.maximum
    if form is ThresholdForm.BAND:
        inside = (low is None or value > low) and (high is None or value < high)
        return Side.BETWEEN if inside else Side.NONE
    if low is not None and value < low:
        return Side.UNDER
    return Side.OVER if high is not None and value > high else Side.NONE


def still(threshold: ThresholdConfig, level: Level, side: Side, value: Number) -> bool:
    """Whether a value that violated a level is not yet far enough back within it.

    Between two bounds nothing has to be further back than the middle, or it might never be over.
    """
    low, high, margin = level.minimum, level.maximum, threshold.hysteresis
    if not margin:
        return False
    if threshold.form is ThresholdForm.BAND:
        return (low is None or value > low - margin) and (high is None or value < high + margin)
    if low is not None and high is not None:
        margin = min(margin, max(0.0, high - low) / 2)
    if side is Side.UNDER:
        return low is not None and value < low + margin
    return high is not None and value > high - margin


def violated(threshold: ThresholdConfig, watch: Watch, value: Number) -> Found:
    """The most severe level that a value violates, or has not yet left; the last says whether it is violated outright.

    Only a level of the alarm that is open, or a lesser one, can be one that has not yet been left.
    """
    held = False
    for level in threshold.levels:
        side = side_of(threshold.form, level, value)
        if side is not Side.NONE:
            return level, side, True
        held = held or is_told(watch, level)
        if held and still(threshold, level, watch.side, value):
            return level, watch.side, False
    return None


def is_told(watch: Watch, level: Level) -> bool:
    """Whether the alarm that is open is of a level."""
    same = (watch.minimum, watch.maximum) == (level.minimum, level.maximum)
    return bool(watch.severity) and watch.side is not Side.NONE and same


def judge(
    threshold: ThresholdConfig, watch: Watch, value: Number | None, at: float, step: int
) -> tuple[Watch, Verdict | None]:
    """Judge one sample.

    An unknown value changes nothing. `at` is the epoch second of the sample, `step` that of its step; a violation is
    counted once in a step.
    """
    if value is None or not -LARGEST <= value <= LARGEST:
        return watch, None
    if threshold.form is ThresholdForm.CHANGE:
        return _changed(threshold, watch, value)
    return settled(threshold, watch, violated(threshold, watch, value), value, at, step)


def settled(
    threshold: ThresholdConfig, watch: Watch, found: Found, value: Number | None, at: float, step: int
) -> tuple[Watch, Verdict | None]:
    """What becomes of a watch, when it is known what is violated."""
    scans = threshold.scans
    if found is None:
        rest = CALM if isinstance(scans, int) else right_among(watch, scans, step)
        return rest, Verdict(Severity.CLEAR, value) if watch.severity and not rest.severity else None
    level, side, outright = found
    if outright:
        watch = counted(watch, at, step) if isinstance(scans, int) else counted_among(watch, scans, at, step)
    if not watch.severity and not _ripe(threshold, watch, at):
        return watch, None
    return _told(threshold, watch, Verdict(_severity(threshold, level, watch), value, level, side))


def _changed(threshold: ThresholdConfig, watch: Watch, value: Number) -> tuple[Watch, Verdict | None]:
    if watch.last == value:
        return watch, None
    level = threshold.levels[0]
    verdict = Verdict(level.severity, value, level, before=watch.last) if watch.last is not None else None
    return Watch(last=value), verdict


def _ripe(threshold: ThresholdConfig, watch: Watch, at: float) -> bool:
    scans = threshold.scans
    if not isinstance(scans, int):
        return enough(watch, scans)
    since = at if watch.since is None else watch.since
    return watch.violations >= scans and at - since >= threshold.for_s


def _severity(threshold: ThresholdConfig, level: Level, watch: Watch) -> Severity:
    worse = threshold.escalate_after is not None and watch.violations >= threshold.escalate_after
    return Severity(min(level.severity + worse, Severity.CRITICAL))


def _told(threshold: ThresholdConfig, watch: Watch, verdict: Verdict) -> tuple[Watch, Verdict | None]:
    """The watch of an open alarm; there is something to say only when it differs from what was said."""
    level = verdict.level
    assert level is not None
    said = (watch.severity, watch.minimum, watch.maximum, watch.side)
    if said == (verdict.severity, level.minimum, level.maximum, verdict.side):
        return watch, None
    told = msgspec.structs.replace(
        watch,
        severity=int(verdict.severity),
        event_class=threshold.event_class,
        minimum=level.minimum,
        maximum=level.maximum,
        side=verdict.side,
    )
    return told, verdict
