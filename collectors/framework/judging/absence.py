"""A threshold of the form absence and one scan: is the value there (pure; docs/process-rules.md has the rules).

Only scans that would have the value if there were one are counted: not those in which what is measured is not there,
which has an alarm of its own, and not the first one after a time in which nobody looked.
"""

from __future__ import annotations

import msgspec

from collectors.framework.judging.thresholds import Verdict, settled
from collectors.framework.judging.watches import Side, Watch
from common.judged import ThresholdConfig
from common.series import Number

LATE = 1.5
"""After more than so many intervals without a scan nobody has looked."""
PARTS_AT_RISK = 10
"""A crash loses at most so great a part of the time that a value has been missing for."""


def follow(
    threshold: ThresholdConfig, watch: Watch, value: Number | None, at: float, step: int, interval_s: int
) -> tuple[Watch, Verdict | None]:
    """Take one scan; `at` is its epoch second, `step` that of its step."""
    seen, since = watch.seen, watch.since
    if value is not None:
        if seen is not None:
            watch = msgspec.structs.replace(watch, seen=at)
        return settled(threshold, watch, None, value, at, step)
    watch = msgspec.structs.replace(watch, seen=at)
    if seen is not None and at - seen > LATE * interval_s:  # what passed meanwhile is no time without a value
        return msgspec.structs.replace(watch, since=None if since is None else since + at - seen), None
    return settled(threshold, watch, (threshold.levels[0], Side.NONE, True), value, at, step)


def is_worth_keeping(threshold: ThresholdConfig, before: Watch, after: Watch) -> bool:
    """Whether so much time has passed without the value that a crash would lose too much of it."""
    if after.since is None or before.seen is None or after.seen is None or after.severity:
        return False
    part_s = threshold.for_s / PARTS_AT_RISK
    return part_s > 0 and (before.seen - after.since) // part_s != (after.seen - after.since) // part_s
