"""A threshold of the form trend and one sample: the window goes on, and is judged when there is more to see (pure)."""

from __future__ import annotations

import msgspec

from collectors.framework.judging.thresholds import Found, Verdict, is_told, settled
from collectors.framework.judging.trend import Outlook, Window, outlook
from collectors.framework.judging.watches import CALM, Side, Watch
from common.events import Severity
from common.judged import Level, ThresholdConfig
from common.series import Number

LEAST_SCANS = 24
"""A window is at least so many scans long, however short it was asked for."""


def window_s(threshold: ThresholdConfig, interval_s: int) -> float:
    """How long a value is looked at."""
    return float(max(threshold.window_s, LEAST_SCANS * interval_s))


def falls(threshold: ThresholdConfig) -> bool:
    """Whether it is the minimum that must not be reached."""
    return threshold.levels[0].maximum is None


def mistake(threshold: ThresholdConfig) -> str:
    """What keeps a trend from being judged; empty when nothing does."""
    if not threshold.within_s or not threshold.window_s:
        return "a trend needs within_s and window_s"
    if any((level.maximum is None) == (level.minimum is None) for level in threshold.levels):
        return "each level of a trend has a maximum or a minimum, and not both"
    if len({level.maximum is None for level in threshold.levels}) > 1:
        return "the levels of a trend are all of the maximum, or all of the minimum"
    return ""


def follow(
    threshold: ThresholdConfig,
    window: Window,
    watch: Watch,
    value: Number | None,
    born: float | None,
    at: float,
    step: int,
) -> tuple[Watch, Verdict | None]:
    """Take one sample.

    Args:
        threshold: of the form trend.
        window: goes on by the sample.
        watch: as the sample before has left it.
        value: None when it is unknown, which changes nothing.
        born: epoch second since when that is there which is measured; None when that is not known.
        at: epoch second of the sample.
        step: epoch second of its step.
    """
    if value is None:
        return watch, None
    sign = -1.0 if falls(threshold) else 1.0
    anew = born is not None and window.at > 0 and born > window.at
    if anew:
        window.begin_anew()
    complete = window.add(sign * value, at)
    if anew:
        return CALM, Verdict(Severity.CLEAR, value) if watch.severity else None
    seen = outlook(window, at) if complete else None
    if seen is None:
        return watch, None
    after, verdict = settled(threshold, watch, _found(threshold, watch, seen), value, at, step)
    return after, msgspec.structs.replace(verdict, outlook=seen) if verdict is not None else None


def _found(threshold: ThresholdConfig, watch: Watch, seen: Outlook) -> Found:
    """The most severe level whose bound is about to be reached."""
    side = Side.UNDER if falls(threshold) else Side.OVER
    held = False
    for level in threshold.levels:
        limit = bound_of(level)
        if seen.leaks(limit, threshold.within_s):
            return level, side, True
        held = held or is_told(watch, level)
        if held and seen.still_leaks(limit - threshold.hysteresis, threshold.within_s):
            return level, side, False
    return None


def bound_of(level: Level) -> float:
    """The bound of a level, the way up that windows are looked at."""
    if level.maximum is not None:
        return level.maximum
    return -level.minimum if level.minimum is not None else 0.0
