"""What of a reading can be taken: row by row, value by value (pure)."""

from __future__ import annotations

import math
from collections.abc import Collection

from msgspec import Struct, field
from msgspec.structs import replace

from collectors.framework.data.spool.intake import LARGEST, SMALLEST
from collectors.framework.sources.plans import SourcePlan
from collectors.framework.sources.results import Measured, Problem, Result
from common.components import MAX_NAME
from common.events import Event, Severity
from common.matching import printable
from common.series import Number, snap

MAX_COMPONENTS = 5_000
MAX_PROBLEMS = 200
MAX_EVENTS = 200
MAX_PAST_S = 86_400
"""A reading of a step before is no figure of this system any more."""
AHEAD_S = 60.0
"""So much a clock may be ahead that tells when something was read."""
MOST_TOLD = 3


class Sound(Struct):
    """What can be taken of a reading, and what cannot.

    Attributes:
        step: epoch second of its step; None where nothing of its rows can be taken.
        rows: by component.
        refused: what is left out, each a sentence; `left` counts them all.
    """

    step: int | None
    rows: dict[str, Measured] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    left: int = 0

    def refuse(self, sentence: str, count: int = 1) -> None:
        """Leave something out."""
        self.left += count
        if len(self.refused) < MOST_TOLD:
            self.refused.append(sentence)

    def words(self) -> str:
        """What is left out, in one sentence; empty where nothing is."""
        more = f"; and {self.left - len(self.refused)} more" if self.left > len(self.refused) else ""
        return "; ".join(self.refused) + more


def check(result: Result, plan: SourcePlan, known: Collection[str], device: str, now: float) -> Sound:
    """Look at a reading.

    Args:
        result: the reading.
        plan: of its source.
        known: components of the source that there are already.
        device: whose it is.
        now: epoch seconds.
    """
    sound = Sound(None)
    if wrong := _wrong_time(result.step, now):
        sound.refuse(wrong, max(1, len(result.rows)))
    else:
        sound.step = snap(result.step, plan.interval_s)
        _take_rows(result, plan, known, now, sound)
    for problem in result.problems[:MAX_PROBLEMS]:
        if problem.severity is not Severity.CLEAR:
            sound.problems.append(problem)
    if len(result.problems) > MAX_PROBLEMS:
        sound.refuse(f"of {len(result.problems)} problems {MAX_PROBLEMS} are told")
    for event in result.events[:MAX_EVENTS]:
        if event.device != device:
            sound.refuse(f"an event is about device {printable(event.device, 60)!r}, and not about {device}")
        else:
            at = event.at if math.isfinite(event.at) and 0 < event.at <= now + AHEAD_S else now
            sound.events.append(event if at == event.at else replace(event, at=at))
    if len(result.events) > MAX_EVENTS:
        sound.refuse(f"of {len(result.events)} events {MAX_EVENTS} are told", len(result.events) - MAX_EVENTS)
    return sound


def _wrong_time(at: object, now: float) -> str:
    if not isinstance(at, int | float) or not math.isfinite(at):
        return f"a reading of {at!r:.40}, which is no time"
    if at > now + AHEAD_S:
        return f"a reading of {at:.0f} is from the future: it is {now:.0f}; set the clock of whatever tells the time"
    if at < now - MAX_PAST_S:
        return f"a reading of {at:.0f} is {(now - at) / 3600:.0f} hours old, and at most {MAX_PAST_S // 3600} are taken"
    return ""


def _take_rows(result: Result, plan: SourcePlan, known: Collection[str], now: float, sound: Sound) -> None:
    fresh = 0
    for row in result.rows:
        name = row.component
        wrong = _wrong_name(name)
        if wrong:
            sound.refuse(wrong)
        elif name in plan.left_out:
            continue
        elif name in sound.rows:
            sound.refuse(f"component {name!r:.80} comes twice; the first one is taken")
        elif row.taken and (wrong := _wrong_time(row.taken, now)):
            sound.refuse(f"component {name!r:.80}: {wrong}")
        elif name not in known and len(known) + fresh >= MAX_COMPONENTS:
            sound.refuse(f"component {name!r:.80}: a source has at most {MAX_COMPONENTS} components")
        else:
            fresh += name not in known
            sound.rows[name] = _with_good_values(row, plan, sound)


def _wrong_name(name: object) -> str:
    if not isinstance(name, str):
        return f"component {name!r:.80}: its name is no text"
    if name.isprintable() and len(name) <= MAX_NAME:
        return ""
    if len(name) > MAX_NAME:
        return (
            f"component {printable(name, 40)!r}: its name has {len(name)} characters, and at most {MAX_NAME} are taken"
        )
    if any(ord(one) < 32 or 127 <= ord(one) < 160 for one in name):
        return f"component {name!r:.80}: its name has control characters"
    if any(0xD800 <= ord(one) < 0xE000 for one in name):
        return f"component {name!a:.80}: its name is no good UTF-8"
    return ""


def _with_good_values(row: Measured, plan: SourcePlan, sound: Sound) -> Measured:
    """The row without values that nothing can be made of."""
    values = row.values
    if values.keys() <= plan.names and all(map(_is_good, values.values())):
        return row
    good: dict[str, Number | None] = {}
    for point, value in values.items():
        what = f"point {point!r:.40} of {row.component or 'the device'}"
        if point not in plan.names:
            sound.refuse(f"{what}: source {plan.source} has no such point")
        elif not _is_good(value):
            sound.refuse(f"{what}: {value!r:.40} is no number that can be kept")
        else:
            good[point] = value
    return replace(row, values=good)


def _is_good(value: object) -> bool:
    if type(value) is float:
        return math.isfinite(value)
    if type(value) is int:
        return SMALLEST <= value <= LARGEST
    return value is None
