"""What is said of thresholds: events and lines (pure)."""

from __future__ import annotations

import math

from msgspec import Struct

from collectors.framework.judging.baselines import baseline_of
from collectors.framework.judging.thresholds import Verdict, violated
from collectors.framework.judging.trend import Outlook
from collectors.framework.judging.trendrules import bound_of
from collectors.framework.judging.watches import Side, Watch, violations
from common.arithmetic import LARGEST
from common.events import Detail, Event, Severity
from common.judged import Level, ThresholdConfig, ThresholdForm
from common.quantities import apart, quantity
from common.series import Baseline, Number

GROUP = "Threshold"
KEY_PREFIX = "threshold:"


class Rule(Struct, frozen=True):
    """A threshold on one point.

    Attributes:
        unit: of the values that it judges; of a counter, per second.
        key: the event key of its alarms.
        baseline: what is learned for it, where it judges that.
        floor: what values never lie below.
        calm_from, calm_to: what lies between violates nothing, and leaves what violated nothing as it is.
    """

    threshold: ThresholdConfig
    point: str
    unit: str
    key: str
    calm_from: float = math.inf
    calm_to: float = -math.inf
    baseline: Baseline | None = None
    floor: float | None = None

    @property
    def of_absence(self) -> bool:
        """Whether it is a value that is not there which violates it."""
        return self.threshold.form is ThresholdForm.ABSENCE


def rule_of(threshold: ThresholdConfig, point: str, unit: str, floor: float | None = None) -> Rule:
    """The rule of a threshold on one of its points; `floor` is what its values never lie below."""
    key = f"{KEY_PREFIX}{threshold.id}:{point}"[:512]
    if threshold.form is ThresholdForm.BASELINE:
        return Rule(threshold, point, unit, key, baseline=baseline_of(threshold, point), floor=floor)
    if threshold.form is ThresholdForm.ABSENCE:
        return Rule(threshold, point, unit, key, -math.inf, math.inf)
    if threshold.form is not ThresholdForm.LIMIT:
        return Rule(threshold, point, unit, key)
    calm_from = max((level.minimum for level in threshold.levels if level.minimum is not None), default=-LARGEST)
    calm_to = min((level.maximum for level in threshold.levels if level.maximum is not None), default=LARGEST)
    return Rule(threshold, point, unit, key, max(calm_from, -LARGEST), min(calm_to, LARGEST))


def verdict_event(device: str, component: str, rule: Rule, watch: Watch, verdict: Verdict, at: float) -> Event:
    """The event that tells a verdict; `watch` is as the verdict left it."""
    what = _of(rule.point, component)
    value = verdict.value
    if value is None:
        text = f"{what} has no value{_lasting(rule, watch, at)}"
    elif verdict.severity is Severity.CLEAR and rule.threshold.form is ThresholdForm.TREND:
        text = f"{what} is {quantity(value, rule.unit)}, {_calm(verdict.outlook, rule)}"
    elif verdict.severity is Severity.CLEAR and rule.of_absence:
        text = f"{what} has a value again: {quantity(value, rule.unit)}"
    elif rule.baseline is not None:
        lasting = _lasting(rule, watch, at) if verdict.severity else ""
        text = f"{what} is {_likeliness(rule, verdict, value)}{lasting}"
    elif verdict.severity is Severity.CLEAR:
        text = f"{what} is {quantity(value, rule.unit)} again"
    elif verdict.before is not None:
        before, now = apart(verdict.before, value, rule.unit)
        text = f"{what} changed from {before} to {now}"
    elif verdict.outlook is not None and verdict.level is not None:
        text = f"{what} is {_growth(rule, verdict.level, verdict.outlook, value)}{_lasting(rule, watch, at)}"
    else:
        text = f"{what} is {_condition(rule, verdict.level, verdict.side, value)}{_lasting(rule, watch, at)}"
    return Event(
        device=device,
        component=component[:512],
        event_class=rule.threshold.event_class,
        event_key=rule.key,
        severity=verdict.severity,
        summary=text[:512],
        at=at,
        group=GROUP,
        details=_details(rule, watch, verdict) | _trend_details(verdict, at) | _likely_details(verdict),
    )


def end_event(device: str, component: str, key: str, watch: Watch, why: str, at: float) -> Event:
    """The event that closes an alarm whatever the value is."""
    point = key.rpartition(":")[2]
    return Event(
        device=device,
        component=component[:512],
        event_class=watch.event_class,
        event_key=key,
        severity=Severity.CLEAR,
        summary=f"{_of(point, component)} is judged no more: {why}"[:512],
        at=at,
        group=GROUP,
    )


def violation_line(
    component: str, rule: Rule, watch: Watch, value: Number | None, outlook: Outlook | None = None
) -> str:
    """How a threshold stands that is violated, for people at a terminal."""
    if rule.threshold.form is ThresholdForm.TREND:
        return _trend_line(component, rule, watch, value, outlook)
    if rule.baseline is not None:
        severity, state = _standing(rule, watch)
        return f"{severity} {_of(rule.point, component)} is not as expected ({rule.threshold.id}: {state})"
    if rule.of_absence:
        severity, state = _standing(rule, watch)
        return f"{severity} {_of(rule.point, component)} has no value ({rule.threshold.id}: {state})"
    found = violated(rule.threshold, watch, value) if value is not None else None
    if found is None or value is None:
        severity, what = Severity(watch.severity).label if watch.severity else "not yet", "unknown"
    else:
        severity, what = found[0].severity.label, _condition(rule, found[0], found[1], value)
    state = _standing(rule, watch)[1]
    return f"{severity} {_of(rule.point, component)} is {what} ({rule.threshold.id}: {state})"


def _of(point: str, component: str) -> str:
    """Which point it is; the device itself goes without saying."""
    return f"{point} of {component}" if component else point


def _likeliness(rule: Rule, verdict: Verdict, value: Number) -> str:
    """What a value is, and what was expected."""
    now, likely = quantity(value, rule.unit), verdict.likely
    if likely is None:
        return f"{now}, and what is likely of it is learned anew"
    low = likely.low if rule.floor is None else max(likely.low, rule.floor)
    band = f"{quantity(low, rule.unit)} to {quantity(likely.high, rule.unit)}"
    if verdict.severity is Severity.CLEAR:
        return f"{now}, as expected again ({band})"
    return f"{now}, expected {band} at this time"


def _likely_details(verdict: Verdict) -> dict[str, Detail]:
    likely = verdict.likely
    return {} if likely is None else {"expected_low": likely.low, "expected_high": likely.high}


def _standing(rule: Rule, watch: Watch) -> tuple[str, str]:
    """The severity of the alarm that is open, and how far a violation has come towards one."""
    if watch.severity:
        return Severity(watch.severity).label, "alarm"
    scans = rule.threshold.scans
    if isinstance(scans, int):
        return "not yet", f"no alarm yet, {watch.violations} of {scans} scans"
    return "not yet", f"no alarm yet, {violations(watch, scans)} of the last {scans.of} scans, of {scans.needed} needed"


def _condition(rule: Rule, level: Level | None, side: Side, value: Number) -> str:
    assert level is not None
    low, high = level.minimum, level.maximum
    if side is Side.BETWEEN or rule.threshold.form is ThresholdForm.BAND:
        return f"{quantity(value, rule.unit)}, {_band(low, high, rule.unit)}"
    bound = low if side is Side.UNDER else high
    text, limit = apart(value, bound if bound is not None else value, rule.unit)
    if (side is Side.UNDER and value < (bound or 0)) or (side is Side.OVER and value > (bound or 0)):
        return f"{text}, {side.value} the limit of {limit}"
    return f"{text}, not yet clear of the limit of {limit}"


def _trend_line(component: str, rule: Rule, watch: Watch, value: Number | None, outlook: Outlook | None) -> str:
    bounds = (watch.minimum, watch.maximum)
    levels = rule.threshold.levels
    level = next((one for one in levels if (one.minimum, one.maximum) == bounds), levels[-1])
    what = "unknown" if value is None or outlook is None else _growth(rule, level, outlook, value)
    severity, state = (Severity(watch.severity).label, "alarm") if watch.severity else ("not yet", "no alarm yet")
    return f"{severity} {_of(rule.point, component)} is {what} ({rule.threshold.id}: {state})"


def _growth(rule: Rule, level: Level, outlook: Outlook, value: Number) -> str:
    """Where a value is, how fast it goes, and when it will be at its limit."""
    limit = level.minimum if level.maximum is None else level.maximum
    verb = "falls" if level.maximum is None else "grows"
    pace = f"{quantity(value, rule.unit)}, {verb} by {quantity(outlook.per_s * 3600, rule.unit)}/h"
    bound = f"the limit of {quantity(limit or 0, rule.unit)}"
    left_s = outlook.reaches_in_s(bound_of(level))
    if left_s <= 0:
        return f"{pace} and is beyond {bound}"
    return f"{pace} and reaches {bound} {_about(left_s)}"


def _about(left_s: float) -> str:
    return f"in about {quantity(left_s, 's', 2)}" if left_s < math.inf else "after all"


def _calm(outlook: Outlook | None, rule: Rule) -> str:
    if outlook is None:
        return "and begins anew"
    bound = "minimum" if rule.threshold.levels[0].maximum is None else "maximum"
    return f"and not on the way to the {bound} any more"


def _trend_details(verdict: Verdict, at: float) -> dict[str, Detail]:
    outlook, level = verdict.outlook, verdict.level
    if outlook is None or level is None:
        return {}
    left_s = outlook.reaches_in_s(bound_of(level))
    sign = -1.0 if level.maximum is None else 1.0
    return {"per_hour": sign * outlook.per_s * 3600, "reached_at": at + left_s if left_s < math.inf else None}


def _band(low: Number | None, high: Number | None, unit: str) -> str:
    if low is not None and high is not None:
        return f"between {quantity(low, unit)} and {quantity(high, unit)}, where it must not be"
    bound = f"over {quantity(low, unit)}" if low is not None else f"under {quantity(high or 0, unit)}"
    return f"{bound}, where it must not be"


def _lasting(rule: Rule, watch: Watch, at: float) -> str:
    """For how long, where the threshold asks for that."""
    threshold = rule.threshold
    parts: list[str] = []
    if not isinstance(threshold.scans, int):
        what = "scans" if rule.baseline is None else "parts"
        parts.append(f"{violations(watch, threshold.scans)} of the last {threshold.scans.of} {what}")
    elif threshold.scans > 1 or (threshold.escalate_after or 0) > 1:
        parts += [f"{watch.violations} scans"] if watch.violations > 1 else []
    if threshold.for_s and watch.since is not None:
        parts.append(quantity(round(at - watch.since), "s"))
    return f" (for {', '.join(parts)})" if parts else ""


def _details(rule: Rule, watch: Watch, verdict: Verdict) -> dict[str, Detail]:
    level = verdict.level
    return {
        "threshold": rule.threshold.id,
        "point": rule.point,
        "value": verdict.value,
        "minimum": level.minimum if level is not None else None,
        "maximum": level.maximum if level is not None else None,
        "level": level.severity.label if level is not None else None,
        "since": watch.since,
    }
