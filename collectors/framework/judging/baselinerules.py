"""A threshold of the form baseline and one part of a season (pure; docs/process-rules.md has the rules)."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from collectors.framework.judging.baselines import Look
from collectors.framework.judging.thresholds import Found, Likely, Verdict, settled
from collectors.framework.judging.watches import CALM, Side, Watch
from common.events import Severity
from common.judged import BaselineConfig, BaselineSide, ThresholdConfig
from common.series import finite


class Part(Struct, frozen=True):
    """One part of a season; `begun` is the epoch second at which learning began."""

    look: Look
    begun: int


def mistake(threshold: ThresholdConfig) -> str:
    """What keeps a baseline from being judged; empty when nothing does."""
    return "" if threshold.baseline is not None else "a baseline needs to know what is unlikely"


def follow(threshold: ThresholdConfig, watch: Watch, part: Part) -> tuple[Watch, Verdict | None]:
    """Take one part; what is unknown changes nothing. `watch` is as the part before has left it."""
    look = part.look
    rule, value = threshold.baseline, finite(look.value)
    assert rule is not None
    if value is None:
        return watch, None
    if look.at - part.begun < rule.learn_s:  # it has begun anew
        return CALM, Verdict(Severity.CLEAR, value) if watch.severity else None
    likely = likely_of(rule, look)
    if likely is None:
        return watch, None
    after, verdict = settled(threshold, watch, _found(threshold, rule, watch, likely, value), value, look.at, look.at)
    return after, msgspec.structs.replace(verdict, likely=likely) if verdict is not None else None


def likely_of(rule: BaselineConfig, look: Look) -> Likely | None:
    """Between which values a part is as expected; None when that is not known."""
    expected, spread = finite(look.expected), finite(look.spread)
    if expected is None or spread is None:
        return None
    margin = max(rule.width * spread, rule.least, rule.least_percent / 100 * abs(expected))
    return Likely(expected - margin, expected + margin)


def _found(threshold: ThresholdConfig, rule: BaselineConfig, watch: Watch, likely: Likely, value: float) -> Found:
    level = threshold.levels[0]
    if value > likely.high and rule.side is not BaselineSide.UNDER:
        return level, Side.OVER, True
    if value < likely.low and rule.side is not BaselineSide.OVER:
        return level, Side.UNDER, True
    margin = min(threshold.hysteresis, (likely.high - likely.low) / 2)
    over = watch.side is Side.OVER and value > likely.high - margin
    under = watch.side is Side.UNDER and value < likely.low + margin
    return (level, watch.side, False) if watch.severity and margin and (over or under) else None
