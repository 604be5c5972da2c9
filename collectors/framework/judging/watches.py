"""What is remembered of a threshold on one point, and how violations are counted (pure)."""

from __future__ import annotations

import enum

import msgspec
from msgspec import Struct

from common.judged import ScansOf
from common.series import Number


class Side(enum.Enum):
    """How a value lies to the bounds that it violates."""

    NONE = ""
    UNDER = "under"
    OVER = "over"
    BETWEEN = "between"


class Watch(Struct, frozen=True, omit_defaults=True):
    """What is remembered of a threshold on one point.

    Attributes:
        violations: in a row; where some of the last scans count, all since the first of these.
        step: epoch second of the step of the last one that was counted.
        since: epoch seconds of the first one; None when there is none.
        severity: of the alarm that is open at the hub; 0 for none.
        event_class: of that alarm.
        minimum, maximum, side: what that alarm says is violated.
        last: value of the sample before, for a change.
        recent: of a threshold that some of the last scans count for: a bit for each of these, the newest the lowest,
            set where it violated; `step` is that of the newest.
        seen: epoch seconds of the last scan that was judged, for an absence.
    """

    violations: int = 0
    step: int = 0
    since: float | None = None
    severity: int = 0
    event_class: str = ""
    minimum: float | None = None
    maximum: float | None = None
    side: Side = Side.NONE
    last: Number | None = None
    recent: int = 0
    seen: float | None = None


CALM = Watch()
"""Nothing is wrong; it need not be remembered."""


def counted(watch: Watch, at: float, step: int) -> Watch:
    """The watch with one violation more, unless one of this step is in it already."""
    if watch.violations and watch.step == step:
        return watch
    since = at if watch.since is None else min(watch.since, at)
    return msgspec.structs.replace(watch, violations=watch.violations + 1, step=step, since=since)


def resumed(watch: Watch, step: int, interval_s: int) -> Watch:
    """The watch of what is not told yet, without the time since its last violation of which nothing is known."""
    unknown_s = step - watch.step - interval_s
    if watch.since is None or watch.severity or unknown_s <= interval_s / 2:
        return watch
    return msgspec.structs.replace(watch, since=watch.since + unknown_s)


def counted_among(watch: Watch, scans: ScansOf, at: float, step: int) -> Watch:
    """The watch with one more violation among the last scans; in a step that had a scan it takes the place of that."""
    if watch.step == step and watch.recent & 1:
        return watch
    recent = watch.recent | 1 if watch.step == step and watch.recent else _next(watch, scans) | 1
    since = at if watch.since is None else min(watch.since, at)
    return msgspec.structs.replace(watch, violations=watch.violations + 1, step=step, since=since, recent=recent)


def right_among(watch: Watch, scans: ScansOf, step: int) -> Watch:
    """The watch with one more scan that was right; nothing is open any more when too few of the last ones violate."""
    if watch.step != step:
        watch = msgspec.structs.replace(watch, step=step, recent=_next(watch, scans))
    if watch.severity and enough(watch, scans):
        return watch
    if not watch.recent:
        return CALM
    if not watch.severity:
        return watch
    return msgspec.structs.replace(silent(watch), violations=violations(watch, scans), since=None)


def enough(watch: Watch, scans: ScansOf) -> bool:
    """Whether enough of the last scans violate."""
    return violations(watch, scans) >= scans.needed


def silent(watch: Watch) -> Watch:
    """The same, with no alarm open."""
    return msgspec.structs.replace(watch, severity=0, event_class="", minimum=None, maximum=None, side=Side.NONE)


def violations(watch: Watch, scans: ScansOf) -> int:
    """How many of the last scans violate."""
    return (watch.recent & (1 << scans.of) - 1).bit_count()


def _next(watch: Watch, scans: ScansOf) -> int:
    return watch.recent << 1 & (1 << scans.of) - 1
