"""Whether a value grows steadily, and when it will reach a limit (pure; docs/process-rules.md has the rules).

What is kept of a value is its lower envelope over a window: the least value of each of `BUCKETS` parts. A heap that is
filled and collected, and the spikes of a busy minute, leave it as it is; a leak lifts it. It is looked at in `BLOCKS`
blocks whenever a part is complete, never in each scan.

Four things tell a leak from what only looks like one. Its rise is spread over the window: by a t-test over the
differences from block to block, which a step fails always, and a random walk nearly always. It does not slow down: a
rise that does, as of a cache that warms up, is carried on as it slows. It goes beyond where the value has come back
from by itself within the last days, as a daily cycle does not. And it has come a good part of the way to the limit.

A value that falls towards a minimum is looked at upside down.
"""

from __future__ import annotations

import itertools
import math
import statistics
from array import array
from collections.abc import Sequence

from msgspec import Struct

BUCKETS = 60
BLOCKS = 12
PER_BLOCK = BUCKETS // BLOCKS
LEAST_BLOCKS = 9
"""So many of the blocks have to be known, the last ones among them."""
SURE, STILL = 6.0, 1.5
"""Student's t from which a rise is one, and under which it is none any more."""
LASTING = 0.35
"""At least this part of what the differences between blocks vary by is held to last; the rest may be noise."""
BEGUN = 1 / 3
"""A value that has not come this part of the way to a limit is no leak yet."""
BEYOND = 1.02
"""How far beyond what it came back from before a value has to be."""
BACK = 0.9
"""A value that falls below this part of its peak has come back from it."""
REMEMBERED_S = 8 * 86400
FAMILIAR_S = 86400
NEW = 1 / 6
"""Of a value that is known for less than a day, only what ends within this part of the time is told."""
SET_BACK = 2
"""By so many parts at most a clock may be set back."""
LONGEST = 3e38
"""What a 32-bit float holds, and a little less."""

_NONE = math.nan


class Window(Struct, omit_defaults=True):
    """What is remembered of a value.

    Attributes:
        length_s: of the window.
        last: number of the part that is being filled, in parts of the window since the epoch; `least` is of it.
        values: of the parts before, as 32-bit floats, the newest last; NaN for one without a value.
        at: epoch seconds of the last value.
        peak: of the blocks since the value came back last.
        back_from, back_at: from where it came back by itself, and when.
        since: epoch seconds of the first value; 0 for before this was kept.
    """

    length_s: float
    last: int = -1
    least: float = _NONE
    values: bytes = b""
    at: float = 0.0
    peak: float = -math.inf
    back_from: float = -math.inf
    back_at: float = 0.0
    since: float = 0.0

    @property
    def part_s(self) -> float:
        """How long a part is."""
        return self.length_s / BUCKETS

    def add(self, value: float, at: float) -> bool:
        """Take a value; True when a part is complete, so that the window is worth a look."""
        if not -LONGEST < value < LONGEST:
            return False
        if not self.at:
            self.since = at
        self.at = at
        number = int(at // self.part_s)
        ahead = number - self.last
        if self.last >= 0 and -SET_BACK <= ahead <= 0:  # a clock that was put right a little loses nothing
            self.least = min(self.least, value)
            return False
        begun, self.last = self.last, number
        done, self.least = self.least, value
        if begun < 0 or not 0 < ahead < BUCKETS:  # the first value, a long gap, or a clock that was set
            self.values = b""
            return False
        kept = array("f", self.values)
        kept.append(done)
        kept.extend([_NONE] * (ahead - 1))
        self.values = kept[-BUCKETS:].tobytes()
        self._remember(blocks_of(kept[-PER_BLOCK:])[-1], at)
        return True

    def begin_anew(self) -> None:
        """What was measured is another thing now; what it came back from is all that still counts."""
        self.last, self.least, self.values, self.peak = -1, _NONE, b"", -math.inf

    def _remember(self, value: float, at: float) -> None:
        """Note where the value came back from."""
        if math.isnan(value):
            return
        if value > self.peak:
            self.peak = value
        elif value < self.peak - (1 - BACK) * abs(self.peak):
            if self.peak >= self.back_from or at - self.back_at > REMEMBERED_S:
                self.back_from, self.back_at = self.peak, at
            self.peak = value


class Outlook(Struct, frozen=True):
    """Where a value goes.

    Attributes:
        value: where it is now, by the last blocks.
        per_s: how much it grows in each second now.
        slows: by which factor it grows less in each `half_s`; 1 when it does not slow down.
        half_s: half the time that is known.
        t: Student's t of the rise.
        ceiling: where it came back from by itself before.
        known_s: how long the value is known.
    """

    value: float
    per_s: float
    slows: float
    half_s: float
    t: float
    ceiling: float = -math.inf
    known_s: float = math.inf

    def reaches_in_s(self, limit: float) -> float:
        """How long until it reaches a limit; infinite when it never does."""
        missing = limit - self.value
        if missing <= 0:
            return 0.0
        if self.per_s <= 0:
            return math.inf
        if self.slows >= 1:
            return missing / self.per_s
        # What is added in the halves to come shrinks by the same factor: a geometric row.
        rate = -math.log(self.slows) / self.half_s
        left = 1 - missing * rate / self.per_s
        return -math.log(left) / rate if left > 0 else math.inf

    def leaks(self, limit: float, within_s: float) -> bool:
        """Whether it is sure to grow, and reaches a limit so soon."""
        begun = limit <= 0 or self.value >= BEGUN * limit
        beyond = self.ceiling == -math.inf or self.value > self.ceiling + (BEYOND - 1) * abs(self.ceiling)
        soon = within_s if self.known_s >= FAMILIAR_S else within_s * NEW
        return begun and beyond and self.t >= SURE and self.reaches_in_s(limit) <= soon

    def still_leaks(self, limit: float, within_s: float) -> bool:
        """The same of what was known to leak, so that it does not come and go."""
        return self.t >= STILL and self.per_s > 0 and limit - self.value <= 2 * within_s * self.per_s


def outlook(window: Window, now: float) -> Outlook | None:
    """What a window tells; None when it holds too little."""
    blocks = blocks_of(array("f", window.values))
    known = [(number, value) for number, value in enumerate(blocks) if not math.isnan(value)]
    if len(known) < LEAST_BLOCKS or math.isnan(blocks[-1]):
        return None
    block_s = window.length_s / BLOCKS
    steps = [(after - before) / (j - i) for (i, before), (j, after) in itertools.pairwise(known)]
    slope = _theil_sen(known)
    half = len(known) // 2
    early, late = _theil_sen(known[: half + 1]), _theil_sen(known[half:])
    slows = min(1.0, max(late / early, 1e-3)) if early > 0 and late > 0 else 1e-3 if late <= 0 else 1.0
    recent = min(slope, late * math.sqrt(slows)) if slows < 1 else slope
    first, last = known[0][0], known[-1][0]
    value = statistics.median(value + slope * (last - number) for number, value in known[-3:])
    remembered = now - window.back_at <= REMEMBERED_S
    return Outlook(
        value=value,
        per_s=recent / block_s,
        slows=slows,
        half_s=(last - first) / 2 * block_s,
        t=_student(steps),
        ceiling=window.back_from if remembered else -math.inf,
        known_s=now - window.since,
    )


def blocks_of(values: Sequence[float]) -> list[float]:
    """The least known value of each block, the newest last; NaN for one of which none is known."""
    blocks: list[float] = []
    for end in range(len(values), 0, -PER_BLOCK):
        known = [value for value in values[max(0, end - PER_BLOCK) : end] if not math.isnan(value)]
        blocks.append(min(known) if known else _NONE)
    blocks.reverse()
    return blocks


def _theil_sen(known: Sequence[tuple[int, float]]) -> float:
    """The median slope of all pairs, which no few outliers move."""
    return statistics.median(
        (after - before) / (j - i) for place, (i, before) in enumerate(known) for j, after in known[place + 1 :]
    )


def _student(steps: Sequence[float]) -> float:
    """Student's t of the mean of some differences; of those that are all the same, more than any limit.

    Noise in a value makes its next difference go back as far, and does not add up; what a random walk does, does.
    So the variance is that of the long run (Newey and West, one lag).
    """
    mean = statistics.fmean(steps)
    spread = statistics.stdev(steps, mean)
    if spread <= 1e-6 * abs(mean):
        return math.inf if mean > 0 else -math.inf if mean < 0 else 0.0
    away = [step - mean for step in steps]
    beside = sum(one * other for one, other in itertools.pairwise(away)) / (len(steps) - 1)
    lasting = max(spread**2 + 2 * beside, LASTING * spread**2)
    return mean * math.sqrt(len(steps) / lasting)
